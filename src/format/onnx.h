/* onnx - a network as an ONNX graph: one file, opset 17, in float or with an encoder that multiplies 8-bit numbers
 *
 * Inputs are input_ids, attention_mask and token_type_ids, int64 (batch_size, sequence_length); both sizes are free.
 * Outputs are `logits` ((batch, sequence) of detection, (batch, labels) of a sequence, (batch, sequence, labels) of
 * tokens, (batch, sequence, vocabulary) of masked language modelling), or `start_logits` and `end_logits`, and then
 * `last_hidden_state` (batch, sequence, hidden).
 *
 * The graph has the shape that optimisers look for: MatMul and Add instead of Gemm, LayerNormalization in one node, GELU by
 * Erf, and the shape of every tensor declared.  onnxruntime fuses BiasGelu and SkipLayerNormalization in it.
 * Padding is masked by adding -10000 to its scores, which stays finite in half precision.
 */
#ifndef EL_FORMAT_ONNX_H
#define EL_FORMAT_ONNX_H

#include "format/parameter.h"
#include "model/task_head.h"

typedef struct {
    el_config config;
    el_head_kind head; /* the encoder goes alone where it has none, or one that no graph is known for */
    int labels;        /* of sequence and token heads */
    double low,
        high; /* what 0 and 1 of a number stand for, where low < high; else the head gives the number itself */
    bool int8;           /* affine maps of the encoder multiply whole numbers (onnx_int8.c) */
    const char *version; /* of the program, for the file's producer */
    el_parameter_read *read;
    void *context;
} el_onnx;

/* Writes the graph to `path`.  Needs memory for one parameter at a time. */
el_status el_onnx_write(const el_onnx *model, const char *path);

#endif
