/* electra - mask, guess, replace, detect (Clark et al., 2020, section 2; details as in their code)
 *
 *   k slots a sequence, without replacement, among tokens other than [CLS], [SEP], [MASK]
 *   generator input: slots become [MASK] with probability 0.85, else stay
 *   guess: softmax over the vocabulary at the slots; a sample of it replaces the token
 *   detect: is each token the original?  A sample that equals the original counts as original.
 *   loss = gen_weight * mean over slots of -log p(original) + disc_weight * mean over tokens of logistic loss
 *
 * No gradient flows from the second term into the generator.
 */
#ifndef EL_OBJECTIVE_ELECTRA_H
#define EL_OBJECTIVE_ELECTRA_H

#include "objective/corruption.h"
#include "train/objective.h"

typedef struct {
    double gen_weight, disc_weight, mask_prob, temperature;
    el_mask_shares shares;  /* the original's: 0.85 [MASK], else the token itself */
    bool uniform_generator; /* replacements drawn uniformly; the generator is neither run nor trained */
    bool disallow_correct;  /* a sample is never the original */
    bool duplicate_slots;   /* drawn with replacement, duplicates averaged (docs/faithfulness.md) */
    int max_predictions;    /* most slots a sequence; 0: int((mask_prob + 0.005) * max_seq_length) */
    int max_seq_length;
} el_electra_settings;

el_electra_settings el_electra_defaults(void);

/* Needs a model with a generator or `uniform_generator`; without a discriminator it is the plain masked
 * language model. `rows` is how many rows one accumulate() holds, at least the longest sequence.  Figures:
 * loss, generator_loss, generator_accuracy, sampled_accuracy, unigram_entropy (of the original tokens at the
 * slots so far, nats), discriminator_loss, discriminator_accuracy, discriminator_auc,
 * discriminator_precision, discriminator_recall, replaced (share of tokens). */
el_status el_electra_open(el_objective **objective, el_model *model, const el_vocab *vocab,
                          const el_electra_settings *settings, int rows);

#endif
