/* wordpiece - text to ids, equal to Hugging Face's BERT tokenizer, fast
 *
 * A word is cut from the left into the longest pieces that the vocabulary holds, all but the first with
 * "##"; if that fails anywhere, or the word has more than 100 characters, the whole word is [UNK].  No
 * [CLS] or [SEP] are added.  Whether "[MASK]" in a text is the token or six characters, the session's opener says.
 *
 * A session is one thread's memory: a cache from white-space-separated chunks of raw bytes to ids, so that a
 * chunk seen before is neither normalised nor cut again.  Its size is bounded; what it holds never changes
 * an answer.
 */
#ifndef EL_TEXT_WORDPIECE_H
#define EL_TEXT_WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "vocab.h"

/* A growing list of ids; zero it before first use, free it with el_ids_release. */
typedef struct {
    int32_t *data;
    size_t count, room;
} el_ids;

/* Room for `more` further ids. */
el_status el_ids_reserve(el_ids *ids, size_t more);
el_status el_ids_push(el_ids *ids, int id);
void el_ids_release(el_ids *ids);

/* Where a piece comes from: bytes [begin, end) of the text it was cut from. */
typedef struct {
    uint32_t begin, end;
} el_span;

typedef struct {
    el_span *data;
    size_t count, room;
} el_spans;

void el_spans_release(el_spans *spans);

typedef struct el_wordpiece el_wordpiece;

/* The vocabulary must outlive the session. */
el_status el_wordpiece_open(el_wordpiece **session, const el_vocab *vocab, el_special_reading reading);
void el_wordpiece_close(el_wordpiece *session); /* accepts NULL */

/* Appends the ids of the text's pieces.  Newlines are white space like any other.  Only memory can fail. */
el_status el_wordpiece_encode(el_wordpiece *session, const char *text, size_t bytes, el_ids *ids);

/* The same with where each piece comes from, one span an id; `bytes` below 4 GiB. */
el_status el_wordpiece_encode_spans(el_wordpiece *session, const char *text, size_t bytes, el_ids *ids,
                                    el_spans *spans);

#endif
