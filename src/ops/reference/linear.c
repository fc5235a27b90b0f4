/* linear - the definition (double, one thread) of y = x W^T + b
 *
 *   x (n, in)   W (out, in)   b (1, out)   y (n, out)
 *
 *   dx = dy W        dW += dy^T x        db += column sums of dy
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

/* What whole numbers stand for that the numbers of a row become: low + scale * q; NaN where one of its own is not finite. */
typedef struct {
    double low, scale;
} steps;

/* Of a row of weights, 127 of them on either side of 0; or of x, so many from its least number, or 0, to its greatest. */
static steps steps_of(el_tensor t, int row, int count)
{
    double low = 0, high = 0;
    for (int k = 0; k < t.cols; k++) {
        const double value = el_get(t, row, k);
        if (!isfinite(value))
            return (steps){NAN, NAN};
        low = fmin(low, value);
        high = fmax(high, value);
    }
    return count ? (steps){low, (high - low) / count} : (steps){0, fmax(-low, high) / 127};
}

static double whole(double value, steps s)
{
    return s.scale > 0 ? nearbyint((value - s.low) / s.scale) : 0;
}

static double int8_product(el_tensor x, int i, el_tensor w, int o)
{
    const steps sx = steps_of(x, i, w.int8_steps), sw = steps_of(w, o, 0);
    double sum = 0, total = 0;
    for (int k = 0; k < x.cols; k++) {
        sum += whole(el_get(x, i, k), sx) * whole(el_get(w, o, k), sw);
        total += whole(el_get(w, o, k), sw);
    }
    return sx.scale * sw.scale * sum + sx.low * sw.scale * total;
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
                   (w.int8_steps ? int8_product : row_product)(x, i, w, o) + (b.data ? el_get(b, 0, o) : 0));
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
