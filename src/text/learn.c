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

#include "base/file.h"
#include "base/log.h"
#include "count.h"
#include "utf8.h"

enum { LEAST_VOCAB = 16, USUAL_ALPHABET = 1000, PROGRESS_EVERY = 256 };
static const size_t USUAL_MEMORY = (size_t)2 << 30;
static const char *const SPECIAL[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
enum { SPECIALS = sizeof SPECIAL / sizeof *SPECIAL };
static const double LARGELY = 0.3; /* the share of Hangul from which losing it is worth a warning */

typedef struct {
    uint64_t key; /* left symbol, right symbol: 32 bits each */
    int64_t count;
    uint32_t *words; /* those that may hold it; some may not any more */
    uint32_t word_count, word_room;
    int touched; /* by which merge last */
} pair;

typedef struct {
    int64_t count;
    uint64_t key;
    uint32_t pair;
} claim;

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
    pair *pairs;
    size_t pair_count, pair_room;
    uint32_t *pair_places; /* number + 1, 0: free */
    size_t pair_mask;
    /* the heap */
    claim *heap;
    size_t heap_count, heap_room;
    uint32_t *touched;
    size_t touched_count, touched_room;
    int merge; /* the number of the merge being done */
} learner;

static el_status no_memory(size_t bytes)
{
    return el_fail(EL_ENOMEM, "cannot allocate %zu bytes for learning a vocabulary", bytes);
}

/* Room for one more element. */
static el_status grow(void **list, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return EL_OK;
    const size_t wider = 2 * *room + 16;
    void *moved = realloc(*list, wider * size);
    if (!moved)
        return no_memory(wider * size);
    *list = moved;
    *room = wider;
    return EL_OK;
}

/* ---- pieces ----------------------------------------------------------------------------------------- */

static int32_t *piece_place(learner *l, const char *text)
{
    uint32_t at = (uint32_t)el_hash(text, strlen(text)) & l->piece_mask;
    while (l->piece_places[at] && strcmp(l->pieces[l->piece_places[at] - 1], text) != 0)
        at = (at + 1) & l->piece_mask;
    return &l->piece_places[at];
}

/* The id of a piece, which is new if there was none. */
static el_status add_piece(learner *l, const char *text, uint32_t *id)
{
    int32_t *place = piece_place(l, text);
    if (!*place) {
        if (!(l->pieces[l->piece_count] = strdup(text)))
            return no_memory(strlen(text));
        *place = ++l->piece_count;
    }
    *id = (uint32_t)*place - 1;
    return EL_OK;
}

static el_status open_pieces(learner *l)
{
    const size_t most = (size_t)l->settings->vocab_size + 1;
    size_t places = 64;
    while (places < 2 * most)
        places *= 2;
    l->pieces = calloc(most, sizeof *l->pieces);
    l->piece_places = calloc(places, sizeof *l->piece_places);
    l->piece_mask = (uint32_t)places - 1;
    if (!l->pieces || !l->piece_places)
        return no_memory(places * sizeof *l->piece_places);
    el_status st = EL_OK;
    uint32_t id;
    for (int i = 0; i < SPECIALS && !st; i++)
        st = add_piece(l, SPECIAL[i], &id);
    return st;
}

/* ---- the alphabet ----------------------------------------------------------------------------------- */

typedef struct {
    uint64_t count;
    uint32_t c;
    uint32_t continues; /* in how many places of different words it stands, first ones left out */
} character;

static int by_count(const void *left, const void *right)
{
    const character *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return (a->c > b->c) - (a->c < b->c);
}

static int by_code_point(const void *left, const void *right)
{
    const character *a = left, *b = right;
    return (a->c > b->c) - (a->c < b->c);
}

/* Hugging Face numbers continuations as it meets them in words drawn by chance: on the whole, those of many
 * words come first. So they do here, always. */
static int by_continuing(const void *left, const void *right)
{
    const character *a = left, *b = right;
    if (a->continues != b->continues)
        return a->continues > b->continues ? -1 : 1;
    return (a->c > b->c) - (a->c < b->c);
}

static void count_characters(const el_word_counts *counts, character *all)
{
    for (size_t w = 0; w < counts->count; w++) {
        const char *at = counts->words[w].text, *end = at + counts->words[w].bytes;
        while (at < end) {
            uint32_t c;
            at += el_utf8_decode(at, end, &c);
            all[c].count += counts->words[w].count;
        }
    }
}

static void warn_of_hangul(const character *all)
{
    uint64_t hangul = 0, letters = 0;
    for (uint32_t c = 'A'; c < EL_CODE_POINTS; c++) {
        letters += all[c].count;
        if (c >= 0x1100 && c < 0x1200)
            hangul += all[c].count;
    }
    if ((double)hangul > LARGELY * (double)letters)
        el_log(EL_LOG_WARNING, "the text is largely Hangul, and stripping accents takes its syllables apart; "
                               "--no-strip-accents keeps them whole");
}

static int alphabet_limit(const el_learn_settings *s)
{
    const int usual = s->vocab_size / 4 < USUAL_ALPHABET ? s->vocab_size / 4 : USUAL_ALPHABET;
    const int wanted = s->limit_alphabet ? s->limit_alphabet : usual;
    const int room = (s->vocab_size - SPECIALS) / 2; /* each may need a continuation as well */
    return wanted < room ? wanted : room;
}

/* For the characters that are kept, how often each continues a word. */
static void count_continuations(const el_word_counts *counts, character *all)
{
    for (size_t w = 0; w < counts->count; w++) {
        const char *at = counts->words[w].text, *end = at + counts->words[w].bytes;
        for (bool first = true; at < end; first = false) {
            uint32_t c;
            at += el_utf8_decode(at, end, &c);
            if (!first && all[c].count)
                all[c].continues++;
        }
    }
}

static el_status add_characters(learner *l, const character *list, size_t count, const char *prefix)
{
    el_status st = EL_OK;
    for (size_t i = 0; i < count && !st; i++) {
        char text[8];
        char *at = stpcpy(text, prefix);
        at[el_utf8_encode(list[i].c, at)] = 0;
        uint32_t id;
        st = add_piece(l, text, &id);
    }
    return st;
}

/* Lists the most frequent characters, as many as the alphabet may have, by code point; the counts of all
 * others become 0.  Returns how many. */
static size_t keep_most_frequent(character *all, character *kept, size_t limit)
{
    size_t count = 0;
    for (uint32_t c = 0; c < EL_CODE_POINTS; c++)
        if (all[c].count)
            kept[count++] = (character){.count = all[c].count, .c = c};
    qsort(kept, count, sizeof *kept, by_count);
    for (size_t i = limit; i < count; i++)
        all[kept[i].c].count = 0;
    count = count < limit ? count : limit;
    qsort(kept, count, sizeof *kept, by_code_point);
    return count;
}

static el_status add_alphabet(learner *l, character *all)
{
    character *kept = malloc(EL_CODE_POINTS * sizeof *kept);
    if (!kept)
        return no_memory(EL_CODE_POINTS * sizeof *kept);
    size_t count = keep_most_frequent(all, kept, (size_t)alphabet_limit(l->settings));
    el_status st = add_characters(l, kept, count, "");
    count_continuations(&l->counts, all);
    for (size_t i = 0; i < count; i++)
        kept[i].continues = all[kept[i].c].continues;
    qsort(kept, count, sizeof *kept, by_continuing);
    while (count > 0 && kept[count - 1].continues == 0)
        count--;
    if (!st)
        st = add_characters(l, kept, count, "##");
    free(kept);
    return st;
}

/* ---- words as symbols ------------------------------------------------------------------------------- */

/* A character that was not kept is left out of its words. */
static uint32_t split_word(const el_counted_word *word, const character *all, const uint32_t ids[],
                           const uint32_t continued_ids[], uint32_t *symbols)
{
    const char *at = word->text, *end = at + word->bytes;
    uint32_t count = 0;
    for (bool first = true; at < end; first = false) {
        uint32_t c;
        at += el_utf8_decode(at, end, &c);
        if (all[c].count)
            symbols[count++] = first ? ids[c] : continued_ids[c];
    }
    return count;
}

/* The symbols of each kept character, as a word's first and later. */
static void number_characters(learner *l, const character *all, uint32_t *ids, uint32_t *continued_ids)
{
    for (uint32_t c = 0; c < EL_CODE_POINTS; c++) {
        if (!all[c].count)
            continue;
        char text[8] = "##";
        text[2 + el_utf8_encode(c, text + 2)] = 0;
        ids[c] = (uint32_t)*piece_place(l, text + 2) - 1;
        continued_ids[c] = all[c].continues ? (uint32_t)*piece_place(l, text) - 1 : 0;
    }
}

static el_status split_words(learner *l, const character *all)
{
    const size_t count = l->counts.count;
    size_t bytes = 0;
    for (size_t w = 0; w < count; w++)
        bytes += l->counts.words[w].bytes;
    uint32_t *ids = malloc(2 * EL_CODE_POINTS * sizeof *ids);
    l->symbols = malloc((bytes + 1) * sizeof *l->symbols);
    l->starts = malloc((count + 1) * sizeof *l->starts);
    l->lengths = malloc(count + 1);
    if (!ids || !l->symbols || !l->starts || !l->lengths) {
        free(ids);
        return no_memory(bytes * sizeof *l->symbols);
    }
    number_characters(l, all, ids, ids + EL_CODE_POINTS);
    size_t used = 0;
    for (size_t w = 0; w < count; w++) {
        l->starts[w] = used;
        l->lengths[w] =
            (uint8_t)split_word(&l->counts.words[w], all, ids, ids + EL_CODE_POINTS, l->symbols + used);
        used += l->lengths[w];
    }
    free(ids);
    return EL_OK;
}

/* ---- pairs ------------------------------------------------------------------------------------------ */

static uint64_t key_of(uint32_t left, uint32_t right)
{
    return (uint64_t)left << 32 | right;
}

static size_t spread(uint64_t key)
{
    key *= 0x9E3779B97F4A7C15u;
    return (size_t)(key ^ key >> 32);
}

static el_status widen_pair_places(learner *l)
{
    const size_t count = l->pair_mask ? 2 * (l->pair_mask + 1) : 1 << 12;
    uint32_t *places = calloc(count, sizeof *places);
    if (!places)
        return no_memory(count * sizeof *places);
    for (size_t i = 0; i < l->pair_count; i++) {
        size_t at = spread(l->pairs[i].key) & (count - 1);
        while (places[at])
            at = (at + 1) & (count - 1);
        places[at] = (uint32_t)i + 1;
    }
    free(l->pair_places);
    l->pair_places = places;
    l->pair_mask = count - 1;
    return EL_OK;
}

/* The number of a pair, which is new with count 0 if there was none. */
static el_status find_pair(learner *l, uint64_t key, uint32_t *number)
{
    if (2 * l->pair_count >= l->pair_mask) {
        const el_status st = widen_pair_places(l);
        if (st)
            return st;
    }
    size_t at = spread(key) & l->pair_mask;
    while (l->pair_places[at] && l->pairs[l->pair_places[at] - 1].key != key)
        at = (at + 1) & l->pair_mask;
    if (!l->pair_places[at]) {
        void *pairs = l->pairs;
        const el_status st = grow(&pairs, &l->pair_room, l->pair_count, sizeof *l->pairs);
        l->pairs = pairs;
        if (st)
            return st;
        l->pairs[l->pair_count++] = (pair){.key = key, .touched = -1};
        l->pair_places[at] = (uint32_t)l->pair_count;
    }
    *number = l->pair_places[at] - 1;
    return EL_OK;
}

/* Notes that a word has this pair (once more). */
static el_status add_word(pair *p, uint32_t word)
{
    if (p->word_count > 0 && p->words[p->word_count - 1] == word)
        return EL_OK;
    if (p->word_count == p->word_room) {
        const uint32_t room = 2 * p->word_room + 2;
        uint32_t *words = realloc(p->words, room * sizeof *words);
        if (!words)
            return no_memory(room * sizeof *words);
        p->words = words;
        p->word_room = room;
    }
    p->words[p->word_count++] = word;
    return EL_OK;
}

/* One occurrence more of a pair in a word. */
static el_status gain(learner *l, uint32_t left, uint32_t right, uint32_t word)
{
    uint32_t number;
    el_status st = find_pair(l, key_of(left, right), &number);
    if (st)
        return st;
    pair *p = &l->pairs[number];
    p->count += (int64_t)l->counts.words[word].count;
    if (p->touched != l->merge) {
        p->touched = l->merge;
        void *touched = l->touched;
        st = grow(&touched, &l->touched_room, l->touched_count, sizeof *l->touched);
        l->touched = touched;
        if (st)
            return st;
        l->touched[l->touched_count++] = number;
    }
    return add_word(p, word);
}

/* One less. */
static el_status lose(learner *l, uint32_t left, uint32_t right, uint32_t word)
{
    uint32_t number;
    const el_status st = find_pair(l, key_of(left, right), &number);
    if (!st)
        l->pairs[number].count -= (int64_t)l->counts.words[word].count;
    return st;
}

/* ---- the heap: most frequent first, then lower ids -------------------------------------------------- */

static bool goes_before(const claim *a, const claim *b)
{
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static void sift_down(learner *l, size_t at)
{
    const claim moved = l->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= l->heap_count)
            break;
        if (child + 1 < l->heap_count && goes_before(&l->heap[child + 1], &l->heap[child]))
            child++;
        if (!goes_before(&l->heap[child], &moved))
            break;
        l->heap[at] = l->heap[child];
        at = child;
    }
    l->heap[at] = moved;
}

static el_status push(learner *l, uint32_t number)
{
    void *heap = l->heap;
    const el_status st = grow(&heap, &l->heap_room, l->heap_count, sizeof *l->heap);
    l->heap = heap;
    if (st)
        return st;
    const claim made = {l->pairs[number].count, l->pairs[number].key, number};
    size_t at = l->heap_count++;
    while (at > 0 && goes_before(&made, &l->heap[(at - 1) / 2])) {
        l->heap[at] = l->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    l->heap[at] = made;
    return EL_OK;
}

static void pop(learner *l)
{
    l->heap[0] = l->heap[--l->heap_count];
    if (l->heap_count)
        sift_down(l, 0);
}

/* Claims for all pairs that have gained. */
static el_status push_touched(learner *l)
{
    el_status st = EL_OK;
    for (size_t i = 0; i < l->touched_count && !st; i++)
        if (l->pairs[l->touched[i]].count > 0)
            st = push(l, l->touched[i]);
    l->touched_count = 0;
    return st;
}

/* ---- merging ---------------------------------------------------------------------------------------- */

static el_status count_pairs(learner *l)
{
    el_status st = EL_OK;
    for (size_t w = 0; w < l->counts.count; w++) {
        const uint32_t *symbols = l->symbols + l->starts[w];
        for (int i = 0; i + 1 < l->lengths[w] && !st; i++)
            st = gain(l, symbols[i], symbols[i + 1], (uint32_t)w);
    }
    return st ? st : push_touched(l);
}

/* Replaces `left` `right` by `made` in one word, from its beginning. */
static el_status merge_in_word(learner *l, uint32_t word, uint32_t left, uint32_t right, uint32_t made)
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
            st = lose(l, s[to - 1], left, word);
            if (!st)
                st = gain(l, s[to - 1], made, word);
        }
        if (from < length && !st) {
            st = lose(l, right, s[from], word);
            if (!st)
                st = gain(l, made, s[from], word);
        }
        s[to] = made;
    }
    if (!st)
        l->lengths[word] = (uint8_t)to;
    return st;
}

static el_status merge(learner *l, uint32_t number)
{
    const uint64_t key = l->pairs[number].key;
    const uint32_t left = (uint32_t)(key >> 32), right = (uint32_t)key;
    const char *tail = l->pieces[right];
    char text[2 + 4 * EL_WORD_CHARACTERS + 1];
    stpcpy(stpcpy(text, l->pieces[left]), tail + (strncmp(tail, "##", 2) == 0 ? 2 : 0));
    uint32_t made;
    el_status st = add_piece(l, text, &made);
    uint32_t *words = l->pairs[number].words; /* the list may be begun anew meanwhile */
    const uint32_t count = l->pairs[number].word_count;
    l->pairs[number].words = NULL;
    l->pairs[number].word_count = l->pairs[number].word_room = 0;
    l->merge++;
    for (uint32_t i = 0; i < count && !st; i++)
        st = merge_in_word(l, words[i], left, right, made);
    free(words);
    return st ? st : push_touched(l);
}

static void tell(const el_learn_settings *s, const char *what, uint64_t done, uint64_t total)
{
    if (s->progress)
        s->progress(s->progress_context, what, done, total);
}

static el_status merge_all(learner *l)
{
    const el_learn_settings *s = l->settings;
    el_status st = EL_OK;
    while (!st && l->piece_count < s->vocab_size && l->heap_count > 0) {
        const claim top = l->heap[0];
        const int64_t count = l->pairs[top.pair].count;
        if (count != top.count) {
            l->heap[0].count = count;
            sift_down(l, 0);
            continue;
        }
        if (count < 1 || count < s->min_frequency)
            return EL_OK;
        pop(l);
        st = merge(l, top.pair);
        if (l->merge % PROGRESS_EVERY == 0)
            tell(s, "merging", (uint64_t)l->piece_count, (uint64_t)s->vocab_size);
    }
    return st;
}

/* ---- the whole -------------------------------------------------------------------------------------- */

static el_status learn(learner *l)
{
    character *all = calloc(EL_CODE_POINTS, sizeof *all);
    if (!all)
        return no_memory(EL_CODE_POINTS * sizeof *all);
    count_characters(&l->counts, all);
    if (l->settings->casing.strip_accents)
        warn_of_hangul(all);
    el_status st = open_pieces(l);
    if (!st)
        st = add_alphabet(l, all);
    if (!st)
        st = split_words(l, all);
    free(all);
    if (!st)
        st = count_pairs(l);
    if (!st)
        st = merge_all(l);
    return st;
}

static el_status make_vocab(const learner *l, el_vocab **vocab)
{
    size_t bytes = 0;
    for (int i = 0; i < l->piece_count; i++)
        bytes += strlen(l->pieces[i]) + 1;
    char *text = malloc(bytes + 1), *at = text;
    if (!text)
        return no_memory(bytes);
    for (int i = 0; i < l->piece_count; i++) {
        at = stpcpy(at, l->pieces[i]);
        *at++ = '\n';
    }
    const el_status st = el_vocab_parse(vocab, text, bytes, l->settings->casing, "the learnt vocabulary");
    free(text);
    return st;
}

static void release(learner *l)
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

static void tell_reading(void *context)
{
    const reading *r = context;
    uint64_t done, total;
    el_reader_progress(r->reader, &done, &total);
    tell(r->settings, "reading", done, total);
}

static el_status open_special(el_added **special, const el_normalizer *normalizer)
{
    static const el_added_token TOKENS[EL_SPECIALS] = {
        {.text = "[PAD]"}, {.text = "[UNK]"}, {.text = "[CLS]"}, {.text = "[SEP]"}, {.text = "[MASK]"}};
    return el_added_open(special, TOKENS, EL_SPECIALS, normalizer);
}

el_status el_learn(el_vocab **vocab, el_reader *reader, const el_learn_settings *settings)
{
    *vocab = NULL;
    if (settings->vocab_size < LEAST_VOCAB || settings->vocab_size > EL_VOCAB_MAX_PIECES)
        return el_fail(EL_EUSAGE, "a vocabulary of %d pieces: it must have %d to %d", settings->vocab_size,
                       LEAST_VOCAB, EL_VOCAB_MAX_PIECES);
    learner l = {.settings = settings};
    el_normalizer *normalizer;
    el_added *special = NULL;
    el_status st = el_normalizer_open(&normalizer, settings->casing, true);
    if (!st && settings->reading == EL_SPECIAL_TOKENS)
        st = open_special(&special, normalizer);
    if (!st)
        st = el_count_words(&l.counts, reader, normalizer, special, settings->threads,
                            settings->memory_bytes ? settings->memory_bytes : USUAL_MEMORY, tell_reading,
                            &(reading){settings, reader});
    if (!st && l.counts.count == 0)
        st = el_fail(EL_EDATA, "there are no words in this text to learn from");
    if (!st && l.counts.dropped)
        el_log(EL_LOG_WARNING, "%llu occurrences of rare words were left out to stay within memory",
               (unsigned long long)l.counts.dropped);
    if (!st)
        st = learn(&l);
    if (!st)
        st = make_vocab(&l, vocab);
    release(&l);
    el_added_close(special);
    el_normalizer_close(normalizer);
    return st;
}
