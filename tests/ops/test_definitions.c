/* The reference device against numbers worked out by hand, and the promises of ops/queue.h that are not gradients.
 */
#include "check.h"

static el_queue *q;

static int setup(void **state)
{
    (void)state;
    q = el_queue_reference();
    return 0;
}

/* A row of the given numbers. */
static el_tensor row_of(el_type type, int cols, const double *values)
{
    el_tensor t = check_tensor(type, 1, cols);
    for (int j = 0; j < cols; j++)
        el_set(t, 0, j, values[j]);
    return t;
}

#define ROW(type, ...)                                                                                       \
    row_of(type, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})

static el_layout layout_of(const int *starts, int sequences, int longest)
{
    return (el_layout){.starts = starts, .sequences = sequences, .longest = longest};
}

static void test_views(void **state)
{
    (void)state;
    const el_tensor t = check_strided(EL_F32, 5, 4, 6);
    el_set(t, 3, 2, 8.5);
    const el_tensor view = el_tensor_cols(el_tensor_rows(t, 2, 3), 1, 3);
    CHECK(el_get(view, 1, 1) == 8.5, "a view of rows 2.. and columns 1..: (1, 1) is %g, expected 8.5",
          el_get(view, 1, 1));
    CHECK(((float *)t.data)[3 * 6 + 2] == 8.5f, "element (3, 2) does not lie at 3 * stride + 2");
    CHECK(!el_tensor_rows(el_tensor_make(NULL, EL_F32, 5, 4), 2, 3).data, "a view of no memory has memory");
    CHECK(el_tensor_bytes(3, 5, EL_BF16) == 30, "3 x 5 bf16 are %zu bytes", el_tensor_bytes(3, 5, EL_BF16));
}

/* Storing rounds to the nearest bf16, ties to the even one; NaN and infinity survive. */
static void test_bf16(void **state)
{
    (void)state;
    static const struct {
        uint32_t from;
        uint16_t to;
    } cases[] = {
        {0x3f800000, 0x3f80},                       /* 1 */
        {0x3f808000, 0x3f80},                       /* a tie below an odd one: down to even */
        {0x3f818000, 0x3f82},                       /* a tie above an odd one: up to even */
        {0x3f808001, 0x3f81},                       /* just above a tie */
        {0x3f817fff, 0x3f81},                       /* just below a tie */
        {0xbf818000, 0xbf82},                       /* the same with a sign */
        {0x80000000, 0x8000},                       /* -0 */
        {0x7f7fffff, 0x7f80},                       /* the largest float: nearer to infinity */
        {0x7f800000, 0x7f80},                       /* infinity */
        {0xff800000, 0xff80}, {0x00000001, 0x0000}, /* the smallest float */
        {0x00018000, 0x0002},                       /* a tie among subnormals */
    };
    const el_tensor t = check_tensor(EL_BF16, 1, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float from;
        memcpy(&from, &cases[i].from, sizeof from);
        el_set(t, 0, 0, from);
        const uint16_t got = *(uint16_t *)t.data;
        CHECK(got == cases[i].to, "float %08x becomes bf16 %04x, expected %04x", cases[i].from, got,
              cases[i].to);
    }
    static const uint32_t nans[] = {0x7f800001, 0x7fc00000, 0xffffffff};
    for (int i = 0; i < 3; i++) {
        float from;
        memcpy(&from, &nans[i], sizeof from);
        el_set(t, 0, 0, from);
        CHECK(isnan(el_get(t, 0, 0)), "NaN %08x becomes bf16 %04x", nans[i], *(uint16_t *)t.data);
    }
}

/* Every bf16 reads back as it was written. */
static void test_bf16_round_trip(void **state)
{
    (void)state;
    const el_tensor a = check_tensor(EL_BF16, 1, 1), b = check_tensor(EL_BF16, 1, 1);
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        *(uint16_t *)a.data = (uint16_t)bits;
        el_set(b, 0, 0, el_get(a, 0, 0));
        if (!isnan(el_get(a, 0, 0)))
            CHECK(*(uint16_t *)b.data == bits, "bf16 %04x comes back as %04x", bits, *(uint16_t *)b.data);
    }
}

static void test_moving(void **state)
{
    (void)state;
    const el_tensor x = ROW(EL_BF16, 1, -2, 0.5), y = check_tensor(EL_F32, 1, 3);
    q->copy(q, y, x);
    check_same("copy", y, ROW(EL_F32, 1, -2, 0.5));
    q->add(q, y, y, x);
    check_same("add in place", y, ROW(EL_F32, 2, -4, 1));
    const el_tensor both[] = {y, y};
    double squares;
    q->sum_squares(q, &squares, both, 2);
    CHECK(squares == 42, "sum of squares %g, expected 42", squares);
    q->zero(q, y);
    check_same("zero", y, ROW(EL_F32, 0, 0, 0));
}

/* Zeroing and writing a view leave what lies between its rows alone. */
static void test_stride(void **state)
{
    (void)state;
    const el_tensor whole = check_tensor(EL_F32, 4, 10);
    check_fill(whole, 3);
    q->zero(q, el_tensor_cols(whole, 2, 5));
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 10; j++) {
            const double expected = j >= 2 && j < 7 ? 0 : 3;
            CHECK(el_get(whole, i, j) == expected, "(%d, %d) is %g, expected %g", i, j, el_get(whole, i, j),
                  expected);
        }
}

static void test_linear(void **state)
{
    (void)state;
    const el_tensor w = check_tensor(EL_F32, 2, 3), y = check_tensor(EL_F32, 1, 2);
    for (int n = 0; n < 6; n++)
        el_set(w, n / 3, n % 3, n + 1);
    q->linear_forward(q, y, ROW(EL_F32, 1, 10, 100), w, ROW(EL_F32, 0.5, -0.5));
    check_same("x W^T + b", y, ROW(EL_F32, 321.5, 653.5));
}

/* What is added to is added to, what is overwritten is overwritten, and twice a step is twice the gradient.
 */
static void test_accumulation(void **state)
{
    (void)state;
    const el_tensor x = ROW(EL_F32, 2, 3), dy = ROW(EL_F32, 5), w = ROW(EL_F32, 7, 11);
    const el_tensor dx = ROW(EL_F32, 1000, 1000), dw = ROW(EL_F32, 1, 1), db = ROW(EL_F32, 1);
    q->linear_backward_input(q, dx, dy, w, false);
    check_same("dx", dx, ROW(EL_F32, 35, 55));
    q->linear_backward_input(q, dx, dy, w, true);
    check_same("dx accumulated", dx, ROW(EL_F32, 70, 110));
    q->linear_backward_weight(q, dw, db, dy, x);
    q->linear_backward_weight(q, dw, el_tensor_none(), dy, x);
    check_same("dw twice", dw, ROW(EL_F32, 21, 31));
    check_same("db once", db, ROW(EL_F32, 6));
}

static void test_gelu(void **state)
{
    (void)state;
    /* x Phi(x) and Phi(x) + x phi(x), computed elsewhere */
    const el_tensor x = ROW(EL_F64, 0, 1, -1, 2, -3, 10, -40);
    const el_tensor y = check_tensor(EL_F64, 1, 7), slope = check_tensor(EL_F64, 1, 7);
    q->gelu_forward(q, y, slope, x);
    check_close("gelu", y,
                ROW(EL_F64, 0, 0.8413447460685429, -0.15865525393145707, 1.9544997361036416,
                    -0.004049694094890287, 10, 0),
                1e-14);
    check_close("slope of gelu", slope,
                ROW(EL_F64, 0.5, 1.0833154705876864, -0.08331547058768629, 1.085231801078197,
                    -0.011945647204183927, 1, 0),
                1e-14);
    const el_tensor dy = ROW(EL_F64, 1, -2, 3, 0.5, 1, 1, 7), dx = check_tensor(EL_F64, 1, 7);
    const el_tensor again = check_tensor(EL_F64, 1, 7), product = check_tensor(EL_F64, 1, 7);
    q->gelu_backward(q, product, dy, slope);
    q->gelu_again(q, again, dx, dy, check_converted(EL_F64, x));
    check_same("gelu again", again, y);
    check_same("dx", dx, product);
    q->gelu_forward(q, y, x, x);
    check_same("slope in the place of x", x, slope);
}

static void test_tanh(void **state)
{
    (void)state;
    /* tanh x and 1 - tanh^2 x, computed elsewhere */
    const el_tensor x = ROW(EL_F64, 0, 1, -3, 10, -400);
    const el_tensor y = check_tensor(EL_F64, 1, 5), slope = check_tensor(EL_F64, 1, 5);
    q->tanh_forward(q, y, slope, x);
    check_close("tanh", y, ROW(EL_F64, 0, 0.7615941559557649, -0.9950547536867305, 0.9999999958776927, -1),
                1e-15);
    check_close("slope of tanh", slope,
                ROW(EL_F64, 1, 0.41997434161402614, 0.009866037165440211, 8.244614546626394e-09, 0), 1e-15);
    q->tanh_forward(q, y, x, x);
    check_same("slope in the place of x", x, slope);
}

static void test_layer_norm(void **state)
{
    (void)state;
    /* mean 4, variance 5; with epsilon 4 the deviation is 3 */
    const el_tensor x = ROW(EL_F64, 1, 3, 5, 7), y = check_tensor(EL_F64, 1, 4),
                    stats = check_tensor(EL_F64, 1, 2);
    q->layer_norm_forward(q, y, stats, x, ROW(EL_F64, 3, 3, 6, 0), ROW(EL_F64, 0, 1, 0, 9), 4);
    check_close("y", y, ROW(EL_F64, -3, 0, 2, 9), 1e-15);
    check_close("stats", stats, ROW(EL_F64, 4, 1.0 / 3), 1e-15);
}

/* Where the header lets tensors be the same one, the result is that of separate ones. */
static void test_in_place(void **state)
{
    (void)state;
    const int rows = 5, cols = 12;
    const el_dropout drop = {.rate = 0.4, .random = {.seed = 1}};
    const el_tensor x = check_random(EL_F64, rows, cols, 1, 1),
                    branch = check_random(EL_F64, rows, cols, 2, 1);
    const el_tensor gamma = check_random(EL_F64, 1, cols, 3, 1), beta = check_random(EL_F64, 1, cols, 4, 1);
    const el_tensor dy = check_random(EL_F64, rows, cols, 5, 1), stats = check_tensor(EL_F64, rows, 2);
    const el_tensor y = check_tensor(EL_F64, rows, cols), sum = check_tensor(EL_F64, rows, cols);
    const el_tensor dsum = check_tensor(EL_F64, rows, cols), dbranch = check_tensor(EL_F64, rows, cols);
    const el_tensor dgamma = check_tensor(EL_F64, 1, cols), dbeta = check_tensor(EL_F64, 1, cols);

    q->residual_norm_forward(q, y, sum, stats, x, branch, gamma, beta, 1e-12, drop);
    const el_tensor y2 = check_tensor(EL_F64, rows, cols), x2 = check_converted(EL_F64, x);
    const el_tensor branch2 = check_converted(EL_F64, branch);
    q->residual_norm_forward(q, y2, x2, stats, x2, branch, gamma, beta, 1e-12, drop);
    check_same("sum in the place of x", y2, y);
    q->residual_norm_forward(q, y2, branch2, stats, x, branch2, gamma, beta, 1e-12, drop);
    check_same("sum in the place of branch", y2, y);

    q->residual_norm_backward(q, dsum, dbranch, dgamma, dbeta, dy, sum, stats, gamma, drop);
    const el_tensor dy2 = check_converted(EL_F64, dy), dbranch2 = check_tensor(EL_F64, rows, cols);
    q->residual_norm_backward(q, dy2, dbranch2, dgamma, dbeta, dy2, sum, stats, gamma, drop);
    check_same("dsum in the place of dy", dy2, dsum);
    check_same("dbranch then", dbranch2, dbranch);
    const el_tensor both = check_converted(EL_F64, dy);
    q->residual_norm_backward(q, both, both, dgamma, dbeta, both, sum, stats, gamma, (el_dropout){0});
    check_same("one tensor for dy, dsum and dbranch", both, dsum);

    const int *target = check_ints(rows, -1, cols, 6);
    const el_tensor logits = check_converted(EL_F64, x), dlogits = check_tensor(EL_F64, rows, cols);
    q->softmax_loss(q, el_tensor_none(), NULL, NULL, dlogits, logits, target, NULL, NULL, 2);
    q->softmax_loss(q, el_tensor_none(), NULL, NULL, logits, logits, target, NULL, NULL, 2);
    check_same("dlogits in the place of logits", logits, dlogits);
}

/* The header's formula, written again from the header. */
static double scale_by_header(el_dropout dropout, int cols, uint64_t row, int col)
{
    const uint64_t e = (dropout.first_row + row) * (((uint64_t)cols + 15) & ~(uint64_t)15) + (uint64_t)col;
    const uint64_t s = e >> 7, i = e & 127;
    uint32_t words[4];
    el_random_words(dropout.random, 16 * s + (i & 15), words);
    const long bits = words[i >> 5] >> ((i & 16) ? 16 : 0) & 0xffff, threshold = lround(dropout.rate * 65536);
    return bits < threshold ? 0 : 65536.0 / (double)(65536 - threshold);
}

static void test_dropout_formula(void **state)
{
    (void)state;
    static const int widths[] = {1, 15, 16, 100, 128, 130};
    for (int w = 0; w < 6; w++)
        for (int row = 0; row < 20; row++)
            for (int col = 0; col < widths[w]; col++) {
                const el_dropout d = {0.1, {.seed = 8, .stream = 1, .step = 2}, (uint64_t)1 << (2 * w)};
                const double got = el_dropout_scale(d, widths[w], (uint64_t)row, col);
                const double expected = scale_by_header(d, widths[w], (uint64_t)row, col);
                CHECK(got == expected, "scale of (%d, %d) of %d: %.9g, expected %.9g", row, col, widths[w],
                      got, expected);
            }
}

/* As many are dropped as were asked for, and the mean stays: both within five deviations. */
static void test_dropout_rate(void **state)
{
    (void)state;
    static const double rates[] = {0.1, 0.5, 0.9};
    const int rows = 300, cols = 333, count = rows * cols;
    const el_tensor x = check_tensor(EL_F32, rows, cols), y = check_tensor(EL_F32, rows, cols);
    check_fill(x, 1);
    for (int r = 0; r < 3; r++) {
        q->dropout(q, y, x, (el_dropout){rates[r], check_seed((uint64_t)r), 0});
        double dropped = 0, mean = 0;
        for (int n = 0; n < count; n++) {
            dropped += el_get(y, n / cols, n % cols) == 0;
            mean += el_get(y, n / cols, n % cols) / count;
        }
        const double expected = rates[r] * count, deviation = sqrt(count * rates[r] * (1 - rates[r]));
        CHECK(fabs(dropped - expected) < 5 * deviation, "rate %g drops %g of %d", rates[r], dropped, count);
        CHECK(fabs(mean - 1) < 5 * deviation / count / (1 - rates[r]), "rate %g: ones have mean %g", rates[r],
              mean);
    }
}

/* Rows handled by themselves get the mask they have in the batch; another step, stream or seed gets another.
 */
static void test_dropout_split(void **state)
{
    (void)state;
    const el_tensor x = check_random(EL_F32, 20, 50, 1, 1), y = check_tensor(EL_F32, 20, 50);
    const el_tensor part = check_tensor(EL_F32, 7, 50), other = check_tensor(EL_F32, 20, 50);
    const el_dropout drop = {0.2, {.seed = 1, .stream = 2, .step = 3}, 40};
    q->dropout(q, y, x, drop);
    el_dropout later = drop;
    later.first_row += 9;
    q->dropout(q, part, el_tensor_rows(x, 9, 7), later);
    check_same("rows 9 to 15", part, el_tensor_rows(y, 9, 7));
    const el_random others[] = {{2, 2, 3}, {1, 3, 3}, {1, 2, 4}};
    for (int k = 0; k < 3; k++) {
        q->dropout(q, other, x, (el_dropout){0.2, others[k], 40});
        CHECK(memcmp(other.data, y.data, el_tensor_bytes(20, 50, EL_F32)) != 0,
              "random numbers %d give the same mask", k);
    }
}

/* A sequence's attention, mask included, is the same alone, where first_row says where it was in the batch.
 */
static void test_attention_split(void **state)
{
    (void)state;
    static const int starts[] = {0, 6, 9, 17}, alone[] = {0, 3};
    const int heads = 2, hidden = 10, width = 20;
    const el_tensor qkv = check_random(EL_F64, 17, 3 * hidden, 1, 1);
    const el_tensor y = check_tensor(EL_F64, 17, hidden), lse = check_tensor(EL_F64, 17, heads);
    const el_tensor y1 = check_tensor(EL_F64, 3, hidden), lse1 = check_tensor(EL_F64, 3, heads);
    const el_dropout drop = {0.3, {.seed = 4}, 100}, drop1 = {0.3, {.seed = 4}, 106};
    q->attention_forward(q, y, lse, qkv, layout_of(starts, 3, 8), heads, drop, width);
    q->attention_forward(q, y1, lse1, el_tensor_rows(qkv, 6, 3), layout_of(alone, 1, 3), heads, drop1, width);
    check_same("y", y1, el_tensor_rows(y, 6, 3));
    check_same("lse", lse1, el_tensor_rows(lse, 6, 3));
}

/* One head of size 1, two keys: P is logistic, by hand; and with dropout, whole rows of values by the
 * formula. */
static void test_attention(void **state)
{
    (void)state;
    static const int starts[] = {0, 2};
    const el_tensor qkv = check_tensor(EL_F64, 2, 3), y = check_tensor(EL_F64, 2, 1),
                    lse = check_tensor(EL_F64, 2, 1);
    const double values[2][3] = {{1, 0, 10}, {2, log(3), 20}}; /* q, k, v */
    for (int n = 0; n < 6; n++)
        el_set(qkv, n / 3, n % 3, values[n / 3][n % 3]);
    q->attention_forward(q, y, lse, qkv, layout_of(starts, 1, 2), 1, (el_dropout){0}, 2);
    CHECK(fabs(el_get(y, 0, 0) - (10 * 0.25 + 20 * 0.75)) < 1e-12, "y[0] %.15g, expected 17.5",
          el_get(y, 0, 0));
    CHECK(fabs(el_get(y, 1, 0) - (10 * 0.1 + 20 * 0.9)) < 1e-12, "y[1] %.15g, expected 19", el_get(y, 1, 0));
    CHECK(fabs(el_get(lse, 1, 0) - log(10)) < 1e-12, "lse[1] %.15g, expected log 10", el_get(lse, 1, 0));
}

/* P's element (i, j) of head h is dropped by the number that the header gives it. */
static void test_attention_dropout(void **state)
{
    (void)state;
    enum { KEYS = 5, HEADS = 3 };
    static const int starts[] = {0, 2, 2 + KEYS};
    const int rows = 2 + KEYS, width = 20;
    const el_tensor qkv = check_tensor(EL_F64, rows, 3 * HEADS); /* queries of 0: every key weighs the same */
    const el_tensor values = el_tensor_cols(qkv, 2 * HEADS, HEADS);
    check_randomize(values, 1, 1);
    const el_tensor y = check_tensor(EL_F64, rows, HEADS), lse = check_tensor(EL_F64, rows, HEADS);
    const el_dropout drop = {0.5, {.seed = 12}, 3}, numbered = {0.5, {.seed = 12}, 0};
    q->attention_forward(q, y, lse, qkv, layout_of(starts, 2, KEYS), HEADS, drop, width);
    for (int i = 2; i < rows; i++)
        for (int h = 0; h < HEADS; h++) {
            double expected = 0;
            for (int j = 0; j < KEYS; j++)
                expected += scale_by_header(numbered, width, (uint64_t)((3 + i) * HEADS + h), j) / KEYS *
                            el_get(values, 2 + j, h);
            CHECK(fabs(el_get(y, i, h) - expected) < 1e-14, "row %d, head %d: %.15g, expected %.15g", i, h,
                  el_get(y, i, h), expected);
        }
}

static void test_softmax_loss(void **state)
{
    (void)state;
    const el_tensor logits = check_tensor(EL_F64, 3, 4), loss = check_tensor(EL_F64, 3, 1);
    const double probabilities[4] = {0.1, 0.4, 0.4, 0.1};
    for (int i = 0; i < 3; i++)
        for (int c = 0; c < 4; c++)
            el_set(logits, i, c, log(probabilities[c]) + 1000 * i); /* a constant changes nothing */
    const el_tensor dlogits = check_tensor(EL_F64, 3, 4);
    check_fill(dlogits, NAN);
    static const int target[] = {0, -1, 2};
    int guess[3];
    q->softmax_loss(q, loss, guess, NULL, dlogits, logits, target, NULL, NULL, 10);
    check_close("losses", loss, el_tensor_make((double[]){log(10), 0, log(2.5)}, EL_F64, 3, 1), 1e-12);
    const double expected[3][4] = {{-9, 4, 4, 1}, {0, 0, 0, 0}, {1, 4, -6, 1}};
    check_close("gradients", dlogits, el_tensor_make((void *)expected, EL_F64, 3, 4), 1e-12);
    for (int i = 0; i < 3; i++)
        CHECK(guess[i] == 1, "guess of row %d is %d, expected 1, the first of the largest", i, guess[i]);
}

static void test_logistic_loss(void **state)
{
    (void)state;
    const double z[5] = {0, log(3), 800, -800, 5}, losses[5] = {log(2), log(4.0 / 3), 800, 0, 0};
    const double gradients[5] = {1, -0.5, 2, 0, 0};
    static const float label[] = {0, 1, 0, 0, NAN};
    const el_tensor loss = check_tensor(EL_F64, 5, 1), dlogits = check_tensor(EL_F64, 5, 1);
    q->logistic_loss(q, loss, dlogits, el_tensor_make((void *)z, EL_F64, 5, 1), label, 2);
    check_close("losses", loss, el_tensor_make((void *)losses, EL_F64, 5, 1), 1e-14);
    check_close("gradients", dlogits, el_tensor_make((void *)gradients, EL_F64, 5, 1), 1e-14);
}

/* A place that is sampled twice has the later sample; one that has its own id again is no replacement; one without a slot has
 * the label that it is given. */
static void test_replace_ids(void **state)
{
    (void)state;
    static const int original[] = {5, 6, 7, 8}, rows[] = {3, 1, 1, 0}, sample[] = {9, 2, 4, 5};
    int ids[4];
    float label[4];
    q->replace_ids(q, ids, label, original, 4, rows, sample, 4, -1);
    const int wanted[] = {5, 4, 7, 9};
    static const float labels[] = {0, 1, -1, 1};
    for (int i = 0; i < 4; i++)
        CHECK(ids[i] == wanted[i] && label[i] == labels[i], "id %d is %d, label %g", i, ids[i],
              (double)label[i]);
}

static void test_choices(void **state)
{
    (void)state;
    static const int x[] = {5, 6, 7}, at[] = {2, -1, 0}, other[] = {1, 2, 3}, wanted[] = {7, 2, 5};
    const double losses[3] = {0.5, 1.5, 3}, offsets[3] = {-4, 0, -1.5};
    const el_tensor y = check_tensor(EL_F64, 3, 1);
    int ids[3];
    q->choose_ids(q, ids, x, at, other, 3);
    for (int i = 0; i < 3; i++)
        CHECK(ids[i] == wanted[i], "id %d is %d", i, ids[i]);
    q->offsets(q, y, el_tensor_make((void *)losses, EL_F64, 3, 1), at, -1);
    check_close("offsets", y, el_tensor_make((void *)offsets, EL_F64, 3, 1), 1e-14);
}

/* Copied as likely as not, at u = 0, and a softmax that gives the original 1 / 3: it was copied with 3 to 1.  Where another
 * token is shown it was not. */
static void test_copy_gate(void **state)
{
    (void)state;
    static const int shown[] = {4, 5}, original[] = {4, 4};
    const double u[2] = {0, 0}, losses[2] = {log(3), log(3)};
    float copied[2], drawn[2];
    q->copy_gate(q, copied, drawn, el_tensor_make((void *)u, EL_F64, 2, 1),
                 el_tensor_make((void *)losses, EL_F64, 2, 1), shown, original);
    CHECK(fabsf(copied[0] - 0.75f) < 1e-6f && fabsf(drawn[0] - 0.25f) < 1e-6f,
          "copied with %g, drawn with %g", (double)copied[0], (double)drawn[0]);
    CHECK(copied[1] == 0 && drawn[1] == 1, "another token is copied with %g", (double)copied[1]);
}

/* A baseline that says 1/4 and a reward of log 8: it is better by log 2. */
static void test_advantages(void **state)
{
    (void)state;
    const double reward[1] = {log(8)}, u[1] = {-log(3)};
    float advantage, right;
    q->advantages(q, &advantage, &right, el_tensor_make((void *)reward, EL_F64, 1, 1),
                  el_tensor_make((void *)u, EL_F64, 1, 1));
    CHECK(fabs((double)advantage - log(2)) < 1e-6 && fabsf(right - 0.125f) < 1e-7f, "advantage %g, right %g",
          (double)advantage, (double)right);
    q->advantages(q, &advantage, NULL, el_tensor_make((void *)reward, EL_F64, 1, 1), el_tensor_none());
    CHECK(fabs((double)advantage - log(8)) < 1e-6, "a reward of %g", (double)advantage);
}

/* A row that sees nothing is zero; one that sees a prefix is what it would be in a sequence that ends there. */
static void test_attention_limits(void **state)
{
    (void)state;
    enum { ROWS = 5 };
    static const int limits[ROWS] = {0, 2, 5, 3, 0}, starts[] = {0, ROWS}, shorter[] = {0, 3};
    const el_tensor qkv = check_tensor(EL_F64, ROWS, 6), y = check_tensor(EL_F64, ROWS, 2);
    const el_tensor alone = check_tensor(EL_F64, 3, 2), lse = check_tensor(EL_F64, ROWS, 1);
    const el_tensor cut = check_tensor(EL_F64, 3, 6), rest = check_tensor(EL_F64, 3, 1);
    check_randomize(qkv, 1, 1);
    q->copy(q, cut, el_tensor_rows(qkv, 0, 3)); /* three keys, the query of row 3 in the place of row 2's */
    q->copy(q, el_tensor_cols(el_tensor_rows(cut, 2, 1), 0, 2),
            el_tensor_cols(el_tensor_rows(qkv, 3, 1), 0, 2));
    el_layout layout = layout_of(starts, 1, ROWS);
    layout.limits = limits;
    q->attention_forward(q, y, lse, qkv, layout, 1, (el_dropout){0}, ROWS);
    q->attention_forward(q, alone, rest, cut, layout_of(shorter, 1, 3), 1, (el_dropout){0}, 3);
    check_same("a row of three keys", el_tensor_rows(y, 3, 1), el_tensor_rows(alone, 2, 1));
    for (int i = 0; i < ROWS; i += 4)
        CHECK(el_get(y, i, 0) == 0 && el_get(y, i, 1) == 0 && el_get(lse, i, 0) == -INFINITY,
              "row %d sees nothing: y %g %g, lse %g", i, el_get(y, i, 0), el_get(y, i, 1), el_get(lse, i, 0));
}

/* Attention by distances over a sequence of one head, (rows, 6) wide. */
enum { WAY = 5, WAY_WIDTH = 6, WAY_REACH = 9 };
static el_tensor attend_by_distances(el_tensor qkv, el_tensor places, const int *positions,
                                     const int *segments)
{
    static const int starts[] = {0, WAY};
    const el_tensor y = check_tensor(EL_F64, WAY, WAY_WIDTH), lse = check_tensor(EL_F64, WAY, 1);
    const el_relative relative = {places, check_random(EL_F64, 1, 3 * WAY_WIDTH, 3, 1),
                                  check_random(EL_F64, 2, WAY_WIDTH, 4, 1), positions, segments};
    q->relative_attention_forward(q, y, lse, qkv, relative, layout_of(starts, 1, WAY), 1, (el_dropout){0},
                                  WAY);
    return y;
}

/* Sines of all distances, then cosines; `sign` of the sines. */
static el_tensor sines(double sign)
{
    const el_tensor places = check_tensor(EL_F64, 2 * WAY_REACH - 1, WAY_WIDTH);
    for (int i = 0; i < places.rows; i++)
        for (int c = 0; c < WAY_WIDTH / 2; c++) {
            const double angle = (WAY_REACH - 1 - i) * pow(10, -c);
            el_set(places, i, c, sign * sin(angle));
            el_set(places, i, c + WAY_WIDTH / 2, cos(angle));
        }
    return places;
}

/* Only distances count, and whether two tokens are of one segment; read backwards, sines change their sign. */
static void test_relative_attention(void **state)
{
    (void)state;
    static const int positions[] = {0, 1, 2, 3, 4}, farther[] = {7, 8, 9, 10, 11}, turned[] = {4, 3, 2, 1, 0};
    static const int segments[] = {0, 0, 1, 1, 1}, swapped[] = {1, 1, 0, 0, 0}, one[] = {1, 1, 1, 1, 1},
                     other[] = {0, 0, 0, 0, 0};
    const el_tensor qkv = check_random(EL_F64, WAY, 3 * WAY_WIDTH, 1, 1);
    const el_tensor y = attend_by_distances(qkv, sines(1), positions, segments);
    check_same("positions and a constant", attend_by_distances(qkv, sines(1), farther, segments), y);
    check_same("segments by other names", attend_by_distances(qkv, sines(1), positions, swapped), y);
    check_same("backwards", attend_by_distances(qkv, sines(-1), turned, segments), y);
    const el_tensor alone = attend_by_distances(qkv, sines(1), positions, one);
    check_same("one segment or the other", attend_by_distances(qkv, sines(1), positions, other), alone);
    double apart = 0;
    for (int c = 0; c < WAY_WIDTH; c++)
        apart += fabs(el_get(alone, 0, c) - el_get(y, 0, c));
    CHECK(apart > 1e-3, "a second segment changes y by %g", apart);
}

static void test_squared_loss(void **state)
{
    (void)state;
    const double x[4] = {1, -2, 0.5, 3}, losses[4] = {4, 0, 0.0625, 0}, gradients[4] = {-6, 0, 0.75, 0};
    const float target[] = {3, -2, 0.25f, NAN};
    const el_tensor loss = check_tensor(EL_F64, 4, 1), dx = check_tensor(EL_F64, 4, 1);
    q->squared_loss(q, loss, dx, el_tensor_make((void *)x, EL_F64, 4, 1), target, 1.5);
    check_same("losses", loss, el_tensor_make((void *)losses, EL_F64, 4, 1));
    check_same("gradients", dx, el_tensor_make((void *)gradients, EL_F64, 4, 1));
}

enum { CLASSES = 6, SAMPLES = 20000 };

/* Draws SAMPLES times from one row of logits and counts. */
static void count_samples(int counts[CLASSES], const double *row, const el_sampling *sampling, int target)
{
    const el_tensor logits = check_tensor(EL_F64, SAMPLES, CLASSES);
    int *sample = check_memory(sizeof(int) * SAMPLES), *targets = check_memory(sizeof(int) * SAMPLES);
    for (int i = 0; i < SAMPLES; i++) {
        targets[i] = target;
        for (int c = 0; c < CLASSES; c++)
            el_set(logits, i, c, row[c]);
    }
    q->softmax_loss(q, el_tensor_none(), NULL, sample, el_tensor_none(), logits, targets, NULL, sampling, 1);
    memset(counts, 0, sizeof(int) * CLASSES);
    for (int i = 0; i < SAMPLES; i++) {
        CHECK(sample[i] >= 0 && sample[i] < CLASSES, "sample %d is class %d of %d", i, sample[i], CLASSES);
        counts[sample[i]]++;
    }
}

static const double ROW_OF_LOGITS[CLASSES] = {0.3, -1, 2, 0, 1.5, -0.2};

/* Samples follow softmax(z / temperature), without the target where it is disallowed: chi-square of five or
 * four degrees of freedom below 25, which one honest run in 5000 exceeds. */
static void test_sampling(void **state)
{
    (void)state;
    static const double temperatures[] = {1, 0.5};
    for (int k = 0; k < 4; k++) {
        const bool disallow = k & 1;
        const el_sampling sampling = {temperatures[k / 2], disallow, check_seed((uint64_t)k), 9};
        const int target = 2;
        int counts[CLASSES];
        count_samples(counts, ROW_OF_LOGITS, &sampling, target);
        double total = 0, chi = 0;
        for (int c = 0; c < CLASSES; c++)
            if (!disallow || c != target)
                total += exp(ROW_OF_LOGITS[c] / sampling.temperature);
        for (int c = 0; c < CLASSES; c++) {
            const double expected = SAMPLES * exp(ROW_OF_LOGITS[c] / sampling.temperature) / total;
            if (disallow && c == target)
                CHECK(counts[c] == 0, "the disallowed target was drawn %d times", counts[c]);
            else
                chi += (counts[c] - expected) * (counts[c] - expected) / expected;
        }
        CHECK(chi < 25, "temperature %g, disallow %d: chi-square %g, expected below 25", sampling.temperature,
              disallow, chi);
    }
}

/* Which class is drawn is said by the row's uniform number alone. */
static void test_sampling_uniform(void **state)
{
    (void)state;
    const int rows = 500;
    const el_tensor logits = check_random(EL_F64, rows, CLASSES, 1, 2);
    const int *target = check_ints(rows, -1, CLASSES, 2);
    int *sample = check_memory(sizeof(int) * (size_t)rows);
    const el_sampling sampling = {1, false, {.seed = 6, .stream = 5, .step = 4}, 1000};
    q->softmax_loss(q, el_tensor_none(), NULL, sample, el_tensor_none(), logits, target, NULL, &sampling, 1);
    for (int i = 0; i < rows; i++) {
        double total = 0, sum = 0;
        for (int c = 0; c < CLASSES; c++)
            total += exp(el_get(logits, i, c));
        int expected = 0;
        const double uniform = el_random_uniform(sampling.random, 1000 + (uint64_t)i);
        while ((sum += exp(el_get(logits, i, expected)) / total) <= uniform)
            expected++;
        CHECK(sample[i] == expected, "row %d with uniform %g draws class %d, expected %d", i, uniform,
              sample[i], expected);
    }
}

/* A target that holds all probability but is disallowed leaves the choice to the others. */
static void test_sampling_certain(void **state)
{
    (void)state;
    const double row[CLASSES] = {0, 0, 1000, 0, 0, 0};
    const el_sampling sampling = {0.5, true, check_seed(1), 0};
    int counts[CLASSES];
    count_samples(counts, row, &sampling, 2);
    for (int c = 0; c < CLASSES; c++)
        CHECK(c == 2 ? counts[c] == 0 : abs(counts[c] - SAMPLES / 5) < 300,
              "class %d is drawn %d times of %d", c, counts[c], SAMPLES);
}

static void adamw(el_tensor value, el_tensor m, el_tensor v, el_tensor gradient, el_adamw step)
{
    const el_trained param = {value, m, v, gradient, .scale = 1, .decays = true};
    q->adamw(q, &param, 1, NULL, 0, step);
}

/* Each parameter has a rate of its own, and decay or none. */
static void test_adamw_of_several(void **state)
{
    (void)state;
    const el_tensor value[] = {ROW(EL_F64, 2), ROW(EL_F64, 2)},
                    moment[] = {ROW(EL_F64, 0), ROW(EL_F64, 0), ROW(EL_F64, 0), ROW(EL_F64, 0)};
    const el_trained params[] = {
        {value[0], moment[0], moment[1], ROW(EL_F64, 0), .scale = 1, .decays = false},
        {value[1], moment[2], moment[3], ROW(EL_F64, 0), .scale = 0.5, .decays = true}};
    q->adamw(q, params, 2, NULL, 0,
             (el_adamw){
                 .rate = 0.1, .epsilon = 1, .decay = 0.25, .clip = 1, .m_correction = 1, .v_correction = 1});
    check_close("without decay", value[0], ROW(EL_F64, 2), 1e-15);
    check_close("half the rate", value[1], ROW(EL_F64, 1.975), 1e-15);
}

/* Three steps on one number, the third with bias corrections, worked out by hand:
 * beta1 0.5, beta2 0.75, epsilon 0.5, decay 0.25, clip 0.5, rate 0.1, gradients 4, -8, 16, so g = 2, -4, 8.
 */
static void test_adamw(void **state)
{
    (void)state;
    const el_tensor value = ROW(EL_F64, 2), m = ROW(EL_F64, 0), v = ROW(EL_F64, 0);
    el_adamw step = {0.1, 0.5, 0.75, 0.5, 0.25, 0.5, 1, 1};
    /* m = 1, v = 1: 2 - 0.1 (1 / 1.5 + 0.5) */
    const el_tensor gradient = ROW(EL_F64, 4);
    adamw(value, m, v, gradient, step);
    check_same("gradient after one step", gradient, ROW(EL_F64, 0));
    check_close("value after one step", value, ROW(EL_F64, 1.8833333333333333), 1e-14);
    /* m = 0.5 - 2 = -1.5, v = 0.75 + 4 = 4.75: - 0.1 (-1.5 / (sqrt 4.75 + 0.5) + 0.25 value) */
    adamw(value, m, v, ROW(EL_F64, -8), step);
    check_close("m after two steps", m, ROW(EL_F64, -1.5), 1e-15);
    check_close("v after two steps", v, ROW(EL_F64, 4.75), 1e-15);
    check_close("value after two steps", value, ROW(EL_F64, 1.8922316490590112), 1e-14);
    /* m = -0.75 + 4 = 3.25, v = 3.5625 + 16 = 19.5625; corrected: 6.5 and 4.890625, so - 0.1 (6.5 /
     * (sqrt 4.890625 + 0.5) + ...) */
    step.m_correction = 2;
    step.v_correction = 0.25;
    adamw(value, m, v, ROW(EL_F64, 16), step);
    check_close("value after three steps", value, ROW(EL_F64, 1.6052040017134737), 1e-14);
}

/* Sums run in double whatever the storage: 300 ones are 300 in bf16's steps of 2, where adding one by one in
 * bf16 would stop at 256. */
static void test_sums_of_bf16(void **state)
{
    (void)state;
    const el_tensor x = check_tensor(EL_BF16, 1, 300), w = check_tensor(EL_F32, 1, 300),
                    y = check_tensor(EL_BF16, 1, 1);
    check_fill(x, 1);
    check_fill(w, 1);
    q->linear_forward(q, y, x, w, el_tensor_none());
    CHECK(el_get(y, 0, 0) == 300, "300 ones sum to %g", el_get(y, 0, 0));
}

/* Who stops work on a queue of the reference device stops no other's. */
static void test_queues_are_apart(void **state)
{
    (void)state;
    el_queue *one = NULL, *other = NULL;
    assert_int_equal(el_queue_open(&one, 1, "reference"), EL_OK);
    one->cut_short = true;
    assert_int_equal(el_queue_open(&other, 1, "reference"), EL_OK);
    assert_false(el_queue_cut_short(other) || el_queue_cut_short(q));
    assert_true(el_queue_cut_short(one) && el_queue_resume(one));
    el_queue_close(one);
    const el_tensor y = ROW(EL_F64, 1, 2);
    other->add(other, y, y, y);
    assert_true(el_get(y, 0, 1) == 4);
    el_queue_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_queues_are_apart, setup, check_release),
        cmocka_unit_test_setup_teardown(test_views, setup, check_release),
        cmocka_unit_test_setup_teardown(test_bf16, setup, check_release),
        cmocka_unit_test_setup_teardown(test_bf16_round_trip, setup, check_release),
        cmocka_unit_test_setup_teardown(test_moving, setup, check_release),
        cmocka_unit_test_setup_teardown(test_stride, setup, check_release),
        cmocka_unit_test_setup_teardown(test_linear, setup, check_release),
        cmocka_unit_test_setup_teardown(test_accumulation, setup, check_release),
        cmocka_unit_test_setup_teardown(test_gelu, setup, check_release),
        cmocka_unit_test_setup_teardown(test_tanh, setup, check_release),
        cmocka_unit_test_setup_teardown(test_layer_norm, setup, check_release),
        cmocka_unit_test_setup_teardown(test_in_place, setup, check_release),
        cmocka_unit_test_setup_teardown(test_dropout_formula, setup, check_release),
        cmocka_unit_test_setup_teardown(test_dropout_rate, setup, check_release),
        cmocka_unit_test_setup_teardown(test_dropout_split, setup, check_release),
        cmocka_unit_test_setup_teardown(test_attention_split, setup, check_release),
        cmocka_unit_test_setup_teardown(test_attention, setup, check_release),
        cmocka_unit_test_setup_teardown(test_attention_dropout, setup, check_release),
        cmocka_unit_test_setup_teardown(test_softmax_loss, setup, check_release),
        cmocka_unit_test_setup_teardown(test_logistic_loss, setup, check_release),
        cmocka_unit_test_setup_teardown(test_squared_loss, setup, check_release),
        cmocka_unit_test_setup_teardown(test_replace_ids, setup, check_release),
        cmocka_unit_test_setup_teardown(test_choices, setup, check_release),
        cmocka_unit_test_setup_teardown(test_copy_gate, setup, check_release),
        cmocka_unit_test_setup_teardown(test_advantages, setup, check_release),
        cmocka_unit_test_setup_teardown(test_attention_limits, setup, check_release),
        cmocka_unit_test_setup_teardown(test_relative_attention, setup, check_release),
        cmocka_unit_test_setup_teardown(test_sampling, setup, check_release),
        cmocka_unit_test_setup_teardown(test_sampling_uniform, setup, check_release),
        cmocka_unit_test_setup_teardown(test_sampling_certain, setup, check_release),
        cmocka_unit_test_setup_teardown(test_adamw, setup, check_release),
        cmocka_unit_test_setup_teardown(test_adamw_of_several, setup, check_release),
        cmocka_unit_test_setup_teardown(test_sums_of_bf16, setup, check_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
