/* gpus - see the header
 *
 * A region goes in chunks.  Of a chunk each rank has a part: it gets that part of every other rank's, adds them along the
 * tree, and all gather the sums.  2 (R - 1) / R of the region goes out and comes in at each rank, as in tree.c, but in one
 * exchange each way: between GPUs that all reach each other nothing is gained by neighbours first.
 */
#include "dist/gpus.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/memory.h"
#include "ops/cuda.h"

enum { CHUNK = 32 << 20 };          /* bytes, at most */
static const double PATIENCE = 0.5; /* seconds, before others are asked how they are */

struct el_dist_gpus {
    el_dist *dist;
    el_queue *q; /* a stream of its own */
    el_cuda_peers *peers;
    el_arena arena;
    el_tensor parts; /* of a chunk, of every rank */
    int chunk;       /* rows */
    bool failed;
};

static void fail(el_dist_gpus *g)
{
    if (g && g->peers)
        el_cuda_peers_abandon(g->peers);
    if (g)
        g->failed = true;
}

/* ---- opening ---- */

enum { COLS = EL_ALIGNMENT / sizeof(float), MOST_ROWS = CHUNK / EL_ALIGNMENT };

static el_status lay_out(void *context)
{
    el_dist_gpus *const g = context;
    g->parts = el_arena_tensor(&g->arena, EL_F32, g->chunk + g->dist->size, COLS);
    return EL_OK;
}

static el_status prepare(el_dist_gpus *g, el_device *dev, int rows)
{
    g->chunk = rows < MOST_ROWS ? rows : MOST_ROWS;
    el_status st = dev->open_queue(dev, &g->q, 1);
    if (!st)
        st = el_cuda_peers_open(&g->peers, g->q);
    return st ? st : el_device_lay_out(dev, &g->arena, lay_out, g);
}

/* NCCL would wait for ever for a GPU that two ranks have. */
static el_status check_gpus(el_dist *d, const el_device *dev)
{
    el_cuda_about about;
    el_status st = el_cuda_describe(el_cuda_number(dev), &about);
    if (!st && d->local_size < d->size)
        st = el_fail(EL_EFAILED, "the ranks are on several machines");
    st = el_dist_try(d, st);
    if (st)
        return st;
    char all[d->size][sizeof about.uuid];
    d->gather(d, about.uuid, sizeof about.uuid, all);
    for (int i = 0; i < d->size; i++)
        for (int j = 0; j < i; j++)
            if (memcmp(all[i], all[j], sizeof all[i]) == 0)
                return el_fail(EL_EFAILED, "ranks %d and %d share a GPU", j, i);
    return EL_OK;
}

static el_status join(el_dist_gpus *g)
{
    el_dist *const d = g->dist;
    el_cuda_meeting meeting = {0};
    el_status st = d->rank == 0 ? el_cuda_peers_meeting(g->peers, &meeting) : EL_OK;
    st = el_dist_try(d, st);
    if (st)
        return st;
    el_dist_share(d, &meeting, sizeof meeting);
    d->since = el_now();
    st = el_cuda_peers_join(g->peers, &meeting, d->rank, d->size);
    d->since = 0;
    return el_dist_try(d, st);
}

el_dist_gpus *el_dist_gpus_open(el_dist *d, el_device *dev, int rows)
{
    el_dist_gpus *const g = calloc(1, sizeof *g);
    if (g)
        g->dist = d;
    el_status st = el_dist_try(d, g ? EL_OK : el_no_memory(NULL));
    if (!st)
        st = check_gpus(d, dev);
    if (!st)
        st = el_dist_try(d, prepare(g, dev, rows));
    if (!st)
        st = join(g);
    if (el_dist_leads(d) && st)
        el_log(EL_LOG_NOTE, "gradients go by way of the host, not by NCCL: %s", el_error());
    else if (el_dist_leads(d))
        el_log(EL_LOG_NOTE, "gradients go from GPU to GPU by %s", el_cuda_peers_about(g->peers));
    if (!st)
        return g;
    fail(g);
    el_dist_gpus_close(g);
    return NULL;
}

void el_dist_gpus_close(el_dist_gpus *g)
{
    if (!g)
        return;
    if (g->dist->failed)
        fail(g);
    g->dist->since = el_now();
    el_cuda_peers_close(g->peers);
    g->dist->since = 0;
    if (g->q) {
        el_device_release(g->q->dev, &g->arena);
        g->q->close(g->q);
    }
    free(g);
}

/* ---- at work ---- */

static el_tensor part(const el_dist_gpus *g, int rank, int part_rows, int rows)
{
    return el_tensor_rows(g->parts, rank * part_rows, rows);
}

/* ((0 + 1) + (2 + 3)) + ..., over what is here of every rank: the sum is in this rank's place. */
static void add_parts(const el_dist_gpus *g, int part_rows, int rows)
{
    const int size = g->dist->size;
    for (int apart = 1; apart < size; apart *= 2)
        for (int low = 0; low < size; low += 2 * apart) {
            const int sum = 2 * apart < size ? low : g->dist->rank;
            g->q->add(g->q, part(g, sum, part_rows, rows), part(g, low, part_rows, rows),
                      part(g, low + apart, part_rows, rows));
        }
}

static el_status sum_chunk(el_dist_gpus *g, el_tensor chunk)
{
    const int size = g->dist->size, rank = g->dist->rank;
    const int part_rows = (chunk.rows + size - 1) / size, left = chunk.rows - rank * part_rows;
    const int rows = left < 0 ? 0 : left < part_rows ? left : part_rows;
    const size_t numbers = (size_t)part_rows * (size_t)chunk.cols;
    el_status st = el_cuda_peers_trade(g->peers, g->parts.data, chunk.data,
                                       (size_t)chunk.rows * (size_t)chunk.cols, numbers);
    if (st)
        return st;
    if (rows > 0) {
        g->q->copy(g->q, part(g, rank, part_rows, rows), el_tensor_rows(chunk, rank * part_rows, rows));
        add_parts(g, part_rows, rows);
    }
    st = el_cuda_peers_gather(g->peers, g->parts.data, numbers);
    if (!st)
        g->q->copy(g->q, chunk, el_tensor_rows(g->parts, 0, chunk.rows));
    return st;
}

static el_status sum_all(el_dist_gpus *g, el_tensor region)
{
    el_status st = EL_OK;
    g->dist->since = el_now();
    for (int first = 0; first < region.rows && !st; first += g->chunk) {
        const int left = region.rows - first;
        st = sum_chunk(g, el_tensor_rows(region, first, left < g->chunk ? left : g->chunk));
    }
    g->dist->since = 0;
    return st;
}

/* Whether this rank's is done, or fails, within some time. */
static el_status look(el_dist_gpus *g, double seconds, bool *done)
{
    const double began = el_now();
    el_status st = EL_OK;
    while (!st && !*done && el_now() - began < seconds) {
        st = el_cuda_peers_done(g->peers, done);
        sched_yield();
    }
    return st;
}

/* Until it is done on all.  NCCL tells nobody of a rank that has failed, and would let the others wait for ever: so ranks ask
 * each other now and then. */
static el_status wait_for_all(el_dist_gpus *g, el_status st)
{
    el_dist *const d = g->dist;
    const double began = el_now();
    bool done = false;
    for (int left = d->size; left > 0;) {
        if (!st)
            st = look(g, PATIENCE, &done);
        if (!st && !done && d->most > 0 && el_now() - began > d->most)
            st = el_fail(EL_EFAILED, "the GPUs have not answered each other for %.0f s (--stall-limit)",
                         d->most);
        if ((st = el_dist_try(d, st)))
            return st;
        bool all[d->size];
        d->gather(d, &done, sizeof done, all);
        for (int i = left = 0; i < d->size; i++)
            left += !all[i];
    }
    return EL_OK;
}

el_status el_dist_gpus_sum(el_dist_gpus *g, el_tensor region)
{
    assert(region.type == EL_F32 && region.cols == COLS && region.stride == COLS && !g->failed);
    const el_status st = wait_for_all(g, sum_all(g, region));
    if (st)
        fail(g);
    return st;
}
