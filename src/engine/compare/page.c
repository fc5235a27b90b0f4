/* page - report.html of a study */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "base/grow.h"
#include "base/nearest.h"
#include "base/number.h"
#include "engine/compare/report.h"

/* ---- commands ---- */

/* A growing text; failed once memory ran out. */
typedef struct {
    char *text;
    size_t used, room;
    bool failed;
} command;

static void append(command *c, const char *text)
{
    const size_t length = strlen(text);
    c->failed = c->failed || !el_grow(&c->text, &c->room, c->used + length + 1, 1);
    if (c->failed)
        return;
    memcpy(c->text + c->used, text, length + 1);
    c->used += length;
}

/* As a shell takes it. */
static void append_value(command *c, const char *value)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./,=:";
    const bool plain = *value && strspn(value, PLAIN) == strlen(value);
    append(c, plain ? " " : " '");
    for (; *value; value++) {
        const char one[] = {*value, '\0'};
        append(c, *value == '\'' ? "'\\''" : one);
    }
    append(c, plain ? "" : "'");
}

static void append_flag(command *c, const char *key, const json_t *value)
{
    char flag[EL_LONGEST_SPELLING];
    snprintf(flag, sizeof flag, "%s%s", json_is_false(value) ? "no-" : "", key);
    for (char *at = flag; *at; at++)
        *at = *at == '_' ? '-' : *at;
    append(c, " --");
    append(c, flag);
    if (json_is_boolean(value))
        return;
    char *const number = json_is_string(value) ? NULL : el_json_text(value, false);
    append_value(c, number ? number : json_is_string(value) ? json_string_value(value) : "");
    free(number);
}

static void append_path(command *c, const char *flag, const char *path)
{
    if (!path)
        return;
    append(c, flag);
    append_value(c, path);
}

char *el_compare_command(const el_study *study, const el_job *job)
{
    command c = {0};
    json_t *const asked = el_compare_told(study, job);
    if (study->counts_examples &&
        json_object_del(asked, "flops_budget") == 0) /* a new run counts otherwise */
        json_object_set_new(asked, "num_train_steps", json_integer(job->steps));
    const el_job *const needed = el_compare_needed(study, job);
    char from[256], *data = NULL;
    const bool pairs = job->task >= 0 && el_plan_asks_pairs(&study->plan.tasks[job->task]);
    append(&c, job->task < 0 ? "electra pretrain" : pairs ? "electra score" : "electra finetune");
    if (job->task < 0) {
        append_path(&c, " --data", study->plan.data);
        append_path(&c, " --eval-data", study->plan.eval_data);
        snprintf(from, sizeof from, "%s/checkpoint-%" PRId64, needed ? needed->name : "",
                 needed ? needed->steps : 0);
        append_path(&c, " --init-from", needed && !job->trunk ? from : NULL);
    } else {
        append_path(&c, " --model", needed->name);
        data = el_compare_task_data(study, job->task);
        append_path(&c, pairs ? " --pairs" : " --data", data);
    }
    const char *key;
    json_t *value;
    if (pairs)
        json_object_del(asked, "task");
    json_object_foreach(asked, key, value)
        append_flag(&c, key, value);
    append_path(&c, " --output", pairs ? NULL : job->name);
    json_decref(asked);
    free(data);
    if (c.failed) {
        free(c.text);
        return NULL;
    }
    return c.text;
}

/* ---- tables ---- */

static const char *title_of(const el_findings *f, int system)
{
    return f->study->plan.systems[system].title;
}

static const char *task_of(const el_findings *f, int task)
{
    return task < 0 ? "mean" : f->study->plan.tasks[task].name;
}

/* The first `words` of a table's columns hold words, the others numbers. */
static void put_heads(el_writer *page, const char *const *heads, int count, int words)
{
    el_html_put(page, "<div class=\"scroll\"><table><tr>");
    for (int i = 0; i < count; i++) {
        el_html_put(page, i < words ? "<th>" : "<th class=\"n\">");
        el_html_text(page, heads[i]);
        el_html_put(page, "</th>");
    }
    el_html_put(page, "</tr>\n");
}

static void put_cell(el_writer *page, const char *text)
{
    el_html_put(page, "<td>");
    el_html_text(page, text);
    el_html_put(page, "</td>");
}

/* A word among numbers. */
static void put_word(el_writer *page, const char *text)
{
    el_html_put(page, "<td class=\"n\">");
    el_html_text(page, text);
    el_html_put(page, "</td>");
}

/* "82.1 ± 0.4 (5)", in two lines where a table is wide; or a dash; and how many seeds have no score. */
static void put_score(el_writer *page, const el_row *row)
{
    const el_sample *const s = &row->score;
    if (s->count > 1)
        el_html_put(page, "<td class=\"n s\">%.1f <small>± %.1f (%d)</small>", s->mean, s->deviation,
                    s->count);
    else if (s->count == 1)
        el_html_put(page, "<td class=\"n s\">%.1f <small>(1)</small>", s->mean);
    else
        el_html_put(page, "<td class=\"n\">-");
    if (row->unscored)
        el_html_put(page, " <small>%d without a score</small>", row->unscored);
    el_html_put(page, "</td>");
}

static void put_number(el_writer *page, const char *format, double value)
{
    char text[64];
    el_number_print(text, sizeof text, isfinite(value) ? format : "-", value);
    el_html_put(page, "<td class=\"n\">%s</td>", text);
}

/* Of a p that rounds to nothing what it is below. */
static void put_p(el_writer *page, double p)
{
    if (p < 0.0005)
        el_html_put(page, "<td class=\"n\">&lt; 0.001</td>");
    else
        put_number(page, "%.3f", p);
}

/* Seconds by three digits, or by all before the point. */
static const char *format_of(double seconds)
{
    return seconds < 100 ? "%.3g" : "%.0f";
}

static void put_count(el_writer *page, int64_t count)
{
    put_number(page, "%.0f", count ? (double)count : NAN);
}

/* What a row is of: the first cells of a line. */
static void put_row_begin(el_writer *page, const el_findings *f, const el_row *row)
{
    el_html_put(page, "<tr>");
    put_cell(page, title_of(f, row->system));
    put_cell(page, f->study->plan.sizes[row->size].name);
    el_html_put(page, "<td class=\"n\">%.4g %%</td>", 100 * row->share);
    put_number(page, "%.3g", row->flops);
}

static void put_row_end(el_writer *page, const el_row *row)
{
    if (row->diverged)
        el_html_put(page, "<td>%d diverged</td>", row->diverged);
    el_html_put(page, "</tr>\n");
}

static void put_metrics(el_writer *page, const el_findings *f)
{
    const el_plan *const p = &f->study->plan;
    for (int t = 0; t < p->task_count; t++) {
        const char *metric = NULL;
        bool none = false;
        for (int i = 0; i < f->row_count && !metric; i++)
            if (f->rows[i].task == t) {
                metric = f->rows[i].metric;
                none |= f->rows[i].unscored > 0;
            }
        el_html_put(page, t ? "; " : "");
        el_html_isolated(page, p->tasks[t].name);
        el_html_put(page, ": ");
        el_html_text(page, metric ? metric : none ? "no result" : "no result yet");
        el_html_put(page, p->tasks[t].in_mean ? "" : ", outside the mean");
    }
    el_html_put(page, p->task_count ? ". " : "");
}

static void put_seeds(el_writer *page, const el_plan *p)
{
    el_html_put(page, "Seeds: ");
    for (int i = 0; i < p->seed_count; i++)
        el_html_put(page, "%s%" PRId64, i ? ", " : "", p->seeds[i]);
    el_html_put(page, ". ");
}

static void put_scores(el_writer *page, const el_findings *f)
{
    const el_plan *const p = &f->study->plan;
    const char *heads[EL_PLAN_MOST + 8] = {"system", "size", "share", "FLOPs", "mean"};
    int count = 5;
    for (int t = 0; t < p->task_count; t++)
        heads[count++] = p->tasks[t].name;
    put_heads(page, heads, count, 2);
    for (int i = 0; i < f->row_count; i++) {
        const el_row *const row = &f->rows[i];
        if (row->task >= 0)
            continue;
        put_row_begin(page, f, row);
        put_score(page, row);
        for (int t = 0; t < p->task_count; t++) {
            const el_row *const one = el_findings_row(f, row->system, row->size, row->length, row->share, t);
            put_score(page, one ? one : &(el_row){0});
        }
        put_row_end(page, row);
    }
    el_html_put(
        page, "</table></div>\n"
              "<p class=\"note\">100 times the task's metric on dev: mean ± standard deviation over seeds of "
              "pre-training (their number). ");
    put_metrics(page, f);
    put_seeds(page, p);
    el_html_put(page, "FLOPs are those of pre-training.</p>\n");
}

static void put_costs(el_writer *page, const el_findings *f)
{
    static const char *const HEADS[] = {"system", "size",    "share", "FLOPs", "the paper's count",
                                        "steps",  "seconds", "rate"};
    el_html_put(page, "<h2>What pre-training took</h2>\n");
    put_heads(page, HEADS, sizeof HEADS / sizeof *HEADS, 2);
    for (int i = 0; i < f->row_count; i++) {
        const el_row *const row = &f->rows[i];
        if (row->task >= 0)
            continue;
        put_row_begin(page, f, row);
        put_number(page, "%.3g", row->paper_flops);
        put_count(page, row->steps);
        put_number(page, format_of(row->seconds), row->seconds);
        put_number(page, "%.3g", row->rate);
        put_row_end(page, row);
    }
    el_html_put(page, "</table></div>\n<p class=\"note\">Means over the seeds that did not diverge.%s</p>\n",
                f->study->plan.cooldown > 0 ? " Each branch with the part of the trunk that it began with."
                                            : "");
}

static void put_tests(el_writer *page, const el_findings *f)
{
    static const char *const HEADS[] = {"against",   "task",  "difference", "p",
                                        "p by Holm", "seeds", "size",       "FLOPs"};
    if (f->test_count == 0)
        return;
    el_html_put(page, "<h2>");
    el_html_isolated(page, title_of(f, f->study->plan.reference));
    el_html_put(page, " against the others</h2>\n");
    put_heads(page, HEADS, sizeof HEADS / sizeof *HEADS, 2);
    for (int i = 0; i < f->test_count; i++) {
        const el_test *const t = &f->tests[i];
        el_html_put(page, "<tr>");
        put_cell(page, title_of(f, t->row->system));
        put_cell(page, task_of(f, t->row->task));
        el_html_put(page, "<td class=\"n s\">%+.1f", t->difference);
        if (isfinite(t->deviation))
            el_html_put(page, " <small>± %.1f</small>", t->deviation);
        el_html_put(page, "</td>");
        put_p(page, t->p);
        put_p(page, t->p_corrected);
        el_html_put(page, "<td class=\"n\">%d</td>", t->seeds);
        put_word(page, f->study->plan.sizes[t->row->size].name);
        put_number(page, "%.3g", t->row->flops);
        el_html_put(page, "</tr>\n");
    }
    el_html_put(
        page,
        "</table></div>\n<p class=\"note\">Points, paired by the seed of pre-training: mean ± standard "
        "deviation of the differences. p: Student's paired t test, both sides; by Holm: corrected for the "
        "number of systems that are tested so on a task, in one size and at one length. With few seeds they say "
        "little.</p>\n");
}

static void put_crossings(el_writer *page, const el_findings *f)
{
    static const char *const HEADS[] = {"score of",     "size",  "score", "its FLOPs",
                                        "reached with", "share", "seeds"};
    if (f->crossing_count == 0 || f->study->plan.length_count * f->study->plan.share_count == 1)
        return; /* of one length there is no share to look for */
    el_html_put(page, "<h2>At which share of the others' compute ");
    el_html_isolated(page, title_of(f, f->study->plan.reference));
    el_html_put(page, " reaches their score</h2>\n");
    put_heads(page, HEADS, sizeof HEADS / sizeof *HEADS, 2);
    for (int i = 0; i < f->crossing_count; i++) {
        const el_crossing *const c = &f->crossings[i];
        el_html_put(page, "<tr>");
        put_cell(page, title_of(f, c->row->system));
        put_cell(page, f->study->plan.sizes[c->row->size].name);
        put_number(page, "%.1f", c->score);
        put_number(page, "%.3g", c->row->flops);
        put_number(page, "%.3g", c->flops);
        if (isfinite(c->share))
            el_html_put(page, "<td class=\"n\">%s%.0f %%</td>", c->at_most ? "at most " : "", 100 * c->share);
        else
            el_html_put(page, "<td class=\"n\">not reached</td>");
        el_html_put(page, "<td class=\"n\">%d</td></tr>\n", c->seeds);
    }
    el_html_put(
        page,
        "</table></div>\n<p class=\"note\">The first training of the reference, from the shortest on, whose "
        "mean is at least that of the other's longest; between two of them along a line over the logarithm "
        "of the compute. Means are over the seeds that both have; one seed shows nothing.</p>\n");
}

static void put_rates(el_writer *page, const el_findings *f)
{
    static const char *const HEADS[] = {"system", "size", "rate", "mean of the tasks", "loss", "of"};
    const el_study *const s = f->study;
    if (s->plan.rate_count == 0)
        return;
    el_html_put(page, "<h2>Peak rates that were tried</h2>\n");
    put_heads(page, HEADS, sizeof HEADS / sizeof *HEADS, 2);
    for (int i = 0; i < s->count; i++) {
        const el_job *const job = &s->jobs[i];
        if (!job->tuning || job->task >= 0 || !job->record)
            continue;
        el_html_put(page, "<tr>");
        put_cell(page, title_of(f, job->system));
        put_cell(page, s->plan.sizes[job->size].name);
        put_number(page, "%.3g", job->rate);
        put_number(page, "%.1f", el_compare_task_mean(s, job));
        put_number(page, "%.4f", el_record_loss(job->record));
        put_word(page, el_record_loss_of(job->record));
        el_html_put(page, "%s</tr>\n", el_record_diverged(job->record) ? "<td>diverged</td>" : "");
    }
    el_html_put(page,
                "</table></div>\n<p class=\"note\">Seed %" PRId64
                ", before other seeds were spent; of each system and "
                "size the rate with %s is taken, the lower of equals.</p>\n",
                s->plan.rate_seed,
                s->plan.rate_rule == EL_RATE_BY_LOSS ? "the lowest loss" : "the highest mean of the tasks");
}

static void put_published(el_writer *page, const el_findings *f)
{
    static const char *const HEADS[] = {"published, not measured here", "measure", "score",
                                        "FLOPs, the paper's count"};
    json_t *const rows = el_findings_published(f->study);
    size_t i;
    json_t *row;
    if (json_array_size(rows)) {
        el_html_put(page, "<h2>As published</h2>\n");
        put_heads(page, HEADS, sizeof HEADS / sizeof *HEADS, 2);
    }
    json_array_foreach(rows, i, row) {
        const json_t *const flops = json_object_get(row, "flops"), *const score =
                                                                       json_object_get(row, "score");
        const char *const system = json_string_value(json_object_get(row, "system"));
        const char *const measure = json_string_value(json_object_get(row, "measure"));
        el_html_put(page, "<tr>");
        put_cell(page, system ? system : "");
        put_cell(page, measure ? measure : "");
        put_number(page, "%.1f", score ? json_number_value(score) : NAN);
        put_number(page, "%.2g", flops ? json_number_value(flops) : NAN);
        el_html_put(page, "</tr>\n");
    }
    if (json_array_size(rows))
        el_html_put(
            page,
            "</table></div>\n<p class=\"note\">Other data, sizes and tasks: to be held against the order of "
            "the systems here, not against their scores.</p>\n");
    json_decref(rows);
}

static void put_runs(el_writer *page, const el_findings *f)
{
    const el_study *const s = f->study;
    el_html_put(page, "<h2>Runs</h2>\n<p class=\"note\">Each with the command that repeats it.</p>\n");
    for (int i = 0; i < s->count; i++) {
        const el_job *const job = &s->jobs[i];
        if (!job->record)
            continue;
        char *const text = el_compare_command(s, job);
        const char *const diverged = json_string_value(json_object_get(job->record, "diverged"));
        const char *const same = json_string_value(json_object_get(job->record, "same_as"));
        const double score = el_record_score(job->record), seconds = el_json_figure(job->record, "seconds");
        char took[32];
        el_number_print(took, sizeof took, format_of(seconds), seconds);
        el_html_put(page, "<details><summary>");
        el_html_text(page, job->name);
        if (job->task < 0)
            el_html_put(page, ": %.3g FLOPs, %s s",
                        el_json_figure(json_object_get(job->record, "flops"), "products"), took);
        else
            el_html_put(page, isfinite(score) ? ": %.1f" : ": -", score);
        el_html_put(page, "%s%s", diverged ? ", diverged" : "",
                    same ? ", the same training as that of " : "");
        el_html_text(page, same ? same : "");
        el_html_put(page, "</summary><div class=\"text\">");
        if (diverged) {
            el_html_put(page, "<p>");
            el_html_text(page, diverged);
            el_html_put(page, "</p>");
        }
        el_html_text(page, text ? text : "");
        el_html_put(page, "</div></details>\n");
        free(text);
    }
}

/* ---- the page ---- */

static bool ends_sentence(const char *text)
{
    static const char *const MARKS[] = {".", "!", "?", "\u2026", "\u3002"};
    for (size_t i = 0; i < sizeof MARKS / sizeof *MARKS; i++)
        if (el_ends_with(text, MARKS[i]))
            return true;
    return false;
}

static void put_beginning(el_writer *page, const el_findings *f)
{
    const el_study *const s = f->study;
    const int done = el_compare_done(s);
    el_html_put(page, "<p>");
    el_html_isolated(page, s->plan.about);
    el_html_put(page, "%s", *s->plan.about == '\0' ? "" : ends_sentence(s->plan.about) ? " " : ". ");
    el_html_isolated(page, s->plan.language);
    el_html_put(page, "%s%d of %d jobs are done%s", *s->plan.language ? "; " : "", done, s->count,
                done < s->count ? ": the study goes on." : ".");
    if (s->left_out) {
        el_html_put(page, " Left out, as their files are not there: ");
        el_html_isolated(page, s->left_out);
        el_html_put(page, ".");
    }
    el_html_put(page, "</p>\n");
}

void el_findings_page(el_writer *page, const el_findings *f)
{
    put_beginning(page, f);
    put_scores(page, f);
    el_findings_figures(page, f);
    put_tests(page, f);
    put_crossings(page, f);
    put_costs(page, f);
    put_rates(page, f);
    put_published(page, f);
    put_runs(page, f);
}
