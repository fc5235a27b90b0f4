/* norm - layer normalisation of rows, with or without x + dropout(branch) before it
 *
 *   h = (x - mean) * rstd        y = h * gamma + beta
 *   g = dy * gamma               dx = rstd * (g - mean(g) - h * mean(g h))        dgamma += dy h   dbeta +=
 * dy
 *
 * The variance is that of the differences, in a pass of its own.  What is normalised is what was stored, so
 * that the backward, which reads it again, is the backward of what was done.
 */
#include <math.h>

#include "functions.h"
#include "mask.h"

/* Rows that take each pass before the next begins: a row's sums are then not waited for. */
enum { TOGETHER = 8 };

/* sum = x + dropout(branch), one row */
INLINE void residual_row(el_tensor sum, el_tensor x, el_tensor branch, int i, const mask *m,
                         const uint16_t *keep, const el_type type)
{
    for (int j = 0; j < x.cols; j += WIDTH) {
        const int left = x.cols - j;
        const vf b = vload_upto(branch.data, type, i * branch.stride + j, left);
        vstore_upto(sum.data, type, i * sum.stride + j, left,
                    vload_upto(x.data, type, i * x.stride + j, left) + mask_drop(m, keep, j, b));
    }
}

INLINE float mean_of(el_tensor x, int i, const el_type type)
{
    vf sum = {0};
    for (int j = 0; j < x.cols; j += WIDTH)
        sum += vload_upto(x.data, type, i * x.stride + j, x.cols - j);
    return vsum(sum) / (float)x.cols;
}

INLINE float rstd_of(el_tensor x, int i, float mean, double epsilon, const el_type type)
{
    vf squares = {0};
    int j = 0;
    for (; j + WIDTH <= x.cols; j += WIDTH) {
        const vf difference = vload(x.data, type, i * x.stride + j) - mean;
        squares += difference * difference;
    }
    if (j < x.cols) {
        const vf difference = vload_part(x.data, type, i * x.stride + j, x.cols - j) - mean;
        squares += vfirst(x.cols - j, difference * difference, (vf){0});
    }
    return (float)(1 / sqrt((double)vsum(squares) / x.cols + epsilon));
}

INLINE void normal_row(el_tensor y, el_tensor x, int i, float mean, float rstd, const float *gamma,
                       const float *beta, const el_type type)
{
    for (int j = 0; j < x.cols; j += WIDTH) {
        const int left = x.cols - j;
        const vf h = (vload_upto(x.data, type, i * x.stride + j, left) - mean) * rstd;
        vstore_upto(y.data, type, i * y.stride + j, left,
                    h * vload_upto(gamma, EL_F32, j, left) + vload_upto(beta, EL_F32, j, left));
    }
}

INLINE void forward(el_tensor y, el_tensor sum, el_tensor stats, el_tensor x, el_tensor branch,
                    el_tensor gamma, el_tensor beta, double epsilon, el_dropout dropout, const el_type type)
{
    const bool drops = dropout.rate > 0;
    const mask m = mask_of(dropout, x.cols);
    uint16_t bits[mask_rows_groups(&m, TOGETHER)];
    const el_tensor normed = branch.data ? sum : x;
    for (int first = 0; first < x.rows; first += TOGETHER) {
        const int end = x.rows - first < TOGETHER ? x.rows : first + TOGETHER;
        float mean[TOGETHER], rstd[TOGETHER];
        if (drops)
            mask_fill_rows(&m, (uint64_t)first, end - first, bits);
        for (int i = first; i < end; i++) {
            const uint16_t *const keep = drops ? mask_row(&m, bits, (uint64_t)first, i - first) : NULL;
            if (branch.data)
                residual_row(sum, x, branch, i, &m, keep, type);
            mean[i - first] = mean_of(normed, i, type);
        }
        for (int i = first; i < end; i++)
            rstd[i - first] = rstd_of(normed, i, mean[i - first], epsilon, type);
        for (int i = first; i < end; i++) {
            float *const row_stats = el_piece_at(stats, i, 0);
            row_stats[0] = mean[i - first];
            row_stats[1] = rstd[i - first];
            normal_row(y, normed, i, row_stats[0], row_stats[1], gamma.data, beta.data, type);
        }
    }
}

void EL_KERNEL(norm_forward)(el_tensor y, el_tensor sum, el_tensor stats, el_tensor x, el_tensor branch,
                             el_tensor gamma, el_tensor beta, double epsilon, el_dropout dropout)
{
    if (x.type == EL_BF16)
        forward(y, sum, stats, x, branch, gamma, beta, epsilon, dropout, EL_BF16);
    else
        forward(y, sum, stats, x, branch, gamma, beta, epsilon, dropout, EL_F32);
}

/* Adds a row to dgamma and dbeta, and tells the means of g and g h. */
INLINE void means(float *dgamma, float *dbeta, el_tensor dy, el_tensor x, int i, float mean, float rstd,
                  const float *gamma, float *mean_g, float *mean_gh, const el_type type)
{
    vf sum_g = {0}, sum_gh = {0};
    for (int j = 0; j < x.cols; j += WIDTH) {
        const int left = x.cols - j;
        const vf d =
            vload_upto(dy.data, type, i * dy.stride + j, left); /* zero beyond the end, and so are all sums */
        const vf h = (vload_upto(x.data, type, i * x.stride + j, left) - mean) * rstd;
        const vf g = d * vload_upto(gamma, EL_F32, j, left);
        sum_g += g;
        sum_gh += g * h;
        vstore_upto(dgamma, EL_F32, j, left, vload_upto(dgamma, EL_F32, j, left) + d * h);
        vstore_upto(dbeta, EL_F32, j, left, vload_upto(dbeta, EL_F32, j, left) + d);
    }
    *mean_g = vsum(sum_g) / (float)x.cols;
    *mean_gh = vsum(sum_gh) / (float)x.cols;
}

/* dx and dbranch, one row */
INLINE void gradient_row(el_tensor dx, el_tensor dbranch, el_tensor dy, el_tensor x, int i, float mean,
                         float rstd, const float *gamma, float mean_g, float mean_gh, const mask *m,
                         const uint16_t *keep, const el_type type)
{
    for (int j = 0; j < x.cols; j += WIDTH) {
        const int left = x.cols - j;
        const vf h = (vload_upto(x.data, type, i * x.stride + j, left) - mean) * rstd;
        const vf g = vload_upto(dy.data, type, i * dy.stride + j, left) * vload_upto(gamma, EL_F32, j, left);
        const vf d = (g - mean_g - h * mean_gh) * rstd;
        vstore_upto(dx.data, type, i * dx.stride + j, left, d);
        if (dbranch.data)
            vstore_upto(dbranch.data, type, i * dbranch.stride + j, left, mask_drop(m, keep, j, d));
    }
}

INLINE void backward(el_tensor dx, el_tensor dbranch, float *sums, el_tensor dy, el_tensor x, el_tensor stats,
                     el_tensor gamma, el_dropout dropout, const el_type type)
{
    const bool drops = dropout.rate > 0;
    const mask m = mask_of(dropout, x.cols);
    uint16_t bits[mask_rows_groups(&m, TOGETHER)];
    for (int first = 0; first < x.rows; first += TOGETHER) {
        const int end = x.rows - first < TOGETHER ? x.rows : first + TOGETHER;
        if (drops)
            mask_fill_rows(&m, (uint64_t)first, end - first, bits);
        for (int i = first; i < end; i++) {
            const uint16_t *const keep = drops ? mask_row(&m, bits, (uint64_t)first, i - first) : NULL;
            const float *const row_stats = el_piece_at(stats, i, 0), mean = row_stats[0], rstd = row_stats[1];
            float mean_g, mean_gh;
            means(sums, sums + x.cols, dy, x, i, mean, rstd, gamma.data, &mean_g, &mean_gh, type);
            gradient_row(dx, dbranch, dy, x, i, mean, rstd, gamma.data, mean_g, mean_gh, &m, keep, type);
        }
    }
}

void EL_KERNEL(norm_backward)(el_tensor dx, el_tensor dbranch, float *sums, el_tensor dy, el_tensor x,
                              el_tensor stats, el_tensor gamma, el_dropout dropout)
{
    if (x.type == EL_BF16)
        backward(dx, dbranch, sums, dy, x, stats, gamma, dropout, EL_BF16);
    else
        backward(dx, dbranch, sums, dy, x, stats, gamma, dropout, EL_F32);
}

void EL_KERNEL(column_sums)(float *sums, el_tensor x)
{
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j += WIDTH) {
            const int left = x.cols - j;
            vstore_upto(sums, EL_F32, j, left,
                        vload_upto(sums, EL_F32, j, left) +
                            vload_upto(x.data, x.type, i * x.stride + j, left));
        }
}
