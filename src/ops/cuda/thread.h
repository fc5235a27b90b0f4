/* thread - what the kernels' threads have in common: types, vectors of eight, sums of a warp, dropout's bits */
#ifndef EL_OPS_CUDA_THREAD_H
#define EL_OPS_CUDA_THREAD_H

#include <math.h>

#include "ops/cuda/cuda.h"

struct bf16 {
    uint16_t bits;
};

/* Rows of a tensor on the device. */
template <class T> struct view {
    T *data;
    int64_t stride;
    __device__ T *row(int64_t i) const
    {
        return data + i * stride;
    }
};

template <class T> static inline view<T> view_of(el_tensor t)
{
    return {(T *)t.data, t.stride};
}

/* Calls with a value of the tensors' type, which is of no other use. */
template <class F> static inline void by_type(el_type type, F call)
{
    if (type == EL_BF16)
        call(bf16());
    else
        call(float());
}

/* ---- numbers ---- */

static __device__ __forceinline__ float get(float x)
{
    return x;
}

static __device__ __forceinline__ float get(bf16 x)
{
    return __uint_as_float((unsigned)x.bits << 16);
}

static __device__ __forceinline__ void put(float *place, float x)
{
    *place = x;
}

static __device__ __forceinline__ void put(bf16 *place, float x)
{
    place->bits = (uint16_t)el_pack_bf16(x, 0);
}

/* As it is when it has been stored. */
static __device__ __forceinline__ float stored(float x, const float *)
{
    return x;
}

static __device__ __forceinline__ float stored(float x, const bf16 *)
{
    return __uint_as_float(el_pack_bf16(x, 0) << 16);
}

/* Eight neighbours, at a place that is aligned to 16 bytes. */
static __device__ __forceinline__ void load8(float v[8], const float *p)
{
    const float4 a = ((const float4 *)p)[0], b = ((const float4 *)p)[1];
    v[0] = a.x, v[1] = a.y, v[2] = a.z, v[3] = a.w, v[4] = b.x, v[5] = b.y, v[6] = b.z, v[7] = b.w;
}

static __device__ __forceinline__ void load8(float v[8], const bf16 *p)
{
    const uint4 u = *(const uint4 *)p;
    const unsigned words[4] = {u.x, u.y, u.z, u.w};
    for (int i = 0; i < 4; i++) {
        v[2 * i] = __uint_as_float(words[i] << 16);
        v[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
    }
}

static __device__ __forceinline__ void store8(float *p, const float v[8])
{
    ((float4 *)p)[0] = {v[0], v[1], v[2], v[3]};
    ((float4 *)p)[1] = {v[4], v[5], v[6], v[7]};
}

static __device__ __forceinline__ void store8(bf16 *p, const float v[8])
{
    *(uint4 *)p = {el_pack_bf16(v[0], v[1]), el_pack_bf16(v[2], v[3]), el_pack_bf16(v[4], v[5]),
                   el_pack_bf16(v[6], v[7])};
}

/* V neighbours, 8 or 1. */
template <int V, class T> static __device__ __forceinline__ void load_some(float v[V], const T *p)
{
    if constexpr (V == 8)
        load8(v, p);
    else
        v[0] = get(*p);
}

template <int V, class T> static __device__ __forceinline__ void store_some(T *p, const float v[V])
{
    if constexpr (V == 8)
        store8(p, v);
    else
        put(p, v[0]);
}

/* Whether rows can be read eight elements at a time. */
static inline bool by_eight(el_tensor t)
{
    return !t.data || (t.cols % 8 == 0 && t.stride % 8 == 0 && (uintptr_t)t.data % 16 == 0);
}

/* ---- a warp ---- */

enum { WARP = 32 };
static const unsigned ALL = ~0u;

/* Of `lanes` neighbouring lanes, a power of two. */
static __device__ __forceinline__ float lanes_sum(float x, int lanes)
{
    for (int m = lanes / 2; m > 0; m /= 2)
        x += __shfl_xor_sync(ALL, x, m);
    return x;
}

static __device__ __forceinline__ float warp_sum(float x)
{
    return lanes_sum(x, WARP);
}

static __device__ __forceinline__ double warp_sum(double x)
{
    for (int m = WARP / 2; m > 0; m /= 2)
        x += __shfl_xor_sync(ALL, x, m);
    return x;
}

static __device__ __forceinline__ float warp_max(float x)
{
    for (int m = WARP / 2; m > 0; m /= 2)
        x = fmaxf(x, __shfl_xor_sync(ALL, x, m));
    return x;
}

/* ---- random numbers: those of base/random.h, and dropout's bits as ops/queue.h has them ---- */

static __device__ __forceinline__ void random_words(el_random random, uint64_t index, uint32_t words[4])
{
    uint32_t key_0 = (uint32_t)random.seed, key_1 = (uint32_t)(random.seed >> 32);
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = random.step, c3 = random.stream;
    for (int round = 0; round < 10; round++) {
        const uint32_t high_0 = __umulhi(0xD2511F53u, c0), low_0 = 0xD2511F53u * c0;
        const uint32_t high_1 = __umulhi(0xCD9E8D57u, c2), low_1 = 0xCD9E8D57u * c2;
        c0 = high_1 ^ c1 ^ key_0;
        c2 = high_0 ^ c3 ^ key_1;
        c1 = low_1;
        c3 = low_0;
        key_0 += 0x9E3779B9u;
        key_1 += 0xBB67AE85u;
    }
    words[0] = c0, words[1] = c1, words[2] = c2, words[3] = c3;
}

static __device__ __forceinline__ double random_uniform(el_random random, uint64_t index)
{
    uint32_t w[4];
    random_words(random, index, w);
    return (double)(((uint64_t)w[0] << 32 | w[1]) >> 11) * 0x1p-53;
}

struct mask {
    el_random random;
    uint64_t row;    /* the number of the tensor's row 0 */
    uint64_t stride; /* elements that a row is counted as */
    uint32_t threshold;
    float scale;
};

/* Threshold 0: nothing is dropped. */
static inline mask mask_of(el_dropout dropped, int cols)
{
    const uint32_t threshold = dropped.rate > 0 ? (uint32_t)round(dropped.rate * 65536) : 0;
    return {dropped.random, dropped.first_row, (uint64_t)(cols + 15) / 16 * 16, threshold,
            (float)(65536.0 / (65536 - threshold))};
}

static __device__ __forceinline__ uint32_t half_of(const uint32_t words[4], int i)
{
    return words[i / 2] >> (16 * (i % 2)) & 0xffff;
}

/* 0 or the scale, of one element. */
static __device__ __forceinline__ float mask_scale(const mask &m, uint64_t row, int col)
{
    const uint64_t element = (m.row + row) * m.stride + (uint64_t)col;
    const int within = (int)(element % 128);
    uint32_t words[4];
    random_words(m.random, element / 128 * 16 + (uint64_t)(within % 16), words);
    return half_of(words, within / 16) >= m.threshold ? m.scale : 0;
}

/* Which of a lane's eight elements are kept, a bit for each; a warp has 256 neighbours, the first of which has a number
 * that is a multiple of 8 and is the same for all lanes.  A block of 128 elements takes 16 calls of eight numbers each: a
 * lane makes a call, and ballots hand out the bits. */
static __device__ __forceinline__ uint32_t mask_bits(const mask &m, uint64_t first, int lane)
{
    const uint64_t block = first / 128;
    const int place = (int)(first % 128) + 8 * lane, part = place % 128 / 8;
    uint32_t words[4], bits = 0;
    random_words(m.random, block * 16 + (uint64_t)lane, words);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const uint32_t kept = __ballot_sync(ALL, half_of(words, i) >= m.threshold);
        if (place < 256 && part / 2 == i)
            bits = kept >> (place / 128 * 16 + part % 2 * 8) & 0xff;
    }
    if (first % 128 == 0)
        return bits;
    random_words(m.random, (block + 2) * 16 + (uint64_t)(lane % 16), words);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const uint32_t kept = __ballot_sync(ALL, half_of(words, i) >= m.threshold);
        if (place >= 256 && part / 2 == i)
            bits = kept >> (part % 2 * 8) & 0xff;
    }
    return bits;
}

/* Drops what is not kept and scales the rest. */
static __device__ __forceinline__ void mask_apply(const mask &m, uint32_t bits, float v[8])
{
    for (int i = 0; i < 8; i++)
        v[i] = bits >> i & 1 ? v[i] * m.scale : 0;
}

#endif
