/* level - the kernels of an instruction-set level */
#ifndef EL_OPS_LEVEL_H
#define EL_OPS_LEVEL_H

#include "ops/cpu/kernels/kernels.h"

/* The table of a level by name, or of the best that the processor has (NULL); NULL for an unknown name. */
const el_kernels *el_level_kernels(const char *level);

#endif
