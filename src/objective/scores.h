/* scores - how well numbers tell two classes apart */
#ifndef EL_TRAIN_SCORES_H
#define EL_TRAIN_SCORES_H

#include <stddef.h>

#include "base/error.h"

typedef struct {
    float score;
    int label; /* 0 or 1 */
} el_scored;

typedef struct {
    el_scored *items;
    size_t count, capacity;
} el_scores;

el_status el_scores_reserve(el_scores *scores, size_t more);
void el_scores_add(el_scores *scores, float score, int label); /* after a reserve */
void el_scores_release(el_scores *scores);

/* Area under the ROC curve: the probability that a 1 scores above a 0, ties counting half; 0.5 where a class
 * is absent.  Sorts the items. */
double el_scores_auc(el_scores *scores);

#endif
