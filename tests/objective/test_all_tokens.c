/* The masked language model of all tokens with its copy gate: probabilities, limits of the gate, gradients. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "objective/asked.h"
#include "objective/fixture.h"
#include "objective/slopes.h"
#include "ops/copy_gate.h"

enum { LENGTH = 10 };

static void open_fixture(fixture *f, int words, bool fan_in)
{
    el_config large = el_config_default();
    large.vocab_size = words;
    large.embedding_size = 6;
    large.hidden_size = 8;
    large.num_hidden_layers = 1;
    large.num_attention_heads = 2;
    large.intermediate_size = 16;
    large.max_position_embeddings = LENGTH;
    el_config small = large;
    small.hidden_size = 4;
    el_model_plan plan =
        el_objective_plan(EL_ALL_TOKENS_MLM, EL_SAMPLER_NETWORK, large, small, EL_TIE_SHARED);
    plan.activations = plan.parameters = EL_F64;
    plan.training = true;
    el_objective_settings settings = el_objective_defaults();
    settings.disc_weight = 2;
    settings.mask_prob = (el_course){0.3, 0.3};
    settings.max_seq_length = LENGTH;
    open_model(f, &plan, fan_in, "reference", 1);
    open_objective(f, EL_ALL_TOKENS_MLM, &settings, LENGTH);
    CHECK(el_objective_of(&f->model) == EL_ALL_TOKENS_MLM, "its networks are for something else");
}

/* Whatever is shown, the probabilities of all tokens add up to 1, and w is the posterior of a copy. */
static void probabilities_add_up(void **state)
{
    (void)state;
    const double softmax[] = {0.5, 0.3, 0.15, 0.05}, gates[] = {-40, -3, 0, 2, 40};
    for (size_t g = 0; g < sizeof gates / sizeof *gates; g++)
        for (int shown = 0; shown < 4; shown++) {
            const double d = 1 / (1 + exp(-gates[g]));
            double sum = 0;
            for (int y = 0; y < 4; y++) {
                const el_copy copy = el_copy_of(gates[g], -log(softmax[y]), y == shown);
                const double p = exp(-copy.loss), w = y == shown ? d / (d + (1 - d) * softmax[y]) : 0;
                CHECK(fabs(copy.copied - w) < 1e-12, "posterior %.15g, not %.15g", copy.copied, w);
                sum += p;
            }
            CHECK(fabs(sum - 1) < 1e-12, "gate %g: %.15g", gates[g], sum);
        }
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, 21, true);
    add_sequence(&f.batch, f.vocab, LENGTH, 1);
    add_sequence(&f.batch, f.vocab, LENGTH - 4, 2);
    check_slopes(f.objective, &f.batch);
    close_fixture(&f);
}

static void set_bias(fixture *f, const el_network *net, const char *name, int col, double value)
{
    const el_param *const p = el_param_find(&net->params, name);
    CHECK(p, "there is no %s", name);
    distant_set(f->q, p->value, 0, col, value);
}

/* A generator that always samples the one word there is: what is shown is the original.  A gate that is shut leaves the softmax,
 * one that is open copies. */
static void the_gate_has_two_ends(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, 12, true);
    const el_network *const net = el_model_network(&f.model, EL_DISCRIMINATOR);
    int ids[LENGTH];
    for (int i = 0; i < LENGTH; i++)
        ids[i] = i == 0 ? f.vocab->cls : i == LENGTH - 1 ? f.vocab->sep : 7;
    CHECK(el_batch_add(&f.batch, ids, LENGTH, LENGTH) == EL_OK, "%s", el_error());
    set_bias(&f, el_model_network(&f.model, EL_GENERATOR), "generator_lm_head.bias", 7, 200);
    set_bias(&f, net, "copy_gate.bias", 0, -60);
    const el_figures shut = run(&f, &f.batch, 2, false);
    CHECK(el_figure(&shut, "replaced") == 0, "%g replaced", el_figure(&shut, "replaced"));
    double *const logits = ask(&f.model, net, &f.batch, true), sum = 0;
    for (int i = 0; i < LENGTH; i++)
        sum += loss_at(logits + i * f.vocab->size, f.vocab->size, ids[i]);
    CHECK(fabs(el_figure(&shut, "discriminator_loss") - sum / LENGTH) < 1e-9,
          "shut: %.12g, the softmax alone %.12g", el_figure(&shut, "discriminator_loss"), sum / LENGTH);
    set_bias(&f, net, "copy_gate.bias", 0, 30);
    const el_figures open = run(&f, &f.batch, 2, false);
    CHECK(el_figure(&open, "discriminator_loss") < 1e-6, "open: %g", el_figure(&open, "discriminator_loss"));
    CHECK(el_figure(&open, "gate_accuracy") == 1 && el_figure(&shut, "gate_accuracy") == 0,
          "the gate is right");
    free(logits);
    close_fixture(&f);
}

/* Before anything is learned a copy is as likely as not, and nothing is known of what was replaced: ln 2 + replaced ln V. */
static void it_begins_at_what_is_not_known(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, 400, false);
    for (int s = 0; s < 40; s++)
        add_sequence(&f.batch, f.vocab, LENGTH, s);
    const el_figures all = run(&f, &f.batch, 2, false);
    const double wanted = log(2) + el_figure(&all, "replaced") * log(400);
    CHECK(fabs(el_figure(&all, "discriminator_loss") - wanted) < 0.05, "%g, expected %g",
          el_figure(&all, "discriminator_loss"), wanted);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_add_up),
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(the_gate_has_two_ends),
        cmocka_unit_test(it_begins_at_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
