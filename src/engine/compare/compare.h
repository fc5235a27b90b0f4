/* compare - a study: every pre-training and fine-tuning that a plan asks for, at equal compute, and one report of them
 *
 *   STUDY/run.json        the plan with what was given in its place, settings, machine (train/run.h)
 *   STUDY/results.jsonl   an object for each job that is done, in the order in which they ended; with this file alone a study
 *                         goes on in another place
 *   STUDY/runs/<job>/     the run folders of jobs at work, and with --keep-models of all
 *   STUDY/report.html  STUDY/report.json      written anew after each job (report.h)
 *
 * Ranks of electra-mpi take jobs one by one (ranks.c): STUDY/jobs/ is there as long.
 *
 * A job is one pre-training or one fine-tuning.  Some of them are at work at a time, each on threads of its own.  A study that
 * was stopped or killed goes on where it was: jobs resume exactly, so that its figures are those of one that never was,
 * times apart.  A pre-training that diverges is recorded as such, and what needs it with it; any other failure ends the study.
 */
#ifndef EL_ENGINE_COMPARE_H
#define EL_ENGINE_COMPARE_H

#include "engine/compare/plan.h"
#include "engine/pretrain/pretrain.h"
#include "train/metrics.h"

typedef struct {
    const char *output, *data, *eval_data, *tasks, *language, *sizes;
    double flops_budget;
    int64_t num_seeds, jobs, threads;
    bool constant_then_cooldown, keep_models, dry_run, overwrite, json;
    double stall_limit; /* as el_machine's */
    el_dist *dist;      /* ranks that do jobs of their own; NULL: this process does all */
} el_compare_settings;

extern const el_option EL_COMPARE_TABLE[];
extern const int EL_COMPARE_LINES;

typedef enum { EL_JOB_WAITING, EL_JOB_RUNNING, EL_JOB_DONE } el_job_state;

typedef struct {
    char name[160];
    int system, size, length, task; /* in the plan's lists; task -1: a pre-training */
    double share;                   /* of the compute */
    int64_t seed;
    double rate;   /* peak; 0: its settings', or chosen once the rates are tried */
    bool tuning;   /* tries a rate */
    bool trunk;    /* the part of constant rate that branches begin with */
    int needs;     /* the job whose model this one begins with; -1: none */
    int same_as;   /* the job that it would do over again, and whose record it takes; -1: none */
    int64_t steps; /* of a pre-training, the trunk's among them */
    double flops;  /* expected, for what is left to do; 0: not known */
    el_job_state state;
    _Atomic double fraction, before; /* that is done; that earlier starts did */
    json_t *record;                  /* once it is done: its line of results.jsonl */
    bool left;                       /* by an earlier start, and results.jsonl lacks it */
} el_job;

/* What a pre-training of one system in one size takes. */
typedef struct {
    double flops_per_step, encoder_flops; /* encoder_flops: of a token, forward, of what is fine-tuned; 0: not
                                             known */
    double bytes;                         /* of memory, about */
    int64_t warmup;                       /* of the preset */
    int64_t least;                        /* steps, for all of its networks to learn */
    uint64_t settings;                    /* a hash of them; 0: not known */
    bool by_record;                       /* the folder that weights come from is gone */
} el_cost;

/* How far the whole is. */
typedef struct {
    int done, jobs, running;
    double fraction;       /* of the FLOPs */
    double before;         /* of the FLOPs, what earlier starts did */
    const el_job *at_work; /* one of those, or NULL */
    const el_job *ended;   /* the job that has just been done, or NULL */
} el_study_progress;

typedef struct {
    void (*on_progress)(void *context, const el_study_progress *progress); /* may be NULL */
    const el_stop *stop;                                                   /* may be NULL */
    void *context;
} el_study_watch;

typedef struct {
    el_compare_settings *settings;
    el_study_watch watch;
    el_plan plan;
    json_t *given; /* the plan's text with the tasks that are left out */
    el_run run;
    int vocab_size;
    double mean_length;   /* tokens of an example; 0: not known */
    double attended;      /* tokens that one attends among, as FLOPs are counted; likewise */
    bool counts_examples; /* over examples of the mean length, as the study of an earlier version began */
    int longest, heldout_longest; /* likewise; of the held-out shards */
    uint64_t data_hash;
    bool packed_full, has_pairs;                      /* the shards: full examples; some of two segments */
    uint64_t heldout_hash, task_hashes[EL_PLAN_MOST]; /* by the plan's tasks; 0: not there */
    el_cost *costs;                                   /* of each system in each size */
    char *left_out; /* tasks that --tasks does not have, between commas; NULL: none */
    el_job *jobs;
    int count;
    el_metrics results;
    int64_t recorded;       /* lines of results.jsonl when it was read */
    int at_a_time, threads; /* jobs, and the threads of each */
    el_stop halt;
} el_study;

/* `plan` is a built-in name, a file, or NULL for that of a study which goes on.  With dry_run nothing is written and neither
 * tasks nor held-out shards are needed. */
el_status el_compare_open(el_study *study, const char *plan, el_options *options,
                          const el_study_watch *watch);

/* EL_ESTOPPED: stopped by the watch, after saving.  The reports are written whenever a job is done. */
el_status el_compare_run(el_study *study);

void el_compare_close(el_study *study); /* accepts a zeroed one */

/* What is left to do, and about how long this machine will take: at half of its measured peak. */
typedef struct {
    int pretrainings, tunings, pairs; /* pairs: a model asked a file of minimal pairs */
    int again;                  /* of the pre-trainings: on record, but their models are gone and needed */
    int unknown, pairs_unknown; /* of the fine-tunings, of the pairs: the cost is not known and not counted,
                                   their files are not there, or empty */
    double flops, peak, seconds;
} el_study_cost;
el_study_cost el_compare_cost(const el_study *study);

#endif
