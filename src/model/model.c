/* model - which parameters there are, in which order, and whose they are */
#include "model/model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tables a network owns; under gdes the discriminator's are what it adds. */
static void list_tables(el_params *params, const el_config *c, el_embed_weights *w, el_embed_weights *g,
                        el_init init, bool product)
{
    const int e = c->embedding_size;
    el_param_add(params, &w->word, &g->word, c->vocab_size, e, init, 0, product,
                 "electra.embeddings.word_embeddings.weight");
    el_param_add(params, &w->position, &g->position, c->max_position_embeddings, e, init, 0, false,
                 "electra.embeddings.position_embeddings.weight");
    el_param_add(params, &w->type, &g->type, c->type_vocab_size, e, init, 0, false,
                 "electra.embeddings.token_type_embeddings.weight");
}

static void list_embed_norm(el_params *params, const el_config *c, el_embed_weights *w, el_embed_weights *g)
{
    el_param_add(params, &w->norm_gamma, &g->norm_gamma, 1, c->embedding_size, EL_INIT_ONE, 0, false,
                 "electra.embeddings.LayerNorm.weight");
    el_param_add(params, &w->norm_beta, &g->norm_beta, 1, c->embedding_size, EL_INIT_ZERO, 0, false,
                 "electra.embeddings.LayerNorm.bias");
}

static void list_norm(el_params *params, el_tensor *gamma, el_tensor *dgamma, el_tensor *beta,
                      el_tensor *dbeta, int width, int depth, const char *name)
{
    el_param_add(params, gamma, dgamma, 1, width, EL_INIT_ONE, depth, false, "%s.weight", name);
    el_param_add(params, beta, dbeta, 1, width, EL_INIT_ZERO, depth, false, "%s.bias", name);
}

static void list_layer(el_params *params, const el_config *c, el_layer_weights *w, el_layer_weights *g,
                       int layer)
{
    static const char *const QKV[] = {"query", "key", "value"};
    const int h = c->hidden_size, inner = c->intermediate_size, depth = layer + 1;
    char base[64], name[96];
    snprintf(base, sizeof base, "electra.encoder.layer.%d.", layer);
    snprintf(name, sizeof name, "%sattention.self.", base);
    el_param_add_stack(params, &w->attention.qkv_w, &g->attention.qkv_w, 3, h, h, EL_INIT_NORMAL, depth, true,
                       name, QKV, ".weight");
    el_param_add_stack(params, &w->attention.qkv_b, &g->attention.qkv_b, 3, 1, h, EL_INIT_ZERO, depth, false,
                       name, QKV, ".bias");
    snprintf(name, sizeof name, "%sattention.output.dense", base);
    el_param_add_affine(params, &w->attention.out_w, &g->attention.out_w, &w->attention.out_b,
                        &g->attention.out_b, h, h, EL_INIT_NORMAL, depth, name);
    snprintf(name, sizeof name, "%sattention.output.LayerNorm", base);
    list_norm(params, &w->attention.norm_gamma, &g->attention.norm_gamma, &w->attention.norm_beta,
              &g->attention.norm_beta, h, depth, name);
    snprintf(name, sizeof name, "%sintermediate.dense", base);
    el_param_add_affine(params, &w->ffn.up_w, &g->ffn.up_w, &w->ffn.up_b, &g->ffn.up_b, inner, h,
                        EL_INIT_NORMAL, depth, name);
    snprintf(name, sizeof name, "%soutput.dense", base);
    el_param_add_affine(params, &w->ffn.down_w, &g->ffn.down_w, &w->ffn.down_b, &g->ffn.down_b, h, inner,
                        EL_INIT_NORMAL, depth, name);
    snprintf(name, sizeof name, "%soutput.LayerNorm", base);
    list_norm(params, &w->ffn.norm_gamma, &g->ffn.norm_gamma, &w->ffn.norm_beta, &g->ffn.norm_beta, h, depth,
              name);
}

static void list_encoder(el_params *params, const el_config *c, el_encoder_weights *w, el_encoder_weights *g)
{
    if (c->embedding_size != c->hidden_size)
        el_param_add_affine(params, &w->project_w, &g->project_w, &w->project_b, &g->project_b,
                            c->hidden_size, c->embedding_size, EL_INIT_GLOROT, 0,
                            "electra.embeddings_project");
    for (int i = 0; i < c->num_hidden_layers; i++)
        list_layer(params, c, &w->layers[i], &g->layers[i], i);
}

static void list_mlm_head(el_network *net)
{
    const el_config *c = &net->config;
    el_mlm_weights *w = &net->mlm_w, *g = &net->mlm_g;
    const int depth = c->num_hidden_layers + 2;
    el_param_add_affine(&net->params, &w->dense_w, &g->dense_w, &w->dense_b, &g->dense_b, c->embedding_size,
                        c->hidden_size, EL_INIT_NORMAL, depth, "generator_predictions.dense");
    list_norm(&net->params, &w->norm_gamma, &g->norm_gamma, &w->norm_beta, &g->norm_beta, c->embedding_size,
              depth, "generator_predictions.LayerNorm");
    el_param_add(&net->params, &w->bias, &g->bias, 1, c->vocab_size, EL_INIT_ZERO, depth, false,
                 "generator_lm_head.bias");
    w->word = net->w.embed.word;
    g->word = net->g.embed.word;
}

static void list_rtd_head(el_network *net)
{
    const el_config *c = &net->config;
    el_rtd_weights *w = &net->rtd_w, *g = &net->rtd_g;
    const int depth = c->num_hidden_layers + 2;
    el_param_add_affine(&net->params, &w->dense_w, &g->dense_w, &w->dense_b, &g->dense_b, c->hidden_size,
                        c->hidden_size, EL_INIT_NORMAL, depth, "discriminator_predictions.dense");
    el_param_add_affine(&net->params, &w->out_w, &g->out_w, &w->out_b, &g->out_b, 1, c->hidden_size,
                        EL_INIT_GLOROT, depth, "discriminator_predictions.dense_prediction");
}

/* Lists as shared every line of `owner` whose name begins with `prefix`. */
static void share_lines(el_params *params, const el_params *owner, const char *prefix)
{
    for (int i = 0; i < owner->count; i++)
        if (strncmp(owner->items[i].name, prefix, strlen(prefix)) == 0)
            el_param_share(params, &owner->items[i]);
}

/* The generator's tables with the discriminator's own delta: lines named as Hugging Face names the sum. */
static void list_delta(el_network *net, const el_network *owner)
{
    const int first = net->params.count;
    list_tables(&net->params, &net->config, &net->w.embed, &net->g.embed, EL_INIT_ZERO, false);
    net->w.embed.word_base = owner->w.embed.word;
    net->w.embed.position_base = owner->w.embed.position;
    net->w.embed.type_base = owner->w.embed.type;
    const el_tensor bases[] = {net->w.embed.word_base, net->w.embed.position_base, net->w.embed.type_base};
    for (int i = first; i < net->params.count; i++)
        net->params.items[i].base = bases[i - first];
    list_embed_norm(&net->params, &net->config, &net->w.embed, &net->g.embed);
}

static void list_own_embeddings(el_network *net, bool product)
{
    list_tables(&net->params, &net->config, &net->w.embed, &net->g.embed, EL_INIT_NORMAL, product);
    list_embed_norm(&net->params, &net->config, &net->w.embed, &net->g.embed);
}

/* The network that owns what is shared is listed first: the generator under gdes, else the discriminator; a network
 * alone owns all it has. */
static void list_all(el_model *model)
{
    el_network *gen = &model->generator, *disc = &model->discriminator;
    const bool both = gen->present && disc->present;
    el_network *first = (both && model->tying == EL_TIE_GDES) || !disc->present ? gen : disc;
    el_network *second = first == gen ? disc : gen;
    gen->params.count = disc->params.count = gen->params.matrix_count = disc->params.matrix_count = 0;
    if (first->present) {
        list_own_embeddings(first, gen->present && (first == gen || model->tying != EL_TIE_SEPARATE));
        list_encoder(&first->params, &first->config, &first->w, &first->g);
    }
    if (first->present && second->present) {
        const bool all = model->tying == EL_TIE_ALL;
        if (model->tying == EL_TIE_SEPARATE) {
            list_own_embeddings(second, second == gen);
        } else if (model->tying == EL_TIE_GDES) {
            list_delta(second, first);
        } else {
            second->w.embed = first->w.embed;
            second->g.embed = first->g.embed;
            share_lines(&second->params, &first->params, all ? "electra." : "electra.embeddings.");
        }
        if (all) {
            second->w.project_w = first->w.project_w, second->w.project_b = first->w.project_b;
            second->g.project_w = first->g.project_w, second->g.project_b = first->g.project_b;
            memcpy(second->w.layers, first->w.layers,
                   (size_t)first->config.num_hidden_layers * sizeof *first->w.layers);
            memcpy(second->g.layers, first->g.layers,
                   (size_t)first->config.num_hidden_layers * sizeof *first->g.layers);
        } else {
            list_encoder(&second->params, &second->config, &second->w, &second->g);
        }
    }
    if (gen->present)
        list_mlm_head(gen);
    if (disc->present && disc->head.kind == EL_HEAD_DETECTION)
        list_rtd_head(disc);
    else if (disc->present)
        el_head_list(&disc->params, &disc->config, &disc->head, &disc->head_w, &disc->head_g);
}

static el_status network_open(el_network *net, el_model *model, bool present, el_config config)
{
    *net = (el_network){.present = present, .config = config};
    if (!present)
        return EL_OK;
    net->params = (el_params){.dev = model->dev,
                              .arena = &model->arena,
                              .parameters = model->parameters,
                              .activations = model->activations,
                              .training = model->training};
    net->w.layers = calloc((size_t)config.num_hidden_layers, sizeof *net->w.layers);
    net->g.layers = calloc((size_t)config.num_hidden_layers, sizeof *net->g.layers);
    if (!net->w.layers || !net->g.layers)
        return el_fail(EL_ENOMEM, "no memory for the list of layers");
    return el_config_check(&net->config, present ? "the model" : "");
}

static el_status check_tying(const el_model_plan *plan)
{
    const el_config *g = &plan->generator_config, *d = &plan->discriminator_config;
    if (!plan->generator || !plan->discriminator)
        return EL_OK;
    if (g->vocab_size != d->vocab_size)
        return el_fail(EL_EUSAGE, "the generator has %d vocabulary entries, the discriminator %d",
                       g->vocab_size, d->vocab_size);
    if (plan->tying != EL_TIE_SEPARATE &&
        (g->embedding_size != d->embedding_size || g->max_position_embeddings != d->max_position_embeddings ||
         g->type_vocab_size != d->type_vocab_size))
        return el_fail(EL_EUSAGE,
                       "shared embeddings need the same embedding_size, max_position_embeddings and "
                       "type_vocab_size in both networks");
    if (plan->tying == EL_TIE_ALL &&
        (g->hidden_size != d->hidden_size || g->num_hidden_layers != d->num_hidden_layers ||
         g->intermediate_size != d->intermediate_size || g->num_attention_heads != d->num_attention_heads))
        return el_fail(EL_EUSAGE, "sharing all weights needs a generator as large as the discriminator");
    return EL_OK;
}

/* The longest sequences and widest heads there can be. */
static el_status reserve_scratch(el_model *model)
{
    int longest = 1, head = 1;
    const el_network *nets[] = {&model->generator, &model->discriminator};
    for (int i = 0; i < 2; i++)
        if (nets[i]->present) {
            const el_config *c = &nets[i]->config;
            const int size = c->hidden_size / c->num_attention_heads;
            longest = c->max_position_embeddings > longest ? c->max_position_embeddings : longest;
            head = size > head ? size : head;
        }
    return model->q->reserve(model->q, longest, head);
}

el_status el_model_open(el_model *model, el_queue *q, const el_model_plan *plan)
{
    *model = (el_model){.dev = q->dev,
                        .q = q,
                        .tying = plan->tying,
                        .activations = plan->activations,
                        .parameters = plan->parameters,
                        .training = plan->training};
    el_status st = check_tying(plan);
    if (!st)
        st = network_open(&model->generator, model, plan->generator, plan->generator_config);
    if (!st)
        st = network_open(&model->discriminator, model, plan->discriminator, plan->discriminator_config);
    model->discriminator.head = plan->head;
    if (!st)
        st = reserve_scratch(model);
    if (!st) {
        list_all(model);
        st = el_device_reserve(q->dev, &model->arena);
    }
    if (!st) {
        list_all(model);
        st = el_params_check(&model->generator.params);
    }
    if (!st)
        st = el_params_check(&model->discriminator.params);
    if (st)
        el_model_close(model);
    return st;
}

static void network_close(el_network *net)
{
    free(net->w.layers);
    free(net->g.layers);
    el_params_release(&net->params);
}

void el_model_close(el_model *model)
{
    if (!model->dev)
        return;
    network_close(&model->generator);
    network_close(&model->discriminator);
    el_device_release(model->dev, &model->arena);
    *model = (el_model){0};
}

/* Prepares the matrices from `next` on that end at lines up to `line`; the first that does not. */
static int prepare(el_model *model, const el_params *params, int next, int line)
{
    for (; next < params->matrix_count && params->matrices[next].line <= line; next++)
        model->q->prepare(model->q, params->matrices[next].value, params->matrices[next].type,
                          model->training);
    return next;
}

void el_model_prepare(el_model *model)
{
    prepare(model, &model->generator.params, 0, INT_MAX);
    prepare(model, &model->discriminator.params, 0, INT_MAX);
}

static void each(el_model *model, el_param_visit *visit, void *context, bool change)
{
    const el_network *const nets[] = {&model->generator, &model->discriminator};
    static const char *const NAMES[] = {"generator", "discriminator"};
    for (int n = 0; n < 2; n++)
        for (int i = 0, prepared = 0; i < nets[n]->params.count; i++) {
            if (!nets[n]->params.items[i].shared)
                visit(context, NAMES[n], &nets[n]->params.items[i]);
            if (change)
                prepared = prepare(model, &nets[n]->params, prepared, i);
        }
}

void el_model_each(el_model *model, el_param_visit *visit, void *context)
{
    each(model, visit, context, false);
}

void el_model_change(el_model *model, el_param_visit *visit, void *context)
{
    each(model, visit, context, true);
}

static void zero_gradient(void *context, const char *network, el_param *param)
{
    (void)network;
    el_queue *q = context;
    q->zero(q, param->gradient);
}

void el_model_zero_gradients(el_model *model)
{
    el_model_each(model, zero_gradient, model->q);
}

static void count_elements(void *context, const char *network, el_param *param)
{
    (void)network;
    *(int64_t *)context += el_param_elements(param);
}

int64_t el_model_parameters(el_model *model)
{
    int64_t count = 0;
    el_model_each(model, count_elements, &count);
    return count;
}
