/* predictor - see the header */
#include "objective/predictor.h"

#include <assert.h>
#include <stdlib.h>

enum { BLOCK = 256 }; /* where most rows are slots */

el_status el_predictor_open(el_predictor *p, el_model *model, const el_network *net, uint32_t stream,
                            const el_slots *slots)
{
    const el_head *head = el_network_head(net, EL_HEAD_MLM);
    const int n = slots->slot_room + 1;
    *p = (el_predictor){.model = model,
                        .net = net,
                        .w = &head->mlm.w,
                        .g = &head->mlm.g,
                        .stream = stream,
                        .block = slots->settings.mask_unit == EL_MASK_NEXT && slots->slot_room > BLOCK
                                     ? BLOCK
                                     : slots->slot_room};
    p->host_guesses = malloc(2 * (size_t)n * sizeof *p->host_guesses);
    p->host_samples = p->host_guesses ? p->host_guesses + n : NULL;
    p->host_losses =
        el_tensor_make(malloc(el_tensor_bytes(n, 1, model->parameters)), model->parameters, n, 1);
    return p->host_guesses && p->host_losses.data ? EL_OK
                                                  : el_fail(EL_ENOMEM, "no memory for %d predictions", n);
}

el_status el_predictor_layout(el_predictor *p, el_arena *a, const el_slots *slots)
{
    const el_model *m = p->model;
    const el_config *c = &p->net->config;
    p->guesses = el_arena_ints(a, slots->slot_room + 1);
    p->samples = el_arena_ints(a, slots->slot_room + 1);
    p->losses = el_arena_tensor(a, m->parameters, slots->slot_room, 1);
    el_mlm_saved_layout(&p->head, a, c, p->block, m->activations, m->parameters, m->training);
    p->dhidden = el_arena_tensor(a, m->activations, slots->room, c->hidden_size);
    return el_encoder_saved_layout(&p->encoder, a, c, slots->room, m->activations, m->parameters,
                                   m->training);
}

void el_predictor_close(el_predictor *p)
{
    el_encoder_saved_free(&p->encoder);
    free(p->host_guesses); /* one block */
    free(p->host_losses.data);
    *p = (el_predictor){0};
}

void el_predictor_reset(el_predictor *p)
{
    p->loss = 0;
    p->slots = p->right = p->sampled = 0;
}

void el_predictor_ledger(el_predictor *p, el_ledger *ledger)
{
    el_ledger_sum(ledger, &p->loss);
    el_ledger_count(ledger, &p->slots);
    el_ledger_count(ledger, &p->right);
    el_ledger_count(ledger, &p->sampled);
}

static void count(el_predictor *p, const el_slots *slots, int n, bool sampled)
{
    for (int i = 0; i < n; i++) {
        p->loss += el_get(p->host_losses, i, 0);
        p->right += p->host_guesses[i] == slots->host_targets[i];
        p->sampled += sampled && p->host_samples[i] == slots->host_targets[i];
    }
    p->slots += n;
}

static void fetch(el_predictor *p, el_tensor losses, bool sampled)
{
    el_queue *q = p->model->q;
    const size_t ints = (size_t)losses.rows * sizeof(int);
    q->fetch(q, p->host_guesses, p->guesses, ints);
    if (sampled)
        q->fetch(q, p->host_samples, p->samples, ints);
    q->fetch(q, p->host_losses.data, losses.data, el_tensor_bytes(losses.rows, 1, losses.type));
    q->wait(q);
}

/* Losses, guesses and samples of the slots [first, first + n), and in training the gradient. */
static void predict(el_predictor *p, el_slots *slots, el_tensor hidden, el_tensor dhidden, int first, int n,
                    const el_sampling *sampling, double scale)
{
    el_queue *q = p->model->q;
    el_sampling numbered;
    if (sampling) {
        numbered = *sampling;
        numbered.first_row += (uint64_t)first;
    }
    const el_tensor logits =
        el_mlm_forward(q, &p->net->config, p->w, &p->head, hidden, slots->rows + first, n);
    q->softmax_loss(q, el_tensor_rows(p->losses, first, n), p->guesses + first,
                    sampling ? p->samples + first : NULL, dhidden.data ? logits : el_tensor_none(), logits,
                    slots->targets + first, NULL, sampling ? &numbered : NULL, scale);
    if (dhidden.data)
        el_mlm_backward(q, p->w, p->g, &p->head, dhidden, logits, slots->rows + first, first > 0);
}

void el_predictor_run(el_predictor *p, el_slots *slots, const el_slots_range *r, const el_sampling *sampling,
                      double scale)
{
    if (r->slots == 0)
        return;
    el_queue *q = p->model->q;
    const el_network *net = p->net;
    el_input in = r->in;
    in.random.stream = p->stream;
    const el_tensor hidden = el_encoder_forward(q, &net->config, &net->w, &p->encoder, &in);
    const el_tensor dhidden = r->training ? el_tensor_rows(p->dhidden, 0, r->rows) : el_tensor_none();
    for (int first = 0; first < r->slots; first += p->block)
        predict(p, slots, hidden, dhidden, first, r->slots - first < p->block ? r->slots - first : p->block,
                sampling, scale);
    fetch(p, el_tensor_rows(p->losses, 0, r->slots), sampling != NULL);
    count(p, slots, r->slots, sampling != NULL);
    if (r->training)
        el_encoder_backward(q, &net->config, &net->w, &net->g, &p->encoder, &in, dhidden);
}

void el_predictor_guess(el_predictor *p, el_slots *slots, const el_slots_range *r,
                        const el_sampling *sampling)
{
    assert(p->block == slots->slot_room && "all slots at a time");
    if (r->slots == 0)
        return;
    el_queue *q = p->model->q;
    const el_network *net = p->net;
    const el_tensor losses = el_tensor_rows(p->losses, 0, r->slots);
    p->in = r->in;
    p->in.random.stream = p->stream;
    p->hidden = el_encoder_forward(q, &net->config, &net->w, &p->encoder, &p->in);
    p->logits = el_mlm_forward(q, &net->config, p->w, &p->head, p->hidden, slots->rows, r->slots);
    q->softmax_loss(q, losses, p->guesses, p->samples, el_tensor_none(), p->logits, slots->targets, NULL,
                    sampling, 0);
    fetch(p, losses, true);
    count(p, slots, r->slots, true);
}

void el_predictor_learn(el_predictor *p, el_slots *slots, const el_slots_range *r)
{
    el_queue *q = p->model->q;
    const el_network *net = p->net;
    const el_tensor dhidden = el_tensor_rows(p->dhidden, 0, r->rows);
    el_mlm_backward(q, p->w, p->g, &p->head, dhidden, p->logits, slots->rows, false);
    el_encoder_backward(q, &net->config, &net->w, &net->g, &p->encoder, &p->in, dhidden);
}

static double mean(double sum, int64_t count)
{
    return count > 0 ? sum / (double)count : 0;
}

double el_predictor_loss(const el_predictor *p)
{
    return mean(p->loss, p->slots);
}

double el_predictor_accuracy(const el_predictor *p)
{
    return mean((double)p->right, p->slots);
}

double el_predictor_sampled(const el_predictor *p)
{
    return mean((double)p->sampled, p->slots);
}
