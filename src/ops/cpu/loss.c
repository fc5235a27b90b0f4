/* loss - losses in pieces of rows */
#include <assert.h>

#include "ops/cpu/pieces.h"
#include "ops/reference/reference.h"

typedef struct {
    el_rows_job rows;
    el_tensor loss, dlogits, logits;
    int *guess, *sample;
    const int *target;
    const float *weight, *label;
    const el_sampling *sampling;
} loss_job;

static void softmax_task(void *context, int index, int thread)
{
    const loss_job *const l = context;
    const el_rows_job *const j = &l->rows;
    (void)thread;
    const int first = index * j->rows;
    el_sampling sampling = {.temperature = 1};
    if (l->sampling) {
        sampling = *l->sampling;
        sampling.first_row += (uint64_t)first;
    }
    kernels_of(j->q)->softmax_loss(
        piece_of(l->loss, j, index), l->guess ? l->guess + first : NULL, l->sample ? l->sample + first : NULL,
        piece_of(l->dlogits, j, index), piece_of(l->logits, j, index), l->target + first,
        l->weight ? l->weight + first : NULL, l->sampling ? &sampling : NULL, j->real);
}

void el_cpu_softmax_loss(el_queue *q, el_tensor loss, int *guess, int *sample, el_tensor dlogits,
                         el_tensor logits, const int *target, const float *weight,
                         const el_sampling *sampling, double scale)
{
    assert(!loss.data || (loss.type == EL_F32 && loss.rows == logits.rows));
    assert(!dlogits.data || (same_shape(dlogits, logits) && dlogits.type == logits.type));
    loss_job l = {.rows = {.q = q, .real = scale},
                  .loss = loss,
                  .dlogits = dlogits,
                  .logits = logits,
                  .guess = guess,
                  .sample = sample,
                  .target = target,
                  .weight = weight,
                  .sampling = sampling};
    by_rows(&l.rows, logits.rows, logits.cols, softmax_task);
}

static void logistic_task(void *context, int index, int thread)
{
    const loss_job *const l = context;
    const el_rows_job *const j = &l->rows;
    (void)thread;
    kernels_of(j->q)->logistic_loss(piece_of(l->loss, j, index), piece_of(l->dlogits, j, index),
                                    piece_of(l->logits, j, index), l->label + index * j->rows, j->real);
}

void el_cpu_logistic_loss(el_queue *q, el_tensor loss, el_tensor dlogits, el_tensor logits,
                          const float *label, double scale)
{
    assert(logits.cols == 1);
    loss_job l = {
        .rows = {.q = q, .real = scale}, .loss = loss, .dlogits = dlogits, .logits = logits, .label = label};
    by_rows(&l.rows, logits.rows, 16, logistic_task); /* a row costs as much as many numbers */
}

static void squared_task(void *context, int index, int thread)
{
    const loss_job *const l = context;
    const el_rows_job *const j = &l->rows;
    (void)thread;
    kernels_of(j->q)->squared_loss(piece_of(l->loss, j, index), piece_of(l->dlogits, j, index),
                                   piece_of(l->logits, j, index), l->label + index * j->rows, j->real);
}

void el_cpu_squared_loss(el_queue *q, el_tensor loss, el_tensor dx, el_tensor x, const float *target,
                         double scale)
{
    assert(x.cols == 1);
    loss_job l = {.rows = {.q = q, .real = scale}, .loss = loss, .dlogits = dx, .logits = x, .label = target};
    by_rows(&l.rows, x.rows, 1, squared_task);
}

/* As the definition has them: a number a token. */
void el_cpu_copy_gate(el_queue *q, float *copied, float *drawn, el_tensor u, el_tensor loss, const int *shown,
                      const int *original)
{
    el_ref_copy_gate(q, copied, drawn, u, loss, shown, original);
}

void el_cpu_advantages(el_queue *q, float *advantage, float *right, el_tensor reward, el_tensor u)
{
    el_ref_advantages(q, advantage, right, reward, u);
}
