/* ready - what a study's jobs wait for: which can begin, and whose model nothing needs any more */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "engine/compare/parts.h"
#include "train/checkpoint.h"

static bool is_of_group(const el_job *job, const el_job *of)
{
    return job->system == of->system && job->size == of->size;
}

/* That of another run, which may be on record: with a task more another one might be chosen now.  0: there is none. */
static double chosen_rate(const el_study *study, const el_job *of)
{
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        if (job->task < 0 && !job->tuning && job->rate > 0 && is_of_group(job, of))
            return job->rate;
    }
    return 0;
}

/* By the plan's rule, the best of the rates that were tried; the lower of equals, and the lowest where *none has anything to
 * choose by.  0: not all are done. */
static double choose_rate(const el_study *study, const el_job *of, bool *none)
{
    double best = -INFINITY, rate = 0, lowest = 0;
    *none = false;
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
    *none = rate == 0;
    return *none ? lowest : rate;
}

static bool is_same_rate(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

static bool is_in_grid(const el_plan *plan, double rate)
{
    for (int i = 0; i < plan->rate_count; i++)
        if (is_same_rate(rate, plan->rates[i]))
            return true;
    return false;
}

static bool has_run(const el_job *job)
{
    return job->task < 0 && !job->tuning && job->record;
}

/* The first run on record of the same system and size: the job itself, if there is none before it. */
static const el_job *first_run(const el_study *study, const el_job *of)
{
    for (int i = 0; i < study->count; i++)
        if (has_run(&study->jobs[i]) && is_of_group(&study->jobs[i], of))
            return &study->jobs[i];
    return of;
}

static el_status check_rate(const el_study *study, const el_job *job)
{
    const el_job *const first = first_run(study, job);
    const double rate = el_json_figure(job->record, "rate"), other = el_json_figure(first->record, "rate");
    if (!is_in_grid(&study->plan, rate))
        return el_fail(EL_EUSAGE,
                       "%s/results.jsonl: %s was made at the rate %g, which the plan's grid lacks; another "
                       "--output, or --overwrite",
                       study->settings->output, job->name, rate);
    if (!is_same_rate(rate, other))
        return el_fail(EL_EUSAGE,
                       "%s/results.jsonl: %s was made at the rate %g, and %s at %g; another --output, or "
                       "--overwrite",
                       study->settings->output, job->name, rate, first->name, other);
    bool none;
    const double chosen = job == first ? choose_rate(study, job, &none) : 0;
    if (chosen > 0 && !none && !is_same_rate(rate, chosen))
        el_log(EL_LOG_WARNING,
               "%s was made at the rate %g, which stays; by the rates that were tried it is %g now",
               job->name, rate, chosen);
    return EL_OK;
}

el_status el_compare_check_rates(const el_study *study)
{
    el_status st = EL_OK;
    for (int i = 0; !st && study->plan.rate_count && i < study->count; i++)
        if (has_run(&study->jobs[i]))
            st = check_rate(study, &study->jobs[i]);
    return st;
}

/* Of a trunk the checkpoint that its branch begins with. */
static bool has_checkpoint(const char *folder, const el_job *job)
{
    return el_folder_exists(el_checkpoint_path(folder, job->steps).text);
}

/* The model that the job ended with: one that is made again may have been stopped on the way. */
static bool has_model(const el_study *study, const el_job *job)
{
    const el_path folder = el_compare_folder(study, job);
    json_t *run = NULL;
    bool there = el_run_read(&run, folder.text) == EL_OK && run;
    if (there)
        there = job->trunk ? has_checkpoint(folder.text, job)
                           : json_equal(json_object_get(run, "exported_step"),
                                        json_object_get(job->record, "steps"));
    json_decref(run);
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

void el_compare_reopen(el_study *study)
{
    for (int i = study->count - 1; i >= 0; i--) {
        el_job *const job = &study->jobs[i];
        if (job->task < 0 && job->same_as < 0 && job->state == EL_JOB_DONE &&
            !el_record_diverged(job->record) && is_needed(study, job) && !has_model(study, job)) {
            job->state = EL_JOB_WAITING;
            job->before = 0;
        }
    }
}

el_status el_compare_take_same(const el_study *study, el_job *job, el_job **taker)
{
    el_job *const same = job->same_as < 0 ? NULL : &study->jobs[job->same_as];
    *taker = NULL;
    if (!same || !job->record == !same->record)
        return EL_OK;
    el_job *const to = job->record ? same : job;
    const el_job *const from = job->record ? job : same;
    to->rate = from->rate;
    to->record = json_copy(from->record);
    if (!to->record)
        return el_no_memory(NULL);
    json_object_set_new(to->record, "job", json_string(to->name));
    json_object_set_new(to->record, "asked", el_compare_asked(study, to));
    json_object_set_new(to->record, "same_as", json_string(from->name));
    to->state = EL_JOB_DONE;
    *taker = to;
    return EL_OK;
}

void el_compare_pass_over(el_study *study)
{
    for (int i = 0; i < study->count; i++) {
        const el_job *const needed = el_compare_needed(study, &study->jobs[i]);
        if (needed && needed->state == EL_JOB_DONE &&
            (!needed->record || el_record_diverged(needed->record))) {
            study->jobs[i].state = EL_JOB_DONE;
            study->jobs[i].before = 1; /* it takes no time now */
        }
    }
}

/* Its peak rate is chosen as soon as those to be tried were. */
bool el_compare_can_begin(const el_study *study, el_job *job)
{
    const el_job *const needed = el_compare_needed(study, job);
    bool none = false;
    if (job->state != EL_JOB_WAITING || job->same_as >= 0 || (needed && needed->state != EL_JOB_DONE))
        return false;
    if (job->task >= 0 || study->plan.rate_count == 0)
        return true;
    if (job->rate == 0)
        job->rate = chosen_rate(study, job);
    if (job->rate == 0)
        job->rate = choose_rate(study, job, &none);
    if (none && job->rate > 0)
        el_log(EL_LOG_WARNING,
               "%s, %s: no rate of the grid gave a model with a %s to choose by; the lowest, %g, is taken",
               study->plan.systems[job->system].name, study->plan.sizes[job->size].name,
               study->plan.rate_rule == EL_RATE_BY_LOSS ? "loss" : "score", job->rate);
    return job->rate > 0;
}

bool el_compare_share_folder(const el_job *a, const el_job *b)
{
    return a == b ||
           (a->trunk && b->trunk && is_of_group(a, b) && a->length == b->length && a->seed == b->seed);
}

static bool is_folder_needed(const el_study *study, const el_job *job)
{
    for (int i = 0; i < study->count; i++)
        if (el_compare_share_folder(&study->jobs[i], job) &&
            (study->jobs[i].state != EL_JOB_DONE || is_needed(study, &study->jobs[i])))
            return true;
    return false;
}

static bool may_go(const el_study *study, const el_job *job)
{
    return !study->settings->keep_models && !is_folder_needed(study, job);
}

el_status el_compare_tidy(const el_study *study, const el_job *job)
{
    el_status st = EL_OK;
    for (; !st && job && may_go(study, job); job = el_compare_needed(study, job))
        st = el_folder_remove(el_compare_folder(study, job).text);
    return st;
}

/* A record says whether its start kept models; those of older versions do not, and theirs are left alone. */
static bool may_be_kept(const el_study *study, const el_job *job)
{
    for (int i = 0; i < study->count; i++)
        if (el_compare_share_folder(&study->jobs[i], job) &&
            !json_is_false(json_object_get(study->jobs[i].record, "kept")))
            return true;
    return false;
}

el_status el_compare_tidy_up(const el_study *study)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < study->count; i++)
        if (may_go(study, &study->jobs[i]) && !may_be_kept(study, &study->jobs[i]))
            st = el_folder_remove(el_compare_folder(study, &study->jobs[i]).text);
    return st;
}

int el_compare_done(const el_study *study)
{
    int done = 0;
    for (int i = 0; i < study->count; i++)
        done += study->jobs[i].state == EL_JOB_DONE;
    return done;
}
