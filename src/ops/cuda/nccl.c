/* nccl - finding the library; see the header */
#include "ops/cuda/nccl.h"

#include "ops/cuda/library.h"

el_status el_nccl_open(el_nccl *nccl)
{
    static const char *const NAMES[] = {"libnccl.so.2", NULL};
    static const char *const PACKAGES[] = {"nccl", NULL};
    *nccl = (el_nccl){.library = el_library_find(NAMES, PACKAGES)};
    if (!nccl->library)
        return el_fail(EL_EFAILED, "NVIDIA's libnccl.so.2 is not found; get it with `pip install "
                                   "nvidia-nccl-cu13` and name its folder in LD_LIBRARY_PATH");
    const el_library_function functions[] = {
        {"ncclGetVersion", &nccl->version},    {"ncclGetErrorString", &nccl->about},
        {"ncclGetUniqueId", &nccl->make_id},   {"ncclCommInitRank", &nccl->join},
        {"ncclCommDestroy", &nccl->leave},     {"ncclCommAbort", &nccl->abandon},
        {"ncclCommGetAsyncError", &nccl->ask}, {"ncclGroupStart", &nccl->group_start},
        {"ncclGroupEnd", &nccl->group_end},    {"ncclSend", &nccl->send},
        {"ncclRecv", &nccl->receive},          {"ncclAllGather", &nccl->all_gather}};
    const char *const lacks = el_library_fill(nccl->library, functions, sizeof functions / sizeof *functions);
    if (!lacks)
        return EL_OK;
    el_nccl_close(nccl);
    return el_fail(EL_EFAILED, "libnccl lacks %s", lacks);
}

void el_nccl_close(el_nccl *nccl)
{
    el_library_close(nccl->library);
    *nccl = (el_nccl){0};
}
