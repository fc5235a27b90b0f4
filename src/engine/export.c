/* export - see the header */
#include "engine/export.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/output.h"
#include "engine/import.h"
#include "format/gguf.h"
#include "format/model_folder.h"
#include "format/onnx.h"
#include "format/sentence.h"
#include "task/learn/finetuned.h"

/* Where the network lies, on the heap. */
static el_status find(const char *folder, el_export_network network, char **place)
{
    if (network == EL_EXPORT_ENCODER)
        return el_encoder_find(folder, place);
    const bool generator = network == EL_EXPORT_GENERATOR;
    char *model;
    el_model_paths paths = {0};
    el_status st = el_finetuned_find(folder, &model);
    if (!st)
        st = el_model_find(&paths, model);
    char **const found = generator ? &paths.generator : &paths.discriminator;
    if (!st && !*found)
        st = el_fail(EL_EUSAGE, "--network: there is no %s in %s",
                     generator ? EL_GENERATOR : EL_DISCRIMINATOR, folder);
    *place = *found;
    *found = NULL;
    el_model_paths_free(&paths);
    free(model);
    return st;
}

static void note_encoder_alone(const char *folder)
{
    el_log(EL_LOG_NOTE, "%s: its encoder alone is written, without the head that it was trained with",
           folder);
}

static el_status describe(const char *folder, bool predicts, el_onnx *model)
{
    static const el_onnx_head HEADS[EL_HEADS] = {[EL_HEAD_NONE] = EL_ONNX_NONE,
                                                 [EL_HEAD_MLM] = EL_ONNX_MLM,
                                                 [EL_HEAD_DETECTION] = EL_ONNX_DETECTION,
                                                 [EL_HEAD_SEQUENCE] = EL_ONNX_SEQUENCE,
                                                 [EL_HEAD_SEQUENCE_AFFINE] = EL_ONNX_SEQUENCE_AFFINE,
                                                 [EL_HEAD_POOLED] = EL_ONNX_POOLED,
                                                 [EL_HEAD_TOKEN] = EL_ONNX_TOKEN,
                                                 [EL_HEAD_SPAN] = EL_ONNX_SPAN};
    el_head_config head;
    json_t *object = NULL;
    el_status st = el_model_read(folder, predicts, &model->config, &head, &object);
    const el_head_kind named = st ? EL_HEAD_NONE : head.kind;
    if (!st && head.kind >= EL_HEAD_SEQUENCE)
        st = el_finetuned_range(object, folder, &head, &model->low, &model->high);
    if (!st)
        st = el_model_settle_head(folder, predicts, &head);
    json_decref(object);
    if (st)
        return st;
    if (head.kind != named)
        note_encoder_alone(folder);
    if (head.kind == EL_HEAD_SPAN_JOINT)
        return el_fail(
            EL_EUSAGE,
            "%s: the original's head for questions searches answers step by step, which a graph cannot; "
            "fine-tune with --head huggingface",
            folder);
    if (el_config_different_layers(&model->config) < model->config.num_hidden_layers)
        return el_fail(EL_EUSAGE, "%s: shares layers, which the graph would have to repeat", folder);
    if (model->config.causal)
        return el_fail(EL_EUSAGE, "%s: reads in one direction, and the graph has no such attention", folder);
    if (el_config_relative(&model->config))
        return el_fail(EL_EUSAGE, "%s: attends by distances, and the graph has no such attention", folder);
    if (head.energies)
        el_log(EL_LOG_NOTE,
               "%s: was trained by --objective electric: the logits that the graph gives are energies, no "
               "log-odds",
               folder);
    if (head.gated)
        el_log(EL_LOG_NOTE,
               "%s: was trained by --objective all-tokens-mlm: the logits that the graph gives are of the "
               "softmax alone, without the gate that copies the token shown",
               folder);
    if (head.ordered) /* it predicts at query rows, which the graph has not */
        note_encoder_alone(folder);
    model->head = head.ordered ? EL_ONNX_NONE : HEADS[head.kind];
    model->labels = head.labels;
    return EL_OK;
}

static el_status read_parameter(void *context, const char *name, float *numbers, int64_t count)
{
    const el_names *const names = context;
    const char *const path = names->source->path;
    const el_stored *const stored = el_names_find(names, name);
    if (!stored)
        return el_fail(EL_EDATA, "%s: %s is missing", path, name);
    if (el_stored_elements(stored) != count)
        return el_fail(EL_EDATA, "%s: %s has %lld elements, not %lld", path, name,
                       (long long)el_stored_elements(stored), (long long)count);
    return el_stored_floats(stored, numbers)
               ? EL_OK
               : el_fail(EL_EDATA, "%s: %s holds no numbers of a model", path, name);
}

/* Its parameters, by name; both are closed together. */
typedef struct {
    el_tensors tensors;
    el_names names;
} parameters;

/* A model whose weights went wrong is not handed on. */
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

static el_status check_weights(const char *folder)
{
    el_tensors tensors;
    el_status st = el_tensors_open(&tensors, folder);
    if (st)
        return st;
    for (int i = 0; !st && i < tensors.count; i++)
        st = check_finite(&tensors, &tensors.tensors[i]);
    el_tensors_close(&tensors);
    return st;
}

/* `output` is to be another file than theirs. */
static el_status open_parameters(parameters *p, const char *folder, bool predicts, const char *output)
{
    el_status st = el_tensors_open(&p->tensors, folder);
    if (st)
        return st;
    st = el_output_differs("output", output, &p->tensors.path, 1);
    if (!st)
        st = el_names_open(&p->names, &p->tensors, predicts);
    if (!st && predicts)
        st = el_names_check_tied(&p->names);
    if (st)
        el_tensors_close(&p->tensors);
    return st;
}

static el_status write_graph(const char *folder, bool predicts, bool int8, const char *path)
{
    el_onnx model = {.int8 = int8, .version = ELECTRA_VERSION, .read = read_parameter};
    el_status st = describe(folder, predicts, &model);
    if (st)
        return st;
    parameters p;
    st = check_weights(folder);
    if (!st)
        st = open_parameters(&p, folder, model.head == EL_ONNX_MLM, path);
    if (st)
        return st;
    model.context = &p.names;
    st = el_onnx_write(&model, path);
    el_tensors_close(&p.tensors);
    return st;
}

/* ---- GGUF ---- */

static el_status check_head(const char *folder, const el_head_config *head)
{
    const bool pretraining = head->kind == EL_HEAD_MLM || head->kind == EL_HEAD_DETECTION;
    if (head->kind != EL_HEAD_NONE && !pretraining)
        return el_fail(EL_EUSAGE,
                       "%s: GGUF holds encoders for vectors, and this model has the head of a task", folder);
    if (pretraining)
        note_encoder_alone(folder);
    return EL_OK;
}

static el_status write_encoder(const char *folder, const el_sentence *said, bool predicts, el_st_type type,
                               const char *path)
{
    el_gguf model = {.cls = said->cls, .type = type, .read = read_parameter};
    el_head_config head;
    el_vocab *vocab = NULL;
    parameters p;
    el_status st = el_model_read(folder, predicts, &model.config, &head, NULL);
    if (!st)
        st = check_head(folder, &head);
    if (!st)
        st = el_model_vocab(folder, &model.config, &vocab);
    if (!st)
        st = el_sentence_check_casing(said, vocab->casing.lowercase, folder);
    if (!st)
        st = check_weights(folder);
    if (!st)
        st = open_parameters(&p, folder, false, path);
    if (!st) {
        model.vocab = vocab;
        model.context = &p.names;
        st = el_gguf_write(&model, path);
        el_tensors_close(&p.tensors);
    }
    el_vocab_close(vocab);
    return st;
}

el_status el_export_gguf(const char *folder, el_export_network network, el_st_type type, const char *path)
{
    char *place = NULL;
    el_sentence said = {0};
    el_status st = el_sentence_read(&said, folder);
    if (!st)
        st = find(said.encoder, network, &place);
    if (!st)
        st = write_encoder(place, &said, network == EL_EXPORT_GENERATOR, type, path);
    el_sentence_free(&said);
    free(place);
    return st;
}

/* ---- the others ---- */

el_status el_export_onnx(const char *folder, el_export_network network, bool int8, const char *path)
{
    char *place = NULL;
    el_status st = find(folder, network, &place);
    if (!st)
        st = write_graph(place, network == EL_EXPORT_GENERATOR, int8, path);
    free(place);
    return st;
}

el_status el_export_folder(const char *folder, el_export_network network, el_st_type type, const char *output)
{
    const char *const wanted = network == EL_EXPORT_GENERATOR ? EL_GENERATOR : EL_DISCRIMINATOR;
    char *place = NULL;
    bool sentence = false; /* it says how vectors are made, and this goes along */
    el_queue *q = NULL;
    el_status st = find(folder, network, &place);
    if (!st)
        st = check_weights(place);
    if (!st)
        st = el_folder_holds(folder, "modules.json", &sentence);
    if (!st)
        st = el_queue_open(&q, 1, NULL);
    if (!st)
        st = el_import(q, sentence ? folder : place,
                       &(el_import_settings){.command = "export", .network = wanted, .type = type}, output);
    el_queue_close(q);
    free(place);
    return st;
}
