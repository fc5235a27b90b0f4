/* pool - every chunk once, threads with scratch of their own, nothing shared by accident */
#define _GNU_SOURCE
#include "folder.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/pool.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define TSAN 1
#endif

enum { CHUNKS = 1000, MOST = 8 };

typedef struct {
    int threads;
    int done[CHUNKS];
    atomic_int busy[MOST]; /* tasks running with this `thread` */
    atomic_int trouble, inner;
} tally;

static void count_chunk(void *context, int index, int thread)
{
    tally *t = context;
    if (thread < 0 || thread >= t->threads || atomic_fetch_add(&t->busy[thread], 1) != 0)
        t->trouble++;
    t->done[index]++;
    atomic_fetch_sub(&t->busy[thread], 1);
}

static el_pool *opened(int threads)
{
    el_pool *pool = NULL;
    CHECK_OK(el_pool_open(&pool, threads));
    return pool;
}

static void check_once(el_pool *pool, int threads, int count)
{
    tally t = {.threads = threads};
    el_pool_run(pool, count, count_chunk, &t);
    CHECK(t.trouble == 0, "%d threads, %d chunks: %d tasks shared a thread's number", threads, count,
          t.trouble);
    for (int i = 0; i < CHUNKS; i++)
        CHECK(t.done[i] == (i < count), "%d threads, %d chunks: chunk %d was done %d times", threads, count,
              i, t.done[i]);
}

/* Any number of chunks on any number of threads: each chunk is done once, and its results are seen after. */
static void test_each_chunk_once(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, 2, 3, 7, 8, 9, 100, CHUNKS};
    for (int threads = 1; threads <= MOST; threads++) {
        el_pool *const pool = opened(threads);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (int again = 0; again < 5; again++)
                check_once(pool, threads, counts[c]);
        el_pool_close(pool);
    }
}

static el_pool *outer; /* of test_nested */

static void inner(void *context, int index, int thread)
{
    tally *t = context;
    (void)index;
    if (atomic_fetch_add(&t->busy[thread], 1) != 0)
        t->trouble++;
    const struct timespec moment = {.tv_nsec = 20000};
    nanosleep(&moment, NULL);
    atomic_fetch_sub(&t->busy[thread], 1);
    t->inner++;
}

static void nest(void *context, int index, int thread)
{
    (void)index, (void)thread;
    el_pool_run(outer, 5, inner, context);
}

/* A call within a task runs its chunks itself, under a number that no other task has. */
static void test_nested(void **state)
{
    (void)state;
    tally t = {0};
    outer = opened(4);
    el_pool_run(outer, 30, nest, &t);
    el_pool_close(outer);
    CHECK(t.trouble == 0, "%d inner chunks shared a thread's number", t.trouble);
    CHECK(t.inner == 150, "%d inner chunks were done, not 150", t.inner);
}

static void in_a_pool_of_its_own(void *context, int index, int thread)
{
    tally *const t = (tally *)context + index;
    (void)thread;
    el_pool *pool;
    if (el_pool_open(&pool, 2)) {
        t->trouble++;
        return;
    }
    el_pool_run(pool, 20, count_chunk, t);
    el_pool_close(pool);
}

/* A task may open and use a pool of its own. */
static void test_pool_within_a_pool(void **state)
{
    (void)state;
    static tally tallies[6];
    for (int i = 0; i < 6; i++)
        tallies[i].threads = 2;
    el_pool *const pool = opened(3);
    el_pool_run(pool, 6, in_a_pool_of_its_own, tallies);
    el_pool_close(pool);
    for (int i = 0; i < 6; i++)
        CHECK(tallies[i].trouble == 0 && tallies[i].done[19] == 1,
              "pool %d: trouble %d, chunk 19 done %d times", i, tallies[i].trouble, tallies[i].done[19]);
}

enum { CALLERS = 4, CALLS = 30 };

static void count_slowly(void *context, int index, int thread)
{
    if (index == 0)
        sched_yield(); /* to another caller */
    count_chunk(context, index, thread);
}

static void *call_often(void *context)
{
    tally *t = context;
    el_pool *const pool = opened(t->threads);
    for (int i = 0; i < CALLS; i++)
        el_pool_run(pool, 20, count_slowly, t);
    el_pool_close(pool);
    return NULL;
}

/* Pools of several threads work at the same time: every chunk of each is done, and numbers are shared only between pools. */
static void test_several_pools(void **state)
{
    (void)state;
    static tally tallies[CALLERS];
    pthread_t others[CALLERS];
    for (int c = 0; c < CALLERS; c++) {
        tallies[c].threads = c + 1;
        assert_int_equal(pthread_create(&others[c], NULL, call_often, &tallies[c]), 0);
    }
    for (int c = 0; c < CALLERS; c++) {
        pthread_join(others[c], NULL);
        CHECK(tallies[c].trouble == 0, "caller %d: %d tasks shared a thread's number", c, tallies[c].trouble);
        for (int i = 0; i < 20; i++)
            CHECK(tallies[c].done[i] == CALLS, "caller %d: chunk %d was done %d times, not %d", c, i,
                  tallies[c].done[i], CALLS);
    }
}

/* Thousands of calls with next to nothing to do, pauses among them long enough to fall asleep in, lose no chunk. */
static void test_tiny_calls(void **state)
{
    (void)state;
    enum { REGIONS = 20000 };
    static tally t;
    const struct timespec moment = {.tv_nsec = 100000};
    t.threads = 3;
    el_pool *const pool = opened(t.threads);
    for (int i = 0; i < REGIONS; i++) {
        el_pool_run(pool, 2 + i % 3, count_chunk, &t);
        if (i % 100 == 0)
            nanosleep(&moment, NULL);
    }
    el_pool_close(pool);
    CHECK(t.trouble == 0, "%d tasks shared a thread's number", t.trouble);
    for (int i = 0; i < 4; i++) {
        const int calls = i < 2 ? REGIONS : i == 2 ? REGIONS / 3 * 2 + 1 : REGIONS / 3;
        CHECK(t.done[i] == calls, "chunk %d was done %d times, not %d", i, t.done[i], calls);
    }
}

static void meet(void *context, int index, int thread)
{
    (void)index, (void)thread;
    atomic_int *here = context;
    const struct timespec moment = {.tv_nsec = 100000};
    (*here)++;
    for (int i = 0; i < 50000 && *here < 3; i++)
        nanosleep(&moment, NULL);
}

/* Three chunks that wait for each other meet: there are really three threads, also after they slept. */
static void test_threads_run_together(void **state)
{
    (void)state;
    const struct timespec moment = {.tv_nsec = 5000000};
    el_pool *const pool = opened(3);
    for (int i = 0; i < 5; i++) {
        atomic_int here = 0;
        const time_t start = time(NULL);
        el_pool_run(pool, 3, meet, &here);
        CHECK(here == 3 && time(NULL) - start < 4, "%d chunks did not meet", here);
        nanosleep(&moment, NULL);
    }
    el_pool_close(pool);
}

/* Threads are started again in a child process, which has none of its parent's. */
static void test_fork(void **state)
{
    (void)state;
#ifdef TSAN
    skip(); /* ThreadSanitizer forbids threads in the child of a process with threads */
#endif
    el_pool *const pool = opened(4), *const unused = opened(2);
    check_once(pool, 4, 100);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        atomic_int here = 0;
        el_pool_run(pool, 3, meet, &here);
        el_pool_close(pool);
        el_pool_close(unused);
        _exit(here == 3 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    CHECK(status == 0, "the child ended with status %#x", (unsigned)status);
    check_once(pool, 4, 100);
    el_pool_close(pool);
    el_pool_close(unused);
}

/* At least one processor, and no more than the mask allows. */
static void test_processors(void **state)
{
    (void)state;
    cpu_set_t all, one;
    const int before = el_processors();
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CHECK(before >= 1 && before <= CPU_COUNT(&all), "%d processors, the mask has %d", before,
          CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && CPU_COUNT(&one) == 0)
            CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    const int alone = el_processors();
    sched_setaffinity(0, sizeof all, &all);
    CHECK(alone == 1, "%d processors, the mask has 1", alone);
}

/* The group of a line is found wherever `cpu` stands in it, and no other name is taken for it. */
static void test_cgroup_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int version;
        const char *folder;
    } cases[] = {
        {"0::/user.slice", 2, "/user.slice"},
        {"0::/a:b", 2, "/a:b"},
        {"4:cpu:/a", 1, "/a"},
        {"4:cpu,cpuacct:/a", 1, "/a"},
        {"4:cpuacct,cpu:/a", 1, "/a"},
        {"4:cpuacct,cpu,cpuset:/a", 1, "/a"},
        {"5:cpuset:/a", 0, NULL},
        {"5:cpuset,cpuacct:/a", 0, NULL},
        {"1:name=cpu:/a", 0, NULL},
        {"7", 0, NULL},
        {"7:cpu", 0, NULL},
        {"", 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[64], *group;
        const int version = el_cgroup_read(strcpy(line, cases[i].line), &group);
        CHECK(version == cases[i].version && (!version || strcmp(group, cases[i].folder) == 0),
              "\"%s\": version %d, folder %s", cases[i].line, version, version ? group : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_chunk_once),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_pool_within_a_pool),
        cmocka_unit_test(test_several_pools),
        cmocka_unit_test(test_tiny_calls),
        cmocka_unit_test(test_threads_run_together),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_processors),
        cmocka_unit_test(test_cgroup_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
