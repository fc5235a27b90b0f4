/* logistic_loss - loss = log(1 + exp(z)) - label z, a row each; 0 where the label is not a number
 *
 *   dz = scale (sigmoid(z) - label)
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

void el_ref_logistic_loss(el_queue *q, el_tensor loss, el_tensor dlogits, el_tensor logits,
                          const float *label, double scale)
{
    (void)q;
    assert(logits.cols == 1 && (!loss.data || loss.rows == logits.rows));
    assert(!dlogits.data || dlogits.rows == logits.rows);
    for (int i = 0; i < logits.rows; i++) {
        const double z = el_get(logits, i, 0);
        const double softplus = fmax(z, 0) + log1p(exp(-fabs(z))); /* log(1 + exp(z)) for any z */
        const double y = (double)label[i];
        if (loss.data)
            el_set(loss, i, 0, isnan(y) ? 0 : softplus - y * z);
        if (dlogits.data)
            el_set(dlogits, i, 0, isnan(y) ? 0 : scale * (1 / (1 + exp(-z)) - y));
    }
}
