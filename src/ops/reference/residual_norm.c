/* residual_norm - the end of both halves of a layer
 *
 *   sum = x + dropout(branch)        y = layer_norm(sum)
 *
 *   dsum = layer_norm_backward(dy)        dbranch = dropout(dsum)        dx is dsum
 */
#include <assert.h>

#include "ops/reference/reference.h"

void el_ref_residual_norm_forward(el_queue *q, el_tensor y, el_tensor sum, el_tensor stats, el_tensor x,
                                  el_tensor branch, el_tensor gamma, el_tensor beta, double epsilon,
                                  el_dropout dropout)
{
    assert(sum.rows == x.rows && sum.cols == x.cols && branch.rows == x.rows && branch.cols == x.cols);
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j++) {
            const double scale = el_dropout_scale(dropout, x.cols, (uint64_t)i, j);
            el_set(sum, i, j, el_get(x, i, j) + scale * el_get(branch, i, j));
        }
    el_ref_layer_norm_forward(q, y, stats, sum, gamma, beta, epsilon);
}

void el_ref_residual_norm_backward(el_queue *q, el_tensor dsum, el_tensor dbranch, el_tensor dgamma,
                                   el_tensor dbeta, el_tensor dy, el_tensor sum, el_tensor stats,
                                   el_tensor gamma, el_dropout dropout)
{
    assert(dbranch.data != dsum.data || dropout.rate == 0); /* dropped in place, dx would be lost */
    el_ref_layer_norm_backward(q, dsum, dgamma, dbeta, dy, sum, stats, gamma);
    el_ref_dropout(q, dbranch, dsum, dropout);
}
