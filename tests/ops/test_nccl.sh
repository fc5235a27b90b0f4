#!/bin/bash
# The functions and numbers that we use of NCCL are those of NVIDIA's nccl.h, where that header is found: in NCCL_INCLUDE, or
# where CUDA and pip put it.
source=$(realpath "$(dirname "$0")/../../src")
for include in "$NCCL_INCLUDE" /usr/local/cuda/include /usr/include /usr/local/lib/python3*/*-packages/nvidia/nccl/include; do
    [ -n "$include" ] && [ -f "$include/nccl.h" ] && break
    include=
done
if [ -z "$include" ]; then
    echo "skipped: there is no nccl.h here; NCCL_INCLUDE may name its folder"
    exit 77
fi
"${CC:-cc}" -fsyntax-only -Werror -Wno-strict-prototypes -I"$source" -I"$include" -isystem /usr/local/cuda/include -x c - << 'EOF'
#include <nccl.h>
#include "ops/cuda/nccl.h"
#define SAME(ours, theirs) _Static_assert((int)ours == (int)theirs, #ours)
SAME(0, ncclSuccess);
SAME(EL_NCCL_IN_PROGRESS, ncclInProgress);
SAME(EL_NCCL_FLOAT, ncclFloat32);
_Static_assert(sizeof(el_nccl_id) == sizeof(ncclUniqueId), "the size of an id");
_Static_assert(sizeof(ncclResult_t) == sizeof(int) && sizeof(ncclDataType_t) == sizeof(int), "enums are ints");
_Static_assert(sizeof(ncclComm_t) == sizeof(void *) && sizeof(cudaStream_t) == sizeof(void *), "handles are pointers");
/* Each function takes the same, but for the names of types. */
#define FUNCTIONS(F, result, id, comm, type, stream) \
    F(version, ncclGetVersion, result, (int *)) \
    F(about, ncclGetErrorString, const char *, (result)) \
    F(make_id, ncclGetUniqueId, result, (id *)) \
    F(join, ncclCommInitRank, result, (comm *, int, id, int)) \
    F(leave, ncclCommDestroy, result, (comm)) \
    F(abandon, ncclCommAbort, result, (comm)) \
    F(ask, ncclCommGetAsyncError, result, (comm, result *)) \
    F(group_start, ncclGroupStart, result, (void)) \
    F(group_end, ncclGroupEnd, result, (void)) \
    F(send, ncclSend, result, (const void *, size_t, type, int, comm, stream)) \
    F(receive, ncclRecv, result, (void *, size_t, type, int, comm, stream)) \
    F(all_gather, ncclAllGather, result, (const void *, void *, size_t, type, comm, stream))
#define OURS(ours, theirs, result, takes) \
    _Static_assert(_Generic(((el_nccl *)0)->ours, result (*) takes: 1, default: 0), #ours);
#define THEIRS(ours, theirs, result, takes) \
    _Static_assert(_Generic(&theirs, result (*) takes: 1, default: 0), #theirs);
FUNCTIONS(OURS, int, el_nccl_id, el_nccl_comm, int, void *)
FUNCTIONS(THEIRS, ncclResult_t, ncclUniqueId, ncclComm_t, ncclDataType_t, cudaStream_t)
EOF
