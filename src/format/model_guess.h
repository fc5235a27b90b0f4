/* model_guess - what the tensors of a network say of it where no file does */
#ifndef EL_FORMAT_MODEL_GUESS_H
#define EL_FORMAT_MODEL_GUESS_H

#include "format/names.h"
#include "model/task_head.h"

/* The head that is there.  `predicts`: where a file holds two networks, the masked model is meant. */
el_head_kind el_guess_head(const el_names *names, bool predicts);

/* Takes from a pre-training's head what the tensors do not have: the head itself, or that of two sentences beside it; and tells
 * of an encoder alone whether its pooler is there.  A task's head stays as it is. */
void el_guess_settle(el_head_config *head, const el_names *names);

/* Shapes tell an ELECTRA ("electra") and a BERT ("bert"); EL_EDATA for tensors of another kind of encoder. */
el_status el_guess_type(const el_names *names, const char **type);

/* The object of a config.json, from shapes.  They do not say how many attention heads there are: one for every 64 units. */
el_status el_guess_config(const el_names *names, json_t **object);

#endif
