/* tile - the inner loop of every product: a few rows of A times one packed panel of B, sums in registers
 *
 * A and B are made of 32-bit units along the depth: a float, or a pair of bf16 that one instruction
 * multiplies and adds.  Unit s of row i of A lies at a + i * row + s * step bytes, so that rows and columns
 * of memory, and packed blocks, are all the same to it.  A panel has PANEL columns, unit by unit:  b[s *
 * PANEL + column]. Sums run over the depth in order, whatever the number of rows: how a product is cut does
 * not change it.
 */
#ifndef EL_OPS_KERNELS_TILE_H
#define EL_OPS_KERNELS_TILE_H

#include "vector.h"

enum {
    BLOCK_ROWS = EL_WIDTH == 16 ? 14 : 6, /* with two vectors of columns, what the registers hold */
    PANEL = 2 * EL_WIDTH
};

typedef struct {
    const char *data;
    ptrdiff_t row, step; /* bytes */
} units;

/* 32-bit units that `depth` numbers take. */
INLINE int units_of(bool pairs, int depth)
{
    return pairs ? (depth + 1) / 2 : depth;
}

INLINE void tile_step(const int rows, const bool pairs, const char *const a[5], ptrdiff_t row, uint32_t keep,
                      const uint32_t *b, vf sum[BLOCK_ROWS][2])
{
    vu left, right;
    memcpy(&left, b, sizeof left);
    memcpy(&right, b + WIDTH, sizeof right);
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        uint32_t unit;
        if (keep == UINT32_MAX) {
            memcpy(&unit, a[i / 3] + i % 3 * row, 4);
        } else {
            uint16_t half; /* the last of an odd depth: there is nothing behind it */
            memcpy(&half, a[i / 3] + i % 3 * row, 2);
            unit = half;
        }
        const vu x = vsplat_bits(unit);
        sum[i][0] = vmultiply_add(pairs, sum[i][0], x, left);
        sum[i][1] = vmultiply_add(pairs, sum[i][1], x, right);
    }
}

/* sum += A B for `rows` rows, a constant. */
INLINE void tile_multiply(const int rows, const bool pairs, int depth, units a, const uint32_t *b,
                          vf sum[BLOCK_ROWS][2])
{
    const char *at[5];
#pragma GCC unroll 5
    for (int i = 0; i < (rows + 2) / 3; i++)
        at[i] = a.data + 3 * i * a.row;
    const int whole = pairs ? depth / 2 : depth;
    for (int s = 0; s < whole; s++, b += PANEL) {
        tile_step(rows, pairs, at, a.row, UINT32_MAX, b, sum);
#pragma GCC unroll 5
        for (int i = 0; i < (rows + 2) / 3; i++)
            at[i] += a.step;
    }
    if (pairs && depth % 2)
        tile_step(rows, pairs, at, a.row, 0xffff, b, sum);
}

/* The largest of the row counts that are compiled, 14 (or 6), 8, 4, 2, 1, that is at most `rows`. */
INLINE int tile_rows(int rows)
{
    if (rows >= BLOCK_ROWS)
        return BLOCK_ROWS;
    if (BLOCK_ROWS > 8 && rows >= 8)
        return 8;
    return rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
}

/* c (rows, PANEL) = A B, or c += A B; c in floats, `stride` of them from row to row. */
INLINE void tile_store(const int rows, const bool pairs, int depth, units a, const uint32_t *b, float *c,
                       int64_t stride, bool accumulate)
{
    vf sum[BLOCK_ROWS][2];
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        sum[i][0] = accumulate ? vload(c, EL_F32, i * stride) : (vf){0};
        sum[i][1] = accumulate ? vload(c, EL_F32, i * stride + WIDTH) : (vf){0};
    }
    tile_multiply(rows, pairs, depth, a, b, sum);
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        vstore(c, EL_F32, i * stride, sum[i][0]);
        vstore(c, EL_F32, i * stride + WIDTH, sum[i][1]);
    }
}

/* The same for any number of rows and of panels, which lie `panel_units` units apart. */
INLINE void tile_product(int rows, int panels, const bool pairs, int depth, units a, const uint32_t *b,
                         int64_t panel_units, float *c, int64_t stride, bool accumulate)
{
    for (int p = 0; p < panels; p++, b += panel_units, c += PANEL)
        for (int i = 0, count; i < rows; i += count) {
            const units block = {a.data + i * a.row, a.row, a.step};
            float *const to = c + i * stride;
            count = tile_rows(rows - i);
            if (count == BLOCK_ROWS)
                tile_store(BLOCK_ROWS, pairs, depth, block, b, to, stride, accumulate);
            else if (BLOCK_ROWS > 8 && count == 8)
                tile_store(8, pairs, depth, block, b, to, stride, accumulate);
            else if (count == 4)
                tile_store(4, pairs, depth, block, b, to, stride, accumulate);
            else if (count == 2)
                tile_store(2, pairs, depth, block, b, to, stride, accumulate);
            else
                tile_store(1, pairs, depth, block, b, to, stride, accumulate);
        }
}

/* The bits of one number as half a unit, or as a whole one. */
INLINE uint32_t unit_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

/* Packs B (depth, cols), element (s, j) at number s * row + j * column of data, into panels, or other groups
 * of columns; numbers beyond the edges are zero.  `pairs` needs BF16. */
INLINE void tile_pack(uint32_t *to, const int group, const bool pairs, const void *data, const el_type type,
                      int64_t row, int64_t column, int depth, int cols)
{
    const int count = units_of(pairs, depth);
    for (int p = 0; p < cols; p += group)
        for (int s = 0; s < count; s++, to += group)
            for (int j = 0; j < group; j++) {
                uint32_t unit = 0;
                if (p + j < cols && pairs) {
                    uint16_t pair[2] = {0};
                    memcpy(&pair[0], place(data, EL_BF16, 2 * s * row + (p + j) * column), 2);
                    if (2 * s + 1 < depth)
                        memcpy(&pair[1], place(data, EL_BF16, (2 * s + 1) * row + (p + j) * column), 2);
                    unit = pair[0] | (uint32_t)pair[1] << 16;
                } else if (p + j < cols && type == EL_BF16) {
                    uint16_t half;
                    memcpy(&half, place(data, EL_BF16, s * row + (p + j) * column), 2);
                    unit = (uint32_t)half << 16;
                } else if (p + j < cols) {
                    memcpy(&unit, place(data, EL_F32, s * row + (p + j) * column), 4);
                }
                to[j] = unit;
            }
}

#endif
