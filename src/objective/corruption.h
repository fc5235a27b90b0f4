/* corruption - which tokens of a batch are predicted, and what stands in their places
 *
 * Where the unit is `next`, every row but the last of a sequence is a slot: it shows what stands there, and its target is the
 * token after it.  Else:
 *
 * Sequence s of n tokens gets k = max(1, min(max_predictions, round(n * mask_prob))) slots among its tokens
 * other than [CLS], [SEP] and [MASK], without replacement; none where there are no such tokens, fewer where
 * there are too few.  Each slot by itself shows [MASK], a random token or its own token, with the shares of the rule.
 * A random token is uniform over all ids but those of the special tokens, which in a small vocabulary are no rare thing
 * among the original's; it may be a piece that no text has ([unused0]), or an id that has none.  With `duplicates`,
 * positions are drawn with replacement, as the original does; where any slot of a position shows something else than
 * the token, the position does (the last of them).
 *
 * Words are hidden whole where the unit is one: a piece that continues a word is hidden with it, and so are, of an n-gram, n
 * words that follow each other, n = 1, 2, 3 with shares 6/11, 3/11, 2/11 (Lan et al., 2020).  Each n-gram is as likely at any
 * place where it fits: among words that are free, and in what is left of the k slots; where it fits nowhere, a shorter one is
 * taken.  So there may be fewer than k slots, and none where no word is as short as k.
 *
 * Spans are n pieces, n = 1 ... 5 as likely as 1/n, from the beginning of a word on.  Each lies somewhere within 6 n tokens of
 * its own; where these end, single pieces make up what is missing of the k.  So has XLNet's code, which means n words but counts
 * pieces (Yang et al., 2019).  Slots then come in a random order.
 */
#ifndef EL_OBJECTIVE_CORRUPTION_H
#define EL_OBJECTIVE_CORRUPTION_H

#include <stdbool.h>

#include "base/random.h"
#include "data/batch.h"
#include "text/vocab.h"

/* What is hidden together: pieces by themselves; whole words; one to three words that follow each other; spans.  Or nothing, and
 * it is the next token that is predicted: the rest of a rule has no meaning then. */
typedef enum { EL_MASK_PIECE, EL_MASK_WORD, EL_MASK_NGRAM, EL_MASK_SPAN, EL_MASK_NEXT } el_mask_unit;

/* Shares of the slots; they add up to 1. */
typedef struct {
    double mask, random, keep;
} el_mask_shares;

/* Reads "mask,random,keep"; EL_EUSAGE unless they are shares that add up to 1. */
el_status el_mask_shares_read(el_mask_shares *shares, const char *text);

typedef struct {
    double mask_prob;
    int max_predictions;
    bool duplicates;
    el_mask_unit unit;
    el_mask_shares shares;
} el_corruption_rule;

typedef struct {
    int count;
    int *rows;       /* of the batch: the slots */
    int *shown;      /* ids that stand there */
    int *targets;    /* ids that stood there, or that come next */
    int *starts;     /* sequences + 1: the slots of each sequence */
    int *candidates; /* scratch: rows that may be slots, and of them the words; where n-grams fit */
    int *words, *places;
    int row_capacity, sequence_capacity;
} el_corruption;

/* Room for so many slots and sequences; what was there is gone. */
el_status el_corruption_reserve(el_corruption *corruption, int rows, int sequences);

/* Most slots in one sequence of n tokens. */
int el_corruption_slots_of(const el_corruption_rule *rule, int n);

/* Corrupts a whole batch; a function of seed, step and the batch. */
el_status el_corruption_make(el_corruption *corruption, const el_batch *batch, const el_vocab *vocab,
                             const el_corruption_rule *rule, el_random random);

/* Copies of ids[0], ..., the batch's rows from first_row on, with what the slots [first, last) show. */
void el_corruption_show(const el_corruption *corruption, int *ids, int first_row, int first, int last);

void el_corruption_release(el_corruption *corruption);

#endif
