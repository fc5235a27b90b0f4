/* report - see the header; here is what all kinds share */
#include "task/report/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/plural.h"
#include "task/report/sections.h"

enum { MOST_LABELS = 200 }; /* of a matrix that can be read */

static const el_section *const SECTIONS[EL_TASK_KINDS] = {[EL_CLASSIFY] = &el_classify_section,
                                                          [EL_REGRESS] = &el_regress_section,
                                                          [EL_MULTILABEL] = &el_multilabel_section,
                                                          [EL_TAG] = &el_tag_section,
                                                          [EL_SPAN] = &el_span_section};

/* ---- for the kinds ---- */

const el_labelled *el_section_example(const el_evaluated *e, int item)
{
    return &e->data->examples[e->predictions[item].example];
}

void el_section_texts(el_writer *page, const el_labelled *example)
{
    el_html_put(page, "<td>");
    for (int i = 0; i < 2 && example->text[i]; i++) {
        el_html_put(page, "<div class=\"text\" dir=\"auto\">");
        el_html_text(page, example->text[i]);
        el_html_put(page, "</div>");
    }
    el_html_put(page, "</td>");
}

void el_section_rates_begin(el_writer *page, const char *what)
{
    el_html_put(page,
                "<h3>Rates</h3>\n<div class=\"scroll\"><table>\n<tr><th>%s</th><th class=\"n\">precision</th>"
                "<th class=\"n\">recall</th><th class=\"n\">F1</th><th class=\"n\">gold</th>"
                "<th class=\"n\">predicted</th><th class=\"n\">right</th></tr>\n",
                what);
}

void el_section_rates_line(el_writer *page, const char *name, el_tally tally)
{
    const el_rates rates = el_rates_of(tally);
    el_html_put(page, "<tr><th scope=\"row\">");
    el_html_text(page, name);
    el_html_put(page,
                "</th><td class=\"n\">%.4f</td><td class=\"n\">%.4f</td><td class=\"n\">%.4f</td>"
                "<td class=\"n\">%zu</td><td class=\"n\">%zu</td><td class=\"n\">%zu</td></tr>\n",
                rates.precision, rates.recall, rates.f1, tally.gold, tally.predicted, tally.right);
}

void el_section_rates_end(el_writer *page)
{
    el_html_put(page, "</table></div>\n");
}

el_status el_section_label_rates(el_writer *page, const el_labels *labels, const int *predicted,
                                 const int *gold, size_t count)
{
    el_tally *const tallies = calloc((size_t)labels->count + 1, sizeof *tallies);
    if (!tallies)
        return el_fail(EL_ENOMEM, "no memory for the rates of %d labels", labels->count);
    for (size_t i = 0; i < count; i++) {
        tallies[predicted[i]].predicted++;
        tallies[gold[i]].gold++;
        tallies[gold[i]].right += predicted[i] == gold[i];
    }
    el_section_rates_begin(page, "label");
    for (int i = 0; i < labels->count; i++)
        el_section_rates_line(page, labels->names[i], tallies[i]);
    el_section_rates_end(page);
    free(tallies);
    return EL_OK;
}

static void matrix_row(el_writer *page, const el_labels *labels, int gold, const size_t *row)
{
    size_t sum = 0;
    for (int i = 0; i < labels->count; i++)
        sum += row[i];
    el_html_put(page, "<tr><th scope=\"row\">");
    el_html_text(page, labels->names[gold]);
    el_html_put(page, "</th>");
    for (int i = 0; i < labels->count; i++) {
        const double share = sum ? (double)row[i] / (double)sum : 0;
        if (row[i])
            el_html_put(page, "<td class=\"%s\" style=\"--s:%.3f\">%zu<small>%.1f %%</small></td>",
                        i == gold ? "right" : "wrong", share, row[i], 100 * share);
        else
            el_html_put(page, "<td>0</td>");
    }
    el_html_put(page, "<td class=\"n\">%zu</td></tr>\n", sum);
}

static void draw_matrix(el_writer *page, const el_labels *labels, const size_t *counts)
{
    el_html_put(page, "<p class=\"note\">Rows: gold. Columns: predicted. Shares are of the row.</p>\n"
                      "<div class=\"scroll\"><table class=\"matrix\">\n<tr><th></th>");
    for (int i = 0; i < labels->count; i++) {
        el_html_put(page, "<th scope=\"col\">");
        el_html_text(page, labels->names[i]);
        el_html_put(page, "</th>");
    }
    el_html_put(page, "<th class=\"n\">all</th></tr>\n");
    for (int i = 0; i < labels->count; i++)
        matrix_row(page, labels, i, counts + (size_t)i * (size_t)labels->count);
    el_html_put(page, "</table></div>\n");
}

el_status el_section_matrix(el_writer *page, const el_labels *labels, const int *predicted, const int *gold,
                            size_t count)
{
    el_html_put(page, "<h3>Confusion matrix</h3>\n");
    if (labels->count > MOST_LABELS) {
        el_html_put(page, "<p>With %d labels it is left out.</p>\n", labels->count);
        return EL_OK;
    }
    size_t *const counts = calloc((size_t)labels->count * (size_t)labels->count, sizeof *counts);
    if (!counts)
        return el_no_memory(NULL);
    el_confusion(predicted, gold, count, labels->count, counts);
    draw_matrix(page, labels, counts);
    free(counts);
    return EL_OK;
}

/* ---- what all kinds have ---- */

static void put_counts(el_writer *page, const el_evaluated *e)
{
    el_html_put(page, "<section>\n<h2>");
    el_html_text(page, e->data->name);
    el_html_put(page, "</h2>\n<p>%s: %s. %d example%s", e->task->name, e->task->about, e->count,
                el_s(e->count));
    if (e->data->notes.skipped)
        el_html_put(page, ", and %d malformed line%s left out", e->data->notes.skipped,
                    el_s(e->data->notes.skipped));
    el_html_put(page, ".</p>\n");
}

static void put_figures(el_writer *page, const el_figures *figures)
{
    el_html_put(page, "<table>\n");
    for (int i = 0; i < figures->count; i++)
        if (isfinite(figures->values[i]))
            el_html_put(page, "<tr><th scope=\"row\">%s</th><td class=\"n\">%.4f</td></tr>\n",
                        figures->names[i], figures->values[i]);
    el_html_put(page, "</table>\n");
}

static int worst_first(const void *a, const void *b)
{
    const el_mistake *const x = a, *const y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    if (x->sureness != y->sureness)
        return x->sureness < y->sureness ? 1 : -1;
    return (x->item > y->item) - (x->item < y->item);
}

/* The example by its name, or by where it is. */
static void put_name(el_writer *page, const el_labelled *example)
{
    if (!example->id) {
        el_html_put(page, "<tr><td class=\"n\">%" PRId64 "</td>", example->line);
        return;
    }
    el_html_put(page, "<tr><td class=\"id\">");
    el_html_text(page, example->id);
    el_html_put(page, "</td>");
}

static void put_mistakes(el_writer *page, const el_evaluated *e, const el_section *section,
                         const el_mistake *mistakes, int count)
{
    const int shown = count < e->mistakes ? count : e->mistakes;
    el_html_put(page, "<h3>%s</h3>\n<p class=\"note\">%d of %d.</p>\n", section->title, shown, count);
    if (!shown)
        return;
    const bool named = el_section_example(e, mistakes[0].item)->id != NULL;
    el_html_put(page, "<div class=\"scroll\"><table>\n<tr><th%s</th>%s</tr>\n",
                named ? ">example" : " class=\"n\">line", section->columns);
    for (int i = 0; i < shown; i++) {
        put_name(page, el_section_example(e, mistakes[i].item));
        section->show(page, e, mistakes[i].item);
        el_html_put(page, "</tr>\n");
    }
    el_html_put(page, "</table></div>\n");
}

static el_status find_mistakes(const el_evaluated *e, const el_section *section, el_mistake *mistakes,
                               int *count)
{
    el_status st = EL_OK;
    *count = 0;
    for (int i = 0; !st && i < e->count; i++) {
        mistakes[*count] = (el_mistake){.item = i};
        *count += section->weigh(e, &mistakes[*count], &st);
    }
    qsort(mistakes, (size_t)*count, sizeof *mistakes, worst_first);
    return st;
}

el_status el_report_add(el_writer *page, const el_evaluated *e)
{
    const el_section *const section = SECTIONS[e->card->kind];
    el_mistake *const mistakes = malloc(((size_t)e->count + 1) * sizeof *mistakes);
    int count;
    if (!mistakes)
        return el_fail(EL_ENOMEM, "no memory for a list of %d examples", e->count);
    put_counts(page, e);
    put_figures(page, e->figures);
    el_status st = section->tables(page, e);
    if (!st)
        st = find_mistakes(e, section, mistakes, &count);
    if (!st)
        put_mistakes(page, e, section, mistakes, count);
    el_html_put(page, "</section>\n");
    free(mistakes);
    return st;
}
