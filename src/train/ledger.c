/* ledger - see the header */
#include "train/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

void el_ledger_release(el_ledger *t)
{
    free(t->bytes);
    *t = (el_ledger){0};
}

void el_ledger_put(el_ledger *t, const void *data, size_t bytes)
{
    if (!t->status && !el_grow(&t->bytes, &t->room, t->count + bytes, 1))
        t->status = el_fail(EL_ENOMEM, "no memory for %zu bytes of figures", t->count + bytes);
    if (t->status || !bytes)
        return;
    memcpy(t->bytes + t->count, data, bytes);
    t->count += bytes;
}

const void *el_ledger_get(el_ledger *t, size_t bytes)
{
    assert(t->adding && t->count - t->at >= bytes && "what was put is got again");
    const char *const place = t->bytes + t->at;
    t->at += bytes;
    return place;
}

void el_ledger_sum(el_ledger *t, double *sum)
{
    double taken;
    if (t->adding) {
        memcpy(&taken, el_ledger_get(t, sizeof taken), sizeof taken);
        *sum += taken;
    } else {
        el_ledger_put(t, sum, sizeof *sum);
        *sum = 0;
    }
}

void el_ledger_count(el_ledger *t, int64_t *count)
{
    int64_t taken;
    if (t->adding) {
        memcpy(&taken, el_ledger_get(t, sizeof taken), sizeof taken);
        *count += taken;
    } else {
        el_ledger_put(t, count, sizeof *count);
        *count = 0;
    }
}
