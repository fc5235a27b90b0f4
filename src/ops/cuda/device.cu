/* device - a GPU, its memory, and queues: streams of it */
#include "ops/cuda/cuda.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plural.h"

extern "C" {
#include "ops/cuda.h"
}

static el_cuda *cuda_of(el_device *dev)
{
    return (el_cuda *)dev;
}

static el_status fail(const char *what, cudaError_t error)
{
    return el_fail(EL_EFAILED, "cuda: %s: %s (%s)", what, cudaGetErrorString(error), cudaGetErrorName(error));
}

/* ---- memory ---- */

static void *device_alloc(el_device *dev, size_t bytes)
{
    void *memory = NULL;
    if (cudaSetDevice(cuda_of(dev)->number) || cudaMalloc(&memory, bytes ? bytes : 1)) {
        (void)cudaGetLastError(); /* a lack of memory is no lasting error */
        return NULL;
    }
    if (cudaMemsetAsync(memory, 0, bytes, NULL) || cudaStreamSynchronize(NULL)) {
        cudaFree(memory);
        return NULL;
    }
    return memory;
}

static void device_release(el_device *dev, void *memory)
{
    cudaSetDevice(cuda_of(dev)->number);
    cudaFree(memory);
}

static el_type fast_type(const el_device *)
{
    return EL_BF16;
}

static void device_close(el_device *dev)
{
    el_cublaslt_close(&cuda_of(dev)->blas);
    free(dev);
}

/* ---- what goes wrong ---- */

void el_cuda_note(el_queue *q, cudaError_t error, const char *where)
{
    el_cuda_queue *const c = el_cuda_of(q);
    if (error == cudaSuccess || c->error != cudaSuccess)
        return;
    c->error = error;
    c->where = where;
}

void el_cuda_choose(const el_queue *q)
{
    cudaSetDevice(el_cuda_device_of(q)->number);
}

static el_status status_of(const el_cuda_queue *c)
{
    return c->error ? fail(c->where, c->error) : EL_OK;
}

/* ---- copies, by way of pinned memory, so that they do not wait ---- */

static void deliver(el_cuda_queue *c)
{
    for (int i = 0; i < c->fetch_count; i++)
        memcpy(c->fetches[i].to, c->fetches[i].from, c->fetches[i].bytes);
    c->fetch_count = 0;
    c->staged_used = 0;
}

static el_status queue_wait(el_queue *q)
{
    el_cuda_queue *const c = el_cuda_of(q);
    el_cuda_choose(q);
    el_cuda_note(q, cudaStreamSynchronize(c->stream), "wait");
    deliver(c);
    return status_of(c);
}

void *el_cuda_stage(el_queue *q, size_t bytes)
{
    el_cuda_queue *const c = el_cuda_of(q);
    const size_t whole = (bytes + 255) / 256 * 256;
    assert(whole <= EL_CUDA_STAGED);
    if (c->staged_used + whole > EL_CUDA_STAGED)
        queue_wait(q);
    void *const place = c->staged + c->staged_used;
    c->staged_used += whole;
    return place;
}

const void *el_cuda_send_list(el_queue *q, const void *staged, size_t bytes)
{
    el_cuda_queue *const c = el_cuda_of(q);
    assert(bytes <= EL_CUDA_TABLE);
    el_cuda_choose(q);
    el_cuda_note(q, cudaMemcpyAsync(c->table, staged, bytes, cudaMemcpyHostToDevice, c->stream), "a list");
    return c->table;
}

/* The bytes that are copied at a time. */
static size_t part_of(size_t bytes)
{
    return bytes < EL_CUDA_STAGED / 2 ? bytes : EL_CUDA_STAGED / 2;
}

static void queue_send(el_queue *q, void *device, const void *host, size_t bytes)
{
    el_cuda_queue *const c = el_cuda_of(q);
    el_cuda_choose(q);
    for (size_t at = 0; at < bytes;) {
        const size_t part = part_of(bytes - at);
        void *const staged = el_cuda_stage(q, part);
        memcpy(staged, (const char *)host + at, part);
        el_cuda_note(q, cudaMemcpyAsync((char *)device + at, staged, part, cudaMemcpyHostToDevice, c->stream),
                     "send");
        at += part;
    }
}

static void queue_fetch(el_queue *q, void *host, const void *device, size_t bytes)
{
    el_cuda_queue *const c = el_cuda_of(q);
    el_cuda_choose(q);
    for (size_t at = 0; at < bytes;) {
        const size_t part = part_of(bytes - at);
        if (c->fetch_count == EL_CUDA_FETCHES)
            queue_wait(q);
        char *const staged = (char *)el_cuda_stage(q, part);
        el_cuda_note(
            q, cudaMemcpyAsync(staged, (const char *)device + at, part, cudaMemcpyDeviceToHost, c->stream),
            "fetch");
        c->fetches[c->fetch_count++] = {(char *)host + at, staged, part};
        at += part;
    }
}

/* ---- a queue ---- */

/* Attention has what it needs in shared memory. */
static el_status queue_reserve(el_queue *, int, int head_size)
{
    return head_size <= EL_CUDA_HEAD
               ? EL_OK
               : el_fail(EL_EUSAGE, "cuda: an attention head of %d columns; %d are the most", head_size,
                         EL_CUDA_HEAD);
}

static void queue_close(el_queue *q)
{
    el_cuda_queue *const c = el_cuda_of(q);
    el_cuda_choose(q);
    if (c->stream) {
        cudaStreamSynchronize(c->stream);
        cudaStreamDestroy(c->stream);
    }
    el_cuda_plans_close(q);
    cudaFree(c->sums);
    cudaFree(c->workspace);
    cudaFree(c->table);
    cudaFreeHost(c->staged);
    free(c);
}

static cudaError_t take_memory(el_cuda_queue *c)
{
    cudaError_t error = cudaStreamCreateWithFlags(&c->stream, cudaStreamNonBlocking);
    if (!error)
        error = cudaMallocHost((void **)&c->staged, EL_CUDA_STAGED);
    if (!error)
        error = cudaMalloc((void **)&c->sums, EL_CUDA_SUMS * sizeof(float));
    if (!error)
        error = cudaMalloc((void **)&c->workspace, EL_CUDA_WORKSPACE);
    if (!error)
        error = cudaMalloc((void **)&c->table, EL_CUDA_TABLE);
    return error;
}

static el_status check_ops(const el_queue *q)
{
    const struct {
        const char *name;
        bool there;
    } ops[] = {
#define EL_OP(result, name_, ...) {#name_, q->name_ != NULL},
#include "ops/ops.def"
#undef EL_OP
    };
    for (const auto &op : ops)
        if (!op.there)
            return el_fail(EL_EFAILED, "cuda: the device lacks the op %s", op.name);
    return EL_OK;
}

static el_status open_queue(el_device *dev, el_queue **q, int)
{
    el_cuda_queue *const c = (el_cuda_queue *)calloc(1, sizeof *c);
    if (!c)
        return el_no_memory(NULL);
    el_queue *const queue = &c->queue;
    queue->dev = dev;
    queue->threads = 1;
    queue->state = c;
    queue->close = queue_close;
    queue->send = queue_send;
    queue->fetch = queue_fetch;
    queue->wait = queue_wait;
    queue->reserve = queue_reserve;
    queue->peak = el_cuda_peak;
#define EL_OP(result, name_, ...) queue->name_ = el_cuda_##name_;
#include "ops/ops.def"
#undef EL_OP
    cudaSetDevice(cuda_of(dev)->number);
    const cudaError_t error = take_memory(c);
    el_status st = error ? fail("opening a queue", error) : check_ops(queue);
    if (!st)
        st = el_cuda_plans_open(queue);
    if (st) {
        queue_close(queue);
        (void)cudaGetLastError(); /* the next kernel's of another queue is not at fault */
        return st;
    }
    *q = queue;
    return EL_OK;
}

/* ---- which there are ---- */

/* Why no GPU can be used: a driver that is missing or too old is told from a GPU that is missing or hidden. */
static el_status fail_without(cudaError_t error)
{
    int driver = 0, needed = 0;
    (void)cudaGetLastError();
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&needed);
    if (driver == 0)
        return el_fail(EL_EFAILED, "cuda: no GPU can be used: NVIDIA's driver is not installed");
    if (error == cudaErrorInsufficientDriver)
        return el_fail(
            EL_EFAILED,
            "cuda: no GPU can be used: NVIDIA's driver is one for CUDA %d.%d; this program needs %d.%d",
            driver / 1000, driver % 1000 / 10, needed / 1000, needed % 1000 / 10);
    return error ? fail("no GPU can be used", error) : el_fail(EL_EFAILED, "cuda: the driver finds no GPU");
}

int el_cuda_count(void)
{
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (!error && count > 0)
        return count;
    (void)fail_without(error);
    return 0;
}

el_status el_cuda_describe(int number, el_cuda_about *about)
{
    cudaDeviceProp p;
    *about = {};
    cudaError_t error = cudaGetDeviceProperties(&p, number);
    if (!error)
        error = cudaSetDevice(number);
    if (!error)
        error = cudaMemGetInfo(&about->free, &about->total);
    if (!error)
        error = cudaDriverGetVersion(&about->driver);
    if (!error)
        error = cudaRuntimeGetVersion(&about->runtime);
    if (error)
        return fail("asking a GPU", error);
    snprintf(about->name, sizeof about->name, "%s", p.name);
    about->major = p.major;
    about->minor = p.minor;
    about->multiprocessors = p.multiProcessorCount;
    about->shared = p.sharedMemPerBlockOptin;
    memcpy(about->uuid, p.uuid.bytes, sizeof about->uuid);
    return EL_OK;
}

int el_cuda_number(const el_device *dev)
{
    return ((const el_cuda *)dev)->number;
}

static el_status check(int number, el_cuda_about *about)
{
    const int count = el_cuda_count();
    if (count == 0)
        return EL_EFAILED; /* and why was said */
    if (number < 0 || number >= count)
        return el_fail(EL_EUSAGE, "cuda:%d: there %s %d GPU%s, counted from 0", number, el_is(count), count,
                       el_s(count));
    const el_status st = el_cuda_describe(number, about);
    if (st)
        return st;
    if (about->major < 8)
        return el_fail(EL_EFAILED, "cuda:%d: %s has compute capability %d.%d; 8.0 is the least", number,
                       about->name, about->major, about->minor);
    return EL_OK;
}

el_status el_device_cuda(el_device **dev, int number)
{
    el_cuda_about about;
    el_status st = check(number, &about);
    if (st)
        return st;
    el_cuda *const c = (el_cuda *)calloc(1, sizeof *c);
    if (!c)
        return el_no_memory(NULL);
    st = el_cublaslt_open(&c->blas);
    if (st) {
        free(c);
        return st;
    }
    c->number = number;
    c->shared = about.shared;
    c->multiprocessors = about.multiprocessors;
    snprintf(c->level, sizeof c->level, "sm_%d%d", about.major, about.minor);
    snprintf(c->name, sizeof c->name, "%s, %d multiprocessors, driver %d, runtime %d, cuBLASLt %d",
             about.name, about.multiprocessors, about.driver, about.runtime, (int)c->blas.version());
    c->device.name = "cuda";
    c->device.apart = true;
    c->device.biases = true;
    c->device.row_bytes = EL_CUDA_ROW;
    c->device.level = c->level;
    c->device.about = c->name;
    c->device.close = device_close;
    c->device.alloc = device_alloc;
    c->device.release = device_release;
    c->device.prepared_bytes = el_cuda_prepared_bytes;
    c->device.fast_type = fast_type;
    c->device.open_queue = open_queue;
    *dev = &c->device;
    return EL_OK;
}
