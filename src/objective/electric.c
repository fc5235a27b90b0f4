/* electric - energies of tokens, told from noise (Clark et al., EMNLP 2020); and ELECTRA with the same noise
 *
 *   q(x_t | the others)   noise: a cloze model of two towers (noise.h)
 *   E(x)_t                the detection head's number: exp(-E) is, up to nothing, the probability of x_t among the others
 *
 *   k slots hold samples of q.  Each token is noise (1, also where the sample is right) or not (0), by the logit
 *       z_t = E_t + log q(token that stands there) + log(m / (1 - m)),   m = mask_prob,   q without a gradient
 *   loss = gen_weight * mean of -log q(original) + disc_weight * mean of logistic loss of z,   over all ordinary tokens
 *
 * [CLS], [SEP] and [MASK] are no part of either mean: q knows nothing of them.  (The authors' code has them in the second, where
 * E learns to cancel what q says there.)  The noise ratio is in the logit, so the best E is -log p(x_t | the others), normalised.
 *
 * ELECTRA-TT is electra with q as generator: logit and labels are electra's, over all tokens, and the first mean is that of
 * here.  Then appendix G's formula gives scores of all tokens in one pass.
 */
#include <math.h>
#include <stdlib.h>

#include "objective/detector.h"
#include "objective/kinds.h"
#include "objective/noise.h"

typedef struct {
    el_slotted on;
    bool energies; /* else ELECTRA-TT */
    el_noise noise;
    el_detector discriminator;
    int *sources; /* on the device: of each row or slot, the place of its loss or sample, or -1 */
    /* on the host, of a range */
    int *host_sources;
    float *labels;
    /* of the batch, on the host */
    el_host host;
    el_tensor chosen; /* of rows: what was added to energies */
    double energy;    /* sum since reset, over originals */
    int64_t originals;
} electric;

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
                                      "energy"}; /* the last: of electric alone */

static void reset(el_objective *self)
{
    electric *e = (electric *)self;
    el_slots_reset(&e->on.slots);
    el_noise_reset(&e->noise);
    el_detector_reset(&e->discriminator);
    e->energy = 0;
    e->originals = 0;
}

static void lay_out_host(void *context, el_arena *a, int n)
{
    electric *e = context;
    e->chosen = el_arena_tensor(a, e->on.base.model->parameters, n, 1);
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    electric *e = (electric *)self;
    el_status st = el_slots_begin(&e->on.slots, batch, random);
    if (!st)
        st = el_host_reserve(&e->host, batch->rows, lay_out_host, e);
    if (!st)
        st = el_detector_begin(&e->discriminator, batch);
    return st ? st : el_noise_begin(&e->noise, &e->on.slots);
}

/* Samples in the slots; a slot that is no candidate shows its original. */
static void draw(electric *e, const el_slots_range *r, int first)
{
    el_queue *q = e->on.base.model->q;
    for (int i = 0; i < r->slots; i++)
        e->host_sources[i] = el_noise_place(&e->noise, r, first, e->on.slots.host_rows[i]);
    q->send(q, e->sources, e->host_sources, (size_t)r->slots * sizeof(int));
    q->choose_ids(q, e->on.slots.samples, e->noise.samples, e->sources, e->on.slots.targets, r->slots);
}

/* Labels of candidates: 1 at slots; and where -log q lies of what stands at each row. */
static void label(electric *e, const el_slots_range *r, int first, int candidates)
{
    for (int i = 0; i < r->rows; i++) {
        e->host_sources[i] = el_noise_place(&e->noise, r, first, i);
        e->labels[i] = e->host_sources[i] < 0 ? NAN : 0;
    }
    for (int i = 0; i < r->slots; i++) {
        const int row = e->on.slots.host_rows[i];
        if (e->host_sources[row] < 0)
            continue;
        e->labels[row] = 1;
        e->host_sources[row] += candidates;
    }
}

/* The logits' other part: log q + log(m / (1 - m)). */
static void tell_energies(electric *e, const el_slots_range *r, int first, int candidates)
{
    el_queue *q = e->on.base.model->q;
    const int all = el_noise_candidates(&e->noise, &e->on.slots);
    const double m =
        el_course_at(e->on.settings.mask_prob, 0, el_slots_share(&e->on.slots, e->on.slots.random.step));
    const el_tensor offsets = el_tensor_rows(e->discriminator.offsets, 0, r->rows);
    label(e, r, first, candidates);
    q->send(q, e->sources, e->host_sources, (size_t)r->rows * sizeof(int));
    q->offsets(q, offsets, e->noise.losses, e->sources, log(m / (1 - m)));
    q->fetch(q, el_tensor_rows(e->chosen, r->first_row, r->rows).data, offsets.data,
             el_tensor_bytes(r->rows, 1, offsets.type));
    el_detector_contrast(&e->discriminator, &e->on.slots, r, e->labels,
                         all ? e->on.settings.disc_weight / all : 0);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    electric *e = (electric *)self;
    const el_slots_range r = el_slots_send(&e->on.slots, first, last, training);
    const el_sampling sampling = el_sampling_of(&e->on.settings, &e->on.slots, &r);
    const int candidates =
        el_noise_run(&e->noise, &e->on.slots, &r, first, last, &sampling, e->on.settings.gen_weight);
    draw(e, &r, first);
    el_slots_replace(&e->on.slots, &r, false);
    if (e->energies)
        tell_energies(e, &r, first, candidates);
    else
        el_detector_run(&e->discriminator, &e->on.slots, &r,
                        e->on.settings.disc_weight / e->on.slots.batch->rows);
}

static void count_energies(electric *e)
{
    const el_detector *const d = &e->discriminator;
    const int *const starts = e->on.slots.batch->starts;
    for (int row = starts[e->noise.first]; row < starts[e->noise.end]; row++)
        if (d->host_labels[row] == 0) {
            const float score = (float)el_get(d->host_scores, row, 0);
            e->energy += (double)(score - (float)el_get(e->chosen, row, 0));
            e->originals++;
        }
}

static void count(el_objective *self)
{
    electric *e = (electric *)self;
    if (e->energies)
        count_energies(e);
    el_noise_count(&e->noise, &e->on.slots);
    el_detector_count(&e->discriminator);
}

static void ledger(el_objective *self, el_ledger *l)
{
    electric *e = (electric *)self;
    el_slots_ledger(&e->on.slots, l);
    el_detector_ledger(&e->discriminator, l);
    el_noise_ledger(&e->noise, l);
    el_ledger_sum(l, &e->energy);
    el_ledger_count(l, &e->originals);
}

static void finish(el_objective *self, el_figures *figures)
{
    electric *e = (electric *)self;
    el_detector *d = &e->discriminator;
    const double noise = el_noise_loss(&e->noise);
    const double values[] = {e->on.settings.gen_weight * noise +
                                 e->on.settings.disc_weight * el_detector_loss(d),
                             noise,
                             el_noise_accuracy(&e->noise),
                             el_noise_sampled(&e->noise),
                             el_slots_entropy(&e->on.slots),
                             el_detector_loss(d),
                             el_detector_accuracy(d),
                             el_detector_auc(d),
                             el_detector_precision(d),
                             el_detector_recall(d),
                             el_detector_replaced(d),
                             e->originals ? e->energy / (double)e->originals : 0};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values) - !e->energies);
}

static void close_electric(el_objective *self)
{
    electric *e = (electric *)self;
    el_detector_close(&e->discriminator);
    el_noise_close(&e->noise);
    el_host_release(&e->host);
    free(e->host_sources);
    free(e->labels);
    el_slotted_close(self);
}

static el_status lay_out_networks(void *context, int part)
{
    electric *const e = context;
    return part == 0 ? el_noise_layout_towers(&e->noise, &e->on.arena, &e->on.slots)
                     : el_detector_layout(&e->discriminator, &e->on.arena, &e->on.slots);
}

/* Nothing of the towers is needed when the discriminator runs, but for what is sent. */
static el_status lay_out(void *context)
{
    electric *const e = context;
    el_arena *a = &e->on.arena;
    el_slots_layout(&e->on.slots, a);
    el_noise_layout(&e->noise, a, &e->on.slots);
    e->sources = el_arena_ints(a, e->on.slots.room + 1);
    return el_overlay(a, 2, lay_out_networks, e);
}

static el_status open_host(electric *e)
{
    const size_t n = (size_t)e->on.slots.room + 1;
    e->host_sources = malloc(n * sizeof *e->host_sources);
    e->labels = malloc(n * sizeof *e->labels);
    return e->host_sources && e->labels ? EL_OK : el_no_memory(NULL);
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    electric *e = (electric *)self;
    el_model *m = o->model;
    e->energies = o->kind == EL_ELECTRIC;
    el_status st = el_slotted_open(&e->on, o);
    if (!st)
        st = el_noise_open(&e->noise, m, &e->on.slots);
    if (!st)
        el_detector_open(&e->discriminator, m, el_model_network(m, EL_DISCRIMINATOR),
                         EL_STREAM_SECOND_NETWORK);
    if (!st)
        st = open_host(e);
    return st ? st : el_device_lay_out(m->dev, &e->on.arena, lay_out, e);
}

static const el_objective TABLE = {.reset = reset,
                                   .prepare = el_slotted_prepare,
                                   .begin = begin,
                                   .fit = el_slotted_fit,
                                   .accumulate = accumulate,
                                   .count = count,
                                   .ledger = ledger,
                                   .finish = finish,
                                   .close = close_electric};

el_status el_electric_open(el_objective **objective, const el_opening *o)
{
    return el_objective_make(objective, o, sizeof(electric), &TABLE, open_parts);
}
