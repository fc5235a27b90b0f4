/* trainer - the loop: batches, an objective's gradients, updates, records, evaluations, checkpoints
 *
 * What happens in a step is a function of the seed, the step's number and the weights, so that a run that is
 * stopped or killed and goes on from its last checkpoint equals one that never was: weights, moments and
 * metrics.jsonl bit for bit, times and rates apart, on any number of threads.
 *
 * Several ranks do the same as one with as many leaves.  They agree in every step on stopping, and what one of them fails at
 * ends all.
 *
 * A signal and the time limit are obeyed between two ranges of a batch (objective.h), however long a step takes: the step is
 * given up, and done again when the run goes on.
 *
 * A step whose loss or gradient is not a finite number changes nothing but the counters, and is warned of in
 * the log; after `most_skipped` in a row the run fails, and its checkpoints stay as they are.  It fails too where the weights
 * at its end are no good.  Either way progress->diverged tells this failure from others.
 *
 * metrics.jsonl is written by records.h.
 */
#ifndef EL_TRAIN_TRAINER_H
#define EL_TRAIN_TRAINER_H

#include "base/stop.h"
#include "train/evaluation.h"
#include "train/optimizer.h"
#include "train/progress.h"
#include "train/schedule.h"

typedef enum {
    EL_EVENT_STEP,       /* a step is done; figures are averages since the last line so far */
    EL_EVENT_RECORD,     /* a line of training was written */
    EL_EVENT_EVALUATING, /* `fraction` of an evaluation is done */
    EL_EVENT_EVALUATION, /* a line of evaluation was written */
    EL_EVENT_CHECKPOINT  /* checkpoint-<step> has appeared */
} el_event_kind;

typedef struct {
    el_event_kind kind;
    const el_progress *progress;
    const el_figures *figures; /* of STEP, RECORD and EVALUATION */
    double rate, norm;         /* of STEP and RECORD */
    double tokens_per_second;  /* of STEP and RECORD, all ranks together; 0: not known yet */
    double waiting, network;   /* of them: shares of the time that waiting and the exchange took */
    double fraction;
} el_event;

/* Who watches a training: is told what happens, and may stop it.  Zeroed: nobody. */
typedef struct {
    el_status (*on_event)(void *context, const el_event *event); /* a failure ends the run */
    const el_stop *stop;                                         /* set, perhaps by a signal: save and stop */
    void *context;
} el_watch;

typedef struct {
    el_objective *objective;
    el_dist *dist; /* ranks that train together; NULL: this process alone */
    int leaves;    /* of a batch's gradient (leaves.h); 0: one */
    el_example_source training, heldout;
    const char *folder; /* of metrics.jsonl and checkpoints, which rank 0 writes; NULL: nothing is written */
    bool tensorboard;   /* an event file beside metrics.jsonl, with the same numbers */
    el_schedule schedule;
    el_optimizer optimizer;
    uint64_t seed;
    int batch;                            /* examples a step */
    int64_t steps, log_every, save_every; /* 0: only at the end */
    double evaluate_every;                /* likewise; where it is no whole number, after the next step */
    int64_t heldout_batches;              /* of EL_EVALUATION_BATCH examples; 0: all */
    int keep;                             /* checkpoints; 0: all */
    int most_skipped;
    double most_seconds;                /* of this session; 0: no limit */
    double flops_per_token, peak_flops; /* of records and of the share of the peak; 0: not known */
    double paper_flops_per_token;       /* by the paper's count (objective/flops.h), which NAN has not */
    /* What tokens that came before a change of cost took more. */
    double flops_correction, paper_flops_correction;
    el_watch watch;
    const bool *enough; /* set by watch.on_event: this step is the last; may be NULL */
} el_trainer;

/* Loads the newest whole checkpoint of the folder; *found tells whether there was one. */
el_status el_trainer_resume(const el_trainer *trainer, el_progress *progress, bool *found);

/* What the tokens so far have taken; *paper by the paper's count. */
double el_trainer_flops(const el_trainer *trainer, const el_progress *progress, double *paper);

/* Whether the last step is done, and the evaluation after it. */
bool el_trainer_done(const el_trainer *trainer, const el_progress *progress);

/* Goes on from `progress` (zero: from the start) with rank 0's weights and moments to the last step.  EL_ESTOPPED:
 * stopped by the signal or the time limit, after saving. */
el_status el_trainer_run(const el_trainer *trainer, el_progress *progress);

#endif
