/* cmd_finetune - electra finetune: teaches a pre-trained model a task, some trials with seeds of their own */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/ranks.h"
#include "cli/signals.h"
#include "engine/finetune/finetune.h"

static const char EXAMPLES[] =
    "  electra finetune --model run --task sst2 --data SST-2 --output sentiment\n"
    "  electra finetune --model run --task classify --data reviews --num-trials 5 --output reviews.model\n"
    "  electra finetune --init-from mnli.model --task rte --data RTE --output rte\n"
    "  electra finetune --model run --task ner --train-file a.conll --dev-file b.conll --output names "
    "--json\n"
    "  electra finetune --output sentiment                continues where it stopped\n"
    "\ntasks:\n";

/* Everything that is open while the command runs. */
typedef struct {
    el_finetune_settings settings;
    el_options options;
    char *help; /* examples and tasks */
    el_finetuning tuning;
    cli_progress line;
    uint64_t shown; /* the seed of the trial that the line is of */
    char figures[160];
} job;

/* ---- the progress line ---- */

static el_status on_event(void *context, const el_event *event)
{
    job *const j = context;
    const el_finetuning *const f = &j->tuning;
    char text[256];
    const double fraction = (double)event->progress->step / (double)f->steps;
    if (j->shown != f->seed) { /* another trial has begun */
        cli_progress_end(&j->line);
        cli_progress_begin(&j->line);
        j->shown = f->seed;
    }
    switch (event->kind) {
    case EL_EVENT_STEP:
    case EL_EVENT_RECORD:
        *j->figures = '\0';
        cli_add_figure(j->figures, sizeof j->figures, event->figures, "loss", "loss", 4);
        snprintf(text, sizeof text,
                 "trial %" PRId64 "/%" PRId64 "  step %" PRId64 "/%" PRId64 "  %s  lr %.2g  %.0f tok/s",
                 f->trial + 1, j->settings.num_trials, event->progress->step, f->steps, j->figures,
                 event->rate, event->tokens_per_second);
        cli_progress_show(&j->line, fraction, text);
        break;
    case EL_EVENT_EVALUATING:
        cli_progress_show(&j->line, fraction, "evaluating");
        break;
    case EL_EVENT_EVALUATION:
        *text = '\0';
        for (int i = 0; i < event->figures->count; i++) {
            const char *const name = event->figures->names[i];
            cli_add_figure(text, sizeof text, event->figures, name, name, 4);
        }
        el_log(EL_LOG_NOTE, "trial %" PRId64 ", step %" PRId64 ", dev: %s", f->trial + 1,
               event->progress->step, text);
        break;
    case EL_EVENT_CHECKPOINT:
        break;
    }
    return EL_OK;
}

/* ---- results ---- */

static void print_table(const json_t *results, const char *also_name)
{
    const json_t *const test = json_object_get(results, "test");
    const json_t *const also = also_name ? json_object_get(results, also_name) : NULL;
    const char *const metric = json_string_value(json_object_get(results, "metric"));
    const json_int_t trials = (json_int_t)json_array_size(json_object_get(results, "trials"));
    const char *key;
    json_t *value;
    printf("%-24s %8s %8s %9s %8s%s%s%s\n", "dev", "mean", "median", "deviation", "best",
           test ? "     test" : "", also ? "  " : "", also ? also_name : "");
    json_object_foreach(json_object_get(results, "summary"), key, value) {
        static const char *const COLUMNS[] = {"mean", "median", "deviation", "best"};
        printf("%-24s", key);
        for (int i = 0; i < 4; i++)
            printf(" %*s", i == 2 ? 9 : 8, cli_figure(json_object_get(value, COLUMNS[i])).text);
        if (test)
            printf(" %8s", cli_figure(json_object_get(test, key)).text);
        if (also)
            printf("  %s", cli_figure(json_object_get(also, key)).text);
        printf("%s", strcmp(key, metric) == 0 ? "  <" : "");
        const json_int_t having = json_integer_value(json_object_get(value, "trials"));
        if (having < trials)
            printf("  %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " trials", having, trials);
        putchar('\n');
    }
}

static el_status print_results(const job *j)
{
    const el_finetuning *const f = &j->tuning;
    if (j->settings.json)
        return cli_json_print(f->results);
    print_table(f->results, f->task->also);
    return EL_OK;
}

/* ---- the course of the command ---- */

static el_status tune(job *j)
{
    cli_progress_begin(&j->line);
    const el_status st = el_finetune_run(&j->tuning);
    cli_progress_end(&j->line);
    return st || !el_dist_leads(cli_dist()) ? st : print_results(j);
}

int cmd_finetune(int argc, char **argv)
{
    job j = {.settings = el_finetune_defaults(), .help = cli_examples_and(EXAMPLES, el_task_list())};
    int exit_code;
    j.options =
        (el_options){.command = "finetune",
                     .examples = j.help,
                     .summary = "teaches a pre-trained model a task: GLUE, SQuAD, tagging, or your own",
                     .table = EL_FINETUNE_TABLE,
                     .count = EL_FINETUNE_LINES,
                     .settings = &j.settings};
    if (!cli_parse(&j.options, argc, argv, &exit_code)) {
        free(j.help);
        return exit_code;
    }
    j.settings.machine.dist = cli_dist();
    const el_watch watch = {.on_event = on_event, .stop = cli_catch_signals(), .context = &j};
    el_status st = el_finetune_open(&j.tuning, &j.options, &watch);
    if (!st)
        st = tune(&j);
    exit_code = cli_exit("finetune", st);
    el_finetune_close(&j.tuning);
    el_options_close(&j.options);
    free(j.help);
    return exit_code;
}
