/* count - how often each word occurs in a text (see the header)
 *
 * Most chunks between spaces are words as they stand: all their bytes are plain ASCII that the normalizer
 * leaves alone.  These are listed where they lie; all others are normalised into the part's own memory.  The next block
 * is read meanwhile.
 */
#include "count.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/pool.h"

enum {
    SHARDS = 64,
    PART = 1 << 17,
    MOST_PARTS = EL_READER_BLOCK / PART + 1,
    MOST_BYTES = 4 * EL_WORD_CHARACTERS
};

/* One occurrence. */
typedef struct {
    uint64_t hash;
    const char *text;
    uint32_t bytes;
} occurrence;

/* Normalised words are kept in pages, so that they stay where they are. */
enum { PAGE = 1 << 16 };
typedef struct page {
    struct page *next;
    size_t used;
    char bytes[PAGE];
} page;

typedef struct {
    const char *text;
    size_t bytes;
    occurrence *listed, *sorted; /* `sorted` has them by shard, from starts[s] to starts[s + 1] */
    size_t count, room, sorted_room;
    size_t starts[SHARDS + 1];
    page *pages, *current;
    el_status status;
} part;

typedef struct {
    uint64_t hash, count;
    uint32_t at, bytes; /* of the text; bytes 0: a free place */
} place;

typedef struct el_count_shard {
    place *places;
    size_t mask, used; /* mask + 1 places */
    char *texts;
    size_t text_bytes, text_room;
    el_status status;
} shard;

typedef struct {
    const el_normalizer *normalizer;
    const el_added *special; /* NULL: none */
    bool plain[256];         /* bytes that are words' characters and stay themselves */
    el_words *walks;         /* one for each thread */
    part *parts;
    int part_count;
    shard *shards;
    el_reader *reader;
    el_block next;
    el_outcome reading; /* of that, on any thread */
} work;

static el_status no_memory(size_t bytes)
{
    return el_fail(EL_ENOMEM, "no memory to count words (%zu bytes)", bytes);
}

/* For words of at most INJECTIVE bytes each step can be undone: equal hashes of one length are equal words. */
enum { INJECTIVE = 8 };

static uint64_t hash_of(const char *text, size_t bytes)
{
    uint64_t hash = bytes * 0x9E3779B97F4A7C15u, word;
    for (; bytes > 8; bytes -= 8, text += 8) {
        memcpy(&word, text, 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, text, bytes);
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    hash ^= hash >> 32;
    hash *= 0xD6E8FEB86659FD93u;
    return hash ^ hash >> 32;
}

static int shard_of(uint64_t hash)
{
    return (int)(hash >> 58);
}

/* ---- listing a part's words ------------------------------------------------------------------------- */

static el_status list(part *p, const char *text, size_t bytes)
{
    if (!el_grow(&p->listed, &p->room, p->count + 1, sizeof *p->listed))
        return no_memory((p->count + 1) * sizeof *p->listed);
    p->listed[p->count++] = (occurrence){hash_of(text, bytes), text, (uint32_t)bytes};
    return EL_OK;
}

/* A copy of the bytes that lasts until the part is begun anew; NULL if there is no memory. */
static const char *keep(part *p, const char *text, size_t bytes)
{
    if (!p->current || p->current->used + bytes > PAGE) {
        page *next = p->current ? p->current->next : p->pages;
        if (!next) {
            if (!(next = malloc(sizeof *next)))
                return NULL;
            next->next = NULL;
            *(p->current ? &p->current->next : &p->pages) = next;
        }
        next->used = 0;
        p->current = next;
    }
    char *kept = p->current->bytes + p->current->used;
    memcpy(kept, text, bytes);
    p->current->used += bytes;
    return kept;
}

static el_status list_normalized(work *w, part *p, el_words *walk, const char *text, size_t bytes)
{
    el_words_start(walk, w->normalizer, text, bytes);
    while (el_words_next(walk)) {
        if (walk->characters > EL_WORD_CHARACTERS)
            continue;
        const char *kept = keep(p, walk->text, (size_t)walk->bytes);
        const el_status st = kept ? list(p, kept, (size_t)walk->bytes) : no_memory(PAGE);
        if (st)
            return st;
    }
    return EL_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static el_status list_words(work *w, part *p, el_words *walk, const char *at, const char *end)
{
    while (at < end) {
        const char *stop = at;
        while (stop < end && w->plain[(unsigned char)*stop])
            stop++;
        el_status st = EL_OK;
        if (stop == end || is_space(*stop)) {
            if (stop > at && stop - at <= EL_WORD_CHARACTERS)
                st = list(p, at, (size_t)(stop - at));
        } else {
            while (stop < end && !is_space(*stop))
                stop++;
            st = list_normalized(w, p, walk, at, (size_t)(stop - at));
        }
        if (st)
            return st;
        at = stop + 1;
    }
    return EL_OK;
}

/* The words between the special tokens of a part. */
static el_status list_part(work *w, part *p, el_words *walk)
{
    el_added_walk token;
    const char *at = p->text, *end = p->text + p->bytes;
    el_status st = EL_OK;
    if (w->special) {
        el_added_start(&token, w->special, false, p->text, p->bytes);
        for (; !st && el_added_next(&token); at = p->text + token.end)
            st = list_words(w, p, walk, at, p->text + token.begin);
    }
    return st ? st : list_words(w, p, walk, at, end);
}

/* Brings the list in the order of shards; within a shard the order stays. */
static el_status sort_by_shard(part *p)
{
    if (p->sorted_room < p->count) {
        free(p->sorted);
        p->sorted_room = p->room;
        if (!(p->sorted = malloc(p->room * sizeof *p->sorted))) {
            p->sorted_room = 0;
            return no_memory(p->room * sizeof *p->sorted);
        }
    }
    size_t next[SHARDS] = {0};
    for (size_t i = 0; i < p->count; i++)
        next[shard_of(p->listed[i].hash)]++;
    size_t start = 0;
    for (int s = 0; s < SHARDS; s++) {
        p->starts[s] = start;
        start += next[s];
        next[s] = p->starts[s];
    }
    p->starts[SHARDS] = start;
    for (size_t i = 0; i < p->count; i++)
        p->sorted[next[shard_of(p->listed[i].hash)]++] = p->listed[i];
    return EL_OK;
}

static void read_next(work *w)
{
    el_outcome_keep(&w->reading, el_reader_next(w->reader, &w->next));
}

/* Step 0 reads, each other one is a part. */
static void do_step(void *context, int step, int thread)
{
    work *w = context;
    if (step == 0) {
        read_next(w);
        return;
    }
    part *p = &w->parts[step - 1];
    p->count = 0;
    p->current = NULL;
    p->status = list_part(w, p, &w->walks[thread]);
    if (!p->status)
        p->status = sort_by_shard(p);
}

/* ---- adding to the tables --------------------------------------------------------------------------- */

static el_status widen(shard *s)
{
    const size_t count = s->mask ? 2 * (s->mask + 1) : 1024;
    place *places = calloc(count, sizeof *places);
    if (!places)
        return no_memory(count * sizeof *places);
    for (size_t i = 0; s->mask && i <= s->mask; i++) {
        if (!s->places[i].bytes)
            continue;
        size_t to = s->places[i].hash & (count - 1);
        while (places[to].bytes)
            to = (to + 1) & (count - 1);
        places[to] = s->places[i];
    }
    free(s->places);
    s->places = places;
    s->mask = count - 1;
    return EL_OK;
}

static el_status insert(shard *s, place *p, const occurrence *o)
{
    if (!el_grow(&s->texts, &s->text_room, s->text_bytes + o->bytes, 1))
        return no_memory(s->text_bytes + o->bytes);
    if (s->text_bytes > UINT32_MAX - MOST_BYTES)
        return el_fail(EL_EFAILED, "there are too many different words to count");
    memcpy(s->texts + s->text_bytes, o->text, o->bytes);
    *p = (place){o->hash, 1, (uint32_t)s->text_bytes, o->bytes};
    s->text_bytes += o->bytes;
    s->used++;
    return EL_OK;
}

static el_status add(shard *s, const occurrence *o)
{
    if (4 * s->used >= 3 * s->mask) {
        const el_status st = widen(s);
        if (st)
            return st;
    }
    size_t at = o->hash & s->mask;
    for (;; at = (at + 1) & s->mask) {
        place *p = &s->places[at];
        if (!p->bytes)
            return insert(s, p, o);
        if (p->hash == o->hash && p->bytes == o->bytes &&
            (o->bytes <= INJECTIVE || memcmp(s->texts + p->at, o->text, o->bytes) == 0)) {
            p->count++;
            return EL_OK;
        }
    }
}

static void do_shard(void *context, int index, int thread)
{
    (void)thread;
    work *w = context;
    shard *s = &w->shards[index];
    s->status = EL_OK;
    for (int i = 0; i < w->part_count; i++) {
        const part *p = &w->parts[i];
        for (size_t o = p->starts[index]; o < p->starts[index + 1] && !s->status; o++)
            s->status = add(s, &p->sorted[o]);
    }
}

/* ---- keeping within memory -------------------------------------------------------------------------- */

static size_t memory_of(const shard *shards)
{
    size_t bytes = 0;
    for (int s = 0; s < SHARDS; s++)
        bytes += 2 * shards[s].used * sizeof(place) + shards[s].text_bytes;
    return bytes;
}

/* Forgets words that occurred at most `rare` times; returns how many occurrences that were. */
static uint64_t prune(shard *s, uint64_t rare)
{
    const shard old = *s;
    uint64_t dropped = 0;
    place *kept = malloc((old.used + 1) * sizeof *kept);
    if (!kept)
        return 0;
    size_t count = 0, text_bytes = 0;
    for (size_t i = 0; old.mask && i <= old.mask; i++) {
        if (old.places[i].count > rare)
            kept[count++] = old.places[i];
        else
            dropped += old.places[i].count;
    }
    char *texts = malloc(old.text_room + 1);
    if (!texts) {
        free(kept);
        return 0;
    }
    if (old.mask)
        memset(s->places, 0, (old.mask + 1) * sizeof *s->places);
    for (size_t i = 0; i < count; i++) {
        memcpy(texts + text_bytes, old.texts + kept[i].at, kept[i].bytes);
        kept[i].at = (uint32_t)text_bytes;
        text_bytes += kept[i].bytes;
        size_t to = kept[i].hash & s->mask;
        while (s->places[to].bytes)
            to = (to + 1) & s->mask;
        s->places[to] = kept[i];
    }
    free(s->texts);
    free(kept);
    s->texts = texts;
    s->text_bytes = text_bytes;
    s->used = count;
    return dropped;
}

static uint64_t keep_within(shard *shards, size_t memory_bytes)
{
    uint64_t dropped = 0;
    for (uint64_t rare = 1; memory_of(shards) > memory_bytes && rare < 1ull << 40; rare *= 2)
        for (int s = 0; s < SHARDS; s++)
            dropped += prune(&shards[s], rare);
    return dropped;
}

/* ---- the whole -------------------------------------------------------------------------------------- */

static void cut_parts(work *w, const el_block *block)
{
    w->part_count = 0;
    for (size_t at = 0; at < block->bytes;) {
        part *p = &w->parts[w->part_count++];
        p->text = block->text + at;
        p->bytes =
            w->part_count < MOST_PARTS ? el_lines_cut(p->text, block->bytes - at, PART) : block->bytes - at;
        at += p->bytes;
    }
}

static el_status trouble_of(const work *w)
{
    for (int i = 0; i < w->part_count; i++)
        if (w->parts[i].status)
            return el_fail(w->parts[i].status, "no memory to count words");
    for (int s = 0; s < SHARDS; s++)
        if (w->shards[s].status)
            return el_fail(w->shards[s].status, "no memory to count words");
    return EL_OK;
}

/* Which bytes the normalizer leaves as they are, found by asking it. */
static void find_plain(work *w)
{
    for (int c = 1; c < 128; c++) {
        const char byte = (char)c;
        el_words_start(&w->walks[0], w->normalizer, (const char[]){'a', byte, 'a'}, 3);
        w->plain[c] = el_words_next(&w->walks[0]) && w->walks[0].bytes == 3 && w->walks[0].text[1] == byte;
    }
}

static el_status gather(el_word_counts *counts, shard *shards)
{
    size_t total = 0;
    for (int s = 0; s < SHARDS; s++)
        total += shards[s].used;
    if (!(counts->words = malloc((total + 1) * sizeof *counts->words)))
        return no_memory(total * sizeof *counts->words);
    for (int s = 0; s < SHARDS; s++)
        for (size_t i = 0; shards[s].mask && i <= shards[s].mask; i++) {
            const place *p = &shards[s].places[i];
            if (p->bytes)
                counts->words[counts->count++] =
                    (el_counted_word){shards[s].texts + p->at, p->bytes, p->count};
        }
    for (int s = 0; s < SHARDS; s++) { /* the texts are all that is still needed */
        free(shards[s].places);
        shards[s].places = NULL;
    }
    return EL_OK;
}

static el_status count_blocks(work *w, el_word_counts *counts, el_pool *pool, size_t memory_bytes,
                              el_status (*after_block)(void *context), void *context)
{
    read_next(w);
    while (!w->reading.status && w->next.bytes > 0) {
        el_status st;
        cut_parts(w, &w->next);
        el_pool_run(pool, 1 + w->part_count, do_step, w);
        if (!(st = trouble_of(w)))
            el_pool_run(pool, SHARDS, do_shard, w);
        if (st || (st = trouble_of(w)))
            return st;
        counts->dropped += keep_within(w->shards, memory_bytes);
        if (after_block && (st = after_block(context)))
            return st;
    }
    return el_outcome_repeat(&w->reading);
}

static void release_parts(work *w)
{
    for (int i = 0; w->parts && i < MOST_PARTS; i++) {
        free(w->parts[i].listed);
        free(w->parts[i].sorted);
        for (page *p = w->parts[i].pages, *next; p; p = next) {
            next = p->next;
            free(p);
        }
    }
    free(w->parts);
    free(w->walks);
}

el_status el_count_words(el_word_counts *counts, el_reader *reader, const el_normalizer *normalizer,
                         const el_added *special, int threads, size_t memory_bytes,
                         el_status (*after_block)(void *context), void *context)
{
    *counts = (el_word_counts){.shards = calloc(SHARDS, sizeof(shard))};
    work w = {
        .normalizer = normalizer,
        .special = special,
        .walks = calloc((size_t)threads, sizeof *w.walks),
        .parts = calloc(MOST_PARTS, sizeof *w.parts),
        .shards = counts->shards,
        .reader = reader,
    };
    el_pool *pool = NULL;
    el_status st = w.shards && w.walks && w.parts ? el_pool_open(&pool, threads)
                                                  : no_memory((size_t)threads * sizeof *w.walks);
    if (!st) {
        find_plain(&w);
        st = count_blocks(&w, counts, pool, memory_bytes, after_block, context);
    }
    el_pool_close(pool);
    if (!st)
        st = gather(counts, w.shards);
    release_parts(&w);
    if (st)
        el_word_counts_release(counts);
    return st;
}

void el_word_counts_release(el_word_counts *counts)
{
    for (int s = 0; counts->shards && s < SHARDS; s++) {
        free(counts->shards[s].places);
        free(counts->shards[s].texts);
    }
    free(counts->shards);
    free(counts->words);
    for (int i = 0; i < counts->received_count; i++)
        free(counts->received[i]);
    free(counts->received);
    *counts = (el_word_counts){0};
}
