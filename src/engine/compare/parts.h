/* parts - what the files of a study share */
#ifndef EL_ENGINE_COMPARE_PARTS_H
#define EL_ENGINE_COMPARE_PARTS_H

#include "base/path.h"
#include "engine/compare/compare.h"
#include "engine/finetune/settings.h"
#include "engine/score.h"
#include "task/task.h"

/* The job whose model this one begins with; NULL: there is none. */
static inline el_job *el_compare_needed(const el_study *study, const el_job *job)
{
    return job->needs < 0 ? NULL : &study->jobs[job->needs];
}

static inline const el_cost *el_compare_cost_at(const el_study *study, int system, int size)
{
    return &study->costs[system * study->plan.size_count + size];
}

/* Finds the plan (compare.h), with what the settings say in its place, and without tasks that are not there. */
el_status el_compare_plan(el_study *study, const char *plan);

/* EL_EUSAGE where a setting is the study's own, or where one of a task is none. */
el_status el_compare_check(const el_plan *plan);
/* A pre-training's settings, derived: the course of branches, and what shards that are known have to be. */
el_status el_compare_check_pretraining(const el_study *study, int system,
                                       const el_pretrain_settings *settings);
/* What a step takes of a run's length: FLOPs, or 1 where lengths are steps. */
double el_compare_step(const el_study *study, int system, int size);
/* Puts the shape of a generator that is not trained into *frozen and into the settings, where they have one. */
el_status el_compare_find_frozen(const el_study *study, int system, el_pretrain_settings *settings,
                                 el_config *frozen);
/* A model of these networks can say the score that each task of minimal pairs asks for. */
el_status el_compare_check_pairs(const el_study *study, int system, const el_model_plan *plan);
/* A hash of all settings of a pre-training, derived; 0: no memory for it. */
uint64_t el_compare_settings_hash(const el_options *options);
/* No two systems are one: have the same settings in every size. */
el_status el_compare_check_systems(const el_study *study);
/* Steps of the longest and of the shortest run of a kind are numbers that a pre-training takes. */
el_status el_compare_check_steps(const el_study *study, int system, int size);
/* Every part of a trunk, and every branch from one, has a step. */
el_status el_compare_check_lengths(const el_study *study);
/* A name is a folder, and a key of results.jsonl: near numbers may have one. */
el_status el_compare_check_names(const el_study *study);
/* Of the plan's runs, which are its lengths' shares (share `run % share_count` of length `run / share_count`), the first of
 * another length that is as long as this one, and so the same training; -1: there is none. */
int el_compare_equal_run(const el_plan *plan, int run);
/* A note where a share of one length is as long as a share of another. */
void el_compare_say_equal_runs(const el_plan *plan);
/* EL_EDATA or EL_EUSAGE where a task is still to be done and the first rows of its files cannot be learned from, or its file of
 * minimal pairs is none.  A dry run allows that files are not there. */
el_status el_compare_check_files(const el_study *study);

/* EL_EDATA where a pre-training is still to be done and the folder that its weights come from is gone. */
el_status el_compare_check_folders(const el_study *study);

/* Fills study->jobs by the plan, in the order in which they are begun where they can be. */
el_status el_compare_list(el_study *study);

/* Whether a job waits for nothing any more. */
bool el_compare_can_begin(const el_study *study, el_job *job);
/* What needs a training that diverged, or was passed over itself, is done with it, and has no record. */
void el_compare_pass_over(el_study *study);
/* Of a job and the one that it is the same as: where one alone has a record, the other is done with that, under its own
 * name.  *taker: the one that has got it; NULL: neither. */
el_status el_compare_take_same(const el_study *study, el_job *job, el_job **taker);
/* Done on record, but its model was removed or lies elsewhere, and is needed: it is made again, and its record stays. */
void el_compare_reopen(el_study *study);
/* One row has one rate.  EL_EUSAGE where a run on record has one that the grid lacks, or another than its fellow; where the tries
 * speak for another rate now, a warning says that the one on record stays. */
el_status el_compare_check_rates(const el_study *study);
/* Removes folders that nothing needs any more: the job's own, and those of the trainings before it. */
el_status el_compare_tidy(const el_study *study, const el_job *job);
/* Removes those that a start left which was killed between a record and its tidying, and none that a start kept. */
el_status el_compare_tidy_up(const el_study *study);
/* How many jobs are done. */
int el_compare_done(const el_study *study);

/* Does what can be done, some jobs at a time, until all are or one fails.  EL_ESTOPPED: stopped, after saving. */
el_status el_compare_work_off(el_study *study);

/* On any thread: does a job.  *made is its record; the caller puts it into the job, because the report reads the jobs'
 * records meanwhile.  Where it fails *made is NULL or a part of a record.  EL_ESTOPPED: stopped by study->halt, after saving. */
el_status el_compare_job(json_t **made, el_study *study, el_job *job);

/* By which score a task of minimal pairs is asked, and in which precision; EL_EUSAGE where its settings are no such. */
el_status el_compare_pairs_settings(const el_plan_task *task, el_score_kind *kind, el_precision *precision);

/* Takes the hashes of held-out shards and of the tasks' files, so far as these are there. */
el_status el_compare_hash(el_study *study);
/* A hash for a record: 16 digits, or null where it is not known (new reference). */
json_t *el_compare_hash_json(uint64_t hash);

/* Whether what an earlier start left counts. */
static inline bool el_compare_goes_on(const el_study *study)
{
    return study->run.folder && !study->settings->overwrite;
}
/* Takes what results.jsonl holds of the jobs, and what ranks of an earlier start left beside it.  EL_EUSAGE where it is of
 * something else than what is asked. */
el_status el_compare_recall(el_study *study);
/* FLOPs of a token by the first pre-training of this system and size in results.jsonl; 0: there is none, or it does not count. */
double el_compare_recorded_cost(const el_study *study, int system, int size);
/* Rank 0: opens results.jsonl for more, puts there what was left beside it, and begins STUDY/jobs anew. */
el_status el_compare_begin_results(el_study *study);

/* Whether the job is now this process's to do; alone it always is.  Not, where another rank is at it, or has done it: then its
 * record is taken. */
el_status el_compare_claim(const el_study *study, el_job *job, el_folder_lock *lock, bool *claimed);
/* Takes the record that another rank has made of a job meanwhile; *found tells whether there is one. */
el_status el_compare_take_record(const el_study *study, el_job *job, bool *found);
/* Its record is there for the other ranks, and the lock is given back. */
el_status el_compare_publish(const el_study *study, const el_job *job, el_folder_lock *lock);
/* Tells the other ranks that one has failed, and asks. */
void el_compare_tell_failure(const el_study *study);
bool el_compare_has_failed(const el_study *study);
/* The record that a rank left of a job, or NULL (new reference). */
el_status el_compare_find_record(const el_study *study, const el_job *job, json_t **record);
/* Rank 0: STUDY/jobs is empty, and there only where there are other ranks; at the end it is gone. */
el_status el_compare_begin_ranks(const el_study *study);
el_status el_compare_await_ranks(const el_study *study); /* all: each has seen that all are well */
el_status el_compare_end_ranks(const el_study *study);

/* What is asked of a job, without paths: two records of a job are of one where these are equal (new reference). */
json_t *el_compare_asked(const el_study *study, const el_job *job);

/* The same as it is told to the engine: the folder of tasks stands where {tasks} did (new reference). */
json_t *el_compare_told(const el_study *study, const el_job *job);
/* What every fine-tuning of a task is told, its seed apart (new reference). */
json_t *el_compare_task_told(const el_study *study, int task);

/* The folder of a job's run.  Parts of one trunk lie in one. */
el_path el_compare_folder(const el_study *study, const el_job *job);
bool el_compare_share_folder(const el_job *a, const el_job *b);

/* The task's folder with its files, or its file of pairs, on the heap: where the plan says, else below the folder of tasks.
 * NULL where its settings name a train_file, which stands in its place. */
char *el_compare_task_data(const el_study *study, int task);
/* The files of its splits, of that folder or as the settings name them (task.h); of minimal pairs `dev` alone. */
el_status el_compare_task_files(const el_study *study, int task, el_task_files *files);
/* Whether there is something to train on, or a file of pairs.  Of files that the settings name this is not asked. */
bool el_compare_has_files(const el_study *study, int task);

/* The settings of a pre-training by JSON, as flags would have them; closed by el_options_close. */
el_status el_compare_pretrain_settings(el_pretrain_settings *settings, el_options *options,
                                       const json_t *given);
/* The same of a fine-tuning; `where` is what sentences call what was given. */
el_status el_compare_finetune_settings(el_finetune_settings *settings, el_options *options,
                                       const json_t *given, const char *where);

/* Of a record: NAN where it has none. */
double el_record_score(const json_t *record); /* of a fine-tuning, in points */
double
el_record_loss(const json_t *record); /* of a pre-training, the last on held-out shards, else in training */
const char *el_record_loss_of(const json_t *record); /* "held out" or "training", by which of them that is */
bool el_record_diverged(const json_t *record);

/* Mean of the scores in the mean of this pre-training's fine-tunings; NAN where one is missing. */
double el_compare_task_mean(const el_study *study, const el_job *pretraining);

/* Writes report.json and report.html. */
el_status el_compare_report(const el_study *study);

#endif
