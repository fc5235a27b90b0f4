/* Masking, sampling, labels and losses of replaced token detection. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/initialise.h"
#include "objective/batches.h"
#include "objective/detector.h"
#include "objective/objectives.h"
#include "objective/scores.h"
#include "ops/distant.h"

static el_config small_config(int vocab_size)
{
    el_config c = el_config_default();
    c.vocab_size = vocab_size;
    c.embedding_size = c.hidden_size = 8;
    c.num_hidden_layers = 1;
    c.num_attention_heads = 2;
    c.intermediate_size = 16;
    c.max_position_embeddings = 32;
    c.layer_norm_eps = 1e-6;
    return c;
}

static void open_model(el_model *model, el_queue *q, const el_config *generator,
                       const el_config *discriminator, el_type type)
{
    el_model_plan plan =
        el_objective_plan(EL_ELECTRA, generator ? EL_SAMPLER_NETWORK : EL_SAMPLER_UNIFORM, *discriminator,
                          generator ? *generator : *discriminator, EL_TIE_SHARED);
    plan.activations = plan.parameters = type;
    plan.training = true;
    const el_initialisation how = {.seed = 3};
    CHECK(el_model_open(model, q, &plan) == EL_OK, "%s", el_error());
    CHECK(el_model_initialise(model, &how) == EL_OK, "%s", el_error());
}

static el_figures run(el_objective *objective, const el_batch *batch, bool training)
{
    el_figures figures;
    objective->reset(objective);
    CHECK(el_objective_run(objective, batch, (el_random){5, 0, 2}, training) == EL_OK, "%s", el_error());
    objective->finish(objective, &figures);
    return figures;
}

static double figure(const el_figures *figures, const char *name)
{
    for (int i = 0; i < figures->count; i++)
        if (strcmp(figures->names[i], name) == 0)
            return figures->values[i];
    fail_msg("no figure %s", name);
    return 0;
}

/* With 3 words in the vocabulary a third of uniform samples are the original: they must count as original. */
static void lucky_samples_count_as_original(void **state)
{
    (void)state;
    for (int disallow = 0; disallow < 2; disallow++) {
        el_vocab *vocab = make_vocab(8);
        el_model model;
        el_objective *objective;
        el_batch batch = {0};
        const el_config c = small_config(8);
        for (int s = 0; s < 100; s++)
            add_sequence(&batch, vocab, 22, s);
        open_model(&model, el_queue_reference(), NULL, &c, EL_F64);
        el_objective_settings settings = el_objective_defaults();
        settings.sampler = EL_SAMPLER_UNIFORM;
        settings.disallow_correct = disallow;
        settings.max_seq_length = 22;
        settings.max_predictions = 4;
        settings.mask_prob = (el_course){0.2, 0.2};
        assert_int_equal(el_objective_open(&objective, EL_ELECTRA, &model, vocab, &settings, 100), EL_OK);
        const el_figures f = run(objective, &batch, false);
        const double slots = 4.0 / 22, lucky = figure(&f, "sampled_accuracy");
        CHECK(fabs(figure(&f, "replaced") - slots * (1 - lucky)) < 1e-12, "replaced %g, slots %g, lucky %g",
              figure(&f, "replaced"), slots, lucky);
        CHECK(disallow ? lucky == 0 : fabs(lucky - 1.0 / 8) < 0.07, "lucky %g", lucky);
        CHECK(fabs(figure(&f, "generator_loss") - log(8)) < 1e-12, "a uniform generator's loss is log V");
        objective->close(objective);
        el_model_close(&model);
        el_batch_release(&batch);
        el_vocab_close(vocab);
    }
}

typedef struct {
    el_queue *q;
    double *values;
    size_t count;
} gradients;

static void keep_gradient(void *context, const el_network *net, el_param *p)
{
    (void)net;
    gradients *g = context;
    const size_t count = (size_t)el_param_elements(p);
    g->values = realloc(g->values, (g->count + count) * sizeof *g->values);
    for (size_t i = 0; i < count; i++)
        g->values[g->count++] = distant_get(g->q, p->gradient, (int)(i / (size_t)p->value.cols),
                                            (int)(i % (size_t)p->value.cols));
}

/* Losses are normalised over the whole batch and dropout is numbered by its rows, so any split is the same.
 */
static void splitting_a_batch_changes_nothing(void **state)
{
    (void)state;
    el_vocab *vocab = make_vocab(30);
    el_batch batch = {0};
    const el_config c = small_config(30);
    gradients whole = {0}, split = {0};
    double losses[2];
    for (int s = 0; s < 7; s++)
        add_sequence(&batch, vocab, 5 + 2 * s, s);
    for (int pass = 0; pass < 2; pass++) {
        el_model model;
        el_objective *objective;
        el_objective_settings settings = el_objective_defaults();
        settings.max_seq_length = 20;
        whole.q = split.q = distant_open(1, "reference");
        open_model(&model, whole.q, &c, &c, EL_F64);
        CHECK(el_objective_open(&objective, EL_ELECTRA, &model, vocab, &settings, pass ? 20 : 1000) == EL_OK,
              "%s", el_error());
        const el_figures f = run(objective, &batch, true);
        losses[pass] = f.values[0];
        el_model_each(&model, keep_gradient, pass ? &split : &whole);
        objective->close(objective);
        el_model_close(&model);
        el_queue_close(whole.q);
    }
    CHECK(fabs(losses[0] - losses[1]) < 1e-12 * losses[0], "loss %.15g whole, %.15g split", losses[0],
          losses[1]);
    for (size_t i = 0; i < whole.count; i++)
        CHECK(fabs(whole.values[i] - split.values[i]) < 1e-10, "gradient %zu: %.12g whole, %.12g split", i,
              whole.values[i], split.values[i]);
    free(whole.values);
    free(split.values);
    el_batch_release(&batch);
    el_vocab_close(vocab);
}

/* ln 30522 + 50 ln 2 = 44.98: nothing is known yet, of words or of replacements. */
static void small_begins_at_the_papers_loss(void **state)
{
    (void)state;
    el_queue *q;
    el_model model;
    el_objective *objective;
    el_batch batch = {0};
    el_vocab *vocab = make_vocab(30522);
    el_config discriminator = el_config_default(), generator = el_config_default();
    generator.hidden_size = 64;
    generator.intermediate_size = 256;
    generator.num_attention_heads = 1;
    for (int s = 0; s < 8; s++)
        add_sequence(&batch, vocab, 128, s);
    CHECK(el_queue_open(&q, 2, NULL) == EL_OK, "%s", el_error());
    open_model(&model, q, &generator, &discriminator, EL_F32);
    CHECK(el_model_parameters(&model) == 14196219,
          "%lld parameters, the paper's Small has 14196219 (spec 2.2)",
          (long long)el_model_parameters(&model));
    const el_objective_settings settings = el_objective_defaults();
    CHECK(el_objective_open(&objective, EL_ELECTRA, &model, vocab, &settings, 512) == EL_OK, "%s",
          el_error());
    const el_figures f = run(objective, &batch, true);
    CHECK(fabs(f.values[0] - 44.98) < 1.5, "step-0 loss %g, expected near 44.98", f.values[0]);
    objective->close(objective);
    el_model_close(&model);
    el_queue_close(q);
    el_batch_release(&batch);
    el_vocab_close(vocab);
}

static double auc_of(const float *scores, const int *labels, int count)
{
    el_scores s = {0};
    assert_int_equal(el_scores_reserve(&s, (size_t)count), EL_OK);
    for (int i = 0; i < count; i++)
        el_scores_add(&s, scores[i], labels[i]);
    const double auc = el_scores_auc(&s);
    el_scores_release(&s);
    return auc;
}

static void area_under_the_curve(void **state)
{
    (void)state;
    const float scores[] = {0.1f, 0.4f, 0.35f, 0.8f, 0.4f};
    const int labels[] = {0, 0, 1, 1, 1}, ones[] = {1, 1, 1, 1, 1};
    /* pairs (1 above 0): 0.35 beats 0.1 only; 0.8 beats both; 0.4 beats 0.1 and ties 0.4 */
    CHECK(fabs(auc_of(scores, labels, 5) - 4.5 / 6) < 1e-15, "%g", auc_of(scores, labels, 5));
    CHECK(auc_of(scores, ones, 5) == 0.5, "one class alone");
}

/* Of two million scores, those of ones higher by half a spread, the area in small steps beside the exact one. */
static void area_of_more_scores_than_are_kept(void **state)
{
    (void)state;
    enum { COUNT = 2 << 20, STEP = 1 << 14 };
    el_scores exact = {0}, stepwise = {0};
    assert_int_equal(el_scores_reserve(&exact, COUNT), EL_OK);
    for (int i = 0; i < COUNT; i++) {
        const int label = el_random_below((el_random){.seed = 1}, (uint64_t)i, 7) == 0;
        const double normal = el_random_normal((el_random){.seed = 2}, (uint64_t)i);
        const float score = (float)(0.01 * (0.5 * label + normal) - 1.7);
        if (i % STEP == 0)
            assert_int_equal(el_scores_reserve(&stepwise, STEP), EL_OK);
        el_scores_add(&exact, score, label);
        el_scores_add(&stepwise, score, label);
    }
    const double wanted = el_scores_auc(&exact), got = el_scores_auc(&stepwise);
    CHECK(fabs(wanted - 0.638) < 0.01, "the exact area is %.6f", wanted);
    CHECK(fabs(got - wanted) < 0x1p-16, "%.9f from bins, %.9f exactly", got, wanted);
    CHECK(stepwise.room < 2 * EL_SCORES_KEPT, "memory for %zu scores", stepwise.room);
    el_scores_clear(&stepwise);
    CHECK(el_scores_auc(&stepwise) == 0.5, "nothing is left of them");
    el_scores_release(&exact);
    el_scores_release(&stepwise);
}

/* Scores of two parts that are taken out and added up, each of more than are kept. */
static void area_of_parts_with_bins(void **state)
{
    (void)state;
    enum { COUNT = 3 << 20, STEP = 1 << 14 };
    el_scores exact = {0}, part = {0}, sum = {0};
    el_ledger taken[2] = {{0}};
    assert_int_equal(el_scores_reserve(&exact, COUNT), EL_OK);
    for (int i = 0; i < COUNT; i++) {
        const int label = el_random_below((el_random){.seed = 1}, (uint64_t)i, 7) == 0;
        const float score = (float)(0.5 * label + el_random_normal((el_random){.seed = 2}, (uint64_t)i));
        if (i == COUNT / 2)
            el_scores_ledger(&part, &taken[0]);
        if (i % STEP == 0)
            assert_int_equal(el_scores_reserve(&part, STEP), EL_OK);
        el_scores_add(&exact, score, label);
        el_scores_add(&part, score, label);
    }
    el_scores_ledger(&part, &taken[1]);
    CHECK(el_scores_auc(&part) == 0.5, "what was taken is left");
    for (int i = 0; i < 2; i++) {
        taken[i].adding = true;
        el_scores_ledger(&sum, &taken[i]);
        assert_int_equal(taken[i].status, EL_OK);
        el_ledger_release(&taken[i]);
    }
    const double wanted = el_scores_auc(&exact), got = el_scores_auc(&sum);
    CHECK(fabs(got - wanted) < 0x1p-15, "%.9f from the bins of two parts, %.9f exactly", got, wanted);
    el_scores_release(&exact);
    el_scores_release(&part);
    el_scores_release(&sum);
}

/* An evaluation may judge more tokens than are kept; the steps after it do not count them. */
static void reset_forgets_bins(void **state)
{
    (void)state;
    el_detector d = {0};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(el_scores_reserve(&d.judged, EL_SCORES_KEPT), EL_OK);
        for (int k = 0; k < EL_SCORES_KEPT; k++)
            el_scores_add(&d.judged, (float)k, k % 2);
    }
    CHECK(d.judged.bins, "so many are counted in bins");
    el_detector_reset(&d);
    CHECK(el_scores_auc(&d.judged) == 0.5, "something is left: %g", el_scores_auc(&d.judged));
    el_scores_release(&d.judged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lucky_samples_count_as_original),
        cmocka_unit_test(splitting_a_batch_changes_nothing),
        cmocka_unit_test(small_begins_at_the_papers_loss),
        cmocka_unit_test(area_under_the_curve),
        cmocka_unit_test(area_of_more_scores_than_are_kept),
        cmocka_unit_test(area_of_parts_with_bins),
        cmocka_unit_test(reset_forgets_bins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
