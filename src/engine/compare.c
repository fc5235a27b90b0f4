/* compare - see the header */
#include "engine/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/helper.h"
#include "base/number.h"
#include "base/pool.h"
#include "engine/compare_parts.h"

static bool gives(const char *name)
{
    static const char *const NAMES[] = {"results.jsonl", "runs", "jobs", "report.html", "report.json"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return false;
}

static const el_run_kind RUN = {"compare", gives};

static el_status no_memory(void)
{
    return el_fail(EL_ENOMEM, "no memory for a study");
}

/* ---- data ---- */

/* Lengths and vocabulary of the shards; a dry run takes those of the paper where there are none. */
static el_status look_at_data(el_study *study)
{
    enum { PAPER_VOCABULARY = 30522 };
    el_loader *data;
    study->vocab_size = PAPER_VOCABULARY;
    if (!study->plan.data && study->settings->dry_run)
        return EL_OK;
    if (!study->plan.data)
        return el_fail(EL_EUSAGE, "--data: which shards? `electra prepare` makes them");
    const el_status st = el_loader_open(&data, study->plan.data);
    if (st)
        return st;
    study->vocab_size = el_loader_vocab(data)->size;
    study->mean_length = (double)el_loader_tokens(data) / fmax(1, (double)el_loader_examples(data));
    study->data_hash = el_loader_hash(data);
    el_loader_close(data);
    return EL_OK;
}

/* ---- what is ready ---- */

static bool is_of_group(const el_job *job, const el_job *of)
{
    return job->system == of->system && job->size == of->size;
}

/* By the plan's rule, the best of the rates that were tried; the lower of equals.  0: not all are done. */
static double choose_rate(const el_study *study, const el_job *of)
{
    double best = -INFINITY, rate = 0, lowest = 0;
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        if (!job->tuning || !is_of_group(job, of))
            continue;
        if (job->state != EL_JOB_DONE)
            return 0;
        if (job->task >= 0)
            continue;
        lowest = lowest > 0 ? fmin(lowest, job->rate) : job->rate;
        if (el_record_diverged(job->record))
            continue;
        const double value = study->plan.rate_rule == EL_RATE_BY_LOSS ? -el_record_loss(job->record)
                                                                      : el_compare_task_mean(study, job);
        if (value > best)
            best = value, rate = job->rate;
    }
    return rate > 0 ? rate : lowest;
}

static bool has_model(const el_study *study, const el_job *job)
{
    char *const folder = el_compare_folder(study, job);
    char *const record = folder ? el_path_join(folder, "run.json") : NULL;
    const bool there = record && el_file_exists(record);
    free(record);
    free(folder);
    return there;
}

/* Whether something that needs this job's model is still to be done. */
static bool is_needed(const el_study *study, const el_job *job)
{
    for (int i = 0; i < study->count; i++)
        if (study->jobs[i].needs == (int)(job - study->jobs) &&
            (study->jobs[i].state != EL_JOB_DONE || is_needed(study, &study->jobs[i])))
            return true;
    return false;
}

/* Done on record, but its model was removed or lies elsewhere, and is needed: it is made again. */
static void reopen(el_study *study)
{
    for (int i = study->count - 1; i >= 0; i--) {
        el_job *const job = &study->jobs[i];
        if (job->task < 0 && job->state == EL_JOB_DONE && !el_record_diverged(job->record) &&
            is_needed(study, job) && !has_model(study, job))
            job->state = EL_JOB_WAITING;
    }
}

/* What needs a training that diverged, or was passed over itself, is done with it, and has no record. */
static void pass_over(el_study *study)
{
    for (int i = 0; i < study->count; i++) {
        const el_job *const needed = study->jobs[i].needs < 0 ? NULL : &study->jobs[study->jobs[i].needs];
        if (needed && needed->state == EL_JOB_DONE && (!needed->record || el_record_diverged(needed->record)))
            study->jobs[i].state = EL_JOB_DONE;
    }
}

static el_status take_found(el_study *study, el_job *job, bool known);

/* A job that can begin now and is this process's, or NULL. */
static el_job *next_ready(el_study *study, el_folder_lock *lock, el_status *st)
{
    for (int i = 0; !*st && i < study->count; i++) {
        el_job *const job = &study->jobs[i];
        const el_job *const needed = job->needs < 0 ? NULL : &study->jobs[job->needs];
        if (job->state != EL_JOB_WAITING || (needed && needed->state != EL_JOB_DONE))
            continue;
        if (job->task < 0 && study->plan.rate_count && job->rate == 0)
            job->rate = choose_rate(study, job);
        if (job->task < 0 && study->plan.rate_count && job->rate == 0)
            continue;
        const bool known = job->record; /* its model is made again */
        bool claimed;
        *st = el_compare_claim(study, job, lock, &claimed);
        if (claimed)
            return job;
        if (!*st && job->state == EL_JOB_DONE)
            *st = take_found(study, job, known);
    }
    return NULL;
}

/* ---- what is left behind ---- */

/* Parts of one trunk lie in one folder. */
static bool shares_folder(const el_job *a, const el_job *b)
{
    return a == b ||
           (a->trunk && b->trunk && is_of_group(a, b) && a->length == b->length && a->seed == b->seed);
}

static bool is_folder_needed(const el_study *study, const el_job *job)
{
    for (int i = 0; i < study->count; i++)
        if (shares_folder(&study->jobs[i], job) &&
            (study->jobs[i].state != EL_JOB_DONE || is_needed(study, &study->jobs[i])))
            return true;
    return false;
}

/* Folders that nothing needs any more: the job's own, and those of the trainings before it. */
static el_status tidy(const el_study *study, const el_job *job)
{
    el_status st = EL_OK;
    while (!st && !study->settings->keep_models && !is_folder_needed(study, job)) {
        char *const folder = el_compare_folder(study, job);
        st = folder ? el_folder_remove(folder) : no_memory();
        free(folder);
        if (job->needs < 0)
            break;
        job = &study->jobs[job->needs];
    }
    return st;
}

/* ---- at work ---- */

typedef struct {
    el_study *study;
    el_job *job;    /* NULL: idle */
    json_t *before; /* its record, where only its model is made again */
    el_folder_lock lock;
    el_helper *helper;
} worker;

static el_status work(void *context)
{
    const worker *const w = context;
    return el_compare_job(w->study, w->job);
}

/* Of all jobs by their FLOPs; those whose cost is not known count as a twentieth of their pre-training. */
static double weight(const el_study *study, const el_job *job)
{
    return job->flops > 0 ? job->flops : job->needs < 0 ? 1 : study->jobs[job->needs].flops / 20;
}

static void tell(const el_study *study, const el_job *ended)
{
    if (!study->watch.on_progress)
        return;
    el_study_progress p = {.jobs = study->count, .ended = ended};
    double all = 0, done = 0;
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        const double w = weight(study, job);
        all += w;
        done += job->state == EL_JOB_DONE ? w : w * job->fraction;
        p.done += job->state == EL_JOB_DONE;
        p.running += job->state == EL_JOB_RUNNING;
        if (job->state == EL_JOB_RUNNING && !p.at_work)
            p.at_work = job;
    }
    p.fraction = all > 0 ? done / all : 1;
    study->watch.on_progress(study->watch.context, &p);
}

static void begin(worker *w, el_job *job)
{
    w->job = job;
    w->before = job->record;
    job->record = NULL;
    job->state = EL_JOB_RUNNING;
    el_helper_start(w->helper, work, w);
}

static bool leads(const el_study *study)
{
    return el_dist_leads(study->settings->dist);
}

static el_status put_result(el_study *study, const el_job *job)
{
    const el_status st = leads(study) ? el_metrics_put(&study->results, job->record) : EL_OK;
    return st || !leads(study) ? st : el_metrics_sync(&study->results);
}

static el_status keep_record(el_study *study, worker *w, el_job *job)
{
    el_status st = EL_OK;
    if (w->before) {
        json_decref(job->record);
        job->record = w->before;
    } else {
        st = put_result(study, job);
    }
    return st ? st : el_compare_publish(study, job, &w->lock);
}

/* What follows from a job that is done. */
static el_status follow_up(el_study *study, el_job *job)
{
    pass_over(study);
    el_status st = leads(study) ? tidy(study, job) : EL_OK;
    if (!st && leads(study))
        st = el_compare_report(study);
    tell(study, job);
    return st;
}

/* Another rank has done it. */
static el_status take_found(el_study *study, el_job *job, bool known)
{
    const el_status st = known ? EL_OK : put_result(study, job);
    return st ? st : follow_up(study, job);
}

/* Takes what a worker has done. */
static el_status collect(worker *w)
{
    el_study *const study = w->study;
    el_job *const job = w->job;
    el_status st = el_helper_wait(w->helper);
    w->job = NULL;
    if (st) {
        job->state = EL_JOB_WAITING;
        json_decref(w->before);
        el_folder_lock_release(&w->lock);
        return st;
    }
    job->state = EL_JOB_DONE;
    st = keep_record(study, w, job);
    const el_status followed = follow_up(study, job);
    return st ? st : followed;
}

/* What failed first, with its sentence. */
typedef struct {
    el_status status;
    char sentence[1024];
} failure;

/* The first failure ends the study: the others save and stop. */
static void note(el_study *study, failure *first, el_status st)
{
    if (!st || first->status)
        return;
    first->status = st;
    snprintf(first->sentence, sizeof first->sentence, "%s", el_error());
    study->halt = 1;
    if (st != EL_ESTOPPED)
        el_compare_tell_failure(study);
}

/* Files of other ranks are not looked for as often. */
static void rest(const el_study *study)
{
    const struct timespec moment = {.tv_nsec =
                                        el_dist_size(study->settings->dist) > 1 ? 100000000 : 10000000};
    nanosleep(&moment, NULL);
}

static int count_done(const el_study *study)
{
    int done = 0;
    for (int i = 0; i < study->count; i++)
        done += study->jobs[i].state == EL_JOB_DONE;
    return done;
}

/* Whether other ranks may have jobs at work. */
static bool others_work(const el_study *study)
{
    return el_dist_size(study->settings->dist) > 1 && !study->halt && count_done(study) < study->count;
}

static void dispatch(el_study *study, worker *workers, failure *first)
{
    for (int busy = 1; busy || others_work(study);) {
        busy = 0;
        if ((study->watch.stop && *study->watch.stop) || el_compare_has_failed(study))
            study->halt = 1;
        for (int i = 0; i < study->at_a_time; i++) {
            worker *const w = &workers[i];
            if (w->job && el_helper_done(w->helper))
                note(study, first, collect(w));
            el_status st = EL_OK;
            el_job *const job = w->job || study->halt ? NULL : next_ready(study, &w->lock, &st);
            note(study, first, st);
            if (job)
                begin(w, job);
            busy += w->job != NULL;
        }
        tell(study, NULL);
        if (busy || others_work(study))
            rest(study);
    }
}

static el_status work_off(el_study *study)
{
    worker *const workers = calloc((size_t)study->at_a_time, sizeof *workers);
    failure first = {0};
    el_status st = workers ? EL_OK : no_memory();
    for (int i = 0; !st && i < study->at_a_time; i++) {
        workers[i].study = study;
        st = el_helper_open(&workers[i].helper);
    }
    if (!st)
        dispatch(study, workers, &first);
    for (int i = 0; workers && i < study->at_a_time; i++)
        el_helper_close(workers[i].helper);
    free(workers);
    if (st)
        return st;
    const int done = count_done(study);
    if (first.status && first.status != EL_ESTOPPED)
        return el_fail(first.status, "%s", first.sentence);
    return done == study->count
               ? EL_OK
               : el_fail(EL_ESTOPPED, "stopped and saved with %d of %d jobs done; run again to go on", done,
                         study->count);
}

/* ---- the course of a study ---- */

/* So many trainings as processors and memory hold, and the threads of each. */
static void share_machine(el_study *study)
{
    const el_compare_settings *const s = study->settings;
    const int threads = s->threads ? (int)s->threads : el_rank_processors(s->dist);
    char text[4096];
    double most = 1, bytes = 0;
    el_file_begin("/proc/meminfo", text, sizeof text);
    const char *const line = strstr(text, "MemAvailable:");
    for (int i = 0; i < study->plan.system_count * study->plan.size_count; i++)
        bytes = fmax(bytes, study->costs[i].bytes);
    most =
        line
            ? 1024 *
                  el_number_read(line + strlen("MemAvailable:") + strspn(line + strlen("MemAvailable:"), " "),
                                 &(char *){NULL}) /
                  bytes
            : threads;
    const int wanted = s->jobs ? (int)s->jobs : (int)fmax(1, fmin(threads, most));
    study->at_a_time = wanted < study->count ? wanted : study->count;
    study->threads = threads / study->at_a_time < 1 ? 1 : threads / study->at_a_time;
}

/* Ranks that are to do jobs of one study have the same plan and shards. */
static el_status same_study(const el_study *study)
{
    el_dist *const dist = study->settings->dist;
    char hash[17], *const plan = el_json_text(study->plan.text, false);
    el_hash_text(study->data_hash, hash);
    el_status st = el_dist_agree(dist, plan ? EL_OK : el_fail(EL_ENOMEM, "no memory to compare the plan"));
    if (!st)
        st = el_dist_same(dist, "the version of electra", ELECTRA_VERSION);
    if (!st)
        st = el_dist_same(dist, "the plan", plan);
    if (!st)
        st = el_dist_same(dist, "--data: the content of the shards", hash);
    free(plan);
    return st;
}

static el_status open_all(el_study *study, const char *plan, const el_options *options)
{
    const el_compare_settings *const s = study->settings;
    el_status st = EL_OK;
    if (!s->dry_run && !s->output)
        return el_fail(EL_EUSAGE, "--output: which folder is the study to live in?");
    if (s->output && (!s->dry_run || el_folder_exists(s->output)))
        st = el_run_open_shared(&study->run, s->dist, &RUN, s->output, s->overwrite);
    if (!st)
        st = el_compare_plan(study, plan);
    if (!st)
        st = look_at_data(study);
    if (!st)
        st = el_compare_list(study);
    st = el_dist_agree(s->dist, st);
    if (!st)
        st = same_study(study);
    if (st)
        return st;
    share_machine(study);
    if (s->dry_run)
        return study->run.folder ? el_compare_recall(study) : EL_OK;
    json_t *const record = study->run.record;
    json_object_set_new(record, "version", json_string(ELECTRA_VERSION));
    json_object_set_new(record, "settings", el_options_json(options));
    json_object_set(record, "plan", study->plan.text);
    json_t *const machine = json_pack("{s:i, s:i}", "jobs", study->at_a_time, "threads", study->threads);
    st = el_run_segment_begin(&study->run, 0, machine, NULL);
    json_decref(machine);
    if (!st)
        st = el_compare_recall(study);
    if (!st)
        st = el_compare_gather(study, true);
    st = el_dist_agree(s->dist, st);
    if (!st && !leads(study))
        st = el_compare_recall(study);
    st = el_dist_agree(s->dist, st);
    if (!st) {
        pass_over(study);
        reopen(study);
    }
    return st;
}

el_status el_compare_open(el_study *study, const char *plan, el_options *options, const el_study_watch *watch)
{
    *study = (el_study){.settings = options->settings};
    if (watch)
        study->watch = *watch;
    const el_status st = open_all(study, plan, options);
    if (st)
        el_compare_close(study);
    return st;
}

el_status el_compare_run(el_study *study)
{
    el_dist *const dist = study->settings->dist;
    el_status st = work_off(study);
    if (dist)
        dist->most = 0; /* another rank's job may take hours */
    st = el_dist_agree(dist, st);
    if (!st && leads(study))
        st = el_compare_report(study);
    if (!st)
        st = el_compare_gather(study, false);
    return el_run_segment_end(&study->run, count_done(study), st);
}

void el_compare_close(el_study *study)
{
    el_metrics_close(&study->results);
    for (int i = 0; i < study->count; i++)
        json_decref(study->jobs[i].record);
    free(study->jobs);
    free(study->costs);
    free(study->left_out);
    el_plan_close(&study->plan);
    if (study->run.folder)
        el_run_close(&study->run);
    *study = (el_study){0};
}

el_study_cost el_compare_cost(const el_study *study)
{
    /* Of the measured peak; a step of a model that is not tiny reaches more, one of a tiny one and fine-tunings less. */
    static const double REACHED = 0.5;
    el_study_cost cost = {0};
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        if (job->state == EL_JOB_DONE)
            continue;
        cost.pretrainings += job->task < 0;
        const bool pairs = job->task >= 0 && el_plan_asks_pairs(&study->plan.tasks[job->task]);
        cost.pairs += pairs;
        cost.tunings += job->task >= 0 && !pairs;
        cost.unknown += job->flops == 0;
        cost.flops += job->flops;
    }
    el_machine machine = {.threads = study->settings->threads};
    el_queue *q;
    if (!el_machine_open(&machine, &q)) {
        cost.peak = q->peak(q, el_machine_type(&machine));
        el_queue_close(q);
    }
    cost.seconds = cost.peak > 0 ? cost.flops / (REACHED * cost.peak) : NAN;
    return cost;
}
