/* copy_gate - the posterior that a token was copied, and that it was drawn; see ops/copy_gate.h */
#include "ops/copy_gate.h"
#include "ops/reference/reference.h"

void el_ref_copy_gate(el_queue *q, float *copied, float *drawn, el_tensor u, el_tensor loss, const int *shown,
                      const int *original)
{
    (void)q;
    for (int i = 0; i < u.rows; i++) {
        const el_copy copy = el_copy_of(el_get(u, i, 0), el_get(loss, i, 0), shown[i] == original[i]);
        copied[i] = (float)copy.copied;
        drawn[i] = (float)(1 - copy.copied);
    }
}
