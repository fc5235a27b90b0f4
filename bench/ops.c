/* ops - how long each op of the processor's device takes at ELECTRA-Small's shapes
 *
 *   cmake --build --preset release --target bench_ops
 *   build/release/bench_ops [threads [level [name-part [8|16|32]]]]
 *
 * 2048 tokens in sequences of 128, hidden 256, inner 1024, 4 heads, the generator's hidden 64, and the
 * vocabulary product for 307 masked tokens.  The best time of many; GFLOP/s for products and attention, GB/s
 * for what only reads and writes (tensors counted once).  Peaks of this machine's multiply-adds come first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/pool.h"
#include "ops/queue.h"

enum {
    TOKENS = 2048,
    LENGTH = 128,
    LONGEST = 512,
    HIDDEN = 256,
    INNER = 1024,
    HEADS = 4,
    MASKED = 307,
    WORDS = 30522,
    NARROW = 128
};

static el_queue *q;
static const char *wanted = "";

static el_tensor tensor(el_type type, int rows, int cols)
{
    void *const memory = q->dev->alloc(q->dev, el_tensor_bytes(rows, cols, type) + 64);
    if (!memory)
        abort();
    el_tensor t = el_tensor_make(memory, type, rows, cols);
    const el_random random = {.seed = 1, .stream = 2, .step = (uint32_t)cols};
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            uint32_t words[4];
            if (j % 4 == 0)
                el_random_words(random, (uint64_t)i * (uint64_t)cols + (uint64_t)j, words);
            el_set(t, i, j, (double)words[j % 4] / 2147483648.0 - 1);
        }
    return t;
}

typedef struct {
    el_tensor x, y, w, b, dw, db, slope, stats, gamma, beta, dgamma, dbeta, lse, dy, dx, qkv, dqkv, m, v;
    el_layout layout;
    el_dropout dropout;
    int *rows, *ints;
    double *squares;
    int heads;
} setting;

typedef void work(setting *s);

static void report(const char *name, work *f, setting *s, double flops, double bytes)
{
    if (!strstr(name, wanted))
        return;
    double best = 1e9, total = 0;
    for (int i = 0; i < 400 && (total < 0.4 || i < 10); i++) {
        const double start = el_now();
        f(s);
        const double time = el_now() - start;
        best = time < best ? time : best;
        total += time;
    }
    printf("%-58s %9.3f ms", name, 1e3 * best);
    if (flops > 0)
        printf(" %8.1f GFLOP/s", 1e-9 * flops / best);
    if (bytes > 0)
        printf(" %8.1f GB/s", 1e-9 * bytes / best);
    printf("\n");
    fflush(stdout);
}

static void forward(setting *s)
{
    q->linear_forward(q, s->y, s->x, s->w, s->b);
}

static void backward_input(setting *s)
{
    q->linear_backward_input(q, s->dx, s->dy, s->w, false);
}

static void backward_weight(setting *s)
{
    q->linear_backward_weight(q, s->dw, el_tensor_none(), s->dy, s->x);
}

static void backward_bias(setting *s)
{
    q->linear_backward_weight(q, s->dw, s->db, s->dy, s->x);
}

static void prepare(setting *s)
{
    q->prepare(q, s->w, s->x.type, true);
}

static void linear(el_type type, int rows, int in, int out)
{
    setting s = {.x = tensor(type, rows, in), .y = tensor(type, rows, out), .w = tensor(EL_F32, out, in)};
    s.b = tensor(EL_F32, 1, out), s.dw = tensor(EL_F32, out, in), s.db = tensor(EL_F32, 1, out);
    s.dy = tensor(type, rows, out), s.dx = tensor(type, rows, in);
    s.w.prepared = q->dev->alloc(q->dev, q->dev->prepared_bytes(q->dev, out, in, type, true));
    q->prepare(q, s.w, type, true);
    const double flops = 2.0 * rows * in * out;
    char name[80], shape[40];
    snprintf(shape, sizeof shape, "%s %d x %d x %d", type == EL_BF16 ? "bf16" : "f32", rows, in, out);
    snprintf(name, sizeof name, "forward %s", shape);
    report(name, forward, &s, flops, 0);
    snprintf(name, sizeof name, "backward input %s", shape);
    report(name, backward_input, &s, flops, 0);
    snprintf(name, sizeof name, "backward weight %s", shape);
    report(name, backward_weight, &s, flops, 0);
    snprintf(name, sizeof name, "  and bias %s", shape);
    report(name, backward_bias, &s, flops, 0);
    snprintf(name, sizeof name, "prepare %s", shape);
    report(name, prepare, &s, 0, 4.0 * in * out + 4.0 * in * out * (type == EL_BF16 ? 1 : 2));
    const el_tensor used[] = {s.x, s.y, s.w, s.b, s.dw, s.db, s.dy, s.dx};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        q->dev->release(q->dev, used[i].data);
    q->dev->release(q->dev, s.w.prepared);
}

/* Of whole numbers: answers alone are made of them. */
static void linear_int8(int rows, int in, int out)
{
    setting s = {.x = tensor(EL_F32, rows, in), .y = tensor(EL_F32, rows, out), .w = tensor(EL_F32, out, in)};
    s.b = tensor(EL_F32, 1, out);
    s.w.int8_steps = q->dev->int8_steps;
    s.w.prepared = q->dev->alloc(q->dev, q->dev->prepared_bytes(q->dev, out, in, EL_I8, false));
    q->prepare(q, s.w, EL_I8, false);
    char name[80];
    snprintf(name, sizeof name, "forward int8 %d x %d x %d", rows, in, out);
    report(name, forward, &s, 2.0 * rows * in * out, 0);
    const el_tensor used[] = {s.x, s.y, s.w, s.b};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        q->dev->release(q->dev, used[i].data);
    q->dev->release(q->dev, s.w.prepared);
}

static void gelu(setting *s)
{
    q->gelu_forward(q, s->y, s->slope, s->x);
}

static void gelu_backward(setting *s)
{
    q->gelu_backward(q, s->dx, s->dy, s->slope);
}

static void add(setting *s)
{
    q->add(q, s->y, s->x, s->dy);
}

static void dropout(setting *s)
{
    q->dropout(q, s->y, s->x, s->dropout);
}

static void norm(setting *s)
{
    q->residual_norm_forward(q, s->y, s->slope, s->stats, s->x, s->dy, s->gamma, s->beta, 1e-12, s->dropout);
}

static void norm_backward(setting *s)
{
    q->residual_norm_backward(q, s->dx, s->y, s->dgamma, s->dbeta, s->dy, s->x, s->stats, s->gamma,
                              s->dropout);
}

static void layer_norm(setting *s)
{
    q->layer_norm_forward(q, s->y, s->stats, s->x, s->gamma, s->beta, 1e-12);
}

static void attention(setting *s)
{
    q->attention_forward(q, s->y, s->lse, s->qkv, s->layout, s->heads, s->dropout, LONGEST);
}

static void attention_backward(setting *s)
{
    q->attention_backward(q, s->dqkv, s->dy, s->y, s->lse, s->qkv, s->layout, s->heads, s->dropout, LONGEST);
}

static void loss(setting *s)
{
    q->softmax_loss(q, s->stats, s->ints, NULL, s->dx, s->x, s->rows, NULL, NULL, 0.1);
}

static void loss_sample(setting *s)
{
    const el_sampling sampling = {.temperature = 1};
    q->softmax_loss(q, s->stats, NULL, s->ints, el_tensor_none(), s->x, s->rows, NULL, &sampling, 0.1);
}

static void adamw(setting *s)
{
    const el_trained param = {s->w, s->m, s->v, s->dw, .scale = 1, .decays = true};
    q->adamw(q, &param, 1, NULL, 0,
             (el_adamw){.rate = 1e-9,
                        .beta1 = 0.9,
                        .beta2 = 0.999,
                        .epsilon = 1e-6,
                        .clip = 1,
                        .m_correction = 1,
                        .v_correction = 1});
}

static void squares(setting *s)
{
    q->sum_squares(q, s->squares, &s->dw, 1);
}

static void embed(setting *s)
{
    const el_tensor tables[3] = {s->w, s->gamma, s->beta};
    const int *const indices[3] = {s->rows, s->ints, s->ints};
    q->embed_forward(q, s->y, tables, indices, 3);
}

static void embed_backward(setting *s)
{
    q->embed_backward(q, s->dw, s->dy, s->rows);
}

static void elementwise(el_type type)
{
    const double wide = (double)TOKENS * INNER * el_type_bytes(type), thin = wide / 4;
    setting s = {.x = tensor(type, TOKENS, INNER), .y = tensor(type, TOKENS, INNER), .dropout = {.rate = 0}};
    s.slope = tensor(type, TOKENS, INNER), s.dy = tensor(type, TOKENS, INNER),
    s.dx = tensor(type, TOKENS, INNER);
    report("gelu 2048 x 1024", gelu, &s, 0, 3 * wide);
    report("gelu backward 2048 x 1024", gelu_backward, &s, 0, 3 * wide);
    el_tensor *const all[] = {&s.x, &s.y, &s.slope, &s.dy, &s.dx};
    for (int i = 0; i < 5; i++)
        *all[i] = el_tensor_make(all[i]->data, type, TOKENS, HIDDEN);
    s.stats = tensor(EL_F32, TOKENS, 2), s.gamma = tensor(EL_F32, 1, HIDDEN),
    s.beta = tensor(EL_F32, 1, HIDDEN);
    s.dgamma = tensor(EL_F32, 1, HIDDEN), s.dbeta = tensor(EL_F32, 1, HIDDEN);
    report("add 2048 x 256", add, &s, 0, 3 * thin);
    report("layer norm 2048 x 256", layer_norm, &s, 0, 2 * thin);
    report("residual norm, no dropout", norm, &s, 0, 4 * thin);
    report("residual norm backward, no dropout", norm_backward, &s, 0, 4 * thin);
    s.dropout.rate = 0.1;
    report("dropout 2048 x 256", dropout, &s, 0, 2 * thin);
    report("residual norm, dropout", norm, &s, 0, 4 * thin);
    report("residual norm backward, dropout", norm_backward, &s, 0, 4 * thin);
}

/* In sequences of `length`; once more with each row seeing itself and those before it. */
static void attend(el_type type, int hidden, int length, const char *which)
{
    int starts[TOKENS / LENGTH + 1], limits[TOKENS];
    for (int i = 0; i <= TOKENS / length; i++)
        starts[i] = i * length;
    for (int i = 0; i < TOKENS; i++)
        limits[i] = i % length + 1;
    setting s = {.qkv = tensor(type, TOKENS, 3 * hidden), .dqkv = tensor(type, TOKENS, 3 * hidden)};
    s.y = tensor(type, TOKENS, hidden), s.dy = tensor(type, TOKENS, hidden);
    s.lse = tensor(EL_F32, TOKENS, hidden / 64), s.heads = hidden / 64;
    if (q->reserve(q, length, 64))
        abort();
    for (int causal = 0; causal < 2; causal++)
        for (int drops = 0; drops < 2; drops++) {
            char name[80], how[40];
            s.layout = (el_layout){.starts = starts,
                                   .sequences = TOKENS / length,
                                   .longest = length,
                                   .limits = causal ? limits : NULL};
            s.dropout.rate = drops ? 0.1 : 0;
            const double flops = 4.0 * TOKENS * length * hidden / (causal ? 2 : 1);
            snprintf(how, sizeof how, "%s %d%s%s", which, length, causal ? ", causal" : "",
                     drops ? ", dropout" : "");
            snprintf(name, sizeof name, "attention %s", how);
            report(name, attention, &s, flops, 0);
            snprintf(name, sizeof name, "attention backward %s", how);
            report(name, attention_backward, &s, 2.5 * flops, 0);
        }
}

static void others(el_type type)
{
    setting s = {.x = tensor(type, MASKED, WORDS),
                 .dx = tensor(type, MASKED, WORDS),
                 .stats = tensor(EL_F32, MASKED, 1)};
    const double logits = (double)MASKED * WORDS * el_type_bytes(type);
    s.rows = calloc(TOKENS, sizeof(int)), s.ints = calloc(TOKENS, sizeof(int));
    for (int i = 0; i < TOKENS; i++)
        s.rows[i] = (int)((unsigned)i * 7919u % WORDS);
    report("softmax loss, gradient 307 x 30522", loss, &s, 0, 2 * logits);
    report("softmax loss, sample 307 x 30522", loss_sample, &s, 0, logits);
    s.w = tensor(EL_F32, WORDS, NARROW), s.dw = tensor(EL_F32, WORDS, NARROW);
    s.m = tensor(EL_F32, WORDS, NARROW), s.v = tensor(EL_F32, WORDS, NARROW);
    report("adamw 30522 x 128", adamw, &s, 0, 7.0 * 4 * WORDS * NARROW);
    s.squares = q->dev->alloc(q->dev, sizeof *s.squares);
    report("sum of squares 30522 x 128", squares, &s, 0, 4.0 * WORDS * NARROW);
    s.y = tensor(type, TOKENS, NARROW), s.dy = s.y, s.gamma = tensor(EL_F32, LENGTH, NARROW),
    s.beta = s.gamma;
    report("embed 2048 x 128, 3 tables", embed, &s, 0,
           TOKENS * NARROW * (12.0 + (double)el_type_bytes(type)));
    report("embed backward 2048 x 128", embed_backward, &s, 0,
           TOKENS * NARROW * (8.0 + (double)el_type_bytes(type)));
}

static void peak(const char *name, el_type type)
{
    printf("%-34s %9s    %8.1f GFLOP/s\n", name, "", 1e-9 * q->peak(q, type));
}

static void both(el_type type)
{
    printf("-- %s\n", type == EL_BF16 ? "bf16" : "float");
    linear(type, TOKENS, HIDDEN, 3 * HIDDEN);
    linear(type, TOKENS, HIDDEN, HIDDEN);
    linear(type, TOKENS, HIDDEN, INNER);
    linear(type, TOKENS, INNER, HIDDEN);
    linear(type, TOKENS, 64, 192);
    linear(type, TOKENS, 64, 256);
    linear(type, TOKENS, 256, 64);
    linear(type, MASKED, NARROW, WORDS);
    linear(type, 16, HIDDEN, INNER);
    attend(type, HIDDEN, LENGTH, "4 heads of 64, rows");
    attend(type, HIDDEN, LONGEST, "4 heads of 64, rows");
    attend(type, 64, LENGTH, "1 head of 64, rows");
    elementwise(type);
    others(type);
}

static void whole_numbers(void)
{
    if (!q->dev->int8_steps)
        return;
    printf("-- int8\n");
    linear_int8(TOKENS, HIDDEN, 3 * HIDDEN);
    linear_int8(TOKENS, HIDDEN, HIDDEN);
    linear_int8(TOKENS, HIDDEN, INNER);
    linear_int8(TOKENS, INNER, HIDDEN);
}

int main(int argc, char **argv)
{
    if (el_queue_open(&q, argc > 1 ? atoi(argv[1]) : el_processors(),
                      argc > 2 && *argv[2] ? argv[2] : NULL)) {
        fprintf(stderr, "bench_ops: %s\n", el_error());
        return 1;
    }
    wanted = argc > 3 ? argv[3] : "";
    printf("%s, %d threads\n", q->dev->level, q->threads);
    peak("peak of float multiply-adds", EL_F32);
    peak("peak of bf16 multiply-adds", EL_BF16);
    if (argc <= 4 || atoi(argv[4]) == 16)
        both(EL_BF16);
    if (argc <= 4 || atoi(argv[4]) == 32)
        both(EL_F32);
    if (argc <= 4 || atoi(argv[4]) == 8)
        whole_numbers();
    el_queue_close(q);
    return 0;
}
