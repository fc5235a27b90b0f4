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

enum { CHOICES = 5, WORDS = 30, LENGTH = 16, SEQUENCES = 4, GEN_WEIGHT = 2, STEP = 3 };

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

static void open_fixture(fixture *f, double mask_prob, double dropout)
{
    el_config c = el_config_default();
    c.vocab_size = WORDS;
    c.embedding_size = c.hidden_size = 8;
    c.num_hidden_layers = 1;
    c.num_attention_heads = 2;
    c.intermediate_size = 16;
    c.max_position_embeddings = LENGTH;
    c.layer_norm_eps = 1e-6;
    c.hidden_dropout_prob = c.attention_probs_dropout_prob = dropout;
    el_model_plan plan = el_objective_plan(EL_ADVERSARIAL, EL_SAMPLER_NETWORK, c, c, EL_TIE_SEPARATE);
    plan.activations = plan.parameters = EL_F64;
    plan.training = true;
    open_model(f, &plan, true, "reference", 1);
    for (int i = 0; i < SEQUENCES; i++)
        add_sequence(&f->batch, f->vocab, LENGTH - i, i);
    el_objective_settings settings = el_objective_defaults();
    settings.gen_weight = GEN_WEIGHT;
    settings.mask_prob = (el_course){mask_prob, mask_prob};
    settings.max_seq_length = LENGTH;
    open_objective(f, EL_ADVERSARIAL, &settings, 2 * LENGTH);
}

static void change(fixture *f, const el_param *p, int row, int col, double value)
{
    el_set(p->value, row, col, value);
    el_model_prepare(&f->model);
}

static bool is_baseline(const el_param *p)
{
    return strncmp(p->name, "baseline", 8) == 0;
}

/* The discriminator's gradient is that of its loss, the baseline's that of its own. */
static void check_slopes(fixture *f, const char *name, bool baseline, const char *figure, double scale)
{
    const el_params *params = &el_model_network(&f->model, name)->params;
    for (int i = 0; i < params->count; i++) {
        const el_param *p = &params->items[i];
        if (is_baseline(p) != baseline)
            continue;
        const int row = p->value.rows / 2, col = p->value.cols / 2;
        el_model_zero_gradients(&f->model);
        run(f, &f->batch, STEP, true);
        const double claimed = el_get(p->gradient, row, col), value = el_get(p->value, row, col), h = 1e-5;
        double losses[2];
        for (int k = 0; k < 2; k++) {
            change(f, p, row, col, value + (k ? -h : h));
            const el_figures figures = run(f, &f->batch, STEP, true);
            losses[k] = scale * el_figure(&figures, figure);
        }
        change(f, p, row, col, value);
        const double slope = (losses[0] - losses[1]) / (2 * h);
        CHECK(fabs(slope - claimed) <= 1e-5 * (1 + fabs(claimed)), "%s: slope %.9g, gradient says %.9g",
              p->name, slope, claimed);
    }
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, 0.3, 0.1);
    check_slopes(&f, EL_DISCRIMINATOR, false, "discriminator_loss", 50);
    check_slopes(&f, EL_GENERATOR, true, "baseline_loss", GEN_WEIGHT);
    close_fixture(&f);
}

/* Of one sequence, among the slots of the whole batch. */
static el_figures figures_of(fixture *f, int sequence)
{
    el_objective *const o = f->objective;
    el_figures figures;
    o->reset(o);
    assert_int_equal(o->begin(o, &f->batch, (el_random){5, 0, STEP}), EL_OK);
    assert_int_equal(el_objective_continue(o, &f->batch, sequence, sequence + 1, false, (el_interrupt){0}),
                     EL_OK);
    assert_int_equal(el_objective_count(o), EL_OK);
    o->finish(o, &figures);
    return figures;
}

/* R - b of a single slot: its size is a figure, and its sign is the one by which b = -log sigmoid(u) explains the loss of u. */
static double advantage_of(const el_figures *figures)
{
    const double reward = el_figure(figures, "reward"), size = el_figure(figures, "advantage");
    double advantage = NAN, least = INFINITY;
    for (int sign = -1; sign <= 1; sign += 2) {
        const double u = -log(expm1(reward - sign * size));
        const double loss = log1p(exp(u)) - exp(-reward) * u;
        const double off = fabs(loss - el_figure(figures, "baseline_loss"));
        if (off < least) { /* which no nan is, where b would be negative */
            least = off;
            advantage = sign * size;
        }
    }
    CHECK(least < 1e-6, "the baseline's loss is off by %g", least);
    return advantage;
}

/* What the generator descends, where samples and advantages are given. */
static double surrogate(fixture *f, const double advantages[SEQUENCES])
{
    double sum = 0;
    for (int s = 0; s < SEQUENCES; s++) {
        const el_figures figures = figures_of(f, s);
        sum += advantages[s] * el_figure(&figures, "sampled_entropy");
    }
    return GEN_WEIGHT * sum / SEQUENCES;
}

/* Where the gradient is largest. */
static void check_climb(fixture *f, const el_param *p, const double advantages[SEQUENCES])
{
    const double h = 1e-5;
    int row = 0, col = 0;
    el_model_zero_gradients(&f->model);
    run(f, &f->batch, STEP, true);
    for (int i = 0; i < p->value.rows; i++)
        for (int j = 0; j < p->value.cols; j++)
            if (fabs(el_get(p->gradient, i, j)) > fabs(el_get(p->gradient, row, col)))
                row = i, col = j;
    const double claimed = el_get(p->gradient, row, col), value = el_get(p->value, row, col);
    change(f, p, row, col, value + h);
    const double above = surrogate(f, advantages);
    change(f, p, row, col, value - h);
    const double slope = (above - surrogate(f, advantages)) / (2 * h);
    change(f, p, row, col, value);
    CHECK(fabs(slope - claimed) <= 1e-6 * (1 + fabs(claimed)), "%s[%d, %d]: slope %.9g, gradient says %.9g",
          p->name, row, col, slope, claimed);
}

/* The generator descends the mean over slots of (R - b) -log p(sample), R and b being held: a sample that earned more than was
 * expected becomes likelier.  Each sequence has one slot, so what a slot earned is among the figures of its sequence. */
static void the_generator_climbs_its_reward(void **state)
{
    (void)state;
    fixture f;
    double advantages[SEQUENCES];
    int better = 0;
    open_fixture(&f, 1.0 / LENGTH, 0);
    for (int s = 0; s < SEQUENCES; s++) {
        const el_figures figures = figures_of(&f, s);
        advantages[s] = advantage_of(&figures);
        better += advantages[s] > 0;
    }
    CHECK(better > 0 && better < SEQUENCES, "%d of %d samples are better than expected", better, SEQUENCES);
    const el_params *params = &el_model_network(&f.model, EL_GENERATOR)->params;
    for (int i = 0; i < params->count; i++)
        if (!is_baseline(&params->items[i]))
            check_climb(&f, &params->items[i], advantages);
    close_fixture(&f);
}

/* Before anything is learned the discriminator tosses a coin and the generator's tokens are about alike; and the loss that is
 * reported is the discriminator's alone. */
static void figures_make_sense(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, 0.3, 0.1);
    const el_figures all = run(&f, &f.batch, STEP, true);
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
        cmocka_unit_test(the_baseline_cancels),
        cmocka_unit_test(mass_goes_to_one_token),
        cmocka_unit_test(the_baseline_is_fitted),
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(the_generator_climbs_its_reward),
        cmocka_unit_test(figures_make_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
