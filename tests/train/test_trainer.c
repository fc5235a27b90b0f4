/* The trainer's loop, by an objective whose gradients and losses are told; and what a checkpoint knows of it. */
#define _GNU_SOURCE /* mkdtemp */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "check.h"
#include "dist/threads.h"
#include "networks.h"
#include "ops/distant.h"
#include "train/trainer.h"

enum { STEPS = 5 };

/* Step by step, what every gradient is added to by, and the loss (NULL: 1); and the norms that came of it. */
typedef struct {
    el_objective base;
    uint32_t step;
    const double *added, *losses;
    double norms[STEPS];
} told;

static void reset(el_objective *self)
{
    (void)self;
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    (void)batch;
    ((told *)self)->step = random.step;
    return EL_OK;
}

static int fit(el_objective *self, int first)
{
    (void)self;
    return first + 1;
}

typedef struct {
    el_queue *q;
    double added;
} addition;

static void add_gradient(void *context, const el_network *net, el_param *param)
{
    const addition *const a = context;
    (void)net;
    for (int i = 0; i < param->gradient.rows; i++)
        for (int j = 0; j < param->gradient.cols; j++)
            distant_set(a->q, param->gradient, i, j, distant_get(a->q, param->gradient, i, j) + a->added);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    (void)first, (void)last, (void)training;
    addition added = {self->model->q, ((told *)self)->added[((told *)self)->step]};
    el_model_each(self->model, add_gradient, &added);
}

static void finish(el_objective *self, el_figures *figures)
{
    static const char *const NAMES[] = {"loss"};
    const told *const t = (const told *)self;
    *figures = (el_figures){.count = 1, .names = NAMES, .values = {t->losses ? t->losses[t->step] : 1}};
}

static el_status one_sequence(void *context, int64_t first, int count, el_batch *batch)
{
    static const int IDS[] = {2, 5, 3};
    (void)context, (void)first, (void)count;
    el_batch_clear(batch);
    return el_batch_add(batch, IDS, 3, 3);
}

/* A run of STEPS steps; `before`: what lies in the gradients before it. */
typedef struct {
    told told;
    el_watch watch;
    const char *folder; /* NULL: nothing is written */
    int64_t most_skipped, log_every;
    double before;
    int64_t parameters; /* that it had */
} trial;

static el_status run_trial(trial *t, el_progress *progress)
{
    el_model model;
    el_queue *const q = distant_open(1, "reference");
    assert_int_equal(small_model_on(&model, q, 8, EL_TIE_SHARED, 1), EL_OK);
    addition before = {q, t->before};
    el_model_each(&model, add_gradient, &before);
    t->parameters = (int64_t)el_model_parameters(&model);
    t->told.base = (el_objective){.model = &model,
                                  .reset = reset,
                                  .begin = begin,
                                  .fit = fit,
                                  .accumulate = accumulate,
                                  .finish = finish};
    const el_trainer trainer = {.objective = &t->told.base,
                                .training = {.read = one_sequence, .examples = 1},
                                .folder = t->folder,
                                .schedule = {.peak = 0.01, .steps = STEPS},
                                .optimizer = el_optimizer_defaults(),
                                .batch = 1,
                                .steps = STEPS,
                                .log_every = t->log_every,
                                .most_skipped = t->most_skipped,
                                .watch = t->watch};
    *progress = (el_progress){0};
    const el_status st = el_trainer_run(&trainer, progress);
    el_model_close(&model);
    el_queue_close(q);
    return st;
}

static el_status keep_norm(void *context, const el_event *event)
{
    if (event->kind == EL_EVENT_STEP || event->kind == EL_EVENT_RECORD)
        ((told *)context)->norms[event->progress->step - 1] = event->norm;
    return EL_OK;
}

/* Nothing of an earlier step is left in the gradients, be it one that was skipped or what was there before the run. */
static void steps_begin_with_no_gradients(void **state)
{
    (void)state;
    static const double ADDED[STEPS + 1] = {1, 2, NAN, 1, 2, 1};
    trial t = {.told = {.added = ADDED},
               .watch = {.on_event = keep_norm, .context = &t.told},
               .most_skipped = 2,
               .log_every = 1, /* else events tell of means */
               .before = 7};
    el_progress progress;
    assert_int_equal(run_trial(&t, &progress), EL_OK);
    assert_int_equal(progress.updates, STEPS - 1);
    const double one = sqrt((double)t.parameters);
    for (int i = 0; i < STEPS; i++)
        if (!(isnan(ADDED[i]) ? isnan(t.told.norms[i])
                              : fabs(t.told.norms[i] - ADDED[i] * one) <= 1e-6 * one))
            fail_msg("step %d: norm %g, but gradients alone have %g", i + 1, t.told.norms[i], ADDED[i] * one);
}

static el_status fail_at_a_skip(void *context, const el_event *event)
{
    (void)context;
    return event->progress->skipped_in_row ? el_fail(EL_EFAILED, "the disk is full") : EL_OK;
}

/* A run that failed by its numbers is told from one that failed otherwise, even among skipped steps. */
static void divergence_is_told(void **state)
{
    (void)state;
    static const double ADDED[STEPS + 1] = {1, NAN, NAN, 1, 2, 1};
    for (int failing = 0; failing < 2; failing++) {
        trial t = {.told = {.added = ADDED},
                   .watch = {.on_event = failing ? fail_at_a_skip : NULL},
                   .most_skipped = 2};
        el_progress progress;
        assert_int_equal(run_trial(&t, &progress), EL_EFAILED);
        assert_non_null(strstr(el_error(), failing ? "the disk is full" : "2 steps in a row"));
        assert_int_equal(progress.diverged, !failing);
    }
}

/* Runs with these losses, one more than there are steps: that of the next batch, by which weights are tried. */
static el_status run_with(const double *losses, int64_t most_skipped, const char *folder,
                          el_progress *progress)
{
    static const double ADDED[STEPS + 1] = {0};
    trial t = {.told = {.added = ADDED, .losses = losses}, .folder = folder, .most_skipped = most_skipped};
    return run_trial(&t, progress);
}

/* Steps whose loss is no number are skipped, however finite their gradients are; too many of them in a row end the run. */
static void steps_without_a_loss_are_skipped(void **state)
{
    (void)state;
    static const double APART[STEPS + 1] = {1, NAN, 1, NAN, 1, 1},
                                      TOGETHER[STEPS + 1] = {1, NAN, NAN, 1, 1, 1};
    static const struct {
        const double *losses;
        int64_t most_skipped, step, updates;
        el_status ended;
    } CASES[] = {{APART, 2, 5, 3, EL_OK}, {TOGETHER, 3, 5, 3, EL_OK}, {TOGETHER, 2, 2, 1, EL_EFAILED}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_progress p;
        const el_status st = run_with(CASES[i].losses, CASES[i].most_skipped, NULL, &p);
        CHECK(st == CASES[i].ended && p.step == CASES[i].step && p.updates == CASES[i].updates,
              "case %zu: status %d after step %lld with %lld updates, not %d, %lld and %lld", i, st,
              (long long)p.step, (long long)p.updates, CASES[i].ended, (long long)CASES[i].step,
              (long long)CASES[i].updates);
    }
}

/* Weights by which the next batch has no loss are not saved. */
static void weights_without_a_loss_are_not_saved(void **state)
{
    (void)state;
    static const double ASTRAY[STEPS + 1] = {1, 1, 1, 1, 1, NAN}, SOUND[STEPS + 1] = {1, 1, 1, 1, 1, 1};
    for (int sound = 0; sound < 2; sound++) {
        char folder[] = "/tmp/electra-test-XXXXXX";
        el_progress p;
        assert_non_null(mkdtemp(folder));
        const el_status st = run_with(sound ? SOUND : ASTRAY, 2, folder, &p);
        char *const checkpoint = el_path_join(folder, "checkpoint-5");
        CHECK(st == (sound ? EL_OK : EL_EFAILED), "status %d of weights that are %s", st,
              sound ? "sound" : "astray");
        CHECK(el_folder_exists(checkpoint) == (bool)sound, "weights that are %s %s saved",
              sound ? "sound" : "astray", sound ? "are not" : "are");
        free(checkpoint);
        assert_int_equal(el_folder_remove(folder), EL_OK);
    }
}

/* ---- evaluations ---- */

enum { BATCHES = 3 };

/* What each batch of an evaluation was read and begun with. */
typedef struct {
    told told;
    int64_t firsts[BATCHES];
    int counts[BATCHES], count;
    uint64_t seeds[BATCHES];
    uint32_t steps[BATCHES];
} witness;

static el_status read_witnessed(void *context, int64_t first, int count, el_batch *batch)
{
    witness *const w = context;
    w->firsts[w->count] = first;
    w->counts[w->count] = count;
    return one_sequence(NULL, first, count, batch);
}

static el_status begin_witnessed(el_objective *self, const el_batch *batch, el_random random)
{
    witness *const w = (witness *)self;
    w->seeds[w->count] = random.seed;
    w->steps[w->count++] = random.step;
    return begin(self, batch, random);
}

/* All examples are read once, and what is random is drawn anew for each batch, the same at every evaluation. */
static void each_batch_is_drawn_for(void **state)
{
    (void)state;
    static const double ADDED[BATCHES] = {0};
    el_model model;
    el_queue *const q = distant_open(1, "reference");
    assert_int_equal(small_model_on(&model, q, 8, EL_TIE_SHARED, 1), EL_OK);
    witness w = {.told = {.base = {.model = &model,
                                   .reset = reset,
                                   .begin = begin_witnessed,
                                   .fit = fit,
                                   .accumulate = accumulate,
                                   .finish = finish},
                          .added = ADDED}};
    const el_example_source source = {&w, read_witnessed, (BATCHES - 1) * EL_EVALUATION_BATCH + 5};
    el_figures figures;
    assert_int_equal(el_evaluate(&w.told.base, &source, 0, &(el_evaluation_watch){0}, &figures), EL_OK);
    assert_int_equal(w.count, BATCHES);
    for (int i = 0; i < BATCHES; i++) {
        const int count = i + 1 < BATCHES ? EL_EVALUATION_BATCH : 5;
        CHECK(w.firsts[i] == i * EL_EVALUATION_BATCH && w.counts[i] == count,
              "batch %d is of %d examples from %lld on, not of %d from %d on", i, w.counts[i],
              (long long)w.firsts[i], count, i * EL_EVALUATION_BATCH);
        CHECK(w.seeds[i] == EL_EVALUATION_SEED && w.steps[i] == (uint32_t)i,
              "batch %d is drawn for by seed %llu and step %u", i, (unsigned long long)w.seeds[i],
              w.steps[i]);
    }
    el_model_close(&model);
    el_queue_close(q);
}

/* ---- what a checkpoint knows ---- */

static void check_same(const char *what, double is, double was)
{
    CHECK(is == was, "%s is %g, and was %g", what, is, was);
}

#define CHECK_SAME(field) check_same(#field, (double)read.field, (double)p.field)

/* A state.json has all of it; a new window has nothing of the one before. */
static void progress_is_kept(void **state)
{
    (void)state;
    el_progress read, p = {.step = 1,
                           .updates = 2,
                           .warm_updates = 3,
                           .skipped_in_row = 4,
                           .examples = 5,
                           .tokens = 6,
                           .evaluated = 7,
                           .lines = 8,
                           .seconds = 9.5,
                           .window_steps = 10,
                           .window_skipped = 11,
                           .window_norm = 12.5,
                           .figures = 2,
                           .sums = {13.5, 14.5},
                           .counts = {15, 16}};
    json_t *const written = el_progress_write(&p, 17);
    assert_int_equal(el_progress_read(&read, written), EL_OK);
    check_same("seed", (double)read.seed, 17);
    CHECK_SAME(step), CHECK_SAME(updates), CHECK_SAME(warm_updates), CHECK_SAME(skipped_in_row);
    CHECK_SAME(examples), CHECK_SAME(tokens), CHECK_SAME(evaluated), CHECK_SAME(lines), CHECK_SAME(seconds);
    CHECK_SAME(window_steps), CHECK_SAME(window_skipped), CHECK_SAME(window_norm), CHECK_SAME(figures);
    CHECK_SAME(sums[0]), CHECK_SAME(sums[1]), CHECK_SAME(counts[0]), CHECK_SAME(counts[1]);
    json_object_del(written, "warm_updates"); /* as an earlier version wrote it */
    assert_int_equal(el_progress_read(&read, written), EL_OK);
    check_same("warm_updates", (double)read.warm_updates, -1);
    json_object_del(written, "tokens");
    assert_int_equal(el_progress_read(&read, written), EL_EDATA);
    json_decref(written);

    el_figures means = {.count = 2};
    el_progress_clear(&p);
    el_progress_means(&p, &means);
    CHECK(isnan(means.values[0]) && isnan(means.values[1]) && isnan(el_progress_norm(&p)),
          "a new window has means %g and %g, and a norm of %g", means.values[0], means.values[1],
          el_progress_norm(&p));
    assert_int_equal(p.window_skipped, 0);
}

/* ---- ranks ---- */

typedef struct {
    const char *folder;
    el_status ended[TEST_RANKS];
    int64_t evaluated[TEST_RANKS];
} stops;

static void count_nothing(el_objective *self, el_ledger *ledger)
{
    (void)self, (void)ledger;
}

/* Goes on from step 2, whose evaluation waits; the last rank is stopped within it, the others get through. */
static void stop_the_last(el_dist *d, void *context)
{
    static const double ADDED[STEPS] = {0};
    stops *const s = context;
    const el_stop stop = d->rank == d->size - 1;
    el_model model;
    el_queue *const q = distant_open(1, "reference");
    small_model_on(&model, q, 8, EL_TIE_SHARED, 1);
    told t = {.base = {.model = &model,
                       .keeps_answers = true,
                       .reset = reset,
                       .begin = begin,
                       .fit = fit,
                       .accumulate = accumulate,
                       .ledger = count_nothing,
                       .finish = finish},
              .added = ADDED};
    const el_trainer trainer = {.objective = &t.base,
                                .dist = d,
                                .leaves = d->size,
                                .training = {.read = one_sequence, .examples = 1},
                                .heldout = {.read = one_sequence, .examples = 1},
                                .folder = s->folder,
                                .schedule = {.peak = 0.01, .steps = STEPS},
                                .optimizer = el_optimizer_defaults(),
                                .batch = 1,
                                .steps = STEPS,
                                .evaluate_every = 2,
                                .most_skipped = 2,
                                .watch.stop = &stop};
    el_progress progress = {.step = 2, .examples = 2};
    s->ended[d->rank] = el_trainer_run(&trainer, &progress);
    s->evaluated[d->rank] = progress.evaluated;
    el_model_close(&model);
    el_queue_close(q);
}

/* A stop that comes to one rank within an evaluation, right after going on, ends all alike: none writes or exchanges what
 * the others do not. */
static void all_stop_within_an_evaluation(void **state)
{
    (void)state;
    char folder[] = "/tmp/electra-test-XXXXXX";
    stops s = {.folder = mkdtemp(folder)};
    alarm(60); /* ranks that come to other calls wait for ever */
    test_ranks(2, stop_the_last, &s);
    alarm(0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(s.ended[i], EL_ESTOPPED);
        assert_int_equal(s.evaluated[i], 0);
    }
    assert_int_equal(el_folder_remove(folder), EL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps_begin_with_no_gradients),
                                       cmocka_unit_test(divergence_is_told),
                                       cmocka_unit_test(steps_without_a_loss_are_skipped),
                                       cmocka_unit_test(weights_without_a_loss_are_not_saved),
                                       cmocka_unit_test(progress_is_kept),
                                       cmocka_unit_test(each_batch_is_drawn_for),
                                       cmocka_unit_test(all_stop_within_an_evaluation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
