/* onnx_graph - see the header */
#include "format/onnx_graph.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "ops/device.h"

el_onnx_value el_onnx_named(const char *format, ...)
{
    el_onnx_value v;
    va_list arguments;
    va_start(arguments, format);
    const int bytes = vsnprintf(v.text, sizeof v.text, format, arguments);
    va_end(arguments);
    assert(bytes < (int)sizeof v.text);
    return v;
}

/* ---- ValueInfoProto ---- */

typedef struct {
    const char *name;
    int type;
    el_onnx_shape shape;
} info;

static void put_dim(el_protobuf *pb, void *context)
{
    const int64_t dim = *(const int64_t *)context;
    if (dim >= 0)
        el_protobuf_int(pb, 1, dim);
    else
        el_protobuf_string(pb, 2, dim == EL_ONNX_BATCH ? "batch_size" : "sequence_length");
}

static void put_shape(el_protobuf *pb, void *context)
{
    info *const i = context;
    for (int d = 0; d < i->shape.rank; d++)
        el_protobuf_message(pb, 1, put_dim, &i->shape.dims[d]);
}

static void put_tensor_type(el_protobuf *pb, void *context)
{
    el_protobuf_int(pb, 1, ((info *)context)->type);
    el_protobuf_message(pb, 2, put_shape, context);
}

static void put_type(el_protobuf *pb, void *context)
{
    el_protobuf_message(pb, 1, put_tensor_type, context);
}

static void put_info(el_protobuf *pb, void *context)
{
    el_protobuf_string(pb, 1, ((info *)context)->name);
    el_protobuf_message(pb, 2, put_type, context);
}

void el_onnx_declare(el_onnx_graph *g, el_onnx_place place, const char *name, int type, el_onnx_shape s)
{
    info i = {name, type, s};
    el_protobuf_message(g->pb, (int)place, put_info, &i);
}

/* ---- TensorProto ---- */

/* How a parameter goes into the file: as it is stored; or the weight (out, in) of an affine map the other way round, in
 * floats or as 8-bit numbers; or what 1 of those stands for in each of its rows, or the sum of all in one. */
typedef enum { STORED, TRANSPOSED, QUANTISED, SCALES, TOTALS } form;

typedef struct {
    el_onnx_graph *g;
    const char *name, *parameter; /* parameter: Hugging Face's name, or NULL where `data` is given */
    int type, rank;
    int64_t dims[2]; /* in the graph */
    form form;
    int64_t in; /* columns of a weight that is not as it is stored */
    const void *data;
} constant;

static int64_t elements(const constant *c)
{
    int64_t count = 1;
    for (int d = 0; d < c->rank; d++)
        count *= c->dims[d];
    return count;
}

static size_t element_bytes(const constant *c)
{
    return c->type == EL_ONNX_INT64 ? sizeof(int64_t) : c->type == EL_ONNX_UINT8 ? 1 : sizeof(float);
}

static void put_transposed(el_protobuf *pb, el_onnx_graph *g, int64_t in, int64_t out)
{
    for (int64_t row = 0; row < in; row++) {
        for (int64_t col = 0; col < out; col++)
            g->column[col] = g->numbers[col * in + row];
        el_protobuf_raw(pb, g->column, (size_t)out * sizeof(float));
    }
}

/* As the device's products do it (ops/cpu/kernels/product_int8.c). */
static void quantise(float *numbers, int64_t in, int64_t out, float *scales)
{
    for (int64_t row = 0; row < out; row++, numbers += in) {
        float most = 0;
        for (int64_t i = 0; i < in; i++)
            most = fmaxf(most, fabsf(numbers[i]));
        scales[row] = most / 127;
        const float inverse = scales[row] > FLT_MIN ? 1 / scales[row] : 0;
        for (int64_t i = 0; i < in; i++)
            numbers[i] = nearbyintf(numbers[i] * inverse);
    }
}

static void put_quantised(el_protobuf *pb, el_onnx_graph *g, int64_t in, int64_t rows, int64_t out)
{
    uint8_t *const row = (uint8_t *)g->column;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t col = 0; col < out; col++)
            row[col] = (uint8_t)(EL_ONNX_WHOLE_ZERO + (i < in ? (int)g->numbers[col * in + i] : 0));
        el_protobuf_raw(pb, row, (size_t)out);
    }
}

/* The sums of rows of quantised numbers, in the place of their scales. */
static void add_up(const float *numbers, int64_t in, int64_t out, float *scales)
{
    for (int64_t row = 0; row < out; row++, numbers += in) {
        float sum = 0; /* of whole numbers */
        for (int64_t i = 0; i < in; i++)
            sum += numbers[i];
        scales[row] *= sum;
    }
}

/* A parameter's shape as it is stored (rows 0: a vector), and how many numbers that is. */
static int64_t stored(const constant *c, int64_t *rows, int64_t *cols)
{
    const int64_t row = c->dims[c->rank - 1];
    *rows = c->form != STORED ? row : c->rank == 2 ? c->dims[0] : 0;
    *cols = c->form != STORED ? c->in : row;
    return (*rows ? *rows : 1) * *cols;
}

static void put_parameter(el_protobuf *pb, const constant *c)
{
    el_onnx_graph *const g = c->g;
    int64_t rows, cols;
    const int64_t out = c->dims[c->rank - 1], count = stored(c, &rows, &cols);
    if (!*g->status)
        *g->status = g->model->read(g->model->context, c->parameter, rows, cols, g->numbers);
    if (*g->status)
        return;
    if (c->form >= QUANTISED)
        quantise(g->numbers, c->in, out, g->column);
    if (c->form == TOTALS)
        add_up(g->numbers, c->in, out, g->column);
    if (c->form == STORED)
        el_protobuf_raw(pb, g->numbers, (size_t)count * sizeof(float));
    else if (c->form == TRANSPOSED)
        put_transposed(pb, g, c->in, out);
    else if (c->form == QUANTISED)
        put_quantised(pb, g, c->in, c->dims[0], out);
    else
        el_protobuf_raw(pb, g->column, (size_t)out * sizeof(float));
}

static void put_constant(el_protobuf *pb, void *context)
{
    const constant *const c = context;
    const uint64_t bytes = (uint64_t)elements(c) * element_bytes(c);
    for (int d = 0; d < c->rank; d++)
        el_protobuf_int(pb, 1, c->dims[d]);
    el_protobuf_int(pb, 2, c->type);
    el_protobuf_string(pb, 8, c->name);
    el_protobuf_begin_bytes(pb, 9, bytes);
    if (!el_protobuf_writes(pb))
        pb->bytes += bytes;
    else if (c->data)
        el_protobuf_raw(pb, c->data, bytes);
    else
        put_parameter(pb, c);
}

static el_onnx_value put_named_constant(el_onnx_graph *g, constant c)
{
    const el_onnx_value v = el_onnx_named("%s", c.name);
    c.g = g;
    if (c.parameter) {
        int64_t rows, cols;
        const int64_t count = stored(&c, &rows, &cols), row = c.dims[c.rank - 1];
        g->most = count > g->most ? count : g->most;
        g->longest = row > g->longest ? row : g->longest;
    }
    el_protobuf_message(g->pb, 5, put_constant, &c);
    return v;
}

/* A vector (cols 0) or a table as it is stored. */
el_onnx_value el_onnx_parameter(el_onnx_graph *g, int64_t rows, int64_t cols, const char *format, ...)
{
    char name[112];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return put_named_constant(g, (constant){.name = name,
                                            .parameter = name,
                                            .type = EL_ONNX_FLOAT,
                                            .rank = cols ? 2 : 1,
                                            .dims = {rows, cols}});
}

/* The weight (out, in) of an affine map, as the (in, out) that MatMul wants. */
static el_onnx_value transposed(el_onnx_graph *g, int64_t in, int64_t out, const char *name)
{
    const el_onnx_value v = el_onnx_named("%s", name);
    return put_named_constant(g, (constant){.name = v.text,
                                            .parameter = name,
                                            .type = EL_ONNX_FLOAT,
                                            .rank = 2,
                                            .dims = {in, out},
                                            .form = TRANSPOSED,
                                            .in = in});
}

static el_onnx_value of_columns(el_onnx_graph *g, int64_t in, int64_t out, const char *name, const char *what,
                                form how)
{
    const el_onnx_value v = el_onnx_named("%s_%s", name, what);
    return put_named_constant(g, (constant){.name = v.text,
                                            .parameter = name,
                                            .type = EL_ONNX_FLOAT,
                                            .rank = 1,
                                            .dims = {out},
                                            .form = how,
                                            .in = in});
}

el_onnx_value el_onnx_quantised_weight(el_onnx_graph *g, int in, int zeros, int out, const char *name,
                                       el_onnx_value *scales, el_onnx_value *totals)
{
    const el_onnx_value numbers = el_onnx_named("%s_quantized", name);
    *scales = of_columns(g, in, out, name, "scale", SCALES);
    *totals = of_columns(g, in, out, name, "total", TOTALS);
    return put_named_constant(g, (constant){.name = numbers.text,
                                            .parameter = name,
                                            .type = EL_ONNX_UINT8,
                                            .rank = 2,
                                            .dims = {in + zeros, out},
                                            .form = QUANTISED,
                                            .in = in});
}

el_onnx_value el_onnx_ints(el_onnx_graph *g, const char *name, const int64_t *numbers, int count)
{
    return put_named_constant(
        g, (constant){.name = name, .type = EL_ONNX_INT64, .rank = 1, .dims = {count}, .data = numbers});
}

el_onnx_value el_onnx_floats(el_onnx_graph *g, const char *name, const float *numbers, int count)
{
    return put_named_constant(
        g, (constant){.name = name, .type = EL_ONNX_FLOAT, .rank = 1, .dims = {count}, .data = numbers});
}

el_onnx_value el_onnx_scalar(el_onnx_graph *g, const char *name, float number)
{
    return put_named_constant(g, (constant){.name = name, .type = EL_ONNX_FLOAT, .rank = 0, .data = &number});
}

el_onnx_value el_onnx_byte(el_onnx_graph *g, const char *name, uint8_t number)
{
    return put_named_constant(g, (constant){.name = name, .type = EL_ONNX_UINT8, .rank = 0, .data = &number});
}

/* ---- NodeProto ---- */

static void put_attribute(el_protobuf *pb, void *context)
{
    const el_onnx_attribute *const a = context;
    el_protobuf_string(pb, 1, a->name);
    if (a->type == EL_ONNX_ATTRIBUTE_REAL)
        el_protobuf_float(pb, 2, a->real);
    if (a->type == EL_ONNX_ATTRIBUTE_INT)
        el_protobuf_int(pb, 3, a->number);
    for (int i = 0; i < a->count; i++)
        el_protobuf_int(pb, 8, a->numbers[i]);
    el_protobuf_int(pb, 20, a->type);
}

static void put_node(el_protobuf *pb, void *context)
{
    el_onnx_node *const n = context;
    for (int i = 0; i < 4 && n->inputs[i]; i++)
        el_protobuf_string(pb, 1, n->inputs[i]);
    for (int i = 0; i < 3 && n->outputs[i]; i++)
        el_protobuf_string(pb, 2, n->outputs[i]);
    el_protobuf_string(pb, 3, n->name);
    el_protobuf_string(pb, 4, n->op);
    for (int i = 0; i < 2 && n->attributes[i].name; i++)
        el_protobuf_message(pb, 5, put_attribute, &n->attributes[i]);
}

void el_onnx_put(el_onnx_graph *g, el_onnx_node n)
{
    const el_onnx_value name = el_onnx_named("%s/%s", g->scope, n.name);
    n.name = name.text;
    el_protobuf_message(g->pb, 1, put_node, &n);
}

/* A node with one float output of a known el_onnx_shape, named after it. */
el_onnx_value el_onnx_computed(el_onnx_graph *g, el_onnx_shape s, el_onnx_node n)
{
    const el_onnx_value out = el_onnx_named("%s/%s_output_0", g->scope, n.name);
    n.outputs[0] = out.text;
    el_onnx_put(g, n);
    el_onnx_declare(g, EL_ONNX_BETWEEN, out.text, EL_ONNX_FLOAT, s);
    return out;
}

/* ---- what networks are made of ---- */

el_onnx_shape el_onnx_rows(int64_t width)
{
    return (el_onnx_shape){3, {EL_ONNX_BATCH, EL_ONNX_SEQUENCE_LENGTH, width}};
}

static el_onnx_value float_product(el_onnx_graph *g, el_onnx_shape s, const char *name, const char *weight,
                                   int in, int out, el_onnx_value x)
{
    const el_onnx_value w = transposed(g, in, out, weight), matmul = el_onnx_named("%s/MatMul", name);
    return el_onnx_computed(g, s, (el_onnx_node){"MatMul", matmul.text, {x.text, w.text}, {0}, {{0}}});
}

el_onnx_value el_onnx_affine(el_onnx_graph *g, el_onnx_shape s, const char *name, const char *weights, int in,
                             int out, el_onnx_value x)
{
    char text[112];
    snprintf(text, sizeof text, "%s.weight", weights);
    const el_onnx_value product = g->int8 && in <= EL_INT8_DEPTH
                                      ? el_onnx_int8_product(g, s, name, text, in, out, x)
                                      : float_product(g, s, name, text, in, out, x);
    const el_onnx_value b = el_onnx_parameter(g, out, 0, "%s.bias", weights),
                        add = el_onnx_named("%s/Add", name);
    return el_onnx_add(g, s, add.text, product, b);
}

el_onnx_value el_onnx_add(el_onnx_graph *g, el_onnx_shape s, const char *name, el_onnx_value a,
                          el_onnx_value b)
{
    return el_onnx_computed(g, s, (el_onnx_node){"Add", name, {a.text, b.text}, {0}, {{0}}});
}

el_onnx_value el_onnx_layer_norm(el_onnx_graph *g, int width, const char *name, const char *weights,
                                 el_onnx_value x)
{
    const el_onnx_value gamma = el_onnx_parameter(g, width, 0, "%s.weight", weights),
                        beta = el_onnx_parameter(g, width, 0, "%s.bias", weights);
    return el_onnx_computed(g, el_onnx_rows(width),
                            (el_onnx_node){"LayerNormalization",
                                           name,
                                           {x.text, gamma.text, beta.text},
                                           {0},
                                           {{.name = "axis", .type = EL_ONNX_ATTRIBUTE_INT, .number = -1},
                                            {.name = "epsilon",
                                             .type = EL_ONNX_ATTRIBUTE_REAL,
                                             .real = (float)g->model->config.layer_norm_eps}}});
}

/* x / 2 (1 + erf(x / sqrt(2))) */
el_onnx_value el_onnx_gelu(el_onnx_graph *g, el_onnx_shape s, const char *name, el_onnx_value x)
{
    const el_onnx_value names[] = {el_onnx_named("%s/Div", name), el_onnx_named("%s/Erf", name),
                                   el_onnx_named("%s/Add", name), el_onnx_named("%s/Mul", name),
                                   el_onnx_named("%s/Mul_1", name)};
    const el_onnx_value divided =
        el_onnx_computed(g, s, (el_onnx_node){"Div", names[0].text, {x.text, "sqrt_two"}, {0}, {{0}}});
    const el_onnx_value erf =
        el_onnx_computed(g, s, (el_onnx_node){"Erf", names[1].text, {divided.text}, {0}, {{0}}});
    const el_onnx_value sum =
        el_onnx_computed(g, s, (el_onnx_node){"Add", names[2].text, {erf.text, "one"}, {0}, {{0}}});
    const el_onnx_value product =
        el_onnx_computed(g, s, (el_onnx_node){"Mul", names[3].text, {x.text, sum.text}, {0}, {{0}}});
    return el_onnx_computed(g, s, (el_onnx_node){"Mul", names[4].text, {product.text, "half"}, {0}, {{0}}});
}
