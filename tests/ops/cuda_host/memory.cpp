/* memory - what tests on a device take: the processor's own, where the device is the processor */
#include <stdlib.h>

extern "C" void *cuda_memory_take(size_t bytes)
{
    return aligned_alloc(256, (bytes + 255) / 256 * 256);
}

extern "C" void cuda_memory_release(void *memory)
{
    free(memory);
}
