/* pool - chunks of work over threads that soon fall asleep
 *
 * A call publishes one atomic word: how many threads it invites, and how many chunks nobody has claimed.
 * To claim a chunk is to count the word down.  A call cannot end before the chunks that were claimed, so
 * whoever has a claim may read the rest of the call; whoever comes late finds none left and has touched
 * nothing.  So no call waits for a thread that the system did not let run.
 *
 * Which chunk it is: every thread has a share of its own, the same part of every call, and goes on in the
 * others' shares when its own is done.  So what a thread reads is mostly what it wrote in the call before,
 * and lies in its own cache.
 *
 * Thread 0 is the caller.  Who waits (a worker for chunks, the caller for the last one) spins for a moment, unless
 * all pools together have more threads at work than there are processors, and then sleeps on a futex.
 */
#define _GNU_SOURCE
#include "base/pool.h"

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
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

enum {
    MOST = 1024,     /* threads */
    SPIN_NS = 20000, /* about what it costs to fall asleep and be woken */
};

/* One thread of a pool, and its share of the call that runs. */
typedef struct {
    alignas(EL_CACHE_LINE) atomic_int asleep; /* 0 or 1; the futex */
    alignas(EL_CACHE_LINE) atomic_int next;   /* chunk that nobody has begun; from `end` on there is none */
    int end;
    el_pool *pool;
    int number;
    pthread_t id;
} member;

struct el_pool {
    alignas(EL_CACHE_LINE) _Atomic uint64_t open; /* threads invited << 32 | chunks not claimed */
    alignas(EL_CACHE_LINE) atomic_int unfinished; /* chunks */
    alignas(EL_CACHE_LINE) atomic_int running;    /* threads of the call under way; 0: none is */
    atomic_bool closing;
    int processors;
    int threads;        /* the caller's among them */
    int forks;          /* of the process, when the workers were started */
    el_pool_task *task; /* these two are of the call, for who has a claim */
    void *context;
    member members[];
};

static atomic_int
    at_work;      /* threads of all calls under way in all pools: only how long to spin depends on it */
static int forks; /* before this process became what it is */

/* The pool and the `thread` of the task that this thread runs. */
typedef struct {
    const el_pool *pool;
    int thread;
} place;
static _Thread_local place within;

static bool invited(uint64_t open, int thread)
{
    return (uint32_t)open > 0 && (uint64_t)thread < open >> 32;
}

/* Of `threads` threads; a claim is a promise that some share has a chunk left, and none that is done gets another. */
static int claimed(el_pool *pool, int thread, int threads)
{
    for (;; thread = (thread + 1) % threads) {
        member *const m = &pool->members[thread];
        if (atomic_load(&m->next) >= m->end)
            continue;
        const int index = atomic_fetch_add(&m->next, 1);
        if (index < m->end)
            return index;
    }
}

static bool take(el_pool *pool, int thread, int *index)
{
    uint64_t open = atomic_load(&pool->open);
    do {
        if (!invited(open, thread))
            return false;
    } while (!atomic_compare_exchange_weak(&pool->open, &open, open - 1));
    *index = claimed(pool, thread, (int)(open >> 32));
    return true;
}

/* What `thread` waits for: the caller for the last chunk, a worker for the first, or for the end. */
static bool ready(el_pool *pool, int thread)
{
    return thread == 0 ? atomic_load(&pool->unfinished) == 0
                       : invited(atomic_load(&pool->open), thread) || atomic_load(&pool->closing);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Whether processors are left over for this pool's threads besides what others run. */
static bool room_to_spin(el_pool *pool)
{
    const int others = atomic_load(&at_work) - atomic_load(&pool->running);
    return others + (int)(atomic_load(&pool->open) >> 32) <= pool->processors;
}

/* Lets the core's other thread work. */
static void pause_briefly(void)
{
#if defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

static bool spin(el_pool *pool, int thread)
{
    if (!room_to_spin(pool))
        return ready(pool, thread);
    const int64_t end = now() + SPIN_NS;
    do {
        for (int i = 0; i < 16; i++) {
            if (ready(pool, thread))
                return true;
            pause_briefly();
        }
    } while (now() < end);
    return false;
}

/* Whoever makes ready() true calls wake() after it.  As both sides write before they read, the sleeper
 * sees that it is ready or the other sees that it sleeps.  The language needs no fences for that; emulators of Arm on
 * other processors do. */
static void wait_until_ready(el_pool *pool, int thread)
{
    atomic_int *asleep = &pool->members[thread].asleep;
    if (spin(pool, thread))
        return;
    do {
        atomic_store(asleep, 1);
        atomic_thread_fence(memory_order_seq_cst);
        if (!ready(pool, thread))
            syscall(SYS_futex, asleep, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
        atomic_store(asleep, 0);
    } while (!ready(pool, thread));
}

static void wake(el_pool *pool, int thread)
{
    atomic_int *asleep = &pool->members[thread].asleep;
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(asleep) && atomic_exchange(asleep, 0))
        syscall(SYS_futex, asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void run_share(el_pool *pool, int thread)
{
    const place before = within;
    int index, done = 0;
    within = (place){pool, thread};
    for (; take(pool, thread, &index); done++)
        pool->task(pool->context, index, thread);
    within = before;
    if (done > 0 && atomic_fetch_sub(&pool->unfinished, done) == done && thread > 0)
        wake(pool, 0);
}

static void *work(void *context)
{
    member *const m = context;
    for (;;) {
        wait_until_ready(m->pool, m->number);
        if (atomic_load(&m->pool->closing))
            return NULL;
        run_share(m->pool, m->number);
    }
}

/* Signals from outside are for the program's own threads. */
static bool start(member *m)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    const bool started = pthread_create(&m->id, NULL, work, m) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void count_fork(void)
{
    forks++;
    atomic_store(&at_work, 0);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

/* Into a pool without any; as many as the system allows. */
static void start_workers(el_pool *pool, int threads)
{
    pool->forks = forks;
    pool->processors = el_processors();
    for (pool->threads = 1; pool->threads < threads; pool->threads++) {
        member *const m = &pool->members[pool->threads];
        m->pool = pool;
        m->number = pool->threads;
        if (!start(m))
            break;
    }
}

/* A child process has none of the workers. */
static void start_again(el_pool *pool)
{
    atomic_store(&pool->open, 0);
    atomic_store(&pool->unfinished, 0);
    atomic_store(&pool->running, 0);
    for (int i = 0; i < pool->threads; i++)
        atomic_store(&pool->members[i].asleep, 0);
    start_workers(pool, pool->threads);
}

el_status el_pool_open(el_pool **out, int threads)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    assert(threads >= 1);
    threads = threads < MOST ? threads : MOST;
    const size_t bytes = sizeof(el_pool) + (size_t)threads * sizeof(member);
    el_pool *const pool = aligned_alloc(EL_CACHE_LINE, bytes);
    if (!pool)
        return el_fail(EL_ENOMEM, "no memory for %d threads", threads);
    memset(pool, 0, bytes);
    pthread_once(&once, watch_forks);
    start_workers(pool, threads);
    *out = pool;
    return EL_OK;
}

void el_pool_close(el_pool *pool)
{
    if (!pool)
        return;
    assert(atomic_load(&pool->running) == 0 && "nothing runs in it any more");
    atomic_store(&pool->closing, true);
    for (int thread = 1; thread < pool->threads && pool->forks == forks; thread++)
        wake(pool, thread);
    for (int thread = 1; thread < pool->threads && pool->forks == forks; thread++)
        pthread_join(pool->members[thread].id, NULL);
    free(pool);
}

static void run_together(el_pool *pool, int threads, int count, el_pool_task *task, void *context)
{
    pool->task = task;
    pool->context = context;
    for (int thread = 0; thread < threads; thread++) {
        atomic_store(&pool->members[thread].next, (int)((int64_t)count * thread / threads));
        pool->members[thread].end = (int)((int64_t)count * (thread + 1) / threads);
    }
    atomic_store(&pool->unfinished, count);
    atomic_store(&pool->open, (uint64_t)threads << 32 | (uint32_t)count);
    for (int thread = 1; thread < threads; thread++)
        wake(pool, thread);
    run_share(pool, 0);
    wait_until_ready(pool, 0);
}

static void run_alone(el_pool *pool, int thread, int count, el_pool_task *task, void *context)
{
    const place before = within;
    within = (place){pool, thread};
    for (int index = 0; index < count; index++)
        task(context, index, thread);
    within = before;
}

void el_pool_run(el_pool *pool, int count, el_pool_task *task, void *context)
{
    assert(count >= 0);
    if (within.pool == pool) {
        run_alone(pool, within.thread, count, task, context);
        return;
    }
    if (pool->forks != forks)
        start_again(pool);
    const int threads = pool->threads < count ? pool->threads : count;
    const int busy = atomic_exchange(&pool->running, threads);
    assert(busy == 0 && "a pool serves one call at a time");
    atomic_fetch_add(&at_work, threads);
    if (threads <= 1)
        run_alone(pool, 0, count, task, context);
    else
        run_together(pool, threads, count, task, context);
    atomic_fetch_sub(&at_work, threads);
    atomic_store(&pool->running, 0);
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

static bool read_line(const char *path, char *line, size_t size)
{
    el_file_begin(path, line, size);
    return *line;
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
static int quota(int most, char *folder, int (*read_quota)(int, const char *))
{
    for (;;) {
        char *slash = strrchr(folder, '/');
        if (!slash)
            return most;
        if (slash == folder && slash[1] == '\0')
            *slash = '\0'; /* "/": the root itself */
        most = read_quota(most, folder);
        if (*folder == '\0')
            return most;
        *slash = '\0';
        if (*folder == '\0')
            return read_quota(most, folder);
    }
}

int el_cgroup_read(char *line, char **folder)
{
    char *names = strchr(line, ':');
    *folder = names ? strchr(++names, ':') : NULL;
    if (!*folder)
        return 0;
    *(*folder)++ = '\0';
    if (*names == '\0')
        return 2;
    for (char *name; (name = strsep(&names, ","));)
        if (strcmp(name, "cpu") == 0)
            return 1;
    return 0;
}

int el_processors(void)
{
    int most = affinity();
    char groups[8192], *rest = groups, *folder;
    el_file_begin("/proc/self/cgroup", groups, sizeof groups);
    for (char *line; (line = strsep(&rest, "\n"));) {
        const int version = el_cgroup_read(line, &folder);
        if (version)
            most = quota(most, folder, version == 2 ? quota_v2 : quota_v1);
    }
    return most;
}
