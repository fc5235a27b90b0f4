/* squared_loss - loss = (x - target)^2, a row each; a target that is not a number: 0
 *
 *   dx = scale 2 (x - target)
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

void el_ref_squared_loss(el_queue *q, el_tensor loss, el_tensor dx, el_tensor x, const float *target,
                         double scale)
{
    (void)q;
    assert(x.cols == 1 && (!loss.data || loss.rows == x.rows) && (!dx.data || dx.rows == x.rows));
    for (int i = 0; i < x.rows; i++) {
        const double off = isnan(target[i]) ? 0 : el_get(x, i, 0) - (double)target[i];
        if (loss.data)
            el_set(loss, i, 0, off * off);
        if (dx.data)
            el_set(dx, i, 0, scale * 2 * off);
    }
}
