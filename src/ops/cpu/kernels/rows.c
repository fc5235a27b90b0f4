/* rows - rows picked from tables and put back: embeddings and gathering */
#include "functions.h"
#include "vector.h"

void EL_KERNEL(embed)(el_tensor y, const el_tensor *tables, const int *const *indices, int count, int first)
{
    for (int i = 0; i < y.rows; i++)
        for (int j = 0; j < y.cols; j += WIDTH) {
            const int left = y.cols - j;
            vf sum = {0};
            for (int k = 0; k < count; k++)
                sum += vload_upto(tables[k].data, EL_F32, indices[k][first + i] * tables[k].stride + j, left);
            vstore_upto(y.data, y.type, i * y.stride + j, left, sum);
        }
}

void EL_KERNEL(gather)(el_tensor y, el_tensor x, const int *rows)
{
    for (int i = 0; i < y.rows; i++)
        memcpy(el_piece_at(y, i, 0), el_piece_at(x, rows[i], 0),
               (size_t)y.cols * (y.type == EL_BF16 ? 2 : 4));
}

void EL_KERNEL(scatter)(el_tensor y, el_tensor x, const int *rows)
{
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j += WIDTH) {
            const int left = x.cols - j;
            const int64_t at = rows[i] * y.stride + j;
            vstore_upto(y.data, y.type, at, left,
                        vload_upto(y.data, y.type, at, left) +
                            vload_upto(x.data, x.type, i * x.stride + j, left));
        }
}
