/* embedder - texts and pairs as vectors: the encoder of a model, whatever its head
 *
 *   mean   the mean of the last layer over all tokens, [CLS] and [SEP] among them, as sentence-transformers has it
 *   cls    the last layer at [CLS]
 */
#ifndef EL_TASK_EMBEDDER_H
#define EL_TASK_EMBEDDER_H

#include "format/sentence.h"
#include "model/model.h"
#include "task/learn/features.h"
#include "text/vocab.h"
#include "train/trainer.h"

/* What the folder says, or else the mean; so that a folder of sentence-transformers gives its own vectors. */
typedef enum { EL_POOL_AS_SAID, EL_POOL_MEAN, EL_POOL_CLS } el_pooling;

typedef struct {
    el_pooling pooling;
    bool normalize;     /* to length 1; also where the folder says so and pooling is not chosen */
    bool plain_special; /* as in el_feature_settings */
    int max_seq_length; /* with special tokens; 0: what the folder says, or else as many as the model has places */
    int batch_tokens; /* that are worked on at a time */
} el_embedder_settings;

typedef struct el_embedder el_embedder;

/* Opens a run, what `electra finetune` wrote, or a Hugging Face folder; the device is borrowed. */
el_status el_embedder_open(el_embedder **embedder, el_queue *q, el_type activations, const char *folder,
                           const el_embedder_settings *settings);
/* The same over a network that is open already, whose model and vocabulary are borrowed and may be shared; `said` is what
 * its folder says of vectors. */
el_status el_embedder_over(el_embedder **embedder, el_queue *q, const el_model *model, const el_network *net,
                           const el_vocab *vocab, const el_sentence *said,
                           const el_embedder_settings *settings);
void el_embedder_close(el_embedder *embedder); /* accepts NULL */

/* on_batch is called while it is asked; zeroed: nobody watches. */
void el_embedder_watch(el_embedder *embedder, el_evaluation_watch watch);

int el_embedder_width(const el_embedder *embedder);
int el_embedder_longest(const el_embedder *embedder); /* tokens; what is longer is cut */

/* The vectors of a classify dataset's examples, in their order; they last until the next call.  EL_EFAILED
 * where one of them is not finite. */
el_status el_embedder_ask(el_embedder *embedder, const el_dataset *dataset, const float **vectors);
/* The same, where the caller looks which of them are finite: examples are of several askers. */
el_status el_embedder_ask_each(el_embedder *embedder, const el_dataset *dataset, const float **vectors);
/* Of the texts that it was asked about last. */
const el_text_lost *el_embedder_lost(const el_embedder *embedder);

/* To length 1; the zero vector stays one. */
void el_vector_normalize(float *vector, int width);

#endif
