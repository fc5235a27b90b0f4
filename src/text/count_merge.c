/* count_merge - counts of several processes, one list */
#include <stdlib.h>
#include <string.h>

#include "count.h"

#include "base/grow.h"

static el_status no_memory(size_t bytes)
{
    return el_fail(EL_ENOMEM, "no memory for the words of all processes (%zu bytes)", bytes);
}

/* A word on its way: its count and length, then its bytes. */
typedef struct {
    uint64_t count;
    uint32_t bytes;
} header;

el_status el_word_counts_write(const el_word_counts *counts, char **data, size_t *bytes)
{
    size_t size = sizeof counts->dropped;
    for (size_t i = 0; i < counts->count; i++)
        size += sizeof(header) + counts->words[i].bytes;
    char *at = *data = malloc(size);
    *bytes = size;
    if (!at)
        return no_memory(size);
    memcpy(at, &counts->dropped, sizeof counts->dropped);
    at += sizeof counts->dropped;
    for (size_t i = 0; i < counts->count; i++) {
        const el_counted_word *const w = &counts->words[i];
        const header h = {w->count, w->bytes};
        memcpy(at, &h, sizeof h);
        memcpy(at + sizeof h, w->text, w->bytes);
        at += sizeof h + w->bytes;
    }
    return EL_OK;
}

static int by_text(const void *left, const void *right)
{
    const el_counted_word *const a = left, *const b = right;
    const int order = memcmp(a->text, b->text, a->bytes < b->bytes ? a->bytes : b->bytes);
    return order ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static bool same_text(const el_counted_word *a, const el_counted_word *b)
{
    return a->bytes == b->bytes && memcmp(a->text, b->text, a->bytes) == 0;
}

/* Sorts, and makes one of those that are there more than once. */
static void unite(el_word_counts *counts)
{
    el_counted_word *const words = counts->words;
    qsort(words, counts->count, sizeof *words, by_text);
    size_t kept = 0;
    for (size_t i = 0; i < counts->count; i++) {
        if (kept && same_text(&words[kept - 1], &words[i]))
            words[kept - 1].count += words[i].count;
        else
            words[kept++] = words[i];
    }
    counts->count = kept;
}

/* The text outlives the data: a copy of all of them, which the counts own. */
static el_status keep(el_word_counts *counts, const char *data, size_t bytes, const char **copy)
{
    char **const more = realloc(counts->received, ((size_t)counts->received_count + 1) * sizeof *more);
    if (!more)
        return no_memory(bytes);
    counts->received = more;
    char *const kept = malloc(bytes + 1);
    if (!kept)
        return no_memory(bytes);
    memcpy(kept, data, bytes);
    counts->received[counts->received_count++] = kept;
    *copy = kept;
    return EL_OK;
}

el_status el_word_counts_add(el_word_counts *counts, const char *data, size_t bytes)
{
    const char *at = NULL;
    const el_status st = keep(counts, data, bytes, &at);
    if (st)
        return st;
    const char *const end = at + bytes;
    size_t room = counts->count;
    uint64_t dropped;
    memcpy(&dropped, at, sizeof dropped);
    counts->dropped += dropped;
    for (at += sizeof dropped; at < end;) {
        header h;
        memcpy(&h, at, sizeof h);
        if (!el_grow(&counts->words, &room, counts->count + 1, sizeof *counts->words))
            return no_memory((counts->count + 1) * sizeof *counts->words);
        counts->words[counts->count++] = (el_counted_word){at + sizeof h, h.bytes, h.count};
        at += sizeof h + h.bytes;
    }
    unite(counts);
    return EL_OK;
}
