/* optimizer - the norm of gradients, AdamW, and the copies of matrices that products read
 *
 * Each goes over a list of tensors at once: a table of its lines is sent ahead, and a block finds its line there.
 */
#include <assert.h>

#include "ops/cuda/thread.h"

enum {
    THREADS = 256,
    PIECE = 4096 /* elements of a block */,
    USUAL_PIECES = 8192 /* and one more for each tensor */,
    ADDERS = 1024
};

/* One tensor of a list, with the number of its first block; a last line has the number of all blocks. */
struct line {
    int64_t first_block;
    int64_t stride, value_stride; /* elements from a row to the next: of gradient and moments; of the value */
    float *value, *m, *v, *gradient;
    bf16 *copy; /* a matrix's, of the bits of its value */
    int rows, cols, copy_stride;
    float rate, decay, clip;
};

static line *stage_lines(el_queue *q, int count)
{
    return (line *)el_cuda_stage(q, (size_t)count * sizeof(line));
}

static const line *send_lines(el_queue *q, const line *list, int count)
{
    return (const line *)el_cuda_send_list(q, list, (size_t)count * sizeof(line));
}

/* The line that a block works on. */
static __device__ __forceinline__ const line *line_of(const line *lines, int count, int64_t block)
{
    int low = 0, high = count - 1;
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (lines[middle].first_block <= block)
            low = middle;
        else
            high = middle - 1;
    }
    return &lines[low];
}

static int64_t elements(el_tensor t)
{
    return (int64_t)t.rows * t.cols;
}

/* ---- sum of squares ---- */

/* The sum of a block, which every thread gets a part of; thread 0 has it. */
static __device__ __forceinline__ double block_sum(double x)
{
    EL_SHARED(double, sums, ADDERS / WARP);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
    x = warp_sum(x);
    if (lane == 0)
        sums[warp] = x;
    __syncthreads();
    double total = 0;
    for (int w = 0; w < (int)blockDim.x / WARP; w++)
        total += sums[w];
    return total;
}

__global__ void square_pieces(double *parts, const line *lines, int count, int piece)
{
    const line *const l = line_of(lines, count, blockIdx.x);
    const int64_t first = (int64_t)(blockIdx.x - l->first_block) * piece, all = (int64_t)l->rows * l->cols;
    const int64_t end = first + piece < all ? first + piece : all;
    double sum = 0;
    if (l->stride == l->cols)
        for (int64_t i = first + threadIdx.x; i < end; i += THREADS)
            sum += (double)l->gradient[i] * (double)l->gradient[i];
    else
        for (int64_t i = first + threadIdx.x; i < end; i += THREADS) {
            const double x = (double)l->gradient[i / l->cols * l->stride + i % l->cols];
            sum += x * x;
        }
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        parts[blockIdx.x] = sum;
}

/* One block: a thread adds neighbours. */
__global__ void add_squares(double *total, const double *parts, int count)
{
    const int each = (count + ADDERS - 1) / ADDERS, first = (int)threadIdx.x * each;
    double sum = 0;
    for (int i = first; i < first + each && i < count; i++)
        sum += parts[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        *total = sum;
}

static line squared_line(el_tensor x, int64_t first_block)
{
    line l = {};
    l.first_block = first_block;
    l.stride = x.stride;
    l.gradient = (float *)x.data;
    l.rows = x.rows;
    l.cols = x.cols;
    return l;
}

extern "C" void el_cuda_sum_squares(el_queue *q, double *sum, const el_tensor *x, int count)
{
    double *const parts = (double *)el_cuda_of(q)->sums;
    line *const list = stage_lines(q, count);
    int64_t all = 0, blocks = 0;
    int there = 0;
    for (int i = 0; i < count; i++)
        all += elements(x[i]);
    const int64_t least = (all + USUAL_PIECES - 1) / USUAL_PIECES, usual = PIECE;
    const int64_t piece = least > usual ? least : usual;
    for (int i = 0; i < count; i++)
        if (elements(x[i]) > 0) {
            list[there++] = squared_line(x[i], blocks);
            blocks += (elements(x[i]) + piece - 1) / piece;
        }
    assert(blocks <= EL_CUDA_SUMS / 2 && piece <= INT32_MAX && "doubles in the place of floats");
    const line *const lines = send_lines(q, list, there);
    el_cuda_launch(q, "sum_squares", square_pieces, (unsigned)blocks, THREADS, 0, parts, lines, there,
                   (int)piece);
    el_cuda_launch(q, "sum_squares", add_squares, 1, ADDERS, 0, sum, (const double *)parts, (int)blocks);
}

/* ---- AdamW ---- */

struct step {
    float beta1, beta2, epsilon, m_correction, v_correction;
};

static __device__ __forceinline__ void step_element(const line *l, const step &s, int64_t at,
                                                    int64_t value_at)
{
    const float g = l->clip * l->gradient[at];
    const float m = s.beta1 * l->m[at] + (1 - s.beta1) * g;
    const float v = s.beta2 * l->v[at] + (1 - s.beta2) * g * g;
    const float value = l->value[value_at];
    const float update = m * s.m_correction / (sqrtf(v * s.v_correction) + s.epsilon);
    l->m[at] = m;
    l->v[at] = v;
    l->gradient[at] = 0;
    l->value[value_at] = value - l->rate * (update + l->decay * value);
}

__global__ void step_pieces(const line *lines, int count, step s)
{
    const line *const l = line_of(lines, count, blockIdx.x);
    const int64_t first = (int64_t)(blockIdx.x - l->first_block) * PIECE, all = (int64_t)l->rows * l->cols;
    const int64_t end = first + PIECE < all ? first + PIECE : all;
    const bool flat = l->stride == l->cols && l->value_stride == l->cols;
    for (int64_t i = first + threadIdx.x; i < end; i += THREADS) {
        const int64_t row = flat ? 0 : i / l->cols, col = flat ? i : i % l->cols;
        step_element(l, s, row * l->stride + col, row * l->value_stride + col);
    }
}

/* ---- copies of matrices ---- */

__global__ void copy_pieces(const line *lines, int count)
{
    const line *const l = line_of(lines, count, blockIdx.x);
    const int64_t first = (int64_t)(blockIdx.x - l->first_block) * PIECE,
                  all = (int64_t)l->rows * l->copy_stride;
    const int64_t end = first + PIECE < all ? first + PIECE : all;
    const bool flat = l->copy_stride == l->cols && l->value_stride == l->cols;
    for (int64_t i = first + threadIdx.x; i < end; i += THREADS) {
        const int64_t row = flat ? 0 : i / l->copy_stride, col = flat ? i : i % l->copy_stride;
        put(l->copy + i, flat || col < l->cols ? l->value[row * l->value_stride + col] : 0);
    }
}

static int copy_stride(int cols)
{
    return (cols + 7) / 8 * 8; /* so that a row is aligned as products want it */
}

size_t el_cuda_prepared_bytes(const el_device *, int rows, int cols, el_type type, bool)
{
    return type == EL_BF16 ? (size_t)rows * (size_t)copy_stride(cols) * sizeof(bf16) : 0;
}

static line copied_line(const el_matrix *matrix, int64_t first_block)
{
    const el_tensor w = matrix->value;
    line l = {};
    l.first_block = first_block;
    l.value_stride = w.stride;
    l.value = (float *)w.data;
    l.copy = (bf16 *)w.prepared;
    l.rows = w.rows;
    l.cols = w.cols;
    l.copy_stride = copy_stride(w.cols);
    return l;
}

static void copy_matrices(el_queue *q, const char *op, const el_matrix *matrices, int count)
{
    line *const list = stage_lines(q, count);
    int64_t blocks = 0;
    int there = 0;
    for (int i = 0; i < count; i++)
        if (matrices[i].type == EL_BF16 && elements(matrices[i].value) > 0) {
            const line l = copied_line(&matrices[i], blocks);
            list[there++] = l;
            blocks += ((int64_t)l.rows * l.copy_stride + PIECE - 1) / PIECE;
        }
    if (there > 0)
        el_cuda_launch(q, op, copy_pieces, (unsigned)blocks, THREADS, 0, send_lines(q, list, there), there);
}

extern "C" void el_cuda_prepare(el_queue *q, el_tensor w, el_type type, bool)
{
    const el_matrix matrix = {w, type, 0};
    copy_matrices(q, "prepare", &matrix, 1);
}

static line trained_line(const el_trained *p, const el_adamw *of_all, int64_t first_block)
{
    const el_adamw own = el_adamw_of(of_all, p);
    line l = {};
    assert(p->m.stride == p->gradient.stride && p->v.stride == p->gradient.stride);
    l.first_block = first_block;
    l.stride = p->gradient.stride;
    l.value_stride = p->value.stride;
    l.value = (float *)p->value.data;
    l.m = (float *)p->m.data;
    l.v = (float *)p->v.data;
    l.gradient = (float *)p->gradient.data;
    l.rows = p->value.rows;
    l.cols = p->value.cols;
    l.rate = (float)own.rate;
    l.decay = (float)own.decay;
    l.clip = (float)own.clip;
    return l;
}

extern "C" void el_cuda_adamw(el_queue *q, const el_trained *params, int count, const el_matrix *matrices,
                              int matrix_count, el_adamw of_all)
{
    const step s = {(float)of_all.beta1, (float)of_all.beta2, (float)of_all.epsilon,
                    (float)of_all.m_correction, (float)of_all.v_correction};
    line *const list = stage_lines(q, count);
    int64_t blocks = 0;
    int there = 0;
    for (int i = 0; i < count; i++)
        if (elements(params[i].value) > 0) {
            list[there++] = trained_line(&params[i], &of_all, blocks);
            blocks += (elements(params[i].value) + PIECE - 1) / PIECE;
        }
    if (there > 0)
        el_cuda_launch(q, "adamw", step_pieces, (unsigned)blocks, THREADS, 0, send_lines(q, list, there),
                       there, s);
    copy_matrices(q, "adamw", matrices, matrix_count);
}
