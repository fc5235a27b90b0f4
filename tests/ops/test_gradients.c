/* Every backward is the slope of its forward: central differences in double on the reference device.
 *
 * The objective is the sum of y * dy over all elements.  Gradients that are added to start from random
 * numbers, those that are overwritten from NaN, so that either mistaken for the other is seen.
 */
#include "check.h"

enum { MAX_INPUTS = 4, SHAPES = 4 };

typedef struct {
    const char *name;
    el_tensor value, gradient;
    bool adds;
} input;

/* One op on one shape; each op uses what it needs. */
typedef struct problem problem;
struct problem {
    const char *name;
    input inputs[MAX_INPUTS];
    int count;
    el_tensor y, dy, sum, stats, slope, lse;
    el_layout layout;
    el_relative relative; /* tensors are inputs */
    int heads, width;
    const int *indices[3];
    el_dropout dropout;
    double scale;
    void (*forward)(problem *);
    void (*backward)(problem *);
};

static el_queue *q;

static int setup(void **state)
{
    (void)state;
    q = el_queue_reference();
    return 0;
}

static el_tensor add_input(problem *p, const char *name, int rows, int cols, bool adds)
{
    const uint64_t seed = (uint64_t)(p->count + 1000 * rows + cols);
    input *in = &p->inputs[p->count++];
    *in = (input){name, check_strided(EL_F64, rows, cols, cols + 3),
                  check_strided(EL_F64, rows, cols, cols + 2), adds};
    check_randomize(in->value, seed, 1);
    return in->value;
}

static void set_output(problem *p, int rows, int cols)
{
    p->y = check_strided(EL_F64, rows, cols, cols + 1);
    p->dy = check_random(EL_F64, rows, cols, 99, 1);
}

static double objective(problem *p)
{
    p->forward(p);
    double sum = 0;
    for (int i = 0; i < p->y.rows; i++)
        for (int j = 0; j < p->y.cols; j++)
            sum += el_get(p->y, i, j) * el_get(p->dy, i, j);
    return sum;
}

static double slope_at(problem *p, el_tensor x, int row, int col)
{
    const double h = 1e-5, value = el_get(x, row, col);
    el_set(x, row, col, value + h);
    const double above = objective(p);
    el_set(x, row, col, value - h);
    const double below = objective(p);
    el_set(x, row, col, value);
    return (above - below) / (2 * h);
}

static void check_input(problem *p, const input *in, el_tensor before)
{
    for (int i = 0; i < in->value.rows; i++)
        for (int j = 0; j < in->value.cols; j++) {
            const double slope = slope_at(p, in->value, i, j);
            const double gradient = el_get(in->gradient, i, j) - (in->adds ? el_get(before, i, j) : 0);
            CHECK(fabs(slope - gradient) <= 1e-7 * (1 + fabs(slope)),
                  "%s, %s (%d, %d): slope %.9g, gradient says %.9g", p->name, in->name, i, j, slope,
                  gradient);
        }
}

static void check_problem(problem *p)
{
    el_tensor before[MAX_INPUTS];
    for (int k = 0; k < p->count; k++) {
        const el_tensor gradient = p->inputs[k].gradient;
        if (p->inputs[k].adds)
            check_randomize(gradient, 7 + (uint64_t)k, 1);
        else
            check_fill(gradient, NAN);
        before[k] = check_converted(EL_F64, gradient);
    }
    p->forward(p);
    p->backward(p);
    for (int k = 0; k < p->count; k++)
        check_input(p, &p->inputs[k], before[k]);
}

/* Keeps its numbers through a problem: the same mask each time the forward runs. */
static el_dropout dropout_of(double rate)
{
    return (el_dropout){.rate = rate, .random = {.seed = 3, .stream = 4, .step = 5}, .first_row = 11};
}

static void linear_forward(problem *p)
{
    const el_tensor b = p->count > 2 ? p->inputs[2].value : el_tensor_none();
    q->linear_forward(q, p->y, p->inputs[0].value, p->inputs[1].value, b);
}

static void linear_backward(problem *p)
{
    const el_tensor db = p->count > 2 ? p->inputs[2].gradient : el_tensor_none();
    q->linear_backward_input(q, p->inputs[0].gradient, p->dy, p->inputs[1].value, p->inputs[0].adds);
    q->linear_backward_weight(q, p->inputs[1].gradient, db, p->dy, p->inputs[0].value);
}

static void test_linear(void **state)
{
    (void)state;
    const int shapes[SHAPES][3] = {{1, 1, 1}, {5, 7, 3}, {4, 17, 9}, {13, 2, 6}}; /* n, in, out */
    for (int s = 0; s < SHAPES; s++)
        for (int variant = 0; variant < 4; variant++) {
            const bool with_bias = variant & 1, accumulate = variant & 2;
            problem p = {.name = "linear", .forward = linear_forward, .backward = linear_backward};
            add_input(&p, "x", shapes[s][0], shapes[s][1], accumulate);
            add_input(&p, "w", shapes[s][2], shapes[s][1], true);
            if (with_bias)
                add_input(&p, "b", 1, shapes[s][2], true);
            set_output(&p, shapes[s][0], shapes[s][2]);
            check_problem(&p);
        }
}

static void gelu_forward(problem *p)
{
    q->gelu_forward(q, p->y, p->slope, p->inputs[0].value);
}

static void gelu_backward(problem *p)
{
    q->gelu_backward(q, p->inputs[0].gradient, p->dy, p->slope);
}

static void tanh_forward(problem *p)
{
    q->tanh_forward(q, p->y, p->slope, p->inputs[0].value);
}

static void test_tanh(void **state)
{
    (void)state;
    problem p = {.name = "tanh", .forward = tanh_forward, .backward = gelu_backward};
    const el_tensor x = add_input(&p, "x", 9, 19, false);
    el_set(x, 0, 0, 0);
    el_set(x, 0, 1, 12);
    p.slope = check_tensor(EL_F64, 9, 19);
    set_output(&p, 9, 19);
    check_problem(&p);
}

static void test_gelu(void **state)
{
    (void)state;
    problem p = {.name = "gelu", .forward = gelu_forward, .backward = gelu_backward};
    const el_tensor x = add_input(&p, "x", 9, 19, false);
    el_set(x, 0, 0, 0);
    el_set(x, 0, 1, 12);
    el_set(x, 0, 2, -12);
    p.slope = check_tensor(EL_F64, 9, 19);
    set_output(&p, 9, 19);
    check_problem(&p);
}

static void dropout_forward(problem *p)
{
    q->dropout(q, p->y, p->inputs[0].value, p->dropout);
}

static void dropout_backward(problem *p)
{
    q->dropout(q, p->inputs[0].gradient, p->dy, p->dropout);
}

static void test_dropout(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        problem p = {.name = "dropout", .forward = dropout_forward, .backward = dropout_backward};
        p.dropout = dropout_of(on ? 0.3 : 0);
        add_input(&p, "x", 9, 37, false);
        set_output(&p, 9, 37);
        check_problem(&p);
    }
}

static const double EPSILON = 1e-3; /* large enough to matter */

static void layer_norm_forward(problem *p)
{
    q->layer_norm_forward(q, p->y, p->stats, p->inputs[0].value, p->inputs[1].value, p->inputs[2].value,
                          EPSILON);
}

static void layer_norm_backward(problem *p)
{
    q->layer_norm_backward(q, p->inputs[0].gradient, p->inputs[1].gradient, p->inputs[2].gradient, p->dy,
                           p->inputs[0].value, p->stats, p->inputs[1].value);
}

static void test_layer_norm(void **state)
{
    (void)state;
    const int shapes[SHAPES][2] = {{1, 2}, {7, 5}, {3, 33}, {11, 16}};
    for (int s = 0; s < SHAPES; s++) {
        const int rows = shapes[s][0], cols = shapes[s][1];
        problem p = {.name = "layer_norm", .forward = layer_norm_forward, .backward = layer_norm_backward};
        add_input(&p, "x", rows, cols, false);
        add_input(&p, "gamma", 1, cols, true);
        add_input(&p, "beta", 1, cols, true);
        p.stats = check_tensor(EL_F64, rows, 2);
        set_output(&p, rows, cols);
        check_problem(&p);
    }
}

static void residual_norm_forward(problem *p)
{
    q->residual_norm_forward(q, p->y, p->sum, p->stats, p->inputs[0].value, p->inputs[1].value,
                             p->inputs[2].value, p->inputs[3].value, EPSILON, p->dropout);
}

static void residual_norm_backward(problem *p)
{
    q->residual_norm_backward(q, p->inputs[0].gradient, p->inputs[1].gradient, p->inputs[2].gradient,
                              p->inputs[3].gradient, p->dy, p->sum, p->stats, p->inputs[2].value, p->dropout);
}

static void test_residual_norm(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        problem p = {
            .name = "residual_norm", .forward = residual_norm_forward, .backward = residual_norm_backward};
        p.dropout = dropout_of(on ? 0.25 : 0);
        add_input(&p, "x", 7, 21, false);
        add_input(&p, "branch", 7, 21, false);
        add_input(&p, "gamma", 1, 21, true);
        add_input(&p, "beta", 1, 21, true);
        p.sum = check_tensor(EL_F64, 7, 21);
        p.stats = check_tensor(EL_F64, 7, 2);
        set_output(&p, 7, 21);
        check_problem(&p);
    }
}

static void embed_forward(problem *p)
{
    const el_tensor tables[3] = {p->inputs[0].value, p->inputs[1].value, p->inputs[2].value};
    q->embed_forward(q, p->y, tables, p->indices, p->count);
}

static void embed_backward(problem *p)
{
    for (int k = 0; k < p->count; k++)
        q->embed_backward(q, p->inputs[k].gradient, p->dy, p->indices[k]);
}

static void test_embed(void **state)
{
    (void)state;
    const int tables[3] = {10, 2, 6}, rows = 13; /* more rows than entries, so some are used twice */
    for (int count = 1; count <= 3; count++) {
        problem p = {.name = "embed", .forward = embed_forward, .backward = embed_backward};
        for (int k = 0; k < count; k++) {
            add_input(&p, "table", tables[k], 5, true);
            p.indices[k] = check_ints(rows, 0, tables[k], (uint64_t)k);
        }
        set_output(&p, rows, 5);
        check_problem(&p);
    }
}

static void gather_forward(problem *p)
{
    q->gather_forward(q, p->y, p->inputs[0].value, p->indices[0]);
}

static void gather_backward(problem *p)
{
    q->gather_backward(q, p->inputs[0].gradient, p->dy, p->indices[0], false);
}

/* Three rows, and three more onto them. */
static void gather_backward_twice(problem *p)
{
    const el_tensor dx = p->inputs[0].gradient;
    q->gather_backward(q, dx, el_tensor_rows(p->dy, 0, 3), p->indices[0], false);
    q->gather_backward(q, dx, el_tensor_rows(p->dy, 3, 3), p->indices[0] + 3, true);
}

static void test_gather(void **state)
{
    (void)state;
    static const int rows[] = {4, 0, 4, 8, 4, 1}; /* one three times, some never */
    problem p = {.name = "gather", .forward = gather_forward, .backward = gather_backward, .indices = {rows}};
    add_input(&p, "x", 9, 7, false);
    set_output(&p, 6, 7);
    check_problem(&p);
    p.backward = gather_backward_twice;
    check_problem(&p);
}

static void attention_forward(problem *p)
{
    q->attention_forward(q, p->y, p->lse, p->inputs[0].value, p->layout, p->heads, p->dropout, p->width);
}

static void attention_backward(problem *p)
{
    q->attention_backward(q, p->inputs[0].gradient, p->dy, p->y, p->lse, p->inputs[0].value, p->layout,
                          p->heads, p->dropout, p->width);
}

static void check_attention(el_layout layout, int heads, int head_size, double rate)
{
    const int rows = layout.starts[layout.sequences], hidden = heads * head_size;
    problem p = {.name = "attention", .forward = attention_forward, .backward = attention_backward};
    p.layout = layout;
    p.heads = heads;
    p.width = 9;
    p.dropout = dropout_of(rate);
    add_input(&p, "qkv", rows, 3 * hidden, false);
    p.lse = check_tensor(EL_F64, rows, heads);
    set_output(&p, rows, hidden);
    check_problem(&p);
}

static void test_attention(void **state)
{
    (void)state;
    static const int several[] = {0, 1, 8, 8, 12}, single[] = {0, 5}; /* lengths 1, 7, 0, 4; and 5 */
    const el_layout layouts[] = {{.starts = several, .sequences = 4, .longest = 7},
                                 {.starts = single, .sequences = 1, .longest = 5}};
    for (int s = 0; s < 2; s++) {
        check_attention(layouts[s], 3, 5, 0);
        check_attention(layouts[s], 3, 5, 0.3);
        check_attention(layouts[s], 1, 4, 0.3);
    }
}

/* Rows see one key, all, none, and so on. */
static void test_limited_attention(void **state)
{
    (void)state;
    static const int starts[] = {0, 1, 8, 8, 12}, causal[] = {1, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4};
    static const int some[] = {0, 7, 0, 3, 1, 7, 0, 2, 4, 0, 2, 1}, none[12] = {0};
    const int *const limits[] = {causal, some, none};
    for (int i = 0; i < 3; i++) {
        const el_layout layout = {.starts = starts, .sequences = 4, .longest = 7, .limits = limits[i]};
        check_attention(layout, 3, 5, 0);
        check_attention(layout, 2, 4, 0.3);
    }
}

static el_relative relative_of(const problem *p)
{
    return (el_relative){p->inputs[1].value, p->inputs[2].value, p->inputs[3].value, p->relative.positions,
                         p->relative.segments};
}

static void relative_forward(problem *p)
{
    q->relative_attention_forward(q, p->y, p->lse, p->inputs[0].value, relative_of(p), p->layout, p->heads,
                                  p->dropout, p->width);
}

static void relative_backward(problem *p)
{
    const el_relative_gradients d = {p->inputs[1].gradient, p->inputs[2].gradient, p->inputs[3].gradient,
                                     el_tensor_none()};
    q->relative_attention_backward(q, p->inputs[0].gradient, d, p->dy, p->y, p->lse, p->inputs[0].value,
                                   relative_of(p), p->layout, p->heads, p->dropout, p->width);
}

static void check_relative(el_layout layout, int heads, int head_size, double rate)
{
    static const int positions[] = {3, 0, 1, 2, 3, 4, 5, 6, 5, 0, 5, 2}, segments[12] = {0, 0, 0, 1, 1, 0, 1};
    const int rows = layout.starts[layout.sequences], hidden = heads * head_size;
    problem p = {
        .name = "attention by distances", .forward = relative_forward, .backward = relative_backward};
    p.layout = layout;
    p.relative.positions = positions;
    p.relative.segments = segments;
    p.heads = heads;
    p.width = 9;
    p.dropout = dropout_of(rate);
    add_input(&p, "qkv", rows, 3 * hidden, false);
    add_input(&p, "places", 13, hidden, false);
    add_input(&p, "biases", 1, 3 * hidden, true);
    add_input(&p, "kinds", 2, hidden, true);
    p.lse = check_tensor(EL_F64, rows, heads);
    set_output(&p, rows, hidden);
    check_problem(&p);
}

static void test_relative_attention(void **state)
{
    (void)state;
    static const int starts[] = {0, 1, 8, 8, 12}, some[] = {0, 7, 0, 3, 1, 7, 0, 2, 4, 0, 2, 1};
    const el_layout all = {.starts = starts, .sequences = 4, .longest = 7};
    el_layout limited = all;
    limited.limits = some;
    check_relative(all, 3, 5, 0);
    check_relative(all, 2, 4, 0.3);
    check_relative(limited, 2, 4, 0.3);
}

/* The gradient of weight * loss; what is reported has no weight. */
static void test_weighted_softmax_loss(void **state)
{
    (void)state;
    enum { CLASSES = 5 };
    static const int target[] = {3, -1, 0, 4};
    static const float weight[] = {0.5f, 2, -1.5f, 0};
    const el_tensor logits = check_tensor(EL_F64, 4, CLASSES), plain = check_tensor(EL_F64, 4, CLASSES);
    const el_tensor weighted = check_tensor(EL_F64, 4, CLASSES);
    const el_tensor losses = check_tensor(EL_F64, 4, 1), same = check_tensor(EL_F64, 4, 1);
    check_randomize(logits, 3, 2);
    q->softmax_loss(q, losses, NULL, NULL, plain, logits, target, NULL, NULL, 0.5);
    q->softmax_loss(q, same, NULL, NULL, weighted, logits, target, weight, NULL, 0.5);
    check_same("losses", same, losses);
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < CLASSES; c++)
            CHECK(fabs(el_get(weighted, i, c) - (double)weight[i] * el_get(plain, i, c)) < 1e-15,
                  "(%d, %d): %g with weight, %g without", i, c, el_get(weighted, i, c), el_get(plain, i, c));
}

static void softmax_forward(problem *p)
{
    q->softmax_loss(q, p->y, NULL, NULL, el_tensor_none(), p->inputs[0].value, p->indices[0], NULL, NULL,
                    p->scale);
}

static void softmax_backward(problem *p)
{
    q->softmax_loss(q, el_tensor_none(), NULL, NULL, p->inputs[0].gradient, p->inputs[0].value, p->indices[0],
                    NULL, NULL, p->scale);
}

/* The objective of a loss is scale times its sum. */
static void set_loss(problem *p, int rows, double scale)
{
    set_output(p, rows, 1);
    check_fill(p->dy, scale);
    p->scale = scale;
}

static void test_softmax_loss(void **state)
{
    (void)state;
    static const int target[] = {3, -1, 0, 12, -1, 7};
    problem p = {.name = "softmax_loss",
                 .forward = softmax_forward,
                 .backward = softmax_backward,
                 .indices = {target}};
    const el_tensor logits = add_input(&p, "logits", 6, 13, false);
    el_set(logits, 3, 12, 40); /* nearly certain */
    set_loss(&p, 6, 0.125);
    check_problem(&p);
}

static const float logistic_label[] = {0, 1, NAN, 1, 0, 0.3f, 0.9f};

static void logistic_forward(problem *p)
{
    q->logistic_loss(q, p->y, el_tensor_none(), p->inputs[0].value, logistic_label, p->scale);
}

static void logistic_backward(problem *p)
{
    q->logistic_loss(q, el_tensor_none(), p->inputs[0].gradient, p->inputs[0].value, logistic_label,
                     p->scale);
}

static void test_logistic_loss(void **state)
{
    (void)state;
    problem p = {.name = "logistic_loss", .forward = logistic_forward, .backward = logistic_backward};
    const el_tensor logits = add_input(&p, "logits", 7, 1, false);
    el_set(logits, 3, 0, 30);
    el_set(logits, 4, 0, -30);
    set_loss(&p, 7, 50);
    check_problem(&p);
}

static const float squared_target[] = {0.5f, NAN, -3, 2, 7};

static void squared_forward(problem *p)
{
    q->squared_loss(q, p->y, el_tensor_none(), p->inputs[0].value, squared_target, p->scale);
}

static void squared_backward(problem *p)
{
    q->squared_loss(q, el_tensor_none(), p->inputs[0].gradient, p->inputs[0].value, squared_target, p->scale);
}

static void test_squared_loss(void **state)
{
    (void)state;
    problem p = {.name = "squared_loss", .forward = squared_forward, .backward = squared_backward};
    add_input(&p, "x", 5, 1, false);
    set_loss(&p, 5, 0.3);
    check_problem(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_linear, setup, check_release),
        cmocka_unit_test_setup_teardown(test_gelu, setup, check_release),
        cmocka_unit_test_setup_teardown(test_tanh, setup, check_release),
        cmocka_unit_test_setup_teardown(test_dropout, setup, check_release),
        cmocka_unit_test_setup_teardown(test_layer_norm, setup, check_release),
        cmocka_unit_test_setup_teardown(test_residual_norm, setup, check_release),
        cmocka_unit_test_setup_teardown(test_embed, setup, check_release),
        cmocka_unit_test_setup_teardown(test_gather, setup, check_release),
        cmocka_unit_test_setup_teardown(test_attention, setup, check_release),
        cmocka_unit_test_setup_teardown(test_limited_attention, setup, check_release),
        cmocka_unit_test_setup_teardown(test_relative_attention, setup, check_release),
        cmocka_unit_test_setup_teardown(test_softmax_loss, setup, check_release),
        cmocka_unit_test_setup_teardown(test_weighted_softmax_loss, setup, check_release),
        cmocka_unit_test_setup_teardown(test_logistic_loss, setup, check_release),
        cmocka_unit_test_setup_teardown(test_squared_loss, setup, check_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
