/* report_text - reports on classes, numbers and sets of labels */
#include <math.h>
#include <stdlib.h>

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
        el_html_text(page, label_name(e, label));
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

enum { SIDE = 400, MARGIN = 45, MOST_POINTS = 5000 }; /* of the drawing */

typedef struct {
    double low, high;
} range;

static range range_of(const el_evaluated *e)
{
    range r = {INFINITY, -INFINITY};
    for (int i = 0; i < e->count; i++) {
        const double x = el_section_example(e, i)->value, y = e->predictions[i].value;
        r.low = fmin(r.low, fmin(x, y));
        r.high = fmax(r.high, fmax(x, y));
    }
    return r.high > r.low ? r : (range){r.low - 1, r.low + 1};
}

static double place_of(range r, double value)
{
    return SIDE * (value - r.low) / (r.high - r.low);
}

/* The diagonal, and three numbers along each side. */
static void draw_axes(el_writer *page, range r)
{
    el_html_put(page, "<line x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"0\" stroke-dasharray=\"4\"/>\n", SIDE, SIDE);
    el_html_put(
        page, "<line x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"%d\"/>\n",
        SIDE, SIDE, SIDE, SIDE);
    for (int i = 0; i <= 2; i++) {
        const double value = r.low + (r.high - r.low) * i / 2;
        el_html_put(page,
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%.3g</text>"
                    "<text x=\"-6\" y=\"%d\" text-anchor=\"end\">%.3g</text>\n",
                    SIDE * i / 2, SIDE + 16, value, SIDE - SIDE * i / 2 + 4, value);
    }
    el_html_put(
        page,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">gold</text>"
        "<text x=\"%d\" y=\"-32\" transform=\"rotate(-90)\" text-anchor=\"middle\">predicted</text>\n",
        SIDE / 2, SIDE + 34, -SIDE / 2);
}

/* Of many examples every so many. */
static el_status draw_scatter(el_writer *page, const el_evaluated *e)
{
    const range r = range_of(e);
    const int step = 1 + e->count / MOST_POINTS;
    el_html_put(page, "<h3>Predicted over gold</h3>\n<svg viewBox=\"%d %d %d %d\" role=\"img\">\n", -MARGIN,
                -MARGIN / 3, SIDE + 2 * MARGIN, SIDE + MARGIN + MARGIN / 3);
    draw_axes(page, r);
    for (int i = 0; i < e->count; i += step)
        el_html_put(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n",
                    place_of(r, el_section_example(e, i)->value),
                    SIDE - place_of(r, e->predictions[i].value));
    el_html_put(page, "</svg>\n");
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
