/* AdamW against its formulas, worked out here in double for every number of a small model. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "networks.h"
#include "train/optimizer.h"

enum { NUMBERS = 4096 };

/* The model's numbers in the order of el_model_each, and what a number knows of itself. */
typedef struct {
    int count;
    double value[NUMBERS], m[NUMBERS], v[NUMBERS], gradient[NUMBERS];
    bool decay[NUMBERS];
    int depth[NUMBERS];
} numbers;

static void read_param(void *context, const el_network *net, el_param *param)
{
    (void)net;
    numbers *n = context;
    for (int i = 0; i < param->value.rows; i++)
        for (int j = 0; j < param->value.cols; j++) {
            assert_true(n->count < NUMBERS);
            n->value[n->count] = el_get(param->value, i, j);
            n->m[n->count] = el_get(param->m, i, j);
            n->v[n->count] = el_get(param->v, i, j);
            n->gradient[n->count] = el_get(param->gradient, i, j);
            n->decay[n->count] = !strstr(param->name, "LayerNorm") && !strstr(param->name, "bias");
            n->depth[n->count++] = param->depth;
        }
}

static numbers *read_numbers(el_model *model)
{
    numbers *n = calloc(1, sizeof *n);
    el_model_each(model, read_param, n);
    return n;
}

static void set_gradient(void *context, const el_network *net, el_param *param)
{
    (void)net;
    const double scale = *(const double *)context;
    const uint32_t stream = (uint32_t)strlen(param->name);
    for (int i = 0; i < param->gradient.rows; i++)
        for (int j = 0; j < param->gradient.cols; j++)
            el_set(param->gradient, i, j,
                   scale *
                       el_random_normal((el_random){3, stream, 0}, (uint64_t)(i * param->gradient.cols + j)));
}

static double norm_of(const numbers *n)
{
    double squares = 0;
    for (int i = 0; i < n->count; i++)
        squares += n->gradient[i] * n->gradient[i];
    return sqrt(squares);
}

/* One step of what ops/queue.h and the specification say; t counts from 1. */
static void step_by_hand(numbers *n, const el_optimizer *o, double rate, int t)
{
    const double norm = norm_of(n), clip = o->max_norm > 0 && norm > o->max_norm ? o->max_norm / norm : 1;
    for (int i = 0; i < n->count; i++) {
        const double g = clip * n->gradient[i];
        n->m[i] = o->beta1 * n->m[i] + (1 - o->beta1) * g;
        n->v[i] = o->beta2 * n->v[i] + (1 - o->beta2) * g * g;
        const double m = o->bias_correction ? n->m[i] / (1 - pow(o->beta1, t)) : n->m[i];
        const double v = o->bias_correction ? n->v[i] / (1 - pow(o->beta2, t)) : n->v[i];
        double change = m / (sqrt(v) + o->epsilon);
        if (n->decay[i])
            change += o->weight_decay * n->value[i];
        static const int EXPONENTS[] = {3, 2, 1, 9, 0}, ORIGINAL[] = {4, 3, 2, 9, 0}; /* of two layers */
        const int exponent = (o->depth_as_original ? ORIGINAL : EXPONENTS)[n->depth[i]];
        n->value[i] -= rate * pow(o->depth_decay, exponent) * change;
    }
}

static void count_of(void *context, const el_network *net, el_param *param)
{
    if (strcmp(net->name, EL_DISCRIMINATOR) != 0)
        *(int64_t *)context += el_param_elements(param);
}

/* How many of the numbers are the generator's: they are the first. */
static int generator_numbers(el_model *model)
{
    int64_t count = 0;
    el_model_each(model, count_of, &count);
    return (int)count;
}

static void compare(const numbers *got, const numbers *expected)
{
    for (int i = 0; i < got->count; i++)
        if (fabs(got->value[i] - expected->value[i]) > 1e-6 || fabs(got->m[i] - expected->m[i]) > 1e-6 ||
            fabs(got->v[i] - expected->v[i]) > 1e-6)
            fail_msg("number %d: value %.9g m %.9g v %.9g, by hand %.9g %.9g %.9g", i, got->value[i],
                     got->m[i], got->v[i], expected->value[i], expected->m[i], expected->v[i]);
}

static void run_steps(el_optimizer optimizer, double scale)
{
    el_model model;
    assert_int_equal(small_model(&model, 8, EL_TIE_SHARED, 1), EL_OK);
    numbers *hand = read_numbers(&model);
    for (int t = 1; t <= 3; t++) {
        const double size = scale * t;
        el_model_each(&model, set_gradient, (void *)&size);
        numbers *before = read_numbers(&model);
        memcpy(hand->gradient, before->gradient, sizeof hand->gradient);
        const double norm = el_gradient_norm(&model);
        if (!(fabs(norm - norm_of(hand)) <= 1e-6 * norm))
            fail_msg("the norm is %.9g, by hand %.9g", norm, norm_of(hand));
        step_by_hand(hand, &optimizer, 0.01, t);
        el_optimizer_update(&optimizer, &model, 0.01, norm, t - 1);
        numbers *after = read_numbers(&model);
        compare(after, hand);
        assert_true(norm_of(after) == 0); /* the gradient is used up */
        free(before);
        free(after);
    }
    free(hand);
    el_model_close(&model);
}

/* The paper's: no bias correction, decay on all but LayerNorm and biases; small gradients are not clipped. */
static void as_the_paper(void **state)
{
    (void)state;
    run_steps(el_optimizer_defaults(), 1e-3);
}

/* A large gradient is scaled to the norm of 1; without a limit it is not. */
static void clipping(void **state)
{
    (void)state;
    el_optimizer o = el_optimizer_defaults();
    run_steps(o, 1);
    o.max_norm = 0;
    run_steps(o, 1);
}

/* Bias correction, other betas, and rates that fall with depth. */
static void other_settings(void **state)
{
    (void)state;
    el_optimizer o = el_optimizer_defaults();
    o.bias_correction = true;
    o.beta2 = 0.98;
    o.weight_decay = 0.1;
    o.depth_decay = 0.8;
    run_steps(o, 1e-2);
    o.depth_as_original = true;
    run_steps(o, 1e-2);
}

static void spoil(void *context, const el_network *net, el_param *param)
{
    (void)net;
    if (strstr(param->name, "layer.1.output.dense.weight"))
        el_set(param->value, 0, 0, *(const double *)context);
}

/* One number that is none is noticed among all. */
static void finiteness(void **state)
{
    (void)state;
    el_model model;
    assert_int_equal(small_model(&model, 8, EL_TIE_SHARED, 1), EL_OK);
    assert_true(el_model_finite(&model));
    double bad = NAN;
    el_model_each(&model, spoil, &bad);
    assert_false(el_model_finite(&model));
    bad = INFINITY;
    el_model_each(&model, spoil, &bad);
    assert_false(el_model_finite(&model));
    el_model_close(&model);
}

/* The generator's rate is its share of the rate, and its gradients are clipped by their own norm; two towers
 * are one generator. */
static void the_generator_has_its_own(void **state)
{
    (void)state;
    static const double RATES[] = {0.5, 2};
    static const el_sampler SAMPLERS[] = {EL_SAMPLER_NETWORK, EL_SAMPLER_TWO_TOWERS};
    for (size_t k = 0; k < 4; k++) {
        el_model model;
        const double rate = RATES[k % 2];
        assert_int_equal(small_networks(&model, el_queue_reference(), 8, SAMPLERS[k / 2], EL_TIE_SHARED, 1),
                         EL_OK);
        const el_optimizer o = {.beta1 = 0.9,
                                .beta2 = 0.9,
                                .epsilon = 1e-3,
                                .max_norm = 0.5,
                                .generator_rate = rate,
                                .generator_max_norm = 0.125,
                                .depth_decay = 1};
        const double size = 1;
        el_model_each(&model, set_gradient, (void *)&size);
        numbers *n = read_numbers(&model);
        const int first = generator_numbers(&model);
        double squares[2] = {0};
        for (int i = 0; i < n->count; i++)
            squares[i < first] += n->gradient[i] * n->gradient[i];
        el_optimizer_update(&o, &model, 0.01, norm_of(n), 0);
        numbers *after = read_numbers(&model);
        for (int i = 0; i < n->count; i++) {
            const bool own = i < first;
            const double g = n->gradient[i] * (own ? 0.125 : 0.5) / sqrt(squares[own]);
            const double change = 0.1 * g / (sqrt(0.1 * g * g) + 1e-3);
            n->m[i] = 0.1 * g, n->v[i] = 0.1 * g * g;
            n->value[i] -= 0.01 * (own ? rate : 1) * change;
        }
        compare(after, n);
        free(after);
        free(n);
        el_model_close(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_generator_has_its_own),
                                       cmocka_unit_test(as_the_paper), cmocka_unit_test(clipping),
                                       cmocka_unit_test(other_settings), cmocka_unit_test(finiteness)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
