/* flops - what a token costs in pre-training */
#ifndef EL_TRAIN_FLOPS_H
#define EL_TRAIN_FLOPS_H

#include "model/model.h"

/* Multiply-adds times two of one token's forward and backward pass (twice the forward) through the networks
 * and heads of a model, in sequences of `length` of which a share `mask_prob` is predicted. */
double el_training_flops(const el_model *model, double mask_prob, double length);

#endif
