/* tensor - a view of a matrix that owns nothing: rows are tokens, columns features
 *
 * Whose memory `data` is, the one who made it knows: a device's, or, in tests and in what was fetched, the host's.
 */
#ifndef EL_OPS_TENSOR_H
#define EL_OPS_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Elements as numbers, for definitions and tests; host memory only. */
double el_get(el_tensor t, int row, int col);
void el_set(el_tensor t, int row, int col, double value);

#endif
