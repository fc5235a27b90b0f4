/* tensorflow - see the header; the formats are tensor_bundle.proto and tensor_bundle.cc */
#define _GNU_SOURCE
#include "format/tensorflow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "format/crc32c.h"
#include "format/sstable.h"

enum { MOST_SHARDS = 1024, LONGEST_NAME = 512 };

/* ---- protocol buffers ---- */

typedef struct {
    uint64_t number; /* of the field */
    uint64_t value;  /* of a varint or a fixed one */
    el_bytes bytes;  /* of a string or message */
} field;

/* The next field; false at the end, and where it is cut short (*whole becomes false). */
static bool next_field(el_bytes *message, field *f, bool *whole)
{
    uint64_t tag, length;
    *f = (field){0};
    if (!message->left)
        return false;
    *whole = el_bytes_varint(message, &tag);
    f->number = tag >> 3;
    if (*whole && (tag & 7) == 0)
        *whole = el_bytes_varint(message, &f->value);
    else if (*whole && (tag & 7) == 1)
        *whole = el_bytes_number(message, 8, &f->value);
    else if (*whole && (tag & 7) == 5)
        *whole = el_bytes_number(message, 4, &f->value);
    else if (*whole && (tag & 7) == 2) {
        *whole = el_bytes_varint(message, &length) && el_bytes_part(*message, 0, length, &f->bytes);
        if (*whole)
            el_bytes_take(message, length);
    } else
        *whole = false;
    return *whole;
}

/* ---- the index ---- */

typedef struct {
    el_tensors *source;
    const el_bytes *shards;
    int shard_count;
    const char *path;
    uint64_t left; /* bytes of data that no tensor has had so far */
} reader;

static el_status damaged(const reader *r, const char *what)
{
    return el_fail(EL_EDATA, "%s: a damaged index of a TensorFlow checkpoint: %s", r->path, what);
}

static el_status check_header(const reader *r, el_bytes message)
{
    field f;
    bool whole = true;
    uint64_t shards = 1, big_endian = 0;
    while (next_field(&message, &f, &whole)) {
        if (f.number == 1)
            shards = f.value;
        if (f.number == 2)
            big_endian = f.value;
    }
    if (!whole)
        return damaged(r, "its header is cut short");
    if (big_endian)
        return el_fail(EL_EDATA, "%s: was written by a big-endian machine, which is not supported", r->path);
    return shards == (uint64_t)r->shard_count
               ? EL_OK
               : el_fail(EL_EDATA, "%s: speaks of %llu files of data, but %d are there", r->path,
                         (unsigned long long)shards, r->shard_count);
}

/* TensorFlow's DataType. */
static void set_type(uint64_t type, el_stored *t)
{
    static const el_st_type TYPES[] = {[1] = EL_ST_F32, [2] = EL_ST_F64,   [3] = EL_ST_I32,
                                       [9] = EL_ST_I64, [14] = EL_ST_BF16, [19] = EL_ST_F16};
    const bool known = type < sizeof TYPES / sizeof *TYPES && TYPES[type] != EL_ST_U8;
    t->type = known ? TYPES[type] : EL_ST_OTHER;
    t->element = (int)el_st_type_bytes(t->type);
}

/* Dimensions are messages of a size. */
static bool read_shape(el_bytes message, el_stored *t)
{
    field dimension, size;
    bool whole = true;
    while (next_field(&message, &dimension, &whole)) {
        if (dimension.number != 2)
            continue;
        if (t->dims == EL_ST_MAX_DIMS)
            return false;
        t->shape[t->dims] = 0;
        while (next_field(&dimension.bytes, &size, &whole))
            if (size.number == 1)
                t->shape[t->dims] = (int64_t)size.value;
        if (!whole || t->shape[t->dims++] < 0)
            return false;
    }
    return whole;
}

/* Where the data lie. */
typedef struct {
    uint64_t shard, offset, size, crc;
    bool sliced;
} place;

static bool read_entry(el_bytes message, el_stored *t, place *p)
{
    field f;
    bool whole = true, shaped = true;
    while (next_field(&message, &f, &whole))
        switch (f.number) {
        case 1:
            set_type(f.value, t);
            break;
        case 2:
            shaped = read_shape(f.bytes, t) && shaped;
            break;
        case 3:
            p->shard = f.value;
            break;
        case 4:
            p->offset = f.value;
            break;
        case 5:
            p->size = f.value;
            break;
        case 6:
            p->crc = f.value;
            break;
        case 7:
            p->sliced = true;
            break;
        }
    return whole && shaped;
}

/* ---- names ---- */

static bool part_is(const char *part, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(part, word, length) == 0;
}

/* One part of a name between slashes, as Hugging Face has it, at the end of `name`; *kernel: it is a matrix. */
static void add_part(char name[LONGEST_NAME], const char *part, size_t length, bool *kernel)
{
    const size_t used = strlen(name), room = LONGEST_NAME - used;
    char *const to = name + used;
    const int shown = (int)length;
    if (part_is(part, length, "kernel") || part_is(part, length, "gamma")) {
        snprintf(to, room, "weight");
        *kernel = *part == 'k';
    } else if (part_is(part, length, "beta"))
        snprintf(to, room, "bias");
    else if (part_is(part, length, "dense_1"))
        snprintf(to, room, "dense_prediction");
    else if (length > 6 && memcmp(part, "layer_", 6) == 0)
        snprintf(to, room, "layer.%.*s", shown - 6, part + 6);
    else if (el_bytes_end_with(part, length, "_embeddings"))
        snprintf(to, room, "%.*s.weight", shown, part);
    else
        snprintf(to, room, "%.*s", shown, part);
}

static void translate(const char *variable, char name[LONGEST_NAME], bool *kernel)
{
    *name = '\0';
    *kernel = false;
    for (const char *part = variable; part;) {
        const char *const slash = strchr(part, '/');
        add_part(name, part, slash ? (size_t)(slash - part) : strlen(part), kernel);
        if (slash && strlen(name) + 2 < LONGEST_NAME)
            strcat(name, ".");
        part = slash ? slash + 1 : NULL;
    }
    if (strcmp(name, "generator_predictions.output_bias") == 0)
        strcpy(name, "generator_lm_head.bias");
    else if (strcmp(name, "cls.predictions.output_bias") == 0)
        strcpy(name, "cls.predictions.bias");
}

static bool is_slot(const char *variable)
{
    const size_t length = strlen(variable);
    return el_bytes_end_with(variable, length, "/adam_m") || el_bytes_end_with(variable, length, "/adam_v") ||
           el_bytes_end_with(variable, length, "/Adam") || el_bytes_end_with(variable, length, "/Adam_1");
}

static el_status add_variable(reader *r, const char *variable, el_stored *t, const place *p)
{
    char name[LONGEST_NAME];
    bool kernel;
    el_bytes data;
    if (is_slot(variable))
        return EL_OK;
    if (p->sliced)
        return el_fail(EL_EDATA, "%s: %s is partitioned, which is not supported", r->path, variable);
    if (strstr(variable, "/.ATTRIBUTES/") || strcmp(variable, "_CHECKPOINTABLE_OBJECT_GRAPH") == 0)
        return el_fail(EL_EDATA,
                       "%s: a checkpoint of TensorFlow 2's objects, which is not supported; that of the "
                       "original is",
                       r->path);
    if (p->shard >= (uint64_t)r->shard_count ||
        !el_bytes_part(r->shards[p->shard], p->offset, p->size, &data))
        return el_fail(EL_EDATA, "%s: %s lies outside its file of data, which may be cut short", r->path,
                       variable);
    translate(variable, name, &kernel);
    t->name = name;
    t->data = data.at;
    el_stored_pack(t);
    int64_t bytes = t->element;
    for (int d = 0; d < t->dims; d++)
        if (__builtin_mul_overflow(bytes, t->shape[d], &bytes))
            return damaged(r, "a shape is too large");
    if (t->type != EL_ST_OTHER && (uint64_t)bytes != p->size)
        return el_fail(EL_EDATA, "%s: %s takes %llu bytes, but its shape needs %lld", r->path, variable,
                       (unsigned long long)p->size, (long long)bytes);
    if (p->size > r->left) /* each is read for its checksum */
        return damaged(r, "its tensors take more than its files of data");
    r->left -= p->size;
    if (el_crc32c_masked(data.at, data.left) != p->crc)
        return el_fail(EL_EDATA, "%s: %s does not have the checksum that it was written with", r->path,
                       variable);
    if (kernel && t->dims == 2) {
        const int64_t in = t->shape[0], out = t->shape[1];
        t->shape[0] = out, t->shape[1] = in;
        t->strides[0] = 1, t->strides[1] = out;
    }
    return el_tensors_add(r->source, t);
}

static el_status visit(void *context, el_bytes key, el_bytes value)
{
    reader *const r = context;
    char variable[LONGEST_NAME / 2];
    el_stored t = {.type = EL_ST_OTHER, .element = 1};
    place p = {0};
    if (key.left == 0)
        return check_header(r, value);
    if (key.at[0] == 0) /* the parts of a partitioned variable, which its own entry refuses */
        return EL_OK;
    if (key.left >= sizeof variable || memchr(key.at, 0, key.left))
        return damaged(r, "a variable's name is too long");
    memcpy(variable, key.at, key.left);
    variable[key.left] = '\0';
    if (!read_entry(value, &t, &p))
        return damaged(r, "an entry is cut short");
    return add_variable(r, variable, &t, &p);
}

/* ---- embeddings that both networks read ---- */

static const char OWN[] = "electra.embeddings.", THEIRS[] = "generator.embeddings.";

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static el_status share_embeddings(el_tensors *s)
{
    bool generator = false, apart = false;
    el_status st = EL_OK;
    for (int i = 0; i < s->count; i++) {
        generator |= begins(s->tensors[i].name, "generator.encoder.");
        apart |= begins(s->tensors[i].name, THEIRS);
    }
    for (int i = 0, count = s->count; !st && generator && !apart && i < count; i++) {
        char name[LONGEST_NAME];
        if (!begins(s->tensors[i].name, OWN))
            continue;
        el_stored shared = s->tensors[i];
        snprintf(name, sizeof name, "%s%s", THEIRS, shared.name + strlen(OWN));
        shared.name = name;
        st = el_tensors_add(s, &shared);
    }
    return st;
}

el_status el_tensorflow_read(el_tensors *source, el_bytes index, const el_bytes *shards, int shard_count,
                             const char *path)
{
    reader r = {source, shards, shard_count, path, 0};
    for (int i = 0; i < shard_count; i++)
        r.left += shards[i].left;
    el_status st = el_sstable_read(index, path, visit, &r);
    if (!st)
        st = share_embeddings(source);
    return st ? st : el_tensors_settle(source);
}

/* ---- files ---- */

/* The name in quotes after model_checkpoint_path, without folders before it; NULL where there is none. */
static char *named_in(const char *folder)
{
    static const char KEY[] = "model_checkpoint_path:";
    const el_path path = el_path_in(folder, "checkpoint");
    el_mapping file;
    char *name = NULL;
    if (el_file_exists(path.text) && !el_mapping_open(&file, path.text)) {
        const char *const text = (const char *)file.data, *const end = text + file.size;
        const char *const key = memmem(text, file.size, KEY, strlen(KEY));
        const char *const open = key ? memchr(key, '"', (size_t)(end - key)) : NULL;
        const char *const close = open ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;
        const char *const slash = close ? memrchr(open, '/', (size_t)(close - open)) : NULL;
        const char *const begin = slash ? slash + 1 : open + 1;
        if (close && close > begin)
            name = strndup(begin, (size_t)(close - begin));
        el_mapping_close(&file);
    }
    return name;
}

el_status el_tensorflow_find(const char *folder, char **prefix)
{
    char **names = NULL, *const named = named_in(folder);
    int count = 0, found = 0;
    bool known = false; /* the one that is named is there */
    *prefix = NULL;
    el_status st = el_folder_list(folder, &names, &count);
    for (int i = 0; !st && i < count; i++) {
        const size_t length = strlen(names[i]);
        if (!el_bytes_end_with(names[i], length, ".index"))
            continue;
        names[i][length - strlen(".index")] = '\0';
        const bool chosen = named && strcmp(named, names[i]) == 0;
        if (found++ && !chosen)
            continue;
        known |= chosen;
        free(*prefix);
        *prefix = el_path_join(folder, names[i]);
        if (!*prefix)
            st = el_no_memory(folder);
        if (chosen) {
            found = 1;
            break;
        }
    }
    if (!st && found && named && !known)
        st = el_fail(EL_EDATA,
                     "%s: its file `checkpoint` names %s, which is not there; %s.index is; remove the file "
                     "checkpoint, or name that one in it",
                     folder, named, *prefix);
    if (!st && found > 1)
        st = el_fail(EL_EDATA, "%s: holds %d TensorFlow checkpoints, and no file `checkpoint` names one",
                     folder, found);
    if (st) {
        free(*prefix);
        *prefix = NULL;
    }
    el_folder_list_release(names, count);
    free(named);
    return st;
}

/* How many files of data there are: NAME.data-00000-of-0000N; -1 without memory to see it. */
static int count_shards(const char *prefix)
{
    for (int n = 1; n <= MOST_SHARDS; n++) {
        char *path;
        if (asprintf(&path, "%s.data-00000-of-%05d", prefix, n) < 0)
            return -1;
        const bool there = el_file_exists(path);
        free(path);
        if (there)
            return n;
    }
    return 0;
}

el_status el_tensorflow_open(el_tensors *s, const char *prefix)
{
    const int shards = count_shards(prefix);
    el_bytes index, *const data = calloc((size_t)shards + 1, sizeof *data);
    if (shards < 0 || !data || asprintf(&s->path, "%s.index", prefix) < 0) {
        free(data);
        return el_no_memory(prefix);
    }
    el_status st = el_tensors_map(s, s->path, &index);
    for (int i = 0; !st && i < shards; i++) {
        char *path = NULL;
        const int length = asprintf(&path, "%s.data-%05d-of-%05d", prefix, i, shards);
        st = length < 0 ? el_no_memory(prefix) : el_tensors_map(s, path, &data[i]);
        free(length < 0 ? NULL : path);
    }
    if (!st)
        st = el_tensorflow_read(s, index, data, shards, s->path);
    free(data);
    return st;
}
