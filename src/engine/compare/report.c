/* report - see the header */
#include "engine/compare/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "objective/flops.h"

/* ---- rows ---- */

static const el_job *pretraining_of(const el_study *study, const el_row *row, int seed)
{
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        if (job->task < 0 && !job->tuning && !job->trunk && job->system == row->system &&
            job->size == row->size && job->length == row->length && job->share == row->share &&
            job->seed == study->plan.seeds[seed])
            return job;
    }
    return NULL;
}

static const el_job *tuning_of(const el_study *study, const el_job *pretraining, int task)
{
    for (int i = 0; i < study->count; i++)
        if (study->jobs[i].needs == (int)(pretraining - study->jobs) && study->jobs[i].task == task)
            return &study->jobs[i];
    return NULL;
}

static double score_of(const el_study *study, const el_row *row, const el_job *pretraining)
{
    if (row->task < 0)
        return el_compare_task_mean(study, pretraining);
    const el_job *const job = tuning_of(study, pretraining, row->task);
    return job && job->record ? el_record_score(job->record) : NAN;
}

/* Whether a fine-tuning that the row's score is of is done and has none. */
static bool is_unscored(const el_study *study, const el_row *row, const el_job *pretraining)
{
    for (int t = 0; t < study->plan.task_count; t++) {
        const bool counts = row->task < 0 ? study->plan.tasks[t].in_mean : t == row->task;
        const el_job *const job = counts ? tuning_of(study, pretraining, t) : NULL;
        if (job && job->record && !isfinite(el_record_score(job->record)))
            return true;
    }
    return false;
}

/* Means over the seeds of what a pre-training took. */
typedef struct {
    double flops[EL_PLAN_MOST], paper[EL_PLAN_MOST], seconds[EL_PLAN_MOST], rate[EL_PLAN_MOST];
    int count;
} costs;

/* Of a branch, its trunk's part too; its FLOPs have that already. */
static void add_cost(costs *c, el_row *row, const el_study *study, const el_job *job)
{
    const json_t *const record = job->record, *const flops = json_object_get(record, "flops");
    const el_job *const before = el_compare_needed(study, job);
    const json_t *const trunk = before ? before->record : NULL;
    c->flops[c->count] = el_json_figure(flops, "products");
    c->paper[c->count] = el_json_figure(flops, "paper");
    c->seconds[c->count] = el_json_figure(record, "seconds") + (trunk ? el_json_figure(trunk, "seconds") : 0);
    c->rate[c->count++] = el_json_figure(record, "rate");
    row->steps = json_integer_value(json_object_get(record, "steps")) +
                 json_integer_value(json_object_get(trunk, "steps"));
    row->parameters = json_integer_value(json_object_get(record, "parameters"));
}

/* It, or the trunk that it would begin with, which leaves it without a record. */
static bool has_diverged(const el_study *study, const el_job *job)
{
    while (!job->record && el_compare_needed(study, job))
        job = el_compare_needed(study, job);
    return el_record_diverged(job->record);
}

/* Seeds that diverged are counted, and have no part in any mean; nor have those without a score in that of scores. */
static void fill_row(const el_study *study, el_row *row)
{
    costs c = {0};
    for (int s = 0; s < study->plan.seed_count; s++) {
        const el_job *const job = pretraining_of(study, row, s);
        row->values[s] = NAN;
        const bool diverged = job && has_diverged(study, job);
        row->diverged += diverged;
        if (!job || !job->record || diverged)
            continue;
        add_cost(&c, row, study, job);
        row->values[s] = score_of(study, row, job);
        row->unscored += is_unscored(study, row, job);
        const el_job *const tuning = row->task < 0 ? NULL : tuning_of(study, job, row->task);
        const char *const metric =
            tuning ? json_string_value(json_object_get(tuning->record, "metric")) : NULL;
        row->metric = metric ? metric : row->metric;
    }
    row->score = el_sample_of(row->values, study->plan.seed_count);
    row->flops = el_sample_of(c.flops, c.count).mean;
    row->paper_flops = el_sample_of(c.paper, c.count).mean;
    row->seconds = el_sample_of(c.seconds, c.count).mean;
    row->rate = el_sample_of(c.rate, c.count).mean;
}

static void fill_rows(el_findings *f)
{
    const el_plan *const p = &f->study->plan;
    for (int size = 0; size < p->size_count; size++)
        for (int length = 0; length < p->length_count; length++)
            for (int system = 0; system < p->system_count; system++)
                for (int share = 0; share < p->share_count; share++)
                    for (int task = -1; task < p->task_count; task++) {
                        el_row *const row = &f->rows[f->row_count];
                        *row = (el_row){.system = system,
                                        .size = size,
                                        .length = length,
                                        .share = p->shares[share],
                                        .task = task};
                        fill_row(f->study, row);
                        f->row_count +=
                            isfinite(row->flops) || row->diverged; /* some of its seeds are done */
                    }
}

const el_row *el_findings_row(const el_findings *f, int system, int size, int length, double share, int task)
{
    for (int i = 0; i < f->row_count; i++) {
        const el_row *const row = &f->rows[i];
        if (row->system == system && row->size == size && row->length == length && row->share == share &&
            row->task == task)
            return row;
    }
    return NULL;
}

static int by_flops(const void *a, const void *b)
{
    const double x = (*(const el_row *const *)a)->flops, y = (*(const el_row *const *)b)->flops;
    return (x > y) - (x < y);
}

int el_findings_line(const el_findings *f, int system, int size, const el_row **rows, int most)
{
    int count = 0;
    for (int i = 0; i < f->row_count && count < most; i++) {
        const el_row *const row = &f->rows[i];
        if (row->system == system && row->size == size && row->task < 0 && row->score.count)
            rows[count++] = row;
    }
    qsort(rows, (size_t)count, sizeof *rows, by_flops);
    return count;
}

/* ---- tests ---- */

/* What the reference has over the other, by seed: NAN where one of them has none. */
static el_sample lead_over(const el_row *reference, const el_row *other, int seeds, double *differences)
{
    for (int s = 0; s < seeds; s++)
        differences[s] = reference->values[s] - other->values[s];
    return el_sample_of(differences, seeds);
}

static void fill_tests(el_findings *f)
{
    const el_plan *const p = &f->study->plan;
    for (int i = 0; i < f->row_count; i++) {
        const el_row *const row = &f->rows[i];
        const el_row *const reference =
            el_findings_row(f, p->reference, row->size, row->length, row->share, row->task);
        if (row->system == p->reference || row->share < 1 || !reference)
            continue;
        double differences[EL_PLAN_MOST];
        const el_sample sample = lead_over(reference, row, p->seed_count, differences);
        if (sample.count)
            f->tests[f->test_count++] = (el_test){.row = row,
                                                  .reference = reference,
                                                  .difference = sample.mean,
                                                  .deviation = sample.deviation,
                                                  .p = el_paired_test(differences, p->seed_count),
                                                  .seeds = sample.count};
    }
}

/* The reference against each of the others, of one thing. */
static bool is_of_family(const el_test *test, const el_test *of)
{
    return test->row->size == of->row->size && test->row->length == of->row->length &&
           test->row->task == of->row->task;
}

/* Holm: the least p of a family of m is multiplied by m, the next by m - 1, and none is less than one before it. */
static void correct_tests(el_findings *f)
{
    el_test *const first = f->tests, *const end = first + f->test_count;
    for (el_test *test = first; test < end; test++) {
        int left = 0;
        for (const el_test *other = first; other < end; other++)
            left += is_of_family(other, test) && other->p >= test->p;
        test->p_corrected = left * test->p > 1 ? 1 : left * test->p;
    }
    for (el_test *test = first; test < end; test++)
        for (const el_test *other = first; other < end; other++)
            if (is_of_family(other, test) && other->p <= test->p)
                test->p_corrected = fmax(test->p_corrected, other->p_corrected);
}

/* ---- crossings ---- */

/* The other's mean over the seeds that this point of the reference has too. */
static double score_beside(const el_row *row, const el_row *point, int seeds)
{
    double values[EL_PLAN_MOST];
    for (int s = 0; s < seeds; s++)
        values[s] = isfinite(point->values[s]) ? row->values[s] : NAN;
    return el_sample_of(values, seeds).mean;
}

/* Between two points a line over the logarithm of the compute.  Points without a seed in common are passed by. */
static el_crossing cross(const el_row *row, const el_row *const *points, int count, int seeds)
{
    el_crossing c = {.row = row, .flops = NAN, .share = NAN, .score = NAN};
    const el_row *before = NULL;
    el_sample behind = {0};
    double differences[EL_PLAN_MOST];
    for (int i = 0; i < count && !isfinite(c.flops); i++) {
        const el_sample lead = lead_over(points[i], row, seeds, differences);
        if (lead.count == 0)
            continue;
        c.seeds = before && behind.count < lead.count ? behind.count : lead.count;
        c.score = score_beside(row, points[i], seeds);
        c.at_most = !before && lead.mean >= 0;
        if (lead.mean >= 0) {
            const double part = before ? -behind.mean / (lead.mean - behind.mean) : 1;
            const double from = before ? before->flops : points[i]->flops;
            c.flops = from * pow(points[i]->flops / from, part);
        }
        before = points[i];
        behind = lead;
    }
    c.share = c.flops / row->flops;
    return c;
}

static el_status fill_crossings(el_findings *f)
{
    const el_plan *const p = &f->study->plan;
    const el_row **const points = calloc((size_t)f->row_count + 1, sizeof *points);
    if (!points)
        return el_no_memory(NULL);
    for (int size = 0; size < p->size_count; size++) {
        const int count = el_findings_line(f, p->reference, size, points, f->row_count);
        for (int system = 0; system < p->system_count; system++) {
            const el_row *const last = el_findings_row(f, system, size, p->length_count - 1, 1, -1);
            if (system == p->reference || !last)
                continue;
            const el_crossing crossing = cross(last, points, count, p->seed_count);
            if (crossing.seeds)
                f->crossings[f->crossing_count++] = crossing;
        }
    }
    free(points);
    return EL_OK;
}

el_status el_findings_open(el_findings *f, const el_study *study)
{
    const el_plan *const p = &study->plan;
    const size_t most =
        (size_t)(p->system_count * p->size_count * p->length_count * p->share_count * (p->task_count + 1));
    *f = (el_findings){.study = study,
                       .rows = calloc(most, sizeof *f->rows),
                       .tests = calloc(most, sizeof *f->tests),
                       .crossings = calloc(most, sizeof *f->crossings)};
    if (!f->rows || !f->tests || !f->crossings) {
        el_findings_close(f);
        return el_no_memory(NULL);
    }
    fill_rows(f);
    fill_tests(f);
    correct_tests(f);
    const el_status st = fill_crossings(f);
    if (st)
        el_findings_close(f);
    return st;
}

void el_findings_close(el_findings *f)
{
    free(f->rows);
    free(f->tests);
    free(f->crossings);
    *f = (el_findings){0};
}

/* ---- beside ---- */

json_t *el_findings_published(const el_study *study)
{
    json_t *const given = json_object_get(study->plan.text, "published");
    if (json_is_array(given))
        return json_incref(given);
    json_t *const rows = json_array();
    for (int i = 0; given && i < EL_PUBLISHED_ROWS; i++) {
        const el_published *const row = &EL_PUBLISHED[i];
        json_array_append_new(rows, json_pack("{s:s, s:s, s:f, s:f}", "system", row->system, "measure",
                                              "GLUE dev", "score", row->glue, "flops", row->training_flops));
    }
    return rows;
}

/* ---- report.json ---- */

/* The objective that a system's settings come to: named, or by a recipe or an alias. */
static const char *objective_of(const el_study *study, int system, int size)
{
    el_pretrain_settings s;
    el_options options;
    json_t *const given = el_plan_settings(&study->plan, system, size);
    const char *name = "";
    if (!el_compare_pretrain_settings(&s, &options, given)) {
        if (!el_pretrain_settle(&s, &options, false))
            name = el_objective_name((el_objective_kind)s.objective);
        el_options_close(&options);
    }
    json_decref(given);
    return name;
}

static json_t *values_json(const el_row *row, int count)
{
    json_t *const values = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(values, el_json_number(row->values[i]));
    return values;
}

/* null: not known. */
static json_t *count_json(int64_t count)
{
    return count ? json_integer(count) : json_null();
}

static json_t *row_json(const el_study *study, const el_row *row)
{
    const el_plan *const p = &study->plan;
    json_t *const object = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:f, s:o, s:s, s:o, s:o, s:i}", "plan", p->name, "language", p->language,
        "system", p->systems[row->system].name, "objective", objective_of(study, row->system, row->size),
        "size", p->sizes[row->size].name, "share", row->share, "flops", el_json_number(row->flops), "task",
        row->task < 0 ? "mean" : p->tasks[row->task].name, "mean", el_json_number(row->score.mean),
        "deviation", el_json_number(row->score.deviation), "seeds", row->score.count);
    json_t *const more =
        json_pack("{s:s?, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "metric", row->metric, "values",
                  values_json(row, p->seed_count), "diverged", row->diverged, "unscored", row->unscored,
                  "flops_paper", el_json_number(row->paper_flops), "seconds", el_json_number(row->seconds),
                  "learning_rate", el_json_number(row->rate), "steps", count_json(row->steps), "parameters",
                  count_json(row->parameters));
    json_object_update(object, more);
    json_decref(more);
    return object;
}

static json_t *test_json(const el_study *study, const el_test *test)
{
    const el_plan *const p = &study->plan;
    const el_row *const row = test->row;
    return json_pack("{s:s, s:s, s:s, s:f, s:s, s:f, s:o, s:o, s:o, s:i}", "system",
                     p->systems[p->reference].name, "against", p->systems[row->system].name, "size",
                     p->sizes[row->size].name, "flops", row->flops, "task",
                     row->task < 0 ? "mean" : p->tasks[row->task].name, "difference", test->difference,
                     "deviation", el_json_number(test->deviation), "p", el_json_number(test->p),
                     "p_corrected", el_json_number(test->p_corrected), "seeds", test->seeds);
}

static json_t *crossing_json(const el_study *study, const el_crossing *c)
{
    const el_plan *const p = &study->plan;
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:o, s:o, s:b, s:i}", "system", p->systems[p->reference].name,
                     "reaches", p->systems[c->row->system].name, "size", p->sizes[c->row->size].name, "score",
                     c->score, "flops_of_other", c->row->flops, "flops", el_json_number(c->flops), "share",
                     el_json_number(c->share), "at_most", c->at_most, "seeds", c->seeds);
}

/* Each rate that was tried, and what spoke for it. */
static json_t *tries_json(const el_study *study)
{
    const el_plan *const p = &study->plan;
    json_t *const tries = json_array();
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        if (!job->tuning || job->task >= 0 || !job->record)
            continue;
        json_array_append_new(tries, json_pack("{s:s, s:s, s:f, s:o, s:o, s:s}", "system",
                                               p->systems[job->system].name, "size", p->sizes[job->size].name,
                                               "learning_rate", job->rate, "score",
                                               el_json_number(el_compare_task_mean(study, job)), "loss",
                                               el_json_number(el_record_loss(job->record)), "loss_of",
                                               el_record_loss_of(job->record)));
    }
    return tries;
}

static json_t *runs_json(const el_study *study)
{
    json_t *const runs = json_array();
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        if (!job->record)
            continue;
        char *const command = el_compare_command(study, job);
        json_t *const run = json_pack("{s:s, s:s?}", "job", job->name, "command", command);
        static const char *const KEYS[] = {"steps", "tokens", "flops",    "seconds", "metric",
                                           "score", "trials", "diverged", "same_as"};
        for (size_t k = 0; k < sizeof KEYS / sizeof *KEYS; k++)
            if (json_object_get(job->record, KEYS[k]))
                json_object_set(run, KEYS[k], json_object_get(job->record, KEYS[k]));
        json_array_append_new(runs, run);
        free(command);
    }
    return runs;
}

static json_t *findings_json(const el_findings *f)
{
    const el_study *const study = f->study;
    json_t *const rows = json_array(), *const tests = json_array(), *const crossings = json_array();
    for (int i = 0; i < f->row_count; i++)
        json_array_append_new(rows, row_json(study, &f->rows[i]));
    for (int i = 0; i < f->test_count; i++)
        json_array_append_new(tests, test_json(study, &f->tests[i]));
    for (int i = 0; i < f->crossing_count; i++)
        json_array_append_new(crossings, crossing_json(study, &f->crossings[i]));
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:s?, s:o, s:o, s:o, s:o, s:o, s:o}", "plan",
                     study->plan.name, "about", study->plan.about, "language", study->plan.language, "jobs",
                     study->count, "done", el_compare_done(study), "left_out", study->left_out, "rows", rows,
                     "tests", tests, "crossings", crossings, "rates", tries_json(study), "published",
                     el_findings_published(study), "runs", runs_json(study));
}

static el_status write_json(const el_findings *f)
{
    return el_json_save_new(findings_json(f), f->study->settings->output, "report.json");
}

static el_status write_page(const el_findings *f)
{
    el_writer *page;
    el_status st = el_writer_open(&page, el_path_in(f->study->settings->output, "report.html").text);
    if (!st) {
        el_html_begin(page, f->study->plan.name);
        el_findings_page(page, f);
        el_html_end(page);
        st = el_writer_finish(page);
    }
    return st;
}

el_status el_compare_report(const el_study *study)
{
    el_findings f;
    el_status st = el_findings_open(&f, study);
    if (st)
        return st;
    st = write_json(&f);
    if (!st)
        st = write_page(&f);
    el_findings_close(&f);
    return st;
}
