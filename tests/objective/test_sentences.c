/* Pairs of segments and the head that is asked of them, beside a masked language model. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "objective/fixture.h"
#include "objective/slopes.h"
#include "train/optimizer.h"

enum { LONGEST = 40, WORDS = 24 };
static const el_random STEP = {.seed = 3, .step = 9};

/* ---- pairs ---- */

/* `count` sequences whose ids tell where they come from: sequence s has 1000 (s + 1) + place.  Every fourth has one segment. */
static void add_told(el_batch *batch, int count)
{
    for (int s = 0; s < count; s++) {
        int ids[LONGEST];
        const int length = LONGEST - s % 7, second = s % 4 == 3 ? length : 8 + s % 11;
        for (int i = 0; i < length; i++)
            ids[i] = 1000 * (s + 1) + i;
        assert_int_equal(el_batch_add(batch, ids, length, second), EL_OK);
    }
}

static int second_of(const el_batch *b, int s)
{
    int row = b->starts[s];
    while (row < b->starts[s + 1] && !b->segments[row])
        row++;
    return row - b->starts[s];
}

static const int *ids_of(const el_batch *b, int s)
{
    return b->ids + b->starts[s];
}

static int length_of(const el_batch *b, int s)
{
    return b->starts[s + 1] - b->starts[s];
}

/* A coin for each pair; -1 exactly where there is one segment, and such a sequence stays; in `wrong` how many were made so. */
static void check_labels(const el_pairs *p, const el_batch *batch)
{
    int asked = 0, wrong = 0;
    assert_int_equal(p->batch.sequences, batch->sequences);
    for (int s = 0; s < batch->sequences; s++) {
        const bool pair = s % 4 != 3;
        CHECK((p->labels[s] >= 0) == pair, "sequence %d has the label %d", s, p->labels[s]);
        asked += pair;
        wrong += p->labels[s] == 1;
        if (!pair)
            CHECK(length_of(&p->batch, s) == length_of(batch, s) &&
                      memcmp(ids_of(&p->batch, s), ids_of(batch, s),
                             (size_t)length_of(batch, s) * sizeof(int)) == 0,
                  "sequence %d, of one segment, is changed", s);
    }
    CHECK(p->asked == asked && fabs((double)wrong / asked - 0.5) < 0.03, "%d of %d pairs are wrong", wrong,
          asked);
}

static void other_segments_come_from_other_pairs(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    el_batch batch = {0};
    el_pairs p = {0};
    int shorter = 0, taken[COUNT] = {0}, givers = 0;
    add_told(&batch, COUNT);
    assert_int_equal(el_pairs_make(&p, &batch, EL_SENTENCES_NSP, LONGEST, STEP), EL_OK);
    check_labels(&p, &batch);
    for (int s = 0; s < COUNT; s++) {
        const int second = second_of(&batch, s), n = length_of(&p.batch, s);
        const int *const ids = ids_of(&p.batch, s), from = ids[second] / 1000 - 1;
        assert_int_equal(second_of(&p.batch, s), second);
        shorter += n < length_of(&batch, s);
        for (int i = 0; i < n; i++) {
            const int wanted = p.labels[s] == 1 && i >= second && i < n - 1
                                   ? 1000 * (from + 1) + second_of(&batch, from) + i - second
                               : i == n - 1 ? ids_of(&batch, s)[length_of(&batch, s) - 1]
                                            : 1000 * (s + 1) + i;
            CHECK(ids[i] == wanted, "sequence %d: token %d is %d, not %d", s, i, ids[i], wanted);
        }
        if (p.labels[s] == 1) {
            CHECK(from != s, "sequence %d keeps its own segment and is called wrong", s);
            givers += taken[from]++ == 0;
        }
    }
    CHECK(shorter == 0, "%d pairs have become shorter", shorter);
    CHECK(givers > COUNT / 5, "%d pairs give all segments", givers);
    el_pairs_release(&p);
    el_batch_release(&batch);
}

/* The longest second segment has none to match it, and two pairs can only take each other's. */
static void a_segment_without_a_match_makes_the_pair_shorter(void **state)
{
    (void)state;
    int seen[2] = {0};
    for (uint32_t step = 0; step < 40; step++) {
        el_batch batch = {0};
        el_pairs p = {0};
        const int a[] = {1, 10, 2, 11, 12, 13, 2}, b[] = {1, 20, 2, 21, 2};
        assert_int_equal(el_batch_add(&batch, a, 7, 3), EL_OK);
        assert_int_equal(el_batch_add(&batch, b, 5, 3), EL_OK);
        assert_int_equal(el_pairs_make(&p, &batch, EL_SENTENCES_NSP, LONGEST, (el_random){8, 0, step}),
                         EL_OK);
        const int first[] = {1, 10, 2, 21, 2}, second[] = {1, 20, 2, 11, 2};
        if (p.labels[0] == 1)
            assert_memory_equal(ids_of(&p.batch, 0), first, sizeof first);
        if (p.labels[1] == 1)
            assert_memory_equal(ids_of(&p.batch, 1), second, sizeof second);
        assert_int_equal(length_of(&p.batch, 0), p.labels[0] == 1 ? 5 : 7);
        assert_int_equal(length_of(&p.batch, 1), 5);
        seen[0] += p.labels[0], seen[1] += p.labels[1];
        batch.sequences = 1, batch.rows = 7; /* alone, it has nobody to take from */
        assert_int_equal(el_pairs_make(&p, &batch, EL_SENTENCES_NSP, LONGEST, (el_random){8, 0, step}),
                         EL_OK);
        CHECK(p.asked == 0 && p.labels[0] == -1, "a pair alone has the label %d", p.labels[0]);
        el_pairs_release(&p);
        el_batch_release(&batch);
    }
    CHECK(seen[0] > 10 && seen[0] < 30 && seen[1] > 10 && seen[1] < 30, "%d and %d of 40 are wrong", seen[0],
          seen[1]);
}

/* Where no example is full nothing is cut: a pair that is exchanged twice is as it was. */
static void exchanging_twice_restores(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    el_batch batch = {0};
    el_pairs once = {0}, twice = {0};
    add_told(&batch, COUNT);
    assert_int_equal(el_pairs_make(&once, &batch, EL_SENTENCES_SOP, LONGEST + 1, STEP), EL_OK);
    check_labels(&once, &batch);
    assert_int_equal(el_pairs_make(&twice, &once.batch, EL_SENTENCES_SOP, LONGEST + 1, STEP), EL_OK);
    assert_int_equal(once.batch.rows, batch.rows);
    for (int s = 0; s < COUNT; s++)
        if (once.labels[s] == 1) {
            const int second = second_of(&batch, s),
                      n = length_of(&batch, s), *const ids = ids_of(&once.batch, s);
            CHECK(ids[0] == 1000 * (s + 1) && ids[1] == 1000 * (s + 1) + second &&
                      ids[n - 2] == 1000 * (s + 1) + second - 2 &&
                      second_of(&once.batch, s) == 1 + n - second,
                  "sequence %d is not exchanged", s);
        }
    assert_memory_equal(twice.labels, once.labels, COUNT * sizeof *once.labels);
    assert_memory_equal(twice.batch.segments, batch.segments, (size_t)batch.rows * sizeof *batch.segments);
    for (int s = 0; s < COUNT; s++)
        for (int i = 0; i < length_of(&batch, s); i++) { /* but for [SEP]s, which are tokens of one kind */
            const bool between = i == second_of(&batch, s) - 1 || i == length_of(&batch, s) - 1;
            CHECK(between || ids_of(&twice.batch, s)[i] == ids_of(&batch, s)[i],
                  "sequence %d: token %d is %d", s, i, ids_of(&twice.batch, s)[i]);
        }
    el_pairs_release(&once);
    el_pairs_release(&twice);
    el_batch_release(&batch);
}

/* In a full example the first segment loses its end, up to half of it, whether or not they change places. */
static void a_full_example_is_cut_in_both_segments(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    el_batch batch = {0};
    el_pairs p = {0};
    int cuts[2][EL_PAIR_CUT + 1] = {{0}}, full = 0, halved = 0;
    add_told(&batch, COUNT);
    assert_int_equal(el_pairs_make(&p, &batch, EL_SENTENCES_SOP, LONGEST, STEP), EL_OK);
    for (int s = 0; s < COUNT; s++) {
        const int cut = length_of(&batch, s) - length_of(&p.batch, s), first = second_of(&batch, s) - 2;
        const bool is_full = p.labels[s] >= 0 && length_of(&batch, s) == LONGEST;
        CHECK(cut >= 0 && cut <= EL_PAIR_CUT && cut <= first / 2 && (is_full || cut == 0),
              "sequence %d is cut by %d", s, cut);
        if (is_full)
            cuts[p.labels[s]][cut]++;
        full += is_full;
        halved += is_full && cut == first / 2;
    }
    for (int label = 0; label < 2; label++)
        CHECK(cuts[label][0] > 0 && cuts[label][0] < full / 4 && cuts[label][4] > 0,
              "with the label %d %d of %d are not cut", label, cuts[label][0], full);
    CHECK(halved > full / 20, "%d of %d are cut by half", halved, full);
    el_pairs_release(&p);
    el_batch_release(&batch);
}

/* ---- the objective ---- */

static el_config config_of(int embedding, int groups)
{
    el_config c = el_config_default();
    c.model_type = embedding == 8 && groups == 0 ? EL_MODEL_BERT : EL_MODEL_ALBERT;
    c.vocab_size = WORDS;
    c.embedding_size = embedding;
    c.hidden_size = 8;
    c.num_hidden_layers = 2;
    c.num_hidden_groups = groups;
    c.num_attention_heads = 2;
    c.intermediate_size = 12;
    c.max_position_embeddings = LONGEST;
    c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0;
    return c;
}

/* Six sequences, of which one has one segment; second segments have words of their own. */
static void add_pairs(el_batch *batch, const el_vocab *vocab)
{
    for (int s = 0; s < 6; s++) {
        el_batch one = {0};
        const int length = 18 - s;
        add_sequence(&one, vocab, length, s);
        for (int i = 1; i < length - 1; i++)
            one.ids[i] = 5 + one.ids[i] % 8 + (i > 6 ? 8 : 0);
        one.ids[6] = vocab->sep;
        assert_int_equal(el_batch_add(batch, one.ids, length, s == 2 ? length : 7), EL_OK);
        el_batch_release(&one);
    }
}

static void open_fixture(fixture *f, el_config config, el_sentence_task task, bool reference, int rows)
{
    el_model_plan plan = el_objective_plan(EL_MLM, EL_SAMPLER_NETWORK, config, config, EL_TIE_SEPARATE);
    el_objective_plan_sentences(&plan);
    plan.training = true;
    plan.activations = plan.parameters = reference ? EL_F64 : EL_F32;
    open_model(f, &plan, true, reference ? "reference" : NULL, 1);
    el_objective_settings settings = el_objective_defaults();
    settings.max_seq_length = LONGEST;
    settings.sentence_task = task;
    settings.gen_weight = 2;
    add_pairs(&f->batch, f->vocab);
    open_objective(f, EL_MLM, &settings, rows);
}

/* Of the whole loss, as a BERT, as an ALBERT whose layers are all different, and with one layer. */
static void gradients_are_slopes(void **state)
{
    (void)state;
    const el_config configs[] = {config_of(8, 0), config_of(6, 2), config_of(6, 1)};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        fixture f;
        open_fixture(&f, configs[i], i % 2 ? EL_SENTENCES_NSP : EL_SENTENCES_SOP, true, LONGEST);
        f.batch.sequences = 3;
        f.batch.rows = f.batch.starts[3];
        check_slopes(f.objective, &f.batch);
        close_fixture(&f);
    }
}

/* As ranges of two sequences, and as one. */
static void parts_of_a_batch_add_up(void **state)
{
    (void)state;
    el_figures figures[2];
    double *gradients[2];
    int count = 0;
    for (int k = 0; k < 2; k++) {
        fixture f;
        open_fixture(&f, config_of(6, 2), EL_SENTENCES_NSP, true, k ? LONGEST : 6 * LONGEST);
        el_model_zero_gradients(&f.model);
        figures[k] = run(&f, &f.batch, 1, true);
        const el_tensor g = el_model_region(&f.model, EL_GRADIENTS);
        count = g.rows * g.cols;
        gradients[k] = malloc((size_t)count * sizeof **gradients);
        for (int i = 0; i < count; i++)
            gradients[k][i] = el_get(g, i / g.cols, i % g.cols);
        close_fixture(&f);
    }
    CHECK(el_figure(&figures[0], "sentence_loss") > 0.1, "no loss of sentences");
    for (int i = 0; i < figures[0].count; i++)
        CHECK(fabs(figures[0].values[i] - figures[1].values[i]) < 1e-12, "%s is %.15g, in parts %.15g",
              figures[0].names[i], figures[0].values[i], figures[1].values[i]);
    for (int i = 0; i < count; i++)
        CHECK(fabs(gradients[0][i] - gradients[1][i]) < 1e-12, "gradient %d is %.15g, in parts %.15g", i,
              gradients[0][i], gradients[1][i]);
    free(gradients[0]);
    free(gradients[1]);
}

static double norm_of(const fixture *f, const char *name)
{
    const el_param *const p = el_param_find(&f->model.networks[0].params, name);
    double sum = 0;
    for (int i = 0; i < (int)el_param_elements(p); i++)
        sum += pow(el_get(p->gradient, i / p->value.cols, i % p->value.cols), 2);
    return sum;
}

/* The loss is gen_weight times one of them plus the other; where nothing is asked there is no figure and no gradient. */
static void figures_are_of_their_parts(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, config_of(8, 0), EL_SENTENCES_SOP, true, 6 * LONGEST);
    el_figures all = run(&f, &f.batch, 1, true);
    const double wanted = 2 * el_figure(&all, "generator_loss") + el_figure(&all, "sentence_loss");
    CHECK(fabs(all.values[0] - wanted) < 1e-12, "loss %.15g, its parts %.15g", all.values[0], wanted);
    CHECK(norm_of(&f, "electra.pooler.dense.weight") > 0 && norm_of(&f, "seq_relationship.weight") > 0,
          "the head has no gradient");
    for (int i = 0; i < f.batch.rows; i++)
        f.batch.segments[i] = 0;
    el_model_zero_gradients(&f.model);
    all = run(&f, &f.batch, 1, true);
    CHECK(norm_of(&f, "electra.pooler.dense.weight") == 0 && norm_of(&f, "seq_relationship.weight") == 0,
          "a sequence that is not asked has a gradient");
    CHECK(norm_of(&f, "generator_predictions.dense.weight") > 0, "tokens are not learned");
    CHECK(isnan(el_figure(&all, "sentence_loss")) && isnan(el_figure(&all, "sentence_accuracy")) &&
              fabs(all.values[0] - 2 * el_figure(&all, "generator_loss")) < 1e-12,
          "nothing was asked, and the loss is %g", all.values[0]);
    close_fixture(&f);
}

/* ln 2 beside what tokens cost, and then less. */
static void it_begins_at_ln_2_and_is_learned(void **state)
{
    (void)state;
    fixture f;
    const el_optimizer optimizer = el_optimizer_defaults();
    open_fixture(&f, config_of(8, 0), EL_SENTENCES_SOP, false, 6 * LONGEST);
    const el_initialisation paper = {.seed = 9};
    CHECK(el_model_initialise(&f.model, &paper) == EL_OK, "%s", el_error());
    const el_figures first = run(&f, &f.batch, 0, false);
    CHECK(fabs(el_figure(&first, "generator_loss") - log(WORDS)) < 0.03 &&
              fabs(el_figure(&first, "sentence_loss") - log(2)) < 0.03,
          "it begins at %g and %g", el_figure(&first, "generator_loss"), el_figure(&first, "sentence_loss"));
    const el_initialisation wide = {.fan_in = true, .seed = 9};
    CHECK(el_model_initialise(&f.model, &wide) == EL_OK, "%s", el_error());
    for (uint32_t step = 0; step < 300; step++) {
        run(&f, &f.batch, step, true);
        el_optimizer_update(&optimizer, &f.model, 5e-3, el_gradient_norm(&f.model), step);
    }
    const el_figures last = run(&f, &f.batch, 1000, false);
    CHECK(el_figure(&last, "sentence_loss") < 0.2 && el_figure(&last, "sentence_accuracy") == 1,
          "after 300 steps it is %g, and %g are right", el_figure(&last, "sentence_loss"),
          el_figure(&last, "sentence_accuracy"));
    close_fixture(&f);
}

/* What was made ready beforehand is what would be made now. */
static void a_batch_made_ready_is_the_same(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, config_of(8, 0), EL_SENTENCES_NSP, true, 6 * LONGEST);
    const el_figures now = run(&f, &f.batch, 4, false);
    CHECK(f.objective->prepare(f.objective, &f.batch, (el_random){5, 0, 4}) == EL_OK, "%s", el_error());
    const el_figures ready = run(&f, &f.batch, 4, false);
    CHECK(f.objective->prepare(f.objective, &f.batch, (el_random){5, 0, 3}) == EL_OK, "%s", el_error());
    const el_figures other = run(&f, &f.batch, 4, false); /* another step's was ready */
    assert_memory_equal(ready.values, now.values, (size_t)now.count * sizeof *now.values);
    assert_memory_equal(other.values, now.values, (size_t)now.count * sizeof *now.values);
    close_fixture(&f);
}

static void misfits_are_refused(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, config_of(8, 0), EL_SENTENCES_NSP, true, LONGEST);
    el_model plain;
    el_model_plan plan =
        el_objective_plan(EL_MLM, EL_SAMPLER_NETWORK, config_of(8, 0), config_of(8, 0), EL_TIE_SEPARATE);
    plan.activations = plan.parameters = EL_F64;
    el_objective_settings settings = el_objective_defaults();
    settings.max_seq_length = LONGEST;
    settings.sentence_task = EL_SENTENCES_SOP;
    el_objective *objective;
    CHECK(el_model_open(&plain, f.q, &plan) == EL_OK, "%s", el_error());
    CHECK(el_objective_open(&objective, EL_MLM, &plain, f.vocab, &settings, LONGEST) == EL_EUSAGE,
          "a model without the head is asked");
    CHECK(el_objective_of(&f.model) == EL_MLM, "with the head it is another objective's");
    el_model_close(&plain);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_segments_come_from_other_pairs),
        cmocka_unit_test(a_segment_without_a_match_makes_the_pair_shorter),
        cmocka_unit_test(exchanging_twice_restores),
        cmocka_unit_test(a_full_example_is_cut_in_both_segments),
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(parts_of_a_batch_add_up),
        cmocka_unit_test(figures_are_of_their_parts),
        cmocka_unit_test(it_begins_at_ln_2_and_is_learned),
        cmocka_unit_test(a_batch_made_ready_is_the_same),
        cmocka_unit_test(misfits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
