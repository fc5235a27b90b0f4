/* memory - arenas on a device
 *
 * An el_arena (base/arena.h) whose memory comes from a device, and tensors pushed on it.
 */
#ifndef EL_MODEL_MEMORY_H
#define EL_MODEL_MEMORY_H

#include "base/arena.h"
#include "ops/queue.h"

/* Takes device memory for what was measured and starts again at its beginning. */
el_status el_device_reserve(el_device *dev, el_arena *arena);
void el_device_release(el_device *dev, el_arena *arena);

/* Lays an arena out twice: to measure what it needs, and in the device memory that is then taken. */
el_status el_device_lay_out(el_device *dev, el_arena *arena, el_status (*lay_out)(void *context),
                            void *context);

el_tensor el_arena_tensor(el_arena *arena, el_type type, int rows, int cols);
/* Of a width that nobody chose for products: rows begin where the device (row_bytes) reads them fastest.  What stands between
 * them is nothing. */
el_tensor el_arena_rows(el_arena *arena, el_type type, int rows, int cols);
int *el_arena_ints(el_arena *arena, int count);

/* A tensor's elements as rows * cols floats on the host, without gaps, and back.  What fails is memory, or
 * the queue. */
el_status el_tensor_read(el_queue *q, el_tensor t, float *values);
el_status el_tensor_write(el_queue *q, el_tensor t, const float *values);

#endif
