/* Noise of two towers, and energies that are told from it. */
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
#include "train/optimizer.h"

enum { WORDS = 30, LENGTH = 18, CHOICES = 5 };

static void open_fixture(fixture *f, el_objective_kind kind)
{
    el_config large = el_config_default();
    large.vocab_size = WORDS;
    large.embedding_size = 8;
    large.hidden_size = 16;
    large.num_hidden_layers = 1;
    large.num_attention_heads = 2;
    large.intermediate_size = 32;
    large.max_position_embeddings = LENGTH;
    large.hidden_dropout_prob = large.attention_probs_dropout_prob = 0;
    el_config small = large;
    small.hidden_size = 8;
    small.intermediate_size = 16;
    el_model_plan plan = el_objective_plan(kind, EL_SAMPLER_TWO_TOWERS, large, small, EL_TIE_SHARED);
    plan.training = true;
    open_model(f, &plan, true, NULL, 1);
    el_objective_settings s = el_objective_defaults();
    s.mask_prob = (el_course){0.3, 0.3};
    s.max_seq_length = LENGTH;
    s.sampler = EL_SAMPLER_TWO_TOWERS;
    open_objective(f, kind, &s, 2 * LENGTH);
}

/* q at a place does not depend on what stands there: over all tokens that may stand between [CLS] and [SEP], what it says of
 * each adds up to 1. */
static void noise_does_not_see_its_token(void **state)
{
    (void)state;
    fixture f;
    double sum = 0, special = 0;
    open_fixture(&f, EL_ELECTRIC);
    for (int id = 0; id < WORDS; id++) {
        el_batch batch = {0};
        const int ids[] = {f.vocab->cls, id, f.vocab->sep};
        assert_int_equal(el_batch_add(&batch, ids, 3, 3), EL_OK);
        const el_figures figures = run(&f, &batch, 0, false);
        const bool asked = id != f.vocab->cls && id != f.vocab->sep && id != f.vocab->mask;
        if (asked)
            sum += exp(-el_figure(&figures, "generator_loss"));
        special += !asked && el_figure(&figures, "generator_loss") == 0;
        el_batch_release(&batch);
    }
    CHECK(special == 3, "of special tokens %g have no loss", special);
    CHECK(sum > 0.5 && sum < 1, "all but three tokens have a share of %g", sum);
    /* the three that are never asked about have the rest: about as much as others at the start */
    CHECK(fabs(sum - (WORDS - 3.0) / WORDS) < 0.15, "all but three of %d tokens have a share of %g", WORDS,
          sum);
    close_fixture(&f);
}

/* At the start E is 0 and q is 1 / V: the loss of a token is that of a logit of log(m / (1 - m)) - ln V. */
static void losses_begin_and_fall(void **state)
{
    (void)state;
    const el_optimizer optimizer = el_optimizer_defaults();
    for (int electric = 0; electric < 2; electric++) {
        fixture f;
        el_batch batch = {0};
        open_fixture(&f, electric ? EL_ELECTRIC : EL_ELECTRA);
        for (int s = 0; s < 6; s++)
            add_sequence(&batch, f.vocab, LENGTH - s, s);
        const el_initialisation paper = {.seed = 9};
        CHECK(el_model_initialise(&f.model, &paper) == EL_OK, "%s", el_error());
        const el_figures first = run(&f, &batch, 1000, false);
        const double z = log(0.3 / 0.7) - log(WORDS), k = el_figure(&first, "replaced");
        const double wanted = electric ? log1p(exp(z)) - k * z : log(2);
        CHECK(fabs(el_figure(&first, "discriminator_loss") - wanted) < 0.06,
              "a loss of %g at the start, not %g", el_figure(&first, "discriminator_loss"), wanted);
        CHECK(fabs(el_figure(&first, "generator_loss") - log(WORDS)) < 0.1, "noise begins at %g",
              el_figure(&first, "generator_loss"));
        for (uint32_t step = 0; step < 80; step++) {
            run(&f, &batch, step, true);
            el_optimizer_update(&optimizer, &f.model, 1e-2, el_gradient_norm(&f.model), step);
        }
        const el_figures last = run(&f, &batch, 1000, false);
        CHECK(last.values[0] < 0.8 * first.values[0], "loss %g after training, %g before", last.values[0],
              first.values[0]);
        el_batch_release(&batch);
        close_fixture(&f);
    }
}

/* One place, with free energies and noise that is given: the best ones are -log p_data, for every noise, and where log q is off by
 * a constant, they are off by it. */
static void energies_are_log_probabilities(void **state)
{
    (void)state;
    static const double DATA[CHOICES] = {0.4, 0.25, 0.2, 0.1, 0.05};
    static const double NOISE[2][CHOICES] = {{0.2, 0.2, 0.2, 0.2, 0.2}, {0.05, 0.1, 0.15, 0.3, 0.4}};
    el_queue *q = el_queue_reference();
    const double m = 0.15;
    for (int k = 0; k < 2; k++) {
        double energy[CHOICES] = {0};
        for (int step = 0; step < 20000; step++)
            for (int x = 0; x < CHOICES; x++) {
                double slope = 0;
                for (int noise = 0; noise < 2; noise++) {
                    double loss, d, z = energy[x] + log(NOISE[k][x]) + log(m / (1 - m));
                    const float label = (float)noise;
                    q->logistic_loss(q, el_tensor_make(&loss, EL_F64, 1, 1), el_tensor_make(&d, EL_F64, 1, 1),
                                     el_tensor_make(&z, EL_F64, 1, 1), &label,
                                     noise ? m * NOISE[k][x] : (1 - m) * DATA[x]);
                    slope += d;
                }
                energy[x] -= 4 * slope;
            }
        for (int x = 0; x < CHOICES; x++)
            CHECK(fabs(-energy[x] - log(DATA[x])) < 1e-3, "noise %d: energy %g, -log p %g", k, energy[x],
                  -log(DATA[x]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_does_not_see_its_token),
        cmocka_unit_test(losses_begin_and_fall),
        cmocka_unit_test(energies_are_log_probabilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
