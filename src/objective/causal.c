/* causal - language models that read in one direction, each token from those before it
 *
 *   causal          loss = mean over all tokens but the first of -log p(x_t | x_1 ... x_t-1)  (GPT: Radford et al., 2018)
 *   bidirectional   the same, and with a second encoder, that reads backwards, the same of -log p(x_t | x_t+1 ... x_n); tables
 *                   of embeddings are one, and so is the head  (ELMo's loss: Peters et al., 2018)
 *
 * [CLS], which begins every sequence, is what the first token is predicted from, and [SEP] is predicted too; backwards the other
 * way round.  Nothing is masked, and every row but the last is a slot.
 */
#include <math.h>
#include <stdlib.h>

#include "objective/kinds.h"

enum { FORWARDS, BACKWARDS, WAYS };

/* One direction: its text, what it asks, and its network. */
typedef struct {
    el_batch text;
    el_slots slots;
    el_predictor predictor;
} way;

typedef struct {
    el_objective base;
    el_arena arena;
    int count; /* of ways */
    way ways[WAYS];
} causal;

static const char *const FIGURES[] = {
    "loss",          "generator_loss",   "generator_accuracy", "perplexity", "unigram_entropy",
    "backward_loss", "backward_accuracy"}; /* from "backward_loss" on: of two */

static void reset(el_objective *self)
{
    causal *c = (causal *)self;
    for (int i = 0; i < c->count; i++) {
        el_slots_reset(&c->ways[i].slots);
        el_predictor_reset(&c->ways[i].predictor);
    }
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    causal *c = (causal *)self;
    el_status st = EL_OK;
    for (int i = 0; !st && i < c->count; i++) {
        way *const w = &c->ways[i];
        st = el_batch_copy(&w->text, batch, i == BACKWARDS);
        if (!st) {
            el_batch_limit(&w->text);
            st = el_slots_begin(&w->slots, &w->text, random);
        }
        if (!st)
            st = el_predictor_begin(&w->predictor, &w->slots);
    }
    return st;
}

static int fit(el_objective *self, int first)
{
    return el_slots_fit(&((const causal *)self)->ways[FORWARDS].slots, first);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    causal *c = (causal *)self;
    for (int i = 0; i < c->count; i++) {
        way *const w = &c->ways[i];
        const el_slots_range r = el_slots_send(&w->slots, first, last, training);
        const int count = w->slots.corruption.count;
        el_slots_show(&w->slots, &r);
        el_predictor_run(&w->predictor, &w->slots, &r, NULL, count ? 1.0 / count : 0);
    }
}

static void count(el_objective *self)
{
    causal *c = (causal *)self;
    for (int i = 0; i < c->count; i++)
        el_predictor_count(&c->ways[i].predictor, &c->ways[i].slots);
}

static void ledger(el_objective *self, el_ledger *l)
{
    causal *c = (causal *)self;
    for (int i = 0; i < c->count; i++) {
        el_slots_ledger(&c->ways[i].slots, l);
        el_predictor_ledger(&c->ways[i].predictor, l);
    }
}

static void finish(el_objective *self, el_figures *figures)
{
    const causal *c = (const causal *)self;
    const way *const forwards = &c->ways[FORWARDS], *const backwards = &c->ways[BACKWARDS];
    const double loss = el_predictor_loss(&forwards->predictor);
    const double second = c->count > 1 ? el_predictor_loss(&backwards->predictor) : 0;
    const double values[] = {loss + second,
                             loss,
                             el_predictor_accuracy(&forwards->predictor),
                             exp(loss),
                             el_slots_entropy(&forwards->slots),
                             second,
                             c->count > 1 ? el_predictor_accuracy(&backwards->predictor) : 0};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values) - (c->count > 1 ? 0 : 2));
}

static void close_causal(el_objective *self)
{
    causal *c = (causal *)self;
    el_device_release(c->base.model->dev, &c->arena);
    for (int i = 0; i < c->count; i++) {
        el_predictor_close(&c->ways[i].predictor);
        el_slots_close(&c->ways[i].slots);
        el_batch_release(&c->ways[i].text);
    }
    free(c);
}

static el_status lay_out_way(void *context, int number)
{
    causal *const c = context;
    way *const w = &c->ways[number];
    el_slots_layout(&w->slots, &c->arena);
    return el_predictor_layout(&w->predictor, &c->arena, &w->slots);
}

/* One direction's activations are no longer needed when the other runs. */
static el_status lay_out(void *context)
{
    causal *const c = context;
    return el_overlay(&c->arena, c->count, lay_out_way, c);
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    causal *c = (causal *)self;
    c->count = o->kind == EL_BIDIRECTIONAL ? 2 : 1;
    static const char *const NETWORKS[WAYS] = {EL_GENERATOR, EL_BACKWARD};
    static const uint32_t STREAMS[WAYS] = {EL_STREAM_FIRST_NETWORK, EL_STREAM_SECOND_NETWORK};
    el_objective_settings settings = o->settings;
    settings.mask_unit = EL_MASK_NEXT;
    settings.mask_prob = (el_course){1, 1};
    el_status st = EL_OK;
    for (int i = 0; !st && i < c->count; i++) {
        way *const w = &c->ways[i];
        st = el_slots_open(&w->slots, &c->base, o->vocab, &settings, o->rows, o->heldout_rows);
        if (!st)
            st = el_predictor_open(&w->predictor, o->model, el_model_network(o->model, NETWORKS[i]),
                                   STREAMS[i], &w->slots);
    }
    return st ? st : el_device_lay_out(o->model->dev, &c->arena, lay_out, c);
}

static const el_objective TABLE = {.reset = reset,
                                   .begin = begin,
                                   .fit = fit,
                                   .accumulate = accumulate,
                                   .count = count,
                                   .ledger = ledger,
                                   .finish = finish,
                                   .close = close_causal};

el_status el_causal_open(el_objective **objective, const el_opening *o)
{
    return el_objective_make(objective, o, sizeof(causal), &TABLE, open_parts);
}
