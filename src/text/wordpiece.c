/* wordpiece - words through the trie (chunks.c through its cache), with where each piece comes from, and tokens in texts */
#include "wordpiece.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/grow.h"
#include "chunks.h"
#include "normalized.h"

struct el_wordpiece {
    el_special_reading reading;
    el_chunks chunks;
    el_normalized normalized; /* of a text in which tokens are looked for */
};

static el_status no_memory(size_t ids)
{
    return el_fail(EL_ENOMEM, "no memory for a text of %zu ids", ids);
}

el_status el_ids_reserve(el_ids *ids, size_t more)
{
    const size_t need = ids->count + more;
    return el_grow(&ids->data, &ids->room, need, sizeof *ids->data) ? EL_OK : no_memory(need);
}

el_status el_ids_push(el_ids *ids, int id)
{
    const el_status st = el_ids_reserve(ids, 1);
    if (!st)
        ids->data[ids->count++] = id;
    return st;
}

static el_status spans_reserve(el_spans *spans, size_t more)
{
    const size_t need = spans->count + more;
    return el_grow(&spans->data, &spans->room, need, sizeof *spans->data) ? EL_OK : no_memory(need);
}

void el_ids_release(el_ids *ids)
{
    free(ids->data);
    *ids = (el_ids){0};
}

void el_spans_release(el_spans *spans)
{
    free(spans->data);
    *spans = (el_spans){0};
}

el_status el_wordpiece_open(el_wordpiece **session, const el_vocab *vocab, el_special_reading reading)
{
    *session = NULL;
    el_wordpiece *s = calloc(1, sizeof *s);
    if (!s)
        return el_no_memory(NULL);
    s->chunks.vocab = vocab;
    s->reading = reading;
    *session = s;
    return EL_OK;
}

void el_wordpiece_close(el_wordpiece *session)
{
    if (!session)
        return;
    el_chunks_release(&session->chunks);
    el_normalized_release(&session->normalized);
    free(session);
}

/* ---- with spans ------------------------------------------------------------------------------------- */

/* The span of the piece that has bytes [begin, end) of the word. */
static el_span span_of(const el_words *word, int begin, int end, int most)
{
    if (word->characters > most)
        return (el_span){word->from[0], word->to_end};
    el_span span = {UINT32_MAX, 0};
    for (int c = 0; c < word->characters; c++) {
        if (word->at[c] < begin || word->at[c] >= end)
            continue;
        span.begin = word->from[c] < span.begin ? word->from[c] : span.begin;
        span.end = word->to[c] > span.end ? word->to[c] : span.end;
    }
    return span;
}

static el_status append(el_ids *ids, el_spans *spans, int32_t id, el_span span)
{
    el_status st = el_ids_reserve(ids, 1);
    if (!st && spans)
        st = spans_reserve(spans, 1);
    if (st)
        return st;
    ids->data[ids->count++] = id;
    if (spans)
        spans->data[spans->count++] = span;
    return EL_OK;
}

/* Places of a text within another one: where it was cut out, or what it was normalised from. */
typedef struct {
    uint32_t shift;
    const el_normalized *normalized; /* NULL: shifted only */
} origin;

static el_span original(const origin *o, el_span span)
{
    if (!o->normalized)
        return (el_span){o->shift + span.begin, o->shift + span.end};
    el_span whole = {UINT32_MAX, 0};
    for (uint32_t i = span.begin; i < span.end; i++) {
        whole.begin = o->normalized->from[i] < whole.begin ? o->normalized->from[i] : whole.begin;
        whole.end = o->normalized->to[i] > whole.end ? o->normalized->to[i] : whole.end;
    }
    return (el_span){o->shift + whole.begin, o->shift + whole.end};
}

/* Words from `begin` on, one after the other, without the cache. */
static el_status encode_words(el_wordpiece *s, const el_normalizer *normalizer, const char *text,
                              size_t begin, size_t end, const origin *o, el_ids *ids, el_spans *spans)
{
    const int most = s->chunks.vocab->options.word_characters;
    el_words_start(&s->chunks.words, normalizer, text + begin, end - begin);
    while (el_words_next(&s->chunks.words)) {
        int32_t cut[EL_WORD_MOST];
        int ends[EL_WORD_MOST];
        const int count = el_word_cut(s->chunks.vocab, &s->chunks.words, cut, ends);
        for (int i = 0; i < count; i++) {
            el_span span = span_of(&s->chunks.words, i ? ends[i - 1] : 0, ends[i], most);
            span = original(o, (el_span){(uint32_t)begin + span.begin, (uint32_t)begin + span.end});
            const el_status st = append(ids, spans, cut[i], span);
            if (st)
                return st;
        }
    }
    return EL_OK;
}

/* ---- with tokens ------------------------------------------------------------------------------------ */

/* [begin, end) of a text, between tokens that were found in it as it is: those of its normalised form, and what is between
 * these. */
static el_status encode_normalized(el_wordpiece *s, const char *text, size_t begin, size_t end, el_ids *ids,
                                   el_spans *spans)
{
    const origin o = {(uint32_t)begin, &s->normalized};
    el_status st = el_normalize(&s->normalized, s->chunks.vocab->normalizer, text + begin, end - begin);
    el_added_walk walk;
    size_t at = 0;
    el_added_start(&walk, s->chunks.vocab->added[s->reading], true, s->normalized.text, s->normalized.bytes);
    while (!st && el_added_next(&walk)) {
        st = encode_words(s, s->chunks.vocab->splitter, s->normalized.text, at, walk.begin, &o, ids, spans);
        if (!st)
            st = append(ids, spans, walk.id,
                        original(&o, (el_span){(uint32_t)walk.begin, (uint32_t)walk.end}));
        at = walk.end;
    }
    if (!st && at < s->normalized.bytes)
        st = encode_words(s, s->chunks.vocab->splitter, s->normalized.text, at, s->normalized.bytes, &o, ids,
                          spans);
    return st;
}

/* [begin, end) of a text without a token that is looked for in it as it is. */
static el_status encode_between(el_wordpiece *s, const char *text, size_t begin, size_t end, el_ids *ids,
                                el_spans *spans)
{
    if (begin == end)
        return EL_OK;
    if (el_added_normalized(s->chunks.vocab->added[s->reading]))
        return encode_normalized(s, text, begin, end, ids, spans);
    if (!spans)
        return el_chunks_encode(&s->chunks, text + begin, end - begin, ids);
    return encode_words(s, s->chunks.vocab->normalizer, text, begin, end, &(origin){0}, ids, spans);
}

static el_status encode(el_wordpiece *s, const char *text, size_t bytes, el_ids *ids, el_spans *spans)
{
    el_added_walk walk;
    el_status st = EL_OK;
    size_t at = 0;
    el_added_start(&walk, s->chunks.vocab->added[s->reading], false, text, bytes);
    while (!st && el_added_next(&walk)) {
        st = encode_between(s, text, at, walk.begin, ids, spans);
        if (!st)
            st = append(ids, spans, walk.id, (el_span){(uint32_t)walk.begin, (uint32_t)walk.end});
        at = walk.end;
    }
    return st ? st : encode_between(s, text, at, bytes, ids, spans);
}

el_status el_wordpiece_encode(el_wordpiece *s, const char *text, size_t bytes, el_ids *ids)
{
    return encode(s, text, bytes, ids, NULL);
}

el_status el_wordpiece_encode_spans(el_wordpiece *s, const char *text, size_t bytes, el_ids *ids,
                                    el_spans *spans)
{
    assert(bytes <= UINT32_MAX);
    return encode(s, text, bytes, ids, spans);
}
