/* elementwise - y = x, y = a + b, y = gelu(x): each number by itself
 *
 *   gelu(x) = x Phi(x) = max(x, 0) - g(|x|)        g(z) = z Phi(-z)
 *   slope = Phi(x) + x phi(x) = 1/2 +- (1/2 - g'(|x|)), the sign that of x        dx = dy * slope
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

/* g by LOOK polynomials, as many as can be looked up at once, in the distance u from the nearest k / DENSITY: element
 * [d][k] is what u^d is multiplied by.  They interpolate g' at the zeros of a Chebyshev polynomial, and the constants make
 * the error of g even (tools/gelu_pieces.py).  Within 3e-7 of gelu and 8e-7 of the slope; g and g' are taken for constant
 * from REACH on. */
static const float REACH = 5.49f;
#if EL_WIDTH == 8
enum { DEGREE = 7 };
static const float DENSITY = 1.36363637f;
static const float PIECES[DEGREE + 1][LOOK] = {
    {0, 1.69896886e-01f, 1.04475625e-01f, 3.05875819e-02f, 4.91837366e-03f, 4.50510328e-04f, 2.38151752e-05f,
     7.30604256e-07f},
    {3.66666675e-01f, 5.93762519e-03f, -9.41264629e-02f, -4.70364802e-02f, -1.03886789e-02f, -1.20129238e-03f,
     -7.65118384e-05f, -2.74362583e-06f},
    {-2.14541629e-01f, -1.19872727e-01f, 5.52911218e-03f, 2.70901732e-02f, 9.59151424e-03f, 1.47790683e-03f,
     1.16431038e-04f, 4.95474887e-06f},
    {0, 5.08793816e-02f, 2.42548529e-02f, -4.30896832e-03f, -4.79480904e-03f, -1.09316444e-03f,
     -1.10798755e-04f, -5.70561724e-06f},
    {1.92187689e-02f, 1.93254708e-03f, -1.05415974e-02f, -2.76225968e-03f, 1.15907332e-03f, 5.24934556e-04f,
     7.30946849e-05f, 4.66863776e-06f},
    {0, -4.88787610e-03f, 3.63816129e-04f, 1.62976084e-03f, 7.33493653e-05f, -1.58374896e-04f,
     -3.48914982e-05f, -2.89704690e-06f},
    {-1.49440404e-03f, 3.01423570e-04f, 7.94534164e-04f, -2.32805847e-04f, -1.49115309e-04f, 1.94428630e-05f,
     1.21648836e-05f, 1.47962533e-06f},
    {0, 3.16728692e-04f, -1.53276749e-04f, -6.21459985e-05f, 4.26864972e-05f, 5.19474588e-06f,
     -2.73213004e-06f, -5.38686436e-07f},
};
#else
enum { DEGREE = 5 };
static const float DENSITY = 2.81818175f;
static const float PIECES[DEGREE + 1][LOOK] = {
    {0, 1.28222808e-01f, 1.69578910e-01f, 1.52808622e-01f, 1.10564627e-01f, 6.74469844e-02f, 3.53968516e-02f,
     1.61405485e-02f, 6.42915629e-03f, 2.24403827e-03f, 6.87674270e-04f, 1.85245633e-04f, 4.39018222e-05f,
     9.15863620e-06f, 1.68253644e-06f, 2.72274605e-07f},
    {1.77419350e-01f, 8.10566097e-02f, 6.69187680e-03f, -3.45750414e-02f, -4.57382426e-02f, -3.85598056e-02f,
     -2.53500175e-02f, -1.37767680e-02f, -6.34510955e-03f, -2.50859628e-03f, -8.57763807e-04f,
     -2.54859275e-04f, -6.60093283e-05f, -1.49365560e-05f, -2.95762288e-06f, -5.13114230e-07f},
    {-5.02298661e-02f, -4.41961288e-02f, -2.92156693e-02f, -1.23543572e-02f, 1.32965783e-04f, 5.97380847e-03f,
     6.59581879e-03f, 4.79009189e-03f, 2.70696031e-03f, 1.25624123e-03f, 4.90637263e-04f, 1.63435790e-04f,
     4.68137478e-05f, 1.15923785e-05f, 2.49098275e-06f, 4.65747434e-07f},
    {0, 3.83443316e-03f, 5.73003152e-03f, 5.14434418e-03f, 3.05735273e-03f, 9.30913608e-04f, -3.49357899e-04f,
     -7.32235552e-04f, -6.08823437e-04f, -3.58764373e-04f, -1.67041449e-04f, -6.40586441e-05f,
     -2.06586010e-05f, -5.67086227e-06f, -1.33533626e-06f, -2.71165646e-07f},
    {1.04481680e-03f, 7.69881241e-04f, 1.50666587e-04f, -3.89956811e-04f, -5.76357299e-04f, -4.42141638e-04f,
     -1.97469242e-04f, -1.53683268e-05f, 5.75992854e-05f, 5.85544076e-05f, 3.62412793e-05f, 1.69239192e-05f,
     6.36519917e-06f, 1.98620478e-06f, 5.22707410e-07f, 1.17204358e-07f},
    {0, -1.02769372e-04f, -1.30263841e-04f, -7.67901656e-05f, 6.00527812e-07f, 4.56921334e-05f,
     4.64815093e-05f, 2.51104193e-05f, 5.50982850e-06f, -3.49758761e-06f, -4.62904791e-06f, -2.96497365e-06f,
     -1.36403207e-06f, -4.94581684e-07f, -1.46904370e-07f, -3.64825929e-08f},
};
#endif

/* gelu of x; and its derivative if `slope` is not NULL. */
INLINE vf gelu(vf x, vf *slope)
{
    const vf round = vsplat(0x1.8p23f), z = vmin(vsplat(REACH), vabs(x)); /* keeps what is not a number */
    const vf shifted = z * DENSITY + round, u = z * DENSITY - (shifted - round);
    const vi piece = (vi)shifted; /* its last bits are z * DENSITY, rounded */
    vf g = vlook(PIECES[DEGREE], piece), dg = {0};
#pragma GCC unroll 7
    for (int d = DEGREE - 1; d >= 0; d--) {
        dg = dg * u + g;
        g = g * u + vlook(PIECES[d], piece);
    }
    if (slope)
        *slope = 0.5f + (vf)((vi)(0.5f - dg * DENSITY) ^ ((vi)x & INT32_MIN));
    return vmax(vsplat(0), x) - g;
}

INLINE void gelu_row(void *y, void *slope, const void *x, int count, const el_type type)
{
    int j = 0;
    vf derivative[2], value[2], from[2];
    for (; j + 2 * WIDTH <= count; j += 2 * WIDTH) {
        vload_two(from, x, type, j);
        for (int i = 0; i < 2; i++)
            value[i] = gelu(from[i], slope ? &derivative[i] : NULL);
        vstore_two(y, type, j, value);
        if (slope)
            vstore_two(slope, type, j, derivative);
    }
    for (; j < count; j += WIDTH) {
        const vf last = gelu(vload_upto(x, type, j, count - j), derivative);
        vstore_upto(y, type, j, count - j, last);
        if (slope)
            vstore_upto(slope, type, j, count - j, *derivative);
    }
}

INLINE void gelu_rows(el_tensor y, el_tensor slope, el_tensor x, const el_type type)
{
    for (int i = 0; i < x.rows; i++)
        if (slope.data)
            gelu_row(el_piece_at(y, i, 0), el_piece_at(slope, i, 0), el_piece_at(x, i, 0), x.cols, type);
        else
            gelu_row(el_piece_at(y, i, 0), NULL, el_piece_at(x, i, 0), x.cols, type);
}

void EL_KERNEL(gelu_forward)(el_tensor y, el_tensor slope, el_tensor x)
{
    if (x.type == EL_BF16)
        gelu_rows(y, slope, x, EL_BF16);
    else
        gelu_rows(y, slope, x, EL_F32);
}

/* From e^-2|x|, which cannot overflow.  The error is 1e-7 at most, of 1 and not of tanh x: small x lose digits. */
INLINE vf tanh_of(vf x)
{
    const vf e = vexp(-2.0f * vabs(x)), size = (1.0f - e) / (1.0f + e);
    return (vf)((vi)size | ((vi)x & INT32_MIN));
}

INLINE void tanh_rows(el_tensor y, el_tensor slope, el_tensor x, const el_type type)
{
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j += WIDTH) {
            const vf value = tanh_of(vload_upto(x.data, type, i * x.stride + j, x.cols - j));
            vstore_upto(y.data, type, i * y.stride + j, y.cols - j, value);
            if (slope.data)
                vstore_upto(slope.data, type, i * slope.stride + j, x.cols - j, 1.0f - value * value);
        }
}

void EL_KERNEL(tanh_forward)(el_tensor y, el_tensor slope, el_tensor x)
{
    if (x.type == EL_BF16)
        tanh_rows(y, slope, x, EL_BF16);
    else
        tanh_rows(y, slope, x, EL_F32);
}

/* A slope in the type in which it would have been kept. */
INLINE void as_kept(vf slope[2], const el_type type)
{
    char kept[2 * sizeof(vf)];
    if (type == EL_F32)
        return;
    vstore_two(kept, type, 0, slope);
    vload_two(slope, kept, type, 0);
}

INLINE void gelu_again_row(void *y, void *dx, const void *dy, const void *x, int count, const el_type type)
{
    int j = 0;
    vf derivative[2], value[2], from[2];
    for (; j + 2 * WIDTH <= count; j += 2 * WIDTH) {
        vload_two(from, x, type, j);
        for (int i = 0; i < 2; i++)
            value[i] = gelu(from[i], &derivative[i]);
        vstore_two(y, type, j, value);
        as_kept(derivative, type);
        vload_two(from, dy, type, j);
        for (int i = 0; i < 2; i++)
            value[i] = from[i] * derivative[i];
        vstore_two(dx, type, j, value);
    }
    for (; j < count; j += WIDTH) {
        derivative[1] = vsplat(0);
        const vf last = gelu(vload_upto(x, type, j, count - j), derivative);
        vstore_upto(y, type, j, count - j, last);
        as_kept(derivative, type);
        vstore_upto(dx, type, j, count - j, vload_upto(dy, type, j, count - j) * derivative[0]);
    }
}

INLINE void gelu_again_rows(el_tensor y, el_tensor dx, el_tensor dy, el_tensor x, const el_type type)
{
    for (int i = 0; i < x.rows; i++)
        gelu_again_row(el_piece_at(y, i, 0), el_piece_at(dx, i, 0), el_piece_at(dy, i, 0),
                       el_piece_at(x, i, 0), x.cols, type);
}

void EL_KERNEL(gelu_again)(el_tensor y, el_tensor dx, el_tensor dy, el_tensor x)
{
    if (x.type == EL_BF16)
        gelu_again_rows(y, dx, dy, x, EL_BF16);
    else
        gelu_again_rows(y, dx, dy, x, EL_F32);
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
