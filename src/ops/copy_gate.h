/* copy_gate - a token is the one that is shown, with probability d, or else drawn from a softmax s
 *
 *   p(y) = d 1[shown = y] + (1 - d) s_y,   d = 1 / (1 + exp(-u))
 *
 *   loss = -log p(original);  with w = d 1[shown = original] / p(original), the posterior that it was copied,
 *   d loss / du = d - w,  which is the logistic loss's with label w;   d loss / dz_k = (1 - w) (s_k - 1[k = original]),  which is
 *   the softmax loss's with weight 1 - w
 */
#ifndef EL_OPS_COPY_GATE_H
#define EL_OPS_COPY_GATE_H

#include <math.h>
#include <stdbool.h>

#ifdef __CUDACC__
#define EL_COPY_GATE static inline __device__
#else
#define EL_COPY_GATE static inline
#endif

typedef struct {
    double loss, copied; /* copied: w */
} el_copy;

/* log(1 + exp(x)) */
EL_COPY_GATE double el_softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* `softmax_loss` is -log s of the original; `shown`: the token that is shown is the original. */
EL_COPY_GATE el_copy el_copy_of(double u, double softmax_loss, bool shown)
{
    const double drawn = -el_softplus(u) - softmax_loss,
                 kept = -el_softplus(-u); /* logarithms of both ways */
    const double top = drawn > kept ? drawn : kept, log_p = top + log(exp(drawn - top) + exp(kept - top));
    el_copy copy = {-drawn, 0};
    if (shown) {
        copy.loss = -log_p;
        copy.copied = exp(kept - log_p);
    }
    return copy;
}

#endif
