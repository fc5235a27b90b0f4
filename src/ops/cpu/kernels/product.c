/* product - matrix products over packed panels
 *
 *   product:          y = x B + bias      or y += x B         x (rows, k)  B (k, n) packed  y (rows, n)
 *   product_weight:   dw += dy^T x        db += sums of dy    dy (tokens, out)  x (tokens, in)  dw (out, in)
 *
 * The depth is cut at fixed places, so that a panel stays in the first cache and sums have one order.  Where
 * bf16 has no products of its own, x is widened to floats, block by block, and B was when it was packed.  What a
 * block will need, the next rows of x and its own places in y, is fetched while it is multiplied: in a model
 * both come from memory far away.  Where there are tiles, product_amx.c multiplies pairs.
 */
#include <assert.h>

#include "amx.h"
#include "functions.h"

enum {
    DEPTH = EL_WIDTH == 16 ? 256 : 512, /* units of the depth at a time: 32 KiB of a panel or less */
    PADDED = DEPTH + 16,                /* units from row to row where rows are copied */
    WAYS = 8,      /* lines of the first cache whose addresses are multiples of 4 KiB apart */
    ROWS = 168,    /* rows of y at a time: a multiple of the rows of a block at every level */
    COLUMNS = 512, /* columns of y whose sums are carried from one part of the depth to the next */
    DY_COLUMNS = 16 * BLOCK_ROWS /* of dy that are packed at a time */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Numbers of the depth at a time. */
INLINE int depth_of(bool pairs)
{
    return pairs ? 2 * DEPTH : DEPTH;
}

size_t EL_KERNEL(packed_bytes)(int k, int n, el_type type)
{
    const bool pairs = PAIRS && type == EL_BF16;
    return (size_t)((n + PANEL - 1) / PANEL) * (size_t)units_of(pairs, k) * PANEL * 4;
}

size_t EL_KERNEL(product_scratch)(void)
{
    const size_t forward = (size_t)ROWS * (PADDED + COLUMNS) * 4;
    const size_t weight = ((size_t)DEPTH * (DY_COLUMNS + EL_WEIGHT_COLUMNS) + WIDTH) * 4;
    const size_t most = forward > weight ? forward : weight, amx = amx_product_scratch();
    return most > amx ? most : amx;
}

/* Rows of w, whole panels of them, are columns of B where y = x W^T, and places of its depth where dx = dy W. */
INLINE void pack(uint32_t *forward, uint32_t *backward, el_tensor w, const bool pairs, int first, int rows)
{
    const void *const from = el_piece_at(w, first, 0);
    forward += (int64_t)first * units_of(pairs, w.cols);
    if (backward)
        pack_across(in_groups(backward + (int64_t)units_of(pairs, first) * PANEL, PANEL, pairs, w.rows, true),
                    PANEL, pairs, from, EL_F32, w.stride, rows, w.cols);
    pack_down(in_groups(forward, PANEL, pairs, w.cols, true), pairs, from, EL_F32, w.stride, w.cols, rows);
    vstore_past_end();
}

void EL_KERNEL(pack)(void *forward, void *backward, el_tensor w, el_type type, int first, int rows)
{
    if (PAIRS && type == EL_BF16)
        pack(forward, backward, w, PAIRS, first, rows);
    else
        pack(forward, backward, w, false, first, rows);
}

/* What one block of sums becomes: where it starts and where it goes. */
typedef struct {
    el_tensor y;    /* the block's first element is (0, 0); cols are those that are left */
    float *carried; /* sums of the depth before, COLUMNS from row to row */
    const float *bias;
    bool accumulate, first, last; /* of the parts of the depth */
} target;

INLINE vf finished(const target *t, int64_t at, int col, int left, vf sum, const el_type type)
{
    if (t->bias)
        sum += vload_upto(t->bias, EL_F32, col, left);
    if (t->accumulate)
        sum += vload_upto(t->y.data, type, at, left);
    return sum;
}

INLINE void block(const int rows, const bool pairs, const bool ahead, int depth, units a, const uint32_t *b,
                  const uint32_t *next, const target *t, const el_type type)
{
    vf sum[BLOCK_ROWS][2];
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        sum[i][0] = t->first ? (vf){0} : vload(t->carried, EL_F32, i * COLUMNS);
        sum[i][1] = t->first ? (vf){0} : vload(t->carried, EL_F32, i * COLUMNS + WIDTH);
    }
    if (t->last) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            __builtin_prefetch(place(t->y.data, type, i * t->y.stride), 1);
            __builtin_prefetch(place(t->y.data, type, i * t->y.stride + WIDTH), 1);
        }
    }
    panel_multiply(rows, pairs, ahead, depth, a, b, next, sum);
    if (!t->last) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            vstore(t->carried, EL_F32, i * COLUMNS, sum[i][0]);
            vstore(t->carried, EL_F32, i * COLUMNS + WIDTH, sum[i][1]);
        }
        return;
    }
    if (t->y.cols >= PANEL) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            const int64_t at = i * t->y.stride;
            vstore(t->y.data, type, at, finished(t, at, 0, WIDTH, sum[i][0], type));
            vstore(t->y.data, type, at + WIDTH, finished(t, at + WIDTH, WIDTH, WIDTH, sum[i][1], type));
        }
        return;
    }
    vf kept[BLOCK_ROWS][2]; /* so that the loop below, which is not unrolled, leaves `sum` in registers */
    memcpy(kept, sum, sizeof kept);
    for (int i = 0; i < rows; i++)
        for (int half = 0; half < 2; half++) {
            const int64_t at = i * t->y.stride + half * WIDTH;
            const int left = t->y.cols - half * WIDTH;
            if (left > 0)
                vstore_upto(t->y.data, type, at, left,
                            finished(t, at, half * WIDTH, left, kept[i][half], type));
        }
}

/* Each of the first two blocks asks for half of the panel that is multiplied next; of a shorter last part of the depth
 * for what is behind it too, which does no harm. */
INLINE void blocks_of(int rows, const bool pairs, const bool ahead, int depth, units a, const uint32_t *b,
                      const uint32_t *next, target t, const el_type type)
{
    const int64_t half = (int64_t)units_of(pairs, depth) * WIDTH;
    for (int i = 0, count; i < rows; i += count) {
        count = panel_rows(rows - i);
        if (count == BLOCK_ROWS)
            block(BLOCK_ROWS, pairs, ahead, depth, a, b, next, &t, type);
        else if (BLOCK_ROWS > 8 && count == 8)
            block(8, pairs, ahead, depth, a, b, next, &t, type);
        else if (BLOCK_ROWS == 6 && count == 5)
            block(5, pairs, ahead, depth, a, b, next, &t, type);
        else if (BLOCK_ROWS > 4 && count == 4)
            block(4, pairs, ahead, depth, a, b, next, &t, type);
        else if (BLOCK_ROWS == 6 && count == 3)
            block(3, pairs, ahead, depth, a, b, next, &t, type);
        else if (count == 2)
            block(2, pairs, ahead, depth, a, b, next, &t, type);
        else
            block(1, pairs, ahead, depth, a, b, next, &t, type);
        a.data += count * a.row;
        t.y.data = el_piece_at(t.y, count, 0);
        if (t.carried)
            t.carried += count * COLUMNS;
        next = i == 0 && next ? next + half : NULL;
    }
}

/* One copy of each kind for all products of this file, as functions of their own: the code is long. */
#define BLOCKS(name, pairs, ahead, type)                                                                     \
    static __attribute__((noinline)) void name(int rows, int depth, units a, const uint32_t *b,              \
                                               const uint32_t *next, const target *t)                        \
    {                                                                                                        \
        blocks_of(rows, pairs, ahead, depth, a, b, next, *t, type);                                          \
    }
BLOCKS(blocks_floats, false, false, EL_F32)
BLOCKS(blocks_floats_ahead, false, true, EL_F32)
BLOCKS(blocks_widened, false, true, EL_BF16) /* floats of bf16, side by side */
BLOCKS(blocks_pairs, PAIRS && !AMX, false, EL_BF16)
BLOCKS(blocks_pairs_ahead, PAIRS && !AMX, true, EL_BF16)
BLOCKS(blocks_pairs_weight, PAIRS && !AMX, false, EL_F32)

INLINE void blocks(int rows, const bool pairs, const bool ahead, int depth, units a, const uint32_t *b,
                   const uint32_t *next, const target *t, const el_type type)
{
    if (pairs)
        (type == EL_F32 ? blocks_pairs_weight
         : ahead        ? blocks_pairs_ahead
                        : blocks_pairs)(rows, depth, a, b, next, t);
    else if (type == EL_BF16)
        blocks_widened(rows, depth, a, b, next, t);
    else
        (ahead ? blocks_floats_ahead : blocks_floats)(rows, depth, a, b, next, t);
}

/* Rows so far apart fall on one place of the first cache, which keeps WAYS lines there: more are copied, and none
 * are fetched ahead. */
INLINE bool crowded(units a)
{
    return a.row % 4096 == 0;
}

/* Floats of x, or its pairs as they are, in rows PADDED units apart. */
INLINE void copy_rows(float *to, el_tensor x, const bool pairs, const el_type type)
{
    for (int i = 0; i < x.rows; i++, to += PADDED) {
        const void *const row = place(x.data, type, i * x.stride);
        if (pairs)
            memcpy(to, row, (size_t)x.cols * 2);
        else
            for (int j = 0; j < x.cols; j += WIDTH)
                vstore_upto(to, EL_F32, j, x.cols - j, vload_upto(row, type, j, x.cols - j));
    }
}

/* At most ROWS rows and COLUMNS columns, through all of the depth. */
INLINE void square(el_tensor y, el_tensor x, const uint32_t *packed, const float *bias, bool accumulate,
                   float *scratch, const bool pairs, const el_type type)
{
    const int64_t panel_units = (int64_t)units_of(pairs, x.cols) * PANEL;
    const int depth = depth_of(pairs);
    float *const wide = scratch, *const carried = scratch + ROWS * PADDED;
    for (int k = 0; k < x.cols; k += depth) {
        const el_tensor part = el_piece_cols(x, k, least(depth, x.cols - k));
        const uint32_t *const of_depth = packed + (int64_t)units_of(pairs, k) * PANEL;
        const uint32_t *const after =
            k + depth < x.cols ? of_depth + (int64_t)units_of(pairs, depth) * PANEL : NULL;
        units a = {part.data, x.stride * (type == EL_BF16 ? 2 : 4), 4};
        if ((type == EL_BF16 && !pairs) || (crowded(a) && least(y.rows, BLOCK_ROWS) > WAYS)) {
            copy_rows(wide, part, pairs, type);
            a = (units){(const char *)wide, PADDED * 4, 4};
        }
        for (int j = 0; j < y.cols; j += PANEL) {
            const target t = {.y = el_piece_cols(y, j, y.cols - j),
                              .carried = carried + j,
                              .bias = bias ? bias + j : NULL,
                              .accumulate = accumulate,
                              .first = k == 0,
                              .last = k + depth >= x.cols};
            const uint32_t *const b = of_depth + j / PANEL * panel_units;
            const uint32_t *const then = j + PANEL < y.cols ? b + panel_units : after;
            blocks(y.rows, pairs, !crowded(a), part.cols, a, b, crowded(a) ? NULL : then, &t, type);
        }
    }
}

INLINE void product(el_tensor y, el_tensor x, const uint32_t *packed, const float *bias, bool accumulate,
                    float *scratch, const bool pairs, const el_type type)
{
    const int64_t panel_units = (int64_t)units_of(pairs, x.cols) * PANEL;
    const int columns = x.cols > depth_of(pairs) ? COLUMNS : y.cols;
    for (int i = 0; i < y.rows; i += ROWS) {
        const int rows = least(ROWS, y.rows - i);
        for (int j = 0; j < y.cols; j += columns)
            square(el_piece_cols(el_piece_rows(y, i, rows), j, least(columns, y.cols - j)),
                   el_piece_rows(x, i, rows), packed + j / PANEL * panel_units, bias ? bias + j : NULL,
                   accumulate, scratch, pairs, type);
    }
}

void EL_KERNEL(product)(el_tensor y, el_tensor x, const void *packed, int first_panel, const float *bias,
                        bool accumulate, void *scratch)
{
    assert(x.type == y.type && x.rows == y.rows);
    const bool pairs = PAIRS && x.type == EL_BF16;
    const uint32_t *const first =
        (const uint32_t *)packed + (int64_t)first_panel * units_of(pairs, x.cols) * PANEL;
    if (AMX && pairs)
        amx_product(y, x, first, bias, accumulate, scratch);
    else if (pairs)
        product(y, x, first, bias, accumulate, scratch, PAIRS && !AMX, EL_BF16);
    else if (x.type == EL_BF16)
        product(y, x, first, bias, accumulate, scratch, false, EL_BF16);
    else
        product(y, x, first, bias, accumulate, scratch, false, EL_F32);
}

/* The columns of packed groups, summed over `count` units of their depth: products with ones. */
INLINE void add_sums(float *sums, const uint32_t *packed, int cols, int count, const bool pairs)
{
    enum { APART = 4 }; /* sums that do not wait for each other */
    const vu ones = vsplat_bits(pairs ? 0x3f803f80 : 0x3f800000);
    for (int i = 0; i < cols; i += BLOCK_ROWS)
        for (int j = i; j < least(i + BLOCK_ROWS, cols); j += WIDTH) {
            const uint32_t *const from = packed + (int64_t)i * count + (j - i);
            vf sum[APART] = {{0}};
            for (int s = 0; s < count; s += APART)
#pragma GCC unroll 4
                for (int k = 0; k < APART; k++)
                    if (s + k < count)
                        sum[k] =
                            vmultiply_add(pairs, sum[k], (vu)vload(from, EL_F32, (s + k) * BLOCK_ROWS), ones);
            const int left = least(i + BLOCK_ROWS, cols) - j;
            vstore_upto(sums, EL_F32, j, left,
                        vload_upto(sums, EL_F32, j, left) + ((sum[0] + sum[1]) + (sum[2] + sum[3])));
        }
}

/* Some rows of dw, over some tokens: dy is packed in groups of columns that are the rows of one block; b is x, packed. */
INLINE void weight_strip(el_tensor dw, el_tensor db, el_tensor dy, const uint32_t *b, uint32_t *a,
                         const bool pairs, const el_type type)
{
    const int count = units_of(pairs, dy.rows);
    pack_across(in_groups(a, BLOCK_ROWS, pairs, dy.rows, false), BLOCK_ROWS, pairs, dy.data, type, dy.stride,
                dy.rows, dy.cols);
    if (db.data)
        add_sums(db.data, a, db.cols, count, pairs);
    for (int j = 0; j < dw.cols; j += PANEL)
        for (int i = 0; i < dw.rows; i += BLOCK_ROWS) {
            const target t = {.y = el_piece_cols(el_piece_rows(dw, i, dw.rows - i), j, dw.cols - j),
                              .accumulate = true,
                              .first = true,
                              .last = true};
            const units rows = {(const char *)(a + (int64_t)i * count), 4, BLOCK_ROWS * 4};
            blocks(least(BLOCK_ROWS, dw.rows - i), pairs, false, dy.rows, rows, b + (int64_t)j * count, NULL,
                   &t, EL_F32);
        }
}

/* All of x is packed, of dy so much that both stay in the second cache. */
INLINE void weight(el_tensor dw, el_tensor db, el_tensor dy, el_tensor x, uint32_t *scratch, const bool pairs,
                   const el_type type)
{
    uint32_t *const a = scratch, *const b = scratch + DEPTH * DY_COLUMNS;
    for (int first = 0; first < dy.rows; first += depth_of(pairs)) {
        const int tokens = least(depth_of(pairs), dy.rows - first);
        pack_across(in_groups(b, PANEL, pairs, tokens, false), PANEL, pairs, el_piece_at(x, first, 0), type,
                    x.stride, tokens, x.cols);
        for (int i = 0; i < dw.rows; i += DY_COLUMNS) {
            const int rows = least(DY_COLUMNS, dw.rows - i);
            weight_strip(el_piece_rows(dw, i, rows), el_piece_cols(db, i, rows),
                         el_piece_cols(el_piece_rows(dy, first, tokens), i, rows), b, a, pairs, type);
        }
    }
}

void EL_KERNEL(product_weight)(el_tensor dw, el_tensor db, el_tensor dy, el_tensor x, void *scratch)
{
    assert(dw.type == EL_F32 && dy.type == x.type && dy.rows == x.rows);
    assert(dw.rows <= EL_WEIGHT_ROWS / BLOCK_ROWS * BLOCK_ROWS && dw.cols <= EL_WEIGHT_COLUMNS);
    const bool pairs = PAIRS && x.type == EL_BF16;
    if (AMX && pairs)
        amx_product_weight(dw, db, dy, x, scratch);
    else if (pairs)
        weight(dw, db, dy, x, scratch, PAIRS && !AMX, EL_BF16);
    else if (x.type == EL_BF16)
        weight(dw, db, dy, x, scratch, false, EL_BF16);
    else
        weight(dw, db, dy, x, scratch, false, EL_F32);
}
