/* model - see the header; which parameters it has is in lines.c */
#include "model/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/relative.h"

/* ---- opening ---- */

el_network_plan *el_plan_add(el_model_plan *plan, const char *name, el_config config, el_head_config head)
{
    assert(plan->count < EL_MOST_NETWORKS);
    el_network_plan *net = &plan->networks[plan->count++];
    *net = (el_network_plan){.name = name, .config = config};
    if (head.kind != EL_HEAD_NONE || head.pooler)
        net->heads[net->head_count++] = head;
    return net;
}

void el_plan_add_sentences(el_network_plan *net)
{
    assert(net->head_count == 1 && net->heads[0].kind == EL_HEAD_MLM);
    net->heads[0].sentences = true;
    net->heads[net->head_count++] = (el_head_config){.kind = EL_HEAD_SENTENCES, .labels = 2};
}

static el_status check_pair(const el_network_plan *net, const el_network_plan *owner)
{
    const el_config *a = &net->config, *b = &owner->config;
    assert(owner->tying == EL_TIE_SEPARATE && owner != net && "an owner owns what it has");
    assert(!net->frozen && !owner->frozen && "a frozen network owns what it has, alone");
    if (a->embedding_size != b->embedding_size || a->max_position_embeddings != b->max_position_embeddings ||
        a->type_vocab_size != b->type_vocab_size)
        return el_fail(EL_EUSAGE,
                       "shared embeddings need the same embedding_size, max_position_embeddings and "
                       "type_vocab_size in both networks");
    if (net->tying == EL_TIE_ENDS && a->hidden_size != b->hidden_size)
        return el_fail(EL_EUSAGE, "a shared head needs a %s as wide as the %s", net->name, owner->name);
    if (net->tying == EL_TIE_ALL &&
        (a->hidden_size != b->hidden_size || a->num_hidden_layers != b->num_hidden_layers ||
         a->intermediate_size != b->intermediate_size || a->num_attention_heads != b->num_attention_heads ||
         a->num_hidden_groups != b->num_hidden_groups))
        return el_fail(EL_EUSAGE, "sharing all weights needs a %s as large as the %s", net->name,
                       owner->name);
    return EL_OK;
}

static el_status check_plan(const el_model_plan *plan)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < plan->count; i++) {
        const el_network_plan *net = &plan->networks[i], *first = &plan->networks[0];
        if (net->config.vocab_size != first->config.vocab_size)
            st = el_fail(EL_EUSAGE, "the %s has %d vocabulary entries, the %s %d", first->name,
                         first->config.vocab_size, net->name, net->config.vocab_size);
        else if (net->tying != EL_TIE_SEPARATE)
            st = check_pair(net, &plan->networks[net->owner]);
        for (int h = 0; !st && h < net->head_count; h++)
            if (net->tying == EL_TIE_GDES && net->heads[h].kind == EL_HEAD_MLM)
                st = el_fail(EL_EUSAGE,
                             "a %s that predicts tokens cannot have gdes embeddings: no one table is its own",
                             net->name);
    }
    return st;
}

static el_status network_open(el_network *net, el_model *model, const el_network_plan *plan)
{
    const el_status st = el_config_check(&plan->config, "the model");
    if (st)
        return st;
    *net = (el_network){.name = plan->name,
                        .config = plan->config,
                        .head_count = plan->head_count,
                        .tying = plan->tying,
                        .owner = plan->owner};
    for (int i = 0; i < plan->head_count; i++)
        net->heads[i].config = plan->heads[i];
    net->params = (el_params){.dev = model->dev,
                              .memory = &model->memory,
                              .parameters = model->parameters,
                              .activations = model->activations,
                              .training = model->training && !plan->frozen};
    net->w.layers = calloc((size_t)net->config.num_hidden_layers, sizeof *net->w.layers);
    net->g.layers = calloc((size_t)net->config.num_hidden_layers, sizeof *net->g.layers);
    if (!net->w.layers || !net->g.layers)
        return el_no_memory(NULL);
    return EL_OK;
}

/* For the longest sequences and widest heads there can be. */
el_status el_model_reserve(const el_model *model)
{
    int longest = 1, head = 1;
    for (int i = 0; i < model->count; i++) {
        const el_config *c = &model->networks[i].config;
        const int size = c->hidden_size / c->num_attention_heads;
        longest = c->max_position_embeddings > longest ? c->max_position_embeddings : longest;
        head = size > head ? size : head;
    }
    return model->q->reserve(model->q, longest, head);
}

/* Takes memory for what was measured, and gives each region its part. */
static el_status reserve_memory(el_model *model)
{
    el_param_memory *const memory = &model->memory;
    el_arena *parts[EL_REGIONS + 1] = {[EL_REGIONS] = &memory->copies};
    memory->whole.used = memory->copies.used;
    for (int i = 0; i < EL_REGIONS; i++) {
        parts[i] = &memory->regions[i];
        memory->whole.used += parts[i]->used;
    }
    const el_status st = el_device_reserve(model->dev, &memory->whole);
    char *place = memory->whole.base;
    for (int i = 0; !st && i <= EL_REGIONS; i++) {
        *parts[i] = (el_arena){.base = place, .size = parts[i]->used};
        place += parts[i]->size;
    }
    return st;
}

/* Fills the lists of what is trained; there is room. */
static void list_trained(el_model *model)
{
    el_trained_list *t = &model->trained;
    t->value_count = t->count = t->matrix_count = 0;
    for (int n = 0; n < model->count; n++) {
        const el_params *params = &model->networks[n].params;
        for (int i = 0, matrix = 0; i < params->count; i++) {
            const el_param *p = &params->items[i];
            if (p->shared)
                continue;
            t->values[t->value_count++] = p->value;
            for (; matrix < params->matrix_count && params->matrices[matrix].line <= i; matrix++)
                if (!p->frozen) {
                    t->matrices[t->matrix_count] = params->matrices[matrix];
                    t->matrices[t->matrix_count++].line = t->count;
                }
            if (p->frozen)
                continue;
            t->gradients[t->count] = p->gradient;
            t->params[t->count++] = (el_trained){.value = p->value,
                                                 .m = p->m,
                                                 .v = p->v,
                                                 .gradient = p->gradient,
                                                 .scale = 1,
                                                 .decays = p->decay};
        }
    }
}

static el_status open_trained(el_model *model)
{
    el_trained_list *t = &model->trained;
    size_t params = 1, matrices = 1;
    for (int i = 0; i < model->count; i++) {
        params += (size_t)model->networks[i].params.count;
        matrices += (size_t)model->networks[i].params.matrix_count;
    }
    t->values = calloc(params, sizeof *t->values);
    t->gradients = calloc(params, sizeof *t->gradients);
    t->params = calloc(params, sizeof *t->params);
    t->matrices = calloc(matrices, sizeof *t->matrices);
    t->squares = model->dev->alloc(model->dev, sizeof *t->squares);
    if (!t->values || !t->gradients || !t->params || !t->matrices || !t->squares)
        return el_no_memory(NULL);
    list_trained(model);
    return EL_OK;
}

static el_status check_int8(const el_model *model)
{
    if (model->training)
        return el_fail(EL_EUSAGE, "int8 is for answers: nothing can be trained in it");
    if (!model->dev->int8_steps)
        return el_fail(EL_EUSAGE, "%s: the device has no products of whole numbers (int8)", model->dev->name);
    return EL_OK;
}

el_status el_model_open(el_model *model, el_queue *q, const el_model_plan *plan)
{
    *model = (el_model){.dev = q->dev,
                        .q = q,
                        .activations = plan->activations == EL_I8 ? EL_F32 : plan->activations,
                        .int8 = plan->activations == EL_I8,
                        .parameters = plan->parameters,
                        .training = plan->training,
                        .packed = plan->packed && q->dev->packs};
    assert(!(model->packed && model->training));
    el_status st = check_plan(plan);
    if (!st && model->int8)
        st = check_int8(model);
    for (int i = 0; !st && i < plan->count; i++) {
        model->count++;
        st = network_open(&model->networks[i], model, &plan->networks[i]);
    }
    if (!st)
        st = el_model_reserve(model);
    if (!st) {
        el_model_list(model);
        st = reserve_memory(model);
    }
    if (!st) {
        el_model_list(model);
        for (int i = 0; !st && i < model->count; i++)
            st = el_params_check(&model->networks[i].params);
    }
    for (int i = 0; !st && i < model->count; i++)
        st = el_relative_fill(model->q, &model->networks[i].w.embed);
    if (!st)
        st = model->training ? open_trained(model) : EL_OK;
    for (int i = 0; !st && i < plan->count; i++)
        if (plan->networks[i].frozen)
            el_model_freeze(model, plan->networks[i].name, true);
    if (st)
        el_model_close(model);
    return st;
}

void el_model_close(el_model *model)
{
    if (!model->dev)
        return;
    for (int i = 0; i < model->count; i++) {
        free(model->networks[i].w.layers);
        free(model->networks[i].g.layers);
        el_params_release(&model->networks[i].params);
    }
    el_device_release(model->dev, &model->memory.whole);
    free(model->trained.values);
    free(model->trained.gradients);
    free(model->trained.params);
    free(model->trained.matrices);
    model->dev->release(model->dev, model->trained.squares);
    *model = (el_model){0};
}

/* ---- what is open ---- */

const el_network *el_model_network(const el_model *model, const char *name)
{
    for (int i = 0; i < model->count; i++)
        if (strcmp(model->networks[i].name, name) == 0)
            return &model->networks[i];
    return NULL;
}

const el_head *el_network_head(const el_network *net, el_head_kind kind)
{
    for (int i = 0; i < net->head_count; i++)
        if (net->heads[i].config.kind == kind)
            return &net->heads[i];
    return NULL;
}

bool el_network_frozen(const el_network *net)
{
    return net->params.items[0].frozen;
}

el_tensor el_model_region(const el_model *model, int region)
{
    const el_arena *arena = &model->memory.regions[region];
    const size_t cols = EL_ALIGNMENT / el_type_bytes(model->parameters);
    return el_tensor_make(arena->base, model->parameters, (int)(arena->size / EL_ALIGNMENT), (int)cols);
}

void el_model_prepare(el_model *model)
{
    for (int n = 0; n < model->count; n++) {
        const el_params *params = &model->networks[n].params;
        for (int i = 0; i < params->matrix_count; i++)
            if (params->matrices[i].value.data) /* else it was when it was read */
                model->q->prepare(model->q, params->matrices[i].value, params->matrices[i].type,
                                  params->training);
    }
}

void el_model_zero_gradients(el_model *model)
{
    model->q->zero(model->q, el_model_region(model, EL_GRADIENTS));
}

void el_model_freeze(el_model *model, const char *name, bool frozen)
{
    for (int n = 0; n < model->count; n++) {
        el_params *const params = &model->networks[n].params;
        if (strcmp(model->networks[n].name, name) != 0)
            continue;
        assert((frozen || params->training) && "there is room for its gradients");
        for (int i = 0; i < params->count; i++)
            params->items[i].frozen = frozen;
    }
    if (model->training)
        list_trained(model);
}

void el_model_each(el_model *model, el_param_visit *visit, void *context)
{
    for (int n = 0; n < model->count; n++)
        for (int i = 0; i < model->networks[n].params.count; i++)
            if (!model->networks[n].params.items[i].shared)
                visit(context, &model->networks[n], &model->networks[n].params.items[i]);
}

static void count_elements(void *context, const el_network *net, el_param *param)
{
    (void)net;
    *(int64_t *)context += el_param_elements(param);
}

int64_t el_model_parameters(el_model *model)
{
    int64_t count = 0;
    el_model_each(model, count_elements, &count);
    return count;
}
