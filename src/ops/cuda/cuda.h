/* cuda - the GPU's device and queues, and how an op starts a kernel
 *
 * Private to ops/cuda.  A queue is a stream of the GPU: ops and copies are done in its order, and the host goes on at
 * once.  What goes wrong is remembered by the queue, and wait() says it.
 *
 * No kernel adds floats in an order of arrival: each sum belongs to one thread, warp or block, or is made of parts of a
 * size that depends on shapes alone, added in their order.  So one GPU and one version of the libraries give the same bits
 * in every run.
 */
#ifndef EL_OPS_CUDA_H
#define EL_OPS_CUDA_H

extern "C" {
#include "ops/cuda/cublaslt.h"
#include "ops/queue.h"
}
#include "el_cuda.h"

typedef struct {
    el_device device; /* first: a pointer to it is one to the whole */
    int number;
    char name[384], level[16];
    size_t shared; /* bytes that a block may have of shared memory */
    int multiprocessors;
    el_cublaslt blas;
} el_cuda;

enum {
    EL_CUDA_STAGED = 8 << 20,     /* bytes of pinned memory that copies go through */
    EL_CUDA_SUMS = 2 << 20,       /* floats: parts of sums, for one op at a time */
    EL_CUDA_WORKSPACE = 32 << 20, /* bytes, cuBLASLt's */
    EL_CUDA_TABLE = 4 << 20,      /* bytes: a list of tensors, those of 4 networks of 512 layers */
    EL_CUDA_FETCHES = 256,        /* before a wait */
    EL_CUDA_ROW = 16,             /* bytes that are read at once */
    EL_CUDA_HEAD = 256,           /* the most columns of an attention head */
    EL_CUDA_ANSWERS = 16          /* of cuBLASLt's to a question, at most */
};

/* A product that was asked for before: what cuBLASLt answered. */
typedef struct el_cuda_plans el_cuda_plans;

typedef struct {
    void *to;
    const char *from; /* staged */
    size_t bytes;
} el_cuda_fetch;

typedef struct {
    el_queue queue; /* first */
    cudaStream_t stream;
    cudaError_t error; /* the first there was, and the op it was seen in */
    const char *where;
    bool refused; /* cuBLASLt would not compute a product, which is said once */
    char *staged;
    size_t staged_used;
    el_cuda_fetch fetches[EL_CUDA_FETCHES];
    int fetch_count;
    float *sums;
    char *workspace, *table;
    el_cublaslt_handle blas;
    el_cuda_plans *plans;
    int answer; /* of cuBLASLt's the one that is taken: the first, but in measuring */
} el_cuda_queue;

static inline el_cuda_queue *el_cuda_of(el_queue *q)
{
    return (el_cuda_queue *)q->state;
}

static inline const el_cuda *el_cuda_device_of(const el_queue *q)
{
    return (const el_cuda *)q->dev;
}

/* Remembers an error, if it is the first. */
void el_cuda_note(el_queue *q, cudaError_t error, const char *where);

/* Makes the queue's GPU the one that this thread speaks to. */
void el_cuda_choose(const el_queue *q);

/* Starts a kernel, unless there is nothing for it to do. */
template <class... P, class... A>
static inline void el_cuda_launch(el_queue *q, const char *op, void (*kernel)(P...), dim3 grid,
                                  unsigned threads, size_t shared, A... arguments)
{
    if (grid.x == 0 || grid.y == 0 || grid.z == 0)
        return;
    el_cuda_choose(q);
    el_cuda_note(q, el_cuda_start(el_cuda_of(q)->stream, kernel, grid, dim3(threads), shared, arguments...),
                 op);
}

/* Pinned memory for a list, to be filled and sent at once; and the list on the device, until the next one is sent. */
void *el_cuda_stage(el_queue *q, size_t bytes);
const void *el_cuda_send_list(el_queue *q, const void *staged, size_t bytes);

el_status el_cuda_plans_open(el_queue *q);
void el_cuda_plans_close(el_queue *q);
double el_cuda_peak(el_queue *q, el_type type);
size_t el_cuda_prepared_bytes(const el_device *dev, int rows, int cols, el_type type, bool training);

static inline unsigned el_cuda_blocks(int64_t count, int64_t size)
{
    return (unsigned)((count + size - 1) / size);
}

/* sums[part] (parts, cols) added in their order to y. */
void el_cuda_add_parts(el_queue *q, const char *op, float *y, const float *parts, int64_t apart, int count,
                       int cols);

/* Parts of 2 * cols numbers each: the first half of every one is added to y, the second to z. */
void el_cuda_add_pairs(el_queue *q, const char *op, float *y, float *z, const float *parts, int count,
                       int cols);

/* y += column sums of x. */
void el_cuda_add_columns(el_queue *q, const char *op, el_tensor y, el_tensor x);

extern "C" {
/* An op that is not written yet is NULL: no queue is opened then, and the sentence names it. */
#define EL_OP(result, name, parameters, ...) result el_cuda_##name parameters __attribute__((weak));
#include "ops/ops.def"
#undef EL_OP
}

#endif
