/* optimizer - AdamW over the parameters of a model as the original has it
 *
 * Clips by the norm of all gradients together, leaves LayerNorm and biases without decay, and changes nothing
 * at all where the norm is not a finite number.  The order of every sum depends on the model alone.
 */
#ifndef EL_TRAIN_OPTIMIZER_H
#define EL_TRAIN_OPTIMIZER_H

#include "model/model.h"

typedef struct {
    double beta1, beta2, epsilon, weight_decay;
    double max_norm; /* gradients are scaled down to it; 0: never */
    /* The generator's own: its rate as a share of the others', 0 for the same; and the norm that its gradients are scaled
     * down to, by themselves, while max_norm is of the others'; 0: one norm for all.  What both networks share is whose it
     * is. */
    double generator_rate, generator_max_norm;
    bool bias_correction; /* not in the original */
    /* Rate of depth d (0 embeddings, i + 1 layer i, layers + 2 the head) times depth_decay^(layers + 1 - d), the head's
     * unscaled; 1: all alike.  The original's exponents are one higher below the head, which the paper did not mean. */
    double depth_decay;
    bool depth_as_original;
} el_optimizer;

/* The paper's values. */
el_optimizer el_optimizer_defaults(void);

/* The square of the norm of all gradients together: there after a wait() of the queue. */
void el_gradient_squares(el_model *model, double *squares);
/* The norm; waits. */
double el_gradient_norm(el_model *model);

/* One update with gradients of norm `norm`, after `updates` earlier ones.  `norm` must be finite.  Leaves the model
 * prepared and gradients zero. */
void el_optimizer_update(const el_optimizer *optimizer, el_model *model, double rate, double norm,
                         int64_t updates);

/* Zeroes the moments: a model's first update comes next. */
void el_optimizer_forget(el_model *model);

/* Whether every parameter is a finite number; waits. */
bool el_model_finite(el_model *model);

#endif
