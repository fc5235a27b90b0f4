/* span_numbers - see the header */
#include "model/span_numbers.h"

#include <assert.h>
#include <math.h>

double el_log_sum_exp(el_tensor z)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < z.rows; i++)
        most = fmax(most, el_get(z, i, 0));
    for (int i = 0; i < z.rows; i++)
        sum += exp(el_get(z, i, 0) - most);
    return most + log(sum);
}

void el_span_probabilities(el_tensor logits, const el_candidates *c, el_tensor probability)
{
    const el_tensor starts = el_span_column(logits, c->count, 0);
    for (int at = 0; at < c->sequences; at++) {
        const el_tensor z = el_span_part(starts, c, at), p = el_span_part(probability, c, at);
        const double lse = el_log_sum_exp(z);
        for (int i = 0; i < z.rows; i++)
            el_set(p, i, 0, exp(el_get(z, i, 0) - lse));
    }
}

/* -log softmax(z)[target]; target -1: 0. */
static double cross_entropy(el_tensor z, int target, double scale)
{
    assert(target >= -1 && target < z.rows);
    const double lse = el_log_sum_exp(z), loss = target < 0 ? 0 : lse - el_get(z, target, 0);
    for (int i = 0; scale != 0 && i < z.rows; i++)
        el_set(z, i, 0, target < 0 ? 0 : scale * (exp(el_get(z, i, 0) - lse) - (i == target)));
    return loss;
}

/* log(1 + exp(z)) - label z; label -1: 0. */
static double logistic(el_tensor answer, int row, int label, double scale)
{
    const double z = el_get(answer, row, 0);
    if (scale != 0)
        el_set(answer, row, 0, label < 0 ? 0 : scale * (1 / (1 + exp(-z)) - label));
    return label < 0 ? 0 : fmax(z, 0) + log1p(exp(-fabs(z))) - label * z;
}

void el_span_losses(el_tensor logits, el_tensor answer, const el_candidates *c,
                    const el_span_targets *targets, double scale, double *losses)
{
    for (int at = 0; at < c->sequences; at++) {
        const double weight = targets->answerable_weight;
        losses[at] = 0;
        for (int k = 0; k < 2; k++)
            losses[at] += cross_entropy(el_span_part(el_span_column(logits, c->count, k), c, at),
                                        (k ? targets->end : targets->start)[at], scale / 2) /
                          2;
        if (answer.data)
            losses[at] += weight * logistic(answer, at, targets->impossible[at], scale * weight);
    }
}

void el_span_probabilities_backward(el_tensor dlogits, const el_candidates *c, el_tensor probability,
                                    el_tensor dprobability)
{
    for (int at = 0; at < c->sequences; at++) {
        const el_tensor dz = el_span_part(el_span_column(dlogits, c->count, 0), c, at);
        const el_tensor p = el_span_part(probability, c, at), dp = el_span_part(dprobability, c, at);
        double mean = 0;
        for (int i = 0; i < p.rows; i++)
            mean += el_get(p, i, 0) * el_get(dp, i, 0);
        for (int i = 0; i < p.rows; i++)
            el_set(dz, i, 0, el_get(dz, i, 0) + el_get(p, i, 0) * (el_get(dp, i, 0) - mean));
    }
}

int el_span_largest(el_tensor z, int most, int *best)
{
    int count = 0;
    for (int i = 0; i < z.rows; i++) {
        const double value = el_get(z, i, 0);
        int at = count < most ? count++ : most;
        for (; at > 0 && value > el_get(z, best[at - 1], 0); at--)
            if (at < most)
                best[at] = best[at - 1];
        if (at < most)
            best[at] = i;
    }
    return count;
}

void el_span_pairs(el_span_guess *pairs, int start, double start_score, el_tensor ends, double lse, int beam,
                   int *best)
{
    const int count = el_span_largest(ends, beam, best);
    for (int k = 0; k < count; k++)
        pairs[k] =
            (el_span_guess){start, best[k], (float)start_score, (float)(el_get(ends, best[k], 0) - lse)};
}

int el_span_by_score(const void *left, const void *right)
{
    const el_span_guess *a = left, *b = right;
    if (a->start < 0 || b->start < 0)
        return (a->start < 0) - (b->start < 0);
    const double x = (double)a->start_score + (double)a->end_score;
    const double y = (double)b->start_score + (double)b->end_score;
    if (x != y)
        return x < y ? 1 : -1;
    return a->start != b->start ? a->start - b->start : a->end - b->end;
}
