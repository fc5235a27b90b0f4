/* A profile gives the bits of the device it measures, counts each op by what it is and by its shape, and leaves
 * none out.
 */
#include "ops/profile.h"

#include "check.h"

typedef struct {
    el_queue *inner, *q;
} devices;

static devices open_devices(void)
{
    devices d;
    assert_int_equal(el_queue_open(&d.inner, 2, NULL), EL_OK);
    assert_int_equal(el_queue_profile(&d.q, d.inner), EL_OK);
    return d;
}

static void close_devices(devices d)
{
    d.q->close(d.q);
    el_queue_close(d.inner);
}

/* The line of an op and shape; one with no calls where there is none. */
static el_profile_line line(const el_queue *q, const char *op, int width, int inputs)
{
    const el_profile_line *lines;
    const int count = el_profile_lines(q, &lines);
    for (int i = 0; i < count; i++)
        if (strcmp(lines[i].op, op) == 0 && lines[i].width == width && lines[i].inputs == inputs)
            return lines[i];
    return (el_profile_line){0};
}

static void expect(el_profile_line got, int64_t calls, double flops, double bytes)
{
    CHECK(got.calls == calls && got.flops == flops && got.bytes == bytes,
          "%s: %lld calls, %g operations, %g bytes; expected %lld, %g, %g", got.op, (long long)got.calls,
          got.flops, got.bytes, (long long)calls, flops, bytes);
    CHECK(got.seconds > 0 || calls == 0, "%s took no time", got.op);
}

/* Whatever stands in the table from prepare on is measured. */
static void every_op_is_measured(void **state)
{
    (void)state;
    typedef void op(void);
    enum { FIRST = offsetof(el_queue, prepare) / sizeof(op *), END = sizeof(el_queue) / sizeof(op *) };
    const devices d = open_devices();
    op *measured[END], *plain[END];
    memcpy(measured, d.q, sizeof measured);
    memcpy(plain, d.inner, sizeof plain);
    for (int i = FIRST; i < END; i++)
        CHECK(measured[i] != plain[i], "op %d after prepare goes unmeasured", i - FIRST);
    close_devices(d);
}

enum { ROWS = 37, IN = 24, OUT = 40, HEADS = 2, SEQUENCES = 3, PAIRS = 5 * 5 + 15 * 15 + 17 * 17 };

/* One run of some ops on either device; what they leave is compared. */
typedef struct {
    el_tensor w, y, dx, dw, attended, lse, dqkv;
    double squares;
} results;

static results run(el_queue *q, el_type type)
{
    static const int STARTS[SEQUENCES + 1] = {0, 5, 20, ROWS};
    const el_layout layout = {.starts = STARTS, .sequences = SEQUENCES, .longest = 17, .pairs = PAIRS};
    const el_dropout dropped = {.rate = 0.1, .random = check_seed(3)};
    results r = {.w = check_random(EL_F32, OUT, IN, 1, 1),
                 .y = check_tensor(type, ROWS, OUT),
                 .dx = check_tensor(type, ROWS, IN),
                 .dw = check_tensor(EL_F32, OUT, IN),
                 .attended = check_tensor(type, ROWS, 32),
                 .lse = check_tensor(EL_F32, ROWS, HEADS),
                 .dqkv = check_tensor(type, ROWS, 96)};
    const el_tensor x = check_random(type, ROWS, IN, 2, 1), qkv = check_random(type, ROWS, 96, 3, 1);
    r.w.prepared = check_memory(q->dev->prepared_bytes(q->dev, OUT, IN, type, true) + 64);
    assert_int_equal(q->reserve(q, layout.longest, 32 / HEADS), EL_OK);
    q->prepare(q, r.w, type, true);
    q->linear_forward(q, r.y, x, r.w, el_tensor_none());
    q->gelu_forward(q, r.y, el_tensor_none(), check_converted(type, r.y));
    q->linear_backward_input(q, r.dx, r.y, r.w, false);
    q->linear_backward_input(q, r.dx, r.y, r.w, true);
    q->linear_backward_weight(q, r.dw, el_tensor_none(), r.y, x);
    q->attention_forward(q, r.attended, r.lse, qkv, layout, HEADS, dropped, 17);
    q->attention_backward(q, r.dqkv, r.attended, r.attended, r.lse, qkv, layout, HEADS, dropped, 17);
    q->sum_squares(q, &r.squares, &r.dw, 1);
    return r;
}

static void same_bits(el_type type)
{
    const devices d = open_devices();
    const results plain = run(d.inner, type), measured = run(d.q, type);
    check_same("y", measured.y, plain.y);
    check_same("dx", measured.dx, plain.dx);
    check_same("dw", measured.dw, plain.dw);
    check_same("attended", measured.attended, plain.attended);
    check_same("lse", measured.lse, plain.lse);
    check_same("dqkv", measured.dqkv, plain.dqkv);
    CHECK(measured.squares == plain.squares, "%.17g is not %.17g", measured.squares, plain.squares);
    close_devices(d);
}

static void results_are_the_inner_devices(void **state)
{
    (void)state;
    same_bits(EL_F32);
    same_bits(EL_BF16);
}

static void calls_operations_and_bytes_are_counted(void **state)
{
    (void)state;
    const devices d = open_devices();
    run(d.q, EL_BF16);
    const double product = 2.0 * ROWS * IN * OUT, pairs = PAIRS;
    const double x = 2 * ROWS * IN, y = 2 * ROWS * OUT, w = 2 * OUT * IN, lse = 4 * ROWS * HEADS;
    expect(line(d.q, "linear_forward", OUT, IN), 1, product, x + y + w);
    expect(line(d.q, "linear_backward_input", OUT, IN), 2, 2 * product, 2 * (x + y + w) + x);
    expect(line(d.q, "linear_backward_weight", OUT, IN), 1, product, 2 * 2 * w + x + y);
    expect(line(d.q, "gelu_forward", OUT, 0), 1, 0, 2 * y);
    expect(line(d.q, "attention_forward", 32, 0), 1, 4 * pairs * 32, 4 * 2 * ROWS * 32 + lse);
    expect(line(d.q, "attention_backward", 32, 0), 1, 8 * pairs * 32, 8 * 2 * ROWS * 32 + lse);
    expect(line(d.q, "sum_squares", 0, 0), 1, 0, 2 * w);
    expect(line(d.q, "linear_forward", IN, OUT), 0, 0, 0);
    close_devices(d);
}

static void shapes_are_apart_and_a_reset_keeps_places(void **state)
{
    (void)state;
    const devices d = open_devices();
    for (int wide = 0; wide < 2; wide++) {
        const el_tensor a = check_tensor(EL_F32, 4, wide ? 8 : 3);
        d.q->add(d.q, a, a, a);
        d.q->add(d.q, a, a, a);
    }
    expect(line(d.q, "add", 3, 0), 2, 0, 2 * 3 * 4 * 3 * 4);
    expect(line(d.q, "add", 8, 0), 2, 0, 2 * 3 * 4 * 8 * 4);
    el_profile_reset(d.q);
    expect(line(d.q, "add", 8, 0), 0, 0, 0);
    const el_profile_line *lines;
    assert_int_equal(el_profile_lines(d.q, &lines), 2);
    CHECK(lines[1].width == 8 && lines[1].seconds == 0, "the second line is %d wide", lines[1].width);
    close_devices(d);
}

/* More shapes than there are lines are still counted. */
static void too_many_shapes_share_a_line(void **state)
{
    (void)state;
    enum { SHAPES = 300 };
    const devices d = open_devices();
    const el_tensor a = check_tensor(EL_F32, 1, SHAPES);
    for (int width = 1; width <= SHAPES; width++) {
        const el_tensor part = el_tensor_cols(a, 0, width);
        d.q->add(d.q, part, part, part);
    }
    const el_profile_line *lines;
    const int count = el_profile_lines(d.q, &lines);
    int64_t calls = 0;
    for (int i = 0; i < count; i++)
        calls += lines[i].calls;
    CHECK(count < SHAPES && calls == SHAPES, "%lld calls in %d lines", (long long)calls, count);
    close_devices(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_op_is_measured, check_release),
        cmocka_unit_test_teardown(results_are_the_inner_devices, check_release),
        cmocka_unit_test_teardown(calls_operations_and_bytes_are_counted, check_release),
        cmocka_unit_test_teardown(shapes_are_apart_and_a_reset_keeps_places, check_release),
        cmocka_unit_test_teardown(too_many_shapes_share_a_line, check_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
