/* functions - what the sources of this folder give to the table of their level */
#ifndef EL_OPS_KERNELS_FUNCTIONS_H
#define EL_OPS_KERNELS_FUNCTIONS_H

#include "kernels.h"

#define EL_KERNEL_OF(result, name, parameters) result EL_KERNEL(name) parameters;
#include "ops/cpu/kernels/kernels.def"
#undef EL_KERNEL_OF

#endif
