/* score - how likely a sentence is to a pre-trained model, by what the model can say of it
 *
 *   pll             a masked language model: sum over tokens of log p(token | the others), the token itself shown as [MASK]
 *   left-to-right   a causal one: sum over tokens, [SEP] among them, of log p(token | those before it)
 *   originals       a network that read samples: sum over tokens of log P(original).  A discriminator says so of each token;
 *                   the large network of replace-mlm and all-tokens-mlm predicts the original, and it is asked for the
 *                   token shown
 *   energy          Electric: minus the sum of the tokens' energies, a pseudo-log-likelihood in one pass
 *
 * All are natural logarithms, and higher is likelier; [CLS] and [SEP] are no tokens of a sentence unless it says so.  Scores of
 * two kinds, or of sentences cut into pieces by two vocabularies, are not comparable.
 */
#ifndef EL_ENGINE_SCORE_H
#define EL_ENGINE_SCORE_H

#include "engine/machine.h"
#include "text/lost.h"

typedef enum {
    EL_SCORE_PLL,
    EL_SCORE_LEFT_TO_RIGHT,
    EL_SCORE_ORIGINALS,
    EL_SCORE_ENERGY,
    EL_SCORE_AUTO /* what the model is for */
} el_score_kind;

/* Their words, in that order. */
#define EL_SCORE_NAMES "pll|left-to-right|originals|energy|auto"

/* Whether a model of these networks can say that of a sentence. */
bool el_score_can(const el_model_plan *plan, el_score_kind kind);

typedef struct {
    const char *text;
    size_t bytes;
} el_sentence_text;

typedef struct {
    double score;
    int tokens;   /* that were scored; 0: the tokeniser leaves nothing of it, and the score says nothing */
    double share; /* originals: mean P(original); else NAN */
} el_sentence_score;

typedef struct el_scorer el_scorer;

/* Opens a run or a model folder.  `rows`: tokens computed at a time.  EL_EUSAGE where the folder cannot say that. */
el_status el_scorer_open(el_scorer **scorer, el_queue *q, el_type activations, const char *folder,
                         el_score_kind kind, el_special_reading reading, int rows);
void el_scorer_close(el_scorer *scorer); /* accepts NULL */

el_score_kind el_scorer_kind(const el_scorer *scorer);

/* Tokens of a sentence, [CLS] and [SEP] among them: the model's positions. */
int el_scorer_longest(const el_scorer *scorer);

/* What was lost of the sentences so far. */
const el_text_lost *el_scorer_lost(const el_scorer *scorer);

/* Scores of `count` sentences.  The end of one that is too long is left out, and counted.  EL_EFAILED where one is not a finite
 * number, which el_scorer_overflowed() tells from other failures. */
el_status el_scorer_run(el_scorer *scorer, const el_sentence_text *texts, int count,
                        el_sentence_score *scores);
bool el_scorer_overflowed(const el_scorer *scorer);

#endif
