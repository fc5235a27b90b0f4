/* parallel - pieces over an OpenMP team
 *
 * A team always has as many threads as were asked for, even when there are fewer pieces: libgomp
 * ends the threads that a smaller team leaves over and would start them again for the next one.
 *
 * Inside a task OpenMP reports one thread, so that a library which is called there stays on its own.
 */
#define _GNU_SOURCE
#include "parallel.h"

#include <assert.h>
#include <omp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* ThreadSanitizer does not see libgomp's barriers: it is told where they order memory, and the
 * functions that share variables through OpenMP are left uninstrumented. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(TSAN)
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define UNINSTRUMENTED __attribute__((no_sanitize("thread"), noinline))
#else
#define __tsan_acquire(address) ((void)(address))
#define __tsan_release(address) ((void)(address))
#define UNINSTRUMENTED
#endif

typedef struct {
    int count;
    el_task *task;
    void *context;
    bool one_each;     /* as many pieces as threads */
    char begun, ended; /* addresses for ThreadSanitizer */
} work;

/* The `thread` of the task that this thread runs, or -1. */
static _Thread_local int running = -1;

static void run_alone(int thread, int count, el_task *task, void *context)
{
    const int before = running, threads = omp_get_max_threads();
    running = thread;
    omp_set_num_threads(1);
    for (int index = 0; index < count; index++)
        task(context, index, thread);
    omp_set_num_threads(threads);
    running = before;
}

/* One thread's share, between the region's start and its barrier. */
UNINSTRUMENTED static void run_share(work *w)
{
    __tsan_acquire(&w->begun);
    const int thread = omp_get_thread_num();
    running = thread;
    omp_set_num_threads(1);
    if (w->one_each) {
#pragma omp for schedule(static) nowait
        for (int index = 0; index < w->count; index++)
            w->task(w->context, index, thread);
    } else {
#pragma omp for schedule(dynamic, 1) nowait
        for (int index = 0; index < w->count; index++)
            w->task(w->context, index, thread);
    }
    running = -1;
    __tsan_release(&w->ended);
}

UNINSTRUMENTED static void run_together(int threads, work *w)
{
    __tsan_release(&w->begun);
#pragma omp parallel num_threads(threads)
    run_share(w);
    __tsan_acquire(&w->ended);
}

void el_parallel(int threads, int count, el_task *task, void *context)
{
    assert(threads >= 1 && count >= 0);
    if (count == 0)
        return;
    if (threads == 1 || count == 1 || running >= 0) {
        assert(threads == 1 || running < threads);
        /* within a task of several threads the others may use scratch memory 0 at this moment */
        run_alone(threads > 1 && running > 0 ? running : 0, count, task, context);
        return;
    }
    work w = {.count = count, .task = task, .context = context, .one_each = count == threads};
    run_together(threads, &w);
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
