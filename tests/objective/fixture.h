/* fixture - a small model on a queue, a batch, and an objective for both: for tests of objectives */
#ifndef TEST_OBJECTIVE_FIXTURE_H
#define TEST_OBJECTIVE_FIXTURE_H

#include "base/error.h"
#include "model/initialise.h"
#include "objective/batches.h"
#include "objective/objectives.h"

typedef struct {
    el_vocab *vocab;
    el_queue *q;
    el_model model;
    el_objective *objective; /* NULL: none was opened */
    el_batch batch;
} fixture;

/* `plan` on `threads` threads of a device (NULL: this machine's processor), with first weights by fan-in or 0.02. */
static inline void open_model(fixture *f, const el_model_plan *plan, bool fan_in, const char *device,
                              int threads)
{
    const el_initialisation how = {.fan_in = fan_in, .seed = 4};
    *f = (fixture){.vocab = make_vocab(plan->networks[0].config.vocab_size)};
    CHECK(el_queue_open(&f->q, threads, device) == EL_OK, "%s", el_error());
    CHECK(el_model_open(&f->model, f->q, plan) == EL_OK, "%s", el_error());
    CHECK(el_model_initialise(&f->model, &how) == EL_OK, "%s", el_error());
}

/* With room for `rows` rows at a time. */
static inline void open_objective(fixture *f, el_objective_kind kind, const el_objective_settings *settings,
                                  int rows)
{
    CHECK(el_objective_open(&f->objective, kind, &f->model, f->vocab, settings, rows) == EL_OK, "%s",
          el_error());
}

static inline void close_fixture(fixture *f)
{
    if (f->objective)
        f->objective->close(f->objective);
    el_model_close(&f->model);
    el_queue_close(f->q);
    el_batch_release(&f->batch);
    el_vocab_close(f->vocab);
}

/* Figures of the batch at a step. */
static inline el_figures run(fixture *f, const el_batch *batch, uint32_t step, bool training)
{
    el_figures figures;
    f->objective->reset(f->objective);
    CHECK(el_objective_run(f->objective, batch, (el_random){5, 0, step}, training) == EL_OK, "%s",
          el_error());
    f->objective->finish(f->objective, &figures);
    return figures;
}

#endif
