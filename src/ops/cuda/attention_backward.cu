/* attention_backward - by tiles: P is made again from lse
 *
 *   P = exp(S - lse)      R = P scale (dropout's)      delta[i] = sum over columns of dy[i] y[i]
 *   dS = P (scale dy V^T - delta)      dQ = dS K / sqrt(d)      dK = dS^T Q / sqrt(d)      dV = R^T dy
 *
 * For dQ a block has 64 queries, 16 of a warp, and goes along the keys.  For dK and dV it has 128 keys, 16 of a warp, and
 * goes along the queries 32 at a time; S and dP are transposed there, so that what one product leaves is what the next reads.
 */
#include "ops/cuda/attention.h"

enum { QUERY_THREADS = 128, ROWS = 64, KEYS = 64, KEY_THREADS = 256, BLOCK_KEYS = 128, STEP = 32 };

/* delta of a row, by eight lanes that have eight columns each. */
static __device__ __forceinline__ float delta_of(const attention<bf16> &a, const part &p, int i, int eighth)
{
    float dy[8], y[8], sum = 0;
    if (i < p.length) {
        load8(dy, a.dy.row(p.first + i) + p.head * HEAD + eighth * 8);
        load8(y, a.y.row(p.first + i) + p.head * HEAD + eighth * 8);
        for (int c = 0; c < 8; c++)
            sum += dy[c] * y[c];
    }
    return lanes_sum(sum, 8);
}

/* What a block knows of its queries. */
template <int COUNT> struct query {
    float lse[COUNT], delta[COUNT];
    int keys[COUNT];
};

template <int COUNT>
static __device__ __forceinline__ void load_queries(query<COUNT> *to, const attention<bf16> &a, const part &p,
                                                    int first)
{
    for (int n = (int)threadIdx.x; n < 8 * COUNT; n += (int)blockDim.x) {
        const int i = n / 8;
        const float delta = delta_of(a, p, first + i, n % 8);
        if (n % 8 != 0)
            continue;
        to->delta[i] = delta;
        to->keys[i] = keys_of(a, p, first + i);
        to->lse[i] = first + i < p.length ? a.lse.row(p.first + first + i)[p.head] : 0;
    }
}

/* S to P; then of R and dP to dS. */
static __device__ __forceinline__ float probability(const attention<bf16> &a, float s, float lse,
                                                    bool visible)
{
    return visible ? el_quick_exp(s * a.scale - lse) : 0;
}

__global__ void __launch_bounds__(QUERY_THREADS, 1) attend_queries_backward(attention<bf16> a)
{
    EL_SHARED(bf16, k, KEYS * PITCH);
    EL_SHARED(bf16, v, KEYS * PITCH);
    EL_SHARED(uint64_t, bits, 2 * ROWS);
    EL_SHARED(query<ROWS>, queries, 1);
    const part p = part_of(a);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP, first = (int)blockIdx.y * ROWS;
    const int col = p.head * HEAD, hidden = a.heads * HEAD, row = warp * 16 + lane / 4;
    uint32_t q[4][4], dy[4][4];
    float dq[8][4] = {};
    if (first >= p.length)
        return;
    load_tile(k, a.qkv, p.first, first, ROWS, p.length, col);
    load_tile(v, a.dy, p.first, first, ROWS, p.length, col);
    load_queries<ROWS>(queries, a, p, first);
    __syncthreads();
    for (int i = 0; i < 4; i++) {
        load_left(q[i], k, warp * 16, i);
        load_left(dy[i], v, warp * 16, i);
    }
    for (int key = 0; key < p.length; key += KEYS) {
        float s[8][4] = {}, dp[8][4] = {};
        __syncthreads();
        load_tile(k, a.qkv, p.first, key, KEYS, p.length, hidden + col);
        load_tile(v, a.qkv, p.first, key, KEYS, p.length, 2 * hidden + col);
        if (a.dropped.threshold > 0 && key % 128 == 0)
            tile_bits(bits, a.dropped, mask_row(a, p, first), (uint64_t)a.heads, ROWS, key);
        __syncthreads();
        multiply_rows<8>(s, q, k, 0);
        multiply_rows<8>(dp, dy, v, 0);
        for (int j = 0; j < 8; j++)
            for (int i = 0; i < 4; i++) {
                const int r = row + i / 2 * 8, c = key + j * 8 + lane % 4 * 2 + i % 2;
                const float scale = a.dropped.threshold > 0 ? bit_scale(bits, a.dropped, r, c) : 1;
                const float x = probability(a, s[j][i], queries->lse[r], c < queries->keys[r]);
                s[j][i] = x * (scale * dp[j][i] - queries->delta[r]);
            }
        multiply_columns<8>(dq, s, k);
    }
    store_tile(a.dqkv, p.first, first + warp * 16, p.length, col, dq, a.scale, a.scale);
}

__global__ void __launch_bounds__(KEY_THREADS, 1) attend_keys_backward(attention<bf16> a)
{
    EL_SHARED(bf16, tile, BLOCK_KEYS * PITCH); /* of keys, then of values; then of queries and of dy */
    EL_SHARED(uint64_t, bits, 2 * STEP);
    EL_SHARED(query<STEP>, queries, 1);
    bf16 *const q = tile, *const dy = tile + STEP * PITCH;
    const part p = part_of(a);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP,
              first = (int)blockIdx.y * BLOCK_KEYS;
    const int col = p.head * HEAD, hidden = a.heads * HEAD, key = first + warp * 16 + lane / 4;
    uint32_t k[4][4], v[4][4];
    float dk[8][4] = {}, dv[8][4] = {};
    if (first >= p.length)
        return;
    load_tile(tile, a.qkv, p.first, first, BLOCK_KEYS, p.length, hidden + col);
    __syncthreads();
    for (int i = 0; i < 4; i++)
        load_left(k[i], tile, warp * 16, i);
    __syncthreads();
    load_tile(tile, a.qkv, p.first, first, BLOCK_KEYS, p.length, 2 * hidden + col);
    __syncthreads();
    for (int i = 0; i < 4; i++)
        load_left(v[i], tile, warp * 16, i);
    for (int start = 0; start < p.length; start += STEP) {
        float s[4][4] = {}, dp[4][4] = {};
        __syncthreads();
        load_tile(q, a.qkv, p.first, start, STEP, p.length, col);
        load_tile(dy, a.dy, p.first, start, STEP, p.length, col);
        load_queries<STEP>(queries, a, p, start);
        if (a.dropped.threshold > 0)
            tile_bits(bits, a.dropped, mask_row(a, p, start), (uint64_t)a.heads, STEP, first);
        __syncthreads();
        multiply_rows<4>(s, k, q, 0);
        multiply_rows<4>(dp, v, dy, 0);
        for (int j = 0; j < 4; j++)
            for (int i = 0; i < 4; i++) {
                const int r = j * 8 + lane % 4 * 2 + i % 2, c = key + i / 2 * 8;
                const float scale = a.dropped.threshold > 0 ? bit_scale(bits, a.dropped, r, c) : 1;
                const float x = probability(a, s[j][i], queries->lse[r], c < queries->keys[r]);
                s[j][i] = x * scale;
                dp[j][i] = x * (scale * dp[j][i] - queries->delta[r]);
            }
        multiply_columns<4>(dv, s, dy);
        multiply_columns<4>(dk, dp, q);
    }
    store_tile(a.dqkv, p.first, first + warp * 16, p.length, hidden + col, dk, a.scale, a.scale);
    store_tile(a.dqkv, p.first, first + warp * 16, p.length, 2 * hidden + col, dv, 1, 1);
}

void el_cuda_attention_backward_tiles(el_queue *q, const attention<bf16> &a, int sequences, int longest)
{
    const unsigned parts = (unsigned)(sequences * a.heads);
    el_cuda_launch(q, "attention_backward", attend_queries_backward,
                   dim3(parts, el_cuda_blocks(longest, ROWS)), QUERY_THREADS, 0, a);
    el_cuda_launch(q, "attention_backward", attend_keys_backward,
                   dim3(parts, el_cuda_blocks(longest, BLOCK_KEYS)), KEY_THREADS, 0, a);
}

extern "C" void el_cuda_attention_backward(el_queue *q, el_tensor dqkv, el_tensor dy, el_tensor y,
                                           el_tensor lse, el_tensor qkv, el_layout layout, int heads,
                                           el_dropout dropped, int width)
{
    by_type(qkv.type, [&](auto zero) {
        using T = decltype(zero);
        attention<T> a = attention_of<T>(y, lse, qkv, layout, heads, dropped, width);
        a.dy = view_of<T>(dy);
        a.dqkv = view_of<T>(dqkv);
        if constexpr (sizeof(T) == sizeof(bf16)) {
            if (in_tiles(qkv, heads, y, dy, dqkv)) {
                el_cuda_attention_backward_tiles(q, a, layout.sequences, layout.longest);
                return;
            }
        }
        el_cuda_attention_backward_any(q, a, layout.sequences, layout.longest);
    });
}
