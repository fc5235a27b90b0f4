/* device - the reference, which defines every op: plain C in double arithmetic, any type, one thread
 *
 * The device has no state: there is one, and closing it does nothing.
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

static size_t prepared_bytes(const el_device *dev, int rows, int cols, el_type type, bool training)
{
    (void)dev, (void)rows, (void)cols, (void)type, (void)training;
    return 0; /* products read the weights themselves */
}

static el_type fast_type(const el_device *dev)
{
    (void)dev;
    return EL_F32;
}

static void close_queue(el_queue *q)
{
    free(q);
}

static el_status open_queue(el_device *dev, el_queue **q, int threads)
{
    (void)dev, (void)threads;
    el_queue *const own = malloc(sizeof *own);
    if (!own)
        return el_no_memory(NULL);
    *own = *el_queue_reference();
    own->close = close_queue;
    own->halt = (el_halt){0};
    el_queue_resume(own);
    *q = own;
    return EL_OK;
}

static el_device the_device = {.name = "reference",
                               .int8_steps = 255,
                               .level = "plain",
                               .close = close_device,
                               .alloc = alloc,
                               .release = el_ref_release,
                               .host = true,
                               .prepared_bytes = prepared_bytes,
                               .fast_type = fast_type,
                               .open_queue = open_queue};

el_device *el_device_reference(void)
{
    return &the_device;
}

static void close_shared(el_queue *q)
{
    (void)q;
}

void el_ref_send(el_queue *q, void *device, const void *host, size_t bytes)
{
    (void)q;
    memcpy(device, host, bytes);
}

void el_ref_fetch(el_queue *q, void *host, const void *device, size_t bytes)
{
    (void)q;
    memcpy(host, device, bytes);
}

el_status el_ref_wait(el_queue *q)
{
    (void)q;
    return EL_OK;
}

static el_status reserve(el_queue *q, int longest, int head_size)
{
    (void)q, (void)longest, (void)head_size;
    return EL_OK;
}

static double peak(el_queue *q, el_type type)
{
    (void)q, (void)type;
    return 0;
}

void el_ref_prepare(el_queue *q, el_tensor w, el_type type, bool training)
{
    (void)q, (void)w, (void)type, (void)training;
}

el_queue *el_queue_reference(void)
{
    static el_queue queue = {
        .dev = &the_device,
        .threads = 1,
        .close = close_shared,
        .send = el_ref_send,
        .fetch = el_ref_fetch,
        .wait = el_ref_wait,
        .reserve = reserve,
        .peak = peak,
#define EL_OP(result, name, ...) .name = el_ref_##name,
#include "ops/ops.def"
#undef EL_OP
    };
    return &queue;
}
