/* panel - the inner loop of every product: a few rows of A times one packed panel of B, sums in registers
 *
 * A and B are made of 32-bit units along the depth: a float, or a pair of bf16 that one instruction
 * multiplies and adds.  Unit s of row i of A lies at a + i * row + s * step bytes, so that rows and columns
 * of memory, and packed blocks, are all the same to it.  A panel has PANEL columns, unit by unit:  b[s *
 * PANEL + column]. Sums run over the depth in order, whatever the number of rows: how a product is cut does
 * not change it.
 */
#ifndef EL_OPS_KERNELS_PANEL_H
#define EL_OPS_KERNELS_PANEL_H

#include "vector.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SMALL_BLOCKS
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SMALL_BLOCKS /* sanitizers check every access, and compile large unrolled blocks for minutes */
#endif

enum {
#ifdef SMALL_BLOCKS
    BLOCK_ROWS = EL_WIDTH / 2,
#else
    BLOCK_ROWS = EL_WIDTH == 16 ? 14 : 6, /* with two vectors of columns, what the registers hold */
#endif
    PANEL = 2 * EL_WIDTH,
#ifdef EL_AMX
    AMX = true, /* pairs are multiplied in tiles (amx.h) */
#else
    AMX = false,
#endif
    AMX_TILE = 16,            /* rows of a tile, and units of a row */
    AMX_BLOCK = 2 * AMX_TILE, /* rows of a block */
    AMX_DEPTH = 2 * AMX_TILE  /* numbers of bf16 in a row of a tile */
};
_Static_assert(2 * BLOCK_ROWS >= EL_WIDTH, "a store of packed rows runs over into one place at most");

typedef struct {
    const char *data;
    ptrdiff_t row, step; /* bytes */
} units;

/* 32-bit units that `depth` numbers take; of pairs whole tiles of AMX, zeros last. */
INLINE int units_of(bool pairs, int depth)
{
    if (AMX && pairs)
        return (depth + AMX_DEPTH - 1) / AMX_DEPTH * AMX_TILE;
    return pairs ? (depth + 1) / 2 : depth;
}

INLINE void panel_step(const int rows, const bool pairs, const char *const a[5], ptrdiff_t row, uint32_t keep,
                       const uint32_t *b, vf sum[BLOCK_ROWS][2])
{
    const vu left = vget(b), right = vget(b + WIDTH);
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

enum {
    /* Asking for the next rows helps AMD's processors: rows come from far away, and are too many for them to see where these
     * lead.  On an Intel Xeon it cost 8 %; avx512 and amx are taken for levels of Intel's.  With narrower vectors it costs
     * more than it saves. */
    ASKS_FOR_ROWS = BLOCK_ROWS > 8 && PAIRS && !AMX
};

/* A line of each of the next rows while a line of these is read.  Where rows are few, panels come from memory: this one's
 * units of many steps later are asked for, and into the second cache as much as half a step of `next` (NULL: nothing), so
 * that a whole block asks for half of that panel. */
INLINE void panel_ahead(const int rows, units a, const uint32_t *b, const uint32_t *next, int s)
{
    enum { LINE = 64 / 4, NEXT = 16, STEPS = 64 };
    if (ASKS_FOR_ROWS)
        __builtin_prefetch(a.data + (rows + s % NEXT) * a.row + s / LINE * 64);
#pragma GCC unroll 2
    for (int i = 0; i < PANEL; i += LINE)
        __builtin_prefetch(b + STEPS * PANEL + i);
    if (next)
        __builtin_prefetch(next + (int64_t)s * WIDTH, 0, 2);
}

/* sum += A B for `rows` rows, a constant; `ahead` where the rows, which lie along the depth, have others
 * after them, and `next` may be wanted. */
INLINE void panel_multiply(const int rows, const bool pairs, const bool ahead, int depth, units a,
                           const uint32_t *b, const uint32_t *next, vf sum[BLOCK_ROWS][2])
{
    const char *at[5];
#pragma GCC unroll 5
    for (int i = 0; i < (rows + 2) / 3; i++)
        at[i] = a.data + 3 * i * a.row;
    const int whole = pairs ? depth / 2 : depth;
    for (int s = 0; s < whole; s++, b += PANEL) {
        if (ahead)
            panel_ahead(rows, a, b, next, s);
        panel_step(rows, pairs, at, a.row, UINT32_MAX, b, sum);
#pragma GCC unroll 5
        for (int i = 0; i < (rows + 2) / 3; i++)
            at[i] += a.step;
    }
    if (pairs && depth % 2)
        panel_step(rows, pairs, at, a.row, 0xffff, b, sum);
}

/* Rows of the next block, of those row counts that are compiled: 1 to 6 of blocks of 6; 14, 8, 4, 2, 1 of those of 14.
 * Fewer than four rows wait for their own sums, so that the last two blocks of 6 are alike, and 16 are twice 8. */
INLINE int panel_rows(int rows)
{
    if (BLOCK_ROWS == 6 && rows < 2 * BLOCK_ROWS)
        return rows > BLOCK_ROWS ? (rows + 1) / 2 : rows;
    if (rows >= BLOCK_ROWS && !(BLOCK_ROWS > 8 && rows == 16))
        return BLOCK_ROWS;
    if (BLOCK_ROWS > 8 && rows >= 8)
        return 8;
    if (BLOCK_ROWS > 4 && rows >= 4)
        return 4;
    return rows >= 2 ? 2 : 1;
}

/* c (rows, PANEL) = A B, or c += A B; c in floats, `stride` of them from row to row. */
INLINE void panel_store(const int rows, const bool pairs, int depth, units a, const uint32_t *b, float *c,
                        int64_t stride, bool accumulate)
{
    vf sum[BLOCK_ROWS][2];
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        sum[i][0] = accumulate ? vload(c, EL_F32, i * stride) : (vf){0};
        sum[i][1] = accumulate ? vload(c, EL_F32, i * stride + WIDTH) : (vf){0};
    }
    panel_multiply(rows, pairs, false, depth, a, b, NULL, sum);
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        vstore(c, EL_F32, i * stride, sum[i][0]);
        vstore(c, EL_F32, i * stride + WIDTH, sum[i][1]);
    }
}

/* The same for any number of rows and of panels, which lie `panel_units` units apart. */
INLINE void panel_product(int rows, int panels, const bool pairs, int depth, units a, const uint32_t *b,
                          int64_t panel_units, float *c, int64_t stride, bool accumulate)
{
    for (int p = 0; p < panels; p++, b += panel_units, c += PANEL)
        for (int i = 0, count; i < rows; i += count) {
            const units block = {a.data + i * a.row, a.row, a.step};
            float *const to = c + i * stride;
            count = panel_rows(rows - i);
            if (count == BLOCK_ROWS)
                panel_store(BLOCK_ROWS, pairs, depth, block, b, to, stride, accumulate);
            else if (BLOCK_ROWS > 8 && count == 8)
                panel_store(8, pairs, depth, block, b, to, stride, accumulate);
            else if (BLOCK_ROWS == 6 && count == 5)
                panel_store(5, pairs, depth, block, b, to, stride, accumulate);
            else if (BLOCK_ROWS > 4 && count == 4)
                panel_store(4, pairs, depth, block, b, to, stride, accumulate);
            else if (BLOCK_ROWS == 6 && count == 3)
                panel_store(3, pairs, depth, block, b, to, stride, accumulate);
            else if (count == 2)
                panel_store(2, pairs, depth, block, b, to, stride, accumulate);
            else
                panel_store(1, pairs, depth, block, b, to, stride, accumulate);
        }
}

/* Units for WIDTH columns from two rows of the depth, or from one row of floats. */
INLINE vu units_inside(const bool pairs, const void *even, const void *odd, const el_type type, int64_t at)
{
    if (!pairs)
        return (vu)vload(even, type, at);
    if (type == EL_F32)
        return vriffle(vround_two(vload(even, type, at), vload(odd, type, at)));
    return vriffle(
        vjoin(vget_half(place(even, type, at)), vget_half(place(odd, type, at)))); /* as they are */
}

/* The same where only `left` columns are left, or no second row (NULL). */
INLINE vu units_edge(const bool pairs, const void *even, const void *odd, const el_type type, int64_t at,
                     int left)
{
    const vf first = vload_upto(even, type, at, left);
    if (!pairs)
        return (vu)first;
    const vf second = odd ? vload_upto(odd, type, at, left) : (vf){0};
    return vriffle(vround_two(first, second));
}

/* WIDTH units along one row whose `left` numbers lie side by side. */
INLINE vu units_down(const bool pairs, const void *data, const el_type type, int64_t at, int left)
{
    if (!pairs)
        return (vu)vload_upto(data, type, at, left);
    if (type == EL_BF16 && left >= 2 * WIDTH)
        return vget(place(data, type, at)); /* as they are */
    const vf first = left > 0 ? vload_upto(data, type, at, left) : (vf){0};
    const vf second = left > WIDTH ? vload_upto(data, type, at + WIDTH, left - WIDTH) : (vf){0};
    return (vu)vround_two(first, second);
}

/* Where groups of packed columns go, 32-bit units from one to the next; past the caches where they are read much
 * later. */
typedef struct {
    uint32_t *data;
    int64_t apart;
    bool past;
} groups;

INLINE groups in_groups(uint32_t *data, const int group, const bool pairs, int depth, const bool past)
{
    return (groups){data, (int64_t)group * units_of(pairs, depth), past};
}

INLINE void put(const bool past, uint32_t *to, vu unit)
{
    if (past)
        vstore_past(to, unit);
    else
        vput(to, unit);
}

enum {
    STRIP = 8
}; /* places of the depth that are packed for all groups before the next: rows are read whole */

/* A group's units at the places [first, end) of the depth, of which there are `count`, inside and at the
 * edges.  Inside, a store may run over into the next place where a group is no whole number of vectors; not so at the
 * last; and the rows of the next strip are asked for, as they lie too far apart for the processor to see where they
 * lead. */
INLINE void pack_inside(uint32_t *to, const bool past, const int group, const bool pairs, const char *data,
                        const el_type type, int64_t row, int first, int end)
{
    const int step = pairs ? 2 : 1;
    for (int s = first; s < end; s++)
        for (int j = 0; j < group; j += WIDTH) {
            const char *const even = data + step * s * row;
            for (int i = 0; i < step; i++)
                __builtin_prefetch(place(even + (STRIP * step + i) * row, type, j));
            put(past, to + (int64_t)s * group + j, units_inside(pairs, even, even + row, type, j));
        }
}

INLINE void pack_edges(uint32_t *to, const int group, const bool pairs, const char *data, const el_type type,
                       int64_t row, int first, int end, int depth, int cols)
{
    const int step = pairs ? 2 : 1;
    for (int s = first; s < end; s++)
        for (int j = 0; j < group; j += WIDTH) {
            const char *const even = data + step * s * row;
            const char *const odd = pairs && step * s + 1 < depth ? even + row : NULL;
            const bool inside = cols > j && step * s < depth;
            const vu unit = inside ? units_edge(pairs, even, odd, type, j, cols - j) : (vu){0};
            vstore_upto(to, EL_F32, (int64_t)s * group + j, group - j, (vf)unit);
        }
}

/* Packs B (depth, cols), whose rows lie `stride` numbers apart, in groups of columns, each unit by unit;
 * numbers beyond the edges are zero. */
INLINE void pack_across(const groups to, const int group, const bool pairs, const void *data,
                        const el_type type, int64_t stride, int depth, int cols)
{
    const int count = units_of(pairs, depth), whole = (pairs ? depth / 2 : depth) - (group % WIDTH != 0);
    const int64_t row = stride * (type == EL_BF16 ? 2 : 4);
    for (int first = 0; first < count; first += STRIP)
        for (int p = 0; p < cols; p += group) {
            const char *const column = place(data, type, p);
            uint32_t *const place_0 = to.data + p / group * to.apart;
            if (first + STRIP <= whole && cols - p >= (group + WIDTH - 1) / WIDTH * WIDTH)
                pack_inside(place_0, to.past, group, pairs, column, type, row, first, first + STRIP);
            else
                pack_edges(place_0, group, pairs, column, type, row, first,
                           first + STRIP < count ? first + STRIP : count, depth, cols - p);
        }
}

/* The same of B (depth, cols) that lies transposed, a column's numbers side by side, columns `stride` apart;
 * in panels. */
INLINE void pack_down(const groups to, const bool pairs, const void *data, const el_type type, int64_t stride,
                      int depth, int cols)
{
    const int count = units_of(pairs, depth), step = pairs ? 2 : 1;
    for (int p = 0; p < cols; p += PANEL)
        for (int half = 0; half < PANEL; half += WIDTH)
            for (int s = 0; s < count; s += WIDTH) {
                uint32_t *const place_0 = to.data + p / PANEL * to.apart + half;
                vu square[EL_WIDTH];
                for (int i = 0; i < WIDTH; i++)
                    square[i] = p + half + i < cols
                                    ? units_down(pairs, data, type, (p + half + i) * stride + s * step,
                                                 depth - s * step)
                                    : (vu){0};
                vtranspose(square);
                for (int i = 0; i < WIDTH && s + i < count; i++)
                    put(to.past, place_0 + (int64_t)(s + i) * PANEL, square[i]);
            }
}

#endif
