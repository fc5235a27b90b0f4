/* product_amx - the products of product.c for pairs of bf16, in tiles
 *
 * Rows of A are read where they lie; what tiles would read beyond their end, or beyond the end of the depth, is copied
 * first.  In a weight's gradient A is dy, turned.
 */
#include "amx.h"
#include "functions.h"

#ifdef __AMX_TILE__

enum {
    DEPTH = 256,           /* units of the depth at a time: 32 KiB of a panel */
    PADDED = DEPTH + TILE, /* units from row to row where rows are copied: no multiple of 4 KiB */
    ROWS = 192,            /* rows of y at a time, a multiple of a block's */
    COLUMNS = 512,         /* columns of y whose sums are carried from one part of the depth to the next */
    DY_COLUMNS = 256,      /* of dy that are turned at a time */
    BLOCK = 2 * TILE,      /* rows of a block */
    CROWDED = 4096         /* bytes from row to row that let all rows fall on one place of the first cache */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

size_t amx_product_scratch(void)
{
    const size_t forward = (size_t)ROWS * (PADDED + COLUMNS) * 4;
    const size_t weight =
        ((size_t)PADDED * DY_COLUMNS + (size_t)DEPTH * EL_WEIGHT_COLUMNS + BLOCK * PANEL) * 4;
    return forward > weight ? forward : weight;
}

/* ---- y = x B + bias, or y += x B ---- */

/* What a block of sums becomes: where it starts and where it goes. */
typedef struct {
    el_tensor y;    /* the block's first element is (0, 0); what follows it is left */
    float *carried; /* sums of the depth before, COLUMNS from row to row */
    const float *bias;
    bool accumulate, first, last; /* of the parts of the depth */
} target;

INLINE void put_sums(const target *t, int row, int col, vf sum)
{
    const int left = t->y.cols - col;
    const int64_t at = row * t->y.stride + col;
    if (left <= 0)
        return;
    if (t->bias)
        sum += vload_upto(t->bias, EL_F32, col, left);
    if (t->accumulate)
        sum += vload_upto(t->y.data, EL_BF16, at, left);
    vstore_upto(t->y.data, EL_BF16, at, left, sum);
}

INLINE void block(const bool lower, int count, units a, const uint32_t *b, const target *t)
{
    float sums[BLOCK][PANEL] __attribute__((aligned(64)));
    const int rows = least(t->y.rows, lower ? BLOCK : TILE);
    if (t->first)
        amx_clear(lower);
    else
        amx_load(lower, t->carried, COLUMNS);
    amx_multiply(lower, BF16_PAIRS, count, a, b);
    if (!t->last) {
        amx_store(lower, t->carried, COLUMNS);
        return;
    }
    amx_store(lower, sums, PANEL);
    for (int i = 0; i < rows; i++)
        for (int col = 0; col < PANEL; col += WIDTH)
            put_sums(t, i, col, vload(sums[i], EL_F32, col));
}

/* Rows of pairs, PADDED units apart, with zeros behind them up to `count` units. */
static void copy_rows(uint32_t *to, el_tensor x, int count)
{
    for (int i = 0; i < x.rows; i++, to += PADDED) {
        memcpy(to, el_piece_at(x, i, 0), (size_t)x.cols * 2);
        memset((char *)to + x.cols * 2, 0, (size_t)count * 4 - (size_t)x.cols * 2);
    }
}

/* Rows of x that tiles can read where they lie: whole tiles of them, along a whole depth. */
static int rows_in_place(el_tensor x)
{
    const bool whole = x.cols % (2 * TILE) == 0, crowded = x.stride * 2 % CROWDED == 0;
    return whole && !crowded ? x.rows / TILE * TILE : 0;
}

/* All rows of some columns. */
INLINE void blocks(int count, el_tensor x, int in_place, const uint32_t *copied, const uint32_t *b, target t)
{
    for (int i = 0, rows; i < x.rows; i += rows) {
        const bool lies = i < in_place;
        const units a = lies ? (units){el_piece_at(x, i, 0), x.stride * 2, 4}
                             : (units){(const char *)(copied + (i - in_place) * PADDED), PADDED * 4, 4};
        rows = least(BLOCK, (lies ? in_place : x.rows) - i);
        if (rows > TILE)
            block(true, count, a, b, &t);
        else
            block(false, count, a, b, &t);
        t.y = el_piece_rows(t.y, rows, t.y.rows - rows);
        t.carried += rows * COLUMNS;
    }
}

/* At most ROWS rows and, where the depth has parts, COLUMNS columns. */
static void square(el_tensor y, el_tensor x, const uint32_t *packed, const float *bias, bool accumulate,
                   uint32_t *scratch)
{
    const int64_t panel_units = (int64_t)units_of(true, x.cols) * PANEL;
    uint32_t *const copied = scratch;
    float *const carried = (float *)(scratch + ROWS * PADDED);
    for (int k = 0; k < x.cols; k += 2 * DEPTH) {
        const el_tensor part = el_piece_cols(x, k, least(2 * DEPTH, x.cols - k));
        const int count = units_of(true, part.cols), in_place = rows_in_place(part);
        copy_rows(copied, el_piece_rows(part, in_place, part.rows - in_place), count);
        for (int j = 0; j < y.cols; j += PANEL) {
            const target t = {.y = el_piece_cols(y, j, y.cols - j),
                              .carried = carried + j,
                              .bias = bias ? bias + j : NULL,
                              .accumulate = accumulate,
                              .first = k == 0,
                              .last = k + 2 * DEPTH >= x.cols};
            blocks(count, part, in_place, copied, packed + (int64_t)k / 2 * PANEL + j / PANEL * panel_units,
                   t);
        }
    }
}

void amx_product(el_tensor y, el_tensor x, const uint32_t *packed, const float *bias, bool accumulate,
                 void *scratch)
{
    const int64_t panel_units = (int64_t)units_of(true, x.cols) * PANEL;
    const int columns = x.cols > 2 * DEPTH ? COLUMNS : y.cols;
    amx_open();
    for (int i = 0; i < y.rows; i += ROWS) {
        const int rows = least(ROWS, y.rows - i);
        for (int j = 0; j < y.cols; j += columns)
            square(el_piece_cols(el_piece_rows(y, i, rows), j, least(columns, y.cols - j)),
                   el_piece_rows(x, i, rows), packed + j / PANEL * panel_units, bias ? bias + j : NULL,
                   accumulate, scratch);
    }
    amx_close();
}

/* ---- dw += dy^T x, db += sums of dy ---- */

/* TILE columns of dy become rows PADDED units apart, with zeros behind the last token; sums of them are added to. */
static void turn(uint32_t *to, el_tensor dy, vf *sums)
{
    const vu ones = vsplat_bits(0x3f803f80);
    const int count = units_of(true, dy.rows);
    vf sum[2] = {{0}}; /* that do not wait for each other */
    for (int s = 0; s < count; s += TILE) {
        vu square[TILE];
        for (int i = 0; i < TILE; i++) {
            const int token = 2 * (s + i);
            const void *const even = el_piece_at(dy, token, 0), *const odd = el_piece_at(dy, token + 1, 0);
            if (token + 1 < dy.rows && dy.cols >= TILE)
                square[i] = units_inside(true, even, odd, EL_BF16, 0);
            else if (token < dy.rows)
                square[i] = units_edge(true, even, token + 1 < dy.rows ? odd : NULL, EL_BF16, 0, dy.cols);
            else
                square[i] = (vu){0};
            sum[i % 2] = vmultiply_add(true, sum[i % 2], square[i], ones);
        }
        vtranspose(square);
        for (int i = 0; i < TILE; i++)
            vput(to + i * PADDED + s, square[i]);
    }
    *sums = sum[0] + sum[1];
}

/* Sums go on from those in dw. */
INLINE void add_block(const bool lower, int count, units a, const uint32_t *b, el_tensor dw)
{
    float *const sums = dw.data;
    amx_load(lower, sums, dw.stride);
    amx_multiply(lower, BF16_PAIRS, count, a, b);
    amx_store(lower, sums, dw.stride);
}

/* The same where dw ends within the block. */
static void add_edge(int count, units a, const uint32_t *b, el_tensor dw, float *sums)
{
    const el_tensor block = {.data = sums, .type = EL_F32, .rows = BLOCK, .cols = PANEL, .stride = PANEL};
    const int rows = least(BLOCK, dw.rows);
    const size_t bytes = (size_t)least(PANEL, dw.cols) * 4;
    for (int i = 0; i < rows; i++)
        memcpy(el_piece_at(block, i, 0), el_piece_at(dw, i, 0), bytes);
    if (rows > TILE)
        add_block(true, count, a, b, block);
    else
        add_block(false, count, a, b, block);
    for (int i = 0; i < rows; i++)
        memcpy(el_piece_at(dw, i, 0), el_piece_at(block, i, 0), bytes);
}

/* Some rows of dw, over some tokens; b is x, packed. */
static void strip(el_tensor dw, el_tensor db, el_tensor dy, const uint32_t *b, uint32_t *turned, float *edge)
{
    const int count = units_of(true, dy.rows);
    for (int i = 0; i < dy.cols; i += TILE) {
        vf sums;
        turn(turned + i * PADDED, el_piece_cols(dy, i, least(TILE, dy.cols - i)), &sums);
        if (db.data) {
            const int left = db.cols - i;
            vstore_upto(db.data, EL_F32, i, left, vload_upto(db.data, EL_F32, i, left) + sums);
        }
    }
    for (int j = 0; j < dw.cols; j += PANEL, b += (int64_t)count * PANEL)
        for (int i = 0; i < dw.rows; i += BLOCK) {
            const units a = {(const char *)(turned + i * PADDED), PADDED * 4, 4};
            const el_tensor block = el_piece_cols(el_piece_rows(dw, i, dw.rows - i), j, dw.cols - j);
            if (block.rows >= BLOCK && block.cols >= PANEL)
                add_block(true, count, a, b, block);
            else
                add_edge(count, a, b, block, edge);
        }
}

/* All of x is packed, of dy so much that both stay in the second cache. */
void amx_product_weight(el_tensor dw, el_tensor db, el_tensor dy, el_tensor x, void *scratch)
{
    uint32_t *const b = scratch, *const turned = b + DEPTH * EL_WEIGHT_COLUMNS;
    float *const edge = (float *)(turned + PADDED * DY_COLUMNS);
    amx_open();
    for (int first = 0; first < dy.rows; first += 2 * DEPTH) {
        const int tokens = least(2 * DEPTH, dy.rows - first);
        pack_across(in_groups(b, PANEL, true, tokens, false), PANEL, true, el_piece_at(x, first, 0), EL_BF16,
                    x.stride, tokens, x.cols);
        for (int i = 0; i < dw.rows; i += DY_COLUMNS) {
            const int rows = least(DY_COLUMNS, dw.rows - i);
            strip(el_piece_rows(dw, i, rows), el_piece_cols(db, i, rows),
                  el_piece_cols(el_piece_rows(dy, first, tokens), i, rows), b, turned, edge);
        }
    }
    amx_close();
}

#else

size_t amx_product_scratch(void)
{
    return 0;
}

void amx_product(el_tensor y, el_tensor x, const uint32_t *packed, const float *bias, bool accumulate,
                 void *scratch)
{
    (void)y, (void)x, (void)packed, (void)bias, (void)accumulate, (void)scratch;
}

void amx_product_weight(el_tensor dw, el_tensor db, el_tensor dy, el_tensor x, void *scratch)
{
    (void)dw, (void)db, (void)dy, (void)x, (void)scratch;
}

#endif
