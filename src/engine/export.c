/* export - see the header */
#include "engine/export.h"

#include <stdlib.h>

#include "base/ending.h"
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

/* Where the network lies, on the heap; *half: another one that reads backwards is left out. */
static el_status find(const char *folder, el_export_network network, char **place, bool *half)
{
    const bool generator = network == EL_EXPORT_GENERATOR;
    char *model, *backward;
    el_model_paths paths = {0};
    el_status st;
    if (network == EL_EXPORT_ENCODER) {
        st = el_encoders_find(folder, place, &backward);
        *half = backward;
        free(backward);
        return st;
    }
    st = el_finetuned_find(folder, &model);
    if (!st)
        st = el_model_find(&paths, model);
    char **const found = generator ? &paths.generator : &paths.discriminator;
    if (!st && !*found)
        st = el_fail(EL_EUSAGE, "--network: there is no %s in %s",
                     generator ? EL_GENERATOR : EL_DISCRIMINATOR, folder);
    *half = generator && paths.backward;
    *place = *found;
    *found = NULL;
    el_model_paths_release(&paths);
    free(model);
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
        char *path = el_path_join(place, names[i]);
        st =
            path ? el_output_differs("output", output, &path, 1) : el_fail(EL_ENOMEM, "%s: no memory", place);
        free(path);
    }
    el_folder_list_release(names, count);
    if (st)
        return st;
    real = el_path_behind_links(output);
    if (!real)
        st = el_fail(EL_ENOMEM, "%s: no memory", output);
    else if (belongs_to(folder, output) || belongs_to(folder, real))
        st = el_fail(EL_EUSAGE, "--output: %s is a file of the folder that is to be exported", output);
    free(real);
    return st;
}

/* ---- what is to be exported ---- */

/* A model's folder, open: what is said of it, with the head that its tensors have, and its parameters by name. */
typedef struct {
    const char *folder;
    el_model_card card;
    el_head_kind named; /* config.json's head */
    el_tensors tensors;
    el_names names;
} source;

static void close_source(source *s)
{
    el_model_card_close(&s->card);
    el_tensors_close(&s->tensors);
}

/* A number that was guessed is not handed on. */
static el_status check_heads(const el_model_card *card, const char *folder)
{
    return card->guesses_heads
               ? el_fail(EL_EDATA,
                         "%s: nothing says how many attention heads there are; electra import "
                         "--num-attention-heads N makes a folder that does",
                         folder)
               : EL_OK;
}

static el_status open_source(source *s, const char *folder, bool predicts)
{
    *s = (source){.folder = folder};
    el_status st = el_model_card_open(&s->card, folder, predicts);
    el_head_config *const head = &s->card.head;
    s->named = head->kind;
    if (!st)
        st = check_heads(&s->card, folder);
    if (!st)
        st = el_model_settle_head(folder, predicts, head);
    if (!st)
        st = el_tensors_open(&s->tensors, folder);
    if (!st)
        st = el_names_open(&s->names, &s->tensors, predicts || head->kind == EL_HEAD_MLM);
    if (!st)
        el_model_card_say(&s->card, &s->names, &s->card.config);
    if (st)
        close_source(s);
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

static el_status check_weights(const el_tensors *tensors)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < tensors->count; i++)
        st = check_finite(tensors, &tensors->tensors[i]);
    return st;
}

static el_status check_folder(const char *folder, bool predicts)
{
    el_model_card card;
    el_tensors tensors = {0};
    el_status st = el_model_card_open(&card, folder, predicts);
    if (!st)
        st = check_heads(&card, folder);
    if (!st)
        st = el_tensors_open(&tensors, folder);
    if (!st)
        st = check_weights(&tensors);
    el_tensors_close(&tensors);
    el_model_card_close(&card);
    return st;
}

static void note_encoder_alone(const source *s)
{
    el_log(EL_LOG_NOTE, "%s: its encoder alone is written, without the head that it was trained with",
           s->folder);
}

/* ---- ONNX ---- */

static el_status describe(const source *s, el_onnx *model)
{
    const el_head_config *const head = &s->card.head;
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

static void say_of_graph(const source *s)
{
    const el_head_config *const head = &s->card.head;
    if (head->kind != s->named || head->ordered)
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
    source s;
    el_onnx model = {.int8 = int8, .version = ELECTRA_VERSION, .read = read_parameter};
    el_status st = open_source(&s, folder, predicts);
    if (st)
        return st;
    model.context = &s.names;
    st = describe(&s, &model);
    if (!st && model.head == EL_HEAD_MLM)
        st = el_names_check_tied(&s.names);
    if (!st)
        st = check_weights(&s.tensors);
    if (!st)
        st = el_onnx_write(&model, path);
    if (!st)
        say_of_graph(&s);
    close_source(&s);
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
    source s;
    el_vocab *vocab = NULL;
    el_status st = open_source(&s, folder, predicts);
    if (st)
        return st;
    if (s.card.head.kind >= EL_HEAD_SEQUENCE)
        st = el_fail(EL_EUSAGE, "%s: GGUF holds encoders for vectors, and this model has the head of a task",
                     folder);
    if (!st)
        st = el_model_vocab(folder, &s.card.config, &vocab);
    if (!st)
        st = el_sentence_check_casing(said, vocab->casing.lowercase, folder);
    if (!st)
        st = check_weights(&s.tensors);
    if (!st)
        st = el_gguf_write(&(el_gguf){.config = s.card.config,
                                      .vocab = vocab,
                                      .cls = said->cls,
                                      .type = type,
                                      .read = read_parameter,
                                      .context = &s.names},
                           path);
    if (!st && s.named != EL_HEAD_NONE)
        note_encoder_alone(&s);
    el_vocab_close(vocab);
    close_source(&s);
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
    bool half = false, sentence = false; /* it says how vectors are made, and this goes along */
    el_queue *q = NULL;
    el_status st = find(folder, network, &place, &half);
    if (!st)
        st = check_folder(place, network == EL_EXPORT_GENERATOR);
    if (!st)
        st = el_folder_holds(folder, "modules.json", &sentence);
    if (!st)
        st = el_queue_open(&q, 1, NULL);
    if (!st)
        st = el_import(q, sentence ? folder : place,
                       &(el_import_settings){.command = "export", .network = wanted, .type = type}, output);
    if (!st && half)
        el_encoder_note_half(folder);
    el_queue_close(q);
    free(place);
    return st;
}
