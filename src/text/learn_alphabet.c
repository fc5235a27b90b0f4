/* learn_alphabet - the pieces that there are before any merge, and words as their numbers */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "learn_parts.h"
#include "utf8.h"

enum { USUAL_ALPHABET = 1000 };
static const char *const SPECIAL[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
enum { SPECIALS = sizeof SPECIAL / sizeof *SPECIAL };
static const double LARGELY = 0.3; /* the share of Hangul from which losing it is worth a warning */

/* ---- pieces ----------------------------------------------------------------------------------------- */

static int32_t *piece_place(el_vocab_learner *l, const char *text)
{
    uint32_t at = (uint32_t)el_hash(text, strlen(text)) & l->piece_mask;
    while (l->piece_places[at] && strcmp(l->pieces[l->piece_places[at] - 1], text) != 0)
        at = (at + 1) & l->piece_mask;
    return &l->piece_places[at];
}

el_status el_learn_piece(el_vocab_learner *l, const char *text, uint32_t *id)
{
    int32_t *place = piece_place(l, text);
    if (!*place) {
        if (!(l->pieces[l->piece_count] = strdup(text)))
            return el_learn_no_memory(strlen(text));
        *place = ++l->piece_count;
    }
    *id = (uint32_t)*place - 1;
    return EL_OK;
}

static el_status open_pieces(el_vocab_learner *l)
{
    const size_t most = (size_t)l->settings->vocab_size + 1;
    size_t places = 64;
    while (places < 2 * most)
        places *= 2;
    l->pieces = calloc(most, sizeof *l->pieces);
    l->piece_places = calloc(places, sizeof *l->piece_places);
    l->piece_mask = (uint32_t)places - 1;
    if (!l->pieces || !l->piece_places)
        return el_learn_no_memory(places * sizeof *l->piece_places);
    el_status st = EL_OK;
    uint32_t id;
    for (int i = 0; i < SPECIALS && !st; i++)
        st = el_learn_piece(l, SPECIAL[i], &id);
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

static void warn_of_hangul(const character *all, bool strips)
{
    uint64_t jamo = 0, letters = 0;
    for (uint32_t c = 'A'; c < EL_CODE_POINTS; c++) {
        letters += all[c].count;
        if (c >= 0x1100 && c < 0x1200)
            jamo += all[c].count;
    }
    const double share = letters ? (double)jamo / (double)letters : 0;
    if (strips && share > LARGELY)
        el_log(EL_LOG_WARNING, "the text is largely Hangul, and stripping accents takes its syllables apart; "
                               "--no-strip-accents keeps them whole");
    if (!strips && share > EL_JAMO_SHARE)
        el_log(EL_LOG_WARNING,
               "%.0f %% of the text is Hangul in decomposed letters (NFD), and this vocabulary will not know "
               "ordinary Korean, whose syllables are whole; uconv -x any-nfc composes them",
               100 * share);
}

/* Each character may need a continuation as well. */
static int alphabet_room(const el_learn_settings *s)
{
    return (s->vocab_size - SPECIALS) / 2;
}

static int alphabet_limit(const el_learn_settings *s)
{
    const int usual = s->vocab_size / 4 < USUAL_ALPHABET ? s->vocab_size / 4 : USUAL_ALPHABET;
    const int wanted = s->limit_alphabet ? s->limit_alphabet : usual;
    return wanted < alphabet_room(s) ? wanted : alphabet_room(s);
}

/* Of characters by count: says how many there is no room for, though they were asked for. */
static void say_left_out(const el_learn_settings *s, const character *list, size_t count)
{
    const size_t room = (size_t)alphabet_room(s);
    uint64_t all = 0, left = 0;
    if (s->limit_alphabet <= alphabet_room(s) || count <= room)
        return;
    for (size_t i = 0; i < count; i++) {
        all += list[i].count;
        left += i < room ? 0 : list[i].count;
    }
    el_log(EL_LOG_NOTE,
           "--limit-alphabet %d: a vocabulary of %d pieces has room for %zu characters and their "
           "continuations; of %zu in the text the rarest are left out, %.2f %% of all that is written",
           s->limit_alphabet, s->vocab_size, room, count, 100 * (double)left / (double)all);
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

static el_status add_characters(el_vocab_learner *l, const character *list, size_t count, const char *prefix)
{
    el_status st = EL_OK;
    for (size_t i = 0; i < count && !st; i++) {
        char text[8];
        char *at = stpcpy(text, prefix);
        at[el_utf8_encode(list[i].c, at)] = 0;
        uint32_t id;
        st = el_learn_piece(l, text, &id);
    }
    return st;
}

/* Lists the most frequent characters, as many as the alphabet may have, by code point; the counts of all
 * others become 0.  Returns how many. */
static size_t keep_most_frequent(const el_learn_settings *s, character *all, character *kept)
{
    const size_t limit = (size_t)alphabet_limit(s);
    size_t count = 0;
    for (uint32_t c = 0; c < EL_CODE_POINTS; c++)
        if (all[c].count)
            kept[count++] = (character){.count = all[c].count, .c = c};
    qsort(kept, count, sizeof *kept, by_count);
    say_left_out(s, kept, count);
    for (size_t i = limit; i < count; i++)
        all[kept[i].c].count = 0;
    count = count < limit ? count : limit;
    qsort(kept, count, sizeof *kept, by_code_point);
    return count;
}

static el_status add_alphabet(el_vocab_learner *l, character *all)
{
    character *kept = malloc(EL_CODE_POINTS * sizeof *kept);
    if (!kept)
        return el_learn_no_memory(EL_CODE_POINTS * sizeof *kept);
    size_t count = keep_most_frequent(l->settings, all, kept);
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
static void number_characters(el_vocab_learner *l, const character *all, uint32_t *ids,
                              uint32_t *continued_ids)
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

static el_status split_words(el_vocab_learner *l, const character *all)
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
        return el_learn_no_memory(bytes * sizeof *l->symbols);
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

el_status el_learn_alphabet(el_vocab_learner *l)
{
    character *all = calloc(EL_CODE_POINTS, sizeof *all);
    if (!all)
        return el_learn_no_memory(EL_CODE_POINTS * sizeof *all);
    count_characters(&l->counts, all);
    warn_of_hangul(all, l->settings->casing.strip_accents);
    el_status st = open_pieces(l);
    if (!st)
        st = add_alphabet(l, all);
    if (!st)
        st = split_words(l, all);
    free(all);
    return st;
}
