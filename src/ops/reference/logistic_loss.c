/* logistic_loss - loss = log(1 + exp(z)) - label z, a row each; label -1: 0
 *
 *   dz = scale (sigmoid(z) - label)
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

void el_ref_logistic_loss(el_queue *q, el_tensor loss, el_tensor dlogits, el_tensor logits, const int *label,
                          double scale)
{
    (void)q;
    assert(logits.cols == 1 && (!loss.data || loss.rows == logits.rows));
    assert(!dlogits.data || dlogits.rows == logits.rows);
    for (int i = 0; i < logits.rows; i++) {
        const double z = el_get(logits, i, 0);
        const double softplus = fmax(z, 0) + log1p(exp(-fabs(z))); /* log(1 + exp(z)) for any z */
        if (loss.data)
            el_set(loss, i, 0, label[i] < 0 ? 0 : softplus - label[i] * z);
        if (dlogits.data)
            el_set(dlogits, i, 0, label[i] < 0 ? 0 : scale * (1 / (1 + exp(-z)) - label[i]));
    }
}
