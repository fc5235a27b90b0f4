/* Plans: all built-in ones are whole and their settings are ones, keys and numbers are checked; and statistics of seeds. */
#include "engine/made.h"

#include <math.h>

#include "engine/compare/plan.h"
#include "engine/compare/statistics.h"
#include "objective/networks.h"

static el_status read_plan(el_plan *plan, const char *text)
{
    json_t *object;
    CHECK_OK(el_json_parse(&object, text, strlen(text), "plan"));
    return el_plan_read(plan, object, "plan.json");
}

/* The name before the next bar. */
static const char *next_name(const char *names, char name[64])
{
    const size_t bytes = strcspn(names, "|");
    snprintf(name, 64, "%.*s", (int)bytes, names);
    return names + bytes + (names[bytes] == '|');
}

static void check_settings(const el_plan *plan)
{
    for (int system = 0; system < plan->system_count; system++)
        for (int size = 0; size < plan->size_count; size++) {
            el_pretrain_settings settings;
            el_options options = {.command = "pretrain",
                                  .table = EL_PRETRAIN_TABLE,
                                  .count = EL_PRETRAIN_LINES,
                                  .settings = &settings};
            json_t *const given = el_plan_settings(plan, system, size);
            el_pretrain_defaults(&settings, EL_SMALL);
            CHECK_OK(el_options_parse(&options, 1, (char *[]){"test", NULL}));
            CHECK_OK(el_options_apply(&options, given, plan->name));
            json_decref(given);
            el_options_close(&options);
        }
}

static void test_built_in(void **state)
{
    (void)state;
    char name[64];
    int count = 0;
    for (const char *names = EL_PLAN_NAMES; *names; count++) {
        el_plan plan;
        names = next_name(names, name);
        const char *const text = el_plan_built_in(name);
        CHECK(text != NULL, "%s is no plan", name);
        CHECK_OK(read_plan(&plan, text));
        assert_string_equal(plan.name, name);
        check_settings(&plan);
        CHECK(plan.task_count > 0 && plan.seed_count >= 3, "%s: %d tasks, %d seeds", name, plan.task_count,
              plan.seed_count);
        el_plan_close(&plan);
    }
    assert_int_equal(count, 7);
    char *const list = el_plan_list();
    for (const char *names = EL_PLAN_NAMES; *names;) {
        names = next_name(names, name);
        CHECK(strstr(list, name) != NULL, "no %s in the list of plans:\n%s", name, list);
    }
    free(list);
    CHECK(el_plan_built_in("table9") == NULL, "there is a table 9");
}

/* The built-in plan in the sizes of two presets. */
static void read_in_presets(el_plan *plan, const char *name)
{
    json_t *object;
    const char *const text = el_plan_built_in(name);
    CHECK_OK(el_json_parse(&object, text, strlen(text), name));
    json_object_set_new(object, "sizes", json_pack("[s, s]", "tiny", "large"));
    json_object_set_new(object, "budgets", json_pack("[f]", 1e17));
    json_object_del(object, "steps");
    CHECK_OK(el_plan_read(plan, object, name));
}

static void check_preset(const el_plan *plan, int system, int size)
{
    el_pretrain_settings s;
    el_options options = {
        .command = "pretrain", .table = EL_PRETRAIN_TABLE, .count = EL_PRETRAIN_LINES, .settings = &s};
    json_t *const given = el_plan_settings(plan, system, size);
    const char *const who = plan->systems[system].name;
    el_pretrain_defaults(&s, size == 0 ? EL_TINY : EL_LARGE);
    CHECK_OK(el_options_parse(&options, 1, (char *[]){"test", NULL}));
    CHECK_OK(el_options_apply(&options, given, plan->name));
    CHECK_OK(el_pretrain_settle(&s, &options, false));
    CHECK_OK(el_pretrain_derive(&s, &options));
    const el_objective_kind kind = (el_objective_kind)s.objective;
    const bool pair = el_objective_has_generator(kind) && s.choice.told.sampler == EL_SAMPLER_NETWORK;
    const bool sharing = strcmp(plan->name, "sharing") == 0;
    if (el_objective_masks(kind))
        CHECK(s.choice.told.mask_prob.first == 0.15 && s.choice.told.mask_prob.last == 0.15,
              "%s: %s masks %g", plan->name, who, s.choice.told.mask_prob.first);
    if (pair && kind != EL_TWO_STAGE && !sharing)
        CHECK(s.embeddings == EL_TIE_SHARED, "%s: %s has other embeddings", plan->name, who);
    if (pair && (sharing || strcmp(plan->name, "figure3-sizes") == 0))
        CHECK(s.generator_layers == 1, "%s: the generator of %s has %g of the layers", plan->name, who,
              s.generator_layers);
    json_decref(given);
    el_options_close(&options);
}

/* In sizes that are not the paper's all systems of a plan mask as many tokens, and share and stack as in the paper. */
static void test_presets(void **state)
{
    (void)state;
    char name[64];
    for (const char *names = EL_PLAN_NAMES; *names;) {
        el_plan plan;
        names = next_name(names, name);
        read_in_presets(&plan, name);
        for (int i = 0; i < plan.system_count * plan.size_count; i++)
            check_preset(&plan, i / plan.size_count, i % plan.size_count);
        el_plan_close(&plan);
    }
}

/* Of the paper's sizes and small++ the generators are those of the models that were released. */
static void test_released(void **state)
{
    (void)state;
    static const struct {
        int size, hidden, layers, heads, intermediate, large;
    } RELEASED[] = {{EL_SMALL, 64, 12, 1, 256, 256},
                    {EL_SMALL_PLUS, 256, 12, 4, 1024, 256},
                    {EL_BASE, 256, 12, 4, 1024, 768},
                    {EL_LARGE, 256, 24, 4, 1024, 1024}};
    for (size_t i = 0; i < sizeof RELEASED / sizeof *RELEASED; i++) {
        el_pretrain_settings s;
        el_options options = {
            .command = "pretrain", .table = EL_PRETRAIN_TABLE, .count = EL_PRETRAIN_LINES, .settings = &s};
        el_model_plan plan;
        el_pretrain_defaults(&s, RELEASED[i].size);
        CHECK_OK(el_options_parse(&options, 1, (char *[]){"test", NULL}));
        CHECK_OK(el_pretrain_settle(&s, &options, false));
        CHECK_OK(el_pretrain_derive(&s, &options));
        CHECK_OK(el_pretrain_plan(&s, 30522, &plan));
        const el_config *const g = &el_plan_network(&plan, EL_GENERATOR)->config,
                               *const d = &el_plan_network(&plan, EL_DISCRIMINATOR)->config;
        CHECK(g->hidden_size == RELEASED[i].hidden && g->num_hidden_layers == RELEASED[i].layers &&
                  g->num_attention_heads == RELEASED[i].heads &&
                  g->intermediate_size == RELEASED[i].intermediate && d->hidden_size == RELEASED[i].large &&
                  g->embedding_size == d->embedding_size && d->num_hidden_layers == g->num_hidden_layers,
              "%s: a generator of %d layers of %d, %d heads, %d inside, and a discriminator of %d",
              EL_PRESET[RELEASED[i].size].name, g->num_hidden_layers, g->hidden_size, g->num_attention_heads,
              g->intermediate_size, d->hidden_size);
        el_options_close(&options);
    }
}

#define BEGINNING "{\"plan\": \"p\", \"systems\": [\"electra\"], \"sizes\": [\"tiny\"]"

static void test_read(void **state)
{
    (void)state;
    el_plan plan;
    CHECK_OK(read_plan(&plan, BEGINNING ", \"budgets\": [1e9, 2e9], \"shares\": [25, 50]}"));
    assert_int_equal(plan.share_count, 3);
    CHECK(plan.shares[0] == 0.25 && plan.shares[2] == 1, "shares %g to %g", plan.shares[0], plan.shares[2]);
    assert_int_equal(plan.seeds[0], 1);
    CHECK(el_plan_length(&plan, 0, 1) == 2e9, "a budget of %g", el_plan_length(&plan, 0, 1));
    el_plan_close(&plan);
    CHECK_OK(read_plan(&plan, BEGINNING ", \"budgets\": [1e9], \"rates\": {\"grid\": [1], \"share\": 25}}"));
    CHECK(plan.rate_share == 0.25, "rates are tried for %g of a run", plan.rate_share);
    el_plan_close(&plan);
    static const struct {
        const char *text, *words;
    } WRONG[] = {
        {BEGINNING "}", "either budgets"},
        {BEGINNING ", \"budgets\": [1e9], \"steps\": [10]}", "either budgets"},
        {BEGINNING ", \"budgets\": [2e9, 1e9]}", "lowest"},
        {BEGINNING ", \"budgets\": [-1]}", "above 0"},
        {BEGINNING ", \"budgets\": [1], \"shares\": [120]}", "at most 100"},
        {BEGINNING ", \"budgets\": [1], \"seeds\": [1, 1]}", "each once"},
        {BEGINNING ", \"budgets\": [1], \"cooldown\": 1}", "cooldown"},
        {BEGINNING ", \"budgets\": [1], \"reference\": \"gpt\"}", "no system"},
        {BEGINNING ", \"budgets\": [1], \"rates\": {\"grid\": [1], \"rule\": \"luck\"}}", "the rule"},
        {BEGINNING ", \"budgets\": [1], \"rates\": {\"grid\": [1], \"share\": 0}}", "percentage"},
        {BEGINNING ", \"budgets\": [1], \"tasks\": [\"../x\"]}", "small letters"},
        {BEGINNING ", \"budget\": [1]}", "plan.json: unknown key \"budget\"; did you mean budgets?"},
        {"{\"plan\": \"p\", \"sizes\": [\"tiny\"], \"budgets\": [1]}", "names systems and sizes"},
        {"{\"plan\": \"p\", \"systems\": [\"mlm\", \"mlm\"], \"sizes\": [\"tiny\"], \"budgets\": [1]}",
         "two are called mlm"},
        {BEGINNING ", \"budgets\": [1], \"tasks\": [\"rte\", {\"name\": \"rte\", \"task\": \"mrpc\"}]}",
         "two are called rte"},
        {BEGINNING ", \"steps\": [1.5]}", "whole numbers"},
        {"{\"plan\": \"p\", \"systems\": [\"mlm\"], \"sizes\": [\"tiny\", {\"name\": \"small\", \"budget\": "
         "1}], "
         "\"budgets\": [1, 2]}",
         "small has a budget of its own"},
        {"{\"plan\": \"p\", \"systems\": [\"mlm\"], \"sizes\": [\"tiny\", {\"name\": \"small\", \"budget\": "
         "1}], "
         "\"steps\": [10]}",
         "and the plan has steps"},
        {"{\"plan\": \"p\", \"systems\": [{\"name\": \"a\", \"budget\": 1}], \"sizes\": [\"tiny\"], "
         "\"budgets\": [1]}",
         "plan.json: systems: unknown key \"budget\""},
        {"{\"plan\": \"p\", \"systems\": [\"mlm\"], \"sizes\": [{\"name\": \"tiny\", \"setings\": {}}], "
         "\"budgets\": [1]}",
         "plan.json: sizes: unknown key \"setings\"; did you mean settings?"},
        {BEGINNING ", \"budgets\": [1], \"seeds\": [1152921504606846976]}", "to 1e15"},
        {BEGINNING ", \"budgets\": [1], \"rates\": {\"grid\": [1], \"seed\": -1}}", "the seed"},
        {BEGINNING ", \"budgets\": [1], \"rates\": [1]}", "rates: is not an object"},
        {BEGINNING ", \"budgets\": [1], \"settings\": [\"mask_prob\", 0.15]}", "settings: is not an object"},
        {BEGINNING ", \"budgets\": [1], \"finetune\": \"abc\"}", "finetune: is not an object"},
        {BEGINNING ", \"budgets\": [1], \"published\": 5}", "an array of rows"},
        {BEGINNING ", \"budgets\": [1], \"published\": \"table 3\"}", "an array of rows"},
        {BEGINNING ", \"budgets\": [1], \"published\": [\"x\"]}", "a row is an object"},
        {BEGINNING ", \"budgets\": [1], \"published\": [{\"flops\": -5}]}", "flops are a number from 0"},
        {"{\"plan\": \"p\", \"systems\": [\"mml\"], \"sizes\": [\"tiny\"], \"budgets\": [1]}",
         "systems: mml is none of electra|mlm|"},
        {BEGINNING ", \"budgets\": [1], \"published\": [{\"scores\": 1}]}",
         "plan.json: published: unknown key \"scores\"; did you mean score?"}};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++)
        CHECK_FAILS(read_plan(&plan, WRONG[i].text), EL_EUSAGE, WRONG[i].words);
}

/* A system that is a name alone is that objective, whatever the plan's settings say, and the plan's text says so. */
static void test_names_alone(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"electra", "mlm", "two-stage"};
    el_plan plan;
    CHECK_OK(read_plan(&plan, "{\"plan\": \"p\", \"settings\": {\"objective\": \"causal\"}, \"sizes\": "
                              "[\"tiny\"], \"budgets\": [1], "
                              "\"systems\": [\"electra\", \"mlm\", \"two-stage\"]}"));
    for (int i = 0; i < 3; i++) {
        json_t *const all = el_plan_settings(&plan, i, 0);
        const json_t *const entry = json_array_get(json_object_get(plan.text, "systems"), (size_t)i);
        assert_string_equal(json_string_value(json_object_get(all, "objective")), NAMES[i]);
        assert_string_equal(plan.systems[i].name, NAMES[i]);
        CHECK(json_is_object(entry), "%s is not spelt out", NAMES[i]);
        json_decref(all);
    }
    el_plan_close(&plan);
}

/* As many shares as there is room for; 100 behind them is one more. */
static void test_shares(void **state)
{
    (void)state;
    for (int first = 1; first <= 37; first += 36) {
        char text[512] = BEGINNING ", \"budgets\": [1], \"shares\": [";
        for (int i = 0; i < EL_PLAN_MOST; i++)
            sprintf(text + strlen(text), "%s%d", i ? ", " : "", first + i);
        strcat(text, "]}");
        el_plan plan;
        if (first == 1) {
            CHECK_FAILS(read_plan(&plan, text), EL_EUSAGE, "more than 64");
            continue;
        }
        CHECK_OK(read_plan(&plan, text));
        assert_int_equal(plan.share_count, EL_PLAN_MOST);
        el_plan_close(&plan);
    }
}

/* What is nearer overrides: plan, size, system. */
static void test_settings(void **state)
{
    (void)state;
    el_plan plan;
    CHECK_OK(read_plan(
        &plan, "{\"plan\": \"p\", \"settings\": {\"dropout\": 0.1, \"seed\": 7, \"temperature\": 2},"
               "\"sizes\": [{\"name\": \"s\", \"settings\": {\"model_size\": \"tiny\", \"dropout\": 0.2, "
               "\"temperature\": 3}}],"
               "\"systems\": [{\"name\": \"a\", \"settings\": {\"dropout\": 0.3}}], \"budgets\": [1]}"));
    json_t *const all = el_plan_settings(&plan, 0, 0);
    CHECK(json_real_value(json_object_get(all, "dropout")) == 0.3, "the system's dropout is not taken");
    assert_int_equal(json_integer_value(json_object_get(all, "temperature")), 3);
    assert_int_equal(json_integer_value(json_object_get(all, "seed")), 7);
    json_decref(all);
    el_plan_close(&plan);
}

/* A size's preset is its own: by its name or its settings, whatever the plan's settings say. */
static void test_sizes(void **state)
{
    (void)state;
    static const char *const PRESETS[] = {"small", "base", "large"};
    el_plan plan;
    CHECK_OK(read_plan(
        &plan,
        "{\"plan\": \"p\", \"settings\": {\"model_size\": \"tiny\"}, \"budgets\": [1], \"systems\": "
        "[\"mlm\", "
        "{\"name\": \"b\", \"settings\": {\"model_size\": \"tiny\"}}], \"sizes\": [\"small\", {\"name\": "
        "\"base\", "
        "\"settings\": {\"dropout\": 0}}, {\"name\": \"wide\", \"settings\": {\"model_size\": "
        "\"large\"}}]}"));
    for (int system = 0; system < 2; system++)
        for (int size = 0; size < 3; size++) {
            json_t *const all = el_plan_settings(&plan, system, size);
            assert_string_equal(json_string_value(json_object_get(all, "model_size")),
                                system ? "tiny" : PRESETS[size]);
            json_decref(all);
        }
    el_plan_close(&plan);
    CHECK_FAILS(
        read_plan(&plan,
                  "{\"plan\": \"p\", \"settings\": {\"model_size\": \"tiny\"}, \"systems\": [\"mlm\"], "
                  "\"sizes\": [\"hugee\"], \"budgets\": [1]}"),
        EL_EUSAGE, "hugee is none of tiny|small");
}

/* p by scipy.stats.ttest_1samp. */
static void test_statistics(void **state)
{
    (void)state;
    static const struct {
        double values[6];
        int count;
        double p;
    } CASES[] = {{{1, 2, 3}, 3, 0.07417990022744854},
                 {{0.5, -0.2, 1.1, 0.7, 0.9}, 5, 0.0550406089524995},
                 {{3, -1}, 2, 0.7048327646991335},
                 {{10, 10.1, 9.9, 10, 10.2, 9.8}, 6, 1.2171542847974288e-10},
                 {{1, NAN, 2, 3}, 4, 0.07417990022744854},
                 {{0, 0}, 2, 1},
                 {{1, 1, 1}, 3, 0}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const double p = el_paired_test(CASES[i].values, CASES[i].count);
        CHECK(fabs(p - CASES[i].p) <= 1e-9 * (1e-3 + CASES[i].p), "case %zu: p %.17g, scipy says %.17g", i, p,
              CASES[i].p);
    }
    const el_sample s = el_sample_of((double[]){1, NAN, 3, 8}, 4);
    CHECK(s.count == 3 && s.mean == 4 && fabs(s.deviation - sqrt(13)) < 1e-12, "%d values, %g ± %g", s.count,
          s.mean, s.deviation);
    CHECK(isnan(el_sample_of((double[]){1}, 1).deviation), "one value has a deviation");
    CHECK(isnan(el_paired_test((double[]){1}, 1)), "one difference has a p");
}

/* A preset's warm-up takes no more than a tenth of the steps, of two stages of each; what was said stays. */
static void test_warm_up(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int64_t warm_up;
    } CASES[] = {{"{\"num_train_steps\": 1000}", 100},
                 {"{\"num_train_steps\": 1000000}", 10000},
                 {"{\"num_train_steps\": 1000, \"objective\": \"two-stage\"}", 50},
                 {"{\"num_train_steps\": 1000, \"num_warmup_steps\": 400}", 400}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_pretrain_settings s;
        el_options options = {
            .command = "pretrain", .table = EL_PRETRAIN_TABLE, .count = EL_PRETRAIN_LINES, .settings = &s};
        json_t *given;
        CHECK_OK(el_json_parse(&given, CASES[i].given, strlen(CASES[i].given), "given"));
        el_pretrain_defaults(&s, EL_SMALL);
        CHECK_OK(el_options_parse(&options, 1, (char *[]){"test", NULL}));
        CHECK_OK(el_options_apply(&options, given, "given"));
        CHECK_OK(el_pretrain_settle(&s, &options, false));
        CHECK_OK(el_pretrain_derive(&s, &options));
        CHECK_OK(el_pretrain_derive_steps(&s, &options));
        CHECK(s.num_warmup_steps == CASES[i].warm_up, "%s: %lld steps, not %lld", CASES[i].given,
              (long long)s.num_warmup_steps, (long long)CASES[i].warm_up);
        json_decref(given);
        el_options_close(&options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_built_in),    cmocka_unit_test(test_read),
                                       cmocka_unit_test(test_names_alone), cmocka_unit_test(test_released),
                                       cmocka_unit_test(test_presets),     cmocka_unit_test(test_shares),
                                       cmocka_unit_test(test_settings),    cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_statistics),  cmocka_unit_test(test_warm_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
