/* el_cuda - what the kernels take from CUDA, on a GPU
 *
 * tests/ops/cuda_host has a header of this name that says the same for the processor: the same kernels are compiled
 * against either, by the include path.  Instructions of the GPU are functions here, so that each has its twin there.
 */
#ifndef EL_CUDA_H
#define EL_CUDA_H

#include <cuda_runtime.h>
#include <stdint.h>

/* Memory that a block's threads share: of a size known when compiled; and what the launch asked for. */
#define EL_SHARED(type, name, count) __shared__ __align__(16) type name[count]
#define EL_SHARED_REST(type, name)                                                                           \
    extern __shared__ __align__(16) unsigned char el_shared_rest[];                                          \
    type *const name = (type *)el_shared_rest

/* A block has 48 KB of shared memory unless more is asked for, and what kernels have of a size known when compiled counts in
 * it: a launch that wants more than this asks. */
enum { EL_CUDA_UNASKED = 32 * 1024 };

/* All that the GPU has beside the kernel's own: the same in every thread, so that none takes from another's launch. */
static inline cudaError_t el_cuda_ask_shared(const void *kernel)
{
    cudaFuncAttributes own;
    int device, most;
    cudaError_t error = cudaGetDevice(&device);
    if (!error)
        error = cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
    if (!error)
        error = cudaFuncGetAttributes(&own, kernel);
    if (!error)
        error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     most - (int)own.sharedSizeBytes);
    return error;
}

/* Starts a kernel on a stream. */
template <class... P, class... A>
static inline cudaError_t el_cuda_start(cudaStream_t stream, void (*kernel)(P...), dim3 grid, dim3 block,
                                        size_t shared, A... arguments)
{
    const cudaError_t error =
        shared > EL_CUDA_UNASKED ? el_cuda_ask_shared((const void *)kernel) : cudaSuccess;
    if (error)
        return error;
    kernel<<<grid, block, shared, stream>>>(static_cast<P>(arguments)...);
    return cudaGetLastError();
}

/* In a few instructions, exact to some 1e-6 of the result. */
static __device__ __forceinline__ float el_quick_exp(float x)
{
    return __expf(x);
}

static __device__ __forceinline__ float el_quick_inverse(float x)
{
    return __fdividef(1, x);
}

/* Two floats as two bf16, rounded to nearest even: `low` in the lower half. */
static __device__ __forceinline__ uint32_t el_pack_bf16(float low, float high)
{
    uint32_t pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

/* d += a b of a warp: 16 x 16 by 16 x 8, bf16, as PTX's mma.m16n8k16 lays them out. */
static __device__ __forceinline__ void el_multiply_tile(float d[4], const uint32_t a[4], uint32_t b0,
                                                        uint32_t b1)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* Four 8 x 8 matrices of bf16 from shared memory: lane i gives the place of row i % 8 of matrix i / 8 and gets columns
 * 2 (lane % 4), + 1 of row lane / 4 of each; transposed: rows 2 (lane % 4), + 1 of column lane / 4. */
static __device__ __forceinline__ void el_load_tiles(uint32_t tile[4], const void *row)
{
    const uint32_t place = (uint32_t)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(tile[0]), "=r"(tile[1]), "=r"(tile[2]), "=r"(tile[3])
                 : "r"(place)
                 : "memory");
}

static __device__ __forceinline__ void el_load_tiles_transposed(uint32_t tile[4], const void *row)
{
    const uint32_t place = (uint32_t)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(tile[0]), "=r"(tile[1]), "=r"(tile[2]), "=r"(tile[3])
                 : "r"(place)
                 : "memory");
}

#endif
