/* reference - the ops of the reference device, by name, for its table
 *
 * ops/queue.h says what each does; nothing outside src/ops includes this.
 */
#ifndef EL_OPS_REFERENCE_H
#define EL_OPS_REFERENCE_H

#include "ops/queue.h"

/* Of any device whose memory is the host's, taken with aligned_alloc. */
void el_ref_release(el_device *dev, void *memory);
void el_ref_send(el_queue *q, void *device, const void *host, size_t bytes);
void el_ref_fetch(el_queue *q, void *host, const void *device, size_t bytes);
void el_ref_wait(el_queue *q);

void el_ref_zero(el_queue *q, el_tensor y);
void el_ref_copy(el_queue *q, el_tensor y, el_tensor x);
void el_ref_add(el_queue *q, el_tensor y, el_tensor a, el_tensor b);
double el_ref_sum_squares(el_queue *q, el_tensor x);

void el_ref_linear_forward(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b);
void el_ref_linear_backward_input(el_queue *q, el_tensor dx, el_tensor dy, el_tensor w, bool accumulate);
void el_ref_linear_backward_weight(el_queue *q, el_tensor dw, el_tensor db, el_tensor dy, el_tensor x);

void el_ref_gelu_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor x);
void el_ref_gelu_backward(el_queue *q, el_tensor dx, el_tensor dy, el_tensor slope);

void el_ref_linear_gelu_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor z, el_tensor x,
                                el_tensor w, el_tensor b);

void el_ref_dropout(el_queue *q, el_tensor y, el_tensor x, el_dropout dropout);

void el_ref_layer_norm_forward(el_queue *q, el_tensor y, el_tensor stats, el_tensor x, el_tensor gamma,
                               el_tensor beta, double epsilon);
void el_ref_layer_norm_backward(el_queue *q, el_tensor dx, el_tensor dgamma, el_tensor dbeta, el_tensor dy,
                                el_tensor x, el_tensor stats, el_tensor gamma);

void el_ref_residual_norm_forward(el_queue *q, el_tensor y, el_tensor sum, el_tensor stats, el_tensor x,
                                  el_tensor branch, el_tensor gamma, el_tensor beta, double epsilon,
                                  el_dropout dropout);
void el_ref_residual_norm_backward(el_queue *q, el_tensor dsum, el_tensor dbranch, el_tensor dgamma,
                                   el_tensor dbeta, el_tensor dy, el_tensor sum, el_tensor stats,
                                   el_tensor gamma, el_dropout dropout);

void el_ref_embed_forward(el_queue *q, el_tensor y, const el_tensor *tables, const int *const *indices,
                          int count);
void el_ref_embed_backward(el_queue *q, el_tensor dtable, el_tensor dy, const int *index);
void el_ref_gather_forward(el_queue *q, el_tensor y, el_tensor x, const int *rows);
void el_ref_gather_backward(el_queue *q, el_tensor dx, el_tensor dy, const int *rows);

void el_ref_attention_forward(el_queue *q, el_tensor y, el_tensor lse, el_tensor qkv, el_layout layout,
                              int heads, el_dropout dropout, int width);
void el_ref_attention_backward(el_queue *q, el_tensor dqkv, el_tensor dy, el_tensor y, el_tensor lse,
                               el_tensor qkv, el_layout layout, int heads, el_dropout dropout, int width);

void el_ref_softmax_loss(el_queue *q, el_tensor loss, int *guess, int *sample, el_tensor dlogits,
                         el_tensor logits, const int *target, const el_sampling *sampling, double scale);
void el_ref_logistic_loss(el_queue *q, el_tensor loss, el_tensor dlogits, el_tensor logits, const int *label,
                          double scale);
void el_ref_squared_loss(el_queue *q, el_tensor loss, el_tensor dx, el_tensor x, const float *target,
                         double scale);

void el_ref_adamw(el_queue *q, el_tensor value, el_tensor m, el_tensor v, el_tensor gradient, el_adamw step);

#endif
