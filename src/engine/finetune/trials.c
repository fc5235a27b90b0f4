/* trials - see the header */
#include "engine/finetune/trials.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"

static double metric_of(const json_t *trials, size_t trial, const char *metric)
{
    const json_t *const value =
        json_object_get(json_object_get(json_array_get(trials, trial), "metrics"), metric);
    return json_is_number(value) ? json_number_value(value) : -INFINITY;
}

size_t el_trials_best(const json_t *trials, const char *metric)
{
    size_t best = 0;
    for (size_t i = 1; i < json_array_size(trials); i++)
        if (metric_of(trials, i, metric) > metric_of(trials, best, metric))
            best = i;
    return best;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean, median and deviation over trials of one figure, and what the best trial has. */
static json_t *summary_of(const json_t *trials, const char *name, json_t *best)
{
    const size_t count = json_array_size(trials);
    double *const values = malloc((count + 1) * sizeof *values);
    double sum = 0, squares = 0;
    size_t n = 0;
    for (size_t i = 0; values && i < count; i++) {
        const json_t *const value =
            json_object_get(json_object_get(json_array_get(trials, i), "metrics"), name);
        if (json_is_number(value))
            sum += values[n++] = json_number_value(value);
    }
    if (!values)
        return NULL;
    const double mean = n ? sum / (double)n : NAN;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    qsort(values, n, sizeof *values, ascending);
    const double median = n ? (values[(n - 1) / 2] + values[n / 2]) / 2 : NAN;
    const double deviation = n > 1 ? sqrt(squares / (double)(n - 1)) : n ? 0 : NAN;
    free(values);
    return json_pack("{s:o, s:o, s:o, s:O?, s:I}", "mean", el_json_number(mean), "median",
                     el_json_number(median), "deviation", el_json_number(deviation), "best", best, "trials",
                     (json_int_t)n);
}

json_t *el_trials_summary(const json_t *trials, size_t best, const char *metric)
{
    json_t *const summary = json_object(), *const metrics =
                                               json_object_get(json_array_get(trials, best), "metrics");
    const char *key;
    json_t *value;
    json_object_foreach(metrics, key, value)
        json_object_set_new(summary, key, summary_of(trials, key, value));
    if (!json_object_get(metrics, metric))
        json_object_set_new(summary, metric, summary_of(trials, metric, NULL));
    return summary;
}
