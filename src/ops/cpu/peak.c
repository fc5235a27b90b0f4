/* peak - the most multiply-adds a second, the measure of everything faster or slower */
#include <time.h>

#include "base/pool.h"
#include "level.h"

enum { TRIALS = 9 };
static const double TRIAL_SECONDS = 4e-3;

typedef struct {
    const el_kernels *kernels;
    el_type type;
    long rounds;
} chain;

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_chain(void *context, int index, int thread)
{
    (void)index, (void)thread;
    const chain *c = context;
    c->kernels->multiply_adds(c->type, c->rounds);
}

double el_kernels_peak(const el_kernels *kernels, el_type type, el_pool *pool, int threads)
{
    chain c = {kernels, type, 1};
    /* Rounds for one trial, by doubling, on this thread's own time; this also wakes the processor up. */
    for (double time = 0; time < TRIAL_SECONDS; c.rounds *= 2) {
        const double start = seconds(CLOCK_THREAD_CPUTIME_ID);
        run_chain(&c, 0, 0);
        time = seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    const double operations = 2.0 * threads * c.kernels->multiply_adds(type, 1) * (double)c.rounds;
    double best = 0;
    for (int i = 0; i < TRIALS; i++) {
        const double start = seconds(CLOCK_MONOTONIC);
        el_pool_run(pool, threads, run_chain, &c);
        const double rate = operations / (seconds(CLOCK_MONOTONIC) - start);
        best = rate > best ? rate : best; /* what it can do: disturbances only lower it */
    }
    return best;
}
