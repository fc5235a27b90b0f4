/* columns - sums over rows
 *
 * A block has a strip of columns and some rows, and leaves a part of the sum; the parts are added in their order.  How many
 * rows a block has depends on the shape alone.
 */
#include "ops/cuda/thread.h"

enum { WARPS = 8, MOST_PARTS = 256, FEWEST_ROWS = 32, ADDERS = 32 };

/* parts[part][col], V columns a lane. */
template <class T, int V>
__global__ void sum_columns(float *parts, view<T> x, int rows, int cols, int rows_a_part)
{
    EL_SHARED(float, sums, WARPS *WARP *V);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
    const int col = ((int)blockIdx.x * WARP + lane) * V, first = (int)blockIdx.y * rows_a_part;
    const int end = first + rows_a_part < rows ? first + rows_a_part : rows;
    float sum[V] = {}, v[V];
    for (int i = first + warp; i < end && col < cols; i += WARPS) {
        load_some<V>(v, x.row(i) + col);
        for (int k = 0; k < V; k++)
            sum[k] += v[k];
    }
    for (int k = 0; k < V; k++)
        sums[(warp * V + k) * WARP + lane] = sum[k];
    __syncthreads();
    for (int k = warp; k < V; k += WARPS) {
        float total = 0;
        for (int w = 0; w < WARPS; w++)
            total += sums[(w * V + k) * WARP + lane];
        if (col < cols)
            parts[(int64_t)blockIdx.y * cols + col + k] = total;
    }
}

/* A lane has a column, a warp some parts.  Columns from `cols` on are those of z. */
__global__ void add_parts(float *y, float *z, const float *parts, int64_t apart, int count, int cols, int all)
{
    EL_SHARED(float, sums, ADDERS *WARP);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP,
              col = (int)blockIdx.x * WARP + lane;
    const int each = (count + ADDERS - 1) / ADDERS,
              end = (warp + 1) * each < count ? (warp + 1) * each : count;
    float sum = 0;
    for (int p = warp * each; p < end && col < all; p++)
        sum += parts[p * apart + col];
    sums[warp * WARP + lane] = sum;
    __syncthreads();
    if (warp > 0 || col >= all)
        return;
    sum = 0;
    for (int w = 0; w < ADDERS; w++)
        sum += sums[w * WARP + lane];
    float *const to = col < cols ? y + col : z + (col - cols);
    *to += sum;
}

void el_cuda_add_parts(el_queue *q, const char *op, float *y, const float *parts, int64_t apart, int count,
                       int cols)
{
    el_cuda_launch(q, op, add_parts, el_cuda_blocks(cols, WARP), ADDERS * WARP, 0, y, (float *)NULL, parts,
                   apart, count, cols, cols);
}

void el_cuda_add_pairs(el_queue *q, const char *op, float *y, float *z, const float *parts, int count,
                       int cols)
{
    el_cuda_launch(q, op, add_parts, el_cuda_blocks(2 * cols, WARP), ADDERS * WARP, 0, y, z, parts, 2 * cols,
                   count, cols, 2 * cols);
}

void el_cuda_add_columns(el_queue *q, const char *op, el_tensor y, el_tensor x)
{
    float *const parts = el_cuda_of(q)->sums;
    const int room = EL_CUDA_SUMS / x.cols, most = room < MOST_PARTS ? room : MOST_PARTS;
    const int least = (x.rows + most - 1) / most, rows = least > FEWEST_ROWS ? least : FEWEST_ROWS;
    const int count = (x.rows + rows - 1) / rows;
    const bool wide = by_eight(x);
    const dim3 grid(el_cuda_blocks(x.cols, WARP * (wide ? 8 : 1)), (unsigned)count);
    if (x.rows == 0)
        return;
    by_type(x.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, op, wide ? sum_columns<T, 8> : sum_columns<T, 1>, grid, WARPS * WARP, 0, parts,
                       view_of<T>(x), x.rows, x.cols, rows);
    });
    el_cuda_add_parts(q, op, (float *)y.data, parts, x.cols, count, x.cols);
}
