/* leaves - see the header */
#include "train/leaves.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool is_power_of_two(int n)
{
    return n > 0 && (n & (n - 1)) == 0;
}

/* The power of two nearest to n, the lower of two, at most `most`. */
static int nearest_power(int n, int most)
{
    int low = 1;
    while (2 * low <= n)
        low *= 2;
    const int nearest = n - low > 2 * low - n ? 2 * low : low;
    return nearest < most ? nearest : most;
}

el_status el_leaves_check(const el_objective *objective, int leaves, int ranks)
{
    if (!is_power_of_two(leaves))
        return el_fail(EL_EUSAGE, "--gradient-leaves: %d is not a power of two; %d is", leaves,
                       nearest_power(leaves, EL_MOST_LEAVES));
    if (leaves > 1 && objective && !objective->ledger)
        return el_fail(EL_EUSAGE, "--gradient-leaves: %s looks at a batch as a whole, so %d has to be 1",
                       objective->name, leaves);
    if (!is_power_of_two(ranks) || ranks > leaves)
        return el_fail(EL_EUSAGE, "%d ranks cannot share %d leaves of a gradient evenly; %d can", ranks,
                       leaves, nearest_power(ranks, leaves));
    return EL_OK;
}

static int own_leaves(const el_leaves *l)
{
    return l->leaves / el_dist_size(l->dist);
}

static el_tensor gradients(const el_leaves *l)
{
    return el_model_region(l->objective->model, EL_GRADIENTS);
}

static void lay_out(el_leaves *l)
{
    const el_tensor g = gradients(l);
    for (int i = 0; 1 << i < own_leaves(l); i++)
        l->waiting[i] = el_arena_tensor(&l->arena, g.type, g.rows, g.cols);
}

el_status el_leaves_open(el_leaves *l, el_dist *dist, el_objective *objective, int count)
{
    *l = (el_leaves){.dist = dist, .objective = objective, .leaves = count};
    el_status st = el_leaves_check(objective, count, el_dist_size(dist));
    if (st)
        return st;
    lay_out(l);
    if (l->arena.used)
        st = el_device_reserve(objective->model->dev, &l->arena);
    if (!st)
        lay_out(l);
    return st ? st : el_reduce_open(&l->reduce, dist, objective);
}

void el_leaves_close(el_leaves *l)
{
    if (l->objective)
        el_device_release(l->objective->model->dev, &l->arena);
    el_reduce_close(&l->reduce);
    el_ledger_release(&l->ledger);
    *l = (el_leaves){0};
}

/* Leaf k of this rank's is in the gradients, and not the last: adds what waits for it, and lets the sum wait. */
static void put_by(el_leaves *l, int k)
{
    const el_tensor g = gradients(l);
    el_queue *const q = l->objective->model->q;
    int level = 0;
    for (; k >> level & 1; level++)
        q->add(q, g, l->waiting[level], g);
    q->copy(q, l->waiting[level], g);
    q->zero(q, g);
}

/* The last leaf is in these rows of the gradients: all sums that wait are added. */
static void complete(el_leaves *l, int first, int count)
{
    el_queue *const q = l->objective->model->q;
    const el_tensor g = el_tensor_rows(gradients(l), first, count);
    for (int i = 0; 1 << i < own_leaves(l); i++)
        q->add(q, g, el_tensor_rows(l->waiting[i], first, count), g);
}

static void complete_parts(el_leaves *l, int parts)
{
    for (; l->given < parts; l->given++)
        complete(l, l->reduce.parts[l->given].first, l->reduce.parts[l->given].count);
}

/* The backward of the last leaf has left a layer. */
static void left_layer(void *context, const el_encoder_weights *gradients_of, int layer)
{
    el_leaves *const l = context;
    const int ready = l->objective->ends ? el_reduce_ready(&l->reduce, gradients_of, layer) : 0;
    if (ready <= l->given)
        return;
    complete_parts(l, ready);
    el_reduce_give(&l->reduce, ready);
}

static el_status run_leaf(el_leaves *l, const el_batch *batch, int k, el_interrupt interrupt)
{
    const int64_t leaf = el_dist_rank(l->dist) * own_leaves(l) + k, b = batch->sequences;
    const int first = (int)(leaf * b / l->leaves), last = (int)((leaf + 1) * b / l->leaves);
    el_model *const model = l->objective->model;
    if (k + 1 == own_leaves(l) && l->reduce.helper && l->objective->orderly)
        model->watch = (el_backward_watch){left_layer, l};
    el_status st = el_objective_continue(l->objective, batch, first, last, true, interrupt);
    model->watch = (el_backward_watch){0};
    if (!st && l->leaves > 1)
        st = el_objective_count(l->objective);
    return st || l->leaves == 1 ? st : el_objective_take(l->objective, &l->ledger);
}

static el_status run_leaves(el_leaves *l, const el_batch *batch, el_interrupt interrupt)
{
    el_status st = EL_OK;
    for (int k = 0; !st && k < own_leaves(l); k++) {
        st = run_leaf(l, batch, k, interrupt);
        if (k + 1 < own_leaves(l))
            put_by(l, k);
    }
    return st;
}

/* Every rank exchanges, one that failed too: the others may have begun. */
static el_status sum_up(el_leaves *l)
{
    if (!l->reduce.helper) {
        complete(l, 0, gradients(l).rows);
        return EL_OK;
    }
    complete_parts(l, l->reduce.count);
    return el_reduce_finish(&l->reduce);
}

el_status el_leaves_run(el_leaves *l, const el_batch *batch, el_interrupt interrupt, el_status before)
{
    l->ledger.count = 0;
    l->given = 0;
    el_status st = el_dist_agree(l->dist, before);
    if (st)
        return st;
    st = run_leaves(l, batch, interrupt);
    const el_status summed = sum_up(l);
    st = el_dist_agree(l->dist, st ? st : summed);
    return st || l->leaves == 1 ? st : el_objective_add_all(l->objective, l->dist, &l->ledger);
}

/* ---- the same model on all ranks ---- */

static el_status share_region(el_model *model, el_dist *dist, int region, void *copy)
{
    el_queue *const q = model->q;
    const el_tensor t = el_model_region(model, region);
    const size_t bytes = el_tensor_bytes(t.rows, t.cols, t.type);
    q->fetch(q, copy, t.data, bytes);
    const el_status st = el_dist_agree(dist, q->wait(q));
    if (st)
        return st;
    el_dist_share(dist, copy, bytes);
    q->send(q, t.data, copy, bytes);
    return EL_OK;
}

el_status el_model_share(el_model *model, el_dist *dist)
{
    if (el_dist_size(dist) == 1)
        return EL_OK;
    const el_tensor t = el_model_region(model, EL_VALUES);
    const size_t bytes = el_tensor_bytes(t.rows, t.cols, t.type);
    void *const copy = malloc(bytes + 1);
    el_status st =
        el_dist_agree(dist, copy ? EL_OK : el_fail(EL_ENOMEM, "no memory to share %zu bytes", bytes));
    static const int REGIONS[] = {EL_VALUES, EL_FIRST_MOMENTS, EL_SECOND_MOMENTS};
    for (int i = 0; !st && i < 3; i++)
        st = share_region(model, dist, REGIONS[i], copy);
    if (!st)
        el_model_prepare(model);
    free(copy);
    return st;
}
