/* dropout - y = x * scale(row, column), each scale 0 or 1 / (1 - rate); ops/queue.h says which
 *
 *   dx = dy * scale: the same map, so one function is both
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

enum { BLOCK = 128, LANES = 16 }; /* elements a block; words drawn side by side for it */

double el_dropout_scale(el_dropout dropout, int cols, uint64_t row, int col)
{
    if (dropout.rate == 0)
        return 1;
    assert(dropout.rate > 0 && dropout.rate <= 0.9);
    const uint32_t threshold = (uint32_t)round(dropout.rate * 65536);
    const uint64_t padded = (uint64_t)(cols + 15) / 16 * 16;
    const uint64_t element = (dropout.first_row + row) * padded + (uint64_t)col;
    const uint64_t block = element / BLOCK;
    const int within = (int)(element % BLOCK);
    uint32_t words[4];
    el_random_words(dropout.random, block * LANES + (uint64_t)(within % LANES), words);
    const uint32_t bits = words[within / 32] >> (16 * (within / 16 % 2)) & 0xffff;
    return bits >= threshold ? 65536.0 / (65536 - threshold) : 0;
}

void el_ref_dropout(el_queue *q, el_tensor y, el_tensor x, el_dropout dropout)
{
    (void)q;
    assert(y.rows == x.rows && y.cols == x.cols);
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j++)
            el_set(y, i, j, el_get(x, i, j) * el_dropout_scale(dropout, x.cols, (uint64_t)i, j));
}
