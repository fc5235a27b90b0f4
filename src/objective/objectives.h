/* objectives - what a pre-training can learn, by name
 *
 *   electra       a generator predicts the tokens at slots; a discriminator says of every token whether it is the original
 *                 (Clark et al., 2020, section 2)
 *   mlm           one network predicts the tokens at slots: BERT's masked language model
 *   electra-15    electra, but the discriminator is asked at the slots alone         (their section 3.4, as the next)
 *   two-stage     mlm, then detection of what that network, which stays as it is, puts in place of tokens        (figure 3)
 *   adversarial   electra, but the generator is rewarded for what the discriminator gets wrong                  (appendix F)
 *   electric      energies of tokens, learned by telling them from the samples of a cloze model of two towers (EMNLP 2020)
 *   replace-mlm   mlm, but the slots show a generator's samples in place of [MASK]
 *   all-tokens-mlm   replace-mlm, but every token is predicted, by a softmax and a gate that copies what is shown
 *   causal        one network predicts each token from those before it                      (GPT: Radford et al., 2018)
 *   bidirectional causal, and a second network that reads backwards; tables and head are one (ELMo's loss: Peters et al., 2018)
 *   permutation   one network predicts a sixth of the tokens, each from all others but the targets that come later in a random
 *                 order                                                            (after XLNet: Yang et al., 2019)
 *   xlnet         the same of spans, by a network that attends by distances                      (XLNet without its memory)
 *
 * An objective is a file that fills el_objective (train/objective.h) over the networks that its line of the table names.
 */
#ifndef EL_OBJECTIVE_OBJECTIVES_H
#define EL_OBJECTIVE_OBJECTIVES_H

#include "base/course.h"
#include "objective/corruption.h"
#include "objective/pairs.h"
#include "objective/unigram.h"
#include "train/objective.h"

typedef enum {
    EL_ELECTRA,
    EL_MLM,
    EL_ELECTRA_15,
    EL_TWO_STAGE,
    EL_ADVERSARIAL,
    EL_ELECTRIC,
    EL_REPLACE_MLM,
    EL_ALL_TOKENS_MLM,
    EL_CAUSAL,
    EL_BIDIRECTIONAL,
    EL_PERMUTATION,
    EL_XLNET,
    EL_OBJECTIVES
} el_objective_kind;

/* Where replacements come from: a generator that reads masked text; none, but the frequency of tokens, or all of them alike; or a
 * generator of two towers, one that reads forwards and one that reads backwards, which electric always has. */
typedef enum { EL_SAMPLER_NETWORK, EL_SAMPLER_UNIGRAM, EL_SAMPLER_UNIFORM, EL_SAMPLER_TWO_TOWERS } el_sampler;

typedef struct {
    double gen_weight, disc_weight;
    el_course mask_prob, temperature;
    double temperature_decay; /* 0: the temperature changes on a straight line */
    int64_t steps;            /* over which they change */
    el_mask_shares shares;
    el_mask_unit mask_unit;
    el_sentence_task sentence_task; /* of mlm */
    el_sampler sampler;
    const el_unigram *unigram; /* of EL_SAMPLER_UNIGRAM; outlives the objective */
    bool copy_generator;       /* two-stage: the second stage begins with the generator's weights */
    bool disallow_correct;     /* a sample is never the original */
    bool duplicate_slots;      /* drawn with replacement, duplicates averaged (docs/faithfulness.md) */
    int max_predictions;    /* most slots a sequence; 0: int((mask_prob + 0.005) * el_objective_longest()) */
    int max_seq_length;     /* of the examples that are trained on */
    int heldout_seq_length; /* of those of an evaluation; 0: as in training */
} el_objective_settings;

/* The original's: shares 0.85, 0, 0.15. */
el_objective_settings el_objective_defaults(void);

/* Tokens of an example that is full, in training or in an evaluation. */
int el_objective_longest(const el_objective_settings *settings, bool evaluating);

/* In the order of the kinds. */
#define EL_OBJECTIVE_NAMES                                                                                   \
    "electra|mlm|electra-15|two-stage|adversarial|electric|replace-mlm|all-tokens-mlm|"                      \
    "causal|bidirectional|permutation|xlnet"
const char *el_objective_name(el_objective_kind kind);
bool el_objective_is_name(const char *name);
bool el_objective_masks(el_objective_kind kind);    /* hides tokens: mask_prob and the like have a meaning */
bool el_objective_rewrites(el_objective_kind kind); /* its large network predicts what samples replaced */
bool el_objective_has_generator(el_objective_kind kind); /* beside the large network */
const char *el_objective_large(el_objective_kind kind);  /* the network that is fine-tuned */

/* EL_EUSAGE that names the setting which an objective cannot have, whatever the networks. */
el_status el_objective_check(el_objective_kind kind, const el_objective_settings *settings);

/* Whether replacements may be drawn so; and what draws them where this is asked for: two towers, if there is nothing else. */
bool el_objective_takes(el_objective_kind kind, el_sampler sampler);
el_sampler el_objective_sampler(el_objective_kind kind, el_sampler asked);

/* The networks of an objective: `large` is the one that is fine-tuned, `small` the generator beside it where there is one.
 * Under gdes the generator owns the tables, else the large network does.  Types are left to the caller. */
el_model_plan el_objective_plan(el_objective_kind kind, el_sampler sampler, el_config large, el_config small,
                                el_tying tying);

/* Gives the masked language model of a plan the head that a sentence task needs. */
void el_objective_plan_sentences(el_model_plan *plan);

/* The objective that a model's networks are for, where nothing is recorded. */
el_objective_kind el_objective_of(const el_model *model);

/* `rows` is how many rows one accumulate() holds, at least the longest sequence; of an evaluation whose examples are longer,
 * one of those.  EL_EUSAGE or EL_EDATA where the model, the vocabulary and the settings do not fit.
 *
 * Figures: loss (gen_weight * generator_loss + disc_weight * discriminator_loss);
 * generator_loss, generator_accuracy, sampled_accuracy, unigram_entropy (of the original tokens at the slots so far, nats);
 * with a second network discriminator_loss and discriminator_accuracy, with detection discriminator_auc,
 * discriminator_precision and discriminator_recall, and replaced (share of the tokens that are judged, or of slots); causal,
 * permutation and xlnet have perplexity, bidirectional also backward_loss and backward_accuracy;
 * mlm with a sentence task sentence_loss and sentence_accuracy, of pairs (the loss has sentence_loss once);
 * all-tokens-mlm gate_accuracy, how often the gate says rightly whether the original stands there. */
el_status el_objective_open(el_objective **objective, el_objective_kind kind, el_model *model,
                            const el_vocab *vocab, const el_objective_settings *settings, int rows);

#endif
