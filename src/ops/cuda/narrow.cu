/* narrow - our own products of few outputs; see the header
 *
 *   y = x W^T + b        dx = dy W        dW += dy^T x
 *
 * A warp has a row of y; dx is a sum of so few terms that each thread makes its own; dW is a sum over rows in parts.
 */
#include "ops/cuda/narrow.h"

#include "ops/cuda/thread.h"

enum { THREADS = 256, WARPS = THREADS / WARP, FEWEST_ROWS = 64, MOST_PARTS = 256 };

template <class T>
__global__ void narrow_forward(view<T> y, view<T> x, view<float> w, const float *b, int rows, int cols,
                               int outputs)
{
    const int row = (int)blockIdx.x * WARPS + (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    if (row >= rows)
        return;
    for (int o = 0; o < outputs; o++) {
        float sum = 0;
        for (int c = lane; c < cols; c += WARP)
            sum += get(x.row(row)[c]) * w.row(o)[c];
        sum = warp_sum(sum);
        if (lane == 0)
            put(y.row(row) + o, sum + (b ? b[o] : 0));
    }
}

template <class T>
__global__ void narrow_backward_input(view<T> dx, view<T> dy, view<float> w, int rows, int cols, int outputs,
                                      bool accumulate)
{
    const int64_t at = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    const int row = (int)(at / cols), col = (int)(at % cols);
    if (row >= rows)
        return;
    T *const place = dx.row(row) + col;
    float sum = accumulate ? get(*place) : 0;
    for (int o = 0; o < outputs; o++)
        sum += get(dy.row(row)[o]) * w.row(o)[col];
    put(place, sum);
}

/* parts[part][output][col]: a thread a column. */
template <class T>
__global__ void narrow_backward_weight(float *parts, view<T> dy, view<T> x, int rows, int cols, int outputs,
                                       int rows_a_part)
{
    const int col = (int)blockIdx.x * THREADS + (int)threadIdx.x, o = (int)blockIdx.y, part = (int)blockIdx.z;
    const int first = part * rows_a_part, end = first + rows_a_part < rows ? first + rows_a_part : rows;
    float sum = 0;
    if (col >= cols)
        return;
    for (int i = first; i < end; i++)
        sum += get(dy.row(i)[o]) * get(x.row(i)[col]);
    parts[((int64_t)part * outputs + o) * cols + col] = sum;
}

static view<float> weight_view(el_tensor w)
{
    return view_of<float>(w);
}

void el_cuda_narrow_forward(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b)
{
    by_type(x.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, "linear_forward", narrow_forward<T>, el_cuda_blocks(x.rows, WARPS), THREADS, 0,
                       view_of<T>(y), view_of<T>(x), weight_view(w), (const float *)b.data, x.rows, x.cols,
                       w.rows);
    });
}

void el_cuda_narrow_backward_input(el_queue *q, el_tensor dx, el_tensor dy, el_tensor w, bool accumulate)
{
    by_type(dx.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, "linear_backward_input", narrow_backward_input<T>,
                       el_cuda_blocks((int64_t)dx.rows * dx.cols, THREADS), THREADS, 0, view_of<T>(dx),
                       view_of<T>(dy), weight_view(w), dx.rows, dx.cols, w.rows, accumulate);
    });
}

void el_cuda_narrow_backward_weight(el_queue *q, el_tensor dw, el_tensor dy, el_tensor x)
{
    float *const parts = el_cuda_of(q)->sums;
    const int outputs = dw.rows, room = EL_CUDA_SUMS / (outputs * x.cols),
              most = room < MOST_PARTS ? room : MOST_PARTS;
    const int share = (x.rows + most - 1) / most, rows = share > FEWEST_ROWS ? share : FEWEST_ROWS;
    const unsigned count = el_cuda_blocks(x.rows, rows);
    by_type(x.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, "linear_backward_weight", narrow_backward_weight<T>,
                       dim3(el_cuda_blocks(x.cols, THREADS), (unsigned)outputs, count), THREADS, 0, parts,
                       view_of<T>(dy), view_of<T>(x), x.rows, x.cols, outputs, rows);
    });
    for (int o = 0; o < outputs; o++)
        el_cuda_add_parts(q, "linear_backward_weight", (float *)dw.data + o * dw.stride, parts + o * x.cols,
                          (int64_t)outputs * x.cols, (int)count, x.cols);
}
