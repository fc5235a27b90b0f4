/* evaluation - see the header */
#include "train/evaluation.h"

static el_status evaluate_batches(el_objective *objective, const el_example_source *source, int64_t batches,
                                  const el_evaluation_watch *watch, el_batch *batch)
{
    for (int64_t i = 0; i < batches; i++) {
        const int64_t first = i * EL_EVALUATION_BATCH, left = source->examples - first;
        const int count = left < EL_EVALUATION_BATCH ? (int)left : EL_EVALUATION_BATCH;
        el_status st = source->read(source->context, first, count, batch);
        const el_random random = {.seed = EL_EVALUATION_SEED, .step = (uint32_t)i};
        if (!st)
            st = el_objective_run_until(objective, batch, random, false, watch->interrupt);
        if (!st && watch->on_batch)
            st = watch->on_batch(watch->context, (double)(i + 1) / (double)batches);
        if (st)
            return st;
    }
    return EL_OK;
}

el_status el_evaluate(el_objective *objective, const el_example_source *source, int64_t batches,
                      const el_evaluation_watch *watch, el_figures *figures)
{
    const int64_t all = (source->examples + EL_EVALUATION_BATCH - 1) / EL_EVALUATION_BATCH;
    el_batch batch = {0};
    objective->reset(objective);
    el_status st =
        evaluate_batches(objective, source, batches > 0 && batches < all ? batches : all, watch, &batch);
    *figures = (el_figures){0};
    if (!st)
        objective->finish(objective, figures);
    if (!st)
        st = figures->status;
    el_batch_release(&batch);
    return st;
}
