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
#include "ops/distant.h"
#include "ops/queue.h"
#include "train/optimizer.h"

enum { WORDS = 30, LENGTH = 18, CHOICES = 5 };

static el_objective_settings settings_of(double mask_prob)
{
    el_objective_settings s = el_objective_defaults();
    s.mask_prob = (el_course){mask_prob, mask_prob};
    s.max_seq_length = LENGTH;
    s.sampler = EL_SAMPLER_TWO_TOWERS;
    return s;
}

static void open_on(fixture *f, el_objective_kind kind, const el_objective_settings *settings,
                    const char *device)
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
    plan.activations = plan.parameters = device ? EL_F64 : EL_F32;
    plan.training = true;
    open_model(f, &plan, true, device, 1);
    open_objective(f, kind, settings, 2 * LENGTH);
}

static void open_fixture(fixture *f, el_objective_kind kind, const el_objective_settings *settings)
{
    open_on(f, kind, settings, NULL);
}

/* Whether q is asked about a token. */
static bool is_asked(const fixture *f, int id)
{
    return id != f->vocab->cls && id != f->vocab->sep && id != f->vocab->mask;
}

/* Figures of [CLS] id [SEP] at a step. */
static el_figures figures_of(fixture *f, int id, uint32_t step)
{
    const int ids[] = {f->vocab->cls, id, f->vocab->sep};
    el_batch batch = {0};
    assert_int_equal(el_batch_add(&batch, ids, 3, 3), EL_OK);
    const el_figures figures = run(f, &batch, step, false);
    el_batch_release(&batch);
    return figures;
}

/* q at a place does not depend on what stands there: over all tokens that may stand between [CLS] and [SEP], what it says of
 * each adds up to 1, where it says nothing of the three that are never asked about. */
static void noise_does_not_see_its_token(void **state)
{
    (void)state;
    fixture f;
    double sum = 0, special = 0;
    const el_objective_settings settings = settings_of(0.3);
    open_on(&f, EL_ELECTRIC, &settings, "reference");
    const el_mlm_weights *const w =
        &el_network_head(el_model_network(&f.model, EL_GENERATOR), EL_HEAD_CLOZE)->mlm.w;
    for (int id = 0; id < WORDS; id++)
        if (!is_asked(&f, id))
            distant_set(f.q, w->bias, 0, id, -1e3);
    for (int id = 0; id < WORDS; id++) {
        const el_figures figures = figures_of(&f, id, 0);
        if (is_asked(&f, id))
            sum += exp(-el_figure(&figures, "generator_loss"));
        special += !is_asked(&f, id) && el_figure(&figures, "generator_loss") == 0;
    }
    CHECK(special == 3, "of special tokens %g have no loss", special);
    CHECK(fabs(sum - 1) < 1e-12, "all tokens that are asked about have a share of %.15g", sum);
    close_fixture(&f);
}

/* At the start E is 0 and q is 1 / V: the loss of a token is that of a logit of log(m / (1 - m)) - ln V. */
static void losses_begin_and_fall(void **state)
{
    (void)state;
    const el_optimizer optimizer = el_optimizer_defaults();
    const el_objective_settings settings = settings_of(0.3);
    for (int electric = 0; electric < 2; electric++) {
        fixture f;
        el_batch batch = {0};
        open_fixture(&f, electric ? EL_ELECTRIC : EL_ELECTRA, &settings);
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

static const el_rtd_weights *detection(fixture *f)
{
    return &el_network_head(el_model_network(&f->model, EL_DISCRIMINATOR), EL_HEAD_DETECTION)->rtd.w;
}

/* E is this number, of whatever stands wherever. */
static void say(fixture *f, double energy)
{
    const el_rtd_weights *w = detection(f);
    for (int col = 0; col < w->out_w.cols; col++)
        distant_set(f->q, w->out_w, 0, col, 0);
    distant_set(f->q, w->out_b, 0, 0, energy);
    el_model_prepare(&f->model);
}

/* At a step the same token is drawn whatever the original was, and one of the originals is that token.  What is drawn is noise,
 * then too, and its logit has the q of what was drawn, not that of the original. */
static void noise_has_its_own_probability(void **state)
{
    (void)state;
    enum { STEPS = 8 };
    fixture f;
    const double energy = 0.7, m = 0.3;
    const el_objective_settings settings = settings_of(m);
    int all = 0;
    open_fixture(&f, EL_ELECTRIC, &settings);
    say(&f, energy);
    for (uint32_t step = 0; step < STEPS; step++) {
        double losses[WORDS], wanted = NAN;
        int right = 0;
        for (int id = 0; id < WORDS; id++) {
            const el_figures figures = figures_of(&f, id, step);
            losses[id] = el_figure(&figures, "discriminator_loss");
            if (is_asked(&f, id) && el_figure(&figures, "sampled_accuracy") == 1) {
                const double z = energy - el_figure(&figures, "generator_loss") + log(m / (1 - m));
                wanted = log1p(exp(-z));
                right++;
            }
        }
        for (int id = 0; id < WORDS; id++)
            CHECK(!right || !is_asked(&f, id) || fabs(losses[id] - wanted) < 1e-5,
                  "in the place of token %d: %g, not %g", id, losses[id], wanted);
        all += right;
    }
    CHECK(all > STEPS / 2 && all <= STEPS, "%d samples of %d steps are right", all, STEPS);
    close_fixture(&f);
}

/* Figures of a batch whose every sequence has two slots, and the gradient's norm; E is raised by `raise`. */
static el_figures figures_raised(double mask_prob, double raise, double *norm)
{
    fixture f;
    el_objective_settings settings = settings_of(mask_prob);
    settings.max_predictions = 2;
    open_fixture(&f, EL_ELECTRIC, &settings);
    for (int s = 0; s < 3; s++)
        add_sequence(&f.batch, f.vocab, LENGTH - s, s);
    distant_set(f.q, detection(&f)->out_b, 0, 0, raise);
    el_model_prepare(&f.model);
    const el_figures figures = run(&f, &f.batch, 0, true);
    *norm = el_gradient_norm(&f.model);
    close_fixture(&f);
    return figures;
}

/* Only the sum counts: a constant may go from E to what is added to it, and nothing else changes. */
static void energies_and_ratios_are_added(void **state)
{
    (void)state;
    double norms[2];
    const double m = 0.3, other = 0.6, shift = log(other / (1 - other)) - log(m / (1 - m));
    const el_figures first = figures_raised(m, 0, &norms[0]);
    const el_figures second = figures_raised(other, -shift, &norms[1]);
    for (int i = 0; i < first.count; i++) {
        const double wanted = first.values[i] - (strcmp(first.names[i], "energy") == 0 ? shift : 0);
        CHECK(fabs(second.values[i] - wanted) < 1e-5 * (1 + fabs(wanted)), "%s is %.9g, not %.9g",
              first.names[i], second.values[i], wanted);
    }
    CHECK(fabs(norms[1] / norms[0] - 1) < 1e-5, "a gradient of %.9g, not %.9g", norms[1], norms[0]);
}

/* One place, with free energies and noise that is given: the best ones are -log p_data, for every noise; and where what is added
 * as log q is off by a constant, they are off by it. */
static void energies_are_log_probabilities(void **state)
{
    (void)state;
    static const double DATA[CHOICES] = {0.4, 0.25, 0.2, 0.1, 0.05};
    static const double NOISE[2][CHOICES] = {{0.2, 0.2, 0.2, 0.2, 0.2}, {0.05, 0.1, 0.15, 0.3, 0.4}};
    static const double SHIFT[2] = {0, 0.8};
    el_queue *q = el_queue_reference();
    const double m = 0.15;
    for (int k = 0; k < 4; k++) {
        const double *const noises = NOISE[k / 2], shift = SHIFT[k % 2];
        double energy[CHOICES] = {0};
        for (int step = 0; step < 20000; step++)
            for (int x = 0; x < CHOICES; x++) {
                double slope = 0;
                for (int noise = 0; noise < 2; noise++) {
                    double loss, d, z = energy[x] + log(noises[x]) + shift + log(m / (1 - m));
                    const float label = (float)noise;
                    q->logistic_loss(q, el_tensor_make(&loss, EL_F64, 1, 1), el_tensor_make(&d, EL_F64, 1, 1),
                                     el_tensor_make(&z, EL_F64, 1, 1), &label,
                                     noise ? m * noises[x] : (1 - m) * DATA[x]);
                    slope += d;
                }
                energy[x] -= 4 * slope;
            }
        for (int x = 0; x < CHOICES; x++)
            CHECK(fabs(energy[x] + log(DATA[x]) + shift) < 1e-3, "noise %d off by %g: energy %g, -log p %g",
                  k / 2, shift, energy[x], -log(DATA[x]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_does_not_see_its_token),   cmocka_unit_test(noise_has_its_own_probability),
        cmocka_unit_test(energies_and_ratios_are_added),  cmocka_unit_test(losses_begin_and_fall),
        cmocka_unit_test(energies_are_log_probabilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
