/* profile - see the header
 *
 * The queue starts as a copy of the inner one, state included, so what is not replaced here works on it as it is.
 */
#include "ops/profile.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LINES = 256, /* several times what two networks need; the last takes all that find no place */
    CHUNK = 256  /* row starts fetched at a time */
};

typedef struct {
    el_queue queue; /* first: a pointer to it is one to the whole */
    el_queue *inner;
    el_profile_line lines[LINES];
    int count;
} profile;

static el_queue *inner_of(el_queue *q)
{
    return ((profile *)q)->inner;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double bytes_of(el_tensor t)
{
    return t.data ? (double)el_tensor_bytes(t.rows, t.cols, t.type) : 0;
}

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
static void count(el_queue *q, double start, el_profile_line work)
{
    const double seconds = now() - start;
    el_profile_line *const l = line_of((profile *)q, &work);
    l->calls++;
    l->seconds += seconds;
    l->flops += work.flops;
    l->bytes += work.bytes;
}

static void prepare(el_queue *q, el_tensor w, el_type type, bool training)
{
    const double start = now();
    inner_of(q)->prepare(inner_of(q), w, type, training);
    const double copy = (double)q->dev->prepared_bytes(q->dev, w.rows, w.cols, type, training);
    count(q, start, (el_profile_line){.op = "prepare", .bytes = bytes_of(w) + copy});
}

/* Of activations and parameters alike, and of these many shapes. */
static void zero(el_queue *q, el_tensor y)
{
    const double start = now();
    inner_of(q)->zero(inner_of(q), y);
    count(q, start, (el_profile_line){.op = "zero", .bytes = bytes_of(y)});
}

static void copy(el_queue *q, el_tensor y, el_tensor x)
{
    const double start = now();
    inner_of(q)->copy(inner_of(q), y, x);
    count(q, start, (el_profile_line){.op = "copy", .width = y.cols, .bytes = bytes_of(y) + bytes_of(x)});
}

static void add(el_queue *q, el_tensor y, el_tensor a, el_tensor b)
{
    const double start = now();
    inner_of(q)->add(inner_of(q), y, a, b);
    count(q, start, (el_profile_line){.op = "add", .width = y.cols, .bytes = 3 * bytes_of(y)});
}

/* Of a product of (rows, inputs) and (inputs, width); the weight is read in the type of the activations. */
static el_profile_line product(const char *op, el_tensor y, el_tensor x)
{
    return (el_profile_line){
        .op = op, .width = y.cols, .inputs = x.cols, .flops = 2.0 * x.rows * x.cols * y.cols};
}

static double weight_bytes(el_tensor w, el_type type)
{
    return (double)el_tensor_bytes(w.rows, w.cols, type);
}

static void linear_forward(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b)
{
    const double start = now();
    inner_of(q)->linear_forward(inner_of(q), y, x, w, b);
    el_profile_line work = product("linear_forward", y, x);
    work.bytes = bytes_of(y) + bytes_of(x) + weight_bytes(w, x.type) + bytes_of(b);
    count(q, start, work);
}

static void linear_backward_input(el_queue *q, el_tensor dx, el_tensor dy, el_tensor w, bool accumulate)
{
    const double start = now();
    inner_of(q)->linear_backward_input(inner_of(q), dx, dy, w, accumulate);
    el_profile_line work = product("linear_backward_input", dy, dx);
    work.bytes = (accumulate ? 2 : 1) * bytes_of(dx) + bytes_of(dy) + weight_bytes(w, dx.type);
    count(q, start, work);
}

static void linear_backward_weight(el_queue *q, el_tensor dw, el_tensor db, el_tensor dy, el_tensor x)
{
    const double start = now();
    inner_of(q)->linear_backward_weight(inner_of(q), dw, db, dy, x);
    el_profile_line work = product("linear_backward_weight", dy, x);
    work.bytes = 2 * (bytes_of(dw) + bytes_of(db)) + bytes_of(dy) + bytes_of(x);
    count(q, start, work);
}

static void gelu_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor x)
{
    const double start = now();
    inner_of(q)->gelu_forward(inner_of(q), y, slope, x);
    count(q, start,
          (el_profile_line){
              .op = "gelu_forward", .width = y.cols, .bytes = bytes_of(y) + bytes_of(slope) + bytes_of(x)});
}

static void gelu_backward(el_queue *q, el_tensor dx, el_tensor dy, el_tensor slope)
{
    const double start = now();
    inner_of(q)->gelu_backward(inner_of(q), dx, dy, slope);
    count(q, start, (el_profile_line){.op = "gelu_backward", .width = dx.cols, .bytes = 3 * bytes_of(dx)});
}

static void linear_gelu_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor z, el_tensor x,
                                el_tensor w, el_tensor b)
{
    const double start = now();
    inner_of(q)->linear_gelu_forward(inner_of(q), y, slope, z, x, w, b);
    el_profile_line work = product("linear_gelu_forward", z, x);
    work.bytes = bytes_of(y) + bytes_of(slope.data != z.data ? slope : el_tensor_none()) + bytes_of(z) +
                 bytes_of(x) + weight_bytes(w, x.type) + bytes_of(b);
    count(q, start, work);
}

static void dropout(el_queue *q, el_tensor y, el_tensor x, el_dropout dropped)
{
    const double start = now();
    inner_of(q)->dropout(inner_of(q), y, x, dropped);
    count(q, start, (el_profile_line){.op = "dropout", .width = y.cols, .bytes = 2 * bytes_of(y)});
}

static void layer_norm_forward(el_queue *q, el_tensor y, el_tensor stats, el_tensor x, el_tensor gamma,
                               el_tensor beta, double epsilon)
{
    const double start = now();
    inner_of(q)->layer_norm_forward(inner_of(q), y, stats, x, gamma, beta, epsilon);
    count(q, start,
          (el_profile_line){.op = "layer_norm_forward",
                            .width = y.cols,
                            .bytes = bytes_of(y) + bytes_of(stats) + bytes_of(x)});
}

static void layer_norm_backward(el_queue *q, el_tensor dx, el_tensor dgamma, el_tensor dbeta, el_tensor dy,
                                el_tensor x, el_tensor stats, el_tensor gamma)
{
    const double start = now();
    inner_of(q)->layer_norm_backward(inner_of(q), dx, dgamma, dbeta, dy, x, stats, gamma);
    count(q, start,
          (el_profile_line){.op = "layer_norm_backward",
                            .width = dx.cols,
                            .bytes = bytes_of(dx) + bytes_of(dy) + bytes_of(x) + bytes_of(stats)});
}

static void residual_norm_forward(el_queue *q, el_tensor y, el_tensor sum, el_tensor stats, el_tensor x,
                                  el_tensor branch, el_tensor gamma, el_tensor beta, double epsilon,
                                  el_dropout dropped)
{
    const double start = now();
    inner_of(q)->residual_norm_forward(inner_of(q), y, sum, stats, x, branch, gamma, beta, epsilon, dropped);
    count(q, start,
          (el_profile_line){.op = "residual_norm_forward",
                            .width = y.cols,
                            .bytes = bytes_of(y) + bytes_of(sum) + bytes_of(stats) + bytes_of(x) +
                                     bytes_of(branch)});
}

static void residual_norm_backward(el_queue *q, el_tensor dsum, el_tensor dbranch, el_tensor dgamma,
                                   el_tensor dbeta, el_tensor dy, el_tensor sum, el_tensor stats,
                                   el_tensor gamma, el_dropout dropped)
{
    const double start = now();
    inner_of(q)->residual_norm_backward(inner_of(q), dsum, dbranch, dgamma, dbeta, dy, sum, stats, gamma,
                                        dropped);
    count(q, start,
          (el_profile_line){.op = "residual_norm_backward",
                            .width = dsum.cols,
                            .bytes = bytes_of(dsum) + bytes_of(dbranch) + bytes_of(dy) + bytes_of(sum) +
                                     bytes_of(stats)});
}

/* A row of each table for each row of y. */
static void embed_forward(el_queue *q, el_tensor y, const el_tensor *tables, const int *const *indices,
                          int tables_count)
{
    const double start = now();
    inner_of(q)->embed_forward(inner_of(q), y, tables, indices, tables_count);
    const double rows = (double)el_tensor_bytes(y.rows, y.cols, tables[0].type);
    count(q, start,
          (el_profile_line){
              .op = "embed_forward", .width = y.cols, .bytes = bytes_of(y) + tables_count * rows});
}

static void embed_backward(el_queue *q, el_tensor dtable, el_tensor dy, const int *index)
{
    const double start = now();
    inner_of(q)->embed_backward(inner_of(q), dtable, dy, index);
    const double rows = (double)el_tensor_bytes(dy.rows, dy.cols, dtable.type);
    count(q, start,
          (el_profile_line){.op = "embed_backward", .width = dy.cols, .bytes = bytes_of(dy) + 2 * rows});
}

static void gather_forward(el_queue *q, el_tensor y, el_tensor x, const int *rows)
{
    const double start = now();
    inner_of(q)->gather_forward(inner_of(q), y, x, rows);
    count(q, start, (el_profile_line){.op = "gather_forward", .width = y.cols, .bytes = 2 * bytes_of(y)});
}

static void gather_backward(el_queue *q, el_tensor dx, el_tensor dy, const int *rows)
{
    const double start = now();
    inner_of(q)->gather_backward(inner_of(q), dx, dy, rows);
    count(q, start,
          (el_profile_line){
              .op = "gather_backward", .width = dx.cols, .bytes = bytes_of(dx) + 2 * bytes_of(dy)});
}

/* The sum of the squares of all lengths; the row starts are device memory. */
static double pairs_of(el_queue *q, el_layout layout)
{
    int starts[CHUNK + 1];
    double pairs = 0;
    for (int first = 0; first < layout.sequences; first += CHUNK) {
        const int sequences = layout.sequences - first < CHUNK ? layout.sequences - first : CHUNK;
        q->fetch(q, starts, layout.starts + first, (size_t)(sequences + 1) * sizeof *starts);
        q->wait(q);
        for (int s = 0; s < sequences; s++)
            pairs += (double)(starts[s + 1] - starts[s]) * (starts[s + 1] - starts[s]);
    }
    return pairs;
}

static void attention_forward(el_queue *q, el_tensor y, el_tensor lse, el_tensor qkv, el_layout layout,
                              int heads, el_dropout dropped, int width)
{
    const double start = now();
    inner_of(q)->attention_forward(inner_of(q), y, lse, qkv, layout, heads, dropped, width);
    el_profile_line work = {.op = "attention_forward", .width = y.cols};
    work.bytes = bytes_of(y) + bytes_of(lse) + bytes_of(qkv);
    count(q, start, work);
    line_of((profile *)q, &work)->flops += 2 * 2 * pairs_of(q, layout) * y.cols; /* Q K^T and P V */
}

static void attention_backward(el_queue *q, el_tensor dqkv, el_tensor dy, el_tensor y, el_tensor lse,
                               el_tensor qkv, el_layout layout, int heads, el_dropout dropped, int width)
{
    const double start = now();
    inner_of(q)->attention_backward(inner_of(q), dqkv, dy, y, lse, qkv, layout, heads, dropped, width);
    el_profile_line work = {.op = "attention_backward", .width = y.cols};
    work.bytes = bytes_of(dqkv) + bytes_of(dy) + bytes_of(y) + bytes_of(lse) + bytes_of(qkv);
    count(q, start, work);
    line_of((profile *)q, &work)->flops += 4 * 2 * pairs_of(q, layout) * y.cols; /* dP, dV, dQ, dK */
}

static void softmax_loss(el_queue *q, el_tensor loss, int *guess, int *sample, el_tensor dlogits,
                         el_tensor logits, const int *target, const el_sampling *sampling, double scale)
{
    const double start = now();
    inner_of(q)->softmax_loss(inner_of(q), loss, guess, sample, dlogits, logits, target, sampling, scale);
    count(q, start,
          (el_profile_line){
              .op = "softmax_loss", .width = logits.cols, .bytes = bytes_of(logits) + bytes_of(dlogits)});
}

static void logistic_loss(el_queue *q, el_tensor loss, el_tensor dlogits, el_tensor logits, const int *label,
                          double scale)
{
    const double start = now();
    inner_of(q)->logistic_loss(inner_of(q), loss, dlogits, logits, label, scale);
    count(q, start,
          (el_profile_line){.op = "logistic_loss",
                            .width = logits.cols,
                            .bytes = bytes_of(logits) + bytes_of(dlogits) + bytes_of(loss)});
}

static void squared_loss(el_queue *q, el_tensor loss, el_tensor dx, el_tensor x, const float *target,
                         double scale)
{
    const double start = now();
    inner_of(q)->squared_loss(inner_of(q), loss, dx, x, target, scale);
    count(q, start,
          (el_profile_line){
              .op = "squared_loss", .width = x.cols, .bytes = bytes_of(x) + bytes_of(dx) + bytes_of(loss)});
}

static double sum_squares(el_queue *q, el_tensor x)
{
    const double start = now();
    const double sum = inner_of(q)->sum_squares(inner_of(q), x);
    count(q, start, (el_profile_line){.op = "sum_squares", .bytes = bytes_of(x)});
    return sum;
}

static void adamw(el_queue *q, el_tensor value, el_tensor m, el_tensor v, el_tensor gradient, el_adamw step)
{
    const double start = now();
    inner_of(q)->adamw(inner_of(q), value, m, v, gradient, step);
    count(q, start,
          (el_profile_line){.op = "adamw",
                            .bytes = 2 * (bytes_of(value) + bytes_of(m) + bytes_of(v) + bytes_of(gradient))});
}

static void close_profile(el_queue *q)
{
    free(q);
}

el_status el_queue_profile(el_queue **q, el_queue *inner)
{
    profile *const p = calloc(1, sizeof *p);
    if (!p)
        return el_fail(EL_ENOMEM, "no memory for a profile");
    p->inner = inner;
    el_queue *const d = &p->queue;
    *d = *inner;
    d->close = close_profile;
    d->prepare = prepare;
    d->zero = zero;
    d->copy = copy;
    d->add = add;
    d->linear_forward = linear_forward;
    d->linear_backward_input = linear_backward_input;
    d->linear_backward_weight = linear_backward_weight;
    d->gelu_forward = gelu_forward;
    d->gelu_backward = gelu_backward;
    d->linear_gelu_forward = linear_gelu_forward;
    d->dropout = dropout;
    d->layer_norm_forward = layer_norm_forward;
    d->layer_norm_backward = layer_norm_backward;
    d->residual_norm_forward = residual_norm_forward;
    d->residual_norm_backward = residual_norm_backward;
    d->embed_forward = embed_forward;
    d->embed_backward = embed_backward;
    d->gather_forward = gather_forward;
    d->gather_backward = gather_backward;
    d->attention_forward = attention_forward;
    d->attention_backward = attention_backward;
    d->softmax_loss = softmax_loss;
    d->logistic_loss = logistic_loss;
    d->squared_loss = squared_loss;
    d->sum_squares = sum_squares;
    d->adamw = adamw;
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
