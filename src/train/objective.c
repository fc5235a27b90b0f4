/* objective - a batch in as many pieces as have room, and what is found in its figures */
#include "train/objective.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void el_figures_set(el_figures *figures, const char *const *names, const double *values, int count)
{
    assert(count <= EL_MAX_FIGURES);
    figures->names = names;
    figures->count = count;
    memcpy(figures->values, values, (size_t)count * sizeof *values);
}

double el_figure(const el_figures *figures, const char *name)
{
    for (int i = 0; i < figures->count; i++)
        if (strcmp(figures->names[i], name) == 0)
            return figures->values[i];
    return NAN;
}

json_t *el_figures_json(const el_figures *figures)
{
    json_t *const object = json_object();
    for (int i = 0; i < figures->count; i++)
        if (isfinite(figures->values[i]))
            json_object_set_new(object, figures->names[i], json_real(figures->values[i]));
    return object;
}

/* The end of the range that begins with `first`. */
static el_status fit(el_objective *objective, const el_batch *batch, int first, int *last)
{
    *last = objective->fit(objective, first);
    return *last > first ? EL_OK
                         : el_fail(EL_EDATA, "a sequence of %d tokens is longer than there is room for",
                                   batch->starts[first + 1] - batch->starts[first]);
}

el_status el_objective_continue(el_objective *objective, const el_batch *batch, int first, int last,
                                bool training, el_interrupt interrupt)
{
    el_queue *const q = objective->model->q;
    q->interrupt = interrupt;
    el_status st = EL_OK;
    for (int end; !st && first < last && !el_queue_cut_short(q); first = end) {
        st = fit(objective, batch, first, &end);
        end = end < last ? end : last;
        objective->ends = end == last;
        if (!st)
            objective->accumulate(objective, first, end, training);
    }
    return el_queue_resume(q) && !st ? el_fail(EL_ESTOPPED, "stopped within a batch") : st;
}

el_status el_objective_count(el_objective *objective)
{
    el_queue *const q = objective->model->q;
    const el_status st = q->wait(q);
    if (!st && objective->count)
        objective->count(objective);
    return st;
}

void el_objective_abandon(el_objective *objective)
{
    objective->model->q->wait(objective->model->q); /* for what is being fetched */
    objective->reset(objective);
}

el_status el_objective_run_until(el_objective *objective, const el_batch *batch, el_random random,
                                 bool training, el_interrupt interrupt)
{
    el_status st = objective->begin(objective, batch, random);
    if (!st)
        st = el_objective_continue(objective, batch, 0, batch->sequences, training, interrupt);
    if (!st)
        return el_objective_count(objective);
    el_objective_abandon(objective);
    return st;
}

el_status el_objective_run(el_objective *objective, const el_batch *batch, el_random random, bool training)
{
    return el_objective_run_until(objective, batch, random, training, (el_interrupt){0});
}

el_status el_objective_try(el_objective *objective, const el_batch *batch, el_random random)
{
    int last;
    el_status st = objective->begin(objective, batch, random);
    if (!st)
        st = fit(objective, batch, 0, &last);
    if (st)
        return st;
    objective->accumulate(objective, 0, 1, false);
    return el_objective_count(objective);
}

/* ---- what is counted ---- */

el_status el_objective_take(el_objective *objective, el_ledger *ledger)
{
    objective->ledger(objective, ledger);
    return ledger->status;
}

el_status el_objective_add_all(el_objective *objective, el_dist *dist, const el_ledger *ledger)
{
    size_t counts[el_dist_size(dist)];
    el_ledger all = {.adding = true};
    el_status st = el_dist_gather(dist, ledger->bytes, ledger->count, (void **)&all.bytes, counts);
    for (int i = 0; !st && i < el_dist_size(dist); i++)
        all.count += counts[i];
    while (!st && all.at < all.count) {
        objective->ledger(objective, &all);
        st = all.status;
    }
    el_ledger_release(&all);
    return st;
}
