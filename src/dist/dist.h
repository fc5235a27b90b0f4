/* dist - several processes that train one model: the handful of functions that they talk by
 *
 * A process is a rank.  Every rank reads the whole batch, works on its part, and has the same weights, moments and
 * counters after each step; rank 0 alone writes the run folder.  NULL stands for one process alone: every function below
 * takes it and then has nothing to do.
 *
 * Who talks is an el_dist: a table with a few functions, filled by mpi.c, or by a test whose ranks are threads.
 *
 * Ranks come to the same calls in the same order.  One that fails comes to el_dist_agree() with its status, which is where
 * the others are or will come to next: then all have the failure, with the sentence of the rank that knows.  Whatever may
 * fail on one rank alone is therefore followed by an agreement before the ranks exchange anything else.
 */
#ifndef EL_DIST_DIST_H
#define EL_DIST_DIST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/shares.h"

enum { EL_DIST_SLOTS = 64, EL_DIST_MESSAGE = 1 << 20 /* bytes, of a sum, at most */ };

typedef struct el_dist el_dist;
struct el_dist {
    int rank, size;
    int local, local_size; /* this rank's number among those of its machine, and how many these are */
    int sharing;           /* ranks that may use the same processors as this one, itself among them */
    const char *host;      /* this machine's name */
    el_status failed;      /* what all have agreed on: nothing is exchanged any more */
    double waited;         /* seconds spent so far until the others were there, */
    double exchanged;      /* and for sums of gradients when they were */
    /* MPI does not notice that a machine or a link is gone.  Whoever looks from another thread sees how long this rank has
     * been waiting in one call, by el_now(). */
    _Atomic(double) since; /* when it began; 0: it waits for nobody */
    _Atomic(double) most;  /* seconds that it may take; 0: for ever */
    atomic_bool aside;     /* processors are at work on other things meanwhile: whoever waits sleeps */

    /* From every rank `bytes` to every rank, in the order of ranks. */
    void (*gather)(el_dist *d, const void *mine, size_t bytes, void *all);
    /* From rank `root` to all. */
    void (*share)(el_dist *d, int root, void *data, size_t bytes);
    /* Sends to a peer and receives from it.  begin() returns at once; the memory is the exchange's until end().  Several may
     * be under way at a time, each in a slot. */
    void (*begin)(el_dist *d, int slot, int peer, const void *out, size_t out_bytes, void *in,
                  size_t in_bytes);
    void (*end)(el_dist *d, int slot);
    /* The library's own sum, in an order of its own: to be compared with. */
    void (*all_reduce)(el_dist *d, float *region, size_t count);
    /* All ranks are done, in order; accepts no further calls. */
    void (*leave)(el_dist *d);
};

/* Joins the other ranks, if the program was started as one of several; *dist stays NULL in a program without MPI.  Linked
 * from mpi.c, or else from alone.c. */
el_status el_dist_open(el_dist **dist, int *argc, char ***argv);
void el_dist_leave(el_dist *dist); /* waits for the others; accepts NULL, as the next does */
void el_dist_close(el_dist *dist); /* after it, once nobody looks at `since` any more */

static inline int el_dist_rank(const el_dist *d)
{
    return d ? d->rank : 0;
}

static inline int el_dist_size(const el_dist *d)
{
    return d ? d->size : 1;
}

/* Whether this rank writes and speaks for all. */
static inline bool el_dist_leads(const el_dist *d)
{
    return el_dist_rank(d) == 0;
}

/* What became of it on all ranks: EL_OK; a failure of one of them, with its sentence; else EL_ESTOPPED if any has it.  After
 * a failure every later agreement has the same one at once. */
el_status el_dist_agree(el_dist *dist, el_status mine);

/* The same where one of them has worked alone, however long that took: the others waited without a limit. */
el_status el_dist_await(el_dist *dist, el_status mine);

/* The same of something that all can do without: after a failure they go on. */
el_status el_dist_try(el_dist *dist, el_status mine);

/* EL_EUSAGE where `text` is another one on some rank: "WHAT: ... on rank 2, ... on rank 0". */
el_status el_dist_same(el_dist *dist, const char *what, const char *text);

/* Rank 0's bytes to all. */
void el_dist_share(el_dist *dist, void *data, size_t bytes);
/* Rank 0's text to all; *text is NULL on the others before, and on the heap.  EL_ENOMEM is agreed on. */
el_status el_dist_share_text(el_dist *dist, char **text);

/* Something of each rank's own length, from all to all: *all, on the heap, has them one behind the other in the order of
 * ranks; `counts` (size of them) their lengths.  EL_ENOMEM is agreed on. */
el_status el_dist_gather(el_dist *dist, const void *mine, size_t bytes, void **all, size_t *counts);

/* Ranks as folders below this one see them; `own`: each has a text of its own. */
el_shares el_dist_shares(el_dist *dist, bool own);

/* region[i] = the sum over ranks of region[i], on every rank, along the binary tree ((0 + 1) + (2 + 3)) + ...: the same bits
 * whatever ranks come to share a machine, and as if their subtrees had been added in one process.  `room` holds
 * el_dist_room() numbers.  The number of ranks is a power of two. */
size_t el_dist_room(const el_dist *dist);
void el_dist_sum(el_dist *dist, float *region, size_t count, float *room);

#endif
