/* nccl - the library of GPUs that are not there: ranks are processes, or threads of one, and meet in a file
 *
 * It does nothing before a stream is waited for, and checks what the real one would not say: that an exchange is one group
 * with an end, that both sides speak of as many numbers, and that they are aligned.  EL_HOST_NCCL is "missing", the name of
 * a function that fails, or "later": what was begun fails while it is waited for.  "NAME:1": on rank 1 alone.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <vector>

#include "el_cuda.h"

extern "C" {
#include "ops/cuda/nccl.h"
}

enum {
    RANKS = 8,
    BOX = 1 << 18,
    FAILED = 3,
    MISUSED = 5
}; /* numbers of a box; ncclInternalError, ncclInvalidUsage */

/* What is on its way from one rank to another: a part of a message after the other. */
struct box {
    std::atomic<int> full;
    size_t all, count; /* numbers of the message, and of this part */
    float numbers[BOX];
};

struct world {
    std::atomic<int> joined;
    box boxes[RANKS][RANKS]; /* from, to */
};

/* A rank in it, for as long as anything on a stream's list is of it. */
struct member {
    world *all;
    int rank, ranks;
    std::atomic<bool> abandoned{false};
    member(world *all_, int rank_, int ranks_) : all(all_), rank(rank_), ranks(ranks_)
    {
    }
    ~member()
    {
        munmap(all, sizeof *all);
    }
};

struct el_nccl_ranks {
    std::shared_ptr<member> own;
};

/* One message, as far as it has come. */
struct message {
    std::shared_ptr<member> own;
    int peer;
    const float *out;
    float *in; /* of the two one is NULL */
    size_t count, done;
};

static bool said(const char *what, int rank)
{
    const char *const said = getenv("EL_HOST_NCCL");
    const size_t length = strlen(what);
    return said && strncmp(said, what, length) == 0 && (!said[length] || atoi(said + length + 1) == rank);
}

static int result_of(const char *call, int rank)
{
    return said(call, rank) ? (int)FAILED : 0;
}

/* ---- meeting ---- */

static int version(int *number)
{
    *number = 22703;
    return result_of("ncclGetVersion", 0);
}

static const char *about(int result)
{
    return result == FAILED ? "it was made to fail" : "what was asked for makes no sense";
}

static int make_id(el_nccl_id *id)
{
    char *const path = id->bytes;
    if (result_of("ncclGetUniqueId", 0))
        return FAILED;
    snprintf(path, sizeof id->bytes, "/dev/shm/electra-nccl-XXXXXX");
    const int file = mkstemp(path);
    if (file < 0 || ftruncate(file, sizeof(world)))
        return FAILED;
    close(file);
    return 0;
}

static int join(el_nccl_comm *comm, int ranks, el_nccl_id id, int rank)
{
    if (ranks > RANKS || result_of("ncclCommInitRank", rank)) {
        unlink(id.bytes);
        return FAILED;
    }
    const int file = open(id.bytes, O_RDWR);
    void *const memory = mmap(NULL, sizeof(world), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file < 0 || memory == MAP_FAILED)
        return FAILED;
    close(file);
    world *const all = (world *)memory;
    *comm = new el_nccl_ranks{std::make_shared<member>(all, rank, ranks)};
    if (++all->joined == ranks)
        unlink(id.bytes);
    while (all->joined < ranks)
        usleep(100);
    return 0;
}

static int leave(el_nccl_comm comm)
{
    delete comm;
    return 0;
}

static int abandon(el_nccl_comm comm)
{
    comm->own->abandoned = true;
    return leave(comm);
}

static int ask(el_nccl_comm comm, int *result)
{
    *result = result_of("later", comm->own->rank);
    return result_of("ncclCommGetAsyncError", comm->own->rank);
}

/* ---- messages ---- */

[[noreturn]] static void wrong(const char *what)
{
    fprintf(stderr, "nccl: %s\n", what);
    abort();
}

static bool send_more(message &m)
{
    box &b = m.own->all->boxes[m.own->rank][m.peer];
    for (; m.done < m.count && !b.full; b.full = 1) {
        const size_t left = m.count - m.done, most = BOX;
        b.all = m.count;
        b.count = left < most ? left : most;
        memcpy(b.numbers, m.out + m.done, b.count * sizeof *b.numbers);
        m.done += b.count;
    }
    return m.done == m.count;
}

static bool receive_more(message &m)
{
    box &b = m.own->all->boxes[m.peer][m.own->rank];
    for (; m.done < m.count && b.full; b.full = 0) {
        if (b.all != m.count)
            wrong("a rank sends more or fewer numbers than another expects");
        memcpy(m.in + m.done, b.numbers, b.count * sizeof *b.numbers);
        m.done += b.count;
    }
    return m.done == m.count;
}

static bool go_on(message &m)
{
    if (m.own->abandoned)
        return true;
    if (said("later", m.own->rank))
        return false;
    return m.out ? send_more(m) : receive_more(m);
}

/* All messages of a group, side by side. */
static void put_on_list(cudaStream_t stream, std::vector<message> messages)
{
    const auto all = std::make_shared<std::vector<message>>(std::move(messages));
    el_host_until(stream, [=] {
        bool done = true;
        for (message &m : *all)
            done &= go_on(m);
        return done;
    });
}

static thread_local int groups;
static thread_local std::vector<message> group;
static thread_local cudaStream_t of_group;

static int group_start()
{
    groups++;
    return result_of("ncclGroupStart", 0);
}

static int group_end()
{
    if (--groups < 0)
        wrong("a group ends that did not begin");
    std::vector<message> messages;
    messages.swap(group);
    if (result_of("ncclGroupEnd", 0))
        return FAILED;
    if (!messages.empty())
        put_on_list(of_group, messages);
    return 0;
}

static bool aligned(const void *place)
{
    return (uintptr_t)place % 16 == 0;
}

static int add(message m, int type, void *stream)
{
    if (groups != 1 || type != EL_NCCL_FLOAT || m.count == 0 || m.peer < 0 || m.peer >= m.own->ranks ||
        m.peer == m.own->rank || !aligned(m.out) || !aligned(m.in))
        return MISUSED;
    of_group = (cudaStream_t)stream;
    group.push_back(m);
    return 0;
}

static int send(const void *out, size_t count, int type, int peer, el_nccl_comm comm, void *stream)
{
    const int result = add({comm->own, peer, (const float *)out, NULL, count, 0}, type, stream);
    return result ? result : result_of("ncclSend", comm->own->rank);
}

static int receive(void *in, size_t count, int type, int peer, el_nccl_comm comm, void *stream)
{
    const int result = add({comm->own, peer, NULL, (float *)in, count, 0}, type, stream);
    return result ? result : result_of("ncclRecv", comm->own->rank);
}

static int all_gather(const void *mine, void *all, size_t count, int type, el_nccl_comm comm, void *stream)
{
    const std::shared_ptr<member> own = comm->own;
    if (groups != 0 || type != EL_NCCL_FLOAT || !aligned(mine) || !aligned(all) ||
        mine != (float *)all + (size_t)own->rank * count)
        return MISUSED;
    std::vector<message> messages;
    for (int peer = 0; peer < own->ranks; peer++)
        if (peer != own->rank) {
            messages.push_back({own, peer, (const float *)mine, NULL, count, 0});
            messages.push_back({own, peer, NULL, (float *)all + (size_t)peer * count, count, 0});
        }
    put_on_list((cudaStream_t)stream, messages);
    return result_of("ncclAllGather", own->rank);
}

/* ---- */

el_status el_nccl_open(el_nccl *nccl)
{
    if (said("missing", 0))
        return el_fail(EL_EFAILED, "NVIDIA's libnccl.so.2 is not found");
    *nccl = {NULL, version,     about,     make_id, join,    leave,     abandon,
             ask,  group_start, group_end, send,    receive, all_gather};
    return EL_OK;
}

void el_nccl_close(el_nccl *nccl)
{
    *nccl = {};
}
