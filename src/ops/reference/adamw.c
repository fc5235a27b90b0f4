/* adamw - a step of AdamW on each element
 *
 *   g = clip * gradient        m = beta1 m + (1 - beta1) g        v = beta2 v + (1 - beta2) g^2
 *   value -= rate * ((m * m_correction) / (sqrt(v * v_correction) + epsilon) + decay * value)
 *
 * The gradient is used up: what is left of it is the zero that the next step's backwards add to.
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

static double step_value(double value, double m, double v, const el_adamw *s)
{
    const double update = m * s->m_correction / (sqrt(v * s->v_correction) + s->epsilon);
    return value - s->rate * (update + s->decay * value);
}

static void step_param(const el_trained *p, const el_adamw *s)
{
    assert(p->m.rows == p->value.rows && p->v.rows == p->value.rows && p->gradient.rows == p->value.rows);
    assert(p->m.cols == p->value.cols && p->v.cols == p->value.cols && p->gradient.cols == p->value.cols);
    for (int i = 0; i < p->value.rows; i++)
        for (int j = 0; j < p->value.cols; j++) {
            const double g = s->clip * el_get(p->gradient, i, j);
            const double m = s->beta1 * el_get(p->m, i, j) + (1 - s->beta1) * g;
            const double v = s->beta2 * el_get(p->v, i, j) + (1 - s->beta2) * g * g;
            el_set(p->m, i, j, m);
            el_set(p->v, i, j, v);
            el_set(p->value, i, j, step_value(el_get(p->value, i, j), m, v, s));
            el_set(p->gradient, i, j, 0);
        }
}

void el_ref_adamw(el_queue *q, const el_trained *params, int count, const el_matrix *matrices,
                  int matrix_count, el_adamw step)
{
    for (int i = 0, prepared = 0; i < count; i++) {
        const el_adamw own = el_adamw_of(&step, &params[i]);
        step_param(&params[i], &own);
        for (; prepared < matrix_count && matrices[prepared].line <= i; prepared++)
            q->prepare(q, matrices[prepared].value, matrices[prepared].type, true);
    }
}
