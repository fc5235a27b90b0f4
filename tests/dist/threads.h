/* threads - ranks that are threads of one program: an el_dist for tests */
#ifndef EL_TESTS_DIST_THREADS_H
#define EL_TESTS_DIST_THREADS_H

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "dist/dist.h"

enum { TEST_RANKS = 8 };

typedef struct {
    const void *out;
    size_t bytes;
    int to;
    bool there, taken;
} test_letter;

/* What all ranks share. */
typedef struct {
    int size;
    pthread_barrier_t barrier;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const void *given[TEST_RANKS];
    test_letter letters[TEST_RANKS][EL_DIST_SLOTS]; /* of a sender */
} test_world;

typedef struct {
    el_dist base;
    test_world *world;
    struct {
        int peer;
        void *in;
        size_t bytes;
    } expected[EL_DIST_SLOTS];
    void (*work)(el_dist *d, void *context);
    void *context;
    pthread_t thread;
} test_rank;

static inline void test_gather(el_dist *d, const void *mine, size_t bytes, void *all)
{
    test_world *const w = ((test_rank *)d)->world;
    w->given[d->rank] = mine;
    pthread_barrier_wait(&w->barrier);
    for (int i = 0; i < d->size; i++)
        memcpy((char *)all + (size_t)i * bytes, w->given[i], bytes);
    pthread_barrier_wait(&w->barrier);
}

static inline void test_share(el_dist *d, int root, void *data, size_t bytes)
{
    test_world *const w = ((test_rank *)d)->world;
    w->given[d->rank] = data;
    pthread_barrier_wait(&w->barrier);
    if (d->rank != root)
        memcpy(data, w->given[root], bytes);
    pthread_barrier_wait(&w->barrier);
}

static inline void test_begin(el_dist *d, int slot, int peer, const void *out, size_t out_bytes, void *in,
                              size_t in_bytes)
{
    test_rank *const r = (test_rank *)d;
    test_letter *const letter = &r->world->letters[d->rank][slot];
    r->expected[slot].peer = peer;
    r->expected[slot].in = in;
    r->expected[slot].bytes = in_bytes;
    pthread_mutex_lock(&r->world->mutex);
    assert(!letter->there && "a slot is used again after its end");
    *letter = (test_letter){.out = out, .bytes = out_bytes, .to = peer, .there = true};
    pthread_cond_broadcast(&r->world->changed);
    pthread_mutex_unlock(&r->world->mutex);
}

static inline void test_end(el_dist *d, int slot)
{
    test_rank *const r = (test_rank *)d;
    test_letter *const mine = &r->world->letters[d->rank][slot];
    test_letter *const theirs = &r->world->letters[r->expected[slot].peer][slot];
    pthread_mutex_lock(&r->world->mutex);
    while (!theirs->there || theirs->taken || theirs->to != d->rank)
        pthread_cond_wait(&r->world->changed, &r->world->mutex);
    assert(theirs->bytes == r->expected[slot].bytes && "both say the same of how much moves");
    if (theirs->bytes)
        memcpy(r->expected[slot].in, theirs->out, theirs->bytes);
    theirs->taken = true;
    pthread_cond_broadcast(&r->world->changed);
    while (!mine->taken)
        pthread_cond_wait(&r->world->changed, &r->world->mutex);
    mine->there = false;
    pthread_mutex_unlock(&r->world->mutex);
}

static inline void *test_rank_main(void *context)
{
    test_rank *const r = context;
    r->work(&r->base, r->context);
    return NULL;
}

/* Does the work on so many ranks, and waits for all. */
static inline void test_ranks(int size, void (*work)(el_dist *d, void *context), void *context)
{
    test_world w = {.size = size};
    test_rank ranks[TEST_RANKS];
    assert(size <= TEST_RANKS);
    pthread_barrier_init(&w.barrier, NULL, (unsigned)size);
    pthread_mutex_init(&w.mutex, NULL);
    pthread_cond_init(&w.changed, NULL);
    for (int i = 0; i < size; i++) {
        ranks[i] = (test_rank){.base = {.rank = i,
                                        .size = size,
                                        .local = i,
                                        .local_size = size,
                                        .sharing = size,
                                        .host = "here",
                                        .gather = test_gather,
                                        .share = test_share,
                                        .begin = test_begin,
                                        .end = test_end},
                               .world = &w,
                               .work = work,
                               .context = context};
        pthread_create(&ranks[i].thread, NULL, test_rank_main, &ranks[i]);
    }
    for (int i = 0; i < size; i++)
        pthread_join(ranks[i].thread, NULL);
    pthread_barrier_destroy(&w.barrier);
    pthread_mutex_destroy(&w.mutex);
    pthread_cond_destroy(&w.changed);
}

#endif
