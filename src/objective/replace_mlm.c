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
    el_objective base;
    el_objective_settings settings;
    el_arena arena;
    el_slots slots;
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
    el_slots_reset(&m->slots);
    el_predictor_reset(&m->generator);
    el_predictor_reset(&m->large);
}

static el_status prepare(el_objective *self, const el_batch *batch, el_random random)
{
    return el_slots_prepare(&((replace_mlm *)self)->slots, batch, random);
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    replace_mlm *m = (replace_mlm *)self;
    el_status st = el_slots_begin(&m->slots, batch, random);
    if (!st)
        st = el_predictor_begin(&m->generator, &m->slots);
    return st ? st : el_predictor_begin(&m->large, &m->slots);
}

static int fit(el_objective *self, int first)
{
    return el_slots_fit(&((const replace_mlm *)self)->slots, first);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    replace_mlm *m = (replace_mlm *)self;
    const int count = m->slots.corruption.count;
    const el_slots_range r = el_slots_send(&m->slots, first, last, training);
    const el_sampling sampling = el_sampling_of(&m->settings, &m->slots, &r);
    el_slots_show(&m->slots, &r);
    el_predictor_run(&m->generator, &m->slots, &r, &sampling, m->settings.gen_weight / count);
    el_slots_replace(&m->slots, &r, false);
    el_predictor_run(&m->large, &m->slots, &r, NULL, m->settings.disc_weight / count);
}

static void count(el_objective *self)
{
    replace_mlm *m = (replace_mlm *)self;
    el_predictor_count(&m->generator, &m->slots);
    el_predictor_count(&m->large, &m->slots);
}

static void ledger(el_objective *self, el_ledger *l)
{
    replace_mlm *m = (replace_mlm *)self;
    el_slots_ledger(&m->slots, l);
    el_predictor_ledger(&m->generator, l);
    el_predictor_ledger(&m->large, l);
}

static void finish(el_objective *self, el_figures *figures)
{
    const replace_mlm *m = (const replace_mlm *)self;
    const double generator = el_predictor_loss(&m->generator), large = el_predictor_loss(&m->large);
    const double sampled = el_predictor_sampled(&m->generator);
    const double values[] = {m->settings.gen_weight * generator + m->settings.disc_weight * large,
                             generator,
                             el_predictor_accuracy(&m->generator),
                             sampled,
                             el_slots_entropy(&m->slots),
                             large,
                             el_predictor_accuracy(&m->large),
                             m->slots.count ? 1 - sampled : 0};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values));
}

static void close_replace_mlm(el_objective *self)
{
    replace_mlm *m = (replace_mlm *)self;
    el_device_release(m->base.model->dev, &m->arena);
    el_predictor_close(&m->generator);
    el_predictor_close(&m->large);
    el_slots_close(&m->slots);
    free(m);
}

/* Both networks' activations lie in the same place, as in electra. */
static el_status lay_out(void *context)
{
    replace_mlm *const m = context;
    el_arena *a = &m->arena;
    el_slots_layout(&m->slots, a);
    const size_t mark = a->used;
    el_status st = el_predictor_layout(&m->generator, a, &m->slots);
    const size_t after_generator = a->used;
    a->used = mark;
    if (!st)
        st = el_predictor_layout(&m->large, a, &m->slots);
    if (a->used < after_generator)
        a->used = after_generator;
    return st;
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    replace_mlm *m = (replace_mlm *)self;
    m->settings = o->settings;
    el_status st = el_slots_open(&m->slots, &m->base, o->vocab, &o->settings, o->rows, o->heldout_rows);
    if (!st)
        st = el_predictor_open(&m->generator, o->model, el_model_network(o->model, EL_GENERATOR),
                               EL_STREAM_FIRST_NETWORK, &m->slots);
    if (!st)
        st = el_predictor_open(&m->large, o->model, el_model_network(o->model, EL_DISCRIMINATOR),
                               EL_STREAM_SECOND_NETWORK, &m->slots);
    return st ? st : el_device_lay_out(o->model->dev, &m->arena, lay_out, m);
}

static const el_objective TABLE = {.reset = reset,
                                   .prepare = prepare,
                                   .begin = begin,
                                   .fit = fit,
                                   .accumulate = accumulate,
                                   .count = count,
                                   .ledger = ledger,
                                   .finish = finish,
                                   .close = close_replace_mlm};

el_status el_replace_mlm_open(el_objective **objective, const el_opening *o)
{
    return el_objective_make(objective, o, sizeof(replace_mlm), &TABLE, open_parts);
}
