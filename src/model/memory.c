/* memory - see the header */
#include "model/memory.h"

#include <stdlib.h>

el_status el_device_reserve(el_device *dev, el_arena *arena)
{
    const size_t size = arena->used;
    char *base = dev->alloc(dev, size ? size : EL_ALIGNMENT);
    if (!base)
        return el_fail(EL_ENOMEM, "%s: no memory for %zu bytes", dev->name, size);
    *arena = (el_arena){.base = base, .size = size, .row_bytes = arena->row_bytes};
    return EL_OK;
}

el_status el_device_lay_out(el_device *dev, el_arena *arena, el_status (*lay_out)(void *context),
                            void *context)
{
    arena->row_bytes = dev->row_bytes;
    el_status st = lay_out(context);
    if (!st)
        st = el_device_reserve(dev, arena);
    return st ? st : lay_out(context);
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

el_tensor el_arena_rows(el_arena *arena, el_type type, int rows, int cols)
{
    const int unit = (int)(arena->row_bytes / el_type_bytes(type));
    el_tensor t = el_arena_tensor(arena, type, rows, unit ? (cols + unit - 1) / unit * unit : cols);
    t.cols = cols;
    return t;
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

/* Elements from the first of a tensor to its last, gaps among them: what one copy moves. */
static size_t span_of(el_tensor t)
{
    return t.rows && t.cols ? (size_t)(t.rows - 1) * (size_t)t.stride + (size_t)t.cols : 0;
}

/* Room on the host for all of a tensor in its own type and shape. */
static el_status host_copy(el_tensor t, el_tensor *host)
{
    *host = t;
    host->data = malloc((span_of(t) + 1) * el_type_bytes(t.type));
    return host->data ? EL_OK : el_fail(EL_ENOMEM, "no memory for %d rows of %d numbers", t.rows, t.cols);
}

el_status el_tensor_read(el_queue *q, el_tensor t, float *values)
{
    el_tensor host;
    if (plain_floats(t)) {
        q->fetch(q, values, t.data, (size_t)t.rows * (size_t)t.cols * sizeof *values);
        return q->wait(q);
    }
    el_status st = host_copy(t, &host);
    if (st)
        return st;
    q->fetch(q, host.data, t.data, span_of(t) * el_type_bytes(t.type));
    st = q->wait(q);
    for (int i = 0; i < t.rows; i++)
        for (int j = 0; j < t.cols; j++)
            values[(size_t)i * (size_t)t.cols + (size_t)j] = (float)el_get(host, i, j);
    free(host.data);
    return st;
}

el_status el_tensor_write(el_queue *q, el_tensor t, const float *values)
{
    el_tensor host;
    if (plain_floats(t)) {
        q->send(q, t.data, values, (size_t)t.rows * (size_t)t.cols * sizeof *values);
        return q->wait(q);
    }
    el_status st = host_copy(t, &host);
    if (st)
        return st;
    if (t.stride != t.cols) { /* what lies between the rows stays as it is */
        q->fetch(q, host.data, t.data, span_of(t) * el_type_bytes(t.type));
        q->wait(q);
    }
    for (int i = 0; i < t.rows; i++)
        for (int j = 0; j < t.cols; j++)
            el_set(host, i, j, (double)values[(size_t)i * (size_t)t.cols + (size_t)j]);
    q->send(q, t.data, host.data, span_of(t) * el_type_bytes(t.type));
    st = q->wait(q);
    free(host.data);
    return st;
}
