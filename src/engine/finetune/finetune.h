/* finetune - from a pre-trained model to one that knows a task: what `electra finetune` does, as library calls
 *
 * Some trials, with seeds of their own; the best evaluation on dev of the best trial is the result.
 *
 *   OUT/run.json        settings, machine, the trials that are done
 *   OUT/all-well        while ranks have trials of their own (shared_folder.h)
 *   OUT/trial-<n>/      trial.h; trial.json where ranks had trials of their own; "-again-<k>" where it began
 *                       again with another seed
 *   OUT/model/          the best trial's best model, a Hugging Face folder
 *   OUT/results.json    what run() leaves in `results`
 *
 * The settings are a table (settings.h), as those of pre-training are (pretrain/settings.h).
 */
#ifndef EL_ENGINE_FINETUNE_H
#define EL_ENGINE_FINETUNE_H

#include "engine/finetune/settings.h"
#include "train/run.h"

typedef enum { EL_TRAIN, EL_DEV, EL_TEST, EL_ALSO, EL_SPLITS } el_split_name;

typedef struct {
    el_finetune_settings *settings; /* those of the options: borrowed, completed by open() */
    el_options *options;
    el_watch watch;
    const el_task *task;
    el_task_files files;
    el_run run;
    bool resuming;
    el_dataset data[EL_SPLITS];
    el_features features;
    el_split splits[EL_SPLITS];
    char *start;          /* folder that weights come from */
    bool taught;          /* they come from a fine-tuning, whose head is left out */
    char *start_backward; /* and those of a network that reads backwards; NULL: none */
    el_config config;
    el_vocab *vocab;
    el_queue *q;
    el_model model;
    el_task_card card;
    el_objective *learner;
    const char *metric; /* by which the best is chosen */
    int64_t steps;      /* of a trial */
    bool together;      /* ranks share the steps of a trial; else each has trials of its own */
    double looked;      /* when that was looked for */
    double began;       /* run(), of which --max-time tells */
    int64_t trial;      /* that runs, from 0 */
    uint64_t seed;      /* its own */
    bool diverged;      /* run() failed by a trial's numbers (train/progress.h) */
    json_t *results;    /* once run() is done */
} el_finetuning;

/* Reads data, opens model and output folder; what is in it goes on.  `watch` may be NULL.  The struct stays where it is until
 * close(). */
el_status el_finetune_open(el_finetuning *f, el_options *options, const el_watch *watch);

/* EL_ESTOPPED: stopped by the watch or by the time limit, after saving. */
el_status el_finetune_run(el_finetuning *f);

/* Reads the first rows of the task's files as open() would, before there is a model: EL_EDATA or EL_EUSAGE where their columns
 * or labels are not to be had. */
el_status el_finetune_glance(const el_finetune_settings *settings);

void el_finetune_close(el_finetuning *f); /* accepts a zeroed one */

#endif
