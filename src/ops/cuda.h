/* cuda - which GPUs there are
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

#endif
