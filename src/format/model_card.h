/* model_card - what is said of one network in its folder: its shape, its head, its vocabulary
 *
 * config.json names an architecture, and that the head.  Where it names none, or is not there, the tensors say what they can
 * (model_guess.h).
 */
#ifndef EL_FORMAT_MODEL_CARD_H
#define EL_FORMAT_MODEL_CARD_H

#include "format/head_names.h"
#include "format/names.h"
#include "text/vocab.h"

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

/* The vocabulary in a folder; EL_EDATA where it has more pieces than the folder's model has rows for, or is not the
 * one whose hash the weights name ("vocab_hash" in the metadata of model.safetensors).  `tensors`: the weights,
 * where they are open; else NULL. */
el_status el_model_vocab(const char *folder, const el_config *config, const el_tensors *tensors,
                         el_vocab **vocab);
/* Its two halves: reading it, and asking the weights. */
el_status el_model_vocab_read(const char *folder, const el_config *config, el_vocab **vocab);
el_status el_model_vocab_check(const char *folder, const el_vocab *vocab, const el_tensors *tensors);
extern const char EL_VOCAB_HASH[];

/* The model_type of a run's own config.json, which is no model's. */
extern const char EL_RUN_TYPE[];
/* What makes a folder a checkpoint of a run (train/checkpoint.h), which is no model either. */
#define EL_CHECKPOINT_STATE "state.json"
bool el_is_checkpoint(const char *folder);

#endif
