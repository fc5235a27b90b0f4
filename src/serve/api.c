/* api - the functions of electra.h about versions, errors, tokenizers and models */
#include "serve/api.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/log.h"
#include "engine/export.h"
#include "engine/import.h"
#include "format/tokenizer.h"

_Static_assert((int)ELECTRA_FAILED == (int)EL_EFAILED && (int)ELECTRA_USAGE == (int)EL_EUSAGE &&
                   (int)ELECTRA_DATA == (int)EL_EDATA && (int)ELECTRA_NO_MEMORY == (int)EL_ENOMEM &&
                   (int)ELECTRA_STOPPED == (int)EL_ESTOPPED,
               "public statuses are the library's own");
_Static_assert((int)ELECTRA_NOTE == (int)EL_LOG_NOTE && (int)ELECTRA_WARNING == (int)EL_LOG_WARNING,
               "public levels are the library's own");

const char *electra_version(void)
{
    return ELECTRA_VERSION;
}

int electra_version_number(void)
{
    return ELECTRA_VERSION_NUMBER;
}

const char *electra_error(void)
{
    return el_error();
}

const char *electra_status_name(electra_status status)
{
    static const char *const NAMES[] = {
        [ELECTRA_OK] = "ok",     [ELECTRA_FAILED] = "failed",       [ELECTRA_USAGE] = "usage",
        [ELECTRA_DATA] = "data", [ELECTRA_NO_MEMORY] = "no memory", [ELECTRA_STOPPED] = "stopped"};
    return (unsigned)status < sizeof NAMES / sizeof *NAMES ? NAMES[status] : "unknown";
}

/* ---- log ---- */

static electra_log_function *_Atomic log_function;
static void *_Atomic log_user;

static void log_sink(el_log_level level, const char *line)
{
    electra_log_function *const function = atomic_load(&log_function);
    if (function)
        function(atomic_load(&log_user), (electra_log_level)level, line);
}

void electra_log_to(electra_log_function *function, void *user)
{
    atomic_store(&log_user, user);
    atomic_store(&log_function, function);
    el_log_to(function ? log_sink : NULL);
}

/* ---- for the other files ---- */

el_status el_api_missing(const char *what)
{
    return el_fail(EL_EUSAGE, "%s is NULL", what);
}

el_status el_api_take(void *own, size_t bytes, const void *given)
{
    size_t size = 0;
    memset(own, 0, bytes);
    if (!given)
        return EL_OK;
    memcpy(&size, given, sizeof size);
    if (size == 0)
        size = bytes;
    if (size < sizeof size)
        return el_fail(EL_EUSAGE, "a struct of %zu bytes has no room for its size", size);
    for (size_t i = bytes; i < size; i++)
        if (((const char *)given)[i])
            return el_fail(EL_EUSAGE, "a struct has a field set that libelectra %s does not know",
                           ELECTRA_VERSION);
    memcpy(own, given, size < bytes ? size : bytes);
    return EL_OK;
}

el_status el_api_room(el_api_column *c, size_t count, size_t element)
{
    return el_grow(&c->data, &c->bytes, (count + 1) * element, 1)
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for an answer of %zu parts", count);
}

el_status el_api_check_texts(const electra_text *texts, size_t count)
{
    if (count > INT32_MAX)
        return el_fail(EL_EUSAGE, "%zu texts are too many to be asked about at once", count);
    if (count && !texts)
        return el_api_missing("texts");
    for (size_t i = 0; i < count; i++) {
        if (texts[i].bytes > INT32_MAX)
            return el_fail(EL_EUSAGE, "a text of %zu bytes is too long to be asked about at once",
                           texts[i].bytes);
        if (texts[i].bytes && !texts[i].text)
            return el_api_missing("a text");
    }
    return EL_OK;
}

/* ---- tokenizer ---- */

struct electra_tokenizer {
    el_vocab *vocab;
    el_wordpiece *wordpiece;
    el_ids ids;
    el_spans spans;
    el_api_column tokens, starts;
};

electra_status electra_tokenizer_open(electra_tokenizer **out, const char *path)
{
    if (!out || !path)
        return el_api_said(el_api_missing(out ? "the path" : "the tokenizer's place"));
    electra_tokenizer *const t = calloc(1, sizeof *t);
    if (!t)
        return el_api_said(el_no_memory(path));
    el_status st = el_tokenizer_load(&t->vocab, path, EL_CASING_UNSET);
    if (!st)
        st = el_wordpiece_open(&t->wordpiece, t->vocab, EL_SPECIAL_PLAIN);
    if (!st)
        *out = t;
    else
        electra_tokenizer_close(t);
    return el_api_said(st);
}

electra_status electra_tokenizer_encode(electra_tokenizer *t, const char *text, size_t bytes,
                                        const int32_t **ids, size_t *count)
{
    const electra_text one = {text, bytes};
    el_status st = t && ids && count ? el_api_check_texts(&one, 1)
                                     : el_api_missing("the tokenizer, or a place for its answer,");
    if (st)
        return el_api_said(st);
    t->ids.count = 0;
    st = el_wordpiece_encode(t->wordpiece, el_api_text(&one), bytes, &t->ids);
    if (!st) {
        *ids = t->ids.data;
        *count = t->ids.count;
    }
    return el_api_said(st);
}

static el_status encode_batch(electra_tokenizer *t, const electra_text *texts, size_t count)
{
    t->ids.count = t->spans.count = 0;
    el_status st = el_api_room(&t->starts, count + 1, sizeof(size_t));
    for (size_t i = 0; !st && i < count; i++) {
        ((size_t *)t->starts.data)[i] = t->ids.count;
        st = el_wordpiece_encode_spans(t->wordpiece, el_api_text(&texts[i]), texts[i].bytes, &t->ids,
                                       &t->spans);
    }
    if (!st)
        st = el_api_room(&t->tokens, t->ids.count, sizeof(electra_token));
    if (st)
        return st;
    ((size_t *)t->starts.data)[count] = t->ids.count;
    electra_token *const tokens = t->tokens.data;
    for (size_t i = 0; i < t->ids.count; i++)
        tokens[i] = (electra_token){t->ids.data[i], t->spans.data[i].begin, t->spans.data[i].end};
    return EL_OK;
}

electra_status electra_tokenizer_encode_batch(electra_tokenizer *t, const electra_text *texts, size_t count,
                                              const electra_token **tokens, const size_t **starts)
{
    el_status st = t && tokens && starts ? el_api_check_texts(texts, count)
                                         : el_api_missing("the tokenizer, or a place for its answer,");
    if (!st)
        st = encode_batch(t, texts, count);
    if (!st) {
        *tokens = t->tokens.data;
        *starts = t->starts.data;
    }
    return el_api_said(st);
}

int32_t electra_tokenizer_size(const electra_tokenizer *t)
{
    return t ? t->vocab->size : 0;
}

const char *electra_tokenizer_piece(const electra_tokenizer *t, int32_t id)
{
    return t && id >= 0 && id < t->vocab->size ? t->vocab->pieces[id] : NULL;
}

int32_t electra_tokenizer_find(const electra_tokenizer *t, const char *piece)
{
    return t && piece ? el_vocab_find(t->vocab, piece, strlen(piece)) : -1;
}

void electra_tokenizer_close(electra_tokenizer *t)
{
    if (!t)
        return;
    el_ids_release(&t->ids);
    el_spans_release(&t->spans);
    free(t->tokens.data);
    free(t->starts.data);
    el_wordpiece_close(t->wordpiece);
    el_vocab_close(t->vocab);
    free(t);
}

/* ---- model ---- */

enum { BATCH_TOKENS = 2048, MOST_BATCH_TOKENS = 1 << 24 };

static const el_precision PRECISIONS[] = {EL_PRECISION_FP32, EL_PRECISION_BF16, EL_PRECISION_AUTO,
                                          EL_PRECISION_INT8};

static el_status check_options(const electra_options *o)
{
    if (o->threads < 0)
        return el_fail(EL_EUSAGE, "%d threads cannot work", o->threads);
    if (o->batch_tokens < 0 || o->batch_tokens > MOST_BATCH_TOKENS)
        return el_fail(EL_EUSAGE, "batches of %d tokens: it must be 1 to %d", o->batch_tokens,
                       MOST_BATCH_TOKENS);
    if ((unsigned)o->precision >= sizeof PRECISIONS / sizeof *PRECISIONS)
        return el_fail(EL_EUSAGE, "%d is no precision", (int)o->precision);
    if (o->instruction_set && strncmp(o->instruction_set, "cuda", 4) == 0)
        return el_fail(EL_EUSAGE, "\"%s\" is a GPU: the library asks models on the processor",
                       o->instruction_set);
    return EL_OK;
}

static el_status open_model(electra_model **out, const char *folder, const electra_options *o)
{
    electra_model *const m = calloc(1, sizeof *m);
    if (!m)
        return el_no_memory(folder);
    m->batch_tokens = o->batch_tokens ? o->batch_tokens : BATCH_TOKENS;
    const bool chosen = o->instruction_set && *o->instruction_set;
    const el_status st = el_loaded_open(&m->loaded, folder,
                                        &(el_load_settings){.precision = PRECISIONS[o->precision],
                                                            .threads = o->threads,
                                                            .level = chosen ? o->instruction_set : NULL});
    if (!st)
        *out = m;
    else
        electra_model_close(m);
    return st;
}

electra_status electra_model_open(electra_model **out, const char *folder, const electra_options *options)
{
    electra_options o;
    el_status st = out && folder ? el_api_take(&o, sizeof o, options)
                                 : el_api_missing(out ? "the folder" : "the model's place");
    if (!st)
        st = check_options(&o);
    if (!st)
        st = open_model(out, folder, &o);
    return el_api_said(st);
}

void electra_model_close(electra_model *m)
{
    if (!m)
        return;
    el_loaded_close(m->loaded);
    free(m);
}

static unsigned abilities(const el_loaded *l)
{
    static const unsigned TASKS[EL_TASK_KINDS] = {[EL_CLASSIFY] = ELECTRA_CAN_CLASSIFY,
                                                  [EL_MULTILABEL] = ELECTRA_CAN_CLASSIFY,
                                                  [EL_REGRESS] = ELECTRA_CAN_REGRESS,
                                                  [EL_TAG] = ELECTRA_CAN_TAG,
                                                  [EL_SPAN] = ELECTRA_CAN_ANSWER};
    unsigned can = ELECTRA_CAN_EMBED;
    if (el_model_network(&l->model, EL_DISCRIMINATOR))
        can |= ELECTRA_CAN_DETECT;
    if (el_model_network(&l->model, EL_GENERATOR))
        can |= ELECTRA_CAN_FILL;
    return l->tuned ? can | TASKS[l->card.kind] : can;
}

electra_status electra_model_info(const electra_model *m, electra_info *info)
{
    if (!m || !info)
        return el_api_said(el_api_missing(m ? "the info's place" : "the model"));
    el_loaded *const l = m->loaded;
    const el_config *const c = &l->encoder->config;
    const size_t size = info->size ? info->size : sizeof *info;
    const electra_info whole = {.size = size,
                                .can = abilities(l),
                                .labels = l->card.labels.count,
                                .exclusive = l->tuned && l->card.kind == EL_CLASSIFY,
                                .pairs = l->card.pair,
                                .vocab_size = l->vocab->size,
                                .hidden_size = c->hidden_size,
                                .layers = c->num_hidden_layers,
                                .attention_heads = c->num_attention_heads,
                                .longest = c->max_position_embeddings,
                                .parameters = el_model_parameters(&l->model),
                                .task = l->card.task,
                                .threads = l->threads,
                                .bfloat16 = l->model.activations == EL_BF16,
                                .instruction_set = l->dev->level};
    memcpy(info, &whole, size < sizeof whole ? size : sizeof whole);
    return ELECTRA_OK;
}

const char *electra_model_label(const electra_model *m, int32_t label)
{
    if (!m || label < 0 || label >= m->loaded->card.labels.count)
        return NULL;
    return m->loaded->card.labels.names[label];
}

/* ---- model files ---- */

electra_status electra_import(const char *folder, const char *output)
{
    if (!folder || !output)
        return el_api_said(el_api_missing(folder ? "the output" : "the folder"));
    el_queue *q;
    el_status st = el_queue_open(&q, 1, NULL);
    if (st)
        return el_api_said(st);
    st = el_import(q, folder, &(el_import_settings){.type = EL_ST_F32, .command = "import"}, output);
    el_queue_close(q);
    return el_api_said(st);
}

static const struct {
    const char *format;
    el_st_type type;
} FOLDERS[] = {{"safetensors", EL_ST_F32}, {"safetensors-fp16", EL_ST_F16}, {"safetensors-bf16", EL_ST_BF16}};

electra_status electra_export(const char *folder, const char *format, const char *output)
{
    if (!folder || !format || !output)
        return el_api_said(el_api_missing("the folder, format or output"));
    if (strcmp(format, "onnx") == 0)
        return el_api_said(el_export_onnx(folder, EL_EXPORT_ENCODER, false, output));
    if (strcmp(format, "gguf") == 0)
        return el_api_said(el_export_gguf(folder, EL_EXPORT_ENCODER, EL_ST_F32, output));
    if (strcmp(format, "onnx-int8") == 0)
        return el_api_said(el_export_onnx(folder, EL_EXPORT_ENCODER, true, output));
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        if (strcmp(format, FOLDERS[i].format) == 0)
            return el_api_said(el_export_folder(folder, EL_EXPORT_ENCODER, FOLDERS[i].type, output));
    return el_api_said(el_fail(
        EL_EUSAGE,
        "\"%s\" is no format; onnx, onnx-int8, safetensors, safetensors-fp16, safetensors-bf16 and gguf are",
        format));
}
