/* batcher - who waits gets their turn: order, lanes, long beside short, fullness, dropping, draining, many threads */
#include <stdatomic.h>

#include "../check.h"
#include "base/clock.h"
#include "base/thread.h"
#include "serve/batcher.h"

enum { MOST_PARTS = 64, BUDGET = 100 };

/* A request, and what became of it. */
typedef struct {
    el_batcher_job job; /* first */
    int number;
    int tokens[MOST_PARTS];
    int times[MOST_PARTS]; /* that each part was computed */
    int last_batch;
    atomic_int done;
    bool unwanted;
} request;

/* A batcher whose thread stands at a gate before each batch, so that the test decides what waits in the line. */
typedef struct {
    el_batcher *batcher;
    el_lock *lock;
    int allowed, begun; /* batches; under the lock */
    int layers;         /* between which it halts */
    double slow;        /* seconds of a layer */
    bool stuck;         /* after a halt it looked as if nothing had been done since before it */
    char order[4096];   /* "1.0 1.1 | 2.0 ( 3.0 ) | ": request.part of every batch */
    atomic_int finished;
} bench;

static void record(bench *b, const el_part *parts, int count, int batch, bool recorded)
{
    int tokens = 0;
    for (int i = 0; i < count; i++) {
        request *const r = (request *)parts[i].job;
        CHECK(parts[i].job->lane == parts[0].job->lane, "a batch of two lanes");
        tokens += r->tokens[parts[i].part];
        r->times[parts[i].part]++;
        r->last_batch = batch;
        const size_t used = strlen(b->order);
        if (recorded)
            snprintf(b->order + used, sizeof b->order - used, "%d.%d ", r->number, parts[i].part);
    }
    CHECK(tokens <= BUDGET || count == 1, "a batch of %d tokens in %d parts", tokens, count);
}

/* Those that pass at a halt stand in brackets, behind what they passed. */
static void compute(void *context, const el_part *parts, int count, bool passing)
{
    bench *const b = context;
    el_lock_take(b->lock);
    if (passing) {
        el_lock_give(b->lock);
        const bool recorded = b->allowed < 1000;
        strcat(b->order, recorded ? "( " : "");
        record(b, parts, count, b->begun, recorded);
        strcat(b->order, recorded ? ") " : "");
        el_batcher_halt(b->batcher); /* nobody passes those who pass */
        return;
    }
    b->begun++;
    el_lock_wake(b->lock);
    while (b->allowed < b->begun)
        el_lock_wait(b->lock, 1);
    const int batch = b->begun;
    const bool recorded = b->allowed < 1000;
    el_lock_give(b->lock);
    record(b, parts, count, batch, recorded);
    for (int layer = 1; layer < b->layers; layer++) {
        const double began = el_now();
        while (el_now() - began < b->slow)
            ;
        const double halted = el_now();
        el_batcher_halt(b->batcher);
        const double alive = el_batcher_look(b->batcher).alive;
        b->stuck |= alive > el_now() - halted;
    }
    if (recorded)
        strcat(b->order, "| ");
}

static bool wanted(void *context, el_batcher_job *job)
{
    (void)context;
    return !((request *)job)->unwanted;
}

static void done(void *context, el_batcher_job *job)
{
    atomic_fetch_add(&((request *)job)->done, 1);
    atomic_fetch_add(&((bench *)context)->finished, 1);
}

static void open_small(bench *b, int few_tokens, int most_jobs, int64_t most_tokens)
{
    *b = (bench){0};
    assert_int_equal(el_lock_open(&b->lock), EL_OK);
    assert_int_equal(el_batcher_open(&b->batcher, &(el_batcher_settings){.batch_tokens = BUDGET,
                                                                         .few_tokens = few_tokens,
                                                                         .most_jobs = most_jobs,
                                                                         .most_tokens = most_tokens,
                                                                         .compute = compute,
                                                                         .wanted = wanted,
                                                                         .done = done,
                                                                         .context = b}),
                     EL_OK);
}

/* Whose batches are as large with a short line as with a long one. */
static void open_bench(bench *b, int most_jobs, int64_t most_tokens)
{
    open_small(b, BUDGET, most_jobs, most_tokens);
}

static void close_bench(bench *b)
{
    el_batcher_close(b->batcher);
    el_lock_close(b->lock);
}

/* So many batches may be computed from now on. */
static void allow(bench *b, int batches)
{
    el_lock_take(b->lock);
    b->allowed += batches;
    el_lock_wake(b->lock);
    el_lock_give(b->lock);
}

static void until_begun(bench *b, int batches)
{
    el_lock_take(b->lock);
    while (b->begun < batches)
        el_lock_wait(b->lock, 1);
    el_lock_give(b->lock);
}

static request *make(int number, int parts, int tokens, const void *lane)
{
    request *const r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->number = number;
    r->job = (el_batcher_job){.lane = lane, .parts = parts, .tokens = r->tokens};
    for (int i = 0; i < parts; i++)
        r->tokens[i] = tokens;
    return r;
}

static const char LANE[2];

/* A request that holds the thread at the gate while others line up. */
static request *occupy(bench *b)
{
    request *const first = make(0, 1, 1, &LANE[0]);
    assert_int_equal(el_batcher_put(b->batcher, &first->job), EL_PUT);
    until_begun(b, 1);
    return first;
}

static void finish(bench *b, request **requests, int count)
{
    allow(b, 900);
    el_batcher_drain(b->batcher, 60);
    for (int i = 0; i < count; i++) {
        CHECK(requests[i]->done == 1, "request %d was done %d times", i, requests[i]->done);
        for (int part = 0; part < requests[i]->job.parts; part++)
            CHECK(requests[i]->times[part] == !requests[i]->job.dropped, "part %d of request %d: %d times",
                  part, i, requests[i]->times[part]);
    }
}

static void release(request **requests, int count)
{
    for (int i = 0; i < count; i++)
        free(requests[i]);
}

/* First come, first served; what fits is computed together. */
static void test_order(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 10, 1000);
    request *r[5] = {occupy(&b)};
    for (int i = 1; i < 5; i++) {
        r[i] = make(i, 1, 40, &LANE[0]);
        assert_int_equal(el_batcher_put(b.batcher, &r[i]->job), EL_PUT);
    }
    finish(&b, r, 5);
    assert_string_equal(b.order, "0.0 | 1.0 2.0 | 3.0 4.0 | ");
    const el_batcher_figures f = el_batcher_look(b.batcher);
    assert_int_equal(f.batches, 3);
    assert_int_equal(f.computed_tokens, 161);
    assert_int_equal(f.tokens, 0);
    assert_int_equal(f.jobs, 0);
    close_bench(&b);
    release(r, 5);
}

/* A quarter of what waits is computed at once, and no less than a few tokens. */
static void test_small_batches(void **state)
{
    (void)state;
    bench b;
    open_small(&b, 20, 50, 100000);
    request *r[14] = {occupy(&b)};
    for (int i = 1; i < 14; i++) {
        r[i] = make(i, 1, 10, &LANE[0]);
        assert_int_equal(el_batcher_put(b.batcher, &r[i]->job), EL_PUT);
    }
    finish(&b, r, 14);
    assert_string_equal(b.order,
                        "0.0 | 1.0 2.0 3.0 | 4.0 5.0 | 6.0 7.0 | 8.0 9.0 | 10.0 11.0 | 12.0 13.0 | ");
    close_bench(&b);
    release(r, 14);
}

/* A request of one text behind one of many waits for one of these, not for all. */
static void test_turns(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 10, 100000);
    request *r[3] = {occupy(&b), make(1, 6, 60, &LANE[0]), make(2, 1, 30, &LANE[0])};
    assert_int_equal(el_batcher_put(b.batcher, &r[1]->job), EL_PUT);
    assert_int_equal(el_batcher_put(b.batcher, &r[2]->job), EL_PUT);
    finish(&b, r, 3);
    assert_string_equal(b.order, "0.0 | 2.0 1.0 | 1.1 | 1.2 | 1.3 | 1.4 | 1.5 | ");
    close_bench(&b);
    release(r, 3);
}

/* Shorter parts go first. */
static void test_short_first(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 10, 100000);
    request *r[5] = {occupy(&b), make(1, 1, 50, &LANE[0]), make(2, 1, 500, &LANE[0]),
                     make(3, 1, 50, &LANE[0]), make(4, 1, 50, &LANE[0])};
    for (int i = 1; i < 5; i++)
        assert_int_equal(el_batcher_put(b.batcher, &r[i]->job), EL_PUT);
    finish(&b, r, 5);
    assert_string_equal(b.order, "0.0 | 1.0 3.0 | 4.0 | 2.0 | ");
    close_bench(&b);
    release(r, 5);
}

/* But not for ever: who is long waits for EL_PATIENCE times its length. */
static void test_patience(void **state)
{
    (void)state;
    enum { SHORT = 40, LENGTH = 200 };
    bench b;
    open_bench(&b, SHORT + 2, 100000);
    request *r[SHORT + 2] = {occupy(&b), make(1, 1, LENGTH, &LANE[0])};
    assert_int_equal(el_batcher_put(b.batcher, &r[1]->job), EL_PUT);
    for (int i = 2; i < SHORT + 2; i++) { /* another comes whenever a batch begins */
        r[i] = make(2, 1, BUDGET, &LANE[0]);
        assert_int_equal(el_batcher_put(b.batcher, &r[i]->job), EL_PUT);
        allow(&b, 1);
        until_begun(&b, i);
    }
    finish(&b, r, SHORT + 2);
    const int batches = EL_PATIENCE * LENGTH / BUDGET; /* of short ones that are due before it */
    CHECK(r[1]->last_batch <= 2 + batches && r[1]->last_batch >= batches, "it was computed in batch %d",
          r[1]->last_batch);
    close_bench(&b);
    release(r, SHORT + 2);
}

/* Short parts pass a long one that is being computed: at each halt a quarter of its tokens, in all as many as it has; of
 * any lane, one at a time. */
static void test_passing(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 20, 100000);
    b.layers = 3;
    request *r[9] = {make(0, 1, 80, &LANE[0])};
    assert_int_equal(el_batcher_put(b.batcher, &r[0]->job), EL_PUT);
    until_begun(&b, 1);
    const int tokens[] = {0, 20, 20, 21, 10, 5, 6, 10, 80};
    for (int i = 1; i < 9; i++) {
        r[i] = make(i, 1, tokens[i], &LANE[i == 5]);
        assert_int_equal(el_batcher_put(b.batcher, &r[i]->job), EL_PUT);
    }
    allow(&b, 1);
    until_begun(&b, 2);
    assert_true(r[5]->done && r[6]->done && r[4]->done && !r[7]->done && !r[1]->done && !r[0]->job.dropped);
    finish(&b, r, 9);
    assert_string_equal(b.order, "0.0 ( 5.0 ) ( 6.0 4.0 ) | 7.0 1.0 2.0 3.0 | 8.0 | ");
    const el_batcher_figures f = el_batcher_look(b.batcher);
    assert_int_equal(f.batches, 5);
    assert_int_equal(f.computed_tokens, 252);
    assert_int_equal(f.tokens, 0);
    close_bench(&b);
    release(r, 9);
}

/* A part may be longer than a batch: what passes it has no more than a quarter of a batch, for which there is memory. */
static void test_passing_longest(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 20, 100000);
    b.layers = 2;
    request *r[3] = {make(0, 1, 4 * BUDGET, &LANE[0]), make(1, 1, BUDGET / EL_SHARE + 1, &LANE[0]),
                     make(2, 1, BUDGET / EL_SHARE, &LANE[0])};
    assert_int_equal(el_batcher_put(b.batcher, &r[0]->job), EL_PUT);
    until_begun(&b, 1);
    for (int i = 1; i < 3; i++)
        assert_int_equal(el_batcher_put(b.batcher, &r[i]->job), EL_PUT);
    finish(&b, r, 3);
    CHECK(strncmp(b.order, "0.0 ( 2.0 ) | ", 14) == 0, "%s", b.order);
    close_bench(&b);
    release(r, 3);
}

/* A long batch shows at each halt that it goes on. */
static void test_alive(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 20, 100000);
    b.layers = 3;
    b.slow = 0.02;
    request *const r = occupy(&b);
    finish(&b, (request *[]){r}, 1);
    assert_false(b.stuck);
    assert_true(el_batcher_look(b.batcher).alive == 0);
    close_bench(&b);
    free(r);
}

/* Who stands at a halt takes twice its time at worst. */
static void test_passing_ends(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 40, 100000);
    b.layers = 24;
    request *r[21] = {make(0, 1, 40, &LANE[0])};
    assert_int_equal(el_batcher_put(b.batcher, &r[0]->job), EL_PUT);
    until_begun(&b, 1);
    for (int i = 1; i < 21; i++) {
        r[i] = make(i, 1, 10, &LANE[0]);
        assert_int_equal(el_batcher_put(b.batcher, &r[i]->job), EL_PUT);
    }
    allow(&b, 1);
    until_begun(&b, 2);
    for (int i = 0; i < 21; i++)
        CHECK(r[i]->done == (i <= 4), "request %d was done %d times", i, r[i]->done);
    finish(&b, r, 21);
    close_bench(&b);
    release(r, 21);
}

/* What goes through another network is another batch, of whoever stands first. */
static void test_lanes(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 10, 100000);
    request *r[4] = {occupy(&b), make(1, 2, 10, &LANE[0]), make(2, 2, 10, &LANE[1]),
                     make(3, 1, 10, &LANE[0])};
    for (int i = 1; i < 4; i++)
        assert_int_equal(el_batcher_put(b.batcher, &r[i]->job), EL_PUT);
    finish(&b, r, 4);
    assert_string_equal(b.order, "0.0 | 1.0 3.0 1.1 | 2.0 2.1 | ");
    close_bench(&b);
    release(r, 4);
}

static void test_fullness(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 4, 1000);
    request *r[4] = {occupy(&b), make(1, 1, 5000, &LANE[0]), make(2, 1, 1, &LANE[0]),
                     make(3, 1, 900, &LANE[0])};
    assert_int_equal(el_batcher_put(b.batcher, &r[1]->job), EL_PUT); /* the line was empty */
    assert_int_equal(el_batcher_put(b.batcher, &r[2]->job), EL_PUT_FULL);
    allow(&b, 1);
    until_begun(&b, 2); /* nothing waits again */
    assert_int_equal(el_batcher_put(b.batcher, &r[3]->job), EL_PUT);
    assert_int_equal(el_batcher_put(b.batcher, &r[2]->job), EL_PUT);
    request *const more = make(4, 1, 101, &LANE[0]);
    assert_int_equal(el_batcher_put(b.batcher, &more->job), EL_PUT_FULL); /* by tokens */
    more->tokens[0] = 99;
    assert_int_equal(el_batcher_put(b.batcher, &more->job), EL_PUT);
    request *const last = make(5, 1, 0, &LANE[0]);
    assert_int_equal(el_batcher_put(b.batcher, &last->job), EL_PUT_FULL); /* by jobs */
    finish(&b, r, 4);
    assert_int_equal(more->done, 1);
    assert_int_equal(el_batcher_put(b.batcher, &last->job), EL_PUT_CLOSED);
    close_bench(&b);
    release(r, 4);
    free(more);
    free(last);
}

/* Nobody computes for a client that has left, even in the middle of its parts. */
static void test_unwanted(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 10, 100000);
    request *r[3] = {occupy(&b), make(1, 4, 60, &LANE[0]), make(2, 3, 60, &LANE[0])};
    for (int i = 1; i < 3; i++)
        assert_int_equal(el_batcher_put(b.batcher, &r[i]->job), EL_PUT);
    allow(&b, 2);
    until_begun(&b, 3); /* 2.0 stands at the gate */
    r[1]->unwanted = true;
    allow(&b, 900);
    el_batcher_drain(b.batcher, 60);
    assert_string_equal(b.order, "0.0 | 1.0 | 2.0 | 2.1 | 2.2 | ");
    assert_true(r[1]->job.dropped && r[1]->done == 1);
    assert_true(!r[2]->job.dropped && r[2]->done == 1);
    assert_int_equal(el_batcher_look(b.batcher).tokens, 0);
    close_bench(&b);
    release(r, 3);
}

static void drain_at_once(void *context)
{
    el_batcher_drain(context, 0);
}

/* A drain that has no time left drops what waits, once what is being computed is done. */
static void test_drain(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 10, 100000);
    request *r[3] = {occupy(&b), make(1, 1, 60, &LANE[0]), make(2, 3, 60, &LANE[0])};
    for (int i = 1; i < 3; i++)
        assert_int_equal(el_batcher_put(b.batcher, &r[i]->job), EL_PUT);
    allow(&b, 1);
    until_begun(&b, 2); /* 1.0 stands at the gate */
    el_thread *drainer;
    assert_int_equal(el_thread_start(&drainer, drain_at_once, b.batcher), EL_OK);
    request *probe[16];
    int probes = 0;
    for (el_put put = EL_PUT; put != EL_PUT_CLOSED;) { /* until the drain has begun */
        request *const next = make(3, 1, 1, &LANE[0]);
        put = el_batcher_put(b.batcher, &next->job);
        if (put == EL_PUT)
            probe[probes++] = next;
        else
            free(next);
    }
    allow(&b, 900);
    el_thread_join(drainer);
    assert_string_equal(b.order, "0.0 | 1.0 | ");
    assert_true(!r[1]->job.dropped && r[1]->done == 1);
    assert_true(r[2]->job.dropped && r[2]->done == 1);
    close_bench(&b);
    release(r, 3);
    release(probe, probes);
}

/* ---- many threads ---- */

enum { THREADS = 8, EACH = 200 };

typedef struct {
    bench *b;
    int number;
    int wrong;
} client;

static void ask_often(void *context)
{
    client *const c = context;
    for (int i = 0; i < EACH; i++) {
        const int parts = 1 + (i * 7 + c->number) % 9;
        request *const r = make(c->number, parts, 1 + (i * 13) % 120, &LANE[(i + c->number) % 2]);
        while (el_batcher_put(c->b->batcher, &r->job) == EL_PUT_FULL)
            ;
        while (!atomic_load(&r->done))
            ;
        for (int part = 0; part < parts; part++)
            c->wrong += r->times[part] != 1;
        c->wrong += r->job.dropped || r->done != 1;
        free(r);
    }
}

static void test_threads(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 6, 2000);
    b.layers = 4;
    allow(&b, 1 << 30);
    client clients[THREADS];
    el_thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        clients[i] = (client){&b, i, 0};
        assert_int_equal(el_thread_start(&threads[i], ask_often, &clients[i]), EL_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        el_thread_join(threads[i]);
        CHECK(clients[i].wrong == 0, "client %d: %d answers were wrong", i, clients[i].wrong);
    }
    assert_int_equal(b.finished, THREADS * EACH);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),           cmocka_unit_test(test_small_batches),
        cmocka_unit_test(test_turns),           cmocka_unit_test(test_short_first),
        cmocka_unit_test(test_patience),        cmocka_unit_test(test_passing),
        cmocka_unit_test(test_passing_longest), cmocka_unit_test(test_passing_ends),
        cmocka_unit_test(test_lanes),           cmocka_unit_test(test_fullness),
        cmocka_unit_test(test_unwanted),        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_threads),         cmocka_unit_test(test_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
