/* attention - a head of a sequence is a piece; forward, some of its queries where heads are few for the threads.  A query's sums
 * are the same in any part. */
#include <assert.h>

#include "ops/cpu/pieces.h"

enum { EACH = 2 }; /* pieces that a thread has, if there are as many */

typedef struct {
    el_queue *q;
    el_attention_args attention;
} attention_job;

static void attention_forward_task(void *context, int index, int thread)
{
    const attention_job *const j = context;
    kernels_of(j->q)->attention_forward(&j->attention, index, scratch_of(j->q, thread));
}

static void attention_backward_task(void *context, int index, int thread)
{
    const attention_job *const j = context;
    kernels_of(j->q)->attention_backward(&j->attention, index, scratch_of(j->q, thread));
}

static void check_attention(el_queue *q, const el_attention_args *a)
{
    assert(a->qkv.cols == 3 * a->y.cols && a->y.cols % a->heads == 0 && a->lse.cols == a->heads);
    assert(a->y.type == a->qkv.type && a->lse.type == EL_F32);
    assert(covers(a->layout, a->qkv.rows));
    assert(a->dropout.rate == 0 || a->layout.longest <= a->width);
    assert(kernels_of(q)->attention_scratch(a->layout.longest, a->y.cols / a->heads) <=
               cpu_of(q)->scratch_bytes &&
           "reserve() has been called for sequences this long");
}

static int heads_of(const attention_job *j)
{
    return j->attention.layout.sequences * j->attention.heads;
}

void el_cpu_attention_forward(el_queue *q, el_tensor y, el_tensor lse, el_tensor qkv, el_layout layout,
                              int heads, el_dropout dropped, int width)
{
    attention_job j = {.q = q,
                       .attention = {.y = y,
                                     .lse = lse,
                                     .qkv = qkv,
                                     .layout = layout,
                                     .heads = heads,
                                     .dropout = dropped,
                                     .width = width}};
    check_attention(q, &j.attention);
    j.attention.parts = least(pieces_of(EACH * q->threads, most(1, heads_of(&j))),
                              most(1, layout.longest / EL_ATTENTION_QUERIES));
    run_pieces(q, heads_of(&j) * j.attention.parts, attention_forward_task, &j);
}

void el_cpu_attention_backward(el_queue *q, el_tensor dqkv, el_tensor dy, el_tensor y, el_tensor lse,
                               el_tensor qkv, el_layout layout, int heads, el_dropout dropped, int width)
{
    attention_job j = {.q = q,
                       .attention = {.y = y,
                                     .dy = dy,
                                     .lse = lse,
                                     .qkv = qkv,
                                     .dqkv = dqkv,
                                     .layout = layout,
                                     .heads = heads,
                                     .dropout = dropped,
                                     .width = width}};
    check_attention(q, &j.attention);
    run_pieces(q, heads_of(&j), attention_backward_task, &j);
}
