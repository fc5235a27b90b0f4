/* narrow - our own products: for outputs too narrow for cuBLASLt, and for shapes that it refuses */
#ifndef EL_OPS_CUDA_NARROW_H
#define EL_OPS_CUDA_NARROW_H

#include "ops/cuda/cuda.h"

/* Of so few outputs that a tile would be wasted. */
static inline bool el_cuda_is_narrow(int outputs)
{
    return outputs < 8;
}

/* w is the parameter itself. */
void el_cuda_narrow_forward(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b);
void el_cuda_narrow_backward_input(el_queue *q, el_tensor dx, el_tensor dy, el_tensor w, bool accumulate);
void el_cuda_narrow_backward_weight(el_queue *q, el_tensor dw, el_tensor dy, el_tensor x);

/* Of any shape; w in the type of the activations. */
void el_cuda_tiled_forward(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b);
void el_cuda_tiled_backward_input(el_queue *q, el_tensor dx, el_tensor dy, el_tensor w, bool accumulate);
void el_cuda_tiled_backward_weight(el_queue *q, el_tensor dw, el_tensor dy, el_tensor x);

#endif
