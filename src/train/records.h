/* records - the lines of a training in metrics.jsonl, and its speed since the last of them
 *
 *   {"kind": "train", "step": ..., averages over the steps since the last such line, ...}
 *   {"kind": "evaluation", "step": ..., figures of the held-out examples, ...}
 *
 * docs/formats.md lists the keys.  Rank 0 writes; the others count the same lines.
 */
#ifndef EL_TRAIN_RECORDS_H
#define EL_TRAIN_RECORDS_H

#include "train/metrics.h"
#include "train/trainer.h"

typedef struct {
    const el_trainer *t; /* both borrowed */
    el_progress *p;
    el_metrics metrics; /* without a path: nothing is written */
    /* Since the last line of training, in this session: */
    int64_t tokens;
    double seconds;
    double waited, exchanged; /* by the ranks' clocks when it began */
} el_records;

typedef struct {
    double tokens_per_second; /* of all ranks together; 0: not known yet */
    double waiting, network;  /* shares of the time that other ranks and the exchange of gradients took */
} el_speed;

/* Opens the training's metrics.jsonl, where it has a folder, behind the lines that `p` knows of. */
el_status el_records_open(el_records *records, const el_trainer *t, el_progress *p);
void el_records_close(el_records *records); /* accepts a zeroed one */

/* The speed is measured from here on: once a session, when the ranks are about to begin. */
void el_records_begin(el_records *records);

/* Counts a step. */
void el_records_add(el_records *records, int tokens, double seconds);
el_speed el_records_speed(const el_records *records);

/* Puts a line: of the steps since the last one, of which `means` are averages; or of an evaluation. */
el_status el_records_training(el_records *records, const el_figures *means, double learning_rate);
el_status el_records_evaluation(el_records *records, const el_figures *figures, double seconds);

/* What is measured since the last line begins anew, in the progress too. */
void el_records_clear(el_records *records);

#endif
