/* Language models in one direction and in both: what a row has seen, what the loss is the sum of, and what it adds up to. */
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

enum { LENGTH = 9, ROOM = 16 };

static void open_fixture(fixture *f, el_objective_kind kind, int words, bool reference)
{
    el_config c = el_config_default();
    c.vocab_size = words;
    c.embedding_size = 6;
    c.hidden_size = 8;
    c.num_hidden_layers = 2;
    c.num_attention_heads = 2;
    c.intermediate_size = 16;
    c.max_position_embeddings = ROOM;
    c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0;
    el_model_plan plan = el_objective_plan(kind, EL_SAMPLER_NETWORK, c, c, EL_TIE_SEPARATE);
    plan.activations = plan.parameters = reference ? EL_F64 : EL_F32;
    open_model(f, &plan, true, reference ? "reference" : NULL, 1);
    el_objective_settings settings = el_objective_defaults();
    settings.max_seq_length = ROOM;
    open_objective(f, kind, &settings, ROOM);
}

static double figure_of(fixture *f, const el_batch *batch, const char *name)
{
    const el_figures figures = run(f, batch, 2, false);
    return el_figure(&figures, name);
}

/* On both devices, and to the last bit: what comes later is not there. */
static void a_token_changes_nothing_before_it(void **state)
{
    (void)state;
    for (int reference = 0; reference < 2; reference++) {
        fixture f;
        open_fixture(&f, EL_CAUSAL, 30, reference);
        el_batch batch = {0};
        add_sequence(&batch, f.vocab, LENGTH, 1);
        add_sequence(&batch, f.vocab, LENGTH - 2, 2);
        el_batch_limit(&batch);
        double *const before = ask(&f.model, &f.model.networks[0], &batch, true);
        const int changed = 4;
        batch.ids[changed] = batch.ids[changed] == 7 ? 8 : 7;
        double *const after = ask(&f.model, &f.model.networks[0], &batch, true);
        for (int row = 0; row < batch.rows; row++) {
            const bool same = memcmp(before + row * 30, after + row * 30, 30 * sizeof *before) == 0;
            const bool behind = row >= changed && row < LENGTH;
            CHECK(same == !behind, "row %d %s with the token of row %d", row, same ? "stays" : "changes",
                  changed);
        }
        free(before);
        free(after);
        el_batch_release(&batch);
        close_fixture(&f);
    }
}

/* Prefixes by themselves, without limits: their last row has seen the same. */
static void the_loss_is_that_of_single_steps(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, EL_CAUSAL, 30, true);
    el_batch whole = {0};
    add_sequence(&whole, f.vocab, LENGTH, 3);
    double sum = 0;
    for (int n = 1; n < LENGTH; n++) {
        el_batch prefix = {0};
        CHECK(el_batch_add(&prefix, whole.ids, n, n) == EL_OK, "%s", el_error());
        el_batch_limit(&prefix);
        double *const logits = ask(&f.model, &f.model.networks[0], &prefix, true);
        sum += loss_at(logits + (n - 1) * 30, 30, whole.ids[n]);
        free(logits);
        el_batch_release(&prefix);
    }
    const double loss = figure_of(&f, &whole, "loss");
    CHECK(fabs(loss - sum / (LENGTH - 1)) < 1e-12, "loss %.15g, of single steps %.15g", loss,
          sum / (LENGTH - 1));
    CHECK(fabs(figure_of(&f, &whole, "perplexity") - exp(loss)) < 1e-12, "perplexity of a loss of %g", loss);
    el_batch_release(&whole);
    close_fixture(&f);
}

/* Over all texts of three tokens after [CLS] the products of probabilities add up to 1. */
static void probabilities_of_all_texts_add_up(void **state)
{
    (void)state;
    enum { WORDS = 6, TEXTS = WORDS * WORDS * WORDS };
    fixture f;
    open_fixture(&f, EL_CAUSAL, WORDS, true);
    double sum = 0;
    for (int text = 0; text < TEXTS; text++) {
        el_batch batch = {0};
        const int ids[] = {f.vocab->cls, text % WORDS, text / WORDS % WORDS, text / WORDS / WORDS};
        CHECK(el_batch_add(&batch, ids, 4, 4) == EL_OK, "%s", el_error());
        sum += exp(-3 * figure_of(&f, &batch, "loss"));
        el_batch_release(&batch);
    }
    CHECK(fabs(sum - 1) < 1e-12, "%.15g", sum);
    close_fixture(&f);
}

/* A text read backwards by the network that reads backwards is what the reversed text is to one that reads forwards. */
static void backwards_is_forwards_on_reversed_text(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, EL_BIDIRECTIONAL, 30, true);
    el_batch text = {0}, reversed = {0};
    add_sequence(&text, f.vocab, LENGTH, 5);
    add_sequence(&text, f.vocab, LENGTH - 3, 6);
    CHECK(el_batch_copy(&reversed, &text, true) == EL_OK, "%s", el_error());
    CHECK(reversed.ids[0] == text.ids[LENGTH - 1] && reversed.positions[0] == LENGTH - 1, "it is reversed");
    const double backward = figure_of(&f, &text, "backward_loss");
    el_batch_limit(&reversed);
    double *const logits = ask(&f.model, el_model_network(&f.model, EL_BACKWARD), &reversed, true), sum = 0;
    int count = 0;
    for (int s = 0; s < 2; s++)
        for (int row = reversed.starts[s]; row + 1 < reversed.starts[s + 1]; row++, count++)
            sum += loss_at(logits + row * 30, 30, reversed.ids[row + 1]);
    CHECK(fabs(backward - sum / count) < 1e-12, "backward loss %.15g, by hand %.15g", backward, sum / count);
    CHECK(fabs(figure_of(&f, &text, "loss") - backward - figure_of(&f, &text, "generator_loss")) < 1e-12,
          "the loss is the sum of both");
    free(logits);
    el_batch_release(&text);
    el_batch_release(&reversed);
    close_fixture(&f);
}

/* Both networks list one table and one head, and own them once. */
static void tables_and_head_are_one(void **state)
{
    (void)state;
    fixture one, two;
    open_fixture(&one, EL_CAUSAL, 30, true);
    open_fixture(&two, EL_BIDIRECTIONAL, 30, true);
    const el_params *const a = &two.model.networks[0].params, *const b = &two.model.networks[1].params;
    CHECK(a->count == b->count && a->count == one.model.networks[0].params.count, "%d and %d lines", a->count,
          b->count);
    for (int i = 0; i < a->count; i++) {
        const el_param *const other = el_param_find(b, a->items[i].name);
        const bool end =
            strstr(a->items[i].name, "electra.embeddings.") || strstr(a->items[i].name, "generator_");
        CHECK(other && (other->value.data == a->items[i].value.data) == end && other->shared == end, "%s",
              a->items[i].name);
    }
    close_fixture(&one);
    close_fixture(&two);
}

/* Before anything is learned a language model guesses like a coin with V sides. */
static void it_begins_at_log_v(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, EL_CAUSAL, 300, true);
    const el_initialisation paper = {.seed = 9};
    CHECK(el_model_initialise(&f.model, &paper) == EL_OK, "%s", el_error());
    el_batch batch = {0};
    add_sequence(&batch, f.vocab, LENGTH, 7);
    const double loss = figure_of(&f, &batch, "loss");
    CHECK(fabs(loss - log(300)) < 0.03, "loss %g, ln V %g", loss, log(300));
    el_batch_release(&batch);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_changes_nothing_before_it),
        cmocka_unit_test(the_loss_is_that_of_single_steps),
        cmocka_unit_test(probabilities_of_all_texts_add_up),
        cmocka_unit_test(backwards_is_forwards_on_reversed_text),
        cmocka_unit_test(tables_and_head_are_one),
        cmocka_unit_test(it_begins_at_log_v),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
