/* flops - see the header */
#include "objective/flops.h"

#include <assert.h>
#include <math.h>

#include "objective/networks.h"
#include "objective/order.h"

el_flops_plan el_objective_cost(el_objective_kind kind, const el_model_plan *plan, double mask_prob,
                                double length)
{
    const el_network_plan *const generator = el_plan_network(plan, EL_GENERATOR);
    const el_network_plan *const large = el_plan_network(plan, el_objective_large(kind));
    const bool towers = el_objective_has_generator(kind) && generator && generator->config.causal;
    return (el_flops_plan){.objective = towers ? EL_ELECTRIC : kind,
                           .encoder = large->config,
                           .generator = generator ? generator->config : (el_config){0},
                           .sampled = !generator,
                           .frozen = generator && generator->frozen,
                           .sentences = large->heads[0].sentences,
                           .mask_prob = mask_prob,
                           .length = length};
}

double el_objective_flops(el_objective_kind kind, const el_model *model, double mask_prob, double length)
{
    const el_model_plan plan = el_plan_of(model);
    const el_flops_plan cost = el_objective_cost(kind, &plan, mask_prob, length);
    return el_flops_products_training(&cost);
}

/* ---- products ---- */

/* The layers, with `square` multiply-adds times two for each pair of tokens and feature. */
static double layers(const el_config *c, double length, double square)
{
    const double h = c->hidden_size, inner = c->intermediate_size;
    return c->num_hidden_layers * (8 * h * h + 4 * h * inner + square * length * h);
}

static double mlm_head(const el_config *c)
{
    return 2.0 * c->embedding_size * ((double)c->hidden_size + c->vocab_size);
}

static double detection_head(const el_config *c)
{
    return 2.0 * c->hidden_size * (c->hidden_size + 1.0);
}

/* The reward that an adversarial generator expects. */
static double baseline(const el_config *c)
{
    return 2.0 * c->hidden_size;
}

/* Once a sequence. */
static double sentence_head(const el_config *c)
{
    return 2.0 * c->hidden_size * (c->hidden_size + 2.0);
}

/* Of which each token sees itself and those before it: half of the attention. */
static double one_direction(const el_config *c, double length)
{
    return el_config_flops(c, length) - 2.0 * c->num_hidden_layers * length * c->hidden_size;
}

static double causal(const el_flops_plan *p)
{
    return one_direction(&p->encoder, p->length) + mlm_head(&p->encoder);
}

static double xlnet(const el_flops_plan *p)
{
    const el_config *const c = &p->encoder;
    const double h = c->hidden_size, inner = c->intermediate_size;
    const double queries = c->num_hidden_layers * (4 * h * h + 4 * h * inner + 6 * p->length * h);
    return layers(c, p->length, 6) + (queries + 2 * h * c->vocab_size) / EL_ORDER_SHARE;
}

static double towers(const el_flops_plan *p)
{
    const el_config *const g = &p->generator;
    const double e = g->embedding_size;
    return 2 * el_config_flops(g, p->length) + 4 * e * g->hidden_size + 2 * e * g->vocab_size;
}

double el_flops_products(const el_flops_plan *p)
{
    const el_config *const c = &p->encoder;
    const double encoder = el_config_flops(c, p->length);
    const double masked = encoder + p->mask_prob * mlm_head(c);
    const double guesses = el_config_flops(&p->generator, p->length) + p->mask_prob * mlm_head(&p->generator);
    const double generator = p->sampled ? 0 : p->frozen ? guesses / 3 : guesses;
    switch (p->objective) {
    case EL_ELECTRA:
        return encoder + detection_head(c) + generator;
    case EL_ADVERSARIAL:
        return encoder + detection_head(c) + generator + p->mask_prob * baseline(&p->generator);
    case EL_ELECTRA_15:
        return encoder + p->mask_prob * detection_head(c) + generator;
    case EL_MLM:
        return masked + (p->sentences ? sentence_head(c) / p->length : 0);
    case EL_REPLACE_MLM:
        return masked + generator;
    case EL_ALL_TOKENS_MLM:
        return encoder + mlm_head(c) + 2.0 * c->hidden_size + generator;
    case EL_CAUSAL:
        return causal(p);
    case EL_BIDIRECTIONAL:
        return 2 * causal(p);
    case EL_PERMUTATION:
        return encoder + (layers(c, p->length, 4) + mlm_head(c)) / EL_ORDER_SHARE;
    case EL_XLNET:
        return xlnet(p);
    case EL_TWO_STAGE:
        return (masked + encoder + detection_head(c) + masked / 3) / 2;
    case EL_ELECTRIC:
        return encoder + detection_head(c) + towers(p);
    case EL_OBJECTIVES:
        break;
    }
    assert(!"an objective");
    return NAN;
}

double el_flops_products_training(const el_flops_plan *plan)
{
    return 3 * el_flops_products(plan);
}

double el_flops_products_inference(const el_flops_plan *p, double length)
{
    const el_config *const c = &p->encoder;
    const double head = detection_head(c);
    switch (p->objective) {
    case EL_CAUSAL:
        return one_direction(c, length) + head;
    case EL_BIDIRECTIONAL:
        return 2 * (one_direction(c, length) + head);
    case EL_XLNET:
        return layers(c, length, 6) + head;
    default:
        return el_config_flops(c, length) + head;
    }
}

/* ---- the paper's accounting ----
 *
 * Operations an element: dropout 4, LayerNorm 5, GELU 8, softmax 5, a bias 1.  The LayerNorm behind attention counts 5 for
 * a token and not for an element, as in the released code: the published totals have it so. */

static double paper_layer(const el_config *c, double length)
{
    const double h = c->hidden_size, inner = c->intermediate_size, heads = c->num_attention_heads;
    const double attention = 6 * h * h + 3 * h                    /* queries, keys, values */
                             + 2 * h * length                     /* scores */
                             + (1 + 5 + 4) * length * heads       /* scaling, softmax, dropout */
                             + 2 * h * length                     /* sum of values */
                             + 2 * h * h + h                      /* output */
                             + 4 * h + h + 5;                     /* dropout, residual, LayerNorm */
    const double feed_forward = 2 * h * inner + 8 * inner + inner /* in, GELU, bias */
                                + 2 * h * inner + h               /* out */
                                + 4 * h + h + 5 * h;              /* dropout, residual, LayerNorm */
    return attention + feed_forward;
}

static double paper_encoder(const el_config *c, double length)
{
    const double e = c->embedding_size, h = c->hidden_size;
    const double input = 2 * e * c->vocab_size + 2 * e * (length + 2) /* tokens; positions and types */
                         + 2 * e + 5 * e + 4 * e                      /* sums, LayerNorm, dropout */
                         + (c->embedding_size != c->hidden_size ? 2 * h * e + h : 0);
    return input + c->num_hidden_layers * paper_layer(c, length);
}

static const double PREDICTED = 20.0 / 128; /* of the tokens, where some are hidden */

static double paper_mlm_head(const el_config *c, double predicted)
{
    const double e = c->embedding_size, v = c->vocab_size;
    return predicted * (2 * e * v + 2 * c->hidden_size * e + (1 + 8 + 5) * e + (5 + 2) * v);
}

static double paper_detection_head(const el_config *c)
{
    const double h = c->hidden_size;
    return 2 * h * h + h + 8 * h + 2 * h;
}

static double paper_generator(const el_flops_plan *p)
{
    return p->sampled ? 0
                      : paper_encoder(&p->generator, p->length) + paper_mlm_head(&p->generator, PREDICTED);
}

double el_flops_paper(const el_flops_plan *p)
{
    const double encoder = paper_encoder(&p->encoder, p->length);
    if (p->objective == EL_MLM)
        return encoder + paper_mlm_head(&p->encoder, PREDICTED);
    if (p->objective == EL_CAUSAL)
        return encoder + paper_mlm_head(&p->encoder, 1);
    if (p->objective != EL_ELECTRA)
        return NAN;
    return encoder + paper_detection_head(&p->encoder) + paper_generator(p);
}

double el_flops_paper_training(const el_flops_plan *p)
{
    const bool forward_alone = p->objective == EL_ELECTRA && p->frozen; /* of the generator */
    return 2 * el_flops_paper(p) - (forward_alone ? paper_generator(p) : 0);
}

double el_flops_paper_inference(const el_flops_plan *p, double length)
{
    const bool otherwise =
        p->objective == EL_CAUSAL || p->objective == EL_BIDIRECTIONAL || p->objective == EL_XLNET;
    return otherwise ? NAN : paper_encoder(&p->encoder, length) + paper_detection_head(&p->encoder);
}

/* ---- what was published ---- */

const el_published EL_PUBLISHED[] = {
    {"ELMo", NULL, EL_BIDIRECTIONAL, 3.3e18, 2.6e10, 96e6, 71.2},
    {"BERT-Small", "small", EL_MLM, 1.4e18, 3.7e9, 14e6, 75.1},
    {"ELECTRA-Small", "small", EL_ELECTRA, 1.4e18, 3.7e9, 14e6, 79.9},
    {"ELECTRA-Small, 50 %", "small", EL_ELECTRA, 7.1e17, 3.7e9, 14e6, 79.0},
    {"ELECTRA-Small, 25 %", "small", EL_ELECTRA, 3.6e17, 3.7e9, 14e6, 77.7},
    {"ELECTRA-Small, 12.5 %", "small", EL_ELECTRA, 1.8e17, 3.7e9, 14e6, 76.0},
    {"ELECTRA-Small, 6.25 %", "small", EL_ELECTRA, 8.9e16, 3.7e9, 14e6, 74.1},
    {"BERT-Base", "base", EL_MLM, 6.4e19, 2.9e10, 110e6, 82.2},
    {"ELECTRA-Base", "base", EL_ELECTRA, 6.4e19, 2.9e10, 110e6, 85.1},
    {"GPT", NULL, EL_CAUSAL, 4.0e19, 3.0e10, 117e6, 78.8},
    {"BERT-Large", "large", EL_MLM, 1.9e20, 0, 335e6, 84.0},
    {"BERT-Large, our training", "large", EL_MLM, 7.1e20, 0, 335e6, 87.2},
    {"RoBERTa-100K", "large", EL_MLM, 6.4e20, 0, 356e6, 87.9},
    {"RoBERTa-500K", "large", EL_MLM, 3.2e21, 0, 356e6, 88.9},
    {"XLNet", "large", EL_XLNET, 3.9e21, 0, 360e6, 89.1},
    {"ELECTRA-400K", "large", EL_ELECTRA, 7.1e20, 0, 335e6, 89.0},
    {"ELECTRA-1.75M", "large", EL_ELECTRA, 3.1e21, 0, 335e6, 89.5},
};
const int EL_PUBLISHED_ROWS = sizeof EL_PUBLISHED / sizeof *EL_PUBLISHED;
