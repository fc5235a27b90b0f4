/* norm - LayerNorm in pieces of rows, and sums over them for its gradients */
#include <assert.h>
#include <string.h>

#include "ops/cpu/pieces.h"

enum {
    SUM_PIECES = 32, /* pieces whose sums of columns are kept apart, at most */
    SUM_ROWS = 32,   /* rows in such a piece, at least */
};

/* Sums of columns: rows in pieces with sums of their own, which are then added in their order.  `width` sums
 * are kept for each piece. */
static int sum_pieces(el_rows_job *j, int rows, int width)
{
    const int kept = most(1, least(SUM_PIECES, EL_CPU_SUMS / width));
    const int pieces = least(kept, pieces_of(rows, SUM_ROWS));
    j->rows = pieces_of(rows, most(1, pieces));
    return pieces_of(rows, j->rows);
}

static float *sums_of(const el_rows_job *j, int index)
{
    return cpu_of(j->q)->sums + (int64_t)index * j->count;
}

static void add_sums(const el_rows_job *j, int pieces, el_tensor total, int first)
{
    const el_kernels *const k = kernels_of(j->q);
    for (int i = 0; i < pieces; i++)
        k->column_sums(total.data, el_tensor_make(sums_of(j, i) + first, EL_F32, 1, total.cols));
}

typedef struct {
    el_rows_job rows;
    el_tensor y, sum, stats, x, branch, gamma, beta;
} norm_job;

static void norm_forward_task(void *context, int index, int thread)
{
    const norm_job *const n = context;
    const el_rows_job *const j = &n->rows;
    (void)thread;
    kernels_of(j->q)->norm_forward(piece_of(n->y, j, index), piece_of(n->sum, j, index),
                                   piece_of(n->stats, j, index), piece_of(n->x, j, index),
                                   piece_of(n->branch, j, index), n->gamma, n->beta, j->real,
                                   dropout_of(j, index));
}

void el_cpu_residual_norm_forward(el_queue *q, el_tensor y, el_tensor sum, el_tensor stats, el_tensor x,
                                  el_tensor branch, el_tensor gamma, el_tensor beta, double epsilon,
                                  el_dropout dropped)
{
    assert(same_shape(y, x) && y.type == x.type && stats.rows == x.rows && stats.cols == 2);
    assert(gamma.cols == x.cols && beta.cols == x.cols);
    norm_job n = {.rows = {.q = q, .real = epsilon, .dropout = dropped},
                  .y = y,
                  .sum = sum,
                  .stats = stats,
                  .x = x,
                  .branch = branch,
                  .gamma = gamma,
                  .beta = beta};
    by_rows(&n.rows, x.rows, x.cols, norm_forward_task);
}

void el_cpu_layer_norm_forward(el_queue *q, el_tensor y, el_tensor stats, el_tensor x, el_tensor gamma,
                               el_tensor beta, double epsilon)
{
    el_cpu_residual_norm_forward(q, y, el_tensor_none(), stats, x, el_tensor_none(), gamma, beta, epsilon,
                                 (el_dropout){.rate = 0});
}

static void norm_backward_task(void *context, int index, int thread)
{
    const norm_job *const n = context;
    const el_rows_job *const j = &n->rows;
    (void)thread;
    memset(sums_of(j, index), 0, (size_t)j->count * sizeof(float));
    kernels_of(j->q)->norm_backward(piece_of(n->sum, j, index), piece_of(n->branch, j, index),
                                    sums_of(j, index), piece_of(n->y, j, index), piece_of(n->x, j, index),
                                    piece_of(n->stats, j, index), n->gamma, dropout_of(j, index));
}

void el_cpu_residual_norm_backward(el_queue *q, el_tensor dsum, el_tensor dbranch, el_tensor dgamma,
                                   el_tensor dbeta, el_tensor dy, el_tensor sum, el_tensor stats,
                                   el_tensor gamma, el_dropout dropped)
{
    assert(same_shape(dsum, dy) && same_shape(dy, sum) && dy.type == sum.type && 2 * dy.cols <= EL_CPU_SUMS);
    if (dy.rows == 0)
        return;
    norm_job n = {.rows = {.q = q, .dropout = dropped, .count = 2 * dy.cols},
                  .y = dy,
                  .sum = dsum,
                  .stats = stats,
                  .x = sum,
                  .branch = dbranch,
                  .gamma = gamma};
    const int pieces = sum_pieces(&n.rows, dy.rows, 2 * dy.cols);
    run_pieces(q, pieces, norm_backward_task, &n);
    add_sums(&n.rows, pieces, dgamma, 0);
    add_sums(&n.rows, pieces, dbeta, dy.cols);
}

void el_cpu_layer_norm_backward(el_queue *q, el_tensor dx, el_tensor dgamma, el_tensor dbeta, el_tensor dy,
                                el_tensor x, el_tensor stats, el_tensor gamma)
{
    el_cpu_residual_norm_backward(q, dx, el_tensor_none(), dgamma, dbeta, dy, x, stats, gamma,
                                  (el_dropout){.rate = 0});
}
