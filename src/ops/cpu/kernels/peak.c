/* peak - multiply-adds that touch no memory, to measure what the processor can do at most */
#include "amx.h"
#include "functions.h"

/* Enough independent sums to hide the latency of two units. */
enum { SUMS = EL_WIDTH == 16 ? 24 : 12 };

INLINE float chain(bool pairs, long rounds)
{
    vf sums[SUMS];
    vu a = vsplat_bits(0x3f803f80), b = vsplat_bits(0x3f803f80); /* pairs of 1; near 1 as floats */
#pragma GCC unroll 24
    for (int i = 0; i < SUMS; i++)
        sums[i] = vsplat((float)i);
    for (long r = 0; r < rounds; r++) {
#pragma GCC unroll 24
        for (int i = 0; i < SUMS; i++)
            sums[i] = vmultiply_add(pairs, sums[i], a, b);
        a = vopaque(a), b = vopaque(b); /* or the loop would be done once */
    }
    float total = 0;
#pragma GCC unroll 24
    for (int i = 0; i < SUMS; i++)
        total += sums[i][0];
    return total;
}

/* Each sum is multiplied itself, by zeros: products of the same two would be made once for all. */
INLINE float whole_chain(long rounds)
{
    vi sums[SUMS];
    vu zeros = {0};
#pragma GCC unroll 24
    for (int i = 0; i < SUMS; i++)
        sums[i] = (vi)vsplat_bits((uint32_t)i);
    for (long r = 0; r < rounds; r++) {
        zeros = vopaque(zeros);
#pragma GCC unroll 24
        for (int i = 0; i < SUMS; i++)
            sums[i] = vmultiply_add_whole(sums[i], (vu)sums[i], zeros);
    }
    int32_t total = 0;
#pragma GCC unroll 24
    for (int i = 0; i < SUMS; i++)
        total |= sums[i][0];
    return (float)total;
}

double EL_KERNEL(multiply_adds)(el_type type, long rounds)
{
    const bool pairs = PAIRS && type == EL_BF16;
    const int each = type == EL_I8 ? WHOLES : pairs ? 2 : 1;
    volatile float sink;
    if (AMX && type != EL_F32) {
        amx_chain(type == EL_I8 ? WHOLE_FOURS : BF16_PAIRS, rounds);
        return (double)rounds * 4 * AMX_TILE * AMX_TILE * AMX_TILE * each;
    }
    sink = type == EL_I8 ? whole_chain(rounds) : pairs ? chain(PAIRS, rounds) : chain(false, rounds);
    (void)sink;
    return (double)rounds * SUMS * EL_WIDTH * each;
}
