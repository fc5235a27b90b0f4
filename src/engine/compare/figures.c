/* figures - the charts of report.html: score over FLOPs, score over size, learning curves */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compare/report.h"
#include "task/report/chart.h"

enum { WIDTH = 460, HEIGHT = 300, MOST_SERIES = 256 };

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

/* Systems by their colours; of several sizes each has a pattern of its own, the first a whole line. */
static void put_chart(el_writer *page, const el_findings *f, const lines *l, const char *title,
                      const char *x_title, bool of_sizes)
{
    const el_plan *const p = &f->study->plan;
    const el_chart chart = {
        .title = title, .x_title = x_title, .series = l->series, .count = l->count, .logarithmic = true};
    el_html_put(page, "<div class=\"chart\">\n");
    for (int i = 0; i < p->system_count; i++)
        el_chart_key(page, &(el_series){.colour = i}, p->systems[i].title);
    for (int i = 0; i < p->size_count && of_sizes && p->size_count > 1; i++)
        el_chart_key(page, &(el_series){.colour = EL_CHART_GREY, .dashed = i}, p->sizes[i].name);
    el_drawing_begin(page, title, WIDTH, HEIGHT, "");
    el_chart_put(page, &chart, 0, 0, WIDTH, HEIGHT);
    el_drawing_end(page);
    el_html_put(page, "</div>\n");
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

static void put_score_over_flops(el_writer *page, const el_findings *f)
{
    const el_plan *const p = &f->study->plan;
    const el_row **const rows = calloc((size_t)f->row_count + 1, sizeof *rows);
    lines l;
    if (rows && lines_open(&l, 3 * f->row_count)) {
        for (int i = 0; i < p->size_count * p->system_count; i++) {
            const int system = i % p->system_count, size = i / p->system_count;
            const int count = el_findings_line(f, system, size, rows, f->row_count);
            el_series *const s = add_line(&l, count, system);
            for (int k = 0; s && k < count; k++)
                put_point(s, rows[k]->flops, rows[k]->score.mean, rows[k]->score.deviation);
            if (s)
                s->dashed = size;
        }
        put_chart(page, f, &l, "mean of the tasks (points of 100)", "FLOPs of pre-training", true);
        free(l.numbers);
    }
    free(rows);
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
                put_point(s, el_compare_cost_at(f->study, system, size)->encoder_flops, row->score.mean,
                          row->score.deviation);
        }
    }
    put_chart(page, f, &l, "mean of the tasks (points of 100), longest training",
              "FLOPs of a token in what is fine-tuned: its size", false);
    free(l.numbers);
}

static bool has_curve(const el_job *job, int length)
{
    return job->task < 0 && !job->tuning && !job->trunk && job->share == 1 && job->length == length &&
           job->record;
}

/* The longest of the plan's lengths that some run has been trained for. */
static int longest_done(const el_study *study)
{
    for (int length = study->plan.length_count - 1; length > 0; length--)
        for (int i = 0; i < study->count; i++)
            if (has_curve(&study->jobs[i], length))
                return length;
    return 0;
}

static const json_t *curve_of(const el_job *job)
{
    return json_object_get(job->record, "curve");
}

static int points_of(const el_study *study, const el_job *job)
{
    const el_job *const trunk = el_compare_needed(study, job);
    return (int)(json_array_size(curve_of(job)) + (trunk ? json_array_size(curve_of(trunk)) : 0));
}

static void add_points(el_series *s, const el_job *job, const char *figure, double flops_before)
{
    size_t i;
    json_t *point;
    json_array_foreach(curve_of(job), i, point)
        put_point(s, flops_before + el_json_figure(point, "flops"), el_json_figure(point, figure), NAN);
}

static void add_curve(lines *l, const el_study *study, const el_job *job, const char *figure)
{
    const el_job *const trunk = el_compare_needed(study, job);
    el_series *const s = add_line(l, points_of(study, job), job->system);
    if (!s)
        return;
    s->faint = job->seed != study->plan.seeds[0];
    s->dashed = job->size;
    if (trunk)
        add_points(s, trunk, figure, 0);
    add_points(s, job, figure,
               trunk ? el_json_figure(json_object_get(trunk->record, "flops"), "products") : 0);
}

static bool any_point(const lines *l)
{
    for (int i = 0; i < l->count; i++)
        for (int k = 0; k < l->series[i].count; k++)
            if (isfinite(l->series[i].y[k]))
                return true;
    return false;
}

/* Of every run of the longest length; the first seed is drawn strong, the others pale behind it. */
static void put_curves_of(el_writer *page, const el_findings *f, const char *figure, const char *title)
{
    const el_study *const study = f->study;
    const int length = longest_done(study);
    int points = 0;
    lines l;
    for (int i = 0; i < study->count; i++)
        if (has_curve(&study->jobs[i], length))
            points += points_of(study, &study->jobs[i]);
    if (!lines_open(&l, 3 * points))
        return;
    for (int i = 0; i < study->count; i++)
        if (has_curve(&study->jobs[i], length))
            add_curve(&l, study, &study->jobs[i], figure);
    if (any_point(&l))
        put_chart(page, f, &l, title, "FLOPs of pre-training", true);
    free(l.numbers);
}

void el_findings_figures(el_writer *page, const el_findings *f)
{
    static const char *const FIGURES[][2] = {
        {"generator_loss", "generator loss (nats), held out"},
        {"discriminator_loss", "discriminator loss (nats), held out"},
        {"discriminator_auc", "discriminator AUC (0.5 is chance), held out"},
    };
    el_html_put(page, "<h2>Figures</h2>\n");
    if (points_of_reference(f, false) > 0)
        put_score_over_flops(page, f);
    put_score_over_size(page, f);
    for (size_t i = 0; i < sizeof FIGURES / sizeof *FIGURES; i++)
        put_curves_of(page, f, FIGURES[i][0], FIGURES[i][1]);
    el_html_put(
        page, "<p class=\"note\">Bars are a standard deviation over seeds, up and down, each a little beside "
              "its point. Learning curves are "
              "those of the longest training that is done, the first seed drawn strong. Losses of different "
              "objectives are of different predictions.</p>\n");
}
