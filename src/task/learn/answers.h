/* answers - from guesses in windows to a question's best answers; private to task/
 *
 * A guess is an answer where both its pieces are of the context, the first belongs to the window (features.h), the last
 * is not before it, and it is no longer than `max_answer_length` pieces.  Its text is the context's own bytes from the
 * first piece's beginning to the last piece's end.  Of answers with the same text the best counts.
 */
#ifndef EL_TASK_ANSWERS_H
#define EL_TASK_ANSWERS_H

#include "model/task_head.h"
#include "task/learn/features.h"

typedef struct {
    uint32_t begin, end; /* bytes of the context */
    double score;        /* the sum of these */
    float start_score, end_score;
} el_scored_span;

/* A window as guesses number it: candidate `shift` is the first piece of the context. */
typedef struct {
    const el_feature *feature;
    const el_span *pieces; /* the feature's */
    const char *context;
    int shift;
} el_guessed;

/* The best `most` answers of a window, best first; returns how many. */
int el_answers_find(const el_guessed *window, const el_span_guess *guesses, int count, int max_answer_length,
                    int most, el_scored_span *found);

/* Sorts answers, best first, and keeps the `most` best of different text; returns how many. */
int el_answers_best(el_scored_span *found, int count, const char *context, int most);

#endif
