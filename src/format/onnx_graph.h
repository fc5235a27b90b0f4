/* onnx_graph - what an ONNX graph is built with; private to format/
 *
 * The graph is walked from the inputs to the outputs.  Each call puts a node, the shape of what comes out of it, or the
 * weights that it needs, as fields of the one GraphProto.  The walk is done twice, as every message is (protobuf.h).
 */
#ifndef EL_FORMAT_ONNX_GRAPH_H
#define EL_FORMAT_ONNX_GRAPH_H

#include "format/onnx.h"
#include "format/protobuf.h"

enum { EL_ONNX_FLOAT = 1, EL_ONNX_UINT8, EL_ONNX_INT32 = 6, EL_ONNX_INT64 }; /* TensorProto.DataType */
enum { EL_ONNX_ATTRIBUTE_REAL = 1, EL_ONNX_ATTRIBUTE_INT = 2, EL_ONNX_ATTRIBUTE_INTS = 7 };

/* The name of a tensor in the graph. */
typedef struct {
    char text[128];
} el_onnx_value;

enum { EL_ONNX_BATCH = -1, EL_ONNX_SEQUENCE_LENGTH = -2 }; /* free sizes */
typedef struct {
    int rank;
    int64_t dims[4];
} el_onnx_shape;

/* x in whole numbers (onnx_int8.c). */
typedef struct {
    el_onnx_value of, low, range, values, scale, zero;
} el_onnx_quantised;

typedef struct {
    const el_onnx *model;
    bool int8; /* affine maps to come multiply whole numbers, where their inputs are not too many */
    el_onnx_quantised quantised; /* the last one: several maps read it */
    el_protobuf *pb;             /* of the GraphProto being put */
    el_status *status;           /* of reading parameters */
    int64_t most, longest;       /* numbers of the largest parameter so far, and of the longest row */
    float *numbers;              /* room for the largest parameter; NULL while bytes are counted */
    float *column;               /* room for the longest row */
    char scope[64];              /* "/encoder/layer.0": goes before the names of nodes */
} el_onnx_graph;

typedef struct {
    const char *name;
    int type;
    int64_t number;
    float real;
    int count;
    int64_t numbers[4];
} el_onnx_attribute;

/* Strings are borrowed; lists end at the first NULL. */
typedef struct {
    const char *op, *name;
    const char *inputs[4], *outputs[3];
    el_onnx_attribute attributes[2];
} el_onnx_node;

el_onnx_value el_onnx_named(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Declares a tensor: one of the graph's inputs or outputs, or one between. */
typedef enum { EL_ONNX_INPUT = 11, EL_ONNX_OUTPUT = 12, EL_ONNX_BETWEEN = 13 } el_onnx_place;
void el_onnx_declare(el_onnx_graph *g, el_onnx_place place, const char *name, int type, el_onnx_shape shape);

/* Constants.  A parameter is named as Hugging Face names it; cols 0: a vector. */
el_onnx_value el_onnx_parameter(el_onnx_graph *g, int64_t rows, int64_t cols, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
el_onnx_value el_onnx_ints(el_onnx_graph *g, const char *name, const int64_t *numbers, int count);
el_onnx_value el_onnx_floats(el_onnx_graph *g, const char *name, const float *numbers, int count);
el_onnx_value el_onnx_scalar(el_onnx_graph *g, const char *name, float number);
el_onnx_value el_onnx_byte(el_onnx_graph *g, const char *name, uint8_t number);
/* The weight (out, in) of an affine map as MatMulInteger wants it: 8-bit numbers (in + zeros, out), EL_ONNX_WHOLE_ZERO standing
 * for 0, which the last rows all are; what 1 stands for in each column, *scales (out); and what a column adds up to, *totals
 * (out). */
enum { EL_ONNX_WHOLE_ZERO = 128 };
el_onnx_value el_onnx_quantised_weight(el_onnx_graph *g, int in, int zeros, int out, const char *name,
                                       el_onnx_value *scales, el_onnx_value *totals);

/* A node; the second kind has one float output, declared and named after it. */
void el_onnx_put(el_onnx_graph *g, el_onnx_node node);
el_onnx_value el_onnx_computed(el_onnx_graph *g, el_onnx_shape shape, el_onnx_node node);

/* Pieces of networks: x W^T + b, a + b, LayerNorm, GELU. */
el_onnx_value el_onnx_affine(el_onnx_graph *g, el_onnx_shape shape, const char *name, const char *weights,
                             int in, int out, el_onnx_value x);
/* x W^T in whole numbers.  Needs the constants of el_onnx_int8_constants. */
void el_onnx_int8_constants(el_onnx_graph *g);
el_onnx_value el_onnx_int8_product(el_onnx_graph *g, el_onnx_shape shape, const char *name,
                                   const char *weight, int in, int out, el_onnx_value x);
el_onnx_value el_onnx_add(el_onnx_graph *g, el_onnx_shape shape, const char *name, el_onnx_value a,
                          el_onnx_value b);
el_onnx_value el_onnx_layer_norm(el_onnx_graph *g, int width, const char *name, const char *weights,
                                 el_onnx_value x);
/* Needs the scalars "sqrt_two", "one" and "half". */
el_onnx_value el_onnx_gelu(el_onnx_graph *g, el_onnx_shape shape, const char *name, el_onnx_value x);

/* (batch, sequence, width) */
el_onnx_shape el_onnx_rows(int64_t width);

#endif
