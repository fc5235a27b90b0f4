/* detector - see the header */
#include "objective/detector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

el_status el_detector_open(el_detector *d, el_model *model, const el_network *net, uint32_t stream,
                           const el_slots *slots)
{
    const el_head *head = el_network_head(net, EL_HEAD_DETECTION);
    const int n = slots->room + 1;
    *d = (el_detector){.model = model, .net = net, .w = &head->rtd.w, .g = &head->rtd.g, .stream = stream};
    d->host_labels = malloc((size_t)n * sizeof *d->host_labels);
    d->host_logits = malloc((size_t)n * sizeof *d->host_logits);
    d->host_losses =
        el_tensor_make(malloc(el_tensor_bytes(n, 1, model->parameters)), model->parameters, n, 1);
    return d->host_labels && d->host_logits && d->host_losses.data
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for the labels of %d tokens", n);
}

el_status el_detector_layout(el_detector *d, el_arena *a, const el_slots *slots)
{
    const el_model *m = d->model;
    const el_config *c = &d->net->config;
    const int rows = slots->room;
    d->labels = el_arena_push(a, (size_t)(rows + 1) * sizeof *d->labels);
    d->losses = el_arena_tensor(a, m->parameters, rows, 1);
    d->scores = el_arena_tensor(a, m->parameters, rows, 1);
    d->offsets = el_arena_tensor(a, m->parameters, rows, 1);
    el_rtd_saved_layout(&d->head, a, c, rows, m->activations);
    d->dhidden = el_arena_tensor(a, m->activations, rows, c->hidden_size);
    return el_encoder_saved_layout(&d->encoder, a, c, rows, m->activations, m->parameters, m->training);
}

void el_detector_close(el_detector *d)
{
    el_encoder_saved_free(&d->encoder);
    el_scores_release(&d->judged);
    free(d->host_labels);
    free(d->host_logits);
    free(d->host_losses.data);
    *d = (el_detector){0};
}

void el_detector_reset(el_detector *d)
{
    d->loss = 0;
    d->tokens = d->replaced = d->called = d->caught = d->right = 0;
    d->judged.count = 0;
}

void el_detector_ledger(el_detector *d, el_ledger *ledger)
{
    el_ledger_sum(ledger, &d->loss);
    int64_t *const counts[] = {&d->tokens, &d->replaced, &d->called, &d->caught, &d->right};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        el_ledger_count(ledger, counts[i]);
    el_scores_ledger(&d->judged, ledger);
}

el_status el_detector_begin(el_detector *d, const el_batch *batch)
{
    return el_scores_reserve(&d->judged, (size_t)batch->rows);
}

/* 1 where another token stands than the original, -1 where it is not asked. */
static void set_labels(el_detector *d, const el_slots *slots, const el_slots_range *r, bool at_slots)
{
    const int *originals = el_slots_originals(slots, r);
    for (int i = 0; i < r->rows; i++)
        d->host_labels[i] = at_slots ? NAN : (float)(slots->host_ids[i] != originals[i]);
    for (int i = 0; at_slots && i < r->slots; i++) {
        const int row = slots->host_rows[i];
        d->host_labels[row] = (float)(slots->host_ids[row] != originals[row]);
    }
}

static void count(el_detector *d, int rows)
{
    for (int i = 0; i < rows; i++) {
        if (isnan(d->host_labels[i]))
            continue;
        const int label = d->host_labels[i] > 0, called = d->host_logits[i] > 0;
        d->loss += el_get(d->host_losses, i, 0);
        d->tokens++;
        d->replaced += label;
        d->called += called;
        d->caught += called && label;
        d->right += called == label;
        el_scores_add(&d->judged, d->host_logits[i], label);
    }
}

/* The losses of d->host_labels, and their gradient; `offsets` NULL: none. */
static void judge(el_detector *d, const el_slots_range *r, const float *offsets, double scale)
{
    el_queue *q = d->model->q;
    const el_network *net = d->net;
    el_input in = r->in;
    in.random.stream = d->stream;
    q->send(q, d->labels, d->host_labels, (size_t)r->rows * sizeof *d->labels);
    const el_tensor hidden = el_encoder_forward(q, &net->config, &net->w, &d->encoder, &in);
    const el_tensor logits = el_rtd_forward(q, d->w, &d->head, hidden);
    const el_tensor losses = el_tensor_rows(d->losses, 0, r->rows);
    const el_tensor scores = el_tensor_rows(d->scores, 0, r->rows), none = el_tensor_none();
    q->copy(q, scores, logits);
    if (offsets) {
        const el_tensor added = el_tensor_rows(d->offsets, 0, r->rows);
        el_tensor_write(q, added, offsets);
        q->add(q, scores, scores, added);
    }
    el_tensor_read(q, scores, d->host_logits);
    if (offsets) { /* in the type of parameters: the sum of an energy and a logarithm is a small number */
        q->logistic_loss(q, losses, r->training ? scores : none, scores, d->labels, scale);
        q->copy(q, logits, scores);
    } else {
        q->logistic_loss(q, losses, r->training ? logits : none, logits, d->labels, scale);
    }
    q->fetch(q, d->host_losses.data, losses.data, el_tensor_bytes(losses.rows, 1, losses.type));
    q->wait(q);
    count(d, r->rows);
    if (r->training) {
        const el_tensor dhidden = el_tensor_rows(d->dhidden, 0, r->rows);
        el_rtd_backward(q, d->w, d->g, &d->head, dhidden, logits, false);
        el_encoder_backward(q, &net->config, &net->w, &net->g, &d->encoder, &in, dhidden);
    }
}

void el_detector_run(el_detector *d, el_slots *slots, const el_slots_range *r, bool at_slots, double scale)
{
    set_labels(d, slots, r, at_slots);
    judge(d, r, NULL, scale);
}

void el_detector_contrast(el_detector *d, const el_slots_range *r, const float *labels, const float *offsets,
                          double scale)
{
    memcpy(d->host_labels, labels, (size_t)r->rows * sizeof *labels);
    judge(d, r, offsets, scale);
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

double el_detector_loss(const el_detector *d)
{
    return ratio(d->loss, (double)d->tokens);
}

double el_detector_accuracy(const el_detector *d)
{
    return ratio((double)d->right, (double)d->tokens);
}

double el_detector_auc(el_detector *d)
{
    return el_scores_auc(&d->judged);
}

double el_detector_precision(const el_detector *d)
{
    return ratio((double)d->caught, (double)d->called);
}

double el_detector_recall(const el_detector *d)
{
    return ratio((double)d->caught, (double)d->replaced);
}

double el_detector_replaced(const el_detector *d)
{
    return ratio((double)d->replaced, (double)d->tokens);
}
