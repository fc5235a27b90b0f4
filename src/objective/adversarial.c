/* adversarial - a generator that is rewarded for what the discriminator gets wrong (Clark et al., 2020, appendix F)
 *
 *   electra, but the generator does not learn the originals.  At each slot its sample x' earns
 *   R = the discriminator's loss there:  -log D(real) where x' is the original, else -log(1 - D(real))
 *   and the generator climbs  gen_weight * mean over slots of (R - b) grad log p_G(x' | masked),   one sample a slot.
 *
 * The baseline b = -log sigmoid(u), u an affine map of the generator's state at the slot, is fitted by the logistic loss of u
 * against e^-R, the probability that the discriminator gives to the right answer; no gradient goes on into the encoder.
 * Samples are of temperature 1: others would be none of p_G's.  The paper does not say how the terms weigh, and names no
 * bonus for entropy: low entropy is what it found.
 *
 * Since the discriminator's loss at the slots is the reward, the generator's activations stay until it is known.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "objective/detector.h"
#include "objective/kinds.h"
#include "ops/copy_gate.h"

/* What is fetched of each slot: the baseline's logit and its loss; -log of the largest probability, and of the sample's. */
enum { LOGIT, FIT, LARGEST, SAMPLED, COLUMNS };

typedef struct {
    el_slotted on;
    el_predictor generator;
    el_detector discriminator;
    const el_head *baseline; /* NULL in a model that is only evaluated: folders do not keep it */
    el_head_saved fitted;
    el_tensor rewards, fit_losses; /* (slots, 1) each */
    el_tensor lost;                /* the gradient that stops here */
    float *weights, *labels;       /* of slots, on the device */
    /* of the batch's slots, those [first, end) of which are fetched and not yet counted */
    el_tensor fetched[COLUMNS];
    el_host host;
    int first, end;
    double reward, advantage, fit; /* sums over slots since reset */
    double entropy, largest;
} adversarial;

static const char *const FIGURES[] = {"loss",
                                      "generator_loss",
                                      "generator_accuracy",
                                      "sampled_accuracy",
                                      "unigram_entropy",
                                      "discriminator_loss",
                                      "discriminator_accuracy",
                                      "discriminator_auc",
                                      "discriminator_precision",
                                      "discriminator_recall",
                                      "replaced",
                                      "reward",
                                      "advantage",
                                      "baseline_loss",
                                      "sampled_entropy",
                                      "largest_probability"};

static void reset(el_objective *self)
{
    adversarial *a = (adversarial *)self;
    el_slots_reset(&a->on.slots);
    el_predictor_reset(&a->generator);
    el_detector_reset(&a->discriminator);
    a->first = a->end = 0;
    a->reward = a->advantage = a->fit = a->entropy = a->largest = 0;
}

static void lay_out_host(void *context, el_arena *arena, int n)
{
    adversarial *a = context;
    for (int i = 0; i < COLUMNS; i++)
        a->fetched[i] = el_arena_tensor(arena, a->on.base.model->parameters, n, 1);
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    adversarial *a = (adversarial *)self;
    assert(a->first == a->end && "what is fetched is counted");
    a->first = a->end = 0;
    el_status st = el_slots_begin(&a->on.slots, batch, random);
    if (!st)
        st = el_host_reserve(&a->host, a->on.slots.corruption.count, lay_out_host, a);
    if (!st)
        st = el_predictor_begin(&a->generator, &a->on.slots);
    return st ? st : el_detector_begin(&a->discriminator, batch);
}

static void fetch(adversarial *a, int column, el_tensor from, const el_slots_range *r)
{
    el_queue *q = a->on.base.model->q;
    assert(from.type == a->fetched[column].type && from.stride == 1);
    q->fetch(q, el_tensor_rows(a->fetched[column], r->first_slot, r->slots).data, from.data,
             el_tensor_bytes(r->slots, 1, from.type));
}

/* The advantages over the baseline, in `weights`, and where the model is trained the baseline's gradient. */
static void run_baseline(adversarial *a, const el_slots_range *r, el_tensor rewards, double scale)
{
    el_queue *q = a->on.base.model->q;
    const el_head *head = a->baseline;
    const el_head_pass pass = {0}; /* no dropout */
    const el_tensor u = el_head_forward(q, &head->config, &head->task.w, &a->fitted, a->generator.hidden,
                                        a->on.slots.rows, r->slots, &pass);
    const el_tensor losses = el_tensor_rows(a->fit_losses, 0, r->slots);
    fetch(a, LOGIT, u, r);
    q->advantages(q, a->weights, a->labels, rewards, u);
    q->logistic_loss(q, losses, r->training ? u : el_tensor_none(), u, a->labels, scale);
    fetch(a, FIT, losses, r);
    if (r->training)
        el_head_backward(q, &head->config, &head->task.w, &head->task.g, &a->fitted,
                         el_tensor_rows(a->lost, 0, r->rows), u, a->on.slots.rows, &pass, false);
}

/* What the generator learns from its rewards. */
static void reinforce(adversarial *a, const el_slots_range *r, double scale)
{
    el_queue *q = a->on.base.model->q;
    el_predictor *g = &a->generator;
    const el_tensor losses = el_tensor_rows(g->losses, 0, r->slots);
    const el_tensor rewards = el_tensor_rows(a->rewards, 0, r->slots);
    q->gather_forward(q, rewards, el_tensor_rows(a->discriminator.losses, 0, r->rows), a->on.slots.rows);
    if (a->baseline)
        run_baseline(a, r, rewards, scale);
    else
        q->advantages(q, a->weights, NULL, rewards, el_tensor_none());
    q->softmax_loss(q, losses, NULL, NULL, el_tensor_none(), g->logits, g->guesses, NULL, NULL, 0);
    fetch(a, LARGEST, losses, r);
    q->softmax_loss(q, losses, NULL, NULL, r->training ? g->logits : el_tensor_none(), g->logits,
                    a->on.slots.samples, a->weights, NULL, scale);
    fetch(a, SAMPLED, losses, r);
    if (r->training)
        el_predictor_learn(g, &a->on.slots, r);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    adversarial *a = (adversarial *)self;
    const el_slots_range r = el_slots_send(&a->on.slots, first, last, training);
    const el_sampling sampling = el_sampling_of(&a->on.settings, &a->on.slots, &r);
    el_slots_show(&a->on.slots, &r);
    el_predictor_guess(&a->generator, &a->on.slots, &r, &sampling);
    el_slots_replace(&a->on.slots, &r, false);
    el_detector_run(&a->discriminator, &a->on.slots, &r,
                    a->on.settings.disc_weight / a->on.slots.batch->rows);
    if (r.slots == 0)
        return;
    assert((a->first == a->end || a->end == r.first_slot) && "ranges follow each other");
    a->first = a->first == a->end ? r.first_slot : a->first;
    a->end = r.first_slot + r.slots;
    el_slots_show(&a->on.slots, &r); /* the generator's backward reads its ids again */
    reinforce(a, &r, a->on.settings.gen_weight / a->on.slots.corruption.count);
}

static void count(el_objective *self)
{
    adversarial *a = (adversarial *)self;
    el_predictor_count(&a->generator, &a->on.slots);
    el_detector_count(&a->discriminator);
    for (int i = a->first; i < a->end; i++) {
        const double reward = el_get(a->discriminator.host_losses, a->on.slots.corruption.rows[i], 0);
        const double expected =
            a->baseline ? (double)(float)el_softplus(-el_get(a->fetched[LOGIT], i, 0)) : 0;
        a->reward += reward;
        a->advantage += fabs(reward - expected);
        a->fit += a->baseline ? el_get(a->fetched[FIT], i, 0) : 0;
        a->largest += exp(-el_get(a->fetched[LARGEST], i, 0));
        a->entropy += el_get(a->fetched[SAMPLED], i, 0);
    }
    a->first = a->end;
}

static void ledger(el_objective *self, el_ledger *l)
{
    adversarial *a = (adversarial *)self;
    el_slots_ledger(&a->on.slots, l);
    el_predictor_ledger(&a->generator, l);
    el_detector_ledger(&a->discriminator, l);
    double *const sums[] = {&a->reward, &a->advantage, &a->fit, &a->entropy, &a->largest};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        el_ledger_sum(l, sums[i]);
}

static void finish(el_objective *self, el_figures *figures)
{
    adversarial *a = (adversarial *)self;
    el_detector *d = &a->discriminator;
    const double slots = a->generator.slots ? (double)a->generator.slots : 1;
    const double values[] = {a->on.settings.disc_weight * el_detector_loss(d),
                             el_predictor_loss(&a->generator),
                             el_predictor_accuracy(&a->generator),
                             el_predictor_sampled(&a->generator),
                             el_slots_entropy(&a->on.slots),
                             el_detector_loss(d),
                             el_detector_accuracy(d),
                             el_detector_auc(d),
                             el_detector_precision(d),
                             el_detector_recall(d),
                             el_detector_replaced(d),
                             a->reward / slots,
                             a->baseline ? a->advantage / slots : NAN,
                             a->baseline ? a->fit / slots : NAN,
                             a->entropy / slots,
                             a->largest / slots};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values));
}

static void close_adversarial(el_objective *self)
{
    adversarial *a = (adversarial *)self;
    el_predictor_close(&a->generator);
    el_detector_close(&a->discriminator);
    el_host_release(&a->host);
    el_slotted_close(self);
}

static el_status lay_out(void *context)
{
    adversarial *const a = context;
    el_arena *arena = &a->on.arena;
    const el_model *m = a->on.base.model;
    const int slots = a->on.slots.slot_room;
    el_slots_layout(&a->on.slots, arena);
    el_status st = el_predictor_layout(&a->generator, arena, &a->on.slots);
    if (!st)
        st = el_detector_layout(&a->discriminator, arena, &a->on.slots);
    a->weights = el_arena_push(arena, ((size_t)slots + 1) * sizeof *a->weights);
    a->labels = el_arena_push(arena, ((size_t)slots + 1) * sizeof *a->labels);
    a->rewards = el_arena_tensor(arena, m->parameters, slots, 1);
    if (!st && a->baseline) {
        const el_config *c = &a->generator.net->config;
        a->fit_losses = el_arena_tensor(arena, m->parameters, slots, 1);
        a->lost = el_arena_tensor(arena, m->activations, a->on.slots.room, c->hidden_size);
        el_head_saved_layout(&a->fitted, arena, c, &a->baseline->config, slots, m->activations,
                             m->parameters);
    }
    return st;
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    adversarial *a = (adversarial *)self;
    el_model *m = o->model;
    const el_network *generator = el_model_network(m, EL_GENERATOR);
    el_status st = el_slotted_open(&a->on, o);
    a->baseline = el_network_head(generator, EL_HEAD_BASELINE);
    if (!st)
        st = el_predictor_open(&a->generator, m, generator, EL_STREAM_FIRST_NETWORK, &a->on.slots);
    if (!st)
        el_detector_open(&a->discriminator, m, el_model_network(m, EL_DISCRIMINATOR),
                         EL_STREAM_SECOND_NETWORK);
    return st ? st : el_device_lay_out(m->dev, &a->on.arena, lay_out, a);
}

static const el_objective TABLE = {.reset = reset,
                                   .prepare = el_slotted_prepare,
                                   .begin = begin,
                                   .fit = el_slotted_fit,
                                   .accumulate = accumulate,
                                   .count = count,
                                   .ledger = ledger,
                                   .finish = finish,
                                   .close = close_adversarial};

el_status el_adversarial_open(el_objective **objective, const el_opening *o)
{
    return el_objective_make(objective, o, sizeof(adversarial), &TABLE, open_parts);
}
