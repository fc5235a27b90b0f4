/* safetensors - see the header; the format is https://github.com/huggingface/safetensors */
#define _GNU_SOURCE
#include "safetensors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 8, ALIGNED = 64, CHECKSUM_NAME = 512 };

static const size_t LONGEST_HEADER = 100000000; /* the reference reader's limit */
static const char METADATA[] = "__metadata__", CHECKSUM[] = "xxh3:";

static const struct {
    const char *name;
    size_t bytes;
} types[EL_ST_TYPES] = {
    [EL_ST_U8] = {"U8", 1},     [EL_ST_I8] = {"I8", 1},
    [EL_ST_U16] = {"U16", 2},   [EL_ST_I16] = {"I16", 2},
    [EL_ST_BF16] = {"BF16", 2}, [EL_ST_F16] = {"F16", 2},
    [EL_ST_I32] = {"I32", 4},   [EL_ST_U32] = {"U32", 4},
    [EL_ST_F32] = {"F32", 4},   [EL_ST_I64] = {"I64", 8},
    [EL_ST_U64] = {"U64", 8},   [EL_ST_F64] = {"F64", 8},
    [EL_ST_BOOL] = {"BOOL", 1}, [EL_ST_OTHER] = {"another type", 1},
};

size_t el_st_type_bytes(el_st_type type)
{
    return types[type].bytes;
}

const char *el_st_type_name(el_st_type type)
{
    return types[type].name;
}

el_st_type el_st_type_named(const char *name)
{
    int type = 0;
    while (type < EL_ST_OTHER && strcmp(types[type].name, name) != 0)
        type++;
    return (el_st_type)type;
}

int64_t el_st_elements(const el_st_entry *entry)
{
    int64_t elements = 1;
    for (int d = 0; d < entry->dims; d++)
        elements *= entry->shape[d];
    return elements;
}

/* ---- reading ---- */

/* One entry's line of the header, judged alone. */
typedef struct {
    el_st_entry entry;
    size_t begin, end; /* within the data */
} placed;

static el_status read_type(placed *p, const char *file, const json_t *value)
{
    const char *name = json_string_value(value);
    if (!name)
        return el_fail(EL_EDATA, "%s: tensor %s has no dtype", file, p->entry.name);
    p->entry.type = el_st_type_named(name);
    return EL_OK;
}

/* Fills dims, shape and bytes. */
static el_status read_shape(placed *p, const char *file, const json_t *shape)
{
    const char *name = p->entry.name;
    if (!json_is_array(shape))
        return el_fail(EL_EDATA, "%s: tensor %s has no shape", file, name);
    if (json_array_size(shape) > EL_ST_MAX_DIMS)
        return el_fail(EL_EDATA, "%s: tensor %s has %zu dimensions, more than %d", file, name,
                       json_array_size(shape), EL_ST_MAX_DIMS);
    p->entry.dims = (int)json_array_size(shape);
    int64_t bytes = (int64_t)types[p->entry.type].bytes;
    for (int d = 0; d < p->entry.dims; d++) {
        const json_t *size = json_array_get(shape, (size_t)d);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return el_fail(EL_EDATA, "%s: tensor %s: a dimension is not a whole number from 0 up", file,
                           name);
        p->entry.shape[d] = json_integer_value(size);
        if (__builtin_mul_overflow(bytes, p->entry.shape[d], &bytes))
            return el_fail(EL_EDATA, "%s: tensor %s: its shape is too large", file, name);
    }
    p->entry.bytes = (size_t)bytes;
    return EL_OK;
}

static el_status read_offsets(placed *p, const char *file, const json_t *offsets, size_t available)
{
    const char *name = p->entry.name;
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return el_fail(EL_EDATA, "%s: tensor %s: data_offsets is not two whole numbers", file, name);
    const json_int_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from || (uint64_t)to > available)
        return el_fail(EL_EDATA, "%s: tensor %s: bytes %lld to %lld are not within the %zu of the file", file,
                       name, (long long)from, (long long)to, available);
    p->begin = (size_t)from, p->end = (size_t)to;
    if (p->entry.type == EL_ST_OTHER)
        p->entry.bytes = p->end - p->begin;
    if (p->end - p->begin != p->entry.bytes)
        return el_fail(EL_EDATA, "%s: tensor %s takes %zu bytes, but its shape needs %zu", file, name,
                       p->end - p->begin, p->entry.bytes);
    return EL_OK;
}

static el_status read_entry(placed *p, const char *file, const char *name, const json_t *line,
                            size_t available)
{
    *p = (placed){.entry.name = name};
    if (!json_is_object(line))
        return el_fail(EL_EDATA, "%s: tensor %s is not described by an object", file, name);
    el_status st = read_type(p, file, json_object_get(line, "dtype"));
    if (!st)
        st = read_shape(p, file, json_object_get(line, "shape"));
    if (!st)
        st = read_offsets(p, file, json_object_get(line, "data_offsets"), available);
    return st;
}

static int by_place(const void *a, const void *b)
{
    const placed *p = a, *q = b;
    if (p->begin != q->begin)
        return p->begin < q->begin ? -1 : 1;
    return p->end < q->end ? -1 : p->end > q->end;
}

/* In order of place, every tensor begins where the one before ends, and the last ends the file. */
static el_status check_cover(const placed *list, int count, const char *file, size_t available)
{
    size_t end = 0;
    for (int i = 0; i < count; i++) {
        if (list[i].begin != end)
            return el_fail(EL_EDATA, "%s: tensor %s begins at byte %zu where %zu is free: %s", file,
                           list[i].entry.name, list[i].begin, end,
                           list[i].begin < end ? "an overlap" : "a hole");
        end = list[i].end;
    }
    if (end != available)
        return el_fail(EL_EDATA, "%s: %zu bytes at its end belong to no tensor", file, available - end);
    return EL_OK;
}

/* Gives the entries their data.  Files of other writers may put a tensor at a place that its type
 * cannot be read from; such tensors are copied. */
static el_status place(el_safetensors *st, const placed *list, const unsigned char *data)
{
    size_t copied = 0;
    for (int i = 0; i < st->count; i++) {
        st->entries[i] = list[i].entry;
        st->entries[i].data = data + list[i].begin;
        if ((uintptr_t)st->entries[i].data % types[list[i].entry.type].bytes)
            copied += (list[i].entry.bytes + ALIGNED - 1) / ALIGNED * ALIGNED;
    }
    if (copied == 0)
        return EL_OK;
    char *free_place = aligned_alloc(ALIGNED, copied);
    if (!free_place)
        return el_no_memory(st->path);
    st->copies = free_place;
    for (int i = 0; i < st->count; i++) {
        el_st_entry *entry = &st->entries[i];
        if ((uintptr_t)entry->data % types[entry->type].bytes == 0)
            continue;
        memcpy(free_place, entry->data, entry->bytes);
        entry->data = free_place;
        free_place += (entry->bytes + ALIGNED - 1) / ALIGNED * ALIGNED;
    }
    return EL_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const el_st_entry *)a)->name, ((const el_st_entry *)b)->name);
}

static el_status read_entries(el_safetensors *st, const unsigned char *data, size_t available)
{
    const size_t most = json_object_size(st->header);
    placed *list = calloc(most + 1, sizeof *list);
    st->entries = calloc(most + 1, sizeof *st->entries);
    el_status status = EL_OK;
    if (!list || !st->entries)
        status = el_no_memory(st->path);
    const char *name;
    json_t *line;
    json_object_foreach(st->header, name, line) {
        if (status)
            break;
        if (strcmp(name, METADATA) != 0)
            status = read_entry(&list[st->count++], st->path, name, line, available);
    }
    if (!status && st->count)
        qsort(list, (size_t)st->count, sizeof *list, by_place);
    if (!status)
        status = check_cover(list, st->count, st->path, available);
    if (!status)
        status = place(st, list, data);
    if (!status && st->count)
        qsort(st->entries, (size_t)st->count, sizeof *st->entries, by_name);
    free(list);
    return status;
}

static el_status read_metadata(el_safetensors *st)
{
    json_t *given = json_object_get(st->header, METADATA);
    if (given && !json_is_object(given))
        return el_fail(EL_EDATA, "%s: %s is not an object", st->path, METADATA);
    const char *key;
    json_t *value;
    json_object_foreach(given, key, value)
        if (!json_is_string(value))
            return el_fail(EL_EDATA, "%s: %s: %s is not a string", st->path, METADATA, key);
    st->metadata = given ? json_incref(given) : json_object();
    return st->metadata ? EL_OK : el_no_memory(st->path);
}

/* Everything after the file is in memory; on failure the caller closes. */
static el_status parse(el_safetensors *st, const unsigned char *data, size_t bytes)
{
    if (bytes < PREFIX)
        return el_fail(EL_EDATA, "%s: too short for a safetensors file", st->path);
    uint64_t length = 0;
    for (int i = 0; i < PREFIX; i++)
        length |= (uint64_t)data[i] << 8 * i;
    if (length > LONGEST_HEADER || length > bytes - PREFIX)
        return el_fail(EL_EDATA,
                       "%s: not a safetensors file, or cut short: a header of %llu bytes in a file of %zu",
                       st->path, (unsigned long long)length, bytes);
    el_status status = el_json_parse(&st->header, (const char *)data + PREFIX, length, st->path);
    if (!status)
        status = read_metadata(st);
    if (!status)
        status = read_entries(st, data + PREFIX + length, bytes - PREFIX - length);
    return status;
}

el_status el_safetensors_parse(el_safetensors *st, const void *data, size_t bytes, const char *name)
{
    *st = (el_safetensors){.path = strdup(name)};
    if (!st->path)
        return el_no_memory(name);
    const el_status status = parse(st, data, bytes);
    if (status)
        el_safetensors_close(st);
    return status;
}

el_status el_safetensors_open(el_safetensors *st, const char *path)
{
    *st = (el_safetensors){0};
    el_mapping file;
    el_status status = el_mapping_open(&file, path);
    if (status)
        return status;
    status = el_safetensors_parse(st, file.data, file.size, path);
    if (status)
        el_mapping_close(&file);
    else
        st->file = file;
    return status;
}

void el_safetensors_close(el_safetensors *st)
{
    json_decref(st->metadata);
    json_decref(st->header);
    free(st->entries);
    free(st->copies);
    free(st->path);
    el_mapping_close(&st->file);
    *st = (el_safetensors){0};
}

const el_st_entry *el_safetensors_find(const el_safetensors *st, const char *name)
{
    const el_st_entry wanted = {.name = name};
    return st->count ? bsearch(&wanted, st->entries, (size_t)st->count, sizeof wanted, by_name) : NULL;
}

el_status el_safetensors_need(const el_safetensors *st, const char *name, el_st_type type, int dims,
                              const el_st_entry **entry)
{
    *entry = NULL;
    const el_st_entry *found = el_safetensors_find(st, name);
    if (!found)
        return el_fail(EL_EDATA, "%s: has no tensor %s", st->path, name);
    if (found->type != type)
        return el_fail(EL_EDATA, "%s: tensor %s is %s, not %s", st->path, name, types[found->type].name,
                       types[type].name);
    if (found->dims != dims)
        return el_fail(EL_EDATA, "%s: tensor %s has %d dimensions, not %d", st->path, name, found->dims,
                       dims);
    *entry = found;
    return EL_OK;
}

const char *el_safetensors_metadata(const el_safetensors *st, const char *key)
{
    return json_string_value(json_object_get(st->metadata, key));
}

el_status el_safetensors_verify(const el_safetensors *st)
{
    const size_t prefix = strlen(CHECKSUM);
    const char *key;
    json_t *value;
    json_object_foreach(st->metadata, key, value) {
        if (strncmp(key, CHECKSUM, prefix) != 0)
            continue;
        const el_st_entry *entry = el_safetensors_find(st, key + prefix);
        if (!entry)
            return el_fail(EL_EDATA, "%s: has a checksum for tensor %s, but no such tensor", st->path,
                           key + prefix);
        char text[17];
        el_hash_text(el_hash(entry->data, entry->bytes), text);
        if (strcmp(text, json_string_value(value)) != 0)
            return el_fail(EL_EDATA, "%s: tensor %s does not have the checksum it was written with", st->path,
                           entry->name);
    }
    return EL_OK;
}

/* ---- writing ---- */

/* Which entry goes where: first those whose size keeps the next one aligned to 64 bytes, then by falling size
 * of their type, so that each lies at a place its type can be read from; otherwise as given. */
static int rank(const el_st_entry *entry)
{
    return entry->bytes % ALIGNED == 0 ? 0 : 16 - (int)types[entry->type].bytes;
}

static const el_st_entry **in_order(const el_st_entry *entries, int count)
{
    const el_st_entry **order = malloc(((size_t)count + 1) * sizeof(el_st_entry *));
    int used = 0;
    for (int wanted = 0; order && wanted <= 16; wanted++)
        for (int i = 0; i < count; i++)
            if (rank(&entries[i]) == wanted)
                order[used++] = &entries[i];
    return order;
}

static json_t *describe(const el_st_entry *entry, size_t begin)
{
    json_t *shape = json_array();
    for (int d = 0; d < entry->dims; d++)
        json_array_append_new(shape, json_integer(entry->shape[d]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", types[entry->type].name, "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)(begin + entry->bytes));
}

static bool set_checksum(json_t *metadata, const el_st_entry *entry)
{
    char text[17], *key;
    el_hash_text(el_hash(entry->data, entry->bytes), text);
    if (asprintf(&key, "%s%s", CHECKSUM, entry->name) < 0)
        return false;
    const bool set = json_object_set_new(metadata, key, json_string(text)) == 0;
    free(key);
    return set;
}

/* The header as text, its length with the prefix a multiple of 64; NULL when out of memory. */
static char *header_text(const el_st_entry **order, int count, const json_t *given, bool checksums)
{
    json_t *header = json_object(), *metadata = given ? json_copy((json_t *)given) : json_object();
    bool complete = header && metadata && json_object_set(header, METADATA, metadata) == 0 &&
                    json_object_set_new(metadata, "format", json_string("pt")) == 0;
    size_t begin = 0;
    for (int i = 0; i < count && complete; i++) {
        assert(order[i]->bytes == (size_t)el_st_elements(order[i]) * types[order[i]->type].bytes);
        assert(!json_object_get(header, order[i]->name) && "two tensors of one name");
        complete = json_object_set_new(header, order[i]->name, describe(order[i], begin)) == 0 &&
                   (!checksums || set_checksum(metadata, order[i]));
        begin += order[i]->bytes;
    }
    char *text = complete ? el_json_dump(header, JSON_COMPACT) : NULL;
    json_decref(metadata);
    json_decref(header);
    if (!text)
        return NULL;
    const size_t length = strlen(text);
    const size_t padded = (PREFIX + length + ALIGNED - 1) / ALIGNED * ALIGNED - PREFIX;
    char *result = realloc(text, padded + 1);
    if (!result) {
        free(text);
        return NULL;
    }
    memset(result + length, ' ', padded - length);
    result[padded] = '\0';
    return result;
}

static void write_parts(el_writer *writer, const char *header, const el_st_entry **order, int count)
{
    const uint64_t length = strlen(header);
    unsigned char prefix[PREFIX];
    for (int i = 0; i < PREFIX; i++)
        prefix[i] = (unsigned char)(length >> 8 * i);
    el_writer_put(writer, prefix, PREFIX);
    el_writer_put(writer, header, length);
    for (int i = 0; i < count; i++)
        el_writer_put(writer, order[i]->data, order[i]->bytes);
}

el_status el_safetensors_write(const char *path, const el_st_entry *entries, int count,
                               const json_t *metadata, bool checksums)
{
    const el_st_entry **order = in_order(entries, count);
    char *header = order ? header_text(order, count, metadata, checksums) : NULL;
    el_writer *writer = NULL;
    el_status st = header ? el_writer_open(&writer, path) : el_no_memory(path);
    if (!st) {
        write_parts(writer, header, order, count);
        st = el_writer_finish(writer);
    }
    free(header);
    free(order);
    return st;
}
