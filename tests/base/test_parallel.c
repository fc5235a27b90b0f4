/* parallel - every piece once, threads with scratch of their own, nothing shared by accident */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/parallel.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define TSAN 1
#endif

enum { PIECES = 1000, MOST = 8 };

typedef struct {
    int threads;
    int done[PIECES];
    atomic_int busy[MOST]; /* tasks running with this `thread` */
    atomic_int trouble, inner;
} tally;

static void count_piece(void *context, int index, int thread)
{
    tally *t = context;
    if (thread < 0 || thread >= t->threads || atomic_fetch_add(&t->busy[thread], 1) != 0)
        t->trouble++;
    t->done[index]++;
    atomic_fetch_sub(&t->busy[thread], 1);
}

static void check_once(int threads, int count)
{
    tally t = {.threads = threads};
    el_parallel(threads, count, count_piece, &t);
    CHECK(t.trouble == 0, "%d threads, %d pieces: %d tasks shared a thread's number", threads, count,
          t.trouble);
    for (int i = 0; i < PIECES; i++)
        CHECK(t.done[i] == (i < count), "%d threads, %d pieces: piece %d was done %d times", threads, count,
              i, t.done[i]);
}

/* Any number of pieces on any number of threads: each piece is done once, and its results are seen after. */
static void test_each_piece_once(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, 2, 3, 7, 8, 9, 100, PIECES};
    for (int threads = 1; threads <= MOST; threads++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (int again = 0; again < 5; again++)
                check_once(threads, counts[c]);
}

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

static void inner_alone(void *context, int index, int thread)
{
    tally *t = context;
    (void)index;
    t->trouble += thread != 0;
    t->inner++;
}

static void nest(void *context, int index, int thread)
{
    (void)index, (void)thread;
    el_parallel(4, 5, inner, context);
    el_parallel(1, 5, inner_alone, context);
}

/* A call within a task runs its pieces itself, under a number that no other task has. */
static void test_nested(void **state)
{
    (void)state;
    tally t = {0};
    el_parallel(4, 30, nest, &t);
    CHECK(t.trouble == 0, "%d inner pieces shared a thread's number", t.trouble);
    CHECK(t.inner == 300, "%d inner pieces were done, not 300", t.inner);
}

enum { CALLERS = 4, CALLS = 30 };

static void count_slowly(void *context, int index, int thread)
{
    if (index == 0)
        sched_yield(); /* to another caller */
    count_piece(context, index, thread);
}

static void *call_often(void *context)
{
    tally *t = context;
    for (int i = 0; i < CALLS; i++)
        el_parallel(t->threads, 20, count_slowly, t);
    return NULL;
}

/* Several threads may call at the same time: every piece of each is done, and numbers are shared only between callers. */
static void test_several_callers(void **state)
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
            CHECK(tallies[c].done[i] == CALLS, "caller %d: piece %d was done %d times, not %d", c, i,
                  tallies[c].done[i], CALLS);
    }
}

/* Thousands of calls with next to nothing to do, pauses among them long enough to fall asleep in, lose no piece. */
static void test_tiny_calls(void **state)
{
    (void)state;
    enum { REGIONS = 20000 };
    static tally t;
    const struct timespec moment = {.tv_nsec = 100000};
    for (int i = 0; i < REGIONS; i++) {
        t.threads = 2 + i % 3;
        el_parallel(t.threads, 4, count_piece, &t);
        if (i % 100 == 0)
            nanosleep(&moment, NULL);
    }
    CHECK(t.trouble == 0, "%d tasks shared a thread's number", t.trouble);
    for (int i = 0; i < 4; i++)
        CHECK(t.done[i] == REGIONS, "piece %d was done %d times, not %d", i, t.done[i], REGIONS);
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

/* Three pieces that wait for each other meet: there are really three threads, also after they slept. */
static void test_threads_run_together(void **state)
{
    (void)state;
    const struct timespec moment = {.tv_nsec = 5000000};
    for (int i = 0; i < 5; i++) {
        atomic_int here = 0;
        const time_t start = time(NULL);
        el_parallel(3, 3, meet, &here);
        CHECK(here == 3 && time(NULL) - start < 4, "%d pieces did not meet", here);
        nanosleep(&moment, NULL);
    }
}

/* A child process has no threads of its parent's and makes its own. */
static void test_fork(void **state)
{
    (void)state;
#ifdef TSAN
    skip(); /* ThreadSanitizer forbids threads in the child of a process with threads */
#endif
    check_once(4, 100);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        atomic_int here = 0;
        el_parallel(3, 3, meet, &here);
        _exit(here == 3 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    CHECK(status == 0, "the child ended with status %#x", (unsigned)status);
    check_once(4, 100);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_piece_once),      cmocka_unit_test(test_nested),
        cmocka_unit_test(test_several_callers),      cmocka_unit_test(test_tiny_calls),
        cmocka_unit_test(test_threads_run_together), cmocka_unit_test(test_fork),
        cmocka_unit_test(test_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
