/* checkpoint - all that is needed to go on, in one folder that appears at once
 *
 *   checkpoint-<step>/
 *     model.safetensors      every owned parameter, as "<network>.<name>": generator, backward or discriminator
 *     optimizer.safetensors  AdamW's moments of each that is trained, with ".m" or ".v" behind the name
 *     state.json             the trainer's counters, and a checksum of them
 *
 * Every tensor carries a checksum, and all three files the step.  Loading believes nothing; EL_EDATA says in
 * one sentence what is wrong.
 */
#ifndef EL_TRAIN_CHECKPOINT_H
#define EL_TRAIN_CHECKPOINT_H

#include "base/json.h"
#include "base/path.h"
#include "model/model.h"

/* Writes checkpoint-<step> in `folder`.  The model must be one in training. */
el_status el_checkpoint_save(el_model *model, const json_t *state, int64_t step, const char *folder);

/* Fills the model from one checkpoint, prepares it, and gives its state (new reference).  Without an
 * optimizer.safetensors the moments are zero if `weights_suffice`, else it is EL_EDATA.  After a failure the
 * model's values are undefined. */
el_status el_checkpoint_load(el_model *model, json_t **state, const char *path, bool weights_suffice);

/* The newest checkpoint of `folder` that is whole; *state is NULL where there is none at all.  A damaged one
 * is passed over with a warning in the log; EL_EDATA if all are. */
el_status el_checkpoint_resume(el_model *model, json_t **state, const char *folder);

/* The step in "checkpoint-<step>", or -1 for any other name. */
int64_t el_checkpoint_step(const char *name);

/* Steps of the checkpoints in `folder`, ascending; free *steps. */
el_status el_checkpoint_list(const char *folder, int64_t **steps, int *count);

/* After checkpoint-<newest> was written: removes those after it, which an earlier course of the run left, and
 * all but the last `keep` others (0: keeps all). */
el_status el_checkpoint_rotate(const char *folder, int64_t newest, int keep);

/* The path of checkpoint-<step>. */
el_path el_checkpoint_path(const char *folder, int64_t step);

#endif
