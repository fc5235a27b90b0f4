/* optimizer - see the header */
#include "train/optimizer.h"

#include <assert.h>
#include <math.h>
#include <string.h>

el_optimizer el_optimizer_defaults(void)
{
    return (el_optimizer){.beta1 = 0.9,
                          .beta2 = 0.999,
                          .epsilon = 1e-6,
                          .weight_decay = 0.01,
                          .max_norm = 1.0,
                          .depth_decay = 1.0};
}

typedef struct {
    el_queue *q;
    double squares;
} squares_sum;

static void add_gradient(void *context, const char *network, el_param *param)
{
    (void)network;
    squares_sum *sum = context;
    sum->squares += sum->q->sum_squares(sum->q, param->gradient);
}

static void add_value(void *context, const char *network, el_param *param)
{
    (void)network;
    squares_sum *sum = context;
    sum->squares += sum->q->sum_squares(sum->q, param->value);
}

double el_gradient_norm(el_model *model)
{
    squares_sum sum = {.q = model->q};
    el_model_each(model, add_gradient, &sum);
    return sqrt(sum.squares);
}

bool el_model_finite(el_model *model)
{
    squares_sum sum = {.q = model->q};
    el_model_each(model, add_value, &sum);
    return isfinite(sum.squares);
}

typedef struct {
    const el_optimizer *optimizer;
    el_model *model;
    el_adamw step; /* of a parameter that decays, at the top */
} update;

static double depth_scale(const update *u, const char *network, const el_param *param)
{
    if (u->optimizer->depth_decay == 1.0)
        return 1.0;
    const bool generator = strcmp(network, "generator") == 0;
    const el_network *net = generator ? &u->model->generator : &u->model->discriminator;
    const int below_head = net->config.num_hidden_layers + 2 - param->depth;
    return pow(u->optimizer->depth_decay, below_head - (below_head > 0 && !u->optimizer->depth_as_original));
}

static void update_param(void *context, const char *network, el_param *param)
{
    const update *u = context;
    el_adamw step = u->step;
    step.rate *= depth_scale(u, network, param);
    if (!param->decay)
        step.decay = 0;
    el_queue *q = u->model->q;
    q->adamw(q, param->value, param->m, param->v, param->gradient, step);
}

void el_optimizer_update(const el_optimizer *o, el_model *model, double rate, double norm, int64_t updates)
{
    assert(isfinite(norm) && "the caller skips such a step");
    const double t = (double)(updates + 1);
    update u = {.optimizer = o, .model = model};
    u.step = (el_adamw){.rate = rate,
                        .beta1 = o->beta1,
                        .beta2 = o->beta2,
                        .epsilon = o->epsilon,
                        .decay = o->weight_decay,
                        .clip = o->max_norm > 0 && norm > o->max_norm ? o->max_norm / norm : 1.0,
                        .m_correction = o->bias_correction ? 1.0 / (1.0 - pow(o->beta1, t)) : 1.0,
                        .v_correction = o->bias_correction ? 1.0 / (1.0 - pow(o->beta2, t)) : 1.0};
    el_model_change(model, update_param, &u);
}

static void zero_moments(void *context, const char *network, el_param *param)
{
    (void)network;
    el_queue *const q = context;
    q->zero(q, param->m);
    q->zero(q, param->v);
}

void el_optimizer_forget(el_model *model)
{
    el_model_each(model, zero_moments, model->q);
}
