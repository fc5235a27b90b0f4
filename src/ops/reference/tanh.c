/* tanh - y = (e^x - e^-x) / (e^x + e^-x)
 *
 *   slope = 1 - y^2
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

void el_ref_tanh_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor x)
{
    (void)q;
    assert(y.rows == x.rows && y.cols == x.cols);
    assert(!slope.data || (slope.rows == x.rows && slope.cols == x.cols));
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j++) {
            const double value = tanh(el_get(x, i, j));
            el_set(y, i, j, value);
            if (slope.data)
                el_set(slope, i, j, 1 - value * value);
        }
}
