/* attention_any - of either type and any head of up to 256 columns: a warp a row
 *
 * 32 keys at a time: a lane makes the score of one of them, and then has some columns of the sum over all of them.  Formulas
 * are in attention_forward.cu and attention_backward.cu.
 */
#include "ops/cuda/attention.h"

enum { WARPS = 4, THREADS = WARPS * WARP };

/* A row's columns, for all lanes of its warp. */
template <class T> static __device__ __forceinline__ void keep_row(float *to, const T *from, int size)
{
    for (int c = (int)threadIdx.x % WARP; c < size; c += WARP)
        to[c] = get(from[c]);
}

template <class T> static __device__ __forceinline__ float dot_rows(const T *a, const T *b, int size)
{
    float sum = 0;
    for (int c = 0; c < size; c++)
        sum += get(a[c]) * get(b[c]);
    return sum;
}

/* sum[t] += factor of each of `count` lanes times column lane + 32 t of its row; rows follow each other from `first`. */
template <class T>
static __device__ __forceinline__ void add_rows(float sum[A_LANE], float factor, view<T> rows, int64_t first,
                                                int count, int col, int size)
{
    const int lane = (int)threadIdx.x % WARP;
    for (int i = 0; i < count; i++) {
        const float by = __shfl_sync(ALL, factor, i);
        const T *const row = rows.row(first + i) + col;
        for (int t = 0; t < A_LANE; t++)
            if (lane + WARP * t < size)
                sum[t] += by * get(row[lane + WARP * t]);
    }
}

template <class T> __global__ void __launch_bounds__(THREADS, 1) attend_row(attention<T> a)
{
    EL_SHARED(float, kept, WARPS *MOST_COLUMNS);
    const part p = part_of(a);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP,
              i = (int)blockIdx.y * WARPS + warp;
    const int col = p.head * a.size, hidden = a.heads * a.size, keys = keys_of(a, p, i);
    float *const q = kept + warp * MOST_COLUMNS, y[A_LANE] = {}, max = -INFINITY, sum = 0;
    if (i >= p.length)
        return;
    keep_row(q, a.qkv.row(p.first + i) + col, a.size);
    __syncwarp();
    for (int first = 0; first < keys; first += WARP) {
        const int key = first + lane, count = keys - first < WARP ? keys - first : WARP;
        const float s =
            key < keys ? dot(q, a.qkv.row(p.first + key) + hidden + col, a.size) * a.scale : -INFINITY;
        const float larger = fmaxf(max, warp_max(s)), before = expf(max - larger);
        const float x = key < keys ? expf(s - larger) : 0;
        sum = sum * before + warp_sum(x);
        max = larger;
        for (int t = 0; t < A_LANE; t++)
            y[t] *= before;
        add_rows(y, x * keep_scale(a, p, i, key), a.qkv, p.first + first, count, 2 * hidden + col, a.size);
    }
    store_row(a.y.row(p.first + i) + col, y, keys > 0 ? 1 / sum : 0, a.size);
    if (lane == 0)
        a.lse.row(p.first + i)[p.head] = keys > 0 ? max + logf(sum) : -INFINITY;
}

template <class T> __global__ void __launch_bounds__(THREADS, 1) attend_query_backward(attention<T> a)
{
    EL_SHARED(float, kept, 2 * WARPS * MOST_COLUMNS);
    const part p = part_of(a);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP,
              i = (int)blockIdx.y * WARPS + warp;
    const int col = p.head * a.size, hidden = a.heads * a.size, keys = keys_of(a, p, i);
    float *const q = kept + 2 * warp * MOST_COLUMNS, *const dy = q + MOST_COLUMNS, dq[A_LANE] = {};
    if (i >= p.length)
        return;
    keep_row(q, a.qkv.row(p.first + i) + col, a.size);
    keep_row(dy, a.dy.row(p.first + i) + col, a.size);
    __syncwarp();
    const float lse = a.lse.row(p.first + i)[p.head], delta = dot(dy, a.y.row(p.first + i) + col, a.size);
    for (int first = 0; first < keys; first += WARP) {
        const int key = first + lane, count = keys - first < WARP ? keys - first : WARP;
        float ds = 0;
        if (key < keys) {
            const T *const row = a.qkv.row(p.first + key) + col;
            const float x = expf(dot(q, row + hidden, a.size) * a.scale - lse);
            ds = x * (keep_scale(a, p, i, key) * dot(dy, row + 2 * hidden, a.size) - delta);
        }
        add_rows(dq, ds, a.qkv, p.first + first, count, hidden + col, a.size);
    }
    store_row(a.dqkv.row(p.first + i) + col, dq, a.scale, a.size);
}

template <class T> __global__ void __launch_bounds__(THREADS, 1) attend_key_backward(attention<T> a)
{
    EL_SHARED(float, kept, 2 * WARPS * MOST_COLUMNS);
    const part p = part_of(a);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP,
              key = (int)blockIdx.y * WARPS + warp;
    const int col = p.head * a.size, hidden = a.heads * a.size;
    float *const k = kept + 2 * warp * MOST_COLUMNS, *const v = k + MOST_COLUMNS, dk[A_LANE] = {},
                 dv[A_LANE] = {};
    if (key >= p.length)
        return;
    keep_row(k, a.qkv.row(p.first + key) + hidden + col, a.size);
    keep_row(v, a.qkv.row(p.first + key) + 2 * hidden + col, a.size);
    __syncwarp();
    for (int first = 0; first < p.length; first += WARP) {
        const int i = first + lane, count = p.length - first < WARP ? p.length - first : WARP;
        float r = 0, ds = 0;
        if (key < keys_of(a, p, i)) {
            const T *const dy = a.dy.row(p.first + i) + col;
            const float s = dot(k, a.qkv.row(p.first + i) + col, a.size) * a.scale;
            const float x = expf(s - a.lse.row(p.first + i)[p.head]), scale = keep_scale(a, p, i, key);
            r = x * scale;
            ds = x * (scale * dot(v, dy, a.size) - dot_rows(dy, a.y.row(p.first + i) + col, a.size));
        }
        add_rows(dv, r, a.dy, p.first + first, count, col, a.size);
        add_rows(dk, ds, a.qkv, p.first + first, count, col, a.size);
    }
    store_row(a.dqkv.row(p.first + key) + hidden + col, dk, a.scale, a.size);
    store_row(a.dqkv.row(p.first + key) + 2 * hidden + col, dv, 1, a.size);
}

static dim3 grid_of(int sequences, int heads, int longest)
{
    return dim3((unsigned)(sequences * heads), el_cuda_blocks(longest, WARPS));
}

template <class T> static void forward_any(el_queue *q, const attention<T> &a, int sequences, int longest)
{
    el_cuda_launch(q, "attention_forward", attend_row<T>, grid_of(sequences, a.heads, longest), THREADS, 0,
                   a);
}

template <class T> static void backward_any(el_queue *q, const attention<T> &a, int sequences, int longest)
{
    const dim3 grid = grid_of(sequences, a.heads, longest);
    el_cuda_launch(q, "attention_backward", attend_query_backward<T>, grid, THREADS, 0, a);
    el_cuda_launch(q, "attention_backward", attend_key_backward<T>, grid, THREADS, 0, a);
}

void el_cuda_attention_forward_any(el_queue *q, const attention<bf16> &a, int sequences, int longest)
{
    forward_any(q, a, sequences, longest);
}

void el_cuda_attention_forward_any(el_queue *q, const attention<float> &a, int sequences, int longest)
{
    forward_any(q, a, sequences, longest);
}

void el_cuda_attention_backward_any(el_queue *q, const attention<bf16> &a, int sequences, int longest)
{
    backward_any(q, a, sequences, longest);
}

void el_cuda_attention_backward_any(el_queue *q, const attention<float> &a, int sequences, int longest)
{
    backward_any(q, a, sequences, longest);
}
