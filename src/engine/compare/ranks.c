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
#include <stdlib.h>

#include "base/file.h"
#include "engine/compare/parts.h"
#include "engine/shared_folder.h"

static const char JOBS[] = "jobs", RECORD[] = "record.json";

/* STUDY/jobs/<one>/<two>, or less of it; on the heap, or NULL. */
static char *path_of(const el_study *study, const char *one, const char *two)
{
    char *path = el_path_join(study->settings->output, JOBS);
    const char *const names[] = {one, two};
    for (int i = 0; path && i < 2 && names[i]; i++) {
        char *const longer = el_path_join(path, names[i]);
        free(path);
        path = longer;
    }
    return path;
}

static bool is_shared(const el_study *study)
{
    return el_dist_size(study->settings->dist) > 1;
}

el_status el_compare_find_record(const el_study *study, const el_job *job, json_t **record)
{
    char *const path = path_of(study, job->name, RECORD);
    *record = NULL;
    const el_status st = !path                  ? el_no_memory(NULL)
                         : el_file_exists(path) ? el_json_load(record, path)
                                                : EL_OK;
    free(path);
    return st;
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
    char *const folder = path_of(study, job->name, NULL);
    el_status st = el_compare_take_record(study, job, &found);
    if (!st && !found)
        st = folder ? el_folder_make(folder) : el_no_memory(NULL);
    if (!st && !found)
        st = el_folder_lock_take(lock, folder, &busy);
    if (!st && !found && !busy)
        st = el_compare_take_record(study, job, &found); /* it may just have been done */
    *claimed = !st && !found && !busy;
    if (!*claimed)
        el_folder_lock_release(lock);
    free(folder);
    return st;
}

el_status el_compare_publish(const el_study *study, const el_job *job, el_folder_lock *lock)
{
    if (!is_shared(study))
        return EL_OK;
    char *const path = path_of(study, job->name, RECORD);
    const el_status st = path ? el_json_save(job->record, path) : el_no_memory(NULL);
    el_folder_lock_release(lock);
    free(path);
    return st;
}

void el_compare_tell_failure(const el_study *study)
{
    char *const folder = is_shared(study) ? path_of(study, NULL, NULL) : NULL;
    if (folder)
        el_all_well_end(folder);
    free(folder);
}

bool el_compare_has_failed(const el_study *study)
{
    char *const folder = is_shared(study) ? path_of(study, NULL, NULL) : NULL;
    const bool failed = folder && el_all_well_ended(folder);
    free(folder);
    return failed;
}

el_status el_compare_end_ranks(const el_study *study)
{
    char *const folder = path_of(study, NULL, NULL);
    const el_status st = folder ? el_folder_remove(folder) : el_no_memory(NULL);
    free(folder);
    return st;
}

el_status el_compare_await_ranks(const el_study *study)
{
    char *const folder = path_of(study, NULL, NULL);
    const el_status st = folder ? el_all_well_await(study->settings->dist, folder)
                                : el_dist_agree(study->settings->dist, el_no_memory(NULL));
    free(folder);
    return st;
}

el_status el_compare_begin_ranks(const el_study *study)
{
    char *const folder = path_of(study, NULL, NULL);
    el_status st = folder ? el_compare_end_ranks(study) : el_no_memory(NULL);
    if (!st && is_shared(study))
        st = el_folder_make(folder);
    if (!st && is_shared(study))
        st = el_all_well_say(folder);
    free(folder);
    return st;
}
