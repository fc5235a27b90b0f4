/* onnx_int8 - x W^T as the product of whole numbers that `--precision int8` computes (ops/cpu/kernels/product_int8.c)
 *
 * A row of x goes from low, its least number or 0, over a range to its greatest, or 0.  In 255 steps of it the row is
 * quantised, then multiplied by the quantised weights, and the sums are scaled back:
 *
 *   q = round(255 (x - low) / range)     y = range / 255 s (q W') + low t     s, W', t: el_onnx_quantised_weight
 *
 * ONNX has DynamicQuantizeLinear for the second step, and run-times have fast products behind it.  It takes one scale and
 * one zero for a whole tensor, from its least and its largest number: a row's answers would depend on the others of its
 * batch, and a row with one large number would leave few steps for the rest.  So low and range come before it; and two
 * columns with the ends 0 and 1 behind each row make its scale 1/255 and its zero 0, whatever the rows hold.  The weights of
 * those columns are 0.
 *
 * Weights have no sign, and 128 for their zero: where a processor has AVX2 and no VNNI, onnxruntime adds the products of
 * unsigned with signed numbers in pairs of 16 bits, which saturate, and the sums are wrong.
 */
#include <float.h>
#include <string.h>

#include "format/onnx_graph.h"

enum { ENDS = 2 };

void el_onnx_int8_constants(el_onnx_graph *g)
{
    el_onnx_floats(g, "ends", (const float[ENDS]){0, 1}, ENDS);
    el_onnx_scalar(g, "smallest", FLT_MIN); /* instead of the range of a row of zeros */
    el_onnx_scalar(g, "zero", 0);           /* a number that each row has */
    el_onnx_byte(g, "whole_zero", EL_ONNX_WHOLE_ZERO);
}

static el_onnx_value step(el_onnx_graph *g, el_onnx_shape s, const char *name, el_onnx_node n)
{
    const el_onnx_value full = el_onnx_named("%s/%s", name, n.op);
    n.name = full.text;
    return el_onnx_computed(g, s, n);
}

/* The least or the greatest number of each row of x, or 0: by ReduceMin and Min, or ReduceMax and Max. */
static el_onnx_value end_of(el_onnx_graph *g, const char *name, const char *reduce, const char *choose,
                            el_onnx_value x)
{
    const el_onnx_attribute across = {
        .name = "axes", .type = EL_ONNX_ATTRIBUTE_INTS, .count = 1, .numbers = {-1}};
    const el_onnx_value end =
        step(g, el_onnx_rows(1), name, (el_onnx_node){reduce, NULL, {x.text}, {0}, {across}});
    return step(g, el_onnx_rows(1), name, (el_onnx_node){choose, NULL, {end.text, "zero"}, {0}, {{0}}});
}

/* The rows of x from 0 to 1, each with the ends behind it. */
static el_onnx_value scaled_rows(el_onnx_graph *g, const char *name, int width, el_onnx_value x,
                                 el_onnx_value *low, el_onnx_value *range)
{
    const el_onnx_shape one = el_onnx_rows(1), all = el_onnx_rows(width + ENDS);
    *low = end_of(g, name, "ReduceMin", "Min", x);
    const el_onnx_value high = end_of(g, name, "ReduceMax", "Max", x),
                        of_range = el_onnx_named("%s/range", name);
    const el_onnx_value apart =
        el_onnx_computed(g, one, (el_onnx_node){"Sub", of_range.text, {high.text, low->text}, {0}, {{0}}});
    const el_onnx_value least = el_onnx_named("%s/range_or_smallest", name);
    *range =
        el_onnx_computed(g, one, (el_onnx_node){"Max", least.text, {apart.text, "smallest"}, {0}, {{0}}});
    const el_onnx_value above =
        step(g, el_onnx_rows(width), name, (el_onnx_node){"Sub", NULL, {x.text, low->text}, {0}, {{0}}});
    const el_onnx_value ends =
        step(g, el_onnx_rows(ENDS), name, (el_onnx_node){"Mul", NULL, {range->text, "ends"}, {0}, {{0}}});
    const el_onnx_attribute behind = {.name = "axis", .type = EL_ONNX_ATTRIBUTE_INT, .number = -1};
    const el_onnx_value ended =
        step(g, all, name, (el_onnx_node){"Concat", NULL, {above.text, ends.text}, {0}, {behind}});
    return step(g, all, name, (el_onnx_node){"Div", NULL, {ended.text, range->text}, {0}, {{0}}});
}

static void quantise(el_onnx_graph *g, const char *map, int width, el_onnx_value x)
{
    el_onnx_quantised *const q = &g->quantised;
    if (strcmp(q->of.text, x.text) == 0)
        return;
    const el_onnx_value name = el_onnx_named("%s/quantize", map);
    *q = (el_onnx_quantised){.of = x,
                             .values = el_onnx_named("%s/%s/values", g->scope, name.text),
                             .scale = el_onnx_named("%s/%s/scale", g->scope, name.text),
                             .zero = el_onnx_named("%s/%s/zero", g->scope, name.text)};
    const el_onnx_value rows = scaled_rows(g, name.text, width, x, &q->low, &q->range);
    el_onnx_put(g, (el_onnx_node){"DynamicQuantizeLinear",
                                  name.text,
                                  {rows.text},
                                  {q->values.text, q->scale.text, q->zero.text},
                                  {{0}}});
    el_onnx_declare(g, EL_ONNX_BETWEEN, q->values.text, EL_ONNX_UINT8, el_onnx_rows(width + ENDS));
    el_onnx_declare(g, EL_ONNX_BETWEEN, q->scale.text, EL_ONNX_FLOAT, (el_onnx_shape){0, {0}});
    el_onnx_declare(g, EL_ONNX_BETWEEN, q->zero.text, EL_ONNX_UINT8, (el_onnx_shape){0, {0}});
}

el_onnx_value el_onnx_int8_product(el_onnx_graph *g, el_onnx_shape s, const char *name, const char *weight,
                                   int in, int out, el_onnx_value x)
{
    quantise(g, name, in, x);
    const el_onnx_quantised *const q = &g->quantised;
    el_onnx_value scales, totals;
    const el_onnx_value w = el_onnx_quantised_weight(g, in, ENDS, out, weight, &scales, &totals);
    const el_onnx_value sums = el_onnx_named("%s/%s/sums", g->scope, name),
                        multiply = el_onnx_named("%s/MatMulInteger", name),
                        rescale = el_onnx_named("%s/Mul_range", name), lift = el_onnx_named("%s/low", name),
                        whole = el_onnx_named("%s/Add_low", name);
    el_onnx_put(g, (el_onnx_node){"MatMulInteger",
                                  multiply.text,
                                  {q->values.text, w.text, q->zero.text, "whole_zero"},
                                  {sums.text},
                                  {{0}}});
    el_onnx_declare(g, EL_ONNX_BETWEEN, sums.text, EL_ONNX_INT32, s);
    const el_onnx_attribute to = {.name = "to", .type = EL_ONNX_ATTRIBUTE_INT, .number = EL_ONNX_FLOAT};
    const el_onnx_value real = step(g, s, name, (el_onnx_node){"Cast", NULL, {sums.text}, {0}, {to}});
    const el_onnx_value unit = el_onnx_named("%s/unit", name);
    const el_onnx_value units =
        el_onnx_computed(g, (el_onnx_shape){1, {out}},
                         (el_onnx_node){"Mul", unit.text, {q->scale.text, scales.text}, {0}, {{0}}});
    const el_onnx_value product =
        step(g, s, name, (el_onnx_node){"Mul", NULL, {real.text, units.text}, {0}, {{0}}});
    const el_onnx_value above = el_onnx_computed(
        g, s, (el_onnx_node){"Mul", rescale.text, {product.text, q->range.text}, {0}, {{0}}});
    const el_onnx_value below =
        el_onnx_computed(g, s, (el_onnx_node){"Mul", lift.text, {q->low.text, totals.text}, {0}, {{0}}});
    return el_onnx_add(g, s, whole.text, above, below);
}
