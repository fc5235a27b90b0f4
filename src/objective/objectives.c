/* objectives - the table, and what is checked of all */
#include "objective/objectives.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "objective/kinds.h"
#include "objective/networks.h"

/* What may draw the replacements, as bits of el_sampler. */
enum {
    LEARNED = 1 << EL_SAMPLER_NETWORK,
    COUNTED = 1 << EL_SAMPLER_UNIGRAM | 1 << EL_SAMPLER_UNIFORM,
    TOWERS = 1 << EL_SAMPLER_TWO_TOWERS
};

/* What else an objective is. */
enum {
    CAUSAL = 1,
    BOTH_WAYS = 2,   /* a second network reads backwards */
    BY_DISTANCE = 4, /* the large network attends so */
    SEEN = 8,        /* nothing is masked */
    REWARDED = 16,   /* the generator has a head for the reward that it expects */
    AS_DRAWN = 32,   /* samples are of the generator's own temperature, and none is disallowed */
    JUDGED_ONCE = 64 /* a place that is drawn twice would be */
};

static const struct {
    const char *name;
    el_status (*open)(el_objective **objective, const el_opening *opening);
    el_head_config large; /* head of the large network */
    unsigned samplers;    /* 0: no generator is beside the large network, which is one itself */
    unsigned is;
} KINDS[EL_OBJECTIVES] = {
    [EL_ELECTRA] = {"electra", el_electra_open, {.kind = EL_HEAD_DETECTION}, LEARNED | COUNTED | TOWERS, 0},
    [EL_MLM] = {"mlm", el_mlm_open, {.kind = EL_HEAD_MLM}, 0, 0},
    [EL_ELECTRA_15] =
        {"electra-15", el_electra_open, {.kind = EL_HEAD_DETECTION}, LEARNED | COUNTED, JUDGED_ONCE},
    [EL_TWO_STAGE] = {"two-stage", el_electra_open, {.kind = EL_HEAD_DETECTION}, LEARNED, 0},
    [EL_ADVERSARIAL] = {"adversarial",
                        el_adversarial_open,
                        {.kind = EL_HEAD_DETECTION},
                        LEARNED,
                        REWARDED | AS_DRAWN | JUDGED_ONCE},
    [EL_ELECTRIC] =
        {"electric", el_electric_open, {.kind = EL_HEAD_DETECTION, .energies = true}, TOWERS, AS_DRAWN},
    [EL_REPLACE_MLM] = {"replace-mlm", el_replace_mlm_open, {.kind = EL_HEAD_MLM}, LEARNED, 0},
    [EL_ALL_TOKENS_MLM] =
        {"all-tokens-mlm", el_all_tokens_open, {.kind = EL_HEAD_MLM, .gated = true}, LEARNED, JUDGED_ONCE},
    [EL_CAUSAL] = {"causal", el_causal_open, {.kind = EL_HEAD_MLM}, 0, CAUSAL | SEEN},
    [EL_BIDIRECTIONAL] =
        {"bidirectional", el_causal_open, {.kind = EL_HEAD_MLM}, 0, CAUSAL | BOTH_WAYS | SEEN},
    [EL_PERMUTATION] = {"permutation", el_permutation_open, {.kind = EL_HEAD_MLM, .ordered = true}, 0, SEEN},
    [EL_XLNET] =
        {"xlnet", el_permutation_open, {.kind = EL_HEAD_MLM, .ordered = true}, 0, BY_DISTANCE | SEEN},
};

static bool is(el_objective_kind kind, unsigned what)
{
    return (KINDS[kind].is & what) != 0;
}

const char *el_objective_name(el_objective_kind kind)
{
    return KINDS[kind].name;
}

bool el_objective_is_name(const char *name)
{
    for (int i = 0; i < EL_OBJECTIVES; i++)
        if (strcmp(KINDS[i].name, name) == 0)
            return true;
    return false;
}

bool el_objective_masks(el_objective_kind kind)
{
    return !is(kind, SEEN);
}

bool el_objective_has_generator(el_objective_kind kind)
{
    return KINDS[kind].samplers != 0;
}

bool el_objective_rewrites(el_objective_kind kind)
{
    return el_objective_has_generator(kind) && KINDS[kind].large.kind == EL_HEAD_MLM;
}

bool el_objective_takes(el_objective_kind kind, el_sampler sampler)
{
    return KINDS[kind].samplers >> sampler & 1;
}

const char *el_objective_large(el_objective_kind kind)
{
    return el_objective_has_generator(kind) ? EL_DISCRIMINATOR : EL_GENERATOR;
}

el_sampler el_objective_sampler(el_objective_kind kind, el_sampler asked)
{
    return KINDS[kind].samplers == TOWERS ? EL_SAMPLER_TWO_TOWERS : asked;
}

el_objective_settings el_objective_defaults(void)
{
    return (el_objective_settings){.gen_weight = 1,
                                   .disc_weight = 50,
                                   .mask_prob = {0.15, 0.15},
                                   .temperature = {1, 1},
                                   .copy_generator = true,
                                   .shares = {.mask = 0.85, .keep = 0.15},
                                   .max_seq_length = 128};
}

int el_objective_longest(const el_objective_settings *s, bool evaluating)
{
    return evaluating && s->heldout_seq_length ? s->heldout_seq_length : s->max_seq_length;
}

/* A tower each way beside the discriminator, whose tables they read; the one that reads forwards has the head of both. */
static el_model_plan plan_towers(el_head_config head, el_config large, el_config small)
{
    enum { OWNER = 2 };
    el_model_plan plan = {0};
    small.causal = true;
    el_plan_add(&plan, EL_GENERATOR, small, (el_head_config){.kind = EL_HEAD_CLOZE});
    small.backwards = true;
    el_plan_add(&plan, EL_BACKWARD, small, (el_head_config){.kind = EL_HEAD_NONE});
    el_plan_add(&plan, EL_DISCRIMINATOR, large, head);
    for (int i = 0; i < OWNER; i++) {
        plan.networks[i].tying = EL_TIE_SHARED;
        plan.networks[i].owner = OWNER;
    }
    return plan;
}

el_model_plan el_objective_plan(el_objective_kind kind, el_sampler asked, el_config large, el_config small,
                                el_tying tying)
{
    el_model_plan plan = {0};
    const el_sampler sampler = el_objective_sampler(kind, asked);
    if (sampler == EL_SAMPLER_TWO_TOWERS)
        return plan_towers(KINDS[kind].large, large, small);
    large.causal = is(kind, CAUSAL);
    if (is(kind, BY_DISTANCE)) {
        large.model_type = EL_MODEL_XLNET;
        large.embedding_size = large.hidden_size;
    }
    const bool pair = el_objective_has_generator(kind) && sampler == EL_SAMPLER_NETWORK;
    if (pair)
        el_plan_add(&plan, EL_GENERATOR, small, (el_head_config){.kind = EL_HEAD_MLM});
    if (pair && is(kind, REWARDED))
        plan.networks[0].heads[plan.networks[0].head_count++] =
            (el_head_config){.kind = EL_HEAD_BASELINE, .labels = 1};
    el_plan_add(&plan, el_objective_large(kind), large, KINDS[kind].large);
    if (pair) {
        const int owner = tying == EL_TIE_GDES ? 0 : 1;
        plan.networks[1 - owner].tying = tying;
        plan.networks[1 - owner].owner = owner;
    }
    if (is(kind, BOTH_WAYS)) {
        large.backwards = true;
        el_plan_add(&plan, EL_BACKWARD, large, (el_head_config){.kind = EL_HEAD_MLM});
        plan.networks[1].tying = EL_TIE_ENDS;
    }
    return plan;
}

void el_objective_plan_sentences(el_model_plan *plan)
{
    assert(plan->count == 1);
    el_plan_add_sentences(&plan->networks[0]);
}

/* What is wrong with an objective where it is. */
typedef struct {
    bool is;
    const char *what;
} wrong;

#define FIRST_WRONG(list) first_wrong(list, (int)(sizeof(list) / sizeof *(list)))
static const char *first_wrong(const wrong *list, int count)
{
    for (int i = 0; i < count; i++)
        if (list[i].is)
            return list[i].what;
    return NULL;
}

/* What the large network, and the one that reads backwards beside it, are not; NULL: they are what the objective needs. */
static const char *misfit(el_objective_kind kind, const el_model_plan *plan)
{
    const el_network_plan *const large = el_plan_network(plan, el_objective_large(kind));
    const el_head_config *const need = &KINDS[kind].large, *const head = el_plan_head(large, need->kind);
    const bool tower = plan->count == 1 && el_plan_head(&plan->networks[0], EL_HEAD_CLOZE);
    if (!head)
        return tower ? "the model is one of two towers, which predict tokens together"
               : el_objective_has_generator(kind) ? "the model has no discriminator with a head for it"
                                                  : "the model has no generator with a head for it";
    const bool relative = el_config_relative(&large->config), causal = large->config.causal;
    const wrong list[] = {
        {need->gated && !head->gated, "the model has no gate that copies"},
        {need->energies && !head->energies, "the model says whether tokens were replaced, and no energies"},
        {!need->energies && head->energies,
         "the model says energies, no probabilities: it was trained by --objective electric"},
        {is(kind, BY_DISTANCE) && !relative, "the model attends by positions, not by distances"},
        {!is(kind, BY_DISTANCE) && relative, "the model attends by distances"},
        {need->ordered && !head->ordered, "the model predicts in no order"},
        {!is(kind, CAUSAL) && causal, "the model sees only what stands before a token"},
        {is(kind, CAUSAL) && !causal, "the model sees what stands behind a token"},
        {is(kind, BOTH_WAYS) && !el_plan_network(plan, EL_BACKWARD),
         "the model has no network that reads backwards"}};
    return FIRST_WRONG(list);
}

/* Those whose networks are most special come first; electra's are those of the ones that are not here. */
el_objective_kind el_objective_of(const el_model *model)
{
    static const el_objective_kind ORDER[] = {EL_XLNET,    EL_PERMUTATION,    EL_BIDIRECTIONAL, EL_CAUSAL,
                                              EL_ELECTRIC, EL_ALL_TOKENS_MLM, EL_REPLACE_MLM};
    const el_model_plan plan = el_plan_of(model);
    for (size_t i = 0; i < sizeof ORDER / sizeof *ORDER; i++)
        if (!misfit(ORDER[i], &plan))
            return ORDER[i];
    return el_plan_network(&plan, EL_DISCRIMINATOR) ? EL_ELECTRA : EL_MLM;
}

el_status el_objective_check(el_objective_kind kind, const el_objective_settings *s)
{
    const char *const name = KINDS[kind].name;
    const bool towers = el_objective_sampler(kind, s->sampler) == EL_SAMPLER_TWO_TOWERS;
    if (el_objective_masks(kind) && s->mask_unit != EL_MASK_PIECE && s->duplicate_slots)
        return el_options_refuse("duplicate_slots", "draws pieces by themselves, not words (--mask-unit)");
    const bool heated = s->temperature.first != 1 || s->temperature.last != 1;
    if (is(kind, AS_DRAWN) && (heated || s->disallow_correct))
        return el_options_refuse(heated ? "temperature" : "disallow_correct",
                                 "samples of %s are the generator's own, of a temperature of 1, and none is "
                                 "disallowed",
                                 name);
    if ((is(kind, JUDGED_ONCE) || towers) && s->duplicate_slots)
        return el_options_refuse("duplicate_slots", "%s judges a place once, and it may be drawn twice",
                                 name);
    return EL_OK;
}

/* The networks with the heads that the objective needs, and what it can be asked. */
static el_status check_fit(el_objective_kind kind, const el_model_plan *plan, const el_vocab *vocab,
                           const el_objective_settings *s)
{
    const el_network_plan *const generator = el_plan_network(plan, EL_GENERATOR);
    const el_sampler sampler = el_objective_sampler(kind, s->sampler);
    const bool towers = sampler == EL_SAMPLER_TWO_TOWERS, asks = s->sentence_task != EL_SENTENCES_NONE;
    const bool counted = s->sampler == EL_SAMPLER_UNIGRAM || s->sampler == EL_SAMPLER_UNIFORM;
    const bool learned = sampler == EL_SAMPLER_NETWORK && el_objective_has_generator(kind);
    const char *const unfit = misfit(kind, plan);
    const wrong list[] = {
        {(s->mask_unit != EL_MASK_PIECE || kind == EL_XLNET) && !*vocab->options.prefix,
         "this vocabulary does not tell where words begin (its continuing_subword_prefix is empty), and "
         "mask_unit hides words"},
        {unfit != NULL, unfit},
        {asks && kind != EL_MLM, "a sentence task is mlm's"},
        {asks && !el_plan_head(generator, EL_HEAD_SENTENCES), "the model has no head for pairs of sentences"},
        {towers && !(el_plan_head(generator, EL_HEAD_CLOZE) && el_plan_network(plan, EL_BACKWARD)),
         "the model has no generator of two towers"},
        {learned && !el_plan_head(generator, EL_HEAD_MLM),
         el_objective_takes(kind, EL_SAMPLER_UNIFORM)
             ? "the model has no generator, and the sampler is a network; --sampler uniform needs none"
             : "the model has no generator, and the sampler is a network"},
        {towers && !el_objective_takes(kind, sampler),
         "a generator of two towers is electra's or electric's"},
        {counted && !el_objective_takes(kind, s->sampler),
         "a sampler that is no network leaves nothing of it"},
        {s->sampler == EL_SAMPLER_UNIGRAM && !s->unigram,
         "how frequent are tokens?  The unigram sampler needs their counts"}};
    const char *const what = FIRST_WRONG(list);
    return what ? el_fail(EL_EUSAGE, "%s: %s", KINDS[kind].name, what) : el_objective_check(kind, s);
}

static el_status check(el_objective_kind kind, const el_model_plan *plan, const el_vocab *vocab,
                       const el_objective_settings *s)
{
    const double shares = s->shares.mask + s->shares.random + s->shares.keep;
    if (!(shares > 1 - 1e-9 && shares < 1 + 1e-9)) /* this way round catches nan */
        return el_fail(EL_EUSAGE, "shares of masked, random and kept tokens add up to %g, not 1", shares);
    for (int i = 0; i < plan->count; i++) {
        const el_config *c = &plan->networks[i].config;
        if (vocab->size != c->vocab_size)
            return el_fail(EL_EDATA, "the vocabulary has %d entries, the model %d", vocab->size,
                           c->vocab_size);
        for (int held = 0; held < 2; held++)
            if (el_objective_longest(s, held) > c->max_position_embeddings)
                return el_fail(EL_EUSAGE, "%ssequences of %d tokens, but the %s has %d positions",
                               held ? "held-out " : "", el_objective_longest(s, held), plan->networks[i].name,
                               c->max_position_embeddings);
    }
    return check_fit(kind, plan, vocab, s);
}

el_status el_objective_make(el_objective **objective, const el_opening *o, size_t bytes,
                            const el_objective *table,
                            el_status (*open_parts)(el_objective *self, const el_opening *opening))
{
    el_objective *const made = calloc(1, bytes);
    if (!made)
        return el_no_memory(NULL);
    *made = *table;
    made->name = el_objective_name(o->kind);
    made->model = o->model;
    const el_status st = open_parts(made, o);
    if (st) {
        made->close(made);
        return st;
    }
    made->reset(made);
    *objective = made;
    return EL_OK;
}

el_status el_slotted_open(el_slotted *slotted, const el_opening *o)
{
    slotted->settings = o->settings;
    return el_slots_open(&slotted->slots, &slotted->base, o->vocab, &o->settings, o->rows, o->heldout_rows);
}

void el_slotted_close(el_objective *self)
{
    el_slotted *const slotted = (el_slotted *)self;
    el_device_release(self->model->dev, &slotted->arena);
    el_slots_close(&slotted->slots);
    free(slotted);
}

el_status el_slotted_prepare(el_objective *self, const el_batch *batch, el_random random)
{
    return el_slots_prepare(&((el_slotted *)self)->slots, batch, random);
}

int el_slotted_fit(el_objective *self, int first)
{
    return el_slots_fit(&((const el_slotted *)self)->slots, first);
}

el_status el_overlay(el_arena *arena, int parts, el_status (*lay_out)(void *context, int part), void *context)
{
    const size_t start = arena->used;
    size_t end = start;
    el_status st = EL_OK;
    for (int i = 0; !st && i < parts; i++) {
        arena->used = start;
        st = lay_out(context, i);
        end = arena->used > end ? arena->used : end;
    }
    arena->used = end;
    return st;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

el_status el_objective_open(el_objective **objective, el_objective_kind kind, el_model *model,
                            const el_vocab *vocab, const el_objective_settings *s, int rows)
{
    *objective = NULL;
    const el_model_plan plan = el_plan_of(model);
    const el_status st = check(kind, &plan, vocab, s);
    if (st)
        return st;
    const el_opening opening = {.kind = kind,
                                .model = model,
                                .vocab = vocab,
                                .settings = *s,
                                .rows = larger(rows, s->max_seq_length),
                                .heldout_rows = larger(rows, el_objective_longest(s, true))};
    const bool towers = el_objective_sampler(kind, s->sampler) == EL_SAMPLER_TWO_TOWERS;
    return (towers ? el_electric_open : KINDS[kind].open)(objective, &opening);
}
