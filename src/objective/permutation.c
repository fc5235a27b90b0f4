/* permutation - a language model of tokens in random orders (after Yang et al., 2019), on absolute positions
 *
 *   one token of six is a target; each is predicted from all that are not and from the targets before it in a random order
 *   loss = mean over targets of -log p(x_t | ordinary tokens, targets before t)
 *
 * XLNet's objective: its two streams are rows of one pass (order.h).  In the encoder of the other objectives a query row shows
 * [MASK], and a target is a piece; that has no relative positions, and is not XLNet.
 *
 * xlnet has the encoder of XLNet (model/relative.h): attention by distances, and an embedding of its own for query rows.  Its
 * targets are spans (corruption.h).  What XLNet has besides is left out: the memory of texts before, texts that are read
 * backwards beside others, and [SEP] and [CLS] that ordinary tokens do not see.
 */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "objective/kinds.h"
#include "objective/order.h"

typedef struct {
    el_slotted on;
    const el_vocab *vocab;
    int query;                    /* what query rows show */
    el_corruption targets, asked; /* of the batch; of the ordered rows, until the slots have it */
    el_batch ordered;
    el_predictor predictor;
} permutation;

static const char *const FIGURES[] = {"loss", "generator_loss", "generator_accuracy", "perplexity",
                                      "unigram_entropy"};

static void reset(el_objective *self)
{
    permutation *p = (permutation *)self;
    el_slots_reset(&p->on.slots);
    el_predictor_reset(&p->predictor);
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    permutation *p = (permutation *)self;
    const el_corruption_rule rule = {.mask_prob = p->on.settings.mask_prob.first,
                                     .max_predictions = p->on.settings.max_predictions,
                                     .unit = p->on.settings.mask_unit,
                                     .shares = p->on.settings.shares};
    el_status st =
        el_corruption_make(&p->targets, batch, p->vocab, &rule, random); /* drawn in random order */
    if (!st)
        st = el_order_make(&p->ordered, &p->asked, batch, &p->targets, p->query);
    if (!st)
        el_slots_use(&p->on.slots, &p->ordered, random, &p->asked);
    return st ? st : el_predictor_begin(&p->predictor, &p->on.slots);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    permutation *p = (permutation *)self;
    el_slots_range r = el_slots_send(&p->on.slots, first, last, training);
    const int count = p->on.slots.corruption.count;
    r.in.longest = el_order_rows(p->predictor.net->config.max_position_embeddings);
    el_slots_show(&p->on.slots, &r);
    el_predictor_run(&p->predictor, &p->on.slots, &r, NULL, count ? 1.0 / count : 0);
}

static void count(el_objective *self)
{
    permutation *p = (permutation *)self;
    el_predictor_count(&p->predictor, &p->on.slots);
}

static void ledger(el_objective *self, el_ledger *l)
{
    permutation *p = (permutation *)self;
    el_slots_ledger(&p->on.slots, l);
    el_predictor_ledger(&p->predictor, l);
}

static void finish(el_objective *self, el_figures *figures)
{
    const permutation *p = (const permutation *)self;
    const double loss = el_predictor_loss(&p->predictor);
    const double values[] = {loss, loss, el_predictor_accuracy(&p->predictor), exp(loss),
                             el_slots_entropy(&p->on.slots)};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values));
}

static void close_permutation(el_objective *self)
{
    permutation *p = (permutation *)self;
    el_predictor_close(&p->predictor);
    el_batch_release(&p->ordered);
    el_corruption_release(&p->targets);
    el_corruption_release(&p->asked);
    el_slotted_close(self);
}

static el_status lay_out(void *context)
{
    permutation *const p = context;
    el_slots_layout(&p->on.slots, &p->on.arena);
    return el_predictor_layout(&p->predictor, &p->on.arena, &p->on.slots);
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    permutation *p = (permutation *)self;
    p->vocab = o->vocab;
    el_model *const m = o->model;
    const el_network *const net = el_model_network(m, EL_GENERATOR);
    p->query = o->kind == EL_XLNET ? net->config.vocab_size : o->vocab->mask;
    const int longest = el_order_rows(net->config.max_position_embeddings);
    el_status st = m->q->reserve(m->q, longest, net->config.hidden_size / net->config.num_attention_heads);
    if (!st)
        st = el_slotted_open(&p->on, o);
    if (!st)
        st = el_predictor_open(&p->predictor, m, net, EL_STREAM_FIRST_NETWORK, &p->on.slots);
    return st ? st : el_device_lay_out(m->dev, &p->on.arena, lay_out, p);
}

static const el_objective TABLE = {.reset = reset,
                                   .begin = begin,
                                   .fit = el_slotted_fit,
                                   .accumulate = accumulate,
                                   .count = count,
                                   .ledger = ledger,
                                   .finish = finish,
                                   .close = close_permutation};

el_status el_permutation_open(el_objective **objective, const el_opening *o)
{
    el_opening own = *o;
    own.settings.mask_prob = (el_course){1.0 / EL_ORDER_SHARE, 1.0 / EL_ORDER_SHARE};
    own.settings.mask_unit = o->kind == EL_XLNET ? EL_MASK_SPAN : EL_MASK_PIECE;
    own.settings.max_predictions = INT_MAX;
    own.settings.shares = (el_mask_shares){.mask = 1};
    own.settings.duplicate_slots = false;
    own.rows = el_order_rows(o->rows);
    own.heldout_rows = el_order_rows(o->heldout_rows);
    return el_objective_make(objective, &own, sizeof(permutation), &TABLE, open_parts);
}
