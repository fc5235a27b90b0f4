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

/* A row of a tensor as bytes of the device, in between. */
static char *row_place(el_tensor t, int row)
{
    return (char *)t.data + (size_t)row * (size_t)t.stride * el_type_bytes(t.type);
}

el_status el_tensor_read(el_device *dev, el_tensor t, float *values)
{
    double *wide = t.type == EL_F64 ? malloc((size_t)t.cols * sizeof *wide) : NULL;
    if (t.type == EL_F64 && !wide)
        return el_fail(EL_ENOMEM, "no memory for a row of %d numbers", t.cols);
    for (int i = 0; i < t.rows; i++) {
        float *row = values + (size_t)i * (size_t)t.cols;
        dev->copy_out(dev, wide ? (void *)wide : row, row_place(t, i),
                      (size_t)t.cols * el_type_bytes(t.type));
        for (int j = 0; wide && j < t.cols; j++)
            row[j] = (float)wide[j];
    }
    free(wide);
    return EL_OK;
}

el_status el_tensor_write(el_device *dev, el_tensor t, const float *values)
{
    double *wide = t.type == EL_F64 ? malloc((size_t)t.cols * sizeof *wide) : NULL;
    if (t.type == EL_F64 && !wide)
        return el_fail(EL_ENOMEM, "no memory for a row of %d numbers", t.cols);
    for (int i = 0; i < t.rows; i++) {
        const float *row = values + (size_t)i * (size_t)t.cols;
        for (int j = 0; wide && j < t.cols; j++)
            wide[j] = row[j];
        dev->copy_in(dev, row_place(t, i), wide ? (const void *)wide : row,
                     (size_t)t.cols * el_type_bytes(t.type));
    }
    free(wide);
    return EL_OK;
}
