/* shard - examples in a safetensors file */
#define _GNU_SOURCE
#include "data/shard.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "electra_shard", VERSION[] = "1";
static const char BEYOND[] =
    "tokenizer"; /* what of the vocabulary's options is not BERT's, where there is any */
static const char *const PACKINGS[] = {"segments", "full"}, *const ATTENTIONS[] = {"document", "example"};
enum { NARROW = 65536 }; /* vocabularies up to this size have ids of 16 bits */

/* ---- writing ---- */

struct el_shard_writer {
    el_shard_settings settings;
    char *folder;
    int number; /* of the shard being filled */
    void *ids;  /* uint16_t or int32_t */
    int64_t *starts, *sequences;
    int16_t *second_starts;
    int64_t tokens, examples, parts;
    int64_t token_room, example_room, part_room;
};

static bool narrow(const el_shard_writer *w)
{
    return w->settings.vocab->size <= NARROW;
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
        return el_fail(EL_ENOMEM, "%s: out of memory", folder);
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

static el_status reserve(el_shard_writer *w, int tokens, int parts)
{
    const int64_t all_tokens = w->tokens + tokens, all_examples = w->examples + 1,
                  all_parts = w->parts + parts;
    bool fine = true;
    if (all_tokens > w->token_room) {
        w->token_room = grown(all_tokens, w->token_room);
        fine = resize(&w->ids, w->token_room, narrow(w) ? sizeof(uint16_t) : sizeof(int32_t));
    }
    if (fine && all_examples > w->example_room) {
        w->example_room = grown(all_examples, w->example_room);
        fine = resize(&w->starts, w->example_room, sizeof *w->starts) &&
               resize(&w->second_starts, w->example_room, sizeof *w->second_starts);
    }
    if (fine && all_parts > w->part_room) {
        w->part_room = grown(all_parts, w->part_room);
        fine = resize(&w->sequences, w->part_room, sizeof *w->sequences);
    }
    if (!fine)
        return el_fail(EL_ENOMEM, "%s: no memory for a shard of %" PRId64 " tokens", w->folder, all_tokens);
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
        m && set(m, MAGIC, VERSION) && set_number(m, "max_seq_length", (uint64_t)s->max_seq_length) &&
        set(m, "packing", PACKINGS[s->packing]) &&
        set(m, "attention", ATTENTIONS[within_documents(w) ? EL_ATTEND_DOCUMENT : EL_ATTEND_EXAMPLE]) &&
        set_number(m, "seed", s->seed) && set_number(m, "shard", (uint64_t)w->number) &&
        set_bool(m, "last", last) && set_number(m, "examples", (uint64_t)w->examples) &&
        set_number(m, "tokens", (uint64_t)w->tokens) && set(m, "vocab_hash", hash) &&
        set_bool(m, "do_lower_case", s->vocab->casing.lowercase) &&
        set_bool(m, "strip_accents", s->vocab->casing.strip_accents) &&
        set_bool(m, "tokenize_chinese_chars", s->vocab->casing.chinese_chars) &&
        (!*s->vocab->beyond || set(m, BEYOND, s->vocab->beyond));
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
    w->starts[w->examples] = w->tokens;
    w->sequences[w->parts] = w->tokens;
    entries[count++] = entry("starts", EL_ST_I64, w->starts, w->examples + 1);
    if (within_documents(w))
        entries[count++] = entry("sequences", EL_ST_I64, w->sequences, w->parts + 1);
    entries[count++] = entry("ids", narrow(w) ? EL_ST_U16 : EL_ST_I32, w->ids, w->tokens);
    if (w->settings.packing == EL_PACK_SEGMENTS)
        entries[count++] = entry("seconds", EL_ST_I16, w->second_starts, w->examples);
    entries[count++] = entry("vocabulary", EL_ST_U8, vocab->text, (int64_t)vocab->text_bytes);

    char *path = NULL;
    json_t *const metadata = describe(w, last);
    if (!metadata || asprintf(&path, "%s/shard-%05d.safetensors", w->folder, w->number) < 0) {
        json_decref(metadata);
        return el_fail(EL_ENOMEM, "%s: out of memory", w->folder);
    }
    const el_status st = el_safetensors_write(path, entries, count, metadata, true);
    free(path);
    json_decref(metadata);
    w->number++;
    w->tokens = w->examples = w->parts = 0;
    return st;
}

el_status el_shard_writer_add(el_shard_writer *w, const el_packed *example)
{
    assert(example->count > 0 && example->count <= w->settings.max_seq_length && example->parts > 0);
    el_status st = EL_OK;
    if (w->examples && w->tokens + example->count > w->settings.tokens)
        st = flush(w, false);
    if (!st)
        st = reserve(w, example->count, example->parts);
    if (st)
        return st;
    for (int i = 0; i < example->count; i++) {
        if (narrow(w))
            ((uint16_t *)w->ids)[w->tokens + i] = (uint16_t)example->ids[i];
        else
            ((int32_t *)w->ids)[w->tokens + i] = example->ids[i];
    }
    for (int i = 0; i < example->parts; i++)
        w->sequences[w->parts++] = w->tokens + example->starts[i];
    w->second_starts[w->examples] = (int16_t)example->second;
    w->starts[w->examples++] = w->tokens;
    w->tokens += example->count;
    return EL_OK;
}

el_status el_shard_writer_finish(el_shard_writer *w)
{
    return w->examples ? flush(w, true) : el_fail(EL_EDATA, "%s: no text to write", w->folder);
}

int64_t el_shard_number(const char *name)
{
    static const char PREFIX[] = "shard-";
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return -1;
    const char *const digits = name + strlen(PREFIX);
    const size_t count = strspn(digits, "0123456789");
    const bool is_shard = count > 0 && count < 10 && strcmp(digits + count, ".safetensors") == 0;
    return is_shard ? strtoll(digits, NULL, 10) : -1;
}

/* ---- reading ---- */

static el_status number_of(const el_shard *s, const char *key, uint64_t most, uint64_t *value)
{
    const char *const text = el_safetensors_metadata(&s->file, key);
    int end = 0;
    if (!text || sscanf(text, "%20" SCNu64 "%n", value, &end) != 1 || text[0] < '0' || text[0] > '9' ||
        text[end] || *value > most)
        return el_fail(EL_EDATA, "%s: metadata %s is %s%s", s->file.path, key,
                       text ? "no sensible number: " : "missing", text ? text : "");
    return EL_OK;
}

static el_status bool_of(const el_shard *s, const char *key, bool *value)
{
    const char *const text = el_safetensors_metadata(&s->file, key);
    *value = text && strcmp(text, "true") == 0;
    if (!*value && !(text && strcmp(text, "false") == 0))
        return el_fail(EL_EDATA, "%s: metadata %s is not true or false", s->file.path, key);
    return EL_OK;
}

static el_status read_metadata(el_shard *s, el_casing *casing)
{
    const char *const path = s->file.path, *const version = el_safetensors_metadata(&s->file, MAGIC);
    if (!version)
        return el_fail(EL_EDATA, "%s: not a shard of tokens", path);
    if (strcmp(version, VERSION) != 0)
        return el_fail(EL_EDATA, "%s: a shard of format %s, and only %s can be read", path, version, VERSION);
    uint64_t longest = 0, number = 0;
    el_status st = number_of(s, "max_seq_length", EL_PACK_LONGEST, &longest);
    if (!st)
        st = number_of(s, "shard", INT32_MAX, &number);
    if (!st)
        st = bool_of(s, "last", &s->last);
    if (!st)
        st = bool_of(s, "do_lower_case", &casing->lowercase);
    if (!st)
        st = bool_of(s, "strip_accents", &casing->strip_accents);
    if (!st)
        st = bool_of(s, "tokenize_chinese_chars", &casing->chinese_chars);
    s->max_seq_length = (int)longest;
    s->number = (int64_t)number;
    return st;
}

/* Without a checksum a flipped bit would pass for a token. */
static el_status verify_checksums(const el_shard *s)
{
    for (int i = 0; i < s->file.count; i++) {
        char key[64];
        snprintf(key, sizeof key, "xxh3:%.50s", s->file.entries[i].name);
        if (!el_safetensors_metadata(&s->file, key))
            return el_fail(EL_EDATA, "%s: tensor %s has no checksum", s->file.path, s->file.entries[i].name);
    }
    return el_safetensors_verify(&s->file);
}

static bool same_vocabulary(const el_vocab *vocab, const el_st_entry *text, el_casing casing,
                            const char *beyond)
{
    return strcmp(vocab->beyond, beyond) == 0 && vocab->text_bytes == text->bytes &&
           memcmp(vocab->text, text->data, text->bytes) == 0 && vocab->casing.lowercase == casing.lowercase &&
           vocab->casing.strip_accents == casing.strip_accents &&
           vocab->casing.chinese_chars == casing.chinese_chars;
}

/* Opens the first shard's vocabulary; that of the others must be the same. */
static el_status agree_on_vocabulary(const el_shard *s, const el_st_entry *text, el_casing casing,
                                     el_vocab **vocab)
{
    const char *named = el_safetensors_metadata(&s->file, BEYOND), *beyond = named ? named : "";
    if (*vocab && same_vocabulary(*vocab, text, casing, beyond))
        return EL_OK;
    el_vocab *own;
    el_status st = el_vocab_reopen(&own, text->data, text->bytes, casing, beyond, s->file.path);
    if (st)
        return st;
    if (!*vocab) {
        *vocab = own;
        return EL_OK;
    }
    st = el_vocab_same(*vocab, "the shards before it", own, s->file.path);
    el_vocab_close(own);
    return st;
}

static el_status read_vocabulary(el_shard *s, el_casing casing, el_vocab **vocab)
{
    const el_st_entry *text;
    el_status st = el_safetensors_need(&s->file, "vocabulary", EL_ST_U8, 1, &text);
    if (!st)
        st = agree_on_vocabulary(s, text, casing, vocab);
    if (st)
        return st;
    char hash[17];
    el_hash_text((*vocab)->hash, hash);
    const char *const stored = el_safetensors_metadata(&s->file, "vocab_hash");
    if (!stored || strcmp(stored, hash) != 0)
        return el_fail(EL_EDATA, "%s: its vocabulary does not have the hash that it names", s->file.path);
    s->vocab_size = (*vocab)->size;
    return EL_OK;
}

static el_status read_ids(el_shard *s)
{
    const bool is_narrow = s->vocab_size <= NARROW;
    const el_st_entry *ids;
    const el_status st = el_safetensors_need(&s->file, "ids", is_narrow ? EL_ST_U16 : EL_ST_I32, 1, &ids);
    if (st)
        return st;
    s->tokens = ids->shape[0];
    *(is_narrow ? (const void **)&s->ids16 : (const void **)&s->ids32) = ids->data;
    uint32_t highest = 0; /* a negative id is a very high one */
    if (is_narrow)
        for (int64_t i = 0; i < s->tokens; i++)
            highest = s->ids16[i] > highest ? s->ids16[i] : highest;
    else
        for (int64_t i = 0; i < s->tokens; i++)
            highest = (uint32_t)s->ids32[i] > highest ? (uint32_t)s->ids32[i] : highest;
    if (highest >= (uint32_t)s->vocab_size)
        return el_fail(EL_EDATA, "%s: a token is %" PRIu32 ", and the vocabulary has %d pieces", s->file.path,
                       highest, s->vocab_size);
    return EL_OK;
}

/* A list of starts: from 0 to the end of the tokens, in steps of 1 to max_seq_length. */
static el_status read_starts(const el_shard *s, const char *name, const int64_t **starts, int64_t *count)
{
    const el_st_entry *list;
    const el_status st = el_safetensors_need(&s->file, name, EL_ST_I64, 1, &list);
    if (st)
        return st;
    *starts = list->data;
    *count = list->shape[0] - 1;
    if (*count < 1)
        return el_fail(EL_EDATA, "%s: %s is too short", s->file.path, name);
    if ((*starts)[0] != 0 || (*starts)[*count] != s->tokens)
        return el_fail(EL_EDATA, "%s: %s does not run from 0 to the %" PRId64 " tokens", s->file.path, name,
                       s->tokens);
    for (int64_t i = 0; i < *count; i++) {
        const int64_t from = (*starts)[i], to = (*starts)[i + 1];
        if (to <= from || to > s->tokens || to - from > s->max_seq_length)
            return el_fail(EL_EDATA,
                           "%s: %s: number %" PRId64 " is from %" PRId64 " to %" PRId64 ", not 1 to %d long",
                           s->file.path, name, i, from, to, s->max_seq_length);
    }
    return EL_OK;
}

static el_status read_seconds(el_shard *s)
{
    if (!el_safetensors_find(&s->file, "seconds"))
        return EL_OK;
    const el_st_entry *list;
    const el_status st = el_safetensors_need(&s->file, "seconds", EL_ST_I16, 1, &list);
    if (st)
        return st;
    if (list->shape[0] != s->examples)
        return el_fail(EL_EDATA, "%s: %" PRId64 " seconds for %" PRId64 " examples", s->file.path,
                       list->shape[0], s->examples);
    s->second_starts = list->data;
    for (int64_t i = 0; i < s->examples; i++)
        if (s->second_starts[i] < 1 || s->second_starts[i] > s->starts[i + 1] - s->starts[i])
            return el_fail(EL_EDATA, "%s: example %" PRId64 ": its second segment begins at %d, outside it",
                           s->file.path, i, s->second_starts[i]);
    return EL_OK;
}

static el_status read_sequences(el_shard *s)
{
    s->sequences = s->examples;
    if (!el_safetensors_find(&s->file, "sequences"))
        return EL_OK;
    const el_status st = read_starts(s, "sequences", &s->sequence_starts, &s->sequences);
    if (st)
        return st;
    if (s->second_starts)
        return el_fail(EL_EDATA, "%s: has both seconds and sequences", s->file.path);
    int64_t i = 0;
    for (int64_t e = 0; e < s->examples; e++) {
        while (i < s->sequences && s->sequence_starts[i] < s->starts[e])
            i++;
        if (s->sequence_starts[i] != s->starts[e])
            return el_fail(EL_EDATA, "%s: example %" PRId64 " begins within a sequence", s->file.path, e);
    }
    return EL_OK;
}

static el_status read_all(el_shard *s, el_vocab **vocab)
{
    el_casing casing = {0};
    el_status st = read_metadata(s, &casing);
    if (!st)
        st = verify_checksums(s);
    if (!st)
        st = read_vocabulary(s, casing, vocab);
    if (!st)
        st = read_ids(s);
    if (!st)
        st = read_starts(s, "starts", &s->starts, &s->examples);
    if (!st)
        st = read_seconds(s);
    if (!st)
        st = read_sequences(s);
    if (st)
        el_shard_close(s);
    return st;
}

el_status el_shard_open(el_shard *shard, const char *path, el_vocab **vocab)
{
    *shard = (el_shard){0};
    const el_status st = el_safetensors_open(&shard->file, path);
    return st ? st : read_all(shard, vocab);
}

el_status el_shard_parse(el_shard *shard, const void *data, size_t bytes, const char *name, el_vocab **vocab)
{
    *shard = (el_shard){0};
    const el_status st = el_safetensors_parse(&shard->file, data, bytes, name);
    return st ? st : read_all(shard, vocab);
}

void el_shard_close(el_shard *shard)
{
    el_safetensors_close(&shard->file);
    *shard = (el_shard){0};
}

static el_status add_sequence(const el_shard *shard, int64_t from, int64_t to, int second, el_batch *batch)
{
    int ids[EL_PACK_LONGEST];
    const int count = (int)(to - from);
    for (int i = 0; i < count; i++)
        ids[i] = shard->ids16 ? shard->ids16[from + i] : shard->ids32[from + i];
    return el_batch_add(batch, ids, count, second);
}

/* The sequence that begins at this token; one does. */
static int64_t sequence_at(const el_shard *s, int64_t token)
{
    int64_t low = 0, high = s->sequences;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        *(s->sequence_starts[middle] <= token ? &low : &high) = middle;
    }
    return low;
}

el_status el_shard_read(const el_shard *shard, int64_t example, el_batch *batch)
{
    assert(example >= 0 && example < shard->examples);
    const int64_t from = shard->starts[example], to = shard->starts[example + 1];
    if (!shard->sequence_starts) {
        const int64_t second = shard->second_starts ? shard->second_starts[example] : to - from;
        return add_sequence(shard, from, to, (int)second, batch);
    }
    const int64_t *start = shard->sequence_starts + sequence_at(shard, from);
    el_status st = EL_OK;
    for (; !st && start[0] < to; start++)
        st = add_sequence(shard, start[0], start[1], (int)(start[1] - start[0]), batch);
    return st;
}
