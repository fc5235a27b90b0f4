/* slots - which tokens of a batch are hidden from the generator
 *
 * Sequence s of n tokens gets k = max(1, min(max_predictions, round(n * mask_prob))) slots among its tokens
 * other than [CLS], [SEP] and [MASK], without replacement; none where there are no such tokens, fewer where
 * there are too few. Each slot shows [MASK] with probability 0.85 and its own token otherwise. With
 * `duplicates`, positions are drawn with replacement, as the original does; where any slot of a position
 * shows [MASK], the position does.
 */
#ifndef EL_TRAIN_SLOTS_H
#define EL_TRAIN_SLOTS_H

#include <stdbool.h>

#include "base/random.h"
#include "data/batch.h"
#include "text/vocab.h"

typedef struct {
    int count;
    int *rows;       /* of the batch */
    bool *masked;    /* shows [MASK] */
    int *starts;     /* sequences + 1: the slots of each sequence */
    int *candidates; /* scratch */
    int row_capacity, sequence_capacity;
} el_slots;

typedef struct {
    double mask_prob;
    int max_predictions;
    bool duplicates;
} el_slot_rule;

/* Most slots in one sequence of n tokens. */
int el_slots_of(const el_slot_rule *rule, int n);

/* Chooses for a whole batch; a function of seed, step and the batch. */
el_status el_slots_choose(el_slots *slots, const el_batch *batch, const el_vocab *vocab,
                          const el_slot_rule *rule, el_random random);
void el_slots_release(el_slots *slots);

#endif
