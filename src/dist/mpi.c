/* mpi - ranks that MPI has started: linked in place of alone.c into electra-mpi
 *
 * Counts of MPI are ints, so long messages go in blocks.  Errors of MPI itself end all ranks, as MPI does by default.
 */
#define _GNU_SOURCE
#include <mpi.h>

#include <assert.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "dist/dist.h"

enum { BLOCK = 64 << 20, HOST = 64 };

typedef struct {
    el_dist base;
    char host[HOST];
    MPI_Request requests[EL_DIST_SLOTS][2]; /* of a slot: sent, received */
} mpi;

static void rest(void)
{
    const struct timespec moment = {.tv_nsec = 100000};
    nanosleep(&moment, NULL);
}

/* Until all of these are done.  MPI's own waiting keeps the processor; where there are more ranks than processors, that is
 * one which others need to get ready. */
static void wait_for(mpi *m, int count, MPI_Request *requests)
{
    MPI_Status statuses[2];
    int done = 0;
    assert(count <= 2);
    m->base.since = el_now();
    for (MPI_Testall(count, requests, &done, statuses); !done;
         MPI_Testall(count, requests, &done, statuses)) {
        if (m->base.aside)
            rest();
        else
            sched_yield();
    }
    m->base.since = 0;
}

/* ---- the calls ---- */

static int block_of(size_t left)
{
    return left < BLOCK ? (int)left : BLOCK;
}

static void gather(el_dist *d, const void *mine, size_t bytes, void *all)
{
    mpi *const m = (mpi *)d;
    MPI_Request request;
    if (bytes <= BLOCK) {
        MPI_Iallgather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, MPI_COMM_WORLD, &request);
        wait_for(m, 1, &request);
    } else {
        memcpy((char *)all + bytes * (size_t)d->rank, mine, bytes);
        for (int root = 0; root < d->size; root++)
            d->share(d, root, (char *)all + bytes * (size_t)root, bytes);
    }
}

static void share(el_dist *d, int root, void *data, size_t bytes)
{
    mpi *const m = (mpi *)d;
    MPI_Request request;
    for (size_t at = 0; at < bytes; at += BLOCK) {
        MPI_Ibcast((char *)data + at, block_of(bytes - at), MPI_BYTE, root, MPI_COMM_WORLD, &request);
        wait_for(m, 1, &request);
    }
}

static void begin(el_dist *d, int slot, int peer, const void *out, size_t out_bytes, void *in,
                  size_t in_bytes)
{
    mpi *const m = (mpi *)d;
    assert(out_bytes <= BLOCK && in_bytes <= BLOCK);
    MPI_Irecv(in, (int)in_bytes, MPI_BYTE, peer, slot, MPI_COMM_WORLD, &m->requests[slot][1]);
    MPI_Isend(out, (int)out_bytes, MPI_BYTE, peer, slot, MPI_COMM_WORLD, &m->requests[slot][0]);
}

static void end(el_dist *d, int slot)
{
    mpi *const m = (mpi *)d;
    wait_for(m, 2, m->requests[slot]);
}

static void all_reduce(el_dist *d, float *region, size_t count)
{
    enum { MOST = 1 << 30 };
    (void)d;
    for (size_t at = 0; at < count; at += MOST)
        MPI_Allreduce(MPI_IN_PLACE, region + at, (int)(count - at < MOST ? count - at : MOST), MPI_FLOAT,
                      MPI_SUM, MPI_COMM_WORLD);
}

static void leave(el_dist *d)
{
    mpi *const m = (mpi *)d;
    MPI_Request request;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    wait_for(m, 1, &request);
    m->base.since = el_now();
    MPI_Finalize();
    m->base.since = 0;
}

/* ---- opening ---- */

/* Where a rank may run. */
typedef struct {
    char host[HOST];
    cpu_set_t processors;
} place;

static el_status count_sharing(mpi *m)
{
    place own = {0};
    gethostname(own.host, sizeof own.host - 1);
    sched_getaffinity(0, sizeof own.processors, &own.processors);
    memcpy(m->host, own.host, sizeof m->host);
    place *const all = malloc((size_t)m->base.size * sizeof *all);
    if (!all)
        return el_fail(EL_ENOMEM, "no memory for a list of %d ranks", m->base.size);
    m->base.gather(&m->base, &own, sizeof own, all);
    for (int i = 0; i < m->base.size; i++) {
        const bool here = strcmp(all[i].host, own.host) == 0;
        m->base.sharing += memcmp(&all[i], &own, sizeof own) == 0;
        m->base.local += here && i < m->base.rank;
        m->base.local_size += here;
    }
    free(all);
    return EL_OK;
}

/* What Open MPI 4 is told where the user says nothing else. */
static void tell_open_mpi(void)
{
    /* Ranks of one machine read each other's memory.  Containers may forbid it; it finds that out anew, and says so, at every
     * message. */
    char from = 0, to, bytes[32];
    const struct iovec here = {&to, 1}, there = {&from, 1};
    if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != 1)
        setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
    /* Between machines a sum's messages are sent at once, headers with them: nobody announces them first. */
    snprintf(bytes, sizeof bytes, "%d", EL_DIST_MESSAGE + 4096);
    setenv("OMPI_MCA_btl_tcp_eager_limit", bytes, 0);
}

el_status el_dist_open(el_dist **dist, int *argc, char ***argv)
{
    *dist = NULL;
    mpi *const m = calloc(1, sizeof *m);
    if (!m)
        return el_no_memory(NULL);
    int provided;
    tell_open_mpi();
    MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &provided);
    m->base = (el_dist){.host = m->host,
                        .gather = gather,
                        .share = share,
                        .begin = begin,
                        .end = end,
                        .all_reduce = all_reduce,
                        .leave = leave};
    MPI_Comm_rank(MPI_COMM_WORLD, &m->base.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &m->base.size);
    *dist = &m->base;
    if (m->base.size > 1 && provided < MPI_THREAD_SERIALIZED) /* gradients are added beside the training */
        return el_fail(EL_EFAILED, "this MPI allows calls of one thread only; several threads call it here");
    return count_sharing(m);
}
