/* Layers that are shared in groups: the same network as one whose layers are copies, and gradients that are sums of theirs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/initialise.h"
#include "objective/asked.h"
#include "objective/objectives.h"

enum { WORDS = 30, LAYERS = 4, LENGTH = 10 };

static el_config config_of(int groups)
{
    el_config c = el_config_default();
    c.vocab_size = WORDS;
    c.embedding_size = 6;
    c.hidden_size = 8;
    c.num_hidden_layers = LAYERS;
    c.num_attention_heads = 2;
    c.intermediate_size = 16;
    c.max_position_embeddings = LENGTH;
    c.num_hidden_groups = groups;
    c.model_type = groups ? EL_MODEL_ALBERT : EL_MODEL_ELECTRA;
    return c;
}

static el_queue *open_model(el_model *model, int groups)
{
    el_queue *q;
    el_model_plan plan = {.activations = EL_F64, .parameters = EL_F64, .training = true};
    const el_initialisation how = {.fan_in = true, .seed = 4};
    el_plan_add(&plan, EL_GENERATOR, config_of(groups), (el_head_config){.kind = EL_HEAD_MLM});
    CHECK(el_queue_open(&q, 1, "reference") == EL_OK, "%s", el_error());
    CHECK(el_model_open(model, q, &plan) == EL_OK, "%s", el_error());
    CHECK(el_model_initialise(model, &how) == EL_OK, "%s", el_error());
    return q;
}

static void close_model(el_model *model, el_queue *q)
{
    el_model_close(model);
    el_queue_close(q);
}

/* The name that a parameter of layer `layer` has in a model of `groups`. */
static void name_in_group(const char *name, int groups, char *other, size_t size)
{
    static const char LAYER[] = "electra.encoder.layer.";
    if (strncmp(name, LAYER, strlen(LAYER)) != 0) {
        snprintf(other, size, "%s", name);
        return;
    }
    char *rest;
    const int layer = (int)strtol(name + strlen(LAYER), &rest, 10);
    snprintf(other, size, "%s%d%s", LAYER, layer * groups / LAYERS, rest);
}

/* Layer by layer what the shared one has. */
static void copy_from(el_model *copy, const el_model *shared, int groups)
{
    const el_params *const to = &copy->networks[0].params;
    for (int i = 0; i < to->count; i++) {
        char name[128];
        name_in_group(to->items[i].name, groups, name, sizeof name);
        const el_param *const from = el_param_find(&shared->networks[0].params, name);
        CHECK(from, "there is no %s", name);
        for (int r = 0; r < from->value.rows; r++)
            for (int c = 0; c < from->value.cols; c++)
                distant_set(copy->q, to->items[i].value, r, c, distant_get(shared->q, from->value, r, c));
    }
    el_model_prepare(copy);
}

static void learn(el_model *model, const el_vocab *vocab, const el_batch *batch)
{
    el_objective *objective;
    el_objective_settings settings = el_objective_defaults();
    settings.max_seq_length = LENGTH;
    CHECK(el_objective_open(&objective, EL_MLM, model, vocab, &settings, 2 * LENGTH) == EL_OK, "%s",
          el_error());
    CHECK(el_objective_run(objective, batch, (el_random){5, 0, 2}, true) == EL_OK, "%s", el_error());
    objective->close(objective);
}

/* Forward the same, dropout too, which goes by the place where a layer stands; backward the sum over the copies. */
static void shared_layers_are_copies(void **state)
{
    (void)state;
    static const int GROUPS[] = {1, 2, 3, LAYERS};
    for (size_t g = 0; g < sizeof GROUPS / sizeof *GROUPS; g++) {
        el_model shared, copy;
        el_queue *const a = open_model(&shared, GROUPS[g]), *const b = open_model(&copy, 0);
        el_vocab *const vocab = make_vocab(WORDS);
        el_batch batch = {0};
        add_sequence(&batch, vocab, LENGTH, 1);
        add_sequence(&batch, vocab, LENGTH - 3, 2);
        copy_from(&copy, &shared, GROUPS[g]);
        double *const first = ask(&shared, &shared.networks[0], &batch, true);
        double *const second = ask(&copy, &copy.networks[0], &batch, true);
        CHECK(memcmp(first, second, (size_t)batch.rows * WORDS * sizeof *first) == 0,
              "%d groups say something else than copies", GROUPS[g]);
        learn(&shared, vocab, &batch);
        learn(&copy, vocab, &batch);
        const el_params *const params = &shared.networks[0].params, *const parts = &copy.networks[0].params;
        for (int i = 0; i < params->count; i++) {
            const el_param *const p = &params->items[i];
            for (int k = 0; k < (int)el_param_elements(p); k++) {
                double sum = 0;
                for (int j = 0; j < parts->count; j++) {
                    char name[128];
                    name_in_group(parts->items[j].name, GROUPS[g], name, sizeof name);
                    if (strcmp(name, p->name) == 0)
                        sum += distant_get(b, parts->items[j].gradient, k / p->value.cols, k % p->value.cols);
                }
                const double got = distant_get(a, p->gradient, k / p->value.cols, k % p->value.cols);
                CHECK(fabs(got - sum) <= 1e-14 * (1 + fabs(sum)) * LAYERS,
                      "%s: gradient %.17g, of copies %.17g", p->name, got, sum);
            }
        }
        free(first);
        free(second);
        el_batch_release(&batch);
        el_vocab_close(vocab);
        close_model(&shared, a);
        close_model(&copy, b);
    }
}

/* As many groups as layers are the unshared network, from its first weights on. */
static void a_group_a_layer_is_nothing_shared(void **state)
{
    (void)state;
    el_model shared, plain;
    el_queue *const a = open_model(&shared, LAYERS), *const b = open_model(&plain, 0);
    CHECK(shared.networks[0].params.count == plain.networks[0].params.count, "other parameters");
    for (int i = 0; i < plain.networks[0].params.count; i++) {
        const el_param *const p = &plain.networks[0].params.items[i], *const s =
                                                                          &shared.networks[0].params.items[i];
        CHECK(strcmp(p->name, s->name) == 0 && p->depth == s->depth, "%s, depth %d, is %s, depth %d", p->name,
              p->depth, s->name, s->depth);
        for (int k = 0; k < (int)el_param_elements(p); k++)
            CHECK(distant_get(a, s->value, k / p->value.cols, k % p->value.cols) ==
                      distant_get(b, p->value, k / p->value.cols, k % p->value.cols),
                  "%s begins otherwise", p->name);
    }
    close_model(&shared, a);
    close_model(&plain, b);
}

/* 4.80 million at Small's shape. */
static void few_parameters_are_left(void **state)
{
    (void)state;
    el_model model;
    el_queue *q;
    el_config c = el_config_default();
    c.num_hidden_groups = 1;
    c.model_type = EL_MODEL_ALBERT;
    el_model_plan plan = {.activations = EL_F32, .parameters = EL_F32};
    el_plan_add(&plan, EL_GENERATOR, c, (el_head_config){.kind = EL_HEAD_NONE});
    CHECK(el_queue_open(&q, 1, NULL) == EL_OK, "%s", el_error());
    CHECK(el_model_open(&model, q, &plan) == EL_OK, "%s", el_error());
    CHECK(el_model_parameters(&model) == 4795648, "%lld parameters", (long long)el_model_parameters(&model));
    close_model(&model, q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_layers_are_copies),
        cmocka_unit_test(a_group_a_layer_is_nothing_shared),
        cmocka_unit_test(few_parameters_are_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
