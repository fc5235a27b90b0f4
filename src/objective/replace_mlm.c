/* replace_mlm - a masked language model that sees no [MASK] (Clark et al., 2020, section 3.4)
 *
 *   a generator learns and samples as in electra; the large network reads the sequence with the samples in their places
 *   and predicts the originals at the slots, those where the sample is right among them
 *   loss = gen_weight * mean over slots of -log p_G(original | masked) + disc_weight * mean of -log p(original | sampled)
 *
 * The paper does not say how the terms weigh: 1 and 1.
 */
#include <stdlib.h>

#include "objective/kinds.h"

typedef struct {
    el_slotted on;
    el_predictor generator, large;
} replace_mlm;

static const char *const FIGURES[] = {"loss",
                                      "generator_loss",
                                      "generator_accuracy",
                                      "sampled_accuracy",
                                      "unigram_entropy",
                                      "discriminator_loss",
                                      "discriminator_accuracy",
                                      "replaced"};

static void reset(el_objective *self)
{
    replace_mlm *m = (replace_mlm *)self;
    el_slots_reset(&m->on.slots);
    el_predictor_reset(&m->generator);
    el_predictor_reset(&m->large);
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    replace_mlm *m = (replace_mlm *)self;
    el_status st = el_slots_begin(&m->on.slots, batch, random);
    if (!st)
        st = el_predictor_begin(&m->generator, &m->on.slots);
    return st ? st : el_predictor_begin(&m->large, &m->on.slots);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    replace_mlm *m = (replace_mlm *)self;
    const int count = m->on.slots.corruption.count;
    const el_slots_range r = el_slots_send(&m->on.slots, first, last, training);
    const el_sampling sampling = el_sampling_of(&m->on.settings, &m->on.slots, &r);
    el_slots_show(&m->on.slots, &r);
    el_predictor_run(&m->generator, &m->on.slots, &r, &sampling, m->on.settings.gen_weight / count);
    el_slots_replace(&m->on.slots, &r, false);
    el_predictor_run(&m->large, &m->on.slots, &r, NULL, m->on.settings.disc_weight / count);
}

static void count(el_objective *self)
{
    replace_mlm *m = (replace_mlm *)self;
    el_predictor_count(&m->generator, &m->on.slots);
    el_predictor_count(&m->large, &m->on.slots);
}

static void ledger(el_objective *self, el_ledger *l)
{
    replace_mlm *m = (replace_mlm *)self;
    el_slots_ledger(&m->on.slots, l);
    el_predictor_ledger(&m->generator, l);
    el_predictor_ledger(&m->large, l);
}

static void finish(el_objective *self, el_figures *figures)
{
    const replace_mlm *m = (const replace_mlm *)self;
    const double generator = el_predictor_loss(&m->generator), large = el_predictor_loss(&m->large);
    const double sampled = el_predictor_sampled(&m->generator);
    const double values[] = {m->on.settings.gen_weight * generator + m->on.settings.disc_weight * large,
                             generator,
                             el_predictor_accuracy(&m->generator),
                             sampled,
                             el_slots_entropy(&m->on.slots),
                             large,
                             el_predictor_accuracy(&m->large),
                             m->on.slots.count ? 1 - sampled : 0};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values));
}

static void close_replace_mlm(el_objective *self)
{
    replace_mlm *m = (replace_mlm *)self;
    el_predictor_close(&m->generator);
    el_predictor_close(&m->large);
    el_slotted_close(self);
}

static el_status lay_out_network(void *context, int network)
{
    replace_mlm *const m = context;
    return el_predictor_layout(network == 0 ? &m->generator : &m->large, &m->on.arena, &m->on.slots);
}

static el_status lay_out(void *context)
{
    replace_mlm *const m = context;
    el_slots_layout(&m->on.slots, &m->on.arena);
    return el_overlay(&m->on.arena, 2, lay_out_network, m);
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    replace_mlm *m = (replace_mlm *)self;
    el_status st = el_slotted_open(&m->on, o);
    if (!st)
        st = el_predictor_open(&m->generator, o->model, el_model_network(o->model, EL_GENERATOR),
                               EL_STREAM_FIRST_NETWORK, &m->on.slots);
    if (!st)
        st = el_predictor_open(&m->large, o->model, el_model_network(o->model, EL_DISCRIMINATOR),
                               EL_STREAM_SECOND_NETWORK, &m->on.slots);
    return st ? st : el_device_lay_out(o->model->dev, &m->on.arena, lay_out, m);
}

static const el_objective TABLE = {.reset = reset,
                                   .prepare = el_slotted_prepare,
                                   .begin = begin,
                                   .fit = el_slotted_fit,
                                   .accumulate = accumulate,
                                   .count = count,
                                   .ledger = ledger,
                                   .finish = finish,
                                   .close = close_replace_mlm};

el_status el_replace_mlm_open(el_objective **objective, const el_opening *o)
{
    return el_objective_make(objective, o, sizeof(replace_mlm), &TABLE, open_parts);
}
