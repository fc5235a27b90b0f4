/* learner - fine-tuning as an objective, and the same network asked
 *
 * The objective's batches come from one el_features set (el_features_read); targets are found by the features' numbers.
 * Losses, each the mean over the whole batch of what is labelled in it:
 *
 *   classify     cross-entropy, over examples
 *   regress      squared error, over examples; what is learned is 0 .. 1 of the range from low to high, and the loss that
 *                is told is that of the numbers as the file has them
 *   multilabel   binary cross-entropy, over examples and labels
 *   tag          cross-entropy, over words
 *   span         that of the span heads, over windows
 *
 * Windows count one by one in the loss.  Their example's answer is that of their logits' mean; a word's that of the window
 * that it belongs to (features.h).
 *
 * In an evaluation the answers of all batches since reset() are kept, and finish() gives the task's metrics beside the
 * loss; of a training step it gives the loss alone (the others are NaN).  One evaluation is of one split.
 *
 *   classify     accuracy, f1_macro, matthews; of two classes also f1, precision, recall of the second
 *   regress      pearson, spearman, mse, as the file has its values
 *   multilabel   f1_micro, f1_macro, precision, recall (micro), accuracy (all labels of an example right)
 *   tag          accuracy of words; of entities f1, precision, recall (seqeval's default), f1_strict (its
 *                strict mode, by the tags' scheme); where tags are plain, f1_macro of words
 *   span         exact, f1; of SQuAD 2.0 also has_answer_exact, has_answer_f1, no_answer_exact, no_answer_f1, best_exact,
 *                best_exact_threshold, best_f1, best_f1_threshold
 */
#ifndef EL_TASK_LEARNER_H
#define EL_TASK_LEARNER_H

#include "model/model.h"
#include "task/learn/features.h"
#include "task/score/squad_score.h"
#include "task/score/tagging.h"
#include "train/objective.h"

typedef struct {
    el_task_kind kind;
    const el_labels *labels;             /* borrowed; none for regress and span */
    el_tagging tagging;                  /* tag */
    double low, high;                    /* regress; both 0: values are learned as they are */
    int n_best, max_answer_length, beam; /* span; the longest in pieces */
    el_squad_rule rule;                  /* span: with EL_SQUAD_2 a question may have no answer */
    double null_threshold;               /* span: NaN: evaluations look for the best one of F1 */
    double answerable_weight;
    int micro_batch_tokens;
} el_learner_settings;

typedef struct {
    const char *text; /* bytes [begin, end) of the context */
    int64_t begin, end;
    double score; /* its probability among the n best */
    float start_logit, end_logit;
} el_span_answer;

/* The answer to one example.  Memory of whoever made it. */
typedef struct {
    int example;
    bool finite;                /* else the model gave no numbers, and what follows is no answer */
    int label;                  /* classify */
    double value;               /* regress */
    const float *probabilities; /* classify, multilabel: one a label; tag: of the chosen tag, one a word */
    const int *tags;            /* tag: one a word; words beyond a cut get "O" or the sentence's commonest */
    const el_span_answer *answers; /* span: best first, `n_best` at most, none of them empty */
    int answer_count;
    /* span: how much likelier no answer is than the best one: the joint head's answerability logit, the least of all
     * windows; without it the score of [CLS], the least of all windows, minus that of the best answer (0 for none). */
    double null_odds;
} el_prediction;

/* "classify", "regress", "multilabel", "tag", "span" */
const char *el_task_kind_name(el_task_kind kind);

/* Borrowed: model (one network with a task head, or two with a joined one), features, splits and their datasets, labels; they
 * outlive the objective. */
el_status el_learner_open(el_objective **objective, el_model *model, const el_features *features,
                          const el_split *splits, int split_count, const el_learner_settings *settings);

/* Where evaluations of questions that may have no answer draw the line from now on; NaN: they look for the best. */
void el_learner_set_threshold(el_objective *objective, double null_threshold);

/* What 0 and 1 of a regression's head stand for from now on. */
void el_learner_set_range(el_objective *objective, double low, double high);

/* Asks and learns from another set from now on; what was kept is forgotten. */
void el_learner_use(el_objective *objective, const el_features *features, const el_split *splits,
                    int split_count);

/* After an evaluation: what was answered since reset(), an example each, in the order of its features.  It lasts until
 * the next reset(). */
el_status el_learner_predictions(el_objective *objective, const el_prediction **predictions, int *count);

#endif
