/* Which parameters a model has: every network is whole, however the two are tied and whether or not both are there. */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/initialise.h"
#include "objective/objectives.h"
#include "train/optimizer.h"

static const char *const TYINGS[] = {"separate", "shared", "gdes", "all"};

static el_config small_config(void)
{
    el_config c = el_config_default();
    c.vocab_size = 11;
    c.embedding_size = 4;
    c.hidden_size = 8;
    c.num_hidden_layers = 2;
    c.num_attention_heads = 2;
    c.intermediate_size = 16;
    c.max_position_embeddings = 8;
    return c;
}

static void need(const el_network *net, const char *tying, const char *name)
{
    if (!el_param_find(&net->params, name))
        fail_msg("%s: no parameter %s", tying, name);
}

static void check_whole(const el_network *net, const char *tying, const char *head)
{
    need(net, tying, "electra.embeddings.word_embeddings.weight");
    need(net, tying, "electra.embeddings.position_embeddings.weight");
    need(net, tying, "electra.embeddings.token_type_embeddings.weight");
    need(net, tying, "electra.embeddings.LayerNorm.weight");
    need(net, tying, "electra.embeddings_project.weight");
    need(net, tying, "electra.encoder.layer.0.attention.self.query.weight");
    need(net, tying, "electra.encoder.layer.1.output.dense.weight");
    need(net, tying, head);
}

static void every_network_is_whole(void **state)
{
    (void)state;
    for (int tying = EL_TIE_SEPARATE; tying <= EL_TIE_ALL; tying++)
        for (int which = 1; which <= 3; which++) {
            el_model model;
            el_model_plan plan = el_objective_plan(which & 2 ? EL_ELECTRA : EL_MLM,
                                                   which & 1 ? EL_SAMPLER_NETWORK : EL_SAMPLER_UNIFORM,
                                                   small_config(), small_config(), (el_tying)tying);
            plan.training = true;
            assert_int_equal(el_model_open(&model, el_queue_reference(), &plan), EL_OK);
            assert_int_equal(model.count, which == 3 ? 2 : 1);
            for (int i = 0; i < model.count; i++)
                check_whole(&model.networks[i], TYINGS[tying],
                            el_network_head(&model.networks[i], EL_HEAD_MLM)
                                ? "generator_lm_head.bias"
                                : "discriminator_predictions.dense_prediction.weight");
            el_model_close(&model);
        }
}

/* ---- a head that reads all rows ---- */

enum { ROWS = 7, HIDDEN = 8, WORDS = 11 };

/* A masked model in double, trained on the reference device. */
static void open_masked(el_model *model)
{
    el_model_plan plan = {.training = true, .activations = EL_F64, .parameters = EL_F64};
    el_plan_add(&plan, EL_GENERATOR, small_config(), (el_head_config){.kind = EL_HEAD_MLM});
    assert_int_equal(el_model_open(model, el_queue_reference(), &plan), EL_OK);
    assert_int_equal(el_model_initialise(model, &(el_initialisation){.fan_in = true, .seed = 3}), EL_OK);
}

/* Loss and backward of rows [first, last), `at_a_time`, by the head alone; dhidden ends in `dhidden`. */
static void head_over_rows(const el_model *model, el_tensor hidden, el_tensor dhidden, int at_a_time)
{
    static const int TARGETS[ROWS] = {5, 6, 7, 8, 9, 10, 5};
    static const int ALL[ROWS] = {0, 1, 2, 3, 4, 5, 6};
    el_queue *const q = el_queue_reference();
    const el_network *const net = &model->networks[0];
    const el_head *const head = el_network_head(net, EL_HEAD_MLM);
    el_arena arena = {0};
    el_mlm_saved saved;
    for (int pass = 0; pass < 2; pass++) {
        el_mlm_saved_layout(&saved, &arena, &net->config, ROWS, EL_F64, EL_F64, true);
        if (pass == 0)
            assert_int_equal(el_device_reserve(q->dev, &arena), EL_OK);
    }
    for (int first = 0; first < ROWS; first += at_a_time) {
        const int count = first + at_a_time < ROWS ? at_a_time : ROWS - first;
        const el_tensor logits =
            el_mlm_forward(q, &net->config, &head->mlm.w, &saved, hidden, ALL + first, count);
        q->softmax_loss(q, el_tensor_none(), NULL, NULL, logits, logits, TARGETS + first, NULL, NULL,
                        1.0 / ROWS);
        el_mlm_backward(q, &head->mlm.w, &head->mlm.g, &saved, dhidden, logits, ALL + first, first > 0);
    }
    el_device_release(q->dev, &arena);
}

static void blocks_of_rows_add_up(void **state)
{
    (void)state;
    el_model whole, parted;
    open_masked(&whole);
    open_masked(&parted);
    double numbers[ROWS * HIDDEN], d[2][ROWS * HIDDEN];
    for (int i = 0; i < ROWS * HIDDEN; i++) {
        numbers[i] = sin(i + 1);
        d[0][i] = d[1][i] = 1e9; /* overwritten by the first block */
    }
    const el_tensor hidden = el_tensor_make(numbers, EL_F64, ROWS, HIDDEN);
    head_over_rows(&whole, hidden, el_tensor_make(d[0], EL_F64, ROWS, HIDDEN), ROWS);
    head_over_rows(&parted, hidden, el_tensor_make(d[1], EL_F64, ROWS, HIDDEN), 3);
    for (int i = 0; i < ROWS * HIDDEN; i++)
        if (!(fabs(d[0][i] - d[1][i]) <= 1e-12))
            fail_msg("dhidden %d: %g, in blocks %g", i, d[0][i], d[1][i]);
    const el_params *const params = &whole.networks[0].params;
    for (int k = 0; k < params->count; k++) {
        const el_tensor a = params->items[k].gradient, b = parted.networks[0].params.items[k].gradient;
        for (int i = 0; i < a.rows; i++)
            for (int j = 0; j < a.cols; j++)
                if (!(fabs(el_get(a, i, j) - el_get(b, i, j)) <= 1e-12))
                    fail_msg("%s: %g, in blocks %g", params->items[k].name, el_get(a, i, j), el_get(b, i, j));
    }
    assert_true(fabs(el_get(el_param_find(params, "generator_lm_head.bias")->gradient, 0, 5)) > 1e-3);
    el_model_close(&parted);
    el_model_close(&whole);
}

/* ---- frozen networks ---- */

static void fill_gradients(el_model *model)
{
    for (int n = 0; n < model->count; n++)
        for (int k = 0; k < model->networks[n].params.count; k++) {
            const el_tensor g = model->networks[n].params.items[k].gradient;
            for (int i = 0; g.data && i < g.rows; i++)
                for (int j = 0; j < g.cols; j++)
                    el_set(g, i, j, 0.25);
        }
}

static void a_frozen_network_stays(void **state)
{
    (void)state;
    el_model model;
    el_model_plan plan =
        el_objective_plan(EL_ELECTRA, EL_SAMPLER_NETWORK, small_config(), small_config(), EL_TIE_SEPARATE);
    plan.training = true;
    assert_int_equal(el_model_open(&model, el_queue_reference(), &plan), EL_OK);
    assert_int_equal(el_model_initialise(&model, &(el_initialisation){.seed = 3}), EL_OK);
    const char *const word = "electra.embeddings.word_embeddings.weight";
    const el_param *const of_generator = el_param_find(&model.networks[0].params, word);
    const el_param *const of_other = el_param_find(&model.networks[1].params, word);
    const double before = el_get(of_generator->value, 6, 1), other = el_get(of_other->value, 6, 1);
    fill_gradients(&model);
    const double both = el_gradient_norm(&model);
    el_model_freeze(&model, model.networks[0].name, true);
    fill_gradients(&model);
    const double one = el_gradient_norm(&model);
    assert_true(one < both);
    el_optimizer optimizer = el_optimizer_defaults();
    el_optimizer_update(&optimizer, &model, 0.1, one, 0);
    assert_true(el_get(of_generator->value, 6, 1) == before);
    assert_true(el_get(of_generator->m, 6, 1) == 0 && el_get(of_generator->v, 6, 1) == 0);
    assert_true(el_get(of_other->value, 6, 1) != other);
    el_model_freeze(&model, model.networks[0].name, false);
    fill_gradients(&model);
    assert_true(el_gradient_norm(&model) == both);
    el_model_close(&model);
}

/* One that is never trained has values, and room for nothing else; the other one's places are its own. */
static void a_network_that_is_never_trained_has_values_alone(void **state)
{
    (void)state;
    el_model both, one;
    el_model_plan plan =
        el_objective_plan(EL_ELECTRA, EL_SAMPLER_NETWORK, small_config(), small_config(), EL_TIE_SEPARATE);
    plan.training = true;
    assert_int_equal(el_model_open(&both, el_queue_reference(), &plan), EL_OK);
    plan.networks[0].frozen = true;
    assert_int_equal(el_model_open(&one, el_queue_reference(), &plan), EL_OK);
    assert_int_equal(el_model_initialise(&one, &(el_initialisation){.seed = 3}), EL_OK);
    size_t bytes = 0;
    for (int n = 0; n < 2; n++)
        for (int i = 0; i < one.networks[n].params.count; i++) {
            const el_param *const p = &one.networks[n].params.items[i];
            const bool trained = n == 1;
            assert_true(p->value.data && !p->gradient.data == !trained && !p->m.data == !trained &&
                        !p->v.data == !trained && p->frozen == !trained);
            bytes += trained ? el_tensor_bytes(p->value.rows, p->value.cols, p->value.type) : 0;
        }
    for (int region = EL_GRADIENTS; region < EL_REGIONS; region++) {
        const size_t taken = one.memory.regions[region].size;
        assert_true(taken >= bytes && taken < both.memory.regions[region].size * 3 / 5);
    }
    assert_true(one.memory.regions[EL_VALUES].size == both.memory.regions[EL_VALUES].size);
    fill_gradients(&one);
    el_optimizer optimizer = el_optimizer_defaults();
    const double before = el_get(one.networks[0].params.items[0].value, 6, 1);
    el_optimizer_update(&optimizer, &one, 0.1, el_gradient_norm(&one), 0);
    assert_true(el_get(one.networks[0].params.items[0].value, 6, 1) == before);
    el_model_close(&one);
    el_model_close(&both);
}

/* Sizes that make no sense are refused before memory is taken for them. */
static void sizes_are_checked_first(void **state)
{
    (void)state;
    el_model model;
    el_config c = small_config();
    c.num_hidden_layers = -1;
    const el_model_plan plan = el_objective_plan(EL_MLM, EL_SAMPLER_UNIFORM, c, c, EL_TIE_SEPARATE);
    assert_int_equal(el_model_open(&model, el_queue_reference(), &plan), EL_EDATA);
    assert_non_null(strstr(el_error(), "num_hidden_layers is -1"));
}

/* Heads read an embedding through its projection wherever there is one: of equal widths, too. */
static void neighbour_heads_read_through_projections(void **state)
{
    (void)state;
    el_model model;
    el_config c = small_config();
    c.model_type = EL_MODEL_ALBERT;
    c.num_hidden_groups = c.num_hidden_layers;
    c.embedding_size = c.hidden_size;
    const el_model_plan plan = el_objective_plan(EL_MLM, EL_SAMPLER_UNIFORM, c, c, EL_TIE_SEPARATE);
    assert_int_equal(el_model_open(&model, el_queue_reference(), &plan), EL_OK);
    assert_int_equal(
        el_model_initialise(&model, &(el_initialisation){.neighbour_heads = true, .neighbour_sharpness = 1}),
        EL_OK);
    const el_tensor qkv = model.networks[0].w.layers[0].attention.qkv_w;
    for (int j = 0; j < c.hidden_size; j++)
        if (el_get(qkv, 0, j) == 0)
            fail_msg("column %d is 0: the map was not taken through the projection", j);
    el_model_close(&model);
}

static void sizes_are_checked_before_they_are_divided(void **state)
{
    (void)state;
    el_config c;
    json_t *const object =
        json_pack("{s:s, s:i, s:i}", "model_type", "xlnet", "d_model", INT_MIN, "n_head", -1);
    assert_int_equal(el_config_read(&c, object, "config.json"), EL_EDATA);
    assert_non_null(strstr(el_error(), "-2147483648"));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_network_is_whole),
                                       cmocka_unit_test(blocks_of_rows_add_up),
                                       cmocka_unit_test(a_frozen_network_stays),
                                       cmocka_unit_test(a_network_that_is_never_trained_has_values_alone),
                                       cmocka_unit_test(sizes_are_checked_first),
                                       cmocka_unit_test(neighbour_heads_read_through_projections),
                                       cmocka_unit_test(sizes_are_checked_before_they_are_divided)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
