/* learn - a WordPiece vocabulary from text
 *
 * As Hugging Face's WordPieceTrainer does it: words are counted, start as characters (all but the first
 * with "##"), and the most frequent pair of neighbours is merged, again and again, until the vocabulary is
 * full or no pair is left that occurs min_frequency times.  Ties go to the pair of lower ids.  Ids: the
 * special tokens, the alphabet by code point, its continuations by how many words have them, then merges in
 * their order.
 *
 * Counts are 64 bits.  The result depends on the text and the settings alone, never on the number of threads.
 * Counting keeps within `memory_bytes` by dropping the rarest words whenever it would pass (which a
 * log line then says); words of more than 100 characters are left out, since tokenising never cuts them.
 */
#ifndef EL_TEXT_LEARN_H
#define EL_TEXT_LEARN_H

#include <stddef.h>
#include <stdint.h>

#include "base/shares.h"
#include "reader.h"
#include "vocab.h"
#include "wordpiece.h"

/* Of a text: with more conjoining jamo (U+1100 to U+11FF) than this it holds Korean in decomposed letters. */
#define EL_JAMO_SHARE 0.05

typedef struct {
    int vocab_size;        /* never more entries than this; at least 16 */
    int64_t min_frequency; /* of a pair to be merged */
    int limit_alphabet; /* characters kept, the most frequent ones; 0: the lesser of 1000 and vocab_size / 4.  No more than
                         * half of the pieces that are not special, which is said */
    el_casing casing;
    el_special_reading reading; /* tokens: special tokens in the text are none of its words */
    int threads;
    size_t memory_bytes; /* for counting; 0: 2 GiB */
    el_shares shares;    /* processes that count together; the first one learns */
    /* Called now and then from the calling thread; may be NULL. `what` is "reading" (done and total in
     * bytes, as el_reader_progress) or "merging" (in pieces).  False: stop. */
    bool (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
    void *progress_context;
} el_learn_settings;

/* Reads all of `reader` and opens the vocabulary learnt from it; NULL where another process learns. EL_EDATA if there is no
 * word in it. */
el_status el_learn(el_vocab **vocab, el_reader *reader, const el_learn_settings *settings);

#endif
