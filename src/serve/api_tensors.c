/* api_tensors - the functions of electra.h that read and write safetensors files */
#include <stdlib.h>
#include <string.h>

#include "base/safetensors.h"
#include "serve/api.h"

_Static_assert(EL_ST_MAX_DIMS == sizeof((electra_tensor *)0)->shape / sizeof(int64_t), "the same limit");

struct electra_tensors {
    el_safetensors file;
};

electra_status electra_tensors_open(electra_tensors **out, const char *path)
{
    if (!out || !path)
        return el_api_said(el_api_missing(out ? "the path" : "the tensors' place"));
    electra_tensors *const t = calloc(1, sizeof *t);
    if (!t)
        return el_api_said(el_no_memory(path));
    const el_status st = el_safetensors_open(&t->file, path);
    if (!st)
        *out = t;
    else
        free(t);
    return el_api_said(st);
}

void electra_tensors_close(electra_tensors *t)
{
    if (t)
        el_safetensors_close(&t->file);
    free(t);
}

size_t electra_tensors_count(const electra_tensors *t)
{
    return t ? (size_t)t->file.count : 0;
}

static electra_tensor tensor_of(const el_st_entry *entry)
{
    electra_tensor tensor = {.name = entry->name,
                             .type = el_st_type_name(entry->type),
                             .dimensions = entry->dims,
                             .data = entry->data,
                             .bytes = entry->bytes};
    memcpy(tensor.shape, entry->shape, (size_t)entry->dims * sizeof *tensor.shape);
    return tensor;
}

electra_status electra_tensors_at(const electra_tensors *t, size_t number, electra_tensor *tensor)
{
    if (!t || !tensor)
        return el_api_said(el_api_missing(t ? "the tensor's place" : "the tensors"));
    if (number >= (size_t)t->file.count)
        return el_api_said(
            el_fail(EL_EUSAGE, "%s: there is no tensor %zu of %d", t->file.path, number, t->file.count));
    *tensor = tensor_of(&t->file.entries[number]);
    return ELECTRA_OK;
}

electra_status electra_tensors_find(const electra_tensors *t, const char *name, electra_tensor *tensor)
{
    if (!t || !name || !tensor)
        return el_api_said(el_api_missing("the tensors, a name, or the tensor's place"));
    const el_st_entry *const entry = el_safetensors_find(&t->file, name);
    if (!entry)
        return el_api_said(el_fail(EL_EDATA, "%s: there is no tensor \"%s\"", t->file.path, name));
    *tensor = tensor_of(entry);
    return ELECTRA_OK;
}

const char *electra_tensors_metadata(const electra_tensors *t, const char *key)
{
    return t && key ? el_safetensors_metadata(&t->file, key) : NULL;
}

/* ---- writing ---- */

/* A tensor whose bytes are those of its shape. */
static el_status take(const electra_tensor *tensor, el_st_entry *entry)
{
    if (!tensor->name || !tensor->type || (tensor->bytes && !tensor->data))
        return el_api_missing("a tensor's name, type or data");
    *entry = (el_st_entry){.name = tensor->name,
                           .type = el_st_type_named(tensor->type),
                           .dims = tensor->dimensions,
                           .data = tensor->data,
                           .bytes = tensor->bytes};
    if (entry->type == EL_ST_OTHER)
        return el_fail(EL_EUSAGE, "%s: \"%s\" is no type that can be written", tensor->name, tensor->type);
    if (tensor->dimensions < 0 || tensor->dimensions > EL_ST_MAX_DIMS)
        return el_fail(EL_EUSAGE, "%s: %d dimensions are not 0 to %d", tensor->name, tensor->dimensions,
                       EL_ST_MAX_DIMS);
    size_t bytes = el_st_type_bytes(entry->type);
    for (int i = 0; i < tensor->dimensions; i++) {
        entry->shape[i] = tensor->shape[i];
        if (tensor->shape[i] < 0 || __builtin_mul_overflow(bytes, (size_t)tensor->shape[i], &bytes))
            return el_fail(EL_EUSAGE, "%s: its shape is none", tensor->name);
    }
    return bytes == tensor->bytes ? EL_OK
                                  : el_fail(EL_EUSAGE, "%s: %zu bytes, but its shape has %zu", tensor->name,
                                            tensor->bytes, bytes);
}

static el_status add_metadata(json_t *object, const char *const *metadata)
{
    for (; metadata && *metadata; metadata += 2) {
        if (!metadata[1])
            return el_fail(EL_EUSAGE, "metadata: \"%s\" has no value", metadata[0]);
        if (strcmp(metadata[0], "format") == 0 && strcmp(metadata[1], "pt") != 0)
            return el_fail(EL_EUSAGE, "metadata: the format is \"pt\", not \"%s\"", metadata[1]);
        if (json_object_set_new(object, metadata[0], json_string(metadata[1])))
            return el_fail(EL_EUSAGE, "metadata: a key or value is not UTF-8, or there is no memory for it");
    }
    return EL_OK;
}

/* A name that no tensor had before. */
static el_status check_name(json_t *seen, const char *name)
{
    if (json_object_get(seen, name) || strcmp(name, "__metadata__") == 0)
        return el_fail(EL_EUSAGE, "two tensors are called \"%s\"", name);
    return json_object_set_new(seen, name, json_true()) == 0
               ? EL_OK
               : el_fail(EL_EUSAGE, "a tensor's name is not UTF-8, or there is no memory for it");
}

static el_status save(const char *path, const electra_tensor *tensors, size_t count,
                      const char *const *metadata)
{
    el_st_entry *const entries = calloc(count + 1, sizeof *entries);
    json_t *const said = json_object(), *const seen = json_object();
    el_status st = entries && said && seen ? EL_OK : el_no_memory(path);
    if (!st)
        st = add_metadata(said, metadata);
    for (size_t i = 0; !st && i < count; i++)
        if (!(st = take(&tensors[i], &entries[i])))
            st = check_name(seen, tensors[i].name);
    if (!st)
        st = el_safetensors_write(path, entries, (int)count, said, false);
    json_decref(seen);
    json_decref(said);
    free(entries);
    return st;
}

electra_status electra_tensors_save(const char *path, const electra_tensor *tensors, size_t count,
                                    const char *const *metadata)
{
    if (!path || (count && !tensors))
        return el_api_said(el_api_missing(path ? "the tensors" : "the path"));
    if (count > INT32_MAX)
        return el_api_said(el_fail(EL_EUSAGE, "%zu tensors are too many for a file", count));
    return el_api_said(save(path, tensors, count, metadata));
}
