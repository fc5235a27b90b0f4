/* trainer - see the header */
#include "train/trainer.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "base/clock.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/plural.h"
#include "train/checkpoint.h"
#include "train/leaves.h"
#include "train/records.h"

/* What lives as long as one el_trainer_run. */
typedef struct {
    const el_trainer *t;
    el_progress *p;
    el_batch batch, next; /* of this step; and, made ready by the helper meanwhile, of the one after it */
    el_helper *helper;
    int64_t ahead; /* the number of the first example of `next`; -1: nothing is there */
    el_records records;
    el_leaves leaves;
    double started;
    int64_t saved;     /* the step of the last checkpoint */
    double rate, norm; /* of the last step */
} run;

/* Whether this rank speaks and writes for all. */
static bool leads(const run *r)
{
    return el_dist_leads(r->t->dist);
}

static el_status tell(const run *r, el_event event)
{
    event.progress = r->p;
    return r->t->watch.on_event ? r->t->watch.on_event(r->t->watch.context, &event) : EL_OK;
}

/* By the signal or the time limit. */
static bool has_to_stop(const run *r)
{
    const double limit = r->t->most_seconds;
    return (r->t->watch.stop && *r->t->watch.stop) || (limit > 0 && el_now() - r->started >= limit);
}

static bool interrupt_wanted(void *context)
{
    return has_to_stop(context);
}

static el_interrupt interrupt_of(run *r)
{
    return (el_interrupt){interrupt_wanted, r};
}

/* ---- events ---- */

static el_event step_event(const run *r, el_event_kind kind, const el_figures *means)
{
    const el_speed speed = el_records_speed(&r->records);
    return (el_event){.kind = kind,
                      .figures = means,
                      .rate = r->rate,
                      .norm = el_progress_norm(r->p),
                      .tokens_per_second = speed.tokens_per_second,
                      .waiting = speed.waiting,
                      .network = speed.network};
}

static el_status on_heldout_batch(void *context, double fraction)
{
    return tell(context, (el_event){.kind = EL_EVENT_EVALUATING, .fraction = fraction});
}

static el_status evaluate(run *r)
{
    const el_trainer *t = r->t;
    const double began = el_now();
    el_figures figures;
    const el_evaluation_watch watch = {.interrupt = interrupt_of(r),
                                       .on_batch = on_heldout_batch,
                                       .context = r,
                                       .dist = t->dist,
                                       .apart = r->leaves.leaves > 1};
    t->objective->done = r->p->step;
    el_status st = el_evaluate(t->objective, &t->heldout, t->heldout_batches, &watch, &figures);
    st = el_dist_agree(t->dist, st); /* all have evaluated, or none */
    if (st)
        return st;
    st = el_records_evaluation(&r->records, &figures, el_now() - began);
    if (st)
        return st;
    r->p->evaluated = r->p->step;
    r->saved = -1; /* a checkpoint of this step, left by a stop before the evaluation, does not know of it */
    return tell(r, (el_event){.kind = EL_EVENT_EVALUATION, .figures = &figures});
}

/* ---- one step ---- */

static el_random random_of(const run *r, int steps_on)
{
    return (el_random){.seed = r->t->seed, .step = (uint32_t)(r->p->step + steps_on)};
}

static el_status read_batch(const run *r, int64_t first, el_batch *batch)
{
    return r->t->training.read(r->t->training.context, first, r->t->batch, batch);
}

/* On the helper: the next step's batch, and what its objective decides on the host. */
static el_status read_ahead(void *context)
{
    run *r = context;
    el_objective *const objective = r->t->objective;
    r->ahead = -1;
    el_status st = read_batch(r, r->p->examples + r->t->batch, &r->next);
    if (!st && objective->prepare)
        st = objective->prepare(objective, &r->next, random_of(r, 1));
    if (!st)
        r->ahead = r->p->examples + r->t->batch;
    return st;
}

/* This step's batch: the one that was made ready, if it is that. */
static el_status take_batch(run *r)
{
    if (r->ahead != r->p->examples)
        return read_batch(r, r->p->examples, &r->batch);
    const el_batch taken = r->next;
    r->next = r->batch;
    r->batch = taken;
    r->ahead = -1;
    return EL_OK;
}

/* *finite: whether the step's gradients are there, and finite.  They are added to zero: between steps all gradients are, as
 * updates and skip() leave them so. */
static el_status gradients(run *r, el_figures *figures, bool *finite)
{
    const el_trainer *t = r->t;
    el_status st = has_to_stop(r) ? el_fail(EL_ESTOPPED, "stopped before a step") : take_batch(r);
    t->objective->reset(t->objective);
    if (!st)
        st = t->objective->begin(t->objective, &r->batch, random_of(r, 0)); /* takes what was prepared */
    if (!st && r->p->step + 1 < t->steps)
        el_helper_start(r->helper, read_ahead, r);
    st = el_leaves_run(&r->leaves, &r->batch, interrupt_of(r), st);
    const el_status read = el_helper_wait(r->helper);
    if (st || read) {
        el_model_zero_gradients(t->objective->model);
        el_objective_abandon(t->objective);
        return read && st != EL_ESTOPPED ? read : st; /* the last sentence is the helper's */
    }
    double squares;
    el_gradient_squares(t->objective->model, &squares);
    st = el_objective_count(t->objective); /* the step's one wait */
    if (st)
        return st;
    t->objective->finish(t->objective, figures);
    r->norm = sqrt(squares);
    *finite = isfinite(figures->values[0]) && isfinite(r->norm);
    return EL_OK;
}

static el_status skip(run *r, const el_figures *figures)
{
    el_progress *p = r->p;
    el_model_zero_gradients(r->t->objective->model);
    p->window_skipped++;
    p->skipped_in_row++;
    if (leads(r))
        el_log(EL_LOG_WARNING, "step %" PRId64 ": the %s is not finite; the step is skipped", p->step + 1,
               isfinite(figures->values[0]) ? "norm of the gradient" : "loss");
    p->diverged = p->skipped_in_row >= r->t->most_skipped;
    if (!p->diverged)
        return EL_OK;
    return el_fail(EL_EFAILED,
                   "step %" PRId64 ": %" PRId64
                   " step%s in a row without a finite loss and gradient; checkpoints are "
                   "left as they are, and a lower --learning-rate may help",
                   p->step + 1, p->skipped_in_row, el_s(p->skipped_in_row));
}

static void update(run *r, const el_figures *figures)
{
    const el_trainer *t = r->t;
    el_optimizer_update(&t->optimizer, t->objective->model, r->rate, r->norm, r->p->warm_updates);
    el_progress_add(r->p, figures, r->norm);
    r->p->updates++;
    r->p->warm_updates++;
    r->p->skipped_in_row = 0;
}

static el_status step(run *r)
{
    el_progress *p = r->p;
    const double began = el_now();
    el_figures figures;
    bool finite = false;
    r->rate = el_schedule_rate(&r->t->schedule, p->step);
    if (p->step > 0 && p->step == r->t->schedule.restart) /* where the objective forgets the moments */
        p->warm_updates = 0;
    el_status st = gradients(r, &figures, &finite);
    if (!st && finite)
        update(r, &figures);
    else if (!st)
        st = skip(r, &figures);
    if (st)
        return st;
    p->step++;
    p->examples += r->t->batch;
    el_records_add(&r->records, r->batch.rows, el_now() - began);

    el_progress_means(p, &figures);
    const bool due = p->step == r->t->steps || p->step == r->t->schedule.restart ||
                     (r->t->log_every > 0 && p->step % r->t->log_every == 0);
    if (due)
        st = el_records_training(&r->records, &figures, r->rate);
    if (!st)
        st = tell(r, step_event(r, due ? EL_EVENT_RECORD : EL_EVENT_STEP, &figures));
    if (due)
        el_records_clear(&r->records);
    return st;
}

/* ---- checkpoints ---- */

static el_status load_newest(const el_trainer *t, el_progress *p, bool *found)
{
    json_t *state;
    el_status st = el_checkpoint_resume(t->objective->model, &state, t->folder);
    if (st || !state)
        return st;
    st = el_progress_read(p, state);
    json_decref(state);
    if (!st && p->warm_updates < 0) {
        const int64_t warm = p->updates - el_schedule_start(&t->schedule, p->step);
        p->warm_updates = warm > 0 ? warm : 0;
    }
    *found = !st;
    return st;
}

el_status el_trainer_resume(const el_trainer *t, el_progress *p, bool *found)
{
    *p = (el_progress){0};
    *found = false;
    el_status st = el_dist_leads(t->dist) ? load_newest(t, p, found) : EL_OK;
    st = el_dist_agree(t->dist, st);
    if (st)
        return st;
    el_dist_share(t->dist, p, sizeof *p);
    el_dist_share(t->dist, found, sizeof *found);
    return EL_OK;
}

/* Whether the weights still make sense: they are finite, and so is the loss of what the next batch begins with. */
static el_status probe(run *r, bool *sound)
{
    const el_trainer *t = r->t;
    el_figures figures;
    el_status st = read_batch(r, r->p->examples, &r->batch);
    if (st)
        return st;
    t->objective->reset(t->objective);
    st = el_objective_try(t->objective, &r->batch, random_of(r, 0));
    if (st)
        return st;
    t->objective->finish(t->objective, &figures);
    *sound = isfinite(figures.values[0]) && el_model_finite(t->objective->model);
    return t->objective->model->q->wait(t->objective->model->q);
}

static el_status write_checkpoint(run *r)
{
    const el_trainer *t = r->t;
    const int64_t number = r->p->step;
    el_status st = el_metrics_sync(&r->records.metrics);
    if (st)
        return st;
    json_t *state = el_progress_write(r->p, t->seed);
    st = el_checkpoint_save(t->objective->model, state, number, t->folder);
    json_decref(state);
    return st ? st : el_checkpoint_rotate(t->folder, number, t->keep);
}

static el_status keep(run *r)
{
    const el_status st = leads(r) ? write_checkpoint(r) : EL_OK;
    if (st)
        return st;
    r->saved = r->p->step;
    return tell(r, (el_event){.kind = EL_EVENT_CHECKPOINT});
}

/* Weights that have gone astray never replace good ones; `last`: nothing comes after this. */
static el_status save(run *r, bool last)
{
    if (!r->t->folder)
        return EL_OK;
    bool sound;
    const el_status st = probe(r, &sound);
    if (st || sound)
        return st ? st : keep(r);
    r->p->diverged = last;
    if (last)
        return el_fail(EL_EFAILED,
                       "step %" PRId64
                       ": the loss is no longer a finite number, and nothing is saved; earlier checkpoints "
                       "are left as they are, and a lower --learning-rate may help",
                       r->p->step);
    if (leads(r))
        el_log(EL_LOG_WARNING,
               "step %" PRId64 ": the loss is no longer a finite number; no checkpoint is written",
               r->p->step);
    return EL_OK;
}

/* ---- the loop ---- */

/* Whether something that happens every `interval` steps, and after the last, is due now. */
static bool due(const run *r, double interval)
{
    const int64_t done = r->p->step;
    return done > 0 && (done == r->t->steps || (interval > 0 && floor((double)done / interval) >
                                                                    floor((double)(done - 1) / interval)));
}

static el_status stop(run *r)
{
    if (!r->t->folder)
        return el_fail(EL_EFAILED, "stopped; nothing was written");
    const el_status st = r->saved == r->p->step ? EL_OK : el_dist_agree(r->t->dist, save(r, true));
    if (st)
        return st;
    return el_fail(EL_ESTOPPED, "stopped after step %" PRId64 " of %" PRId64 " and saved; run again to go on",
                   r->p->step, r->t->steps);
}

static bool owes_evaluation(const el_trainer *t, const el_progress *p)
{
    return t->heldout.read && p->evaluated != p->step;
}

double el_trainer_flops(const el_trainer *t, const el_progress *p, double *paper)
{
    const double tokens = (double)p->tokens;
    *paper = t->paper_flops_per_token * tokens + t->paper_flops_correction;
    return t->flops_per_token * tokens + t->flops_correction;
}

bool el_trainer_done(const el_trainer *t, const el_progress *p)
{
    return p->step > t->steps || (p->step == t->steps && !owes_evaluation(t, p));
}

static el_status loop(run *r)
{
    const el_trainer *t = r->t;
    for (;;) {
        el_status st = EL_OK;
        if (owes_evaluation(t, r->p) && due(r, t->evaluate_every))
            st = el_dist_agree(t->dist, evaluate(r));
        if (!st && due(r, (double)t->save_every) && r->saved != r->p->step)
            st = el_dist_agree(t->dist, save(r, r->p->step == t->steps));
        if (!st && (r->p->step >= t->steps || (t->enough && *t->enough)))
            return el_dist_agree(t->dist, EL_OK);
        if (!st)
            st = step(r);
        if (st)
            return st == EL_ESTOPPED ? stop(r) : el_dist_agree(t->dist, st);
    }
}

el_status el_trainer_run(const el_trainer *t, el_progress *progress)
{
    assert(t->training.read && t->batch > 0 && t->most_skipped > 0);
    progress->diverged = false;
    run r = {.t = t,
             .p = progress,
             .started = el_now(),
             .saved = progress->step ? progress->step : -1,
             .ahead = -1};
    el_status st = el_helper_open(&r.helper);
    if (!st)
        st = el_leaves_open(&r.leaves, t->dist, t->objective, t->leaves ? t->leaves : 1);
    if (!st)
        st = el_records_open(&r.records, t, progress);
    el_model_zero_gradients(t->objective->model); /* of whatever was run before */
    st = el_dist_agree(t->dist, st);
    if (!st) {
        el_reduce_connect(&r.leaves.reduce);
        el_dist_share(t->dist, &progress->warm_updates, sizeof progress->warm_updates);
        st = el_model_share(t->objective->model, t->dist);
    }
    if (!st) {
        el_records_begin(&r.records);
        st = loop(&r);
    }
    el_records_close(&r.records);
    el_helper_close(r.helper);
    el_leaves_close(&r.leaves);
    el_batch_release(&r.batch);
    el_batch_release(&r.next);
    return st;
}
