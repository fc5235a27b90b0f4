/* norm - layer_norm, and the end of both halves of a layer: residual, dropout and layer_norm at once
 *
 * Rows of up to 1024 columns stay in registers: a lane has eight neighbours in each of up to four stretches, and rows of 16
 * to 128 columns share a warp.  Other rows are read three times, a number at a time.
 */
#include <assert.h>

#include "ops/cuda/thread.h"

enum { WARPS = 4, THREADS = WARPS * WARP, MOST_STRETCHES = 4, MOST_PARTS = 512 };

/* Which rows a warp has, and where a lane is in its row. */
struct place {
    int lane, lanes; /* in the warp; of a row */
    int row, rows;   /* the lane's, and how many a warp has at a time */
    __device__ int col(int stretch) const
    {
        return (lane % lanes + stretch * lanes) * 8;
    }
};

static __device__ __forceinline__ place place_of(int warp, int lanes)
{
    const int lane = (int)threadIdx.x % WARP, rows = WARP / lanes;
    return {lane, lanes, warp * rows + lane / lanes, rows};
}

/* Lanes of a row. */
static int lanes_of(int cols)
{
    return cols == 16 ? 2 : cols == 32 ? 4 : cols == 64 ? 8 : cols == 128 ? 16 : WARP;
}

static bool in_registers(el_tensor t)
{
    return by_eight(t) && t.cols <= MOST_STRETCHES * 256;
}

/* ---- forward ---- */

template <class T> struct forward {
    view<T> y, sum, x, branch; /* sum and branch are none in plain layer_norm */
    float *stats;
    const float *gamma, *beta;
    int64_t stats_stride;
    int rows, cols;
    float epsilon;
    mask dropped;
};

/* A stretch of x, and of sum = x + dropout(branch) as it is stored. */
template <class T>
static __device__ __forceinline__ void load_sum(float v[8], const forward<T> &f, const place &p, int stretch,
                                                bool there)
{
    const int col = p.col(stretch);
    uint32_t kept = 0xff;
    if (f.branch.data && f.dropped.threshold > 0)
        kept = mask_bits(f.dropped,
                         (f.dropped.row + (uint64_t)(p.row - p.lane / p.lanes)) * f.dropped.stride +
                             (uint64_t)(stretch * 256),
                         p.lane);
    for (int i = 0; i < 8; i++)
        v[i] = 0;
    if (!there)
        return;
    load8(v, f.x.row(p.row) + col);
    if (!f.branch.data)
        return;
    float b[8];
    load8(b, f.branch.row(p.row) + col);
    mask_apply(f.dropped, kept, b);
    for (int i = 0; i < 8; i++)
        v[i] = stored(v[i] + b[i], f.sum.data);
    store8(f.sum.row(p.row) + col, v);
}

template <class T, int S> __global__ void __launch_bounds__(THREADS, 1) norm_forward(forward<T> f, int lanes)
{
    const place p = place_of((int)blockIdx.x * WARPS + (int)threadIdx.x / WARP, lanes);
    const bool there = p.row < f.rows;
    float v[S][8], sum = 0, squares = 0;
#pragma unroll
    for (int s = 0; s < S; s++) {
        load_sum(v[s], f, p, s, there && p.col(s) < f.cols);
        for (int i = 0; i < 8; i++)
            sum += v[s][i];
    }
    const float mean = lanes_sum(sum, lanes) / (float)f.cols;
#pragma unroll
    for (int s = 0; s < S; s++)
        for (int i = 0; i < 8; i++)
            squares += p.col(s) < f.cols ? (v[s][i] - mean) * (v[s][i] - mean) : 0;
    const float rstd = 1 / sqrtf(lanes_sum(squares, lanes) / (float)f.cols + f.epsilon);
    if (!there)
        return;
#pragma unroll
    for (int s = 0; s < S; s++) {
        const int col = p.col(s);
        if (col >= f.cols)
            break;
        float gamma[8], beta[8];
        load8(gamma, f.gamma + col);
        load8(beta, f.beta + col);
        for (int i = 0; i < 8; i++)
            v[s][i] = (v[s][i] - mean) * rstd * gamma[i] + beta[i];
        store8(f.y.row(p.row) + col, v[s]);
    }
    if (p.lane % lanes == 0) {
        f.stats[p.row * f.stats_stride] = mean;
        f.stats[p.row * f.stats_stride + 1] = rstd;
    }
}

/* A warp a row, of any width. */
template <class T> __global__ void norm_forward_any(forward<T> f)
{
    const int row = (int)blockIdx.x * WARPS + (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    if (row >= f.rows)
        return;
    const T *const x = f.branch.data ? f.sum.row(row) : f.x.row(row);
    float sum = 0, squares = 0;
    for (int c = lane; f.branch.data && c < f.cols; c += WARP) {
        const float scale = f.dropped.threshold ? mask_scale(f.dropped, (uint64_t)row, c) : 1;
        put(f.sum.row(row) + c, get(f.x.row(row)[c]) + scale * get(f.branch.row(row)[c]));
    }
    for (int c = lane; c < f.cols; c += WARP)
        sum += get(x[c]);
    const float mean = warp_sum(sum) / (float)f.cols;
    for (int c = lane; c < f.cols; c += WARP)
        squares += (get(x[c]) - mean) * (get(x[c]) - mean);
    const float rstd = 1 / sqrtf(warp_sum(squares) / (float)f.cols + f.epsilon);
    for (int c = lane; c < f.cols; c += WARP)
        put(f.y.row(row) + c, (get(x[c]) - mean) * rstd * f.gamma[c] + f.beta[c]);
    if (lane == 0) {
        f.stats[row * f.stats_stride] = mean;
        f.stats[row * f.stats_stride + 1] = rstd;
    }
}

static void run_forward(el_queue *q, const char *op, el_tensor y, el_tensor sum, el_tensor stats, el_tensor x,
                        el_tensor branch, el_tensor gamma, el_tensor beta, double epsilon, el_dropout dropped)
{
    const bool fast = in_registers(y) && in_registers(x) && in_registers(sum) && in_registers(branch);
    const int lanes = lanes_of(x.cols), stretches = (x.cols + 255) / 256;
    const unsigned blocks = el_cuda_blocks(x.rows, WARPS * (fast ? WARP / lanes : 1));
    by_type(x.type, [&](auto zero) {
        using T = decltype(zero);
        const forward<T> f = {view_of<T>(y),
                              view_of<T>(sum),
                              view_of<T>(x),
                              view_of<T>(branch),
                              (float *)stats.data,
                              (float *)gamma.data,
                              (float *)beta.data,
                              stats.stride,
                              x.rows,
                              x.cols,
                              (float)epsilon,
                              mask_of(dropped, x.cols)};
        if (!fast)
            el_cuda_launch(q, op, norm_forward_any<T>, blocks, THREADS, 0, f);
        else
            el_cuda_launch(q, op,
                           stretches == 1   ? norm_forward<T, 1>
                           : stretches == 2 ? norm_forward<T, 2>
                           : stretches == 3 ? norm_forward<T, 3>
                                            : norm_forward<T, 4>,
                           blocks, THREADS, 0, f, lanes);
    });
}

extern "C" void el_cuda_layer_norm_forward(el_queue *q, el_tensor y, el_tensor stats, el_tensor x,
                                           el_tensor gamma, el_tensor beta, double epsilon)
{
    run_forward(q, "layer_norm_forward", y, el_tensor_none(), stats, x, el_tensor_none(), gamma, beta,
                epsilon, {});
}

extern "C" void el_cuda_residual_norm_forward(el_queue *q, el_tensor y, el_tensor sum, el_tensor stats,
                                              el_tensor x, el_tensor branch, el_tensor gamma, el_tensor beta,
                                              double epsilon, el_dropout dropped)
{
    run_forward(q, "residual_norm_forward", y, sum, stats, x, branch, gamma, beta, epsilon, dropped);
}

/* ---- backward ---- */

template <class T> struct backward {
    view<T> dx, dbranch, dy, x; /* dbranch may be none */
    const float *stats, *gamma;
    int64_t stats_stride;
    float *parts; /* a row of dgamma's and a row of dbeta's for each block */
    int rows, cols, rows_a_block;
    mask dropped;
};

template <class T>
static __device__ __forceinline__ void store_gradients(const backward<T> &b, const place &p, int stretch,
                                                       bool there, float dx[8])
{
    const int col = p.col(stretch);
    uint32_t kept = 0xff;
    if (b.dbranch.data && b.dropped.threshold > 0)
        kept = mask_bits(b.dropped,
                         (b.dropped.row + (uint64_t)(p.row - p.lane / p.lanes)) * b.dropped.stride +
                             (uint64_t)(stretch * 256),
                         p.lane);
    if (!there)
        return;
    store8(b.dx.row(p.row) + col, dx);
    if (!b.dbranch.data)
        return;
    mask_apply(b.dropped, kept, dx);
    store8(b.dbranch.row(p.row) + col, dx);
}

/* One row of a lane's group, what it adds to dgamma and dbeta with it. */
template <class T, int S>
static __device__ __forceinline__ void row_backward(const backward<T> &b, const place &p, bool there,
                                                    float dgamma[S][8], float dbeta[S][8])
{
    float g[S][8], normal[S][8], sum_g = 0, sum_gx = 0;
    const float mean = there ? b.stats[p.row * b.stats_stride] : 0;
    const float rstd = there ? b.stats[p.row * b.stats_stride + 1] : 0;
#pragma unroll
    for (int s = 0; s < S; s++) {
        const int col = p.col(s);
        const bool inside = there && col < b.cols;
        float gamma[8] = {};
        for (int i = 0; i < 8; i++)
            g[s][i] = normal[s][i] = 0;
        if (inside) {
            load8(g[s], b.dy.row(p.row) + col);
            load8(normal[s], b.x.row(p.row) + col);
            load8(gamma, b.gamma + col);
        }
        for (int i = 0; i < 8; i++) {
            normal[s][i] = inside ? (normal[s][i] - mean) * rstd : 0;
            dgamma[s][i] += g[s][i] * normal[s][i];
            dbeta[s][i] += g[s][i];
            g[s][i] *= gamma[i];
            sum_g += g[s][i];
            sum_gx += g[s][i] * normal[s][i];
        }
    }
    const float mean_g = lanes_sum(sum_g, p.lanes) / (float)b.cols;
    const float mean_gx = lanes_sum(sum_gx, p.lanes) / (float)b.cols;
#pragma unroll
    for (int s = 0; s < S; s++) {
        for (int i = 0; i < 8; i++)
            g[s][i] = rstd * (g[s][i] - mean_g - normal[s][i] * mean_gx);
        store_gradients(b, p, s, there && p.col(s) < b.cols, g[s]);
    }
}

/* The block's sums of dgamma and dbeta: lanes of other rows of the warp, then warps in their order. */
template <int S>
static __device__ __forceinline__ void block_sums(float *to, const place &p, int cols, float sums[S][8])
{
    EL_SHARED(float, shared, WARPS *WARP * 8);
    const int warp = (int)threadIdx.x / WARP;
    for (int s = 0; s < S; s++) {
        __syncthreads();
        for (int i = 0; i < 8; i++) {
            float sum = sums[s][i];
            for (int m = p.lanes; m < WARP; m *= 2)
                sum += __shfl_xor_sync(ALL, sum, m);
            shared[(warp * 8 + i) * WARP + p.lane] = sum;
        }
        __syncthreads();
        if (p.lane >= p.lanes || p.col(s) >= cols)
            continue;
        for (int i = warp; i < 8; i += WARPS) {
            float total = 0;
            for (int w = 0; w < WARPS; w++)
                total += shared[(w * 8 + i) * WARP + p.lane];
            to[p.col(s) + i] = total;
        }
    }
}

template <class T, int S>
__global__ void __launch_bounds__(THREADS, 1) norm_backward(backward<T> b, int lanes)
{
    const int first = (int)blockIdx.x * b.rows_a_block;
    const int end = first + b.rows_a_block < b.rows ? first + b.rows_a_block : b.rows;
    float dgamma[S][8] = {}, dbeta[S][8] = {};
    place p = place_of((int)threadIdx.x / WARP, lanes);
    p.row += first;
    for (int start = first; start < end; start += WARPS * p.rows, p.row += WARPS * p.rows)
        row_backward<T, S>(b, p, p.row < end, dgamma, dbeta);
    float *const part = b.parts + (int64_t)blockIdx.x * 2 * b.cols;
    block_sums<S>(part, p, b.cols, dgamma);
    block_sums<S>(part + b.cols, p, b.cols, dbeta);
}

/* A thread a column: the parts of dgamma and dbeta. */
template <class T> __global__ void norm_parameters_any(backward<T> b)
{
    const int col = (int)blockIdx.x * THREADS + (int)threadIdx.x, first = (int)blockIdx.y * b.rows_a_block;
    const int end = first + b.rows_a_block < b.rows ? first + b.rows_a_block : b.rows;
    float dgamma = 0, dbeta = 0;
    if (col >= b.cols)
        return;
    for (int i = first; i < end; i++) {
        const float *const stats = b.stats + i * b.stats_stride;
        const float dy = get(b.dy.row(i)[col]);
        dgamma += dy * (get(b.x.row(i)[col]) - stats[0]) * stats[1];
        dbeta += dy;
    }
    float *const part = b.parts + (int64_t)blockIdx.y * 2 * b.cols;
    part[col] = dgamma;
    part[b.cols + col] = dbeta;
}

template <class T> __global__ void norm_backward_any(backward<T> b)
{
    const int row = (int)blockIdx.x * WARPS + (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    if (row >= b.rows)
        return;
    const float mean = b.stats[row * b.stats_stride], rstd = b.stats[row * b.stats_stride + 1];
    const T *const dy = b.dy.row(row), *const x = b.x.row(row);
    float sum_g = 0, sum_gx = 0;
    for (int c = lane; c < b.cols; c += WARP) {
        const float g = get(dy[c]) * b.gamma[c];
        sum_g += g;
        sum_gx += g * (get(x[c]) - mean) * rstd;
    }
    const float mean_g = warp_sum(sum_g) / (float)b.cols, mean_gx = warp_sum(sum_gx) / (float)b.cols;
    for (int c = lane; c < b.cols; c += WARP) {
        const float normal = (get(x[c]) - mean) * rstd;
        const float dx = rstd * (get(dy[c]) * b.gamma[c] - mean_g - normal * mean_gx);
        put(b.dx.row(row) + c, dx);
        if (b.dbranch.data)
            put(b.dbranch.row(row) + c,
                b.dropped.threshold ? dx * mask_scale(b.dropped, (uint64_t)row, c) : dx);
    }
}

static void run_backward(el_queue *q, const char *op, el_tensor dx, el_tensor dbranch, el_tensor dgamma,
                         el_tensor dbeta, el_tensor dy, el_tensor x, el_tensor stats, el_tensor gamma,
                         el_dropout dropped)
{
    const bool fast = in_registers(dx) && in_registers(dbranch) && in_registers(dy) && in_registers(x);
    const int lanes = lanes_of(x.cols), stretches = (x.cols + 255) / 256, room = EL_CUDA_SUMS / (2 * x.cols);
    const int most = room < MOST_PARTS ? room : MOST_PARTS, at_once = WARPS * WARP / lanes;
    const int share = (x.rows + most - 1) / most, rows = (share + at_once - 1) / at_once * at_once;
    const unsigned parts = rows ? el_cuda_blocks(x.rows, rows) : 0;
    float *const sums = el_cuda_of(q)->sums;
    if (parts == 0)
        return;
    by_type(x.type, [&](auto zero) {
        using T = decltype(zero);
        const backward<T> b = {view_of<T>(dx),
                               view_of<T>(dbranch),
                               view_of<T>(dy),
                               view_of<T>(x),
                               (float *)stats.data,
                               (float *)gamma.data,
                               stats.stride,
                               sums,
                               x.rows,
                               x.cols,
                               rows,
                               mask_of(dropped, x.cols)};
        if (fast) {
            el_cuda_launch(q, op,
                           stretches == 1   ? norm_backward<T, 1>
                           : stretches == 2 ? norm_backward<T, 2>
                           : stretches == 3 ? norm_backward<T, 3>
                                            : norm_backward<T, 4>,
                           parts, THREADS, 0, b, lanes);
            return;
        }
        el_cuda_launch(q, op, norm_parameters_any<T>, dim3(el_cuda_blocks(x.cols, THREADS), parts), THREADS,
                       0, b);
        el_cuda_launch(q, op, norm_backward_any<T>, el_cuda_blocks(x.rows, WARPS), THREADS, 0, b);
    });
    el_cuda_add_pairs(q, op, (float *)dgamma.data, (float *)dbeta.data, sums, (int)parts, x.cols);
}

extern "C" void el_cuda_layer_norm_backward(el_queue *q, el_tensor dx, el_tensor dgamma, el_tensor dbeta,
                                            el_tensor dy, el_tensor x, el_tensor stats, el_tensor gamma)
{
    run_backward(q, "layer_norm_backward", dx, el_tensor_none(), dgamma, dbeta, dy, x, stats, gamma, {});
}

extern "C" void el_cuda_residual_norm_backward(el_queue *q, el_tensor dsum, el_tensor dbranch,
                                               el_tensor dgamma, el_tensor dbeta, el_tensor dy, el_tensor sum,
                                               el_tensor stats, el_tensor gamma, el_dropout dropped)
{
    assert(dbranch.data != dsum.data || dropped.rate == 0); /* dropped in place, dx would be lost */
    run_backward(q, "residual_norm_backward", dsum, dbranch.data == dsum.data ? el_tensor_none() : dbranch,
                 dgamma, dbeta, dy, sum, stats, gamma, dropped);
}
