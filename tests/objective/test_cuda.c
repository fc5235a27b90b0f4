/* Every objective on the CUDA device: a step's losses and gradients are the processor's, and the same bits twice. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/memory.h"
#include "objective/fixture.h"

enum {
    WORDS = 41, /* a GPU's rows of so many logits have gaps between them */
    LENGTH = 18,
    HIDDEN = 64,
    SEQUENCES = 4
};

/* What a step leaves. */
typedef struct {
    char name[32];
    el_figures figures;
    float *gradients;
    size_t count;
} outcome;

/* With dropout. */
static el_config config_of(void)
{
    el_config c = one_layer(WORDS, LENGTH, HIDDEN);
    c.embedding_size = 16;
    c.num_attention_heads = 1;
    return c;
}

static outcome stepped(const char *device, el_objective_kind kind, el_type type)
{
    outcome o = {0};
    fixture f;
    const el_sampler sampler = kind == EL_ELECTRIC ? EL_SAMPLER_TWO_TOWERS : EL_SAMPLER_NETWORK;
    el_model_plan plan = el_objective_plan(kind, sampler, config_of(), config_of(), EL_TIE_SHARED);
    plan.training = true;
    plan.activations = type;
    el_objective_settings settings = el_objective_defaults();
    settings.mask_prob = (el_course){0.3, 0.3};
    settings.max_seq_length = LENGTH;
    settings.sampler = sampler;
    settings.steps = 4;
    open_model(&f, &plan, true, device, 1);
    for (int s = 0; s < SEQUENCES; s++)
        add_sequence(&f.batch, f.vocab, LENGTH - 3 * s, s);
    open_objective(&f, kind, &settings, 2 * LENGTH);
    el_model_zero_gradients(&f.model);
    o.figures = run(&f, &f.batch, 3, true);
    snprintf(o.name, sizeof o.name, "%s", f.objective->name);
    const el_tensor g = el_model_region(&f.model, EL_GRADIENTS);
    o.count = (size_t)g.rows * (size_t)g.cols;
    o.gradients = malloc(o.count * sizeof *o.gradients);
    CHECK(el_tensor_read(f.q, g, o.gradients) == EL_OK, "%s", el_error());
    close_fixture(&f);
    return o;
}

/* ||a - b|| / ||b|| */
static double apart(const outcome *a, const outcome *b)
{
    double off = 0, all = 0;
    for (size_t i = 0; i < b->count; i++) {
        const double d = (double)a->gradients[i] - (double)b->gradients[i];
        off += d * d;
        all += (double)b->gradients[i] * (double)b->gradients[i];
    }
    return sqrt(off / all);
}

static void check_near(const outcome *got, const outcome *wanted, double bound)
{
    const double distance = apart(got, wanted);
    CHECK(got->count == wanted->count && distance <= bound, "%s: gradients are apart by %g of their norm",
          got->name, distance);
    for (int i = 0; i < wanted->figures.count; i++) {
        const double a = got->figures.values[i], b = wanted->figures.values[i];
        CHECK((isnan(a) && isnan(b)) || fabs(a - b) <= bound * (1 + fabs(b)),
              "%s: %s is %g, the processor says %g", got->name, wanted->figures.names[i], a, b);
    }
}

static void every_objective_is_the_processors(void **state)
{
    (void)state;
    for (int kind = 0; kind < EL_OBJECTIVES; kind++) {
        const outcome wanted = stepped(NULL, (el_objective_kind)kind, EL_F32);
        const outcome got = stepped("cuda", (el_objective_kind)kind, EL_F32);
        check_near(&got, &wanted, 1e-4);
        free(wanted.gradients);
        free(got.gradients);
    }
}

/* In bf16 a sample is another now and then, so there is no comparing; but the same bits twice. */
static void every_objective_has_the_same_bits(void **state)
{
    (void)state;
    for (int kind = 0; kind < EL_OBJECTIVES; kind++) {
        const outcome first = stepped("cuda", (el_objective_kind)kind, EL_BF16);
        const outcome second = stepped("cuda", (el_objective_kind)kind, EL_BF16);
        CHECK(memcmp(first.gradients, second.gradients, first.count * sizeof(float)) == 0, "%s: other bits",
              first.name);
        CHECK(isfinite(first.figures.values[0]), "%s: a loss of %g", first.name, first.figures.values[0]);
        free(first.gradients);
        free(second.gradients);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_objective_is_the_processors),
                                       cmocka_unit_test(every_objective_has_the_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
