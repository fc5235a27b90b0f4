/* learn_parts - what learning a vocabulary is made of: the alphabet, the pairs and their heap, and merging */
#ifndef EL_TEXT_LEARN_PARTS_H
#define EL_TEXT_LEARN_PARTS_H

#include <stdlib.h>

#include "count.h"
#include "learn.h"

typedef struct {
    uint64_t key; /* left symbol, right symbol: 32 bits each */
    int64_t count;
    uint32_t *words; /* those that may hold it; some may not any more */
    uint32_t word_count, word_room;
    int touched; /* by which merge last */
} el_pair;

typedef struct {
    int64_t count;
    uint64_t key;
    uint32_t pair;
} el_claim;

typedef struct {
    const el_learn_settings *settings;
    el_word_counts counts;
    /* the words */
    uint32_t *symbols; /* of all words, one after the other */
    size_t *starts;
    uint8_t *lengths;
    /* pieces: texts with a zero each, and their ids by hash */
    char **pieces;
    int piece_count;
    int32_t *piece_places; /* id + 1, 0: free */
    uint32_t piece_mask;
    /* pairs, and their numbers by hash */
    el_pair *pairs;
    size_t pair_count, pair_room;
    uint32_t *pair_places; /* number + 1, 0: free */
    size_t pair_mask;
    /* the heap */
    el_claim *heap;
    size_t heap_count, heap_room;
    uint32_t *touched;
    size_t touched_count, touched_room;
    int merge; /* the number of the merge being done */
} el_vocab_learner;

el_status el_learn_no_memory(size_t bytes);
/* The id of a piece, which is new if there was none. */
el_status el_learn_piece(el_vocab_learner *l, const char *text, uint32_t *id);

/* ---- learn_alphabet.c ---- */

/* Special pieces and characters become pieces, and the words that were counted become symbols. */
el_status el_learn_alphabet(el_vocab_learner *l);

/* ---- learn_pairs.c ---- */

/* One occurrence more, or less, of a pair in a word. */
el_status el_pairs_gain(el_vocab_learner *l, uint32_t left, uint32_t right, uint32_t word);
el_status el_pairs_lose(el_vocab_learner *l, uint32_t left, uint32_t right, uint32_t word);
/* Claims for all pairs that have gained. */
el_status el_pairs_claim(el_vocab_learner *l);
/* Takes the most frequent pair out of the heap, then that of lower ids; false: there is none. */
bool el_pairs_take(el_vocab_learner *l, uint32_t *number);

#endif
