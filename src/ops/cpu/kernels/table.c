/* table - the kernels of one level */
#include "functions.h"
#include "panel.h"

#define NAME_(level) #level
#define NAME(level) NAME_(level)

const el_kernels EL_KERNEL(kernels) = {
    .level = NAME(EL_LEVEL),
    .block_rows = BLOCK_ROWS,
    .narrow_rows = AMX ? AMX_BLOCK : BLOCK_ROWS,
    .panel = PANEL,
    .pairs = PAIRS,
#define EL_KERNEL_OF(result, name, parameters) .name = EL_KERNEL(name),
#include "ops/cpu/kernels/kernels.def"
#undef EL_KERNEL_OF
};
