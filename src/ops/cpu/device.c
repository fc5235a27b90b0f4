/* device - the processor's device: its memory, and its table of ops */
#define _DEFAULT_SOURCE
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ops/cpu/level.h"
#include "ops/cpu/pieces.h"
#include "ops/reference/reference.h"

enum {
    HUGE_PAGE = 1 << 21,
    HUGE_FROM = 8 * HUGE_PAGE, /* bytes; of less, rounding up would waste too much */
    TOUCHED = HUGE_PAGE,       /* bytes that a thread zeroes at a time when memory is taken */
};

typedef struct {
    char *memory;
    size_t bytes;
    int threads;
} touching;

/* Every so many-th block, one piece a thread. */
static void touch_task(void *context, int index, int thread)
{
    const touching *const t = context;
    (void)thread;
    for (size_t at = (size_t)index * TOUCHED; at < t->bytes; at += (size_t)t->threads * TOUCHED)
        memset(t->memory + at, 0, t->bytes - at < TOUCHED ? t->bytes - at : TOUCHED);
}

/* Zeroed by all threads in turn: the system puts a page beside the processor that first writes to it, and so large
 * tensors lie evenly about the memory nodes of those who work on them.
 * Large memory asks for huge pages; a system that has none to give ignores it. */
static void *device_alloc(el_device *dev, size_t bytes)
{
    const size_t alignment = bytes < HUGE_FROM ? EL_ALIGNMENT : HUGE_PAGE;
    const size_t whole = (bytes / alignment + 1) * alignment;
    void *const memory = bytes < SIZE_MAX - alignment ? aligned_alloc(alignment, whole) : NULL;
    if (memory && alignment == HUGE_PAGE)
        madvise(memory, whole, MADV_HUGEPAGE);
    if (memory)
        el_parallel(dev->threads, dev->threads, touch_task, &(touching){memory, whole, dev->threads});
    return memory;
}

static el_status reserve_scratch(el_device *dev, size_t bytes)
{
    el_cpu *const c = cpu_of(dev);
    bytes = (bytes + 4095) / 4096 * 4096;
    if (bytes <= c->scratch_bytes)
        return EL_OK;
    char *const scratch = aligned_alloc(4096, bytes * (size_t)dev->threads);
    if (!scratch)
        return el_fail(EL_ENOMEM, "cannot allocate %zu bytes of scratch for each of %d threads", bytes,
                       dev->threads);
    free(c->scratch);
    c->scratch = scratch;
    c->scratch_bytes = bytes;
    return EL_OK;
}

static el_status reserve(el_device *dev, int longest, int head_size)
{
    return reserve_scratch(dev, kernels_of(dev)->attention_scratch(longest, head_size));
}

static void device_close(el_device *dev)
{
    el_cpu *const c = cpu_of(dev);
    free(c->scratch);
    free(c->sums);
    free(c);
}

el_status el_device_cpu(el_device **dev, int threads, const char *level)
{
    assert(threads >= 1);
    const el_kernels *const kernels = el_level_kernels(level);
    if (!kernels)
        return el_fail(EL_EUSAGE, "%s: not an instruction-set level (baseline, avx2, avx512, avx512_bf16)",
                       level);
    if (!el_level_available(kernels->level))
        return el_fail(EL_EUSAGE, "%s: this processor does not have it", level);
    el_cpu *const c = calloc(1, sizeof *c);
    if (!c)
        return el_fail(EL_ENOMEM, "cannot allocate a device");
    c->device = (el_device){.name = "cpu",
                            .close = device_close,
                            .alloc = device_alloc,
                            .release = el_ref_release,
                            .copy_in = el_ref_copy_in,
                            .copy_out = el_ref_copy_out,
                            .reserve = reserve};
    el_cpu_attention(&c->device);
    el_cpu_elementwise(&c->device);
    el_cpu_loss(&c->device);
    el_cpu_norm(&c->device);
    el_cpu_optimizer(&c->device);
    el_cpu_product(&c->device);
    el_cpu_rows(&c->device);
    c->device.level = kernels->level;
    c->device.threads = threads;
    c->device.state = c;
    c->kernels = kernels;
    c->sums = aligned_alloc(EL_ALIGNMENT, EL_CPU_SUMS * sizeof(float));
    el_status status = c->sums ? EL_OK : el_fail(EL_ENOMEM, "cannot allocate a device");
    if (!status)
        status = reserve_scratch(&c->device, kernels->product_scratch());
    if (status) {
        device_close(&c->device);
        return status;
    }
    *dev = &c->device;
    return EL_OK;
}
