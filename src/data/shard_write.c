/* shard_write - see shard.h */
#define _GNU_SOURCE
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/shard.h"
#include "data/shard_parts.h"

static const char *const PACKINGS[] = {"segments", "full"}, *const ATTENTIONS[] = {"document", "example"};

/* What is in the shard being filled. */
typedef struct {
    int64_t number;
    int64_t tokens, examples, parts;
} gathered;

struct el_shard_writer {
    el_shard_settings settings;
    char *folder;
    gathered at;
    void *ids; /* uint16_t or int32_t */
    int64_t *starts, *sequences;
    int16_t *second_starts;
    int64_t token_room, example_room, part_room;
};

static bool narrow(const el_shard_writer *w)
{
    return w->settings.vocab->size <= EL_SHARD_NARROW;
}

static bool within_documents(const el_shard_writer *w)
{
    return w->settings.packing == EL_PACK_FULL && w->settings.attention == EL_ATTEND_DOCUMENT;
}

el_status el_shard_writer_open(el_shard_writer **writer, const char *folder,
                               const el_shard_settings *settings)
{
    *writer = NULL;
    el_shard_writer *const w = calloc(1, sizeof *w);
    if (!w || !(w->folder = strdup(folder))) {
        free(w);
        return el_no_memory(folder);
    }
    w->settings = *settings;
    *writer = w;
    return EL_OK;
}

void el_shard_writer_close(el_shard_writer *writer)
{
    if (!writer)
        return;
    free(writer->ids);
    free(writer->starts);
    free(writer->sequences);
    free(writer->second_starts);
    free(writer->folder);
    free(writer);
}

/* Elements to make room for, growing by half. */
static int64_t grown(int64_t need, int64_t room)
{
    return need > room + room / 2 ? need : room + room / 2;
}

/* Room for so many elements and one more, where a list of starts ends. */
static bool resize(void *list, int64_t room, size_t element)
{
    void **const place = list, *const moved = realloc(*place, (size_t)(room + 1) * element);
    if (moved)
        *place = moved;
    return moved;
}

static size_t id_bytes(const el_shard_writer *w)
{
    return narrow(w) ? sizeof(uint16_t) : sizeof(int32_t);
}

static el_status reserve(el_shard_writer *w, int64_t tokens, int64_t examples, int64_t parts)
{
    bool fine = true;
    if (tokens > w->token_room) {
        w->token_room = grown(tokens, w->token_room);
        fine = resize(&w->ids, w->token_room, id_bytes(w));
    }
    if (fine && examples > w->example_room) {
        w->example_room = grown(examples, w->example_room);
        fine = resize(&w->starts, w->example_room, sizeof *w->starts) &&
               resize(&w->second_starts, w->example_room, sizeof *w->second_starts);
    }
    if (fine && parts > w->part_room) {
        w->part_room = grown(parts, w->part_room);
        fine = resize(&w->sequences, w->part_room, sizeof *w->sequences);
    }
    if (!fine)
        return el_fail(EL_ENOMEM, "%s: no memory for a shard of %" PRId64 " tokens", w->folder, tokens);
    return EL_OK;
}

static bool set(json_t *metadata, const char *key, const char *value)
{
    return json_object_set_new(metadata, key, json_string(value)) == 0;
}

static bool set_number(json_t *metadata, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return set(metadata, key, text);
}

static bool set_bool(json_t *metadata, const char *key, bool value)
{
    return set(metadata, key, value ? "true" : "false");
}

static json_t *describe(const el_shard_writer *w, bool last)
{
    const el_shard_settings *const s = &w->settings;
    char hash[17];
    el_hash_text(s->vocab->hash, hash);
    json_t *const m = json_object();
    const bool fine =
        m && set(m, EL_SHARD_MAGIC, EL_SHARD_VERSION) &&
        set_number(m, "max_seq_length", (uint64_t)s->max_seq_length) &&
        set(m, "packing", PACKINGS[s->packing]) &&
        set(m, "attention", ATTENTIONS[within_documents(w) ? EL_ATTEND_DOCUMENT : EL_ATTEND_EXAMPLE]) &&
        set_number(m, "seed", s->seed) && set_number(m, "shard", (uint64_t)w->at.number) &&
        set_bool(m, "last", last) && set_number(m, "examples", (uint64_t)w->at.examples) &&
        set_number(m, "tokens", (uint64_t)w->at.tokens) && set(m, "vocab_hash", hash) &&
        set_bool(m, "do_lower_case", s->vocab->casing.lowercase) &&
        set_bool(m, "strip_accents", s->vocab->casing.strip_accents) &&
        set_bool(m, "tokenize_chinese_chars", s->vocab->casing.chinese_chars) &&
        (!*s->vocab->beyond || set(m, EL_SHARD_BEYOND, s->vocab->beyond));
    if (!fine)
        json_decref(m);
    return fine ? m : NULL;
}

static el_st_entry entry(const char *name, el_st_type type, const void *data, int64_t elements)
{
    return (el_st_entry){.name = name,
                         .type = type,
                         .dims = 1,
                         .shape = {elements},
                         .data = data,
                         .bytes = (size_t)elements * el_st_type_bytes(type)};
}

/* Writes what was gathered and begins the next shard. */
static el_status flush(el_shard_writer *w, bool last)
{
    const el_vocab *const vocab = w->settings.vocab;
    el_st_entry entries[5];
    int count = 0;
    w->starts[w->at.examples] = w->at.tokens;
    w->sequences[w->at.parts] = w->at.tokens;
    entries[count++] = entry("starts", EL_ST_I64, w->starts, w->at.examples + 1);
    if (within_documents(w))
        entries[count++] = entry("sequences", EL_ST_I64, w->sequences, w->at.parts + 1);
    entries[count++] = entry("ids", narrow(w) ? EL_ST_U16 : EL_ST_I32, w->ids, w->at.tokens);
    if (w->settings.packing == EL_PACK_SEGMENTS)
        entries[count++] = entry("seconds", EL_ST_I16, w->second_starts, w->at.examples);
    entries[count++] = entry("vocabulary", EL_ST_U8, vocab->text, (int64_t)vocab->text_bytes);

    char *path = NULL;
    json_t *const metadata = describe(w, last);
    if (!metadata || asprintf(&path, "%s/shard-%05d.safetensors", w->folder, (int)w->at.number) < 0) {
        json_decref(metadata);
        return el_no_memory(w->folder);
    }
    const el_status st = el_safetensors_write(path, entries, count, metadata, true);
    free(path);
    json_decref(metadata);
    w->at.number++;
    w->at.tokens = w->at.examples = w->at.parts = 0;
    return st;
}

el_status el_shard_writer_add(el_shard_writer *w, const el_packed *example)
{
    assert(example->count > 0 && example->count <= w->settings.max_seq_length && example->parts > 0);
    el_status st = EL_OK;
    if (w->at.examples && w->at.tokens + example->count > w->settings.tokens)
        st = flush(w, false);
    if (!st)
        st = reserve(w, w->at.tokens + example->count, w->at.examples + 1, w->at.parts + example->parts);
    if (st)
        return st;
    for (int i = 0; i < example->count; i++) {
        if (narrow(w))
            ((uint16_t *)w->ids)[w->at.tokens + i] = (uint16_t)example->ids[i];
        else
            ((int32_t *)w->ids)[w->at.tokens + i] = example->ids[i];
    }
    for (int i = 0; i < example->parts; i++)
        w->sequences[w->at.parts++] = w->at.tokens + example->starts[i];
    w->second_starts[w->at.examples] = (int16_t)example->second;
    w->starts[w->at.examples++] = w->at.tokens;
    w->at.tokens += example->count;
    return EL_OK;
}

el_status el_shard_writer_finish(el_shard_writer *w)
{
    return w->at.examples ? flush(w, true) : el_fail(EL_EDATA, "%s: no text to write", w->folder);
}

/* ---- going on ---- */

int el_shard_writer_whole(const el_shard_writer *w)
{
    return (int)w->at.number;
}

/* The lists of what was gathered. */
typedef struct {
    const char *name;
    void *data;
    size_t bytes;
} list;

enum { LISTS = 4 };

static void find_lists(const el_shard_writer *w, list lists[LISTS])
{
    const size_t examples = (size_t)w->at.examples;
    lists[0] = (list){"ids", w->ids, (size_t)w->at.tokens * id_bytes(w)};
    lists[1] = (list){"starts", w->starts, examples * sizeof *w->starts};
    lists[2] = (list){"seconds", w->second_starts, examples * sizeof *w->second_starts};
    lists[3] = (list){"sequences", w->sequences, (size_t)w->at.parts * sizeof *w->sequences};
}

void el_shard_writer_save(el_shard_writer *w, el_unfinished *unfinished, const char *of)
{
    list lists[LISTS];
    find_lists(w, lists);
    el_unfinished_put(unfinished, of, "gathered", &w->at, sizeof w->at);
    for (int i = 0; i < LISTS; i++)
        el_unfinished_put(unfinished, of, lists[i].name, lists[i].data, lists[i].bytes);
}

static bool sensible(const gathered *g)
{
    return g->number >= 0 && g->number < INT32_MAX && g->examples >= 0 && g->parts >= g->examples &&
           g->tokens >= g->parts && g->tokens < INT64_MAX / 16;
}

el_status el_shard_writer_restore(el_shard_writer *w, const el_safetensors *unfinished, const char *of)
{
    gathered at;
    list lists[LISTS];
    el_status st = el_unfinished_get(unfinished, of, "gathered", &at, sizeof at);
    if (!st && !sensible(&at))
        st = el_fail(EL_EDATA, "%s: %s: no shard is filled like this", unfinished->path, of);
    if (!st)
        st = reserve(w, at.tokens, at.examples, at.parts);
    if (st)
        return st;
    w->at = at;
    find_lists(w, lists);
    for (int i = 0; i < LISTS && !st; i++)
        st = el_unfinished_get(unfinished, of, lists[i].name, lists[i].data, lists[i].bytes);
    return st;
}
