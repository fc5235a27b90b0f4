/* cmd_pretrain - electra pretrain: trains both networks in a run folder, and continues one that stopped */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/dry_run.h"
#include "cli/ranks.h"
#include "cli/signals.h"
#include "train/figures.h"
#include "train/presets.h"

static const char EXAMPLES[] =
    "  electra pretrain --data shards --model-size tiny --output run\n"
    "  electra pretrain --data shards --eval-data heldout --model-size small --output run \\\n"
    "      --num-train-steps 200000 --threads 8\n"
    "  electra pretrain --output run                      continues where it stopped\n"
    "  electra pretrain --data shards --model-size base --dry-run      what it would take\n";

/* Everything that is open while the command runs. */
typedef struct {
    el_pretrain_settings settings;
    el_options options;
    el_pretraining run;
    cli_progress line;
    char figures[160], shown[256]; /* of the last record, and the whole of the last progress line */
    bool recorded;
} job;

/* ---- the progress line ---- */

static void describe(char *text, size_t size, const el_event *event)
{
    *text = '\0';
    for (int i = 0; i < EL_FIGURE_KIND_COUNT; i++) {
        const el_figure_kind *const kind = &EL_FIGURE_KINDS[i];
        const char *const label =
            event->kind == EL_EVENT_EVALUATION ? kind->in_evaluation : kind->in_training;
        if (label)
            cli_add_figure(text, size, event->figures, kind->name, label, 3);
    }
}

static void show_step(job *j, const el_event *event)
{
    char speed[96] = "";
    if (event->kind == EL_EVENT_RECORD || !j->recorded)
        describe(j->figures, sizeof j->figures, event);
    j->recorded |= event->kind == EL_EVENT_RECORD;
    const el_trainer *const t = &j->run.trainer;
    const double share = t->peak_flops > 0 ? event->tokens_per_second * t->flops_per_token / t->peak_flops /
                                                 el_dist_size(t->dist)
                                           : 0;
    if (share > 0)
        snprintf(speed, sizeof speed, "  %.0f tok/s  %.0f %% of peak", event->tokens_per_second, 100 * share);
    else if (event->tokens_per_second > 0)
        snprintf(speed, sizeof speed, "  %.0f tok/s", event->tokens_per_second);
    const int ranks = el_dist_size(t->dist);
    if (ranks > 1) {
        const size_t used = strlen(speed);
        snprintf(speed + used, sizeof speed - used, "  %d ranks, %.0f %% waiting, %.0f %% network", ranks,
                 100 * event->waiting, 100 * event->network);
    }
    char norm[32] = "";
    if (isfinite(event->norm)) /* some step since the last line was taken */
        snprintf(norm, sizeof norm, "  norm %.2g", event->norm);
    snprintf(j->shown, sizeof j->shown, "step %" PRId64 "/%" PRId64 "  %s  lr %.2g%s%s",
             event->progress->step, t->steps, j->figures, event->rate, norm, speed);
    cli_progress_show(&j->line, (double)event->progress->step / (double)t->steps, j->shown);
}

static void show_evaluation(job *j, const el_event *event)
{
    char text[160];
    describe(text, sizeof text, event);
    el_log(EL_LOG_NOTE, "step %" PRId64 ", held out: %s", j->run.progress.step, text);
    cli_progress_show(&j->line, (double)j->run.progress.step / (double)j->run.trainer.steps, j->shown);
}

static el_status on_event(void *context, const el_event *event)
{
    job *j = context;
    switch (event->kind) {
    case EL_EVENT_STEP:
    case EL_EVENT_RECORD:
        show_step(j, event);
        return EL_OK;
    case EL_EVENT_EVALUATING:
        cli_progress_show(&j->line, (double)event->progress->step / (double)j->run.trainer.steps,
                          "evaluating");
        return EL_OK;
    case EL_EVENT_EVALUATION:
        show_evaluation(j, event);
        return EL_OK;
    case EL_EVENT_CHECKPOINT:
        return EL_OK;
    }
    return EL_OK;
}

/* ---- the course of the command ---- */

static el_status train(job *j)
{
    cli_progress_begin(&j->line);
    const el_status st = el_pretrain_run(&j->run);
    cli_progress_end(&j->line);
    return st;
}

int cmd_pretrain(int argc, char **argv)
{
    job j = {.options = {.command = "pretrain",
                         .examples = EXAMPLES,
                         .summary = "pre-trains generator and discriminator on shards",
                         .table = EL_PRETRAIN_TABLE,
                         .count = EL_PRETRAIN_LINES,
                         .settings = &j.settings,
                         .preset = el_pretrain_preset}};
    int exit_code;
    el_pretrain_defaults(&j.settings, EL_SMALL);
    if (!cli_parse(&j.options, argc, argv, &exit_code))
        return exit_code;
    j.settings.machine.dist = cli_dist();
    el_watch watch = {.on_event = on_event, .context = &j};
    if (!j.settings.dry_run) /* which has nothing to save */
        watch.stop = cli_catch_signals();
    el_status st = el_pretrain_open(&j.run, &j.options, &watch);
    if (!st)
        st = j.settings.dry_run ? cli_dry_run(&j.run) : train(&j);
    exit_code = cli_exit("pretrain", st);
    el_pretrain_close(&j.run);
    el_options_close(&j.options);
    return exit_code;
}
