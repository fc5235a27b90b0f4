/* distant - see the header */
#define _DEFAULT_SOURCE
#include "ops/distant.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, BLOCKS = 256, COPIES = 1024, GARBAGE = 0xa5 };

typedef struct {
    char *memory;
    size_t bytes;
} block;

typedef struct {
    el_device device; /* first: a pointer to it is one to the whole */
    el_device *inner;
    block blocks[BLOCKS];
    int count;
} distant;

/* A copy that was asked for and not waited for. */
typedef struct {
    bool fetch;
    void *host;
    char *bytes; /* the source as it was: of a send the host's, of a fetch the device's */
    size_t size;
} pending;

typedef struct {
    el_queue queue; /* first */
    el_queue *inner;
    pending copies[COPIES];
    int count;
} distant_queue;

static distant *distant_of(const el_device *dev)
{
    return (distant *)(uintptr_t)dev;
}

/* ---- memory ---- */

static void protect(const el_device *dev, int protection)
{
    const distant *const d = distant_of(dev);
    for (int i = 0; i < d->count; i++) {
        const int failed = mprotect(d->blocks[i].memory, d->blocks[i].bytes, protection);
        assert(!failed && "pages change their protection");
    }
}

static bool holds(const el_device *dev, const void *place)
{
    const distant *const d = distant_of(dev);
    for (int i = 0; i < d->count; i++)
        if ((const char *)place >= d->blocks[i].memory &&
            (const char *)place < d->blocks[i].memory + d->blocks[i].bytes)
            return true;
    return false;
}

static void *alloc(el_device *dev, size_t bytes)
{
    distant *const d = distant_of(dev);
    const size_t whole = (bytes / PAGE + 1) * PAGE;
    char *const memory = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(d->count < BLOCKS && "room in the list of blocks");
    if (memory == MAP_FAILED)
        return NULL;
    d->blocks[d->count++] = (block){memory, whole};
    return memory;
}

static void release(el_device *dev, void *memory)
{
    distant *const d = distant_of(dev);
    for (int i = 0; memory && i < d->count; i++)
        if (d->blocks[i].memory == memory) {
            munmap(memory, d->blocks[i].bytes);
            d->blocks[i] = d->blocks[--d->count];
            return;
        }
    assert(!memory && "released memory is the device's");
}

static size_t prepared_bytes(const el_device *dev, int rows, int cols, el_type type, bool training)
{
    const el_device *const inner = distant_of(dev)->inner;
    return inner->prepared_bytes(inner, rows, cols, type, training);
}

static el_type fast_type(const el_device *dev)
{
    const el_device *const inner = distant_of(dev)->inner;
    return inner->fast_type(inner);
}

static void close_device(el_device *dev)
{
    distant *const d = distant_of(dev);
    assert(d->count == 0 && "all memory is released");
    d->inner->close(d->inner);
    free(d);
}

/* ---- copies ---- */

static pending *new_copy(distant_queue *d, void *host, size_t bytes)
{
    assert(d->count < COPIES && "room in the list of copies");
    pending *const p = &d->copies[d->count++];
    *p = (pending){.host = host, .bytes = malloc(bytes + 1), .size = bytes};
    assert(p->bytes);
    return p;
}

static void device_copy(el_queue *q, void *to, const void *from, const void *place, size_t bytes)
{
    assert((!bytes || holds(q->dev, place)) && "what is sent to and fetched from is memory of the device");
    protect(q->dev, PROT_READ | PROT_WRITE);
    memcpy(to, from, bytes);
    protect(q->dev, PROT_NONE);
}

static void send(el_queue *q, void *device, const void *host, size_t bytes)
{
    pending *const p = new_copy((distant_queue *)q, (void *)(uintptr_t)host, bytes);
    memcpy(p->bytes, host, bytes);
    device_copy(q, device, host, device, bytes);
}

static void fetch(el_queue *q, void *host, const void *device, size_t bytes)
{
    pending *const p = new_copy((distant_queue *)q, host, bytes);
    p->fetch = true;
    device_copy(q, p->bytes, device, device, bytes);
    memset(host, GARBAGE, bytes);
}

static void wait_for_copies(el_queue *q)
{
    distant_queue *const d = (distant_queue *)q;
    for (int i = 0; i < d->count; i++) {
        const pending p = d->copies[i];
        assert((p.fetch || memcmp(p.host, p.bytes, p.size) == 0) &&
               "what is sent stays as it is until wait()");
        if (p.fetch)
            memcpy(p.host, p.bytes, p.size);
        free(p.bytes);
    }
    d->count = 0;
}

static el_status reserve(el_queue *q, int longest, int head_size)
{
    el_queue *const inner = ((distant_queue *)q)->inner;
    return inner->reserve(inner, longest, head_size);
}

static double peak(el_queue *q, el_type type)
{
    el_queue *const inner = ((distant_queue *)q)->inner;
    return inner->peak(inner, type);
}

static void close_queue(el_queue *q)
{
    distant_queue *const d = (distant_queue *)q;
    assert(d->count == 0 && "every copy was waited for");
    d->inner->close(d->inner);
    free(d);
}

/* ---- ops: every argument is looked at, and the memory is open for as long as one runs ---- */

static void check_place(const el_device *dev, const void *place)
{
    assert((!place || holds(dev, place)) && "every pointer that an op takes is memory of the device");
}

static void check_tensor(const el_device *dev, el_tensor t)
{
    check_place(dev, t.rows && t.cols ? t.data : NULL);
    check_place(dev, t.prepared);
}

static void check_layout(const el_device *dev, el_layout layout)
{
    check_place(dev, layout.starts);
}

/* Lists of tensors and of indices are the host's: what the first points to is the device's. */
static void check_tensors(const el_device *dev, const el_tensor *list)
{
    check_tensor(dev, list[0]);
}

static void check_places(const el_device *dev, const int *const *list)
{
    check_place(dev, list[0]);
}

static void no_place(const el_device *dev, ...)
{
    (void)dev;
}

#define CHECK_ARGUMENT(dev, a)                                                                               \
    _Generic((a),                                                                                            \
        el_tensor: check_tensor,                                                                             \
        el_layout: check_layout,                                                                             \
        int *: check_place,                                                                                  \
        const int *: check_place,                                                                            \
        float *: check_place,                                                                                \
        const float *: check_place,                                                                          \
        double *: check_place,                                                                               \
        const el_tensor *: check_tensors,                                                                    \
        const int *const *: check_places,                                                                    \
        default: no_place)(dev, a)

/* CHECK_ARGUMENT of each argument, of up to twelve. */
#define NTH(a, b, c, d, e, f, g, h, i, j, k, l, n, ...) n
#define EACH1(v, a) CHECK_ARGUMENT(v, a)
#define EACH2(v, a, ...) CHECK_ARGUMENT(v, a), EACH1(v, __VA_ARGS__)
#define EACH3(v, a, ...) CHECK_ARGUMENT(v, a), EACH2(v, __VA_ARGS__)
#define EACH4(v, a, ...) CHECK_ARGUMENT(v, a), EACH3(v, __VA_ARGS__)
#define EACH5(v, a, ...) CHECK_ARGUMENT(v, a), EACH4(v, __VA_ARGS__)
#define EACH6(v, a, ...) CHECK_ARGUMENT(v, a), EACH5(v, __VA_ARGS__)
#define EACH7(v, a, ...) CHECK_ARGUMENT(v, a), EACH6(v, __VA_ARGS__)
#define EACH8(v, a, ...) CHECK_ARGUMENT(v, a), EACH7(v, __VA_ARGS__)
#define EACH9(v, a, ...) CHECK_ARGUMENT(v, a), EACH8(v, __VA_ARGS__)
#define EACH10(v, a, ...) CHECK_ARGUMENT(v, a), EACH9(v, __VA_ARGS__)
#define EACH11(v, a, ...) CHECK_ARGUMENT(v, a), EACH10(v, __VA_ARGS__)
#define EACH12(v, a, ...) CHECK_ARGUMENT(v, a), EACH11(v, __VA_ARGS__)
#define EACH(...)                                                                                            \
    NTH(__VA_ARGS__, EACH12, EACH11, EACH10, EACH9, EACH8, EACH7, EACH6, EACH5, EACH4, EACH3, EACH2, EACH1)  \
    (dev, __VA_ARGS__)

#define RUN_void(call) call
#define RUN_double(call) const double value = call
#define GIVE_void return
#define GIVE_double return value
#define EL_OP(result, name, parameters, arguments, ...)                                                      \
    static result name parameters                                                                            \
    {                                                                                                        \
        const el_device *const dev = q->dev;                                                                 \
        EACH arguments;                                                                                      \
        q = ((distant_queue *)q)->inner;                                                                     \
        protect(dev, PROT_READ | PROT_WRITE);                                                                \
        RUN_##result(q->name arguments);                                                                     \
        protect(dev, PROT_NONE);                                                                             \
        GIVE_##result;                                                                                       \
    }
#include "ops/ops.def"
#undef EL_OP

static el_status open_queue(el_device *dev, el_queue **q, int threads)
{
    distant_queue *const d = calloc(1, sizeof *d);
    el_device *const inner = distant_of(dev)->inner;
    if (!d)
        return el_fail(EL_ENOMEM, "no memory for a queue");
    const el_status st = inner->open_queue(inner, &d->inner, threads);
    if (st) {
        free(d);
        return st;
    }
    d->queue = (el_queue){
        .dev = dev,
        .threads = d->inner->threads,
        .close = close_queue,
        .send = send,
        .fetch = fetch,
        .wait = wait_for_copies,
        .reserve = reserve,
        .peak = peak,
#define EL_OP(result, name_, ...) .name_ = name_,
#include "ops/ops.def"
#undef EL_OP
    };
    *q = &d->queue;
    return EL_OK;
}

el_queue *distant_open(int threads, const char *level)
{
    distant *const d = calloc(1, sizeof *d);
    el_queue *q = NULL;
    assert(d);
    el_status st = el_device_open(&d->inner, level);
    d->device = (el_device){.name = "distant",
                            .level = d->inner->level,
                            .close = close_device,
                            .alloc = alloc,
                            .release = release,
                            .prepared_bytes = prepared_bytes,
                            .fast_type = fast_type,
                            .open_queue = open_queue};
    if (!st)
        st = open_queue(&d->device, &q, threads);
    assert(!st);
    return q;
}

double distant_get(el_queue *q, el_tensor t, int row, int col)
{
    double one;
    const el_tensor from = el_tensor_cols(el_tensor_rows(t, row, 1), col, 1);
    q->fetch(q, &one, from.data, el_type_bytes(t.type));
    q->wait(q);
    return el_get(el_tensor_make(&one, t.type, 1, 1), 0, 0);
}

void distant_set(el_queue *q, el_tensor t, int row, int col, double value)
{
    double one;
    const el_tensor to = el_tensor_cols(el_tensor_rows(t, row, 1), col, 1);
    el_set(el_tensor_make(&one, t.type, 1, 1), 0, 0, value);
    q->send(q, to.data, &one, el_type_bytes(t.type));
    q->wait(q);
}
