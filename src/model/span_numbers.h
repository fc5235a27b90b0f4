/* span_numbers - what the host computes of the span heads, in double, on tensors of its own memory
 *
 * `logits` has a row for each candidate: its logit as a start, and as an end.
 */
#ifndef EL_MODEL_SPAN_NUMBERS_H
#define EL_MODEL_SPAN_NUMBERS_H

#include "model/layers.h"
#include "model/task_head.h"

/* The rows that belong to one sequence, of a tensor with one for each candidate. */
static inline el_tensor el_span_part(el_tensor t, const el_candidates *c, int sequence)
{
    const int first = c->starts[sequence];
    return el_tensor_rows(t, first, c->starts[sequence + 1] - first);
}

/* Candidates' logits as starts (0) or as ends (1). */
static inline el_tensor el_span_column(el_tensor logits, int rows, int which)
{
    return el_tensor_cols(el_first(logits, rows), which, 1);
}

double el_log_sum_exp(el_tensor z); /* of its first column */

/* probability = softmax(start), of every sequence; and dstart += the softmax's share:  p (dp - sum of p dp). */
void el_span_probabilities(el_tensor logits, const el_candidates *c, el_tensor probability);
void el_span_probabilities_backward(el_tensor dlogits, const el_candidates *c, el_tensor probability,
                                    el_tensor dprobability);

/* Of every sequence: cross-entropy of the start and of the end, halved and added; and, where there is an `answer`, logistic
 * loss of its logit.  Each puts its gradient in its logits' place where there is a scale. */
void el_span_losses(el_tensor logits, el_tensor answer, const el_candidates *c,
                    const el_span_targets *targets, double scale, double *losses);

/* Numbers of the `most` largest, largest first, of equals the earlier one; how many there are. */
int el_span_largest(el_tensor z, int most, int *best);
/* The pairs of one start with its best ends; `lse`: what makes log probabilities of the ends, else 0. */
void el_span_pairs(el_span_guess *pairs, int start, double start_score, el_tensor ends, double lse, int beam,
                   int *best);
/* For qsort: best sum first; unused entries last. */
int el_span_by_score(const void *left, const void *right);

#endif
