/* optimizer - the norm of gradients and AdamW, cut for threads */
#include <assert.h>

#include "ops/cpu/pieces.h"

enum { SQUARES = 16384 }; /* numbers whose squares are summed in one piece */

/* Views a contiguous matrix as one long row, so that it can be cut into pieces of SQUARES elements. */
static el_tensor flat(el_tensor t)
{
    return t.stride == t.cols && (int64_t)t.rows * t.cols <= INT32_MAX
               ? el_tensor_make(t.data, t.type, 1, t.rows * t.cols)
               : t;
}

static el_tensor flat_piece(el_tensor t, int index)
{
    const int first = index * SQUARES;
    return el_piece_cols(t, first, least(SQUARES, t.cols - first));
}

static void squares_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    double *const sums = (double *)(void *)cpu_of(j->q)->sums;
    (void)thread;
    sums[index] =
        kernels_of(j->q)->sum_squares(j->count ? piece_of(j->a, j, index) : flat_piece(j->a, index));
}

static double squares_of(el_queue *q, el_tensor x)
{
    const double *const sums = (const double *)(const void *)cpu_of(q)->sums;
    const el_tensor line = flat(x);
    el_rows_job j = {.q = q, .a = line, .count = line.rows > 1};
    j.rows = most(most(1, SQUARES / most(1, x.cols)), pieces_of(x.rows, EL_CPU_SUMS / 2));
    const int pieces = j.count ? pieces_of(x.rows, j.rows) : pieces_of(line.cols, SQUARES);
    run_pieces(q, pieces, squares_task, &j);
    double total = 0;
    for (int i = 0; i < pieces; i++)
        total += sums[i];
    return total;
}

void el_cpu_sum_squares(el_queue *q, double *sum, const el_tensor *x, int count)
{
    *sum = 0;
    for (int i = 0; i < count; i++)
        *sum += squares_of(q, x[i]);
}

typedef struct {
    el_rows_job rows;
    const el_trained *param;
    el_adamw step;
} adamw_job;

static void adamw_task(void *context, int index, int thread)
{
    const adamw_job *const a = context;
    const el_rows_job *const j = &a->rows;
    const el_trained *const p = a->param;
    (void)thread;
    kernels_of(j->q)->adamw(piece_of(p->value, j, index), piece_of(p->m, j, index), piece_of(p->v, j, index),
                            piece_of(p->gradient, j, index), a->step);
}

static void step_param(el_queue *q, const el_trained *p, const el_adamw *step)
{
    assert(same_shape(p->value, p->m) && same_shape(p->value, p->v) && same_shape(p->value, p->gradient));
    adamw_job a = {.rows = {.q = q}, .param = p, .step = el_adamw_of(step, p)};
    by_rows(&a.rows, p->value.rows, p->value.cols, adamw_task);
}

void el_cpu_adamw(el_queue *q, const el_trained *params, int count, const el_matrix *matrices,
                  int matrix_count, el_adamw step)
{
    for (int i = 0, prepared = 0; i < count; i++) {
        step_param(q, &params[i], &step);
        for (; prepared < matrix_count && matrices[prepared].line <= i; prepared++)
            q->prepare(q, matrices[prepared].value, matrices[prepared].type, true);
    }
}
