/* A two-layer pair of networks against transformers and PyTorch (tools/golden.py): logits, losses, every
 * gradient, and ten steps of training, on the reference device in double and on the processor in float. */
#include <math.h>

#include "../check.h"
#include "base/safetensors.h"
#include "format/weights.h"
#include "ops/distant.h"
#include "train/optimizer.h"

enum { ROWS = 32, SLOTS = 6, LONGEST = 16, INTS = 7 };

static const struct {
    const char *name;
    int count;
} INPUTS[INTS] = {{"starts", 4},
                  {"slots", SLOTS},
                  {"targets", SLOTS},
                  {"generator_ids", ROWS},
                  {"discriminator_ids", ROWS},
                  {"segments", ROWS},
                  {"positions", ROWS}};

typedef struct {
    el_queue *q;
    el_safetensors golden;
    el_model model;
    el_arena arena;
    el_encoder_saved generator, discriminator;
    el_mlm_saved mlm;
    el_rtd_saved rtd;
    el_tensor slot_losses, row_losses, generator_dhidden, discriminator_dhidden;
    int *ints[INTS]; /* on the device */
    float *replaced;
    double tolerance;
} fixture;

static const void *golden(const fixture *f, const char *name, el_st_type type)
{
    const el_st_entry *entry = el_safetensors_find(&f->golden, name);
    CHECK(entry && entry->type == type, "the goldens hold no %s of that type", name);
    return entry->data;
}

/* Where they lie on the device. */
static const int *golden_ints(const fixture *f, const char *name)
{
    for (int i = 0; i < INTS; i++)
        if (strcmp(INPUTS[i].name, name) == 0)
            return f->ints[i];
    fail_msg("no %s on the device", name);
    return NULL;
}

static void lay_out(fixture *f)
{
    const el_model *m = &f->model;
    const el_type act = m->activations, par = m->parameters;
    const el_config *g = &m->networks[0].config, *d = &m->networks[1].config;
    assert_int_equal(el_encoder_saved_layout(&f->generator, &f->arena, g, ROWS, act, par, true), EL_OK);
    assert_int_equal(el_encoder_saved_layout(&f->discriminator, &f->arena, d, ROWS, act, par, true), EL_OK);
    el_mlm_saved_layout(&f->mlm, &f->arena, g, SLOTS, act, par, true);
    el_rtd_saved_layout(&f->rtd, &f->arena, d, ROWS, act);
    for (int i = 0; i < INTS; i++)
        f->ints[i] = el_arena_ints(&f->arena, INPUTS[i].count);
    f->replaced = el_arena_push(&f->arena, ROWS * sizeof *f->replaced);
    f->slot_losses = el_arena_tensor(&f->arena, par, SLOTS, 1);
    f->row_losses = el_arena_tensor(&f->arena, par, ROWS, 1);
    f->generator_dhidden = el_arena_tensor(&f->arena, act, ROWS, g->hidden_size);
    f->discriminator_dhidden = el_arena_tensor(&f->arena, act, ROWS, d->hidden_size);
}

static void open_fixture(fixture *f, el_queue *q, el_type type, double tolerance)
{
    el_model_plan plan = {.activations = type, .parameters = type, .training = true};
    *f = (fixture){.q = q, .tolerance = tolerance};
    CHECK(el_safetensors_open(&f->golden, TEST_DATA "/golden/case.safetensors") == EL_OK, "%s", el_error());
    CHECK(el_weights_plan(&plan, EL_GENERATOR, TEST_DATA "/golden/generator") == EL_OK, "%s", el_error());
    CHECK(el_weights_plan(&plan, EL_DISCRIMINATOR, TEST_DATA "/golden/discriminator") == EL_OK, "%s",
          el_error());
    CHECK(plan.networks[0].heads[0].kind == EL_HEAD_MLM,
          "the generator's folder is taken for a discriminator's");
    CHECK(plan.networks[1].heads[0].kind == EL_HEAD_DETECTION,
          "the discriminator's folder is taken for a generator's");
    plan.networks[0].tying = EL_TIE_SHARED;
    plan.networks[0].owner = 1;
    CHECK(el_model_open(&f->model, q, &plan) == EL_OK, "%s", el_error());
    CHECK(el_weights_load(&f->model, &f->model.networks[0], TEST_DATA "/golden/generator") == EL_OK, "%s",
          el_error());
    CHECK(el_weights_load(&f->model, &f->model.networks[1], TEST_DATA "/golden/discriminator") == EL_OK, "%s",
          el_error());
    el_model_prepare(&f->model);
    lay_out(f);
    CHECK(el_device_reserve(q->dev, &f->arena) == EL_OK, "%s", el_error());
    lay_out(f);
    for (int i = 0; i < INTS; i++)
        q->send(q, f->ints[i], golden(f, INPUTS[i].name, EL_ST_I32), (size_t)INPUTS[i].count * sizeof(int));
    float replaced[ROWS];
    for (int i = 0; i < ROWS; i++)
        replaced[i] = (float)((const int *)golden(f, "replaced", EL_ST_I32))[i];
    q->send(q, f->replaced, replaced, sizeof replaced);
    q->wait(q);
}

static void close_fixture(fixture *f)
{
    el_encoder_saved_release(&f->generator);
    el_encoder_saved_release(&f->discriminator);
    el_device_release(f->q->dev, &f->arena);
    el_model_close(&f->model);
    el_safetensors_close(&f->golden);
    el_queue_close(f->q);
}

static double mean(el_queue *q, el_tensor t)
{
    double sum = 0;
    for (int i = 0; i < t.rows; i++)
        sum += distant_get(q, t, i, 0);
    return sum / t.rows;
}

static void compare(const fixture *f, el_tensor t, const char *name)
{
    const double *wanted = golden(f, name, EL_ST_F64);
    for (int i = 0; i < t.rows; i++)
        for (int j = 0; j < t.cols; j++) {
            const double w = wanted[i * t.cols + j], got = distant_get(f->q, t, i, j);
            CHECK(fabs(got - w) <= f->tolerance * (1 + fabs(w)), "%s[%d, %d]: %.9g, transformers says %.9g",
                  name, i, j, got, w);
        }
}

/* Forward and backward with the goldens' masks and samples; losses: total, generator, discriminator. */
static void run_step(fixture *f, double losses[3], bool compare_logits)
{
    el_queue *q = f->q;
    const el_network *gen = &f->model.networks[0], *disc = &f->model.networks[1];
    const int *slots = golden_ints(f, "slots");
    el_input in = {.rows = ROWS,
                   .ids = golden_ints(f, "generator_ids"),
                   .segments = golden_ints(f, "segments"),
                   .positions = golden_ints(f, "positions"),
                   .layout = {.starts = golden_ints(f, "starts"), .sequences = 3, .longest = LONGEST}};
    el_model_zero_gradients(&f->model);
    el_tensor hidden = el_encoder_forward(q, &gen->config, &gen->w, &f->generator, &in);
    el_tensor logits = el_mlm_forward(q, &gen->config, &gen->heads[0].mlm.w, &f->mlm, hidden, slots, SLOTS);
    if (compare_logits)
        compare(f, logits, "generator_logits");
    q->softmax_loss(q, f->slot_losses, NULL, NULL, logits, logits, golden_ints(f, "targets"), NULL, NULL,
                    1.0 / SLOTS);
    el_mlm_backward(q, &gen->heads[0].mlm.w, &gen->heads[0].mlm.g, &f->mlm, f->generator_dhidden, logits,
                    slots, false);
    el_encoder_backward(q, &gen->config, &gen->w, &gen->g, &f->generator, &in, f->generator_dhidden);

    in.ids = golden_ints(f, "discriminator_ids");
    hidden = el_encoder_forward(q, &disc->config, &disc->w, &f->discriminator, &in);
    logits = el_rtd_forward(q, &disc->heads[0].rtd.w, &f->rtd, hidden);
    if (compare_logits)
        compare(f, logits, "discriminator_logits");
    q->logistic_loss(q, f->row_losses, logits, logits, f->replaced, 50.0 / ROWS);
    el_rtd_backward(q, &disc->heads[0].rtd.w, &disc->heads[0].rtd.g, &f->rtd, f->discriminator_dhidden,
                    logits, false);
    el_encoder_backward(q, &disc->config, &disc->w, &disc->g, &f->discriminator, &in,
                        f->discriminator_dhidden);
    losses[1] = mean(q, f->slot_losses);
    losses[2] = mean(q, f->row_losses);
    losses[0] = losses[1] + 50 * losses[2];
}

static void compare_gradient(void *context, const el_network *net, el_param *p)
{
    const fixture *f = context;
    char name[160];
    snprintf(name, sizeof name, "%s.%s", net->name, p->name);
    const float *wanted = golden(f, name, EL_ST_F32);
    double largest = 0;
    for (int64_t i = 0; i < el_param_elements(p); i++)
        largest = fabs((double)wanted[i]) > largest ? fabs((double)wanted[i]) : largest;
    for (int i = 0; i < p->value.rows; i++)
        for (int j = 0; j < p->value.cols; j++) {
            const double w = wanted[i * p->value.cols + j], got = distant_get(f->q, p->gradient, i, j);
            /* goldens are floats, and sums of large terms: against the tensor's largest; keys' biases have
             * none */
            CHECK(fabs(got - w) <= (f->tolerance + 2e-7) * (largest + 1),
                  "%s[%d, %d]: gradient %.9g, PyTorch says %.9g", name, i, j, got, w);
        }
}

static void compare_with_transformers(fixture *f)
{
    double losses[3];
    const double *wanted = golden(f, "loss", EL_ST_F64);
    run_step(f, losses, true);
    for (int i = 0; i < 3; i++)
        CHECK(fabs(losses[i] - wanted[i]) <= f->tolerance * wanted[i],
              "loss %d: %.9g, transformers says %.9g", i, losses[i], wanted[i]);
    el_model_each(&f->model, compare_gradient, f);
}

static void compare_training(fixture *f)
{
    const double *curve = golden(f, "curve", EL_ST_F64), *norms = golden(f, "curve_norm", EL_ST_F64);
    const el_optimizer optimizer = el_optimizer_defaults();
    for (int step = 0; step < 10; step++) {
        double losses[3];
        run_step(f, losses, false);
        const double norm = el_gradient_norm(&f->model);
        /* what differs in the last digit grows from step to step */
        const double tolerance = f->tolerance * (1 + 10 * step);
        for (int i = 0; i < 3; i++)
            CHECK(fabs(losses[i] - curve[3 * step + i]) <= tolerance * curve[3 * step + i],
                  "step %d, loss %d: %.9g, PyTorch says %.9g", step, i, losses[i], curve[3 * step + i]);
        CHECK(fabs(norm - norms[step]) <= tolerance * norms[step],
              "step %d: gradient norm %.9g, PyTorch says %.9g", step, norm, norms[step]);
        el_optimizer_update(&optimizer, &f->model, 1e-3, norm, step);
    }
}

static void reference_agrees(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, el_queue_reference(), EL_F64, 1e-9);
    compare_with_transformers(&f);
    compare_training(&f);
    close_fixture(&f);
}

static void distant_memory_agrees(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, distant_open(2, NULL), EL_F32, 1e-4);
    compare_with_transformers(&f);
    compare_training(&f);
    close_fixture(&f);
}

static void processor_agrees(void **state)
{
    (void)state;
    fixture f;
    el_queue *q;
    CHECK(el_queue_open(&q, 2, NULL) == EL_OK, "%s", el_error());
    open_fixture(&f, q, EL_F32, 1e-4);
    compare_with_transformers(&f);
    compare_training(&f);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reference_agrees), cmocka_unit_test(processor_agrees),
                                       cmocka_unit_test(distant_memory_agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
