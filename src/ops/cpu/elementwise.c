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

void el_cpu_zero(el_queue *q, el_tensor y)
{
    by_rows(&(el_rows_job){.q = q, .a = y}, y.rows, y.cols, zero_task);
}

static void copy_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    kernels_of(j->q)->copy(piece_of(j->a, j, index), piece_of(j->b, j, index));
}

void el_cpu_copy(el_queue *q, el_tensor y, el_tensor x)
{
    assert(same_shape(y, x));
    by_rows(&(el_rows_job){.q = q, .a = y, .b = x}, y.rows, y.cols, copy_task);
}

static void gelu_again_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    kernels_of(j->q)->gelu_again(piece_of(j->a, j, index), piece_of(j->b, j, index), piece_of(j->c, j, index),
                                 piece_of(j->d, j, index));
}

void el_cpu_gelu_again(el_queue *q, el_tensor y, el_tensor dx, el_tensor dy, el_tensor x)
{
    assert(same_shape(dx, dy) && dx.type == dy.type);
    check_gelu(y, dx, x);
    by_rows(&(el_rows_job){.q = q, .a = y, .b = dx, .c = dy, .d = x}, y.rows, y.cols, gelu_again_task);
}

typedef void three_kernel(el_tensor, el_tensor, el_tensor);

typedef struct {
    el_rows_job rows;
    three_kernel *kernel;
} three_job;

static void three_task(void *context, int index, int thread)
{
    const three_job *const t = context;
    const el_rows_job *const j = &t->rows;
    (void)thread;
    t->kernel(piece_of(j->a, j, index), piece_of(j->b, j, index), piece_of(j->c, j, index));
}

/* A kernel over three tensors; the first is as large as any. */
static void by_three(el_queue *q, three_kernel *kernel, el_tensor a, el_tensor b, el_tensor c)
{
    three_job t = {.rows = {.q = q, .a = a, .b = b, .c = c}, .kernel = kernel};
    by_rows(&t.rows, a.rows, a.cols, three_task);
}

void el_cpu_add(el_queue *q, el_tensor y, el_tensor a, el_tensor b)
{
    assert(same_shape(y, a) && same_shape(y, b) && y.type == a.type && y.type == b.type);
    by_three(q, kernels_of(q)->add, y, a, b);
}

void el_cpu_gelu_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor x)
{
    check_gelu(y, slope, x);
    by_three(q, kernels_of(q)->gelu_forward, y, slope, x);
}

void el_cpu_tanh_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor x)
{
    check_gelu(y, slope, x);
    by_three(q, kernels_of(q)->tanh_forward, y, slope, x);
}

void el_cpu_gelu_backward(el_queue *q, el_tensor dx, el_tensor dy, el_tensor slope)
{
    check_gelu(dx, slope, dy);
    by_three(q, kernels_of(q)->gelu_backward, dx, dy, slope);
}

static void dropout_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    kernels_of(j->q)->dropout(piece_of(j->a, j, index), piece_of(j->b, j, index), dropout_of(j, index));
}

void el_cpu_dropout(el_queue *q, el_tensor y, el_tensor x, el_dropout dropped)
{
    assert(same_shape(y, x) && y.type == x.type);
    if (dropped.rate > 0)
        by_rows(&(el_rows_job){.q = q, .a = y, .b = x, .dropout = dropped}, y.rows, y.cols, dropout_task);
    else if (y.data != x.data)
        q->copy(q, y, x);
}
