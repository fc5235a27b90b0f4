/* metrics - see the header */
#include "task/score/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* How often `label` occurs in every `step`th place. */
static el_tally tally_of(const int *predicted, const int *gold, size_t count, size_t step, int label)
{
    el_tally t = {0};
    for (size_t i = 0; i < count; i++) {
        const bool p = predicted[i * step] == label, g = gold[i * step] == label;
        t.right += p && g;
        t.predicted += p;
        t.gold += g;
    }
    return t;
}

static double ratio(double part, double whole)
{
    return whole == 0 ? 0 : part / whole;
}

el_rates el_rates_of(el_tally t)
{
    const double right = (double)t.right, predicted = (double)t.predicted, gold = (double)t.gold;
    return (el_rates){ratio(right, predicted), ratio(right, gold), ratio(2 * right, predicted + gold)};
}

/* A macro mean: the sum over classes, from zero, then divided by their number. */
static void add_rates(el_rates *sum, el_rates more)
{
    sum->precision += more.precision;
    sum->recall += more.recall;
    sum->f1 += more.f1;
}

static el_rates mean_of(el_rates sum, size_t count)
{
    const double n = (double)count;
    return (el_rates){sum.precision / n, sum.recall / n, sum.f1 / n};
}

static size_t right_ones(const int *predicted, const int *gold, size_t count)
{
    size_t right = 0;
    for (size_t i = 0; i < count; i++)
        right += predicted[i] == gold[i];
    return right;
}

double el_accuracy(const int *predicted, const int *gold, size_t count)
{
    return (double)right_ones(predicted, gold, count) / (double)count;
}

double el_matthews(const int *predicted, const int *gold, size_t count, int labels)
{
    const double n = (double)count;
    double both = n * (double)right_ones(predicted, gold, count), p2 = n * n, g2 = n * n;
    for (int label = 0; label < labels; label++) {
        const el_tally t = tally_of(predicted, gold, count, 1, label);
        const double p = (double)t.predicted, g = (double)t.gold;
        both -= p * g;
        p2 -= p * p;
        g2 -= g * g;
    }
    return ratio(both, sqrt(p2 * g2));
}

el_rates el_label_rates(const int *predicted, const int *gold, size_t count, int label)
{
    return el_rates_of(tally_of(predicted, gold, count, 1, label));
}

el_rates el_macro_rates(const int *predicted, const int *gold, size_t count, int labels)
{
    el_rates sum = {0};
    size_t present = 0;
    for (int label = 0; label < labels; label++) {
        const el_tally t = tally_of(predicted, gold, count, 1, label);
        present += t.predicted + t.gold > 0;
        add_rates(&sum, el_rates_of(t));
    }
    return mean_of(sum, present);
}

void el_confusion(const int *predicted, const int *gold, size_t count, int labels, size_t *counts)
{
    for (int i = 0; i < labels * labels; i++)
        counts[i] = 0;
    for (size_t i = 0; i < count; i++) {
        assert(predicted[i] >= 0 && predicted[i] < labels && gold[i] >= 0 && gold[i] < labels);
        counts[gold[i] * labels + predicted[i]]++;
    }
}

el_rates el_multilabel_macro_rates(const int *predicted, const int *gold, size_t count, int labels)
{
    el_rates sum = {0};
    for (int label = 0; label < labels; label++)
        add_rates(&sum, el_rates_of(tally_of(predicted + label, gold + label, count, (size_t)labels, 1)));
    return mean_of(sum, (size_t)labels);
}

double el_mean_squared_error(const double *predicted, const double *gold, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (predicted[i] - gold[i]) * (predicted[i] - gold[i]);
    return sum / (double)count;
}

static bool is_constant(const double *x, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (x[i] != x[0])
            return false;
    return true;
}

/* Deviations from the mean, as (x_i - origin - mean) / reach: the origin is one of the values, so that a large common
 * part costs no digits, and the reach the largest deviation, so that no square leaves the range of numbers. */
typedef struct {
    double origin, mean, reach;
} centre;

static centre centre_of(const double *x, size_t count)
{
    centre c = {.origin = x[0]};
    for (size_t i = 0; i < count; i++)
        c.mean += x[i] - c.origin;
    c.mean /= (double)count;
    for (size_t i = 0; i < count; i++)
        c.reach = fmax(c.reach, fabs(x[i] - c.origin - c.mean));
    return c;
}

double el_pearson(const double *x, const double *y, size_t count)
{
    if (is_constant(x, count) || is_constant(y, count))
        return NAN;
    const centre cx = centre_of(x, count), cy = centre_of(y, count);
    double xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < count; i++) {
        const double dx = (x[i] - cx.origin - cx.mean) / cx.reach,
                     dy = (y[i] - cy.origin - cy.mean) / cy.reach;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    const double r = xy / (sqrt(xx) * sqrt(yy));
    return r > 1 ? 1 : r < -1 ? -1 : r;
}

typedef struct {
    double value;
    size_t place;
} placed;

static int by_value(const void *a, const void *b)
{
    const double x = ((const placed *)a)->value, y = ((const placed *)b)->value;
    return (x > y) - (x < y);
}

/* sorted: room for count. */
static void rank(const double *x, size_t count, placed *sorted, double *ranks)
{
    for (size_t i = 0; i < count; i++)
        sorted[i] = (placed){x[i], i};
    qsort(sorted, count, sizeof *sorted, by_value);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && sorted[end].value == sorted[i].value;)
            end++;
        for (size_t k = i; k < end; k++)
            ranks[sorted[k].place] = (double)(i + 1 + end) / 2;
    }
}

static bool has_nan(const double *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (isnan(x[i]))
            return true;
    return false;
}

el_status el_spearman(const double *x, const double *y, size_t count, double *correlation)
{
    *correlation = NAN;
    if (count < 2 || has_nan(x, count) || has_nan(y, count))
        return EL_OK;
    placed *sorted = malloc(count * sizeof *sorted);
    double *ranks = malloc(2 * count * sizeof *ranks);
    if (sorted && ranks) {
        rank(x, count, sorted, ranks);
        rank(y, count, sorted, ranks + count);
        *correlation = el_pearson(ranks, ranks + count, count);
    }
    const el_status st = sorted && ranks ? EL_OK : el_fail(EL_ENOMEM, "no memory to rank %zu numbers", count);
    free(sorted);
    free(ranks);
    return st;
}
