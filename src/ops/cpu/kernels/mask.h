/* mask - dropout's random bits for WIDTH elements at a time
 *
 * A block of 128 elements takes 16 Philox calls, whose counters differ by one: the rounds run on all of them
 * at once. Element i of the block has the 16 bits of lane i % 16 of word i / 32, upper half where i / 16 is
 * odd (see el_dropout), so that WIDTH neighbours lie in WIDTH neighbouring lanes.
 */
#ifndef EL_OPS_KERNELS_MASK_H
#define EL_OPS_KERNELS_MASK_H

#include <math.h>

#include "vector.h"

enum { MASK_BLOCK = 128, MASK_LANES = 16, MASK_GROUPS = MASK_BLOCK / MASK_LANES };

/* Blocks whose rounds run side by side, as many as the registers hold: one alone waits for its own. */
enum { MASK_ABREAST = EL_WIDTH == 16 ? 2 : 1 };

typedef struct {
    el_random random;
    uint64_t row; /* the number of the tensor's row 0 */
    uint64_t stride;
    int32_t threshold;
    float scale;
} mask;

/* For a tensor of `cols` columns. */
static inline mask mask_of(el_dropout dropout, int cols)
{
    const int32_t threshold = (int32_t)round(dropout.rate * 65536);
    return (mask){.random = dropout.random,
                  .row = dropout.first_row,
                  .stride = (uint64_t)(cols + MASK_LANES - 1) / MASK_LANES * MASK_LANES,
                  .threshold = threshold,
                  .scale = (float)(65536.0 / (65536 - threshold))};
}

/* Each 64 bits hold a 32-bit state word, with anything in the upper half. */
INLINE void philox(vl state[][4], const int count, uint32_t key_0, uint32_t key_1)
{
    const vl by_0 = (vl){0} + 0xD2511F53u, by_1 = (vl){0} + 0xCD9E8D57u;
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
#pragma GCC unroll 4
        for (int i = 0; i < count; i++) {
            vl *const s = state[i];
            const vl product_0 = vproduct(s[0], by_0), product_1 = vproduct(s[2], by_1);
            s[0] = (product_1 >> 32) ^ s[1] ^ key_0;
            s[2] = (product_0 >> 32) ^ s[3] ^ key_1;
            s[1] = product_1;
            s[3] = product_0;
        }
        key_0 += 0x9E3779B9u;
        key_1 += 0xBB67AE85u;
    }
}

/* The counters of every second lane from `index` on; a block's counters share their upper half. */
INLINE void counters(const mask *m, uint64_t index, vl state[4])
{
    uint64_t lane[WIDTH / 2];
    for (int i = 0; i < WIDTH / 2; i++)
        lane[i] = 2 * (uint64_t)i;
    memcpy(&state[0], lane, sizeof lane);
    state[0] += index;
    state[1] = (vl){0} + (index >> 32);
    state[2] = (vl){0} + m->random.step;
    state[3] = (vl){0} + m->random.stream;
}

/* Which elements of some blocks are kept, a bit for each. */
INLINE void mask_blocks(const mask *m, const uint64_t block[MASK_ABREAST], uint16_t *const bits[MASK_ABREAST])
{
    uint32_t kept[MASK_ABREAST][4] = {{0}};
    for (int first = 0; first < MASK_LANES; first += WIDTH) {
        vl state[2 * MASK_ABREAST][4]; /* of even and of odd lanes */
#pragma GCC unroll 4
        for (int i = 0; i < 2 * MASK_ABREAST; i++)
            counters(m, block[i / 2] * MASK_LANES + (uint64_t)(first + i % 2), state[i]);
        philox(state, 2 * MASK_ABREAST, (uint32_t)m->random.seed, (uint32_t)(m->random.seed >> 32));
#pragma GCC unroll 8
        for (int i = 0; i < 4 * MASK_ABREAST; i++)
            kept[i / 4][i % 4] |= vleast(state[i / 4 * 2][i % 4], state[i / 4 * 2 + 1][i % 4], m->threshold)
                                  << first;
    }
    for (int i = 0; i < MASK_ABREAST; i++)
        memcpy(bits[i], kept[i], sizeof kept[i]);
}

/* Bits are made for many elements at once and used later: for stretches of the same length, which begin with rows
 * `step` apart, as many blocks for each as one may touch. */
static inline int mask_span(uint64_t stride, int length)
{
    const uint64_t whole = stride | MASK_BLOCK;
    const int apart = (int)(whole & -whole); /* all stretches begin at a multiple of it */
    return (MASK_BLOCK - apart + length + MASK_BLOCK - 1) / MASK_BLOCK;
}

static __attribute__((noinline)) void mask_fill(const mask *shared, uint64_t row, uint64_t step,
                                                int stretches, int blocks, uint16_t *bits)
{
    const mask m = *shared; /* in registers */
    const int count = stretches * blocks;
    for (int first = 0; first < count; first += MASK_ABREAST) {
        uint64_t block[MASK_ABREAST];
        uint16_t *to[MASK_ABREAST];
        for (int i = 0; i < MASK_ABREAST; i++) {
            const int b = first + i < count ? first + i : first;
            block[i] = (m.row + row + (uint64_t)(b / blocks) * step) * m.stride / MASK_BLOCK +
                       (uint64_t)(b % blocks);
            to[i] = bits + b * MASK_GROUPS;
        }
        mask_blocks(&m, block, to);
    }
}

/* The same of rows one behind the other, as one stretch; and the groups that they take at most. */
static inline void mask_fill_rows(const mask *m, uint64_t row, int rows, uint16_t *bits)
{
    const uint64_t first = (m->row + row) * m->stride, last = first + (uint64_t)rows * m->stride - 1;
    mask_fill(m, row, 0, 1, (int)(last / MASK_BLOCK - first / MASK_BLOCK) + 1, bits);
}

static inline int mask_rows_groups(const mask *m, int rows)
{
    return mask_span(m->stride, rows * (int)m->stride) * MASK_GROUPS;
}

/* Where the bits of row `first` + i begin in those of a stretch that begins with row `first`. */
INLINE const uint16_t *mask_row(const mask *m, const uint16_t *bits, uint64_t first, int i)
{
    return bits + (m->row + first) * m->stride / MASK_LANES % MASK_GROUPS +
           (uint64_t)i * m->stride / MASK_LANES;
}

/* x where it is kept, not scaled; column `col`, a multiple of WIDTH, of a row whose bits begin at `keep`. */
INLINE vf mask_keep(const uint16_t *keep, int col, vf x)
{
    return vkeep((uint32_t)keep[col / MASK_LANES] >> (col % MASK_LANES), x);
}

/* The same, scaled; all of x where `keep` is NULL. */
INLINE vf mask_drop(const mask *m, const uint16_t *keep, int col, vf x)
{
    return keep ? mask_keep(keep, col, x * m->scale) : x;
}

#endif
