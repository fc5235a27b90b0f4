/* elementwise - y = x, y = a + b, y = gelu(x): each number by itself
 *
 *   gelu(x) = x Phi(x)        slope = Phi(x) + x phi(x)        dx = dy * slope
 *
 *   Phi(-z) = q(t) e^(-z^2 / 2) with t = 1 / (1 + c z), z >= 0: Abramowitz and Stegun 7.1.26, within 1e-7
 *   phi(x) = e^(-x^2 / 2) / sqrt(2 pi): the same exponential serves both
 */
#include "functions.h"
#include "vector.h"

INLINE void copy_rows(el_tensor y, el_tensor x, const el_type to, const el_type from)
{
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j += WIDTH)
            vstore_upto(y.data, to, i * y.stride + j, x.cols - j,
                        vload_upto(x.data, from, i * x.stride + j, x.cols - j));
}

void EL_KERNEL(copy)(el_tensor y, el_tensor x)
{
    if (y.type == EL_BF16 && x.type == EL_BF16)
        copy_rows(y, x, EL_BF16, EL_BF16);
    else if (y.type == EL_BF16)
        copy_rows(y, x, EL_BF16, EL_F32);
    else if (x.type == EL_BF16)
        copy_rows(y, x, EL_F32, EL_BF16);
    else
        copy_rows(y, x, EL_F32, EL_F32);
}

INLINE void add_rows(el_tensor y, el_tensor a, el_tensor b, const el_type type)
{
    for (int i = 0; i < y.rows; i++)
        for (int j = 0; j < y.cols; j += WIDTH)
            vstore_upto(y.data, type, i * y.stride + j, y.cols - j,
                        vload_upto(a.data, type, i * a.stride + j, y.cols - j) +
                            vload_upto(b.data, type, i * b.stride + j, y.cols - j));
}

void EL_KERNEL(add)(el_tensor y, el_tensor a, el_tensor b)
{
    if (y.type == EL_BF16)
        add_rows(y, a, b, EL_BF16);
    else
        add_rows(y, a, b, EL_F32);
}

INLINE vf gelu(vf x, vf *slope)
{
    const vf z = vabs(x), e = vexp(x * x * -0.5f);
    const vf t = vinverse(z * 0.2316418882f + 1.0f);
    vf q = t * 0.5307027145f - 0.7265760135f;
    q = q * t + 0.7107068705f;
    q = q * t - 0.142248368f;
    q = q * t + 0.127414796f;
    const vf tail = q * t * e;
    const vf phi = vselect(x < 0, tail, 1.0f - tail);
    *slope = phi + x * e * 0.3989422804f;
    return x * phi;
}

INLINE void gelu_rows(el_tensor y, el_tensor slope, el_tensor x, const el_type type)
{
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j += WIDTH) {
            vf derivative;
            const vf value = gelu(vload_upto(x.data, type, i * x.stride + j, x.cols - j), &derivative);
            vstore_upto(y.data, type, i * y.stride + j, x.cols - j, value);
            if (slope.data)
                vstore_upto(slope.data, type, i * slope.stride + j, x.cols - j, derivative);
        }
}

void EL_KERNEL(gelu_forward)(el_tensor y, el_tensor slope, el_tensor x)
{
    if (x.type == EL_BF16)
        gelu_rows(y, slope, x, EL_BF16);
    else
        gelu_rows(y, slope, x, EL_F32);
}

INLINE void multiply_rows(el_tensor y, el_tensor a, el_tensor b, const el_type type)
{
    for (int i = 0; i < y.rows; i++)
        for (int j = 0; j < y.cols; j += WIDTH)
            vstore_upto(y.data, type, i * y.stride + j, y.cols - j,
                        vload_upto(a.data, type, i * a.stride + j, y.cols - j) *
                            vload_upto(b.data, type, i * b.stride + j, y.cols - j));
}

void EL_KERNEL(gelu_backward)(el_tensor dx, el_tensor dy, el_tensor slope)
{
    if (dx.type == EL_BF16)
        multiply_rows(dx, dy, slope, EL_BF16);
    else
        multiply_rows(dx, dy, slope, EL_F32);
}
