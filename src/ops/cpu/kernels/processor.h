/* processor - what the language lacks of vectors: a short function for each width, or for each kind of processor
 *
 * Maximum, square root, products of 32-bit halves, the order of lanes, sums of bf16 pairs and of whole numbers, rounding to
 * bf16.  What another processor has of its own stands here.
 */
#ifndef EL_OPS_KERNELS_PROCESSOR_H
#define EL_OPS_KERNELS_PROCESSOR_H

#if defined __x86_64__
#include <immintrin.h>
#elif defined __aarch64__
#include <arm_neon.h>
#endif
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WIDTH = EL_WIDTH, LOOK = EL_WIDTH == 8 ? 8 : 16 /* numbers that vlook() chooses from */ };

typedef float vf __attribute__((vector_size(EL_WIDTH * 4)));
typedef int32_t vi __attribute__((vector_size(EL_WIDTH * 4)));
typedef uint32_t vu __attribute__((vector_size(EL_WIDTH * 4)));
typedef uint64_t vl __attribute__((vector_size(EL_WIDTH * 4)));
typedef uint16_t vh __attribute__((vector_size(EL_WIDTH * 2)));
typedef uint16_t vw __attribute__((vector_size(EL_WIDTH * 4))); /* twice as many */

#define INLINE static inline __attribute__((always_inline))

#if EL_WIDTH == 16
INLINE vf vmax(vf a, vf b)
{
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
}
INLINE vf vmin(vf a, vf b)
{
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
}
INLINE vf vsqrt(vf a)
{
    return (vf)_mm512_sqrt_ps((__m512)a);
}
/* Products of the lower 32 bits of each 64. */
INLINE vl vproduct(vl a, vl b)
{
    return (vl)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}
/* a and b lane by lane, a0 b0 a1 b1 ...: the first half of that, and the second. */
INLINE vu vlow(vu a, vu b)
{
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
INLINE vu vhigh(vu a, vu b)
{
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
/* The nearest whole number; and a * 2^n for a whole n. */
INLINE vf vnearest(vf a)
{
    return (vf)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
INLINE vf vscale(vf a, vf n)
{
    return (vf)_mm512_scalef_ps((__m512)a, (__m512)n);
}
/* A bit for each lane of a mask; the lanes whose bits are set, zero in the others. */
INLINE uint32_t vbits(vi mask)
{
    return _mm512_movepi32_mask((__m512i)mask);
}
INLINE vf vkeep(uint32_t bits, vf a)
{
    return (vf)_mm512_maskz_mov_ps((__mmask16)bits, (__m512)a);
}
/* Of the lower 32 bits of each 64, even[0] odd[0] even[1] ...: a bit for each whose lower 16 are at least b, and from
 * bit 16 on for each whose upper are. */
INLINE uint32_t vleast(vl even, vl odd, int32_t b)
{
    const vw halves =
        __builtin_shufflevector((vw)even, (vw)odd, 0, 32, 4, 36, 8, 40, 12, 44, 16, 48, 20, 52, 24, 56, 28,
                                60, 1, 33, 5, 37, 9, 41, 13, 45, 17, 49, 21, 53, 25, 57, 29, 61);
    return _mm512_cmpge_epu16_mask((__m512i)halves, _mm512_set1_epi16((short)b));
}
/* Each 16 bits in 32. */
INLINE vu vextend(vh a)
{
    return (vu)_mm512_cvtepu16_epi32((__m256i)a);
}
/* The numbers of the first half in the lower, of the second in the upper halves of 32 bits. */
INLINE vu vriffle(vw a)
{
    return (vu)__builtin_shufflevector(a, a, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9,
                                       25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
/* One behind the other. */
INLINE vw vjoin(vh first, vh second)
{
    return (vw)_mm512_inserti64x4(_mm512_castsi256_si512((__m256i)first), (__m256i)second, 1);
}
/* table[i % LOOK] in each lane */
INLINE vf vlook(const float table[LOOK], vi i)
{
    return (vf)_mm512_permutexvar_ps((__m512i)i, _mm512_loadu_ps(table));
}
/* For what is read much later: past the caches, which then need not fetch what was there; and the end of such
 * stores, before other threads read. */
INLINE void vstore_past(void *to, vu a)
{
    _mm512_stream_si512(to, (__m512i)a);
}
INLINE void vstore_past_end(void)
{
    _mm_sfence();
}
INLINE float vsum(vf a)
{
    return _mm512_reduce_add_ps((__m512)a);
}
INLINE float vhighest(vf a)
{
    return _mm512_reduce_max_ps((__m512)a);
}
#elif EL_WIDTH == 8
INLINE vf vmax(vf a, vf b)
{
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
}
INLINE vf vmin(vf a, vf b)
{
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
}
INLINE vf vsqrt(vf a)
{
    return (vf)_mm256_sqrt_ps((__m256)a);
}
INLINE vl vproduct(vl a, vl b)
{
    return (vl)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}
/* a and b lane by lane, a0 b0 a1 b1 ...: the first half of that, and the second. */
INLINE vu vlow(vu a, vu b)
{
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
INLINE vu vhigh(vu a, vu b)
{
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
INLINE uint32_t vbits(vi mask)
{
    return (uint32_t)_mm256_movemask_ps((__m256)mask);
}
INLINE vf vlook(const float table[LOOK], vi i)
{
    return (vf)_mm256_permutevar8x32_ps(_mm256_loadu_ps(table), (__m256i)i);
}
#else
#if defined __x86_64__
INLINE vf vmax(vf a, vf b)
{
    return (vf)_mm_max_ps((__m128)a, (__m128)b);
}
INLINE vf vmin(vf a, vf b)
{
    return (vf)_mm_min_ps((__m128)a, (__m128)b);
}
INLINE vf vsqrt(vf a)
{
    return (vf)_mm_sqrt_ps((__m128)a);
}
INLINE vl vproduct(vl a, vl b)
{
    return (vl)_mm_mul_epu32((__m128i)a, (__m128i)b);
}
INLINE uint32_t vbits(vi mask)
{
    return (uint32_t)_mm_movemask_ps((__m128)mask);
}
#else
/* The second where one is not a number, as on other processors. */
INLINE vf vmax(vf a, vf b)
{
    const vi larger = a > b;
    return (vf)((larger & (vi)a) | (~larger & (vi)b));
}
INLINE vf vmin(vf a, vf b)
{
    const vi smaller = a < b;
    return (vf)((smaller & (vi)a) | (~smaller & (vi)b));
}
#if defined __aarch64__
INLINE vf vsqrt(vf a)
{
    return (vf)vsqrtq_f32((float32x4_t)a);
}
INLINE vl vproduct(vl a, vl b)
{
    return (vl)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
}
INLINE uint32_t vbits(vi mask)
{
    return vaddvq_u32(vandq_u32((uint32x4_t)mask, (uint32x4_t){1, 2, 4, 8}));
}
#else
INLINE vf vsqrt(vf a)
{
    for (int i = 0; i < WIDTH; i++)
        a[i] = sqrtf(a[i]);
    return a;
}
INLINE vl vproduct(vl a, vl b)
{
    return (a & 0xffffffff) * (b & 0xffffffff);
}
INLINE uint32_t vbits(vi mask)
{
    uint32_t bits = 0;
    for (int i = 0; i < WIDTH; i++)
        bits |= (uint32_t)(mask[i] & 1) << i;
    return bits;
}
#endif
#endif
/* a and b lane by lane, a0 b0 a1 b1 ...: the first half of that, and the second. */
INLINE vu vlow(vu a, vu b)
{
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
}
INLINE vu vhigh(vu a, vu b)
{
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
}
INLINE vf vlook(const float table[LOOK], vi i)
{
    vf found;
    for (int k = 0; k < WIDTH; k++)
        found[k] = table[i[k] & (LOOK - 1)];
    return found;
}
#endif

#if EL_WIDTH < 16
/* For |a| < 2^22: adding 1.5 * 2^23 leaves no room for a fraction. */
INLINE vf vnearest(vf a)
{
    const vf magic = (vf){0} + 0x1.8p23f;
    return (a + magic) - magic;
}
INLINE vf vscale(vf a, vf n)
{
    const vf capped = vmin((vf){0} + 127.0f, n);
    return (vf)((vi)a + (__builtin_convertvector(capped, vi) << 23));
}
INLINE uint32_t vleast(vl even, vl odd, int32_t b)
{
    const vu both = (vu)((even & 0xffffffff) | odd << 32);
    return vbits((vi)(both & 0xffff) >= b) | vbits((vi)(both >> 16) >= b) << 16;
}
INLINE vf vkeep(uint32_t bits, vf a)
{
    vi lane;
    for (int i = 0; i < WIDTH; i++)
        lane[i] = 1 << i;
    return (vf)((vi)a & ((((vi){0} + (int32_t)bits) & lane) == lane));
}
INLINE vu vextend(vh a)
{
    return __builtin_convertvector(a, vu);
}
INLINE vu vriffle(vw a)
{
    vh half[2];
    memcpy(half, &a, sizeof half);
    return vextend(half[0]) | vextend(half[1]) << 16;
}
INLINE vw vjoin(vh first, vh second)
{
    const vh half[2] = {first, second};
    vw both;
    memcpy(&both, half, sizeof both);
    return both;
}
/* Sum and maximum of the lanes, halving each time. */
INLINE float vsum(vf x)
{
    float lane[WIDTH];
    memcpy(lane, &x, sizeof lane);
    for (int half = WIDTH / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}
INLINE float vhighest(vf x)
{
    float lane[WIDTH];
    memcpy(lane, &x, sizeof lane);
    for (int half = WIDTH / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
    return lane[0];
}

INLINE void vstore_past(void *to, vu a) /* not past them: these vectors are parts of a line */
{
    memcpy(to, &a, sizeof a);
}
INLINE void vstore_past_end(void)
{
}
#endif

/* A value of which the compiler knows nothing any more. */
INLINE vu vopaque(vu a)
{
#if defined __x86_64__
    __asm__ volatile("" : "+x"(a));
#elif defined __aarch64__
    __asm__ volatile("" : "+w"(a));
#else
    __asm__ volatile("" : "+m"(a));
#endif
    return a;
}

/* To the nearest bf16, ties to even; what is not a number stays so. */
#ifdef __AVX512BF16__
INLINE vh vround(vf x)
{
    return (vh)_mm512_cvtneps_pbh((__m512)x);
}
INLINE vw vround_two(vf first, vf second)
{
    return (vw)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}
#else
INLINE vh vround(vf x)
{
    const vu bits = (vu)x, rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const vu number = (vu)(x == x);
    return __builtin_convertvector((rounded & number) | (0x7fc0 & ~number), vh);
}
INLINE vw vround_two(vf first, vf second)
{
    return vjoin(vround(first), vround(second));
}
#endif

/* sum + a * b as floats; or with a pair of bf16 in each 32 bits, the sum of both products. */
enum {
#if defined __AVX512BF16__ || defined __ARM_FEATURE_BF16_VECTOR_ARITHMETIC
    PAIRS = true
#else
    PAIRS = false
#endif
};

INLINE vf vmultiply_add(bool pairs, vf sum, vu a, vu b)
{
#ifdef __AVX512BF16__
    if (pairs)
        return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#elif defined __ARM_FEATURE_BF16_VECTOR_ARITHMETIC
    if (pairs) {
        __asm__(""
                : "+w"(a), "+w"(b)); /* no constant: ones of bf16 would be made as those of fp16 by gcc 12 */
        return (vf)vbfdotq_f32((float32x4_t)sum, (bfloat16x8_t)a, (bfloat16x8_t)b);
    }
#endif
    (void)pairs;
    return sum + (vf)a * (vf)b;
}

/* Whole numbers of a unit, which are multiplied and added up in 32 bits at a time; and the steps of those without a sign. */
#ifdef __AVX512VNNI__
enum { WHOLES = 4, WHOLE_STEPS = 255 };
typedef int8_t whole_number;
#elif EL_WIDTH == 8
enum { WHOLES = 4, WHOLE_STEPS = 127 };
typedef int8_t whole_number;
#else
enum { WHOLES = 2, WHOLE_STEPS = 255 };
typedef int16_t whole_number;
#endif

/* sum + the products of a unit of a, up to WHOLE_STEPS each, and one of b. */
INLINE vi vmultiply_add_whole(vi sum, vu a, vu b)
{
#if defined __AVX512VNNI__
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif EL_WIDTH == 16
    return sum + (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif EL_WIDTH == 8
    static const int16_t ones[16]
        __attribute__((aligned(32))) = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const __m256i pairs = _mm256_maddubs_epi16((__m256i)a, (__m256i)b);
    __m256i fours; /* the ones stay in memory: sums have all registers */
    __asm__("vpmaddwd %2, %1, %0" : "=x"(fours) : "x"(pairs), "m"(ones));
    return sum + (vi)fours;
#elif defined __x86_64__
    return sum + (vi)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
    return sum + ((vi)(a << 16) >> 16) * ((vi)(b << 16) >> 16) + ((vi)a >> 16) * ((vi)b >> 16);
#endif
}

#endif
