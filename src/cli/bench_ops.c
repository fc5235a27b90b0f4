/* bench_ops - electra bench ops: where the time of a training step goes, each op against what limits it
 *
 *   products   share of the multiply-add peak
 *   others     share of what a plain copy of as many bytes, on as many threads, moves a second: data of few bytes lie in
 *              a cache, and move faster than memory does
 *
 * Times are medians over steps.  What the step spends outside ops is feeding: reading the batch, choosing slots,
 * masking, replacing, counting.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/pool.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "ops/profile.h"

/* ---- what copies reach ---- */

enum { SIZES = 7, COPY_PIECE = 64 << 10 };
static const size_t SMALLEST = 64 << 10, GROWTH = 4; /* 64 KB to 256 MB, read and written bytes together */
static const double COPY_SECONDS = 0.02;

typedef struct {
    double bytes[SIZES], rate[SIZES];
} bandwidth;

typedef struct {
    char *to, *from;
    size_t bytes;
} transfer;

static void copy_piece(void *context, int index, int thread)
{
    const transfer *t = context;
    const size_t first = (size_t)index * COPY_PIECE, left = t->bytes - first;
    (void)thread;
    memcpy(t->to + first, t->from + first, left < COPY_PIECE ? left : COPY_PIECE);
}

/* The best of some tries: disturbances only lower it. */
static double copy_rate(transfer t, el_pool *pool)
{
    const int pieces = (int)((t.bytes + COPY_PIECE - 1) / COPY_PIECE);
    double best = 0;
    for (double end = el_now() + COPY_SECONDS, start; (start = el_now()) < end;) {
        el_pool_run(pool, pieces, copy_piece, &t);
        const double rate = 2.0 * (double)t.bytes / (el_now() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

/* The same of a GPU, by its own op, some copies at once; and how long they took. */
static el_status device_copy_rate(el_queue *q, transfer t, double *best, double *seconds)
{
    enum { AT_ONCE = 20, ROW = 16384 };
    const int cols = ROW / 4, rows = (int)(t.bytes / ROW);
    const el_tensor to = el_tensor_make(t.to, EL_F32, rows, cols),
                    from = el_tensor_make(t.from, EL_F32, rows, cols);
    el_status st = EL_OK;
    for (double end = el_now() + COPY_SECONDS, start; !st && (start = el_now()) < end;) {
        for (int i = 0; i < AT_ONCE; i++)
            q->copy(q, to, from);
        st = q->wait(q);
        *seconds = el_now() - start;
        const double rate = 2.0 * (double)t.bytes * AT_ONCE / *seconds;
        *best = rate > *best ? rate : *best;
    }
    return st;
}

/* From the smallest size up, as long as that is quick: a larger one then has the rate of the last. */
static el_status measure_device(bandwidth *b, el_queue *q)
{
    size_t size = SMALLEST;
    for (int i = 0; i < SIZES; i++, size *= GROWTH) {
        double seconds = 0;
        char *const memory = q->dev->alloc(q->dev, size);
        if (!memory)
            return el_fail(EL_ENOMEM, "no memory to measure copies of %zu bytes", size);
        const el_status st =
            device_copy_rate(q, (transfer){memory, memory + size / 2, size / 2}, &b->rate[i], &seconds);
        q->dev->release(q->dev, memory);
        if (st)
            return st;
        b->bytes[i] = (double)size;
        for (; seconds > COPY_SECONDS && i + 1 < SIZES; i++) {
            b->bytes[i + 1] = b->bytes[i] * GROWTH;
            b->rate[i + 1] = b->rate[i];
        }
    }
    return EL_OK;
}

static el_status measure_processor(bandwidth *b, int threads)
{
    el_pool *pool;
    const el_status st = el_pool_open(&pool, threads);
    if (st)
        return st;
    size_t size = SMALLEST;
    for (int i = 1; i < SIZES; i++)
        size *= GROWTH;
    char *memory = malloc(size);
    if (!memory) {
        el_pool_close(pool);
        return el_fail(EL_ENOMEM, "no memory to measure copies of %zu bytes", size);
    }
    memset(memory, 1, size);
    for (int i = SIZES - 1; i >= 0; i--, size /= GROWTH) {
        b->bytes[i] = (double)size;
        b->rate[i] = copy_rate((transfer){memory, memory + size / 2, size / 2}, pool);
    }
    free(memory);
    el_pool_close(pool);
    return EL_OK;
}

/* Of the smallest size measured that is as large. */
static double rate_of(const bandwidth *b, double bytes)
{
    int i = 0;
    while (i < SIZES - 1 && b->bytes[i] < bytes)
        i++;
    return b->rate[i];
}

/* ---- steps ---- */

typedef struct {
    bench_model model;
    el_queue *q; /* the profile */
    int lines, steps;
    double *outside; /* BENCH_MOST of them, of each step */
    double **inside; /* the same for each line */
} profiled;

/* A new line appears in the warm-up, which is not recorded. */
static el_status make_room(profiled *p)
{
    const el_profile_line *lines;
    p->lines = el_profile_lines(p->q, &lines);
    p->inside = calloc((size_t)p->lines + 1, sizeof *p->inside);
    p->outside = malloc(BENCH_MOST * sizeof *p->outside);
    bool whole = p->inside && p->outside;
    for (int i = 0; whole && i < p->lines; i++)
        whole = (p->inside[i] = malloc(BENCH_MOST * sizeof **p->inside));
    return whole ? EL_OK : el_no_memory(NULL);
}

static void record(profiled *p, double seconds)
{
    const el_profile_line *lines;
    el_profile_lines(p->q, &lines);
    for (int i = 0; i < p->lines; i++) {
        p->inside[i][p->steps] = lines[i].seconds;
        seconds -= lines[i].seconds;
    }
    p->outside[p->steps++] = seconds;
}

static el_status step(void *context)
{
    profiled *p = context;
    el_profile_reset(p->q);
    const double start = el_now();
    const el_status st = bench_model_train(&p->model);
    const double seconds = el_now() - start;
    if (st)
        return st;
    if (!p->inside)
        return make_room(p);
    record(p, seconds);
    return EL_OK;
}

/* ---- the tables ---- */

/* One or more lines together. */
typedef struct {
    el_profile_line line;
    double limit; /* seconds that its bytes would take */
} entry;

static int slower_first(const void *a, const void *b)
{
    const double x = ((const entry *)a)->line.seconds, y = ((const entry *)b)->line.seconds;
    return (x < y) - (x > y);
}

static int entries_of(const profiled *p, const bandwidth *b, entry *entries)
{
    const el_profile_line *lines;
    int count = 0;
    el_profile_lines(p->q, &lines);
    for (int i = 0; i < p->lines; i++) {
        if (lines[i].calls == 0)
            continue;
        entry *e = &entries[count++];
        *e = (entry){.line = lines[i]};
        e->line.seconds = bench_middle(p->inside[i], p->steps);
        e->limit = e->line.bytes / rate_of(b, e->line.bytes / (double)e->line.calls);
    }
    return count;
}

/* All shapes of an op as one. */
static int ops_of(const entry *entries, int count, entry *ops)
{
    int found = 0;
    for (int i = 0; i < count; i++) {
        int o = 0;
        while (o < found && strcmp(ops[o].line.op, entries[i].line.op) != 0)
            o++;
        if (o == found)
            ops[found++] = (entry){.line = {.op = entries[i].line.op}};
        ops[o].line.calls += entries[i].line.calls;
        ops[o].line.seconds += entries[i].line.seconds;
        ops[o].line.flops += entries[i].line.flops;
        ops[o].line.bytes += entries[i].line.bytes;
        ops[o].limit += entries[i].limit;
    }
    return found;
}

static json_t *row_of(const entry *e, bool shape, double step_seconds, double peak)
{
    const el_profile_line *l = &e->line;
    json_t *row = json_pack("{s:s}", "op", l->op);
    if (shape)
        json_object_update_new(row, json_pack("{s:i, s:i}", "width", l->width, "inputs", l->inputs));
    json_object_update_new(row, json_pack("{s:I, s:f, s:f}", "calls", (json_int_t)l->calls, "milliseconds",
                                          1e3 * l->seconds, "share", l->seconds / step_seconds));
    json_object_update_new(
        row, l->flops > 0 ? json_pack("{s:f, s:f}", "gflops", l->flops / l->seconds / 1e9, "peak_share",
                                      bench_share(l->flops / l->seconds, peak))
                          : json_pack("{s:f, s:f}", "gigabytes_per_second", l->bytes / l->seconds / 1e9,
                                      "copy_share", e->limit / l->seconds));
    return row;
}

static json_t *table_of(entry *entries, int count, bool shapes, double step_seconds, double peak)
{
    json_t *rows = json_array();
    qsort(entries, (size_t)count, sizeof *entries, slower_first);
    for (int i = 0; i < count; i++)
        json_array_append_new(rows, row_of(&entries[i], shapes, step_seconds, peak));
    return rows;
}

static el_status report(profiled *p, const bandwidth *b, double seconds, json_t **result)
{
    const bench_place *place = p->model.place;
    const double length = (double)place->settings->max_seq_length;
    const double flops =
        el_objective_flops(EL_ELECTRA, &p->model.model, p->model.settings.choice.told.mask_prob.last, length);
    const double outside = bench_middle(p->outside, p->steps);
    entry *shapes = calloc(2 * (size_t)p->lines + 1, sizeof *shapes), *ops = shapes + p->lines;
    if (!shapes)
        return el_no_memory(NULL);
    const int shape_count = entries_of(p, b, shapes), op_count = ops_of(shapes, shape_count, ops);
    *result = bench_model_report(&p->model, flops, seconds);
    json_object_update_new(*result, json_pack("{s:f, s:f, s:f}", "copy_gigabytes_per_second",
                                              b->rate[SIZES - 1] / 1e9, "feeding_milliseconds", 1e3 * outside,
                                              "feeding_share", outside / seconds));
    json_object_set_new(*result, "ops", table_of(ops, op_count, false, seconds, place->peak));
    json_object_set_new(*result, "shapes", table_of(shapes, shape_count, true, seconds, place->peak));
    free(shapes);
    return EL_OK;
}

static void close_profiled(profiled *p)
{
    bench_model_close(&p->model);
    for (int i = 0; p->inside && i < p->lines; i++)
        free(p->inside[i]);
    free(p->inside);
    free(p->outside);
    if (p->q)
        p->q->close(p->q);
}

el_status bench_ops(const bench_place *place, json_t **result)
{
    profiled p = {0};
    bandwidth b = {0};
    double seconds = 0;
    el_status st =
        el_machine_on_gpu(place->q) ? measure_device(&b, place->q) : measure_processor(&b, place->q->threads);
    if (!st)
        st = el_queue_profile(&p.q, place->q);
    if (st)
        return st;
    bench_place inside = *place;
    inside.q = p.q;
    st = bench_model_open(&p.model, &inside, true);
    if (!st)
        st = bench_median(place->settings->seconds, 3, step, &p, &seconds);
    if (!st)
        st = report(&p, &b, seconds, result);
    close_profiled(&p);
    return st;
}
