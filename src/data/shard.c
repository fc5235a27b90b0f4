/* shard - see the header; shards are written by shard_write.c */
#include "data/shard.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/shard_parts.h"

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
    const char *const path = s->file.path, *const version = el_safetensors_metadata(&s->file, EL_SHARD_MAGIC);
    if (!version)
        return el_fail(EL_EDATA, "%s: not a shard of tokens", path);
    if (strcmp(version, EL_SHARD_VERSION) != 0)
        return el_fail(EL_EDATA, "%s: a shard of format %s, and only %s can be read", path, version,
                       EL_SHARD_VERSION);
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
    const char *named = el_safetensors_metadata(&s->file, EL_SHARD_BEYOND), *beyond = named ? named : "";
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
    const bool is_narrow = s->vocab_size <= EL_SHARD_NARROW;
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
