/* squad_score - answers to questions, scored as the official scripts of SQuAD, KorQuAD and MRQA do
 *
 * Texts are compared after normalising:
 *
 *   SQuAD, MRQA   lower case; ASCII punctuation vanishes; the words a, an, the and white space become single spaces
 *   KorQuAD       ' " ( ) < > and the marks 《 》 〈 〉 ‘ ’ become spaces; lower case; other ASCII punctuation vanishes;
 *                 white space becomes single spaces
 *
 *   exact   1 where the normalised texts are equal, else 0
 *   F1      2 common / (predicted + gold), counting words, or with KorQuAD characters but spaces, as often as they
 *           occur; 0 where nothing is common, but 1 in SQuAD 2.0 where both are empty
 *
 * and each is the best over the question's answers.  SQuAD 2.0 leaves out answers that are empty when normalised, and to
 * a question without answers the empty text alone is right.  A question without a prediction counts as wrong, with MRQA
 * not at all.  (SQuAD 2.0's script stops there.)
 *
 * Characters are Python's: white space, words (\b) and lower case are those of its str and re (a capital sigma that ends a
 * word becomes ς), but that the version of Unicode is utf8proc's.
 *
 * Figures are parts of one; the scripts print them times 100.
 */
#ifndef EL_TASK_SQUAD_SCORE_H
#define EL_TASK_SQUAD_SCORE_H

#include <stdbool.h>

#include "task/dataset.h"

typedef enum { EL_SQUAD_1, EL_SQUAD_2, EL_KORQUAD, EL_MRQA } el_squad_rule;

/* The normalised text, on the heap. */
el_status el_squad_normalize(el_squad_rule rule, const char *text, char **normal);

/* One question. */
typedef struct {
    double exact, f1;
    double null_odds;
    bool answerable; /* it has answers */
    bool answered;   /* there is a prediction, if only an empty one */
    bool blank;      /* which is empty */
} el_squad_score;

/* Zeroed but for the rule, to begin with. */
typedef struct {
    el_squad_rule rule;
    el_squad_score *items; /* in the order added */
    size_t count, room;
} el_squad_scores;

/* Adds a question.  predicted NULL: none.  null_odds, of SQuAD 2.0: how much likelier it is that there is no answer; any
 * scale does. */
el_status el_squad_scores_add(el_squad_scores *scores, const char *predicted, double null_odds,
                              const el_answer *answers, int answer_count);
void el_squad_scores_release(el_squad_scores *scores);

typedef struct {
    size_t total;
    double exact, f1; /* 0 where there are no such questions */
} el_squad_mean;

typedef struct {
    el_squad_mean all, has_answer, no_answer;
} el_squad_means;

/* A prediction whose null odds are above the threshold counts as the empty one; INFINITY: none does. */
el_squad_means el_squad_scores_means(const el_squad_scores *scores, double threshold);

typedef struct {
    double exact, exact_threshold, f1, f1_threshold;
} el_squad_best;

/* Of SQuAD 2.0: the highest figures that a threshold gives, and the lowest threshold that gives them, 0 where it is best
 * to answer nothing.  As in the script, that is tried between equal odds too. */
el_status el_squad_scores_best(const el_squad_scores *scores, el_squad_best *best);

#endif
