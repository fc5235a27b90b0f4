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

enum { MASK_BLOCK = 128, MASK_LANES = 16 };

typedef struct {
    uint32_t words[4][MASK_LANES];
    uint64_t block; /* which 128 elements the words are for */
    el_random random;
    uint64_t row; /* the number of the tensor's row 0 */
    uint64_t stride;
    int32_t threshold;
    float scale;
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

static __attribute__((noinline)) void mask_fill(mask *m, uint64_t block)
{
    m->block = block;
    for (int first = 0; first < MASK_LANES; first += WIDTH) {
        const uint64_t index = block * MASK_LANES + (uint64_t)first;
        uint64_t counters[WIDTH / 2]; /* of even lanes; a block's counters share their upper half */
        vl even[4], odd[4];
        for (int i = 0; i < WIDTH / 2; i++)
            counters[i] = index + 2 * (uint64_t)i;
        memcpy(&even[0], counters, sizeof counters);
        odd[0] = even[0] + 1;
        even[1] = odd[1] = (vl){0} + (index >> 32);
        even[2] = odd[2] = (vl){0} + m->random.step;
        even[3] = odd[3] = (vl){0} + m->random.stream;
        philox(even, (uint32_t)m->random.seed, (uint32_t)(m->random.seed >> 32));
        philox(odd, (uint32_t)m->random.seed, (uint32_t)(m->random.seed >> 32));
        for (int word = 0; word < 4; word++) {
            const vl both = (even[word] & 0xffffffff) | odd[word] << 32;
            memcpy(&m->words[word][first], &both, sizeof both);
        }
    }
}

/* For a tensor of `cols` columns; element (row, col) with col a multiple of WIDTH is then asked for. */
static inline void mask_start(mask *m, el_dropout dropout, int cols)
{
    *m = (mask){.block = UINT64_MAX, .random = dropout.random, .row = dropout.first_row};
    m->stride = (uint64_t)(cols + 15) / 16 * 16;
    m->threshold = (int32_t)round(dropout.rate * 65536);
    m->scale = (float)(65536.0 / (65536 - m->threshold));
}

INLINE vf mask_apply(mask *m, uint64_t row, int col, vf x)
{
    const uint64_t element = (m->row + row) * m->stride + (uint64_t)col;
    if (element / MASK_BLOCK != m->block)
        mask_fill(m, element / MASK_BLOCK);
    const int within = (int)(element % MASK_BLOCK);
    vu bits;
    memcpy(&bits, &m->words[within / 32][within % 16], sizeof bits);
    bits = (bits >> (16 * (within / 16 % 2))) & 0xffff;
    return (vf)((vi)(x * m->scale) & ((vi)bits >= m->threshold));
}

#endif
