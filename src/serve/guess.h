/* guess - what may stand at a [MASK]: the likeliest tokens, best first */
#ifndef EL_SERVE_GUESS_H
#define EL_SERVE_GUESS_H

#include <stdbool.h>

typedef struct {
    int id;
    double probability;
} el_guess;

/* For qsort: the more probable first, equals by id. */
int el_guess_better(const void *left, const void *right);

/* The best of softmax(logits / temperature), `top_k` of them, in order.  A model may know more ids than the vocabulary has
 * pieces: those take part in the sum and are no guesses.  top_k is at most `pieces`. */
void el_guess_rank(el_guess *best, int top_k, const float *logits, double temperature, int known, int pieces);

/* Whether ranked guesses, masks x top_k, are of a model whose numbers are finite: else none at a [MASK] has a probability. */
bool el_guesses_finite(const el_guess *guesses, int masks, int top_k);

#endif
