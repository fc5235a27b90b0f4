/* count - how often each word occurs in a text
 *
 * Blocks are cut into parts; threads list the words of each part, sorted into shards by hash; then threads
 * add the lists to the shards' tables, parts in order.  What a table holds so depends on the text alone, also
 * when words have to be dropped for lack of memory.
 */
#ifndef EL_TEXT_COUNT_H
#define EL_TEXT_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "added.h"
#include "normalize.h"
#include "reader.h"

typedef struct {
    const char *text;
    uint32_t bytes; /* at most 4 * EL_WORD_CHARACTERS; longer words are not counted */
    uint64_t count;
} el_counted_word;

typedef struct {
    el_counted_word *words; /* in no particular order, but always the same */
    size_t count;
    uint64_t dropped;              /* occurrences of words that were dropped to stay within memory */
    struct el_count_shard *shards; /* own the texts, */
    char **received;               /* and these those of other processes */
    int received_count;
} el_word_counts;

/* `special` (may be NULL): tokens that end words and are none.  `after_block` (may be NULL) is called now and then, and ends
 * the counting by a failure. */
el_status el_count_words(el_word_counts *counts, el_reader *reader, const el_normalizer *normalizer,
                         const el_added *special, int threads, size_t memory_bytes,
                         el_status (*after_block)(void *context), void *context);
void el_word_counts_release(el_word_counts *counts); /* accepts a zeroed one */

/* For other processes, on the heap; and what another one has counted, added. */
el_status el_word_counts_write(const el_word_counts *counts, char **data, size_t *bytes);
el_status el_word_counts_add(el_word_counts *counts, const char *data, size_t bytes);

#endif
