/* records - what is known of the jobs that are done: results.jsonl read again, and its figures */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "engine/compare/parts.h"

/* ---- reading ---- */

static el_job *job_named(const el_study *study, const char *name)
{
    for (int i = 0; name && i < study->count; i++)
        if (strcmp(study->jobs[i].name, name) == 0)
            return &study->jobs[i];
    return NULL;
}

/* A key of `a` whose value `b` lacks, or has another of; NULL: none. */
static const char *difference(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)a, key, value) {
        if (!json_equal(value, json_object_get(b, key)))
            return key;
    }
    return NULL;
}

static bool is_same(const json_t *a, const json_t *b)
{
    return json_equal(a, b) ||
           (json_is_number(a) && json_is_number(b) && json_number_value(a) == json_number_value(b));
}

/* All settings where only the preset is given, and perhaps not even that (new reference; may be NULL). */
static json_t *of_preset(const json_t *model_size)
{
    el_pretrain_settings s;
    el_options options;
    json_t *const given = json_pack("{s:O*}", "model_size", model_size);
    json_t *all = NULL;
    if (!el_compare_pretrain_settings(&s, &options, given)) {
        all = el_options_json(&options);
        el_options_close(&options);
    }
    json_decref(given);
    return all;
}

/* What a record was asked, as it would be said now: what earlier versions and their plans left to the preset is there where
 * the preset says the same.  A recipe and a folder to start from have a say in it, too. */
static json_t *asked_before(const json_t *record, const json_t *asked)
{
    static const char *const KEYS[] = {"model_size", "objective", "mask_prob", "embeddings",
                                       "generator_layers"};
    json_t *const before = json_copy(json_object_get(record, "asked"));
    const bool alone = !json_object_get(before, "recipe") && !json_object_get(before, "init_from");
    json_t *all = NULL;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS && (alone || i == 0); i++) {
        json_t *const value = json_object_get(asked, KEYS[i]);
        if (!value || json_object_get(before, KEYS[i]))
            continue;
        all = all ? all : of_preset(json_object_get(before, "model_size"));
        if (is_same(value, json_object_get(all, KEYS[i])))
            json_object_set(before, KEYS[i], value);
    }
    json_decref(all);
    return before;
}

/* Whether a record's hash is another than this one; where either is not known it is not. */
static bool is_of_other(const json_t *record, const char *key, uint64_t hash)
{
    char text[17];
    const char *const recorded = json_string_value(json_object_get(record, key));
    el_hash_text(hash, text);
    return hash && recorded && strcmp(recorded, text) != 0;
}

/* Losses on held-out shards are not those of training: rates are chosen by one of them, and shown beside each other. */
static el_status check_heldout(const el_study *study, const el_job *job, const json_t *record)
{
    const el_plan *const p = &study->plan;
    const json_t *const recorded =
        json_object_get(record, "heldout_hash"); /* earlier versions: none; null: none held out */
    if (!p->eval_data && json_is_string(recorded) && !study->settings->dry_run)
        return el_fail(EL_EUSAGE,
                       "%s in results.jsonl was evaluated on held-out shards: --eval-data is missing",
                       job->name);
    if (p->eval_data && json_is_null(recorded))
        return el_fail(EL_EUSAGE, "%s: %s in results.jsonl was made without held-out shards", p->eval_data,
                       job->name);
    if (is_of_other(record, "heldout_hash", study->heldout_hash))
        return el_fail(EL_EUSAGE, "%s: %s in results.jsonl was evaluated on other held-out shards",
                       p->eval_data, job->name);
    return EL_OK;
}

/* Whether a record is of the data that are there now. */
static el_status check_data(const el_study *study, const el_job *job, const json_t *record)
{
    const el_plan *const p = &study->plan;
    if (is_of_other(record, "data_hash", study->data_hash))
        return el_fail(EL_EUSAGE, "%s: %s in results.jsonl was made of other shards", p->data, job->name);
    const el_status st = check_heldout(study, job, record);
    if (st || job->task < 0 || !is_of_other(record, "task_hash", study->task_hashes[job->task]))
        return st;
    return el_fail(EL_EUSAGE,
                   "%s/results.jsonl: %s was made with other files of the task %s; another --output, or "
                   "--overwrite",
                   study->settings->output, job->name, p->tasks[job->task].name);
}

/* Whether a record is of what is asked now. */
static el_status check_record(const el_study *study, const el_job *job, const json_t *record)
{
    json_t *const asked = el_compare_asked(study, job), *const before = asked_before(record, asked);
    if (job->task < 0 && study->plan.rate_count && !job->tuning) { /* its rate is chosen later */
        json_object_del(asked, "learning_rate");
        json_object_del(before, "learning_rate");
    }
    const char *other = difference(asked, before);
    if (!other)
        other = difference(before, asked);
    el_status st = EL_OK;
    if (other)
        st = el_fail(EL_EUSAGE,
                     "%s/results.jsonl: %s was made with another %s; another --output, or --overwrite",
                     study->settings->output, job->name, other);
    json_decref(before);
    json_decref(asked);
    return st ? st : check_data(study, job, record);
}

/* Of equal names the first counts; names that the plan does not have are left alone. */
static el_status take(el_study *study, json_t *record)
{
    el_job *const job = job_named(study, json_string_value(json_object_get(record, "job")));
    const el_status st = job && !job->record ? check_record(study, job, record) : EL_OK;
    if (st || !job || job->record)
        return st;
    job->record = json_incref(record);
    job->state = EL_JOB_DONE;
    job->before = 1;
    if (study->plan.rate_count && job->task < 0 && job->rate == 0) /* it was chosen */
        job->rate = json_number_value(json_object_get(record, "rate"));
    return EL_OK;
}

static char *results_path(const el_study *study)
{
    return el_path_join(study->settings->output, "results.jsonl");
}

/* Whether a job's name is that of one of this system and size, which have no dots. */
static bool is_of_kind(const el_plan *plan, int system, int size, const char *job)
{
    char beginning[100];
    const int length =
        snprintf(beginning, sizeof beginning, "%s.%s.", plan->systems[system].name, plan->sizes[size].name);
    return job && strncmp(job, beginning, (size_t)length) == 0;
}

/* The first is no branch, whose FLOPs are its trunk's, too: that lies before it. */
double el_compare_recorded_cost(const el_study *study, int system, int size)
{
    char *const path = el_compare_goes_on(study) ? results_path(study) : NULL;
    json_t *records = NULL, *record;
    size_t i;
    double cost = NAN;
    if (path && el_file_exists(path))
        el_metrics_load(&records, path); /* else the recall says why */
    json_array_foreach(records, i, record) {
        const double tokens = el_json_figure(record, "tokens"); /* of a pre-training alone */
        if (!isfinite(cost) && tokens > 0 &&
            is_of_kind(&study->plan, system, size, json_string_value(json_object_get(record, "job"))))
            cost = el_json_figure(json_object_get(record, "flops"), "products") / tokens;
    }
    json_decref(records);
    free(path);
    return isfinite(cost) ? cost : 0;
}

/* Of a job that another rank of an earlier start has done. */
static el_status take_left(el_study *study, el_job *job)
{
    json_t *record = NULL;
    el_status st = job->record ? EL_OK : el_compare_find_record(study, job, &record);
    if (!st && record)
        st = take(study, record);
    job->left = !st && record;
    json_decref(record);
    return st;
}

el_status el_compare_recall(el_study *study)
{
    char *const path = results_path(study);
    json_t *records = NULL, *record;
    size_t i;
    el_status st = path ? EL_OK : el_no_memory(NULL);
    if (!st && el_file_exists(path))
        st = el_metrics_load(&records, path);
    json_array_foreach(records, i, record)
        if (!st)
            st = take(study, record);
    study->recorded = (int64_t)json_array_size(records);
    for (int j = 0; !st && j < study->count; j++)
        st = take_left(study, &study->jobs[j]);
    for (int j = 0; !st && j < study->count; j++) {
        el_job *taker;
        st = el_compare_take_same(study, &study->jobs[j], &taker);
        if (taker)
            taker->left = true;
    }
    json_decref(records);
    free(path);
    return st;
}

el_status el_compare_begin_results(el_study *study)
{
    char *const path = results_path(study);
    el_status st = path ? el_metrics_open(&study->results, path, -1, &study->recorded) : el_no_memory(NULL);
    for (int i = 0; !st && i < study->count; i++)
        if (study->jobs[i].left)
            st = el_metrics_put(&study->results, study->jobs[i].record);
    if (!st)
        st = el_metrics_sync(&study->results);
    free(path);
    return st ? st : el_compare_begin_ranks(study);
}

/* ---- figures ---- */

double el_record_score(const json_t *record)
{
    return 100 * el_json_figure(record, "score");
}

/* NAN where nothing was held out. */
static double heldout_loss(const json_t *record)
{
    const json_t *const curve = json_object_get(record, "curve");
    return el_json_figure(json_array_get(curve, json_array_size(curve) - 1), "loss");
}

double el_record_loss(const json_t *record)
{
    const double loss = heldout_loss(record);
    return isfinite(loss) ? loss : el_json_figure(record, "training_loss");
}

const char *el_record_loss_of(const json_t *record)
{
    return isfinite(heldout_loss(record)) ? "held out" : "training";
}

bool el_record_diverged(const json_t *record)
{
    return json_object_get(record, "diverged");
}

double el_compare_task_mean(const el_study *study, const el_job *pretraining)
{
    const int number_of = (int)(pretraining - study->jobs);
    double sum = 0;
    int count = 0;
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        if (job->task < 0 || job->needs != number_of || !study->plan.tasks[job->task].in_mean)
            continue;
        sum += job->record ? el_record_score(job->record) : NAN;
        count++;
    }
    return count ? sum / count : NAN;
}
