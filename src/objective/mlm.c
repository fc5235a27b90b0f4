/* mlm - the masked language model (Devlin et al., 2019): one network predicts the tokens at slots
 *
 *   loss = mean over slots of -log p(original | what is shown)
 *
 * BERT shows [MASK] at 0.8 of the slots, a random token at 0.1, the token itself at 0.1; the original ELECTRA's masked
 * language model shows [MASK] at 0.85 of them and the token itself at the rest.  All slots are predicted.
 */
#include <stdlib.h>

#include "objective/kinds.h"

typedef struct {
    el_objective base;
    el_objective_settings settings;
    el_arena arena;
    el_slots slots;
    el_predictor predictor;
} mlm;

static const char *const FIGURES[] = {"loss", "generator_loss", "generator_accuracy", "sampled_accuracy",
                                      "unigram_entropy"};

static void reset(el_objective *self)
{
    mlm *m = (mlm *)self;
    el_slots_reset(&m->slots);
    el_predictor_reset(&m->predictor);
}

static el_status prepare(el_objective *self, const el_batch *batch, el_random random)
{
    return el_slots_prepare(&((mlm *)self)->slots, batch, random);
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    mlm *m = (mlm *)self;
    const el_status st = el_slots_begin(&m->slots, batch, random);
    return st ? st : el_predictor_begin(&m->predictor, &m->slots);
}

static int fit(el_objective *self, int first)
{
    return el_slots_fit(&((const mlm *)self)->slots, first);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    mlm *m = (mlm *)self;
    const el_slots_range r = el_slots_send(&m->slots, first, last, training);
    const el_sampling sampling = el_sampling_of(&m->settings, &m->slots, &r);
    el_slots_show(&m->slots, &r);
    el_predictor_run(&m->predictor, &m->slots, &r, &sampling,
                     m->settings.gen_weight / m->slots.corruption.count);
}

static void count(el_objective *self)
{
    mlm *m = (mlm *)self;
    el_predictor_count(&m->predictor, &m->slots);
}

static void ledger(el_objective *self, el_ledger *l)
{
    mlm *m = (mlm *)self;
    el_slots_ledger(&m->slots, l);
    el_predictor_ledger(&m->predictor, l);
}

static void finish(el_objective *self, el_figures *figures)
{
    const mlm *m = (const mlm *)self;
    const double loss = el_predictor_loss(&m->predictor);
    const double values[] = {m->settings.gen_weight * loss, loss, el_predictor_accuracy(&m->predictor),
                             el_predictor_sampled(&m->predictor), el_slots_entropy(&m->slots)};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values));
}

static void close_mlm(el_objective *self)
{
    mlm *m = (mlm *)self;
    el_device_release(m->base.model->dev, &m->arena);
    el_predictor_close(&m->predictor);
    el_slots_close(&m->slots);
    free(m);
}

static el_status lay_out(void *context)
{
    mlm *const m = context;
    el_slots_layout(&m->slots, &m->arena);
    return el_predictor_layout(&m->predictor, &m->arena, &m->slots);
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    mlm *m = (mlm *)self;
    m->settings = o->settings;
    el_status st = el_slots_open(&m->slots, &m->base, o->vocab, &o->settings, o->rows);
    if (!st)
        st = el_predictor_open(&m->predictor, o->model, el_model_network(o->model, EL_GENERATOR),
                               EL_STREAM_FIRST_NETWORK, &m->slots);
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
                                   .close = close_mlm};

el_status el_mlm_open(el_objective **objective, const el_opening *o)
{
    return el_objective_make(objective, o, sizeof(mlm), &TABLE, open_parts);
}
