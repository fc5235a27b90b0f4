/* networks - a very small pair of networks in training, for tests of what is done with their parameters */
#ifndef TEST_TRAIN_NETWORKS_H
#define TEST_TRAIN_NETWORKS_H

#include "model/initialise.h"
#include "objective/objectives.h"

static inline el_config small_config(int hidden)
{
    el_config c = el_config_default();
    c.vocab_size = 11;
    c.embedding_size = 4;
    c.hidden_size = hidden;
    c.num_hidden_layers = 2;
    c.num_attention_heads = 2;
    c.intermediate_size = 2 * hidden;
    c.max_position_embeddings = 8;
    return c;
}

static inline el_status small_networks(el_model *model, el_queue *q, int hidden, el_sampler sampler,
                                       el_tying tying, uint64_t seed)
{
    el_model_plan plan = el_objective_plan(EL_ELECTRA, sampler, small_config(hidden), small_config(4), tying);
    plan.training = true;
    const el_initialisation how = {.seed = seed};
    const el_status st = el_model_open(model, q, &plan);
    return st ? st : el_model_initialise(model, &how);
}

static inline el_status small_model_on(el_model *model, el_queue *q, int hidden, el_tying tying,
                                       uint64_t seed)
{
    return small_networks(model, q, hidden, EL_SAMPLER_NETWORK, tying, seed);
}

static inline el_status small_model(el_model *model, int hidden, el_tying tying, uint64_t seed)
{
    return small_model_on(model, el_queue_reference(), hidden, tying, seed);
}

#endif
