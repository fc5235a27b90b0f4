/* softmax_loss - cross-entropy of each row, its guess, a sample, and the gradient
 *
 *   p = softmax(z)        loss = -log p[target] = lse(z) - z[target]        guess = argmax z
 *   sample = the first class at which the cumulative sum of softmax(z / temperature), without the target
 *            where it is disallowed, exceeds a uniform number
 *
 *   dz = scale weight (p - onehot(target))
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

static int argmax(el_tensor z, int row)
{
    int best = 0;
    for (int c = 1; c < z.cols; c++)
        if (el_get(z, row, c) > el_get(z, row, best))
            best = c;
    return best;
}

static double log_sum_exp(el_tensor z, int row)
{
    const double max = el_get(z, row, argmax(z, row));
    double sum = 0;
    for (int c = 0; c < z.cols; c++)
        sum += exp(el_get(z, row, c) - max);
    return max + log(sum);
}

/* `banned` is a class that is never drawn, or -1. */
static int draw(el_tensor z, int row, double temperature, int banned, double uniform)
{
    double max = -INFINITY, total = 0, sum = 0;
    for (int c = 0; c < z.cols; c++)
        if (c != banned)
            max = fmax(max, el_get(z, row, c));
    for (int c = 0; c < z.cols; c++)
        if (c != banned)
            total += exp((el_get(z, row, c) - max) / temperature);
    int last = 0; /* the last class that has a chance, should rounding leave the sum short */
    for (int c = 0; c < z.cols; c++) {
        const double weight = c == banned ? 0 : exp((el_get(z, row, c) - max) / temperature);
        sum += weight;
        if (sum > uniform * total)
            return c;
        if (weight > 0)
            last = c;
    }
    return last;
}

static void row_backward(el_tensor dz, el_tensor z, int row, int target, double scale)
{
    const double lse = log_sum_exp(z, row);
    for (int c = 0; c < z.cols; c++) {
        const double p = exp(el_get(z, row, c) - lse);
        el_set(dz, row, c, target < 0 ? 0 : scale * (p - (c == target)));
    }
}

void el_ref_softmax_loss(el_queue *q, el_tensor loss, int *guess, int *sample, el_tensor dlogits,
                         el_tensor logits, const int *target, const float *weight,
                         const el_sampling *sampling, double scale)
{
    (void)q;
    assert(!loss.data || (loss.rows == logits.rows && loss.cols == 1));
    assert(!dlogits.data || (dlogits.rows == logits.rows && dlogits.cols == logits.cols));
    for (int i = 0; i < logits.rows; i++) {
        assert(target[i] >= -1 && target[i] < logits.cols);
        if (loss.data)
            el_set(loss, i, 0, target[i] < 0 ? 0 : log_sum_exp(logits, i) - el_get(logits, i, target[i]));
        if (guess)
            guess[i] = argmax(logits, i);
        if (sample && sampling) {
            const double uniform = el_random_uniform(sampling->random, sampling->first_row + (uint64_t)i);
            const int banned = sampling->disallow_target ? target[i] : -1;
            sample[i] = draw(logits, i, sampling->temperature, banned, uniform);
        }
        if (dlogits.data)
            row_backward(dlogits, logits, i, target[i], weight ? scale * (double)weight[i] : scale);
    }
}
