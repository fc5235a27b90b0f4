/* Which parameters a model has: every network is whole, however the two are tied and whether or not both are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "objective/objectives.h"

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
            el_model_plan plan = el_objective_plan(which & 2 ? EL_ELECTRA : EL_MLM, !(which & 1),
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_network_is_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
