/* cuda_none - linked in the place of ops/cuda/ by a build without CUDA */
#include "ops/cuda.h"

static el_status none(void)
{
    return el_fail(EL_EUSAGE,
                   "this electra was built without CUDA; docs/gpu.md says how one is built that has it");
}

int el_cuda_count(void)
{
    (void)none();
    return 0;
}

el_status el_cuda_describe(int number, el_cuda_about *about)
{
    (void)number, (void)about;
    return none();
}

int el_cuda_number(const el_device *dev)
{
    (void)dev;
    return -1;
}

void el_cuda_take_answer(el_queue *q, int number)
{
    (void)q, (void)number;
}

el_status el_device_cuda(el_device **dev, int number)
{
    (void)dev, (void)number;
    return none();
}

el_status el_cuda_peers_open(el_cuda_peers **peers, el_queue *q)
{
    (void)peers, (void)q;
    return none();
}

el_status el_cuda_peers_meeting(el_cuda_peers *peers, el_cuda_meeting *meeting)
{
    (void)peers, (void)meeting;
    return none();
}

el_status el_cuda_peers_join(el_cuda_peers *peers, const el_cuda_meeting *meeting, int rank, int size)
{
    (void)peers, (void)meeting, (void)rank, (void)size;
    return none();
}

void el_cuda_peers_abandon(el_cuda_peers *peers)
{
    (void)peers;
}

void el_cuda_peers_close(el_cuda_peers *peers)
{
    (void)peers;
}

el_status el_cuda_peers_trade(el_cuda_peers *peers, float *in, const float *out, size_t count, size_t part)
{
    (void)peers, (void)in, (void)out, (void)count, (void)part;
    return none();
}

el_status el_cuda_peers_gather(el_cuda_peers *peers, float *all, size_t part)
{
    (void)peers, (void)all, (void)part;
    return none();
}

el_status el_cuda_peers_done(el_cuda_peers *peers, bool *done)
{
    (void)peers, (void)done;
    return none();
}

const char *el_cuda_peers_about(const el_cuda_peers *peers)
{
    (void)peers;
    return "";
}
