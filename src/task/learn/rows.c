/* rows - sequence and token heads in a learner: each row they read has logits, targets and losses */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "task/learn/family.h"

static int labels_of(const el_learner *l)
{
    return el_learner_head(l)->config.labels;
}

static el_tensor host_tensor(el_type type, int rows, int cols)
{
    return el_tensor_make(malloc(el_tensor_bytes(rows, cols, type)), type, rows, cols);
}

el_status el_rows_open(el_learner *l)
{
    el_rows *r = &l->row_head;
    const el_type type = l->base.model->parameters;
    const size_t reads = (size_t)l->reads;
    r->width = l->settings.kind == EL_MULTILABEL ? labels_of(l) : 1;
    if (l->reads > INT_MAX / r->width)
        return el_fail(EL_EUSAGE, "--micro-batch-tokens: %d rows of %d labels are too many", l->reads,
                       r->width);
    r->host_rows = malloc(reads * sizeof *r->host_rows);
    r->host_targets = malloc(reads * (size_t)r->width * sizeof *r->host_targets);
    r->host_values = malloc(reads * (size_t)r->width * sizeof *r->host_values);
    r->host_losses = host_tensor(type, l->reads * r->width, 1);
    r->host_logits = host_tensor(type, l->reads, labels_of(l));
    return r->host_rows && r->host_targets && r->host_values && r->host_losses.data && r->host_logits.data
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for %d rows of a head", l->reads);
}

void el_rows_lay_out(el_learner *l)
{
    el_rows *r = &l->row_head;
    const el_model *m = l->base.model;
    r->rows = el_arena_ints(&l->arena, l->reads);
    r->targets = el_arena_ints(&l->arena, l->reads * r->width);
    r->values = el_arena_push(&l->arena, (size_t)l->reads * (size_t)r->width * sizeof *r->values);
    r->losses = el_arena_tensor(&l->arena, m->parameters, l->reads * r->width, 1);
    el_head_saved_layout(&r->saved, &l->arena, &l->base.model->networks[0].config,
                         &el_learner_head(l)->config, l->reads, m->activations, m->parameters);
}

void el_rows_close(el_learner *l)
{
    el_rows *r = &l->row_head;
    free(r->host_rows);
    free(r->host_targets);
    free(r->host_values);
    free(r->host_losses.data);
    free(r->host_logits.data);
    free(r->kept);
}

el_status el_rows_reserve(el_learner *l, int sequences, int reads)
{
    (void)sequences;
    el_rows *r = &l->row_head;
    const size_t need = r->kept_count + (size_t)reads * (size_t)labels_of(l);
    return el_learner_grow(&r->kept, &r->kept_room, need, sizeof *r->kept);
}

void el_rows_forget(el_learner *l)
{
    l->row_head.kept_count = 0;
}

/* Which rows are read and what they should say, over to the device; how many there are. */
static int send_targets(el_learner *l, const el_range *range)
{
    el_rows *r = &l->row_head;
    el_queue *q = l->base.model->q;
    const int first = l->starts[range->first], count = l->starts[range->last] - first;
    for (int s = range->first; s < range->last; s++) {
        const int at = l->starts[s] - first, row = l->batch->starts[s] - range->first_row;
        l->family->put(l, l->batch->numbers[s], r->host_rows + at, r->host_targets + at * r->width,
                       r->host_values + at);
        for (int i = at; i < l->starts[s + 1] - first; i++)
            r->host_rows[i] += row;
    }
    const size_t n = (size_t)count, targets = n * (size_t)r->width;
    q->send(q, r->rows, r->host_rows, n * sizeof *r->rows);
    for (size_t i = 0; l->settings.kind == EL_MULTILABEL && i < targets; i++)
        r->host_values[i] = (float)r->host_targets[i];
    if (l->settings.kind == EL_REGRESS || l->settings.kind == EL_MULTILABEL)
        q->send(q, r->values, r->host_values, targets * sizeof *r->values);
    else
        q->send(q, r->targets, r->host_targets, targets * sizeof *r->targets);
    return count;
}

static void fetch(el_queue *q, el_tensor host, el_tensor from)
{
    q->fetch(q, host.data, from.data, el_tensor_bytes(from.rows, from.cols, from.type));
    q->wait(q);
}

/* The sum of losses; in training their gradient takes the logits' place. */
static double lose(el_learner *l, el_tensor logits, bool training)
{
    const el_rows *r = &l->row_head;
    el_queue *q = l->base.model->q;
    const el_tensor losses = el_tensor_rows(r->losses, 0, logits.rows * r->width);
    if (r->width > 1)
        logits = el_tensor_make(logits.data, logits.type, logits.rows * r->width, 1);
    const el_tensor gradient = training ? logits : el_tensor_none();
    if (l->settings.kind == EL_REGRESS)
        q->squared_loss(q, losses, gradient, logits, r->values, l->scale);
    else if (l->settings.kind == EL_MULTILABEL)
        q->logistic_loss(q, losses, gradient, logits, r->values, l->scale);
    else
        q->softmax_loss(q, losses, NULL, NULL, gradient, logits, r->targets, NULL, NULL, l->scale);
    double sum = 0;
    fetch(q, r->host_losses, losses);
    for (int i = 0; i < losses.rows; i++)
        sum += el_get(r->host_losses, i, 0);
    return sum;
}

static void keep(el_learner *l, el_tensor logits)
{
    el_rows *r = &l->row_head;
    fetch(l->base.model->q, r->host_logits, logits);
    for (int i = 0; i < logits.rows; i++)
        for (int c = 0; c < logits.cols; c++)
            r->kept[r->kept_count++] = (float)el_get(r->host_logits, i, c);
}

double el_rows_pass(el_learner *l, const el_range *range, el_tensor hidden, el_tensor dhidden)
{
    el_rows *r = &l->row_head;
    el_queue *q = l->base.model->q;
    const el_head *head = el_learner_head(l);
    el_head_pass pass = {
        .training = range->training, .random = l->random, .first_row = (uint64_t)l->starts[range->first]};
    pass.random.stream = EL_STREAM_TASK_HEAD;
    const int count = send_targets(l, range);
    const el_tensor logits =
        el_head_forward(q, &head->config, &head->task.w, &r->saved, hidden, r->rows, count, &pass);
    if (!range->training)
        keep(l, logits);
    const double sum = lose(l, logits, range->training);
    if (range->training)
        el_head_backward(q, &head->config, &head->task.w, &head->task.g, &r->saved, dhidden, logits, r->rows,
                         &pass, false);
    return sum;
}

int el_softmax(const float *logits, int count, float *probabilities)
{
    int best = 0;
    double sum = 0;
    for (int i = 1; i < count; i++)
        best = logits[i] > logits[best] ? i : best;
    for (int i = 0; i < count; i++)
        sum += exp((double)logits[i] - (double)logits[best]);
    for (int i = 0; i < count; i++)
        probabilities[i] = (float)(exp((double)logits[i] - (double)logits[best]) / sum);
    return best;
}
