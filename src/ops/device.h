/* device - where tensors lie and ops run
 *
 * A device has memory, kernels, and the copies of weights that its products read.  It does not change once it is
 * open, and everyone shares it: models, and whatever runs them.  What computes is a queue of it (ops/queue.h): each
 * session, trainer or worker has its own.
 */
#ifndef EL_OPS_DEVICE_H
#define EL_OPS_DEVICE_H

#include <stdbool.h>

#include "base/error.h"
#include "ops/tensor.h"

/* Columns of a weight matrix whose products may be of whole numbers, at most. */
enum { EL_INT8_DEPTH = 8192 };

typedef struct el_queue el_queue;
typedef struct el_device el_device;
struct el_device {
    const char *name;  /* "reference", "cpu", "cuda" */
    int int8_steps;    /* those of its products of whole numbers, see linear_forward; 0: it has none */
    bool host;         /* whether its memory is the host's, so that what lies there may be read where it is */
    bool packs;        /* whether products read nothing of a weight matrix but its prepared copy */
    bool biases;       /* whether they read a prepared copy of a bias too, where there is one */
    const char *level; /* instruction set in use, "plain" for the reference; lives as long as the device */

    bool apart;        /* the host cannot reach its memory */
    size_t row_bytes;  /* products are fastest where rows begin on multiples of it; 0: wherever they do */
    const char *about; /* a GPU: its name, and what else its results depend on; else NULL */

    void (*close)(el_device *dev); /* once its queues are closed and its memory is released */

    /* Memory of the device; zeroed.  alloc returns NULL when there is none. */
    void *(*alloc)(el_device *dev, size_t bytes);
    void (*release)(el_device *dev, void *memory); /* accepts NULL */

    /* Bytes of the copy of a weight matrix that queues prepare. */
    size_t (*prepared_bytes)(const el_device *dev, int rows, int cols, el_type type, bool training);

    /* The type of activations that products are fastest in, by a measurement of some milliseconds. */
    el_type (*fast_type)(const el_device *dev);

    el_status (*open_queue)(el_device *dev, el_queue **q, int threads);
};

/* The definition: plain C in double, one thread.  There is one; closing it does nothing. */
el_device *el_device_reference(void);

/* The processor's.  `level` is "baseline", "avx2", "avx512", "avx512_bf16", "amx" on x86-64, "neon", "neon_bf16" on Arm,
 * "baseline" on others, or NULL for the best it has; a level that it lacks is EL_EUSAGE. */
el_status el_device_cpu(el_device **dev, const char *level);

/* Any, by its name: a level of the processor, "reference", "cuda" or "cuda:1" (a GPU, counted from 0; ops/cuda.h). */
el_status el_device_open(el_device **dev, const char *name);

#endif
