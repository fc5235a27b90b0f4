/* parts - what the files of a fine-tuning share */
#ifndef EL_ENGINE_FINETUNE_PARTS_H
#define EL_ENGINE_FINETUNE_PARTS_H

#include "engine/finetune/finetune.h"

/* Finds the task, what to start from, and the files; completes the settings; reads every split and makes features. */
el_status el_finetune_open_data(el_finetuning *f);

/* Of the labels' names, of where the splits begin and end, and of what their examples are to be answered with. */
uint64_t el_finetune_targets_hash(const el_finetuning *f);

/* The text of README.md beside the model, with `metrics` of dev (or NULL); on the heap, or NULL. */
char *el_finetune_readme(const el_finetuning *f, const json_t *metrics);
/* The folder of a trial, or of its beginning anew. */
el_path el_finetune_trial_folder(const el_finetuning *f, int64_t trial, int64_t again);

/* Whatever is left of the trials. */
el_status el_finetune_trials(el_finetuning *f);
/* Of ranks that have trials of their own, now and then: EL_ESTOPPED where another one has failed. */
el_status el_finetune_look(el_finetuning *f);
/* The trial with the number f->trial, and what run.json says of it (new reference). */
el_status el_finetune_trial(el_finetuning *f, json_t **line);

/* After the last trial: saves the best model, scores the splits that wait for it, answers a test file that has no labels as
 * `predict` does, and writes results.json. */
el_status el_finetune_finish(el_finetuning *f);
extern const char EL_FINETUNE_PREDICTIONS[]; /* the name of the file of these answers */

#endif
