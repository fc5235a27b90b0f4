/* torch_file - see the header; the forms are those of torch/serialization.py */
#define _GNU_SOURCE
#include "format/torch_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "format/pickle.h"
#include "format/zip.h"

static const char V1[] = "torch._utils _rebuild_tensor", V2[] = "torch._utils _rebuild_tensor_v2",
                  V3[] = "torch._utils _rebuild_tensor_v3", PARAMETER[] = "torch._utils _rebuild_parameter",
                  UNTYPED[] = "torch.storage UntypedStorage", SIZE[] = "torch Size";

/* Storages and dtypes with the type and bytes of an element; what weights never are is EL_ST_OTHER. */
static const struct {
    const char *global;
    el_st_type type;
    int bytes;
} TYPES[] = {
    {"torch FloatStorage", EL_ST_F32, 4},  {"torch DoubleStorage", EL_ST_F64, 8},
    {"torch HalfStorage", EL_ST_F16, 2},   {"torch BFloat16Storage", EL_ST_BF16, 2},
    {"torch LongStorage", EL_ST_I64, 8},   {"torch IntStorage", EL_ST_I32, 4},
    {"torch ShortStorage", EL_ST_I16, 2},  {"torch CharStorage", EL_ST_I8, 1},
    {"torch ByteStorage", EL_ST_U8, 1},    {"torch BoolStorage", EL_ST_BOOL, 1},
    {"torch float32", EL_ST_F32, 4},       {"torch float64", EL_ST_F64, 8},
    {"torch float16", EL_ST_F16, 2},       {"torch bfloat16", EL_ST_BF16, 2},
    {"torch int64", EL_ST_I64, 8},         {"torch int32", EL_ST_I32, 4},
    {"torch int16", EL_ST_I16, 2},         {"torch int8", EL_ST_I8, 1},
    {"torch uint8", EL_ST_U8, 1},          {"torch bool", EL_ST_BOOL, 1},
    {"torch uint16", EL_ST_U16, 2},        {"torch uint32", EL_ST_U32, 4},
    {"torch uint64", EL_ST_U64, 8},        {"torch float8_e4m3fn", EL_ST_OTHER, 1},
    {"torch float8_e5m2", EL_ST_OTHER, 1}, {"torch ComplexFloatStorage", EL_ST_OTHER, 8},
    {"torch complex64", EL_ST_OTHER, 8},   {"torch ComplexDoubleStorage", EL_ST_OTHER, 16},
    {"torch complex128", EL_ST_OTHER, 16},
};
enum { TYPE_COUNT = sizeof TYPES / sizeof *TYPES };

/* Keys are numbers.  What a pickle may recall again and again is short, or a small file asks for work without end. */
enum { LONGEST_KEY = 64, LONGEST_NAME = 512 };

static const char *const CALLS[] = {"collections OrderedDict", V1, V2, V3, PARAMETER, UNTYPED, SIZE};
enum { CALL_COUNT = sizeof CALLS / sizeof *CALLS };

static const char *known(const char *text)
{
    for (int i = 0; i < CALL_COUNT; i++)
        if (strcmp(text, CALLS[i]) == 0)
            return CALLS[i];
    for (int i = 0; i < TYPE_COUNT; i++)
        if (strcmp(text, TYPES[i].global) == 0)
            return TYPES[i].global;
    return NULL;
}

/* The numbers that a persistent id names. */
typedef struct {
    const el_pickle_value *key;
    el_st_type type;
    int element; /* bytes */
    int64_t count;
    el_bytes data;
    bool placed; /* the old form: data were found */
} storage;

typedef struct {
    const char *path;
    const el_zip *zip; /* the new form ... */
    const char *prefix;
    size_t prefix_length;
    storage *storages; /* ... or the old: by key */
    int storage_count;
} reader;

/* ---- storages ---- */

static el_status odd(const reader *r, const char *what)
{
    return el_fail(EL_EDATA, "%s: a damaged state_dict: %s", r->path, what);
}

static bool type_of(const el_pickle_value *global, el_st_type *type, int *bytes)
{
    for (int i = 0; i < TYPE_COUNT; i++)
        if (el_pickle_is(global, TYPES[i].global)) {
            *type = TYPES[i].type;
            *bytes = TYPES[i].bytes;
            return true;
        }
    *type = EL_ST_U8;
    *bytes = 1;
    return el_pickle_is(global, UNTYPED);
}

/* ('storage', type, key, where it was, elements), and in the old form a view of another storage, or None. */
static el_status read_id(const reader *r, const el_pickle_value *value, storage *s)
{
    const el_pickle_value *const id = value && value->kind == EL_PICKLE_PERSISTENT ? value->items[0] : NULL;
    if (!id || id->kind != EL_PICKLE_TUPLE || id->count < 5)
        return odd(r, "a tensor has no storage");
    if (!el_pickle_is(id->items[0], "storage"))
        return el_fail(EL_EDATA, "%s: holds a pickled Python class, which only Python can read", r->path);
    if (id->count > 5 && id->items[5]->kind != EL_PICKLE_NONE)
        return el_fail(EL_EDATA, "%s: holds a view of a storage, which torch has not written since 0.4",
                       r->path);
    if (!type_of(id->items[1], &s->type, &s->element) || id->items[2]->kind != EL_PICKLE_STRING ||
        id->items[2]->count > LONGEST_KEY || id->items[4]->kind != EL_PICKLE_INT || id->items[4]->number < 0)
        return odd(r, "a storage is not described as torch does");
    s->key = id->items[2];
    s->count = id->items[4]->number;
    return EL_OK;
}

static bool measures(const storage *s)
{
    int64_t bytes;
    return !__builtin_mul_overflow(s->count, (int64_t)s->element, &bytes) && (uint64_t)bytes == s->data.left;
}

/* A member of the folder that data.pkl lies in. */
static const el_zip_member *find_beside(const reader *r, const char *name)
{
    char path[512];
    const int length = snprintf(path, sizeof path, "%.*s%s", (int)r->prefix_length, r->prefix, name);
    return length < (int)sizeof path ? el_zip_find(r->zip, path, (size_t)length) : NULL;
}

static el_status find_in_zip(const reader *r, storage *s)
{
    char name[LONGEST_KEY + 8];
    snprintf(name, sizeof name, "data/%.*s", s->key->count, s->key->text);
    const el_zip_member *const member = find_beside(r, name);
    if (!member)
        return odd(r, "the data of a storage are missing");
    s->data = member->data;
    return measures(s) ? EL_OK : odd(r, "a storage has another size than its data");
}

static int by_key(const void *a, const void *b)
{
    const el_pickle_value *const x = ((const storage *)a)->key, *const y = ((const storage *)b)->key;
    const int order = memcmp(x->text, y->text, (size_t)(x->count < y->count ? x->count : y->count));
    return order ? order : x->count - y->count;
}

static storage *find_storage(const reader *r, const el_pickle_value *key)
{
    const storage wanted = {.key = key};
    return r->storage_count ? bsearch(&wanted, r->storages, (size_t)r->storage_count, sizeof wanted, by_key)
                            : NULL;
}

static el_status find_in_order(const reader *r, storage *s)
{
    const storage *const found = find_storage(r, s->key);
    if (!found || !found->placed)
        return odd(r, "the data of a storage are missing");
    s->data = found->data;
    return found->element == s->element && measures(s) ? EL_OK
                                                       : odd(r, "a storage has another size than its data");
}

/* ---- tensors ---- */

static bool take_sizes(const el_pickle_value *list, int64_t *sizes, int *count)
{
    const el_pickle_value *const called = el_pickle_called(list, SIZE);
    if (called && called->count == 1)
        list = called->items[0];
    if (!list || list->kind != EL_PICKLE_TUPLE || list->count > EL_ST_MAX_DIMS)
        return false;
    *count = list->count;
    for (int i = 0; i < list->count; i++) {
        sizes[i] = list->items[i]->number;
        if (list->items[i]->kind != EL_PICKLE_INT || sizes[i] < 0)
            return false;
    }
    return true;
}

/* (storage, offset, shape, strides, ...) */
static el_status read_tensor(const reader *r, const char *name, const el_pickle_value *arguments,
                             const el_pickle_value *dtype, el_stored *tensor)
{
    storage s = {0};
    int strides;
    *tensor = (el_stored){.name = name};
    if (arguments->count < 4 || arguments->items[1]->kind != EL_PICKLE_INT || arguments->items[1]->number < 0)
        return odd(r, "a tensor is not described as torch does");
    if (!take_sizes(arguments->items[2], tensor->shape, &tensor->dims) ||
        !take_sizes(arguments->items[3], tensor->strides, &strides) || strides != tensor->dims)
        return odd(r, "a shape or its strides are no whole numbers from 0 up");
    el_status st = read_id(r, arguments->items[0], &s);
    if (!st)
        st = r->zip ? find_in_zip(r, &s) : find_in_order(r, &s);
    if (!st && dtype && !type_of(dtype, &s.type, &s.element))
        st = odd(r, "a tensor's type is no type");
    if (st)
        return st;
    int64_t begin;
    tensor->type = s.type;
    tensor->element = s.element;
    if (__builtin_mul_overflow(arguments->items[1]->number, (int64_t)s.element, &begin) ||
        !el_bytes_take(&s.data, (uint64_t)begin) || !el_stored_fits(tensor, s.data.left))
        return el_fail(EL_EDATA, "%s: %s reaches beyond its storage", r->path, name);
    tensor->data = s.data.at;
    return EL_OK;
}

/* The arguments of a value that is a tensor, and the dtype where it is said apart; NULL for anything else. */
static const el_pickle_value *tensor_of(const el_pickle_value *value, const el_pickle_value **dtype)
{
    const el_pickle_value *const parameter = el_pickle_called(value, PARAMETER), *arguments;
    *dtype = NULL;
    if (parameter)
        value = parameter->count ? parameter->items[0] : NULL;
    if ((arguments = el_pickle_called(value, V2)) || (arguments = el_pickle_called(value, V1)))
        return arguments;
    arguments = el_pickle_called(value, V3);
    if (arguments && arguments->count > 6)
        *dtype = arguments->items[6];
    return arguments;
}

static el_status add_tensors(const reader *r, el_tensors *source, const el_pickle_value *dict)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < dict->count; i += 2) {
        const el_pickle_value *const key = dict->items[i], *dtype;
        const el_pickle_value *const arguments = tensor_of(dict->items[i + 1], &dtype);
        if (!arguments || key->kind != EL_PICKLE_STRING)
            continue;
        char name[LONGEST_NAME + 1];
        el_stored tensor;
        snprintf(name, sizeof name, "%.*s", key->count, key->text);
        st = key->count <= LONGEST_NAME ? read_tensor(r, name, arguments, dtype, &tensor)
                                        : odd(r, "the name of a tensor is too long");
        if (!st)
            st = el_tensors_add(source, &tensor);
    }
    return st;
}

/* ---- the state_dict ---- */

static bool has_tensors(const el_pickle_value *dict)
{
    const el_pickle_value *dtype;
    for (int i = 0; dict->kind == EL_PICKLE_DICT && i < dict->count; i += 2)
        if (dict->items[i]->kind == EL_PICKLE_STRING && tensor_of(dict->items[i + 1], &dtype))
            return true;
    return false;
}

static int by_place(const void *a, const void *b)
{
    const uintptr_t x = (uintptr_t) * (const el_pickle_value *const *)a,
                    y = (uintptr_t) * (const el_pickle_value *const *)b;
    return (x > y) - (x < y);
}

/* How many dicts of tensors are values of a dict, and the last of them in *found.  Each is looked at once, though
 * thousands of keys may recall it. */
static int dicts_in(const el_pickle_value *object, const el_pickle_value **values,
                    const el_pickle_value **found)
{
    const int count = object->count / 2;
    int dicts = 0;
    for (int i = 0; i < count; i++)
        values[i] = object->items[2 * i + 1];
    qsort(values, (size_t)count, sizeof *values, by_place);
    for (int i = 0; i < count; i++)
        if ((i == 0 || values[i] != values[i - 1]) && has_tensors(values[i])) {
            dicts++;
            *found = values[i];
        }
    return dicts;
}

/* A trainer's checkpoint holds the state_dict in a dict, beside an optimizer's, which is no flat dict of tensors. */
static el_status find_state(const reader *r, const el_pickle_value *object, const el_pickle_value **dict)
{
    *dict = object;
    if (object->kind != EL_PICKLE_DICT)
        return el_fail(EL_EDATA, "%s: holds no dict of tensors (state_dict)", r->path);
    if (has_tensors(object))
        return EL_OK;
    const el_pickle_value **const values = malloc((size_t)(object->count / 2 + 1) * sizeof *values);
    if (!values)
        return el_no_memory(r->path);
    const int found = dicts_in(object, values, dict);
    free(values);
    if (found == 1)
        return EL_OK;
    return found ? el_fail(EL_EDATA, "%s: holds %d dicts of tensors, and which is the model's is not said",
                           r->path, found)
                 : el_fail(EL_EDATA, "%s: holds no dict of tensors (state_dict)", r->path);
}

static el_status take_state(const reader *r, el_tensors *source, const el_pickle_value *object)
{
    const el_pickle_value *dict;
    const el_status st = find_state(r, object, &dict);
    return st ? st : add_tensors(r, source, dict);
}

/* ---- the two forms ---- */

/* All names begin with the one folder that data.pkl lies in. */
static const el_zip_member *find_pickle(const el_zip *zip)
{
    for (int i = 0; i < zip->count; i++) {
        const el_zip_member *const member = &zip->members[i];
        const char *const slash = memchr(member->name, '/', member->length);
        if (slash && el_bytes_end_with(member->name, member->length, "/data.pkl") &&
            slash == member->name + member->length - 9)
            return member;
    }
    return NULL;
}

static el_status read_zip(el_tensors *source, el_pickle *pickle, el_bytes file, const char *path)
{
    el_zip zip;
    el_status st = el_zip_open(&zip, file, path);
    if (st)
        return st;
    const el_pickle_value *object;
    const el_zip_member *const member = find_pickle(&zip), *order;
    reader r = {.path = path, .zip = &zip};
    if (member) {
        r.prefix = member->name;
        r.prefix_length = member->length - strlen("data.pkl");
    }
    if (!member)
        st = el_fail(EL_EDATA, "%s: a zip archive, but not one of torch.save: there is no data.pkl in it",
                     path);
    else if (find_beside(&r, "constants.pkl"))
        st = el_fail(EL_EDATA, "%s: a TorchScript program, where a state_dict is wanted", path);
    else if ((order = find_beside(&r, "byteorder")) &&
             (order->data.left != 6 || memcmp(order->data.at, "little", 6) != 0))
        st = el_fail(EL_EDATA, "%s: was written by a big-endian machine, which is not supported", path);
    el_bytes bytes = member ? member->data : (el_bytes){0};
    if (!st)
        st = el_pickle_read(pickle, &bytes, &object);
    if (!st)
        st = take_state(&r, source, object);
    el_zip_close(&zip);
    return st;
}

/* LONG1, ten bytes, STOP: the magic number's pickle. */
static const unsigned char MAGIC[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

/* Every storage that the persistent ids name, once, by key. */
static el_status collect(reader *r, const el_pickle *pickle)
{
    int count, kept = 0;
    const el_pickle_value *const *const ids = el_pickle_persistent(pickle, &count);
    el_status st = EL_OK;
    r->storages = calloc((size_t)count + 1, sizeof *r->storages);
    if (!r->storages)
        return el_no_memory(r->path);
    for (int i = 0; !st && i < count; i++)
        st = read_id(r, ids[i], &r->storages[i]);
    if (st)
        return st;
    if (count)
        qsort(r->storages, (size_t)count, sizeof *r->storages, by_key);
    for (int i = 0; i < count; i++)
        if (!kept || by_key(&r->storages[kept - 1], &r->storages[i]) != 0)
            r->storages[kept++] = r->storages[i];
    r->storage_count = kept;
    return EL_OK;
}

/* Each storage's count and data, in the order of the keys. */
static el_status place_storages(reader *r, const el_pickle_value *keys, el_bytes *bytes)
{
    if (keys->kind != EL_PICKLE_LIST)
        return odd(r, "there is no list of storages");
    for (int i = 0; i < keys->count; i++) {
        storage *const s = keys->items[i]->kind == EL_PICKLE_STRING ? find_storage(r, keys->items[i]) : NULL;
        uint64_t count;
        int64_t size;
        if (!s)
            return odd(r, "the data of a storage belong to no tensor");
        if (!el_bytes_number(bytes, 8, &count))
            return odd(r, "it is cut short");
        if (count != (uint64_t)s->count || __builtin_mul_overflow(s->count, (int64_t)s->element, &size))
            return odd(r, "a storage has another size than its data");
        if (!el_bytes_part(*bytes, 0, (uint64_t)size, &s->data))
            return odd(r, "it is cut short");
        s->placed = true;
        el_bytes_take(bytes, (uint64_t)size);
    }
    return EL_OK;
}

static el_status check_machine(const reader *r, const el_pickle_value *version,
                               const el_pickle_value *machine)
{
    const el_pickle_value *const little = el_pickle_get(machine, "little_endian");
    if (version->kind != EL_PICKLE_INT || version->number != 1001)
        return odd(r, "its protocol is not 1001");
    if (little && little->kind == EL_PICKLE_BOOL && !little->number)
        return el_fail(EL_EDATA, "%s: was written by a big-endian machine, which is not supported", r->path);
    return EL_OK;
}

static el_status read_stream(el_tensors *source, el_pickle *pickle, el_bytes bytes, const char *path)
{
    const el_pickle_value *version, *machine, *object, *keys;
    reader r = {.path = path};
    el_bytes_take(&bytes, sizeof MAGIC);
    el_status st;
    if ((st = el_pickle_read(pickle, &bytes, &version)) || (st = el_pickle_read(pickle, &bytes, &machine)) ||
        (st = check_machine(&r, version, machine)) || (st = el_pickle_read(pickle, &bytes, &object)) ||
        (st = collect(&r, pickle)) || (st = el_pickle_read(pickle, &bytes, &keys)) ||
        (st = place_storages(&r, keys, &bytes)))
        goto done;
    st = take_state(&r, source, object);
done:
    free(r.storages);
    return st;
}

static bool begins_with_magic(el_bytes file)
{
    return file.left >= sizeof MAGIC && memcmp(file.at, MAGIC, sizeof MAGIC) == 0;
}

bool el_torch_begins(el_bytes file)
{
    return el_zip_begins(file) || begins_with_magic(file);
}

el_status el_torch_read(el_tensors *source, el_bytes file, const char *path)
{
    el_pickle *pickle = NULL;
    el_status st = el_pickle_open(&pickle, known, path);
    if (!st && el_zip_begins(file))
        st = read_zip(source, pickle, file, path);
    else if (!st && begins_with_magic(file))
        st = read_stream(source, pickle, file, path);
    else if (!st)
        st = el_fail(EL_EDATA, "%s: not a file of torch.save", path);
    el_pickle_close(pickle);
    return st;
}
