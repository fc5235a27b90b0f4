/* profile - a queue that measures another one
 *
 * Every op goes to the inner queue and is counted by what it is and by its shape: calls, seconds, operations and
 * bytes.  Results are the inner queue's, bit for bit.  Memory and copies to and from the host are passed on
 * uncounted, so what a program spends outside ops is the time that no line has.
 *
 *   operations   multiply-adds times two of products, as the definition has them: what a backward computes again
 *                does not count.  0 for ops that are no products.
 *   bytes        of the tensors that are read and written, each once, those that are added to twice
 */
#ifndef EL_OPS_PROFILE_H
#define EL_OPS_PROFILE_H

#include "ops/queue.h"

typedef struct {
    const char *op; /* its name in el_queue */
    int width,
        inputs; /* products: of y and x (of attention: y, and 0); other ops on activations: the width, and
                          0; ops on parameters: 0 and 0 */
    int64_t calls;
    double seconds, flops, bytes;
} el_profile_line;

/* The inner queue is borrowed: it outlives this one, whose close() leaves it open.  What it reserves meanwhile
 * stays its own. */
el_status el_queue_profile(el_queue **q, el_queue *inner);

/* The lines of a queue made above, in the order of their first calls; valid until it is closed. */
int el_profile_lines(const el_queue *q, const el_profile_line **lines);

/* Counts and times become zero; the lines stay in their places. */
void el_profile_reset(el_queue *q);

#endif
