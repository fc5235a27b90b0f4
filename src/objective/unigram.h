/* unigram - replacements as frequent as tokens are in the text (Clark et al., 2020, section 3.2)
 *
 * A token is drawn with the share that it has of the shards' tokens; special tokens never are.  It is what a generator would
 * know that had only the bias of its output.
 */
#ifndef EL_OBJECTIVE_UNIGRAM_H
#define EL_OBJECTIVE_UNIGRAM_H

#include "base/random.h"
#include "text/vocab.h"

typedef struct {
    int size;      /* of the vocabulary */
    int64_t *sums; /* size + 1: how many tokens have an id below; special ones are not counted */
} el_unigram;

/* `counts`: how often each id stands in the shards; EL_EDATA where none but special tokens do. */
el_status el_unigram_open(el_unigram *unigram, const int64_t *counts, const el_vocab *vocab,
                          const char *name);
void el_unigram_close(el_unigram *unigram); /* accepts a zeroed one */

/* A run keeps it in a file, which names the vocabulary. */
#define EL_UNIGRAM_FILE "unigram.safetensors"
el_status el_unigram_save(const el_unigram *unigram, const el_vocab *vocab, const char *folder);
el_status el_unigram_load(el_unigram *unigram, const el_vocab *vocab, const char *folder);

/* A token other than `excluded` (-1: any), unless there is no other. */
int el_unigram_draw(const el_unigram *unigram, el_random random, uint64_t number, int excluded);

/* -log of a token's share; of one that the shards do not have, that of one which they have once. */
double el_unigram_loss(const el_unigram *unigram, int id);

#endif
