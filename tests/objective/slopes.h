/* slopes - the gradient of an objective's whole loss against central differences, in double on the reference device */
#ifndef TEST_OBJECTIVE_SLOPES_H
#define TEST_OBJECTIVE_SLOPES_H

#include <math.h>

#include "objective/batches.h"
#include "ops/distant.h"
#include "train/objective.h"

typedef struct {
    el_objective *objective;
    const el_batch *batch;
} slopes;

static inline double loss_of(const slopes *s)
{
    el_figures figures;
    s->objective->reset(s->objective);
    assert_int_equal(el_objective_run(s->objective, s->batch, (el_random){.seed = 7, .step = 3}, true),
                     EL_OK);
    s->objective->finish(s->objective, &figures);
    return figures.values[0];
}

static inline double loss_beside(const slopes *s, el_tensor t, int row, int col, double step)
{
    el_model *m = s->objective->model;
    const double value = distant_get(m->q, t, row, col);
    distant_set(m->q, t, row, col, value + step);
    el_model_prepare(m);
    const double loss = loss_of(s);
    distant_set(m->q, t, row, col, value);
    el_model_prepare(m);
    return loss;
}

/* At two places of each parameter, one of them where the gradient is largest.  Runs add to gradients, so what is claimed is
 * kept aside before the differences are taken. */
static inline void check_slope(void *context, const el_network *net, el_param *p)
{
    enum { PROBES = 2 };
    const slopes *s = context;
    el_model *m = s->objective->model;
    const double h = 1e-4;
    const int count = (int)el_param_elements(p);
    int at[PROBES] = {0};
    double claimed[PROBES];
    el_model_zero_gradients(m);
    loss_of(s);
    for (int i = 0; i < count; i++)
        if (fabs(distant_get(m->q, p->gradient, i / p->value.cols, i % p->value.cols)) >
            fabs(distant_get(m->q, p->gradient, at[0] / p->value.cols, at[0] % p->value.cols)))
            at[0] = i;
    at[1] = (int)el_random_below((el_random){11, 0, 0}, (uint64_t)count, (uint64_t)count);
    for (int k = 0; k < PROBES; k++)
        claimed[k] = distant_get(m->q, p->gradient, at[k] / p->value.cols, at[k] % p->value.cols);
    for (int k = 0; k < PROBES; k++) {
        const int row = at[k] / p->value.cols, col = at[k] % p->value.cols;
        const double above = loss_beside(s, p->value, row, col, h),
                     below = loss_beside(s, p->value, row, col, -h);
        const double slope = (above - below) / (2 * h);
        CHECK(fabs(slope - claimed[k]) <= 1e-5 * (1 + fabs(claimed[k])),
              "%s %s[%d, %d]: slope %.9g, gradient says %.9g", net->name, p->name, row, col, slope,
              claimed[k]);
    }
}

static inline void check_slopes(el_objective *objective, const el_batch *batch)
{
    slopes s = {objective, batch};
    el_model_each(objective->model, check_slope, &s);
}

#endif
