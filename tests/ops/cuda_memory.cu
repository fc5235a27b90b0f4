/* cuda_memory - memory that both the host and a GPU see, for tests that look at what ops leave */
#include <cuda_runtime.h>

extern "C" void *cuda_memory_take(size_t bytes)
{
    void *memory = NULL;
    return cudaMallocManaged(&memory, bytes) ? NULL : memory;
}

extern "C" void cuda_memory_release(void *memory)
{
    cudaFree(memory);
}
