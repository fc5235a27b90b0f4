/* helper - see the header */
#include "base/helper.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct el_helper {
    pthread_t thread;
    bool alone; /* no thread could be started */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under the lock */
    el_help *help; /* what is to be done, or is being done */
    void *context;
    bool closing;
    bool started; /* and not waited for; the owner's own */
    el_outcome outcome;
};

static void do_it(el_helper *h, el_help *help, void *context)
{
    el_outcome_keep(&h->outcome, help(context));
}

static void *work(void *argument)
{
    el_helper *const h = argument;
    pthread_mutex_lock(&h->lock);
    while (!h->closing) {
        if (h->help) {
            el_help *const help = h->help;
            void *const context = h->context;
            pthread_mutex_unlock(&h->lock);
            do_it(h, help, context);
            pthread_mutex_lock(&h->lock);
            h->help = NULL;
            pthread_cond_broadcast(&h->changed);
        } else {
            pthread_cond_wait(&h->changed, &h->lock);
        }
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

el_status el_helper_open(el_helper **helper)
{
    el_helper *const h = calloc(1, sizeof *h);
    if (!h)
        return el_no_memory(NULL);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->changed, NULL);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    h->alone = pthread_create(&h->thread, NULL, work, h) != 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *helper = h;
    return EL_OK;
}

void el_helper_close(el_helper *h)
{
    if (!h)
        return;
    el_helper_wait(h);
    pthread_mutex_lock(&h->lock);
    h->closing = true;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
    if (!h->alone)
        pthread_join(h->thread, NULL);
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

void el_helper_start(el_helper *h, el_help *help, void *context)
{
    assert(!h->started && "wait() comes between two starts");
    h->started = true;
    if (h->alone) {
        do_it(h, help, context);
        return;
    }
    pthread_mutex_lock(&h->lock);
    h->help = help;
    h->context = context;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

bool el_helper_done(el_helper *h)
{
    pthread_mutex_lock(&h->lock);
    const bool done = !h->help;
    pthread_mutex_unlock(&h->lock);
    return done;
}

el_status el_helper_wait(el_helper *h)
{
    if (!h->started)
        return EL_OK;
    pthread_mutex_lock(&h->lock);
    while (h->help)
        pthread_cond_wait(&h->changed, &h->lock);
    pthread_mutex_unlock(&h->lock);
    h->started = false;
    return el_outcome_repeat(&h->outcome);
}
