/* rows - rows taken from tables and added to them, in pieces */
#include <assert.h>

#include "ops/cpu/pieces.h"
#include "ops/reference/reference.h"

static void embed_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    const void *const *const lists = j->more;
    kernels_of(j->q)->embed(piece_of(j->a, j, index), lists[0], lists[1], j->count, index * j->rows);
}

void el_cpu_embed_forward(el_queue *q, el_tensor y, const el_tensor *tables, const int *const *indices,
                          int count)
{
    const void *const lists[2] = {tables, indices};
    by_rows(&(el_rows_job){.q = q, .a = y, .more = lists, .count = count}, y.rows, y.cols, embed_task);
}

enum { SCATTERED = 64 }; /* columns in a piece: all rows, so that they are added in order */

static void scatter_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    const int first = index * SCATTERED, cols = least(SCATTERED, j->b.cols - first);
    kernels_of(j->q)->scatter(el_piece_cols(j->a, first, cols), el_piece_cols(j->b, first, cols), j->index);
}

void el_cpu_embed_backward(el_queue *q, el_tensor dtable, el_tensor dy, const int *index)
{
    assert(dtable.cols == dy.cols);
    el_rows_job j = {.q = q, .a = dtable, .b = dy, .index = index};
    run_pieces(q, pieces_of(dy.cols, SCATTERED), scatter_task, &j);
}

static void gather_task(void *context, int index, int thread)
{
    const el_rows_job *const j = context;
    (void)thread;
    kernels_of(j->q)->gather(piece_of(j->a, j, index), j->b, j->index + index * j->rows);
}

void el_cpu_gather_forward(el_queue *q, el_tensor y, el_tensor x, const int *rows)
{
    assert(y.cols == x.cols && y.type == x.type);
    by_rows(&(el_rows_job){.q = q, .a = y, .b = x, .index = rows}, y.rows, y.cols, gather_task);
}

void el_cpu_gather_backward(el_queue *q, el_tensor dx, el_tensor dy, const int *rows, bool accumulate)
{
    if (!accumulate)
        q->zero(q, dx);
    el_cpu_embed_backward(q, dx, dy, rows);
}

/* As the definition has it: a few thousand numbers, and no sum. */
void el_cpu_replace_ids(el_queue *q, int *ids, float *label, const int *original, int count, const int *rows,
                        const int *sample, int slots, double elsewhere)
{
    el_ref_replace_ids(q, ids, label, original, count, rows, sample, slots, elsewhere);
}

void el_cpu_choose_ids(el_queue *q, int *y, const int *x, const int *at, const int *other, int count)
{
    el_ref_choose_ids(q, y, x, at, other, count);
}

void el_cpu_offsets(el_queue *q, el_tensor y, el_tensor x, const int *at, double shift)
{
    el_ref_offsets(q, y, x, at, shift);
}
