/* reference - the device that defines every op: plain C, double arithmetic, any type, one thread
 *
 * It has no state, so the one there is can be shared; closing it does nothing.
 */
#include "ops/reference/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static void close_device(el_device *dev)
{
    (void)dev;
}

static void *alloc(el_device *dev, size_t bytes)
{
    (void)dev;
    if (bytes > SIZE_MAX - EL_ALIGNMENT)
        return NULL;
    const size_t padded = bytes / EL_ALIGNMENT * EL_ALIGNMENT + EL_ALIGNMENT;
    void *memory = aligned_alloc(EL_ALIGNMENT, padded);
    return memory ? memset(memory, 0, padded) : NULL;
}

void el_ref_release(el_device *dev, void *memory)
{
    (void)dev;
    free(memory);
}

void el_ref_copy_in(el_device *dev, void *device, const void *host, size_t bytes)
{
    (void)dev;
    memcpy(device, host, bytes);
}

void el_ref_copy_out(el_device *dev, void *host, const void *device, size_t bytes)
{
    (void)dev;
    memcpy(host, device, bytes);
}

static el_status reserve(el_device *dev, int longest, int head_size)
{
    (void)dev, (void)longest, (void)head_size;
    return EL_OK;
}

static size_t prepared_bytes(el_device *dev, int rows, int cols, el_type type, bool training)
{
    (void)dev, (void)rows, (void)cols, (void)type, (void)training;
    return 0; /* products read the weights themselves */
}

static void prepare(el_device *dev, el_tensor w, el_type type, bool training)
{
    (void)dev, (void)w, (void)type, (void)training;
}

el_device *el_device_reference(void)
{
    static el_device device = {
        .name = "reference",
        .level = "plain",
        .threads = 1,
        .close = close_device,
        .alloc = alloc,
        .release = el_ref_release,
        .copy_in = el_ref_copy_in,
        .copy_out = el_ref_copy_out,
        .reserve = reserve,
        .prepared_bytes = prepared_bytes,
        .prepare = prepare,
        .zero = el_ref_zero,
        .copy = el_ref_copy,
        .add = el_ref_add,
        .linear_forward = el_ref_linear_forward,
        .linear_backward_input = el_ref_linear_backward_input,
        .linear_backward_weight = el_ref_linear_backward_weight,
        .gelu_forward = el_ref_gelu_forward,
        .gelu_backward = el_ref_gelu_backward,
        .linear_gelu_forward = el_ref_linear_gelu_forward,
        .dropout = el_ref_dropout,
        .layer_norm_forward = el_ref_layer_norm_forward,
        .layer_norm_backward = el_ref_layer_norm_backward,
        .residual_norm_forward = el_ref_residual_norm_forward,
        .residual_norm_backward = el_ref_residual_norm_backward,
        .embed_forward = el_ref_embed_forward,
        .embed_backward = el_ref_embed_backward,
        .gather_forward = el_ref_gather_forward,
        .gather_backward = el_ref_gather_backward,
        .attention_forward = el_ref_attention_forward,
        .attention_backward = el_ref_attention_backward,
        .softmax_loss = el_ref_softmax_loss,
        .logistic_loss = el_ref_logistic_loss,
        .squared_loss = el_ref_squared_loss,
        .sum_squares = el_ref_sum_squares,
        .adamw = el_ref_adamw,
    };
    return &device;
}
