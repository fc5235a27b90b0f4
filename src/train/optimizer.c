/* optimizer - see the header */
#include "train/optimizer.h"

#include <assert.h>
#include <math.h>

el_optimizer el_optimizer_defaults(void)
{
    return (el_optimizer){.beta1 = 0.9,
                          .beta2 = 0.999,
                          .epsilon = 1e-6,
                          .weight_decay = 0.01,
                          .max_norm = 1.0,
                          .depth_decay = 1.0};
}

double el_gradient_norm(el_model *model)
{
    const el_trained_list *t = &model->trained;
    return sqrt(model->q->sum_squares(model->q, t->gradients, t->count));
}

bool el_model_finite(el_model *model)
{
    const el_trained_list *t = &model->trained;
    return isfinite(model->q->sum_squares(model->q, t->values, t->value_count));
}

typedef struct {
    const el_optimizer *optimizer;
    el_trained *next; /* the list's line of the next parameter that is trained */
} scaling;

static void scale_param(void *context, const el_network *net, el_param *param)
{
    scaling *s = context;
    if (param->frozen)
        return;
    const int below_head = net->config.num_hidden_layers + 2 - param->depth;
    const int exponent = below_head - (below_head > 0 && !s->optimizer->depth_as_original);
    s->next++->scale = s->optimizer->depth_decay == 1.0 ? 1.0 : pow(s->optimizer->depth_decay, exponent);
}

void el_optimizer_update(const el_optimizer *o, el_model *model, double rate, double norm, int64_t updates)
{
    assert(isfinite(norm) && "the caller skips such a step");
    const double t = (double)(updates + 1);
    const el_adamw step = {.rate = rate,
                           .beta1 = o->beta1,
                           .beta2 = o->beta2,
                           .epsilon = o->epsilon,
                           .decay = o->weight_decay,
                           .clip = o->max_norm > 0 && norm > o->max_norm ? o->max_norm / norm : 1.0,
                           .m_correction = o->bias_correction ? 1.0 / (1.0 - pow(o->beta1, t)) : 1.0,
                           .v_correction = o->bias_correction ? 1.0 / (1.0 - pow(o->beta2, t)) : 1.0};
    const el_trained_list *list = &model->trained;
    scaling s = {o, list->params};
    el_model_each(model, scale_param, &s);
    model->q->adamw(model->q, list->params, list->count, list->matrices, list->matrix_count, step);
}

void el_optimizer_forget(el_model *model)
{
    model->q->zero(model->q, el_model_region(model, EL_FIRST_MOMENTS));
    model->q->zero(model->q, el_model_region(model, EL_SECOND_MOMENTS));
}
