/* mlm - the masked language model (Devlin et al., 2019): one network predicts the tokens at slots
 *
 *   loss = mean over slots of -log p(original | what is shown)
 *          + with a sentence task, mean over pairs of segments of -log p(whether they were made wrong)        (pairs.h)
 *
 * BERT shows [MASK] at 0.8 of the slots, a random token at 0.1, the token itself at 0.1; the original ELECTRA's masked
 * language model shows [MASK] at 0.85 of them and the token itself at the rest.  All slots are predicted.
 */
#include <stdlib.h>

#include "objective/kinds.h"
#include "objective/sentences.h"

/* The pairs of a batch: which one, by its ids, and when. */
typedef struct {
    el_pairs made;
    const int *of; /* NULL: nothing is ready */
    el_random random;
} paired;

typedef struct {
    el_slotted on;
    el_predictor predictor;
    /* with a sentence task */
    bool asks;
    el_sentences sentences;
    paired now, next; /* the step's; made ready for a step to come */
} mlm;

static const char *const FIGURES[] = {
    "loss",          "generator_loss",   "generator_accuracy", "sampled_accuracy", "unigram_entropy",
    "sentence_loss", "sentence_accuracy"}; /* from "sentence_loss" on: with a sentence task */

static void reset(el_objective *self)
{
    mlm *m = (mlm *)self;
    el_slots_reset(&m->on.slots);
    el_predictor_reset(&m->predictor);
    el_sentences_reset(&m->sentences);
}

static el_status pair(const mlm *m, paired *p, const el_batch *batch, el_random random)
{
    p->of = NULL;
    const int longest = el_objective_longest(&m->on.settings, m->on.base.evaluating);
    const el_status st = el_pairs_make(&p->made, batch, m->on.settings.sentence_task, longest, random);
    if (st)
        return st;
    p->of = batch->ids;
    p->random = random;
    return EL_OK;
}

static el_status prepare(el_objective *self, const el_batch *batch, el_random random)
{
    mlm *m = (mlm *)self;
    if (!m->asks)
        return el_slots_prepare(&m->on.slots, batch, random);
    const el_status st = pair(m, &m->next, batch, random);
    return st ? st : el_slots_prepare(&m->on.slots, &m->next.made.batch, random);
}

/* The pairs of the step: those that were made ready, or made now. */
static el_status begin_pairs(mlm *m, const el_batch *batch, el_random random)
{
    const bool ready =
        m->next.of == batch->ids && m->next.random.seed == random.seed && m->next.random.step == random.step;
    el_status st = EL_OK;
    if (ready) {
        const paired taken = m->next;
        m->next = m->now;
        m->now = taken;
    } else {
        st = pair(m, &m->now, batch, random);
    }
    m->next.of = NULL;
    return st ? st : el_sentences_begin(&m->sentences, &m->now.made);
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    mlm *m = (mlm *)self;
    el_status st = m->asks ? begin_pairs(m, batch, random) : EL_OK;
    if (!st)
        st = el_slots_begin(&m->on.slots, m->asks ? &m->now.made.batch : batch, random);
    return st ? st : el_predictor_begin(&m->predictor, &m->on.slots);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    mlm *m = (mlm *)self;
    const el_slots_range r = el_slots_send(&m->on.slots, first, last, training);
    const el_sampling sampling = el_sampling_of(&m->on.settings, &m->on.slots, &r);
    const double scale = m->on.settings.gen_weight / m->on.slots.corruption.count;
    el_slots_show(&m->on.slots, &r);
    if (!m->asks) {
        el_predictor_run(&m->predictor, &m->on.slots, &r, &sampling, scale);
        return;
    }
    const el_pairs *const pairs = &m->now.made;
    el_predictor_ask(&m->predictor, &m->on.slots, &r, &sampling, scale);
    el_sentences_run(&m->sentences, pairs, first, last, m->predictor.hidden,
                     el_predictor_gradient(&m->predictor, &r), r.slots > 0,
                     pairs->asked ? 1.0 / pairs->asked : 0);
    el_predictor_return(&m->predictor, &r);
}

static void count(el_objective *self)
{
    mlm *m = (mlm *)self;
    el_predictor_count(&m->predictor, &m->on.slots);
    if (m->asks)
        el_sentences_count(&m->sentences);
}

static void ledger(el_objective *self, el_ledger *l)
{
    mlm *m = (mlm *)self;
    el_slots_ledger(&m->on.slots, l);
    el_predictor_ledger(&m->predictor, l);
    if (m->asks)
        el_sentences_ledger(&m->sentences, l);
}

static void finish(el_objective *self, el_figures *figures)
{
    const mlm *m = (const mlm *)self;
    const double loss = el_predictor_loss(&m->predictor), second = el_sentences_loss(&m->sentences);
    const double values[] = {m->on.settings.gen_weight * loss + (m->sentences.pairs ? second : 0),
                             loss,
                             el_predictor_accuracy(&m->predictor),
                             el_predictor_sampled(&m->predictor),
                             el_slots_entropy(&m->on.slots),
                             second,
                             el_sentences_accuracy(&m->sentences)};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values) - (m->asks ? 0 : 2));
}

static void close_mlm(el_objective *self)
{
    mlm *m = (mlm *)self;
    el_predictor_close(&m->predictor);
    el_sentences_close(&m->sentences);
    el_pairs_release(&m->now.made);
    el_pairs_release(&m->next.made);
    el_slotted_close(self);
}

static el_status lay_out(void *context)
{
    mlm *const m = context;
    el_slots_layout(&m->on.slots, &m->on.arena);
    if (m->asks)
        el_sentences_layout(&m->sentences, &m->on.arena, &m->predictor.net->config);
    return el_predictor_layout(&m->predictor, &m->on.arena, &m->on.slots);
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    mlm *m = (mlm *)self;
    m->asks = o->settings.sentence_task != EL_SENTENCES_NONE;
    const el_network *net = el_model_network(o->model, EL_GENERATOR);
    el_status st = el_slotted_open(&m->on, o);
    if (!st)
        st = el_predictor_open(&m->predictor, o->model, net, EL_STREAM_FIRST_NETWORK, &m->on.slots);
    if (!st && m->asks)
        st = el_sentences_open(&m->sentences, o->model, net, m->on.slots.room);
    return st ? st : el_device_lay_out(o->model->dev, &m->on.arena, lay_out, m);
}

static const el_objective TABLE = {.reset = reset,
                                   .prepare = prepare,
                                   .begin = begin,
                                   .fit = el_slotted_fit,
                                   .accumulate = accumulate,
                                   .count = count,
                                   .orderly = true,
                                   .ledger = ledger,
                                   .finish = finish,
                                   .close = close_mlm};

el_status el_mlm_open(el_objective **objective, const el_opening *o)
{
    return el_objective_make(objective, o, sizeof(mlm), &TABLE, open_parts);
}
