/* report_text - reports on classes, numbers and sets of labels */
#include <math.h>
#include <stdlib.h>

#include "task/report/chart.h"
#include "task/report/sections.h"

static const char *label_name(const el_evaluated *e, int label)
{
    return e->card->labels.names[label];
}

static void put_label(el_writer *page, const char *class_, const char *name)
{
    el_html_put(page, "<td><mark class=\"%s\">", class_);
    el_html_text(page, name);
    el_html_put(page, "</mark></td>");
}

static void put_number(el_writer *page, double value)
{
    el_html_put(page, "<td class=\"n\">%.4f</td>", value);
}

/* ---- classify ---- */

static el_status class_tables(el_writer *page, const el_evaluated *e)
{
    int *const predicted = malloc(2 * ((size_t)e->count + 1) * sizeof *predicted);
    if (!predicted)
        return el_fail(EL_ENOMEM, "no memory for %d labels", e->count);
    int *const gold = predicted + e->count;
    for (int i = 0; i < e->count; i++) {
        predicted[i] = e->predictions[i].label;
        gold[i] = el_section_example(e, i)->label;
    }
    el_status st = el_section_label_rates(page, &e->card->labels, predicted, gold, (size_t)e->count);
    if (!st)
        st = el_section_matrix(page, &e->card->labels, predicted, gold, (size_t)e->count);
    free(predicted);
    return st;
}

static bool weigh_class(const el_evaluated *e, el_mistake *m, el_status *st)
{
    (void)st;
    const el_prediction *const p = &e->predictions[m->item];
    m->weight = (double)p->probabilities[p->label];
    return p->label != el_section_example(e, m->item)->label;
}

static void show_class(el_writer *page, const el_evaluated *e, int item)
{
    const el_prediction *const p = &e->predictions[item];
    const el_labelled *const example = el_section_example(e, item);
    el_section_texts(page, example);
    put_label(page, "right", label_name(e, example->label));
    put_label(page, "wrong", label_name(e, p->label));
    put_number(page, (double)p->probabilities[p->label]);
}

const el_section el_classify_section = {
    .tables = class_tables,
    .title = "Worst mistakes, the most probable wrong label first",
    .columns = "<th>text</th><th>gold</th><th>predicted</th><th class=\"n\">probability</th>",
    .weigh = weigh_class,
    .show = show_class};

/* ---- multilabel ---- */

static bool is_gold(const el_evaluated *e, int item, int label)
{
    const el_labelled *const example = el_section_example(e, item);
    for (int i = example->first; i < example->first + example->count; i++)
        if (e->data->numbers[i] == label)
            return true;
    return false;
}

static bool is_predicted(const el_evaluated *e, int item, int label)
{
    return e->predictions[item].probabilities[label] > 0.5F;
}

static el_status set_tables(el_writer *page, const el_evaluated *e)
{
    el_section_rates_begin(page, "label");
    for (int label = 0; label < e->card->labels.count; label++) {
        el_tally tally = {0};
        for (int i = 0; i < e->count; i++) {
            const bool predicted = is_predicted(e, i, label), gold = is_gold(e, i, label);
            tally.predicted += predicted;
            tally.gold += gold;
            tally.right += predicted && gold;
        }
        el_section_rates_line(page, label_name(e, label), tally);
    }
    el_section_rates_end(page);
    return EL_OK;
}

/* By the wrong decision that it was surest of. */
static bool weigh_set(const el_evaluated *e, el_mistake *m, el_status *st)
{
    (void)st;
    for (int label = 0; label < e->card->labels.count; label++) {
        const bool gold = is_gold(e, m->item, label);
        const double probability = (double)e->predictions[m->item].probabilities[label];
        if (gold != is_predicted(e, m->item, label))
            m->weight = fmax(m->weight, gold ? 1 - probability : probability);
    }
    return m->weight > 0;
}

/* Labels that are `gold` or predicted, with their probabilities; what the other side lacks is wrong. */
static void put_set(el_writer *page, const el_evaluated *e, int item, bool gold)
{
    el_html_put(page, "<td>");
    for (int label = 0; label < e->card->labels.count; label++) {
        const bool of_gold = is_gold(e, item, label), predicted = is_predicted(e, item, label);
        if (!(gold ? of_gold : predicted))
            continue;
        el_html_put(page, "<mark class=\"%s\">", of_gold == predicted ? "right" : "wrong");
        el_html_isolated(page, label_name(e, label));
        el_html_put(page, "</mark> <small>%.4f</small><br>",
                    (double)e->predictions[item].probabilities[label]);
    }
    el_html_put(page, "</td>");
}

static void show_set(el_writer *page, const el_evaluated *e, int item)
{
    el_section_texts(page, el_section_example(e, item));
    put_set(page, e, item, true);
    put_set(page, e, item, false);
}

const el_section el_multilabel_section = {
    .tables = set_tables,
    .title = "Worst mistakes, the surest wrong decision first",
    .columns = "<th>text</th><th>gold, with probabilities</th><th>predicted, with probabilities</th>",
    .weigh = weigh_set,
    .show = show_set};

/* ---- regress ---- */

enum { WIDTH = 480, HEIGHT = 440, MOST_POINTS = 5000 }; /* of the drawing */

static void put_scatter(el_writer *page, const double *gold, const double *predicted, int count)
{
    static const char TITLE[] = "Predicted over gold";
    double ends[2] = {INFINITY, -INFINITY};
    for (int i = 0; i < count; i++) {
        ends[0] = fmin(ends[0], fmin(gold[i], predicted[i]));
        ends[1] = fmax(ends[1], fmax(gold[i], predicted[i]));
    }
    const el_series series[] = {{.x = ends, .y = ends, .count = 2, .colour = EL_CHART_GREY, .dashed = 1},
                                {.x = gold, .y = predicted, .count = count, .dots = true}};
    const el_chart chart = {.title = "predicted", .x_title = "gold", .series = series, .count = 2};
    el_html_put(page, "<h3>%s</h3>\n", TITLE);
    el_drawing_begin(page, TITLE, WIDTH, HEIGHT, "");
    el_chart_put(page, &chart, 0, 0, WIDTH, HEIGHT);
    el_drawing_end(page);
    el_html_put(page, "\n");
}

/* Of many examples every so many. */
static el_status draw_scatter(el_writer *page, const el_evaluated *e)
{
    const int step = 1 + e->count / MOST_POINTS, count = (e->count + step - 1) / step;
    double *const gold = malloc(2 * ((size_t)count + 1) * sizeof *gold);
    if (!gold)
        return el_fail(EL_ENOMEM, "no memory for %d points", count);
    double *const predicted = gold + count;
    for (int i = 0; i < count; i++) {
        gold[i] = el_section_example(e, i * step)->value;
        predicted[i] = e->predictions[i * step].value;
    }
    put_scatter(page, gold, predicted, count);
    free(gold);
    if (step > 1)
        el_html_put(page, "<p class=\"note\">One point for every %d examples.</p>\n", step);
    return EL_OK;
}

static bool weigh_number(const el_evaluated *e, el_mistake *m, el_status *st)
{
    (void)st;
    m->weight = fabs(e->predictions[m->item].value - el_section_example(e, m->item)->value);
    return m->weight > 0;
}

static void show_number(el_writer *page, const el_evaluated *e, int item)
{
    const double gold = el_section_example(e, item)->value, predicted = e->predictions[item].value;
    el_section_texts(page, el_section_example(e, item));
    put_number(page, gold);
    put_number(page, predicted);
    put_number(page, predicted - gold);
}

const el_section el_regress_section = {
    .tables = draw_scatter,
    .title = "Largest errors",
    .columns =
        "<th>text</th><th class=\"n\">gold</th><th class=\"n\">predicted</th><th class=\"n\">error</th>",
    .weigh = weigh_number,
    .show = show_number};
