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

/* The squares of some tensors, there after a wait(). */
static void fetch_squares(el_model *model, const el_tensor *x, int count, double *squares)
{
    double *const sum = model->trained.squares;
    model->q->sum_squares(model->q, sum, x, count);
    model->q->fetch(model->q, squares, sum, sizeof *squares);
}

/* NaN where the queue has failed. */
static double squares_of(el_model *model, const el_tensor *x, int count)
{
    double squares;
    fetch_squares(model, x, count, &squares);
    return model->q->wait(model->q) ? NAN : squares;
}

void el_gradient_squares(el_model *model, double *squares)
{
    fetch_squares(model, model->trained.gradients, model->trained.count, squares);
}

double el_gradient_norm(el_model *model)
{
    return sqrt(squares_of(model, model->trained.gradients, model->trained.count));
}

bool el_model_finite(el_model *model)
{
    return isfinite(squares_of(model, model->trained.values, model->trained.value_count));
}

/* Whether a network is the generator beside a discriminator, or one of its two towers. */
static bool generates(const el_model *model, const char *network)
{
    return el_model_network(model, EL_DISCRIMINATOR) && strcmp(network, EL_DISCRIMINATOR) != 0;
}

/* The part of the gradients' squared norm that is the generator's; its networks stand side by side. */
static double generator_squares(el_model *model)
{
    const el_trained_list *t = &model->trained;
    int first = 0, count = 0;
    for (int n = 0; n < model->count; n++) {
        const el_params *params = &model->networks[n].params;
        int trained = 0;
        for (int i = 0; i < params->count; i++)
            trained += !params->items[i].shared && !params->items[i].frozen;
        if (generates(model, model->networks[n].name))
            count += trained;
        else if (count == 0)
            first += trained;
    }
    return count ? squares_of(model, t->gradients + first, count) : 0;
}

static double clip_to(double most, double norm)
{
    return most > 0 && norm > most ? most / norm : 1.0;
}

typedef struct {
    const el_optimizer *optimizer;
    const el_model *model;
    el_trained *next;            /* the list's line of the next parameter that is trained */
    double generator_clip, clip; /* 0: the step's */
} scaling;

static void scale_param(void *context, const el_network *net, el_param *param)
{
    scaling *s = context;
    const el_optimizer *o = s->optimizer;
    if (param->frozen)
        return;
    const bool generator = generates(s->model, net->name);
    const int below_head = net->config.num_hidden_layers + 2 - param->depth;
    const int exponent = below_head - (below_head > 0 && !o->depth_as_original);
    s->next->clip = generator ? s->generator_clip : s->clip;
    s->next++->scale = (o->depth_decay == 1.0 ? 1.0 : pow(o->depth_decay, exponent)) *
                       (generator && o->generator_rate > 0 ? o->generator_rate : 1.0);
}

/* Each parameter's share of rate and clipping. */
static void scale_all(const el_optimizer *o, el_model *model, double norm)
{
    scaling s = {.optimizer = o, .model = model, .next = model->trained.params};
    if (o->generator_max_norm > 0) {
        const double own = generator_squares(model), others = norm * norm - own;
        s.generator_clip = clip_to(o->generator_max_norm, sqrt(own));
        s.clip = clip_to(o->max_norm, others > 0 ? sqrt(others) : 0);
    }
    el_model_each(model, scale_param, &s);
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
                           .clip = clip_to(o->max_norm, norm),
                           .m_correction = o->bias_correction ? 1.0 / (1.0 - pow(o->beta1, t)) : 1.0,
                           .v_correction = o->bias_correction ? 1.0 / (1.0 - pow(o->beta2, t)) : 1.0};
    const el_trained_list *list = &model->trained;
    scale_all(o, model, norm);
    model->q->adamw(model->q, list->params, list->count, list->matrices, list->matrix_count, step);
}

void el_optimizer_forget(el_model *model)
{
    model->q->zero(model->q, el_model_region(model, EL_FIRST_MOMENTS));
    model->q->zero(model->q, el_model_region(model, EL_SECOND_MOMENTS));
}
