/* relative - attention by distances: one head of a group of sequences, a block of queries at a time
 *
 *   S = ((Q + content) K^T + F + G) / sqrt(d)      F[i, j] = far[i, p_j - p_i + reach - 1],  far = (Q + place) T^T
 *                                                  G[i, j] = near[i, s_i != s_j],           near = (Q + kind) E^T
 *   dS as in attention.c                           dfar[i, t], dnear[i, s]: sums of dS[i, j] over the keys of that t, s
 *   dQ = dS K + dfar T + dnear E                   dK += dS^T (Q + content)
 *   dT += dfar^T (Q + place)                       dE += dnear^T (Q + kind)
 *   dcontent, dplace, dkind: the terms of dQ, summed over the queries
 *
 * Far is made for the distances that a block of queries meets and not for all: of text in its order these are hardly more
 * than there are keys.  All products are of floats; T is packed once for a group, and its gradient is one sum over it.
 */
#include <math.h>

#include "functions.h"
#include "mask.h"
#include "panel.h"

#include "head.h" /* last: it is made of these */

/* Places in the scratch memory: `width` numbers for a row of a head, `stride` for a row of keys, `span` for one of distances. */
typedef struct {
    uint32_t *k_down, *v_down, *t_down;               /* K^T, V^T, T^T, packed */
    uint32_t *k_across, *v_across, *t_across;         /* K, V, T, packed */
    uint32_t *content_across, *place_across, *across; /* kept rows of Q + content, Q + place and dy, packed */
    float *content, *place, *dy;                      /* the same row by row, (kept, width) */
    float *scores, *dr, *far, *out, *out_far;         /* of a block: (queries, stride), ... span, ... width */
    float *r, *ds, *dfar;                             /* (kept, stride), ... span */
    float *dk, *dv;                                   /* (keys, width) */
    float *sums;                                      /* (distances + EXTRA, width) */
    uint16_t *keep;
    int stride, span, width;
    size_t bytes;
} places;

/* Rows of the sums behind those of T. */
enum { CONTENT, PLACE, KIND, KINDS, EXTRA = KINDS + 2 };

/* What the sequences of a group share in a head; and of one sequence its rows, where they stand and in which segment. */
typedef struct {
    places p;
    el_tensor t, kinds;
    const float *content, *place, *kind; /* biases */
    int d, distances;
    float scale;
    el_type type;
} tables;

typedef struct {
    head head;
    const int *positions, *segments;
} sequence;

static void *push(places *p, char *base, size_t numbers)
{
    char *const here = base ? base + p->bytes : NULL;
    p->bytes += (numbers * 4 + 63) / 64 * 64;
    return here;
}

static places lay_out(void *base, int rows, int distances, int d)
{
    places p = {.stride = round_up(rows, PANEL) + WIDTH,
                .span = round_up(distances, PANEL) + WIDTH,
                .width = round_up(d, PANEL)};
    const size_t n = (size_t)rows, t = (size_t)distances, width = (size_t)p.width, size = (size_t)d;
    const size_t stride = (size_t)p.stride, span = (size_t)p.span;
    uint32_t **const down[] = {&p.k_down, &p.v_down, &p.t_down};
    uint32_t **const across[] = {&p.k_across, &p.v_across, &p.t_across};
    uint32_t **const packed[] = {&p.content_across, &p.place_across, &p.across};
    float **const kept[] = {&p.content, &p.place, &p.dy};
    for (int i = 0; i < 3; i++) {
        *down[i] = push(&p, base, (i < 2 ? stride : span) * size);
        *across[i] = push(&p, base, (i < 2 ? n : t) * width);
        *packed[i] = push(&p, base, SUMMED * width);
        *kept[i] = push(&p, base, SUMMED * width);
    }
    p.scores = push(&p, base, QUERIES * stride);
    p.dr = push(&p, base, QUERIES * stride);
    p.far = push(&p, base, QUERIES * span);
    p.out = push(&p, base, QUERIES * width);
    p.out_far = push(&p, base, QUERIES * width);
    p.r = push(&p, base, SUMMED * stride);
    p.ds = push(&p, base, SUMMED * stride);
    p.dfar = push(&p, base, SUMMED * span);
    p.dk = push(&p, base, n * width);
    p.dv = push(&p, base, n * width);
    p.sums = push(&p, base, (t + EXTRA) * width);
    p.keep = push(&p, base, (size_t)(QUERIES * mask_span(MASK_LANES, rows) * MASK_GROUPS) / 2 + 1);
    return p;
}

size_t EL_KERNEL(relative_scratch)(int longest, int distances, int head_size)
{
    return lay_out(NULL, longest, distances, head_size).bytes;
}

static tables tables_of(const el_relative_args *a, int number, void *scratch)
{
    const int hidden = a->attention.y.cols, d = hidden / a->attention.heads, at = number * d;
    const float *const biases = a->relative.biases.data;
    const int distances = a->relative.places.rows;
    return (tables){.p = lay_out(scratch, a->attention.layout.longest, distances, d),
                    .t = el_piece_cols(a->relative.places, at, d),
                    .kinds = el_piece_cols(a->relative.kinds, at, d),
                    .content = biases + at,
                    .place = biases + hidden + at,
                    .kind = biases + 2 * hidden + at,
                    .d = d,
                    .distances = distances,
                    .scale = 1 / sqrtf((float)d),
                    .type = a->attention.y.type};
}

static sequence sequence_of(const el_relative_args *r, int number, int head_number)
{
    const int first = r->attention.layout.starts[number];
    return (sequence){.head = head_of(&r->attention, number, head_number),
                      .positions = r->relative.positions + first,
                      .segments = r->relative.segments + first};
}

/* ---- products ---- */

static __attribute__((noinline)) void multiply(int rows, int panels, int depth, units left,
                                               const uint32_t *packed, int packed_depth, float *c, int stride,
                                               bool accumulate)
{
    panel_product(rows, panels, false, depth, left, packed, (int64_t)packed_depth * PANEL, c, stride,
                  accumulate);
}

static units rows_of(const float *data, int stride)
{
    return (units){(const char *)data, (ptrdiff_t)stride * 4, 4};
}

static units columns_of(const float *data, int stride)
{
    return (units){(const char *)data, 4, (ptrdiff_t)stride * 4};
}

static void pack_turned(uint32_t *to, el_tensor x)
{
    const groups packed = in_groups(to, PANEL, false, x.cols, false);
    if (x.type == EL_BF16)
        pack_down(packed, false, x.data, EL_BF16, x.stride, x.cols, x.rows);
    else
        pack_down(packed, false, x.data, EL_F32, x.stride, x.cols, x.rows);
}

static void pack_rows(uint32_t *to, el_tensor x)
{
    const groups packed = in_groups(to, PANEL, false, x.rows, false);
    if (x.type == EL_BF16)
        pack_across(packed, PANEL, false, x.data, EL_BF16, x.stride, x.rows, x.cols);
    else
        pack_across(packed, PANEL, false, x.data, EL_F32, x.stride, x.rows, x.cols);
}

static void pack_floats(uint32_t *to, const float *x, int width, int rows, int cols)
{
    pack_across(in_groups(to, PANEL, false, rows, false), PANEL, false, x, EL_F32, width, rows, cols);
}

/* ---- rows ---- */

/* to = x[row] + bias; NULL: without. */
INLINE void row_plus(float *to, el_tensor x, int row, const float *bias, const el_type type)
{
    for (int j = 0; j < x.cols; j += WIDTH) {
        const vf b = bias ? vload_upto(bias, EL_F32, j, x.cols - j) : (vf){0};
        vstore_upto(to, EL_F32, j, x.cols - j, vload_upto(x.data, type, row * x.stride + j, x.cols - j) + b);
    }
}

static void load_row(float *to, el_tensor x, int row, const float *bias)
{
    if (x.type == EL_BF16)
        row_plus(to, x, row, bias, EL_BF16);
    else
        row_plus(to, x, row, bias, EL_F32);
}

INLINE void row_times(el_tensor y, int row, const float *from, float factor, const el_type type)
{
    for (int j = 0; j < y.cols; j += WIDTH)
        vstore_upto(y.data, type, row * y.stride + j, y.cols - j, vload(from, EL_F32, j) * factor);
}

static void store_row(el_tensor y, int row, const float *from, float factor)
{
    if (y.type == EL_BF16)
        row_times(y, row, from, factor, EL_BF16);
    else
        row_times(y, row, from, factor, EL_F32);
}

static float dot(const float *a, const float *b, int count)
{
    vf sum = {0};
    for (int j = 0; j < count; j += WIDTH)
        sum += vload_upto(a, EL_F32, j, count - j) * vload_upto(b, EL_F32, j, count - j);
    return vsum(sum);
}

/* to += factor * from */
static void add_row(float *to, const float *from, float factor, int count)
{
    for (int j = 0; j < count; j += WIDTH)
        vstore_upto(to, EL_F32, j, count - j,
                    vload_upto(to, EL_F32, j, count - j) + factor * vload_upto(from, EL_F32, j, count - j));
}

static const float *kind_row(const tables *h, int kind)
{
    return (const float *)h->kinds.data + kind * h->kinds.stride;
}

static float *sum_row(const tables *h, int extra)
{
    return h->p.sums + (int64_t)(h->distances + extra) * h->p.width;
}

/* ---- scores ---- */

/* A block of queries: what they see, and the distances between. */
typedef struct {
    int first, rows, at; /* at: how many kept rows are before it */
    int reach;           /* keys that any of them sees, at least one */
    int nearest, beyond; /* distances, as rows of T, the first rounded down to a panel */
} block;

static void widen(const int *positions, int count, int *lowest, int *highest)
{
    for (int i = 0; i < count; i++) {
        *lowest = positions[i] < *lowest ? positions[i] : *lowest;
        *highest = positions[i] > *highest ? positions[i] : *highest;
    }
}

static block block_of(const tables *h, const sequence *s, int first, int rows, int at)
{
    block b = {.first = first, .rows = rows, .at = at, .reach = reach_of(&s->head, first, rows)};
    int low = s->positions[first], high = low, least = s->positions[0], most = least;
    widen(s->positions + first, rows, &low, &high);
    widen(s->positions, b.reach, &least, &most);
    const int nearest = least - high + h->distances / 2, beyond = most - low + h->distances / 2 + 1;
    b.nearest = (nearest > 0 ? nearest : 0) / PANEL * PANEL; /* what no query sees may be farther */
    b.beyond = beyond < h->distances ? beyond : h->distances;
    return b;
}

/* Where the distance of query i to a key at position 0 would be in a row of them. */
static int origin_of(const tables *h, const sequence *s, int i)
{
    return h->distances / 2 - s->positions[i];
}

/* Scores of a block, not yet scaled. */
static void score(const tables *h, const sequence *s, const block *b)
{
    const places *const p = &h->p;
    float *const content = p->content + (int64_t)b->at * p->width;
    float *const place = p->place + (int64_t)b->at * p->width;
    for (int i = 0; i < b->rows; i++) {
        load_row(content + (int64_t)i * p->width, s->head.q, b->first + i, h->content);
        load_row(place + (int64_t)i * p->width, s->head.q, b->first + i, h->place);
    }
    multiply(b->rows, round_up(b->reach, PANEL) / PANEL, h->d, rows_of(content, p->width), p->k_down, h->d,
             p->scores, p->stride, false);
    if (b->beyond > b->nearest)
        multiply(b->rows, round_up(b->beyond - b->nearest, PANEL) / PANEL, h->d, rows_of(place, p->width),
                 p->t_down + (int64_t)b->nearest * h->d, h->d, p->far + b->nearest, p->span, false);
    for (int i = 0; i < b->rows; i++) {
        float q[p->width];
        load_row(q, s->head.q, b->first + i, h->kind);
        const float same = dot(q, kind_row(h, 0), h->d), other = dot(q, kind_row(h, 1), h->d);
        const float *const far = p->far + (int64_t)i * p->span;
        float *const scores = p->scores + (int64_t)i * p->stride;
        const int origin = origin_of(h, s, b->first + i), segment = s->segments[b->first + i];
        for (int j = 0; j < keys_of(&s->head, b->first + i); j++)
            scores[j] += far[origin + s->positions[j]] + (s->segments[j] == segment ? same : other);
    }
}

/* ---- forward ---- */

/* Scores become a row of R before division by the sum, which is told; zero from `keys` to `reach`. */
static float softmax_row(const sequence *s, const uint16_t *keep, float *scores, int keys, int reach,
                         float top, float scale)
{
    vf sum = {0};
    for (int j = 0; j < reach; j += WIDTH) {
        vf e = {0};
        if (j < keys)
            e = vfirst(keys - j, vexp2((vload(scores, EL_F32, j) - top) * scale), (vf){0});
        sum += e;
        vstore(scores, EL_F32, j, s->head.drops ? mask_keep(keep, j, e) : e);
    }
    return vsum(sum);
}

static void block_forward(const tables *h, const sequence *s, const block *b)
{
    const places *const p = &h->p;
    float top[QUERIES], total[QUERIES];
    score(h, s, b);
    fill_keep(&s->head, p->keep, b->first, b->rows, b->reach);
    for (int i = 0; i < b->rows; i++) {
        float *const scores = p->scores + (int64_t)i * p->stride;
        const int keys = keys_of(&s->head, b->first + i);
        top[i] = keys ? top_of(scores, keys) : 0;
        total[i] = softmax_row(s, s->head.drops ? keep_of(&s->head, p->keep, b->first, i, b->reach) : NULL,
                               scores, keys, b->reach, top[i], h->scale * LOG2_E);
    }
    multiply(b->rows, p->width / PANEL, b->reach, rows_of(p->scores, p->stride), p->v_across, s->head.rows,
             p->out, p->width, false);
    for (int i = 0; i < b->rows; i++) {
        const bool sees = keys_of(&s->head, b->first + i) > 0;
        store_row(s->head.y, b->first + i, p->out + (int64_t)i * p->width,
                  sees ? s->head.mask.scale / total[i] : 0);
        s->head.lse[(b->first + i) * s->head.lse_stride] =
            sees ? top[i] * h->scale + logf(total[i]) : -INFINITY;
    }
}

/* Sequences of a group: as even a share as can be. */
static int group_start(const el_relative_args *a, int group)
{
    return (int)((int64_t)a->attention.layout.sequences * group / a->groups);
}

void EL_KERNEL(relative_forward)(const el_relative_args *a, int index, void *scratch)
{
    const int group = index / a->attention.heads, number = index % a->attention.heads;
    const tables h = tables_of(a, number, scratch);
    pack_turned(h.p.t_down, h.t);
    for (int n = group_start(a, group); n < group_start(a, group + 1); n++) {
        const sequence s = sequence_of(a, n, number);
        pack_turned(h.p.k_down, s.head.k);
        pack_rows(h.p.v_across, s.head.v);
        for (int first = 0; first < s.head.rows; first += QUERIES) {
            const block b =
                block_of(&h, &s, first, s.head.rows - first < QUERIES ? s.head.rows - first : QUERIES, 0);
            block_forward(&h, &s, &b);
        }
    }
}

/* ---- backward ---- */

/* R and dS of a query, without scales, its dfar, and the sums of dS over keys of its segment and of others. */
static void row_backward(const tables *h, const sequence *s, const block *b, int i, float near[2])
{
    const places *const p = &h->p;
    const int query = b->first + i, keys = keys_of(&s->head, query), kept = b->at + i;
    const float *const scores = p->scores + (int64_t)i * p->stride, *const dr =
                                                                        p->dr + (int64_t)i * p->stride;
    float *const r = p->r + (int64_t)kept * p->stride, *const ds = p->ds + (int64_t)kept * p->stride;
    float *const dfar = p->dfar + (int64_t)kept * p->span, y[p->width];
    const uint16_t *const keep = s->head.drops ? keep_of(&s->head, p->keep, b->first, i, b->reach) : NULL;
    const float lse = s->head.lse[query * s->head.lse_stride] * LOG2_E;
    load_row(y, s->head.y, query, NULL);
    const float delta = dot(y, p->dy + (int64_t)kept * p->width, h->d);
    memset(r, 0, (size_t)p->stride * sizeof *r);
    memset(ds, 0, (size_t)p->stride * sizeof *ds);
    memset(dfar, 0, (size_t)p->span * sizeof *dfar);
    for (int j = 0; j < keys; j += WIDTH) {
        const vf x = vexp2(vload(scores, EL_F32, j) * (h->scale * LOG2_E) - lse), g = vload(dr, EL_F32, j);
        const vf dp = (s->head.drops ? mask_keep(keep, j, g) : g) * s->head.mask.scale - delta;
        vstore(r, EL_F32, j, vfirst(keys - j, s->head.drops ? mask_keep(keep, j, x) : x, (vf){0}));
        vstore(ds, EL_F32, j, vfirst(keys - j, x * dp, (vf){0}));
    }
    const int origin = origin_of(h, s, query), segment = s->segments[query];
    near[0] = near[1] = 0;
    for (int j = 0; j < keys; j++) {
        dfar[origin + s->positions[j]] += ds[j];
        near[s->segments[j] != segment] += ds[j];
    }
}

/* dQ of a query from its terms, which are added up. */
static void query_backward(const tables *h, const sequence *s, const block *b, int i, const float near[2])
{
    const places *const p = &h->p;
    float *const out = p->out + (int64_t)i * p->width, *const out_far = p->out_far + (int64_t)i * p->width;
    float q[p->width];
    load_row(q, s->head.q, b->first + i, h->kind);
    add_row(sum_row(h, CONTENT), out, 1, h->d);
    add_row(sum_row(h, PLACE), out_far, 1, h->d);
    add_row(out, out_far, 1, h->d);
    for (int kind = 0; kind < 2; kind++) {
        add_row(sum_row(h, KIND), kind_row(h, kind), near[kind], h->d);
        add_row(sum_row(h, KINDS + kind), q, near[kind], h->d);
        add_row(out, kind_row(h, kind), near[kind], h->d);
    }
    store_row(s->head.dq, b->first + i, out, h->scale);
}

static void block_backward(const tables *h, const sequence *s, const block *b)
{
    const places *const p = &h->p;
    float *const dy = p->dy + (int64_t)b->at * p->width, near[QUERIES][2];
    score(h, s, b);
    fill_keep(&s->head, p->keep, b->first, b->rows, b->reach);
    for (int i = 0; i < b->rows; i++)
        load_row(dy + (int64_t)i * p->width, s->head.dy, b->first + i, NULL);
    multiply(b->rows, round_up(b->reach, PANEL) / PANEL, h->d, rows_of(dy, p->width), p->v_down, h->d, p->dr,
             p->stride, false);
    for (int i = 0; i < b->rows; i++)
        row_backward(h, s, b, i, near[i]);
    multiply(b->rows, p->width / PANEL, b->reach, rows_of(p->ds + (int64_t)b->at * p->stride, p->stride),
             p->k_across, s->head.rows, p->out, p->width, false);
    multiply(b->rows, p->width / PANEL, b->beyond > b->nearest ? b->beyond - b->nearest : 0,
             rows_of(p->dfar + (int64_t)b->at * p->span + b->nearest, p->span),
             p->t_across + (int64_t)b->nearest * PANEL, h->distances, p->out_far, p->width, false);
    for (int i = 0; i < b->rows; i++)
        query_backward(h, s, b, i, near[i]);
}

/* What kept queries add to dK, dV and dT. */
static void keys_backward(const tables *h, const sequence *s, int kept, bool more)
{
    const places *const p = &h->p;
    const int panels = p->width / PANEL;
    pack_floats(p->content_across, p->content, p->width, kept, h->d);
    pack_floats(p->place_across, p->place, p->width, kept, h->d);
    pack_floats(p->across, p->dy, p->width, kept, h->d);
    multiply(s->head.rows, panels, kept, columns_of(p->r, p->stride), p->across, kept, p->dv, p->width, more);
    multiply(s->head.rows, panels, kept, columns_of(p->ds, p->stride), p->content_across, kept, p->dk,
             p->width, more);
    multiply(h->distances, panels, kept, columns_of(p->dfar, p->span), p->place_across, kept, p->sums,
             p->width, true);
}

static void sequence_backward(const tables *h, const sequence *s)
{
    const places *const p = &h->p;
    pack_turned(p->k_down, s->head.k);
    pack_turned(p->v_down, s->head.v);
    pack_rows(p->k_across, s->head.k);
    for (int begin = 0; begin < s->head.rows; begin += SUMMED) {
        const int end = s->head.rows - begin < SUMMED ? s->head.rows : begin + SUMMED;
        for (int first = begin; first < end; first += QUERIES) {
            const block b =
                block_of(h, s, first, end - first < QUERIES ? end - first : QUERIES, first - begin);
            block_backward(h, s, &b);
        }
        keys_backward(h, s, end - begin, begin > 0);
    }
    for (int j = 0; j < s->head.rows; j++) {
        store_row(s->head.dk, j, p->dk + (int64_t)j * p->width, h->scale);
        store_row(s->head.dv, j, p->dv + (int64_t)j * p->width, s->head.mask.scale);
    }
}

void EL_KERNEL(relative_backward)(const el_relative_args *a, int index, void *scratch)
{
    const int group = index / a->attention.heads, number = index % a->attention.heads;
    const tables h = tables_of(a, number, scratch);
    const int sums = h.distances + EXTRA;
    memset(h.p.sums, 0, (size_t)sums * (size_t)h.p.width * sizeof *h.p.sums);
    pack_turned(h.p.t_down, h.t);
    pack_rows(h.p.t_across, h.t);
    for (int n = group_start(a, group); n < group_start(a, group + 1); n++) {
        const sequence s = sequence_of(a, n, number);
        sequence_backward(&h, &s);
    }
    const el_tensor to = part(a->parts, group * sums, sums, number * h.d, h.d);
    for (int i = 0; i < sums; i++)
        store_row(to, i, h.p.sums + (int64_t)i * h.p.width, h.scale);
}
