/* trial - one fine-tuning run: from given weights to the best model on held-out examples
 *
 *   FOLDER/metrics.jsonl  FOLDER/checkpoint-<step>/    as in pre-training
 *   FOLDER/best/                                       the model folder of the best evaluation
 *
 * A trial that was stopped or killed goes on where it was; which evaluation was the best is read off metrics.jsonl.
 */
#ifndef EL_ENGINE_FINETUNE_TRIAL_H
#define EL_ENGINE_FINETUNE_TRIAL_H

#include "task/learn/finetuned.h"
#include "train/trainer.h"

typedef struct {
    el_trainer
        trainer; /* all but sources, folder, enough; its events come after the trial's own dealings with them */
    const el_features *features;
    el_split train, dev;
    const char *folder;
    const char *metric; /* higher is better */
    bool allow_change;  /* a checkpoint of another seed is taken too */
    int patience;       /* evaluations without a better one before the trial ends; 0: never */
    const el_vocab *vocab;
    el_task_card *card; /* of the model folder; its null_threshold becomes the best evaluation's */
    const char *readme;
    el_status (*start)(void *context); /* gives the model its first weights */
    void *context;                     /* of start and of the trainer's on_event */
} el_trial;

typedef struct {
    int64_t best_step, step, evaluations, since_best;
    double best;        /* the metric there; -INFINITY: no evaluation had one */
    bool varied;        /* some evaluation's answers were not all alike */
    bool diverged;      /* it failed by its numbers (train/progress.h) */
    el_figures figures; /* of the best evaluation */
} el_trial_result;

/* EL_ESTOPPED: stopped after saving. */
el_status el_trial_run(el_trial *trial, el_trial_result *result);

/* Figures of a split, without dropout. */
el_status el_trial_evaluate(const el_trial *trial, el_split split, el_figures *figures);

#endif
