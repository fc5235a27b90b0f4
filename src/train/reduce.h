/* reduce - the gradients of all ranks summed, what is ready of them while the backward goes on
 *
 * Exchanging gradients behind the backward lets processors wait for the network, and then the network for processors.  A
 * network's backward goes from the last layer down, and what it leaves behind is not touched again: in the last range of a
 * batch those gradients can be on their way while the layers below are worked on.  Word tables come last.
 *
 * The region of gradients is cut into parts, in the order in which they become ready: layers, from the last of the first
 * network down, small ones together, and then all the rest.  Every rank has the same parts, by the model alone, so that ranks
 * exchange the same things in the same order however far each of them is.  A sum of numbers does not depend on what is summed
 * beside them: parts have the bits of the whole.
 *
 * A helper does it meanwhile.  MPI moves nothing by itself: the helper looks after its messages and sleeps in between, since
 * the processors are at work.
 */
#ifndef EL_TRAIN_REDUCE_H
#define EL_TRAIN_REDUCE_H

#include "base/helper.h"
#include "dist/gpus.h"
#include "train/objective.h"

/* Rows of the region of gradients.  `net` and `layer`: it is ready when the backward has left this layer; else at the end. */
typedef struct {
    const el_network *net;
    int layer, first, count;
} el_reduce_part;

typedef struct {
    el_dist *dist;
    el_model *model;
    el_reduce_part *parts;
    int count;
    atomic_int ready;   /* parts given so far */
    int done;           /* and summed */
    el_dist_gpus *gpus; /* gradients go from GPU to GPU; NULL: by way of the host, */
    float *region;      /* which reaches them here: their own memory, or a copy of it */
    float *room;
    el_helper *helper; /* NULL: one rank, nothing to exchange */
} el_reduce;

el_status el_reduce_open(el_reduce *reduce, el_dist *dist, const el_objective *objective);
void el_reduce_close(el_reduce *reduce); /* accepts a zeroed one */

/* Once it is open on all ranks: GPUs of one machine find each other, and exchange without their hosts from here on. */
void el_reduce_connect(el_reduce *reduce);

/* How many parts are ready when the backward of a network has left a layer. */
int el_reduce_ready(const el_reduce *reduce, const el_encoder_weights *gradients, int layer);

/* The first so many parts are as this rank will have them: returns at once, and they are left alone from now on. */
void el_reduce_give(el_reduce *reduce, int parts);

/* All are: on return they are the sums of all ranks.  What fails is the device; every rank comes here. */
el_status el_reduce_finish(el_reduce *reduce);

#endif
