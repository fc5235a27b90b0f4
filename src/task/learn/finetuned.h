/* finetuned - a model folder that knows its task
 *
 * config.json has Hugging Face's keys (architectures, id2label, label2id, problem_type) and one object of our own,
 * "task", with what they have no words for (docs/formats.md).  A folder that transformers wrote lacks it; then the kind
 * follows from the architecture and problem_type, as transformers has it, and the rest are defaults.
 */
#ifndef EL_TASK_FINETUNED_H
#define EL_TASK_FINETUNED_H

#include "format/weights.h"
#include "task/files/layout.h"
#include "task/learn/learner.h"
#include "task/task.h"
#include "train/trainer.h"

/* What a fine-tuned model was taught. */
typedef struct {
    el_task_kind kind;
    char *task; /* "sst2", "classify" */
    el_labels labels;
    el_tagging tagging; /* tag */
    double low, high;   /* regress: what 0 and 1 of the head stand for; both 0: it gives the value itself */
    bool number;       /* regress: the folder says so; else one label may be a logit, as cross-encoders' is */
    bool pair, single; /* taught pairs, or one text each; neither where the folder does not say */
    el_file_layout layout; /* of the training file; zeroed where the folder does not say */
    el_feature_settings features;
    int n_best, max_answer_length, beam; /* span, and what follows */
    el_squad_rule rule;
    double null_threshold; /* NaN: none was found */
} el_task_card;

/* Defaults of a kind: no labels, the task's name is the kind's. */
el_status el_task_card_open(el_task_card *card, el_task_kind kind);
void el_task_card_release(el_task_card *card); /* accepts a zeroed one */

/* The settings of a learner of this card, which borrows its labels. */
el_learner_settings el_task_card_settings(const el_task_card *card, int micro_batch_tokens);

/* The task that the model was taught, or where it has no line of the table, its kind's. */
const el_task *el_task_card_task(const el_task_card *card);

/* The figure that chooses the best model: the task's, of questions some of which have no answer the best F1, and of tags that
 * are not of entities the accuracy. */
const char *el_task_card_metric(const el_task_card *card);

/* Questions that may have no answer: none is given where its odds (el_prediction's null_odds) are above this. */
double el_task_card_threshold(const el_task_card *card);
/* Whether a span prediction is an answer: there is one, and the odds allow it. */
bool el_task_card_answers(const el_task_card *card, const el_prediction *prediction);

/* Writes the network with its task head as a Hugging Face folder; where the head reads a second network, that one as the
 * folder's `backward`.  `readme` is the text of README.md. */
el_status el_finetuned_save(el_model *model, const el_vocab *vocab, const el_task_card *card,
                            const char *readme, const char *folder);

/* Puts a range that is not in the head yet (low < high) into the last map of a regression's head, w (high - low) and
 * b (high - low) + low, where whoever opens the folder has it; the head then gives the value itself, and the range is 0, 0. */
el_status el_finetuned_fold(el_model *model, double *low, double *high);
/* The range that the object of a config.json has beside the head; 0, 0 where the head gives the value itself, and of
 * other kinds. */
el_status el_finetuned_range(const json_t *object, const char *path, const el_head_config *head, double *low,
                             double *high);

/* Where the encoder to build on, whatever its head, lies in a run (its discriminator, or its masked language model where
 * there is none), in what `electra finetune` wrote, or as the folder itself. */
el_status el_encoder_find(const char *folder, char **encoder);
/* The same, and where the network that reads backwards beside it lies; NULL: there is none. */
el_status el_encoders_find(const char *folder, char **encoder, char **backward);
/* Says in the log that the second one is left out. */
void el_encoder_note_half(const char *folder);

/* Adds what a fine-tuned folder holds to a plan: the network with the head, and the one that reads backwards, where the head
 * reads it, with its folder, on the heap, in *backward. */
el_status el_finetuned_plan(el_model_plan *plan, const char *name, const char *folder,
                            const el_config *config, const el_head_config *head, char **backward);
/* Adds the second to a plan whose last network has a joined head: tables of embeddings are one. */
void el_plan_add_backward(el_model_plan *plan, el_config config);
/* Fills an open model of such a plan. */
el_status el_finetuned_load(el_model *model, const char *folder, const char *backward);

/* Reads config.json: shape, head and card.  EL_EDATA for a folder without a task head. */
el_status el_finetuned_read(const char *folder, el_config *config, el_head_config *head, el_task_card *card);

/* A whole fine-tuned model, opened to be used: read, allocated, filled, with its vocabulary and a learner that asks it. */
typedef struct {
    el_task_card card;
    el_model model;
    el_vocab *vocab;
    bool borrowed; /* card, model and vocabulary are another's */
    el_objective *learner;
    int batch_tokens;
    el_evaluation_watch watch; /* on_batch is called while it is asked; zeroed: nobody watches */
    /* of the last question */
    el_features features;
    el_split split;
    el_batch batch;
} el_finetuned;

el_status el_finetuned_open(el_finetuned *finetuned, el_queue *q, el_type activations, int micro_batch_tokens,
                            const char *folder);
/* The same over a model that is open already: it, its vocabulary and card are borrowed and may be shared.  `finetuned` stays
 * where it is until it is closed. */
el_status el_finetuned_over(el_finetuned *finetuned, el_queue *q, const el_model *model, el_vocab *vocab,
                            const el_task_card *card, int micro_batch_tokens);
void el_finetuned_close(el_finetuned *finetuned); /* accepts a zeroed one */

/* Answers every example of a dataset of the card's kind (labels need not be there), in batches by tokens: a prediction
 * each, in their order.  They last until the next call, and so does the learner's score of them: its finish().  EL_EFAILED
 * where one of them is not finite. */
el_status el_finetuned_ask(el_finetuned *finetuned, const el_dataset *dataset,
                           const el_prediction **predictions, int *count);
/* The same, where the caller looks which of them are finite: examples are of several askers. */
el_status el_finetuned_ask_each(el_finetuned *finetuned, const el_dataset *dataset,
                                const el_prediction **predictions, int *count);

#endif
