/* Every op of the CUDA device does what the reference says, in F32 and in BF16; twice in a row with the same bits; and its
 * own sizes: whole tiles, rows that share a warp, sequences of several tiles, ids that stand at many places.
 *
 *     test_cuda             on whatever cuda_on_host or the GPU is
 *     test_cuda --errors    prints each op's relative error as well
 *     test_cuda --only 'attention*'
 *     test_cuda --small     of each op one shape, for checkers that take a hundred times as long
 *     test_cuda --list      names them
 */
#include "cases.h"
#include "ops/cuda.h"

static el_queue *queue;
static bool print_errors, small;

/* Memory that both sides see; tests/ops/cuda_memory.cu. */
void *cuda_memory_take(size_t bytes);
void cuda_memory_release(void *memory);

/* A bias that lies behind another, at no multiple of what is read at once. */
static void case_bias_within(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor x = in(r, s.rows, s.cols, 1, 1), all = parameter(1, s.more + 1, 4, 1);
    el_tensor w = parameter(s.more, s.cols, 3, 1);
    w.prepared = check_memory(q->dev->prepared_bytes(q->dev, w.rows, w.cols, r->type, true) + 64);
    q->prepare(q, w, r->type, true);
    const el_tensor b = el_tensor_make((float *)all.data + 1, EL_F32, 1, s.more);
    q->linear_forward(q, out(r, "y", r->type, s.rows, s.more, false, 1e-5), x, w, b);
}

/* A sequence of few rows that lie far apart: rows, distances, which are more than a grid has in its second direction. */
static void case_distances(run *r, sizes s)
{
    enum { ROWS = 6 };
    el_queue *const q = r->q;
    int *const starts = check_memory(2 * sizeof *starts);
    starts[1] = ROWS;
    assert_int_equal(q->reserve(q, ROWS, s.cols), EL_OK);
    const el_layout layout = {.starts = starts, .sequences = 1, .longest = ROWS};
    const el_tensor qkv = in(r, ROWS, 3 * s.cols, 1, 1), dy = in(r, ROWS, s.cols, 2, 1);
    const el_relative by = {in(r, s.rows, s.cols, 3, 1), parameter(1, 3 * s.cols, 7, 1),
                            parameter(2, s.cols, 8, 1), check_ints(ROWS, 0, s.rows / 2, 5),
                            check_ints(ROWS, 0, 2, 6)};
    const el_tensor y = out(r, "y", r->type, ROWS, s.cols, false, 2e-5);
    const el_tensor lse = out(r, "lse", EL_F32, ROWS, 1, false, 2e-5);
    const el_relative_gradients d = {out(r, "dplaces", r->type, s.rows, s.cols, false, 1e-4),
                                     out(r, "dbiases", EL_F32, 1, 3 * s.cols, true, 1e-4),
                                     out(r, "dkinds", EL_F32, 2, s.cols, true, 1e-4),
                                     check_tensor(EL_F32, EL_RELATIVE_PARTS * (s.rows + 5), s.cols)};
    q->relative_attention_forward(q, y, lse, qkv, by, layout, 1, dropping(0), 200);
    q->relative_attention_backward(q, out(r, "dqkv", r->type, ROWS, 3 * s.cols, false, 1e-4), d, dy, y, lse,
                                   qkv, by, layout, 1, dropping(0), 200);
}

static const op_case own[] = {
    {"many distances",
     case_distances,
     {{65601, 8, 1}},
     5e-1}, /* most places are 0, and so is what errors are measured by */
    {"wide rows",
     case_norm,
     {{9, 512, 1}, {7, 768, 1}, {5, 1024, 1}, {6, 1030, 1}, {300, 16, 1}, {70, 64, 1}},
     2e-2},
    {"shared warps", case_layer_norm, {{33, 32, 0}, {33, 128, 0}, {33, 24, 0}, {700, 64, 0}}, 2e-2},
    {"tiles", case_attention, {{65, 64, 2}, {130, 64, 1}}, 6e-2},
    {"limits of tiles", case_limits, {{70, 64, 2}}, 6e-2},
    {"many of an id", case_rows, {{4000, 20, 0}, {900, 130, 0}}, 5e-3},
    {"refused products",
     case_linear,
     {{40, 13, 24}, {300, 64, 13}, {300, 65, 129}, {520, 65, 17}, {1, 65, 9}, {130, 65, 257}},
     8e-3},
    {"narrow products", case_linear, {{300, 64, 1}, {77, 40, 3}, {130, 256, 7}}, 8e-3},
    {"bias within others", case_bias_within, {{40, 32, 24}, {130, 64, 200}}, 8e-3},
    {"flat", case_elementwise, {{64, 64, 0}, {33, 256, 0}}, 5e-3},
    {"many rows of ids", case_replace, {{2100000, 0, 0}}, 0}, /* more than there is room for at once */
    {"long rows of logits", case_softmax, {{3, 30522, 3}, {1, 11900, 0}, {1, 70000, 0}}, 1e-2},
};
enum { OWN = sizeof own / sizeof *own };

/* The relative error of an output as a whole, as the table of a GPU run has it. */
static double error_of(el_tensor got, el_tensor expected)
{
    double off = 0, all = 0;
    for (int i = 0; i < got.rows; i++)
        for (int j = 0; j < got.cols; j++) {
            const double a = el_get(got, i, j), b = el_get(expected, i, j);
            off += isfinite(a - b) ? (a - b) * (a - b) : 0;
            all += isfinite(b) ? b * b : 0;
        }
    return all > 0 ? sqrt(off / all) : sqrt(off);
}

/* Where the uniform number lies within rounding of a boundary, another class may be drawn. */
static bool is_drawn(const output *o)
{
    return strcmp(o->name, "sample") == 0;
}

static void check_drawn(const char *what, el_tensor got, el_tensor expected)
{
    int others = 0;
    for (int i = 0; i < got.rows; i++)
        others += el_get(got, i, 0) != el_get(expected, i, 0);
    CHECK(others * 1000 <= got.rows, "%s: %d of %d are others", what, others, got.rows);
}

static void compare(const op_case *c, sizes s, el_type type)
{
    const run expected = computed(el_queue_reference(), c, s, type);
    const run got = computed(queue, c, s, type), again = computed(queue, c, s, type);
    for (int i = 0; i < got.count; i++) {
        char what[160];
        const output *const o = &got.outputs[i];
        const el_tensor right = expected.outputs[i].value;
        snprintf(what, sizeof what, "%s %s, %s, %d x %d (%d)", c->name, o->name,
                 type == EL_BF16 ? "bf16" : "float", s.rows, s.cols, s.more);
        if (print_errors)
            printf("error %-60s %.2e\n", what, error_of(o->value, right));
        check_same(what, again.outputs[i].value, o->value);
        if (is_drawn(o))
            check_drawn(what, o->value, right);
        else if (o->value.type == EL_BF16 && o->tolerance == 0)
            check_close(what, o->value, right, 4e-3);
        else
            check_close(what, o->value, right, type == EL_BF16 && o->tolerance > 0 ? c->bf16 : o->tolerance);
    }
}

static void agrees(void **state)
{
    const op_case *const c = *state;
    if (c->compute == case_int8 && !queue->dev->int8_steps)
        skip();
    for (int i = 0; i < SHAPES && c->shapes[i].rows; i++) {
        if (small && i != (c->shapes[1].rows && c->shapes[0].rows == 1))
            continue; /* the first, but for a single row */
        for (int type = EL_F32; type <= EL_BF16; type++) {
            compare(c, c->shapes[i], (el_type)type);
            check_release(NULL);
        }
    }
}

/* What is sent is there for the ops after it; what is fetched, after wait(). */
static void copies_are_in_order(void **state)
{
    (void)state;
    enum { COUNT = 3 << 20 }; /* more than is staged at a time */
    el_device *const dev = queue->dev;
    float *const host = check_memory(COUNT * sizeof *host), *const back = check_memory(COUNT * sizeof *back);
    float *const memory = dev->alloc(dev, 2 * COUNT * sizeof *memory);
    const el_tensor x = el_tensor_make(memory, EL_F32, 1, COUNT),
                    y = el_tensor_make(memory + COUNT, EL_F32, 1, COUNT);
    for (int i = 0; i < COUNT; i++)
        host[i] = (float)(i % 1000);
    queue->send(queue, memory, host, COUNT * sizeof *host);
    memset(host, 0, COUNT * sizeof *host); /* staged: the host's may change */
    queue->add(queue, y, x, x);
    queue->fetch(queue, back, memory + COUNT, COUNT * sizeof *back);
    assert_int_equal(queue->wait(queue), EL_OK);
    for (int i = 0; i < COUNT; i++)
        CHECK(back[i] == (float)(i % 1000 * 2), "number %d comes back as %g", i, (double)back[i]);
    dev->release(dev, memory);
}

/* Memory is zero when it is taken, and a lack of it is no end. */
static void memory_is_zero(void **state)
{
    (void)state;
    el_device *const dev = queue->dev;
    char back[1000], *const memory = dev->alloc(dev, sizeof back);
    queue->fetch(queue, back, memory, sizeof back);
    assert_int_equal(queue->wait(queue), EL_OK);
    for (size_t i = 0; i < sizeof back; i++)
        CHECK(back[i] == 0, "byte %zu is %d", i, back[i]);
    dev->release(dev, memory);
    CHECK(!dev->alloc(dev, (size_t)1 << 50), "a device of 2^50 bytes");
    const el_tensor x = check_tensor(EL_F32, 3, 5);
    queue->zero(queue, x);
    CHECK(queue->wait(queue) == EL_OK, "after a lack of memory: %s", el_error());
    check_release(NULL);
}

/* All parameters and matrices in one list: each its own rate and clip, and its copy. */
static void lists_are_one_step(void **state)
{
    (void)state;
    enum { COUNT = 5, ROWS = 37, COLS = 131 };
    el_trained ours[COUNT], theirs[COUNT];
    el_matrix matrices[COUNT];
    el_queue *const reference = el_queue_reference();
    const el_adamw step = {.rate = 0.01,
                           .beta1 = 0.9,
                           .beta2 = 0.999,
                           .epsilon = 1e-6,
                           .decay = 0.1,
                           .clip = 0.5,
                           .m_correction = 1,
                           .v_correction = 1};
    for (int i = 0; i < COUNT; i++) {
        const int rows = 1 + i * ROWS;
        ours[i] = (el_trained){check_random(EL_F32, rows, COLS, 1, 1),
                               check_random(EL_F32, rows, COLS, 2, 1),
                               check_tensor(EL_F32, rows, COLS),
                               check_random(EL_F32, rows, COLS, 3, 1),
                               .scale = 1.0 / (1 + i),
                               .clip = 0.2 * i,
                               .decays = i % 2};
        check_fill(ours[i].v, 0.1);
        theirs[i] = (el_trained){check_converted(EL_F64, ours[i].value),
                                 check_converted(EL_F64, ours[i].m),
                                 check_converted(EL_F64, ours[i].v),
                                 check_converted(EL_F64, ours[i].gradient),
                                 .scale = ours[i].scale,
                                 .clip = ours[i].clip,
                                 .decays = ours[i].decays};
        ours[i].value.prepared =
            check_memory(queue->dev->prepared_bytes(queue->dev, rows, COLS, EL_BF16, true));
        matrices[i] = (el_matrix){ours[i].value, EL_BF16, i};
    }
    queue->adamw(queue, ours, COUNT, matrices, COUNT, step);
    reference->adamw(reference, theirs, COUNT, NULL, 0, step);
    assert_int_equal(queue->wait(queue), EL_OK);
    for (int i = 0; i < COUNT; i++) {
        el_tensor copy = el_tensor_make(ours[i].value.prepared, EL_BF16, ours[i].value.rows, COLS);
        copy.stride = (COLS + 7) / 8 * 8;
        check_close("value", ours[i].value, theirs[i].value, 1e-6);
        check_close("m", ours[i].m, theirs[i].m, 1e-6);
        check_close("v", ours[i].v, theirs[i].v, 1e-6);
        check_same("gradient", ours[i].gradient, theirs[i].gradient);
        check_same("copy", copy, check_converted(EL_BF16, ours[i].value));
    }
}

/* The parameters of two networks of as many layers as there may be. */
static void lists_may_be_long(void **state)
{
    (void)state;
    enum { COUNT = 2 * 512 * 16, COLS = 3, STRIDE = 8 };
    el_queue *const reference = el_queue_reference();
    const el_adamw step = {
        .rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-6, .m_correction = 1, .v_correction = 1};
    const el_tensor value = check_random(EL_F32, COUNT, COLS, 1, 1),
                    m = check_random(EL_F32, COUNT, COLS, 2, 1), v = check_tensor(EL_F32, COUNT, COLS),
                    gradient = check_random(EL_F32, COUNT, COLS, 3, 1),
                    copies = check_strided(EL_BF16, COUNT, COLS, STRIDE);
    check_fill(v, 0.1);
    el_trained all = {check_converted(EL_F64, value),
                      check_converted(EL_F64, m),
                      check_converted(EL_F64, v),
                      check_converted(EL_F64, gradient),
                      .scale = 1,
                      .clip = 1};
    el_trained *const each = check_memory(COUNT * sizeof *each);
    el_matrix *const matrices = check_memory(COUNT * sizeof *matrices);
    el_tensor *const gradients = check_memory(COUNT * sizeof *gradients);
    double *const sums = check_memory(2 * sizeof *sums);
    for (int i = 0; i < COUNT; i++) {
        gradients[i] = el_tensor_rows(gradient, i, 1);
        each[i] = (el_trained){el_tensor_rows(value, i, 1),
                               el_tensor_rows(m, i, 1),
                               el_tensor_rows(v, i, 1),
                               gradients[i],
                               .scale = 1,
                               .clip = 1};
        each[i].value.prepared = el_tensor_rows(copies, i, 1).data;
        matrices[i] = (el_matrix){each[i].value, EL_BF16, i};
    }
    reference->sum_squares(reference, &sums[0], &all.gradient, 1);
    queue->sum_squares(queue, &sums[1], gradients, COUNT);
    reference->adamw(reference, &all, 1, NULL, 0, step);
    queue->adamw(queue, each, COUNT, matrices, COUNT, step);
    assert_int_equal(queue->wait(queue), EL_OK);
    CHECK(fabs(sums[1] - sums[0]) < 1e-9 * sums[0], "the sum of squares is %g, not %g", sums[1], sums[0]);
    check_close("values", value, all.value, 1e-6);
    check_same("copies", copies, check_converted(EL_BF16, value));
}

/* A row of no numbers has a guess all the same, which may be looked up. */
static void guesses_are_classes(void **state)
{
    (void)state;
    enum { ROWS = 3, CLASSES = 70 };
    const el_tensor logits = check_tensor(EL_F32, ROWS, CLASSES), none = el_tensor_none();
    const int *const target = check_ints(ROWS, 0, CLASSES, 1);
    int *const guess = out_ints(ROWS);
    check_fill(logits, NAN);
    queue->softmax_loss(queue, none, guess, NULL, none, logits, target, NULL, NULL, 1);
    assert_int_equal(queue->wait(queue), EL_OK);
    for (int i = 0; i < ROWS; i++)
        CHECK(guess[i] == 0, "row %d: class %d is the guess", i, guess[i]);
}

/* A head that is too wide is refused; so is a GPU that is not there, and what is none. */
static void refuses(void **state)
{
    (void)state;
    el_device *dev;
    CHECK(queue->reserve(queue, 128, 300) == EL_EUSAGE && strstr(el_error(), "300"), "a head of 300: %s",
          el_error());
    CHECK(el_device_open(&dev, "cuda:99") == EL_EUSAGE && strstr(el_error(), "cuda:99"), "cuda:99: %s",
          el_error());
    CHECK(el_device_open(&dev, "cuda:x") == EL_EUSAGE && strstr(el_error(), "cuda:x"), "cuda:x: %s",
          el_error());
}

static void peaks_are_measured(void **state)
{
    (void)state;
    CHECK(queue->peak(queue, EL_BF16) > 0 && queue->peak(queue, EL_F32) > 0, "a peak of nothing");
    if (!queue->dev->int8_steps)
        CHECK(queue->peak(queue, EL_I8) == 0, "a peak of products that there are none of");
}

enum { OTHERS = 7, TESTS = CASES + OWN + OTHERS };

static void list_tests(struct CMUnitTest tests[TESTS])
{
    const struct CMUnitTest others[OTHERS] = {cmocka_unit_test_teardown(copies_are_in_order, check_release),
                                              cmocka_unit_test(memory_is_zero),
                                              cmocka_unit_test_teardown(lists_are_one_step, check_release),
                                              cmocka_unit_test_teardown(lists_may_be_long, check_release),
                                              cmocka_unit_test_teardown(guesses_are_classes, check_release),
                                              cmocka_unit_test(refuses),
                                              cmocka_unit_test(peaks_are_measured)};
    for (int i = 0; i < CASES + OWN; i++) {
        const op_case *const c = i < CASES ? &cases[i] : &own[i - CASES];
        tests[i] = (struct CMUnitTest){
            .name = c->name, .test_func = agrees, .teardown_func = check_release, .initial_state = (void *)c};
    }
    memcpy(tests + CASES + OWN, others, sizeof others);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[TESTS];
    list_tests(tests);
    for (int i = 1; i < argc; i++) {
        print_errors |= strcmp(argv[i], "--errors") == 0;
        small |= strcmp(argv[i], "--small") == 0;
        if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            cmocka_set_test_filter(argv[++i]);
        if (strcmp(argv[i], "--list") == 0) {
            for (int t = 0; t < TESTS; t++)
                puts(tests[t].name);
            return 0;
        }
    }
    check_take = cuda_memory_take;
    check_give = cuda_memory_release;
    if (el_queue_open(&queue, 1, "cuda")) {
        fprintf(stderr, "%s\n", el_error());
        return 1;
    }
    const int failed = cmocka_run_group_tests_name("cuda", tests, NULL, NULL);
    el_queue_close(queue);
    return failed;
}
