/* pretrain - a pre-training run from its settings to its model folders: what `electra pretrain` does, as library calls
 *
 * The settings are a table (settings.h), filled by flags, by JSON or by hand; `options` knows which of them were
 * given.  open() reads shards and the run folder, and compares: a run that is there goes on from its last checkpoint with the
 * settings that it began with, and refuses those that would make it another run.  run() trains to the last step, writes
 * checkpoints, and exports the model folders with each.
 *
 *     el_options options = {.table = EL_PRETRAIN_TABLE, .count = EL_PRETRAIN_LINES, .settings = &settings};
 *     el_pretraining run;
 *     if (!(st = el_pretrain_open(&run, &options, &watch)))
 *         st = el_pretrain_run(&run);
 *     el_pretrain_close(&run);
 */
#ifndef EL_ENGINE_PRETRAIN_H
#define EL_ENGINE_PRETRAIN_H

#include "data/loader.h"
#include "engine/pretrain/settings.h"
#include "train/run.h"

/* The defaults that the model size which was read says: el_options.preset of this table. */
void el_pretrain_preset(void *settings);

typedef struct {
    el_pretrain_settings *settings; /* those of the options: borrowed, completed by open() */
    el_options *options;
    el_watch watch;
    el_run run;
    bool resuming; /* there is a checkpoint to go on from */
    el_loader *data, *heldout;
    double mean_length;               /* tokens of an example */
    double attended;                  /* tokens that one attends among, as FLOPs are counted */
    bool derive_steps;                /* from a budget that was given now */
    el_config frozen;                 /* of --generator-from */
    el_config start, start_generator; /* of --init-from, or defaults */
    el_unigram unigram;               /* of the unigram sampler, else zero */
    el_queue *q;
    el_model model;
    el_objective *objective;
    el_trainer trainer;
    el_progress progress;
} el_pretraining;

/* Opens everything that the run needs, and with it the run folder; with settings->dry_run that is looked at alone, and need
 * not be named.  `watch` may be NULL.  The struct stays where it is until close(). */
el_status el_pretrain_open(el_pretraining *run, el_options *options, const el_watch *watch);

/* EL_ESTOPPED: stopped by the watch or by the time limit, after saving. */
el_status el_pretrain_run(el_pretraining *run);

void el_pretrain_close(el_pretraining *run); /* accepts a zeroed one */

#endif
