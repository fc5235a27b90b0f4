/* batch - a step's sequences, unpadded
 *
 * Sequence s is the rows starts[s] ... starts[s + 1) of ids, segments and positions.  A sequence is what
 * attends to itself: an example, or one document's part of a packed example where attention stays within
 * documents (positions then begin at 0 again).
 *
 * A row attends to all rows of its sequence, or, where the batch is limited, to the first limits[row] of them: rows may stand
 * in any order, and positions tell their places, so that a prefix is enough.
 */
#ifndef EL_DATA_BATCH_H
#define EL_DATA_BATCH_H

#include <stdbool.h>

#include "base/error.h"

enum { EL_BATCH_ROWS = 1 << 30 }; /* at most, so that growing by half stays an int */

typedef struct {
    int rows, sequences;
    int *ids, *segments, *positions; /* rows of them */
    int *starts;                     /* sequences + 1 */
    int *numbers;                    /* of sequences: where an objective's targets lie; -1: nowhere else */
    bool limited;
    int *limits; /* where limited: of rows, how many of its sequence's each sees */
    int row_capacity, sequence_capacity;
} el_batch;

/* Room for so many rows and sequences, keeping what is there; free with el_batch_release. */
el_status el_batch_reserve(el_batch *batch, int rows, int sequences);
void el_batch_release(el_batch *batch);
void el_batch_clear(el_batch *batch);

/* Adds one sequence: `second` is where segment 1 begins (count where there is none).  Positions from 0.
 * EL_EUSAGE where it would be more than EL_BATCH_ROWS. */
el_status el_batch_add(el_batch *batch, const int *ids, int count, int second);

/* Limits the batch so that each row sees itself and those before it. */
void el_batch_limit(el_batch *batch);

/* The same sequences without limits, each from its last row to its first where `backwards`. */
el_status el_batch_copy(el_batch *to, const el_batch *from, bool backwards);

/* Length of the longest sequence. */
int el_batch_longest(const el_batch *batch);

#endif
