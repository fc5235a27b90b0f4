/* attention - each head of each sequence by itself, queries and keys numbered from the sequence's start
 *
 *   S = Q K^T / sqrt(d)      P = exp(S - lse)      R = P * scale (dropout's)      y = R V
 *   lse[i] = log(sum over j of exp(S[i, j]))
 *
 *   dV = R^T dy        dR = dy V^T        delta[i] = sum over columns of dy[i] y[i]
 *   dS = P * (scale * dR - delta)         dQ = dS K / sqrt(d)        dK = dS^T Q / sqrt(d)
 *
 * delta is the sum over j of P dP, which softmax's backward needs, because y = sum over j of R V.
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

/* One head of one sequence: views of its rows and columns, and what numbers its dropout. */
typedef struct {
    el_tensor q, k, v, y, lse; /* (rows, d), lse (rows, 1) */
    int first, head, heads, width;
    const int *limits; /* of its rows, or NULL */
    el_dropout dropout;
} head;

static el_tensor part(el_tensor t, el_layout layout, int sequence, int first_col, int cols)
{
    const int first = layout.starts[sequence];
    return el_tensor_cols(el_tensor_rows(t, first, layout.starts[sequence + 1] - first), first_col, cols);
}

static head head_of(el_tensor y, el_tensor lse, el_tensor qkv, el_layout layout, int sequence, int number,
                    int heads)
{
    const int hidden = qkv.cols / 3, d = hidden / heads;
    return (head){.q = part(qkv, layout, sequence, number * d, d),
                  .k = part(qkv, layout, sequence, hidden + number * d, d),
                  .v = part(qkv, layout, sequence, 2 * hidden + number * d, d),
                  .y = part(y, layout, sequence, number * d, d),
                  .lse = part(lse, layout, sequence, number, 1),
                  .first = layout.starts[sequence],
                  .limits = layout.limits ? layout.limits + layout.starts[sequence] : NULL,
                  .head = number,
                  .heads = heads};
}

static double dot(el_tensor a, int i, el_tensor b, int j)
{
    double sum = 0;
    for (int c = 0; c < a.cols; c++)
        sum += el_get(a, i, c) * el_get(b, j, c);
    return sum;
}

/* The keys that query i sees. */
static int keys_of(const head *h, int i)
{
    assert(!h->limits || (h->limits[i] >= 0 && h->limits[i] <= h->k.rows));
    return h->limits ? h->limits[i] : h->k.rows;
}

static double score(const head *h, int i, int j)
{
    return dot(h->q, i, h->k, j) / sqrt(h->q.cols);
}

static double keep_scale(const head *h, int i, int j)
{
    const uint64_t row = h->dropout.first_row + (uint64_t)(h->first + i);
    el_dropout numbered = h->dropout;
    numbered.first_row = 0; /* in the row already */
    return el_dropout_scale(numbered, h->width, row * (uint64_t)h->heads + (uint64_t)h->head, j);
}

/* -infinity of none. */
static double log_sum_exp(const double *x, int count)
{
    double max = -INFINITY, sum = 0;
    for (int j = 0; j < count; j++)
        max = fmax(max, x[j]);
    for (int j = 0; j < count; j++)
        sum += exp(x[j] - max);
    return count ? max + log(sum) : -INFINITY;
}

static void query_forward(const head *h, int i)
{
    const int keys = keys_of(h, i);
    double r[keys + 1]; /* the row of S, then of R */
    for (int j = 0; j < keys; j++)
        r[j] = score(h, i, j);
    const double lse = log_sum_exp(r, keys);
    for (int j = 0; j < keys; j++)
        r[j] = exp(r[j] - lse) * keep_scale(h, i, j);
    for (int c = 0; c < h->v.cols; c++) {
        double sum = 0;
        for (int j = 0; j < keys; j++)
            sum += r[j] * el_get(h->v, j, c);
        el_set(h->y, i, c, sum);
    }
    el_set(h->lse, i, 0, lse);
}

static void check(el_tensor y, el_tensor lse, el_tensor qkv, el_layout layout, int heads, int width)
{
    assert(qkv.cols == 3 * y.cols && y.cols % heads == 0 && lse.cols == heads);
    assert(y.rows == qkv.rows && lse.rows == qkv.rows && layout.starts[layout.sequences] == qkv.rows);
    assert(layout.longest <= width);
}

void el_ref_attention_forward(el_queue *q, el_tensor y, el_tensor lse, el_tensor qkv, el_layout layout,
                              int heads, el_dropout dropout, int width)
{
    (void)q;
    check(y, lse, qkv, layout, heads, width);
    for (int s = 0; s < layout.sequences; s++)
        for (int n = 0; n < heads; n++) {
            head h = head_of(y, lse, qkv, layout, s, n, heads);
            h.dropout = dropout;
            h.width = width;
            for (int i = 0; i < h.q.rows; i++)
                query_forward(&h, i);
        }
}

/* Elements (i, j) of R and of dS. */
static void pair_backward(const head *h, el_tensor dy, int i, int j, double *r, double *ds)
{
    *r = *ds = 0;
    if (j >= keys_of(h, i))
        return;
    const double p = exp(score(h, i, j) - el_get(h->lse, i, 0));
    const double scale = keep_scale(h, i, j);
    const double delta = dot(dy, i, h->y, i);
    *r = p * scale;
    *ds = p * (scale * dot(dy, i, h->v, j) - delta);
}

static void query_backward(const head *h, el_tensor dq, el_tensor dy, int i)
{
    const int keys = h->k.rows;
    double r[keys], ds[keys];
    for (int j = 0; j < keys; j++)
        pair_backward(h, dy, i, j, &r[j], &ds[j]);
    for (int c = 0; c < dq.cols; c++) {
        double sum = 0;
        for (int j = 0; j < keys; j++)
            sum += ds[j] * el_get(h->k, j, c);
        el_set(dq, i, c, sum / sqrt(dq.cols));
    }
}

static void key_backward(const head *h, el_tensor dk, el_tensor dv, el_tensor dy, int j)
{
    const int queries = h->q.rows;
    double r[queries], ds[queries];
    for (int i = 0; i < queries; i++)
        pair_backward(h, dy, i, j, &r[i], &ds[i]);
    for (int c = 0; c < dk.cols; c++) {
        double k_sum = 0, v_sum = 0;
        for (int i = 0; i < queries; i++) {
            k_sum += ds[i] * el_get(h->q, i, c);
            v_sum += r[i] * el_get(dy, i, c);
        }
        el_set(dk, j, c, k_sum / sqrt(dk.cols));
        el_set(dv, j, c, v_sum);
    }
}

void el_ref_attention_backward(el_queue *q, el_tensor dqkv, el_tensor dy, el_tensor y, el_tensor lse,
                               el_tensor qkv, el_layout layout, int heads, el_dropout dropout, int width)
{
    (void)q;
    check(y, lse, qkv, layout, heads, width);
    assert(dqkv.rows == qkv.rows && dqkv.cols == qkv.cols && dy.rows == y.rows && dy.cols == y.cols);
    for (int s = 0; s < layout.sequences; s++)
        for (int n = 0; n < heads; n++) {
            head h = head_of(y, lse, qkv, layout, s, n, heads);
            h.dropout = dropout;
            h.width = width;
            const head d = head_of(dy, lse, dqkv, layout, s, n, heads); /* the same places in the gradients */
            for (int i = 0; i < h.q.rows; i++)
                query_backward(&h, d.q, d.y, i);
            for (int j = 0; j < h.k.rows; j++)
                key_backward(&h, d.k, d.v, d.y, j);
        }
}
