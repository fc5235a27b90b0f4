/* objectives - the table, and what is checked of all */
#include "objective/objectives.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "objective/kinds.h"

static const struct {
    const char *name;
    bool generator; /* beside the large network, which is one itself where there is none */
    el_head_kind large;
    el_flops_objective flops;
    el_status (*open)(el_objective **objective, const el_opening *opening);
    int ways;  /* in which causal networks read; 0: nothing is causal */
    bool seen; /* nothing is masked */
} KINDS[EL_OBJECTIVES] = {
    [EL_ELECTRA] = {.name = "electra",
                    .generator = true,
                    .large = EL_HEAD_DETECTION,
                    .flops = EL_FLOPS_ELECTRA,
                    .open = el_electra_open},
    [EL_MLM] = {.name = "mlm", .large = EL_HEAD_MLM, .flops = EL_FLOPS_MLM, .open = el_mlm_open},
    [EL_ELECTRA_15] = {.name = "electra-15",
                       .generator = true,
                       .large = EL_HEAD_DETECTION,
                       .flops = EL_FLOPS_ELECTRA_15,
                       .open = el_electra_open},
    [EL_TWO_STAGE] = {.name = "two-stage",
                      .generator = true,
                      .large = EL_HEAD_DETECTION,
                      .flops = EL_FLOPS_TWO_STAGE,
                      .open = el_electra_open},
    [EL_ADVERSARIAL] = {.name = "adversarial",
                        .generator = true,
                        .large = EL_HEAD_DETECTION,
                        .flops = EL_FLOPS_ADVERSARIAL,
                        .open = el_adversarial_open},
    [EL_ELECTRIC] = {.name = "electric",
                     .generator = true,
                     .large = EL_HEAD_DETECTION,
                     .flops = EL_FLOPS_ELECTRIC,
                     .open = el_electric_open},
    [EL_REPLACE_MLM] = {.name = "replace-mlm",
                        .generator = true,
                        .large = EL_HEAD_MLM,
                        .flops = EL_FLOPS_REPLACE_MLM,
                        .open = el_replace_mlm_open},
    [EL_ALL_TOKENS_MLM] = {.name = "all-tokens-mlm",
                           .generator = true,
                           .large = EL_HEAD_MLM,
                           .flops = EL_FLOPS_ALL_TOKENS_MLM,
                           .open = el_all_tokens_open},
    [EL_CAUSAL] = {.name = "causal",
                   .large = EL_HEAD_MLM,
                   .flops = EL_FLOPS_CAUSAL,
                   .open = el_causal_open,
                   .ways = 1,
                   .seen = true},
    [EL_BIDIRECTIONAL] = {.name = "bidirectional",
                          .large = EL_HEAD_MLM,
                          .flops = EL_FLOPS_BIDIRECTIONAL,
                          .open = el_causal_open,
                          .ways = 2,
                          .seen = true},
    [EL_PERMUTATION] = {.name = "permutation",
                        .large = EL_HEAD_MLM,
                        .flops = EL_FLOPS_PERMUTATION,
                        .open = el_permutation_open,
                        .seen = true},
    [EL_XLNET] = {.name = "xlnet",
                  .large = EL_HEAD_MLM,
                  .flops = EL_FLOPS_XLNET,
                  .open = el_permutation_open,
                  .seen = true},
};

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
    return !KINDS[kind].seen;
}

bool el_objective_rewrites(el_objective_kind kind)
{
    return KINDS[kind].generator && KINDS[kind].large == EL_HEAD_MLM;
}

bool el_objective_has_generator(el_objective_kind kind)
{
    return KINDS[kind].generator;
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
static el_model_plan plan_towers(el_config large, el_config small, bool energies)
{
    enum { OWNER = 2 };
    el_model_plan plan = {0};
    small.causal = true;
    el_plan_add(&plan, EL_GENERATOR, small, (el_head_config){.kind = EL_HEAD_CLOZE});
    small.backwards = true;
    el_plan_add(&plan, EL_BACKWARD, small, (el_head_config){.kind = EL_HEAD_NONE});
    el_plan_add(&plan, EL_DISCRIMINATOR, large,
                (el_head_config){.kind = EL_HEAD_DETECTION, .energies = energies});
    for (int i = 0; i < OWNER; i++) {
        plan.networks[i].tying = EL_TIE_SHARED;
        plan.networks[i].owner = OWNER;
    }
    return plan;
}

el_model_plan el_objective_plan(el_objective_kind kind, el_sampler sampler, el_config large, el_config small,
                                el_tying tying)
{
    el_model_plan plan = {0};
    if (kind == EL_ELECTRIC || sampler == EL_SAMPLER_TWO_TOWERS)
        return plan_towers(large, small, kind == EL_ELECTRIC);
    large.causal = KINDS[kind].ways > 0;
    if (kind == EL_XLNET) {
        large.model_type = EL_MODEL_XLNET;
        large.embedding_size = large.hidden_size;
    }
    const bool pair = KINDS[kind].generator && sampler == EL_SAMPLER_NETWORK;
    if (pair)
        el_plan_add(&plan, EL_GENERATOR, small, (el_head_config){.kind = EL_HEAD_MLM});
    if (pair && kind == EL_ADVERSARIAL)
        plan.networks[0].heads[plan.networks[0].head_count++] =
            (el_head_config){.kind = EL_HEAD_BASELINE, .labels = 1};
    el_plan_add(&plan, KINDS[kind].generator ? EL_DISCRIMINATOR : EL_GENERATOR, large,
                (el_head_config){.kind = KINDS[kind].large,
                                 .gated = kind == EL_ALL_TOKENS_MLM,
                                 .ordered = kind == EL_PERMUTATION || kind == EL_XLNET});
    if (pair) {
        const int owner = tying == EL_TIE_GDES ? 0 : 1;
        plan.networks[1 - owner].tying = tying;
        plan.networks[1 - owner].owner = owner;
    }
    if (KINDS[kind].ways > 1) {
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

el_objective_kind el_objective_of(const el_model *model)
{
    const el_network *large = el_model_network(model, EL_DISCRIMINATOR);
    const el_head *const judges = large ? el_network_head(large, EL_HEAD_DETECTION) : NULL;
    if (judges && judges->config.energies)
        return EL_ELECTRIC;
    if (model->networks[0].config.causal)
        return el_model_network(model, EL_BACKWARD) ? EL_BIDIRECTIONAL : EL_CAUSAL;
    const el_head *const first = el_network_head(&model->networks[0], EL_HEAD_MLM);
    if (first && first->config.ordered)
        return el_config_relative(&model->networks[0].config) ? EL_XLNET : EL_PERMUTATION;
    const el_head *const predicts = large ? el_network_head(large, EL_HEAD_MLM) : NULL;
    return !large                   ? EL_MLM
           : !predicts              ? EL_ELECTRA
           : predicts->config.gated ? EL_ALL_TOKENS_MLM
                                    : EL_REPLACE_MLM;
}

/* The network that is fine-tuned. */
static const el_network *large_network(el_objective_kind kind, const el_model *model)
{
    return el_model_network(model, KINDS[kind].generator ? EL_DISCRIMINATOR : EL_GENERATOR);
}

/* A generator that is causal, beside a large network, is one of two towers. */
static el_flops_plan cost(el_objective_kind kind, const el_config *large, const el_config *generator,
                          bool frozen, bool sentences, double mask_prob, double length)
{
    const bool towers = KINDS[kind].generator && generator && generator->causal;
    return (el_flops_plan){.objective = towers ? EL_FLOPS_ELECTRIC : KINDS[kind].flops,
                           .encoder = *large,
                           .generator = generator ? *generator : (el_config){0},
                           .sampled = !generator,
                           .frozen = frozen,
                           .sentences = sentences,
                           .mask_prob = mask_prob,
                           .length = length};
}

static const el_network_plan *planned(const el_model_plan *plan, const char *name)
{
    for (int i = 0; i < plan->count; i++)
        if (strcmp(plan->networks[i].name, name) == 0)
            return &plan->networks[i];
    return NULL;
}

el_flops_plan el_objective_cost(el_objective_kind kind, const el_model_plan *plan, double mask_prob,
                                double length)
{
    const el_network_plan *generator = planned(plan, EL_GENERATOR);
    const el_network_plan *large = planned(plan, KINDS[kind].generator ? EL_DISCRIMINATOR : EL_GENERATOR);
    return cost(kind, &large->config, generator ? &generator->config : NULL, generator && generator->frozen,
                large->heads[0].sentences, mask_prob, length);
}

double el_objective_flops(el_objective_kind kind, const el_model *model, double mask_prob, double length)
{
    const el_network *generator = el_model_network(model, EL_GENERATOR);
    const el_network *large = large_network(kind, model);
    const el_flops_plan plan =
        cost(kind, &large->config, generator ? &generator->config : NULL,
             generator && el_network_frozen(generator), large->heads[0].config.sentences, mask_prob, length);
    return el_flops_products_training(&plan);
}

static bool has_towers(el_objective_kind kind, const el_objective_settings *s)
{
    return kind == EL_ELECTRIC || s->sampler == EL_SAMPLER_TWO_TOWERS;
}

/* The networks with the heads that the objective needs. */
static el_status check_networks(el_objective_kind kind, const el_model *model, const el_objective_settings *s)
{
    const bool pair = KINDS[kind].generator, towers = has_towers(kind, s);
    const bool sampled = s->sampler == EL_SAMPLER_UNIGRAM || s->sampler == EL_SAMPLER_UNIFORM;
    const el_network *generator = el_model_network(model, EL_GENERATOR);
    const el_network *large = large_network(kind, model);
    if (!large || !el_network_head(large, KINDS[kind].large))
        return el_fail(EL_EUSAGE, "%s: the model has no %s with a head for it", KINDS[kind].name,
                       KINDS[kind].generator ? EL_DISCRIMINATOR : EL_GENERATOR);
    if (kind == EL_ALL_TOKENS_MLM && !el_network_head(large, EL_HEAD_MLM)->config.gated)
        return el_fail(EL_EUSAGE, "%s: the model has no gate that copies", KINDS[kind].name);
    const el_head *const judges = el_network_head(large, EL_HEAD_DETECTION);
    if (judges && judges->config.energies != (kind == EL_ELECTRIC))
        return el_fail(EL_EUSAGE, "%s: the model says %s", KINDS[kind].name,
                       kind == EL_ELECTRIC
                           ? "whether tokens were replaced, and no energies"
                           : "energies, no probabilities: it was trained by --objective electric");
    if (el_config_relative(&large->config) != (kind == EL_XLNET))
        return el_fail(EL_EUSAGE, "%s: the model %s", KINDS[kind].name,
                       kind == EL_XLNET ? "attends by places, not by distances" : "attends by distances");
    if (kind == EL_PERMUTATION && !el_network_head(large, EL_HEAD_MLM)->config.ordered)
        return el_fail(EL_EUSAGE, "%s: the model predicts in no order", KINDS[kind].name);
    if (large->config.causal != (KINDS[kind].ways > 0))
        return el_fail(EL_EUSAGE, "%s: the model %s", KINDS[kind].name,
                       large->config.causal ? "sees only what stands before a token"
                                            : "sees what stands behind a token");
    if (s->sentence_task != EL_SENTENCES_NONE && kind != EL_MLM)
        return el_fail(EL_EUSAGE, "%s: a sentence task is mlm's", KINDS[kind].name);
    if (s->sentence_task != EL_SENTENCES_NONE && !el_network_head(large, EL_HEAD_SENTENCES))
        return el_fail(EL_EUSAGE, "%s: the model has no head for pairs of sentences", KINDS[kind].name);
    if (KINDS[kind].ways > 1 && !el_model_network(model, EL_BACKWARD))
        return el_fail(EL_EUSAGE, "%s: the model has no network that reads backwards", KINDS[kind].name);
    if (towers &&
        (!generator || !el_network_head(generator, EL_HEAD_CLOZE) || !el_model_network(model, EL_BACKWARD)))
        return el_fail(EL_EUSAGE, "%s: the model has no generator of two towers", KINDS[kind].name);
    if (pair && !towers && !sampled && (!generator || !el_network_head(generator, EL_HEAD_MLM)))
        return el_fail(EL_EUSAGE, "%s: the model has no generator, and the sampler is a network",
                       KINDS[kind].name);
    if (s->sampler == EL_SAMPLER_TWO_TOWERS && kind != EL_ELECTRA && kind != EL_ELECTRIC)
        return el_fail(EL_EUSAGE, "%s: a generator of two towers is electra's or electric's",
                       KINDS[kind].name);
    if (sampled && kind != EL_ELECTRA && kind != EL_ELECTRA_15)
        return el_fail(EL_EUSAGE, "%s: a sampler that is no network leaves nothing of it", KINDS[kind].name);
    if (s->sampler == EL_SAMPLER_UNIGRAM && !s->unigram)
        return el_fail(EL_EUSAGE, "%s: how frequent are tokens?  The unigram sampler needs their counts",
                       KINDS[kind].name);
    return EL_OK;
}

static el_status check(el_objective_kind kind, const el_model *model, const el_vocab *vocab,
                       const el_objective_settings *s)
{
    const double shares = s->shares.mask + s->shares.random + s->shares.keep;
    if (!(shares > 1 - 1e-9 && shares < 1 + 1e-9)) /* this way round catches nan */
        return el_fail(EL_EUSAGE, "shares of masked, random and kept tokens add up to %g, not 1", shares);
    if (s->mask_unit != EL_MASK_PIECE && s->duplicate_slots)
        return el_fail(EL_EUSAGE, "duplicate_slots draws pieces by themselves, not words");
    if ((kind == EL_ADVERSARIAL || kind == EL_ELECTRIC) &&
        (s->temperature.first != 1 || s->temperature.last != 1 || s->disallow_correct))
        return el_fail(EL_EUSAGE,
                       "%s: samples are the generator's own: a temperature of 1, and none disallowed",
                       KINDS[kind].name);
    if ((kind == EL_ELECTRA_15 || kind == EL_ADVERSARIAL || kind == EL_ALL_TOKENS_MLM ||
         has_towers(kind, s)) &&
        s->duplicate_slots)
        return el_fail(EL_EUSAGE, "%s: a place that is drawn twice would be judged once; no duplicate_slots",
                       KINDS[kind].name);
    for (int i = 0; i < model->count; i++) {
        const el_config *c = &model->networks[i].config;
        if (vocab->size != c->vocab_size)
            return el_fail(EL_EDATA, "the vocabulary has %d entries, the model %d", vocab->size,
                           c->vocab_size);
        for (int held = 0; held < 2; held++)
            if (el_objective_longest(s, held) > c->max_position_embeddings)
                return el_fail(EL_EUSAGE, "%ssequences of %d tokens, but the %s has %d positions",
                               held ? "held-out " : "", el_objective_longest(s, held),
                               model->networks[i].name, c->max_position_embeddings);
    }
    return check_networks(kind, model, s);
}

el_status el_objective_make(el_objective **objective, const el_opening *o, size_t bytes,
                            const el_objective *table,
                            el_status (*open_parts)(el_objective *self, const el_opening *opening))
{
    el_objective *const made = calloc(1, bytes);
    if (!made)
        return el_fail(EL_ENOMEM, "no memory for the objective");
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

static int larger(int a, int b)
{
    return a > b ? a : b;
}

el_status el_objective_open(el_objective **objective, el_objective_kind kind, el_model *model,
                            const el_vocab *vocab, const el_objective_settings *s, int rows)
{
    *objective = NULL;
    const el_status st = check(kind, model, vocab, s);
    if (st)
        return st;
    const el_opening opening = {.kind = kind,
                                .model = model,
                                .vocab = vocab,
                                .settings = *s,
                                .rows = larger(rows, s->max_seq_length),
                                .heldout_rows = larger(rows, el_objective_longest(s, true))};
    return has_towers(kind, s) ? el_electric_open(objective, &opening)
                               : KINDS[kind].open(objective, &opening);
}
