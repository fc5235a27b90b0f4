/* linear - the definition (double, one thread) of y = x W^T + b
 *
 *   x (n, in)   W (out, in)   b (1, out)   y (n, out)
 *
 *   dx = dy W        dW += dy^T x        db += column sums of dy
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

/* What one of the whole numbers stands for that a row of weights, or of x, becomes; NaN where one of its own is not finite. */
static double int8_scale(el_tensor t, int row)
{
    double most = 0;
    for (int k = 0; k < t.cols; k++) {
        if (!isfinite(el_get(t, row, k)))
            return NAN;
        most = fmax(most, fabs(el_get(t, row, k)));
    }
    return most / 127;
}

static double whole(double value, double scale)
{
    return scale > 0 ? nearbyint(value / scale) : 0;
}

static double int8_product(el_tensor x, int i, el_tensor w, int o)
{
    const double sx = int8_scale(x, i), sw = int8_scale(w, o);
    double sum = 0;
    for (int k = 0; k < x.cols; k++)
        sum += whole(el_get(x, i, k), sx) * whole(el_get(w, o, k), sw);
    return sx * sw * sum;
}

static double row_product(el_tensor x, int i, el_tensor w, int o)
{
    double sum = 0;
    for (int k = 0; k < x.cols; k++)
        sum += el_get(x, i, k) * el_get(w, o, k);
    return sum;
}

void el_ref_linear_forward(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b)
{
    (void)q;
    assert(y.rows == x.rows && y.cols == w.rows && x.cols == w.cols && (!b.data || b.cols == y.cols));
    for (int i = 0; i < y.rows; i++)
        for (int o = 0; o < y.cols; o++)
            el_set(y, i, o,
                   (w.int8 ? int8_product : row_product)(x, i, w, o) + (b.data ? el_get(b, 0, o) : 0));
}

void el_ref_linear_backward_input(el_queue *q, el_tensor dx, el_tensor dy, el_tensor w, bool accumulate)
{
    (void)q;
    assert(dx.rows == dy.rows && dy.cols == w.rows && dx.cols == w.cols);
    for (int i = 0; i < dx.rows; i++)
        for (int k = 0; k < dx.cols; k++) {
            double sum = accumulate ? el_get(dx, i, k) : 0;
            for (int o = 0; o < dy.cols; o++)
                sum += el_get(dy, i, o) * el_get(w, o, k);
            el_set(dx, i, k, sum);
        }
}

void el_ref_linear_backward_weight(el_queue *q, el_tensor dw, el_tensor db, el_tensor dy, el_tensor x)
{
    (void)q;
    assert(dy.rows == x.rows && dw.rows == dy.cols && dw.cols == x.cols && (!db.data || db.cols == dy.cols));
    for (int o = 0; o < dw.rows; o++)
        for (int k = 0; k < dw.cols; k++) {
            double sum = el_get(dw, o, k);
            for (int i = 0; i < x.rows; i++)
                sum += el_get(dy, i, o) * el_get(x, i, k);
            el_set(dw, o, k, sum);
        }
    for (int o = 0; db.data && o < db.cols; o++) {
        double sum = el_get(db, 0, o);
        for (int i = 0; i < dy.rows; i++)
            sum += el_get(dy, i, o);
        el_set(db, 0, o, sum);
    }
}
