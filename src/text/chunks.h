/* chunks - text to ids through a cache of chunks; private to text
 *
 * A chunk is a run of bytes between ASCII white space (space, tab, newline, carriage return).  Words never cross such a
 * space, so the ids of a chunk depend on its bytes alone, and most chunks of any text have been seen before.
 */
#ifndef EL_TEXT_CHUNKS_H
#define EL_TEXT_CHUNKS_H

#include "base/arena.h"
#include "normalize.h"
#include "wordpiece.h"

typedef struct {
    const el_vocab *vocab;
    el_words words;  /* the walk of whoever cuts words at present */
    el_arena memory; /* of the two below */
    struct el_bucket *buckets;
    int32_t *store;
    size_t stored;
} el_chunks;

/* Zero all but the vocabulary before the first use. */
el_status el_chunks_encode(el_chunks *chunks, const char *text, size_t bytes, el_ids *ids);
void el_chunks_release(el_chunks *chunks);

/* Cuts a word into at most EL_WORD_MOST pieces; returns how many.  With `ends`, where each ends in the word. */
int el_word_cut(const el_vocab *vocab, const el_words *word, int32_t *ids, int *ends);

#endif
