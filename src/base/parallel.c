/* parallel - pieces over a pool of threads that soon fall asleep
 *
 * A call publishes one atomic word: how many threads it invites, and how many pieces nobody has claimed.
 * To claim a piece is to count the word down.  A call cannot end before the pieces that were claimed, so
 * whoever has a claim may read the rest of the call; whoever comes late finds none left and has touched
 * nothing.  So no call waits for a thread that the system did not let run.
 *
 * Which piece it is: every thread has a stretch of its own, the same part of every call, and goes on in the
 * others' stretches when its own is done.  So what a thread reads is mostly what it wrote in the call before,
 * and lies in its own cache.
 *
 * Thread 0 is the caller, which owns the pool from first to last piece; a caller that finds it owned
 * runs alone.  Who waits (a worker for pieces, the caller for the last one) spins for a moment, unless
 * there are more threads than processors, and then sleeps on a futex.
 */
#define _GNU_SOURCE
#include "parallel.h"

#include <assert.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST = 1024,     /* threads */
    SPIN_NS = 20000, /* about what it costs to fall asleep and be woken */
};

typedef struct {
    alignas(EL_CACHE_LINE) atomic_int asleep; /* 0 or 1; the futex */
} bed;

typedef struct {
    alignas(EL_CACHE_LINE) atomic_int next; /* piece that nobody has begun; from `end` on there is none */
    int end;
} stretch;

static struct {
    atomic_bool owned;
    alignas(EL_CACHE_LINE) _Atomic uint64_t open; /* threads invited << 32 | pieces not claimed */
    alignas(EL_CACHE_LINE) atomic_int unfinished; /* pieces */
    alignas(EL_CACHE_LINE) atomic_int processors; /* when the pool last grew */
    int workers;                                  /* the owner's */
    el_task *task;                                /* these three are of the call, for who has a claim */
    void *context;
    stretch stretches[MOST];
    bed beds[MOST];
} pool;

/* The `thread` of the task that this thread runs, or -1. */
static _Thread_local int running = -1;

static bool invited(uint64_t open, int thread)
{
    return (uint32_t)open > 0 && (uint64_t)thread < open >> 32;
}

/* Of `threads` threads; a claim is a promise that some stretch has a piece left, and none that is done gets another. */
static int claimed(int thread, int threads)
{
    for (;; thread = (thread + 1) % threads) {
        stretch *const s = &pool.stretches[thread];
        if (atomic_load(&s->next) >= s->end)
            continue;
        const int index = atomic_fetch_add(&s->next, 1);
        if (index < s->end)
            return index;
    }
}

static bool take(int thread, int *index)
{
    uint64_t open = atomic_load(&pool.open);
    do {
        if (!invited(open, thread))
            return false;
    } while (!atomic_compare_exchange_weak(&pool.open, &open, open - 1));
    *index = claimed(thread, (int)(open >> 32));
    return true;
}

/* What `thread` waits for: the caller for the last piece, a worker for the first. */
static bool ready(int thread)
{
    return thread == 0 ? atomic_load(&pool.unfinished) == 0 : invited(atomic_load(&pool.open), thread);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static bool spin(int thread)
{
    if (atomic_load(&pool.open) >> 32 > (uint64_t)atomic_load(&pool.processors))
        return ready(thread);
    const int64_t end = now() + SPIN_NS;
    do {
        for (int i = 0; i < 16; i++) {
            if (ready(thread))
                return true;
            __builtin_ia32_pause();
        }
    } while (now() < end);
    return false;
}

/* Whoever makes ready() true calls wake() after it.  As both sides write before they read, the sleeper
 * sees that it is ready or the other sees that it sleeps. */
static void wait_until_ready(int thread)
{
    atomic_int *asleep = &pool.beds[thread].asleep;
    if (spin(thread))
        return;
    do {
        atomic_store(asleep, 1);
        if (!ready(thread))
            syscall(SYS_futex, asleep, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
        atomic_store(asleep, 0);
    } while (!ready(thread));
}

static void wake(int thread)
{
    atomic_int *asleep = &pool.beds[thread].asleep;
    if (atomic_load(asleep) && atomic_exchange(asleep, 0))
        syscall(SYS_futex, asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void run_share(int thread)
{
    int index, done = 0;
    running = thread;
    for (; take(thread, &index); done++)
        pool.task(pool.context, index, thread);
    running = -1;
    if (done > 0 && atomic_fetch_sub(&pool.unfinished, done) == done && thread > 0)
        wake(0);
}

static void *work(void *thread)
{
    for (;;) {
        wait_until_ready((int)(intptr_t)thread);
        run_share((int)(intptr_t)thread);
    }
    return NULL;
}

/* Signals from outside are for the program's own threads. */
static bool start(int thread)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);
    pthread_t id;
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    const bool started = pthread_create(&id, NULL, work, (void *)(intptr_t)thread) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started && pthread_detach(id) == 0;
}

/* A child process has none of the workers. */
static void forget(void)
{
    atomic_store(&pool.owned, false);
    atomic_store(&pool.open, 0);
    atomic_store(&pool.unfinished, 0);
    pool.workers = 0;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget);
}

/* The threads that there are for a call that asks for `threads`. */
static int grow(int threads)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pool.workers + 1 < threads) {
        pthread_once(&once, watch_forks);
        atomic_store(&pool.processors, el_processors());
        while (pool.workers + 1 < threads && start(pool.workers + 1))
            pool.workers++;
    }
    return pool.workers + 1 < threads ? pool.workers + 1 : threads;
}

static void run_together(int threads, int count, el_task *task, void *context)
{
    pool.task = task;
    pool.context = context;
    for (int thread = 0; thread < threads; thread++) {
        atomic_store(&pool.stretches[thread].next, (int)((int64_t)count * thread / threads));
        pool.stretches[thread].end = (int)((int64_t)count * (thread + 1) / threads);
    }
    atomic_store(&pool.unfinished, count);
    atomic_store(&pool.open, (uint64_t)threads << 32 | (uint32_t)count);
    for (int thread = 1; thread < threads; thread++)
        wake(thread);
    run_share(0);
    wait_until_ready(0);
}

static void run_alone(int thread, int count, el_task *task, void *context)
{
    const int before = running;
    running = thread;
    for (int index = 0; index < count; index++)
        task(context, index, thread);
    running = before;
}

void el_parallel(int threads, int count, el_task *task, void *context)
{
    assert(threads >= 1 && count >= 0);
    int most = threads < count ? threads : count;
    if (most > MOST)
        most = MOST;
    if (most <= 1 || running >= 0 || atomic_exchange(&pool.owned, true)) {
        assert(threads == 1 || running < threads);
        /* within a task of several threads the others may use scratch memory 0 at this moment */
        run_alone(threads > 1 && running > 0 ? running : 0, count, task, context);
        return;
    }
    run_together(grow(most), count, task, context);
    atomic_store(&pool.owned, false);
}

/* Processors in the affinity mask, which may be longer than a cpu_set_t holds. */
static int affinity(void)
{
    for (int most = CPU_SETSIZE; most <= 1 << 20; most *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)most);
        if (!set)
            break;
        const size_t size = CPU_ALLOC_SIZE((size_t)most);
        const int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return count;
    }
    return 1;
}

static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    const bool got = fgets(line, size, file) != NULL;
    fclose(file);
    return got;
}

/* Whole processors of a quota, rounded up; `most` where there is none. */
static int limited(int most, long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return most;
    const long long processors = (quota - 1) / period + 1;
    return processors < most ? (int)processors : most;
}

static int quota_v2(int most, const char *folder)
{
    char path[4200], line[128];
    long long quota, period;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder);
    if (!read_line(path, line, sizeof line) || sscanf(line, "%lld %lld", &quota, &period) != 2)
        return most;
    return limited(most, quota, period);
}

static int quota_v1(int most, const char *folder)
{
    char path[4200], line[128];
    long long quota, period;
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", folder);
    if (!read_line(path, line, sizeof line) || sscanf(line, "%lld", &quota) != 1)
        return most;
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", folder);
    if (!read_line(path, line, sizeof line) || sscanf(line, "%lld", &period) != 1)
        return most;
    return limited(most, quota, period);
}

/* Every group from this process's up to the root may have a quota; the smallest holds.  In a container
 * the root is what is mounted, and the path may name nothing: then only the root counts. */
static int quota(int most, char *folder, int (*read)(int, const char *))
{
    folder[strcspn(folder, "\n")] = '\0';
    for (;;) {
        char *slash = strrchr(folder, '/');
        if (!slash)
            return most;
        if (slash == folder && slash[1] == '\0')
            *slash = '\0'; /* "/": the root itself */
        most = read(most, folder);
        if (*folder == '\0')
            return most;
        *slash = '\0';
        if (*folder == '\0')
            return read(most, folder);
    }
}

/* Lines of /proc/self/cgroup are "0::/path" (v2) and "4:cpu,cpuacct:/path" (v1). */
int el_processors(void)
{
    int most = affinity();
    FILE *groups = fopen("/proc/self/cgroup", "re");
    if (!groups)
        return most;
    char line[4096];
    while (fgets(line, sizeof line, groups)) {
        char *controllers = strchr(line, ':');
        char *folder = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!folder)
            continue;
        *folder++ = '\0';
        if (controllers[1] == '\0')
            most = quota(most, folder, quota_v2);
        else if (strstr(controllers, ":cpu,") || strstr(controllers, ",cpu,") ||
                 strcmp(controllers, ":cpu") == 0)
            most = quota(most, folder, quota_v1);
    }
    fclose(groups);
    return most;
}
