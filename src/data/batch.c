/* batch - a step's sequences, unpadded */
#include "data/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool grow(int **values, size_t count)
{
    int *const grown = realloc(*values, count * sizeof **values);
    if (grown)
        *values = grown;
    return grown;
}

el_status el_batch_reserve(el_batch *batch, int rows, int sequences)
{
    if (!batch->starts || sequences > batch->sequence_capacity) {
        if (!grow(&batch->starts, (size_t)sequences + 1) || !grow(&batch->numbers, (size_t)sequences + 1))
            return el_fail(EL_ENOMEM, "no memory for a batch of %d sequences", sequences);
        if (!batch->sequences)
            batch->starts[0] = 0;
        batch->sequence_capacity = sequences;
    }
    if (rows > batch->row_capacity) {
        if (!grow(&batch->ids, rows) || !grow(&batch->segments, rows) || !grow(&batch->positions, rows) ||
            !grow(&batch->limits, rows))
            return el_fail(EL_ENOMEM, "no memory for a batch of %d rows", rows);
        batch->row_capacity = rows;
    }
    return EL_OK;
}

void el_batch_release(el_batch *batch)
{
    free(batch->ids);
    free(batch->segments);
    free(batch->positions);
    free(batch->limits);
    free(batch->starts);
    free(batch->numbers);
    memset(batch, 0, sizeof *batch);
}

void el_batch_clear(el_batch *batch)
{
    batch->rows = batch->sequences = 0;
    batch->limited = false;
}

static int more(int wanted, int capacity)
{
    return wanted <= capacity                 ? capacity
           : wanted > capacity + capacity / 2 ? wanted
                                              : capacity + capacity / 2;
}

el_status el_batch_add(el_batch *batch, const int *ids, int count, int second)
{
    assert(count >= 0 && second >= 0 && second <= count);
    if (count > EL_BATCH_ROWS - batch->rows)
        return el_fail(EL_EUSAGE, "a batch has more than %d tokens; a smaller one is needed", EL_BATCH_ROWS);
    const el_status st = el_batch_reserve(batch, more(batch->rows + count, batch->row_capacity),
                                          more(batch->sequences + 1, batch->sequence_capacity));
    if (st)
        return st;
    const int row = batch->rows;
    if (count)
        memcpy(batch->ids + row, ids, (size_t)count * sizeof *ids);
    for (int i = 0; i < count; i++) {
        batch->segments[row + i] = i >= second;
        batch->positions[row + i] = i;
    }
    batch->starts[batch->sequences] = row;
    batch->numbers[batch->sequences] = -1;
    batch->rows = row + count;
    batch->starts[++batch->sequences] = batch->rows;
    return EL_OK;
}

void el_batch_limit(el_batch *batch)
{
    batch->limited = true;
    for (int s = 0; s < batch->sequences; s++)
        for (int row = batch->starts[s]; row < batch->starts[s + 1]; row++)
            batch->limits[row] = row - batch->starts[s] + 1;
}

/* Row `to` is the copy of row `from`. */
static void copy_row(el_batch *copy, int to, const el_batch *batch, int from)
{
    copy->ids[to] = batch->ids[from];
    copy->segments[to] = batch->segments[from];
    copy->positions[to] = batch->positions[from];
}

el_status el_batch_copy(el_batch *to, const el_batch *from, bool backwards)
{
    el_batch_clear(to);
    const el_status st = el_batch_reserve(to, from->rows, from->sequences);
    if (st)
        return st;
    to->rows = from->rows;
    to->sequences = from->sequences;
    memcpy(to->starts, from->starts, ((size_t)from->sequences + 1) * sizeof *to->starts);
    memcpy(to->numbers, from->numbers, (size_t)from->sequences * sizeof *to->numbers);
    for (int s = 0; s < from->sequences; s++) {
        const int first = from->starts[s], last = from->starts[s + 1] - 1;
        for (int row = first; row <= last; row++)
            copy_row(to, row, from, backwards ? first + last - row : row);
    }
    return EL_OK;
}

int el_batch_longest(const el_batch *batch)
{
    int longest = 0;
    for (int s = 0; s < batch->sequences; s++) {
        const int length = batch->starts[s + 1] - batch->starts[s];
        longest = length > longest ? length : longest;
    }
    return longest;
}
