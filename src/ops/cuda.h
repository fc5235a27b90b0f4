/* cuda - which GPUs there are, and how those of several processes reach each other
 *
 * A build without CUDA links cuda_none.c in the place of ops/cuda/: it has no GPU, and says how to get a build that has.
 */
#ifndef EL_OPS_CUDA_DEVICES_H
#define EL_OPS_CUDA_DEVICES_H

#include "ops/device.h"

typedef struct {
    char name[256];
    int major, minor, multiprocessors;
    int driver, runtime; /* 1000 * major + 10 * minor */
    size_t shared;       /* bytes of shared memory that a block may have */
    size_t free, total;  /* bytes of its memory */
    char uuid[16];       /* whatever its number is in this process */
} el_cuda_about;

/* 0 where there is none that can be used: el_error() says why. */
int el_cuda_count(void);
el_status el_cuda_describe(int number, el_cuda_about *about);

/* The number of a GPU's device. */
int el_cuda_number(const el_device *dev);

/* Products take another of cuBLASLt's answers: `number` 0 is the first, which they take else, or the last where there are fewer.
 * For measuring what the first is worth; on another device nothing happens. */
void el_cuda_take_answer(el_queue *q, int number);

/* One GPU, counted from 0.  There is none, or cuBLASLt is not found: EL_EFAILED; a number beyond them: EL_EUSAGE. */
el_status el_device_cuda(el_device **dev, int number);

/* ---- GPUs of one machine, one for each process: by NCCL, which is opened at run time
 *
 * What is asked for is done in the order of the queue that they were opened on; all processes ask for the same.  A call may
 * wait for the others to do so.  After a failure nothing but abandon() and close() may follow.
 */
typedef struct el_cuda_peers el_cuda_peers;

/* What they find each other by: one of them makes it and tells the others. */
typedef struct {
    char bytes[128];
} el_cuda_meeting;

/* NCCL is not found: EL_EFAILED. */
el_status el_cuda_peers_open(el_cuda_peers **peers, el_queue *q);
el_status el_cuda_peers_meeting(el_cuda_peers *peers, el_cuda_meeting *meeting);
el_status el_cuda_peers_join(el_cuda_peers *peers, const el_cuda_meeting *meeting, int rank, int size);
/* What is under way ends at once; others are not told. */
void el_cuda_peers_abandon(el_cuda_peers *peers);
void el_cuda_peers_close(
    el_cuda_peers *peers); /* waits for the others, unless it was abandoned; accepts NULL */

/* `count` numbers are a part for each rank: rank r's are [r * part, (r + 1) * part), as far as there are so many.
 * trade: every other rank gets its part of `out`, and this rank's part of each other's is in[r * part ...].
 * gather: this rank's part of `all` goes to all; whole parts, whatever `count` is. */
el_status el_cuda_peers_trade(el_cuda_peers *peers, float *in, const float *out, size_t count, size_t part);
el_status el_cuda_peers_gather(el_cuda_peers *peers, float *all, size_t part);

/* Whether all that was asked of the queue is done; returns at once. */
el_status el_cuda_peers_done(el_cuda_peers *peers, bool *done);

const char *el_cuda_peers_about(const el_cuda_peers *peers); /* "NCCL 2.27.3" */

#endif
