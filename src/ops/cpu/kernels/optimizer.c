/* optimizer - the sum of squares that clipping needs, and AdamW's step: gradients and parameters in float */
#include "functions.h"
#include "vector.h"

enum { SUMMED = 32 }; /* vectors that are summed in float before doubles take over */

double EL_KERNEL(sum_squares)(el_tensor x)
{
    double total = 0;
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j += SUMMED * WIDTH) {
            const int end = x.cols - j < SUMMED * WIDTH ? x.cols : j + SUMMED * WIDTH;
            vf sum = {0};
            for (int k = j; k < end; k += WIDTH) {
                const vf value = vload_upto(x.data, x.type, i * x.stride + k, end - k);
                sum += value * value;
            }
            total += (double)vsum(sum);
        }
    return total;
}

typedef struct {
    float rate, beta1, beta2, other1, other2, epsilon, decay, clip, m_correction, v_correction;
} step_floats;

INLINE void adamw_at(float *value, float *m, float *v, float *gradient, int left, const step_floats *s)
{
    const vf g = vload_upto(gradient, EL_F32, 0, left) * s->clip;
    const vf first = vload_upto(m, EL_F32, 0, left) * s->beta1 + g * s->other1;
    const vf second = vload_upto(v, EL_F32, 0, left) * s->beta2 + g * g * s->other2;
    const vf old = vload_upto(value, EL_F32, 0, left);
    const vf step = first * s->m_correction / (vsqrt(second * s->v_correction) + s->epsilon) + old * s->decay;
    vstore_upto(m, EL_F32, 0, left, first);
    vstore_upto(v, EL_F32, 0, left, second);
    vstore_upto(value, EL_F32, 0, left, old - step * s->rate);
    vstore_upto(gradient, EL_F32, 0, left, (vf){0});
}

void EL_KERNEL(adamw)(el_tensor value, el_tensor m, el_tensor v, el_tensor gradient, el_adamw step)
{
    const step_floats s = {.rate = (float)step.rate,
                           .beta1 = (float)step.beta1,
                           .beta2 = (float)step.beta2,
                           .other1 = (float)(1 - step.beta1),
                           .other2 = (float)(1 - step.beta2),
                           .epsilon = (float)step.epsilon,
                           .decay = (float)step.decay,
                           .clip = (float)step.clip,
                           .m_correction = (float)step.m_correction,
                           .v_correction = (float)step.v_correction};
    for (int i = 0; i < value.rows; i++)
        for (int j = 0; j < value.cols; j += WIDTH)
            adamw_at((float *)value.data + i * value.stride + j, (float *)m.data + i * m.stride + j,
                     (float *)v.data + i * v.stride + j, (float *)gradient.data + i * gradient.stride + j,
                     value.cols - j, &s);
}
