/* order - sequences in the order in which a permutation language model predicts (Yang et al., 2019)
 *
 * Some tokens of a sequence are targets, in an order of their own: its factorisation order.  The rows of the sequence become
 *
 *   the ordinary tokens, as they stand, which see each other alone
 *   the targets, in their order: that of rank r sees the ordinary tokens, the targets before it, and itself
 *   a query row a target, with its position and segment but not its token: that of rank r sees what its target sees, less the
 *   target
 *
 * Query rows stand last and within nobody's limits, so that one pass of an ordinary encoder is both streams of two-stream
 * attention.  The slots are the query rows, and their targets the tokens.
 */
#ifndef EL_OBJECTIVE_ORDER_H
#define EL_OBJECTIVE_ORDER_H

#include "objective/corruption.h"

enum { EL_ORDER_SHARE = 6 }; /* one token of so many is a target: what the paper found best */

/* Rows that sequences of `rows` tokens may become. */
int el_order_rows(int rows);

/* `targets`: those of the batch, each sequence's in the order in which they are predicted.  `query`: the id that query rows
 * show. */
el_status el_order_make(el_batch *ordered, el_corruption *asked, const el_batch *batch,
                        const el_corruption *targets, int query);

#endif
