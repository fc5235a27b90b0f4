/* reduce - see the header */
#include "train/reduce.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { LEAST = 2 << 20 }; /* bytes of a part: smaller layers go together */

/* ---- parts ---- */

static el_tensor region_of(const el_reduce *e)
{
    return el_model_region(e->model, EL_GRADIENTS);
}

static size_t numbers_of(el_tensor t)
{
    return (size_t)t.rows * (size_t)t.cols;
}

static int row_of(const el_reduce *e, const void *at)
{
    return (int)(((const char *)at - (const char *)region_of(e).data) / EL_ALIGNMENT);
}

/* Where the gradients of a layer lie: from its first parameter to behind its last. */
static el_reduce_part part_of(const el_reduce *e, const el_network *net, int layer)
{
    int first = region_of(e).rows, end = 0;
    for (int i = 0; i < net->params.count; i++) {
        const el_param *const p = &net->params.items[i];
        if (p->depth != layer + 1 || p->shared || !p->gradient.data) /* a frozen network has none */
            continue;
        const char *const at = p->gradient.data;
        const size_t bytes = el_tensor_bytes(p->gradient.rows, p->gradient.cols, p->gradient.type);
        const int begin = row_of(e, at), behind = row_of(e, at + bytes + EL_ALIGNMENT - 1);
        first = begin < first ? begin : first;
        end = behind > end ? behind : end;
    }
    return (el_reduce_part){net, layer, first, end > first ? end - first : 0};
}

static void add_part(el_reduce *e, el_reduce_part part)
{
    if (part.count == 0)
        return;
    el_reduce_part *const last = e->count ? &e->parts[e->count - 1] : NULL;
    const bool small = last && last->net == part.net && last->count < LEAST / EL_ALIGNMENT;
    if (small && part.net && part.first + part.count == last->first) {
        last->first = part.first;
        last->count += part.count;
        last->layer = part.layer;
    } else {
        e->parts[e->count++] = part;
    }
}

static int ascending(const void *a, const void *b)
{
    const el_reduce_part *const p = a, *const q = b;
    return (p->first > q->first) - (p->first < q->first);
}

/* What is in no layer: all between the parts. */
static void add_rest(el_reduce *e, el_reduce_part *sorted)
{
    const int layers = e->count;
    int behind = 0;
    memcpy(sorted, e->parts, (size_t)layers * sizeof *sorted);
    qsort(sorted, (size_t)layers, sizeof *sorted, ascending);
    for (int i = 0; i <= layers; i++) {
        const int end = i < layers ? sorted[i].first : region_of(e).rows;
        assert(end >= behind && "a layer lies in one place");
        add_part(e, (el_reduce_part){.first = behind, .count = end - behind});
        behind = i < layers ? end + sorted[i].count : end;
    }
}

/* Whether layers become ready one by one: each is used once, by one network. */
static bool has_layers(const el_network *net)
{
    return net->config.num_hidden_groups == 0 && net->tying != EL_TIE_ALL;
}

static bool goes_in_order(const el_reduce *e, const el_objective *objective)
{
    bool orderly = objective->orderly && !e->model->dev->apart;
    for (int n = 0; n < e->model->count; n++)
        orderly &= has_layers(&e->model->networks[n]);
    return orderly;
}

static el_status cut(el_reduce *e, const el_objective *objective)
{
    const bool in_order = goes_in_order(e, objective);
    int most = 1;
    for (int n = 0; in_order && n < e->model->count; n++)
        most += 2 * e->model->networks[n].config.num_hidden_layers;
    e->parts = calloc((size_t)most, sizeof *e->parts);
    el_reduce_part *const sorted = calloc((size_t)most, sizeof *sorted);
    if (!e->parts || !sorted) {
        free(sorted);
        return el_fail(EL_ENOMEM, "no memory for a list of %d parts", most);
    }
    for (int n = 0; in_order && n < e->model->count; n++)
        for (int i = e->model->networks[n].config.num_hidden_layers - 1; i >= 0; i--)
            add_part(e, part_of(e, &e->model->networks[n], i));
    add_rest(e, sorted);
    free(sorted);
    return EL_OK;
}

el_status el_reduce_open(el_reduce *e, el_dist *dist, const el_objective *objective)
{
    *e = (el_reduce){.dist = dist, .model = objective->model};
    if (el_dist_size(dist) == 1)
        return EL_OK;
    assert(region_of(e).type == EL_F32 && "what ranks exchange are floats");
    el_status st = cut(e, objective);
    if (st)
        return st;
    const size_t numbers = numbers_of(region_of(e));
    e->room = malloc(el_dist_room(dist) * sizeof *e->room);
    e->region = e->model->dev->apart ? malloc((numbers + 1) * sizeof *e->region) : region_of(e).data;
    if (!e->room || !e->region)
        return el_fail(EL_ENOMEM, "no memory to exchange %zu numbers", numbers);
    return el_helper_open(&e->helper);
}

void el_reduce_connect(el_reduce *e)
{
    el_device *const dev = e->model->dev;
    if (e->helper && strcmp(dev->name, "cuda") == 0)
        e->gpus = el_dist_gpus_open(e->dist, dev, region_of(e).rows);
}

void el_reduce_close(el_reduce *e)
{
    el_helper_close(e->helper);
    el_dist_gpus_close(e->gpus);
    free(e->parts);
    free(e->room);
    if (e->model && e->model->dev->apart)
        free(e->region);
    *e = (el_reduce){0};
}

/* ---- at work ---- */

int el_reduce_ready(const el_reduce *e, const el_encoder_weights *gradients, int layer)
{
    for (int i = 0; i < e->count; i++)
        if (e->parts[i].net && &e->parts[i].net->g == gradients && e->parts[i].layer == layer)
            return i + 1;
    return 0;
}

static el_tensor gradients_of(const el_reduce *e, int part)
{
    return el_tensor_rows(region_of(e), e->parts[part].first, e->parts[part].count);
}

static el_status sum_ready(void *context)
{
    el_reduce *const e = context;
    for (; e->done < e->ready; e->done++) {
        const el_tensor part = gradients_of(e, e->done);
        const size_t before = (size_t)e->parts[e->done].first * (size_t)part.cols;
        el_dist_sum(e->dist, e->region + before, numbers_of(part), e->room);
    }
    return EL_OK;
}

void el_reduce_give(el_reduce *e, int parts)
{
    e->ready = parts;
    if (!el_helper_done(e->helper))
        return;
    el_helper_wait(e->helper);
    e->dist->aside = true;
    el_helper_start(e->helper, sum_ready, e);
}

/* Of the seconds that a rank stands still, as many as the one that came last does are the network's; it waited for nobody. */
static void account(el_dist *d, double seconds)
{
    double all[d->size], least = seconds;
    d->gather(d, &seconds, sizeof seconds, all);
    for (int i = 0; i < d->size; i++)
        least = fmin(least, all[i]);
    d->exchanged += least;
    d->waited += seconds - least;
}

/* Only once all are well: nobody is there to tell the others of a GPU that is not. */
static el_status sum_on_gpus(el_reduce *e)
{
    const el_status st = el_dist_try(e->dist, e->model->q->wait(e->model->q));
    return st ? st : el_dist_gpus_sum(e->gpus, region_of(e));
}

static el_status sum_on_host(el_reduce *e)
{
    el_queue *const q = e->model->q;
    const el_tensor all = region_of(e);
    const size_t bytes = numbers_of(all) * sizeof *e->region;
    el_status st = EL_OK;
    if (e->model->dev->apart) {
        q->fetch(q, e->region, all.data, bytes);
        st = q->wait(q);
    }
    e->dist->aside = false;
    el_helper_wait(e->helper);
    e->ready = e->count;
    sum_ready(e);
    e->ready = e->done = 0;
    if (e->model->dev->apart)
        q->send(q, all.data, e->region, bytes);
    return st;
}

el_status el_reduce_finish(el_reduce *e)
{
    const double began = el_now();
    const el_status st = e->gpus ? sum_on_gpus(e) : sum_on_host(e);
    account(e->dist, el_now() - began);
    return st;
}
