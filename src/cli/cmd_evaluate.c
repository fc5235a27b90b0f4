/* cmd_evaluate - electra evaluate: what a model has learned, on held-out shards */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/figures.h"
#include "cli/machine.h"
#include "data/loader.h"
#include "train/electra.h"
#include "train/trainer.h"

typedef struct {
    const char *model, *data;
    bool json;
    int64_t max_batches, micro_batch_tokens;
    el_electra_settings objective;
    cli_machine machine;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    {"model", EL_OPT_TEXT, AT(model), 0, 0, NULL, "run folder, or a Hugging Face model folder"},
    {"data", EL_OPT_TEXT, AT(data), 0, 0, NULL, "folder of held-out shards"},
    {"json", EL_OPT_SWITCH, AT(json), 0, 0, NULL, "a JSON object"},
    {"max_batches", EL_OPT_INT, AT(max_batches), 0, 1e9, NULL, "batches of 32 examples; 0: all examples"},
    {"micro_batch_tokens", EL_OPT_INT, AT(micro_batch_tokens), 1, 1 << 24, NULL,
     "tokens that are worked on at a time"},
    {"Objective", EL_OPT_SECTION, 0, 0, 0, NULL, NULL},
    {"mask_prob", EL_OPT_REAL, AT(objective.mask_prob), 0.001, 0.9, NULL,
     "share of tokens that are predicted; as in the run, unless given, and so are the rest"},
    {"gen_weight", EL_OPT_REAL, AT(objective.gen_weight), 0, 1e6, NULL, "of the generator's loss"},
    {"disc_weight", EL_OPT_REAL, AT(objective.disc_weight), 0, 1e6, NULL, "of the discriminator's loss"},
    {"temperature", EL_OPT_REAL, AT(objective.temperature), 1e-3, 1e3, NULL, "of the generator's samples"},
    {"uniform_generator", EL_OPT_SWITCH, AT(objective.uniform_generator), 0, 0, NULL,
     "replacements are drawn uniformly"},
    {"disallow_correct", EL_OPT_SWITCH, AT(objective.disallow_correct), 0, 0, NULL,
     "a sample is never the original"},
    {"duplicate_slots", EL_OPT_SWITCH, AT(objective.duplicate_slots), 0, 0, NULL,
     "places drawn with replacement"},
    CLI_MACHINE_OPTIONS(settings),
};
#undef AT

typedef struct {
    settings settings;
    el_options options;
    el_loader *data;
    el_device *dev;
    el_model model;
    el_objective *objective;
    cli_progress line;
} job;

/* The run's own settings of the objective, where the model folder is a run's and nothing else was said. */
static el_status recall(job *j)
{
    static const char *const KEYS[] = {"mask_prob",      "gen_weight",        "disc_weight",
                                       "temperature",    "uniform_generator", "disallow_correct",
                                       "duplicate_slots"};
    char *path = el_path_join(j->settings.model, "run.json");
    json_t *record = NULL, *wanted = json_object();
    el_status st = path && wanted ? EL_OK : el_fail(EL_ENOMEM, "no memory to read run.json");
    if (!st && el_file_exists(path))
        st = el_json_load(&record, path);
    const json_t *recorded = json_object_get(record, "settings");
    for (size_t i = 0; recorded && i < sizeof KEYS / sizeof *KEYS; i++)
        if (!el_options_given(&j->options, KEYS[i]))
            json_object_set(wanted, KEYS[i], json_object_get(recorded, KEYS[i]));
    if (!st)
        st = el_options_apply(&j->options, wanted, path);
    json_decref(wanted);
    json_decref(record);
    free(path);
    return st == EL_EUSAGE ? EL_EDATA : st;
}

static el_status open_objective(job *j)
{
    el_electra_settings *wanted = &j->settings.objective;
    wanted->max_seq_length = el_loader_max_seq_length(j->data);
    return el_electra_open(&j->objective, &j->model, el_loader_vocab(j->data), wanted,
                           (int)j->settings.micro_batch_tokens);
}

static el_status read_examples(void *context, int64_t first, int count, el_batch *batch)
{
    const job *j = context;
    el_batch_clear(batch);
    el_status st = EL_OK;
    for (int i = 0; !st && i < count; i++)
        st = el_loader_read(j->data, first + i, batch);
    return st;
}

static el_status show(void *context, double fraction)
{
    job *j = context;
    cli_progress_show(&j->line, fraction, "evaluating");
    return EL_OK;
}

static el_status print_json(const el_figures *figures)
{
    json_t *object = cli_figures_json(figures);
    char *text = el_json_text(object, true);
    json_decref(object);
    if (!text)
        return el_fail(EL_ENOMEM, "no memory for the figures");
    puts(text);
    free(text);
    return EL_OK;
}

static el_status open_all(job *j)
{
    settings *s = &j->settings;
    if (!s->model)
        return el_fail(EL_EUSAGE, "--model: which run or model folder?");
    if (!s->data)
        return el_fail(EL_EUSAGE, "--data: which shards? `electra prepare` makes them");
    el_status st = recall(j);
    if (!st)
        st = el_loader_open(&j->data, s->data);
    if (!st)
        st = cli_model_check_vocab(s->model, el_loader_vocab(j->data), s->data);
    if (!st)
        st = cli_machine_open(&s->machine, &j->dev);
    if (!st)
        st = cli_model_open(&j->model, j->dev, cli_machine_type(&s->machine), s->model);
    return st ? st : open_objective(j);
}

static el_status evaluate(job *j)
{
    const el_source source = {j, read_examples, el_loader_examples(j->data)};
    const el_evaluation_watch watch = {.on_batch = show, .context = j};
    el_figures figures;
    cli_progress_begin(&j->line);
    const el_status st = el_evaluate(j->objective, &source, j->settings.max_batches, &watch, &figures);
    cli_progress_end(&j->line);
    if (st)
        return st;
    if (j->settings.json)
        return print_json(&figures);
    cli_figures_print(&figures);
    return EL_OK;
}

static void close_job(job *j)
{
    if (j->objective)
        j->objective->close(j->objective);
    el_model_close(&j->model);
    if (j->dev)
        j->dev->close(j->dev);
    el_loader_close(j->data);
    el_options_close(&j->options);
}

int cmd_evaluate(int argc, char **argv)
{
    job j = {.settings = {.micro_batch_tokens = 2048, .objective = el_electra_defaults()}};
    j.options = (el_options){
        .command = "evaluate",
        .examples = "  electra evaluate --model run --data heldout\n"
                    "  electra evaluate --model run --data heldout --json > evaluation.json\n",
        .summary = "says what a model has learned, on held-out shards; masks are the same each time",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &j.settings};
    int exit_code;
    if (!cli_parse(&j.options, argc, argv, &exit_code))
        return exit_code;
    el_status st = open_all(&j);
    if (!st)
        st = evaluate(&j);
    exit_code = cli_exit("evaluate", st);
    close_job(&j);
    return exit_code;
}
