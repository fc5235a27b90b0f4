/* The host waits for the device once a step, however many micro-batches a step has; and what it counts after the wait is what it
 * would have counted at once, whatever the objective.
 */
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
#include "objective/objectives.h"
#include "ops/distant.h"
#include "train/trainer.h"

enum { WORDS = 40, LENGTH = 16, BATCH = 6, STEPS = 4 };

/* A training's figures, and the waits of each of its steps. */
typedef struct {
    el_queue *q;
    const el_vocab *vocab;
    const char *name;
    bool distant;
    int before, steps;
    int waits[STEPS];
    double figures[STEPS][EL_MAX_FIGURES];
    int count;
} training;

static const struct {
    el_objective_kind kind;
    el_sampler sampler;
} KINDS[] = {{EL_ELECTRA, EL_SAMPLER_NETWORK},     {EL_ELECTRA, EL_SAMPLER_UNIFORM},
             {EL_ELECTRA, EL_SAMPLER_TWO_TOWERS},  {EL_MLM, EL_SAMPLER_NETWORK},
             {EL_ELECTRA_15, EL_SAMPLER_NETWORK},  {EL_TWO_STAGE, EL_SAMPLER_NETWORK},
             {EL_ADVERSARIAL, EL_SAMPLER_NETWORK}, {EL_ELECTRIC, EL_SAMPLER_TWO_TOWERS},
             {EL_REPLACE_MLM, EL_SAMPLER_NETWORK}, {EL_ALL_TOKENS_MLM, EL_SAMPLER_NETWORK},
             {EL_CAUSAL, EL_SAMPLER_NETWORK},      {EL_BIDIRECTIONAL, EL_SAMPLER_NETWORK},
             {EL_PERMUTATION, EL_SAMPLER_NETWORK}};

static el_status read_batch(void *context, int64_t first, int count, el_batch *batch)
{
    const training *const t = context;
    el_batch_clear(batch);
    for (int i = 0; i < count; i++)
        add_sequence(batch, t->vocab, LENGTH - i % 3, (int)first + i);
    return EL_OK;
}

static el_status keep_step(void *context, const el_event *event)
{
    training *const t = context;
    if (event->kind != EL_EVENT_RECORD)
        return EL_OK;
    const int now = t->distant ? distant_waits(t->q) : 0;
    t->waits[t->steps] = now - t->before;
    t->count = event->figures->count;
    memcpy(t->figures[t->steps++], event->figures->values, sizeof event->figures->values);
    t->before = now;
    return EL_OK;
}

static training trained(const el_vocab *vocab, el_objective_kind kind, el_sampler sampler, bool distant)
{
    training t = {.vocab = vocab, .distant = distant};
    el_model model;
    el_objective *objective;
    el_objective_settings settings = el_objective_defaults();
    settings.mask_prob = (el_course){0.3, 0.3};
    settings.max_seq_length = LENGTH;
    settings.sampler = sampler;
    settings.steps = STEPS;
    const int generator = kind == EL_TWO_STAGE ? 16 : 8; /* whose weights become the discriminator's */
    if (distant)
        t.q = distant_open(1, NULL);
    else
        CHECK(el_queue_open(&t.q, 1, NULL) == EL_OK, "%s", el_error());
    el_model_plan plan = el_objective_plan(kind, sampler, one_layer(WORDS, LENGTH, 16),
                                           one_layer(WORDS, LENGTH, generator), EL_TIE_SHARED);
    plan.training = true;
    CHECK(el_model_open(&model, t.q, &plan) == EL_OK, "%s", el_error());
    CHECK(el_model_initialise(&model, &(el_initialisation){.fan_in = true, .seed = 4}) == EL_OK, "%s",
          el_error());
    CHECK(el_objective_open(&objective, kind, &model, vocab, &settings, 2 * LENGTH) == EL_OK, "%s",
          el_error());
    const el_trainer trainer = {.objective = objective,
                                .training = {.read = read_batch, .context = &t, .examples = BATCH * STEPS},
                                .schedule = {.peak = 0.01, .steps = STEPS},
                                .optimizer = el_optimizer_defaults(),
                                .seed = 1,
                                .batch = BATCH,
                                .steps = STEPS,
                                .log_every = 1,
                                .most_skipped = 1,
                                .watch = {.on_event = keep_step, .context = &t}};
    el_progress progress = {0};
    t.before = distant ? distant_waits(t.q) : 0;
    CHECK(el_trainer_run(&trainer, &progress) == EL_OK, "%s", el_error());
    t.name = objective->name;
    objective->close(objective);
    el_model_close(&model);
    el_queue_close(t.q);
    return t;
}

static void one_wait_a_step(void **state)
{
    (void)state;
    el_vocab *const vocab = make_vocab(WORDS);
    for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++) {
        const training here = trained(vocab, KINDS[k].kind, KINDS[k].sampler, false);
        const training there = trained(vocab, KINDS[k].kind, KINDS[k].sampler, true);
        assert_int_equal(there.steps, STEPS);
        for (int s = 0; s < STEPS; s++) {
            CHECK(there.waits[s] == 1, "%s, step %d: %d waits", there.name, s + 1, there.waits[s]);
            for (int i = 0; i < there.count; i++)
                CHECK(memcmp(&here.figures[s][i], &there.figures[s][i], sizeof(double)) == 0,
                      "%s, step %d, figure %d: %.17g, and %.17g without a wait", there.name, s + 1, i,
                      there.figures[s][i], here.figures[s][i]);
        }
    }
    el_vocab_close(vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_wait_a_step)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
