/* chunks - see the header
 *
 * The cache is a table of buckets of two entries, one cache line each; a new chunk takes the second place, an entry found
 * there moves to the first.  When the store of longer keys and id lists is full, everything is forgotten.
 */
#include "chunks.h"

#include <assert.h>
#if defined __SSE2__
#include <emmintrin.h>
#endif
#include <stdbool.h>
#include <string.h>

#include "trie.h"

enum {
    BUCKETS = 1 << 17,
    STORE = 1 << 21,    /* words of 32 bits for long keys and id lists */
    LONGEST_CHUNK = 64, /* longer ones are not remembered */
    INLINE_BYTES = 16,  /* keys this long lie in the entry */
    INLINE_IDS = 3,     /* and so do this many ids */
    IDS_A_BYTE = 2      /* a character becomes at most four, from at least two bytes */
};

/* A chunk of up to 16 bytes is its own key (padded with zeros, the length tells); of a longer one the key
 * is its hash, and the bytes are in the store. */
typedef struct {
    uint64_t key[2];
    int32_t ids[INLINE_IDS]; /* count <= INLINE_IDS, else ids[0] is their place in the store */
    uint16_t bytes, count;
} entry;

typedef struct el_bucket {
    entry way[2];
} bucket;

static void lay_out(el_chunks *s)
{
    s->buckets = el_arena_push(&s->memory, BUCKETS * sizeof *s->buckets);
    s->store = el_arena_push(&s->memory, STORE * sizeof *s->store);
}

/* Memory for the cache, taken when chunks are first looked up: whoever asks for spans needs none. */
static el_status need_cache(el_chunks *s)
{
    if (s->buckets)
        return EL_OK;
    lay_out(s);
    const el_status st = el_arena_reserve(&s->memory);
    if (!st)
        lay_out(s);
    return st;
}

void el_chunks_release(el_chunks *c)
{
    el_arena_release(&c->memory);
}

/* ---- words ------------------------------------------------------------------------------------------ */

int el_word_cut(const el_vocab *vocab, const el_words *word, int32_t *ids, int *ends)
{
    int count = 0;
    uint32_t tree = EL_TRIE_FIRST;
    if (word->characters <= vocab->options.word_characters) {
        int at = 0;
        while (at < word->bytes) {
            int length = 0;
            const int32_t id = el_trie_longest(vocab->trie, tree, word->text + at, word->bytes - at, &length);
            if (id < 0)
                break;
            at += length;
            if (ends)
                ends[count] = at;
            ids[count++] = id;
            tree = EL_TRIE_CONTINUED;
        }
        if (at == word->bytes)
            return count;
    }
    ids[0] = vocab->unk;
    if (ends)
        ends[0] = word->bytes;
    return 1;
}

static int encode_chunk(el_chunks *s, const char *chunk, size_t bytes, int32_t *ids)
{
    int count = 0;
    el_words_start(&s->words, s->vocab->normalizer, chunk, bytes);
    while (el_words_next(&s->words))
        count += el_word_cut(s->vocab, &s->words, ids + count, NULL);
    return count;
}

/* ---- the cache -------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    const unsigned __int128 product =
        (unsigned __int128)(a ^ 0x9E3779B97F4A7C15u) * (b ^ 0xC2B2AE3D27D4EB4Fu);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Hash of more than 16 bytes. */
static uint64_t hash_long(const char *text, size_t bytes)
{
    uint64_t hash = bytes;
    for (size_t i = 0; i + 8 < bytes; i += 8)
        hash = mix(hash ^ load(text + i), 0x165667B19E3779F9u);
    return mix(hash ^ load(text + bytes - 8), bytes);
}

/* Keys as little-endian words, so that the first byte is the lowest. */
static void make_key(uint64_t key[2], const char *chunk, size_t bytes)
{
    if (bytes > INLINE_BYTES) {
        key[0] = hash_long(chunk, bytes);
        key[1] = 0;
        return;
    }
    key[0] = key[1] = 0;
    memcpy(key, chunk, bytes);
}

static bool same_long(const el_chunks *s, const entry *e, const char *chunk)
{
    return memcmp(s->store + e->key[1], chunk, e->bytes) == 0;
}

static inline bool matches(const el_chunks *s, const entry *e, const uint64_t key[2], const char *chunk,
                           size_t bytes)
{
    if (e->key[0] != key[0] || e->bytes != bytes)
        return false;
    return bytes <= INLINE_BYTES ? e->key[1] == key[1] : same_long(s, e, chunk);
}

static inline const int32_t *ids_of(const el_chunks *s, const entry *e)
{
    return e->count <= INLINE_IDS ? e->ids : s->store + e->ids[0];
}

/* Remembers a chunk's ids in the second place of its bucket. */
static void remember(el_chunks *s, bucket *b, const uint64_t key[2], const char *chunk, size_t bytes,
                     const int32_t *ids, int count)
{
    const size_t key_words = bytes > INLINE_BYTES ? (bytes + 3) / 4 : 0;
    const size_t id_words = count > INLINE_IDS ? (size_t)count : 0;
    if (s->stored + key_words + id_words > STORE) {
        memset(s->buckets, 0, BUCKETS * sizeof(bucket));
        s->stored = 0;
    }
    entry *e = &b->way[b->way[0].bytes ? 1 : 0];
    *e = (entry){.key = {key[0], key[1]}, .bytes = (uint16_t)bytes, .count = (uint16_t)count};
    if (key_words) {
        e->key[1] = s->stored;
        memcpy(s->store + s->stored, chunk, bytes);
        s->stored += key_words;
    }
    if (id_words) {
        e->ids[0] = (int32_t)s->stored;
        memcpy(s->store + s->stored, ids, id_words * sizeof *ids);
        s->stored += id_words;
    } else {
        memcpy(e->ids, ids, (size_t)count * sizeof *ids);
    }
}

static entry *find(el_chunks *s, bucket *b, const uint64_t key[2], const char *chunk, size_t bytes)
{
    if (matches(s, &b->way[0], key, chunk, bytes))
        return &b->way[0];
    if (!matches(s, &b->way[1], key, chunk, bytes))
        return NULL;
    const entry found = b->way[1];
    b->way[1] = b->way[0];
    b->way[0] = found;
    return &b->way[0];
}

/* A chunk on its way: found, its bucket asked for, not yet looked up. */
typedef struct {
    uint64_t key[2];
    const char *text;
    size_t bytes;
    bucket *bucket;
} pending;

/* Appends the ids of one chunk; there is room. */
static void append_chunk(el_chunks *s, const pending *p, el_ids *ids)
{
    const entry *e = find(s, p->bucket, p->key, p->text, p->bytes);
    int32_t *out = ids->data + ids->count;
    if (e) {
        const int32_t *known = ids_of(s, e);
        memcpy(out, known, INLINE_IDS * sizeof *out);
        for (int i = INLINE_IDS; i < e->count; i++)
            out[i] = known[i];
        ids->count += e->count;
        return;
    }
    const int count = encode_chunk(s, p->text, p->bytes, out);
    ids->count += (size_t)count;
    if (count <= UINT16_MAX && p->bytes <= LONGEST_CHUNK)
        remember(s, p->bucket, p->key, p->text, p->bytes, out, count);
}

/* ---- chunks ----------------------------------------------------------------------------------------- */

/* Chunks are found some way ahead of being looked up, so that their buckets arrive from memory meanwhile. */
enum { AHEAD = 32, WINDOW = 64 };

typedef struct {
    pending list[AHEAD];
    int count;
    size_t bytes; /* of all their texts */
} queue;

static el_status drain(el_chunks *s, queue *q, el_ids *ids)
{
    const el_status st = el_ids_reserve(ids, IDS_A_BYTE * q->bytes + INLINE_IDS);
    if (st)
        return st;
    for (int i = 0; i < q->count; i++)
        append_chunk(s, &q->list[i], ids);
    q->count = 0;
    q->bytes = 0;
    return EL_OK;
}

/* Masks for the first n bytes of 16, as two little-endian words. */
static uint64_t low_mask(size_t n)
{
    return n >= 8 ? ~(uint64_t)0 : ((uint64_t)1 << 8 * n) - 1;
}

static uint64_t high_mask(size_t n)
{
    return n >= 16 ? ~(uint64_t)0 : n <= 8 ? 0 : ((uint64_t)1 << 8 * (n - 8)) - 1;
}

/* Takes the chunk [start, start + bytes); text may be read up to `end`. */
static inline el_status enqueue(el_chunks *s, queue *q, const char *start, size_t bytes, const char *end,
                                el_ids *ids)
{
    pending *p = &q->list[q->count];
    p->text = start;
    p->bytes = bytes;
    if (bytes <= INLINE_BYTES && end - start >= INLINE_BYTES) {
        p->key[0] = load(start) & low_mask(bytes);
        p->key[1] = load(start + 8) & high_mask(bytes);
    } else {
        make_key(p->key, start, bytes);
    }
    p->bucket = &s->buckets[mix(p->key[0], p->key[1] ^ bytes) >> 32 & (BUCKETS - 1)];
    __builtin_prefetch(p->bucket);
    q->bytes += bytes;
    return ++q->count == AHEAD ? drain(s, q, ids) : EL_OK;
}

/* One bit for each of WINDOW bytes: is it white space? */
#if defined __SSE2__
static uint64_t spaces_in(const char *at)
{
    uint64_t bits = 0;
    for (int i = 0; i < WINDOW; i += (int)sizeof(__m128i)) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(at + i));
        const __m128i blank = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')),
                                           _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')));
        const __m128i other = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')),
                                           _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
        bits |= (uint64_t)_mm_movemask_epi8(_mm_or_si128(blank, other)) << i;
    }
    return bits;
}
#else
/* The highest bit of each byte that is c. */
static uint64_t bytes_equal(uint64_t bytes, unsigned char c)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7f, x = bytes ^ c * UINT64_C(0x0101010101010101);
    return ~(((x & low) + low) | x | low);
}

static uint64_t spaces_in(const char *at)
{
    uint64_t bits = 0;
    for (int i = 0; i < WINDOW; i += 8) {
        const uint64_t bytes = load(at + i);
        const uint64_t found = bytes_equal(bytes, ' ') | bytes_equal(bytes, '\n') | bytes_equal(bytes, '\t') |
                               bytes_equal(bytes, '\r');
        bits |= ((found >> 7) * UINT64_C(0x0102040810204080) >> 56) << i;
    }
    return bits;
}
#endif

/* The same for the last bytes of a text, fewer than WINDOW; it ends with white space. */
static uint64_t spaces_in_last(const char *at, size_t bytes)
{
    char window[WINDOW];
    memset(window, ' ', sizeof window);
    memcpy(window, at, bytes);
    return spaces_in(window);
}

el_status el_chunks_encode(el_chunks *s, const char *text, size_t bytes, el_ids *ids)
{
    queue q;
    q.count = 0;
    q.bytes = 0;
    size_t start = 0;
    const el_status ready = need_cache(s);
    if (ready)
        return ready;
    for (size_t at = 0; at <= bytes; at += WINDOW) {
        uint64_t spaces = bytes - at >= WINDOW ? spaces_in(text + at) : spaces_in_last(text + at, bytes - at);
        for (; spaces; spaces &= spaces - 1) {
            const size_t stop = at + (size_t)__builtin_ctzll(spaces);
            const el_status st =
                stop > start ? enqueue(s, &q, text + start, stop - start, text + bytes, ids) : EL_OK;
            if (st)
                return st;
            start = stop + 1;
        }
    }
    return drain(s, &q, ids);
}
