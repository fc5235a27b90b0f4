/* What is claimed of objectives and stands in no other test: masks anew at each step, kept tokens, lucky samples, and who sends
 * no gradient where. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "objective/asked.h"
#include "objective/fixture.h"
#include "train/optimizer.h"

enum { WORDS = 30, LENGTH = 20, SEQUENCES = 4, LUCKY = 7 };

static el_config config_of(int hidden)
{
    el_config c = one_layer(WORDS, LENGTH, hidden);
    c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0;
    return c;
}

static void open_fixture(fixture *f, el_objective_kind kind, el_tying tying)
{
    el_model_plan plan = el_objective_plan(kind, EL_SAMPLER_NETWORK, config_of(16), config_of(8), tying);
    plan.training = true;
    plan.activations = plan.parameters = EL_F64;
    open_model(f, &plan, true, "reference", 1);
    for (int s = 0; s < SEQUENCES; s++)
        add_sequence(&f->batch, f->vocab, LENGTH - s, s);
}

static el_objective_settings settings_of(void)
{
    el_objective_settings s = el_objective_defaults();
    s.mask_prob = (el_course){0.3, 0.3};
    s.max_seq_length = LENGTH;
    return s;
}

/* Of an objective with these settings. */
static el_figures figures_with(fixture *f, el_objective_kind kind, const el_objective_settings *settings,
                               uint32_t step, bool training)
{
    open_objective(f, kind, settings, LENGTH);
    const el_figures figures = run(f, &f->batch, step, training);
    f->objective->close(f->objective);
    f->objective = NULL;
    return figures;
}

/* The masks of an example are a function of seed and step, and others at each. */
static void masks_are_drawn_anew(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, EL_MLM, EL_TIE_SEPARATE);
    const el_corruption_rule rule = {.mask_prob = 0.3, .max_predictions = LENGTH, .shares = {.mask = 1}};
    el_corruption made[3] = {0};
    static const uint32_t STEPS[] = {1, 2, 1};
    for (int i = 0; i < 3; i++)
        assert_int_equal(el_corruption_make(&made[i], &f.batch, f.vocab, &rule, (el_random){5, 0, STEPS[i]}),
                         EL_OK);
    const size_t bytes = (size_t)made[0].count * sizeof *made[0].rows;
    CHECK(made[0].count == made[1].count && memcmp(made[0].rows, made[1].rows, bytes) != 0,
          "two steps have the same masks");
    CHECK(made[0].count == made[2].count && memcmp(made[0].rows, made[2].rows, bytes) == 0,
          "one step has two kinds of masks");
    for (int i = 0; i < 3; i++)
        el_corruption_release(&made[i]);
    close_fixture(&f);
}

/* Asked of tokens that it sees a masked model soon knows them; those behind a [MASK] it has to guess. */
static void kept_tokens_are_easy(void **state)
{
    (void)state;
    fixture f;
    const el_optimizer optimizer = el_optimizer_defaults();
    open_fixture(&f, EL_MLM, EL_TIE_SEPARATE);
    el_objective_settings settings = settings_of();
    settings.shares = (el_mask_shares){.mask = 0.5, .keep = 0.5};
    for (uint32_t step = 0; step < 150; step++) {
        figures_with(&f, EL_MLM, &settings, step, true);
        el_optimizer_update(&optimizer, &f.model, 2e-3, el_gradient_norm(&f.model), step);
    }
    settings.shares = (el_mask_shares){.keep = 1};
    const el_figures kept = figures_with(&f, EL_MLM, &settings, 1000, false);
    settings.shares = (el_mask_shares){.mask = 1};
    const el_figures masked = figures_with(&f, EL_MLM, &settings, 1000, false);
    CHECK(kept.values[0] < 0.6 * masked.values[0], "kept tokens cost %g, masked ones %g", kept.values[0],
          masked.values[0]);
    close_fixture(&f);
}

/* Where the generator always samples what stood there, the large network reads the text as it is. */
static void right_samples_leave_the_text(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, EL_REPLACE_MLM, EL_TIE_SHARED);
    for (int i = 0; i < f.batch.rows; i++)
        if (f.batch.ids[i] != f.vocab->cls && f.batch.ids[i] != f.vocab->sep)
            f.batch.ids[i] = LUCKY;
    distant_set(f.q, el_network_head(&f.model.networks[0], EL_HEAD_MLM)->mlm.w.bias, 0, LUCKY, 1000);
    el_model_prepare(&f.model);
    const el_objective_settings settings = settings_of();
    const el_figures figures = figures_with(&f, EL_REPLACE_MLM, &settings, 1, false);
    CHECK(el_figure(&figures, "sampled_accuracy") == 1 && el_figure(&figures, "replaced") == 0,
          "%g of the samples are right", el_figure(&figures, "sampled_accuracy"));
    el_corruption slots = {0};
    const el_corruption_rule rule = {
        .mask_prob = 0.3, .max_predictions = (int)(0.305 * LENGTH), .shares = settings.shares};
    assert_int_equal(el_corruption_make(&slots, &f.batch, f.vocab, &rule, (el_random){5, 0, 1}), EL_OK);
    double *const logits = ask(&f.model, &f.model.networks[1], &f.batch, true), sum = 0;
    for (int i = 0; i < slots.count; i++)
        sum += loss_at(logits + (size_t)slots.rows[i] * WORDS, WORDS, LUCKY);
    const double loss = el_figure(&figures, "discriminator_loss");
    CHECK(fabs(loss - sum / slots.count) < 1e-12, "loss %.15g, of the text as it is %.15g", loss,
          sum / slots.count);
    free(logits);
    el_corruption_release(&slots);
    close_fixture(&f);
}

static double gradient_of(const fixture *f, int network)
{
    double sum = 0;
    const el_params *const params = &f->model.networks[network].params;
    for (int n = 0; n < params->count; n++)
        for (int i = 0; !params->items[n].shared && i < (int)el_param_elements(&params->items[n]); i++) {
            const el_tensor g = params->items[n].gradient;
            sum += fabs(distant_get(f->q, g, i / g.cols, i % g.cols));
        }
    return sum;
}

/* With gradient-disentangled embeddings, or none in common, the discriminator's loss gives the generator nothing. */
static void the_discriminator_does_not_teach_the_generator(void **state)
{
    (void)state;
    static const el_tying TYINGS[] = {EL_TIE_GDES, EL_TIE_SEPARATE};
    for (size_t i = 0; i < sizeof TYINGS / sizeof *TYINGS; i++) {
        fixture f;
        open_fixture(&f, EL_ELECTRA, TYINGS[i]);
        el_objective_settings settings = settings_of();
        settings.gen_weight = 0;
        el_model_zero_gradients(&f.model);
        figures_with(&f, EL_ELECTRA, &settings, 1, true);
        CHECK(gradient_of(&f, 0) == 0, "the generator gets a gradient of %g", gradient_of(&f, 0));
        CHECK(gradient_of(&f, 1) > 0, "the discriminator gets none");
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_are_drawn_anew),
        cmocka_unit_test(kept_tokens_are_easy),
        cmocka_unit_test(right_samples_leave_the_text),
        cmocka_unit_test(the_discriminator_does_not_teach_the_generator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
