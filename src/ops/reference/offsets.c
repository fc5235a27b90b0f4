/* offsets - y[i] = shift - x[at[i]], or 0 where at[i] is below 0 */
#include "ops/reference/reference.h"

void el_ref_offsets(el_queue *q, el_tensor y, el_tensor x, const int *at, double shift)
{
    (void)q;
    for (int i = 0; i < y.rows; i++)
        el_set(y, i, 0, at[i] < 0 ? 0 : shift - el_get(x, at[i], 0));
}
