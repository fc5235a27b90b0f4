/* dropout - y = x with some elements dropped and the others scaled */
#include "functions.h"
#include "mask.h"

INLINE void dropout_rows(el_tensor y, el_tensor x, el_dropout dropout, const el_type type)
{
    mask m;
    mask_start(&m, dropout, x.cols);
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j += WIDTH)
            vstore_upto(
                y.data, type, i * y.stride + j, x.cols - j,
                mask_apply(&m, (uint64_t)i, j, vload_upto(x.data, type, i * x.stride + j, x.cols - j)));
}

void EL_KERNEL(dropout)(el_tensor y, el_tensor x, el_dropout dropout)
{
    if (x.type == EL_BF16)
        dropout_rows(y, x, dropout, EL_BF16);
    else
        dropout_rows(y, x, dropout, EL_F32);
}
