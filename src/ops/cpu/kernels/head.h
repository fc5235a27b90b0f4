/* head - one head of one sequence, as attention.c and relative.c read it: its rows, how far each sees, and what dropout keeps
 *
 * Included after panel.h and mask.h, by each level's copy of these kernels.
 */
#ifndef EL_CPU_HEAD_H
#define EL_CPU_HEAD_H

/* Queries whose scores are looked at together, in the first cache; and those, at most, whose R and dS are kept
 * for one sum over them.  Both are even: rows go in pairs. */
enum { QUERIES = BLOCK_ROWS, SUMMED = 128 };

static const float LOG2_E = 1.44269504f;

/* Views of one head, (rows of the sequence, d), and what numbers its dropout. */
typedef struct {
    el_tensor q, k, v, y, dy, dq, dk, dv;
    float *lse;
    int64_t lse_stride;
    int rows, d;
    const int *limits; /* keys that each row sees, or NULL: all */
    float scale;       /* of scores */
    mask mask;
    bool drops;
    uint64_t mask_row, mask_step; /* the mask's row of query 0; from a query to the next */
} head;

static int round_up(int n, int step)
{
    return (n + step - 1) / step * step;
}

static el_tensor part(el_tensor t, int first, int rows, int col, int cols)
{
    return el_piece_cols(el_piece_rows(t, first, rows), col, cols);
}

static head head_of(const el_attention_args *a, int sequence, int number)
{
    const int first = a->layout.starts[sequence], rows = a->layout.starts[sequence + 1] - first;
    const int hidden = a->qkv.cols / 3, d = hidden / a->heads, at = number * d;
    head h = {.q = part(a->qkv, first, rows, at, d),
              .k = part(a->qkv, first, rows, hidden + at, d),
              .v = part(a->qkv, first, rows, 2 * hidden + at, d),
              .y = part(a->y, first, rows, at, d),
              .dy = part(a->dy, first, rows, at, d),
              .dq = part(a->dqkv, first, rows, at, d),
              .dk = part(a->dqkv, first, rows, hidden + at, d),
              .dv = part(a->dqkv, first, rows, 2 * hidden + at, d),
              .lse = (float *)a->lse.data + first * a->lse.stride + number,
              .lse_stride = a->lse.stride,
              .rows = rows,
              .d = d,
              .limits = a->layout.limits ? a->layout.limits + first : NULL,
              .scale = 1 / sqrtf((float)d),
              .mask.scale = 1,
              .drops = a->dropout.rate > 0};
    if (h.drops) {
        el_dropout numbered = a->dropout;
        numbered.first_row = 0;
        h.mask = mask_of(numbered, a->width);
        h.mask_step = (uint64_t)a->heads;
        h.mask_row = (a->dropout.first_row + (uint64_t)first) * h.mask_step + (uint64_t)number;
    }
    return h;
}

static int keys_of(const head *h, int query)
{
    return h->limits ? h->limits[query] : h->rows;
}

/* The keys that any of some queries sees; at least one, which all may be without. */
static int reach_of(const head *h, int first, int rows)
{
    int reach = h->limits ? 1 : h->rows;
    for (int i = first; h->limits && i < first + rows; i++)
        reach = h->limits[i] > reach ? h->limits[i] : reach;
    return reach;
}

static uint64_t mask_row_of(const head *h, int query)
{
    return h->mask_row + (uint64_t)query * h->mask_step;
}

/* The masks of some queries for their first `reach` keys; and where that of one begins. */
INLINE void fill_keep(const head *h, uint16_t *keep, int first, int rows, int reach)
{
    if (h->drops)
        mask_fill(&h->mask, mask_row_of(h, first), h->mask_step, rows, mask_span(h->mask.stride, reach),
                  keep);
}

INLINE const uint16_t *keep_of(const head *h, const uint16_t *keep, int first, int i, int reach)
{
    const int each = mask_span(h->mask.stride, reach) * MASK_GROUPS;
    return mask_row(&h->mask, keep + i * each, mask_row_of(h, first + i), 0);
}

/* The highest of a row of scores. */
INLINE float top_of(const float *scores, int keys)
{
    vf best = vsplat(-INFINITY);
    int j = 0;
    for (; j + WIDTH <= keys; j += WIDTH)
        best = vmax(best, vload(scores, EL_F32, j));
    if (j < keys)
        best = vmax(best, vfirst(keys - j, vload(scores, EL_F32, j), best));
    return vhighest(best);
}

#endif
