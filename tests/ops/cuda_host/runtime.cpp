/* runtime - the run-time library of a GPU that is not there; see el_cuda.h */
#include "el_cuda.h"

#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <set>

struct el_host_stream {
    std::deque<std::function<bool()>> list;
};

struct el_host_event {
    double seconds;
};

static std::mutex running; /* one stream at a time: blocks share the memory of shared memory */

static std::set<cudaStream_t> &streams()
{
    static std::set<cudaStream_t> all;
    return all;
}

/* With the lock held: as far as it comes without waiting for others.  Whether it is done. */
static bool run(cudaStream_t stream)
{
    while (!stream->list.empty() && stream->list.front()())
        stream->list.pop_front();
    return stream->list.empty();
}

/* Whether it is done; else whoever asks again lets others run first. */
static bool go_on(cudaStream_t stream)
{
    {
        const std::lock_guard<std::mutex> guard(running);
        if (!stream || run(stream))
            return true;
    }
    usleep(100);
    return false;
}

void el_host_until(cudaStream_t stream, std::function<bool()> what)
{
    const std::lock_guard<std::mutex> guard(running);
    stream->list.push_back(std::move(what));
}

void el_host_later(cudaStream_t stream, std::function<void()> what)
{
    if (stream) {
        el_host_until(stream, [=] {
            what();
            return true;
        });
        return;
    }
    const std::lock_guard<std::mutex> guard(running);
    what();
}

static thread_local cudaError_t last;

static cudaError_t failed(cudaError_t error)
{
    return last = error;
}

cudaError_t cudaGetLastError()
{
    const cudaError_t error = last;
    last = cudaSuccess;
    return error;
}

static int from_environment(const char *name, int usual)
{
    const char *const value = getenv(name);
    return value ? atoi(value) : usual;
}

/* EL_HOST_GPUS: how many there are; EL_HOST_DRIVER: which CUDA the driver is for, 0 without one. */
static int gpus()
{
    return from_environment("EL_HOST_GPUS", 1);
}

enum { RUNTIME = 13000 };

static int driver()
{
    return from_environment("EL_HOST_DRIVER", RUNTIME);
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = driver() < RUNTIME ? 0 : gpus();
    return driver() < RUNTIME ? failed(cudaErrorInsufficientDriver)
           : *count           ? cudaSuccess
                              : failed(cudaErrorNoDevice);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device)
{
    if (device == from_environment("EL_HOST_MUTE", -1)) /* one that does not say what it is */
        return failed(cudaErrorInvalidValue);
    *properties = {};
    snprintf(properties->uuid.bytes, sizeof properties->uuid.bytes, "GPU %d", device);
    strcpy(properties->name, "the processor in a GPU's place");
    properties->totalGlobalMem = (size_t)1 << 32;
    properties->sharedMemPerBlockOptin = EL_HOST_REST;
    properties->major = 9;
    properties->multiProcessorCount = 1;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    return device >= 0 && device < gpus() ? cudaSuccess : failed(cudaErrorInvalidValue);
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = driver();
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = RUNTIME;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total)
{
    *total = (size_t)1 << 32; /* EL_HOST_FREE: MiB of it that are free */
    *free = (size_t)from_environment("EL_HOST_FREE", 4096) << 20;
    return cudaSuccess;
}

#ifdef __SANITIZE_ADDRESS__ /* which sees what lies behind, and what is not given back */
static void *take(size_t bytes)
{
    return aligned_alloc(256, bytes);
}

static void give_back(void *memory)
{
    free(memory);
}
#else
enum { PAGE = 4096 };

/* Behind it lies a page that nobody may touch, before it one with the size of all. */
static void *take(size_t bytes)
{
    const size_t all = (bytes + PAGE - 1) / PAGE * PAGE + 2 * PAGE;
    char *const pages = (char *)mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    mprotect(pages + all - PAGE, PAGE, PROT_NONE);
    memcpy(pages, &all, sizeof all);
    return pages + all - PAGE - bytes;
}

static void give_back(void *memory)
{
    size_t all;
    char *const pages = (char *)memory - (uintptr_t)memory % PAGE - PAGE;
    if (!memory)
        return;
    memcpy(&all, pages, sizeof all);
    munmap(pages, all);
}
#endif

/* Its contents are garbage: NaN. */
cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    if (bytes > (size_t)1 << 40)
        return failed(cudaErrorMemoryAllocation);
    const size_t whole = (bytes / 256 + 1) * 256;
    *memory = take(whole);
    if (!*memory)
        return failed(cudaErrorMemoryAllocation);
    memset(*memory, 0xff, whole);
    return cudaSuccess;
}

/* As the real one does, it lets everything that was asked for end first, as far as that does not wait for others. */
cudaError_t cudaFree(void *memory)
{
    const std::lock_guard<std::mutex> guard(running);
    for (cudaStream_t stream : streams())
        run(stream);
    give_back(memory);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    return cudaMalloc(memory, bytes);
}

cudaError_t cudaFreeHost(void *memory)
{
    return cudaFree(memory);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    const std::lock_guard<std::mutex> guard(running);
    *stream = new el_host_stream;
    streams().insert(*stream);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    const std::lock_guard<std::mutex> guard(running);
    streams().erase(stream);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    while (!go_on(stream))
        ;
    /* EL_HOST_LOST: from which of these calls on what was asked for was not done. */
    static std::atomic<int> calls;
    const int lost = from_environment("EL_HOST_LOST", 0);
    return stream && lost > 0 && ++calls >= lost ? failed(cudaErrorInvalidValue) : cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    return go_on(stream) ? cudaSuccess : failed(cudaErrorNotReady);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t stream)
{
    el_host_later(stream, [=] { memcpy(to, from, bytes); });
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream)
{
    el_host_later(stream, [=] { memset(memory, value, bytes); });
    return cudaSuccess;
}

static double now()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    *event = new el_host_event{0};
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    el_host_later(stream, [=] { event->seconds = now(); });
    return cudaSuccess;
}

/* Streams run when they are waited for. */
cudaError_t cudaEventSynchronize(cudaEvent_t)
{
    return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to)
{
    *milliseconds = (float)(1e3 * (to->seconds - from->seconds));
    return cudaSuccess;
}

const char *cudaGetErrorName(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "cudaSuccess";
    case cudaErrorInvalidValue:
        return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
        return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
        return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver:
        return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
        return "cudaErrorNoDevice";
    case cudaErrorNotReady:
        return "cudaErrorNotReady";
    }
    return "an unknown error";
}

const char *cudaGetErrorString(cudaError_t error)
{
    return cudaGetErrorName(error);
}
