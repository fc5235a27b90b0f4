/* onnx - see the header */
#include "format/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/onnx_graph.h"

enum { OPSET = 17, IR_VERSION = 8 };
enum { MASKED = -10000 }; /* added to the scores of padding */

/* ---- the encoder ---- */

static void put_constants(el_onnx_graph *g)
{
    const el_config *const c = &g->model->config;
    const int64_t heads = c->num_attention_heads, size = c->hidden_size / heads;
    el_onnx_scalar(g, "sqrt_two", (float)sqrt(2));
    el_onnx_scalar(g, "one", 1);
    el_onnx_scalar(g, "half", 0.5f);
    el_onnx_scalar(g, "masked", MASKED);
    el_onnx_scalar(g, "sqrt_head_size", (float)sqrt((double)size));
    el_onnx_ints(g, "split_heads", (const int64_t[]){0, 0, heads, size}, 4);
    el_onnx_ints(g, "join_heads", (const int64_t[]){0, 0, c->hidden_size}, 3);
    el_onnx_ints(g, "axis_0", (const int64_t[]){0}, 1);
    el_onnx_ints(g, "axis_1", (const int64_t[]){1}, 1);
    el_onnx_ints(g, "axes_1_2", (const int64_t[]){1, 2}, 2);
    if (g->model->head == EL_HEAD_DETECTION || g->model->head == EL_HEAD_SPAN)
        el_onnx_ints(g, "last_axis", (const int64_t[]){-1}, 1);
    if (g->model->int8)
        el_onnx_int8_constants(g);
}

/* What is added to scores: 0 at tokens, MASKED at padding, (batch, 1, 1, sequence). */
static el_onnx_value mask(el_onnx_graph *g)
{
    const el_onnx_shape s = {4, {EL_ONNX_BATCH, 1, 1, EL_ONNX_SEQUENCE_LENGTH}};
    snprintf(g->scope, sizeof g->scope, "/mask");
    el_onnx_put(
        g,
        (el_onnx_node){
            "Unsqueeze", "Unsqueeze", {"attention_mask", "axes_1_2"}, {"/mask/Unsqueeze_output_0"}, {{0}}});
    el_onnx_declare(g, EL_ONNX_BETWEEN, "/mask/Unsqueeze_output_0", EL_ONNX_INT64, s);
    const el_onnx_value real = el_onnx_computed(
        g, s,
        (el_onnx_node){"Cast",
                       "Cast",
                       {"/mask/Unsqueeze_output_0"},
                       {0},
                       {{.name = "to", .type = EL_ONNX_ATTRIBUTE_INT, .number = EL_ONNX_FLOAT}}});
    const el_onnx_value padding =
        el_onnx_computed(g, s, (el_onnx_node){"Sub", "Sub", {"one", real.text}, {0}, {{0}}});
    return el_onnx_computed(g, s, (el_onnx_node){"Mul", "Mul", {padding.text, "masked"}, {0}, {{0}}});
}

/* The first `sequence_length` rows of the table of positions. */
static el_onnx_value positions(el_onnx_graph *g, el_onnx_value table, int width)
{
    el_onnx_put(g, (el_onnx_node){"Shape", "Shape", {"input_ids"}, {"/embeddings/Shape_output_0"}, {{0}}});
    el_onnx_declare(g, EL_ONNX_BETWEEN, "/embeddings/Shape_output_0", EL_ONNX_INT64, (el_onnx_shape){1, {2}});
    el_onnx_put(g, (el_onnx_node){"Gather",
                                  "Gather_length",
                                  {"/embeddings/Shape_output_0", "axis_1"},
                                  {"/embeddings/length"},
                                  {{0}}});
    el_onnx_declare(g, EL_ONNX_BETWEEN, "/embeddings/length", EL_ONNX_INT64, (el_onnx_shape){1, {1}});
    return el_onnx_computed(
        g, (el_onnx_shape){2, {EL_ONNX_SEQUENCE_LENGTH, width}},
        (el_onnx_node){"Slice", "Slice", {table.text, "axis_0", "/embeddings/length", "axis_0"}, {0}, {{0}}});
}

static el_onnx_value embeddings(el_onnx_graph *g)
{
    const el_config *const c = &g->model->config;
    const int width = c->embedding_size;
    const el_onnx_shape s = el_onnx_rows(width);
    snprintf(g->scope, sizeof g->scope, "/embeddings");
    const el_onnx_value word =
        el_onnx_parameter(g, c->vocab_size, width, "electra.embeddings.word_embeddings.weight");
    const el_onnx_value type =
        el_onnx_parameter(g, c->type_vocab_size, width, "electra.embeddings.token_type_embeddings.weight");
    const el_onnx_value place = el_onnx_parameter(g, c->max_position_embeddings, width,
                                                  "electra.embeddings.position_embeddings.weight");
    const el_onnx_value words =
        el_onnx_computed(g, s, (el_onnx_node){"Gather", "word/Gather", {word.text, "input_ids"}, {0}, {{0}}});
    const el_onnx_value types = el_onnx_computed(
        g, s, (el_onnx_node){"Gather", "type/Gather", {type.text, "token_type_ids"}, {0}, {{0}}});
    const el_onnx_value both = el_onnx_add(g, s, "Add", words, types);
    const el_onnx_value all = el_onnx_add(g, s, "Add_1", both, positions(g, place, width));
    const el_onnx_value normed =
        el_onnx_layer_norm(g, width, "LayerNormalization", "electra.embeddings.LayerNorm", all);
    if (!el_config_projects(c))
        return normed;
    return el_onnx_affine(g, el_onnx_rows(c->hidden_size), "project", "electra.embeddings_project", width,
                          c->hidden_size, normed);
}

/* Queries, keys or values, head by head: (batch, heads, sequence, size), or keys (batch, heads, size, sequence). */
static el_onnx_value by_heads(el_onnx_graph *g, const char *name, const char *weights, bool keys,
                              el_onnx_value x)
{
    const el_config *const c = &g->model->config;
    const int64_t heads = c->num_attention_heads, size = c->hidden_size / heads;
    const el_onnx_value projected =
        el_onnx_affine(g, el_onnx_rows(c->hidden_size), name, weights, c->hidden_size, c->hidden_size, x);
    const el_onnx_value reshape = el_onnx_named("%s/Reshape", name),
                        transpose = el_onnx_named("%s/Transpose", name);
    const el_onnx_value split = el_onnx_computed(
        g, (el_onnx_shape){4, {EL_ONNX_BATCH, EL_ONNX_SEQUENCE_LENGTH, heads, size}},
        (el_onnx_node){"Reshape", reshape.text, {projected.text, "split_heads"}, {0}, {{0}}});
    const el_onnx_shape s = keys ? (el_onnx_shape){4, {EL_ONNX_BATCH, heads, size, EL_ONNX_SEQUENCE_LENGTH}}
                                 : (el_onnx_shape){4, {EL_ONNX_BATCH, heads, EL_ONNX_SEQUENCE_LENGTH, size}};
    return el_onnx_computed(g, s,
                            (el_onnx_node){"Transpose",
                                           transpose.text,
                                           {split.text},
                                           {0},
                                           {{.name = "perm",
                                             .type = EL_ONNX_ATTRIBUTE_INTS,
                                             .count = 4,
                                             .numbers = {0, 2, keys ? 3 : 1, keys ? 1 : 3}}}});
}

static el_onnx_value attention(el_onnx_graph *g, int layer, el_onnx_value masking, el_onnx_value x)
{
    const el_config *const c = &g->model->config;
    const int64_t heads = c->num_attention_heads, size = c->hidden_size / heads;
    const el_onnx_shape square = {4,
                                  {EL_ONNX_BATCH, heads, EL_ONNX_SEQUENCE_LENGTH, EL_ONNX_SEQUENCE_LENGTH}};
    static const char *const PARTS[] = {"query", "key", "value"};
    el_onnx_value qkv[3];
    for (int i = 0; i < 3; i++) {
        const el_onnx_value name = el_onnx_named("attention/self/%s", PARTS[i]);
        const el_onnx_value weights =
            el_onnx_named("electra.encoder.layer.%d.attention.self.%s", layer, PARTS[i]);
        qkv[i] = by_heads(g, name.text, weights.text, i == 1, x);
    }
    const el_onnx_value scores = el_onnx_computed(
        g, square, (el_onnx_node){"MatMul", "attention/self/MatMul", {qkv[0].text, qkv[1].text}, {0}, {{0}}});
    const el_onnx_value scaled = el_onnx_computed(
        g, square, (el_onnx_node){"Div", "attention/self/Div", {scores.text, "sqrt_head_size"}, {0}, {{0}}});
    const el_onnx_value masked = el_onnx_add(g, square, "attention/self/Add", scaled, masking);
    const el_onnx_value shares =
        el_onnx_computed(g, square,
                         (el_onnx_node){"Softmax",
                                        "attention/self/Softmax",
                                        {masked.text},
                                        {0},
                                        {{.name = "axis", .type = EL_ONNX_ATTRIBUTE_INT, .number = -1}}});
    const el_onnx_value mixed = el_onnx_computed(
        g, (el_onnx_shape){4, {EL_ONNX_BATCH, heads, EL_ONNX_SEQUENCE_LENGTH, size}},
        (el_onnx_node){"MatMul", "attention/self/MatMul_1", {shares.text, qkv[2].text}, {0}, {{0}}});
    const el_onnx_value back = el_onnx_computed(
        g, (el_onnx_shape){4, {EL_ONNX_BATCH, EL_ONNX_SEQUENCE_LENGTH, heads, size}},
        (el_onnx_node){
            "Transpose",
            "attention/self/Transpose",
            {mixed.text},
            {0},
            {{.name = "perm", .type = EL_ONNX_ATTRIBUTE_INTS, .count = 4, .numbers = {0, 2, 1, 3}}}});
    const el_onnx_value joined = el_onnx_computed(
        g, el_onnx_rows(c->hidden_size),
        (el_onnx_node){"Reshape", "attention/self/Reshape", {back.text, "join_heads"}, {0}, {{0}}});
    const el_onnx_value weights = el_onnx_named("electra.encoder.layer.%d.attention.output.dense", layer);
    const el_onnx_value norm = el_onnx_named("electra.encoder.layer.%d.attention.output.LayerNorm", layer);
    const el_onnx_value out = el_onnx_affine(g, el_onnx_rows(c->hidden_size), "attention/output/dense",
                                             weights.text, c->hidden_size, c->hidden_size, joined);
    const el_onnx_value sum = el_onnx_add(g, el_onnx_rows(c->hidden_size), "attention/output/Add", out, x);
    return el_onnx_layer_norm(g, c->hidden_size, "attention/output/LayerNormalization", norm.text, sum);
}

static el_onnx_value feed_forward(el_onnx_graph *g, int layer, el_onnx_value x)
{
    const el_config *const c = &g->model->config;
    const el_onnx_value up = el_onnx_named("electra.encoder.layer.%d.intermediate.dense", layer);
    const el_onnx_value down = el_onnx_named("electra.encoder.layer.%d.output.dense", layer);
    const el_onnx_value norm = el_onnx_named("electra.encoder.layer.%d.output.LayerNorm", layer);
    const el_onnx_shape inner = el_onnx_rows(c->intermediate_size), outer = el_onnx_rows(c->hidden_size);
    const el_onnx_value wide =
        el_onnx_affine(g, inner, "intermediate/dense", up.text, c->hidden_size, c->intermediate_size, x);
    const el_onnx_value active = el_onnx_gelu(g, inner, "intermediate/gelu", wide);
    const el_onnx_value narrow =
        el_onnx_affine(g, outer, "output/dense", down.text, c->intermediate_size, c->hidden_size, active);
    const el_onnx_value sum = el_onnx_add(g, outer, "output/Add", narrow, x);
    return el_onnx_layer_norm(g, c->hidden_size, "output/LayerNormalization", norm.text, sum);
}

/* ---- heads ---- */

/* The last node of a head, whose output is one of the graph's. */
static void output(el_onnx_graph *g, const char *name, el_onnx_shape s, el_onnx_node n)
{
    n.outputs[0] = name;
    el_onnx_put(g, n);
    el_onnx_declare(g, EL_ONNX_OUTPUT, name, EL_ONNX_FLOAT, s);
}

static void give(el_onnx_graph *g, const char *name, el_onnx_shape s, el_onnx_value x)
{
    const el_onnx_value node_name = el_onnx_named("%s/Identity", name);
    output(g, name, s, (el_onnx_node){"Identity", node_name.text, {x.text}, {0}, {{0}}});
}

static void detection(el_onnx_graph *g, el_onnx_value x)
{
    const int h = g->model->config.hidden_size;
    const el_onnx_value dense =
        el_onnx_affine(g, el_onnx_rows(h), "dense", "discriminator_predictions.dense", h, h, x);
    const el_onnx_value active = el_onnx_gelu(g, el_onnx_rows(h), "gelu", dense);
    const el_onnx_value column = el_onnx_affine(g, el_onnx_rows(1), "dense_prediction",
                                                "discriminator_predictions.dense_prediction", h, 1, active);
    output(g, "logits", (el_onnx_shape){2, {EL_ONNX_BATCH, EL_ONNX_SEQUENCE_LENGTH}},
           (el_onnx_node){"Squeeze", "Squeeze", {column.text, "last_axis"}, {0}, {{0}}});
}

static void masked_lm(el_onnx_graph *g, el_onnx_value x)
{
    const el_config *const c = &g->model->config;
    const int e = c->embedding_size, v = c->vocab_size;
    const el_onnx_value dense =
        el_onnx_affine(g, el_onnx_rows(e), "dense", "generator_predictions.dense", c->hidden_size, e, x);
    const el_onnx_value active = el_onnx_gelu(g, el_onnx_rows(e), "gelu", dense);
    const el_onnx_value normed =
        el_onnx_layer_norm(g, e, "LayerNormalization", "generator_predictions.LayerNorm", active);
    const el_onnx_value table = el_onnx_computed(
        g, (el_onnx_shape){2, {e, v}},
        (el_onnx_node){"Transpose",
                       "Transpose",
                       {"electra.embeddings.word_embeddings.weight"},
                       {0},
                       {{.name = "perm", .type = EL_ONNX_ATTRIBUTE_INTS, .count = 2, .numbers = {1, 0}}}});
    const el_onnx_value bias = el_onnx_parameter(g, v, 0, "generator_lm_head.bias");
    const el_onnx_value product = el_onnx_computed(
        g, el_onnx_rows(v), (el_onnx_node){"MatMul", "MatMul", {normed.text, table.text}, {0}, {{0}}});
    output(g, "logits", el_onnx_rows(v), (el_onnx_node){"Add", "Add", {product.text, bias.text}, {0}, {{0}}});
}

/* x (high - low) + low */
static el_onnx_value number(el_onnx_graph *g, el_onnx_shape s, el_onnx_value x)
{
    const el_onnx *const m = g->model;
    if (!(m->low < m->high))
        return x;
    const el_onnx_value range = el_onnx_scalar(g, "range", (float)(m->high - m->low));
    const el_onnx_value low = el_onnx_scalar(g, "low", (float)m->low);
    const el_onnx_value wide =
        el_onnx_computed(g, s, (el_onnx_node){"Mul", "range/Mul", {x.text, range.text}, {0}, {{0}}});
    return el_onnx_add(g, s, "range/Add", wide, low);
}

static void sequence(el_onnx_graph *g, el_onnx_value x)
{
    const int h = g->model->config.hidden_size, labels = g->model->labels;
    const el_head_kind kind = g->model->head;
    const el_onnx_shape wide = {2, {EL_ONNX_BATCH, h}}, narrow = {2, {EL_ONNX_BATCH, labels}};
    const el_onnx_value first =
        el_onnx_computed(g, (el_onnx_shape){3, {EL_ONNX_BATCH, 1, h}},
                         (el_onnx_node){"Gather",
                                        "Gather",
                                        {x.text, "axis_0"},
                                        {0},
                                        {{.name = "axis", .type = EL_ONNX_ATTRIBUTE_INT, .number = 1}}});
    el_onnx_value read =
        el_onnx_computed(g, wide, (el_onnx_node){"Squeeze", "Squeeze", {first.text, "axis_1"}, {0}, {{0}}});
    if (kind == EL_HEAD_SEQUENCE)
        read =
            el_onnx_gelu(g, wide, "gelu", el_onnx_affine(g, wide, "dense", "classifier.dense", h, h, read));
    if (kind == EL_HEAD_POOLED) {
        const el_onnx_value dense = el_onnx_affine(g, wide, "pooler", EL_POOLER "dense", h, h, read);
        read = el_onnx_computed(g, wide, (el_onnx_node){"Tanh", "Tanh", {dense.text}, {0}, {{0}}});
    }
    const char *const weights = kind == EL_HEAD_SEQUENCE ? "classifier.out_proj"
                                : kind == EL_HEAD_POOLED ? "classifier"
                                                         : "task_specific.out";
    give(g, "logits", narrow, number(g, narrow, el_onnx_affine(g, narrow, "out", weights, h, labels, read)));
}

static void span(el_onnx_graph *g, el_onnx_value x)
{
    const int h = g->model->config.hidden_size;
    const el_onnx_value both = el_onnx_affine(g, el_onnx_rows(2), "qa_outputs", "qa_outputs", h, 2, x);
    el_onnx_put(g, (el_onnx_node){"Split",
                                  "Split",
                                  {both.text},
                                  {"/head/start", "/head/end"},
                                  {{.name = "axis", .type = EL_ONNX_ATTRIBUTE_INT, .number = -1}}});
    el_onnx_declare(g, EL_ONNX_BETWEEN, "/head/start", EL_ONNX_FLOAT, el_onnx_rows(1));
    el_onnx_declare(g, EL_ONNX_BETWEEN, "/head/end", EL_ONNX_FLOAT, el_onnx_rows(1));
    const el_onnx_shape s = {2, {EL_ONNX_BATCH, EL_ONNX_SEQUENCE_LENGTH}};
    output(g, "start_logits", s,
           (el_onnx_node){"Squeeze", "Squeeze", {"/head/start", "last_axis"}, {0}, {{0}}});
    output(g, "end_logits", s,
           (el_onnx_node){"Squeeze", "Squeeze_1", {"/head/end", "last_axis"}, {0}, {{0}}});
}

static void head(el_onnx_graph *g, el_onnx_value x)
{
    const int h = g->model->config.hidden_size, labels = g->model->labels;
    snprintf(g->scope, sizeof g->scope, "/head");
    switch (g->model->head) {
    case EL_HEAD_DETECTION:
        detection(g, x);
        break;
    case EL_HEAD_MLM:
        masked_lm(g, x);
        break;
    case EL_HEAD_SEQUENCE:
    case EL_HEAD_SEQUENCE_AFFINE:
    case EL_HEAD_POOLED:
        sequence(g, x);
        break;
    case EL_HEAD_TOKEN:
        give(g, "logits", el_onnx_rows(labels),
             el_onnx_affine(g, el_onnx_rows(labels), "classifier", "classifier", h, labels, x));
        break;
    case EL_HEAD_SPAN:
        span(g, x);
        break;
    default:
        break;
    }
    give(g, "last_hidden_state", el_onnx_rows(h), x);
}

/* ---- the file ---- */

static void put_graph(el_protobuf *pb, void *context)
{
    el_onnx_graph *const g = context;
    const el_onnx_shape ids = {2, {EL_ONNX_BATCH, EL_ONNX_SEQUENCE_LENGTH}};
    g->pb = pb;
    g->quantised = (el_onnx_quantised){0};
    el_protobuf_string(pb, 2, "electra");
    el_onnx_declare(g, EL_ONNX_INPUT, "input_ids", EL_ONNX_INT64, ids);
    el_onnx_declare(g, EL_ONNX_INPUT, "attention_mask", EL_ONNX_INT64, ids);
    el_onnx_declare(g, EL_ONNX_INPUT, "token_type_ids", EL_ONNX_INT64, ids);
    put_constants(g);
    g->int8 = g->model->int8;
    el_onnx_value x = embeddings(g);
    const el_onnx_value masking = mask(g);
    for (int layer = 0; layer < g->model->config.num_hidden_layers; layer++) {
        snprintf(g->scope, sizeof g->scope, "/encoder/layer.%d", layer);
        x = attention(g, layer, masking, x);
        x = feed_forward(g, layer, x);
    }
    g->int8 = false; /* heads are small */
    head(g, x);
}

static void put_opset(el_protobuf *pb, void *context)
{
    (void)context;
    el_protobuf_string(pb, 1, "");
    el_protobuf_int(pb, 2, OPSET);
}

static void put_model(el_protobuf *pb, el_onnx_graph *g)
{
    el_protobuf_int(pb, 1, IR_VERSION);
    el_protobuf_string(pb, 2, "electra");
    el_protobuf_string(pb, 3, g->model->version);
    el_protobuf_message(pb, 8, put_opset, NULL);
    el_protobuf_message(pb, 7, put_graph, g);
}

enum { PROTOBUF_LIMIT = 0x7fffffff }; /* bytes: readers take no larger message */

el_status el_onnx_write(const el_onnx *m, const char *path)
{
    el_status status = EL_OK;
    el_onnx_graph g = {.model = m, .status = &status};
    el_protobuf pb = {0};
    put_model(&pb, &g);
    g.numbers = malloc((size_t)g.most * sizeof(float));
    g.column = malloc((size_t)g.longest * sizeof(float));
    el_writer *out = NULL;
    if (!g.numbers || !g.column)
        status = el_fail(EL_ENOMEM, "%s: no memory for %lld numbers", path, (long long)g.most);
    else if (pb.bytes > PROTOBUF_LIMIT)
        status = el_fail(EL_EFAILED, "%s: the model takes %llu bytes; an ONNX file holds at most %d", path,
                         (unsigned long long)pb.bytes, PROTOBUF_LIMIT);
    else
        status = el_writer_open(&out, path);
    if (!status) {
        pb = (el_protobuf){.out = out};
        put_model(&pb, &g);
    }
    if (!status)
        status = el_writer_finish(out);
    else
        el_writer_abandon(out);
    free(g.numbers);
    free(g.column);
    return status;
}
