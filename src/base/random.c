/* random - Philox4x32-10 and what is made from its words
 *
 *   key     = (seed low, seed high)
 *   counter = (index low, index high, step, stream)
 *
 * Ten rounds of two 32 x 32 bit products; constants of "Parallel random numbers: as easy as 1, 2, 3"
 * (Salmon, Moraes, Dror, Shaw, 2011).
 */
#include "random.h"

#include <assert.h>
#include <math.h>

enum { PHILOX_ROUNDS = 10, FEISTEL_ROUNDS = 8 };

static const uint32_t MULTIPLIER_0 = 0xD2511F53u, MULTIPLIER_1 = 0xCD9E8D57u;
static const uint32_t WEYL_0 = 0x9E3779B9u, WEYL_1 = 0xBB67AE85u; /* golden ratio, sqrt(3) - 1 */

void el_random_words(el_random random, uint64_t index, uint32_t words[4])
{
    uint32_t key_0 = (uint32_t)random.seed, key_1 = (uint32_t)(random.seed >> 32);
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = random.step, c3 = random.stream;
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const uint64_t product_0 = (uint64_t)MULTIPLIER_0 * c0, product_1 = (uint64_t)MULTIPLIER_1 * c2;
        c0 = (uint32_t)(product_1 >> 32) ^ c1 ^ key_0;
        c2 = (uint32_t)(product_0 >> 32) ^ c3 ^ key_1;
        c1 = (uint32_t)product_1;
        c3 = (uint32_t)product_0;
        key_0 += WEYL_0;
        key_1 += WEYL_1;
    }
    words[0] = c0, words[1] = c1, words[2] = c2, words[3] = c3;
}

static uint64_t join(uint32_t high, uint32_t low)
{
    return (uint64_t)high << 32 | low;
}

/* The upper 53 bits as a fraction. */
static double fraction(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

double el_random_uniform(el_random random, uint64_t index)
{
    uint32_t w[4];
    el_random_words(random, index, w);
    return fraction(join(w[0], w[1]));
}

/* floor(r bound / 2^128) for a 128-bit r: the bias is below bound / 2^128. */
uint64_t el_random_below(el_random random, uint64_t index, uint64_t bound)
{
    assert(bound > 0);
    uint32_t w[4];
    el_random_words(random, index, w);
    const uint64_t high = join(w[0], w[1]), low = join(w[2], w[3]);
    const uint64_t carry = (uint64_t)((unsigned __int128)low * bound >> 64);
    return (uint64_t)(((unsigned __int128)high * bound + carry) >> 64);
}

/* Box and Muller (1958): one of the pair, so that an index stands for one number. */
double el_random_normal(el_random random, uint64_t index)
{
    uint32_t w[4];
    el_random_words(random, index, w);
    const double radius = sqrt(-2.0 * log1p(-fraction(join(w[0], w[1])))); /* 1 - u is in (0, 1] */
    return radius * cos(2.0 * 3.14159265358979323846 * fraction(join(w[2], w[3])));
}

/* Attempts live in the highest byte of the index, which no list of ours is long enough to reach. */
double el_random_truncated_normal(el_random random, uint64_t index)
{
    assert(index >> 56 == 0);
    double value = 0.0;
    for (uint64_t attempt = 0; attempt < 256; attempt++) { /* each fails with 4.6 % */
        value = el_random_normal(random, index | attempt << 56);
        if (fabs(value) <= 2.0)
            return value;
    }
    return 0.0;
}

/* (left, right) -> (right, left xor F(round, right)): a bijection whatever F is. */
static uint64_t feistel(el_random random, uint64_t value, int half_bits)
{
    const uint64_t mask = ((uint64_t)1 << half_bits) - 1;
    uint64_t left = value >> half_bits, right = value & mask;
    for (uint64_t round = 0; round < FEISTEL_ROUNDS; round++) {
        uint32_t w[4];
        el_random_words(random, round << 32 | right, w);
        const uint64_t next = left ^ (w[0] & mask);
        left = right;
        right = next;
    }
    return left << half_bits | right;
}

uint64_t el_random_permute(el_random random, uint64_t index, uint64_t count)
{
    assert(index < count);
    if (count == 1)
        return 0;
    int half_bits = 1;
    while (half_bits < 32 && (uint64_t)1 << 2 * half_bits < count)
        half_bits++;
    uint64_t value = index;
    do /* the cycle comes back to its start, which is inside; four steps at most on average */
        value = feistel(random, value, half_bits);
    while (value >= count);
    return value;
}
