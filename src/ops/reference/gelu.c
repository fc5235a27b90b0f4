/* gelu - y = x Phi(x), the exact one
 *
 *   Phi(x) = erfc(-x / sqrt(2)) / 2        slope = Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi)
 *
 *   dx = dy * slope
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

void el_ref_gelu_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor x)
{
    (void)q;
    assert(y.rows == x.rows && y.cols == x.cols);
    assert(!slope.data || (slope.rows == x.rows && slope.cols == x.cols));
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j++) {
            const double value = el_get(x, i, j);
            const double phi = erfc(-value * M_SQRT1_2) / 2;
            el_set(y, i, j, value * phi);
            if (slope.data)
                el_set(slope, i, j, phi + value * exp(-value * value / 2) * M_2_SQRTPI * M_SQRT1_2 / 2);
        }
}

void el_ref_gelu_backward(el_queue *q, el_tensor dx, el_tensor dy, el_tensor slope)
{
    (void)q;
    assert(dx.rows == dy.rows && dx.cols == dy.cols && slope.rows == dy.rows && slope.cols == dy.cols);
    for (int i = 0; i < dy.rows; i++)
        for (int j = 0; j < dy.cols; j++)
            el_set(dx, i, j, el_get(dy, i, j) * el_get(slope, i, j));
}

void el_ref_gelu_again(el_queue *q, el_tensor y, el_tensor dx, el_tensor dy, el_tensor x)
{
    el_ref_gelu_forward(q, y, x, x);
    el_ref_gelu_backward(q, dx, dy, x);
}

void el_ref_linear_gelu_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor z, el_tensor x,
                                el_tensor w, el_tensor b)
{
    el_ref_linear_forward(q, z, x, w, b);
    el_ref_gelu_forward(q, y, slope, z);
}
