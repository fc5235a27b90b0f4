/* nccl - what we use of NCCL, opened at run time
 *
 * Names and numbers are those of NVIDIA's nccl.h, version 2; tests/ops/test_nccl.sh compares them with that header where it
 * is found.
 */
#ifndef EL_OPS_NCCL_H
#define EL_OPS_NCCL_H

#include <stddef.h>

#include "base/error.h"

enum {
    EL_NCCL_IN_PROGRESS = 7, /* ncclInProgress */
    EL_NCCL_FLOAT = 7        /* ncclFloat32 */
};

typedef struct el_nccl_ranks *el_nccl_comm; /* ncclComm_t */

/* ncclUniqueId: what ranks find each other by. */
typedef struct {
    char bytes[128];
} el_nccl_id;

/* A result is 0 where all went well. */
typedef struct {
    void *library;
    int (*version)(int *version);
    const char *(*about)(int result);
    int (*make_id)(el_nccl_id *id);
    int (*join)(el_nccl_comm *comm, int ranks, el_nccl_id id, int rank);
    int (*leave)(el_nccl_comm comm);
    int (*abandon)(el_nccl_comm comm);
    int (*ask)(el_nccl_comm comm, int *result);
    int (*group_start)(void);
    int (*group_end)(void);
    int (*send)(const void *out, size_t count, int type, int peer, el_nccl_comm comm, void *stream);
    int (*receive)(void *in, size_t count, int type, int peer, el_nccl_comm comm, void *stream);
    int (*all_gather)(const void *mine, void *all, size_t count, int type, el_nccl_comm comm, void *stream);
} el_nccl;

/* Finds the library, as el_cublaslt_open() does.  EL_EFAILED says how to get it. */
el_status el_nccl_open(el_nccl *nccl);
void el_nccl_close(el_nccl *nccl); /* accepts a zeroed one */

#endif
