/* electra - mask, guess, replace, detect (Clark et al., 2020, section 2; details as in their code)
 *
 *   k slots a sequence, without replacement, among tokens other than [CLS], [SEP], [MASK]
 *   generator input: slots become [MASK] with probability 0.85, else stay
 *   guess: softmax over the vocabulary at the slots; a sample of it replaces the token
 *   detect: is each token the original?  A sample that equals the original counts as original.
 *   loss = gen_weight * mean over slots of -log p(original) + disc_weight * mean over tokens of logistic loss
 *
 * No gradient flows from the second term into the generator.  electra-15 has its second mean over the slots alone; the
 * weight stays, although each slot then weighs 1 / mask_prob as much.  Samples may be drawn by no network: uniformly, or as
 * frequently as tokens are (unigram.h); and a generator that is frozen draws and does not learn (Dong et al., 2024).
 *
 * two-stage (section 3.3, figure 3): for half of the steps the generator learns by itself, then its weights, all but the
 * head, become the discriminator's, which learns for the other half while the generator stays as it is.  AdamW's moments
 * begin anew.  Without the copy the discriminator may never leave the majority class.
 */
#include <math.h>
#include <stdlib.h>

#include "objective/detector.h"
#include "objective/kinds.h"
#include "train/optimizer.h"

typedef struct {
    el_slotted on;
    bool at_slots;          /* electra-15 */
    int64_t second;         /* two-stage: the step that its second stage begins with; 0: there is one stage */
    bool first_stage;       /* of the batch that was begun */
    int trained_stage;      /* that the networks are frozen for; 0: none yet */
    el_predictor generator; /* not open where no network draws */
    el_detector discriminator;
    int *drawn;        /* samples, where no network draws them */
    int64_t lucky;     /* of them: originals, since reset */
    double drawn_loss; /* a sum */
} electra;

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
                                      "replaced"};

enum { OF_DISCRIMINATOR = 5 }; /* the first of them that is its */

static void reset(el_objective *self)
{
    electra *e = (electra *)self;
    el_slots_reset(&e->on.slots);
    el_predictor_reset(&e->generator);
    el_detector_reset(&e->discriminator);
    e->lucky = 0;
    e->drawn_loss = 0;
}

/* ---- two stages ---- */

static bool is_of_first(const electra *e, uint32_t step)
{
    return e->second > 0 &&
           (e->on.base.evaluating ? e->on.base.done <= e->second : (int64_t)step < e->second);
}

/* All but the head. */
static void copy_generator(el_model *m)
{
    const el_params *from = &el_model_network(m, EL_GENERATOR)->params;
    const el_params *to = &el_model_network(m, EL_DISCRIMINATOR)->params;
    for (int i = 0; i < to->count; i++) {
        const el_param *own = el_param_find(from, to->items[i].name);
        if (own)
            m->q->copy(m->q, to->items[i].value, own->value);
    }
    el_model_prepare(m);
}

/* Who is trained from this step on.  A checkpoint of the last step of the first stage may hold the copy already: it is made
 * again, and is the same. */
static void enter_stage(electra *e, uint32_t step)
{
    el_model *m = e->on.base.model;
    const int stage = e->first_stage ? 1 : 2;
    if ((int64_t)step == e->second) {
        if (e->on.settings.copy_generator)
            copy_generator(m);
        el_optimizer_forget(m);
    }
    if (stage == e->trained_stage)
        return;
    el_model_freeze(m, EL_GENERATOR, stage == 2);
    el_model_freeze(m, EL_DISCRIMINATOR, stage == 1);
    e->trained_stage = stage;
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    electra *e = (electra *)self;
    e->first_stage = is_of_first(e, random.step);
    if (e->second > 0 && !self->evaluating)
        enter_stage(e, random.step);
    el_status st = el_slots_begin(&e->on.slots, batch, random);
    if (!st && !e->drawn)
        st = el_predictor_begin(&e->generator, &e->on.slots);
    return st ? st : el_detector_begin(&e->discriminator, batch);
}

/* One of `size` tokens, all alike. */
static int draw_uniformly(int size, el_random random, uint64_t number, int excluded)
{
    const int id = (int)el_random_below(random, number, (uint64_t)(size - (excluded >= 0)));
    return id + (excluded >= 0 && id >= excluded);
}

static void draw(electra *e, const el_slots_range *r)
{
    const el_random random = {e->on.slots.random.seed, EL_STREAM_SAMPLE, e->on.slots.random.step};
    const el_unigram *unigram = e->on.settings.sampler == EL_SAMPLER_UNIGRAM ? e->on.settings.unigram : NULL;
    const int size = e->on.slots.vocab->size;
    for (int i = 0; i < r->slots; i++) {
        const uint64_t number = (uint64_t)r->first_slot + (uint64_t)i;
        const int target = e->on.slots.host_targets[i],
                  excluded = e->on.settings.disallow_correct ? target : -1;
        e->drawn[i] = unigram ? el_unigram_draw(unigram, random, number, excluded)
                              : draw_uniformly(size, random, number, excluded);
        e->lucky += e->drawn[i] == target;
        e->drawn_loss += unigram ? el_unigram_loss(unigram, target) : log(size);
    }
}

/* What stands at the slots instead; the generator learns on the way. */
static void sample(electra *e, const el_slots_range *r)
{
    if (e->drawn) {
        draw(e, r);
        el_slots_draw(&e->on.slots, r, e->drawn);
        return;
    }
    el_slots_range range = *r;
    if (el_network_frozen(e->generator.net))
        range.training = range.in.training = false;
    const el_sampling sampling = el_sampling_of(&e->on.settings, &e->on.slots, r);
    el_slots_show(&e->on.slots, r);
    el_predictor_run(&e->generator, &e->on.slots, &range, &sampling,
                     e->on.settings.gen_weight / e->on.slots.corruption.count);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    electra *e = (electra *)self;
    const el_slots_range r = el_slots_send(&e->on.slots, first, last, training);
    const int judged = e->at_slots ? e->on.slots.corruption.count : e->on.slots.batch->rows;
    sample(e, &r);
    if (e->first_stage)
        return;
    el_slots_replace(&e->on.slots, &r, e->at_slots);
    el_detector_run(&e->discriminator, &e->on.slots, &r, judged ? e->on.settings.disc_weight / judged : 0);
}

static void count(el_objective *self)
{
    electra *e = (electra *)self;
    el_predictor_count(&e->generator, &e->on.slots);
    el_detector_count(&e->discriminator);
}

static void ledger(el_objective *self, el_ledger *l)
{
    electra *e = (electra *)self;
    el_slots_ledger(&e->on.slots, l);
    el_predictor_ledger(&e->generator, l);
    el_detector_ledger(&e->discriminator, l);
    el_ledger_count(l, &e->lucky);
    el_ledger_sum(l, &e->drawn_loss);
}

/* Where no network draws: the loss of a generator that knows nothing, or frequencies alone. */
static double generator_loss(const electra *e)
{
    return !e->drawn           ? el_predictor_loss(&e->generator)
           : e->on.slots.count ? e->drawn_loss / (double)e->on.slots.count
                               : 0;
}

static double sampled_accuracy(const electra *e)
{
    return !e->drawn           ? el_predictor_sampled(&e->generator)
           : e->on.slots.count ? (double)e->lucky / (double)e->on.slots.count
                               : 0;
}

static void finish(el_objective *self, el_figures *figures)
{
    electra *e = (electra *)self;
    el_detector *d = &e->discriminator;
    const double values[] = {e->on.settings.gen_weight * generator_loss(e) +
                                 e->on.settings.disc_weight * el_detector_loss(d),
                             generator_loss(e),
                             e->drawn ? NAN : el_predictor_accuracy(&e->generator), /* no network was asked */
                             sampled_accuracy(e),
                             el_slots_entropy(&e->on.slots),
                             el_detector_loss(d),
                             el_detector_accuracy(d),
                             el_detector_auc(d),
                             el_detector_precision(d),
                             el_detector_recall(d),
                             el_detector_replaced(d)};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values));
    for (int i = OF_DISCRIMINATOR; e->first_stage && i < figures->count; i++)
        figures->values[i] = NAN;
}

static void close_electra(el_objective *self)
{
    electra *e = (electra *)self;
    el_predictor_close(&e->generator);
    el_detector_close(&e->discriminator);
    free(e->drawn);
    el_slotted_close(self);
}

static el_status lay_out_network(void *context, int network)
{
    electra *const e = context;
    if (network == 1)
        return el_detector_layout(&e->discriminator, &e->on.arena, &e->on.slots);
    return e->drawn ? EL_OK : el_predictor_layout(&e->generator, &e->on.arena, &e->on.slots);
}

/* The generator's activations are no longer needed when the discriminator runs. */
static el_status lay_out(void *context)
{
    electra *const e = context;
    el_slots_layout(&e->on.slots, &e->on.arena);
    return el_overlay(&e->on.arena, 2, lay_out_network, e);
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    electra *e = (electra *)self;
    e->at_slots = o->kind == EL_ELECTRA_15;
    e->second = o->kind == EL_TWO_STAGE ? o->settings.steps / 2 : 0;
    el_model *m = o->model;
    const el_network *discriminator = el_model_network(m, EL_DISCRIMINATOR);
    el_status st = el_slotted_open(&e->on, o);
    if (!st && o->settings.sampler != EL_SAMPLER_NETWORK) {
        e->drawn = malloc(((size_t)e->on.slots.slot_room + 1) * sizeof *e->drawn);
        st = e->drawn ? EL_OK : el_no_memory(NULL);
    } else if (!st) {
        st = el_predictor_open(&e->generator, m, el_model_network(m, EL_GENERATOR), EL_STREAM_FIRST_NETWORK,
                               &e->on.slots);
    }
    if (!st)
        el_detector_open(&e->discriminator, m, discriminator, EL_STREAM_SECOND_NETWORK);
    return st ? st : el_device_lay_out(m->dev, &e->on.arena, lay_out, e);
}

static const el_objective TABLE = {.reset = reset,
                                   .prepare = el_slotted_prepare,
                                   .begin = begin,
                                   .fit = el_slotted_fit,
                                   .accumulate = accumulate,
                                   .count = count,
                                   .orderly = true,
                                   .ledger = ledger,
                                   .finish = finish,
                                   .close = close_electra};

el_status el_electra_open(el_objective **objective, const el_opening *o)
{
    return el_objective_make(objective, o, sizeof(electra), &TABLE, open_parts);
}
