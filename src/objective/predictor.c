/* predictor - see the header */
#include "objective/predictor.h"

#include <assert.h>
#include <stdlib.h>

enum { BLOCK = 256 }; /* where most rows are slots */

el_status el_predictor_open(el_predictor *p, el_model *model, const el_network *net, uint32_t stream,
                            const el_slots *slots)
{
    const el_head *head = el_network_head(net, EL_HEAD_MLM);
    *p = (el_predictor){.model = model,
                        .net = net,
                        .w = &head->mlm.w,
                        .g = &head->mlm.g,
                        .stream = stream,
                        .block = slots->settings.mask_unit == EL_MASK_NEXT && slots->slot_room > BLOCK
                                     ? BLOCK
                                     : slots->slot_room};
    return EL_OK;
}

el_status el_predictor_layout(el_predictor *p, el_arena *a, const el_slots *slots)
{
    const el_model *m = p->model;
    const el_config *c = &p->net->config;
    const bool trains = m->training && !el_network_frozen(p->net);
    p->guesses = el_arena_ints(a, slots->slot_room + 1);
    p->losses = el_arena_tensor(a, m->parameters, slots->slot_room, 1);
    el_mlm_saved_layout(&p->head, a, c, p->block, m->activations, m->parameters, trains);
    if (trains)
        p->dhidden = el_arena_tensor(a, m->activations, slots->room, c->hidden_size);
    return el_encoder_saved_layout(&p->encoder, a, c, slots->room, m->activations, m->parameters, trains);
}

void el_predictor_close(el_predictor *p)
{
    el_encoder_saved_release(&p->encoder);
    el_host_release(&p->host);
    *p = (el_predictor){0};
}

void el_predictor_reset(el_predictor *p)
{
    p->first = p->end = 0;
    p->loss = 0;
    p->slots = p->right = p->sampled = 0;
}

static void lay_out_host(void *context, el_arena *a, int n)
{
    el_predictor *p = context;
    p->host_guesses = el_arena_ints(a, n);
    p->host_samples = el_arena_ints(a, n);
    p->host_losses = el_arena_tensor(a, p->model->parameters, n, 1);
}

el_status el_predictor_begin(el_predictor *p, const el_slots *slots)
{
    assert(p->first == p->end && "what is fetched is counted");
    p->first = p->end = 0;
    return el_host_reserve(&p->host, slots->corruption.count, lay_out_host, p);
}

void el_predictor_ledger(el_predictor *p, el_ledger *ledger)
{
    el_ledger_sum(ledger, &p->loss);
    el_ledger_count(ledger, &p->slots);
    el_ledger_count(ledger, &p->right);
    el_ledger_count(ledger, &p->sampled);
}

void el_predictor_count(el_predictor *p, const el_slots *slots)
{
    const int *const targets = slots->corruption.targets;
    for (int i = p->first; i < p->end; i++) {
        p->loss += el_get(p->host_losses, i, 0);
        p->right += p->host_guesses[i] == targets[i];
        p->sampled += p->sampling && p->host_samples[i] == targets[i];
    }
    p->slots += p->end - p->first;
    p->first = p->end;
}

/* What is counted of a range. */
static void fetch(el_predictor *p, const el_slots *slots, const el_slots_range *r, bool sampled)
{
    el_queue *q = p->model->q;
    const int first = r->first_slot;
    const size_t ints = (size_t)r->slots * sizeof(int);
    const el_tensor losses = el_tensor_rows(p->losses, 0, r->slots);
    assert(first + r->slots <= p->host.room && "begun");
    assert((p->first == p->end || p->end == first) && "ranges follow each other");
    p->first = p->first == p->end ? first : p->first;
    p->end = first + r->slots;
    p->sampling = sampled;
    q->fetch(q, p->host_guesses + first, p->guesses, ints);
    if (sampled)
        q->fetch(q, p->host_samples + first, slots->samples, ints);
    q->fetch(q, el_tensor_rows(p->host_losses, first, r->slots).data, losses.data,
             el_tensor_bytes(losses.rows, 1, losses.type));
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
                    sampling ? slots->samples + first : NULL, dhidden.data ? logits : el_tensor_none(),
                    logits, slots->targets + first, NULL, sampling ? &numbered : NULL, scale);
    if (dhidden.data)
        el_mlm_backward(q, p->w, p->g, &p->head, dhidden, logits, slots->rows + first, first > 0);
}

/* The last hidden states of a range. */
static void encode(el_predictor *p, const el_slots_range *r)
{
    p->in = r->in;
    p->in.random.stream = p->stream;
    p->in.watch = p->model->watch;
    p->hidden = el_encoder_forward(p->model->q, &p->net->config, &p->net->w, &p->encoder, &p->in);
}

void el_predictor_ask(el_predictor *p, el_slots *slots, const el_slots_range *r, const el_sampling *sampling,
                      double scale)
{
    const el_tensor dhidden = el_predictor_gradient(p, r);
    encode(p, r);
    for (int first = 0; first < r->slots; first += p->block)
        predict(p, slots, p->hidden, dhidden, first,
                r->slots - first < p->block ? r->slots - first : p->block, sampling, scale);
    if (r->slots > 0)
        fetch(p, slots, r, sampling != NULL);
}

el_tensor el_predictor_gradient(el_predictor *p, const el_slots_range *r)
{
    return r->training ? el_tensor_rows(p->dhidden, 0, r->rows) : el_tensor_none();
}

void el_predictor_return(el_predictor *p, const el_slots_range *r)
{
    const el_network *net = p->net;
    if (r->training)
        el_encoder_backward(p->model->q, &net->config, &net->w, &net->g, &p->encoder, &p->in,
                            el_predictor_gradient(p, r));
}

void el_predictor_run(el_predictor *p, el_slots *slots, const el_slots_range *r, const el_sampling *sampling,
                      double scale)
{
    if (r->slots == 0)
        return;
    el_predictor_ask(p, slots, r, sampling, scale);
    el_predictor_return(p, r);
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
    encode(p, r);
    p->logits = el_mlm_forward(q, &net->config, p->w, &p->head, p->hidden, slots->rows, r->slots);
    q->softmax_loss(q, losses, p->guesses, slots->samples, el_tensor_none(), p->logits, slots->targets, NULL,
                    sampling, 0);
    fetch(p, slots, r, true);
}

void el_predictor_learn(el_predictor *p, el_slots *slots, const el_slots_range *r)
{
    el_mlm_backward(p->model->q, p->w, p->g, &p->head, el_predictor_gradient(p, r), p->logits, slots->rows,
                    false);
    el_predictor_return(p, r);
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
