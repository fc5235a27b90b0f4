/* dropout - y = x with some elements dropped and the others scaled */
#include "functions.h"
#include "mask.h"

enum { TOGETHER = 8 }; /* rows whose bits are made at once */

INLINE void dropout_rows(el_tensor y, el_tensor x, el_dropout dropout, const el_type type)
{
    const mask m = mask_of(dropout, x.cols);
    uint16_t bits[mask_rows_groups(&m, TOGETHER)];
    for (int i = 0; i < x.rows; i++) {
        if (i % TOGETHER == 0)
            mask_fill_rows(&m, (uint64_t)i, x.rows - i < TOGETHER ? x.rows - i : TOGETHER, bits);
        const uint16_t *const keep = mask_row(&m, bits, (uint64_t)(i - i % TOGETHER), i % TOGETHER);
        for (int j = 0; j < x.cols; j += WIDTH)
            vstore_upto(y.data, type, i * y.stride + j, x.cols - j,
                        mask_drop(&m, keep, j, vload_upto(x.data, type, i * x.stride + j, x.cols - j)));
    }
}

void EL_KERNEL(dropout)(el_tensor y, el_tensor x, el_dropout dropout)
{
    if (x.type == EL_BF16)
        dropout_rows(y, x, dropout, EL_BF16);
    else
        dropout_rows(y, x, dropout, EL_F32);
}
