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

#ifdef __AMX_TILE__
static double amx_chains(long rounds)
{
    amx_open();
    amx_clear(true);
    for (long r = 0; r < rounds; r++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    amx_close();
    return (double)rounds * 4 * TILE * TILE * TILE * 2;
}
#endif

double EL_KERNEL(multiply_adds)(el_type type, long rounds)
{
#ifdef __AMX_TILE__
    if (type == EL_BF16)
        return amx_chains(rounds);
#endif
    volatile float sink = PAIRS && type == EL_BF16 ? chain(true, rounds) : chain(false, rounds);
    (void)sink;
    return (double)rounds * SUMS * EL_WIDTH * (PAIRS && type == EL_BF16 ? 2 : 1);
}
