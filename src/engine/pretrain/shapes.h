/* shapes - of the networks that --init-from names: a model folder's, a run's, or those of the run of a checkpoint */
#ifndef EL_ENGINE_PRETRAIN_SHAPES_H
#define EL_ENGINE_PRETRAIN_SHAPES_H

#include <stdbool.h>

#include "base/error.h"
#include "model/config.h"

/* The large network and the generator beside it.  A masked language model alone is the large one. */
typedef struct {
    bool known; /* not of a checkpoint that lies in no run */
    bool pair;  /* there is a generator beside it; else `generator` is as `large` */
    el_config large, generator;
} el_shapes;

/* Defaults where nothing is known. */
el_status el_shapes_read(el_shapes *shapes, const char *folder);
/* Of a run itself, by its own config.json. */
el_status el_shapes_of_run(el_shapes *shapes, const char *run);

/* The run that a checkpoint lies in, on the heap; NULL: no memory. */
char *el_run_of_checkpoint(const char *folder);

#endif
