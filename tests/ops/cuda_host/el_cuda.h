/* el_cuda - what the kernels take from CUDA, on the processor: for tests where there is no GPU
 *
 * A block's threads are fibers, or threads of the system for a checker of data races (EL_HOST_THREADS); blocks run one
 * after the other.  Each warp runs as far as it can before the next one does, upwards in one launch and downwards in the
 * next: so a forgotten barrier gives wrong results.  Shared memory is NaN at the start of every block, and a barrier that
 * not all threads reach ends the program.  A stream is a list of things to do: nothing happens before it is waited for.
 * So a forgotten wait, or host memory that changes too early, is seen.
 */
#ifndef EL_CUDA_H
#define EL_CUDA_H

#include <functional>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

/* ---- a block's threads ---- */

struct el_host_thread {
    dim3 index;
    int lane, warp;
    unsigned exchanges; /* so far: two sets of places are used in turn */
};
extern thread_local el_host_thread *el_host_self;
extern dim3 blockIdx, blockDim, gridDim;
#define threadIdx (el_host_self->index)

enum { EL_HOST_WARPS = 32, EL_HOST_REST = 227 * 1024 };
extern uint64_t el_host_places[EL_HOST_WARPS][2][32][8];
extern unsigned char *el_host_rest;

void el_host_wait_block();
void el_host_wait_warp();
bool el_host_shared(void *place, size_t bytes); /* filled with NaN, now and at the start of every block */

#define EL_SHARED(type, name, count)                                                                         \
    alignas(16) static type name[count];                                                                     \
    static const bool name##_shared = el_host_shared(name, sizeof name);                                     \
    (void)name##_shared
#define EL_SHARED_REST(type, name) type *const name = (type *)el_host_rest

static inline void __syncthreads()
{
    el_host_wait_block();
}

static inline void __syncwarp(unsigned = ~0u)
{
    el_host_wait_warp();
}

/* Every lane's words, of which a lane reads what it likes until its warp's next but one exchange. */
static inline uint64_t (*el_host_exchange(const uint64_t *words, int count))[8]
{
    el_host_thread *const self = el_host_self;
    uint64_t(*const all)[8] = el_host_places[self->warp][self->exchanges++ % 2];
    memcpy(all[self->lane], words, (size_t)count * sizeof *words);
    el_host_wait_warp();
    return all;
}

template <class T> static inline T el_host_from(T value, int lane)
{
    uint64_t word = 0;
    memcpy(&word, &value, sizeof value);
    word = el_host_exchange(&word, 1)[lane & 31][0];
    memcpy(&value, &word, sizeof value);
    return value;
}

template <class T> static inline T __shfl_sync(unsigned, T value, int lane)
{
    return el_host_from(value, lane);
}

template <class T> static inline T __shfl_xor_sync(unsigned, T value, int mask)
{
    return el_host_from(value, el_host_self->lane ^ mask);
}

template <class T> static inline T __shfl_up_sync(unsigned, T value, unsigned by)
{
    const int lane = el_host_self->lane - (int)by;
    return el_host_from(value, lane < 0 ? el_host_self->lane : lane);
}

static inline unsigned __ballot_sync(unsigned, int predicate)
{
    const uint64_t word = predicate != 0;
    uint64_t(*const all)[8] = el_host_exchange(&word, 1);
    unsigned bits = 0;
    for (int i = 0; i < 32; i++)
        bits |= (unsigned)all[i][0] << i;
    return bits;
}

/* Of whole numbers, whose order does not matter. */
static inline int atomicMin(int *place, int value)
{
    int old = __atomic_load_n(place, __ATOMIC_RELAXED);
    while (value < old &&
           !__atomic_compare_exchange_n(place, &old, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return old;
}

/* ---- arithmetic ---- */

static inline unsigned __umulhi(unsigned a, unsigned b)
{
    return (unsigned)((uint64_t)a * b >> 32);
}

static inline float __uint_as_float(unsigned bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline unsigned __float_as_uint(float value)
{
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float el_quick_exp(float x)
{
    return expf(x);
}

static inline float el_quick_inverse(float x)
{
    return 1 / x;
}

static inline float rsqrtf(float x)
{
    return 1 / sqrtf(x);
}

static inline uint16_t el_host_bf16(float value)
{
    const unsigned bits = __float_as_uint(value);
    return value != value ? 0x7fff : (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline uint32_t el_pack_bf16(float low, float high)
{
    return (uint32_t)el_host_bf16(high) << 16 | el_host_bf16(low);
}

/* Of a pair. */
static inline float el_host_half(uint64_t pair, int high)
{
    return __uint_as_float(high ? (unsigned)pair & 0xffff0000u : (unsigned)pair << 16);
}

static inline void el_multiply_tile(float d[4], const uint32_t a[4], uint32_t b0, uint32_t b1)
{
    const uint64_t words[6] = {a[0], a[1], a[2], a[3], b0, b1};
    uint64_t(*const all)[8] = el_host_exchange(words, 6);
    const int lane = el_host_self->lane;
    for (int i = 0; i < 4; i++) {
        const int row = lane / 4 + 8 * (i / 2), col = 2 * (lane % 4) + i % 2;
        float sum = d[i];
        for (int k = 0; k < 16; k++) {
            const uint64_t x = all[row % 8 * 4 + k % 8 / 2][row / 8 + 2 * (k / 8)];
            const uint64_t y = all[col * 4 + k % 8 / 2][4 + k / 8];
            sum += el_host_half(x, k % 2) * el_host_half(y, k % 2);
        }
        d[i] = sum;
    }
}

static inline void el_host_load_tiles(uint32_t tile[4], const void *row, bool transposed)
{
    const uint64_t place = (uint64_t)(uintptr_t)row;
    uint64_t(*const all)[8] = el_host_exchange(&place, 1);
    const int lane = el_host_self->lane;
    for (int m = 0; m < 4; m++) {
        uint16_t half[2];
        for (int i = 0; i < 2; i++) {
            const int r = transposed ? 2 * (lane % 4) + i : lane / 4,
                      c = transposed ? lane / 4 : 2 * (lane % 4) + i;
            memcpy(&half[i], (const char *)(uintptr_t)all[8 * m + r][0] + 2 * c, sizeof half[i]);
        }
        tile[m] = (uint32_t)half[1] << 16 | half[0];
    }
    el_host_wait_warp(); /* what was read may be written to by whoever comes after the load */
}

static inline void el_load_tiles(uint32_t tile[4], const void *row)
{
    el_host_load_tiles(tile, row, false);
}

static inline void el_load_tiles_transposed(uint32_t tile[4], const void *row)
{
    el_host_load_tiles(tile, row, true);
}

/* ---- the run-time library, as far as the device uses it ---- */

typedef enum {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorNotReady = 600
} cudaError_t;
typedef struct el_host_stream *cudaStream_t;
typedef struct el_host_event *cudaEvent_t;
enum { cudaStreamNonBlocking = 1, cudaEventDefault = 0 };
typedef enum {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost = 2,
    cudaMemcpyDeviceToDevice = 3
} cudaMemcpyKind;
struct cudaUUID_t {
    char bytes[16];
};
struct cudaDeviceProp {
    char name[256];
    cudaUUID_t uuid;
    size_t totalGlobalMem, sharedMemPerBlockOptin;
    int major, minor, multiProcessorCount;
};

cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaMemGetInfo(size_t *free, size_t *total);
cudaError_t cudaMalloc(void **memory, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMallocHost(void **memory, size_t bytes);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to);
const char *cudaGetErrorName(cudaError_t error);
const char *cudaGetErrorString(cudaError_t error);

/* Puts something at the end of a stream's list; and what waits for other processes: it is called until it says true. */
void el_host_later(cudaStream_t stream, std::function<void()> what);
void el_host_until(cudaStream_t stream, std::function<bool()> what);
void el_host_run(const void *kernel, dim3 grid, dim3 block, size_t shared,
                 const std::function<void()> &thread);

template <class... P, class... A>
static inline cudaError_t el_cuda_start(cudaStream_t stream, void (*kernel)(P...), dim3 grid, dim3 block,
                                        size_t shared, A... arguments)
{
    const uint64_t threads = (uint64_t)block.x * block.y * block.z;
    if (threads == 0 || threads > 1024 || threads % 32 || shared > EL_HOST_REST || grid.x == 0 ||
        grid.y == 0 || grid.z == 0 || grid.y > 65535 || grid.z > 65535)
        return cudaErrorInvalidConfiguration;
    el_host_later(stream, [=] {
        el_host_run((const void *)kernel, grid, block, shared, [=] { kernel(static_cast<P>(arguments)...); });
    });
    return cudaGetLastError(); /* which may be of an earlier call that nobody looked at */
}

#endif
