/* lines - which parameters a model has, in which order, and whose they are: a line of a list for each
 *
 * Run twice on the same lists, first to measure memory and then to bind it (params.h).
 */
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "model/relative.h"

/* The tables a network owns; under gdes the discriminator's are what it adds. */
static void list_tables(el_params *params, const el_config *c, el_embed_weights *w, el_embed_weights *g,
                        el_init init, bool product)
{
    const int e = c->embedding_size;
    el_param_add(params, &w->word, &g->word, (el_param_form){c->vocab_size, e, init, 0, product},
                 "electra.embeddings.word_embeddings.weight");
    el_param_add(params, &w->position, &g->position,
                 (el_param_form){c->max_position_embeddings, e, init, 0, false},
                 "electra.embeddings.position_embeddings.weight");
    el_param_add(params, &w->type, &g->type, (el_param_form){c->type_vocab_size, e, init, 0, false},
                 "electra.embeddings.token_type_embeddings.weight");
}

static void list_embed_norm(el_params *params, const el_config *c, el_embed_weights *w, el_embed_weights *g)
{
    el_param_add(params, &w->norm_gamma, &g->norm_gamma,
                 (el_param_form){1, c->embedding_size, EL_INIT_ONE, 0, false},
                 "electra.embeddings.LayerNorm.weight");
    el_param_add(params, &w->norm_beta, &g->norm_beta,
                 (el_param_form){1, c->embedding_size, EL_INIT_ZERO, 0, false},
                 "electra.embeddings.LayerNorm.bias");
}

static void list_norm(el_params *params, el_tensor *gamma, el_tensor *dgamma, el_tensor *beta,
                      el_tensor *dbeta, int width, int depth, const char *name)
{
    el_param_add(params, gamma, dgamma, (el_param_form){1, width, EL_INIT_ONE, depth, false}, "%s.weight",
                 name);
    el_param_add(params, beta, dbeta, (el_param_form){1, width, EL_INIT_ZERO, depth, false}, "%s.bias", name);
}

/* With biases, and without distances. */
static void list_attention(el_params *params, const el_config *c, el_attention_weights *w,
                           el_attention_weights *g, int depth, const char *base)
{
    static const char *const QKV[] = {"query", "key", "value"};
    const int h = c->hidden_size;
    char name[96];
    snprintf(name, sizeof name, "%sattention.self.", base);
    el_param_add_stack(params, &w->qkv_w, &g->qkv_w, 3, (el_param_form){h, h, EL_INIT_NORMAL, depth, true},
                       name, QKV, ".weight");
    el_param_add_stack(params, &w->qkv_b, &g->qkv_b, 3, (el_param_form){1, h, EL_INIT_ZERO, depth, false},
                       name, QKV, ".bias");
    snprintf(name, sizeof name, "%sattention.output.dense", base);
    el_param_add_affine(params, &w->out_w, &g->out_w, &w->out_b, &g->out_b,
                        (el_param_form){h, h, EL_INIT_NORMAL, depth, true}, name);
}

static void list_layer(el_params *params, const el_config *c, el_layer_weights *w, el_layer_weights *g,
                       int layer, int depth)
{
    const int h = c->hidden_size, inner = c->intermediate_size;
    char base[64], name[96];
    snprintf(base, sizeof base, "electra.encoder.layer.%d.", layer);
    (el_config_relative(c) ? el_relative_list_layer : list_attention)(params, c, &w->attention, &g->attention,
                                                                      depth, base);
    snprintf(name, sizeof name, "%sattention.output.LayerNorm", base);
    list_norm(params, &w->attention.norm_gamma, &g->attention.norm_gamma, &w->attention.norm_beta,
              &g->attention.norm_beta, h, depth, name);
    snprintf(name, sizeof name, "%sintermediate.dense", base);
    el_param_add_affine(params, &w->ffn.up_w, &g->ffn.up_w, &w->ffn.up_b, &g->ffn.up_b,
                        (el_param_form){inner, h, EL_INIT_NORMAL, depth, true}, name);
    snprintf(name, sizeof name, "%soutput.dense", base);
    el_param_add_affine(params, &w->ffn.down_w, &g->ffn.down_w, &w->ffn.down_b, &g->ffn.down_b,
                        (el_param_form){h, inner, EL_INIT_NORMAL, depth, true}, name);
    snprintf(name, sizeof name, "%soutput.LayerNorm", base);
    list_norm(params, &w->ffn.norm_gamma, &g->ffn.norm_gamma, &w->ffn.norm_beta, &g->ffn.norm_beta, h, depth,
              name);
}

/* Shared layers are listed once, at the depth of the last place where they are used. */
static void list_encoder(el_params *params, const el_config *c, el_encoder_weights *w, el_encoder_weights *g)
{
    if (el_config_projects(c))
        el_param_add_affine(params, &w->project_w, &g->project_w, &w->project_b, &g->project_b,
                            (el_param_form){c->hidden_size, c->embedding_size, EL_INIT_GLOROT, 0, true},
                            "electra.embeddings_project");
    for (int i = 0; i < c->num_hidden_layers; i++) {
        const int group = el_config_group(c, i);
        int last = i;
        while (last + 1 < c->num_hidden_layers && el_config_group(c, last + 1) == group)
            last++;
        if (i == 0 || el_config_group(c, i - 1) != group) {
            list_layer(params, c, &w->layers[i], &g->layers[i], group, last + 1);
        } else {
            w->layers[i] = w->layers[i - 1];
            g->layers[i] = g->layers[i - 1];
        }
    }
}

static void list_mlm_head(el_network *net, bool gated, el_mlm_weights *w, el_mlm_weights *g)
{
    const el_config *c = &net->config;
    const int depth = c->num_hidden_layers + 2;
    if (!el_config_relative(c)) {
        el_param_add_affine(&net->params, &w->dense_w, &g->dense_w, &w->dense_b, &g->dense_b,
                            (el_param_form){c->embedding_size, c->hidden_size, EL_INIT_NORMAL, depth, true},
                            "generator_predictions.dense");
        list_norm(&net->params, &w->norm_gamma, &g->norm_gamma, &w->norm_beta, &g->norm_beta,
                  c->embedding_size, depth, "generator_predictions.LayerNorm");
    }
    el_param_add(&net->params, &w->bias, &g->bias,
                 (el_param_form){1, c->vocab_size, EL_INIT_ZERO, depth, false}, "generator_lm_head.bias");
    if (gated)
        el_param_add_affine(&net->params, &w->gate_w, &g->gate_w, &w->gate_b, &g->gate_b,
                            (el_param_form){1, c->hidden_size, EL_INIT_NORMAL, depth, true},
                            "copy_gate"); /* small: it begins with a copy as likely as not */
    w->word = net->w.embed.word;
    g->word = net->g.embed.word;
    w->word.rows = g->word.rows = c->vocab_size; /* without what query rows show */
}

/* As a generator's, but for names and for what it reads: this network's states and those of one that reads backwards. */
static void list_cloze_head(el_network *net, el_mlm_weights *w, el_mlm_weights *g)
{
    const el_config *c = &net->config;
    const int depth = c->num_hidden_layers + 2;
    el_param_add_affine(&net->params, &w->dense_w, &g->dense_w, &w->dense_b, &g->dense_b,
                        (el_param_form){c->embedding_size, 2 * c->hidden_size, EL_INIT_NORMAL, depth, true},
                        "cloze_predictions.dense");
    list_norm(&net->params, &w->norm_gamma, &g->norm_gamma, &w->norm_beta, &g->norm_beta, c->embedding_size,
              depth, "cloze_predictions.LayerNorm");
    el_param_add(&net->params, &w->bias, &g->bias,
                 (el_param_form){1, c->vocab_size, EL_INIT_ZERO, depth, false}, "cloze_predictions.bias");
    w->word = net->w.embed.word;
    g->word = net->g.embed.word;
}

static void list_rtd_head(el_network *net, el_rtd_weights *w, el_rtd_weights *g)
{
    const el_config *c = &net->config;
    const int depth = c->num_hidden_layers + 2;
    el_param_add_affine(&net->params, &w->dense_w, &g->dense_w, &w->dense_b, &g->dense_b,
                        (el_param_form){c->hidden_size, c->hidden_size, EL_INIT_NORMAL, depth, true},
                        "discriminator_predictions.dense");
    el_param_add_affine(&net->params, &w->out_w, &g->out_w, &w->out_b, &g->out_b,
                        (el_param_form){1, c->hidden_size, EL_INIT_GLOROT, depth, true},
                        "discriminator_predictions.dense_prediction");
}

/* The owner's: it has as many, of the same kinds. */
static void share_heads(el_network *net, const el_network *owner)
{
    const int depth = owner->config.num_hidden_layers + 2;
    memcpy(net->heads, owner->heads, sizeof net->heads);
    for (int i = 0; i < owner->params.count; i++)
        if (owner->params.items[i].depth == depth)
            el_param_share(&net->params, &owner->params.items[i]);
}

static void list_heads(el_network *net)
{
    for (int i = 0; i < net->head_count; i++) {
        el_head *head = &net->heads[i];
        if (head->config.kind == EL_HEAD_MLM)
            list_mlm_head(net, head->config.gated, &head->mlm.w, &head->mlm.g);
        else if (head->config.kind == EL_HEAD_CLOZE)
            list_cloze_head(net, &head->mlm.w, &head->mlm.g);
        else if (head->config.kind == EL_HEAD_DETECTION)
            list_rtd_head(net, &head->rtd.w, &head->rtd.g);
        else
            el_head_list(&net->params, &net->config, &head->config, &head->task.w, &head->task.g);
    }
}

/* Lists as shared every line of `owner` whose name begins with `prefix`. */
static void share_lines(el_params *params, const el_params *owner, const char *prefix)
{
    for (int i = 0; i < owner->count; i++)
        if (strncmp(owner->items[i].name, prefix, strlen(prefix)) == 0)
            el_param_share(params, &owner->items[i]);
}

/* The owner's tables with a delta of its own: lines named as Hugging Face names the sum. */
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

/* Whether products read the word table of network `number`: those of its own head, and of heads that view it. */
static bool table_is_read(const el_model *model, int number)
{
    for (int i = 0; i < model->count; i++) {
        const el_network *net = &model->networks[i];
        const bool views = i == number || (net->owner == number &&
                                           (net->tying == EL_TIE_SHARED || net->tying == EL_TIE_ALL));
        if (views && (el_network_head(net, EL_HEAD_MLM) || el_network_head(net, EL_HEAD_CLOZE)))
            return true;
    }
    return false;
}

static void list_own(el_model *model, int number)
{
    el_network *net = &model->networks[number];
    if (el_config_relative(&net->config)) {
        el_relative_list_words(&net->params, &net->config, &net->w.embed, &net->g.embed,
                               table_is_read(model, number));
    } else {
        list_tables(&net->params, &net->config, &net->w.embed, &net->g.embed, EL_INIT_NORMAL,
                    table_is_read(model, number));
        list_embed_norm(&net->params, &net->config, &net->w.embed, &net->g.embed);
    }
    net->params.int8 = model->int8;
    net->params.packed = model->packed;
    list_encoder(&net->params, &net->config, &net->w, &net->g);
    net->params.int8 = net->params.packed = false; /* heads are small, and what they say is what counts */
}

static void copy_encoder(el_encoder_weights *to, const el_encoder_weights *from, int layers)
{
    to->project_w = from->project_w;
    to->project_b = from->project_b;
    memcpy(to->layers, from->layers, (size_t)layers * sizeof *to->layers);
}

static void list_tied(el_network *net, const el_network *owner)
{
    if (net->tying == EL_TIE_GDES) {
        list_delta(net, owner);
    } else {
        net->w.embed = owner->w.embed;
        net->g.embed = owner->g.embed;
        share_lines(&net->params, &owner->params,
                    net->tying == EL_TIE_ALL ? "electra." : "electra.embeddings.");
    }
    if (net->tying == EL_TIE_ALL) {
        copy_encoder(&net->w, &owner->w, net->config.num_hidden_layers);
        copy_encoder(&net->g, &owner->g, net->config.num_hidden_layers);
    } else {
        list_encoder(&net->params, &net->config, &net->w, &net->g);
    }
}

/* Owners before those who view what is theirs. */
void el_model_list(el_model *model)
{
    for (int i = 0; i < model->count; i++)
        model->networks[i].params.count = model->networks[i].params.matrix_count = 0;
    for (int i = 0; i < model->count; i++)
        if (model->networks[i].tying == EL_TIE_SEPARATE)
            list_own(model, i);
    for (int i = 0; i < model->count; i++)
        if (model->networks[i].tying != EL_TIE_SEPARATE)
            list_tied(&model->networks[i], &model->networks[model->networks[i].owner]);
    for (int i = 0; i < model->count; i++)
        if (model->networks[i].tying != EL_TIE_ENDS)
            list_heads(&model->networks[i]);
    for (int i = 0; i < model->count; i++)
        if (model->networks[i].tying == EL_TIE_ENDS)
            share_heads(&model->networks[i], &model->networks[model->networks[i].owner]);
}
