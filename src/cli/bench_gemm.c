/* bench_gemm - electra bench gemm: the machine's multiply-add peaks, and the products of a layer against them */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "engine/pretrain/settings.h"
#include "ops/cuda.h"

/* A GPU is asked for some at once, so that the wait does not count. */
enum { AT_ONCE = 20 };

typedef struct {
    el_queue *q;
    int times;
    el_tensor y, x, w, dw;
} product;

static void forward(const product *p)
{
    p->q->linear_forward(p->q, p->y, p->x, p->w, el_tensor_none());
}

static void backward_input(const product *p)
{
    p->q->linear_backward_input(p->q, p->x, p->y, p->w, false);
}

static void backward_weight(const product *p)
{
    p->q->linear_backward_weight(p->q, p->dw, el_tensor_none(), p->y, p->x);
}

typedef struct {
    product of;
    void (*ask)(const product *p);
} asked;

static el_status run(void *context)
{
    const asked *const a = context;
    for (int i = 0; i < a->of.times; i++)
        a->ask(&a->of);
    return a->of.q->wait(a->of.q);
}

static void lay_out(product *p, el_arena *arena, el_type type, int rows, int out, int in)
{
    p->y = el_arena_tensor(arena, type, rows, out);
    p->x = el_arena_tensor(arena, type, rows, in);
    p->w = el_arena_tensor(arena, EL_F32, out, in);
    p->dw = el_arena_tensor(arena, EL_F32, out, in);
    p->w.prepared = el_arena_push(arena, p->q->dev->prepared_bytes(p->q->dev, out, in, type, true));
}

/* Numbers that a GPU's products take as much power for as for those of a model; zeros would make them faster. */
static void fill(el_queue *q, el_tensor t)
{
    enum { COUNT = 1 << 16 };
    static float values[COUNT];
    static uint16_t halves[COUNT];
    const size_t element = el_type_bytes(t.type), bytes = el_tensor_bytes(t.rows, t.cols, t.type);
    for (int i = 0; i < COUNT; i++) {
        values[i] = (float)(2 * el_random_uniform((el_random){.seed = 1}, (uint64_t)i) - 1);
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        halves[i] = (uint16_t)(bits >> 16);
    }
    for (size_t at = 0; at < bytes; at += COUNT * element)
        q->send(q, (char *)t.data + at, element == sizeof *halves ? (void *)halves : (void *)values,
                bytes - at < COUNT * element ? bytes - at : COUNT * element);
}

static void (*const PRODUCTS[])(const product *p) = {forward, backward_input, backward_weight};
static const char *const NAMES[] = {"forward", "backward_input", "backward_weight"};
enum { PRODUCT_COUNT = 3 };

/* Of one product; and, of the answers that cuBLASLt was asked for, the number of the fastest. */
typedef struct {
    double first, best;
    int answer;
} timing;

static el_status time_product(const bench_place *place, asked *a, timing *t)
{
    const int answers = (int)place->settings->answers;
    el_status st = EL_OK;
    for (int i = 0; !st && i < answers; i++) {
        double seconds;
        if (answers > 1)
            el_cuda_take_answer(place->q, i);
        st = bench_median(place->settings->seconds / 15, 5, run, a, &seconds);
        if (!st && (i == 0 || seconds < t->best)) {
            t->first = i == 0 ? seconds : t->first;
            t->best = seconds;
            t->answer = i;
        }
    }
    if (answers > 1)
        el_cuda_take_answer(place->q, 0);
    return st;
}

static json_t *line_of(const bench_place *place, const product *p, const timing times[PRODUCT_COUNT])
{
    const double flops = 2.0 * p->x.rows * p->w.rows * p->w.cols * p->times;
    json_t *line = json_pack("{s:i, s:i, s:i}", "rows", p->x.rows, "out", p->w.rows, "in", p->w.cols);
    char key[64];
    for (int i = 0; i < PRODUCT_COUNT; i++) {
        snprintf(key, sizeof key, "%s_peak_share", NAMES[i]);
        json_object_set_new(line, key, json_real(bench_share(flops / times[i].first, place->peak)));
    }
    for (int i = 0; place->settings->answers > 1 && i < PRODUCT_COUNT; i++) {
        snprintf(key, sizeof key, "%s_best_answer", NAMES[i]);
        json_object_set_new(line, key, json_integer(times[i].answer));
        snprintf(key, sizeof key, "%s_best_peak_share", NAMES[i]);
        json_object_set_new(line, key, json_real(bench_share(flops / times[i].best, place->peak)));
    }
    return line;
}

/* One shape: the rates of its three products. */
static el_status measure(const bench_place *place, int rows, int out, int in, json_t **line)
{
    el_queue *const q = place->q;
    const bool gpu = el_machine_on_gpu(q);
    product p = {.q = q, .times = gpu ? AT_ONCE : 1};
    el_arena arena = {0};
    timing times[PRODUCT_COUNT] = {0};
    lay_out(&p, &arena, place->type, rows, out, in);
    el_status st = el_device_reserve(q->dev, &arena);
    if (st)
        return st;
    lay_out(&p, &arena, place->type, rows, out, in);
    const el_tensor filled[] = {p.x, p.y, p.w};
    for (int i = 0; gpu && i < 3; i++)
        fill(q, filled[i]);
    q->prepare(q, p.w, place->type, true);
    for (int i = 0; !st && i < PRODUCT_COUNT; i++)
        st = time_product(place, &(asked){p, PRODUCTS[i]}, &times[i]);
    el_device_release(q->dev, &arena);
    if (!st)
        *line = line_of(place, &p, times);
    return st;
}

el_status bench_gemm(const bench_place *place, json_t **result)
{
    el_pretrain_settings shape;
    if (place->type == EL_I8)
        return el_fail(EL_EUSAGE, "bench gemm: measures training's products, which int8 does not have");
    if (place->settings->answers > 1 && !el_machine_on_gpu(place->q))
        return el_fail(EL_EUSAGE, "--answers: is for a GPU (--device cuda)");
    el_pretrain_defaults(&shape, place->settings->model_size);
    const int h = (int)shape.hidden_size, inner = (int)shape.intermediate_size;
    const int rows = (int)(place->settings->batch_size * place->settings->max_seq_length);
    const int shapes[][2] = {{3 * h, h}, {h, h}, {inner, h}, {h, inner}};
    json_t *lines = json_array();
    el_status st = lines ? EL_OK : el_no_memory(NULL);
    for (size_t i = 0; !st && i < sizeof shapes / sizeof *shapes; i++) {
        json_t *line = NULL;
        st = measure(place, rows, shapes[i][0], shapes[i][1], &line);
        if (line)
            json_array_append_new(lines, line);
    }
    *result = json_pack("{s:f, s:f, s:f, s:o}", "float_peak_gflops", place->q->peak(place->q, EL_F32) / 1e9,
                        "bf16_peak_gflops", place->q->peak(place->q, EL_BF16) / 1e9, "peak_gflops",
                        place->peak / 1e9, "products", lines);
    return st;
}
