/* device - the processor's device: its memory, and queues with their tables of ops */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cpu/level.h"
#include "ops/cpu/pieces.h"
#include "ops/reference/reference.h"

enum {
    PAGE = 4096,
    TOUCHED = 1 << 21, /* bytes that a thread touches at a time when memory is taken */
    TOUCHES = 64,      /* chunks that this is done in */
};

typedef struct {
    volatile char *memory;
    size_t bytes;
} touching;

/* Every so many-th block. */
static void touch_task(void *context, int index, int thread)
{
    const touching *const t = context;
    (void)thread;
    for (size_t block = (size_t)index * TOUCHED; block < t->bytes; block += (size_t)TOUCHES * TOUCHED)
        for (size_t at = block; at < block + TOUCHED && at < t->bytes; at += PAGE)
            t->memory[at] = 0;
}

/* Large memory is touched by all processors in turn: the system puts a page beside the processor that first writes to it,
 * and so tensors lie evenly about the memory nodes of those who work on them. */
static void touch(void *memory, size_t bytes)
{
    el_pool *pool;
    if (bytes < TOUCHES * (size_t)TOUCHED / 8 || el_pool_open(&pool, el_processors()))
        return; /* whoever uses it touches it */
    el_pool_run(pool, TOUCHES, touch_task, &(touching){memory, bytes});
    el_pool_close(pool);
}

/* An arena each, which lies at its own beginning. */
static void *device_alloc(el_device *dev, size_t bytes)
{
    el_arena arena = {0};
    (void)dev;
    if (bytes > SIZE_MAX / 2)
        return NULL;
    el_arena_push(&arena, sizeof arena);
    el_arena_push(&arena, bytes);
    if (el_arena_reserve(&arena))
        return NULL;
    touch(arena.base, arena.size);
    el_arena *const own = el_arena_push(&arena, sizeof arena);
    void *const memory = el_arena_push(&arena, bytes);
    *own = arena;
    return memory;
}

static void device_release(el_device *dev, void *memory)
{
    (void)dev;
    if (!memory)
        return;
    el_arena own;
    memcpy(&own, (char *)memory - EL_ALIGNMENT, sizeof own);
    el_arena_release(&own);
}

static el_type fast_type(const el_device *dev)
{
    return el_kernels_bf16_is_faster(((const el_cpu *)dev)->kernels) ? EL_BF16 : EL_F32;
}

static void device_close(el_device *dev)
{
    free(dev);
}

static el_status open_queue(el_device *dev, el_queue **q, int threads);

static el_status unknown_level(const char *level)
{
    char names[128] = "";
    const char *name;
    for (int i = 0; (name = el_level_name(i)); i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", name);
    }
    return el_fail(EL_EUSAGE, "%s: not an instruction-set level of this kind of processor (%s)", level,
                   names);
}

el_status el_device_cpu(el_device **dev, const char *level)
{
    const el_kernels *const kernels = el_level_kernels(level);
    if (!kernels)
        return unknown_level(level);
    if (!el_level_available(kernels->level))
        return el_fail(EL_EUSAGE, "%s: this processor, or its system, does not have it", level);
    el_cpu *const c = calloc(1, sizeof *c);
    if (!c)
        return el_no_memory(NULL);
    c->device = (el_device){.name = "cpu",
                            .int8_steps = kernels->int8_steps(),
                            .host = true,
                            .packs = true,
                            .level = kernels->level,
                            .close = device_close,
                            .alloc = device_alloc,
                            .release = device_release,
                            .prepared_bytes = el_cpu_prepared_bytes,
                            .fast_type = fast_type,
                            .open_queue = open_queue};
    c->kernels = kernels;
    *dev = &c->device;
    return EL_OK;
}

/* ---- a queue ---- */

static el_status reserve_scratch(el_queue *q, size_t bytes)
{
    el_cpu_queue *const c = cpu_of(q);
    bytes = (bytes + 4095) / 4096 * 4096;
    if (bytes <= c->scratch_bytes)
        return EL_OK;
    el_arena memory = {0};
    el_arena_push(&memory, bytes * (size_t)q->threads);
    if (el_arena_reserve(&memory))
        return el_fail(EL_ENOMEM, "no memory for %zu bytes of scratch for each of %d threads", bytes,
                       q->threads);
    el_arena_release(&c->memory);
    c->memory = memory;
    c->scratch = el_arena_push(&c->memory, bytes * (size_t)q->threads);
    c->scratch_bytes = bytes;
    return EL_OK;
}

static el_status reserve(el_queue *q, int longest, int head_size)
{
    const el_kernels *const k = kernels_of(q);
    const el_status st = reserve_scratch(q, k->attention_scratch(longest, head_size));
    return st ? st : reserve_scratch(q, k->relative_scratch(longest, 2 * longest - 1, head_size));
}

static double peak(el_queue *q, el_type type)
{
    return el_kernels_peak(kernels_of(q), type, cpu_of(q)->pool, q->threads);
}

static void queue_close(el_queue *q)
{
    el_cpu_queue *const c = cpu_of(q);
    el_pool_close(c->pool);
    el_arena_release(&c->memory);
    free(c->sums);
    free(c);
}

static el_status open_queue(el_device *dev, el_queue **q, int threads)
{
    assert(threads >= 1);
    el_cpu_queue *const c = calloc(1, sizeof *c);
    if (!c)
        return el_no_memory(NULL);
    el_queue *const queue = &c->queue;
    *queue = (el_queue){
        .dev = dev,
        .threads = threads,
        .state = c,
        .close = queue_close,
        .send = el_ref_send,
        .fetch = el_ref_fetch,
        .wait = el_ref_wait,
        .reserve = reserve,
        .peak = peak,
#define EL_OP(result, name, ...) .name = el_cpu_##name,
#include "ops/ops.def"
#undef EL_OP
    };
    c->kernels = ((const el_cpu *)dev)->kernels;
    c->sums = aligned_alloc(EL_ALIGNMENT, EL_CPU_SUMS * sizeof(float));
    el_status status = c->sums ? EL_OK : el_no_memory(NULL);
    if (!status)
        status = el_pool_open(&c->pool, threads);
    if (!status)
        status = reserve_scratch(queue, c->kernels->product_scratch());
    if (!status)
        status = reserve_scratch(queue, c->kernels->product_int8_scratch());
    if (status) {
        queue_close(queue);
        return status;
    }
    *q = queue;
    return EL_OK;
}
