/* networks - see the header */
#include "objective/networks.h"

#include <string.h>

el_model_plan el_plan_of(const el_model *model)
{
    el_model_plan plan = {.count = model->count};
    for (int i = 0; i < model->count; i++) {
        const el_network *const net = &model->networks[i];
        plan.networks[i] = (el_network_plan){.name = net->name,
                                             .config = net->config,
                                             .head_count = net->head_count,
                                             .tying = net->tying,
                                             .owner = net->owner,
                                             .frozen = el_network_frozen(net)};
        for (int h = 0; h < net->head_count; h++)
            plan.networks[i].heads[h] = net->heads[h].config;
    }
    return plan;
}

const el_network_plan *el_plan_network(const el_model_plan *plan, const char *name)
{
    for (int i = 0; i < plan->count; i++)
        if (strcmp(plan->networks[i].name, name) == 0)
            return &plan->networks[i];
    return NULL;
}

const el_head_config *el_plan_head(const el_network_plan *net, el_head_kind kind)
{
    for (int i = 0; net && i < net->head_count; i++)
        if (net->heads[i].kind == kind)
            return &net->heads[i];
    return NULL;
}
