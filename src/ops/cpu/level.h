/* level - the kernels of an instruction-set level, and how fast they are */
#ifndef EL_OPS_LEVEL_H
#define EL_OPS_LEVEL_H

#include "base/pool.h"
#include "ops/cpu.h"
#include "ops/cpu/kernels/kernels.h"

/* The table of a level by name, or of the best that the processor has (NULL); NULL for an unknown name. */
const el_kernels *el_level_kernels(const char *level);

/* Whether bf16 products run faster than float ones: known of tiles and of AMD's processors, else by a measurement of a few
 * milliseconds (the instruction's presence does not tell). */
bool el_kernels_bf16_is_faster(const el_kernels *kernels);

/* Operations a second (multiply-adds times two) that `threads` threads of a pool reach on products of a type. */
double el_kernels_peak(const el_kernels *kernels, el_type type, el_pool *pool, int threads);

#endif
