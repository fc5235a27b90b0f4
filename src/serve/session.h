/* session - asking a pre-trained model about text
 *
 * A loaded model is immutable and shared by threads; a session is one thread's memory for asking it.  Both
 * networks see `[CLS] pieces [SEP]`, segment 0.  The strings [MASK], [UNK], [SEP], [CLS] and [PAD] in a text
 * are those tokens, as in Hugging Face's tokenizer, unless the model was opened with plain_special: then they are characters.
 *
 * A text of more pieces than the model has positions is read through windows of as many as it has, each
 * beginning half a window after the one before (the last ends with the text); a piece's answer is that of the
 * window in whose middle it stands most nearly.
 *
 * A model whose numbers are not finite has no answers: EL_EFAILED.
 */
#ifndef EL_SERVE_SESSION_H
#define EL_SERVE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/guess.h"
#include "serve/loaded.h"
#include "text/lost.h"

typedef struct el_session el_session;

el_status el_session_open(el_session **session, const el_loaded *loaded);
void el_session_close(el_session *session); /* accepts NULL */

/* What the vocabulary knew of all texts so far. */
const el_text_lost *el_session_lost(const el_session *session);

/* on_batch is called after every window of a question, and ends it by a failure; zeroed: nobody watches. */
void el_session_watch(el_session *session, el_evaluation_watch watch);

/* Which pieces look replaced. */
typedef struct {
    int count;           /* pieces */
    int windows;         /* 1 unless the text is longer than the model's positions */
    const int32_t *ids;  /* count */
    const el_span *from; /* count: bytes of the text */
    const float *logits; /* count: positive means replaced; the probability is 1 / (1 + exp(-logit)) */
} el_detection;

/* Asks the discriminator.  The answer is the session's memory and lasts until its next question. */
el_status el_session_detect(el_session *session, const char *text, size_t bytes, el_detection *answer);

/* What the generator puts at each [MASK]. */
typedef struct {
    int count; /* pieces, [MASK]s among them */
    int windows;
    const int32_t *ids;
    const el_span *from;
    int slots;             /* [MASK]s */
    const int *at;         /* slots: piece numbers */
    double temperature;    /* of the generator's softmax */
    int top_k;             /* guesses for each slot: what was asked for, at most the vocabulary's size */
    const el_guess *guess; /* slots x top_k, most probable first, equals by id */
} el_filling;

/* Asks the generator, at temperature 1; top_k at least 1. */
el_status el_session_fill(el_session *session, const char *text, size_t bytes, int top_k, el_filling *answer);

/* Asks both networks as one masked language model (Clark et al., 2020, appendix G): the discriminator judges the generator's
 * EL_JUDGED likeliest tokens, one after the other in its place, while the other [MASK]s hold the likeliest of theirs.  So
 * top_k is at most EL_JUDGED, and the probabilities of a slot need not add up to 1. */
enum { EL_JUDGED = 100 };
typedef struct {
    double mask_prob;   /* share of tokens that were predicted in training */
    double temperature; /* at which the generator's were drawn there */
} el_judging;
el_status el_session_fill_judged(el_session *session, const char *text, size_t bytes, int top_k,
                                 const el_judging *how, el_filling *answer);

/* p(token | the rest) = D p_G / (a (1 - D) + p_G),  a = (1 - mask_prob) / mask_prob: what the text's probability is where D,
 * the probability of `original`, is the best there is beside a generator whose tokens are drawn with p_G.  A discriminator that
 * learned at the predicted tokens alone has a = 0, a mask_prob of 1, and p = D. */
double el_judged_probability(double original, double generated, double mask_prob);

#endif
