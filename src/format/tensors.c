/* tensors - see the header */
#define _GNU_SOURCE
#include "format/tensors.h"

#include <math.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "base/grow.h"
#include "base/number.h"
#include "format/tensorflow.h"
#include "format/torch_file.h"

static const char SAFETENSORS[] = "model.safetensors", TORCH[] = "pytorch_model.bin";

/* ---- stored tensors ---- */

int64_t el_stored_elements(const el_stored *tensor)
{
    int64_t elements = 1;
    for (int d = 0; d < tensor->dims; d++)
        if (tensor->shape[d] == 0) /* whatever the others are */
            return 0;
    for (int d = 0; d < tensor->dims; d++)
        elements *= tensor->shape[d];
    return elements;
}

/* Where nothing is stored or a product of sizes goes beyond what can be counted, no stride is looked at. */
void el_stored_pack(el_stored *tensor)
{
    int64_t stride = 1;
    for (int d = tensor->dims - 1; d >= 0; d--) {
        tensor->strides[d] = stride;
        if (__builtin_mul_overflow(stride, tensor->shape[d], &stride))
            stride = 0;
    }
}

bool el_stored_fits(const el_stored *tensor, uint64_t bytes)
{
    int64_t elements = 1, last = 0, all, reach;
    for (int d = 0; d < tensor->dims; d++)
        if (tensor->shape[d] == 0)
            return true;
    for (int d = 0; d < tensor->dims; d++) /* a number that stands for many would take memory without end */
        if (__builtin_mul_overflow(elements, tensor->shape[d], &elements) ||
            __builtin_mul_overflow(elements, (int64_t)tensor->element, &all) || (uint64_t)all > bytes ||
            __builtin_mul_overflow(tensor->shape[d] - 1, tensor->strides[d], &reach) ||
            __builtin_add_overflow(last, reach, &last))
            return false;
    return !__builtin_add_overflow(last, 1, &last) &&
           !__builtin_mul_overflow(last, (int64_t)tensor->element, &last) && (uint64_t)last <= bytes;
}

/* IEEE half precision: 5 bits of exponent, 10 of fraction. */
static float widen_f16(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float sign = half >> 15 ? -1 : 1;
    if (exponent == 31)
        return fraction ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexpf((float)(1024 + fraction), exponent - 25) : ldexpf((float)fraction, -24));
}

static float widen_bf16(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A row of `count` numbers that lie `stride` bytes apart. */
static void widen(el_st_type type, const unsigned char *at, int64_t stride, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++, at += stride) {
        uint16_t half;
        double real;
        switch (type) {
        case EL_ST_F32:
            memcpy(&out[i], at, sizeof *out);
            break;
        case EL_ST_F64:
            memcpy(&real, at, sizeof real);
            out[i] = (float)real;
            break;
        default:
            memcpy(&half, at, sizeof half);
            out[i] = type == EL_ST_F16 ? widen_f16(half) : widen_bf16(half);
        }
    }
}

/* The last dimension is a row; the others are counted through as an odometer counts. */
bool el_stored_floats(const el_stored *t, float *out)
{
    if (t->type != EL_ST_F32 && t->type != EL_ST_F64 && t->type != EL_ST_F16 && t->type != EL_ST_BF16)
        return false;
    const int64_t row = t->dims ? t->shape[t->dims - 1] : 1, stride = t->dims ? t->strides[t->dims - 1] : 1;
    const int64_t rows = row ? el_stored_elements(t) / row : 0;
    int64_t at[EL_ST_MAX_DIMS] = {0}, offset = 0;
    for (int64_t r = 0; r < rows; r++) {
        if (stride == 1 && t->type == EL_ST_F32)
            memcpy(out + r * row, t->data + offset * t->element, (size_t)row * sizeof *out);
        else
            widen(t->type, t->data + offset * t->element, stride * t->element, row, out + r * row);
        for (int d = t->dims - 2; d >= 0; d--) {
            offset += t->strides[d];
            if (++at[d] < t->shape[d])
                break;
            offset -= at[d] * t->strides[d];
            at[d] = 0;
        }
    }
    return true;
}

const float *el_stored_in_place(const el_stored *t)
{
    el_stored packed = *t;
    el_stored_pack(&packed);
    const bool gaps = memcmp(packed.strides, t->strides, (size_t)t->dims * sizeof *t->strides) != 0;
    return t->type == EL_ST_F32 && !gaps && (uintptr_t)t->data % alignof(float) == 0 ? (const float *)t->data
                                                                                     : NULL;
}

/* ---- the list ---- */

el_status el_tensors_add(el_tensors *s, const el_stored *tensor)
{
    if (!el_grow(&s->tensors, &s->room, (size_t)s->count + 1, sizeof *s->tensors))
        return el_no_memory(s->path);
    s->tensors[s->count] = *tensor;
    s->tensors[s->count].name = strdup(tensor->name);
    if (!s->tensors[s->count].name)
        return el_no_memory(s->path);
    s->count++;
    return EL_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const el_stored *)a)->name, ((const el_stored *)b)->name);
}

el_status el_tensors_settle(el_tensors *s)
{
    if (s->count)
        qsort(s->tensors, (size_t)s->count, sizeof *s->tensors, by_name);
    for (int i = 1; i < s->count; i++)
        if (by_name(&s->tensors[i - 1], &s->tensors[i]) == 0)
            return el_fail(EL_EDATA, "%s: holds %s twice", s->path, s->tensors[i].name);
    return EL_OK;
}

const el_stored *el_tensors_find(const el_tensors *s, const char *name)
{
    const el_stored wanted = {.name = name};
    return s->count ? bsearch(&wanted, s->tensors, (size_t)s->count, sizeof wanted, by_name) : NULL;
}

const char *el_tensors_metadata(const el_tensors *s, const char *key)
{
    return s->container_count ? el_safetensors_metadata(&s->containers[0], key) : NULL;
}

static el_status check_finite(const el_tensors *tensors, const el_stored *t)
{
    const size_t count = (size_t)el_stored_elements(t);
    float *const numbers = malloc((count + 1) * sizeof *numbers);
    el_status st =
        numbers ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory for %zu numbers", tensors->path, count);
    if (!st && el_stored_floats(t, numbers) && !el_numbers_finite(numbers, count))
        st = el_fail(EL_EDATA, "%s: %s has a number that is not finite", tensors->path, t->name);
    free(numbers);
    return st;
}

el_status el_tensors_check_finite(const el_tensors *s)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < s->count; i++)
        st = check_finite(s, &s->tensors[i]);
    return st;
}

void el_tensors_close(el_tensors *s)
{
    for (int i = 0; i < s->count; i++)
        free((char *)s->tensors[i].name);
    for (int i = 0; i < s->container_count; i++)
        el_safetensors_close(&s->containers[i]);
    for (int i = 0; i < s->mapping_count; i++)
        el_mapping_close(&s->mappings[i]);
    free(s->tensors);
    free(s->containers);
    free(s->mappings);
    free(s->path);
    *s = (el_tensors){0};
}

/* ---- one file ---- */

el_status el_tensors_map(el_tensors *s, const char *path, el_bytes *bytes)
{
    el_mapping *const grown = realloc(s->mappings, (size_t)(s->mapping_count + 1) * sizeof *grown);
    if (!grown)
        return el_no_memory(path);
    s->mappings = grown;
    el_mapping *const mapping = &grown[s->mapping_count];
    const el_status st = el_mapping_open(mapping, path);
    if (st)
        return st;
    s->mapping_count++;
    *bytes = (el_bytes){mapping->data, mapping->size};
    return EL_OK;
}

static bool begins(el_bytes file, size_t at, const char *text)
{
    const size_t length = strlen(text);
    return file.left >= at + length && memcmp(file.at + at, text, length) == 0;
}

/* What a file holds that is none of weights, in words that help; NULL for anything else. */
static const char *stranger(el_bytes file)
{
    if (file.left == 0)
        return "is empty";
    if (begins(file, 0, "version https://git-lfs"))
        return "is a Git LFS pointer, not the weights; `git lfs pull` fetches them";
    if (begins(file, 0, "<"))
        return "is a web page, not the weights; the download failed";
    if (begins(file, 0, "\x89HDF\r\n"))
        return "is HDF5 (Keras), which is not supported; fetch model.safetensors or pytorch_model.bin";
    if (begins(file, 0, "\x1f\x8b"))
        return "is compressed by gzip; unpack it first";
    if (begins(file, 0, "GGUF"))
        return "is GGUF, which is not supported; fetch model.safetensors or pytorch_model.bin";
    if (begins(file, 257, "ustar"))
        return "is a tar archive (torch before 0.1.10 wrote these), which is not supported";
    return NULL;
}

static bool is_safetensors(el_bytes file)
{
    return file.left > 9 && file.at[8] == '{' && el_little_endian(file.at, 8) <= file.left - 8;
}

static el_status read_torch(el_tensors *s, const char *path)
{
    el_bytes file;
    el_status st = el_tensors_map(s, path, &file);
    if (st)
        return st;
    const char *const what = stranger(file);
    if (what)
        return el_fail(EL_EDATA, "%s: %s", path, what);
    if (is_safetensors(file))
        return el_fail(EL_EDATA, "%s: is a safetensors file under a wrong name; rename it to %s", path,
                       SAFETENSORS);
    return el_torch_read(s, file, path);
}

static el_status add_container(el_tensors *s, const el_safetensors *container)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < container->count; i++) {
        const el_st_entry *const entry = &container->entries[i];
        el_stored tensor = {.name = entry->name,
                            .type = entry->type,
                            .element = (int)el_st_type_bytes(entry->type),
                            .dims = entry->dims,
                            .data = entry->data};
        memcpy(tensor.shape, entry->shape, sizeof tensor.shape);
        el_stored_pack(&tensor);
        st = el_tensors_add(s, &tensor);
    }
    return st;
}

static el_status read_safetensors(el_tensors *s, const char *path)
{
    el_safetensors *const grown = realloc(s->containers, (size_t)(s->container_count + 1) * sizeof *grown);
    if (!grown)
        return el_no_memory(path);
    s->containers = grown;
    el_bytes file;
    el_status st = el_tensors_map(s, path, &file);
    if (st)
        return st;
    const char *const what = stranger(file);
    if (what)
        return el_fail(EL_EDATA, "%s: %s", path, what);
    if (el_torch_begins(file))
        return el_fail(EL_EDATA, "%s: is a file of torch.save under a wrong name; rename it to %s", path,
                       TORCH);
    st = el_safetensors_parse(&grown[s->container_count], file.at, file.left, path);
    return st ? st : add_container(s, &grown[s->container_count++]);
}

/* ---- several files ---- */

typedef el_status read_file(el_tensors *source, const char *path);

static el_status check_shard_name(const char *index, const char *name)
{
    return name && *name && !strchr(name, '/') && strcmp(name, "..") != 0
               ? EL_OK
               : el_fail(EL_EDATA, "%s: \"weight_map\" names a file that does not lie beside it", index);
}

/* A tensor whose file is not the one that the index names. */
static el_status check_map(const el_tensors *s, const json_t *map)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)map, name, value) {
        if (!el_tensors_find(s, name))
            return el_fail(EL_EDATA, "%s: names %s in %s, where it is not", s->path, name,
                           json_string_value(value));
    }
    return EL_OK;
}

/* Each file once, at the first tensor that is in it. */
static el_status read_shards(el_tensors *s, const char *folder, const json_t *map, read_file *read)
{
    json_t *const seen = json_object();
    el_status st = seen ? EL_OK : el_no_memory(folder);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)map, name, value) {
        const char *const file = json_string_value(value);
        if (!st)
            st = check_shard_name(s->path, file);
        if (st || json_object_get(seen, file))
            continue;
        st = json_object_set_new(seen, file, json_true()) == 0 ? read(s, el_path_in(folder, file).text)
                                                               : el_no_memory(folder);
    }
    json_decref(seen);
    return st;
}

static el_status read_index(el_tensors *s, const char *folder, read_file *read)
{
    json_t *object;
    el_status st = el_json_load(&object, s->path);
    if (st)
        return st;
    const json_t *const map = json_object_get(object, "weight_map");
    st = json_is_object(map) ? read_shards(s, folder, map, read)
                             : el_fail(EL_EDATA, "%s: \"weight_map\" is not there", s->path);
    if (!st)
        st = el_tensors_settle(s);
    if (!st)
        st = check_map(s, map);
    json_decref(object);
    return st;
}

/* ---- a folder ---- */

static const struct {
    const char *file, *form;
    read_file *read;
    bool index;
} FORMS[] = {
    {"model.safetensors", "safetensors", read_safetensors, false},
    {"model.safetensors.index.json", "safetensors", read_safetensors, true},
    {"pytorch_model.bin", "torch.save", read_torch, false},
    {"pytorch_model.bin.index.json", "torch.save", read_torch, true},
};
enum { FORM_COUNT = sizeof FORMS / sizeof *FORMS };

/* What people find instead, by the ends of names. */
static const struct {
    const char *end, *what;
} OTHERS[] = {
    {"adapter_model.safetensors", "an adapter (PEFT), not a model"},
    {"adapter_model.bin", "an adapter (PEFT), not a model"},
    {".h5", "of Keras"},
    {".msgpack", "of Flax"},
    {".ot", "of rust-bert"},
    {".onnx", "an exported graph (ONNX)"},
    {".gguf", "of llama.cpp"},
    {".safetensors", "not called model.safetensors"},
    {".bin", "not called pytorch_model.bin"},
    {".pt", "not called pytorch_model.bin"},
    {".pth", "not called pytorch_model.bin"},
    {".ckpt", "not called pytorch_model.bin"},
};

/* EL_EDATA, with what lies there. */
static el_status say_what_lies(const char *folder)
{
    char **names = NULL;
    int count = 0;
    el_status st = el_folder_list(folder, &names, &count);
    for (size_t o = 0; !st && o < sizeof OTHERS / sizeof *OTHERS; o++)
        for (int i = 0; !st && i < count; i++)
            if (el_ends_with(names[i], OTHERS[o].end))
                st = el_fail(EL_EDATA, "%s: no model.safetensors or pytorch_model.bin; %s is %s", folder,
                             names[i], OTHERS[o].what);
    el_folder_list_release(names, count);
    return st ? st
              : el_fail(EL_EDATA,
                        "%s: not a model folder: no model.safetensors, pytorch_model.bin or "
                        "TensorFlow checkpoint in it",
                        folder);
}

/* *form is which of the forms, or -1; *path is the file's. */
static el_status find_form(const char *folder, int *form, char **path)
{
    for (*form = 0; *form < FORM_COUNT; ++*form) {
        if (!el_folder_holds(folder, FORMS[*form].file))
            continue;
        *path = el_path_join(folder, FORMS[*form].file);
        return *path ? EL_OK : el_no_memory(folder);
    }
    *form = -1;
    return EL_OK;
}

el_status el_tensors_look(const char *folder, bool *exist)
{
    char *path = NULL, *prefix = NULL;
    int form = -1;
    *exist = false;
    if (!el_folder_exists(folder))
        return EL_OK;
    el_status st = find_form(folder, &form, &path);
    if (!st && form < 0)
        st = el_tensorflow_find(folder, &prefix);
    *exist = form >= 0 || prefix;
    free(path);
    free(prefix);
    return st;
}

el_status el_tensors_open(el_tensors *s, const char *folder)
{
    *s = (el_tensors){0};
    el_status st = el_folder_need(folder);
    int f = -1;
    if (!st)
        st = find_form(folder, &f, &s->path);
    if (st)
        return st;
    if (f >= 0) {
        s->form = FORMS[f].form;
        st = FORMS[f].index ? read_index(s, folder, FORMS[f].read) : FORMS[f].read(s, s->path);
        if (!st && !FORMS[f].index)
            st = el_tensors_settle(s);
    } else {
        char *prefix = NULL;
        s->form = "TensorFlow";
        st = el_tensorflow_find(folder, &prefix);
        if (!st)
            st = prefix ? el_tensorflow_open(s, prefix) : say_what_lies(folder);
        free(prefix);
    }
    if (st)
        el_tensors_close(s);
    return st;
}

el_status el_tensors_need(el_tensors *s, const char *folder)
{
    return s->path ? EL_OK : el_tensors_open(s, folder);
}
