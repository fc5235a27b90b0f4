/* The gradient of the whole two-network loss against central differences, in double on the reference device:
 * every parameter of every way to tie the networks, with dropout on. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/initialise.h"
#include "objective/objectives.h"
#include "ops/distant.h"

static const char PIECES[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\n";

typedef struct {
    el_objective *objective;
    el_model model;
    el_vocab *vocab;
    el_batch batch;
    el_random random;
    el_objective_kind objective_kind;
    double disc_weight;
} fixture;

static int groups; /* of layers that are different; 0: all are */

static el_config config_of(int hidden, int embedding)
{
    el_config c = el_config_default();
    c.vocab_size = 21;
    c.embedding_size = embedding;
    c.hidden_size = hidden;
    c.num_hidden_layers = 2;
    c.num_attention_heads = 2;
    c.intermediate_size = 2 * hidden;
    c.max_position_embeddings = 16;
    c.layer_norm_eps = 1e-6;
    c.num_hidden_groups = groups;
    c.model_type = groups ? EL_MODEL_ALBERT : EL_MODEL_ELECTRA;
    return c;
}

static void open_fixture(fixture *f, el_objective_kind kind, el_tying tying, int generator_hidden,
                         const el_objective_settings *settings)
{
    static const int LENGTHS[] = {9, 4, 13};
    const int width = tying == EL_TIE_SEPARATE ? generator_hidden : 6;
    *f = (fixture){
        .random = {.seed = 7, .step = 3}, .objective_kind = kind, .disc_weight = settings->disc_weight};
    el_model_plan plan = el_objective_plan(
        kind, settings->sampler, config_of(8, 6),
        !el_objective_has_generator(kind) ? config_of(8, 6) : config_of(generator_hidden, width), tying);
    plan.activations = plan.parameters = EL_F64;
    plan.training = true;
    const el_initialisation how = {.fan_in = true, .sine_positions = true, .seed = 5};
    assert_int_equal(el_vocab_parse(&f->vocab, PIECES, strlen(PIECES), (el_casing){0}, "pieces"), EL_OK);
    assert_int_equal(el_model_open(&f->model, distant_open(1, "reference"), &plan), EL_OK);
    assert_int_equal(el_model_initialise(&f->model, &how), EL_OK);
    for (int s = 0; s < 3; s++) {
        int ids[16];
        for (int i = 0; i < LENGTHS[s]; i++)
            ids[i] = i == 0 ? f->vocab->cls : i + 1 == LENGTHS[s] ? f->vocab->sep : 5 + (i * 7 + s) % 16;
        assert_int_equal(el_batch_add(&f->batch, ids, LENGTHS[s], s == 2 ? 6 : LENGTHS[s]), EL_OK);
    }
    assert_int_equal(el_objective_open(&f->objective, kind, &f->model, f->vocab, settings, 16), EL_OK);
}

static void close_fixture(fixture *f)
{
    f->objective->close(f->objective);
    el_batch_release(&f->batch);
    el_queue *const q = f->model.q;
    el_model_close(&f->model);
    el_queue_close(q);
    el_vocab_close(f->vocab);
}

/* The loss that a network's parameters are trained on: under gdes, what the discriminator learns stops at the
 * generator's tables. */
static double loss_of(fixture *f, bool generator_alone)
{
    el_figures figures;
    f->objective->reset(f->objective);
    assert_int_equal(el_objective_run(f->objective, &f->batch, f->random, true), EL_OK);
    f->objective->finish(f->objective, &figures);
    return figures.values[generator_alone ? 1 : 0];
}

static double loss_beside(fixture *f, el_tensor t, int row, int col, double step, bool generator_alone)
{
    const double value = distant_get(f->model.q, t, row, col);
    distant_set(f->model.q, t, row, col, value + step);
    el_model_prepare(&f->model);
    const double loss = loss_of(f, generator_alone);
    distant_set(f->model.q, t, row, col, value);
    el_model_prepare(&f->model);
    return loss;
}

/* Runs add to gradients, so what is claimed is kept aside before the differences are taken. */
static void check_param(void *context, const el_network *net, el_param *p)
{
    enum { PROBES = 4 };
    fixture *f = context;
    const el_network *last = &f->model.networks[f->model.count - 1];
    /* what Electric's discriminator is told of the noise has no gradient either */
    const bool told = f->objective_kind == EL_ELECTRIC && strcmp(net->name, EL_DISCRIMINATOR) != 0;
    const bool alone = (last->tying == EL_TIE_GDES && strcmp(net->name, EL_GENERATOR) == 0) || told;
    const double h = 1e-4;
    if (p->frozen ||
        (f->objective_kind == EL_ELECTRIC && f->disc_weight > 0 && strstr(p->name, "embeddings.")))
        return;
    const uint64_t count = (uint64_t)el_param_elements(p);
    int rows[PROBES], cols[PROBES];
    double claimed[PROBES];
    el_model_zero_gradients(&f->model);
    loss_of(f, alone);
    for (int k = 0; k < PROBES; k++) {
        const int at = (int)el_random_below((el_random){11, 0, 0}, count * PROBES + (uint64_t)k, count);
        rows[k] = at / p->value.cols;
        cols[k] = at % p->value.cols;
        claimed[k] = distant_get(f->model.q, p->gradient, rows[k], cols[k]);
    }
    for (int k = 0; k < PROBES; k++) {
        const double above = loss_beside(f, p->value, rows[k], cols[k], h, alone);
        const double below = loss_beside(f, p->value, rows[k], cols[k], -h, alone);
        const double slope = (above - below) / (2 * h);
        if (!(fabs(slope - claimed[k]) <= 1e-5 * (1 + fabs(claimed[k]))))
            fail_msg("%s %s[%d, %d]: slope %.9g, gradient says %.9g", net->name, p->name, rows[k], cols[k],
                     slope, claimed[k]);
    }
}

static void check_all(el_objective_kind kind, el_tying tying, int generator_hidden,
                      el_objective_settings settings)
{
    fixture f;
    settings.max_seq_length = 16;
    settings.mask_prob = (el_course){0.3, 0.3};
    open_fixture(&f, kind, tying, generator_hidden, &settings);
    loss_of(&f, false); /* an objective may freeze a network with its first batch */
    el_model_each(&f.model, check_param, &f);
    close_fixture(&f);
}

static void shared_embeddings(void **state)
{
    (void)state;
    check_all(EL_ELECTRA, EL_TIE_SHARED, 4, el_objective_defaults());
}

static void separate_embeddings(void **state)
{
    (void)state;
    check_all(EL_ELECTRA, EL_TIE_SEPARATE, 4, el_objective_defaults());
}

static void everything_shared(void **state)
{
    (void)state;
    check_all(EL_ELECTRA, EL_TIE_ALL, 8, el_objective_defaults());
}

static void disentangled_embeddings(void **state)
{
    (void)state;
    check_all(EL_ELECTRA, EL_TIE_GDES, 4, el_objective_defaults());
}

static void duplicate_slots(void **state)
{
    (void)state;
    el_objective_settings settings = el_objective_defaults();
    settings.duplicate_slots = settings.disallow_correct = true;
    settings.temperature = (el_course){2, 2};
    check_all(EL_ELECTRA, EL_TIE_SHARED, 4, settings);
}

static void masked_language_model(void **state)
{
    (void)state;
    el_objective_settings settings = el_objective_defaults();
    settings.shares = (el_mask_shares){0.4, 0.3, 0.3};
    check_all(EL_MLM, EL_TIE_SEPARATE, 8, settings);
}

static void detection_at_the_slots(void **state)
{
    (void)state;
    check_all(EL_ELECTRA_15, EL_TIE_SHARED, 4, el_objective_defaults());
}

/* The first stage, and the second, where what is frozen has no gradient. */
static void two_stages(void **state)
{
    (void)state;
    el_objective_settings settings = el_objective_defaults();
    for (settings.steps = 4; settings.steps <= 8; settings.steps += 4)
        check_all(EL_TWO_STAGE, EL_TIE_SEPARATE, 8, settings);
}

/* ELECTRA-TT as a whole; of Electric the noise, and with its loss alone the tables that it shares; the energies, but of tables,
 * which change the noise that they are told from. */
static void two_towers(void **state)
{
    (void)state;
    el_objective_settings settings = el_objective_defaults();
    settings.sampler = EL_SAMPLER_TWO_TOWERS;
    check_all(EL_ELECTRA, EL_TIE_SHARED, 4, settings);
    check_all(EL_ELECTRIC, EL_TIE_SHARED, 4, settings);
    settings.disc_weight = 0;
    check_all(EL_ELECTRIC, EL_TIE_SHARED, 4, settings);
}

static void language_models(void **state)
{
    (void)state;
    check_all(EL_CAUSAL, EL_TIE_SEPARATE, 8, el_objective_defaults());
    check_all(EL_BIDIRECTIONAL, EL_TIE_SEPARATE, 8, el_objective_defaults());
}

static void replaced_masked_language_model(void **state)
{
    (void)state;
    el_objective_settings settings = el_objective_defaults();
    settings.disc_weight = 2;
    check_all(EL_REPLACE_MLM, EL_TIE_SHARED, 4, settings);
    check_all(EL_REPLACE_MLM, EL_TIE_ALL, 8, settings);
}

/* One layer used twice, in both networks. */
static void shared_layers(void **state)
{
    (void)state;
    groups = 1;
    check_all(EL_ELECTRA, EL_TIE_SHARED, 4, el_objective_defaults());
    groups = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shared_embeddings),
                                       cmocka_unit_test(separate_embeddings),
                                       cmocka_unit_test(everything_shared),
                                       cmocka_unit_test(disentangled_embeddings),
                                       cmocka_unit_test(duplicate_slots),
                                       cmocka_unit_test(masked_language_model),
                                       cmocka_unit_test(detection_at_the_slots),
                                       cmocka_unit_test(replaced_masked_language_model),
                                       cmocka_unit_test(language_models),
                                       cmocka_unit_test(two_stages),
                                       cmocka_unit_test(two_towers),
                                       cmocka_unit_test(shared_layers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
