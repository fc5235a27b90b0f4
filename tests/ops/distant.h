/* distant - a device for tests whose memory the host may not touch, as a GPU's
 *
 * It runs another device's ops.  Its addresses are of protected pages: the host that reads or writes them faults.  Ops and
 * copies find the same memory elsewhere.  A pointer given to an op must be memory of the device: an assertion.  What was fetched
 * is there after wait(), and garbage before.  Waits are counted.
 *
 * One queue of it works at a time.
 */
#ifndef EL_TESTS_DISTANT_H
#define EL_TESTS_DISTANT_H

#include "ops/queue.h"

/* Over the ops of a level, "reference" among them; el_queue_close ends queue and device. */
el_queue *distant_open(int threads, const char *level);

/* How often wait() was called since the queue was opened. */
int distant_waits(const el_queue *q);

/* An element of any device's tensor, by copies. */
double distant_get(el_queue *q, el_tensor t, int row, int col);
void distant_set(el_queue *q, el_tensor t, int row, int col, double value);

#endif
