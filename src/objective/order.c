/* order - see the header */
#include "objective/order.h"

#include <string.h>

int el_order_rows(int rows)
{
    return rows + rows / EL_ORDER_SHARE + 1;
}

/* Adds a row; `from`: the row of `batch` that it stands for. */
static void put_row(el_batch *ordered, const el_batch *batch, int from, int id, int limit)
{
    const int row = ordered->rows++;
    ordered->ids[row] = id;
    ordered->segments[row] = batch->segments[from];
    ordered->positions[row] = batch->positions[from];
    ordered->limits[row] = limit;
}

static bool is_target(const int *targets, int count, int row)
{
    for (int i = 0; i < count; i++)
        if (targets[i] == row)
            return true;
    return false;
}

static void put_sequence(el_batch *ordered, el_corruption *asked, const el_batch *batch, int first, int last,
                         const int *targets, int count, int query)
{
    const int ordinary = last - first - count;
    for (int row = first; row < last; row++)
        if (!is_target(targets, count, row))
            put_row(ordered, batch, row, batch->ids[row], ordinary);
    for (int r = 0; r < count; r++)
        put_row(ordered, batch, targets[r], batch->ids[targets[r]], ordinary + r + 1);
    for (int r = 0; r < count; r++) {
        asked->rows[asked->count] = ordered->rows;
        asked->targets[asked->count] = batch->ids[targets[r]];
        asked->shown[asked->count++] = query;
        put_row(ordered, batch, targets[r], query, ordinary + r);
    }
}

el_status el_order_make(el_batch *ordered, el_corruption *asked, const el_batch *batch,
                        const el_corruption *targets, int query)
{
    const int rows = batch->rows + targets->count;
    el_batch_clear(ordered);
    el_status st = el_batch_reserve(ordered, rows, batch->sequences);
    if (!st)
        st = el_corruption_reserve(asked, rows, batch->sequences);
    if (st)
        return st;
    asked->count = asked->starts[0] = ordered->starts[0] = 0;
    for (int s = 0; s < batch->sequences; s++) {
        const int first = targets->starts[s];
        put_sequence(ordered, asked, batch, batch->starts[s], batch->starts[s + 1], targets->rows + first,
                     targets->starts[s + 1] - first, query);
        ordered->numbers[s] = batch->numbers[s];
        ordered->starts[s + 1] = ordered->rows;
        asked->starts[s + 1] = asked->count;
    }
    ordered->sequences = batch->sequences;
    ordered->limited = true;
    return EL_OK;
}
