/* Permutation language models, on places and by distances (xlnet): what a row has seen, what a query has
 * not, and what the probabilities add up to. */
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
#include "objective/order.h"
#include "objective/slopes.h"

enum { LENGTH = 12, PLACES = 40, HIDDEN = 8 };

/* What query rows show. */
static int query_of(const fixture *f)
{
    return el_objective_of(&f->model) == EL_XLNET ? f->vocab->size : f->vocab->mask;
}

static void open_fixture(fixture *f, void **state, int words)
{
    const el_objective_kind kind = *(const el_objective_kind *)*state;
    el_config c = one_layer(words, PLACES, HIDDEN);
    c.embedding_size = 6;
    c.num_hidden_layers = 2;
    c.intermediate_size = 16;
    el_model_plan plan = el_objective_plan(kind, EL_SAMPLER_NETWORK, c, c, EL_TIE_SEPARATE);
    plan.activations = plan.parameters = EL_F64;
    plan.training = true;
    open_model(f, &plan, true, "reference", 1);
    CHECK(el_objective_of(&f->model) == kind, "its network is for something else");
}

/* The objective of the model's kind. */
static void open_its_objective(fixture *f, int rows)
{
    el_objective_settings settings = el_objective_defaults();
    settings.max_seq_length = LENGTH;
    open_objective(f, el_objective_of(&f->model), &settings, rows);
}

/* A sequence with these targets, in their order. */
typedef struct {
    el_batch text, ordered;
    el_corruption targets, asked;
} sequence;

static void order(sequence *s, const fixture *f, const int *targets, int count)
{
    assert_int_equal(el_corruption_reserve(&s->targets, s->text.rows, 1), EL_OK);
    memcpy(s->targets.rows, targets, (size_t)count * sizeof *targets);
    s->targets.count = s->targets.starts[1] = count;
    s->targets.starts[0] = 0;
    assert_int_equal(el_order_make(&s->ordered, &s->asked, &s->text, &s->targets, query_of(f)), EL_OK);
}

static void release(sequence *s)
{
    el_batch_release(&s->text);
    el_batch_release(&s->ordered);
    el_corruption_release(&s->targets);
    el_corruption_release(&s->asked);
}

static bool same_row(const double *a, const double *b, int row)
{
    return memcmp(a + row * HIDDEN, b + row * HIDDEN, HIDDEN * sizeof *a) == 0;
}

/* Rows: 8 ordinary, 4 targets, 4 queries.  Another token in the place of the target of rank r is not seen by ordinary tokens, by
 * earlier targets, nor by queries up to its own; later queries see it.  Another token in a query row is seen by nobody else. */
static void nothing_sees_what_comes_later(void **state)
{
    enum { TARGETS = 4, ORDINARY = LENGTH - TARGETS };
    static const int AT[TARGETS] = {7, 2, 9, 4};
    fixture f;
    open_fixture(&f, state, 30);
    sequence s = {0};
    add_sequence(&s.text, f.vocab, LENGTH, 1);
    order(&s, &f, AT, TARGETS);
    CHECK(s.ordered.rows == LENGTH + TARGETS && s.asked.count == TARGETS, "%d rows", s.ordered.rows);
    CHECK(s.asked.targets[1] == s.text.ids[2] && s.ordered.positions[s.asked.rows[1]] == 2,
          "a query asks for its target");
    double *const before = ask(&f.model, &f.model.networks[0], &s.ordered, false);
    for (int r = 0; r < TARGETS; r++) {
        const int target = ORDINARY + r, query = ORDINARY + TARGETS + r, id = s.ordered.ids[target];
        s.ordered.ids[target] = id == 9 ? 10 : 9;
        double *const after = ask(&f.model, &f.model.networks[0], &s.ordered, false);
        s.ordered.ids[target] = id;
        for (int row = 0; row < s.ordered.rows; row++) {
            const int rank = (row - ORDINARY) % TARGETS;
            const bool sees = row >= ORDINARY && (row < ORDINARY + TARGETS ? rank >= r : rank > r);
            CHECK(same_row(before, after, row) != sees, "target %d: row %d %s", r, row,
                  sees ? "stays" : "changes");
        }
        free(after);
        s.ordered.ids[query] = 11;
        double *const asked = ask(&f.model, &f.model.networks[0], &s.ordered, false);
        s.ordered.ids[query] = query_of(&f);
        for (int row = 0; row < s.ordered.rows; row++)
            CHECK(same_row(before, asked, row) == (row != query), "query %d: row %d", r, row);
        free(asked);
    }
    free(before);
    release(&s);
    close_fixture(&f);
}

/* Ordinary rows in another order, their positions with them, are the same text. */
static void the_order_of_storage_is_nothing(void **state)
{
    fixture f;
    open_fixture(&f, state, 30);
    sequence s = {0};
    static const int AT[] = {3, 8};
    add_sequence(&s.text, f.vocab, LENGTH, 2);
    order(&s, &f, AT, 2);
    double *const before = ask(&f.model, &f.model.networks[0], &s.ordered, true);
    for (int i = 0; i < 5; i++) {
        const int j = 9 - i, id = s.ordered.ids[i], position = s.ordered.positions[i];
        s.ordered.ids[i] = s.ordered.ids[j], s.ordered.positions[i] = s.ordered.positions[j];
        s.ordered.ids[j] = id, s.ordered.positions[j] = position;
    }
    double *const after = ask(&f.model, &f.model.networks[0], &s.ordered, true);
    for (int q = 0; q < 2; q++)
        for (int k = 0; k < f.vocab->size; k++) {
            const int at = s.asked.rows[q] * f.vocab->size + k;
            CHECK(fabs(before[at] - after[at]) < 1e-12, "query %d: %.15g and %.15g", q, before[at],
                  after[at]);
        }
    free(before);
    free(after);
    release(&s);
    close_fixture(&f);
}

/* For every order of three targets, over all texts: the products of p(x_z1) p(x_z2 | x_z1) p(x_z3 | x_z1, x_z2) add up to 1. */
static void probabilities_of_all_texts_add_up(void **state)
{
    enum { WORDS = 6, TEXTS = WORDS * WORDS * WORDS };
    static const int ORDERS[][3] = {{1, 2, 3}, {3, 1, 2}, {2, 3, 1}, {3, 2, 1}};
    fixture f;
    open_fixture(&f, state, WORDS);
    for (size_t z = 0; z < sizeof ORDERS / sizeof *ORDERS; z++) {
        sequence all = {0}; /* every text at once */
        double sum = 0;
        for (int text = 0; text < TEXTS; text++) {
            const int ids[] = {f.vocab->cls, text % WORDS, text / WORDS % WORDS, text / WORDS / WORDS};
            assert_int_equal(el_batch_add(&all.text, ids, 4, 4), EL_OK);
        }
        assert_int_equal(el_corruption_reserve(&all.targets, all.text.rows, TEXTS), EL_OK);
        for (int text = 0; text <= TEXTS; text++)
            all.targets.starts[text] = 3 * text;
        for (int i = 0; i < 3 * TEXTS; i++)
            all.targets.rows[i] = all.text.starts[i / 3] + ORDERS[z][i % 3];
        all.targets.count = 3 * TEXTS;
        assert_int_equal(el_order_make(&all.ordered, &all.asked, &all.text, &all.targets, query_of(&f)),
                         EL_OK);
        double *const logits = ask(&f.model, &f.model.networks[0], &all.ordered, true);
        for (int text = 0; text < TEXTS; text++) {
            double loss = 0;
            for (int i = 3 * text; i < 3 * text + 3; i++)
                loss += loss_at(logits + all.asked.rows[i] * WORDS, WORDS, all.asked.targets[i]);
            sum += exp(-loss);
        }
        CHECK(fabs(sum - 1) < 1e-12, "order %zu: %.15g", z, sum);
        free(logits);
        release(&all);
    }
    close_fixture(&f);
}

/* With one target the loss is that of a masked model in which [MASK] is seen by nothing but itself ... which is not
 * seen either. */
static void one_target_is_a_masked_model(void **state)
{
    fixture f;
    open_fixture(&f, state, 30);
    open_its_objective(&f, 3 * LENGTH);
    el_batch batch = {0};
    const int ids[] = {f.vocab->cls, 9,
                       f.vocab->sep}; /* a sixth of three tokens: one, and there is one candidate */
    assert_int_equal(el_batch_add(&batch, ids, 3, 3), EL_OK);
    const el_figures figures = run(&f, &batch, 2, false);
    el_batch masked = {0};
    const int shown[] = {f.vocab->cls, f.vocab->sep, query_of(&f)};
    assert_int_equal(el_batch_add(&masked, shown, 3, 3), EL_OK);
    masked.positions[1] = 2, masked.positions[2] = 1;
    el_batch_limit(&masked);
    masked.limits[0] = masked.limits[1] = masked.limits[2] = 2;
    double *const logits = ask(&f.model, &f.model.networks[0], &masked, true);
    const double wanted = loss_at(logits + 2 * f.vocab->size, f.vocab->size, 9);
    CHECK(fabs(figures.values[0] - wanted) < 1e-12, "loss %.15g, by hand %.15g", figures.values[0], wanted);
    free(logits);
    el_batch_release(&batch);
    el_batch_release(&masked);
    close_fixture(&f);
}

/* Sequences as long as the model has places become longer by a sixth, with dropout. */
static void gradients_are_slopes(void **state)
{
    fixture f;
    open_fixture(&f, state, 21);
    open_its_objective(&f, LENGTH);
    el_batch batch = {0};
    add_sequence(&batch, f.vocab, LENGTH, 1);
    add_sequence(&batch, f.vocab, LENGTH - 4, 2);
    check_slopes(f.objective, &batch);
    el_batch_release(&batch);
    close_fixture(&f);
}

/* By distances a text is the same wherever it begins, and segments have no names. */
static void places_count_from_anywhere(void **state)
{
    enum { AWAY = 17 };
    fixture f;
    open_fixture(&f, state, 30);
    sequence s = {0};
    static const int AT[] = {3, 8};
    add_sequence(&s.text, f.vocab, LENGTH, 2);
    for (int i = 7; i < LENGTH; i++)
        s.text.segments[i] = 1;
    order(&s, &f, AT, 2);
    double *const before = ask(&f.model, &f.model.networks[0], &s.ordered, true);
    for (int i = 0; i < s.ordered.rows; i++) {
        s.ordered.positions[i] += AWAY;
        s.ordered.segments[i] = !s.ordered.segments[i];
    }
    double *const after = ask(&f.model, &f.model.networks[0], &s.ordered, true);
    const size_t bytes = (size_t)s.ordered.rows * (size_t)f.vocab->size * sizeof *before;
    CHECK((memcmp(before, after, bytes) == 0) == (el_objective_of(&f.model) == EL_XLNET),
          "farther away it says %s", el_objective_of(&f.model) == EL_XLNET ? "something else" : "the same");
    free(before);
    free(after);
    release(&s);
    close_fixture(&f);
}

int main(void)
{
    static el_objective_kind places = EL_PERMUTATION, distances = EL_XLNET;
    const struct CMUnitTest tests[] = {
#define BOTH(test) cmocka_unit_test_prestate(test, &places), cmocka_unit_test_prestate(test, &distances)
        BOTH(nothing_sees_what_comes_later),     BOTH(the_order_of_storage_is_nothing),
        BOTH(probabilities_of_all_texts_add_up), BOTH(one_target_is_a_masked_model),
        BOTH(places_count_from_anywhere),        BOTH(gradients_are_slopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
