/* parallel - every piece once, threads with scratch of their own, nothing shared by accident */
#define _GNU_SOURCE
#include "check.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "base/parallel.h"

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
    if (omp_get_max_threads() != 1)
        t->trouble++;
    t->done[index]++;
    atomic_fetch_sub(&t->busy[thread], 1);
}

static void check_once(int threads, int count)
{
    tally t = {.threads = threads};
    el_parallel(threads, count, count_piece, &t);
    CHECK(t.trouble == 0,
          "%d threads, %d pieces: %d tasks shared a thread's number or had threads of their own", threads,
          count, t.trouble);
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

static void use_team(void *context, int index, int thread)
{
    (void)index, (void)thread;
    atomic_int *sum = context;
    (*sum)++;
}

static void *from_thread(void *context)
{
    for (int i = 0; i < 50; i++)
        el_parallel(3, 20, use_team, context);
    return NULL;
}

/* Several threads may each have their own teams at the same time. */
static void test_two_callers(void **state)
{
    (void)state;
    atomic_int sum = 0;
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, from_thread, &sum), 0);
    from_thread(&sum);
    pthread_join(other, NULL);
    CHECK(sum == 2 * 50 * 20, "%d pieces were done, not %d", sum, 2 * 50 * 20);
}

/* OpenMP's own number of threads is as it was. */
static void test_leaves_openmp_alone(void **state)
{
    (void)state;
    tally t = {.threads = 2};
    omp_set_num_threads(5);
    el_parallel(1, 3, count_piece, &t);
    el_parallel(2, 3, count_piece, &t);
    CHECK(omp_get_max_threads() == 5, "%d threads, not 5", omp_get_max_threads());
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
        cmocka_unit_test(test_each_piece_once), cmocka_unit_test(test_nested),
        cmocka_unit_test(test_two_callers),     cmocka_unit_test(test_leaves_openmp_alone),
        cmocka_unit_test(test_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
