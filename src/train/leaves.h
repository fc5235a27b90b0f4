/* leaves - a batch's gradient as a sum along a fixed binary tree, worked on by one process or by several
 *
 * With L leaves, a power of two, leaf k is the sequences [k B / L, (k + 1) B / L) of a batch of B.  Its gradient begins at
 * zero, and its ranges at its first sequence; leaves are added as ((0 + 1) + (2 + 3)) + ...  Of R ranks, a power of two up to
 * L, rank r has the leaves [r L / R, (r + 1) L / R): a subtree.  So the sum has the same bits for every R.  One leaf is the
 * whole batch, range after range.
 *
 * A rank adds its leaves like a binary counter: log2(L / R) sums wait for their neighbours.
 */
#ifndef EL_TRAIN_LEAVES_H
#define EL_TRAIN_LEAVES_H

#include "dist/dist.h"
#include "train/objective.h"
#include "train/reduce.h"

enum { EL_MOST_LEAVES = 1024 };

typedef struct {
    el_dist *dist;
    el_objective *objective;
    int leaves; /* of a batch */
    el_arena arena;
    el_tensor waiting[11]; /* sums of 1, 2, 4, ... leaves that wait for their neighbours */
    el_reduce reduce;
    int given; /* its parts, in this step */
    el_ledger ledger;
} el_leaves;

/* EL_EUSAGE where the objective, the leaves and the ranks do not fit each other, naming what would. */
el_status el_leaves_check(const el_objective *objective, int leaves, int ranks);

el_status el_leaves_open(el_leaves *leaves, el_dist *dist, el_objective *objective, int count);
void el_leaves_close(el_leaves *leaves); /* accepts a zeroed one */

/* After begin(): the gradient of the whole batch and its figures, on every rank.  `before`: what failed or stopped on this
 * rank beforehand, in which case it only says so.  A failure or a stop is that of all ranks.  What comes after it,
 * el_objective_count() or el_objective_abandon(), is the caller's. */
el_status el_leaves_run(el_leaves *leaves, const el_batch *batch, el_interrupt interrupt, el_status before);

/* Rank 0's weights, and its moments too, to all ranks. */
el_status el_model_share(el_model *model, el_dist *dist);

#endif
