/* evaluate_shards - electra evaluate of a pre-trained model, on held-out shards */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/evaluate.h"
#include "data/loader.h"
#include "train/evaluation.h"

typedef struct {
    evaluate_settings *settings;
    el_options *options;
    el_loader *data;
    el_queue *q;
    el_model model;
    el_unigram unigram;
    el_objective *objective;
    cli_progress line;
} job;

/* The run's own settings of the objective, where the model folder is a run's and nothing else was said. */
static el_status recall(job *j)
{
    static const char *const KEYS[] = {
        "objective",        "mask_prob",       "mask_shares",       "mask_unit",    "gen_weight",
        "disc_weight",      "temperature",     "temperature_decay", "sampler",      "uniform_generator",
        "disallow_correct", "duplicate_slots", "generator",         "sentence_task"};
    const bool chosen =
        el_options_given(j->options, "sampler") || el_options_given(j->options, "uniform_generator");
    char *path = el_path_join(j->settings->model, "run.json");
    json_t *record = NULL, *wanted = json_object();
    el_status st = path && wanted ? EL_OK : el_fail(EL_ENOMEM, "no memory to read run.json");
    if (!st && el_file_exists(path))
        st = el_json_load(&record, path);
    const json_t *recorded = json_object_get(record, "settings");
    for (size_t i = 0; recorded && i < sizeof KEYS / sizeof *KEYS; i++)
        if (!el_options_given(j->options, KEYS[i]) && json_object_get(recorded, KEYS[i]) &&
            !(chosen && (strcmp(KEYS[i], "sampler") == 0 || strcmp(KEYS[i], "uniform_generator") == 0)))
            json_object_set(wanted, KEYS[i], json_object_get(recorded, KEYS[i]));
    if (!st && !el_json_complete())
        st = el_fail(EL_ENOMEM, "no memory for the run's settings");
    if (!st)
        st = el_options_apply(j->options, wanted, path);
    json_decref(wanted);
    json_decref(record);
    free(path);
    return st == EL_EUSAGE ? EL_EDATA : st;
}

static el_status open_objective(job *j)
{
    el_objective_settings *wanted = &j->settings->objective;
    const int kind = j->settings->kind;
    el_status st = el_mask_shares_read(&wanted->shares, j->settings->mask_shares);
    wanted->max_seq_length = el_loader_max_seq_length(j->data);
    if (j->settings->generator)
        wanted->sampler = EL_SAMPLER_TWO_TOWERS;
    if (j->settings->uniform_generator)
        wanted->sampler = EL_SAMPLER_UNIFORM;
    if (!st && wanted->sampler == EL_SAMPLER_UNIGRAM)
        st = el_unigram_load(&j->unigram, el_loader_vocab(j->data), j->settings->model);
    wanted->unigram = &j->unigram;
    return st ? st
              : el_objective_open(&j->objective,
                                  kind == EVALUATE_OWN ? el_objective_of(&j->model) : (el_objective_kind)kind,
                                  &j->model, el_loader_vocab(j->data), wanted,
                                  (int)j->settings->micro_batch_tokens);
}

static el_status read_examples(void *context, int64_t first, int count, el_batch *batch)
{
    const job *j = context;
    return el_loader_batch_stored(j->data, first, count, batch);
}

static el_status show(void *context, double fraction)
{
    job *j = context;
    cli_progress_show(&j->line, fraction, "evaluating");
    return EL_OK;
}

static el_status open_all(job *j)
{
    evaluate_settings *s = j->settings;
    if (!s->data)
        return el_fail(EL_EUSAGE, "--data: which shards? `electra prepare` makes them");
    el_status st = recall(j);
    if (!st)
        st = el_loader_open(&j->data, s->data);
    if (!st)
        st = el_model_check_vocab(s->model, el_loader_vocab(j->data), s->data);
    if (!st)
        st = el_machine_open(&s->machine, &j->q);
    if (!st)
        st = el_model_open_folder(&j->model, j->q, el_machine_type(&s->machine), s->model);
    return st ? st : open_objective(j);
}

static void print_figures(const el_figures *figures)
{
    for (int i = 0; i < figures->count; i++)
        if (isfinite(figures->values[i]))
            printf("%-24s %.4f\n", figures->names[i], figures->values[i]);
}

static el_status evaluate(job *j)
{
    const el_example_source source = {j, read_examples, el_loader_examples(j->data)};
    const el_evaluation_watch watch = {.on_batch = show, .context = j};
    el_figures figures;
    cli_progress_begin(&j->line);
    const el_status st = el_evaluate(j->objective, &source, j->settings->max_batches, &watch, &figures);
    cli_progress_end(&j->line);
    if (st)
        return st;
    if (!j->settings->json) {
        print_figures(&figures);
        return EL_OK;
    }
    json_t *const object = el_figures_json(&figures);
    const el_status printed = cli_json_print(object);
    json_decref(object);
    return printed;
}

static void close_job(job *j)
{
    if (j->objective)
        j->objective->close(j->objective);
    el_model_close(&j->model);
    el_queue_close(j->q);
    el_unigram_close(&j->unigram);
    el_loader_close(j->data);
}

el_status evaluate_shards(evaluate_settings *settings, el_options *options)
{
    job j = {.settings = settings, .options = options};
    el_status st = open_all(&j);
    if (!st)
        st = evaluate(&j);
    close_job(&j);
    return st;
}
