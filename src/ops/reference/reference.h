/* reference - the ops of the reference device, by name, for its table
 *
 * ops/ops.def says what each does; nothing outside src/ops includes this.
 */
#ifndef EL_OPS_REFERENCE_H
#define EL_OPS_REFERENCE_H

#include "ops/queue.h"

/* Of any device whose memory is the host's, taken with aligned_alloc. */
void el_ref_release(el_device *dev, void *memory);
void el_ref_send(el_queue *q, void *device, const void *host, size_t bytes);
void el_ref_fetch(el_queue *q, void *host, const void *device, size_t bytes);
el_status el_ref_wait(el_queue *q);

#define EL_OP(result, name, parameters, ...) result el_ref_##name parameters;
#include "ops/ops.def"
#undef EL_OP

#endif
