/* attention - each head of each sequence by itself, queries and keys numbered from the sequence's start
 *
 *   S = Q K^T / sqrt(d)      P = exp(S - lse)      R = P * scale (dropout's)      y = R V
 *   lse[i] = log(sum over j of exp(S[i, j]))
 *
 *   dV = R^T dy        dR = dy V^T        delta[i] = sum over columns of dy[i] y[i]
 *   dS = P * (scale * dR - delta)         dQ = dS K / sqrt(d)        dK = dS^T Q / sqrt(d)
 *
 * delta is the sum over j of P dP, which softmax's backward needs, because y = sum over j of R V.
 *
 * By distances, with T = places, t(i, j) = p_j - p_i + reach - 1 and E = kinds:
 *
 *   S = ((Q + content) K^T + (Q + place) T_t + (Q + kind) E_kind) / sqrt(d)
 *   dQ = sum over j of dS (K_j + T_t + E_kind) / sqrt(d)      dK = dS^T (Q + content) / sqrt(d)
 *   dcontent, dplace, dkind: the three terms of dQ, summed over i
 *   dT_t += dS (Q + place) / sqrt(d)                          dE_kind += dS (Q + kind) / sqrt(d)
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
    /* by distances; else none */
    el_tensor places, bias[3], kinds;
    const int *positions, *segments;
} head;

enum { CONTENT, PLACE, KIND };

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

/* Rows of places and of kinds. */
static int place_of(const head *h, int i, int j)
{
    const int place = h->positions[j] - h->positions[i] + h->places.rows / 2;
    assert(place >= 0 && place < h->places.rows);
    return place;
}

static int kind_of(const head *h, int i, int j)
{
    return h->segments[i] != h->segments[j];
}

/* q_i with one of the biases, column c. */
static double biased(const head *h, int bias, int i, int c)
{
    return el_get(h->q, i, c) + (h->places.data ? el_get(h->bias[bias], 0, c) : 0);
}

static double score(const head *h, int i, int j)
{
    if (!h->places.data)
        return dot(h->q, i, h->k, j) / sqrt(h->q.cols);
    const int place = place_of(h, i, j), kind = kind_of(h, i, j);
    double sum = 0;
    for (int c = 0; c < h->q.cols; c++) {
        const double q = el_get(h->q, i, c);
        sum += (q + el_get(h->bias[CONTENT], 0, c)) * el_get(h->k, j, c) +
               (q + el_get(h->bias[PLACE], 0, c)) * el_get(h->places, place, c) +
               (q + el_get(h->bias[KIND], 0, c)) * el_get(h->kinds, kind, c);
    }
    return sum / sqrt(h->q.cols);
}

/* What query i sees of key j, column c. */
static double seen(const head *h, int i, int j, int c)
{
    const double k = el_get(h->k, j, c);
    return h->places.data
               ? k + el_get(h->places, place_of(h, i, j), c) + el_get(h->kinds, kind_of(h, i, j), c)
               : k;
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
    const int keys = keys_of(h, i);
    double r, ds[keys + 1];
    for (int j = 0; j < keys; j++)
        pair_backward(h, dy, i, j, &r, &ds[j]);
    for (int c = 0; c < dq.cols; c++) {
        double sum = 0;
        for (int j = 0; j < keys; j++)
            sum += ds[j] * seen(h, i, j, c);
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
            k_sum += ds[i] * biased(h, CONTENT, i, c);
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

/* ---- by distances ---- */

static void set_relative(head *h, el_relative r)
{
    const int d = h->q.cols, hidden = h->heads * d;
    h->places = el_tensor_cols(r.places, h->head * d, d);
    h->kinds = el_tensor_cols(r.kinds, h->head * d, d);
    for (int i = 0; i < 3; i++)
        h->bias[i] = el_tensor_cols(r.biases, i * hidden + h->head * d, d);
    h->positions = r.positions + h->first;
    h->segments = r.segments + h->first;
}

static void check_relative(el_relative r, int hidden)
{
    assert(r.places.cols == hidden && r.places.rows % 2 == 1 && r.kinds.rows == 2 && r.kinds.cols == hidden);
    assert(r.biases.rows == 1 && r.biases.cols == 3 * hidden);
}

void el_ref_relative_attention_forward(el_queue *q, el_tensor y, el_tensor lse, el_tensor qkv,
                                       el_relative relative, el_layout layout, int heads, el_dropout dropout,
                                       int width)
{
    (void)q;
    check(y, lse, qkv, layout, heads, width);
    check_relative(relative, y.cols);
    for (int s = 0; s < layout.sequences; s++)
        for (int n = 0; n < heads; n++) {
            head h = head_of(y, lse, qkv, layout, s, n, heads);
            h.dropout = dropout;
            h.width = width;
            set_relative(&h, relative);
            for (int i = 0; i < h.q.rows; i++)
                query_forward(&h, i);
        }
}

static void plus(el_tensor t, int row, int col, double value)
{
    el_set(t, row, col, el_get(t, row, col) + value);
}

/* What a query and a key add to the gradients of places, biases and kinds. */
static void pair_relative(const head *h, const head *d, int i, int j)
{
    double r, ds;
    pair_backward(h, d->y, i, j, &r, &ds);
    ds /= sqrt(h->q.cols);
    const int place = place_of(h, i, j), kind = kind_of(h, i, j);
    for (int c = 0; c < h->q.cols; c++) {
        plus(d->places, place, c, ds * biased(h, PLACE, i, c));
        plus(d->kinds, kind, c, ds * biased(h, KIND, i, c));
        plus(d->bias[CONTENT], 0, c, ds * el_get(h->k, j, c));
        plus(d->bias[PLACE], 0, c, ds * el_get(h->places, place, c));
        plus(d->bias[KIND], 0, c, ds * el_get(h->kinds, kind, c));
    }
}

void el_ref_relative_attention_backward(el_queue *q, el_tensor dqkv, el_relative_gradients gradients,
                                        el_tensor dy, el_tensor y, el_tensor lse, el_tensor qkv,
                                        el_relative relative, el_layout layout, int heads, el_dropout dropout,
                                        int width)
{
    check(y, lse, qkv, layout, heads, width);
    check_relative(relative, y.cols);
    const el_relative places = {gradients.places, gradients.biases, gradients.kinds, relative.positions,
                                relative.segments};
    el_ref_zero(q, gradients.places);
    for (int s = 0; s < layout.sequences; s++)
        for (int n = 0; n < heads; n++) {
            head h = head_of(y, lse, qkv, layout, s, n, heads),
                 d = head_of(dy, lse, dqkv, layout, s, n, heads);
            h.dropout = dropout;
            h.width = width;
            set_relative(&h, relative);
            set_relative(&d, places);
            for (int i = 0; i < h.q.rows; i++)
                query_backward(&h, d.q, d.y, i);
            for (int j = 0; j < h.k.rows; j++)
                key_backward(&h, d.k, d.v, d.y, j);
            for (int i = 0; i < h.q.rows; i++)
                for (int j = 0; j < keys_of(&h, i); j++)
                    pair_relative(&h, &d, i, j);
        }
}
