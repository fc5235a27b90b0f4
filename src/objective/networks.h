/* networks - what networks a plan has, and what a model has, asked in one way */
#ifndef EL_OBJECTIVE_NETWORKS_H
#define EL_OBJECTIVE_NETWORKS_H

#include "model/model.h"

/* What a model would be opened by: its networks and heads, and which are frozen. */
el_model_plan el_plan_of(const el_model *model);

/* The network of this name, or NULL; its head of this kind, or NULL, also where `net` is. */
const el_network_plan *el_plan_network(const el_model_plan *plan, const char *name);
const el_head_config *el_plan_head(const el_network_plan *net, el_head_kind kind);

#endif
