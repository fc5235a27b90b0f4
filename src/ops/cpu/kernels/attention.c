/* attention - one head of one sequence, a block of queries at a time; no matrix of all scores is kept
 *
 *   S = Q K^T / sqrt(d)      P = softmax(S)      R = dropout(P)      y = R V
 *   lse = log of the sum of exponentials of each row of S
 *
 *   P = exp(S - lse)         dR = dy V^T         delta = row sums of dy * y
 *   dS = P * (dropout(dR) - delta) / sqrt(d)
 *   dV += R^T dy             dQ = dS K           dK += dS^T Q
 *
 * Products are those of panel.h: keys and values are packed once for each head, R^T and dS^T are read out of
 * rows of R and dS, two rows in a row of units where bf16 goes in pairs.  Where there are tiles (amx.h) for these, R^T and dS^T
 * are turned into rows.
 */
#include <math.h>

#include "amx.h"
#include "functions.h"
#include "mask.h"

#include "head.h" /* last: it is made of these */

enum {
    LINE = 64,                                /* bytes that move together between memory and processor */
    MOST_QUERIES = AMX ? AMX_BLOCK : QUERIES, /* whose scores are looked at together */
    TURNED = SUMMED / 2 + AMX_TILE /* units from row to row of R^T and dS^T: no multiple of 4 KiB */
};

static int queries_of(bool pairs)
{
    return AMX && pairs ? MOST_QUERIES : QUERIES;
}

/* Places in the scratch memory.  Of `queries` rows, or as many as are kept for a sum. */
typedef struct {
    uint32_t *k_down, *v_down;      /* K^T, V^T (d, keys), packed */
    uint32_t *k_across, *v_across;  /* K, V (keys, d), packed */
    uint32_t *q_across, *dy_across; /* the kept rows of Q and dy, packed */
    float *q_wide, *dy_wide;        /* rows of them as floats, row by row */
    float *scores, *dr;             /* (queries, stride) */
    void *r, *ds;                   /* rows of R and of dS in the units of the product, (kept, stride) */
    uint32_t *r_pairs,
        *ds_pairs; /* two rows of R, of dS in one row of units; for tiles of the last block alone */
    uint32_t *r_turned, *ds_turned; /* columns of those, for tiles, (keys, TURNED) */
    float *out, *dk, *dv;           /* (queries, width), (keys, width) */
    uint16_t *keep;                 /* which elements of R are kept, a stretch a row */
    int stride, width;
    size_t bytes;
} places;

static void *push(places *p, char *base, size_t bytes)
{
    char *const here = base ? base + p->bytes : NULL;
    p->bytes += (bytes + 63) / 64 * 64;
    return here;
}

/* The rows of which one sum is made: as even a share of all as can be. */
static int summed_rows(int rows)
{
    const int sums = (rows + SUMMED - 1) / SUMMED;
    return round_up((rows + sums - 1) / sums, 2);
}

static places lay_out(void *base, int rows, int d)
{
    places p = {.stride = round_up(rows, PANEL) + WIDTH, .width = round_up(d, PANEL)};
    const size_t width = (size_t)p.width * 4, stride = (size_t)p.stride * 4;
    const size_t down = (size_t)round_up(rows, PANEL) * (size_t)round_up(d, AMX ? AMX_TILE : 1) * 4;
    const size_t across = (size_t)round_up(rows, AMX ? AMX_TILE : 1) * width;
    p.k_down = push(&p, base, down);
    p.v_down = push(&p, base, down);
    p.k_across = push(&p, base, across);
    p.v_across = push(&p, base, across);
    p.q_across = push(&p, base, SUMMED * width);
    p.dy_across = push(&p, base, SUMMED * width);
    p.q_wide = push(&p, base, MOST_QUERIES * width);
    p.dy_wide = push(&p, base, MOST_QUERIES * width);
    p.scores = push(&p, base, MOST_QUERIES * stride);
    p.dr = push(&p, base, MOST_QUERIES * stride);
    p.r = push(&p, base, SUMMED * stride);
    p.ds = push(&p, base, SUMMED * stride);
    p.r_pairs = push(&p, base, (AMX ? MOST_QUERIES : SUMMED) / 2 * stride);
    p.ds_pairs = push(&p, base, (AMX ? MOST_QUERIES : SUMMED) / 2 * stride);
    if (AMX) {
        p.r_turned = push(&p, base, (size_t)round_up(rows, AMX_TILE) * TURNED * 4);
        p.ds_turned = push(&p, base, (size_t)round_up(rows, AMX_TILE) * TURNED * 4);
    }
    p.out = push(&p, base, MOST_QUERIES * width);
    p.dk = push(&p, base, across);
    p.dv = push(&p, base, across);
    p.keep =
        push(&p, base, (size_t)(MOST_QUERIES * mask_span(MASK_LANES, rows) * MASK_GROUPS) * sizeof *p.keep);
    return p;
}

size_t EL_KERNEL(attention_scratch)(int longest, int head_size)
{
    return lay_out(NULL, longest, head_size).bytes;
}

/* Of all heads, one sequence after the other; behind the last there is one without rows. */
static head head_at(const el_attention_args *a, int index)
{
    const int sequence = index / a->heads;
    return sequence == a->layout.sequences ? (head){.rows = 0} : head_of(a, sequence, index % a->heads);
}

/* Asks for rows that will soon be read or written: their places, a row's length apart, are not what a processor
 * guesses, and until a line is there that was written to, no later store is done. */
typedef enum { READ, WRITTEN } purpose;

INLINE void fetch(el_tensor x, int first, int rows, const purpose use, const el_type type)
{
    const int end = x.rows - first < rows ? x.rows : first + rows;
    for (int i = first; i < end; i++)
        for (int j = 0; j < x.cols; j += LINE / (type == EL_BF16 ? 2 : 4)) {
            const void *const line = place(x.data, type, i * x.stride + j);
            if (use == READ)
                __builtin_prefetch(line);
            else
                __builtin_prefetch(line, 1);
        }
}

/* Rows of an activation as the left side of a product; `wide` takes them where they have to be floats first, or where tiles
 * would read beyond their ends.
 */
INLINE units left_side(el_tensor x, int first, int rows, float *wide, int width, const bool pairs,
                       const el_type type)
{
    const el_tensor block = el_piece_rows(x, first, rows);
    if (AMX && pairs && (rows % AMX_TILE || x.cols < width)) {
        uint16_t *const to = (uint16_t *)wide;
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < width; j += WIDTH)
                vstore(to, EL_BF16, (int64_t)i * width + j,
                       j < x.cols ? vload_upto(block.data, EL_BF16, i * x.stride + j, x.cols - j) : (vf){0});
        return (units){(const char *)wide, (ptrdiff_t)width * 2, 4};
    }
    if (type == EL_F32 || pairs)
        return (units){block.data, x.stride * (type == EL_BF16 ? 2 : 4), 4};
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < x.cols; j += WIDTH)
            vstore_upto(wide, EL_F32, (int64_t)i * width + j, x.cols - j,
                        vload_upto(block.data, type, i * x.stride + j, x.cols - j));
    return (units){(const char *)wide, (ptrdiff_t)width * 4, 4};
}

/* One copy of each for all products of this file: their code is long. */
static __attribute__((noinline)) void multiply_floats(int rows, int panels, int depth, units left,
                                                      const uint32_t *packed, int packed_depth, float *c,
                                                      int stride, bool accumulate)
{
    panel_product(rows, panels, false, depth, left, packed, (int64_t)packed_depth * PANEL, c, stride,
                  accumulate);
}

static __attribute__((noinline)) void multiply_pairs(int rows, int panels, int depth, units left,
                                                     const uint32_t *packed, int packed_depth, float *c,
                                                     int stride, bool accumulate)
{
    const int64_t panel_units = (int64_t)units_of(true, packed_depth) * PANEL;
    if (AMX)
        amx_multiply_rows(rows, panels, units_of(true, depth), left, packed, panel_units, c, stride,
                          accumulate);
    else
        panel_product(rows, panels, PAIRS && !AMX, depth, left, packed, panel_units, c, stride, accumulate);
}

/* c (rows, keys) = left times a matrix packed "down", of depth d */
INLINE void times_down(const head *h, int rows, int keys, units left, const uint32_t *packed, float *c,
                       int stride, const bool pairs)
{
    (pairs ? multiply_pairs : multiply_floats)(rows, (keys + PANEL - 1) / PANEL, h->d, left, packed, h->d, c,
                                               stride, false);
}

/* c (rows, d) = or += left times the first `depth` rows of a matrix packed "across", which has `packed_depth` */
INLINE void times_across(int rows, int depth, units left, const uint32_t *packed, int packed_depth, float *c,
                         int width, bool accumulate, const bool pairs)
{
    (pairs ? multiply_pairs : multiply_floats)(rows, width / PANEL, depth, left, packed, packed_depth, c,
                                               width, accumulate);
}

INLINE void pack_of(uint32_t *to, el_tensor x, bool down, const bool pairs, const el_type type)
{
    if (down)
        pack_down(in_groups(to, PANEL, pairs, x.cols, false), pairs, x.data, type, x.stride, x.cols, x.rows);
    else
        pack_across(in_groups(to, PANEL, pairs, x.rows, false), PANEL, pairs, x.data, type, x.stride, x.rows,
                    x.cols);
}

/* One copy of each for all of this file, as of the products. */
static __attribute__((noinline)) void pack(uint32_t *to, el_tensor x, bool down, bool pairs)
{
    if (PAIRS && pairs)
        pack_of(to, x, down, PAIRS, EL_BF16);
    else if (!PAIRS && x.type == EL_BF16)
        pack_of(to, x, down, false, EL_BF16);
    else
        pack_of(to, x, down, false, EL_F32);
}

INLINE void pack_keys(uint32_t *to, el_tensor x, bool pairs)
{
    pack(to, x, true, pairs);
}

INLINE void pack_rows(uint32_t *to, el_tensor x, bool pairs)
{
    pack(to, x, false, pairs);
}

/* A row of y = factor * from */
INLINE void store_row(el_tensor y, int row, const float *from, float factor, const el_type type)
{
    for (int j = 0; j < y.cols; j += WIDTH)
        vstore_upto(y.data, type, row * y.stride + j, y.cols - j, vload(from, EL_F32, j) * factor);
}

INLINE void store_rows(el_tensor y, int first, int rows, const float *from, int width, float factor,
                       const el_type type)
{
    for (int i = 0; i < rows; i++)
        store_row(y, first + i, from + (int64_t)i * width, factor, type);
}

/* A row of scores becomes one of R before division by the sum, which is told, and without the scale of dropout; from
 * its last key to `end` it is zero. */
INLINE float softmax_row(const head *h, const uint16_t *keep, const float *scores, int keys, int end,
                         float top, void *r, const el_type kept)
{
    const float scale = h->scale * LOG2_E;
    vf sum = {0};
    for (int j = 0; j < keys; j += WIDTH) {
        vf e = vexp2(vload(scores, EL_F32, j) * scale - top * scale);
        if (keys - j < WIDTH)
            e = vfirst(keys - j, e, (vf){0});
        sum += e;
        vstore(r, kept, j, h->drops ? mask_keep(keep, j, e) : e);
    }
    for (int j = (keys + WIDTH - 1) / WIDTH * WIDTH; j < end; j += WIDTH)
        vstore(r, kept, j, (vf){0});
    return vsum(sum);
}

INLINE void store_lse(head *h, int first, int rows, const float *top, const float *total)
{
    for (int i = 0; i < rows; i += WIDTH) {
        const vf lse = vload(top, EL_F32, i) * h->scale + vlog(vload(total, EL_F32, i));
        for (int k = 0; k < WIDTH && i + k < rows; k++)
            h->lse[(first + i + k) * h->lse_stride] = keys_of(h, first + i + k) ? lse[k] : -INFINITY;
    }
}

/* Up to where rows of R and dS are read for a product with the first `reach` keys. */
INLINE int depth_end(int reach, const bool pairs)
{
    return AMX && pairs ? round_up(reach, AMX_DEPTH) : reach;
}

INLINE void queries_forward(head *h, const head *next, const places *p, int first, int rows, const bool pairs,
                            const el_type type)
{
    const el_type kept = pairs ? EL_BF16 : EL_F32;
    const int reach = reach_of(h, first, rows), queries = queries_of(pairs);
    float top[MOST_QUERIES + EL_WIDTH] = {0}, total[MOST_QUERIES + EL_WIDTH] = {0};
    fetch(h->q, first + queries, queries, READ, type);
    fetch(h->y, first, rows, WRITTEN, type);
    fetch(next->k, first, rows, READ, type);
    fetch(next->v, first, rows, READ, type);
    times_down(h, rows, reach, left_side(h->q, first, rows, p->q_wide, p->width, pairs, type), p->k_down,
               p->scores, p->stride, pairs);
    fill_keep(h, p->keep, first, rows, reach);
    for (int i = 0; i < rows; i++)
        top[i] = top_of(p->scores + (int64_t)i * p->stride, keys_of(h, first + i));
    for (int i = 0; i < rows; i++)
        total[i] =
            softmax_row(h, h->drops ? keep_of(h, p->keep, first, i, reach) : NULL,
                        p->scores + (int64_t)i * p->stride, keys_of(h, first + i), depth_end(reach, pairs),
                        top[i], (void *)place(p->r, kept, (int64_t)i * p->stride), kept);
    const units r = {p->r, (ptrdiff_t)p->stride * (pairs ? 2 : 4), 4};
    times_across(rows, reach, r, p->v_across, h->rows, p->out, p->width, false, pairs);
    for (int i = 0; i < rows; i++)
        store_row(h->y, first + i, p->out + (int64_t)i * p->width,
                  keys_of(h, first + i) ? h->mask.scale / total[i] : 0, type);
    store_lse(h, first, rows, top, total);
}

/* The queries [first, end). */
INLINE void forward(head *h, const head *next, int first, int end, void *scratch, const bool pairs,
                    const el_type type)
{
    const places p = lay_out(scratch, h->rows, h->d);
    const int queries = queries_of(pairs);
    fetch(h->k, 0, h->rows, READ, type);
    fetch(h->v, 0, h->rows, READ, type);
    fetch(h->q, first, queries, READ, type);
    pack_keys(p.k_down, h->k, pairs);
    pack_rows(p.v_across, h->v, pairs);
    for (; first < end; first += queries)
        queries_forward(h, next, &p, first, end - first < queries ? end - first : queries, pairs, type);
}

/* The query that a part of a head begins with; a short one comes in fewer parts, and the others have none. */
static int part_start(const head *h, int part, int parts, int queries)
{
    const int most = h->rows / EL_ATTENTION_QUERIES, count = most < 1 ? 1 : most < parts ? most : parts;
    const int first = part < count ? (h->rows + queries - 1) / queries * part / count * queries : h->rows;
    return first < h->rows ? first : h->rows;
}

void EL_KERNEL(attention_forward)(const el_attention_args *a, int index, void *scratch)
{
    const bool pairs = PAIRS && a->qkv.type == EL_BF16;
    const int part = index % a->parts, queries = queries_of(pairs);
    head h = head_at(a, index / a->parts);
    const head next = head_at(a, (index + 1) / a->parts);
    const int first = part_start(&h, part, a->parts, queries);
    const int end = part_start(&h, part + 1, a->parts, queries);
    if (first == end)
        return;
    if (pairs) {
        amx_open();
        forward(&h, &next, first, end, scratch, PAIRS, EL_BF16);
        amx_close();
    } else if (a->qkv.type == EL_BF16)
        forward(&h, &next, first, end, scratch, false, EL_BF16);
    else
        forward(&h, &next, first, end, scratch, false, EL_F32);
}

INLINE float delta_of(const head *h, int query, const el_type type)
{
    vf sum = {0};
    for (int j = 0; j < h->d; j += WIDTH)
        sum += vload_upto(h->y.data, type, query * h->y.stride + j, h->d - j) *
               vload_upto(h->dy.data, type, query * h->dy.stride + j, h->d - j);
    return vsum(sum);
}

/* What a row needs besides its scores. */
typedef struct {
    int keys;
    const float *scores, *dr;
    float lse, delta; /* lse in powers of two */
    const uint16_t *keep;
} row;

INLINE row row_of(const head *h, const places *p, int first, int i, int reach, float delta)
{
    return (row){.keys = keys_of(h, first + i),
                 .scores = p->scores + (int64_t)i * p->stride,
                 .dr = p->dr + (int64_t)i * p->stride,
                 .lse = h->lse[(first + i) * h->lse_stride] * LOG2_E,
                 .delta = delta,
                 .keep = h->drops ? keep_of(h, p->keep, first, i, reach) : NULL};
}

/* WIDTH numbers of R without the scale of dropout, and of dS without that of scores, from column j on. */
INLINE void row_backward(const head *h, const row *x, int j, vf *r, vf *ds)
{
    const vf p = vexp2(vload(x->scores, EL_F32, j) * (h->scale * LOG2_E) - x->lse);
    const vf dr = vload(x->dr, EL_F32, j);
    *r = h->drops ? mask_keep(x->keep, j, p) : p;
    *ds = p * ((h->drops ? mask_keep(x->keep, j, dr) : dr) * h->mask.scale - x->delta);
    if ((h->limits || AMX) && j + WIDTH > x->keys) {
        const int left = x->keys > j ? x->keys - j : 0;
        *r = vfirst(left, *r, (vf){0});
        *ds = vfirst(left, *ds, (vf){0});
    }
}

/* Rows of R and dS from the place that whole vectors up to `reach` end at: no query sees those keys. */
INLINE void clear_beyond(const head *h, const places *p, void *r, void *ds, int64_t at, int reach)
{
    const int end = round_up(reach, WIDTH);
    if (end >= h->rows)
        return;
    memset((float *)r + at * p->stride + end, 0, (size_t)(h->rows - end) * sizeof(float));
    memset((float *)ds + at * p->stride + end, 0, (size_t)(h->rows - end) * sizeof(float));
}

/* Two rows of R and dS, as rows and as a row of pairs; the first is the kept row `at`.  Columns beyond the keys
 * hold numbers that nobody reads, or zeros where tiles do. */
INLINE void pair_backward(head *h, const places *p, const row *even, const row *odd, int at, int reach)
{
    const int64_t pair = (int64_t)(AMX ? at % MOST_QUERIES / 2 : at / 2) * p->stride;
    for (int j = 0; j < reach; j += WIDTH) {
        vf r[2], ds[2];
        row_backward(h, even, j, &r[0], &ds[0]);
        row_backward(h, odd, j, &r[1], &ds[1]);
        const vw ds_rows = vround_two(ds[0], ds[1]);
        const vu r_pair = vriffle(vround_two(r[0], r[1])), ds_pair = vriffle(ds_rows);
        uint16_t *const to = (uint16_t *)p->ds + (int64_t)at * p->stride + j;
        vput(p->r_pairs + pair + j, r_pair);
        vput(p->ds_pairs + pair + j, ds_pair);
        memcpy(to, &ds_rows, sizeof ds_rows / 2);
        memcpy(to + p->stride, (const char *)&ds_rows + sizeof ds_rows / 2, sizeof ds_rows / 2);
    }
    if (AMX) {
        const size_t bytes = (size_t)(depth_end(reach, true) - round_up(reach, WIDTH)) * 2;
        for (int i = 0; i < 2; i++)
            memset((uint16_t *)p->ds + (int64_t)(at + i) * p->stride + round_up(reach, WIDTH), 0, bytes);
    } else {
        clear_beyond(h, p, p->r_pairs, p->ds_pairs, at / 2, reach);
    }
}

/* Rows of pairs of some queries become columns, from unit `at` on, of rows of all keys: zeros where no query sees a key. */
INLINE void turn_pairs(uint32_t *turned, const uint32_t *pairs, const places *p, int at, int count, int reach,
                       int keys)
{
    for (int key = 0; key < keys; key += AMX_TILE) {
        vu square[AMX_TILE];
        uint32_t *const to = turned + (int64_t)key * TURNED + at;
        for (int i = 0; i < AMX_TILE; i++)
            square[i] = i < count && key < reach ? vget(pairs + (int64_t)i * p->stride + key) : (vu){0};
        vtranspose(square);
        for (int i = 0; i < AMX_TILE; i++)
            vput(to + (int64_t)i * TURNED, square[i]);
    }
}

INLINE void single_backward(head *h, const places *p, const row *x, int at, int reach)
{
    for (int j = 0; j < reach; j += WIDTH) {
        vf r, ds;
        row_backward(h, x, j, &r, &ds);
        vstore(p->r, EL_F32, (int64_t)at * p->stride + j, r);
        vstore(p->ds, EL_F32, (int64_t)at * p->stride + j, ds);
    }
    clear_beyond(h, p, p->r, p->ds, at, reach);
}

/* R, dS and dQ of some queries; `at`: how many of those before them are kept with them. */
INLINE void queries_backward(head *h, const head *next, const places *p, int first, int rows, int at,
                             const bool pairs, const el_type type)
{
    const units q = left_side(h->q, first, rows, p->q_wide, p->width, pairs, type);
    const units dy = left_side(h->dy, first, rows, p->dy_wide, p->width, pairs, type);
    const int reach = reach_of(h, first, rows), queries = queries_of(pairs);
    float delta[MOST_QUERIES + 1];
    fetch(h->q, first + queries, queries, READ, type);
    fetch(h->dy, first + queries, queries, READ, type);
    fetch(h->y, first + queries, queries, READ, type);
    fetch(next->k, first, rows, READ, type);
    fetch(next->v, first, rows, READ, type);
    fetch(h->dq, first, rows, WRITTEN, type);
    fetch(h->dk, first, rows, WRITTEN, type); /* for the end: they are as many as the queries */
    fetch(h->dv, first, rows, WRITTEN, type);
    times_down(h, rows, reach, q, p->k_down, p->scores, p->stride, pairs);
    times_down(h, rows, reach, dy, p->v_down, p->dr, p->stride, pairs);
    fill_keep(h, p->keep, first, rows, reach);
    for (int i = 0; i < rows; i++)
        delta[i] = delta_of(h, first + i, type);
    for (int i = 0; i < rows; i += pairs ? 2 : 1) {
        const row even = row_of(h, p, first, i, reach, delta[i]);
        row odd = pairs && i + 1 < rows ? row_of(h, p, first, i + 1, reach, delta[i + 1]) : even;
        if (i + 1 >= rows)
            odd.keys = 0; /* tiles multiply it, by zeros */
        if (pairs)
            pair_backward(h, p, &even, &odd, at + i, reach);
        else
            single_backward(h, p, &even, at + i, reach);
    }
    if (AMX && pairs) {
        turn_pairs(p->r_turned, p->r_pairs, p, at / 2, (rows + 1) / 2, reach, h->rows);
        turn_pairs(p->ds_turned, p->ds_pairs, p, at / 2, (rows + 1) / 2, reach, h->rows);
    }
    const ptrdiff_t apart = (ptrdiff_t)p->stride * (pairs ? 2 : 4);
    const units ds = {(const char *)p->ds + at * apart, apart, 4};
    times_across(rows, reach, ds, p->k_across, h->rows, p->out, p->width, false, pairs);
    store_rows(h->dq, first, rows, p->out, p->width, h->scale, type);
}

/* How many of the queries [first, first + rows), in whole units, see none of the keys from `key` on before one does. */
static int blind_to(const head *h, int first, int rows, int key, bool pairs)
{
    const int whole = AMX && pairs ? AMX_DEPTH : 2;
    int i = 0;
    while (h->limits && i < rows && h->limits[first + i] <= key)
        i++;
    return i < rows ? i / whole * whole : rows;
}

/* What the kept queries from number `begin` on add to some rows of dK or dV: those of R or dS, turned, times `packed`. */
INLINE void add_to_keys(const places *p, const void *kept, const uint32_t *packed, int begin, int rows,
                        int key, int keys, float *sums, bool accumulate, const bool pairs)
{
    const int unit = units_of(pairs, begin);
    const units turned = AMX && pairs
                             ? (units){(const char *)kept + ((int64_t)key * TURNED + unit) * 4, TURNED * 4, 4}
                             : (units){(const char *)kept + ((int64_t)unit * p->stride + key) * 4, 4,
                                       (ptrdiff_t)p->stride * 4};
    times_across(keys, rows - begin, turned, packed + (int64_t)unit * PANEL, rows,
                 sums + (int64_t)key * p->width, p->width, accumulate, pairs);
}

/* What the queries from `first` on add to dK and dV: to all keys at once, or where there are limits to a few at a time, each
 * time from the first query that sees one of them. */
INLINE void keys_backward(head *h, const places *p, int first, int rows, const bool pairs)
{
    const int most = h->limits ? queries_of(pairs) : h->rows;
    const void *const r = !pairs ? p->r : AMX ? p->r_turned : p->r_pairs;
    const void *const ds = !pairs ? p->ds : AMX ? p->ds_turned : p->ds_pairs;
    pack_rows(p->q_across, el_piece_rows(h->q, first, rows), pairs);
    pack_rows(p->dy_across, el_piece_rows(h->dy, first, rows), pairs);
    for (int key = 0; key < h->rows; key += most) {
        const int keys = h->rows - key < most ? h->rows - key : most,
                  begin = blind_to(h, first, rows, key, pairs);
        add_to_keys(p, r, p->dy_across, begin, rows, key, keys, p->dv, first > 0, pairs);
        add_to_keys(p, ds, p->q_across, begin, rows, key, keys, p->dk, first > 0, pairs);
    }
}

INLINE void backward(head *h, const head *next, void *scratch, const bool pairs, const el_type type)
{
    const places p = lay_out(scratch, h->rows, h->d);
    const int summed = summed_rows(h->rows), queries = queries_of(pairs);
    fetch(h->k, 0, h->rows, READ, type);
    fetch(h->v, 0, h->rows, READ, type);
    fetch(h->q, 0, queries, READ, type);
    fetch(h->dy, 0, queries, READ, type);
    fetch(h->y, 0, queries, READ, type);
    pack_keys(p.k_down, h->k, pairs);
    pack_keys(p.v_down, h->v, pairs);
    pack_rows(p.k_across, h->k, pairs);
    for (int begin = 0; begin < h->rows; begin += summed) {
        const int end = h->rows - begin < summed ? h->rows : begin + summed;
        for (int first = begin; first < end; first += queries)
            queries_backward(h, next, &p, first, end - first < queries ? end - first : queries, first - begin,
                             pairs, type);
        keys_backward(h, &p, begin, end - begin, pairs);
    }
    store_rows(h->dk, 0, h->rows, p.dk, p.width, h->scale, type);
    store_rows(h->dv, 0, h->rows, p.dv, p.width, h->mask.scale, type);
}

void EL_KERNEL(attention_backward)(const el_attention_args *a, int index, void *scratch)
{
    head h = head_at(a, index);
    const head next = head_at(a, index + 1);
    if (PAIRS && a->qkv.type == EL_BF16) {
        amx_open();
        backward(&h, &next, scratch, PAIRS, EL_BF16);
        amx_close();
    } else if (a->qkv.type == EL_BF16)
        backward(&h, &next, scratch, false, EL_BF16);
    else
        backward(&h, &next, scratch, false, EL_F32);
}
