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

enum { MASK_BLOCK = 128, MASK_LANES = 16, MASK_GROUPS = MASK_BLOCK / MASK_LANES, MASK_SPAN = 16 };

typedef struct {
    el_random random;
    uint64_t row; /* the number of the tensor's row 0 */
    uint64_t stride;
    int32_t threshold, cols;
    float scale;
    uint64_t first, end;                    /* the blocks in `keep` */
    uint16_t keep[MASK_SPAN * MASK_GROUPS]; /* a bit for each element of these blocks */
} mask;

/* One half of the lanes: each 64 bits hold a 32-bit state word, with anything in the upper half. */
INLINE void philox(vl state[4], uint32_t key_0, uint32_t key_1)
{
    const vl by_0 = (vl){0} + 0xD2511F53u, by_1 = (vl){0} + 0xCD9E8D57u;
    for (int round = 0; round < 10; round++) {
        const vl product_0 = vproduct(state[0], by_0), product_1 = vproduct(state[2], by_1);
        state[0] = (product_1 >> 32) ^ state[1] ^ key_0;
        state[2] = (product_0 >> 32) ^ state[3] ^ key_1;
        state[1] = product_1;
        state[3] = product_0;
        key_0 += 0x9E3779B9u;
        key_1 += 0xBB67AE85u;
    }
}

/* Which elements of a block are kept, a bit for each. */
INLINE void mask_block(const mask *m, uint64_t block, uint16_t keep[MASK_GROUPS])
{
    for (int first = 0; first < MASK_LANES; first += WIDTH) {
        const uint64_t index = block * MASK_LANES + (uint64_t)first;
        uint64_t counters[WIDTH / 2]; /* of even lanes; a block's counters share their upper half */
        vl even[4], odd[4];
        for (int i = 0; i < WIDTH / 2; i++)
            counters[i] = 2 * (uint64_t)i;
        memcpy(&even[0], counters, sizeof counters);
        even[0] += index;
        odd[0] = even[0] + 1;
        even[1] = odd[1] = (vl){0} + (index >> 32);
        even[2] = odd[2] = (vl){0} + m->random.step;
        even[3] = odd[3] = (vl){0} + m->random.stream;
        philox(even, (uint32_t)m->random.seed, (uint32_t)(m->random.seed >> 32));
        philox(odd, (uint32_t)m->random.seed, (uint32_t)(m->random.seed >> 32));
        for (int word = 0; word < 4; word++) {
            const vu both = (vu)((even[word] & 0xffffffff) | odd[word] << 32);
            const uint32_t low = vleast((vi)(both & 0xffff), m->threshold) << first;
            const uint32_t high = vleast((vi)(both >> 16), m->threshold) << first;
            keep[2 * word] = (uint16_t)(first ? keep[2 * word] | low : low);
            keep[2 * word + 1] = (uint16_t)(first ? keep[2 * word + 1] | high : high);
        }
    }
}

/* The blocks from this one to the end of its row, or as many as there is room for: several at once keep the
 * processor busy, one alone waits for its own rounds. */
static __attribute__((noinline)) void mask_fill(mask *m, uint64_t block, uint64_t row)
{
    const uint64_t last = ((m->row + row) * m->stride + (uint64_t)m->cols - 1) / MASK_BLOCK;
    m->first = block;
    m->end = last - block < MASK_SPAN ? last + 1 : block + MASK_SPAN;
    for (uint64_t b = block; b < m->end; b++)
        mask_block(m, b, m->keep + (b - block) * MASK_GROUPS);
}

/* For a tensor of `cols` columns; element (row, col) with col a multiple of WIDTH is then asked for. */
static inline void mask_start(mask *m, el_dropout dropout, int cols)
{
    *m = (mask){.random = dropout.random, .row = dropout.first_row, .cols = cols};
    m->stride = (uint64_t)(cols + 15) / 16 * 16;
    m->threshold = (int32_t)round(dropout.rate * 65536);
    m->scale = (float)(65536.0 / (65536 - m->threshold));
}

INLINE vf mask_apply(mask *m, uint64_t row, int col, vf x)
{
    const uint64_t element = (m->row + row) * m->stride + (uint64_t)col, block = element / MASK_BLOCK;
    if (block < m->first || block >= m->end)
        mask_fill(m, block, row);
    const uint64_t group = element / MASK_LANES - m->first * MASK_GROUPS;
    return vkeep((uint32_t)m->keep[group] >> (element % MASK_LANES), x * m->scale);
}

/* Where many rows are made at once, block by block, and used later: groups that `cols` columns of one may
 * touch, and the group at which a row begins in its first block. */
static inline int mask_row_groups(int cols)
{
    return (cols / MASK_BLOCK + 2) * MASK_GROUPS;
}

INLINE int mask_row_offset(const mask *m, uint64_t row)
{
    return (int)((m->row + row) * m->stride / MASK_LANES % MASK_GROUPS);
}

/* x where it is kept, not scaled; column `col` of a row whose bits begin at `keep`, offset included. */
INLINE vf mask_keep(const uint16_t *keep, int col, vf x)
{
    return vkeep((uint32_t)keep[col / MASK_LANES] >> (col % MASK_LANES), x);
}

#endif
