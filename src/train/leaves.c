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

static size_t numbers(const el_leaves *l)
{
    const el_tensor g = gradients(l);
    return (size_t)g.rows * (size_t)g.cols;
}

static el_status open_exchange(el_leaves *l)
{
    assert(gradients(l).type == EL_F32 && "what ranks exchange are floats");
    l->room = malloc((numbers(l) / 2 + 1) * sizeof *l->room);
    l->region = malloc((numbers(l) + 1) * sizeof *l->region);
    return l->room && l->region ? EL_OK : el_fail(EL_ENOMEM, "no memory to exchange %zu numbers", numbers(l));
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
    return st || el_dist_size(dist) == 1 ? st : open_exchange(l);
}

void el_leaves_close(el_leaves *l)
{
    if (l->objective)
        el_device_release(l->objective->model->dev, &l->arena);
    free(l->room);
    free(l->region);
    el_ledger_release(&l->ledger);
    *l = (el_leaves){0};
}

/* Leaf k of this rank's is in the gradients: adds what waits for it, and lets the sum wait unless it is the last. */
static void add_leaf(el_leaves *l, int k)
{
    const el_tensor g = gradients(l);
    el_queue *const q = l->objective->model->q;
    int level = 0;
    for (; k >> level & 1; level++)
        q->add(q, g, l->waiting[level], g);
    if (k + 1 == own_leaves(l))
        return;
    q->copy(q, l->waiting[level], g);
    q->zero(q, g);
}

static el_status run_leaves(el_leaves *l, const el_batch *batch, el_interrupt interrupt)
{
    const int mine = own_leaves(l), before = el_dist_rank(l->dist) * mine;
    el_status st = EL_OK;
    for (int k = 0; !st && k < mine; k++) {
        const int64_t leaf = before + k, b = batch->sequences;
        const int first = (int)(leaf * b / l->leaves), last = (int)((leaf + 1) * b / l->leaves);
        st = el_objective_continue(l->objective, batch, first, last, true, interrupt);
        if (!st && l->leaves > 1) {
            add_leaf(l, k);
            st = el_objective_count(l->objective);
        }
        if (!st && l->leaves > 1)
            st = el_objective_take(l->objective, &l->ledger);
    }
    return st;
}

/* The gradients on the host, summed over all ranks, and back. */
static void exchange(el_leaves *l)
{
    el_queue *const q = l->objective->model->q;
    const el_tensor g = gradients(l);
    q->fetch(q, l->region, g.data, numbers(l) * sizeof *l->region);
    q->wait(q);
    el_dist_sum(l->dist, l->region, numbers(l), l->room);
    q->send(q, g.data, l->region, numbers(l) * sizeof *l->region);
}

el_status el_leaves_run(el_leaves *l, const el_batch *batch, el_interrupt interrupt, el_status before)
{
    l->ledger.count = 0;
    el_status st = before ? before : run_leaves(l, batch, interrupt);
    st = el_dist_agree(l->dist, st);
    if (st || l->leaves == 1)
        return st;
    if (el_dist_size(l->dist) > 1)
        exchange(l);
    return el_objective_add_all(l->objective, l->dist, &l->ledger);
}

/* ---- the same model on all ranks ---- */

static void share_region(el_model *model, el_dist *dist, int region, void *copy)
{
    el_queue *const q = model->q;
    const el_tensor t = el_model_region(model, region);
    const size_t bytes = el_tensor_bytes(t.rows, t.cols, t.type);
    q->fetch(q, copy, t.data, bytes);
    q->wait(q);
    el_dist_share(dist, copy, bytes);
    q->send(q, t.data, copy, bytes);
}

el_status el_model_share(el_model *model, el_dist *dist, bool moments)
{
    if (el_dist_size(dist) == 1)
        return EL_OK;
    const el_tensor t = el_model_region(model, EL_VALUES);
    const size_t bytes = el_tensor_bytes(t.rows, t.cols, t.type);
    void *const copy = malloc(bytes + 1);
    const el_status st =
        el_dist_agree(dist, copy ? EL_OK : el_fail(EL_ENOMEM, "no memory to share %zu bytes", bytes));
    static const int REGIONS[] = {EL_VALUES, EL_FIRST_MOMENTS, EL_SECOND_MOMENTS};
    for (int i = 0; !st && i < (moments ? 3 : 1); i++)
        share_region(model, dist, REGIONS[i], copy);
    if (!st)
        el_model_prepare(model);
    free(copy);
    return st;
}
