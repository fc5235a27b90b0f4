/* distant - see the header */
#define _GNU_SOURCE
#include "ops/distant.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, BLOCKS = 256, FETCHES = 1024, GARBAGE = 0xa5 };

/* Memory is mapped twice.  The device's addresses are of a view that is closed for good; ops and copies work on the other. */
typedef struct {
    char *memory, *open;
    size_t bytes;
} block;

typedef struct {
    el_device device; /* first: a pointer to it is one to the whole */
    el_device *inner;
    block blocks[BLOCKS];
    int count;
    bool lists; /* an op with lists runs: the closed view is open */
} distant;

/* What was fetched and not waited for. */
typedef struct {
    void *host;
    char *bytes; /* the device's as they were */
    size_t size;
} pending;

typedef struct {
    el_queue queue; /* first */
    el_queue *inner;
    pending fetches[FETCHES];
    int count, waits;
} distant_queue;

static distant *distant_of(const el_device *dev)
{
    return (distant *)(uintptr_t)dev;
}

/* ---- memory ---- */

static const block *block_of(const el_device *dev, const void *place)
{
    const distant *const d = distant_of(dev);
    const char *const byte = place;
    for (int i = 0; i < d->count; i++)
        if (byte >= d->blocks[i].memory && byte < d->blocks[i].memory + d->blocks[i].bytes)
            return &d->blocks[i];
    return NULL;
}

/* Where ops find what the device calls `place`. */
static void *opened(const el_device *dev, const void *place)
{
    const block *const b = block_of(dev, place);
    assert(b && "every pointer that an op or a copy takes is memory of the device");
    return b->open + ((const char *)place - b->memory);
}

static void *alloc(el_device *dev, size_t bytes)
{
    distant *const d = distant_of(dev);
    const size_t whole = (bytes / PAGE + 1) * PAGE;
    const int file = memfd_create("distant", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)whole))
        return NULL;
    char *const memory = mmap(NULL, whole, PROT_NONE, MAP_SHARED, file, 0);
    char *const open = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    assert(d->count < BLOCKS && "room in the list of blocks");
    if (memory == MAP_FAILED || open == MAP_FAILED)
        return NULL;
    d->blocks[d->count++] = (block){memory, open, whole};
    return memory;
}

static void release(el_device *dev, void *memory)
{
    distant *const d = distant_of(dev);
    for (int i = 0; memory && i < d->count; i++)
        if (d->blocks[i].memory == memory) {
            munmap(memory, d->blocks[i].bytes);
            munmap(d->blocks[i].open, d->blocks[i].bytes);
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

static void send(el_queue *q, void *device, const void *host, size_t bytes)
{
    if (bytes)
        memcpy(opened(q->dev, device), host, bytes);
}

static void fetch(el_queue *q, void *host, const void *device, size_t bytes)
{
    distant_queue *const d = (distant_queue *)q;
    assert(d->count < FETCHES && "room in the list of what is fetched");
    pending *const p = &d->fetches[d->count++];
    *p = (pending){.host = host, .bytes = malloc(bytes + 1), .size = bytes};
    assert(p->bytes);
    if (bytes)
        memcpy(p->bytes, opened(q->dev, device), bytes);
    memset(host, GARBAGE, bytes);
}

static el_status wait_for_fetches(el_queue *q)
{
    distant_queue *const d = (distant_queue *)q;
    for (int i = 0; i < d->count; i++) {
        memcpy(d->fetches[i].host, d->fetches[i].bytes, d->fetches[i].size);
        free(d->fetches[i].bytes);
    }
    d->count = 0;
    d->waits++;
    return EL_OK;
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
    assert(d->count == 0 && "all that was fetched was waited for");
    d->inner->close(d->inner);
    free(d);
}

/* ---- ops: every argument is looked at, and moved to the open view ---- */

static void move_place(el_device *dev, void *argument)
{
    void *place;
    memcpy(&place, argument, sizeof place); /* a pointer to ints, floats or doubles */
    if (place)
        place = opened(dev, place);
    memcpy(argument, &place, sizeof place);
}

static void move_tensor(el_device *dev, void *argument)
{
    el_tensor *const t = argument;
    if (t->rows && t->cols)
        move_place(dev, &t->data);
    move_place(dev, &t->prepared);
}

static void move_layout(el_device *dev, void *argument)
{
    move_place(dev, &((el_layout *)argument)->starts);
    move_place(dev, &((el_layout *)argument)->limits);
}

static void move_relative(el_device *dev, void *argument)
{
    el_relative *const r = argument;
    move_tensor(dev, &r->places);
    move_tensor(dev, &r->biases);
    move_tensor(dev, &r->kinds);
    move_place(dev, &r->positions);
    move_place(dev, &r->segments);
}

static void move_relative_gradients(el_device *dev, void *argument)
{
    el_relative_gradients *const d = argument;
    move_tensor(dev, &d->places);
    move_tensor(dev, &d->biases);
    move_tensor(dev, &d->kinds);
    move_tensor(dev, &d->parts);
}

static void protect(el_device *dev, int protection)
{
    distant *const d = distant_of(dev);
    for (int i = 0; i < d->count; i++) {
        const int failed = mprotect(d->blocks[i].memory, d->blocks[i].bytes, protection);
        assert(!failed && "pages change their protection");
    }
    d->lists = protection != PROT_NONE;
}

/* Lists are the host's, and what they point to stays where it is: the closed view is opened for this op. */
static void open_lists(el_device *dev, void *argument)
{
    const el_tensor *const *const list = argument;
    (void)opened(dev, (*list)->data);
    if (!distant_of(dev)->lists)
        protect(dev, PROT_READ | PROT_WRITE);
}

static void open_trained(el_device *dev, void *argument)
{
    const el_trained *const *const list = argument;
    (void)opened(dev, (*list)->value.data);
    if (!distant_of(dev)->lists)
        protect(dev, PROT_READ | PROT_WRITE);
}

static void open_places(el_device *dev, void *argument)
{
    const int *const *const *const list = argument;
    (void)opened(dev, (*list)[0]);
    if (!distant_of(dev)->lists)
        protect(dev, PROT_READ | PROT_WRITE);
}

static void no_place(el_device *dev, void *argument)
{
    (void)dev;
    (void)argument;
}

#define MOVE(dev, a)                                                                                         \
    _Generic((a),                                                                                            \
        el_tensor: move_tensor,                                                                              \
        el_layout: move_layout,                                                                              \
        el_relative: move_relative,                                                                          \
        el_relative_gradients: move_relative_gradients,                                                      \
        int *: move_place,                                                                                   \
        const int *: move_place,                                                                             \
        float *: move_place,                                                                                 \
        const float *: move_place,                                                                           \
        double *: move_place,                                                                                \
        const el_trained *: open_trained,                                                                    \
        const el_tensor *: open_lists,                                                                       \
        const int *const *: open_places,                                                                     \
        default: no_place)(dev, (void *)&(a))

/* MOVE of each argument, of up to twelve. */
#define NTH(a, b, c, d, e, f, g, h, i, j, k, l, n, ...) n
#define EACH1(v, a) MOVE(v, a)
#define EACH2(v, a, ...) MOVE(v, a), EACH1(v, __VA_ARGS__)
#define EACH3(v, a, ...) MOVE(v, a), EACH2(v, __VA_ARGS__)
#define EACH4(v, a, ...) MOVE(v, a), EACH3(v, __VA_ARGS__)
#define EACH5(v, a, ...) MOVE(v, a), EACH4(v, __VA_ARGS__)
#define EACH6(v, a, ...) MOVE(v, a), EACH5(v, __VA_ARGS__)
#define EACH7(v, a, ...) MOVE(v, a), EACH6(v, __VA_ARGS__)
#define EACH8(v, a, ...) MOVE(v, a), EACH7(v, __VA_ARGS__)
#define EACH9(v, a, ...) MOVE(v, a), EACH8(v, __VA_ARGS__)
#define EACH10(v, a, ...) MOVE(v, a), EACH9(v, __VA_ARGS__)
#define EACH11(v, a, ...) MOVE(v, a), EACH10(v, __VA_ARGS__)
#define EACH12(v, a, ...) MOVE(v, a), EACH11(v, __VA_ARGS__)
#define EACH(...)                                                                                            \
    NTH(__VA_ARGS__, EACH12, EACH11, EACH10, EACH9, EACH8, EACH7, EACH6, EACH5, EACH4, EACH3, EACH2, EACH1)  \
    (dev, __VA_ARGS__)

#define EL_OP(result, name, parameters, arguments, ...)                                                      \
    static result name parameters                                                                            \
    {                                                                                                        \
        el_device *const dev = q->dev;                                                                       \
        el_queue *const inner = ((distant_queue *)q)->inner;                                                 \
        EACH arguments;                                                                                      \
        q = inner;                                                                                           \
        q->name arguments;                                                                                   \
        if (distant_of(dev)->lists)                                                                          \
            protect(dev, PROT_NONE);                                                                         \
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
        .wait = wait_for_fetches,
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
                            .apart = true,
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

int distant_waits(const el_queue *q)
{
    return ((const distant_queue *)q)->waits;
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
