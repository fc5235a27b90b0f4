/* thread - see the header */
#include "base/thread.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

/* ---- threads ---- */

struct el_thread {
    pthread_t id;
    el_thread_work *work;
    void *context;
};

static void *begin(void *argument)
{
    const el_thread *const thread = argument;
    thread->work(thread->context);
    return NULL;
}

el_status el_thread_start(el_thread **out, el_thread_work *work, void *context)
{
    el_thread *const thread = malloc(sizeof *thread);
    if (!thread)
        return el_no_memory(NULL);
    *thread = (el_thread){.work = work, .context = context};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&thread->id, NULL, begin, thread) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) {
        *out = thread;
        return EL_OK;
    }
    free(thread);
    return el_fail(EL_EFAILED, "the system starts no further thread");
}

void el_thread_join(el_thread *thread)
{
    if (!thread)
        return;
    pthread_join(thread->id, NULL);
    free(thread);
}

/* ---- locks ---- */

struct el_lock {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

el_status el_lock_open(el_lock **out)
{
    el_lock *const lock = malloc(sizeof *lock);
    if (!lock)
        return el_no_memory(NULL);
    pthread_condattr_t monotonic; /* so that nobody who sets the clock prolongs a wait */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&lock->mutex, NULL);
    pthread_cond_init(&lock->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = lock;
    return EL_OK;
}

void el_lock_close(el_lock *lock)
{
    if (!lock)
        return;
    pthread_cond_destroy(&lock->changed);
    pthread_mutex_destroy(&lock->mutex);
    free(lock);
}

void el_lock_take(el_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

void el_lock_give(el_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

void el_lock_wait(el_lock *lock, double seconds)
{
    const double end = el_now() + seconds, whole = floor(end);
    const struct timespec until = {.tv_sec = (time_t)whole, .tv_nsec = (long)((end - whole) * 1e9)};
    pthread_cond_timedwait(&lock->changed, &lock->mutex, &until);
}

void el_lock_wake(el_lock *lock)
{
    pthread_cond_broadcast(&lock->changed);
}
