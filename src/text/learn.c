/* learn - merging the most frequent pair, again and again
 *
 * Words are sequences of symbols, a symbol is an id of the vocabulary to be.  For each pair of neighbours the
 * table holds how often it occurs (words weighted by their counts) and which words had it.  A merge visits
 * those words only, and changes the counts of the pairs beside the places where it merged.  The heap holds a
 * claim "this pair occurs so often" for each pair; a claim that is out of date is corrected when it comes up.
 *
 * Two merges may give the same piece ("a" + "##bc", "ab" + "##c"): it is one symbol then, as in Hugging
 * Face's trainer, and like there the count of a merged pair is left standing, to which later occurrences add.
 */
#include "learn.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "learn_parts.h"

enum { LEAST_VOCAB = 16, PROGRESS_EVERY = 256 };
static const size_t USUAL_MEMORY = (size_t)2 << 30;

el_status el_learn_no_memory(size_t bytes)
{
    return el_fail(EL_ENOMEM, "no memory to learn a vocabulary (%zu bytes)", bytes);
}

/* ---- merging ---------------------------------------------------------------------------------------- */

static el_status count_pairs(el_vocab_learner *l)
{
    el_status st = EL_OK;
    for (size_t w = 0; w < l->counts.count; w++) {
        const uint32_t *symbols = l->symbols + l->starts[w];
        for (int i = 0; i + 1 < l->lengths[w] && !st; i++)
            st = el_pairs_gain(l, symbols[i], symbols[i + 1], (uint32_t)w);
    }
    return st ? st : el_pairs_claim(l);
}

/* Replaces `left` `right` by `made` in one word, from its beginning. */
static el_status merge_in_word(el_vocab_learner *l, uint32_t word, uint32_t left, uint32_t right,
                               uint32_t made)
{
    uint32_t *s = l->symbols + l->starts[word];
    int length = l->lengths[word], to = 0;
    el_status st = EL_OK;
    for (int from = 0; from < length && !st; to++) {
        if (from + 1 == length || s[from] != left || s[from + 1] != right) {
            s[to] = s[from++];
            continue;
        }
        from += 2;
        if (to > 0) {
            st = el_pairs_lose(l, s[to - 1], left, word);
            if (!st)
                st = el_pairs_gain(l, s[to - 1], made, word);
        }
        if (from < length && !st) {
            st = el_pairs_lose(l, right, s[from], word);
            if (!st)
                st = el_pairs_gain(l, made, s[from], word);
        }
        s[to] = made;
    }
    if (!st)
        l->lengths[word] = (uint8_t)to;
    return st;
}

static el_status merge(el_vocab_learner *l, uint32_t number)
{
    const uint64_t key = l->pairs[number].key;
    const uint32_t left = (uint32_t)(key >> 32), right = (uint32_t)key;
    const char *tail = l->pieces[right];
    char text[2 + 4 * EL_WORD_CHARACTERS + 1];
    stpcpy(stpcpy(text, l->pieces[left]), tail + (strncmp(tail, "##", 2) == 0 ? 2 : 0));
    uint32_t made;
    el_status st = el_learn_piece(l, text, &made);
    uint32_t *words = l->pairs[number].words; /* the list may be begun anew meanwhile */
    const uint32_t count = l->pairs[number].word_count;
    l->pairs[number].words = NULL;
    l->pairs[number].word_count = l->pairs[number].word_room = 0;
    l->merge++;
    for (uint32_t i = 0; i < count && !st; i++)
        st = merge_in_word(l, words[i], left, right, made);
    free(words);
    return st ? st : el_pairs_claim(l);
}

static el_status tell(const el_learn_settings *s, const char *what, uint64_t done, uint64_t total)
{
    if (s->progress && !s->progress(s->progress_context, what, done, total))
        return el_fail(EL_EFAILED, "stopped; nothing was written");
    return EL_OK;
}

static el_status merge_all(el_vocab_learner *l)
{
    const el_learn_settings *s = l->settings;
    el_status st = EL_OK;
    uint32_t number;
    while (!st && l->piece_count < s->vocab_size && el_pairs_take(l, &number)) {
        const int64_t count = l->pairs[number].count;
        if (count < 1 || count < s->min_frequency)
            return EL_OK;
        st = merge(l, number);
        if (!st && l->merge % PROGRESS_EVERY == 0)
            st = tell(s, "merging", (uint64_t)l->piece_count, (uint64_t)s->vocab_size);
    }
    return st;
}

/* ---- the whole -------------------------------------------------------------------------------------- */

static el_status learn(el_vocab_learner *l)
{
    el_status st = el_learn_alphabet(l);
    if (!st)
        st = count_pairs(l);
    return st ? st : merge_all(l);
}

static el_status make_vocab(const el_vocab_learner *l, el_vocab **vocab)
{
    size_t bytes = 0;
    for (int i = 0; i < l->piece_count; i++)
        bytes += strlen(l->pieces[i]) + 1;
    char *text = malloc(bytes + 1), *at = text;
    if (!text)
        return el_learn_no_memory(bytes);
    for (int i = 0; i < l->piece_count; i++) {
        at = stpcpy(at, l->pieces[i]);
        *at++ = '\n';
    }
    const el_status st = el_vocab_parse(vocab, text, bytes, l->settings->casing, "the learnt vocabulary");
    free(text);
    return st;
}

static void release(el_vocab_learner *l)
{
    for (size_t i = 0; i < l->pair_count; i++)
        free(l->pairs[i].words);
    for (int i = 0; i < l->piece_count; i++)
        free(l->pieces[i]);
    free(l->pairs);
    free(l->pair_places);
    free(l->pieces);
    free(l->piece_places);
    free(l->heap);
    free(l->touched);
    free(l->symbols);
    free(l->starts);
    free(l->lengths);
    el_word_counts_release(&l->counts);
}

typedef struct {
    const el_learn_settings *settings;
    el_reader *reader;
} reading;

static el_status tell_reading(void *context)
{
    const reading *r = context;
    uint64_t done, total;
    el_reader_progress(r->reader, &done, &total);
    return tell(r->settings, "reading", done, total);
}

static el_status open_special(el_added **special, const el_normalizer *normalizer)
{
    static const el_added_token TOKENS[EL_SPECIALS] = {
        {.text = "[PAD]"}, {.text = "[UNK]"}, {.text = "[CLS]"}, {.text = "[SEP]"}, {.text = "[MASK]"}};
    return el_added_open(special, TOKENS, EL_SPECIALS, normalizer);
}

/* What another process has counted; this one's own is there. */
static el_status add_counts(void *context, int part, const void *data, size_t bytes)
{
    return part == 0 ? EL_OK : el_word_counts_add(context, data, bytes);
}

/* The counts of all processes, in the first, where the text that they read has the same content. */
static el_status collect(el_vocab_learner *l, uint64_t content, el_status before)
{
    const el_shares *const s = &l->settings->shares;
    if (el_shares_alone(s))
        return before;
    char *data = NULL;
    size_t bytes = 0;
    el_status st = before ? before : el_word_counts_write(&l->counts, &data, &bytes);
    st = s->agree(s->context, st);
    if (!st)
        st = el_shares_same_text(s, content);
    if (!st)
        st = s->collect(s->context, data, bytes, add_counts, &l->counts);
    free(data);
    return st;
}

static el_status learn_and_open(el_vocab_learner *l, el_vocab **vocab)
{
    if (l->counts.count == 0)
        return el_fail(EL_EDATA, "there are no words in this text to learn from");
    if (l->counts.dropped)
        el_log(EL_LOG_WARNING, "%llu occurrences of rare words were left out to stay within memory",
               (unsigned long long)l->counts.dropped);
    const el_status st = learn(l);
    return st ? st : make_vocab(l, vocab);
}

el_status el_learn(el_vocab **vocab, el_reader *reader, const el_learn_settings *settings)
{
    *vocab = NULL;
    if (settings->vocab_size < LEAST_VOCAB || settings->vocab_size > EL_VOCAB_MAX_PIECES)
        return el_fail(EL_EUSAGE, "a vocabulary of %d pieces: it must have %d to %d", settings->vocab_size,
                       LEAST_VOCAB, EL_VOCAB_MAX_PIECES);
    el_vocab_learner l = {.settings = settings};
    el_normalizer *normalizer;
    el_added *special = NULL;
    el_status st = el_normalizer_open(&normalizer, settings->casing, true);
    if (!st && settings->reading == EL_SPECIAL_TOKENS)
        st = open_special(&special, normalizer);
    if (!st)
        el_reader_share(reader, settings->shares.own ? 0 : settings->shares.part,
                        settings->shares.own ? 0 : settings->shares.parts);
    if (!st)
        st = el_count_words(&l.counts, reader, normalizer, special, settings->threads,
                            settings->memory_bytes ? settings->memory_bytes : USUAL_MEMORY, tell_reading,
                            &(reading){settings, reader});
    st = collect(&l, el_reader_content(reader), st);
    if (!st && settings->shares.part == 0)
        st = learn_and_open(&l, vocab);
    release(&l);
    el_added_close(special);
    el_normalizer_close(normalizer);
    return st;
}
