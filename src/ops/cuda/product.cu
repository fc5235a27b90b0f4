/* product - the three products of a linear map, by cuBLASLt
 *
 *   y = x W^T + b        dx = dy W        dW += dy^T x        db += column sums of dy
 *
 * cuBLASLt thinks in columns: our rows are its columns, and y (n, out) is its D (out, n) = op(W) x.  W is read in the type
 * of the activations: its copy for bf16, itself for float.  What to compute with is asked once for a shape, of which the
 * number of rows is rounded up, because unpadded batches have their own each time; answers are kept.  Sums of parts are
 * made in float or not at all, and float products are float, never TF32.
 *
 * Narrow products, and those that cuBLASLt will not compute, are ours (narrow.cu).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cuda/narrow.h"

extern "C" {
#include "base/log.h"
#include "ops/cuda.h"
}

enum { MOST_PLANS = 1024, ROUNDED = 256 };

/* One product in cuBLASLt's words: D (m, n) = op(A) op(B) + beta D, over k.  Rounded: as it is asked for. */
typedef struct {
    int m, n, k, a_transposed, b_transposed;
    int type, d_type;      /* of A and B; of D */
    int bias, adds, parts; /* whether there is a bias, D is added to, sums may be made of parts */
    int64_t a_stride, b_stride, d_stride;
    int a_alignment, b_alignment, d_alignment;
    int padding; /* none: plans are compared as bytes */
} product;

typedef struct {
    product asked;
    bool found; /* else cuBLASLt has nothing */
    el_cublaslt_desc desc;
    el_cublaslt_layout a, b, d;
    el_cublaslt_algorithm algorithm;
} plan;

/* A table by the hash of what was asked: a step asks hundreds of times. */
struct el_cuda_plans {
    plan plans[MOST_PLANS];
    bool taken[MOST_PLANS];
    int count;
};

static const el_cublaslt *blas_of(const el_queue *q)
{
    return &el_cuda_device_of(q)->blas;
}

el_status el_cuda_plans_open(el_queue *q)
{
    el_cuda_queue *const c = el_cuda_of(q);
    c->plans = (el_cuda_plans *)calloc(1, sizeof *c->plans);
    if (!c->plans)
        return el_no_memory(NULL);
    const int status = blas_of(q)->create(&c->blas);
    return status ? el_fail(EL_EFAILED, "cuda: cuBLASLt does not start (status %d)", status) : EL_OK;
}

static void forget(el_queue *q, plan *p)
{
    const el_cublaslt *const blas = blas_of(q);
    el_cublaslt_layout *const layouts[] = {&p->a, &p->b, &p->d};
    for (el_cublaslt_layout *layout : layouts)
        if (*layout)
            blas->layout_destroy(*layout);
    if (p->desc)
        blas->desc_destroy(p->desc);
}

static void forget_all(el_queue *q)
{
    el_cuda_plans *const all = el_cuda_of(q)->plans;
    for (int i = 0; i < MOST_PLANS; i++)
        if (all->taken[i])
            forget(q, &all->plans[i]);
    memset(all, 0, sizeof *all);
}

void el_cuda_plans_close(el_queue *q)
{
    el_cuda_queue *const c = el_cuda_of(q);
    if (c->plans)
        forget_all(q);
    if (c->blas)
        blas_of(q)->destroy(c->blas);
    free(c->plans);
}

extern "C" void el_cuda_take_answer(el_queue *q, int number)
{
    if (strcmp(q->dev->name, "cuda") != 0)
        return;
    assert(number >= 0 && number < EL_CUDA_ANSWERS);
    forget_all(q);
    el_cuda_of(q)->answer = number;
}

/* ---- asking ---- */

static int alignment_of(const void *place, int64_t stride, int element)
{
    const uint64_t bits = (uint64_t)(uintptr_t)place | (uint64_t)stride * (uint64_t)element | 16;
    return (int)(bits & -bits);
}

static int describe(const el_cublaslt *blas, plan *p)
{
    const product *const a = &p->asked;
    int status = blas->desc_create(&p->desc, EL_CUBLAS_COMPUTE_32F, EL_CUDA_R_32F);
    const int epilogue = EL_CUBLASLT_EPILOGUE_BIAS, bias_type = a->d_type;
    if (!status)
        status = blas->desc_set(p->desc, EL_CUBLASLT_DESC_TRANSA, &a->a_transposed, sizeof a->a_transposed);
    if (!status)
        status = blas->desc_set(p->desc, EL_CUBLASLT_DESC_TRANSB, &a->b_transposed, sizeof a->b_transposed);
    if (!status && a->bias)
        status = blas->desc_set(p->desc, EL_CUBLASLT_DESC_EPILOGUE, &epilogue, sizeof epilogue);
    if (!status && a->bias)
        status = blas->desc_set(p->desc, EL_CUBLASLT_DESC_BIAS_DATA_TYPE, &bias_type, sizeof bias_type);
    if (!status)
        status = blas->layout_create(&p->a, a->type, (uint64_t)(a->a_transposed ? a->k : a->m),
                                     (uint64_t)(a->a_transposed ? a->m : a->k), a->a_stride);
    if (!status)
        status = blas->layout_create(&p->b, a->type, (uint64_t)(a->b_transposed ? a->n : a->k),
                                     (uint64_t)(a->b_transposed ? a->k : a->n), a->b_stride);
    if (!status)
        status = blas->layout_create(&p->d, a->d_type, (uint64_t)a->m, (uint64_t)a->n, a->d_stride);
    return status;
}

static int ask(const el_cublaslt *blas, const el_cuda_queue *c, plan *p)
{
    const product *const a = &p->asked;
    el_cublaslt_preference wishes;
    int status = blas->preference_create(&wishes), found = 0;
    if (status)
        return status;
    const uint64_t workspace = EL_CUDA_WORKSPACE;
    const uint32_t parts = a->parts ? EL_CUBLASLT_REDUCTION_COMPUTE_TYPE : EL_CUBLASLT_REDUCTION_NONE;
    const uint32_t alignments[] = {(uint32_t)a->a_alignment, (uint32_t)a->b_alignment,
                                   (uint32_t)a->d_alignment, (uint32_t)a->d_alignment};
    status = blas->preference_set(wishes, EL_CUBLASLT_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
    if (!status)
        status = blas->preference_set(wishes, EL_CUBLASLT_PREF_REDUCTION_SCHEME_MASK, &parts, sizeof parts);
    for (int i = 0; i < 4 && !status; i++)
        status = blas->preference_set(wishes, EL_CUBLASLT_PREF_MIN_ALIGNMENT_A_BYTES + i, &alignments[i],
                                      sizeof alignments[i]);
    el_cublaslt_answer answers[EL_CUDA_ANSWERS] = {};
    if (!status)
        status = blas->ask(c->blas, p->desc, p->a, p->b, p->d, p->d, wishes, c->answer + 1, answers, &found);
    blas->preference_destroy(wishes);
    if (status || found < 1)
        return status ? status : -1;
    p->algorithm = answers[found - 1].algorithm;
    return answers[found - 1].status;
}

/* Where a product is in the table, or would be. */
static int find(const el_cuda_plans *all, const product *wanted)
{
    const unsigned *const words = (const unsigned *)wanted;
    unsigned hash = 0;
    for (size_t i = 0; i < sizeof *wanted / sizeof *words; i++)
        hash = (hash ^ words[i]) * 0x9E3779B1u ^ hash >> 15;
    int at = (int)(hash % MOST_PLANS);
    while (all->taken[at] && memcmp(&all->plans[at].asked, wanted, sizeof *wanted) != 0)
        at = (at + 1) % MOST_PLANS;
    return at;
}

/* The answer for a product, asked for when it is new. */
static plan *plan_of(el_queue *q, const product *wanted)
{
    el_cuda_queue *const c = el_cuda_of(q);
    el_cuda_plans *const all = c->plans;
    int at = find(all, wanted);
    if (all->taken[at])
        return &all->plans[at];
    if (all->count == MOST_PLANS * 3 / 4) {
        forget_all(q);
        at = find(all, wanted);
    }
    plan *const p = &all->plans[at];
    all->taken[at] = true;
    all->count++;
    p->asked = *wanted;
    p->found = describe(blas_of(q), p) == 0 && ask(blas_of(q), c, p) == 0;
    return p;
}

/* ---- multiplying ---- */

static int rounded(int rows)
{
    return (rows + ROUNDED - 1) / ROUNDED * ROUNDED;
}

/* Sets the rows that there are in the place of the rounded ones. */
static int set_rows(const el_cublaslt *blas, const plan *p, int rows)
{
    const uint64_t count = (uint64_t)rows;
    const bool over_rows = p->asked.b_transposed; /* dW: rows are what is summed over */
    int status = 0;
    if (over_rows)
        status = blas->layout_set(p->a, EL_CUBLASLT_LAYOUT_COLS, &count, sizeof count);
    if (!status)
        status = blas->layout_set(p->b, EL_CUBLASLT_LAYOUT_COLS, &count, sizeof count);
    if (!status && !over_rows)
        status = blas->layout_set(p->d, EL_CUBLASLT_LAYOUT_COLS, &count, sizeof count);
    return status;
}

static bool try_plan(el_queue *q, plan *p, int rows, void *d, const void *a, const void *b, const void *bias)
{
    el_cuda_queue *const c = el_cuda_of(q);
    const el_cublaslt *const blas = blas_of(q);
    const float one = 1, beta = p->asked.adds ? 1.0f : 0.0f;
    if (!p->found || set_rows(blas, p, rows))
        return false;
    if (bias && blas->desc_set(p->desc, EL_CUBLASLT_DESC_BIAS_POINTER, &bias, sizeof bias))
        return false;
    return blas->multiply(c->blas, p->desc, &one, a, p->a, b, p->b, &beta, d, p->d, d, p->d, &p->algorithm,
                          c->workspace, EL_CUDA_WORKSPACE, c->stream) == 0;
}

/* Once a queue: what our own kernel makes in cuBLASLt's place is right, but slower. */
static void say_refused(el_queue *q, const product *p)
{
    el_cuda_queue *const c = el_cuda_of(q);
    if (!c->refused)
        el_log(EL_LOG_NOTE,
               "cuda: cuBLASLt does not compute a product of %d x %d x %d; it and others like it have a "
               "slower kernel",
               p->m, p->n, p->k);
    c->refused = true;
}

/* By the answer for rounded rows, or for exactly these; false: cuBLASLt has neither. */
static bool multiply(el_queue *q, product wanted, int rows, void *d, const void *a, const void *b,
                     const void *bias)
{
    int *const of_rows = wanted.b_transposed ? &wanted.k : &wanted.n;
    el_cuda_choose(q);
    *of_rows = rounded(rows);
    if (try_plan(q, plan_of(q, &wanted), rows, d, a, b, bias))
        return true;
    *of_rows = rows;
    if (try_plan(q, plan_of(q, &wanted), rows, d, a, b, bias))
        return true;
    say_refused(q, &wanted);
    return false;
}

static int type_number(el_type type)
{
    return type == EL_BF16 ? EL_CUDA_R_16BF : EL_CUDA_R_32F;
}

/* W as products of a type read it. */
static el_tensor weight_of(el_tensor w, el_type type)
{
    if (type != EL_BF16)
        return w;
    el_tensor copy = el_tensor_make(w.prepared, EL_BF16, w.rows, w.cols);
    copy.stride = (w.cols + 7) / 8 * 8;
    return copy;
}

static void set_operands(product *p, el_tensor a, el_tensor b, el_tensor d)
{
    const int element = (int)el_type_bytes(a.type), d_element = (int)el_type_bytes(d.type);
    p->type = type_number(a.type);
    p->d_type = type_number(d.type);
    p->a_stride = a.stride;
    p->b_stride = b.stride;
    p->d_stride = d.stride;
    p->a_alignment = alignment_of(a.data, a.stride, element);
    p->b_alignment = alignment_of(b.data, b.stride, element);
    p->d_alignment = alignment_of(d.data, d.stride, d_element);
}

/* A bias in the type of y and at a place that cuBLASLt may read EL_CUDA_ROW bytes at: its own, or a copy's. */
static const void *bias_for(el_queue *q, el_tensor b, el_type type)
{
    const void *const own = type == EL_F32 ? b.data : b.prepared;
    if (!b.data || (own && (uintptr_t)own % EL_CUDA_ROW == 0))
        return own;
    const el_tensor copy = el_tensor_make(el_cuda_of(q)->sums, type, 1, b.cols);
    q->copy(q, copy, b);
    return copy.data;
}

extern "C" void el_cuda_linear_forward(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b)
{
    assert(y.rows == x.rows && y.cols == w.rows && x.cols == w.cols && y.type == x.type);
    if (y.rows == 0)
        return;
    if (el_cuda_is_narrow(w.rows)) {
        el_cuda_narrow_forward(q, y, x, w, b);
        return;
    }
    const el_tensor copy = weight_of(w, x.type);
    product p = {};
    set_operands(&p, copy, x, y);
    p.m = w.rows;
    p.k = w.cols;
    p.a_transposed = EL_CUBLAS_OP_T;
    p.bias = b.data != NULL;
    if (!multiply(q, p, x.rows, y.data, copy.data, x.data, bias_for(q, b, y.type)))
        el_cuda_tiled_forward(q, y, x, copy, b);
}

extern "C" void el_cuda_linear_backward_input(el_queue *q, el_tensor dx, el_tensor dy, el_tensor w,
                                              bool accumulate)
{
    assert(dx.rows == dy.rows && dy.cols == w.rows && dx.cols == w.cols && dx.type == dy.type);
    if (dx.rows == 0)
        return;
    if (el_cuda_is_narrow(w.rows)) {
        el_cuda_narrow_backward_input(q, dx, dy, w, accumulate);
        return;
    }
    const el_tensor copy = weight_of(w, dy.type);
    product p = {};
    set_operands(&p, copy, dy, dx);
    p.m = w.cols;
    p.k = w.rows;
    p.adds = accumulate;
    if (!multiply(q, p, dx.rows, dx.data, copy.data, dy.data, NULL))
        el_cuda_tiled_backward_input(q, dx, dy, copy, accumulate);
}

extern "C" void el_cuda_linear_backward_weight(el_queue *q, el_tensor dw, el_tensor db, el_tensor dy,
                                               el_tensor x)
{
    assert(dy.rows == x.rows && dw.rows == dy.cols && dw.cols == x.cols && dy.type == x.type &&
           dw.type == EL_F32);
    if (x.rows == 0)
        return;
    if (db.data)
        el_cuda_add_columns(q, "linear_backward_weight", db, dy);
    if (el_cuda_is_narrow(dw.rows)) {
        el_cuda_narrow_backward_weight(q, dw, dy, x);
        return;
    }
    product p = {};
    set_operands(&p, x, dy, dw);
    p.m = x.cols;
    p.n = dy.cols;
    p.b_transposed = EL_CUBLAS_OP_T;
    p.adds = p.parts = 1;
    if (!multiply(q, p, x.rows, dw.data, x.data, dy.data, NULL))
        el_cuda_tiled_backward_weight(q, dw, dy, x);
}

/* As the two that it stands for: cuBLASLt's own gelu is the tanh formula, which is another function. */
extern "C" void el_cuda_linear_gelu_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor z,
                                            el_tensor x, el_tensor w, el_tensor b)
{
    q->linear_forward(q, z, x, w, b);
    q->gelu_forward(q, y, slope, z);
}

/* ---- how fast products can be ---- */

/* Random numbers, of which products take as long as of a model's; of zeros they would be faster than they can be. */
static void fill(el_queue *q, char *memory, size_t bytes, el_type type)
{
    enum { COUNT = 4096 };
    uint32_t words[COUNT], state = 1;
    for (uint32_t &word : words) { /* of either sign, from 0.5 to 1 */
        state = state * 1664525u + 1013904223u;
        word = type == EL_BF16 ? (state & 0x80008000u) | 0x3f003f00u | (state >> 9 & 0x007f007fu)
                               : (state & 0x80000000u) | 0x3f000000u | (state >> 9 & 0x007fffffu);
    }
    for (size_t at = 0; at < bytes; at += sizeof words)
        q->send(q, memory + at, words, bytes - at < sizeof words ? bytes - at : sizeof words);
}

/* Of a product that is done some times; 0 where no time can be taken. */
static double milliseconds_of(el_queue *q, el_tensor y, el_tensor x, el_tensor w, int times)
{
    cudaEvent_t begin = NULL, end = NULL;
    float milliseconds = 0;
    el_cuda_note(q, cudaEventCreate(&begin), "peak");
    el_cuda_note(q, cudaEventCreate(&end), "peak");
    if (begin && end) {
        cudaEventRecord(begin, el_cuda_of(q)->stream);
        for (int i = 0; i < times; i++)
            q->linear_forward(q, y, x, w, el_tensor_none());
        cudaEventRecord(end, el_cuda_of(q)->stream);
        q->wait(q);
        cudaEventElapsedTime(&milliseconds, begin, end);
    }
    if (begin)
        cudaEventDestroy(begin);
    if (end)
        cudaEventDestroy(end);
    return (double)milliseconds;
}

double el_cuda_peak(el_queue *q, el_type type)
{
    enum { SIDE = 4096, SMALL_SIDE = 64, TIMES = 8 };
    if (type != EL_F32 && type != EL_BF16)
        return 0; /* no products of such */
    const int side = el_cuda_device_of(q)->multiprocessors >= 16 ? SIDE : SMALL_SIDE;
    el_device *const dev = q->dev;
    const size_t bytes = el_tensor_bytes(side, side, type);
    char *const memory = (char *)dev->alloc(dev, 3 * bytes);
    if (!memory)
        return 0;
    el_tensor w = el_tensor_make(memory, type, side, side);
    w.prepared = memory;
    const el_tensor x = el_tensor_make(memory + bytes, type, side, side);
    const el_tensor y = el_tensor_make(memory + 2 * bytes, type, side, side);
    fill(q, memory, 2 * bytes, type);
    q->linear_forward(q, y, x, w, el_tensor_none());
    const double milliseconds = milliseconds_of(q, y, x, w, TIMES);
    q->wait(q);
    dev->release(dev, memory);
    return milliseconds > 0 ? 2.0 * side * side * side * TIMES / (1e-3 * milliseconds) : 0;
}
