/* pairs - sequences of two segments, some of them made wrong, for who asks whether they belong together
 *
 *   nsp   next sentence (Devlin et al., 2019): at half of the pairs the second segment is another pair's of the batch
 *   sop   order of sentences (Lan et al., 2020): at half of them the segments change places
 *
 * A label a sequence: 0 as it was, 1 made wrong, -1 where there is no second segment, and nothing is asked.  Whether a pair is
 * made wrong is a coin of its own.
 *
 * In an example that is full the second segment ends where there was no more room, and the first one where a line ends.  That
 * would tell their order, so sop cuts the first one's end too, by 0 to EL_PAIR_CUT tokens and no more than half of it.
 *
 * The segment that nsp takes is drawn uniformly from those that are at least as long as the one in whose place it comes, and is
 * cut to its length: so how long a pair is says nothing.  Where none is, the longest other one comes, and the pair becomes
 * shorter.  A batch with one pair has nobody to take from, and nothing is asked.
 */
#ifndef EL_OBJECTIVE_PAIRS_H
#define EL_OBJECTIVE_PAIRS_H

#include "base/random.h"
#include "data/batch.h"

typedef enum { EL_SENTENCES_NONE, EL_SENTENCES_NSP, EL_SENTENCES_SOP } el_sentence_task;
#define EL_SENTENCE_TASKS "none|nsp|sop" /* in that order */

enum {
    EL_PAIR_LEAST = 5, /* rows of the shortest pair: [CLS] a [SEP] b [SEP] */
    EL_PAIR_CUT = 15
};

typedef struct {
    el_batch batch;
    int *labels; /* of its sequences */
    int asked;   /* labels that are not -1 */
    /* of the sequences as they were: the row of the second segment; where there is none the next sequence's first */
    int *seconds;
    int capacity;
} el_pairs;

/* A copy of a batch, as a function of seed, step and the batch; `longest`: rows of an example that is full. */
el_status el_pairs_make(el_pairs *pairs, const el_batch *batch, el_sentence_task task, int longest,
                        el_random random);
void el_pairs_release(el_pairs *pairs); /* accepts a zeroed one */

#endif
