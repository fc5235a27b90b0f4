/* peers - what goes from GPU to GPU, by NCCL
 *
 * NCCL moves numbers and adds none: in which order it adds depends on sizes, versions and on how GPUs are connected.
 */
#include "ops/cuda/cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern "C" {
#include "ops/cuda.h"
#include "ops/cuda/nccl.h"
}

struct el_cuda_peers {
    el_queue *q;
    el_nccl nccl;
    el_nccl_comm comm;
    int rank, size;
    char about[32];
};

static_assert(sizeof(el_cuda_meeting) == sizeof(el_nccl_id), "what ranks meet by is NCCL's");

/* A result of NCCL's as a status. */
static el_status check(const el_cuda_peers *p, const char *call, int result)
{
    return result ? el_fail(EL_EFAILED, "cuda: %s: %s", call, p->nccl.about(result)) : EL_OK;
}

el_status el_cuda_peers_open(el_cuda_peers **peers, el_queue *q)
{
    el_cuda_peers *const p = (el_cuda_peers *)calloc(1, sizeof *p);
    if (!p)
        return el_no_memory(NULL);
    int version = 0;
    p->q = q;
    el_status st = el_nccl_open(&p->nccl);
    if (!st)
        st = check(p, "ncclGetVersion", p->nccl.version(&version));
    if (st) {
        el_cuda_peers_close(p);
        return st;
    }
    snprintf(p->about, sizeof p->about, "NCCL %d.%d.%d", version / 10000, version / 100 % 100, version % 100);
    *peers = p;
    return EL_OK;
}

const char *el_cuda_peers_about(const el_cuda_peers *p)
{
    return p->about;
}

el_status el_cuda_peers_meeting(el_cuda_peers *p, el_cuda_meeting *meeting)
{
    el_nccl_id id;
    el_cuda_choose(p->q);
    const el_status st = check(p, "ncclGetUniqueId", p->nccl.make_id(&id));
    if (!st)
        memcpy(meeting, &id, sizeof id);
    return st;
}

el_status el_cuda_peers_join(el_cuda_peers *p, const el_cuda_meeting *meeting, int rank, int size)
{
    el_nccl_id id;
    memcpy(&id, meeting, sizeof id);
    p->rank = rank;
    p->size = size;
    el_cuda_choose(p->q);
    const el_status st = check(p, "ncclCommInitRank", p->nccl.join(&p->comm, size, id, rank));
    if (st)
        p->comm = NULL;
    return st;
}

void el_cuda_peers_abandon(el_cuda_peers *p)
{
    el_cuda_choose(p->q);
    if (p->comm)
        p->nccl.abandon(p->comm);
    p->comm = NULL;
}

void el_cuda_peers_close(el_cuda_peers *p)
{
    if (!p)
        return;
    el_cuda_choose(p->q);
    if (p->comm)
        p->nccl.leave(p->comm);
    el_nccl_close(&p->nccl);
    free(p);
}

/* ---- at work ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What this rank sends to another, and gets. */
static el_status trade_with(el_cuda_peers *p, int peer, float *in, const float *out, size_t count,
                            size_t part)
{
    cudaStream_t const stream = el_cuda_of(p->q)->stream;
    const size_t first = least((size_t)peer * part, count), own = least((size_t)p->rank * part, count);
    const size_t theirs = least(count - first, part), mine = least(count - own, part);
    el_status st = EL_OK;
    if (theirs > 0)
        st = check(p, "ncclSend", p->nccl.send(out + first, theirs, EL_NCCL_FLOAT, peer, p->comm, stream));
    if (!st && mine > 0)
        st = check(p, "ncclRecv",
                   p->nccl.receive(in + (size_t)peer * part, mine, EL_NCCL_FLOAT, peer, p->comm, stream));
    return st;
}

/* Of a group that failed the end is asked for too, or this thread would never leave it. */
el_status el_cuda_peers_trade(el_cuda_peers *p, float *in, const float *out, size_t count, size_t part)
{
    el_cuda_choose(p->q);
    el_status st = check(p, "ncclGroupStart", p->nccl.group_start());
    if (st)
        return st;
    for (int peer = 0; peer < p->size && !st; peer++)
        if (peer != p->rank)
            st = trade_with(p, peer, in, out, count, part);
    const int ended = p->nccl.group_end();
    return st ? st : check(p, "ncclGroupEnd", ended);
}

el_status el_cuda_peers_gather(el_cuda_peers *p, float *all, size_t part)
{
    el_cuda_choose(p->q);
    return check(p, "ncclAllGather",
                 p->nccl.all_gather(all + (size_t)p->rank * part, all, part, EL_NCCL_FLOAT, p->comm,
                                    el_cuda_of(p->q)->stream));
}

el_status el_cuda_peers_done(el_cuda_peers *p, bool *done)
{
    int result = 0;
    *done = false;
    el_cuda_choose(p->q);
    el_status st = check(p, "ncclCommGetAsyncError", p->nccl.ask(p->comm, &result));
    if (!st && result != EL_NCCL_IN_PROGRESS)
        st = check(p, "an exchange by NCCL", result);
    if (st)
        return st;
    const cudaError_t error = cudaStreamQuery(el_cuda_of(p->q)->stream);
    (void)cudaGetLastError(); /* that something is under way is no error */
    if (error == cudaErrorNotReady)
        return EL_OK;
    *done = true;
    return p->q->wait(p->q);
}
