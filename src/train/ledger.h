/* ledger - what an objective has counted since reset(), taken out of it, and added to it again
 *
 * Parts of a batch that are counted apart, because they are other leaves of its gradient (leaves.h) or another process's,
 * come to the same figures as if one process had counted them in their order.  An objective lists its sums and counts once:
 *
 *     static void ledger(el_objective *self, el_ledger *t)
 *     {
 *         mlm *m = (mlm *)self;
 *         el_ledger_sum(t, &m->loss);
 *         el_ledger_count(t, &m->slots);
 *     }
 *
 * and that list takes them out, leaving zero, or adds what was taken out.
 */
#ifndef EL_TRAIN_LEDGER_H
#define EL_TRAIN_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    bool adding;
    char *bytes; /* on the heap */
    size_t count, room;
    size_t at; /* what was added so far */
    el_status status;
} el_ledger;

void el_ledger_release(el_ledger *ledger);

void el_ledger_sum(el_ledger *ledger, double *sum);
void el_ledger_count(el_ledger *ledger, int64_t *count);

/* For lists: bytes that are put, and what they were when `adding`; the place lasts until the next put. */
void el_ledger_put(el_ledger *ledger, const void *data, size_t bytes);
const void *el_ledger_get(el_ledger *ledger, size_t bytes);

#endif
