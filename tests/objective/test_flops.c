/* flops - the released script's totals to four digits, the products of each objective beside ELECTRA's to three */
#include <math.h>

#include "folder.h"
#include "objective/flops.h"

typedef struct {
    const char *name;
    int embedding, hidden, layers, inner, heads, generator, generator_inner, generator_heads, length;
} shape;

static const shape SMALL = {"small", 128, 256, 12, 1024, 4, 64, 256, 1, 128};
static const shape BASE = {"base", 768, 768, 12, 3072, 12, 256, 1024, 4, 512};
static const shape BASE_SHORT = {"base, 128 tokens", 768, 768, 12, 3072, 12, 256, 1024, 4, 128};
static const shape LARGE = {"large", 1024, 1024, 24, 4096, 16, 256, 1024, 4, 512};

static el_flops_plan plan_of(const shape *s, el_objective_kind objective, int vocab_size)
{
    el_config c = el_config_default();
    c.vocab_size = vocab_size;
    c.embedding_size = s->embedding;
    c.hidden_size = s->hidden;
    c.num_hidden_layers = s->layers;
    c.intermediate_size = s->inner;
    c.num_attention_heads = s->heads;
    el_config g = c;
    g.hidden_size = s->generator;
    g.intermediate_size = s->generator_inner;
    g.num_attention_heads = s->generator_heads;
    return (el_flops_plan){
        .objective = objective, .encoder = c, .generator = g, .mask_prob = 0.15, .length = s->length};
}

static void near(const char *name, double value, double wanted, double tolerance)
{
    CHECK(fabs(value / wanted - 1) <= tolerance, "%s: %.6g, not %.6g", name, value, wanted);
}

/* electra-spec: what flops_computation.py prints. */
static void totals_of_the_released_code(void **state)
{
    (void)state;
    const struct {
        const char *name;
        const shape *shape;
        el_objective_kind objective;
        double steps, batch, total;
    } rows[] = {
        {"BERT-Small", &SMALL, EL_MLM, 1.45e6, 128, 1.419e18},
        {"ELECTRA-Small", &SMALL, EL_ELECTRA, 1e6, 128, 1.294e18},
        {"BERT-Base", &BASE, EL_MLM, 1e6, 256, 6.428e19},
        {"ELECTRA-Base", &BASE, EL_ELECTRA, 766e3, 256, 6.425e19},
        {"BERT-Large", &LARGE, EL_MLM, 1e6, 256, 1.917e20},
        {"BERT-Large, the paper's own", &LARGE, EL_MLM, 464e3, 2048, 7.117e20},
        {"ELECTRA-400K", &LARGE, EL_ELECTRA, 400e3, 2048, 7.118e20},
        {"ELECTRA-1.75M", &LARGE, EL_ELECTRA, 1.75e6, 2048, 3.114e21},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const el_flops_plan p = plan_of(rows[i].shape, rows[i].objective, 30522);
        near(rows[i].name,
             el_flops_paper_training(&p) * rows[i].steps * rows[i].batch * rows[i].shape->length,
             rows[i].total, 5e-4);
    }
    const el_flops_plan gpt = plan_of(&BASE, EL_CAUSAL, 40000);
    near("GPT", el_flops_paper_training(&gpt) * 960800 * 128 * 512, 3.969e19, 5e-4);
    const shape *const shapes[] = {&SMALL, &BASE, &LARGE};
    const double inference[] = {3.68e9, 2.86e10, 8.75e10};
    for (int i = 0; i < 3; i++) {
        const el_flops_plan p = plan_of(shapes[i], EL_ELECTRA, 30522);
        near(shapes[i]->name, 128 * el_flops_paper_inference(&p, 128), inference[i], 5e-3);
    }
    el_flops_plan p = plan_of(&SMALL, EL_ELECTRA, 30522);
    double training[3]; /* with a generator, a frozen one, none */
    for (int i = 0; i < 3; i++) {
        p.frozen = i == 1;
        p.sampled = i == 2;
        training[i] = el_flops_paper_training(&p);
    }
    near("frozen generator", training[1], (training[0] + training[2]) / 2, 1e-12);
    const el_flops_plan other = plan_of(&SMALL, EL_XLNET, 30522);
    CHECK(isnan(el_flops_paper(&other)), "the released code cannot count XLNet, and a count is given");
}

/* The shape's generator, or one so many times as wide as the encoder. */
static el_flops_plan plan_with(const shape *s, el_objective_kind objective, int vocab_size, double generator)
{
    el_flops_plan p = plan_of(s, objective, vocab_size);
    if (generator > 0) {
        p.generator.hidden_size = (int)(generator * s->hidden);
        p.generator.intermediate_size = (int)(generator * s->inner);
    }
    return p;
}

static void products_beside_electra(void **state)
{
    (void)state;
    enum { COLUMNS = 4 };
    static const struct {
        const shape *shape;
        int vocab_size;
        double electra; /* a token of it, forward */
    } columns[COLUMNS] = {{&SMALL, 30522, 2.341e7},
                          {&SMALL, 8192, 2.255e7},
                          {&BASE, 30522, 2.226e8},
                          {&BASE_SHORT, 30522, 2.037e8}};
    static const struct {
        const char *name;
        el_objective_kind objective;
        double mask_prob, generator; /* its width over the encoder's, 0: the shape's */
        bool sampled, frozen;
        double beside[COLUMNS];
    } rows[] = {
        {"BERT", EL_MLM, 0.15, 0, false, false, {0.927, 0.924, 0.880, 0.892}},
        {"MLM, 40 %", EL_MLM, 0.4, 0, false, false, {1.011, 0.948, 0.934, 0.951}},
        {"MLM, 30 to 15 %", EL_MLM, 0.225, 0, false, false, {0.952, 0.931, 0.897, 0.910}},
        {"ELECTRA 15 %", EL_ELECTRA_15, 0.15, 0, false, false, {0.995, 0.995, 0.995, 0.995}},
        {"adversarial", EL_ADVERSARIAL, 0.15, 0, false, false, {1, 1, 1, 1}},
        {"two-stage", EL_TWO_STAGE, 0.15, 1, false, false, {1.059, 1.074, 1.014, 1.026}},
        {"Replace MLM", EL_REPLACE_MLM, 0.15, 0, false, false, {1.045, 1.009, 1.027, 1.030}},
        {"All-Tokens MLM", EL_ALL_TOKENS_MLM, 0.15, 0, false, false, {1.331, 1.090, 1.211, 1.230}},
        {"unigram", EL_ELECTRA, 0.15, 0, true, false, {0.882, 0.915, 0.853, 0.863}},
        {"frozen generator", EL_ELECTRA, 0.15, 0, false, true, {0.921, 0.944, 0.902, 0.909}},
        {"generator as large", EL_ELECTRA, 0.15, 1, false, false, {1.809, 1.839, 1.734, 1.755}},
        {"generator 1/2", EL_ELECTRA, 0.15, 0.5, false, false, {1.167, 1.174, 1.121, 1.121}},
        {"GPT", EL_CAUSAL, 0.15, 0, false, false, {1.179, 0.971, 1.022, 1.081}},
        {"LTR+RTL", EL_BIDIRECTIONAL, 0.15, 0, false, false, {2.359, 1.941, 2.043, 2.163}},
        {"Electric, towers 1/4", EL_ELECTRIC, 0.15, 0.25, false, false, {1.353, 1.151, 1.207, 1.215}},
        {"permutation", EL_PERMUTATION, 0.15, 0, false, false, {1.078, 1.077, 1.025, 1.039}},
        {"XLNet", EL_XLNET, 0.15, 0, false, false, {1.147, 1.106, 1.053, 1.029}},
    };
    for (int k = 0; k < COLUMNS; k++) {
        const shape *const s = columns[k].shape;
        const el_flops_plan electra = plan_of(s, EL_ELECTRA, columns[k].vocab_size);
        near(s->name, el_flops_products(&electra), columns[k].electra, 5e-4);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            el_flops_plan p = plan_with(s, rows[i].objective, columns[k].vocab_size, rows[i].generator);
            p.mask_prob = rows[i].mask_prob;
            p.sampled = rows[i].sampled;
            p.frozen = rows[i].frozen;
            const double beside = el_flops_products(&p) / el_flops_products(&electra);
            CHECK(fabs(beside - rows[i].beside[k]) < 5.1e-4, "%s, %s, vocabulary of %d: %.4f, not %.3f",
                  rows[i].name, s->name, columns[k].vocab_size, beside, rows[i].beside[k]);
        }
    }
}

/* A profiler's figure for XLNet-Large, of 32 sequences, which the released code for ELECTRA has: with the reference's own maps
 * of distances a sequence, and attention over all 2 S of them, in both streams. */
static void xlnet_large_is_as_profiled(void **state)
{
    (void)state;
    const el_flops_plan p = plan_of(&LARGE, EL_XLNET, 32000);
    const double h = 1024, tokens = 512, layers = 24;
    const double besides = 4 * h * h * layers + 2 * tokens * h * layers * (1 + 1 / 6.0);
    near("XLNet-Large", (el_flops_products(&p) + besides) * tokens * 32, 0.997 * 15064773691518, 5e-4);
}

/* One column at each masked slot, too small for the table above. */
static void the_baseline_counts(void **state)
{
    (void)state;
    el_flops_plan p = plan_of(&SMALL, EL_ADVERSARIAL, 30522);
    const double adversarial = el_flops_products(&p);
    p.objective = EL_ELECTRA;
    const double more = adversarial - el_flops_products(&p), wanted = 2 * 0.15 * p.generator.hidden_size;
    CHECK(fabs(more - wanted) < 1e-6, "the baseline costs %g, not %g", more, wanted);
}

/* A sentence task costs a pooler and two outputs a sequence, too little for the table above. */
static void the_sentence_task_counts(void **state)
{
    (void)state;
    el_flops_plan p = plan_of(&SMALL, EL_MLM, 30522);
    const double alone = el_flops_products(&p), h = p.encoder.hidden_size;
    p.sentences = true;
    const double more = (el_flops_products(&p) - alone) * p.length, wanted = 2 * h * h + 2 * h * 2;
    CHECK(fabs(more - wanted) < 1e-3, "the sentence task costs %g, not %g", more, wanted);
}

/* Layers that are shared save memory, not work. */
static void shared_layers_cost_the_same(void **state)
{
    (void)state;
    el_flops_plan p = plan_of(&BASE, EL_MLM, 30522);
    const double apart = el_flops_products(&p), paper = el_flops_paper(&p);
    p.encoder.num_hidden_groups = p.generator.num_hidden_groups = 1;
    CHECK(el_flops_products(&p) == apart && el_flops_paper(&p) == paper, "shared layers cost %g, apart %g",
          el_flops_products(&p), apart);
}

/* What answers is what was kept: in the base size at 512 tokens, beside ELECTRA's. */
static void inference_of_each_objective(void **state)
{
    (void)state;
    const double attention = 12 * 4 * 512.0 * 768, electra = 9.724e10 / 512; /* a token */
    const el_flops_plan plan = plan_of(&BASE, EL_ELECTRA, 30522);
    near("electra", el_flops_products_inference(&plan, 512), electra, 5e-5);
    for (int i = 0; i < EL_OBJECTIVES; i++) {
        const el_flops_plan p = plan_of(&BASE, (el_objective_kind)i, 30522);
        const bool halves = i == EL_CAUSAL || i == EL_BIDIRECTIONAL, xlnet = i == EL_XLNET;
        const double one = electra + (halves ? -attention / 2 : xlnet ? attention / 2 : 0);
        near("inference", el_flops_products_inference(&p, 512), i == EL_BIDIRECTIONAL ? 2 * one : one, 5e-5);
        CHECK(isnan(el_flops_paper_inference(&p, 512)) == (halves || xlnet), "objective %d: the paper's way",
              i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_layers_cost_the_same), cmocka_unit_test(totals_of_the_released_code),
        cmocka_unit_test(the_baseline_counts),         cmocka_unit_test(products_beside_electra),
        cmocka_unit_test(the_sentence_task_counts),    cmocka_unit_test(xlnet_large_is_as_profiled),
        cmocka_unit_test(inference_of_each_objective)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
