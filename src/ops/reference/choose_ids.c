/* choose_ids - y[i] = x[at[i]], or other[i] where at[i] is below 0 */
#include "ops/reference/reference.h"

void el_ref_choose_ids(el_queue *q, int *y, const int *x, const int *at, const int *other, int count)
{
    (void)q;
    for (int i = 0; i < count; i++)
        y[i] = at[i] < 0 ? other[i] : x[at[i]];
}
