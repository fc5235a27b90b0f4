/* evaluation - what an objective's figures are on examples that it does not learn from
 *
 * Evaluations of a run and of `electra evaluate` are the same: the same examples a batch, the same seed.
 */
#ifndef EL_TRAIN_EVALUATION_H
#define EL_TRAIN_EVALUATION_H

#include "train/objective.h"

enum { EL_EVALUATION_BATCH = 32, EL_EVALUATION_SEED = 20200323 };

/* Where examples come from: clears the batch and puts examples [first, first + count) into it. */
typedef struct {
    void *context;
    el_status (*read)(void *context, int64_t first, int count, el_batch *batch); /* NULL: no source */
    int64_t examples; /* how many there are; training goes round */
} el_example_source;

/* Figures of the first `batches` batches (0: all) of a source, without dropout. */
typedef struct {
    el_interrupt interrupt;
    el_status (*on_batch)(void *context, double fraction); /* may be NULL */
    void *context;
    el_dist *dist; /* ranks that share the batches; all get the figures */
    bool apart;    /* each batch is counted apart, as ranks that share them do */
} el_evaluation_watch;
el_status el_evaluate(el_objective *objective, const el_example_source *source, int64_t batches,
                      const el_evaluation_watch *watch, el_figures *figures);

#endif
