/* all_tokens - the masked language model that predicts every token and may copy it (Clark et al., 2020, section 3.4)
 *
 *   a generator learns and samples as in electra; the large network reads the sequence with the samples in their places, and
 *   predicts every original, those that still stand there too, by a softmax over the vocabulary and a gate that copies
 *   (copy_gate.h)
 *   loss = gen_weight * mean over slots of -log p_G(original | masked) + disc_weight * mean over tokens of -log p(original)
 *
 * The paper does not say how the terms weigh: 1 and 1.
 */
#include <assert.h>
#include <stdlib.h>

#include "objective/kinds.h"
#include "ops/copy_gate.h"

enum {
    BLOCK = 256
}; /* rows that the head takes at a time: the logits of all at once are rows times the vocabulary */

typedef struct {
    el_slotted on;
    el_predictor generator;
    /* the large network */
    const el_network *net;
    el_encoder_saved encoder;
    el_mlm_saved head;
    el_tensor gates, losses, dgates, dhidden; /* (rows, 1) (rows, 1) (BLOCK, 1) (rows, H) */
    int *rows, *originals, *guesses;          /* on the device; rows: 0, 1, ... */
    float *weights, *labels;                  /* on the device, of a block: 1 - w and w of each row */
    int *host_rows;
    /* of the batch's rows, those [first, end) of which are fetched and not yet counted */
    int *host_guesses, *host_shown;
    el_tensor host_losses, host_gates;
    el_host host;
    int first, end;
    /* since reset */
    double loss;                             /* a sum over tokens */
    int64_t tokens, right, replaced, judged; /* softmax right; shown is another; the gate says which */
} all_tokens;

static const char *const FIGURES[] = {"loss",
                                      "generator_loss",
                                      "generator_accuracy",
                                      "sampled_accuracy",
                                      "unigram_entropy",
                                      "discriminator_loss",
                                      "discriminator_accuracy",
                                      "gate_accuracy",
                                      "replaced"};

static void reset(el_objective *self)
{
    all_tokens *a = (all_tokens *)self;
    el_slots_reset(&a->on.slots);
    el_predictor_reset(&a->generator);
    a->first = a->end = 0;
    a->loss = 0;
    a->tokens = a->right = a->replaced = a->judged = 0;
}

static void lay_out_host(void *context, el_arena *arena, int n)
{
    all_tokens *a = context;
    a->host_guesses = el_arena_ints(arena, n);
    a->host_shown = el_arena_ints(arena, n);
    a->host_losses = el_arena_tensor(arena, a->on.base.model->parameters, n, 1);
    a->host_gates = el_arena_tensor(arena, a->on.base.model->activations, n, 1);
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    all_tokens *a = (all_tokens *)self;
    assert(a->first == a->end && "what is fetched is counted");
    a->first = a->end = 0;
    el_status st = el_slots_begin(&a->on.slots, batch, random);
    if (!st)
        st = el_host_reserve(&a->host, batch->rows, lay_out_host, a);
    return st ? st : el_predictor_begin(&a->generator, &a->on.slots);
}

/* What the softmax and the gate said of the rows that were fetched. */
static void count(el_objective *self)
{
    all_tokens *a = (all_tokens *)self;
    const int *const originals = a->on.slots.batch->ids;
    el_predictor_count(&a->generator, &a->on.slots);
    for (int i = a->first; i < a->end; i++) {
        const bool shown = a->host_shown[i] == originals[i];
        const double gate = el_get(a->host_gates, i, 0);
        a->loss += el_copy_of(gate, el_get(a->host_losses, i, 0), shown).loss;
        a->right += a->host_guesses[i] == originals[i];
        a->replaced += !shown;
        a->judged += (gate > 0) == shown;
    }
    a->tokens += a->end - a->first;
    a->first = a->end;
}

/* The head and the gate at rows [first, first + n); dhidden: none where nothing is learned. */
static void predict(all_tokens *a, const int *shown, el_tensor hidden, el_tensor dhidden, int first, int n,
                    double scale)
{
    el_queue *q = a->on.base.model->q;
    const el_head *head = el_network_head(a->net, EL_HEAD_MLM);
    const el_mlm_weights *w = &head->mlm.w, *g = &head->mlm.g;
    const int *rows = a->rows + first, *targets = a->originals + first;
    const el_tensor gates = el_tensor_rows(a->gates, first, n), losses = el_tensor_rows(a->losses, first, n);
    const el_tensor dgates = el_tensor_rows(a->dgates, 0, n);
    const el_tensor read = el_tensor_rows(hidden, first, n);
    const el_tensor logits = el_mlm_forward(q, &a->net->config, w, &a->head, hidden, rows, n);
    q->linear_forward(q, gates, read, w->gate_w, w->gate_b);
    q->softmax_loss(q, losses, a->guesses + first, NULL, el_tensor_none(), logits, targets, NULL, NULL, 0);
    if (!dhidden.data)
        return;
    q->copy_gate(q, a->labels, a->weights, gates, losses, shown + first, targets);
    q->softmax_loss(q, el_tensor_none(), NULL, NULL, logits, logits, targets, a->weights, NULL, scale);
    q->logistic_loss(q, el_tensor_none(), dgates, gates, a->labels, scale);
    el_mlm_backward(q, w, g, &a->head, dhidden, logits, rows, first > 0);
    q->linear_backward_weight(q, g->gate_w, g->gate_b, dgates, read);
    q->linear_backward_input(q, el_tensor_rows(dhidden, first, n), dgates, w->gate_w, true);
}

/* What is counted of a range. */
static void fetch(all_tokens *a, const int *shown, const el_slots_range *r)
{
    el_queue *q = a->on.base.model->q;
    const int first = r->first_row;
    const size_t ints = (size_t)r->rows * sizeof(int);
    assert((a->first == a->end || a->end == first) && "ranges follow each other");
    a->first = a->first == a->end ? first : a->first;
    a->end = first + r->rows;
    q->fetch(q, a->host_shown + first, shown, ints);
    q->fetch(q, a->host_guesses + first, a->guesses, ints);
    q->fetch(q, el_tensor_rows(a->host_losses, first, r->rows).data, a->losses.data,
             el_tensor_bytes(r->rows, 1, a->losses.type));
    q->fetch(q, el_tensor_rows(a->host_gates, first, r->rows).data, a->gates.data,
             el_tensor_bytes(r->rows, 1, a->gates.type));
}

static void run_large(all_tokens *a, const el_slots_range *r, double scale)
{
    el_queue *q = a->on.base.model->q;
    const el_network *net = a->net;
    const int *originals = el_slots_originals(&a->on.slots, r);
    el_input in = r->in;
    in.random.stream = EL_STREAM_SECOND_NETWORK;
    for (int i = 0; i < r->rows; i++)
        a->host_rows[i] = i;
    q->send(q, a->rows, a->host_rows, (size_t)r->rows * sizeof(int));
    q->send(q, a->originals, originals, (size_t)r->rows * sizeof(int));
    const el_tensor hidden = el_encoder_forward(q, &net->config, &net->w, &a->encoder, &in);
    const el_tensor dhidden = r->training ? el_tensor_rows(a->dhidden, 0, r->rows) : el_tensor_none();
    for (int first = 0; first < r->rows; first += BLOCK)
        predict(a, in.ids, hidden, dhidden, first, r->rows - first < BLOCK ? r->rows - first : BLOCK, scale);
    fetch(a, in.ids, r);
    if (r->training)
        el_encoder_backward(q, &net->config, &net->w, &net->g, &a->encoder, &in, dhidden);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    all_tokens *a = (all_tokens *)self;
    const int slots = a->on.slots.corruption.count, rows = a->on.slots.batch->rows;
    const el_slots_range r = el_slots_send(&a->on.slots, first, last, training);
    const el_sampling sampling = el_sampling_of(&a->on.settings, &a->on.slots, &r);
    el_slots_show(&a->on.slots, &r);
    el_predictor_run(&a->generator, &a->on.slots, &r, &sampling,
                     slots ? a->on.settings.gen_weight / slots : 0);
    el_slots_replace(&a->on.slots, &r, false);
    run_large(a, &r, a->on.settings.disc_weight / rows);
}

static void ledger(el_objective *self, el_ledger *t)
{
    all_tokens *a = (all_tokens *)self;
    el_slots_ledger(&a->on.slots, t);
    el_predictor_ledger(&a->generator, t);
    el_ledger_sum(t, &a->loss);
    el_ledger_count(t, &a->tokens);
    el_ledger_count(t, &a->right);
    el_ledger_count(t, &a->replaced);
    el_ledger_count(t, &a->judged);
}

static double share(const all_tokens *a, double sum)
{
    return a->tokens ? sum / (double)a->tokens : 0;
}

static void finish(el_objective *self, el_figures *figures)
{
    const all_tokens *a = (const all_tokens *)self;
    const double generator = el_predictor_loss(&a->generator), large = share(a, a->loss);
    const double values[] = {a->on.settings.gen_weight * generator + a->on.settings.disc_weight * large,
                             generator,
                             el_predictor_accuracy(&a->generator),
                             el_predictor_sampled(&a->generator),
                             el_slots_entropy(&a->on.slots),
                             large,
                             share(a, (double)a->right),
                             share(a, (double)a->judged),
                             share(a, (double)a->replaced)};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values));
}

static void close_all_tokens(el_objective *self)
{
    all_tokens *a = (all_tokens *)self;
    el_predictor_close(&a->generator);
    el_encoder_saved_release(&a->encoder);
    free(a->host_rows);
    el_host_release(&a->host);
    el_slotted_close(self);
}

static el_status lay_out_large(all_tokens *a)
{
    el_arena *arena = &a->on.arena;
    const el_model *m = a->on.base.model;
    const el_config *c = &a->net->config;
    const int rows = a->on.slots.room;
    a->rows = el_arena_ints(arena, rows);
    a->originals = el_arena_ints(arena, rows);
    a->guesses = el_arena_ints(arena, rows);
    a->weights = el_arena_push(arena, BLOCK * sizeof *a->weights);
    a->labels = el_arena_push(arena, BLOCK * sizeof *a->labels);
    a->gates = el_arena_tensor(arena, m->activations, rows, 1);
    a->losses = el_arena_tensor(arena, m->parameters, rows, 1);
    a->dgates = el_arena_tensor(arena, m->activations, BLOCK, 1);
    a->dhidden = el_arena_tensor(arena, m->activations, rows, c->hidden_size);
    el_mlm_saved_layout(&a->head, arena, c, BLOCK, m->activations, m->parameters, m->training);
    return el_encoder_saved_layout(&a->encoder, arena, c, rows, m->activations, m->parameters, m->training);
}

static el_status lay_out_network(void *context, int network)
{
    all_tokens *const a = context;
    return network == 0 ? el_predictor_layout(&a->generator, &a->on.arena, &a->on.slots) : lay_out_large(a);
}

static el_status lay_out(void *context)
{
    all_tokens *const a = context;
    el_slots_layout(&a->on.slots, &a->on.arena);
    return el_overlay(&a->on.arena, 2, lay_out_network, a);
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    all_tokens *a = (all_tokens *)self;
    a->net = el_model_network(o->model, EL_DISCRIMINATOR);
    el_status st = el_slotted_open(&a->on, o);
    a->host_rows = malloc(((size_t)a->on.slots.room + 1) * sizeof *a->host_rows);
    if (!st && !a->host_rows)
        st = el_fail(EL_ENOMEM, "no memory for a batch of %d rows", a->on.slots.room);
    if (!st)
        st = el_predictor_open(&a->generator, o->model, el_model_network(o->model, EL_GENERATOR),
                               EL_STREAM_FIRST_NETWORK, &a->on.slots);
    return st ? st : el_device_lay_out(o->model->dev, &a->on.arena, lay_out, a);
}

static const el_objective TABLE = {.reset = reset,
                                   .prepare = el_slotted_prepare,
                                   .begin = begin,
                                   .fit = el_slotted_fit,
                                   .accumulate = accumulate,
                                   .count = count,
                                   .ledger = ledger,
                                   .finish = finish,
                                   .close = close_all_tokens};

el_status el_all_tokens_open(el_objective **objective, const el_opening *o)
{
    return el_objective_make(objective, o, sizeof(all_tokens), &TABLE, open_parts);
}
