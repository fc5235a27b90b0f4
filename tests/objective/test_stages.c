/* What is trained when: two stages of training, and a generator that is not trained at all. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "objective/fixture.h"
#include "train/optimizer.h"

enum { WORDS = 30, LENGTH = 20, SECOND = 10 };

static el_objective_settings settings_of_two_stages(void)
{
    el_objective_settings s = el_objective_defaults();
    s.mask_prob = (el_course){0.3, 0.3};
    s.max_seq_length = LENGTH;
    s.steps = 2 * SECOND;
    return s;
}

static void open_fixture(fixture *f, el_objective_kind kind, bool frozen, const el_objective_settings *s)
{
    el_config c = el_config_default();
    c.vocab_size = WORDS;
    c.embedding_size = 8;
    c.hidden_size = 16;
    c.num_hidden_layers = 2;
    c.num_attention_heads = 2;
    c.intermediate_size = 32;
    c.max_position_embeddings = LENGTH;
    el_model_plan plan = el_objective_plan(kind, EL_SAMPLER_NETWORK, c, c, EL_TIE_SEPARATE);
    plan.training = true;
    plan.networks[0].frozen = frozen; /* the generator */
    open_model(f, &plan, true, NULL, 1);
    for (int i = 0; i < 4; i++)
        add_sequence(&f->batch, f->vocab, LENGTH - i, i);
    open_objective(f, kind, s, 4 * LENGTH);
}

static el_figures gradients(fixture *f, uint32_t step)
{
    el_figures figures;
    f->objective->reset(f->objective);
    CHECK(el_objective_run(f->objective, &f->batch, (el_random){5, 0, step}, true) == EL_OK, "%s",
          el_error());
    f->objective->finish(f->objective, &figures);
    return figures;
}

static void train(fixture *f, uint32_t first, uint32_t last)
{
    const el_optimizer optimizer = el_optimizer_defaults();
    for (uint32_t step = first; step < last; step++) {
        gradients(f, step);
        el_optimizer_update(&optimizer, &f->model, 1e-3, el_gradient_norm(&f->model), step);
    }
}

/* A network's values, or another part of each line, in order; on the heap. */
static float *numbers(const fixture *f, const char *name, size_t part)
{
    const el_params *params = &el_model_network(&f->model, name)->params;
    size_t count = 0;
    float *all = NULL;
    for (int i = 0; i < params->count; i++) {
        const el_tensor *t = (const el_tensor *)((const char *)&params->items[i] + part);
        const size_t more = (size_t)t->rows * (size_t)t->cols;
        all = realloc(all, (count + more) * sizeof *all);
        assert_int_equal(el_tensor_read(f->q, *t, all + count), EL_OK);
        count += more;
    }
    return all;
}

static size_t count_of(const fixture *f, const char *name)
{
    const el_params *params = &el_model_network(&f->model, name)->params;
    size_t count = 0;
    for (int i = 0; i < params->count; i++)
        count += (size_t)el_param_elements(&params->items[i]);
    return count;
}

/* Whether a network's numbers are what they were; what they were is freed. */
static bool same(const fixture *f, const char *name, size_t part, float *before)
{
    float *const now = numbers(f, name, part);
    const bool equal = memcmp(before, now, count_of(f, name) * sizeof *now) == 0;
    free(now);
    free(before);
    return equal;
}

#define VALUES offsetof(el_param, value)

static void check_copied(const fixture *f, bool wanted)
{
    const el_params *from = &el_model_network(&f->model, EL_GENERATOR)->params;
    const el_params *to = &el_model_network(&f->model, EL_DISCRIMINATOR)->params;
    int equal = 0, backbone = 0;
    for (int i = 0; i < to->count; i++) {
        const el_param *own = el_param_find(from, to->items[i].name);
        if (!own)
            continue;
        const size_t count = (size_t)el_param_elements(own);
        float *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b);
        assert_int_equal(el_tensor_read(f->q, own->value, a), EL_OK);
        assert_int_equal(el_tensor_read(f->q, to->items[i].value, b), EL_OK);
        backbone++;
        equal += memcmp(a, b, count * sizeof *a) == 0;
        free(a);
        free(b);
    }
    CHECK(backbone > 30 && (equal == backbone) == wanted, "%d of %d tensors are the generator's", equal,
          backbone);
}

/* The generator learns alone; then every tensor below the heads is copied; then it stays as it is, to the bit, its moments 0. */
static void one_network_learns_after_the_other(void **state)
{
    (void)state;
    for (int copy = 0; copy < 2; copy++) {
        fixture f;
        el_objective_settings settings = settings_of_two_stages();
        settings.copy_generator = copy;
        open_fixture(&f, EL_TWO_STAGE, false, &settings);
        float *generator = numbers(&f, EL_GENERATOR, VALUES), *large = numbers(&f, EL_DISCRIMINATOR, VALUES);
        train(&f, 0, SECOND);
        CHECK(!same(&f, EL_GENERATOR, VALUES, generator), "the generator does not learn");
        CHECK(same(&f, EL_DISCRIMINATOR, VALUES, large), "the discriminator changes in the first stage");
        const el_figures first = gradients(&f, SECOND - 1);
        CHECK(isnan(el_figure(&first, "discriminator_loss")) &&
                  first.values[0] == el_figure(&first, "generator_loss"),
              "the first stage has a loss of %g", first.values[0]);
        el_model_zero_gradients(&f.model);

        const el_figures second = gradients(&f, SECOND);
        check_copied(&f, copy);
        CHECK(el_figure(&second, "discriminator_loss") > 0, "the second stage detects nothing");
        el_model_zero_gradients(&f.model);
        generator = numbers(&f, EL_GENERATOR, VALUES), large = numbers(&f, EL_DISCRIMINATOR, VALUES);
        train(&f, SECOND, SECOND + 100);
        CHECK(same(&f, EL_GENERATOR, VALUES, generator), "the generator changes in the second stage");
        CHECK(!same(&f, EL_DISCRIMINATOR, VALUES, large), "the discriminator does not learn");
        const size_t count = count_of(&f, EL_GENERATOR);
        float *moments[2] = {numbers(&f, EL_GENERATOR, offsetof(el_param, m)),
                             numbers(&f, EL_GENERATOR, offsetof(el_param, v))};
        for (int k = 0; k < 2; k++) {
            for (size_t i = 0; i < count; i++)
                CHECK(moments[k][i] == 0, "a moment of the generator is %g", (double)moments[k][i]);
            free(moments[k]);
        }
        close_fixture(&f);
    }
}

/* Held-out examples are judged as the stage of the run has it: after its last step, a stage is that of what was trained. */
static void evaluations_know_the_stage(void **state)
{
    (void)state;
    fixture f;
    const el_objective_settings settings = settings_of_two_stages();
    open_fixture(&f, EL_TWO_STAGE, false, &settings);
    f.objective->evaluating = true;
    for (int64_t done = SECOND - 1; done <= SECOND + 1; done++) {
        f.objective->done = done;
        f.objective->reset(f.objective);
        el_figures figures;
        assert_int_equal(el_objective_run(f.objective, &f.batch, (el_random){5, 0, 0}, false), EL_OK);
        f.objective->finish(f.objective, &figures);
        CHECK(isnan(el_figure(&figures, "discriminator_loss")) == (done <= SECOND),
              "after %d steps the discriminator's loss is %g", (int)done,
              el_figure(&figures, "discriminator_loss"));
    }
    close_fixture(&f);
}

static void a_frozen_generator_stays(void **state)
{
    (void)state;
    fixture f;
    el_objective_settings settings = settings_of_two_stages();
    settings.temperature = (el_course){2, 1};
    settings.temperature_decay = 0.1;
    open_fixture(&f, EL_ELECTRA, true, &settings);
    float *generator = numbers(&f, EL_GENERATOR, VALUES), *large = numbers(&f, EL_DISCRIMINATOR, VALUES);
    train(&f, 0, 50);
    CHECK(same(&f, EL_GENERATOR, VALUES, generator), "a frozen generator changes");
    CHECK(!same(&f, EL_DISCRIMINATOR, VALUES, large), "the discriminator does not learn");
    close_fixture(&f);
}

/* The loss of the generator does not depend on the temperature, what it draws does; at 1 the sampling is the usual one. */
static void temperature_is_of_the_samples(void **state)
{
    (void)state;
    static const double TEMPERATURES[] = {1, 1, 2};
    double loss[3], sampled[3];
    for (int k = 0; k < 3; k++) {
        fixture f;
        el_objective_settings settings = settings_of_two_stages();
        settings.temperature = (el_course){TEMPERATURES[k], 1};
        settings.temperature_decay = k ? 0.1 : 0;
        open_fixture(&f, EL_ELECTRA, true, &settings);
        const el_figures figures = gradients(&f, 0);
        loss[k] = el_figure(&figures, "generator_loss");
        sampled[k] = el_figure(&figures, "discriminator_loss");
        close_fixture(&f);
    }
    CHECK(loss[0] == loss[1] && loss[1] == loss[2], "losses %.17g, %.17g, %.17g", loss[0], loss[1], loss[2]);
    CHECK(sampled[0] == sampled[1] && sampled[1] != sampled[2], "with samples %.17g, %.17g, %.17g",
          sampled[0], sampled[1], sampled[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_network_learns_after_the_other),
        cmocka_unit_test(evaluations_know_the_stage),
        cmocka_unit_test(a_frozen_generator_stays),
        cmocka_unit_test(temperature_is_of_the_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
