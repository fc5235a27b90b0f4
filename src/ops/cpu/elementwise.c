/* elementwise - ops on each number, in pieces of rows */
#include <assert.h>
#include <string.h>

#include "ops/cpu/pieces.h"

static void zero_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    const el_tensor y = piece_of(j->a, j, index);
    const size_t bytes = el_type_bytes(y.type);
    for (int i = 0; i < y.rows; i++)
        memset((char *)y.data + (size_t)(i * y.stride) * bytes, 0, (size_t)y.cols * bytes);
}

static void zero(el_device *dev, el_tensor y)
{
    by_rows(&(el_rows_job){.dev = dev, .a = y}, y.rows, y.cols, zero_task);
}

static void copy_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    kernels_of(j->dev)->copy(piece_of(j->a, j, index), piece_of(j->b, j, index));
}

static void copy(el_device *dev, el_tensor y, el_tensor x)
{
    assert(same_shape(y, x));
    by_rows(&(el_rows_job){.dev = dev, .a = y, .b = x}, y.rows, y.cols, copy_task);
}

static void add_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    kernels_of(j->dev)->add(piece_of(j->a, j, index), piece_of(j->b, j, index), piece_of(j->c, j, index));
}

static void add(el_device *dev, el_tensor y, el_tensor a, el_tensor b)
{
    assert(same_shape(y, a) && same_shape(y, b) && y.type == a.type && y.type == b.type);
    by_rows(&(el_rows_job){.dev = dev, .a = y, .b = a, .c = b}, y.rows, y.cols, add_task);
}

static void gelu_forward_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    kernels_of(j->dev)->gelu_forward(piece_of(j->a, j, index), piece_of(j->b, j, index),
                                     piece_of(j->c, j, index));
}

static void gelu_forward(el_device *dev, el_tensor y, el_tensor slope, el_tensor x)
{
    check_gelu(y, slope, x);
    by_rows(&(el_rows_job){.dev = dev, .a = y, .b = slope, .c = x}, y.rows, y.cols, gelu_forward_task);
}

static void gelu_backward_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    kernels_of(j->dev)->gelu_backward(piece_of(j->a, j, index), piece_of(j->b, j, index),
                                      piece_of(j->c, j, index));
}

static void gelu_backward(el_device *dev, el_tensor dx, el_tensor dy, el_tensor slope)
{
    check_gelu(dx, slope, dy);
    by_rows(&(el_rows_job){.dev = dev, .a = dx, .b = dy, .c = slope}, dx.rows, dx.cols, gelu_backward_task);
}

static void dropout_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    kernels_of(j->dev)->dropout(piece_of(j->a, j, index), piece_of(j->b, j, index), dropout_of(j, index));
}

static void dropout(el_device *dev, el_tensor y, el_tensor x, el_dropout dropped)
{
    assert(same_shape(y, x) && y.type == x.type);
    if (dropped.rate > 0)
        by_rows(&(el_rows_job){.dev = dev, .a = y, .b = x, .dropout = dropped}, y.rows, y.cols, dropout_task);
    else if (y.data != x.data)
        dev->copy(dev, y, x);
}

void el_cpu_elementwise(el_device *dev)
{
    dev->zero = zero;
    dev->copy = copy;
    dev->add = add;
    dev->gelu_forward = gelu_forward;
    dev->gelu_backward = gelu_backward;
    dev->dropout = dropout;
}
