/* trial - see the header */
#include "engine/finetune/trial.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary.h"
#include "train/metrics.h"

typedef struct {
    el_trial *trial;
    el_trial_result *result;
    bool enough;
    el_status (*on_event)(void *context, const el_event *event);
} watcher;

/* ---- sources ---- */

/* The endless stream: each round of the features in an order of its own. */
static el_status read_training(void *context, int64_t first, int count, el_batch *batch)
{
    const el_trial *const t = ((const watcher *)context)->trial;
    const uint64_t size = (uint64_t)(t->train.end - t->train.begin);
    el_status st = EL_OK;
    el_batch_clear(batch);
    for (int i = 0; !st && i < count; i++) {
        const uint64_t number = (uint64_t)first + (uint64_t)i;
        const el_random random = {
            .seed = t->trainer.seed, .stream = EL_STREAM_TASK_ORDER, .step = (uint32_t)(number / size)};
        const int place = t->train.begin + (int)el_random_permute(random, number % size, size);
        st = el_features_read(t->features, place, batch);
    }
    return st;
}

typedef struct {
    const el_trial *trial;
    el_split split;
} in_order;

static el_status read_in_order(void *context, int64_t first, int count, el_batch *batch)
{
    const in_order *const o = context;
    el_status st = EL_OK;
    el_batch_clear(batch);
    for (int i = 0; !st && i < count; i++)
        st = el_features_read(o->trial->features, o->split.begin + (int)first + i, batch);
    return st;
}

static bool stop_wanted(void *context)
{
    const el_stop *const stop = context;
    return stop && *stop;
}

el_status el_trial_evaluate(const el_trial *trial, el_split split, el_figures *figures)
{
    in_order order = {trial, split};
    const el_example_source source = {&order, read_in_order, split.end - split.begin};
    const el_evaluation_watch watch = {.interrupt = {stop_wanted, (void *)trial->trainer.watch.stop}};
    return el_evaluate(trial->trainer.objective, &source, 0, &watch, figures);
}

/* ---- the best evaluation ---- */

static el_status save_best(const watcher *w, const el_figures *figures)
{
    el_trial *const t = w->trial;
    const double threshold = el_figure(figures, "best_f1_threshold");
    if (isfinite(threshold))
        t->card->null_threshold = threshold;
    return el_finetuned_save(t->trainer.objective->model, t->vocab, t->card, t->readme,
                             el_path_in(t->folder, "best").text);
}

/* True where this evaluation is the best so far. */
static bool count_evaluation(const el_trial *t, el_trial_result *r, const el_figures *figures, int64_t step)
{
    const double value = el_figure(figures, t->metric);
    const bool better = r->evaluations == 0 || (isfinite(value) && value > r->best);
    r->evaluations++;
    r->since_best++;
    r->varied |= !figures->alike;
    if (better) {
        r->best = isfinite(value) ? value : -INFINITY;
        r->best_step = step;
        r->since_best = 0;
        r->figures = *figures;
    }
    return better;
}

static bool is_enough(const el_trial *t, const el_trial_result *r)
{
    return t->patience > 0 && r->since_best >= t->patience;
}

static el_status on_event(void *context, const el_event *event)
{
    watcher *const w = context;
    el_trial_result *const r = w->result;
    el_status st = EL_OK;
    const bool leads = el_dist_leads(w->trial->trainer.dist);
    if (event->kind == EL_EVENT_EVALUATION) {
        if (count_evaluation(w->trial, r, event->figures, event->progress->step) && leads)
            st = save_best(w, event->figures);
        w->enough = is_enough(w->trial, r);
    }
    return st || !w->on_event ? st : w->on_event(w->trial->context, event);
}

/* ---- going on ---- */

/* Figures of one line of metrics.jsonl, by the objective's names. */
static void figures_of(const json_t *line, const el_figures *names, el_figures *figures)
{
    *figures = *names;
    figures->alike = json_is_true(json_object_get(line, "all_alike"));
    for (int i = 0; i < names->count; i++) {
        const json_t *const value = json_object_get(line, names->names[i]);
        figures->values[i] = json_is_number(value) ? json_number_value(value) : NAN;
    }
}

/* What the evaluations before the checkpoint were. */
static el_status recall(const el_trial *t, int64_t lines, el_trial_result *r)
{
    el_figures names;
    json_t *before = NULL, *line;
    size_t i;
    const el_status st = el_metrics_load_first(&before, el_path_in(t->folder, EL_METRICS_FILE).text, lines);
    t->trainer.objective->reset(t->trainer.objective);
    t->trainer.objective->finish(t->trainer.objective, &names);
    json_array_foreach(before, i, line) {
        if (!el_metrics_is(line, EL_METRICS_EVALUATION))
            continue;
        el_figures figures;
        figures_of(line, &names, &figures);
        count_evaluation(t, r, &figures, json_integer_value(json_object_get(line, "step")));
    }
    json_decref(before);
    return st;
}

/* Rank 0 has the file. */
static el_status recall_shared(const el_trial *t, int64_t lines, el_trial_result *r)
{
    el_dist *const dist = t->trainer.dist;
    const el_status st = el_dist_agree(dist, el_dist_leads(dist) ? recall(t, lines, r) : EL_OK);
    if (st)
        return st;
    el_figures own;
    t->trainer.objective->reset(t->trainer.objective);
    t->trainer.objective->finish(t->trainer.objective, &own);
    el_dist_share(dist, r, sizeof *r);
    r->figures.names = own.names;
    return EL_OK;
}

static el_status make_folder(const el_trial *t)
{
    const el_status st = el_folder_make(t->folder);
    return st ? st : el_temporary_sweep(t->folder);
}

/* A trial before this one may have used the same model. */
static el_status begin(const el_trial *trial)
{
    el_optimizer_forget(trial->trainer.objective->model);
    return trial->start(trial->context);
}

el_status el_trial_run(el_trial *trial, el_trial_result *result)
{
    *result = (el_trial_result){.best = -INFINITY};
    watcher w = {.trial = trial, .result = result, .on_event = trial->trainer.watch.on_event};
    in_order dev = {trial, trial->dev};
    el_trainer trainer = trial->trainer;
    trainer.folder = trial->folder;
    trainer.training = (el_example_source){&w, read_training, trial->train.end - trial->train.begin};
    trainer.heldout = (el_example_source){&dev, read_in_order, trial->dev.end - trial->dev.begin};
    trainer.watch.on_event = on_event;
    trainer.watch.context = &w;
    trainer.enough = &w.enough;
    el_progress progress;
    bool found;
    el_status st = el_dist_agree(trainer.dist, el_dist_leads(trainer.dist) ? make_folder(trial) : EL_OK);
    if (!st)
        st = el_trainer_resume(&trainer, &progress, &found);
    if (!st && found && progress.seed != trainer.seed && !trial->allow_change)
        st = el_fail(EL_EUSAGE, "%s: is a trial of seed %" PRIu64 ", not of %" PRIu64, trial->folder,
                     progress.seed, trainer.seed);
    if (!st)
        st = found ? recall_shared(trial, progress.lines, result) : begin(trial);
    w.enough = is_enough(trial, result);
    if (!st) {
        st = el_trainer_run(&trainer, &progress);
        result->diverged = progress.diverged;
    }
    result->step = progress.step;
    return st;
}
