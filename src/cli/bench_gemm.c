/* bench_gemm - electra bench gemm: the machine's multiply-add peaks, and the products of a layer against them */
#include <stdlib.h>

#include "cli/bench.h"
#include "engine/pretrain_settings.h"

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

/* One shape: the rates of its three products, operations a second. */
static el_status measure(const bench_place *place, int rows, int out, int in, json_t **line)
{
    static void (*const PRODUCTS[])(const product *p) = {forward, backward_input, backward_weight};
    product p = {.q = place->q, .times = el_machine_on_gpu(place->q) ? AT_ONCE : 1};
    el_arena arena = {0};
    double seconds[3] = {0};
    lay_out(&p, &arena, place->type, rows, out, in);
    el_status st = el_device_reserve(place->q->dev, &arena);
    if (st)
        return st;
    lay_out(&p, &arena, place->type, rows, out, in);
    place->q->prepare(place->q, p.w, place->type, true);
    for (int i = 0; !st && i < 3; i++) {
        st = bench_median(place->settings->seconds / 15, 5, run, &(asked){p, PRODUCTS[i]}, &seconds[i]);
        seconds[i] /= p.times;
    }
    el_device_release(place->q->dev, &arena);
    const double flops = 2.0 * rows * out * in;
    if (!st)
        *line = json_pack("{s:i, s:i, s:i, s:f, s:f, s:f}", "rows", rows, "out", out, "in", in,
                          "forward_peak_share", bench_share(flops / seconds[0], place->peak),
                          "backward_input_peak_share", bench_share(flops / seconds[1], place->peak),
                          "backward_weight_peak_share", bench_share(flops / seconds[2], place->peak));
    return st;
}

el_status bench_gemm(const bench_place *place, json_t **result)
{
    el_pretrain_settings shape;
    if (place->type == EL_I8)
        return el_fail(EL_EUSAGE, "bench gemm: measures training's products, which int8 does not have");
    el_pretrain_defaults(&shape, place->settings->model_size);
    const int h = (int)shape.hidden_size, inner = (int)shape.intermediate_size;
    const int rows = (int)(place->settings->batch_size * place->settings->max_seq_length);
    const int shapes[][2] = {{3 * h, h}, {h, h}, {inner, h}, {h, inner}};
    json_t *lines = json_array();
    el_status st = lines ? EL_OK : el_fail(EL_ENOMEM, "no memory for the result");
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
