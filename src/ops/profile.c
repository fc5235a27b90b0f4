/* profile - see the header
 *
 * The queue starts as a copy of the inner one, state included, so what is not replaced here works on it as it is.
 */
#include "ops/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
    LINES = 256 /* several times what two networks need; the last takes all that find no place */
};

typedef struct {
    el_queue queue; /* first: a pointer to it is one to the whole */
    el_queue *inner;
    double idle; /* seconds that a launch and a wait take without any work: a GPU's */
    el_profile_line lines[LINES];
    int count;
} profile;

static el_profile_line *line_of(profile *p, const el_profile_line *work)
{
    for (int i = 0; i < p->count; i++) {
        el_profile_line *const l = &p->lines[i];
        if (l->width == work->width && l->inputs == work->inputs && strcmp(l->op, work->op) == 0)
            return l;
    }
    if (p->count == LINES)
        return &p->lines[LINES - 1];
    el_profile_line *const l = &p->lines[p->count++];
    *l = (el_profile_line){.op = work->op, .width = work->width, .inputs = work->inputs};
    return l;
}

/* One call that began at `start`; `work` has its name, shape, operations and bytes. */
static void add_call(profile *p, double start, el_profile_line work)
{
    const double seconds = el_now() - start - p->idle;
    el_profile_line *const l = line_of(p, &work);
    l->calls++;
    l->seconds += seconds > 0 ? seconds : 0;
    l->flops += work.flops;
    l->bytes += work.bytes;
}

/* What the costs of the list are made of. */

static double bytes_of(el_tensor t)
{
    return t.data ? (double)el_tensor_bytes(t.rows, t.cols, t.type) : 0;
}

static double list_bytes(const el_tensor *tensors, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += bytes_of(tensors[i]);
    return sum;
}

/* Value, gradient and moments, read and written; the preparing of matrices apart. */
static double trained_bytes(const el_trained *params, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += 4 * 2 * bytes_of(params[i].value);
    return sum;
}

#define BYTES(t) bytes_of(t)
#define LIST_BYTES(x, count) list_bytes(x, count)
#define TRAINED_BYTES(params, count) trained_bytes(params, count)
#define PREPARED_BYTES(w, type, training)                                                                    \
    (double)q->dev->prepared_bytes(q->dev, (w).rows, (w).cols, type, training)
/* Of a product of (rows, inputs) and (inputs, width); the weight is read in the type of the activations. */
#define PRODUCT(y, x) (2.0 * (x).rows * (x).cols * (y).cols)
#define WEIGHT_BYTES(w, x) (double)el_tensor_bytes((w).rows, (w).cols, (w).int8_steps ? EL_I8 : (x).type)
/* A row of the table for each row of y. */
#define ROWS_BYTES(y, table) (double)el_tensor_bytes((y).rows, (y).cols, (table).type)

#define COST(width_, inputs_, flops_, bytes_)                                                                \
    .width = (width_), .inputs = (inputs_), .flops = (flops_), .bytes = (bytes_)

/* Each op of the list, measured: the inner queue's, then a line of what it was. */
#define EL_OP(result, name_, parameters, arguments, cost)                                                    \
    static result name_ parameters                                                                           \
    {                                                                                                        \
        profile *const p = (profile *)q;                                                                     \
        const double start = el_now();                                                                       \
        q = p->inner;                                                                                        \
        q->name_ arguments;                                                                                  \
        q->wait(q);                                                                                          \
        add_call(p, start, (el_profile_line){.op = #name_, cost});                                           \
    }
#include "ops/ops.def"
#undef EL_OP

/* The shortest of some launches. */
static double idle_of(el_queue *q)
{
    enum { TIMES = 64, FEW = 16 };
    void *const memory = q->dev->about ? q->dev->alloc(q->dev, FEW * sizeof(float)) : NULL;
    double shortest = 0;
    for (int i = 0; memory && i < TIMES; i++) {
        const double start = el_now();
        q->zero(q, el_tensor_make(memory, EL_F32, 1, FEW));
        q->wait(q);
        const double seconds = el_now() - start;
        shortest = i == 0 || seconds < shortest ? seconds : shortest;
    }
    q->dev->release(q->dev, memory);
    return shortest;
}

static void close_profile(el_queue *q)
{
    free(q);
}

el_status el_queue_profile(el_queue **q, el_queue *inner)
{
    profile *const p = calloc(1, sizeof *p);
    if (!p)
        return el_no_memory(NULL);
    p->inner = inner;
    p->idle = idle_of(inner);
    el_queue *const d = &p->queue;
    *d = *inner;
    d->close = close_profile;
#define EL_OP(result, name_, ...) d->name_ = inner->name_ ? name_ : NULL;
#include "ops/ops.def"
#undef EL_OP
    *q = d;
    return EL_OK;
}

int el_profile_lines(const el_queue *q, const el_profile_line **lines)
{
    const profile *const p = (const profile *)q;
    *lines = p->lines;
    return p->count;
}

void el_profile_reset(el_queue *q)
{
    profile *const p = (profile *)q;
    for (int i = 0; i < p->count; i++) {
        el_profile_line *const l = &p->lines[i];
        *l = (el_profile_line){.op = l->op, .width = l->width, .inputs = l->inputs};
    }
}
