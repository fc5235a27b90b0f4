/* pieces - the processor's device, and how its ops are cut into pieces that threads share
 *
 * How an op is cut depends on shapes alone (of products and attention on the number of threads too, which changes no
 * sum), and each number is computed whole within a piece, or as sums of pieces that are added in their order: any number
 * of threads gives the same bits.  Each file of this folder cuts the ops that the file of the same name in ops/cpu/kernels
 * computes.
 *
 * Memory that ops need besides their tensors is taken when a queue is opened and in reserve(): scratch for
 * each thread, and one buffer for sums of pieces.
 */
#ifndef EL_OPS_CPU_PIECES_H
#define EL_OPS_CPU_PIECES_H

#include <assert.h>

#include "base/arena.h"
#include "base/pool.h"
#include "ops/cpu/kernels/kernels.h"

typedef struct {
    el_device device; /* first: a pointer to it is one to the whole */
    const el_kernels *kernels;
} el_cpu;

typedef struct {
    el_queue queue;
    const el_kernels *kernels;
    el_pool *pool;
    el_arena memory; /* of scratch: in huge pages, as a product reads from many places at a time */
    char *scratch;   /* scratch_bytes for each thread */
    size_t scratch_bytes;
    float *sums; /* EL_CPU_SUMS */
} el_cpu_queue;

enum {
    EL_CPU_PIECE = 16384,  /* numbers in a piece of an op on rows */
    EL_CPU_SUMS = 1 << 18, /* floats */
};

static inline el_cpu_queue *cpu_of(el_queue *q)
{
    return q->state;
}

static inline const el_kernels *kernels_of(el_queue *q)
{
    return cpu_of(q)->kernels;
}

static inline void *scratch_of(el_queue *q, int thread)
{
    const el_cpu_queue *const c = cpu_of(q);
    return c->scratch + (size_t)thread * c->scratch_bytes;
}

/* Pieces are the chunks of the queue's pool.  Here an interrupt is obeyed. */
static inline void run_pieces(el_queue *q, int count, el_pool_task *task, void *context)
{
    if (el_queue_cut_short(q))
        return;
    el_pool_run(cpu_of(q)->pool, count, task, context);
}

static inline int least(int a, int b)
{
    return a < b ? a : b;
}

static inline int most(int a, int b)
{
    return a > b ? a : b;
}

static inline int pieces_of(int count, int size)
{
    return (int)(((int64_t)count + size - 1) / size);
}

/* Whether a layout's sequences have all of so many rows, each at least one. */
static inline bool covers(el_layout layout, int rows)
{
    for (int i = 0; i < layout.sequences; i++)
        if (layout.starts[i] >= layout.starts[i + 1])
            return false;
    return layout.starts[layout.sequences] == rows;
}

static inline bool same_shape(el_tensor a, el_tensor b)
{
    return a.rows == b.rows && a.cols == b.cols;
}

static inline void check_gelu(el_tensor y, el_tensor slope, el_tensor x)
{
    assert(same_shape(y, x) && y.type == x.type);
    assert(!slope.data || (same_shape(slope, x) && slope.type == x.type));
}

/* An op on rows: its tensors, and how many rows a piece has.  Jobs with more fields embed this struct first. */
typedef struct {
    el_queue *q;
    int rows; /* of a piece */
    el_tensor a, b, c, d;
    el_dropout dropout;
    double real;
    const int *index;
    const void *more;
    int count;
} el_rows_job;

static inline el_tensor piece_of(el_tensor t, const el_rows_job *j, int index)
{
    const int first = index * j->rows;
    return t.data ? el_piece_rows(t, first, least(j->rows, t.rows - first)) : t;
}

static inline el_dropout dropout_of(const el_rows_job *j, int index)
{
    el_dropout dropout = j->dropout;
    dropout.first_row += (uint64_t)index * (uint64_t)j->rows;
    return dropout;
}

/* In pieces of about EL_CPU_PIECE numbers. */
static inline void by_rows(el_rows_job *j, int rows, int cols, el_pool_task *task)
{
    if (rows == 0 || cols == 0)
        return;
    j->rows = most(1, EL_CPU_PIECE / cols);
    run_pieces(j->q, pieces_of(rows, j->rows), task, j);
}

size_t el_cpu_prepared_bytes(const el_device *dev, int rows, int cols, el_type type, bool training);

#define EL_OP(result, name, parameters, ...) result el_cpu_##name parameters;
#include "ops/ops.def"
#undef EL_OP

#endif
