/* vector - EL_WIDTH floats at once, the same words at every level
 *
 * Arithmetic is GCC's vector extension; what the language lacks is in processor.h.  Numbers in memory are F32 or BF16 and are
 * floats once loaded; `type` is meant to be a constant where these are inlined.
 */
#ifndef EL_OPS_KERNELS_VECTOR_H
#define EL_OPS_KERNELS_VECTOR_H

#include "ops/queue.h"
#include "processor.h"

INLINE vf vsplat(float x)
{
    return x - (vf){0};
}

INLINE vu vsplat_bits(uint32_t x)
{
    return x - (vu){0};
}

/* Lanes of `a` where the mask's are all ones, of `b` where they are zero. */
INLINE vf vselect(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

INLINE vf vabs(vf a)
{
    return (vf)((vi)a & 0x7fffffff);
}

INLINE vf vwiden(vh h)
{
    return (vf)(vextend(h) << 16);
}

/* Vectors anywhere in memory.  gcc 12 sends many that are copied by memcpy() over the stack. */
typedef vu vu_anywhere __attribute__((aligned(1), may_alias));
typedef vh vh_anywhere __attribute__((aligned(1), may_alias));

INLINE vu vget(const void *from)
{
    return *(const vu_anywhere *)from;
}

INLINE void vput(void *to, vu a)
{
    *(vu_anywhere *)to = a;
}

INLINE vh vget_half(const void *from)
{
    return *(const vh_anywhere *)from;
}

INLINE void vput_half(void *to, vh a)
{
    *(vh_anywhere *)to = a;
}

INLINE const void *place(const void *data, el_type type, int64_t index)
{
    return (const char *)data + index * (type == EL_BF16 ? 2 : 4);
}

INLINE vf vload(const void *data, el_type type, int64_t index)
{
    const void *const from = place(data, type, index);
    return type == EL_BF16 ? vwiden(vget_half(from)) : (vf)vget(from);
}

INLINE void vstore(void *data, el_type type, int64_t index, vf x)
{
    void *to = (void *)place(data, type, index);
    if (type == EL_BF16)
        vput_half(to, vround(x));
    else
        vput(to, (vu)x);
}

/* 2 * WIDTH numbers at once, for what is done to each by itself: of bf16 the even ones and the odd ones. */
INLINE void vload_two(vf x[2], const void *data, el_type type, int64_t index)
{
    if (type == EL_BF16) {
        const vu both = vget(place(data, type, index));
        x[0] = (vf)(both << 16);
        x[1] = (vf)(both & 0xffff0000);
    } else {
        x[0] = vload(data, type, index);
        x[1] = vload(data, type, index + WIDTH);
    }
}

INLINE void vstore_two(void *data, el_type type, int64_t index, const vf x[2])
{
    if (type == EL_BF16) {
        vput((void *)place(data, type, index), vriffle(vround_two(x[0], x[1])));
    } else {
        vstore(data, type, index, x[0]);
        vstore(data, type, index + WIDTH, x[1]);
    }
}

/* The first n lanes, 0 < n < WIDTH; the others read as zero and are not written. */
#if EL_WIDTH == 16
INLINE vf vload_part(const void *data, el_type type, int64_t index, int n)
{
    const __mmask16 first = (__mmask16)((1u << n) - 1);
    if (type == EL_BF16)
        return vwiden((vh)_mm256_maskz_loadu_epi16(first, place(data, type, index)));
    return (vf)_mm512_maskz_loadu_ps(first, place(data, type, index));
}

INLINE void vstore_part(void *data, el_type type, int64_t index, int n, vf x)
{
    const __mmask16 first = (__mmask16)((1u << n) - 1);
    void *const to = (void *)place(data, type, index);
    if (type == EL_BF16)
        _mm256_mask_storeu_epi16(to, first, (__m256i)vround(x));
    else
        _mm512_mask_storeu_ps(to, first, (__m512)x);
}
#else
INLINE vf vload_part(const void *data, el_type type, int64_t index, int n)
{
    union {
        vh h;
        vf f;
    } part = {.f = {0}};
    memcpy(&part, place(data, type, index), (size_t)n * (type == EL_BF16 ? 2 : 4));
    return type == EL_BF16 ? vwiden(part.h) : part.f;
}

INLINE void vstore_part(void *data, el_type type, int64_t index, int n, vf x)
{
    void *const to = (void *)place(data, type, index);
    if (type == EL_BF16) {
        const vh h = vround(x);
        memcpy(to, &h, (size_t)n * 2);
    } else {
        memcpy(to, &x, (size_t)n * 4);
    }
}
#endif

/* Up to WIDTH lanes of n that are left. */
INLINE vf vload_upto(const void *data, el_type type, int64_t index, int n)
{
    return n >= WIDTH ? vload(data, type, index) : vload_part(data, type, index, n);
}

INLINE void vstore_upto(void *data, el_type type, int64_t index, int n, vf x)
{
    if (n >= WIDTH)
        vstore(data, type, index, x);
    else
        vstore_part(data, type, index, n, x);
}

INLINE float vlane(vf x, int i)
{
    float lane[WIDTH];
    memcpy(lane, &x, sizeof lane);
    return lane[i];
}

/* 0, 1, 2, ... */
INLINE vi vlanes(void)
{
    vi lane;
    for (int i = 0; i < WIDTH; i++)
        lane[i] = i;
    return lane;
}

/* The first n lanes of x, the rest of `other`. */
INLINE vf vfirst(int n, vf x, vf other)
{
    return vselect(vlanes() < n, x, other);
}

/* A square of 32-bit numbers, rows for columns: riffling the upper and the lower half log2(WIDTH) times. */
INLINE void vtranspose(vu square[EL_WIDTH])
{
    for (int riffle = 1; riffle < WIDTH; riffle *= 2) {
        vu next[EL_WIDTH];
#pragma GCC unroll 8
        for (int i = 0; i < WIDTH / 2; i++) {
            next[2 * i] = vlow(square[i], square[i + WIDTH / 2]);
            next[2 * i + 1] = vhigh(square[i], square[i + WIDTH / 2]);
        }
        memcpy(square, next, sizeof next);
    }
}

/* 2^(n + r) for a whole n and |r| <= 1/2, within 1.5e-7 of itself; the polynomial's relative error is least. */
INLINE vf vpower(vf n, vf r)
{
    vf p = r * 1.3264730e-3f + 9.6715130e-3f;
    p = p * r + 5.5507336e-2f;
    p = p * r + 2.4022242e-1f;
    p = p * r + 6.9314700e-1f;
    p = p * r + 1.0f;
    return vscale(p, n);
}

/* e^x within 2e-7 of itself for -87 <= x <= 88; smaller x give less than 2e-38.  What is not a number stays
 * so. e^x = 2^(n + r) with n + r = x log2(e), that in two parts. */
INLINE vf vexp(vf x)
{
    const vf limited = vmax(vsplat(-87.0f), x); /* the other way round would lose what is not a number */
    const vf n = vnearest(limited * 1.44269502f);
    return vpower(n, limited * 1.925963e-8f + (limited * 1.44269502f - n));
}

/* 2^x for x < 128; the same but for what rounding left of x. */
INLINE vf vexp2(vf x)
{
    const vf limited = vmax(vsplat(-126.0f), x), n = vnearest(limited);
    return vpower(n, limited - n);
}

/* Natural logarithm of a positive normal number, within 2e-7 of itself or of 1; the series of Cephes' logf.
 */
INLINE vf vlog(vf x)
{
    const vi bits = (vi)x, raised = (bits >> 23) - 126;
    const vf half = (vf)((bits & 0x007fffff) | 0x3f000000); /* in [0.5, 1) */
    const vi small = half < 0.707106781f;
    const vf e = __builtin_convertvector(raised + small, vf); /* a mask of ones is -1 */
    const vf r = vselect(small, half + half, half) - 1.0f;
    vf p = r * 7.0376836292e-2f - 1.1514610310e-1f;
    p = p * r + 1.1676998740e-1f;
    p = p * r - 1.2420140846e-1f;
    p = p * r + 1.4249322787e-1f;
    p = p * r - 1.6668057665e-1f;
    p = p * r + 2.0000714765e-1f;
    p = p * r - 2.4999993993e-1f;
    p = p * r + 3.3333331174e-1f;
    const vf square = r * r;
    return (p * r * square + e * -2.12194440e-4f - square * 0.5f) + r + e * 0.693359375f;
}

#endif
