/* objective - what is learned, as the trainer sees it
 *
 * The trainer knows batches, gradients and steps; an objective knows losses.  Replaced token detection,
 * masked language modelling and every fine-tuning task fill this table.
 *
 * A step: begin() with the whole batch, on the host, decides everything random and counts what the losses are
 * divided by, so that they are normalised over the whole batch; then accumulate() for consecutive ranges of
 * its sequences, in order, until all are done, each adding gradients; then finish() gives the step's figures.
 * How a batch is split changes results by rounding only.
 *
 * accumulate() need not wait for the device: what it fetches for the figures is counted by count(), after a wait() of the
 * queue.  Both come before finish(), before what was counted is taken out, and before the next begin().
 */
#ifndef EL_TRAIN_OBJECTIVE_H
#define EL_TRAIN_OBJECTIVE_H

#include <jansson.h>

#include "data/batch.h"
#include "dist/dist.h"
#include "model/model.h"
#include "train/ledger.h"

/* Figures of a step or of an evaluation, in a fixed order, named by the objective. */
enum { EL_MAX_FIGURES = 24 };
typedef struct {
    int count;
    const char *const *names;
    double values[EL_MAX_FIGURES]; /* [0] is the loss that is minimised */
    el_status status; /* why some could not be had (el_error), where that is no matter of numbers */
    bool alike;       /* every answer of an evaluation is the same, although the right ones are not */
} el_figures;

/* What an objective finishes with: as many values as there are of these names. */
void el_figures_set(el_figures *figures, const char *const *names, const double *values, int count);
/* The value of a figure; NaN where there is none of that name. */
double el_figure(const el_figures *figures, const char *name);
/* Those that are finite, by name (new reference). */
json_t *el_figures_json(const el_figures *figures);

typedef struct el_objective el_objective;
struct el_objective {
    const char *name;
    el_model *model;
    /* Held-out examples come, after `done` steps of the run: what changes over a run is then as at its end. */
    bool evaluating;
    int64_t done;

    /* Figures collected so far are forgotten. */
    void (*reset)(el_objective *self);
    /* What begin() decides on the host of this very batch and `random`, made ready beforehand; the batch stays as it is
     * until then.  It may run on another thread while the step before is worked on, though not during another begin().
     * May be NULL. */
    el_status (*prepare)(el_objective *self, const el_batch *batch, el_random random);
    /* `random`: seed and step; the objective chooses streams.  The batch must outlive the step. */
    el_status (*begin)(el_objective *self, const el_batch *batch, el_random random);
    /* The largest `last` such that sequences [first, last) fit one accumulate(); first where not even one
     * does. */
    int (*fit)(el_objective *self, int first);
    /* Sequences [first, last): losses, and gradients where `training` (which also turns dropout on). */
    void (*accumulate)(el_objective *self, int first, int last, bool training);
    /* NULL: accumulate() waits and counts by itself. */
    void (*count)(el_objective *self);
    /* Lists what accumulate() counts.  NULL: the losses of a batch's parts do not add up to the batch's. */
    void (*ledger)(el_objective *self, el_ledger *ledger);
    /* The objective's promise: in a range every network is gone back through once at most, one after the other in the order
     * of the model. */
    bool orderly;
    /* Set by who calls accumulate(): it is at the last of the ranges that were asked for. */
    bool ends;
    /* An evaluation needs all answers in one process, where ledger() does not list them. */
    bool keeps_answers;
    /* Figures since reset(), over as many begin()s as there were. */
    void (*finish)(el_objective *self, el_figures *figures);
    void (*close)(el_objective *self);
};

/* begin, accumulate over ranges that fit, wait and count; EL_EDATA for a sequence longer than there is room for. */
el_status el_objective_run(el_objective *objective, const el_batch *batch, el_random random, bool training);

/* The same, given up with EL_ESTOPPED where that is wanted: gradients then hold a part of the batch, of which nothing more is
 * counted. */
el_status el_objective_run_until(el_objective *objective, const el_batch *batch, el_random random,
                                 bool training, el_interrupt interrupt);

/* What follows begin(): accumulate over ranges that fit, until sequences [first, last) are done or it is given up.  What
 * comes after it, el_objective_count() or el_objective_abandon(), is left to the caller. */
el_status el_objective_continue(el_objective *objective, const el_batch *batch, int first, int last,
                                bool training, el_interrupt interrupt);

/* The wait, and the counting of what was accumulated before it; or the end of a batch that is given up: nothing of it is
 * counted, and what was counted before is forgotten. */
el_status el_objective_count(el_objective *objective);
void el_objective_abandon(el_objective *objective);

/* Takes what was counted out of the objective, behind what the ledger has; and adds the whole ledger of every rank, in the
 * order of ranks. */
el_status el_objective_take(el_objective *objective, el_ledger *ledger);
el_status el_objective_add_all(el_objective *objective, el_dist *dist, const el_ledger *ledger);

/* begin, then only the first sequence, without gradients: enough to see whether losses still are numbers. */
el_status el_objective_try(el_objective *objective, const el_batch *batch, el_random random);

#endif
