/* compare_figures - the charts of report.html: score over FLOPs, score over size, learning curves */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compare_report.h"
#include "task/report/chart.h"

enum { WIDTH = 460, HEIGHT = 300, LEGEND_LINE = 20, MOST_SERIES = 256 };

/* Points of the lines of one chart. */
typedef struct {
    el_series series[MOST_SERIES];
    double *numbers;
    int count, used, size;
} lines;

static bool lines_open(lines *l, int numbers)
{
    *l = (lines){.numbers = calloc((size_t)numbers + 1, sizeof(double)), .size = numbers};
    return l->numbers;
}

/* A line of `count` points with room for x, y and spread, or NULL where there is none. */
static el_series *add_line(lines *l, int count, int colour)
{
    if (l->count == MOST_SERIES || l->used + 3 * count > l->size)
        return NULL;
    double *const at = l->numbers + l->used;
    l->used += 3 * count;
    l->series[l->count] = (el_series){.x = at, .y = at + count, .spread = at + 2 * count, .colour = colour};
    return &l->series[l->count++];
}

static void put_point(el_series *s, double x, double y, double spread)
{
    ((double *)s->x)[s->count] = x;
    ((double *)s->y)[s->count] = y;
    ((double *)s->spread)[s->count++] = spread;
}

static void put_chart(el_writer *page, const el_findings *f, const lines *l, const char *title,
                      const char *x_title)
{
    const el_plan *const p = &f->study->plan;
    const int legend = LEGEND_LINE * p->system_count + 8;
    el_html_put(page, "<svg viewBox=\"0 0 %d %d\" font-size=\"12\" role=\"img\">\n<title>", WIDTH,
                HEIGHT + legend);
    el_html_text(page, title);
    el_html_put(page, "</title>\n");
    for (int i = 0; i < p->system_count; i++) {
        const int y = LEGEND_LINE * (i + 1);
        el_html_put(page,
                    "<rect x=\"16\" y=\"%d\" width=\"24\" height=\"3\" fill=\"%s\"/><text x=\"48\" y=\"%d\">",
                    y - 5, el_chart_colour(i), y);
        el_html_text(page, p->systems[i].title);
        el_html_put(page, "</text>\n");
    }
    const el_chart chart = {
        .title = title, .x_title = x_title, .series = l->series, .count = l->count, .logarithmic = true};
    el_chart_put(page, &chart, 0, legend, WIDTH, HEIGHT);
    el_html_put(page, "</svg>\n");
}

/* How many different trainings, or sizes, the reference was given. */
static int points_of_reference(const el_findings *f, bool of_sizes)
{
    int count = 0;
    const el_row *last = NULL;
    for (int i = 0; i < f->row_count; i++) {
        const el_row *const row = &f->rows[i];
        if (row->task >= 0 || row->system != f->study->plan.reference || row->score.count == 0)
            continue;
        count += of_sizes ? !last || last->size != row->size : 1;
        last = row;
    }
    return count;
}

/* Rows stand by size, length, system and share: of one system and size all come in order of compute. */
static void put_score_over_flops(el_writer *page, const el_findings *f)
{
    const el_plan *const p = &f->study->plan;
    lines l;
    if (!lines_open(&l, 3 * f->row_count * p->size_count + 3))
        return;
    for (int size = 0; size < p->size_count; size++)
        for (int system = 0; system < p->system_count; system++) {
            el_series *const s = add_line(&l, p->length_count * p->share_count, system);
            if (s)
                s->dashed = size > 0;
            for (int i = 0; s && i < f->row_count; i++) {
                const el_row *const row = &f->rows[i];
                if (row->system == system && row->size == size && row->task < 0 && row->score.count)
                    put_point(s, row->flops, row->score.mean, row->score.deviation);
            }
        }
    put_chart(page, f, &l, "mean of the tasks", "FLOPs of pre-training");
    free(l.numbers);
}

static void put_score_over_size(el_writer *page, const el_findings *f)
{
    const el_plan *const p = &f->study->plan;
    lines l;
    if (points_of_reference(f, true) < 2 || !lines_open(&l, 3 * p->system_count * p->size_count))
        return;
    for (int system = 0; system < p->system_count; system++) {
        el_series *const s = add_line(&l, p->size_count, system);
        for (int size = 0; s && size < p->size_count; size++) {
            const el_row *const row = el_findings_row(f, system, size, p->length_count - 1, 1, -1);
            if (row && row->score.count)
                put_point(s, f->study->costs[system * p->size_count + size].encoder_flops, row->score.mean,
                          row->score.deviation);
        }
    }
    put_chart(page, f, &l, "mean of the tasks, longest training",
              "FLOPs of a token in the encoder: its size");
    free(l.numbers);
}

static bool has_curve(const el_job *job)
{
    return job->task < 0 && !job->tuning && !job->trunk && job->share == 1 && job->record;
}

/* Of every run at its whole length; the first seed is drawn strong, the others pale behind it. */
static void put_curves_of(el_writer *page, const el_findings *f, const char *figure)
{
    const el_study *const study = f->study;
    int points = 0;
    for (int i = 0; i < study->count; i++)
        if (has_curve(&study->jobs[i]))
            points += (int)json_array_size(json_object_get(study->jobs[i].record, "curve"));
    lines l;
    if (!lines_open(&l, 3 * points))
        return;
    bool any = false;
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        if (!has_curve(job))
            continue;
        const json_t *const curve = json_object_get(job->record, "curve");
        el_series *const s = add_line(&l, (int)json_array_size(curve), job->system);
        size_t k;
        json_t *point;
        if (!s)
            break;
        s->faint = job->seed != study->plan.seeds[0];
        json_array_foreach(curve, k, point)
        {
            put_point(s, el_json_figure(point, "flops"), el_json_figure(point, figure), NAN);
            any |= isfinite(el_json_figure(point, figure));
        }
    }
    char title[80];
    snprintf(title, sizeof title, "%s, held out", figure);
    for (char *at = title; *at; at++)
        *at = *at == '_' ? ' ' : *at;
    if (any)
        put_chart(page, f, &l, title, "FLOPs of pre-training");
    free(l.numbers);
}

void el_findings_figures(el_writer *page, const el_findings *f)
{
    static const char *const FIGURES[] = {"generator_loss", "discriminator_loss", "discriminator_auc"};
    el_html_put(page, "<h2>Figures</h2>\n");
    if (points_of_reference(f, false) > 0)
        put_score_over_flops(page, f);
    put_score_over_size(page, f);
    for (size_t i = 0; i < sizeof FIGURES / sizeof *FIGURES; i++)
        put_curves_of(page, f, FIGURES[i]);
    el_html_put(page,
                "<p class=\"note\">Bars are a standard deviation over seeds, up and down. Of learning curves "
                "the first "
                "seed is drawn strong, of sizes the first is drawn whole and the others dashed. Losses of "
                "different objectives are of different predictions.</p>\n");
}
