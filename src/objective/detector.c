/* detector - see the header */
#include "objective/detector.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

void el_detector_open(el_detector *d, el_model *model, const el_network *net, uint32_t stream)
{
    const el_head *head = el_network_head(net, EL_HEAD_DETECTION);
    *d = (el_detector){.model = model, .net = net, .w = &head->rtd.w, .g = &head->rtd.g, .stream = stream};
}

el_status el_detector_layout(el_detector *d, el_arena *a, const el_slots *slots)
{
    const el_model *m = d->model;
    const el_config *c = &d->net->config;
    const int rows = slots->room;
    d->losses = el_arena_tensor(a, m->parameters, rows, 1);
    d->scores = el_arena_tensor(a, m->parameters, rows, 1);
    d->offsets = el_arena_tensor(a, m->parameters, rows, 1);
    el_rtd_saved_layout(&d->head, a, c, rows, m->activations);
    d->dhidden = el_arena_tensor(a, m->activations, rows, c->hidden_size);
    return el_encoder_saved_layout(&d->encoder, a, c, rows, m->activations, m->parameters, m->training);
}

void el_detector_close(el_detector *d)
{
    el_encoder_saved_release(&d->encoder);
    el_scores_release(&d->judged);
    el_host_release(&d->host);
    *d = (el_detector){0};
}

void el_detector_reset(el_detector *d)
{
    d->first = d->end = 0;
    d->loss = 0;
    d->tokens = d->replaced = d->called = d->caught = d->right = 0;
    el_scores_clear(&d->judged);
}

void el_detector_ledger(el_detector *d, el_ledger *ledger)
{
    el_ledger_sum(ledger, &d->loss);
    int64_t *const counts[] = {&d->tokens, &d->replaced, &d->called, &d->caught, &d->right};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        el_ledger_count(ledger, counts[i]);
    el_scores_ledger(&d->judged, ledger);
}

static void lay_out_host(void *context, el_arena *a, int n)
{
    el_detector *d = context;
    d->host_labels = el_arena_push(a, (size_t)n * sizeof *d->host_labels);
    d->host_scores = el_arena_tensor(a, d->model->parameters, n, 1);
    d->host_losses = el_arena_tensor(a, d->model->parameters, n, 1);
}

el_status el_detector_begin(el_detector *d, const el_batch *batch)
{
    assert(d->first == d->end && "what is fetched is counted");
    d->first = d->end = 0;
    const el_status st = el_host_reserve(&d->host, batch->rows, lay_out_host, d);
    return st ? st : el_scores_reserve(&d->judged, (size_t)batch->rows);
}

void el_detector_count(el_detector *d)
{
    for (int i = d->first; i < d->end; i++) {
        if (isnan(d->host_labels[i]))
            continue;
        const float score = (float)el_get(d->host_scores, i, 0);
        const int label = d->host_labels[i] > 0, called = score > 0;
        d->loss += el_get(d->host_losses, i, 0);
        d->tokens++;
        d->replaced += label;
        d->called += called;
        d->caught += called && label;
        d->right += called == label;
        el_scores_add(&d->judged, score, label);
    }
    d->first = d->end;
}

static void fetch_column(el_detector *d, el_tensor host, el_tensor from, const el_slots_range *r)
{
    d->model->q->fetch(d->model->q, el_tensor_rows(host, r->first_row, r->rows).data, from.data,
                       el_tensor_bytes(r->rows, 1, from.type));
}

/* What is counted of a range: of these labels and scores, whose losses follow. */
static void fetch(el_detector *d, const el_slots *slots, const el_slots_range *r)
{
    el_queue *q = d->model->q;
    const int first = r->first_row;
    assert(first + r->rows <= d->host.room && "begun");
    assert((d->first == d->end || d->end == first) && "ranges follow each other");
    d->first = d->first == d->end ? first : d->first;
    d->end = first + r->rows;
    q->fetch(q, d->host_labels + first, slots->labels, (size_t)r->rows * sizeof *d->host_labels);
    fetch_column(d, d->host_scores, d->scores, r);
}

/* The losses of slots->labels, and their gradient; of logits plus d->offsets where these are `added`. */
static void judge(el_detector *d, const el_slots *slots, const el_slots_range *r, bool added, double scale)
{
    el_queue *q = d->model->q;
    const el_network *net = d->net;
    el_input in = r->in;
    in.random.stream = d->stream;
    in.watch = d->model->watch;
    const el_tensor hidden = el_encoder_forward(q, &net->config, &net->w, &d->encoder, &in);
    const el_tensor logits = el_rtd_forward(q, d->w, &d->head, hidden);
    const el_tensor losses = el_tensor_rows(d->losses, 0, r->rows);
    const el_tensor scores = el_tensor_rows(d->scores, 0, r->rows);
    q->copy(q, scores, logits);
    if (added)
        q->add(q, scores, scores, el_tensor_rows(d->offsets, 0, r->rows));
    fetch(d, slots, r); /* before the gradient takes their place */
    /* in the type of parameters: the sum of an energy and a logarithm is a small number */
    const el_tensor asked = added ? scores : logits;
    q->logistic_loss(q, losses, r->training ? asked : el_tensor_none(), asked, slots->labels, scale);
    fetch_column(d, d->host_losses, losses, r);
    if (r->training) {
        const el_tensor dhidden = el_tensor_rows(d->dhidden, 0, r->rows);
        if (added)
            q->copy(q, logits, asked);
        el_rtd_backward(q, d->w, d->g, &d->head, dhidden, logits, false);
        el_encoder_backward(q, &net->config, &net->w, &net->g, &d->encoder, &in, dhidden);
    }
}

void el_detector_run(el_detector *d, const el_slots *slots, const el_slots_range *r, double scale)
{
    judge(d, slots, r, false, scale);
}

void el_detector_contrast(el_detector *d, const el_slots *slots, const el_slots_range *r, const float *labels,
                          double scale)
{
    d->model->q->send(d->model->q, slots->labels, labels, (size_t)r->rows * sizeof *labels);
    judge(d, slots, r, true, scale);
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
