/* work - a study's workers: each does one job at a time, and what it found is put where it belongs */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/helper.h"
#include "base/log.h"
#include "engine/compare/parts.h"

typedef struct {
    el_study *study;
    el_job *job;  /* NULL: idle; where only its model is made again it has its record meanwhile */
    json_t *made; /* its record, the helper's until it has been waited for */
    el_folder_lock lock;
    el_helper *helper;
} worker;

static el_status work(void *context)
{
    worker *const w = context;
    return el_compare_job(&w->made, w->study, w->job);
}

/* Of all jobs by their FLOPs; those whose cost is not known count as a twentieth of their pre-training. */
static double weight(const el_study *study, const el_job *job)
{
    const el_job *const needed = el_compare_needed(study, job);
    return job->flops > 0 ? job->flops : needed ? needed->flops / 20 : 1;
}

static void tell(const el_study *study, const el_job *ended)
{
    if (!study->watch.on_progress)
        return;
    el_study_progress p = {.jobs = study->count, .ended = ended};
    double all = 0, done = 0, before = 0;
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        const double w = weight(study, job);
        all += w;
        before += w * job->before;
        done += job->state == EL_JOB_DONE ? w : w * job->fraction;
        p.done += job->state == EL_JOB_DONE;
        p.running += job->state == EL_JOB_RUNNING;
        if (job->state == EL_JOB_RUNNING && !p.at_work)
            p.at_work = job;
    }
    p.fraction = all > 0 ? done / all : 1;
    p.before = all > 0 ? before / all : 1;
    study->watch.on_progress(study->watch.context, &p);
}

static void begin(worker *w, el_job *job)
{
    w->job = job;
    job->state = EL_JOB_RUNNING;
    el_helper_start(w->helper, work, w);
}

static bool leads(const el_study *study)
{
    return el_dist_leads(study->settings->dist);
}

static el_status put_result(el_study *study, const el_job *job)
{
    if (!leads(study))
        return EL_OK;
    const el_status st = el_metrics_put(&study->results, job->record);
    return st ? st : el_metrics_sync(&study->results);
}

/* A model that was made again is that of the record, or its fine-tunings are of two models. */
static void warn_if_other(const json_t *record, const json_t *before)
{
    const double now = el_record_loss(record), then = el_record_loss(before);
    if (isfinite(now) && isfinite(then) && now != then)
        el_log(EL_LOG_WARNING,
               "%s: made again it ends with a loss of %.6g, and had %.6g on record: another program or "
               "processor",
               json_string_value(json_object_get(before, "job")), now, then);
}

/* What could not be recorded is not done: its run stays, and what it needs too. */
static el_status keep_record(el_study *study, worker *w, el_job *job)
{
    const bool known = job->record;
    if (known && el_record_diverged(w->made))
        return el_fail(EL_EFAILED,
                       "%s: made again it diverged, and has a model on record: another program or processor; "
                       "another --output, or --overwrite",
                       job->name);
    if (known)
        warn_if_other(w->made, job->record);
    else
        job->record = json_incref(w->made);
    el_status st = known ? EL_OK : put_result(study, job);
    if (!st)
        st = el_compare_publish(study, job, &w->lock);
    if (st && !known) {
        json_decref(job->record);
        job->record = NULL;
    }
    return st;
}

/* The jobs that would do this one over again are done with it. */
static el_status share(el_study *study, const el_job *job)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < study->count; i++) {
        el_job *taker = NULL;
        if (study->jobs[i].same_as == (int)(job - study->jobs))
            st = el_compare_take_same(study, &study->jobs[i], &taker);
        if (!st && taker)
            st = put_result(study, taker);
        if (!st && taker && leads(study))
            st = el_compare_tidy(study, taker);
    }
    return st;
}

/* What follows from a job that is done. */
static el_status follow_up(el_study *study, el_job *job)
{
    el_status st = share(study, job);
    el_compare_pass_over(study);
    if (!st && leads(study))
        st = el_compare_tidy(study, job);
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

/* Rank 0, whose workers may all be at work for long: takes what the others have done since it last looked. */
static el_status look_around(el_study *study, double *looked)
{
    el_dist *const dist = study->settings->dist;
    const double now = el_now();
    el_status st = EL_OK;
    if (el_dist_size(dist) == 1 || !leads(study) || now - *looked < 1)
        return EL_OK;
    *looked = now;
    for (int i = 0; !st && i < study->count; i++) {
        el_job *const job = &study->jobs[i];
        const bool known = job->record;
        bool found = false;
        if (el_compare_can_begin(study, job))
            st = el_compare_take_record(study, job, &found);
        if (found)
            st = take_found(study, job, known);
    }
    return st;
}

/* A job that can begin now and is this process's, or NULL. */
static el_job *next_ready(el_study *study, el_folder_lock *lock, el_status *st)
{
    for (int i = 0; !*st && i < study->count; i++) {
        el_job *const job = &study->jobs[i];
        if (!el_compare_can_begin(study, job))
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

/* Takes what a worker has done. */
static el_status collect(worker *w)
{
    el_study *const study = w->study;
    el_job *const job = w->job;
    el_status st = el_helper_wait(w->helper);
    w->job = NULL;
    if (!st)
        st = keep_record(study, w, job);
    json_decref(w->made);
    job->state = st ? EL_JOB_WAITING : EL_JOB_DONE;
    if (!st)
        return follow_up(study, job);
    el_folder_lock_release(&w->lock);
    return st;
}

/* The first failure ends the study: the others save and stop.  One of them that cannot is told instead of a stop. */
static void note(el_study *study, el_outcome *end, el_status st)
{
    if (!el_outcome_join(end, st))
        return;
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

/* Whether other ranks may have jobs at work. */
static bool others_work(const el_study *study)
{
    return el_dist_size(study->settings->dist) > 1 && !study->halt && el_compare_done(study) < study->count;
}

static void dispatch(el_study *study, worker *workers, el_outcome *end)
{
    double looked = el_now();
    for (int busy = 1; busy || others_work(study);) {
        busy = 0;
        note(study, end, look_around(study, &looked));
        if ((study->watch.stop && *study->watch.stop) || el_compare_has_failed(study))
            study->halt = 1;
        for (int i = 0; i < study->at_a_time; i++) {
            worker *const w = &workers[i];
            if (w->job && el_helper_done(w->helper))
                note(study, end, collect(w));
            el_status st = EL_OK;
            el_job *const job = w->job || study->halt ? NULL : next_ready(study, &w->lock, &st);
            note(study, end, st);
            if (job)
                begin(w, job);
            busy += w->job != NULL;
        }
        tell(study, NULL);
        if (busy || others_work(study))
            rest(study);
    }
}

el_status el_compare_work_off(el_study *study)
{
    worker *const workers = calloc((size_t)study->at_a_time, sizeof *workers);
    el_outcome end = {0};
    el_status st = workers ? EL_OK : el_no_memory(NULL);
    if (!st && leads(study))
        st = el_compare_tidy_up(study);
    for (int i = 0; !st && i < study->at_a_time; i++) {
        workers[i].study = study;
        st = el_helper_open(&workers[i].helper);
    }
    if (!st)
        dispatch(study, workers, &end);
    for (int i = 0; workers && i < study->at_a_time; i++)
        el_helper_close(workers[i].helper);
    free(workers);
    if (st) {
        el_compare_tell_failure(study);
        return st;
    }
    const int done = el_compare_done(study);
    if (end.status && end.status != EL_ESTOPPED)
        return el_outcome_repeat(&end);
    return done == study->count
               ? EL_OK
               : el_fail(EL_ESTOPPED, "stopped and saved with %d of %d jobs done; run again to go on", done,
                         study->count);
}
