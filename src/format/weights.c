/* weights - parameters to and from safetensors, and finding model folders */
#include "format/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/safetensors.h"
#include "format/names.h"
#include "format/tokenizer.h"

/* The head that config.json speaks of. */
static el_head_config head_of(const el_network *net)
{
    return net->head_count ? net->heads[0].config : (el_head_config){.kind = EL_HEAD_NONE};
}

/* A parameter as files have it: base + value, floats without gaps, on the heap. */
static el_status exported(el_queue *q, const el_param *param, float **values)
{
    const size_t count = (size_t)el_param_elements(param);
    float *out = malloc(count * sizeof *out), *base = NULL;
    el_status st =
        out ? el_tensor_read(q, param->value, out) : el_fail(EL_ENOMEM, "no memory for %s", param->name);
    if (!st && param->base.data) {
        base = malloc(count * sizeof *base);
        st =
            base ? el_tensor_read(q, param->base, base) : el_fail(EL_ENOMEM, "no memory for %s", param->name);
        for (size_t i = 0; !st && i < count; i++)
            out[i] += base[i];
    }
    free(base);
    *values = out;
    return st;
}

/* In the metadata of model.safetensors: the hash of the vocabulary that the weights were trained with. */
static const char VOCAB_HASH[] = "vocab_hash";

static el_status save_tensors(el_queue *q, const el_params *params, const el_vocab *vocab, const char *path)
{
    char hash[17];
    el_hash_text(vocab->hash, hash);
    json_t *const metadata = json_pack("{ss}", VOCAB_HASH, hash);
    el_st_entry *entries = calloc((size_t)params->count, sizeof *entries);
    el_status st = entries && metadata ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory", path);
    for (int i = 0; !st && i < params->count; i++) {
        const el_param *param = &params->items[i];
        float *values = NULL;
        st = exported(q, param, &values);
        el_st_entry *entry = &entries[i];
        *entry =
            (el_st_entry){.name = param->name,
                          .type = EL_ST_F32,
                          .dims = param->vector ? 1 : 2,
                          .shape = {param->vector ? param->value.cols : param->value.rows, param->value.cols},
                          .data = values,
                          .bytes = (size_t)el_param_elements(param) * sizeof *values};
        if (param->vector)
            entry->shape[1] = 0;
    }
    if (!st)
        st = el_safetensors_write(path, entries, params->count, metadata, false);
    for (int i = 0; entries && i < params->count; i++)
        free((void *)entries[i].data);
    free(entries);
    json_decref(metadata);
    return st;
}

/* What config.json says of each head. */
static const struct {
    const char *architecture, *task_head;
    bool labelled; /* with classes and a dropout of its own */
} HEADS[EL_HEADS] = {
    [EL_HEAD_DETECTION] = {"ElectraForPreTraining", NULL, false},
    [EL_HEAD_MLM] = {"ElectraForMaskedLM", NULL, false},
    [EL_HEAD_NONE] = {"ElectraModel", NULL, false},
    [EL_HEAD_SEQUENCE] = {"ElectraForSequenceClassification", NULL, true},
    [EL_HEAD_SEQUENCE_AFFINE] = {"ElectraForSequenceClassification", "sequence_affine", true},
    [EL_HEAD_TOKEN] = {"ElectraForTokenClassification", NULL, true},
    [EL_HEAD_SPAN] = {"ElectraForQuestionAnswering", NULL, false},
    [EL_HEAD_SPAN_JOINT] = {"ElectraForQuestionAnswering", "span_joint", false},
};

/* "LABEL_0" ..., which is what transformers assumes for nameless classes. */
static int put_labels(json_t *object, int labels)
{
    json_t *names = json_object(), *numbers = json_object();
    int bad = 0;
    for (int i = 0; i < labels; i++) {
        char name[32];
        snprintf(name, sizeof name, "LABEL_%d", i);
        bad |= json_object_set_new(names, name + strlen("LABEL_"), json_string(name));
        bad |= json_object_set_new(numbers, name, json_integer(i));
    }
    bad |= json_object_set_new(object, "id2label", names);
    return bad | json_object_set_new(object, "label2id", numbers);
}

/* The object for config.json: shape, head, and what the caller has to say. */
json_t *el_weights_json(const el_network *net, const json_t *extra)
{
    const el_head_config head = head_of(net);
    json_t *object = el_config_json(&net->config, HEADS[head.kind].architecture);
    int bad = object ? 0 : -1;
    if (HEADS[head.kind].labelled) {
        bad |= put_labels(object, head.labels);
        bad |= json_object_set_new(object, "classifier_dropout", json_real(head.dropout));
    }
    if (HEADS[head.kind].task_head)
        bad |= json_object_set_new(object, "task_head", json_string(HEADS[head.kind].task_head));
    if (head.kind == EL_HEAD_SPAN_JOINT)
        bad |= json_object_set_new(object, "answerable_classifier", json_boolean(head.answerable));
    if (extra)
        bad |= json_object_update(object, (json_t *)extra);
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

el_status el_weights_save(el_model *model, const el_network *net, const el_vocab *vocab, const char *card,
                          const json_t *extra, const char *folder)
{
    el_folder out = {0};
    el_status st = el_folder_begin(&out, folder);
    if (st)
        return st;
    char *tensors = el_path_join(out.temporary, "model.safetensors");
    char *config = el_path_join(out.temporary, "config.json");
    char *readme = el_path_join(out.temporary, "README.md");
    json_t *object = el_weights_json(net, extra);
    if (!tensors || !config || !readme || !object)
        st = el_fail(EL_ENOMEM, "%s: no memory", folder);
    if (!st)
        st = save_tensors(model->q, &net->params, vocab, tensors);
    if (!st)
        st = el_json_save(object, config);
    if (!st)
        st = el_tokenizer_save_model(vocab, net->config.max_position_embeddings, out.temporary);
    if (!st && card)
        st = el_file_write(readme, card, strlen(card));
    if (!st)
        st = el_folder_commit(&out);
    el_folder_abandon(&out);
    json_decref(object);
    free(tensors);
    free(config);
    free(readme);
    return st;
}

/* config.json in a folder; the path, on the heap, is what sentences call it. */
static el_status open_config(const char *folder, json_t **object, char **path)
{
    *object = NULL;
    *path = NULL;
    const el_status st = el_folder_need(folder);
    if (st)
        return st;
    *path = el_path_join(folder, "config.json");
    return *path ? el_json_load(object, *path) : el_fail(EL_ENOMEM, "%s: no memory", folder);
}

static const char *architecture_of(const json_t *object)
{
    const char *name = json_string_value(json_array_get(json_object_get(object, "architectures"), 0));
    return name ? name : "";
}

el_status el_weights_config(const char *folder, el_config *config)
{
    json_t *object;
    char *path;
    el_status st = open_config(folder, &object, &path);
    if (!st)
        st = el_config_read(config, object, path);
    json_decref(object);
    free(path);
    return st;
}

static el_status find_kind(const json_t *object, const char *name, el_head_kind *kind)
{
    const char *task_head = "", *architecture = architecture_of(object);
    const el_status st = el_json_string(object, name, "task_head", &task_head);
    *kind = EL_HEAD_DETECTION;
    for (int k = 0; !st && k < EL_HEADS; k++) {
        const char *own = HEADS[k].task_head ? HEADS[k].task_head : "";
        if (strcmp(architecture, HEADS[k].architecture) == 0 && strcmp(task_head, own) == 0)
            *kind = (el_head_kind)k;
    }
    if (!st && *task_head && *kind == EL_HEAD_DETECTION)
        return el_fail(EL_EDATA, "%s: task_head is \"%s\", which is not known for %s", name, task_head,
                       *architecture ? architecture : "a model without an architecture");
    return st;
}

/* Hugging Face's rules: classes are counted by their names, and are two where nothing is said; the head's dropout
 * is the encoder's unless it has one of its own. */
static el_status read_head(const json_t *object, const char *name, el_head_config *head)
{
    *head = (el_head_config){.labels = 2, .dropout = 0.1};
    const json_t *names = json_object_get(object, "id2label");
    el_status st = find_kind(object, name, &head->kind);
    if (!st)
        st = el_json_bool(object, name, "answerable_classifier", &head->answerable);
    if (!st)
        st = el_json_real(object, name, "hidden_dropout_prob", &head->dropout);
    if (!st)
        st = el_json_real(object, name, "classifier_dropout", &head->dropout);
    if (!st && json_is_object(names))
        head->labels = (int)json_object_size(names);
    else if (!st)
        st = el_json_int(object, name, "num_labels", &head->labels);
    head->answerable &= head->kind == EL_HEAD_SPAN_JOINT;
    if (!st && !HEADS[head->kind].labelled)
        head->labels = 0, head->dropout = 0;
    else if (!st && (head->labels < 1 || head->labels > 1 << 20))
        st = el_fail(EL_EDATA, "%s: %d labels; there must be between 1 and %d", name, head->labels, 1 << 20);
    if (!st && !(head->dropout >= 0 && head->dropout <= 0.9)) /* this way round catches nan */
        st = el_fail(EL_EDATA, "%s: a classifier_dropout of %g; it must lie between 0 and 0.9", name,
                     head->dropout);
    return st;
}

/* Weights that others wrote name no vocabulary. */
static el_status check_vocab_hash(const char *folder, const el_vocab *vocab)
{
    el_source source;
    const el_status st = el_source_open(&source, folder);
    if (st)
        return st;
    char hash[17];
    el_hash_text(vocab->hash, hash);
    const char *const named = el_source_metadata(&source, VOCAB_HASH);
    const bool same = !named || strcmp(named, hash) == 0;
    el_source_close(&source);
    return same ? EL_OK
                : el_fail(EL_EDATA,
                          "%s: vocab.txt, or the casing in tokenizer_config.json, is not what "
                          "the model was trained with",
                          folder);
}

el_status el_weights_vocab(const char *folder, const el_config *config, el_vocab **vocab)
{
    el_status st = el_tokenizer_load(vocab, folder, EL_CASING_UNSAID);
    if (st)
        return st;
    if ((*vocab)->size > config->vocab_size)
        st = el_fail(EL_EDATA, "%s: vocab.txt has %d pieces, the model knows %d", folder, (*vocab)->size,
                     config->vocab_size);
    else
        st = check_vocab_hash(folder, *vocab);
    if (st) {
        el_vocab_close(*vocab);
        *vocab = NULL;
    }
    return st;
}

el_status el_weights_head(const char *folder, el_head_config *head, json_t **object)
{
    json_t *read;
    char *path;
    el_status st = open_config(folder, &read, &path);
    if (!st)
        st = read_head(read, path, head);
    free(path);
    if (!st && object)
        *object = read;
    else
        json_decref(read);
    return st;
}

static bool same_shape(const el_stored *entry, const el_param *param)
{
    if (param->vector)
        return entry->dims == 1 && entry->shape[0] == param->value.cols;
    return entry->dims == 2 && entry->shape[0] == param->value.rows && entry->shape[1] == param->value.cols;
}

static el_status fill_param(el_queue *q, const el_param *param, const el_stored *entry, const char *path)
{
    if (!same_shape(entry, param))
        return el_fail(EL_EDATA, "%s: %s has another shape than config.json says (%d x %d wanted)", path,
                       param->name, param->value.rows, param->value.cols);
    const size_t count = (size_t)el_param_elements(param);
    float *values = malloc(count * sizeof *values), *base = NULL;
    el_status st = values ? EL_OK : el_fail(EL_ENOMEM, "no memory for %s", param->name);
    if (!st && !el_stored_floats(entry, values))
        st = el_fail(EL_EDATA, "%s: %s is not a tensor of floating-point numbers", path, param->name);
    if (!st && param->base.data) {
        base = malloc(count * sizeof *base);
        st =
            base ? el_tensor_read(q, param->base, base) : el_fail(EL_ENOMEM, "no memory for %s", param->name);
        for (size_t i = 0; !st && i < count; i++)
            values[i] -= base[i];
    }
    if (!st)
        st = el_tensor_write(q, param->value, values);
    free(base);
    free(values);
    return st;
}

static bool is_backbone(const char *name)
{
    return strncmp(name, "electra.", 8) == 0;
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
} head_fate;

static el_status decide_head(const el_network *net, const el_names *names, const char *folder,
                             head_fate *fate)
{
    const el_head_config ours = head_of(net);
    el_head_config theirs = {0};
    const el_status st = el_weights_head(folder, &theirs, NULL);
    const bool same =
        theirs.kind == ours.kind && theirs.labels == ours.labels && theirs.answerable == ours.answerable;
    const bool of_task = ours.kind != EL_HEAD_DETECTION && ours.kind != EL_HEAD_MLM;
    *fate = same || ours.kind == EL_HEAD_MLM ? (of_task ? HEAD_MUST : HEAD_MAY)
                                             : (holds_head(names, &net->params) ? HEAD_MUST : HEAD_STAYS);
    return st;
}

/* Fills what there is; *head_missing: some of the head is not. */
static el_status fill_network(el_queue *q, const el_network *net, const el_names *names, head_fate fate,
                              bool *head_missing)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < net->params.count; i++) {
        const el_param *param = &net->params.items[i];
        const el_stored *entry = el_names_find(names, param->name);
        if (!is_backbone(param->name) && (fate == HEAD_STAYS || (fate == HEAD_MAY && !entry)))
            *head_missing = true;
        else if (entry)
            st = fill_param(q, param, entry, names->source->path);
        else
            st = el_fail(EL_EDATA, "%s: %s is missing", names->source->path, param->name);
    }
    return st;
}

static const char *head_name(const el_network *net)
{
    const el_head_kind kind = head_of(net).kind;
    return kind == EL_HEAD_MLM         ? "generator head"
           : kind == EL_HEAD_DETECTION ? "discriminator head"
                                       : "head for this task";
}

el_status el_weights_load(el_model *model, const el_network *net, const char *folder)
{
    el_source source;
    el_status st = el_source_open(&source, folder);
    if (st)
        return st;
    el_names names;
    const bool predicts = head_of(net).kind == EL_HEAD_MLM;
    head_fate fate = HEAD_MAY;
    bool head_missing = false;
    st = el_names_open(&names, &source, predicts);
    if (!st && predicts)
        st = el_names_check_tied(&names);
    if (!st)
        st = decide_head(net, &names, folder, &fate);
    if (!st)
        st = fill_network(model->q, net, &names, fate, &head_missing);
    if (!st && head_missing)
        el_log(EL_LOG_NOTE, "%s holds no %s; a new one is used", source.path, head_name(net));
    el_source_close(&source);
    return st;
}

el_status el_weights_plan(el_model_plan *plan, const char *name, const char *folder)
{
    el_config config;
    el_head_config head;
    el_status st = el_weights_config(folder, &config);
    if (!st)
        st = el_weights_head(folder, &head, NULL);
    if (!st)
        el_plan_add(plan, name, config, head);
    return st;
}

el_status el_weights_open(el_model *model, el_queue *q, const el_model_plan *plan, const char *const *folders)
{
    el_status st = el_model_open(model, q, plan);
    for (int i = 0; !st && i < plan->count; i++)
        st = el_weights_load(model, &model->networks[i], folders[i]);
    if (st)
        el_model_close(model);
    else
        el_model_prepare(model);
    return st;
}

/* The sub-folder if it holds a model, else NULL. */
static el_status model_in(char **model, const char *folder, const char *name)
{
    bool there = false;
    *model = el_path_join(folder, name);
    const el_status st =
        *model ? el_folder_holds(*model, "config.json", &there) : el_fail(EL_ENOMEM, "%s: no memory", folder);
    if (there)
        return EL_OK;
    free(*model);
    *model = NULL;
    return st;
}

el_status el_model_find(el_model_paths *paths, const char *folder)
{
    *paths = (el_model_paths){0};
    el_status st = model_in(&paths->generator, folder, EL_GENERATOR);
    if (!st)
        st = model_in(&paths->discriminator, folder, EL_DISCRIMINATOR);
    if (st)
        el_model_paths_free(paths);
    if (st || paths->generator || paths->discriminator)
        return st;
    el_head_config head;
    bool described = false;
    st = el_folder_need(folder);
    if (!st)
        st = el_folder_holds(folder, "config.json", &described);
    if (!st && !described)
        st = el_fail(EL_EDATA,
                     "%s: neither a run (with generator/ and discriminator/) nor a model folder (with "
                     "config.json and model.safetensors or pytorch_model.bin)",
                     folder);
    if (!st)
        st = el_weights_head(folder, &head, NULL);
    if (st)
        return st;
    char *copy = strdup(folder);
    if (!copy)
        return el_fail(EL_ENOMEM, "%s: no memory", folder);
    *(head.kind == EL_HEAD_MLM ? &paths->generator : &paths->discriminator) = copy;
    return EL_OK;
}

void el_model_paths_free(el_model_paths *paths)
{
    free(paths->generator);
    free(paths->discriminator);
    *paths = (el_model_paths){0};
}
