/* feed - part of a batch on the device, as an encoder reads it */
#include "train/feed.h"

#include <assert.h>
#include <stdlib.h>

void el_feed_layout(el_feed *feed, el_arena *arena, int rows)
{
    feed->room = rows;
    int **ints[] = {&feed->ids, &feed->segments, &feed->positions, &feed->starts, &feed->limits};
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        *ints[i] = el_arena_ints(arena, rows + 1);
}

el_status el_feed_open(el_feed *feed, int rows)
{
    feed->host_starts = malloc(((size_t)rows + 1) * sizeof *feed->host_starts);
    return feed->host_starts ? EL_OK : el_fail(EL_ENOMEM, "no memory for a batch of %d rows", rows);
}

void el_feed_close(el_feed *feed)
{
    free(feed->host_starts);
    *feed = (el_feed){0};
}

static void send(el_queue *q, int *to, const int *from, int count)
{
    q->send(q, to, from, (size_t)count * sizeof *to);
}

el_input el_feed_send(el_feed *feed, el_queue *q, const el_batch *batch, int first, int last, bool training,
                      el_random random)
{
    const int first_row = batch->starts[first], rows = batch->starts[last] - first_row;
    assert(rows <= feed->room && last - first <= feed->room);
    el_layout layout = {.starts = feed->starts, .sequences = last - first};
    for (int s = first; s < last; s++) {
        const int n = batch->starts[s + 1] - batch->starts[s];
        layout.longest = n > layout.longest ? n : layout.longest;
        layout.pairs += batch->limited ? 0 : (double)n * n;
    }
    for (int row = first_row; batch->limited && row < first_row + rows; row++)
        layout.pairs += batch->limits[row];
    for (int s = first; s <= last; s++)
        feed->host_starts[s - first] = batch->starts[s] - first_row;
    send(q, feed->starts, feed->host_starts, last - first + 1);
    send(q, feed->segments, batch->segments + first_row, rows);
    send(q, feed->positions, batch->positions + first_row, rows);
    if (batch->limited) {
        send(q, feed->limits, batch->limits + first_row, rows);
        layout.limits = feed->limits;
    }
    return (el_input){.rows = rows,
                      .ids = feed->ids,
                      .segments = feed->segments,
                      .positions = feed->positions,
                      .layout = layout,
                      .training = training,
                      .random = random,
                      .first_row = (uint64_t)first_row};
}

void el_feed_send_ids(el_feed *feed, el_queue *q, const int *ids, int rows)
{
    send(q, feed->ids, ids, rows);
}
