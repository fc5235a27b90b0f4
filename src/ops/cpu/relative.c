/* relative - attention by distances: a head of a group of sequences is a piece
 *
 * Groups depend on the number of sequences alone.  Each leaves its sums for the gradients that all sequences share in rows of
 * its own, and these are added in the order of groups.
 */
#include <assert.h>

#include "ops/cpu/pieces.h"

enum { BIASES = 3, KINDS = 2, ADDED_ROWS = 32 };

typedef struct {
    el_queue *q;
    el_relative_args args;
    el_relative_gradients d;
} relative_job;

static void forward_task(void *context, int index, int thread)
{
    const relative_job *const j = context;
    kernels_of(j->q)->relative_forward(&j->args, index, scratch_of(j->q, thread));
}

static void backward_task(void *context, int index, int thread)
{
    const relative_job *const j = context;
    kernels_of(j->q)->relative_backward(&j->args, index, scratch_of(j->q, thread));
}

static void check_relative(el_queue *q, const el_relative_args *a)
{
    const el_tensor y = a->attention.y, qkv = a->attention.qkv;
    assert(qkv.cols == 3 * y.cols && y.cols % a->attention.heads == 0 && y.type == qkv.type);
    assert(a->relative.places.cols == y.cols && a->relative.places.type == y.type);
    assert(a->relative.biases.cols == BIASES * y.cols && a->relative.kinds.rows == KINDS);
    assert(covers(a->attention.layout, qkv.rows));
    assert(a->attention.dropout.rate == 0 || a->attention.layout.longest <= a->attention.width);
    assert(kernels_of(q)->relative_scratch(a->attention.layout.longest, a->relative.places.rows,
                                           y.cols / a->attention.heads) <= cpu_of(q)->scratch_bytes &&
           "reserve() has been called for sequences this long");
}

static relative_job job_of(el_queue *q, el_tensor y, el_tensor lse, el_tensor qkv, el_relative relative,
                           el_layout layout, int heads, el_dropout dropped, int width)
{
    const relative_job j = {.q = q,
                            .args = {.attention = {.y = y,
                                                   .lse = lse,
                                                   .qkv = qkv,
                                                   .layout = layout,
                                                   .heads = heads,
                                                   .dropout = dropped,
                                                   .width = width},
                                     .relative = relative,
                                     .groups = most(1, least(layout.sequences, EL_RELATIVE_PARTS))}};
    check_relative(q, &j.args);
    return j;
}

void el_cpu_relative_attention_forward(el_queue *q, el_tensor y, el_tensor lse, el_tensor qkv,
                                       el_relative relative, el_layout layout, int heads, el_dropout dropped,
                                       int width)
{
    relative_job j = job_of(q, y, lse, qkv, relative, layout, heads, dropped, width);
    run_pieces(q, j.args.groups * heads, forward_task, &j);
}

/* Some rows of all parts, into those of the first. */
static void add_task(void *context, int index, int thread)
{
    const relative_job *const j = context;
    const el_kernels *const k = kernels_of(j->q);
    const int places = j->d.places.rows, sums = places + BIASES + KINDS, first = index * ADDED_ROWS;
    const int rows = least(ADDED_ROWS, sums - first), of_places = least(rows, places - first);
    const el_tensor sum = el_piece_rows(j->d.parts, first, rows);
    (void)thread;
    for (int group = 1; group < j->args.groups; group++)
        k->add(sum, sum, el_piece_rows(j->d.parts, group * sums + first, rows));
    if (of_places > 0)
        k->copy(el_piece_rows(j->d.places, first, of_places), el_piece_rows(sum, 0, of_places));
}

void el_cpu_relative_attention_backward(el_queue *q, el_tensor dqkv, el_relative_gradients d, el_tensor dy,
                                        el_tensor y, el_tensor lse, el_tensor qkv, el_relative relative,
                                        el_layout layout, int heads, el_dropout dropped, int width)
{
    const el_kernels *const k = kernels_of(q);
    const int hidden = y.cols, places = relative.places.rows, sums = places + BIASES + KINDS;
    relative_job j = job_of(q, y, lse, qkv, relative, layout, heads, dropped, width);
    assert(d.parts.type == EL_F32 && d.parts.rows >= EL_RELATIVE_PARTS * sums && d.parts.cols == hidden);
    j.args.attention.dy = dy;
    j.args.attention.dqkv = dqkv;
    j.args.parts = d.parts;
    j.d = d;
    run_pieces(q, j.args.groups * heads, backward_task, &j);
    run_pieces(q, pieces_of(sums, ADDED_ROWS), add_task, &j);
    for (int i = 0; i < BIASES; i++) {
        const el_tensor sum = el_piece_cols(d.biases, i * hidden, hidden);
        k->add(sum, sum, el_piece_rows(d.parts, places + i, 1));
    }
    k->add(d.kinds, d.kinds, el_piece_rows(d.parts, places + BIASES, KINDS));
}
