/* attention_forward - by tiles: 64 queries of a block, 16 of a warp, against 64 keys at a time; and which way is taken
 *
 *   S = Q K^T / sqrt(d)      P = exp(S - max)      y = dropout(P) V / sum of P      lse = max + log(sum of P)
 *
 * Maximum and sum run along: what was added up under a smaller maximum is scaled down.
 */
#include "ops/cuda/attention.h"

enum { THREADS = 128, ROWS = 64, KEYS = 64 };

/* A thread's two rows: the largest score so far, and the sum of exponentials that it has added. */
struct running {
    float max[2], sum[2];
};

/* S becomes exp(S - max), not visible keys 0; what was summed before is worth `before` of what it was. */
static __device__ __forceinline__ void exponentials(float s[8][4], running *r, const int keys[2], int key,
                                                    float scale, float before[2])
{
    const int lane = (int)threadIdx.x % WARP;
    for (int half = 0; half < 2; half++) {
        float max = -INFINITY, sum = 0;
        for (int j = 0; j < 8; j++)
            for (int i = 0; i < 2; i++) {
                float *const x = &s[j][2 * half + i];
                *x = key + j * 8 + lane % 4 * 2 + i < keys[half] ? *x * scale : -INFINITY;
                max = fmaxf(max, *x);
            }
        max = fmaxf(max, __shfl_xor_sync(ALL, max, 1));
        max = fmaxf(fmaxf(max, __shfl_xor_sync(ALL, max, 2)), r->max[half]);
        const float base = max == -INFINITY ? 0 : max;
        for (int j = 0; j < 8; j++)
            for (int i = 0; i < 2; i++) {
                float *const x = &s[j][2 * half + i];
                *x = el_quick_exp(*x - base);
                sum += *x;
            }
        before[half] = el_quick_exp(r->max[half] - base);
        r->sum[half] = r->sum[half] * before[half] + sum;
        r->max[half] = max;
    }
}

__global__ void __launch_bounds__(THREADS) attend_tiles(attention<bf16> a)
{
    EL_SHARED(bf16, q, ROWS * PITCH);
    EL_SHARED(bf16, k, KEYS * PITCH);
    EL_SHARED(bf16, v, KEYS * PITCH);
    EL_SHARED(uint64_t, bits, 2 * ROWS);
    const part p = part_of(a);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP, first = (int)blockIdx.y * ROWS;
    const int col = p.head * HEAD, hidden = a.heads * HEAD;
    const int keys[2] = {keys_of(a, p, first + warp * 16 + lane / 4),
                         keys_of(a, p, first + warp * 16 + lane / 4 + 8)};
    uint32_t left[4][4];
    float y[8][4] = {};
    running r = {{-INFINITY, -INFINITY}, {0, 0}};
    if (first >= p.length)
        return;
    load_tile(q, a.qkv, p.first, first, ROWS, p.length, col);
    __syncthreads();
    for (int i = 0; i < 4; i++)
        load_left(left[i], q, warp * 16, i);
    for (int key = 0; key < p.length; key += KEYS) {
        float s[8][4] = {}, before[2];
        __syncthreads(); /* the tiles before have been read */
        load_tile(k, a.qkv, p.first, key, KEYS, p.length, hidden + col);
        load_tile(v, a.qkv, p.first, key, KEYS, p.length, 2 * hidden + col);
        if (a.dropped.threshold > 0 && key % 128 == 0)
            tile_bits(bits, a.dropped, mask_row(a, p, first), (uint64_t)a.heads, ROWS, key);
        __syncthreads();
        multiply_rows<8>(s, left, k, 0);
        exponentials(s, &r, keys, key, a.scale, before);
        for (int j = 0; j < 8; j++)
            for (int i = 0; i < 4; i++) {
                y[j][i] *= before[i / 2];
                if (a.dropped.threshold > 0)
                    s[j][i] *= bit_scale(bits, a.dropped, warp * 16 + lane / 4 + i / 2 * 8,
                                         key + j * 8 + lane % 4 * 2 + i % 2);
            }
        multiply_columns<8>(y, s, v);
    }
    for (int half = 0; half < 2; half++) {
        float sum = r.sum[half];
        sum += __shfl_xor_sync(ALL, sum, 1);
        sum += __shfl_xor_sync(ALL, sum, 2);
        const int i = first + warp * 16 + lane / 4 + 8 * half;
        if (lane % 4 == 0 && i < p.length)
            a.lse.row(p.first + i)[p.head] = r.max[half] + logf(sum);
        r.sum[half] = sum > 0 ? 1 / sum : 0;
    }
    store_tile(a.y, p.first, first + warp * 16, p.length, col, y, r.sum[0], r.sum[1]);
}

void el_cuda_attention_forward_tiles(el_queue *q, const attention<bf16> &a, int sequences, int longest)
{
    el_cuda_launch(q, "attention_forward", attend_tiles,
                   dim3((unsigned)(sequences * a.heads), el_cuda_blocks(longest, ROWS)), THREADS, 0, a);
}

extern "C" void el_cuda_attention_forward(el_queue *q, el_tensor y, el_tensor lse, el_tensor qkv,
                                          el_layout layout, int heads, el_dropout dropped, int width)
{
    if (in_tiles(qkv, heads, y, el_tensor_none(), el_tensor_none()))
        el_cuda_attention_forward_tiles(q, attention_of<bf16>(y, lse, qkv, layout, heads, dropped, width),
                                        layout.sequences, layout.longest);
    else
        by_type(qkv.type, [&](auto zero) {
            using T = decltype(zero);
            el_cuda_attention_forward_any(q, attention_of<T>(y, lse, qkv, layout, heads, dropped, width),
                                          layout.sequences, layout.longest);
        });
}
