/* functions - what the sources of this folder give to the table of their level */
#ifndef EL_OPS_KERNELS_FUNCTIONS_H
#define EL_OPS_KERNELS_FUNCTIONS_H

#include "kernels.h"

void EL_KERNEL(copy)(el_tensor y, el_tensor x);
void EL_KERNEL(add)(el_tensor y, el_tensor a, el_tensor b);
void EL_KERNEL(gelu_forward)(el_tensor y, el_tensor slope, el_tensor x);
void EL_KERNEL(gelu_backward)(el_tensor dx, el_tensor dy, el_tensor slope);
void EL_KERNEL(dropout)(el_tensor y, el_tensor x, el_dropout dropout);
void EL_KERNEL(norm_forward)(el_tensor y, el_tensor sum, el_tensor stats, el_tensor x, el_tensor branch,
                             el_tensor gamma, el_tensor beta, double epsilon, el_dropout dropout);
void EL_KERNEL(norm_backward)(el_tensor dx, el_tensor dbranch, float *sums, el_tensor dy, el_tensor x,
                              el_tensor stats, el_tensor gamma, el_dropout dropout);
void EL_KERNEL(column_sums)(float *sums, el_tensor x);
void EL_KERNEL(embed)(el_tensor y, const el_tensor *tables, const int *const *indices, int count, int first);
void EL_KERNEL(gather)(el_tensor y, el_tensor x, const int *rows);
void EL_KERNEL(scatter)(el_tensor y, el_tensor x, const int *rows);
size_t EL_KERNEL(attention_scratch)(int longest, int head_size);
void EL_KERNEL(attention_forward)(const el_attention_args *a, int index, void *scratch);
void EL_KERNEL(attention_backward)(const el_attention_args *a, int index, void *scratch);
void EL_KERNEL(softmax_loss)(el_tensor loss, int *guess, int *sample, el_tensor dlogits, el_tensor logits,
                             const int *target, const el_sampling *sampling, double scale);
void EL_KERNEL(logistic_loss)(el_tensor loss, el_tensor dlogits, el_tensor logits, const int *label,
                              double scale);
void EL_KERNEL(squared_loss)(el_tensor loss, el_tensor dx, el_tensor x, const float *target, double scale);
double EL_KERNEL(sum_squares)(el_tensor x);
void EL_KERNEL(adamw)(el_tensor value, el_tensor m, el_tensor v, el_tensor gradient, el_adamw step);
size_t EL_KERNEL(packed_bytes)(int k, int n, el_type type);
void EL_KERNEL(pack)(void *forward, void *backward, el_tensor w, el_type type, int first, int rows);
size_t EL_KERNEL(product_scratch)(void);
void EL_KERNEL(product)(el_tensor y, el_tensor x, const void *packed, int first_panel, const float *bias,
                        bool accumulate, void *scratch);
void EL_KERNEL(product_weight)(el_tensor dw, el_tensor db, el_tensor dy, el_tensor x, void *scratch);
double EL_KERNEL(multiply_adds)(el_type type, long rounds);

#endif
