/* memory - see the header */
#include "model/memory.h"

#include <stdlib.h>

el_status el_device_reserve(el_device *dev, el_arena *arena)
{
    const size_t size = arena->used;
    char *base = dev->alloc(dev, size ? size : EL_ALIGNMENT);
    if (!base)
        return el_fail(EL_ENOMEM, "%s: cannot allocate %zu bytes", dev->name, size);
    *arena = (el_arena){.base = base, .size = size};
    return EL_OK;
}

void el_device_release(el_device *dev, el_arena *arena)
{
    if (arena->base)
        dev->release(dev, arena->base);
    *arena = (el_arena){0};
}

el_tensor el_arena_tensor(el_arena *arena, el_type type, int rows, int cols)
{
    return el_tensor_make(el_arena_push(arena, el_tensor_bytes(rows, cols, type)), type, rows, cols);
}

int *el_arena_ints(el_arena *arena, int count)
{
    return el_arena_push(arena, (size_t)count * sizeof(int));
}

/* Whether the tensor is exactly an array of floats, without gaps. */
static bool plain_floats(el_tensor t)
{
    return t.type == EL_F32 && (t.stride == t.cols || t.rows == 1);
}

/* Where a row of a tensor lies. */
static char *row_place(el_tensor t, int row)
{
    return (char *)t.data + (size_t)row * (size_t)t.stride * el_type_bytes(t.type);
}

/* A row in the tensor's own type, between the host and the device. */
static el_status row_buffer(el_tensor t, double **row)
{
    *row = malloc((size_t)t.cols * sizeof **row);
    return *row ? EL_OK : el_fail(EL_ENOMEM, "no memory for a row of %d numbers", t.cols);
}

el_status el_tensor_read(el_device *dev, el_tensor t, float *values)
{
    double *row;
    if (plain_floats(t)) {
        dev->copy_out(dev, values, t.data, (size_t)t.rows * (size_t)t.cols * sizeof *values);
        return EL_OK;
    }
    const el_status st = row_buffer(t, &row);
    if (st)
        return st;
    const el_tensor host = el_tensor_make(row, t.type, 1, t.cols);
    for (int i = 0; i < t.rows; i++) {
        dev->copy_out(dev, row, row_place(t, i), (size_t)t.cols * el_type_bytes(t.type));
        for (int j = 0; j < t.cols; j++)
            values[(size_t)i * (size_t)t.cols + (size_t)j] = (float)el_get(host, 0, j);
    }
    free(row);
    return EL_OK;
}

el_status el_tensor_write(el_device *dev, el_tensor t, const float *values)
{
    double *row;
    if (plain_floats(t)) {
        dev->copy_in(dev, t.data, values, (size_t)t.rows * (size_t)t.cols * sizeof *values);
        return EL_OK;
    }
    const el_status st = row_buffer(t, &row);
    if (st)
        return st;
    const el_tensor host = el_tensor_make(row, t.type, 1, t.cols);
    for (int i = 0; i < t.rows; i++) {
        for (int j = 0; j < t.cols; j++)
            el_set(host, 0, j, (double)values[(size_t)i * (size_t)t.cols + (size_t)j]);
        dev->copy_in(dev, row_place(t, i), row, (size_t)t.cols * el_type_bytes(t.type));
    }
    free(row);
    return EL_OK;
}
