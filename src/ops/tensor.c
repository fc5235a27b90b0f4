/* tensor - views, elements as numbers, and the ops that only move or add them
 *
 *   element (i, j) is number i * stride + j of the data
 *   bf16 is the upper half of a float, rounded to nearest, ties to even; NaN stays NaN (quiet), infinity infinity
 *
 *   y = 0        y = x        y = a + b        sum of x^2
 */
#include <assert.h>
#include <string.h>

#include "ops/reference/reference.h"

el_tensor el_tensor_make(void *data, el_type type, int rows, int cols)
{
    assert(rows >= 0 && cols >= 0);
    return (el_tensor){.data = data, .type = type, .rows = rows, .cols = cols, .stride = cols};
}

/* The place of element number `n`; none while memory is only measured. */
static void *at(el_tensor t, int64_t n)
{
    return t.data ? (char *)t.data + n * (int64_t)el_type_bytes(t.type) : NULL;
}

el_tensor el_tensor_rows(el_tensor t, int first, int rows)
{
    assert(first >= 0 && rows >= 0 && first + rows <= t.rows);
    el_tensor view = t;
    view.data = at(t, first * t.stride);
    view.rows = rows;
    view.prepared = NULL;
    return view;
}

el_tensor el_tensor_cols(el_tensor t, int first, int cols)
{
    assert(first >= 0 && cols >= 0 && first + cols <= t.cols);
    el_tensor view = t;
    view.data = at(t, first);
    view.cols = cols;
    view.prepared = NULL;
    return view;
}

el_tensor el_tensor_none(void)
{
    return (el_tensor){0};
}

size_t el_type_bytes(el_type type)
{
    switch (type) {
    case EL_F32:
        return 4;
    case EL_BF16:
        return 2;
    case EL_F64:
        return 8;
    case EL_I8:
        return 1;
    }
    assert(!"a type");
    return 0;
}

size_t el_tensor_bytes(int rows, int cols, el_type type)
{
    return (size_t)rows * (size_t)cols * el_type_bytes(type);
}

/* By way of float, which is what every other device has in hand when it stores. */
static uint16_t to_bf16(double value)
{
    const float single = (float)value;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    if (single != single)
        return (uint16_t)(bits >> 16); /* quiet since its conversion, so cutting cannot make an infinity */
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void el_set(el_tensor t, int row, int col, double value)
{
    assert(row >= 0 && row < t.rows && col >= 0 && col < t.cols);
    void *place = at(t, row * t.stride + col);
    switch (t.type) {
    case EL_F32:
        *(float *)place = (float)value;
        break;
    case EL_BF16:
        *(uint16_t *)place = to_bf16(value);
        break;
    case EL_F64:
        *(double *)place = value;
        break;
    case EL_I8:
        assert(!"a type of elements");
    }
}

void el_ref_zero(el_queue *q, el_tensor y)
{
    (void)q;
    for (int i = 0; i < y.rows; i++)
        for (int j = 0; j < y.cols; j++)
            el_set(y, i, j, 0);
}

void el_ref_copy(el_queue *q, el_tensor y, el_tensor x)
{
    (void)q;
    assert(y.rows == x.rows && y.cols == x.cols);
    for (int i = 0; i < y.rows; i++)
        for (int j = 0; j < y.cols; j++)
            el_set(y, i, j, el_get(x, i, j));
}

void el_ref_add(el_queue *q, el_tensor y, el_tensor a, el_tensor b)
{
    (void)q;
    assert(y.rows == a.rows && y.cols == a.cols && y.rows == b.rows && y.cols == b.cols);
    for (int i = 0; i < y.rows; i++)
        for (int j = 0; j < y.cols; j++)
            el_set(y, i, j, el_get(a, i, j) + el_get(b, i, j));
}

void el_ref_sum_squares(el_queue *q, double *sum, const el_tensor *x, int count)
{
    (void)q;
    double total = 0;
    for (int k = 0; k < count; k++) {
        double squares = 0;
        for (int i = 0; i < x[k].rows; i++)
            for (int j = 0; j < x[k].cols; j++)
                squares += el_get(x[k], i, j) * el_get(x[k], i, j);
        total += squares;
    }
    *sum = total;
}
