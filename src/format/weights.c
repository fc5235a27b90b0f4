/* weights - see the header */
#include "format/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/helper.h"
#include "base/log.h"
#include "format/narrow.h"
#include "format/tokenizer.h"

/* The head that config.json speaks of. */
static el_head_config head_of(const el_network *net)
{
    return net->head_count ? net->heads[0].config : (el_head_config){.kind = EL_HEAD_NONE};
}

/* values += sign * base, a piece of it at a time: the table of a large vocabulary is not copied for it. */
static el_status add_base(el_queue *q, const el_param *param, float sign, float *values)
{
    enum { PIECE = 1 << 16 };
    const el_tensor base = param->base;
    const int rows = base.cols < PIECE ? PIECE / base.cols : 1;
    float *const piece = malloc((size_t)rows * (size_t)base.cols * sizeof *piece);
    el_status st = piece ? EL_OK : el_fail(EL_ENOMEM, "no memory for %s", param->name);
    for (int first = 0; !st && first < base.rows; first += rows) {
        const int count = rows < base.rows - first ? rows : base.rows - first;
        st = el_tensor_read(q, el_tensor_rows(base, first, count), piece);
        for (int64_t i = 0; !st && i < (int64_t)count * base.cols; i++)
            values[(int64_t)first * base.cols + i] += sign * piece[i];
    }
    free(piece);
    return st;
}

/* A parameter as files have it: base + value, floats without gaps; on the heap, or, if it may, where it lies. */
static el_status exported(el_queue *q, const el_param *param, bool in_place, float **values)
{
    const el_tensor value = param->value;
    if (in_place && q->dev->host && !param->base.data && value.type == EL_F32 &&
        (value.stride == value.cols || value.rows == 1)) {
        *values = value.data;
        return q->wait(q);
    }
    const size_t count = (size_t)el_param_elements(param);
    float *const out = malloc(count * sizeof *out);
    el_status st =
        out ? el_tensor_read(q, param->value, out) : el_fail(EL_ENOMEM, "no memory for %s", param->name);
    if (!st && param->base.data)
        st = add_base(q, param, 1, out);
    *values = out;
    return st;
}

/* Names that a file of this model_type has, on the heap, one for each parameter; NULL without memory. */
static char (*names_in_files(const el_network *net))[EL_LONGEST_NAME]
{
    char(*const names)[EL_LONGEST_NAME] = calloc((size_t)net->params.count + 1, sizeof *names);
    for (int i = 0; names && i < net->params.count; i++)
        el_names_write(net->config.model_type, net->params.items[i].name, names[i]);
    return names;
}

/* The shape that files have; how many dimensions. */
static int shape_in_files(const el_param *param, int64_t shape[EL_ST_MAX_DIMS])
{
    const int64_t rows = param->turned ? param->value.cols : param->value.rows;
    const int64_t cols = param->turned ? param->value.rows : param->value.cols;
    int dims = 0;
    if (!param->vector)
        shape[dims++] = rows;
    if (param->heads)
        shape[dims++] = param->heads;
    shape[dims++] = param->heads ? cols / param->heads : cols;
    return dims;
}

/* (rows, cols) as (cols, rows) */
static el_status turn(float *values, int rows, int cols)
{
    const size_t count = (size_t)rows * (size_t)cols;
    float *const turned = malloc(count * sizeof *turned);
    if (!turned)
        return el_fail(EL_ENOMEM, "no memory for %d rows of %d numbers", rows, cols);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            turned[(size_t)j * (size_t)rows + (size_t)i] = values[(size_t)i * (size_t)cols + (size_t)j];
    memcpy(values, turned, count * sizeof *turned);
    free(turned);
    return EL_OK;
}

static el_status save_tensors(el_queue *q, const el_network *net, const el_vocab *vocab, el_st_type type,
                              const char *path)
{
    const el_params *const params = &net->params;
    char hash[17];
    el_hash_text(vocab->hash, hash);
    json_t *const metadata = json_pack("{ss}", EL_VOCAB_HASH, hash);
    char(*const names)[EL_LONGEST_NAME] = names_in_files(net);
    el_st_entry *entries = calloc((size_t)params->count, sizeof *entries);
    el_status st = entries && metadata && names ? EL_OK : el_no_memory(path);
    for (int i = 0; !st && i < params->count; i++) {
        const el_param *param = &params->items[i];
        float *values = NULL;
        st = exported(q, param, type == EL_ST_F32 && !param->turned, &values);
        if (!st && param->turned)
            st = turn(values, param->value.rows, param->value.cols);
        if (!st && !el_narrow(type, values, el_param_elements(param)))
            st = el_fail(EL_EDATA, "%s has a number that %s cannot hold; bf16 can", names[i],
                         el_narrow_name(type));
        el_st_entry *entry = &entries[i];
        *entry = (el_st_entry){.name = names[i],
                               .type = type,
                               .data = values,
                               .bytes = (size_t)el_param_elements(param) * el_st_type_bytes(type)};
        entry->dims = shape_in_files(param, entry->shape);
    }
    if (!st)
        st = el_safetensors_write(path, entries, params->count, metadata, false);
    for (int i = 0; entries && i < params->count; i++)
        if (entries[i].data != params->items[i].value.data)
            free((void *)entries[i].data);
    free(entries);
    free(names);
    json_decref(metadata);
    return st;
}

json_t *el_weights_json(const el_network *net, const json_t *extra)
{
    el_head_config head = head_of(net);
    head.restores |= head.kind == EL_HEAD_MLM && strcmp(net->name, EL_DISCRIMINATOR) == 0;
    return el_model_json(&net->config, &head, extra);
}

el_status el_weights_save(el_model *model, const el_network *net, const el_vocab *vocab, const char *card,
                          const json_t *extra, el_st_type type, const char *folder)
{
    el_folder out = {0};
    el_status st = el_folder_begin(&out, folder);
    if (st)
        return st;
    json_t *object = el_weights_json(net, extra);
    const bool said = type == EL_ST_F32 ||
                      json_object_set_new(object, "torch_dtype", json_string(el_narrow_name(type))) == 0;
    if (!object || !said)
        st = el_no_memory(folder);
    if (!st)
        st = save_tensors(model->q, net, vocab, type, el_path_in(out.temporary, "model.safetensors").text);
    if (!st)
        st = el_json_save(object, el_path_in(out.temporary, "config.json").text);
    if (!st)
        st = el_tokenizer_save_model(vocab, net->config.max_position_embeddings, out.temporary);
    if (!st && card)
        st = el_file_write(el_path_in(out.temporary, "README.md").text, card, strlen(card));
    if (!st)
        st = el_folder_commit(&out);
    el_folder_abandon(&out);
    json_decref(object);
    return st;
}

static bool same_shape(const el_stored *entry, const el_param *param)
{
    int64_t shape[EL_ST_MAX_DIMS];
    const int dims = shape_in_files(param, shape);
    return entry->dims == dims && memcmp(entry->shape, shape, (size_t)dims * sizeof *shape) == 0;
}

/* What a network's values are written by.  A matrix without values is a copy alone, made when its last part is there. */
typedef struct {
    el_queue *q;
    const el_network *net;
    bool training;
    float *parts; /* of such a matrix, those so far; on the heap */
    size_t filled;
} value_writer;

/* The matrix that a line is, or is a part of. */
static const el_matrix *matrix_of(const el_params *params, int line)
{
    const el_matrix *matrix = params->matrices;
    while (matrix->line < line)
        matrix++;
    return matrix;
}

static el_status write_packed(value_writer *w, int line, const float *values)
{
    const el_matrix *const matrix = matrix_of(&w->net->params, line);
    const size_t count = (size_t)el_param_elements(&w->net->params.items[line]);
    const size_t all = (size_t)matrix->value.rows * (size_t)matrix->value.cols;
    el_tensor whole = matrix->value;
    if (count < all) {
        float *const room = w->filled ? w->parts : realloc(w->parts, all * sizeof *room);
        if (!room)
            return el_fail(EL_ENOMEM, "no memory for %s", w->net->params.items[line].name);
        w->parts = room;
        memcpy(w->parts + w->filled, values, count * sizeof *values);
        w->filled += count;
        values = w->parts;
    }
    if (line < matrix->line)
        return EL_OK;
    w->filled = 0;
    whole.data = (void *)values; /* read only */
    w->q->prepare(w->q, whole, matrix->type, w->training);
    return EL_OK;
}

static el_status write_values(value_writer *w, int line, const float *values)
{
    const el_tensor value = w->net->params.items[line].value;
    return value.data ? el_tensor_write(w->q, value, values) : write_packed(w, line, values);
}

static el_status fill_param(value_writer *w, int line, const el_stored *entry, const char *path)
{
    const el_param *const param = &w->net->params.items[line];
    if (!same_shape(entry, param))
        return el_fail(EL_EDATA, "%s: %s has another shape than %d x %d, which is wanted", path, param->name,
                       param->value.rows, param->value.cols);
    const float *const in_place = param->base.data || param->turned ? NULL : el_stored_in_place(entry);
    if (in_place)
        return write_values(w, line, in_place);
    const size_t count = (size_t)el_param_elements(param);
    float *const values = malloc(count * sizeof *values);
    el_status st = values ? EL_OK : el_fail(EL_ENOMEM, "no memory for %s", param->name);
    if (!st && !el_stored_floats(entry, values))
        st = el_fail(EL_EDATA, "%s: %s is not a tensor of floating-point numbers", path, param->name);
    if (!st && param->turned)
        st = turn(values, param->value.cols, param->value.rows);
    if (!st && param->base.data)
        st = add_base(w->q, param, -1, values);
    if (!st)
        st = write_values(w, line, values);
    free(values);
    return st;
}

/* Of a pooled head a bare encoder has one part, the pooler: it is taken where it is. */
static bool is_pooler(const char *name)
{
    return strncmp(name, EL_POOLER, strlen(EL_POOLER)) == 0;
}

static bool is_backbone(const char *name)
{
    return strncmp(name, "electra.", 8) == 0 && !is_pooler(name);
}

static bool holds_head(const el_names *names, const el_params *params)
{
    for (int i = 0; i < params->count; i++) {
        const el_param *param = &params->items[i];
        const el_stored *entry = el_names_find(names, param->name);
        if (!is_backbone(param->name) && !(entry && same_shape(entry, param)))
            return false;
    }
    return true;
}

/* What is to become of a network's head. */
typedef enum {
    HEAD_MUST, /* a task's, which config.json says is there */
    HEAD_MAY,  /* pre-training's: what there is of it is taken */
    HEAD_STAYS /* as it is: the file holds another task's */
} head_policy;

static head_policy decide_head(const el_network *net, const el_names *names, el_head_config theirs)
{
    const el_head_config ours = head_of(net);
    const bool same =
        theirs.kind == ours.kind && theirs.labels == ours.labels && theirs.answerable == ours.answerable;
    const bool of_task = ours.kind != EL_HEAD_DETECTION && ours.kind != EL_HEAD_MLM;
    if (same && theirs.energies != ours.energies)
        return HEAD_STAYS; /* energies are no log-odds */
    if (same || ours.kind == EL_HEAD_MLM)
        return of_task ? HEAD_MUST : HEAD_MAY;
    return holds_head(names, &net->params) ? HEAD_MUST : HEAD_STAYS;
}

/* What a file lacks of a network's heads. */
typedef struct {
    int lines, missing;
    const char *first; /* of those that are missing */
} head_gap;

/* Fills what there is. */
static el_status fill_network(el_model *model, const el_network *net, const el_names *names,
                              head_policy policy, head_gap *gap)
{
    value_writer writer = {.q = model->q, .net = net, .training = net->params.training};
    el_status st = EL_OK;
    for (int i = 0; !st && i < net->params.count; i++) {
        const el_param *param = &net->params.items[i];
        const el_stored *entry = el_names_find(names, param->name);
        const bool stays = policy == HEAD_STAYS && !(is_pooler(param->name) && entry);
        const bool of_head = !is_backbone(param->name);
        const bool lacks = of_head && (stays || (policy == HEAD_MAY && !entry));
        gap->lines += of_head;
        gap->first = lacks && gap->missing++ == 0 ? param->name : gap->first;
        if (lacks)
            continue;
        if (entry)
            st = fill_param(&writer, i, entry, names->source->path);
        else
            st = el_fail(EL_EDATA, "%s: %s is missing", names->source->path, param->name);
    }
    free(writer.parts);
    return st;
}

static const char *head_name(const el_network *net)
{
    const el_head_kind kind = head_of(net).kind;
    return kind == EL_HEAD_MLM         ? "generator head"
           : kind == EL_HEAD_DETECTION ? "discriminator head"
           : kind == EL_HEAD_CLOZE     ? "cloze head"
                                       : "head for this task";
}

/* `whole`: no part of the head is made up. */
static el_status fill_from(el_model *model, const el_network *net, const el_model_source *from, bool whole)
{
    const bool predicts = head_of(net).kind == EL_HEAD_MLM;
    const el_model_card *const card = &from->card;
    const el_tensors *const source = from->names.source;
    el_names names;
    head_gap gap = {0};
    el_status st =
        card->guesses_heads ? EL_OK : el_config_check_heads(&net->config, &card->config, from->folder);
    if (!st)
        st = el_names_open(&names, source, predicts);
    if (!st && predicts)
        st = el_names_check_tied(&names);
    if (!st)
        st = fill_network(model, net, &names, decide_head(net, &names, card->head), &gap);
    if (st)
        return st;
    if (gap.missing && whole)
        return el_fail(EL_EDATA, "%s: holds no whole %s", source->path, head_name(net));
    el_model_card_say(card, &names, &net->config);
    if (gap.missing)
        el_log(EL_LOG_NOTE, "%s holds no %s%s; a new one is used", source->path,
               gap.missing < gap.lines ? gap.first : head_name(net),
               head_of(net).kind != EL_HEAD_DETECTION || head_of(net).energies == card->head.energies ? ""
               : card->head.energies ? " that says log-odds"
                                     : " that says energies");
    return EL_OK;
}

static el_status open_source(el_model_source *source, const el_network *net, const char *folder)
{
    return el_model_source_open(source, folder, NULL, head_of(net).kind == EL_HEAD_MLM);
}

el_status el_weights_load(el_model *model, const el_network *net, const char *folder)
{
    el_model_source source;
    el_status st = open_source(&source, net, folder);
    if (!st)
        st = fill_from(model, net, &source, false);
    el_model_source_close(&source);
    return st;
}

el_status el_weights_fill(el_model *model, const el_network *net, const el_model_source *source)
{
    return fill_from(model, net, source, true);
}

el_status el_weights_plan(el_model_plan *plan, const char *name, const char *folder)
{
    el_config config;
    el_head_config head;
    const el_status st = el_model_read(folder, strcmp(name, EL_DISCRIMINATOR) != 0, &config, &head, NULL);
    if (st)
        return st;
    el_network_plan *const net = el_plan_add(plan, name, config, head);
    if (head.sentences)
        el_plan_add_sentences(net);
    return EL_OK;
}

/* ---- a model to be asked ---- */

/* The vocabulary of a folder, which is read while the weights are. */
typedef struct {
    const char *folder;
    const el_config *config;
    el_vocab *vocab;
} vocab_reading;

static el_status read_vocab(void *context)
{
    vocab_reading *const r = context;
    return el_model_vocab_read(r->folder, r->config, &r->vocab);
}

/* Fills the networks, and checks the vocabulary while the weights of its folder are open. */
static el_status fill_all(el_model *model, const char *const *folders, el_helper *helper,
                          const vocab_reading *reading)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < model->count; i++) {
        const el_network *const net = &model->networks[i];
        el_model_source source;
        st = open_source(&source, net, folders[i]);
        if (!st)
            st = fill_from(model, net, &source, true);
        if (!st && helper && folders[i] == reading->folder && !(st = el_helper_wait(helper)))
            st = el_model_vocab_check(folders[i], reading->vocab, source.names.source);
        el_model_source_close(&source);
    }
    return st;
}

el_status el_weights_open(el_model *model, el_queue *q, const el_model_plan *plan, const char *const *folders,
                          el_vocab **vocab)
{
    vocab_reading reading = {0};
    el_helper *helper = NULL;
    el_status st = EL_OK;
    *model = (el_model){0};
    for (int i = 0; !st && i < plan->count; i++)
        if (strcmp(plan->networks[i].name, EL_BACKWARD) != 0) {
            reading.folder = folders[i];
            reading.config = &plan->networks[i].config;
            st = el_model_check_forwards(folders[i], reading.config);
        }
    if (!st && vocab)
        st = el_helper_open(&helper);
    if (helper)
        el_helper_start(helper, read_vocab, &reading);
    if (!st)
        st = el_model_open(model, q, plan);
    if (!st)
        st = fill_all(model, folders, helper, &reading);
    const el_status read = helper ? el_helper_wait(helper) : EL_OK;
    st = read ? read : st; /* wait() left the sentence */
    el_helper_close(helper);
    if (st) {
        el_vocab_close(reading.vocab);
        el_model_close(model);
        return st;
    }
    if (vocab)
        *vocab = reading.vocab;
    el_model_prepare(model);
    return EL_OK;
}
