/* checkpoint - see the header */
#include "train/checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/io.h"
#include "base/log.h"
#include "base/safetensors.h"
#include "format/model_card.h"

enum { NAME = 160 };

/* The tensors of one file: of each owned parameter the value, or both moments where it has any. */
enum { VALUE, M, V, PLACES };
static const char *const SUFFIX[PLACES] = {"", ".m", ".v"};

typedef struct {
    char name[NAME];
    el_tensor tensor;
    bool vector;
} line;

typedef struct {
    line *lines;
    int count;
    size_t bytes;
    bool moments;
} list;

static el_st_type file_type(el_type type)
{
    assert(type != EL_BF16 && "parameters are not stored in half precision");
    return type == EL_F64 ? EL_ST_F64 : EL_ST_F32;
}

static size_t tensor_bytes(el_tensor t)
{
    assert((t.rows == 1 || t.stride == t.cols) && "parameters are contiguous");
    return (size_t)t.rows * (size_t)t.cols * el_type_bytes(t.type);
}

static void count_param(void *context, const el_network *net, el_param *param)
{
    (void)net, (void)param;
    ++*(int *)context;
}

static void list_param(void *context, const el_network *net, el_param *param)
{
    list *l = context;
    const el_tensor places[PLACES] = {param->value, param->m, param->v};
    for (int place = l->moments ? M : VALUE; place <= (l->moments ? V : VALUE); place++) {
        if (!places[place].data)
            continue; /* of a network that is never trained */
        line *added = &l->lines[l->count++];
        snprintf(added->name, sizeof added->name, "%s.%s%s", net->name, param->name, SUFFIX[place]);
        added->tensor = places[place];
        added->vector = param->vector;
        l->bytes += tensor_bytes(places[place]);
    }
}

static el_status list_tensors(list *l, el_model *model, bool moments)
{
    int params = 0;
    el_model_each(model, count_param, &params);
    *l = (list){.lines = calloc((size_t)params * 2 + 1, sizeof *l->lines), .moments = moments};
    if (!l->lines)
        return el_fail(EL_ENOMEM, "no memory for the list of %d parameters", params);
    el_model_each(model, list_param, l);
    return EL_OK;
}

/* ---- writing ---- */

static el_st_entry entry_of(const line *l, const void *data)
{
    el_st_entry entry = {.name = l->name, .type = file_type(l->tensor.type), .data = data};
    entry.bytes = tensor_bytes(l->tensor);
    if (!l->vector)
        entry.shape[entry.dims++] = l->tensor.rows;
    entry.shape[entry.dims++] = l->tensor.cols;
    return entry;
}

/* Writes every tensor of the list, from where it lies or, if that is no memory of the host, from a copy of all. */
static el_status write_list(const list *l, el_queue *q, int64_t step, const char *path)
{
    const bool copies = !q->dev->host;
    char *copy = malloc(copies ? l->bytes + 1 : 1), *place = copy;
    el_st_entry *entries = calloc((size_t)l->count + 1, sizeof *entries);
    char number[32];
    snprintf(number, sizeof number, "%" PRId64, step);
    json_t *metadata = json_pack("{s:s}", "step", number);
    el_status st =
        copy && entries && metadata ? EL_OK : el_fail(EL_ENOMEM, "no memory to save %zu bytes", l->bytes);
    for (int i = 0; !st && i < l->count; i++) {
        entries[i] = entry_of(&l->lines[i], copies ? place : l->lines[i].tensor.data);
        if (copies)
            q->fetch(q, place, l->lines[i].tensor.data, entries[i].bytes);
        place += copies ? entries[i].bytes : 0;
    }
    const el_status waited = q->wait(q);
    st = st ? st : waited;
    if (!st)
        st = el_safetensors_write(path, entries, l->count, metadata, true);
    json_decref(metadata);
    free(entries);
    free(copy);
    return st;
}

static el_path file_of(const char *checkpoint, bool moments)
{
    return el_path_in(checkpoint, moments ? "optimizer.safetensors" : "model.safetensors");
}

static el_status write_tensors(el_model *model, bool moments, int64_t step, const char *folder)
{
    list l;
    el_status st = list_tensors(&l, model, moments);
    if (!st)
        st = write_list(&l, model->q, step, file_of(folder, moments).text);
    free(l.lines);
    return st;
}

/* Of the object without its checksum, in one canonical form. */
static el_status state_checksum(const json_t *state, char text[17])
{
    json_t *rest = json_copy((json_t *)state);
    json_object_del(rest, "checksum");
    char *canonical = el_json_dump(rest, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(rest);
    if (!canonical)
        return el_no_memory(NULL);
    el_hash_text(el_hash(canonical, strlen(canonical)), text);
    free(canonical);
    return EL_OK;
}

static el_status write_state(const json_t *state, int64_t step, const char *folder)
{
    json_t *signed_state = json_copy((json_t *)state);
    char checksum[17];
    el_status st = signed_state ? EL_OK : el_no_memory(NULL);
    if (!st)
        json_object_set_new(signed_state, "step", json_integer(step));
    if (!st && !(st = state_checksum(signed_state, checksum))) {
        json_object_set_new(signed_state, "checksum", json_string(checksum));
        st = el_json_save(signed_state, el_path_in(folder, EL_CHECKPOINT_STATE).text);
    }
    json_decref(signed_state);
    return st;
}

el_path el_checkpoint_path(const char *folder, int64_t step)
{
    char name[48];
    snprintf(name, sizeof name, "checkpoint-%" PRId64, step);
    return el_path_in(folder, name);
}

el_status el_checkpoint_save(el_model *model, const json_t *state, int64_t step, const char *folder)
{
    assert(model->training && "there are no moments to save");
    el_folder made;
    el_status st = el_folder_begin(&made, el_checkpoint_path(folder, step).text);
    if (st)
        return st;
    st = write_tensors(model, false, step, made.temporary);
    if (!st)
        st = write_tensors(model, true, step, made.temporary);
    if (!st)
        st = write_state(state, step, made.temporary);
    if (!st)
        st = el_folder_commit(&made);
    el_folder_abandon(&made);
    return st;
}

/* ---- reading ---- */

static el_status read_state(json_t **state, int64_t *step, const char *folder)
{
    const el_path path = el_path_in(folder, EL_CHECKPOINT_STATE);
    char checksum[17];
    el_status st = el_json_load(state, path.text);
    const char *stored = NULL;
    if (!st)
        st = el_json_string(*state, path.text, "checksum", &stored);
    if (!st)
        st = state_checksum(*state, checksum);
    if (!st && (!stored || strcmp(stored, checksum) != 0))
        st = el_fail(EL_EDATA, "%s: its checksum does not fit what it says", path.text);
    const json_t *number = st ? NULL : json_object_get(*state, "step");
    if (!st && !json_is_integer(number))
        st = el_fail(EL_EDATA, "%s: step is not a whole number", path.text);
    if (!st)
        *step = json_integer_value(number);
    if (st) {
        json_decref(*state);
        *state = NULL;
    }
    return st;
}

static el_status check_entry(const el_safetensors *file, const line *l, const el_st_entry **entry)
{
    const int dims = l->vector ? 1 : 2;
    const el_status st = el_safetensors_need(file, l->name, file_type(l->tensor.type), dims, entry);
    if (st)
        return st;
    const int64_t *shape = (*entry)->shape, rows = l->vector ? l->tensor.rows : shape[0];
    if (rows != l->tensor.rows || shape[dims - 1] != l->tensor.cols)
        return el_fail(EL_EDATA, "%s: %s is (%" PRId64 ", %" PRId64 "), the model's is (%d, %d)", file->path,
                       l->name, rows, shape[dims - 1], l->tensor.rows, l->tensor.cols);
    return EL_OK;
}

static el_status check_step(const el_safetensors *file, int64_t step)
{
    const char *stored = el_safetensors_metadata(file, "step");
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%" PRId64, step);
    if (stored && strcmp(stored, wanted) == 0)
        return EL_OK;
    return el_fail(EL_EDATA, "%s: is of step %s, state.json beside it of step %s", file->path,
                   stored ? stored : "(none)", wanted);
}

/* Refuses a tensor that the model does not have; those that it has were found. */
static el_status check_count(const el_safetensors *file, const list *l)
{
    for (int e = 0; file->count != l->count && e < file->count; e++) {
        int i = 0;
        while (i < l->count && strcmp(l->lines[i].name, file->entries[e].name) != 0)
            i++;
        if (i == l->count)
            return el_fail(EL_EDATA, "%s: has a tensor %s, and the model has none", file->path,
                           file->entries[e].name);
    }
    return EL_OK;
}

static el_status read_list(const list *l, el_queue *q, int64_t step, const char *path)
{
    el_safetensors file;
    el_status st = el_safetensors_open(&file, path);
    if (st)
        return st;
    st = el_safetensors_verify(&file);
    if (!st)
        st = check_step(&file, step);
    for (int i = 0; !st && i < l->count; i++) {
        const el_st_entry *entry;
        if ((st = check_entry(&file, &l->lines[i], &entry)))
            break;
        q->send(q, l->lines[i].tensor.data, entry->data, entry->bytes);
    }
    if (!st)
        st = check_count(&file, l);
    const el_status waited = q->wait(q); /* before the file that is sent is closed */
    st = st ? st : waited;
    el_safetensors_close(&file);
    return st;
}

static void zero_moments(el_model *model, const list *l)
{
    for (int i = 0; i < l->count; i++)
        model->q->zero(model->q, l->lines[i].tensor);
}

static el_status read_tensors(el_model *model, bool moments, bool optional, int64_t step, const char *folder)
{
    list l;
    el_status st = list_tensors(&l, model, moments);
    const el_path path = file_of(folder, moments);
    struct stat info;
    if (!st && optional && el_io_stat(path.text, &info) != 0 && errno == ENOENT)
        zero_moments(model, &l);
    else if (!st)
        st = read_list(&l, model->q, step, path.text);
    free(l.lines);
    return st;
}

el_status el_checkpoint_load(el_model *model, json_t **state, const char *path, bool weights_suffice)
{
    *state = NULL;
    struct stat info;
    if (el_io_stat(path, &info) != 0)
        return el_io_fail(path);
    int64_t step = 0;
    el_status st = read_state(state, &step, path);
    if (!st)
        st = read_tensors(model, false, false, step, path);
    if (!st && model->training)
        st = read_tensors(model, true, weights_suffice, step, path);
    if (!st) {
        el_model_prepare(model);
        return EL_OK;
    }
    json_decref(*state);
    *state = NULL;
    return st;
}

/* ---- the checkpoints of a run ---- */

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t el_checkpoint_step(const char *name)
{
    static const char PREFIX[] = "checkpoint-";
    const size_t prefix = sizeof PREFIX - 1;
    if (strncmp(name, PREFIX, prefix) != 0)
        return -1;
    const char *digits = name + prefix;
    const size_t length = strlen(digits);
    if (length == 0 || length > 18 || strspn(digits, "0123456789") != length)
        return -1;
    return strtoll(digits, NULL, 10);
}

el_status el_checkpoint_list(const char *folder, int64_t **steps, int *count)
{
    *steps = NULL, *count = 0;
    char **names;
    int names_count;
    const el_status st = el_folder_list(folder, &names, &names_count);
    if (st)
        return st;
    *steps = calloc((size_t)names_count + 1, sizeof **steps);
    for (int i = 0; *steps && i < names_count; i++)
        if (el_checkpoint_step(names[i]) >= 0)
            (*steps)[(*count)++] = el_checkpoint_step(names[i]);
    el_folder_list_release(names, names_count);
    if (!*steps)
        return el_fail(EL_ENOMEM, "no memory to list %s", folder);
    qsort(*steps, (size_t)*count, sizeof **steps, ascending);
    return EL_OK;
}

el_status el_checkpoint_resume(el_model *model, json_t **state, const char *folder)
{
    *state = NULL;
    int64_t *steps;
    int count;
    el_status st = el_checkpoint_list(folder, &steps, &count);
    for (int i = count - 1; !st && i >= 0; i--) {
        st = el_checkpoint_load(model, state, el_checkpoint_path(folder, steps[i]).text, false);
        if (st != EL_EDATA)
            break;
        if (i > 0) {
            el_log(EL_LOG_WARNING, "%s; trying checkpoint-%" PRId64 " before it", el_error(), steps[i - 1]);
            st = EL_OK;
        }
    }
    free(steps);
    return st;
}

static el_status remove_checkpoint(const char *folder, int64_t step)
{
    return el_folder_remove(el_checkpoint_path(folder, step).text);
}

el_status el_checkpoint_rotate(const char *folder, int64_t newest, int keep)
{
    int64_t *steps;
    int count;
    el_status st = el_checkpoint_list(folder, &steps, &count);
    while (!st && count > 0 && steps[count - 1] > newest)
        st = remove_checkpoint(folder, steps[--count]);
    for (int i = 0; !st && keep > 0 && i < count - keep; i++)
        if (remove_checkpoint(folder, steps[i]) != EL_OK) /* an old one too many does no harm */
            el_log(EL_LOG_WARNING, "%s", el_error());
    free(steps);
    return st;
}
