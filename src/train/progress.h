/* progress - how far a run has come: its counters, and the sums since its last line of metrics
 *
 * A checkpoint's state.json is this and nothing else.
 */
#ifndef EL_TRAIN_PROGRESS_H
#define EL_TRAIN_PROGRESS_H

#include <jansson.h>

#include "train/objective.h"

typedef struct {
    uint64_t seed;   /* of the run that a checkpoint is of */
    int64_t step;    /* steps done, skipped ones among them */
    int64_t updates; /* steps that changed the weights */
    int64_t
        warm_updates; /* since AdamW's moments were zero; as it is read -1 where a state.json does not say */
    int64_t skipped_in_row;   /* just now */
    int64_t examples, tokens; /* seen */
    int64_t evaluated;        /* the step that was last evaluated */
    int64_t lines;            /* of metrics.jsonl */
    double seconds;           /* spent in steps, in all sessions together */
    bool diverged; /* the run failed as its loss, gradient or weights were not finite; in no state.json */
    /* Since the last line: */
    int64_t window_steps, window_skipped;
    double window_norm;
    int figures;
    double sums[EL_MAX_FIGURES];
    int64_t counts[EL_MAX_FIGURES];
} el_progress;

/* The window: what is averaged since the last line. */
void el_progress_add(el_progress *progress, const el_figures *figures, double norm);
/* Puts the averages into figures' values; NaN where there is nothing to average. */
void el_progress_means(const el_progress *progress, el_figures *figures);
double el_progress_norm(const el_progress *progress); /* the mean; NaN: no step was taken */
void el_progress_clear(el_progress *progress);        /* a new window */

/* state.json of a checkpoint of the run with this seed; the caller's; NULL: no memory. */
json_t *el_progress_write(const el_progress *progress, uint64_t seed);
/* EL_EDATA: something is missing, or is not what it should be. */
el_status el_progress_read(el_progress *progress, const json_t *state);

#endif
