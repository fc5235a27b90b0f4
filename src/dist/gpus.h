/* gpus - the sum of dist.h where every rank has a GPU of one machine: numbers go from GPU to GPU
 *
 * Ranks talk by MPI in the memory of their hosts as ever; only what is summed goes by NCCL.  It has the bits of
 * el_dist_sum(): the same tree, added by the device's own `add`.
 */
#ifndef EL_DIST_GPUS_H
#define EL_DIST_GPUS_H

#include "dist/dist.h"
#include "ops/queue.h"

typedef struct el_dist_gpus el_dist_gpus;

/* NULL on all ranks where one of them has no such GPU, or NCCL cannot be had: rank 0 says in one line why, and sums go by way
 * of the host.  Regions have `rows` rows at most. */
el_dist_gpus *el_dist_gpus_open(el_dist *dist, el_device *dev, int rows);
void el_dist_gpus_close(el_dist_gpus *gpus); /* accepts NULL */

/* The sum of a region, F32 and in rows of EL_ALIGNMENT bytes, in memory of the device that no queue is at work on.  On return
 * it is there; a failure is that of all ranks, and nothing can be summed any more. */
el_status el_dist_gpus_sum(el_dist_gpus *gpus, el_tensor region);

#endif
