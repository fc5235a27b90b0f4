/* cases - every op on inputs of awkward sizes, for the tests that put a device beside the reference
 *
 * A case computes outputs on whatever device it is given: exactly (F64) on the reference, rounded on the other.
 */
#ifndef TESTS_OPS_CASES_H
#define TESTS_OPS_CASES_H

#include "check.h"

enum { OUTPUTS = 16 };

typedef struct {
    const char *name;
    el_tensor value;
    double tolerance; /* in F32 */
} output;

/* One run of a case. */
typedef struct {
    el_queue *q;
    el_type type; /* of activations */
    bool exact;   /* outputs in F64 */
    output outputs[OUTPUTS];
    int count;
} run;

/* An output of the type, starting from NaN, or from the same random numbers wherever it is added to. */
static el_tensor out(run *r, const char *name, el_type type, int rows, int cols, bool adds, double tolerance)
{
    el_tensor t = check_strided(r->exact ? EL_F64 : type, rows, cols, cols + (type == EL_BF16 ? 5 : 3));
    const el_tensor start = check_random(type, rows, cols, 4242, 1);
    for (int i = 0; adds && i < rows; i++)
        for (int j = 0; j < cols; j++)
            el_set(t, i, j, el_get(start, i, j));
    if (!adds)
        check_fill(t, NAN);
    CHECK(r->count < OUTPUTS, "too many outputs");
    r->outputs[r->count++] = (output){name, t, tolerance};
    return t;
}

/* Ints as an output. */
static int *out_ints(int count)
{
    return check_memory(sizeof(int) * (size_t)count);
}

static void keep_ints(run *r, const char *name, const int *ints, int count)
{
    r->q->wait(r->q);
    el_tensor t = out(r, name, EL_F32, count, 1, false, 0);
    for (int i = 0; i < count; i++)
        el_set(t, i, 0, ints[i]);
}

static el_tensor in(const run *r, int rows, int cols, uint64_t seed, double deviation)
{
    el_tensor t = check_strided(r->type, rows, cols, cols + 7);
    check_randomize(t, seed, deviation);
    return t;
}

static el_tensor parameter(int rows, int cols, uint64_t seed, double deviation)
{
    return check_random(EL_F32, rows, cols, seed, deviation);
}

static el_dropout dropping(double rate)
{
    return (el_dropout){
        .rate = rate, .random = {.seed = 0x123456789abcdef, .stream = 9, .step = 1234}, .first_row = 77};
}

typedef struct {
    int rows, cols, more; /* `more`: another width, or the variant */
} sizes;

static void case_linear(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor x = in(r, s.rows, s.cols, 1, 1), dy = in(r, s.rows, s.more, 2, 1);
    el_tensor w = parameter(s.more, s.cols, 3, 1);
    const el_tensor b = parameter(1, s.more, 4, 1);
    w.prepared = check_memory(q->dev->prepared_bytes(q->dev, w.rows, w.cols, r->type, true) + 64);
    q->prepare(q, w, r->type, true);
    q->linear_forward(q, out(r, "y", r->type, s.rows, s.more, false, 1e-5), x, w, b);
    q->linear_forward(q, out(r, "y without b", r->type, s.rows, s.more, false, 1e-5), x, w, el_tensor_none());
    q->linear_backward_input(q, out(r, "dx", r->type, s.rows, s.cols, false, 1e-5), dy, w, false);
    q->linear_backward_input(q, out(r, "dx added", r->type, s.rows, s.cols, true, 1e-5), dy, w, true);
    const el_tensor dw = out(r, "dw", EL_F32, s.more, s.cols, true, 1e-5);
    q->linear_backward_weight(q, dw, out(r, "db", EL_F32, 1, s.more, true, 1e-5), dy, x);
}

/* Whole numbers, both of whose ends each row has: they stand for themselves. */
static void make_whole(el_tensor t, int low, int high, uint64_t seed)
{
    const int *const whole = check_ints(t.rows * t.cols, low, high + 1, seed);
    for (int i = 0; i < t.rows; i++)
        for (int j = 0; j < t.cols; j++)
            el_set(t, i, j, j == i % t.cols ? high : j == (i + 1) % t.cols ? low : whole[i * t.cols + j]);
}

static int int8_steps; /* of the device that is put beside the reference */

static el_tensor int8_weights(run *r, int rows, int cols)
{
    el_tensor w = parameter(rows, cols, 3, 1);
    w.int8_steps = int8_steps;
    w.prepared = check_memory(r->q->dev->prepared_bytes(r->q->dev, rows, cols, EL_I8, false) + 64);
    return w;
}

/* Every third row has one number that is not finite, in one place or another. */
static void spoil(el_tensor t)
{
    static const double NONE[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < t.rows; i += 3)
        el_set(t, i, (i * 5 + t.cols - 1) % t.cols, NONE[i / 3 % 3]);
}

/* Where a row of x or of w is spoilt, and nowhere else, y is NaN. */
static void keep_spoilt(run *r, const char *name, el_tensor y)
{
    int *const flags = out_ints(y.rows * y.cols);
    r->q->wait(r->q);
    for (int i = 0; i < y.rows; i++)
        for (int o = 0; o < y.cols; o++) {
            flags[i * y.cols + o] = isnan(el_get(y, i, o));
            CHECK(flags[i * y.cols + o] == (i % 3 == 0 || o % 3 == 0), "%s: (%d, %d) is %g", name, i, o,
                  el_get(y, i, o));
        }
    keep_ints(r, name, flags, y.rows * y.cols);
}

static void int8_spoilt(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor x = in(r, s.rows, s.cols, 1, 1), w = int8_weights(r, s.more, s.cols);
    const el_tensor y = check_tensor(r->exact ? EL_F64 : EL_F32, s.rows, s.more);
    const el_tensor z = check_tensor(r->exact ? EL_F64 : EL_F32, s.rows, s.more);
    spoil(x);
    spoil(w);
    q->prepare(q, w, EL_I8, false);
    q->linear_forward(q, y, x, w, parameter(1, s.more, 4, 1));
    keep_spoilt(r, "spoilt y", y);
    q->linear_gelu_forward(q, y, el_tensor_none(), z, x, w, el_tensor_none());
    keep_spoilt(r, "spoilt y of gelu", y);
}

/* Products of whole numbers: to the last bit where nothing is rounded; else one number may be rounded otherwise in float
 * than in double. */
static void case_int8(run *r, sizes s)
{
    el_queue *const q = r->q;
    if (r->type != EL_F32)
        return;
    const el_tensor x = in(r, s.rows, s.cols, 1, 1), b = parameter(1, s.more, 4, 1);
    const el_tensor w = int8_weights(r, s.more, s.cols), own = int8_weights(r, s.more, s.cols);
    q->prepare(q, w, EL_I8, false);
    q->linear_forward(q, out(r, "y", EL_F32, s.rows, s.more, false, 2e-2), x, w, b);
    const el_tensor y = out(r, "y of gelu", EL_F32, s.rows, s.more, false, 2e-2);
    q->linear_gelu_forward(q, y, el_tensor_none(), out(r, "z", EL_F32, s.rows, s.more, false, 2e-2), x, w, b);
    make_whole(own, -127, 127, 6);
    q->prepare(q, own, EL_I8, false);
    make_whole(x, 0, int8_steps, 7);
    q->linear_forward(q, out(r, "whole y, none below 0", EL_F32, s.rows, s.more, false, 1e-6), x, own, b);
    make_whole(x, -int8_steps, 0, 8);
    q->linear_forward(q, out(r, "whole y, none above 0", EL_F32, s.rows, s.more, false, 1e-6), x, own, b);
    make_whole(x, -int8_steps / 2, int8_steps - int8_steps / 2, 5);
    q->linear_forward(q, out(r, "whole y", EL_F32, s.rows, s.more, false, 1e-6), x, own, el_tensor_none());
    check_fill(x, 0);
    q->linear_forward(q, out(r, "y of zeros", EL_F32, s.rows, s.more, false, 0), x, own, b);
    for (int j = 0; j < own.cols; j++) {
        el_set(own, 0, j, 127);
        el_set(own, 1, j, -127);
    }
    q->prepare(q, own, EL_I8, false);
    check_fill(x, int8_steps); /* the largest sums there are */
    q->linear_forward(q, out(r, "y of ends", EL_F32, s.rows, s.more, false, 1e-6), x, own, b);
    int8_spoilt(r, s);
}

/* The fused op's bits are those of the two that it stands for. */
static void case_linear_gelu(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor x = in(r, s.rows, s.cols, 1, 1);
    el_tensor w = parameter(s.more, s.cols, 3, 1 / sqrt(s.cols));
    const el_tensor b = parameter(1, s.more, 4, 1);
    w.prepared = check_memory(q->dev->prepared_bytes(q->dev, w.rows, w.cols, r->type, true) + 64);
    q->prepare(q, w, r->type, true);
    const el_tensor z = out(r, "z", r->type, s.rows, s.more, false, 1e-5);
    const el_tensor y = out(r, "y", r->type, s.rows, s.more, false, 1e-5);
    const el_tensor slope = out(r, "slope", r->type, s.rows, s.more, false, 1e-5);
    q->linear_forward(q, z, x, w, b);
    q->gelu_forward(q, y, slope, z);
    const el_tensor fused = out(r, "fused y", r->type, s.rows, s.more, false, 1e-5);
    const el_tensor place = out(r, "fused slope", r->type, s.rows, s.more, false, 1e-5);
    q->linear_gelu_forward(q, fused, el_tensor_none(), place, x, w, b);
    q->wait(q);
    check_same("z of the fused one", place, z);
    check_same("y without a slope", fused, y);
    q->linear_gelu_forward(q, fused, place, place, x, w, b);
    q->wait(q);
    check_same("fused y", fused, y);
    check_same("slope in the place of z", place, slope);
    q->linear_gelu_forward(q, place, el_tensor_none(), place, x, w, b);
    q->wait(q);
    check_same("y in the place of z", place, y);
}

static void case_elementwise(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor x = in(r, s.rows, s.cols, 1, 2), z = in(r, s.rows, s.cols, 2, 1);
    q->zero(q, out(r, "zero", r->type, s.rows, s.cols, false, 0));
    q->copy(q, out(r, "copy", EL_F32, s.rows, s.cols, false, 0), x);
    q->copy(q, out(r, "rounded copy", EL_BF16, s.rows, s.cols, false, 0), parameter(s.rows, s.cols, 3, 1));
    q->add(q, out(r, "add", r->type, s.rows, s.cols, false, 1e-6), x, z);
    const el_tensor slope = out(r, "slope", r->type, s.rows, s.cols, false, 1e-6);
    q->gelu_forward(q, out(r, "gelu", r->type, s.rows, s.cols, false, 1e-6), slope, x);
    q->gelu_forward(q, out(r, "gelu alone", r->type, s.rows, s.cols, false, 1e-6), el_tensor_none(), x);
    q->gelu_backward(q, out(r, "dx", r->type, s.rows, s.cols, false, 1e-6), x, z);
    q->gelu_again(q, out(r, "gelu again", r->type, s.rows, s.cols, false, 1e-6),
                  out(r, "dx again", r->type, s.rows, s.cols, false, 1e-5), z, in(r, s.rows, s.cols, 1, 2));
    const el_tensor tanh_slope = out(r, "slope of tanh", r->type, s.rows, s.cols, false, 1e-6);
    q->tanh_forward(q, out(r, "tanh", r->type, s.rows, s.cols, false, 1e-6), tanh_slope, x);
    q->tanh_forward(q, out(r, "tanh alone", r->type, s.rows, s.cols, false, 1e-6), el_tensor_none(), x);
    q->dropout(q, out(r, "dropout", r->type, s.rows, s.cols, false, 1e-6), x, dropping(0.1));
}

/* Which numbers of a result are none. */
static void keep_none(run *r, const char *name, el_tensor y)
{
    int *const flags = out_ints(y.rows * y.cols);
    r->q->wait(r->q);
    for (int i = 0; i < y.rows; i++)
        for (int j = 0; j < y.cols; j++)
            flags[i * y.cols + j] = isnan(el_get(y, i, j));
    keep_ints(r, name, flags, y.rows * y.cols);
}

static el_tensor unnamed(const run *r, el_type type, int rows, int cols)
{
    return check_tensor(r->exact ? EL_F64 : type, rows, cols);
}

/* Numbers that are not finite do not get lost: what comes of them is NaN where it is by the definition. */
static void case_not_finite(run *r, sizes s)
{
    el_queue *const q = r->q;
    const int n = s.rows, cols = s.cols;
    const el_tensor x = in(r, n, cols, 1, 2), z = in(r, n, cols, 2, 1), none = in(r, n, cols, 1, 2);
    const el_tensor gamma = parameter(1, cols, 3, 1), beta = parameter(1, cols, 4, 1);
    const el_tensor wide = parameter(n, cols, 5, 1), y = unnamed(r, r->type, n, cols);
    const el_tensor slope = unnamed(r, r->type, n, cols), stats = unnamed(r, EL_F32, n, 2);
    const el_tensor rounded = unnamed(r, EL_BF16, n, cols), loss = unnamed(r, EL_F32, n, 1);
    spoil(x);
    spoil(wide);
    for (int i = 0; i < n; i += 3) {
        el_set(z, i, (i * 5 + cols - 1) % cols, -INFINITY);
        el_set(none, i, i % cols, NAN);
    }
    q->copy(q, rounded, wide);
    keep_none(r, "copy", rounded);
    q->add(q, y, x, z);
    keep_none(r, "sum", y);
    q->gelu_forward(q, y, slope, none);
    keep_none(r, "gelu", y);
    keep_none(r, "slope of gelu", slope);
    q->tanh_forward(q, y, slope, x);
    keep_none(r, "tanh", y);
    keep_none(r, "slope of tanh", slope);
    q->layer_norm_forward(q, y, stats, x, gamma, beta, 1e-5);
    keep_none(r, "norm", y);
    q->residual_norm_forward(q, y, slope, stats, z, x, gamma, beta, 1e-5, dropping(0));
    keep_none(r, "norm of a sum", y);
    q->softmax_loss(q, loss, NULL, NULL, y, x, check_ints(n, -1, cols, 6), NULL, NULL, 0.37);
    keep_none(r, "loss", loss);
    keep_none(r, "dlogits", y);
}

static void case_in_place(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor z = in(r, s.rows, s.cols, 2, 1);
    const el_tensor sum = out(r, "add", r->type, s.rows, s.cols, true, 1e-6);
    q->add(q, sum, sum, z);
    const el_tensor slope = out(r, "slope", r->type, s.rows, s.cols, true, 1e-6);
    q->gelu_forward(q, out(r, "gelu", r->type, s.rows, s.cols, false, 1e-6), slope, slope);
    const el_tensor dx = out(r, "dx", r->type, s.rows, s.cols, true, 1e-6);
    q->gelu_backward(q, dx, dx, z);
    const el_tensor again = out(r, "dx again", r->type, s.rows, s.cols, true, 1e-5);
    q->gelu_again(q, out(r, "gelu again", r->type, s.rows, s.cols, false, 1e-6), again, again,
                  in(r, s.rows, s.cols, 1, 2));
    const el_tensor dropped = out(r, "dropout", r->type, s.rows, s.cols, true, 1e-6);
    q->dropout(q, dropped, dropped, dropping(0.5));
}

static void case_norm(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor x = in(r, s.rows, s.cols, 1, 2), branch = in(r, s.rows, s.cols, 2, 1);
    const el_tensor gamma = parameter(1, s.cols, 3, 1), beta = parameter(1, s.cols, 4, 1);
    const el_dropout dropout = dropping(s.more ? 0.1 : 0);
    const el_tensor sum = out(r, "sum", r->type, s.rows, s.cols, false, 1e-6);
    const el_tensor stats = out(r, "stats", EL_F32, s.rows, 2, false, 1e-5);
    q->residual_norm_forward(q, out(r, "y", r->type, s.rows, s.cols, false, 1e-5), sum, stats, x, branch,
                             gamma, beta, 1e-12, dropout);
    const el_tensor dy = in(r, s.rows, s.cols, 5, 1);
    el_tensor norm_stats = check_tensor(EL_F64, s.rows, 2), given = check_tensor(EL_F32, s.rows, 2);
    el_queue *const reference = el_queue_reference();
    reference->layer_norm_forward(reference, check_tensor(EL_F64, s.rows, s.cols), norm_stats, x, gamma, beta,
                                  1e-12);
    reference->copy(reference, given, norm_stats);
    q->residual_norm_backward(q, out(r, "dsum", r->type, s.rows, s.cols, false, 2e-5),
                              out(r, "dbranch", r->type, s.rows, s.cols, false, 2e-5),
                              out(r, "dgamma", EL_F32, 1, s.cols, true, 2e-5),
                              out(r, "dbeta", EL_F32, 1, s.cols, true, 2e-5), dy, x, given, gamma, dropout);
}

static void case_layer_norm(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor x = in(r, s.rows, s.cols, 1, 2);
    const el_tensor gamma = parameter(1, s.cols, 3, 1), beta = parameter(1, s.cols, 4, 1);
    const el_tensor stats = out(r, "stats", EL_F32, s.rows, 2, false, 1e-5);
    q->layer_norm_forward(q, out(r, "y", r->type, s.rows, s.cols, false, 1e-5), stats, x, gamma, beta, 1e-5);
    const el_tensor dy = out(r, "dx in place", r->type, s.rows, s.cols, true, 2e-5);
    q->layer_norm_backward(q, dy, out(r, "dgamma", EL_F32, 1, s.cols, true, 2e-5),
                           out(r, "dbeta", EL_F32, 1, s.cols, true, 2e-5), dy, x, stats, gamma);
}

static void case_rows(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor tables[3] = {parameter(50, s.cols, 1, 1), parameter(s.rows, s.cols, 2, 1),
                                 parameter(2, s.cols, 3, 1)};
    const int *const indices[3] = {check_ints(s.rows, 0, 50, 5), check_ints(s.rows, 0, s.rows, 6),
                                   check_ints(s.rows, 0, 2, 7)};
    q->embed_forward(q, out(r, "embedded", r->type, s.rows, s.cols, false, 1e-6), tables, indices, 3);
    const el_tensor dy = in(r, s.rows, s.cols, 8, 1);
    q->embed_backward(q, out(r, "dtable", EL_F32, 50, s.cols, true, 1e-5), dy, indices[0]);
    const int picked = (s.rows + 1) / 2;
    int *const rows = check_memory(sizeof(int) * (size_t)picked);
    for (int i = 0; i < picked; i++)
        rows[i] = s.rows - 1 - 2 * i;
    q->gather_forward(q, out(r, "gathered", r->type, picked, s.cols, false, 0), dy, rows);
    const el_tensor part = in(r, picked, s.cols, 9, 1);
    q->gather_backward(q, out(r, "scattered", r->type, s.rows, s.cols, false, 1e-6), part, rows, false);
    q->gather_backward(q, out(r, "scattered onto", r->type, s.rows, s.cols, true, 1e-5), part, rows, true);
}

/* rows: of the longest sequence; cols: head size; more: heads */
static void case_attention(run *r, sizes s)
{
    el_queue *const q = r->q;
    const int lengths[] = {s.rows, 1, 17, s.rows / 2 + 1, 2};
    int *const starts = check_memory(6 * sizeof(int)), sequences = 0, longest = 0;
    for (; sequences < 5; sequences++) {
        starts[sequences + 1] = starts[sequences] + lengths[sequences];
        longest = lengths[sequences] > longest ? lengths[sequences] : longest;
    }
    const el_layout layout = {.starts = starts, .sequences = sequences, .longest = longest};
    const int n = starts[sequences], hidden = s.cols * s.more;
    assert_int_equal(q->reserve(q, longest, s.cols), EL_OK);
    const el_tensor qkv = in(r, n, 3 * hidden, 1, 1), dy = in(r, n, hidden, 2, 1);
    /* rows of masks begin anywhere in a block of 128, or at one or two places */
    const double rates[] = {0, 0.1, 0.1};
    const int widths[] = {200, 200, (longest + 63) / 64 * 64};
    for (int i = 0; i < 3; i++) {
        const el_dropout dropout = dropping(rates[i]);
        const el_tensor y = out(r, "y", r->type, n, hidden, false, 1e-5);
        const el_tensor lse = out(r, "lse", EL_F32, n, s.more, false, 1e-5);
        q->attention_forward(q, y, lse, qkv, layout, s.more, dropout, widths[i]);
        q->attention_backward(q, out(r, "dqkv", r->type, n, 3 * hidden, false, 3e-5), dy, y, lse, qkv, layout,
                              s.more, dropout, widths[i]);
    }
}

/* As attention, each row with a limit of its own: all orders from none to all that there are. */
static void case_limits(run *r, sizes s)
{
    el_queue *const q = r->q;
    int *const starts = check_memory(4 * sizeof(int));
    starts[1] = s.rows, starts[2] = s.rows + 1, starts[3] = s.rows + 18;
    const int n = starts[3], hidden = s.cols * s.more;
    int *const limits = check_memory(sizeof(int) * (size_t)n);
    for (int sequence = 0; sequence < 3; sequence++)
        for (int i = starts[sequence], keys = starts[sequence + 1] - i; i < starts[sequence + 1]; i++)
            limits[i] =
                sequence == 0 ? i + 1 : (int)el_random_below(check_seed(4), (uint64_t)i, (uint64_t)keys + 1);
    const el_layout layout = {
        .starts = starts, .sequences = 3, .longest = s.rows > 17 ? s.rows : 17, .limits = limits};
    assert_int_equal(q->reserve(q, layout.longest, s.cols), EL_OK);
    const el_tensor qkv = in(r, n, 3 * hidden, 1, 1), dy = in(r, n, hidden, 2, 1);
    for (int i = 0; i < 2; i++) {
        const el_dropout dropout = dropping(i ? 0.1 : 0);
        const el_tensor y = out(r, "y", r->type, n, hidden, false, 1e-5);
        const el_tensor lse = out(r, "lse", EL_F32, n, s.more, false, 1e-5);
        q->attention_forward(q, y, lse, qkv, layout, s.more, dropout, 200);
        q->attention_backward(q, out(r, "dqkv", r->type, n, 3 * hidden, false, 3e-5), dy, y, lse, qkv, layout,
                              s.more, dropout, 200);
    }
}

/* Of each row, as many as its sequence has. */
static const int *every_key(const int *starts, int sequences)
{
    int *const limits = check_memory(sizeof(int) * (size_t)(starts[sequences] + 1));
    for (int sequence = 0; sequence < sequences; sequence++)
        for (int i = starts[sequence]; i < starts[sequence + 1]; i++)
            limits[i] = starts[sequence + 1] - starts[sequence];
    return limits;
}

/* Attention where no row has a limit and where all have that of all keys: the same bits. */
static void case_every_key(run *r, sizes s)
{
    el_queue *const q = r->q;
    int *const starts = check_memory(4 * sizeof(int));
    starts[1] = s.rows, starts[2] = s.rows + 1, starts[3] = s.rows + 18;
    const int n = starts[3], hidden = s.cols * s.more;
    el_layout layout = {.starts = starts, .sequences = 3, .longest = s.rows > 17 ? s.rows : 17};
    assert_int_equal(q->reserve(q, layout.longest, s.cols), EL_OK);
    const el_tensor qkv = in(r, n, 3 * hidden, 1, 1), dy = in(r, n, hidden, 2, 1);
    const int *const limits[] = {NULL, every_key(starts, 3)};
    for (int dropped = 0; dropped < 2; dropped++) {
        const el_dropout dropout = dropping(dropped ? 0.1 : 0);
        el_tensor y[2], lse[2], dqkv[2];
        for (int i = 0; i < 2; i++) {
            layout.limits = limits[i];
            y[i] = out(r, "y", r->type, n, hidden, false, 1e-5);
            lse[i] = out(r, "lse", EL_F32, n, s.more, false, 1e-5);
            dqkv[i] = out(r, "dqkv", r->type, n, 3 * hidden, false, 3e-5);
            q->attention_forward(q, y[i], lse[i], qkv, layout, s.more, dropout, 200);
            q->attention_backward(q, dqkv[i], dy, y[i], lse[i], qkv, layout, s.more, dropout, 200);
        }
        q->wait(q);
        check_same("y of all keys", y[1], y[0]);
        check_same("lse of all keys", lse[1], lse[0]);
        check_same("dqkv of all keys", dqkv[1], dqkv[0]);
    }
}

/* More sequences than groups, positions in any order, some twice; rows, cols, more as for attention. */
static void case_relative(run *r, sizes s)
{
    el_queue *const q = r->q;
    enum { SEQUENCES = 11 };
    int *const starts = check_memory((SEQUENCES + 1) * sizeof(int)), longest = s.rows;
    for (int i = 0; i < SEQUENCES; i++) {
        const int length = i == 0 ? s.rows : 1 + 7 * i % 19;
        starts[i + 1] = starts[i] + length;
        longest = length > longest ? length : longest;
    }
    const int n = starts[SEQUENCES], hidden = s.cols * s.more, reach = longest;
    int *const limits = check_memory(sizeof(int) * (size_t)n), *const positions = check_ints(n, 0, reach, 5);
    for (int i = 0; i < SEQUENCES; i++)
        for (int row = starts[i]; row < starts[i + 1]; row++) {
            const int keys = starts[i + 1] - starts[i];
            limits[row] =
                i == 0 ? row + 1 : (int)el_random_below(check_seed(4), (uint64_t)row, (uint64_t)keys + 1);
            if (i == 0)
                positions[row] = row;
        }
    assert_int_equal(q->reserve(q, longest, s.cols), EL_OK);
    const el_tensor qkv = in(r, n, 3 * hidden, 1, 1), dy = in(r, n, hidden, 2, 1);
    const int *const segments = check_ints(n, 0, 2, 6);
    const el_relative relative = {in(r, 2 * reach - 1, hidden, 3, 1), parameter(1, 3 * hidden, 7, 1),
                                  parameter(2, hidden, 8, 1), positions, segments};
    for (int i = 0; i < 2; i++) {
        const el_dropout dropout = dropping(i ? 0.1 : 0);
        const el_layout layout = {
            .starts = starts, .sequences = SEQUENCES, .longest = longest, .limits = i ? limits : NULL};
        const el_tensor y = out(r, "y", r->type, n, hidden, false, 2e-5);
        const el_tensor lse = out(r, "lse", EL_F32, n, s.more, false, 2e-5);
        const el_relative_gradients d = {
            out(r, "dplaces", r->type, 2 * reach - 1, hidden, false, 1e-4),
            out(r, "dbiases", EL_F32, 1, 3 * hidden, true, 1e-4),
            out(r, "dkinds", EL_F32, 2, hidden, true, 1e-4),
            check_tensor(EL_F32, EL_RELATIVE_PARTS * (2 * reach - 1 + 5), hidden)};
        check_fill(d.parts, NAN);
        q->relative_attention_forward(q, y, lse, qkv, relative, layout, s.more, dropout, 200);
        q->relative_attention_backward(q, out(r, "dqkv", r->type, n, 3 * hidden, false, 1e-4), d, dy, y, lse,
                                       qkv, relative, layout, s.more, dropout, 200);
    }
}

static void case_replace(run *r, sizes s)
{
    const int *const original = check_ints(s.rows, 0, 50, 1), *const sample = check_ints(s.rows, 0, 50, 2);
    const int *const rows = check_ints(s.rows, 0, s.rows, 3);
    int *const ids = out_ints(s.rows);
    float *const label = check_memory(sizeof(float) * (size_t)s.rows);
    r->q->replace_ids(r->q, ids, label, original, s.rows, rows, sample, s.rows / 3, -1);
    const el_tensor labels = out(r, "labels", EL_F32, s.rows, 1, false, 0);
    r->q->wait(r->q);
    for (int i = 0; i < s.rows; i++)
        el_set(labels, i, 0, (double)label[i]);
    keep_ints(r, "ids", ids, s.rows);
}

/* rows, classes; more: bit 0 another temperature, bit 1 the target disallowed */
static void case_softmax(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor logits = in(r, s.rows, s.cols, 1, 3);
    const int *const target = check_ints(s.rows, -1, s.cols, 2);
    for (int i = 0; i < s.rows; i += 3)
        if (target[i] >= 0 && s.cols > 1)
            el_set(logits, i, target[i],
                   15); /* a sure thing, which must not be drawn where it is disallowed */
    const el_sampling sampling = {.temperature = s.more & 1 ? 0.7 : 1,
                                  .disallow_target = s.more & 2,
                                  .random = check_seed(3),
                                  .first_row = 12};
    int *const guess = out_ints(s.rows), *const sample = out_ints(s.rows);
    q->softmax_loss(q, out(r, "loss", EL_F32, s.rows, 1, false, 1e-5), guess, sample,
                    out(r, "dlogits", r->type, s.rows, s.cols, false, 1e-5), logits, target, NULL, &sampling,
                    0.37);
    keep_ints(r, "guess", guess, s.rows);
    keep_ints(r, "sample", sample, s.rows);
    q->softmax_loss(q, el_tensor_none(), NULL, NULL, el_tensor_none(), logits, target, NULL, NULL, 1);
    float *const weight = check_memory(sizeof(float) * (size_t)s.rows);
    for (int i = 0; i < s.rows; i++)
        weight[i] = 0.25f * (float)(i % 7) - 0.5f;
    q->softmax_loss(q, el_tensor_none(), NULL, NULL, out(r, "weighted", r->type, s.rows, s.cols, false, 1e-5),
                    logits, target, weight, NULL, 0.37);
}

static void case_logistic(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor logits = in(r, s.rows, 1, 1, 6);
    const int *const whole = check_ints(s.rows, -1, 3, 2);
    float *const label = check_memory(sizeof(float) * (size_t)s.rows);
    for (int i = 0; i < s.rows; i++)
        label[i] = whole[i] < 0 ? NAN : whole[i] < 2 ? (float)whole[i] : 0.3f;
    q->logistic_loss(q, out(r, "loss", EL_F32, s.rows, 1, false, 1e-5),
                     out(r, "dlogits", r->type, s.rows, 1, false, 1e-5), logits, label, 0.37);
}

static void case_squared(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor x = in(r, s.rows, 1, 1, 6), target = parameter(s.rows, 1, 2, 1);
    for (int i = 1; i < s.rows; i += 3)
        el_set(target, i, 0, NAN);
    q->squared_loss(q, out(r, "loss", EL_F32, s.rows, 1, false, 1e-6),
                    out(r, "dx", r->type, s.rows, 1, false, 1e-6), x, target.data, 0.37);
    q->squared_loss(q, el_tensor_none(), el_tensor_none(), x, target.data, 1);
}

static void case_choices(run *r, sizes s)
{
    el_queue *const q = r->q;
    const int *const at = check_ints(s.rows, -1, s.rows, 1), *const x = check_ints(s.rows, 0, 50, 2);
    const int *const other = check_ints(s.rows, 0, 50, 3);
    int *const y = out_ints(s.rows);
    q->choose_ids(q, y, x, at, other, s.rows);
    q->offsets(q, out(r, "offsets", EL_F32, s.rows, 1, false, 1e-6), parameter(s.rows, 1, 4, 3), at, -1.75);
    keep_ints(r, "ids", y, s.rows);
}

/* Arrays of floats, as tensors. */
static void keep_floats(run *r, const char *name, const float *values, int count)
{
    const el_tensor kept = out(r, name, EL_F32, count, 1, false, 1e-5);
    r->q->wait(r->q);
    for (int i = 0; i < count; i++)
        el_set(kept, i, 0, (double)values[i]);
}

static void case_copy_gate(run *r, sizes s)
{
    const el_tensor u = in(r, s.rows, 1, 1, 6), loss = parameter(s.rows, 1, 2, 1);
    const int *const shown = check_ints(s.rows, 0, 3, 3), *const original = check_ints(s.rows, 0, 3, 4);
    float *const copied = check_memory(sizeof(float) * (size_t)s.rows);
    float *const drawn = check_memory(sizeof(float) * (size_t)s.rows);
    for (int i = 0; i < s.rows; i++)
        el_set(loss, i, 0, 9 * fabs(el_get(loss, i, 0)));
    r->q->copy_gate(r->q, copied, drawn, u, loss, shown, original);
    keep_floats(r, "copied", copied, s.rows);
    keep_floats(r, "drawn", drawn, s.rows);
}

static void case_advantages(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor u = in(r, s.rows, 1, 1, 6), reward = parameter(s.rows, 1, 2, 1);
    float *const advantage = check_memory(sizeof(float) * (size_t)s.rows);
    float *const right = check_memory(sizeof(float) * (size_t)s.rows);
    float *const alone = check_memory(sizeof(float) * (size_t)s.rows);
    for (int i = 0; i < s.rows; i++)
        el_set(reward, i, 0, 5 * fabs(el_get(reward, i, 0)));
    q->advantages(q, advantage, right, reward, u);
    q->advantages(q, alone, NULL, reward, el_tensor_none());
    keep_floats(r, "advantage", advantage, s.rows);
    keep_floats(r, "right", right, s.rows);
    keep_floats(r, "reward", alone, s.rows);
}

static void case_optimizer(run *r, sizes s)
{
    el_queue *const q = r->q;
    const el_tensor g = out(r, "gradient", EL_F32, s.rows, s.cols, true, 0);
    const el_tensor sum = out(r, "sum of squares", EL_F32, 2, 1, false, 1e-6);
    double *const squares = check_memory(2 * sizeof *squares);
    q->sum_squares(q, &squares[0], &g, 1);
    el_tensor strided = g;
    strided.cols = s.cols > 1 ? s.cols - 1 : 1;
    q->sum_squares(q, &squares[1], &strided, 1);
    q->wait(q);
    for (int i = 0; i < 2; i++)
        el_set(sum, i, 0, squares[i]);
    const el_tensor value = out(r, "value", EL_F32, s.rows, s.cols, true, 1e-5);
    const el_tensor m = out(r, "m", EL_F32, s.rows, s.cols, true, 1e-6);
    const el_tensor v = out(r, "v", EL_F32, s.rows, s.cols, false, 1e-6);
    check_fill(v, 0.1);
    const el_adamw step = {.rate = 0.01,
                           .beta1 = 0.9,
                           .beta2 = 0.999,
                           .epsilon = 1e-6,
                           .decay = 0.01,
                           .clip = 0.5,
                           .m_correction = 1.5,
                           .v_correction = 1.2};
    const el_trained param = {value, m, v, g, .scale = 1, .decays = true};
    q->adamw(q, &param, 1, NULL, 0, step);
}

enum { SHAPES = 10 };

typedef struct {
    const char *name;
    void (*compute)(run *r, sizes s);
    sizes shapes[SHAPES]; /* those without rows are none */
    double bf16;          /* the tolerance of everything in BF16 */
} op_case;

static const op_case cases[] = {
    {"linear",
     case_linear,
     {{1, 17, 5},
      {33, 64, 96},
      {300, 70, 50},
      {30, 2041, 40},
      {1030, 20, 30},
      {5, 8, 700},
      {48, 1056, 544}, /* whole tiles in parts of the depth, more columns than are carried at once */
      {208, 530, 70},  /* read where they lie in the first part, copied in the second */
      {20, 2041, 40},
      {16, 544, 33}},
     8e-3},
    {"int8",
     case_int8,
     {{1, 17, 5}, {33, 64, 96}, {300, 70, 50}, {30, 2041, 40}, {45, 20, 30}, {5, 8, 700}},
     0},
    {"linear gelu",
     case_linear_gelu,
     {{1, 17, 5}, {33, 64, 96}, {300, 70, 50}, {30, 600, 40}, {5, 8, 700}, {21, 8, 16}},
     2e-2},
    {"elementwise", case_elementwise, {{1, 1, 0}, {1, 17, 0}, {300, 67, 0}}, 5e-3},
    {"not finite", case_not_finite, {{1, 17, 0}, {100, 67, 0}}, 0},
    {"in place", case_in_place, {{1, 3, 0}, {300, 67, 0}}, 5e-3},
    {"norm", case_norm, {{1, 17, 1}, {100, 131, 1}, {40, 256, 0}, {1030, 16, 1}}, 2e-2},
    {"layer norm", case_layer_norm, {{1, 17, 0}, {100, 131, 0}, {40, 256, 0}}, 2e-2},
    {"rows", case_rows, {{1, 17, 0}, {300, 67, 0}}, 5e-3},
    {"attention",
     case_attention,
     {{1, 64, 1}, {100, 32, 1}, {130, 20, 2}, {9, 7, 3}, {61, 16, 2}, {7, 128, 1}},
     6e-2},
    {"limits", case_limits, {{1, 8, 1}, {37, 64, 2}, {130, 12, 3}, {140, 64, 1}}, 6e-2},
    {"every key", case_every_key, {{1, 8, 1}, {37, 64, 2}, {130, 12, 3}, {140, 64, 1}}, 6e-2},
    {"relative", case_relative, {{1, 64, 1}, {37, 20, 2}, {131, 5, 1}, {19, 7, 3}}, 8e-2},
    {"replace", case_replace, {{1, 1, 0}, {500, 1, 0}}, 1e-2},
    {"softmax",
     case_softmax,
     {{1, 1, 0}, {50, 3, 0}, {60, 517, 3}, {60, 1000, 2}, {30, 2000, 1}, {40, 1000, 0}},
     1e-2},
    {"logistic", case_logistic, {{1, 1, 0}, {300, 1, 0}, {2100, 1, 0}}, 5e-3},
    {"squared", case_squared, {{1, 1, 0}, {300, 1, 0}, {40001, 1, 0}}, 5e-3},
    {"choices", case_choices, {{1, 1, 0}, {600, 1, 0}}, 1e-5},
    {"copy_gate", case_copy_gate, {{1, 1, 0}, {600, 1, 0}}, 1e-5},
    {"advantages", case_advantages, {{1, 1, 0}, {600, 1, 0}}, 1e-5},
    {"optimizer", case_optimizer, {{1, 17, 0}, {300, 131, 0}, {400, 200, 0}}, 1e-5},
};
enum { CASES = sizeof cases / sizeof *cases };

static run computed(el_queue *q, const op_case *c, sizes s, el_type type)
{
    run r = {.q = q, .type = type, .exact = strcmp(q->dev->name, "reference") == 0};
    c->compute(&r, s);
    CHECK(q->wait(q) == EL_OK, "%s: %s", c->name, el_error());
    return r;
}

#endif
