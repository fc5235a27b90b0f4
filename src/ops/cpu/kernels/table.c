/* table - the kernels of one level */
#include "functions.h"
#include "tile.h"

#define NAME_(level) #level
#define NAME(level) NAME_(level)

const el_kernels EL_KERNEL(kernels) = {
    .level = NAME(EL_LEVEL),
    .block_rows = BLOCK_ROWS,
    .panel = PANEL,
    .pairs = PAIRS,
    .copy = EL_KERNEL(copy),
    .add = EL_KERNEL(add),
    .gelu_forward = EL_KERNEL(gelu_forward),
    .gelu_backward = EL_KERNEL(gelu_backward),
    .dropout = EL_KERNEL(dropout),
    .norm_forward = EL_KERNEL(norm_forward),
    .norm_backward = EL_KERNEL(norm_backward),
    .column_sums = EL_KERNEL(column_sums),
    .embed = EL_KERNEL(embed),
    .gather = EL_KERNEL(gather),
    .scatter = EL_KERNEL(scatter),
    .attention_scratch = EL_KERNEL(attention_scratch),
    .attention_forward = EL_KERNEL(attention_forward),
    .attention_backward = EL_KERNEL(attention_backward),
    .softmax_loss = EL_KERNEL(softmax_loss),
    .logistic_loss = EL_KERNEL(logistic_loss),
    .squared_loss = EL_KERNEL(squared_loss),
    .sum_squares = EL_KERNEL(sum_squares),
    .adamw = EL_KERNEL(adamw),
    .packed_bytes = EL_KERNEL(packed_bytes),
    .pack = EL_KERNEL(pack),
    .product_scratch = EL_KERNEL(product_scratch),
    .product = EL_KERNEL(product),
    .product_weight = EL_KERNEL(product_weight),
    .multiply_adds = EL_KERNEL(multiply_adds),
};
