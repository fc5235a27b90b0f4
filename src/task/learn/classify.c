/* classify - classes, numbers and sets of labels of one text or a pair, from the row of [CLS], or of a causal network from the
 * last row, which alone has seen all */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "task/learn/family.h"
#include "task/score/metrics.h"

static const char *const OF_CLASSES[] = {"loss", "accuracy",  "f1_macro", "matthews",
                                         "f1",   "precision", "recall"}; /* from "f1" on: of two classes */
static const char *const OF_NUMBERS[] = {"loss", "pearson", "spearman", "mse"};
static const char *const OF_SETS[] = {"loss", "f1_micro", "f1_macro", "precision", "recall", "accuracy"};

static int labels_of(const el_learner *l)
{
    return el_learner_head(l)->config.labels;
}

static el_status open_classify(el_learner *l)
{
    static const struct {
        const char *const *names;
        int count;
    } FIGURES[] = {
        [EL_CLASSIFY] = {OF_CLASSES, 7}, [EL_REGRESS] = {OF_NUMBERS, 4}, [EL_MULTILABEL] = {OF_SETS, 6}};
    l->names = FIGURES[l->settings.kind].names;
    l->figures = FIGURES[l->settings.kind].count;
    if (l->settings.kind == EL_CLASSIFY && labels_of(l) != 2)
        l->figures -= 3;
    l->reads = l->sequences = l->rows / 4 + 1; /* few texts are shorter than this */
    return el_rows_open(l);
}

static int reads(const el_learner *l, int feature)
{
    (void)l, (void)feature;
    return 1;
}

static int targets(const el_learner *l, int feature)
{
    const bool labelled =
        el_dataset_has_label(el_learner_dataset(l, feature), el_learner_example(l, feature));
    return labelled ? l->row_head.width : 0;
}

static void put_set(const el_dataset *d, const el_labelled *e, int labels, int *flags)
{
    for (int i = 0; i < labels; i++)
        flags[i] = e->label < 0 ? -1 : 0;
    for (int i = e->first; i < e->first + e->count; i++)
        flags[d->numbers[i]] = 1;
}

static void put(const el_learner *l, int feature, int *rows, int *wanted, float *values)
{
    const el_labelled *e = el_learner_example(l, feature);
    rows[0] = l->base.model->networks[0].config.causal ? l->features->items[feature].count - 1 : 0;
    if (l->settings.kind == EL_REGRESS)
        values[0] = (float)((e->value - l->settings.low) / el_learner_range(l));
    else if (l->settings.kind == EL_MULTILABEL)
        put_set(el_learner_dataset(l, feature), e, labels_of(l), wanted);
    else
        wanted[0] = e->label;
}

/* The rows that have seen all of the text stand side by side: [SEP]'s forwards, [CLS]'s backwards. */
static void pair(const el_learner *l, int feature, int *rows)
{
    el_swap_rows(rows, 0, l->features->items[feature].count - 1);
}

static void answer_one(const el_learner *l, const float *logits, float *probabilities, el_prediction *p)
{
    const int labels = labels_of(l);
    p->finite = el_numbers_finite(logits, (size_t)labels);
    if (l->settings.kind == EL_REGRESS) {
        p->value = l->settings.low + (double)logits[0] * el_learner_range(l);
        return;
    }
    p->probabilities = probabilities;
    if (l->settings.kind == EL_CLASSIFY)
        p->label = el_softmax(logits, labels, probabilities);
    else
        for (int i = 0; i < labels; i++)
            probabilities[i] = (float)(1 / (1 + exp(-(double)logits[i])));
}

/* The mean of the logits of windows [first, end). */
static void mean_logits(const float *logits, size_t labels, int first, int end, float *mean)
{
    for (size_t k = 0; k < labels; k++) {
        double sum = 0;
        for (int i = first; i < end; i++)
            sum += (double)logits[(size_t)i * labels + k];
        mean[k] = (float)(sum / (end - first));
    }
}

static el_status answer(el_learner *l)
{
    el_predictions *predictions = &l->predictions;
    const size_t labels = (size_t)labels_of(l), count = (size_t)l->seen_count;
    el_status st = el_learner_take((void **)&predictions->items, count, sizeof *predictions->items);
    if (!st)
        st = el_learner_take((void **)&predictions->probabilities, (count + 1) * labels,
                             sizeof *predictions->probabilities);
    if (st)
        return st;
    float *const mean = predictions->probabilities + count * labels;
    for (int first = 0, end; first < l->seen_count; first = end) {
        const size_t at = (size_t)predictions->count++;
        end = el_learner_windows(l, first);
        mean_logits(l->row_head.kept, labels, first, end, mean);
        predictions->items[at].example = l->features->items[l->seen[first]].example;
        answer_one(l, mean, predictions->probabilities + at * labels, &predictions->items[at]);
    }
    return EL_OK;
}

/* ---- figures ---- */

/* Labelled examples, predicted and gold side by side. */
typedef struct {
    int *predicted, *gold;
    double *x, *y;
    size_t count;
} pairs;

static void gather_one(const el_learner *l, int i, pairs *p)
{
    const el_dataset *d = el_learner_dataset(l, l->seen[0]);
    const el_prediction *found = &l->predictions.items[i];
    const el_labelled *e = &d->examples[found->example];
    if (!el_dataset_has_label(d, e))
        return;
    const size_t at = p->count++ * (size_t)l->row_head.width;
    if (l->settings.kind == EL_REGRESS) {
        p->x[at] = found->value;
        p->y[at] = e->value;
    } else if (l->settings.kind == EL_CLASSIFY) {
        p->predicted[at] = found->label;
        p->gold[at] = e->label;
    } else {
        put_set(d, e, labels_of(l), p->gold + at);
        for (int k = 0; k < labels_of(l); k++)
            p->predicted[at + (size_t)k] = found->probabilities[k] > 0.5F;
    }
}

static el_status score_numbers(const pairs *p, double *values)
{
    values[1] = el_pearson(p->x, p->y, p->count);
    values[3] = el_mean_squared_error(p->x, p->y, p->count);
    return el_spearman(p->x, p->y, p->count, &values[2]);
}

static void score_classes(const el_learner *l, const pairs *p, double *values)
{
    const int labels = labels_of(l);
    values[1] = el_accuracy(p->predicted, p->gold, p->count);
    values[2] = el_macro_rates(p->predicted, p->gold, p->count, labels).f1;
    values[3] = el_matthews(p->predicted, p->gold, p->count, labels);
    if (labels == 2) {
        const el_rates rates = el_label_rates(p->predicted, p->gold, p->count, 1);
        values[4] = rates.f1;
        values[5] = rates.precision;
        values[6] = rates.recall;
    }
}

static void score_sets(const el_learner *l, const pairs *p, double *values)
{
    const size_t labels = (size_t)labels_of(l);
    const el_rates micro = el_label_rates(p->predicted, p->gold, p->count * labels, 1);
    size_t right = 0;
    for (size_t i = 0; i < p->count * labels; i += labels)
        right += memcmp(p->predicted + i, p->gold + i, labels * sizeof *p->gold) == 0;
    values[1] = micro.f1;
    values[2] = el_multilabel_macro_rates(p->predicted, p->gold, p->count, (int)labels).f1;
    values[3] = micro.precision;
    values[4] = micro.recall;
    values[5] = (double)right / (double)p->count;
}

static el_status take_pairs(const el_learner *l, pairs *p)
{
    const size_t room = (size_t)l->seen_count * (size_t)l->row_head.width;
    if (l->settings.kind == EL_REGRESS) {
        const el_status st = el_learner_take((void **)&p->x, room, sizeof *p->x);
        return st ? st : el_learner_take((void **)&p->y, room, sizeof *p->y);
    }
    const el_status st = el_learner_take((void **)&p->predicted, room, sizeof *p->predicted);
    return st ? st : el_learner_take((void **)&p->gold, room, sizeof *p->gold);
}

static el_status score(el_learner *l, double *values)
{
    pairs p = {0};
    el_status st = take_pairs(l, &p);
    for (int i = 0; !st && i < l->predictions.count; i++)
        gather_one(l, i, &p);
    if (!st && l->settings.kind == EL_REGRESS)
        st = score_numbers(&p, values);
    else if (!st && l->settings.kind == EL_CLASSIFY)
        score_classes(l, &p, values);
    else if (!st)
        score_sets(l, &p, values);
    free(p.predicted);
    free(p.gold);
    free(p.x);
    free(p.y);
    return st;
}

const el_family el_classify_family = {.open = open_classify,
                                      .lay_out = el_rows_lay_out,
                                      .close = el_rows_close,
                                      .reads = reads,
                                      .targets = targets,
                                      .put = put,
                                      .pair = pair,
                                      .reserve = el_rows_reserve,
                                      .forget = el_rows_forget,
                                      .pass = el_rows_pass,
                                      .answer = answer,
                                      .score = score};
