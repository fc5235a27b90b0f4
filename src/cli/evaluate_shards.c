/* evaluate_shards - electra evaluate of a pre-trained model, on held-out shards */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/evaluate.h"
#include "cli/recall.h"
#include "data/loader.h"
#include "engine/pretrain/settings.h"
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
        "objective",       "mask_prob",   "mask_shares", "mask_unit",         "sentence_task",
        "gen_weight",      "disc_weight", "temperature", "temperature_decay", "disallow_correct",
        "duplicate_slots", "generator",   "sampler",     "uniform_generator"};
    json_t *recorded;
    el_status st = cli_recorded(&recorded, j->settings->model);
    if (!st)
        st = cli_recall(j->options, recorded, j->settings->model, KEYS, sizeof KEYS / sizeof *KEYS);
    json_decref(recorded);
    return st;
}

/* Settings that were asked for have a part in what is evaluated; those that a run has recorded need not. */
static el_status check_parts(const el_options *options, el_objective_kind kind, el_sampler sampler)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < options->count; i++)
        if (options->origins[i] > EL_FROM_RECORD)
            st = el_pretrain_check_part(options->table[i].name, kind, sampler);
    return st;
}

/* What was asked for, or what the run learns: of two stages the first one, as long as there is no more. */
static el_objective_kind kind_of(const job *j)
{
    const el_objective_kind kind = (el_objective_kind)j->settings->kind;
    if (j->settings->kind == EVALUATE_OWN)
        return el_objective_of(&j->model);
    if (kind != EL_TWO_STAGE || el_options_origin(j->options, "objective") != EL_FROM_RECORD ||
        el_model_network(&j->model, EL_DISCRIMINATOR))
        return kind;
    el_log(EL_LOG_NOTE, "%s: is in its first stage; its generator is evaluated, as --objective mlm",
           j->settings->model);
    return EL_MLM;
}

static el_status open_objective(job *j)
{
    evaluate_settings *const s = j->settings;
    const el_objective_kind kind = kind_of(j);
    el_status st = el_objective_choice_settle(&s->choice, kind, j->options);
    el_objective_settings wanted = el_objective_choice_settings(&s->choice, kind);
    wanted.max_seq_length = el_loader_max_seq_length(j->data);
    wanted.unigram = &j->unigram;
    if (!st)
        st = check_parts(j->options, kind, wanted.sampler);
    if (!st && wanted.sampler == EL_SAMPLER_UNIGRAM)
        st = el_unigram_load(&j->unigram, el_loader_vocab(j->data), s->model);
    return st ? st
              : el_objective_open(&j->objective, kind, &j->model, el_loader_vocab(j->data), &wanted,
                                  (int)s->micro_batch_tokens);
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
