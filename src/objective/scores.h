/* scores - how well numbers tell two classes apart
 *
 * The first million scores are kept, and the area is exact.  Beyond them only counts are: the kept ones are cut into
 * 65 536 bins of equally many scores, and every later score is counted in its bin.  Two scores of one bin count as a
 * tie, so the area is wrong by at most half the share of pairs (a 1, a 0) that lie in one bin: below 2^-16, or 0.000016,
 * while the scores keep the distribution of the first million.
 */
#ifndef EL_OBJECTIVE_SCORES_H
#define EL_OBJECTIVE_SCORES_H

#include <stddef.h>
#include <stdint.h>

#include "train/ledger.h"

enum { EL_SCORES_KEPT = 1 << 20 };

typedef struct {
    float score;
    int label; /* 0 or 1 */
} el_scored;

typedef struct {
    float least;       /* the bin's scores are from here up to the next bin's */
    int64_t counts[2]; /* of each label */
} el_score_bin;

typedef struct {
    el_scored *items;
    size_t count, room;
    el_score_bin *bins; /* NULL: all scores are items */
} el_scores;

el_status el_scores_reserve(el_scores *scores, size_t more);
void el_scores_add(el_scores *scores, float score, int label); /* after a reserve */
void el_scores_clear(el_scores *scores);                       /* back to no scores; the memory stays */
void el_scores_ledger(el_scores *scores, el_ledger *ledger);
void el_scores_release(el_scores *scores);

/* Area under the ROC curve: the probability that a 1 scores above a 0, ties counting half; 0.5 where a class
 * is absent.  Sorts the items. */
double el_scores_auc(el_scores *scores);

#endif
