/* metrics - how far predictions are right
 *
 *   of one class:   precision = right / predicted      recall = right / gold      F1 = 2 right / (predicted + gold)
 *   of all:         micro: the same of the sums; macro: the mean over classes
 *
 *   Matthews    (n right - sum p_k g_k) / sqrt((n^2 - sum p_k^2) (n^2 - sum g_k^2)),   p_k, g_k: how often class k
 *               is predicted and is gold; with two classes the usual phi
 *   Pearson     cov(x, y) / sqrt(var x  var y)
 *   Spearman    Pearson of the ranks, equal values taking the mean of theirs
 *
 * Values are those of scikit-learn and scipy, to rounding.  As there, 0 / 0 is 0 in precision, recall, F1 and Matthews
 * (a class that is never predicted, one class only), and the correlation with a constant, or of fewer than two values,
 * is NaN.  Of no examples at all, which scikit-learn refuses, a mean (accuracy, macro, error) is NaN.
 */
#ifndef EL_TASK_METRICS_H
#define EL_TASK_METRICS_H

#include <stddef.h>

#include "base/error.h"

typedef struct {
    size_t right, predicted, gold;
} el_tally;

typedef struct {
    double precision, recall, f1;
} el_rates;

el_rates el_rates_of(el_tally tally);

/* One class of `labels` an example, both from 0. */
double el_accuracy(const int *predicted, const int *gold, size_t count);
double el_matthews(const int *predicted, const int *gold, size_t count, int labels);
/* Of one class: binary F1 is that of the positive one. */
el_rates el_label_rates(const int *predicted, const int *gold, size_t count, int label);
/* Classes that are neither predicted nor gold are left out of the mean. */
el_rates el_macro_rates(const int *predicted, const int *gold, size_t count, int labels);
/* counts (labels, labels): how often a gold class (row) was predicted as another (column). */
void el_confusion(const int *predicted, const int *gold, size_t count, int labels, size_t *counts);

/* Any number of labels an example: rows of `labels` zeros and ones.  Every label counts in the mean.  Micro is
 * el_label_rates(predicted, gold, count * labels, 1). */
el_rates el_multilabel_macro_rates(const int *predicted, const int *gold, size_t count, int labels);

/* A number an example. */
double el_mean_squared_error(const double *predicted, const double *gold, size_t count);
double el_pearson(const double *x, const double *y, size_t count);
el_status el_spearman(const double *x, const double *y, size_t count, double *correlation);

#endif
