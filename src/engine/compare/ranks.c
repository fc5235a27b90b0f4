/* ranks - the jobs of a study given out to ranks
 *
 * Each rank takes the next job that can begin and that nobody has, and does it by itself: nothing is exchanged, so that it
 * does not matter how fast the network is, nor how many ranks there are.  All of them see the study's folder.  Who has a job
 * has the lock of the first of these, and what came of it is in the second:
 *
 *   STUDY/jobs/<job>/
 *   STUDY/jobs/<job>/record.json     its line of results.jsonl
 *   STUDY/jobs/all-well              gone when a rank has failed: the others save and stop
 *
 * Rank 0 puts the lines into results.jsonl as they appear, and those that an earlier start left when the next begins.  A job
 * whose rank died is taken up by the next start, from its last checkpoint.
 */

#include "base/file.h"
#include "engine/compare/parts.h"
#include "engine/shared_folder.h"

static const char JOBS[] = "jobs", RECORD[] = "record.json";

/* STUDY/jobs, and a job's folder in it. */
static el_path jobs_of(const el_study *study)
{
    return el_path_in(study->settings->output, JOBS);
}

static el_path folder_of(const el_study *study, const el_job *job)
{
    return el_path_in(jobs_of(study).text, job->name);
}

static bool is_shared(const el_study *study)
{
    return el_dist_size(study->settings->dist) > 1;
}

el_status el_compare_find_record(const el_study *study, const el_job *job, json_t **record)
{
    return el_json_load_in(record, folder_of(study, job).text, RECORD);
}

el_status el_compare_take_record(const el_study *study, el_job *job, bool *found)
{
    json_t *record;
    const el_status st = el_compare_find_record(study, job, &record);
    *found = !st && record;
    if (*found && !job->record)
        job->record = json_incref(record);
    if (*found)
        job->state = EL_JOB_DONE;
    json_decref(record);
    return st;
}

el_status el_compare_claim(const el_study *study, el_job *job, el_folder_lock *lock, bool *claimed)
{
    *claimed = !is_shared(study);
    if (*claimed)
        return EL_OK;
    bool found = false, busy = false;
    const el_path folder = folder_of(study, job);
    el_status st = el_compare_take_record(study, job, &found);
    if (!st && !found)
        st = el_folder_make(folder.text);
    if (!st && !found)
        st = el_folder_lock_take(lock, folder.text, &busy);
    if (!st && !found && !busy)
        st = el_compare_take_record(study, job, &found); /* it may just have been done */
    *claimed = !st && !found && !busy;
    if (!*claimed)
        el_folder_lock_release(lock);
    return st;
}

el_status el_compare_publish(const el_study *study, const el_job *job, el_folder_lock *lock)
{
    if (!is_shared(study))
        return EL_OK;
    const el_status st = el_json_save(job->record, el_path_in(folder_of(study, job).text, RECORD).text);
    el_folder_lock_release(lock);
    return st;
}

void el_compare_tell_failure(const el_study *study)
{
    if (is_shared(study))
        el_all_well_end(jobs_of(study).text);
}

bool el_compare_has_failed(const el_study *study)
{
    return is_shared(study) && el_all_well_ended(jobs_of(study).text);
}

el_status el_compare_end_ranks(const el_study *study)
{
    return el_folder_remove(jobs_of(study).text);
}

el_status el_compare_await_ranks(const el_study *study)
{
    return el_all_well_await(study->settings->dist, jobs_of(study).text);
}

el_status el_compare_begin_ranks(const el_study *study)
{
    const el_path folder = jobs_of(study);
    el_status st = el_compare_end_ranks(study);
    if (!st && is_shared(study))
        st = el_folder_make(folder.text);
    if (!st && is_shared(study))
        st = el_all_well_say(folder.text);
    return st;
}
