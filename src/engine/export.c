/* export - see the header */
#include "engine/export.h"

#include <stdlib.h>

#include "base/ending.h"
#include "base/file.h"
#include "base/log.h"
#include "base/output.h"
#include "engine/import.h"
#include "format/gguf.h"
#include "format/model_folder.h"
#include "format/model_source.h"
#include "format/onnx.h"
#include "format/sentence.h"
#include "task/learn/finetuned.h"

/* Where the network lies, on the heap; *half: another one that reads backwards is left out. */
static el_status find(const char *folder, el_export_network network, char **place, bool *half)
{
    const bool generator = network == EL_EXPORT_GENERATOR;
    char *backward;
    el_model_paths paths;
    el_status st;
    if (network == EL_EXPORT_ENCODER) {
        st = el_encoders_find(folder, place, &backward);
        *half = backward;
        free(backward);
        return st;
    }
    st = el_model_find_tuned(&paths, folder);
    char **const found = generator ? &paths.generator : &paths.discriminator;
    if (!st && !*found)
        st = el_fail(EL_EUSAGE, "--network: there is no %s in %s",
                     generator ? EL_GENERATOR : EL_DISCRIMINATOR, folder);
    *half = generator && paths.backward;
    *place = *found;
    *found = NULL;
    el_model_paths_release(&paths);
    return st;
}

/* ---- the file to write ---- */

static bool is_export(const char *name)
{
    return el_ends_with(name, ".onnx") || el_ends_with(name, ".gguf");
}

/* Whether the path, not what a link at its end names, lies in the folder and is not what export wrote. */
static bool belongs_to(const char *folder, const char *path)
{
    char *const parent = el_path_parent(path);
    const bool belongs = !is_export(path) && (!parent || el_path_inside(parent, folder));
    free(parent);
    return belongs;
}

/* What lies in the model's folder is the model's, but for what export wrote; a link to a file is the file, and what
 * links in the folder name is the model's too. */
static el_status check_output(const char *folder, const char *place, const char *output)
{
    char **names = NULL, *real;
    int count = 0;
    if (!el_file_exists(output))
        return EL_OK;
    el_status st = el_folder_list(place, &names, &count);
    for (int i = 0; !st && i < count; i++) {
        if (is_export(names[i]))
            continue;
        el_path path = el_path_in(place, names[i]);
        st = el_output_differs("output", output, (char *[]){path.text}, 1);
    }
    el_folder_list_release(names, count);
    if (st)
        return st;
    real = el_path_behind_links(output);
    if (!real)
        st = el_no_memory(output);
    else if (belongs_to(folder, output) || belongs_to(folder, real))
        st = el_fail(EL_EUSAGE, "--output: %s is a file of the folder that is to be exported", output);
    free(real);
    return st;
}

/* ---- what is to be exported ---- */

static el_status open_source(el_model_source *s, const char *folder, bool predicts)
{
    el_status st = el_model_source_open(s, folder, NULL, predicts);
    if (st)
        return st;
    st = el_model_source_check_heads(s);
    if (!st && s->head.kind == EL_HEAD_MLM && !predicts)
        st = el_names_open(&s->names, &s->own, true);
    if (st)
        el_model_source_close(s);
    else
        el_model_card_say(&s->card, &s->names, &s->card.config);
    return st;
}

/* A parameter as the formats ask for it; `context` are the names. */
static el_status read_parameter(void *context, const char *name, int64_t rows, int64_t cols, float *numbers)
{
    const el_names *const names = context;
    const char *const path = names->source->path;
    const el_stored *const stored = el_names_find(names, name);
    if (!stored)
        return el_fail(EL_EDATA, "%s: %s is missing", path, name);
    const bool same = rows ? stored->dims == 2 && stored->shape[0] == rows && stored->shape[1] == cols
                           : stored->dims == 1 && stored->shape[0] == cols;
    if (!same)
        return el_fail(EL_EDATA, "%s: %s has another shape than %lld x %lld, which is wanted", path, name,
                       (long long)(rows ? rows : 1), (long long)cols);
    return el_stored_floats(stored, numbers)
               ? EL_OK
               : el_fail(EL_EDATA, "%s: %s is not a tensor of floating-point numbers", path, name);
}

static void note_encoder_alone(const el_model_source *s)
{
    el_log(EL_LOG_NOTE, "%s: its encoder alone is written, without the head that it was trained with",
           s->folder);
}

/* ---- ONNX ---- */

static el_status describe(const el_model_source *s, el_onnx *model)
{
    const el_head_config *const head = &s->head;
    const el_config *const config = &s->card.config;
    const char *const folder = s->folder;
    if (head->kind == EL_HEAD_SPAN_JOINT)
        return el_fail(
            EL_EUSAGE,
            "%s: the original's head for questions searches answers step by step, which a graph cannot; "
            "fine-tune with --head huggingface",
            folder);
    if (el_config_different_layers(config) < config->num_hidden_layers)
        return el_fail(EL_EUSAGE, "%s: shares layers, which the graph would have to repeat", folder);
    if (config->causal)
        return el_fail(EL_EUSAGE, "%s: reads in one direction, and the graph has no such attention", folder);
    if (el_config_relative(config))
        return el_fail(EL_EUSAGE, "%s: attends by distances, and the graph has no such attention", folder);
    model->config = *config;
    model->head = head->ordered ? EL_HEAD_NONE : head->kind; /* query rows are not in the graph */
    model->labels = head->labels;
    return head->kind < EL_HEAD_SEQUENCE
               ? EL_OK
               : el_finetuned_range(s->card.object, folder, head, &model->low, &model->high);
}

static void say_of_graph(const el_model_source *s)
{
    const el_head_config *const head = &s->head;
    if (head->kind != s->card.head.kind || head->ordered)
        note_encoder_alone(s);
    if (head->energies)
        el_log(EL_LOG_NOTE,
               "%s: was trained by --objective electric: the logits that the graph gives are energies, no "
               "log-odds",
               s->folder);
    if (head->gated)
        el_log(EL_LOG_NOTE,
               "%s: was trained by --objective all-tokens-mlm: the logits that the graph gives are of the "
               "softmax alone, without the gate that copies the token shown",
               s->folder);
    if (head->sentences)
        el_log(EL_LOG_NOTE, "%s: its head that judges two segments is not in the graph", s->folder);
}

static el_status write_graph(const char *folder, bool predicts, bool int8, const char *path)
{
    el_model_source s;
    el_onnx model = {.int8 = int8, .version = ELECTRA_VERSION, .read = read_parameter};
    el_status st = open_source(&s, folder, predicts);
    if (st)
        return st;
    model.context = &s.names;
    st = describe(&s, &model);
    if (!st && model.head == EL_HEAD_MLM)
        st = el_names_check_tied(&s.names);
    if (!st)
        st = el_tensors_check_finite(s.names.source);
    if (!st)
        st = el_onnx_write(&model, path);
    if (!st)
        say_of_graph(&s);
    el_model_source_close(&s);
    return st;
}

el_status el_export_onnx(const char *folder, el_export_network network, bool int8, const char *path)
{
    char *place = NULL;
    bool half = false;
    el_status st = find(folder, network, &place, &half);
    if (!st)
        st = check_output(folder, place, path);
    if (!st)
        st = write_graph(place, network == EL_EXPORT_GENERATOR, int8, path);
    if (!st && half)
        el_encoder_note_half(folder);
    free(place);
    return st;
}

/* ---- GGUF ---- */

static el_status write_encoder(const char *folder, const el_sentence *said, bool predicts, el_st_type type,
                               const char *path)
{
    el_model_source s;
    el_vocab *vocab = NULL;
    el_status st = open_source(&s, folder, predicts);
    if (st)
        return st;
    if (s.head.kind >= EL_HEAD_SEQUENCE)
        st = el_fail(EL_EUSAGE, "%s: GGUF holds encoders for vectors, and this model has the head of a task",
                     folder);
    if (!st)
        st = el_model_vocab(folder, &s.card.config, s.names.source, &vocab);
    if (!st)
        st = el_sentence_check_casing(said, vocab->casing.lowercase, folder);
    if (!st)
        st = el_tensors_check_finite(s.names.source);
    if (!st)
        st = el_gguf_write(&(el_gguf){.config = s.card.config,
                                      .vocab = vocab,
                                      .cls = said->cls,
                                      .type = type,
                                      .read = read_parameter,
                                      .context = &s.names},
                           path);
    if (!st && s.card.head.kind != EL_HEAD_NONE)
        note_encoder_alone(&s);
    el_vocab_close(vocab);
    el_model_source_close(&s);
    return st;
}

el_status el_export_gguf(const char *folder, el_export_network network, el_st_type type, const char *path)
{
    char *place = NULL;
    bool half = false;
    el_sentence said = {0};
    el_status st = el_sentence_read(&said, folder);
    if (!st)
        st = find(said.encoder, network, &place, &half);
    if (!st)
        st = check_output(folder, place, path);
    if (!st)
        st = write_encoder(place, &said, network == EL_EXPORT_GENERATOR, type, path);
    if (!st && half)
        el_encoder_note_half(folder);
    el_sentence_release(&said);
    free(place);
    return st;
}

/* ---- a folder ---- */

el_status el_export_folder(const char *folder, el_export_network network, el_st_type type, const char *output)
{
    const char *const wanted = network == EL_EXPORT_GENERATOR ? EL_GENERATOR : EL_DISCRIMINATOR;
    char *place = NULL;
    bool half = false;
    /* it says how vectors are made, and this goes along */
    const bool sentence = el_folder_holds(folder, "modules.json");
    el_queue *q = NULL;
    el_status st = find(folder, network, &place, &half);
    if (!st)
        st = el_queue_open(&q, 1, NULL);
    if (!st)
        st = el_import(
            q, sentence ? folder : place,
            &(el_import_settings){.command = "export", .network = wanted, .type = type, .sound = true},
            output);
    if (!st && half)
        el_encoder_note_half(folder);
    el_queue_close(q);
    free(place);
    return st;
}
