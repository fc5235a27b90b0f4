/* What a generator learns from rewards. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "objective/fixture.h"
#include "ops/queue.h"

enum { CHOICES = 5, WORDS = 30, LENGTH = 16 };

/* ---- one slot, whose logits are free ---- */

static const double REWARDS[CHOICES] = {0.3, 2.5, 0.1, 1.2, 0.7};

static void softmax(double p[CHOICES], const double z[CHOICES])
{
    double sum = 0;
    for (int x = 0; x < CHOICES; x++)
        sum += p[x] = exp(z[x]);
    for (int x = 0; x < CHOICES; x++)
        p[x] /= sum;
}

/* What the op makes of a sample and of what it has earned. */
static void gradient_of(double gradient[CHOICES], const double z[CHOICES], int sample, float weight)
{
    el_queue *q = el_queue_reference();
    double logits[CHOICES], out[CHOICES], loss[1];
    memcpy(logits, z, sizeof logits);
    const el_tensor t = el_tensor_make(logits, EL_F64, 1, CHOICES),
                    d = el_tensor_make(out, EL_F64, 1, CHOICES);
    q->softmax_loss(q, el_tensor_make(loss, EL_F64, 1, 1), NULL, NULL, d, t, &sample, &weight, NULL, 1);
    memcpy(gradient, out, sizeof out);
}

/* In expectation a sample's gradient is that of -E[R], and no baseline changes it. */
static void the_baseline_cancels(void **state)
{
    (void)state;
    static const double Z[CHOICES] = {0.4, -1, 0.2, 2, -0.3};
    double p[CHOICES], mean = 0;
    softmax(p, Z);
    for (int x = 0; x < CHOICES; x++)
        mean += p[x] * REWARDS[x];
    for (float b = 0; b <= 7; b += 7) {
        double expected[CHOICES] = {0};
        for (int x = 0; x < CHOICES; x++) {
            double gradient[CHOICES];
            const float weight = (float)REWARDS[x] - b;
            gradient_of(gradient, Z, x, weight);
            for (int k = 0; k < CHOICES; k++)
                expected[k] += p[x] * gradient[k] / (double)weight * (REWARDS[x] - (double)b);
        }
        for (int k = 0; k < CHOICES; k++) {
            const double wanted = -p[k] * (REWARDS[k] - mean); /* of -sum p R */
            CHECK(fabs(expected[k] - wanted) < 1e-12, "baseline %g, class %d: %.15g, not %.15g", (double)b, k,
                  expected[k], wanted);
        }
    }
}

/* Rewards that stay as they are end in one token: the low entropy that the paper found. */
static void mass_goes_to_one_token(void **state)
{
    (void)state;
    double z[CHOICES] = {0}, p[CHOICES];
    for (uint32_t step = 0; step < 3000; step++) {
        softmax(p, z);
        double u = el_random_uniform((el_random){1, 0, step}, 0), gradient[CHOICES];
        int x = 0;
        while (x + 1 < CHOICES && (u -= p[x]) > 0)
            x++;
        gradient_of(gradient, z, x, (float)REWARDS[x] - 1);
        for (int k = 0; k < CHOICES; k++)
            z[k] -= 0.1 * gradient[k];
    }
    softmax(p, z);
    CHECK(p[1] > 0.95, "the best token has a probability of %g", p[1]);
}

/* The probability that a baseline says is the mean of e^-R. */
static void the_baseline_is_fitted(void **state)
{
    (void)state;
    el_queue *q = el_queue_reference();
    double u = 0, mean = 0;
    for (int x = 0; x < CHOICES; x++)
        mean += exp(-REWARDS[x]) / CHOICES;
    for (int step = 0; step < 4000; step++) {
        double gradient = 0, loss;
        for (int x = 0; x < CHOICES; x++) {
            const float label = (float)exp(-REWARDS[x]);
            double d, z = u;
            q->logistic_loss(q, el_tensor_make(&loss, EL_F64, 1, 1), el_tensor_make(&d, EL_F64, 1, 1),
                             el_tensor_make(&z, EL_F64, 1, 1), &label, 1.0 / CHOICES);
            gradient += d;
        }
        u -= gradient;
    }
    CHECK(fabs(1 / (1 + exp(-u)) - mean) < 1e-6, "the baseline says %g, the mean is %g", 1 / (1 + exp(-u)),
          mean);
}

/* ---- the whole objective ---- */

static void open_fixture(fixture *f)
{
    el_config c = el_config_default();
    c.vocab_size = WORDS;
    c.embedding_size = c.hidden_size = 8;
    c.num_hidden_layers = 1;
    c.num_attention_heads = 2;
    c.intermediate_size = 16;
    c.max_position_embeddings = LENGTH;
    c.layer_norm_eps = 1e-6;
    el_model_plan plan = el_objective_plan(EL_ADVERSARIAL, EL_SAMPLER_NETWORK, c, c, EL_TIE_SEPARATE);
    plan.activations = plan.parameters = EL_F64;
    plan.training = true;
    open_model(f, &plan, true, "reference", 1);
    for (int i = 0; i < 4; i++)
        add_sequence(&f->batch, f->vocab, LENGTH - i, i);
    el_objective_settings settings = el_objective_defaults();
    settings.mask_prob = (el_course){0.3, 0.3};
    settings.max_seq_length = LENGTH;
    open_objective(f, EL_ADVERSARIAL, &settings, 2 * LENGTH);
}

/* The discriminator's gradient is that of its loss, the baseline's that of its own. */
static void check_slopes(fixture *f, const char *name, bool baseline, const char *figure, double scale)
{
    const el_params *params = &el_model_network(&f->model, name)->params;
    for (int i = 0; i < params->count; i++) {
        const el_param *p = &params->items[i];
        if ((strncmp(p->name, "baseline", 8) == 0) != baseline)
            continue;
        const int row = p->value.rows / 2, col = p->value.cols / 2;
        el_model_zero_gradients(&f->model);
        run(f, &f->batch, 2, true);
        const double claimed = el_get(p->gradient, row, col), value = el_get(p->value, row, col), h = 1e-5;
        double losses[2];
        for (int k = 0; k < 2; k++) {
            el_set(p->value, row, col, value + (k ? -h : h));
            el_model_prepare(&f->model);
            const el_figures figures = run(f, &f->batch, 2, true);
            losses[k] = scale * el_figure(&figures, figure);
        }
        el_set(p->value, row, col, value);
        el_model_prepare(&f->model);
        const double slope = (losses[0] - losses[1]) / (2 * h);
        CHECK(fabs(slope - claimed) <= 1e-5 * (1 + fabs(claimed)), "%s: slope %.9g, gradient says %.9g",
              p->name, slope, claimed);
    }
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    check_slopes(&f, EL_DISCRIMINATOR, false, "discriminator_loss", 50);
    check_slopes(&f, EL_GENERATOR, true, "baseline_loss", 1);
    close_fixture(&f);
}

/* The encoder of the generator learns from rewards alone: where all samples earn what the baseline expects, nothing. */
static void figures_make_sense(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    const el_figures all = run(&f, &f.batch, 2, true);
    CHECK(fabs(el_figure(&all, "reward") - log(2)) < 0.5, "a reward of %g at the start",
          el_figure(&all, "reward"));
    CHECK(fabs(el_figure(&all, "sampled_entropy") - log(WORDS)) < 1.5, "an entropy of %g",
          el_figure(&all, "sampled_entropy"));
    CHECK(el_figure(&all, "largest_probability") > 1.0 / WORDS && el_figure(&all, "largest_probability") < 1,
          "a largest probability of %g", el_figure(&all, "largest_probability"));
    CHECK(all.values[0] == 50 * el_figure(&all, "discriminator_loss"), "a loss of %g", all.values[0]);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_baseline_cancels),   cmocka_unit_test(mass_goes_to_one_token),
        cmocka_unit_test(the_baseline_is_fitted), cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(figures_make_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
