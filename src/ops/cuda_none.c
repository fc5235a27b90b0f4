/* cuda_none - linked in the place of ops/cuda/ by a build without CUDA */
#include "ops/cuda.h"

static el_status none(void)
{
    return el_fail(EL_EUSAGE,
                   "cuda: this electra was built without CUDA (docs/gpu.md says how to build it with)");
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
