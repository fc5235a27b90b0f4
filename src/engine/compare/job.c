/* job - one pre-training or fine-tuning of a study, and what is kept of it */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/words.h"
#include "engine/compare/parts.h"
#include "engine/finetune/finetune.h"
#include "engine/minimal_pairs.h"
#include "train/checkpoint.h"

enum { POINTS = 8 }; /* of a learning curve; and so many checkpoints are written on the way */

/* Evaluations together take at most this part of a run's time, forward passes being a third of training. */
static const double EVALUATING = 0.1;

/* What is open while a job is at work. */
typedef struct {
    el_study *study;
    el_job *job;
    json_t **made; /* where its record goes */
    int64_t steps; /* by which its progress is told; of a fine-tuning those of all trials */
    int64_t before;
    bool counted;          /* a step of this start has been told */
    bool evaluates_little; /* as nobody said how much */
} working;

static el_status on_event(void *context, const el_event *event)
{
    working *const w = context;
    if (event->kind == EL_EVENT_STEP || event->kind == EL_EVENT_RECORD) {
        const int64_t done = w->before + event->progress->step;
        w->job->fraction = (double)done / (double)w->steps;
        if (!w->counted)
            w->job->before =
                (double)(done - 1) / (double)w->steps; /* after the fraction, which is never less */
        w->counted = true;
    }
    return EL_OK;
}

/* ---- settings ---- */

static void set_path(json_t *given, const char *key, const char *path)
{
    if (path)
        json_object_set_new(given, key, json_string(path));
}

/* What holds in this place: folders, threads, and what is told apart from the rest. */
static json_t *here(const el_study *study, const el_job *job, const char *output)
{
    json_t *const given = el_compare_told(study, job);
    json_object_set_new(given, "threads", json_integer(study->threads));
    set_path(given, "output", output);
    return given;
}

/* ---- pre-training ---- */

/* Every line of evaluation, without what it took. */
static json_t *curve_of(const json_t *lines)
{
    json_t *const curve = json_array();
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line) {
        if (!el_metrics_is(line, EL_METRICS_EVALUATION))
            continue;
        json_object_del(line, "kind");
        json_object_del(line, "seconds");
        json_array_append(curve, line);
    }
    return curve;
}

/* The last loss in training. */
static json_t *loss_of(const json_t *lines)
{
    json_t *last = NULL, *line;
    size_t i;
    json_array_foreach(lines, i, line) {
        if (el_metrics_is(line, EL_METRICS_TRAINING) && json_object_get(line, "loss"))
            last = json_object_get(line, "loss");
    }
    return last ? json_incref(last) : json_null();
}

/* What this run has spent, and what its trunk had; null where there is no such count. */
static json_t *flops_of(const el_study *study, const el_job *job, const char *count, double own)
{
    const el_job *const trunk = job->trunk ? NULL : el_compare_needed(study, job);
    const json_t *const before = trunk ? json_object_get(trunk->record, "flops") : NULL;
    return el_json_number(own + json_number_value(json_object_get(before, count)));
}

/* diverged: why, or NULL.  A later start has to know whether the run's folder is to stay. */
static el_status mark(const working *w, const char *diverged)
{
    json_t *const record = *w->made;
    if (!record)
        return el_no_memory(NULL);
    json_object_set_new(record, "kept", json_boolean(w->study->settings->keep_models));
    if (diverged)
        json_object_set_new(record, "diverged", json_string(diverged));
    return EL_OK;
}

static el_status record_pretraining(const working *w, const el_pretraining *run, const char *diverged)
{
    json_t *lines = NULL;
    const el_status st = el_metrics_load(&lines, el_path_in(run->settings->output, EL_METRICS_FILE).text);
    if (st)
        return st;
    const json_t *const record = run->run.record;
    double paper;
    const double products = el_trainer_flops(&run->trainer, &run->progress, &paper);
    json_t *const flops =
        json_pack("{s:o, s:o}", "products", flops_of(w->study, w->job, "products", products), "paper",
                  flops_of(w->study, w->job, "paper", paper));
    *w->made = json_pack("{s:s, s:s, s:o, s:f, s:I, s:I, s:o, s:f, s:O?, s:O?, s:O?, s:o, s:o, s:o}", "job",
                         w->job->name, "kind", "pre-training", "asked", el_compare_asked(w->study, w->job),
                         "rate", run->settings->learning_rate, "steps", (json_int_t)run->progress.step,
                         "tokens", (json_int_t)run->progress.tokens, "flops", flops, "seconds",
                         run->progress.seconds, "parameters", json_object_get(record, "parameters"),
                         "data_hash", json_object_get(record, "data_hash"), "vocabulary_hash",
                         json_object_get(record, "vocabulary_hash"), "heldout_hash",
                         el_compare_hash_json(w->study->heldout_hash), "training_loss", loss_of(lines),
                         "curve", curve_of(lines));
    json_decref(lines);
    return mark(w, diverged);
}

/* What is recorded of a training, or of pairs, that ended so: nothing where *st stays a failure.  Whether it diverged, and
 * *end has the sentence; not where it was stopped among bad steps, which are done again from the last checkpoint and may end
 * otherwise. */
static bool went_astray(const working *w, bool diverged, el_status *st, el_outcome *end)
{
    el_outcome_keep(end, *st);
    if (diverged)
        *st = w->study->halt ? el_fail(EL_ESTOPPED, "stopped; nothing was saved since the last checkpoint")
                             : EL_OK;
    return diverged && !*st;
}

static el_status train(working *w, el_pretraining *run)
{
    el_outcome end;
    el_trainer *const t = &run->trainer;
    const int64_t every = t->steps / POINTS < 1 ? 1 : t->steps / POINTS;
    t->evaluate_every = t->log_every = t->save_every = every;
    if (w->evaluates_little) {
        const double most = EVALUATING * 3 * (double)t->steps * t->batch / (POINTS * EL_EVALUATION_BATCH);
        t->heldout_batches = most < 1                            ? 1
                             : most < (double)t->heldout_batches ? (int64_t)most
                                                                 : t->heldout_batches;
    }
    w->steps = t->steps;
    el_status st = el_pretrain_run(run);
    const bool astray = went_astray(w, run->progress.diverged, &st, &end);
    return st ? st : record_pretraining(w, run, astray ? end.sentence : NULL);
}

static bool ends_part(const el_study *study, const el_job *trunk, int64_t step)
{
    for (int i = 0; i < study->count; i++)
        if (study->jobs[i].trunk && el_compare_share_folder(&study->jobs[i], trunk) &&
            study->jobs[i].steps == step)
            return true;
    return false;
}

/* Of a trunk the ends of its parts are kept, where branches begin, and none that were written on the way. */
static el_status tidy_trunk(const el_study *study, const el_job *trunk, const char *folder)
{
    int64_t *steps = NULL;
    int count = 0;
    el_status st = el_checkpoint_list(folder, &steps, &count);
    for (int i = 0; !st && i < count; i++) {
        if (ends_part(study, trunk, steps[i]))
            continue;
        st = el_folder_remove(el_checkpoint_path(folder, steps[i]).text);
    }
    free(steps);
    return st;
}

static el_status pretrain(working *w)
{
    const el_study *const study = w->study;
    const el_job *const job = w->job;
    const el_path output = el_compare_folder(study, job);
    json_t *const given = here(study, job, output.text);
    w->evaluates_little =
        !json_object_get(given, "eval_batches") && !json_object_get(given, "num_eval_steps");
    set_path(given, "data", study->plan.data);
    set_path(given, "eval_data", study->plan.eval_data);
    json_object_set_new(given, "keep_checkpoint_max", json_integer(job->trunk ? 0 : 1));
    const el_job *const from = job->trunk ? NULL : el_compare_needed(study, job);
    if (from)
        set_path(given, "init_from",
                 el_checkpoint_path(el_compare_folder(study, from).text, from->steps).text);
    el_pretrain_settings settings;
    el_options options;
    el_pretraining run;
    const el_watch watch = {.on_event = on_event, .stop = &w->study->halt, .context = w};
    el_status st = el_compare_pretrain_settings(&settings, &options, given);
    settings.counts_examples = study->counts_examples;
    if (!st) {
        st = el_pretrain_open(&run, &options, &watch);
        if (!st)
            st = train(w, &run);
        if (!st && job->trunk)
            st = tidy_trunk(study, job, output.text);
        el_pretrain_close(&run);
        el_options_close(&options);
    }
    json_decref(given);
    return st;
}

/* ---- fine-tuning ---- */

/* Each trial's value of the metric. */
static json_t *values_of(const json_t *results, const char *metric)
{
    json_t *const values = json_array();
    size_t i;
    json_t *trial;
    json_array_foreach(json_object_get(results, "trials"), i, trial) {
        json_t *const value = json_object_get(json_object_get(trial, "metrics"), metric);
        json_array_append_new(values, value ? json_incref(value) : json_null());
    }
    return values;
}

static json_t *task_hash(const working *w)
{
    return el_compare_hash_json(w->study->task_hashes[w->job->task]);
}

static el_status record_fine_tuning(const working *w, const el_finetuning *f, const char *diverged)
{
    const char *const metric = f->metric;
    const json_t *const results = f->results; /* NULL where it diverged */
    const json_t *const summary = json_object_get(json_object_get(results, "summary"), metric);
    const json_t *const mean = json_object_get(summary, "mean");
    *w->made = json_pack("{s:s, s:s, s:o, s:o, s:s, s:O?, s:o, s:O?}", "job", w->job->name, "kind",
                         "fine-tuning", "asked", el_compare_asked(w->study, w->job), "task_hash",
                         task_hash(w), "metric", metric, "score", mean, "trials", values_of(results, metric),
                         "test", json_object_get(results, "test"));
    return mark(w, diverged);
}

static el_status on_event_of_trial(void *context, const el_event *event)
{
    working *const w = ((working **)context)[0];
    const el_finetuning *const f = ((void **)context)[1];
    w->steps = f->steps * f->settings->num_trials;
    w->before = f->steps * f->trial;
    return on_event(w, event);
}

static el_status tune(working *w, el_options *options)
{
    el_finetuning f = {0};
    void *context[] = {w, &f};
    const el_watch watch = {.on_event = on_event_of_trial, .stop = &w->study->halt, .context = context};
    el_status st = el_finetune_open(&f, options, &watch);
    if (!st) {
        el_outcome end;
        st = el_finetune_run(&f);
        const bool astray = went_astray(w, f.diverged, &st, &end);
        if (!st)
            st = record_fine_tuning(w, &f, astray ? end.sentence : NULL);
    }
    el_finetune_close(&f);
    return st;
}

static el_status finetune(working *w)
{
    const el_study *const study = w->study;
    const el_path output = el_compare_folder(study, w->job);
    const el_path model = el_compare_folder(study, el_compare_needed(study, w->job));
    char *const data = el_compare_task_data(study, w->job->task);
    json_t *const given = here(study, w->job, output.text);
    set_path(given, "model", model.text);
    set_path(given, "data", data);
    el_finetune_settings settings;
    el_options options;
    el_status st =
        el_compare_finetune_settings(&settings, &options, given, study->plan.tasks[w->job->task].name);
    if (!st) {
        st = tune(w, &options);
        el_options_close(&options);
    }
    json_decref(given);
    free(data);
    return st;
}

/* ---- minimal pairs ---- */

static void on_pairs(void *context, double fraction)
{
    ((el_job *)context)->fraction = fraction;
}

/* Without a score where the model's numbers were not finite. */
static el_status record_pairs(const working *w, const el_pair_counts *counts, const char *diverged)
{
    const double accuracy = diverged ? NAN : el_pair_accuracy(&counts->kinds[0]);
    *w->made =
        json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:[o]}", "job", w->job->name, "kind", "minimal pairs",
                  "asked", el_compare_asked(w->study, w->job), "task_hash", task_hash(w), "metric",
                  "accuracy", "score", el_json_number(accuracy), "trials", el_json_number(accuracy));
    if (diverged)
        return mark(w, diverged);
    json_t *const all = el_pair_counts_json(counts);
    const bool whole = *w->made && all && json_object_update_missing(*w->made, all) == 0;
    json_decref(all);
    return whole ? EL_OK : el_no_memory(NULL);
}

/* What the task's settings say; else what the model is for, in full precision. */
el_status el_compare_pairs_settings(const el_plan_task *task, el_score_kind *kind, el_precision *precision)
{
    const char *by = "auto", *numbers = "fp32", *key;
    json_t *value;
    json_object_foreach((json_t *)task->settings, key, value) {
        const char **const word = strcmp(key, "by") == 0          ? &by
                                  : strcmp(key, "precision") == 0 ? &numbers
                                                                  : NULL;
        if (!word || !json_is_string(value))
            return el_fail(EL_EUSAGE, "%s: %s: the settings of minimal pairs are by and precision, two words",
                           task->name, key);
        *word = json_string_value(value);
    }
    const int score = el_word_place(EL_SCORE_NAMES, by), type = el_word_place("fp32|bf16", numbers);
    if (score < 0)
        return el_fail(EL_EUSAGE, "%s: by: %s is none of %s", task->name, by, EL_SCORE_NAMES);
    if (type < 0)
        return el_fail(EL_EUSAGE, "%s: precision: %s is none of fp32|bf16", task->name, numbers);
    *kind = (el_score_kind)score;
    *precision = type == 0 ? EL_PRECISION_FP32 : EL_PRECISION_BF16;
    return EL_OK;
}

static el_status score_pairs(working *w)
{
    enum { ROWS = 2048 };
    const el_study *const study = w->study;
    const el_path model = el_compare_folder(study, el_compare_needed(study, w->job));
    char *const file = el_compare_task_data(study, w->job->task);
    el_precision precision = EL_PRECISION_FP32;
    const el_pairs_watch watch = {.on_progress = on_pairs, .stop = &study->halt, .context = w->job};
    el_queue *q = NULL;
    el_scorer *scorer = NULL;
    el_pair_counts counts = {0};
    el_score_kind kind = EL_SCORE_AUTO;
    el_status st = file ? el_compare_pairs_settings(&study->plan.tasks[w->job->task], &kind, &precision)
                        : el_no_memory(NULL);
    el_machine machine = {.threads = study->threads, .precision = precision};
    if (!st)
        st = el_machine_open(&machine, &q);
    if (!st)
        st = el_scorer_open(&scorer, q, el_machine_type(&machine), model.text, kind, EL_SPECIAL_TOKENS, ROWS);
    if (!st) {
        el_outcome end;
        st = el_minimal_pairs(&counts, scorer, file, &watch);
        const bool astray = went_astray(w, el_scorer_overflowed(scorer), &st, &end);
        if (!st)
            st = record_pairs(w, &counts, astray ? end.sentence : NULL);
    }
    el_minimal_pairs_release(&counts);
    el_scorer_close(scorer);
    el_queue_close(q);
    free(file);
    return st;
}

el_status el_compare_job(json_t **made, el_study *study, el_job *job)
{
    *made = NULL;
    working w = {.study = study, .job = job, .made = made, .steps = 1};
    el_log_begin_with(job->name);
    const el_status st = job->task < 0                                       ? pretrain(&w)
                         : el_plan_asks_pairs(&study->plan.tasks[job->task]) ? score_pairs(&w)
                                                                             : finetune(&w);
    el_log_begin_with(NULL);
    return st;
}
