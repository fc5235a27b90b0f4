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

void el_ref_adamw(el_queue *q, el_tensor value, el_tensor m, el_tensor v, el_tensor gradient, el_adamw step)
{
    (void)q;
    assert(m.rows == value.rows && v.rows == value.rows && gradient.rows == value.rows);
    assert(m.cols == value.cols && v.cols == value.cols && gradient.cols == value.cols);
    for (int i = 0; i < value.rows; i++)
        for (int j = 0; j < value.cols; j++) {
            const double g = step.clip * el_get(gradient, i, j);
            const double new_m = step.beta1 * el_get(m, i, j) + (1 - step.beta1) * g;
            const double new_v = step.beta2 * el_get(v, i, j) + (1 - step.beta2) * g * g;
            el_set(m, i, j, new_m);
            el_set(v, i, j, new_v);
            el_set(value, i, j, step_value(el_get(value, i, j), new_m, new_v, &step));
            el_set(gradient, i, j, 0);
        }
}
