/* attention - what its three sources share: a head of a sequence, tiles of it in shared memory, dropout's bits of a tile
 *
 * Tiles are for bf16 and heads of 64 columns, by the GPU's products of 16 x 16 by 16 x 8, with sums and softmax in float
 * (attention_forward.cu, attention_backward.cu).  All else, float among it, is done a warp a row (attention_any.cu).
 * Sequences may be of any length: both go along the keys.
 *
 * A block has a sequence's head and some of its rows.  The backward is two kernels, one for the gradients of queries and
 * one for those of keys and values, so that every sum is one block's own: with one kernel, either sums would be added in an
 * order of arrival, or a whole sequence would have to fit in shared memory.
 */
#ifndef EL_OPS_CUDA_ATTENTION_H
#define EL_OPS_CUDA_ATTENTION_H

#include "ops/cuda/thread.h"

enum { HEAD = 64 /* columns, in tiles */, PITCH = HEAD + 8 /* of a tile's rows: no two in the same banks */ };

template <class T> struct attention {
    view<T> y, dy, qkv, dqkv;
    view<float> lse;
    const int *starts, *limits; /* limits may be none */
    int heads, size;            /* of a head */
    float scale;                /* 1 / sqrt(size) */
    mask dropped;
};

/* What a block works on. */
struct part {
    int head, first, length; /* row of the batch at which the sequence begins */
};

template <class T> static __device__ __forceinline__ part part_of(const attention<T> &a)
{
    const int sequence = (int)blockIdx.x / a.heads, first = a.starts[sequence];
    return {(int)blockIdx.x % a.heads, first, a.starts[sequence + 1] - first};
}

/* Keys that row i of the sequence sees; none beyond its end. */
template <class T> static __device__ __forceinline__ int keys_of(const attention<T> &a, const part &p, int i)
{
    return i >= p.length ? 0 : a.limits ? a.limits[p.first + i] : p.length;
}

/* The row of the tensor that dropout of P is applied to. */
template <class T>
static __device__ __forceinline__ uint64_t mask_row(const attention<T> &a, const part &p, int i)
{
    return (a.dropped.row + (uint64_t)(p.first + i)) * (uint64_t)a.heads + (uint64_t)p.head;
}

static inline bool in_tiles(el_tensor qkv, int heads, el_tensor y, el_tensor dy, el_tensor dqkv)
{
    return qkv.type == EL_BF16 && qkv.cols / 3 == heads * HEAD && by_eight(qkv) && by_eight(y) &&
           by_eight(dy) && by_eight(dqkv);
}

template <class T>
static inline attention<T> attention_of(el_tensor y, el_tensor lse, el_tensor qkv, el_layout layout,
                                        int heads, el_dropout dropped, int width)
{
    const int size = qkv.cols / 3 / heads;
    return {view_of<T>(y),
            {},
            view_of<T>(qkv),
            {},
            view_of<float>(lse),
            layout.starts,
            layout.limits,
            heads,
            size,
            1 / sqrtf((float)size),
            mask_of(dropped, width)};
}

/* ---- a warp a row, of up to MOST_COLUMNS: a lane has A_LANE of them, columns lane + 32 t ---- */

enum { MOST_COLUMNS = EL_CUDA_HEAD, A_LANE = MOST_COLUMNS / WARP };

template <class T> static __device__ __forceinline__ float dot(const float *a, const T *b, int size)
{
    float sum = 0;
    for (int c = 0; c < size; c++)
        sum += a[c] * get(b[c]);
    return sum;
}

/* 0 or the scale of an element of P. */
template <class T>
static __device__ __forceinline__ float keep_scale(const attention<T> &a, const part &p, int i, int key)
{
    return a.dropped.threshold ? mask_scale(a.dropped, mask_row(a, p, i) - a.dropped.row, key) : 1;
}

template <class T>
static __device__ __forceinline__ void store_row(T *to, const float sum[A_LANE], float scale, int size)
{
    const int lane = (int)threadIdx.x % WARP;
    for (int t = 0; t < A_LANE; t++)
        if (lane + WARP * t < size)
            put(to + lane + WARP * t, sum[t] * scale);
}

/* ---- tiles ---- */

/* Rows [first, first + rows) of 64 columns, from column `col` on; zero from row `end` on. */
static __device__ __forceinline__ void load_tile(bf16 *tile, view<bf16> from, int64_t base, int first,
                                                 int rows, int end, int col)
{
    for (int n = (int)threadIdx.x; n < rows * (HEAD / 8); n += (int)blockDim.x) {
        const int i = n / (HEAD / 8), c = n % (HEAD / 8) * 8;
        uint4 eight = {0, 0, 0, 0};
        if (first + i < end)
            eight = *(const uint4 *)(from.row(base + first + i) + col + c);
        *(uint4 *)(tile + i * PITCH + c) = eight;
    }
}

/* Rows `row` to row + 15 and columns 16 k to 16 k + 15 as the left factor of a product. */
static __device__ __forceinline__ void load_left(uint32_t a[4], const bf16 *tile, int row, int k)
{
    const int lane = (int)threadIdx.x % WARP;
    el_load_tiles(a, tile + (row + lane % 16) * PITCH + k * 16 + lane / 16 * 8);
}

/* The right factor of two products, whose 8 columns each are the tile's rows `row` to row + 15, over its columns 16 k ... */
static __device__ __forceinline__ void load_right(uint32_t b[4], const bf16 *tile, int row, int k)
{
    const int lane = (int)threadIdx.x % WARP;
    el_load_tiles(b, tile + (row + lane / 16 * 8 + lane % 8) * PITCH + k * 16 + lane / 8 % 2 * 8);
}

/* The same whose columns are the tile's columns `col` to col + 15, over its rows 16 k ... */
static __device__ __forceinline__ void load_right_transposed(uint32_t b[4], const bf16 *tile, int k, int col)
{
    const int lane = (int)threadIdx.x % WARP;
    el_load_tiles_transposed(b, tile + (k * 16 + lane % 16) * PITCH + col + lane / 16 * 8);
}

/* d (16, 8 N) += left (16, 64) right^T, right's rows being `first` and on of a tile. */
template <int N>
static __device__ __forceinline__ void multiply_rows(float d[N][4], const uint32_t left[4][4],
                                                     const bf16 *tile, int first)
{
#pragma unroll
    for (int j = 0; j < N / 2; j++)
#pragma unroll
        for (int k = 0; k < 4; k++) {
            uint32_t b[4];
            load_right(b, tile, first + j * 16, k);
            el_multiply_tile(d[2 * j], left[k], b[0], b[1]);
            el_multiply_tile(d[2 * j + 1], left[k], b[2], b[3]);
        }
}

/* d (16, 64) += left (16, 8 N) tile (8 N, 64), left as products leave it. */
template <int N>
static __device__ __forceinline__ void multiply_columns(float d[8][4], const float left[N][4],
                                                        const bf16 *tile)
{
#pragma unroll
    for (int k = 0; k < N / 2; k++) {
        const uint32_t a[4] = {el_pack_bf16(left[2 * k][0], left[2 * k][1]),
                               el_pack_bf16(left[2 * k][2], left[2 * k][3]),
                               el_pack_bf16(left[2 * k + 1][0], left[2 * k + 1][1]),
                               el_pack_bf16(left[2 * k + 1][2], left[2 * k + 1][3])};
#pragma unroll
        for (int j = 0; j < 4; j++) {
            uint32_t b[4];
            load_right_transposed(b, tile, k, j * 16);
            el_multiply_tile(d[2 * j], a, b[0], b[1]);
            el_multiply_tile(d[2 * j + 1], a, b[2], b[3]);
        }
    }
}

/* Stores 16 rows of 64 columns that a warp's products left, those before `end`. */
static __device__ __forceinline__ void store_tile(view<bf16> to, int64_t base, int first, int end, int col,
                                                  const float d[8][4], float scale_0, float scale_1)
{
    const int lane = (int)threadIdx.x % WARP;
    for (int half = 0; half < 2; half++) {
        const int i = first + lane / 4 + 8 * half;
        const float scale = half ? scale_1 : scale_0;
        if (i >= end)
            continue;
        for (int j = 0; j < 8; j++)
            *(uint32_t *)(to.row(base + i) + col + j * 8 + lane % 4 * 2) =
                el_pack_bf16(d[j][2 * half] * scale, d[j][2 * half + 1] * scale);
    }
}

/* Which of P's elements are kept, of rows [first, first + rows) and 128 keys from `key`, a multiple of 128: bit k % 64 of
 * bits[2 row + k / 64].  By all warps of a block: two rows at a time, 16 lanes each. */
static __device__ __forceinline__ void tile_bits(uint64_t *bits, const mask &m, uint64_t row,
                                                 uint64_t row_step, int rows, int key)
{
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP, side = lane / 16;
    for (int i = 2 * warp + side; i < rows; i += (int)blockDim.x / 16) {
        const uint64_t first = (row + (uint64_t)i * row_step) * (m.stride / 16) + (uint64_t)(key / 16);
        uint64_t word[2] = {0, 0};
        for (int b = 0; b < (m.stride % 128 ? 2 : 1); b++) {
            uint32_t words[4];
            random_words(m.random, (first / 8 + (uint64_t)b) * 16 + (uint64_t)(lane % 16), words);
#pragma unroll
            for (int j = 0; j < 8; j++) {
                const uint64_t kept =
                    __ballot_sync(ALL, half_of(words, j) >= m.threshold) >> (16 * side) & 0xffff;
                const int group = 8 * b + j - (int)(first % 8);
                if (group >= 0 && group < 8)
                    word[group / 4] |= kept << (16 * (group % 4));
            }
        }
        if (lane % 16 == 0) {
            bits[2 * i] = word[0];
            bits[2 * i + 1] = word[1];
        }
    }
}

/* 0 or the scale. */
static __device__ __forceinline__ float bit_scale(const uint64_t *bits, const mask &m, int row, int key)
{
    return bits[2 * row + key % 128 / 64] >> (key % 64) & 1 ? m.scale : 0;
}

/* ---- by whom what is done ---- */

void el_cuda_attention_forward_tiles(el_queue *q, const attention<bf16> &a, int sequences, int longest);
void el_cuda_attention_backward_tiles(el_queue *q, const attention<bf16> &a, int sequences, int longest);
void el_cuda_attention_forward_any(el_queue *q, const attention<bf16> &a, int sequences, int longest);
void el_cuda_attention_forward_any(el_queue *q, const attention<float> &a, int sequences, int longest);
void el_cuda_attention_backward_any(el_queue *q, const attention<bf16> &a, int sequences, int longest);
void el_cuda_attention_backward_any(el_queue *q, const attention<float> &a, int sequences, int longest);

#endif
