/* cmd_plot - electra plot: the curves of one or more runs, as an SVG picture or a page
 *
 * A run is a folder with metrics.jsonl, a fine-tuning folder (its trials are runs), or such a file itself.  Each figure
 * is a chart; each run has a colour.  Held-out evaluations are lines, training is pale behind them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "base/file.h"
#include "base/json.h"
#include "base/output.h"
#include "cli/cli.h"
#include "task/report/chart.h"
#include "train/figures.h"
#include "train/metrics.h"

enum {
    WIDTH = 460,
    HEIGHT = 280,
    LEGEND_LINE = 20,
    NAME_LEFT = 48,
    MOST_FIGURES = 32,
    MOST_RUNS = EL_CHART_COLOURS
};
enum { STEP, TOKENS, FLOPS };

typedef struct {
    const char *output, *figures, *title;
    int x;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    EL_OUTPUT("output", AT(output), "file to write; .html makes a page, anything else is SVG"),
    EL_TEXT(
        "figures", AT(figures),
        "metrics to draw, between commas; default: all that evaluations have; training is pale behind them, the "
        "entropy of single tokens dashed"),
    EL_CHOICE("x", AT(x), "step|tokens|flops", "horizontal axis"),
    EL_TEXT("title", AT(title), "heading"),
};

typedef struct {
    char *name;
    json_t *records;
} run;

typedef struct {
    settings s;
    run runs[MOST_RUNS];
    int run_count;
    char *figures[MOST_FIGURES];
    int figure_count;
} plot;

/* ---- runs ---- */

static el_status add_file(plot *p, const char *name, char *path)
{
    if (p->run_count == MOST_RUNS)
        return el_fail(EL_EUSAGE, "%s: more than %d runs", name, MOST_RUNS);
    run *const r = &p->runs[p->run_count];
    el_status st = el_output_differs("output", p->s.output, &path, 1);
    if (!st)
        st = el_metrics_load(&r->records, path);
    if (st)
        return st;
    r->name = strdup(name);
    p->run_count++;
    return r->name ? EL_OK : el_no_memory(NULL);
}

static el_status add_run(void *context, const char *folder, const char *trial, const char *path)
{
    (void)trial;
    return add_file(context, folder, (char *)path);
}

static el_status add_runs(plot *p, char *path)
{
    if (!el_folder_exists(path))
        return add_file(p, path, path);
    const int before = p->run_count;
    const el_status st = el_metrics_each_run(path, add_run, p);
    return st || p->run_count > before ? st : el_fail(EL_EDATA, "%s: no " EL_METRICS_FILE " in it", path);
}

/* ---- figures ---- */

static bool has_chart(const char *figure)
{
    const el_figure_kind *const kind = el_figure_kind_of(figure);
    return !kind || !kind->within;
}

/* What is drawn, dashed, in the chart of this figure; NULL: nothing. */
static const char *reference_of(const char *figure)
{
    for (int i = 0; i < EL_FIGURE_KIND_COUNT; i++)
        if (EL_FIGURE_KINDS[i].within && strcmp(EL_FIGURE_KINDS[i].within, figure) == 0)
            return EL_FIGURE_KINDS[i].name;
    return NULL;
}

static el_status add_figure(plot *p, const char *name, size_t bytes)
{
    for (int i = 0; i < p->figure_count; i++)
        if (strlen(p->figures[i]) == bytes && strncmp(p->figures[i], name, bytes) == 0)
            return EL_OK;
    if (p->figure_count == MOST_FIGURES)
        return el_fail(EL_EUSAGE, "more than %d figures; choose some with --figures", MOST_FIGURES);
    char *const copy = strndup(name, bytes);
    if (!copy)
        return el_no_memory(NULL);
    p->figures[p->figure_count++] = copy;
    return EL_OK;
}

static bool is_evaluation(const json_t *record)
{
    return el_metrics_is(record, EL_METRICS_EVALUATION);
}

static el_status figures_of(plot *p, json_t *record)
{
    const char *key;
    json_t *value;
    json_object_foreach(record, key, value) {
        const bool wanted = el_metrics_is_figure(key, value) && has_chart(key);
        const el_status st = wanted ? add_figure(p, key, strlen(key)) : EL_OK;
        if (st)
            return st;
    }
    return EL_OK;
}

static bool is_anywhere(const plot *p, const char *figure)
{
    for (int r = 0; r < p->run_count; r++) {
        size_t i;
        json_t *record;
        json_array_foreach(p->runs[r].records, i, record)
            if (json_is_number(json_object_get(record, figure)))
                return true;
    }
    return false;
}

static el_status choose_figures(plot *p)
{
    el_status st = EL_OK;
    for (const char *at = p->s.figures; at && *at && !st; at += strspn(at, ",")) {
        const size_t bytes = strcspn(at, ",");
        st = add_figure(p, at, bytes);
        at += bytes;
        if (!st && !is_anywhere(p, p->figures[p->figure_count - 1]))
            st = el_fail(EL_EUSAGE, "--figures: no run has %s", p->figures[p->figure_count - 1]);
    }
    for (int r = 0; r < p->run_count && !st && !p->s.figures; r++) {
        size_t i;
        json_t *record;
        json_array_foreach(p->runs[r].records, i, record)
            if (!st && is_evaluation(record))
                st = figures_of(p, record);
    }
    if (!st && p->figure_count == 0)
        st = el_fail(EL_EDATA, "%s: no evaluation in it yet; --figures draws figures of training",
                     p->runs[0].name);
    return st;
}

/* ---- drawing ---- */

/* The points of one figure of one run, of its evaluations or of its training; false where memory ran out. */
static bool take_points(el_series *series, const plot *p, const run *r, const char *figure, bool evaluations)
{
    static const char *const X[] = {"step", "tokens", "flops"};
    const size_t records = json_array_size(r->records);
    double *const x = calloc(records + 1, sizeof *x), *const y = calloc(records + 1, sizeof *y);
    series->x = x;
    series->y = y;
    if (!x || !y)
        return false;
    size_t i;
    json_t *record;
    json_array_foreach(r->records, i, record) {
        if (is_evaluation(record) != evaluations || !json_object_get(record, figure))
            continue;
        x[series->count] = el_json_figure(record, X[p->s.x]);
        y[series->count++] = el_json_figure(record, figure);
    }
    return true;
}

static void free_series(el_series *series, int count)
{
    for (int i = 0; i < count; i++) {
        free((void *)series[i].x);
        free((void *)series[i].y);
    }
}

enum { LINES_OF_RUN = 3 }; /* training, evaluation, reference */

static el_status put_figure(const plot *p, el_writer *page, const char *figure, double left, double top)
{
    el_series series[LINES_OF_RUN * MOST_RUNS] = {0};
    const char *const reference = reference_of(figure);
    int count = 0;
    bool fine = true;
    for (int r = 0; r < p->run_count && fine; r++) {
        const run *const of = &p->runs[r];
        series[count] = (el_series){.colour = r, .faint = true};
        fine = take_points(&series[count++], p, of, figure, false);
        series[count] = (el_series){.colour = r};
        fine = fine && take_points(&series[count++], p, of, figure, true);
        if (!fine || !reference)
            continue;
        series[count] = (el_series){.colour = r, .dashed = 1};
        fine = take_points(&series[count++], p, of, reference, true);
    }
    static const char *const X[] = {"steps", "tokens", "FLOPs"};
    const el_chart chart = {.title = figure, .x_title = X[p->s.x], .series = series, .count = count};
    if (fine)
        el_chart_put(page, &chart, left, top, WIDTH, HEIGHT);
    free_series(series, count);
    return fine ? EL_OK : el_no_memory(NULL);
}

/* ---- what the lines are ---- */

typedef struct {
    const char *name;
    el_series like;
} key;

typedef struct {
    key keys[MOST_RUNS + 2];
    int count;
} legend;

static bool is_drawn(const plot *p, const char *figure, bool evaluations)
{
    for (int r = 0; r < p->run_count; r++) {
        size_t i;
        json_t *record;
        json_array_foreach(p->runs[r].records, i, record)
            if (is_evaluation(record) == evaluations && json_object_get(record, figure))
                return true;
    }
    return false;
}

/* Runs by their colours; then what is pale and what is dashed, where there is such. */
static legend legend_of(const plot *p)
{
    legend l = {0};
    bool training = false, reference = false;
    for (int r = 0; r < p->run_count; r++)
        l.keys[l.count++] = (key){p->runs[r].name, {.colour = r}};
    for (int f = 0; f < p->figure_count; f++) {
        training = training || is_drawn(p, p->figures[f], false);
        const char *const beside = reference_of(p->figures[f]);
        reference = reference || (beside && is_drawn(p, beside, true));
    }
    if (training)
        l.keys[l.count++] = (key){"training", {.colour = EL_CHART_GREY, .faint = true}};
    if (reference)
        l.keys[l.count++] = (key){"entropy of single tokens", {.colour = EL_CHART_GREY, .dashed = 1}};
    return l;
}

/* ---- a page: each figure as wide as there is room ---- */

static el_status put_page(const plot *p, el_writer *page)
{
    const legend l = legend_of(p);
    el_status st = EL_OK;
    el_html_begin(page, p->s.title);
    for (int i = 0; i < l.count; i++)
        el_chart_key(page, &l.keys[i].like, l.keys[i].name);
    for (int i = 0; i < p->figure_count && !st; i++) {
        el_drawing_begin(page, p->figures[i], WIDTH, HEIGHT, " fill=\"currentColor\"");
        st = put_figure(p, page, p->figures[i], 0, 0);
        el_drawing_end(page);
        el_html_put(page, "\n");
    }
    el_html_end(page);
    return st;
}

/* ---- a picture: two in a row ---- */

/* As wide as the charts, or the longest name. */
static int width_of(const plot *p, const legend *l)
{
    size_t most = 0;
    for (int i = 0; i < l->count; i++)
        most = strlen(l->keys[i].name) > most ? strlen(l->keys[i].name) : most;
    const int charts = WIDTH * (p->figure_count > 1 ? 2 : 1), names = NAME_LEFT + EL_CHART_LETTER * (int)most;
    return charts > names ? charts : names;
}

static void put_keys(el_writer *page, const legend *l)
{
    for (int i = 0; i < l->count; i++) {
        const int y = LEGEND_LINE * (i + 1) - 6;
        el_chart_sample(page, &l->keys[i].like, NAME_LEFT - 32, y - 4);
        el_html_put(page, "<text x=\"%d\" y=\"%d\">", NAME_LEFT, y);
        el_html_text(page, l->keys[i].name);
        el_html_put(page, "</text>\n");
    }
}

static el_status put_svg(const plot *p, el_writer *page)
{
    const legend l = legend_of(p);
    const int rows = (p->figure_count + 1) / 2, top = LEGEND_LINE * l.count + 10;
    const int width = width_of(p, &l), height = top + HEIGHT * rows;
    el_html_put(
        page,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
        "style=\"max-width:100%%;height:auto;background:Canvas;color:CanvasText\" fill=\"currentColor\" "
        "font-family=\"system-ui,sans-serif\" font-size=\"12\">\n<title>",
        width, height, width, height);
    el_html_text(page, p->s.title);
    el_html_put(page, "</title>\n");
    put_keys(page, &l);
    el_status st = EL_OK;
    for (int i = 0; i < p->figure_count && !st; i++)
        st = put_figure(p, page, p->figures[i], WIDTH * (i % 2), top + HEIGHT * (i / 2));
    el_html_put(page, "</svg>\n");
    return st;
}

static el_status draw(const plot *p)
{
    el_writer *page;
    el_status st = el_writer_open(&page, p->s.output);
    if (st)
        return st;
    const bool html = el_ends_with(p->s.output, ".html") || el_ends_with(p->s.output, ".htm");
    st = html ? put_page(p, page) : put_svg(p, page);
    if (!st)
        return el_writer_finish(page);
    el_writer_abandon(page);
    return st;
}

static el_status work(plot *p, const el_options *options)
{
    if (options->operand_count == 0)
        return el_fail(EL_EUSAGE, "which run? electra plot RUN...");
    if (!p->s.output)
        return el_fail(EL_EUSAGE, "--output: which file?");
    el_status st = EL_OK;
    for (int i = 0; i < options->operand_count && !st; i++)
        st = add_runs(p, options->operand[i]);
    if (!st)
        st = choose_figures(p);
    if (!st && p->s.x == FLOPS && !is_anywhere(p, "flops"))
        st = el_fail(EL_EUSAGE, "--x flops: no run has counted them");
    return st ? st : draw(p);
}

int cmd_plot(int argc, char **argv)
{
    plot p = {.s = {.title = "curves"}};
    el_options options = {.command = "plot",
                          .examples =
                              "  electra plot run --output curves.svg\n"
                              "  electra plot run other-run --figures generator_loss,discriminator_auc \\\n"
                              "      --output curves.html\n",
                          .operands = "RUN...",
                          .summary = "draws the curves of runs as an SVG picture or a page",
                          .table = TABLE,
                          .count = sizeof TABLE / sizeof *TABLE,
                          .settings = &p.s};
    int code;
    if (!cli_parse(&options, argc, argv, &code))
        return code;
    const el_status st = work(&p, &options);
    for (int i = 0; i < p.run_count; i++) {
        free(p.runs[i].name);
        json_decref(p.runs[i].records);
    }
    for (int i = 0; i < p.figure_count; i++)
        free(p.figures[i]);
    el_options_close(&options);
    return cli_exit("plot", st);
}
