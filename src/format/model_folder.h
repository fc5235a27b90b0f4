/* model_folder - what lies in a folder of a model: whose networks, of what shape, with which head
 *
 *   a run              generator/ and discriminator/, or generator/ and backward/, each a folder of one network
 *   one network        config.json, weights (tensors.h), a tokenizer's files
 *   TensorFlow's       a checkpoint of both networks without a config.json: shapes say all but the number of attention
 *                      heads, which is taken to be one for every 64 units
 *
 * config.json names an architecture, and that the head.  Where it names none, the tensors say which head is there.
 */
#ifndef EL_FORMAT_MODEL_FOLDER_H
#define EL_FORMAT_MODEL_FOLDER_H

#include "format/head_names.h"
#include "format/names.h"
#include "text/vocab.h"

/* Where the networks of a folder lie: paths on the heap, or NULL.  A TensorFlow checkpoint is one folder of two networks.
 * What is fine-tuned and makes vectors is the discriminator, or else what encoder there is: a BERT, a generator.  The model of a
 * folder of sentence-transformers is its encoder, in the folder of its module. */
typedef struct {
    char *generator, *discriminator, *backward, *encoder;
    bool apart;         /* each in a folder of its own, as in a run */
    el_tensors tensors; /* of a folder that is itself a model, open where it took them to find the networks */
} el_model_paths;
el_status el_model_find(el_model_paths *paths, const char *folder);
void el_model_paths_release(el_model_paths *paths);
/* For el_model_source_open: where the tensors of networks that share a folder lie; NULL where each has its own. */
el_tensors *el_model_shared(el_model_paths *paths);

/* The networks that were found, by name; borrowed.  Returns how many: 0 for an encoder that is neither. */
enum { EL_MODEL_PARTS = 3 };
typedef struct {
    const char *name, *place;
} el_model_part;
int el_model_parts(const el_model_paths *paths, el_model_part parts[EL_MODEL_PARTS]);

/* What is said of one network.  `predicts`: where a folder holds two, the masked model is meant. */
typedef struct {
    json_t *object; /* config.json, or what stands for it; with an architecture */
    char *path;     /* of config.json, for sentences */
    el_config config;
    el_head_config head; /* EL_HEAD_DETECTION where the architecture is not known */
    bool guesses_heads;  /* no file says how many attention heads there are */
    char said[256];      /* what was guessed, for the log; "" */
} el_model_card;
/* `tensors`: of the folder, opened (el_tensors_need) where no file says enough, for the caller to close. */
el_status el_model_card_open(el_model_card *card, const char *folder, el_tensors *tensors, bool predicts);
/* Says in the log what was guessed, what the names of the file have before them, and that it has more layers than a
 * network of `config`. */
void el_model_card_say(const el_model_card *card, const el_names *names, const el_config *config);
void el_model_card_close(el_model_card *card); /* accepts a zeroed one */

/* The same in pieces: each may be NULL; *object is a new reference. */
el_status el_model_read(const char *folder, bool predicts, el_config *config, el_head_config *head,
                        json_t **object);

/* EL_EDATA for a network that reads backwards: it is one half of a model, and alone it would be shown texts forwards. */
el_status el_model_check_forwards(const char *folder, const el_config *config);

/* Takes from a pre-training's head what the tensors do not have: the head itself, or that of two sentences beside it; and tells
 * of an encoder alone whether its pooler is there.  A task's head stays as it is. */
void el_model_settle_head(el_head_config *head, const el_names *names);

/* The vocabulary in a folder; EL_EDATA where it has more pieces than the folder's model has rows for, or is not the
 * one whose hash the weights name ("vocab_hash" in the metadata of model.safetensors).  `tensors`: the weights,
 * where they are open; else NULL. */
el_status el_model_vocab(const char *folder, const el_config *config, const el_tensors *tensors,
                         el_vocab **vocab);
extern const char EL_VOCAB_HASH[];

/* The model_type of a run's own config.json, which is no model's. */
extern const char EL_RUN_TYPE[];
/* What makes a folder a checkpoint of a run (train/checkpoint.h), which is no model either. */
#define EL_CHECKPOINT_STATE "state.json"
bool el_is_checkpoint(const char *folder);

#endif
