/* feed - part of a batch on the device, as an encoder reads it
 *
 * The host has the batch; of a range of its sequences, ids, segments, positions, starts and limits go over to memory that a feed
 * keeps on the device, and an el_input says where.  Ids go alone, because two networks may read different ones.
 */
#ifndef EL_TRAIN_FEED_H
#define EL_TRAIN_FEED_H

#include "data/batch.h"
#include "model/encoder.h"

typedef struct {
    int *ids, *segments, *positions, *starts, *limits; /* on the device */
    int *host_starts;                                  /* on the heap */
    int room;                                          /* rows */
} el_feed;

/* Room for `rows` rows; laid out twice, as arenas are. */
void el_feed_layout(el_feed *feed, el_arena *arena, int rows);
el_status el_feed_open(el_feed *feed, int rows); /* the host's part */
void el_feed_close(el_feed *feed);               /* accepts a zeroed one */

/* Sequences [first, last), all but their ids.  The stream of `random` is left to whoever runs a network. */
el_input el_feed_send(el_feed *feed, el_queue *q, const el_batch *batch, int first, int last, bool training,
                      el_random random);
void el_feed_send_ids(el_feed *feed, el_queue *q, const int *ids, int rows);

#endif
