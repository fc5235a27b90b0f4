/* loaded - a model opened to be asked: immutable, and shared by the sessions that ask it
 *
 *   a run, or a network of pre-training    a generator, a discriminator, or both
 *   a fine-tuned model                     one network with its task's head, and the card of what it was taught
 *   an encoder without a head              sentence-transformers' folders among them, which say how vectors are made
 *
 * Whatever it is, one of its networks is the encoder that makes vectors.
 */
#ifndef EL_SERVE_LOADED_H
#define EL_SERVE_LOADED_H

#include "engine/machine.h"
#include "format/sentence.h"
#include "task/learn/finetuned.h"

/* What to load, and how it computes. */
typedef struct {
    /* Networks of pre-training that are wanted: a folder that lacks one is EL_EDATA.  Neither: whatever the folder is. */
    bool generator, discriminator;
    el_precision precision;
    bool plain_special; /* "[MASK]" in a text is characters; else the token */
    int threads;        /* of each session; 0: as many as there are processors */
    const char *level;  /* instruction set, "reference" for the reference device; NULL: the best there is */
} el_load_settings;

typedef struct el_loaded {
    el_device *dev; /* that the weights lie on */
    el_model model;
    el_vocab *vocab;
    const el_network *encoder; /* of the model: whose last layer makes vectors */
    bool tuned;                /* the model has one network, with its task's head: */
    el_task_card card;         /* what it was taught; zeroed for others */
    el_sentence said;          /* of how vectors are made */
    el_special_reading reading;
    int threads; /* of a session */
} el_loaded;

/* Opens a run folder (generator/ and discriminator/ in it), what `electra finetune` wrote, or a Hugging Face folder. */
el_status el_loaded_open(el_loaded **loaded, const char *folder, const el_load_settings *settings);
void el_loaded_close(el_loaded *loaded); /* accepts NULL; after its sessions */

#endif
