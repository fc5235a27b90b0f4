/* tensor - a view of a matrix that owns nothing: rows are tokens, columns features
 *
 * Whose memory `data` is, the one who made it knows: a device's, or, in tests and in what was fetched, the host's.
 */
#ifndef EL_OPS_TENSOR_H
#define EL_OPS_TENSOR_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum { EL_F32, EL_BF16, EL_F64, EL_I8 /* copies of weights alone */ } el_type;

typedef struct {
    void *data; /* element (i, j) is number i * stride + j; NULL: no such tensor, or kept as its copy alone */
    el_type type;
    int rows, cols;
    int64_t stride; /* elements from a row to the next */
    void *prepared; /* weight matrices: the device's own copy, see prepare(); else NULL */
    int int8_steps; /* weight matrices: not 0 where products are of whole numbers, see linear_forward */
} el_tensor;

/* Views. */
el_tensor el_tensor_make(void *data, el_type type, int rows, int cols);
el_tensor el_tensor_rows(el_tensor t, int first, int rows);
el_tensor el_tensor_cols(el_tensor t, int first, int cols);
el_tensor el_tensor_none(void);
size_t el_type_bytes(el_type type);
size_t el_tensor_bytes(int rows, int cols, el_type type);

static inline double el_from_bf16(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Elements as numbers, for definitions and tests; host memory only.  `el_get` is inline, as the definitions call little else:
 * half of what tests of them took was its calls. */
static inline double el_get(el_tensor t, int row, int col)
{
    assert(row >= 0 && row < t.rows && col >= 0 && col < t.cols);
    const int64_t n = row * t.stride + col;
    switch (t.type) {
    case EL_F32:
        return ((const float *)t.data)[n];
    case EL_BF16:
        return el_from_bf16(((const uint16_t *)t.data)[n]);
    case EL_F64:
        return ((const double *)t.data)[n];
    case EL_I8:
        break;
    }
    assert(!"a type of elements");
    return 0;
}
void el_set(el_tensor t, int row, int col, double value);

#endif
