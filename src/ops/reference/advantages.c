/* advantages - a reward beside its baseline
 *
 *   advantage = reward - softplus(-u)        right = exp(-reward)        without u: advantage = reward
 */
#include <math.h>

#include "ops/copy_gate.h"
#include "ops/reference/reference.h"

void el_ref_advantages(el_queue *q, float *advantage, float *right, el_tensor reward, el_tensor u)
{
    (void)q;
    for (int i = 0; i < reward.rows; i++) {
        const double r = el_get(reward, i, 0);
        advantage[i] = (float)(u.data ? r - (double)(float)el_softplus(-el_get(u, i, 0)) : r);
        if (u.data)
            right[i] = (float)exp(-r);
    }
}
