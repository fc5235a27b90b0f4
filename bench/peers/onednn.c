/* onednn - our products beside oneDNN's, shape by shape, in the same minutes
 *
 *   cmake --build --preset release
 *   gcc -O2 -Isrc bench/peers/onednn.c build/release/libelectra.a -ldnnl -fopenmp -lm -o /tmp/onednn &&
 * /tmp/onednn [threads]
 *
 * (Debian: libdnnl-q, ocl-icd-opencl-q; nothing else of the project needs them.)
 *
 * ELECTRA-Small's products at 2048 tokens.  oneDNN multiplies by weights that it has reordered beforehand
 * (layout `any`) and, for the weight's gradient, by the transposed view of dy; both sides write what our ops
 * write.  A line is the medians of both and the median of their ratios, runs taken in turn.
 */
#include <dnnl.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ops/queue.h"

enum { TOKENS = 2048, RUNS = 41 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, RUNS, sizeof *values, ascending);
    return values[RUNS / 2];
}

static dnnl_engine_t engine;
static dnnl_stream_t stream;

typedef struct {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[3];
} product;

static void describe(dnnl_memory_desc_t *d, int rows, int cols, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    const dnnl_dims_t dims = {rows, cols};
    if (dnnl_memory_desc_init_by_tag(d, 2, dims, type, tag))
        abort();
}

static dnnl_memory_t memory(const dnnl_memory_desc_t *d, void *data)
{
    dnnl_memory_t m;
    if (dnnl_memory_create(&m, d, engine, data))
        abort();
    return m;
}

/* c (m, n) = a (m, k) b (k, n); b is reordered once where its layout is left to oneDNN. */
static product make(const dnnl_memory_desc_t *a, void *a_data, const dnnl_memory_desc_t *b_lies, void *b_data,
                    bool reorder, const dnnl_memory_desc_t *c, void *c_data)
{
    dnnl_memory_desc_t b = *b_lies;
    dnnl_matmul_desc_t op;
    dnnl_primitive_desc_t pd;
    product p;
    if (reorder)
        describe(&b, (int)b_lies->dims[0], (int)b_lies->dims[1], b_lies->data_type, dnnl_format_tag_any);
    if (dnnl_matmul_desc_init(&op, a, &b, NULL, c) ||
        dnnl_primitive_desc_create(&pd, &op, NULL, engine, NULL) || dnnl_primitive_create(&p.primitive, pd))
        abort();
    dnnl_memory_t weights = memory(b_lies, b_data);
    if (reorder) {
        const dnnl_memory_desc_t *chosen = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
        dnnl_memory_t packed = memory(chosen, DNNL_MEMORY_ALLOCATE);
        dnnl_primitive_desc_t rpd;
        dnnl_primitive_t r;
        if (dnnl_reorder_primitive_desc_create(&rpd, b_lies, engine, chosen, engine, NULL) ||
            dnnl_primitive_create(&r, rpd))
            abort();
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, weights}, {DNNL_ARG_TO, packed}};
        dnnl_primitive_execute(r, stream, 2, args);
        weights = packed;
    }
    p.args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, memory(a, a_data)};
    p.args[1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, weights};
    p.args[2] = (dnnl_exec_arg_t){DNNL_ARG_DST, memory(c, c_data)};
    return p;
}

static double time_theirs(const product *p, int repeats)
{
    const double start = now();
    for (int i = 0; i < repeats; i++)
        dnnl_primitive_execute(p->primitive, stream, 3, p->args);
    dnnl_stream_wait(stream);
    return (now() - start) / repeats;
}

typedef struct {
    el_queue *q;
    el_tensor y, x, w, dw;
} ours;

static void run_ours(const ours *o, int which)
{
    if (which == 0)
        o->q->linear_forward(o->q, o->y, o->x, o->w, el_tensor_none());
    else if (which == 1)
        o->q->linear_backward_input(o->q, o->x, o->y, o->w, false);
    else
        o->q->linear_backward_weight(o->q, o->dw, el_tensor_none(), o->y, o->x);
}

static double time_ours(const ours *o, int which, int repeats)
{
    const double start = now();
    for (int i = 0; i < repeats; i++)
        run_ours(o, which);
    return (now() - start) / repeats;
}

static el_tensor filled(el_queue *q, el_type type, int rows, int cols)
{
    el_tensor t = el_tensor_make(q->dev->alloc(q->dev, el_tensor_bytes(rows, cols, type)), type, rows, cols);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            el_set(t, i, j, (i * 31 + j * 17) % 201 / 100.0 - 1);
    return t;
}

static void compare(el_queue *q, el_type type, int out, int in)
{
    static const char *const NAMES[] = {"forward", "input gradient", "weight gradient"};
    const dnnl_data_type_t t = type == EL_BF16 ? dnnl_bf16 : dnnl_f32;
    ours o = {q, filled(q, type, TOKENS, out), filled(q, type, TOKENS, in), filled(q, EL_F32, out, in),
              filled(q, EL_F32, out, in)};
    o.w.prepared = q->dev->alloc(q->dev, q->dev->prepared_bytes(q->dev, out, in, type, true));
    q->prepare(q, o.w, type, true);
    el_tensor plain = filled(q, type, out, in); /* the weight in the type of activations, for oneDNN */
    dnnl_memory_desc_t y, x, w, w_transposed, y_transposed, dw;
    describe(&y, TOKENS, out, t, dnnl_ab);
    describe(&x, TOKENS, in, t, dnnl_ab);
    describe(&w, out, in, t, dnnl_ab);
    describe(&w_transposed, in, out, t, dnnl_ba);
    describe(&y_transposed, out, TOKENS, t, dnnl_ba);
    describe(&dw, out, in, dnnl_f32, dnnl_ab);
    const product theirs[] = {make(&x, o.x.data, &w_transposed, plain.data, true, &y, o.y.data),
                              make(&y, o.y.data, &w, plain.data, true, &x, o.x.data),
                              make(&y_transposed, o.y.data, &x, o.x.data, false, &dw, o.dw.data)};
    const double flops = 2.0 * TOKENS * out * in;
    const int repeats = (int)(4e8 / flops) + 1;
    for (int which = 0; which < 3; which++) {
        double a[RUNS], b[RUNS], ratio[RUNS];
        for (int r = 0; r < RUNS; r++) {
            a[r] = time_ours(&o, which, repeats);
            b[r] = time_theirs(&theirs[which], repeats);
            ratio[r] = b[r] / a[r];
        }
        printf("%s  %4d x %4d  %-15s  ours %6.1f  oneDNN %6.1f GFLOP/s  ours is %.2f times as fast\n",
               type == EL_BF16 ? "bf16" : "fp32", out, in, NAMES[which], flops / median(a) / 1e9,
               flops / median(b) / 1e9, median(ratio));
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static const int SHAPES[][2] = {{768, 256}, {256, 256}, {1024, 256}, {256, 1024}, {192, 64}, {64, 256}};
    const int threads = argc > 1 ? atoi(argv[1]) : 1;
    el_queue *q;
    omp_set_num_threads(threads);
    if (el_queue_open(&q, threads, NULL) || dnnl_engine_create(&engine, dnnl_cpu, 0) ||
        dnnl_stream_create(&stream, engine, dnnl_stream_default_flags))
        return 1;
    printf("%s, %d thread%s\n", q->level, threads, threads > 1 ? "s" : "");
    for (int type = 0; type < 2; type++)
        for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
            compare(q, type ? EL_BF16 : EL_F32, SHAPES[i][0], SHAPES[i][1]);
    return 0;
}
