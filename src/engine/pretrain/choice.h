/* choice - what is chosen of an objective beside its name, in a pre-training and in an evaluation of what it made
 *
 * A settings struct with an `el_objective_choice choice` takes the table lines EL_OBJECTIVE_OPTIONS(struct).
 */
#ifndef EL_ENGINE_PRETRAIN_CHOICE_H
#define EL_ENGINE_PRETRAIN_CHOICE_H

#include "base/options.h"
#include "objective/objectives.h"

enum { EL_GENERATOR_MASKED, EL_GENERATOR_TWO_TOWER }; /* generator */

typedef struct {
    el_objective_settings told; /* its sampler is not yet two towers */
    int generator;
    bool uniform_generator;
    const char *mask_shares; /* "mask,random,keep", by a line of the struct's own; NULL: as they are told */
} el_objective_choice;

#define EL_OBJECTIVE_OPTIONS(s)                                                                              \
    EL_CHOICE("sentence_task", offsetof(s, choice.told.sentence_task), EL_SENTENCE_TASKS,                    \
              "of mlm: what is asked of two segments beside tokens: nothing; whether the second one "        \
              "follows (BERT); whether they are in order (ALBERT)"),                                         \
        EL_COURSE("mask_prob", offsetof(s, choice.told.mask_prob), 0.001, 0.9,                               \
                  "share of tokens that are predicted; X:Y: from X at the first step to Y at the last of "   \
                  "schedule_steps, and Y in an evaluation"),                                                 \
        EL_CHOICE("mask_unit", offsetof(s, choice.told.mask_unit), "piece|word|ngram",                       \
                  "what is hidden together: pieces; whole words; one to three words, as in ALBERT"),         \
        EL_REAL("gen_weight", offsetof(s, choice.told.gen_weight), 0, 1e6,                                   \
                "weight of the generator's loss"),                                                           \
        EL_REAL("disc_weight", offsetof(s, choice.told.disc_weight), 0, 1e6,                                 \
                "weight of the discriminator's loss"),                                                       \
        EL_COURSE("temperature", offsetof(s, choice.told.temperature), 1e-3, 1e3,                            \
                  "temperature of the generator's samples; X:Y: from X to Y, as mask_prob"),                 \
        EL_REAL("temperature_decay", offsetof(s, choice.told.temperature_decay), 0, 100,                     \
                "share of the run over which the temperature comes closer to Y by a factor of e; 0: on "     \
                "a straight line"),                                                                          \
        EL_SWITCH("disallow_correct", offsetof(s, choice.told.disallow_correct),                             \
                  "never sample the original token"),                                                        \
        EL_CHOICE("generator", offsetof(s, choice.generator), "masked|two-tower",                            \
                  "what the generator reads: text with masks; or the text in both directions, by two "       \
                  "networks (ELECTRA-TT), as electric always does"),                                         \
        EL_CHOICE("sampler", offsetof(s, choice.told.sampler), "network|unigram|uniform",                    \
                  "what draws replacements: the generator; the frequency of tokens in the run's shards; "    \
                  "all tokens alike"),                                                                       \
        EL_SWITCH("uniform_generator", offsetof(s, choice.uniform_generator), "same as --sampler uniform"),  \
        EL_SWITCH("duplicate_slots", offsetof(s, choice.told.duplicate_slots),                               \
                  "draw masked positions with replacement, as the original does")

/* Of lines that say the same, those that are given now win over what a run has recorded; EL_EUSAGE where what is given
 * contradicts itself, or the shares are none. */
el_status el_objective_choice_settle(el_objective_choice *choice, el_objective_kind kind,
                                     const el_options *options);

/* What an objective is told. */
el_objective_settings el_objective_choice_settings(const el_objective_choice *choice, el_objective_kind kind);

#endif
