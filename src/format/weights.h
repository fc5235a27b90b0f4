/* weights - model folders, as Hugging Face has them
 *
 *   config.json  model.safetensors  vocab.txt  tokenizer_config.json  README.md
 *
 * What we write opens with ElectraForPreTraining, ElectraForMaskedLM or, after fine-tuning, with
 * ElectraForSequenceClassification, ...TokenClassification or ...QuestionAnswering, and AutoTokenizer; what they
 * write opens here.  The original's heads, which Hugging Face lacks, go under the task's architecture too; the key
 * "task_head" ("sequence_affine", "span_joint") tells them apart, "answerable_classifier" whether a joint one has it.
 */
#ifndef EL_FORMAT_WEIGHTS_H
#define EL_FORMAT_WEIGHTS_H

#include "format/model_source.h"

/* The object of a network's config.json: shape, head, and `extra` (see below); NULL without memory. */
json_t *el_weights_json(const el_network *net, const json_t *extra);

/* Writes one network's folder.  `card` is the text of README.md; `extra` an object of further keys for config.json
 * (id2label, problem_type ...), or NULL; `type` EL_ST_F32, or EL_ST_F16 or EL_ST_BF16 for half the bytes. */
el_status el_weights_save(el_model *model, const el_network *net, const el_vocab *vocab, const char *card,
                          const json_t *extra, el_st_type type, const char *folder);

/* Fills one network of an open model from a folder; shapes and attention heads must agree, tensors of other heads are
 * ignored, a missing backbone tensor is EL_EDATA.  A missing head keeps its values and is noted in the log, unless
 * config.json says that it is there: that is EL_EDATA for a task's.  Where config.json speaks of another head, this
 * one is taken if the file has it whole and in its shape.  In a gdes model a delta becomes file minus base, so load
 * its owner first.  The caller calls el_model_prepare. */
el_status el_weights_load(el_model *model, const el_network *net, const char *folder);

/* The same from a source that is open, which has the head whole. */
el_status el_weights_fill(el_model *model, const el_network *net, const el_model_source *source);

/* Adds the network that lies in a folder to a plan: its configuration and its head. */
el_status el_weights_plan(el_model_plan *plan, const char *name, const char *folder);

/* Opens a model to be asked as `plan` has it, with the weights of a folder for each network of the plan, and prepares it.
 * EL_EDATA where a folder lacks a part of the head, and where a network other than EL_BACKWARD reads backwards.  Closed again
 * where that fails; a vocabulary that cannot be read is said before weights that cannot.  *vocab: that of the last network
 * other than EL_BACKWARD (el_model_vocab), which is read meanwhile by a thread of its own; NULL: it is not wanted. */
el_status el_weights_open(el_model *model, el_queue *q, const el_model_plan *plan, const char *const *folders,
                          el_vocab **vocab);

#endif
