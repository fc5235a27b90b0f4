/* evaluation - see the header */
#include "train/evaluation.h"

typedef struct {
    el_objective *objective;
    const el_example_source *source;
    const el_evaluation_watch *watch;
    int64_t batches;
    el_batch batch;
    el_ledger before, mine;
} evaluation;

static el_status run_batch(evaluation *e, int64_t number)
{
    const int64_t first = number * EL_EVALUATION_BATCH, left = e->source->examples - first;
    const int count = left < EL_EVALUATION_BATCH ? (int)left : EL_EVALUATION_BATCH;
    const el_random random = {.seed = EL_EVALUATION_SEED, .step = (uint32_t)number};
    const el_status st = e->source->read(e->source->context, first, count, &e->batch);
    return st ? st : el_objective_run_until(e->objective, &e->batch, random, false, e->watch->interrupt);
}

static el_status tell(const evaluation *e, int64_t done)
{
    return e->watch->on_batch ? e->watch->on_batch(e->watch->context, (double)done / (double)e->batches)
                              : EL_OK;
}

static el_status in_one_count(evaluation *e)
{
    el_status st = EL_OK;
    for (int64_t i = 0; !st && i < e->batches; i++) {
        st = run_batch(e, i);
        if (!st)
            st = tell(e, i + 1);
    }
    return st;
}

/* A batch for each rank.  What was counted before is put aside, so that each batch's sums begin at zero, and all are added
 * in the order of the batches. */
static el_status round_of_ranks(evaluation *e, int64_t first)
{
    el_dist *const d = e->watch->dist;
    const int64_t own = first + el_dist_rank(d), end = first + el_dist_size(d);
    e->before.count = e->mine.count = 0;
    el_status st = el_objective_take(e->objective, &e->before);
    if (!st && own < e->batches)
        st = run_batch(e, own);
    if (!st && own < e->batches)
        st = el_objective_take(e->objective, &e->mine);
    if (!st)
        st = el_objective_add_all(e->objective, NULL, &e->before);
    st = el_dist_agree(d, st);
    if (!st)
        st = el_objective_add_all(e->objective, d, &e->mine);
    return st ? st : tell(e, end < e->batches ? end : e->batches);
}

static el_status apart(evaluation *e)
{
    el_status st = EL_OK;
    for (int64_t i = 0; !st && i < e->batches; i += el_dist_size(e->watch->dist))
        st = round_of_ranks(e, i);
    return st;
}

el_status el_evaluate(el_objective *objective, const el_example_source *source, int64_t batches,
                      const el_evaluation_watch *watch, el_figures *figures)
{
    const int64_t all = (source->examples + EL_EVALUATION_BATCH - 1) / EL_EVALUATION_BATCH;
    evaluation e = {.objective = objective,
                    .source = source,
                    .watch = watch,
                    .batches = batches > 0 && batches < all ? batches : all};
    objective->reset(objective);
    objective->evaluating = true;
    el_status st = watch->apart && !objective->keeps_answers ? apart(&e) : in_one_count(&e);
    *figures = (el_figures){0};
    if (!st)
        objective->finish(objective, figures);
    objective->evaluating = false;
    if (!st)
        st = figures->status;
    if (!st)
        st = objective->model->q->wait(objective->model->q);
    el_batch_release(&e.batch);
    el_ledger_release(&e.before);
    el_ledger_release(&e.mine);
    return st;
}
