/* gguf - see the header
 *
 *   "GGUF", 3, number of tensors, number of values      u32, u64
 *   values    key, type, value                          strings: u64 bytes, then they
 *   tensors   name, dimensions (the last of ours first), type, place among the data
 *   data      each tensor at a multiple of 32 bytes
 *
 * It is walked twice: to count, and to write.
 */
#include "format/gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/narrow.h"

enum { VERSION = 3, ALIGNMENT = 32 };
enum { TYPE_U32 = 4, TYPE_I32, TYPE_F32, TYPE_BOOL, TYPE_STRING, TYPE_ARRAY }; /* of values */
enum { TENSOR_F32, TENSOR_F16 };
enum { POOLING_MEAN = 1, POOLING_CLS };
enum { NORMAL = 1, CONTROL = 3, UNUSED = 5 }; /* of tokens */

typedef struct {
    const el_gguf *model;
    el_writer *out; /* NULL: things are counted */
    uint64_t values, tensors, bytes, place;
    int64_t most;   /* numbers of the largest parameter so far */
    float *numbers; /* room for the largest one */
    el_status status;
} file;

static void put(file *f, const void *data, size_t bytes)
{
    f->bytes += bytes;
    if (f->out)
        el_writer_put(f->out, data, bytes);
}

static void put_u32(file *f, uint32_t number)
{
    put(f, &number, sizeof number);
}

static void put_u64(file *f, uint64_t number)
{
    put(f, &number, sizeof number);
}

static void put_string(file *f, const char *string)
{
    put_u64(f, strlen(string));
    put(f, string, strlen(string));
}

static void align(file *f)
{
    static const char zeros[ALIGNMENT];
    put(f, zeros, (ALIGNMENT - f->bytes % ALIGNMENT) % ALIGNMENT);
}

/* ---- values ---- */

static void key(file *f, const char *name, uint32_t type)
{
    f->values++;
    put_string(f, name);
    put_u32(f, type);
}

static void value_u32(file *f, const char *name, int number)
{
    key(f, name, TYPE_U32);
    put_u32(f, (uint32_t)number);
}

static void value_bool(file *f, const char *name, bool is)
{
    const char byte = is;
    key(f, name, TYPE_BOOL);
    put(f, &byte, 1);
}

static void value_string(file *f, const char *name, const char *string)
{
    key(f, name, TYPE_STRING);
    put_string(f, string);
}

static void value_array(file *f, const char *name, uint32_t type, int count)
{
    key(f, name, TYPE_ARRAY);
    put_u32(f, type);
    put_u64(f, (uint64_t)count);
}

static void put_network(file *f)
{
    const el_config *const c = &f->model->config;
    const float epsilon = (float)c->layer_norm_eps;
    value_string(f, "general.architecture", "bert");
    value_string(f, "general.type", "model");
    value_u32(f, "general.file_type", f->model->type == EL_ST_F16);
    value_u32(f, "bert.block_count", c->num_hidden_layers);
    value_u32(f, "bert.context_length", c->max_position_embeddings);
    value_u32(f, "bert.embedding_length", c->hidden_size);
    value_u32(f, "bert.feed_forward_length", c->intermediate_size);
    value_u32(f, "bert.attention.head_count", c->num_attention_heads);
    key(f, "bert.attention.layer_norm_epsilon", TYPE_F32);
    put(f, &epsilon, sizeof epsilon);
    value_bool(f, "bert.attention.causal", false);
    value_u32(f, "bert.pooling_type", f->model->cls ? POOLING_CLS : POOLING_MEAN);
}

/* An id without a piece has none to give there, nor has the id of a line that vocab.txt repeats: llama.cpp ends where
 * two tokens are alike. */
static bool has_piece(const el_vocab *v, int id)
{
    const char *const piece = id < v->size ? v->pieces[id] : "";
    return *piece && (id >= v->lines || el_vocab_find(v, piece, strlen(piece)) == id);
}

/* There, what begins a word has a mark and what goes on with one has none. */
static void put_token(file *f, const el_vocab *v, int id)
{
    const char *const piece = has_piece(v, id) ? v->pieces[id] : "";
    const size_t bytes = strlen(piece);
    char name[32];
    snprintf(name, sizeof name, "[PAD%d]", id);
    if (!bytes)
        put_string(f, name);
    else if (piece[0] == '[' && piece[bytes - 1] == ']' && bytes > 1)
        put_string(f, piece);
    else if (el_vocab_continues(v, id))
        put_string(f, piece + strlen(v->options.prefix));
    else {
        put_u64(f, bytes + 3);
        put(f, "\xe2\x96\x81", 3);
        put(f, piece, bytes);
    }
}

static void put_tokens(file *f)
{
    const el_vocab *const v = f->model->vocab;
    const int count = f->model->config.vocab_size;
    value_string(f, "tokenizer.ggml.model", "bert");
    value_string(f, "tokenizer.ggml.pre", "default");
    value_array(f, "tokenizer.ggml.tokens", TYPE_STRING, count);
    for (int id = 0; id < count; id++)
        put_token(f, v, id);
    value_array(f, "tokenizer.ggml.token_type", TYPE_I32, count);
    for (int id = 0; id < count; id++)
        put_u32(f, !has_piece(v, id) ? UNUSED : el_vocab_is_special(v, id) ? CONTROL : NORMAL);
    value_u32(f, "tokenizer.ggml.token_type_count", f->model->config.type_vocab_size);
    value_u32(f, "tokenizer.ggml.bos_token_id", v->cls);
    value_u32(f, "tokenizer.ggml.cls_token_id", v->cls);
    value_u32(f, "tokenizer.ggml.seperator_token_id", v->sep); /* as it is spelled there */
    value_u32(f, "tokenizer.ggml.unknown_token_id", v->unk);
    value_u32(f, "tokenizer.ggml.padding_token_id", v->pad);
    value_u32(f, "tokenizer.ggml.mask_token_id", v->mask);
    value_bool(f, "tokenizer.ggml.normalizer.lowercase", v->casing.lowercase);
    value_bool(f, "tokenizer.ggml.normalizer.strip_accents", v->casing.strip_accents);
}

/* ---- tensors ---- */

/* A parameter of rows x cols, or of `cols` alone (rows 0). */
typedef void visitor(file *f, const char *name, const char *parameter, int rows, int cols);

static bool is_narrow(const file *f, int rows, const char *name)
{
    return f->model->type == EL_ST_F16 && rows && strcmp(name, "position_embd.weight") != 0 &&
           strcmp(name, "token_types.weight") != 0; /* these two are always floats there */
}

static uint64_t bytes_of(const file *f, const char *name, int rows, int cols)
{
    return (uint64_t)(rows ? rows : 1) * (uint64_t)cols * (is_narrow(f, rows, name) ? 2 : 4);
}

static void put_description(file *f, const char *name, const char *parameter, int rows, int cols)
{
    const int64_t count = (int64_t)(rows ? rows : 1) * cols;
    (void)parameter;
    f->tensors++;
    f->most = count > f->most ? count : f->most;
    put_string(f, name);
    put_u32(f, rows ? 2 : 1);
    put_u64(f, (uint64_t)cols);
    if (rows)
        put_u64(f, (uint64_t)rows);
    put_u32(f, is_narrow(f, rows, name) ? TENSOR_F16 : TENSOR_F32);
    put_u64(f, f->place);
    f->place += (bytes_of(f, name, rows, cols) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void put_data(file *f, const char *name, const char *parameter, int rows, int cols)
{
    const int64_t count = (int64_t)(rows ? rows : 1) * cols;
    if (!f->status)
        f->status = f->model->read(f->model->context, parameter, rows, cols, f->numbers);
    if (!f->status && is_narrow(f, rows, name) && !el_narrow(EL_ST_F16, f->numbers, count))
        f->status = el_fail(EL_EDATA, "%s has a number that fp16 cannot hold", parameter);
    if (!f->status)
        put(f, f->numbers, bytes_of(f, name, rows, cols));
    align(f);
}

/* A layer's weight of rows x cols and its bias; of LayerNorm, two rows of `cols` (rows 0). */
static void visit_layer(file *f, visitor *visit, int layer, const char *name, const char *parameter, int rows,
                        int cols)
{
    char there[64], here[112];
    for (int bias = 0; bias < 2; bias++) {
        const char *const part = bias ? "bias" : "weight";
        snprintf(there, sizeof there, "blk.%d.%s.%s", layer, name, part);
        snprintf(here, sizeof here, "electra.encoder.layer.%d.%s.%s", layer, parameter, part);
        visit(f, there, here, bias ? 0 : rows, bias && rows ? rows : cols);
    }
}

static void visit_all(file *f, visitor *visit)
{
    const el_config *const c = &f->model->config;
    const int h = c->hidden_size, inner = c->intermediate_size;
    visit(f, "token_embd.weight", "electra.embeddings.word_embeddings.weight", c->vocab_size, h);
    visit(f, "token_types.weight", "electra.embeddings.token_type_embeddings.weight", c->type_vocab_size, h);
    visit(f, "position_embd.weight", "electra.embeddings.position_embeddings.weight",
          c->max_position_embeddings, h);
    visit(f, "token_embd_norm.weight", "electra.embeddings.LayerNorm.weight", 0, h);
    visit(f, "token_embd_norm.bias", "electra.embeddings.LayerNorm.bias", 0, h);
    for (int i = 0; i < c->num_hidden_layers; i++) {
        visit_layer(f, visit, i, "attn_q", "attention.self.query", h, h);
        visit_layer(f, visit, i, "attn_k", "attention.self.key", h, h);
        visit_layer(f, visit, i, "attn_v", "attention.self.value", h, h);
        visit_layer(f, visit, i, "attn_output", "attention.output.dense", h, h);
        visit_layer(f, visit, i, "attn_output_norm", "attention.output.LayerNorm", 0, h);
        visit_layer(f, visit, i, "ffn_up", "intermediate.dense", inner, h);
        visit_layer(f, visit, i, "ffn_down", "output.dense", h, inner);
        visit_layer(f, visit, i, "layer_output_norm", "output.LayerNorm", 0, h);
    }
}

/* ---- the file ---- */

static void put_all(file *f, uint64_t tensors, uint64_t values)
{
    put(f, "GGUF", 4);
    put_u32(f, VERSION);
    put_u64(f, tensors);
    put_u64(f, values);
    put_network(f);
    put_tokens(f);
    visit_all(f, put_description);
    align(f);
}

static el_status check(const el_gguf *m, const char *path)
{
    const el_config *const c = &m->config;
    if (el_config_different_layers(c) < c->num_hidden_layers || c->causal || el_config_relative(c))
        return el_fail(EL_EUSAGE,
                       "%s: GGUF's \"bert\" has neither shared layers, nor one direction, nor distances",
                       path);
    if (el_config_projects(c))
        return el_fail(
            EL_EUSAGE,
            "%s: GGUF's \"bert\" has no projection of embeddings: this model's projects from %d to %d", path,
            c->embedding_size, c->hidden_size);
    if (m->vocab->beyond[0] || !m->vocab->casing.chinese_chars)
        return el_fail(EL_EUSAGE, "%s: GGUF's \"bert\" reads text as BERT does; this tokenizer says %s", path,
                       m->vocab->beyond[0] ? m->vocab->beyond : "that Chinese characters are no words");
    return EL_OK;
}

el_status el_gguf_write(const el_gguf *m, const char *path)
{
    el_status st = check(m, path);
    if (st)
        return st;
    file counted = {.model = m};
    put_all(&counted, 0, 0);
    file f = {.model = m, .numbers = malloc((size_t)counted.most * sizeof(float))};
    st = f.numbers ? el_writer_open(&f.out, path) : el_no_memory(path);
    if (!st) {
        put_all(&f, counted.tensors, counted.values);
        visit_all(&f, put_data);
        st = f.status;
    }
    if (!st)
        st = el_writer_finish(f.out);
    else
        el_writer_abandon(f.out);
    free(f.numbers);
    return st;
}
