/* product_amx - the products of product.c for pairs of bf16, in tiles
 *
 * Rows of A are read where they lie; what tiles would read beyond their end, or beyond the end of the depth, is copied
 * first.  A block of rows stays in the first cache while all panels pass, as a panel's lines lie side by side and come from
 * the second cache by themselves; product.c does it the other way round.  Sums of a block are rounded and stored a few rows
 * at a time between the steps of the next block, which tiles take long enough for.
 *
 * A weight's gradient is dy^T x: x is packed in panels of pairs of tokens, and dy is turned, so that the tokens of a column
 * lie side by side.  Sums go on from those in dw, in its own memory.
 */
#include <assert.h>

#include "amx.h"
#include "functions.h"

#ifdef EL_AMX

enum {
    DEPTH = 256,               /* units of the depth at a time: 32 KiB of a panel */
    PADDED = DEPTH + AMX_TILE, /* units from row to row where rows are copied: no multiple of 4 KiB */
    ROWS = 192,                /* rows of y at a time, a multiple of a block's */
    COLUMNS = 512,    /* of y whose sums are carried from one part of the depth to the next, block by block */
    DY_COLUMNS = 512, /* of dy that are turned at a time */
    CROWDED = 4096    /* bytes from row to row that let all rows fall on one place of the first cache */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

size_t amx_product_scratch(void)
{
    const size_t forward = (size_t)ROWS * (PADDED + COLUMNS) * 4;
    const size_t weight =
        ((size_t)PADDED * DY_COLUMNS + (size_t)DEPTH * EL_WEIGHT_COLUMNS + AMX_BLOCK * PANEL) * 4;
    return forward > weight ? forward : weight;
}

/* ---- y = x B + bias, or y += x B ---- */

/* What a block of sums becomes: where it starts and where it goes. */
typedef struct {
    el_tensor y;    /* the block's first element is (0, 0); what follows it is left */
    float *carried; /* sums of the depth before, PANEL from row to row */
    const float *bias;
    bool accumulate, first, last; /* of the parts of the depth */
} target;

/* Sums of a block that go to y while the next block is multiplied, a few rows at a time: whole rows of a panel. */
typedef struct {
    float sums[AMX_BLOCK][PANEL];
    el_tensor y;
    vf bias[2];
    int next, rows;
} pending;

INLINE void put_rows(pending *p, int count)
{
    const int end = least(p->next + count, p->rows);
    for (int i = p->next; i < end; i++)
        vput(el_piece_at(p->y, i, 0), (vu)vround_two(vload(p->sums[i], EL_F32, 0) + p->bias[0],
                                                     vload(p->sums[i], EL_F32, WIDTH) + p->bias[1]));
    p->next = end;
}

/* Sums of a block at an edge, or that are added to y. */
static void put_block(const target *t, int rows, const pending *p)
{
    for (int i = 0; i < rows; i++)
        for (int col = 0; col < PANEL && col < t->y.cols; col += WIDTH) {
            const int left = t->y.cols - col;
            const int64_t at = i * t->y.stride + col;
            vf sum = vload(p->sums[i], EL_F32, col);
            if (t->bias)
                sum += vload_upto(t->bias, EL_F32, col, left);
            if (t->accumulate)
                sum += vload_upto(t->y.data, EL_BF16, at, left);
            vstore_upto(t->y.data, EL_BF16, at, left, sum);
        }
}

INLINE void block(const bool lower, int count, units a, const uint32_t *b, const target *t, pending *p)
{
    const int rows = least(t->y.rows, lower ? AMX_BLOCK : AMX_TILE);
    const int each = (p->rows - p->next + count / AMX_TILE - 1) / (count / AMX_TILE);
    if (t->first)
        amx_clear(lower);
    else
        amx_load(lower, t->carried, PANEL);
    amx_barrier();
    for (int s = 0; s < count; s += AMX_TILE, a.data += AMX_ROW_BYTES, b += AMX_TILE * PANEL) {
        amx_step(lower, BF16_PAIRS, a.data, a.row, b);
        put_rows(p, each);
    }
    if (!t->last) {
        amx_store(lower, t->carried, PANEL);
        return;
    }
    amx_store(lower, p->sums, PANEL);
    p->next = p->rows = 0;
    if (t->y.cols < PANEL || t->accumulate) {
        put_block(t, rows, p);
        return;
    }
    p->rows = rows;
    p->y = t->y;
    for (int half = 0; half < 2; half++)
        p->bias[half] = t->bias ? vload(t->bias, EL_F32, half * WIDTH) : (vf){0};
}

/* Rows of pairs, PADDED units apart, with zeros behind them up to `count` units. */
static void copy_rows(uint32_t *to, el_tensor x, int count)
{
    for (int i = 0; i < x.rows; i++, to += PADDED) {
        memcpy(to, el_piece_at(x, i, 0), (size_t)x.cols * 2);
        memset((char *)to + x.cols * 2, 0, (size_t)count * 4 - (size_t)x.cols * 2);
    }
}

/* Rows of x that tiles can read where they lie: whole blocks, or tiles, along a whole depth.  How rows come in blocks is the
 * same for all parts of the depth. */
static int rows_in_place(el_tensor x)
{
    const bool whole = x.cols % AMX_DEPTH == 0, crowded = x.stride * 2 % CROWDED == 0;
    if (!whole || crowded)
        return 0;
    return x.rows % AMX_TILE ? x.rows / AMX_BLOCK * AMX_BLOCK : x.rows;
}

/* At most ROWS rows and, where the depth has parts, COLUMNS columns. */
static void square(el_tensor y, el_tensor x, const uint32_t *packed, const float *bias, bool accumulate,
                   uint32_t *scratch, pending *p)
{
    const int64_t panel_units = (int64_t)units_of(true, x.cols) * PANEL;
    uint32_t *const copied = scratch;
    float *const carried = (float *)(scratch + ROWS * PADDED);
    for (int k = 0; k < x.cols; k += 2 * DEPTH) {
        const el_tensor part = el_piece_cols(x, k, least(2 * DEPTH, x.cols - k));
        const int count = units_of(true, part.cols), in_place = rows_in_place(part);
        copy_rows(copied, el_piece_rows(part, in_place, part.rows - in_place), count);
        for (int i = 0, rows; i < x.rows; i += rows) {
            const bool lies = i < in_place;
            const units a = lies ? (units){el_piece_at(part, i, 0), x.stride * 2, 4}
                                 : (units){(const char *)(copied + (i - in_place) * PADDED), PADDED * 4, 4};
            rows = least(AMX_BLOCK, (lies ? in_place : x.rows) - i);
            for (int j = 0; j < y.cols; j += PANEL) {
                const target t = {.y = el_piece_cols(el_piece_rows(y, i, y.rows - i), j, y.cols - j),
                                  .carried =
                                      carried + i * COLUMNS + j * (rows > AMX_TILE ? AMX_BLOCK : AMX_TILE),
                                  .bias = bias ? bias + j : NULL,
                                  .accumulate = accumulate,
                                  .first = k == 0,
                                  .last = k + 2 * DEPTH >= x.cols};
                const uint32_t *const b = packed + (int64_t)k / 2 * PANEL + j / PANEL * panel_units;
                if (rows > AMX_TILE)
                    block(true, count, a, b, &t, p);
                else
                    block(false, count, a, b, &t, p);
            }
        }
    }
}

void amx_product(el_tensor y, el_tensor x, const uint32_t *packed, const float *bias, bool accumulate,
                 void *scratch)
{
    const int64_t panel_units = (int64_t)units_of(true, x.cols) * PANEL;
    const int columns = x.cols > 2 * DEPTH ? COLUMNS : y.cols;
    pending p = {.rows = 0};
    amx_open();
    for (int i = 0; i < y.rows; i += ROWS) {
        const int rows = least(ROWS, y.rows - i);
        for (int j = 0; j < y.cols; j += columns)
            square(el_piece_cols(el_piece_rows(y, i, rows), j, least(columns, y.cols - j)),
                   el_piece_rows(x, i, rows), packed + j / PANEL * panel_units, bias ? bias + j : NULL,
                   accumulate, scratch, &p);
    }
    put_rows(&p, AMX_BLOCK);
    amx_close();
}

/* ---- dw += dy^T x, db += sums of dy ---- */

/* WIDTH units of the tokens `token` and `token` + 1 from column `col` on; zeros beyond the edges of dy. */
INLINE vu units_at(el_tensor dy, int token, int col)
{
    const void *const even = el_piece_at(dy, token, 0), *const odd = el_piece_at(dy, token + 1, 0);
    if (token >= dy.rows || col >= dy.cols)
        return (vu){0};
    return units_edge(true, even, token + 1 < dy.rows ? odd : NULL, EL_BF16, col, dy.cols - col);
}

/* PANEL columns of dy, of AMX_TILE units of tokens, become rows PADDED units apart; their sums are added to. */
INLINE void turn_part(uint32_t *to, el_tensor dy, const bool inside, vf sums[2])
{
    const vu ones = vsplat_bits(0x3f803f80);
    vu left[AMX_TILE], right[AMX_TILE];
    for (int i = 0; i < AMX_TILE; i++) {
        const void *const even = el_piece_at(dy, 2 * i, 0), *const odd = el_piece_at(dy, 2 * i + 1, 0);
        left[i] = inside ? units_inside(true, even, odd, EL_BF16, 0) : units_at(dy, 2 * i, 0);
        right[i] = inside ? units_inside(true, even, odd, EL_BF16, WIDTH) : units_at(dy, 2 * i, WIDTH);
        sums[0] = vmultiply_add(true, sums[0], left[i], ones);
        sums[1] = vmultiply_add(true, sums[1], right[i], ones);
    }
    vtranspose(left);
    for (int i = 0; i < AMX_TILE; i++)
        vput(to + i * PADDED, left[i]);
    vtranspose(right);
    for (int i = 0; i < AMX_TILE; i++)
        vput(to + (AMX_TILE + i) * PADDED, right[i]);
}

/* All columns of dy, with zeros behind the last token; tokens are read whole. */
static void turn(uint32_t *to, el_tensor dy, float *sums)
{
    const int count = units_of(true, dy.rows);
    for (int s = 0; s < count; s += AMX_TILE) {
        const el_tensor tokens = el_piece_rows(dy, 2 * s, dy.rows - 2 * s);
        for (int j = 0; j < dy.cols; j += PANEL) {
            const el_tensor part = el_piece_cols(tokens, j, dy.cols - j);
            vf sum[2] = {vload(sums, EL_F32, j), vload(sums, EL_F32, j + WIDTH)};
            if (part.rows >= AMX_DEPTH && part.cols >= PANEL)
                turn_part(to + j * PADDED + s, part, true, sum);
            else
                turn_part(to + j * PADDED + s, part, false, sum);
            vstore(sums, EL_F32, j, sum[0]);
            vstore(sums, EL_F32, j + WIDTH, sum[1]);
        }
    }
}

/* Sums go on from those in dw; those of `next` are asked for meanwhile. */
INLINE void add_block(const bool lower, int count, units a, const uint32_t *b, el_tensor dw,
                      const el_tensor *next)
{
    enum { ROWS_A_STEP = 2 };
    amx_load(lower, dw.data, dw.stride);
    amx_barrier();
    for (int s = 0; s < count; s += AMX_TILE, a.data += AMX_ROW_BYTES, b += AMX_TILE * PANEL) {
        amx_step(lower, BF16_PAIRS, a.data, a.row, b);
        for (int i = s / AMX_TILE * ROWS_A_STEP; next && i < (s / AMX_TILE + 1) * ROWS_A_STEP; i++) {
            __builtin_prefetch(el_piece_at(*next, i, 0), 1);
            __builtin_prefetch(el_piece_at(*next, i, WIDTH), 1);
        }
    }
    amx_store(lower, dw.data, dw.stride);
}

/* The same where dw ends within the block. */
static void add_edge(int count, units a, const uint32_t *b, el_tensor dw, float *sums)
{
    const el_tensor copy = {.data = sums, .type = EL_F32, .rows = AMX_BLOCK, .cols = PANEL, .stride = PANEL};
    const int rows = least(AMX_BLOCK, dw.rows);
    const size_t bytes = (size_t)least(PANEL, dw.cols) * 4;
    for (int i = 0; i < rows; i++)
        memcpy(el_piece_at(copy, i, 0), el_piece_at(dw, i, 0), bytes);
    if (rows > AMX_TILE)
        add_block(true, count, a, b, copy, NULL);
    else
        add_block(false, count, a, b, copy, NULL);
    for (int i = 0; i < rows; i++)
        memcpy(el_piece_at(dw, i, 0), el_piece_at(copy, i, 0), bytes);
}

/* Some rows of dw, over some tokens; b is x, packed. */
static void strip(el_tensor dw, el_tensor db, el_tensor dy, const uint32_t *b, uint32_t *turned, float *edge)
{
    const int count = units_of(true, dy.rows);
    float sums[DY_COLUMNS] = {0};
    turn(turned, dy, sums);
    for (int i = 0; db.data && i < db.cols; i += WIDTH)
        vstore_upto(db.data, EL_F32, i, db.cols - i,
                    vload_upto(db.data, EL_F32, i, db.cols - i) + vload(sums, EL_F32, i));
    for (int j = 0; j < dw.cols; j += PANEL, b += (int64_t)count * PANEL)
        for (int i = 0; i < dw.rows; i += AMX_BLOCK) {
            const units a = {(const char *)(turned + i * PADDED), PADDED * 4, 4};
            const el_tensor to = el_piece_cols(el_piece_rows(dw, i, dw.rows - i), j, dw.cols - j);
            const el_tensor next = el_piece_rows(to, AMX_BLOCK, to.rows - AMX_BLOCK);
            if (to.rows >= AMX_BLOCK && to.cols >= PANEL)
                add_block(true, count, a, b, to, next.rows >= AMX_BLOCK ? &next : NULL);
            else
                add_edge(count, a, b, to, edge);
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
    assert(!"there are no tiles at this level");
}

void amx_product_weight(el_tensor dw, el_tensor db, el_tensor dy, el_tensor x, void *scratch)
{
    (void)dw, (void)db, (void)dy, (void)x, (void)scratch;
    assert(!"there are no tiles at this level");
}

#endif
