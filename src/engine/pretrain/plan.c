/* plan - what the parts of the library are told: networks, objective, optimizer, and the cost of a token */
#include "engine/pretrain/settings.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "objective/objectives.h"

static int64_t in_proportion(double whole, double share)
{
    const double size = rint(whole * share);
    return size < 1 ? 1 : (int64_t)size;
}
/* As many groups as layers are no groups. */
static void share_layers(el_config *c, int64_t groups)
{
    const bool shares = groups > 0 && groups < c->num_hidden_layers;
    c->num_hidden_groups = shares ? (int)groups : 0;
    c->model_type = shares ? EL_MODEL_ALBERT : EL_MODEL_ELECTRA;
}

/* transformers' ELECTRA has no head for pairs: a BERT has, and where embeddings have another width an ALBERT whose layers are
 * all different. */
static void name_for_sentences(el_config *c)
{
    if (c->model_type == EL_MODEL_ALBERT)
        return;
    const bool bert = c->embedding_size == c->hidden_size;
    c->model_type = bert ? EL_MODEL_BERT : EL_MODEL_ALBERT;
    c->num_hidden_groups = bert ? 0 : c->num_hidden_layers;
}

/* What has no setting stays as the weights have it. */
static void keep_constants(el_config *c, const el_config *start)
{
    if (!start)
        return;
    c->type_vocab_size = start->type_vocab_size;
    c->pad_token_id = start->pad_token_id;
    c->layer_norm_eps = start->layer_norm_eps;
    c->initializer_range = start->initializer_range;
}

static el_config discriminator_config(const el_pretrain_settings *s, int vocab_size)
{
    el_config c = el_config_default();
    c.vocab_size = vocab_size;
    c.embedding_size = (int)s->embedding_size;
    c.hidden_size = (int)s->hidden_size;
    c.num_hidden_layers = (int)s->num_hidden_layers;
    c.num_attention_heads = (int)s->num_attention_heads;
    c.intermediate_size = (int)s->intermediate_size;
    c.max_position_embeddings = (int)s->max_position_embeddings;
    c.hidden_dropout_prob = s->dropout;
    c.attention_probs_dropout_prob = s->attention_dropout;
    keep_constants(&c, s->start);
    share_layers(&c, s->num_hidden_groups);
    if (s->choice.told.sentence_task != EL_SENTENCES_NONE)
        name_for_sentences(&c);
    return c;
}

/* Heads as wide as the discriminator's where the width allows. */
static int generator_heads(const el_pretrain_settings *s, int64_t hidden)
{
    int64_t heads = in_proportion((double)s->num_attention_heads, (double)hidden / (double)s->hidden_size);
    while (hidden % heads != 0)
        heads--;
    return (int)heads;
}

static el_config generator_config(const el_pretrain_settings *s, el_config c)
{
    if (s->frozen_generator)
        return *s->frozen_generator;
    if (s->embeddings == EL_TIE_ALL || s->objective == EL_TWO_STAGE)
        return c;
    const int64_t hidden = in_proportion((double)s->hidden_size, s->generator_hidden_size);
    const int64_t inner =
        in_proportion((double)s->intermediate_size, (double)hidden / (double)s->hidden_size);
    c.hidden_size = (int)hidden;
    c.num_hidden_layers = (int)in_proportion((double)s->num_hidden_layers, s->generator_layers);
    c.num_attention_heads =
        s->generator_attention_heads ? (int)s->generator_attention_heads : generator_heads(s, hidden);
    c.intermediate_size = s->generator_intermediate_size ? (int)s->generator_intermediate_size : (int)inner;
    keep_constants(&c, s->start_generator);
    if (s->embeddings == EL_TIE_SEPARATE)
        c.embedding_size = c.hidden_size;
    share_layers(&c, s->num_hidden_groups);
    return c;
}

el_status el_pretrain_plan(const el_pretrain_settings *s, int vocab_size, el_model_plan *plan)
{
    const el_config d = discriminator_config(s, vocab_size);
    const el_objective_kind kind = (el_objective_kind)s->objective;
    const el_sampler sampler = el_objective_choice_settings(&s->choice, kind).sampler;
    *plan = el_objective_plan(kind, sampler, d, generator_config(s, d), (el_tying)s->embeddings);
    if (s->choice.told.sentence_task != EL_SENTENCES_NONE)
        el_objective_plan_sentences(plan);
    plan->activations = el_machine_type(&s->machine);
    plan->parameters = EL_F32;
    plan->training = true;
    for (int i = 0; s->frozen_generator && i < plan->count; i++)
        plan->networks[i].frozen = strcmp(plan->networks[i].name, EL_GENERATOR) == 0;
    el_status st = EL_OK;
    for (int i = plan->count - 1; !st && i >= 0; i--)
        st = el_config_check(&plan->networks[i].config, plan->networks[i].name);
    return st == EL_EDATA ? EL_EUSAGE : st;
}

el_status el_pretrain_cost(const el_pretrain_settings *s, int vocab_size, double attended,
                           el_flops_plan *cost)
{
    el_model_plan plan;
    const el_status st = el_pretrain_plan(s, vocab_size, &plan);
    if (!st)
        *cost =
            el_objective_cost((el_objective_kind)s->objective, &plan,
                              (s->choice.told.mask_prob.first + s->choice.told.mask_prob.last) / 2, attended);
    return st;
}

bool el_pretrain_cost_changes(const el_pretrain_settings *s, int vocab_size)
{
    const el_objective_kind kind = (el_objective_kind)s->objective;
    const el_course share = s->choice.told.mask_prob;
    el_model_plan plan;
    if (kind == EL_TWO_STAGE || el_pretrain_plan(s, vocab_size, &plan))
        return kind == EL_TWO_STAGE;
    const el_flops_plan first = el_objective_cost(kind, &plan, share.first, 1),
                        last = el_objective_cost(kind, &plan, share.last, 1);
    return el_flops_products(&first) != el_flops_products(&last);
}

el_status el_pretrain_budget(el_pretrain_settings *s, int vocab_size, double attended, double tokens)
{
    el_flops_plan cost;
    const el_status st = el_pretrain_cost(s, vocab_size, attended, &cost);
    if (st)
        return st;
    const double step = el_flops_products_training(&cost) * (double)s->train_batch_size * tokens;
    const double steps = rint(s->flops_budget / step);
    if (steps < 1)
        return el_options_refuse("flops_budget", "%g is less than half a step, which costs %.3g",
                                 s->flops_budget, step);
    if (steps > 1e9)
        return el_options_refuse("flops_budget", "%g would be %.3g steps, more than 1e9", s->flops_budget,
                                 steps);
    s->num_train_steps = (int64_t)steps;
    return EL_OK;
}

el_initialisation el_pretrain_initialisation(const el_pretrain_settings *s)
{
    return (el_initialisation){.fan_in = s->initialisation == EL_INITIALISE_FAN_IN,
                               .sine_positions = s->sine_positions,
                               .neighbour_heads = s->neighbour_heads,
                               .neighbour_sharpness = s->neighbour_sharpness,
                               .seed = (uint64_t)s->seed};
}

el_objective_settings el_pretrain_objective(const el_pretrain_settings *s, int max_seq_length)
{
    el_objective_settings o = el_objective_choice_settings(&s->choice, (el_objective_kind)s->objective);
    o.steps = s->schedule_steps;
    o.max_seq_length = max_seq_length;
    return o;
}

el_schedule el_pretrain_schedule(const el_pretrain_settings *s)
{
    return (el_schedule){.peak = s->learning_rate,
                         .power = s->lr_decay_power,
                         .warmup = s->num_warmup_steps,
                         .steps = s->schedule_steps,
                         .restart = s->objective == EL_TWO_STAGE ? s->schedule_steps / 2 : 0};
}

el_optimizer el_pretrain_optimizer(const el_pretrain_settings *s)
{
    return (el_optimizer){.beta1 = s->adam_beta1,
                          .beta2 = s->adam_beta2,
                          .epsilon = s->adam_epsilon,
                          .weight_decay = s->weight_decay_rate,
                          .max_norm = s->max_grad_norm,
                          .generator_rate = s->generator_learning_rate > 0 && s->learning_rate > 0
                                                ? s->generator_learning_rate / s->learning_rate
                                                : 1,
                          .generator_max_norm = s->generator_max_grad_norm,
                          .bias_correction = s->bias_correction,
                          .depth_decay = 1};
}
