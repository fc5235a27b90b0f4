/* finetune - see the header */
#include "engine/finetune/finetune.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/output.h"
#include "base/plural.h"
#include "engine/card.h"
#include "engine/finetune/parts.h"
#include "engine/finetune/trial.h"
#include "engine/shared_folder.h"
#include "format/tensors.h"
#include "model/initialise.h"
#include "train/metrics.h"

enum { RESTART_STEP = 1000 }; /* from a trial's seed to that of its next beginning */

/* What lies in the output folder. */
static bool gives(const char *name)
{
    return strcmp(name, "model") == 0 || strcmp(name, "results.json") == 0 ||
           strcmp(name, EL_FINETUNE_PREDICTIONS) == 0 || strcmp(name, EL_ALL_WELL) == 0 ||
           strncmp(name, EL_TRIAL_FOLDER, strlen(EL_TRIAL_FOLDER)) == 0;
}

static const el_run_kind RUN = {"finetune", gives};

/* ---- settings ---- */

/* What holds for this session alone. */
static const char *const OF_NOW[] = {"allow_change",    "overwrite", "json",        "max_time", "threads",
                                     "instruction_set", "device",    "stall_limit", NULL};

/* What a run that goes on reads again, and that lies where it lay. */
static const char *const PLACES[] = {"data", "model", "init_from", NULL};

/* What may differ between ranks: where data lie, which are compared by their contents, and what a machine has. */
static const char *const OF_A_RANK[] = {"data",      "model",   "init_from",       "train_file", "dev_file",
                                        "test_file", "threads", "instruction_set", "device",     NULL};

static el_status open_run(el_finetuning *f)
{
    if (!f->settings->output)
        return el_fail(EL_EUSAGE, "--output: which folder is the result to live in?");
    const el_finetune_settings *const s = f->settings;
    el_status st = el_output_apart("model", s->model, s->output);
    if (!st)
        st = el_output_apart("init-from", s->init_from, s->output);
    if (!st)
        st = el_run_open_shared(&f->run, s->machine.dist, &RUN, s->output, s->overwrite);
    f->resuming = !st && json_object_get(f->run.record, "settings");
    if (f->resuming) {
        st = el_run_recall(&f->run, f->options, OF_NOW, PLACES);
        el_machine_recall(&f->settings->machine, f->run.record);
    }
    return st;
}

static el_status compare_settings(el_finetuning *f)
{
    if (!f->resuming)
        return EL_OK;
    json_t *const now = el_options_json(f->options);
    const el_status st = el_run_compare(&f->run, now, EL_FINETUNE_FREE, f->settings->allow_change);
    json_decref(now);
    return st;
}

/* ---- model ---- */

static el_head_config head_of(const el_finetuning *f)
{
    static const el_head_kind HEADS_OF[EL_TASK_KINDS][2] = {
        [EL_CLASSIFY] = {EL_HEAD_SEQUENCE, EL_HEAD_SEQUENCE_AFFINE},
        [EL_REGRESS] = {EL_HEAD_SEQUENCE, EL_HEAD_SEQUENCE_AFFINE},
        [EL_MULTILABEL] = {EL_HEAD_SEQUENCE, EL_HEAD_SEQUENCE_AFFINE},
        [EL_TAG] = {EL_HEAD_TOKEN, EL_HEAD_TOKEN},
        [EL_SPAN] = {EL_HEAD_SPAN, EL_HEAD_SPAN_JOINT},
    };
    const el_head_kind kind = HEADS_OF[f->task->kind][f->settings->head];
    const bool pooled = kind == EL_HEAD_SEQUENCE && f->config.model_type != EL_MODEL_ELECTRA;
    return (el_head_config){.kind = pooled ? EL_HEAD_POOLED : kind,
                            .labels = f->task->kind == EL_REGRESS ? 1 : f->card.labels.count,
                            .dropout = f->settings->dropout,
                            .joined = f->start_backward != NULL,
                            .answerable = f->settings->answerable_classifier && f->card.rule == EL_SQUAD_2};
}

static el_status open_model(el_finetuning *f)
{
    el_model_plan plan = {
        .activations = el_machine_type(&f->settings->machine), .parameters = EL_F32, .training = true};
    el_config config = f->config;
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = f->settings->dropout;
    el_plan_add(&plan, EL_DISCRIMINATOR, config, head_of(f));
    if (f->start_backward)
        el_plan_add_backward(&plan, config);
    const el_status st = el_model_open(&f->model, f->q, &plan);
    el_learner_settings learner = el_task_card_settings(&f->card, (int)f->settings->micro_batch_tokens);
    learner.null_threshold = NAN; /* the best is looked for */
    learner.answerable_weight = f->settings->answerable_weight;
    return st ? st : el_learner_open(&f->learner, &f->model, &f->features, f->splits, EL_SPLITS, &learner);
}

/* What was learned before, or weights by the trial's seed; the head is always new, but for a pooler. */
static el_status start_trial(void *context)
{
    el_finetuning *const f = context;
    const el_initialisation how = {.seed = f->seed, .fan_in = f->config.hidden_size < 768};
    if (f->settings->random_start)
        return el_model_initialise(&f->model, &how);
    el_status st = EL_OK;
    if (head_of(f).kind == EL_HEAD_POOLED) /* its pooler, where the folder has none */
        st = el_model_initialise(&f->model, &how);
    if (!st)
        st = el_finetuned_load(&f->model, f->start, f->start_backward);
    return st ? st : el_model_initialise_heads(&f->model, &how);
}

static bool has_figure(el_objective *learner, const char *name)
{
    el_figures figures = {0};
    learner->reset(learner);
    learner->finish(learner, &figures);
    for (int i = 0; i < figures.count; i++)
        if (strcmp(figures.names[i], name) == 0)
            return true;
    return false;
}

/* Without two different scores there is no correlation with them. */
static bool scores_vary(const el_dataset *d)
{
    for (int i = 1; i < d->count; i++)
        if (d->examples[i].value != d->examples[0].value)
            return true;
    return false;
}

static el_status choose_metric(el_finetuning *f)
{
    f->metric = el_task_card_metric(&f->card);
    if (!has_figure(f->learner, f->metric))
        return el_fail(EL_EUSAGE, "%s, by which the best model is to be chosen, is no metric of these labels",
                       f->metric);
    if (f->task->kind == EL_REGRESS && !scores_vary(&f->data[EL_DEV]))
        return el_fail(
            EL_EDATA, "%s: all dev scores are alike, so %s, by which the best model is chosen, cannot be had",
            f->data[EL_DEV].name, f->metric);
    return EL_OK;
}

/* ---- the course of a trial ---- */

/* The trial's events come with its own context. */
static el_status on_event(void *context, const el_event *event)
{
    el_finetuning *const f = context;
    const el_status st = f->together ? EL_OK : el_finetune_look(f);
    return st || !f->watch.on_event ? st : f->watch.on_event(f->watch.context, event);
}

static int64_t count_steps(const el_finetuning *f)
{
    const double features = f->splits[EL_TRAIN].end - f->splits[EL_TRAIN].begin;
    const double steps =
        ceil(features * f->settings->num_train_epochs / (double)f->settings->train_batch_size);
    return steps < 1 ? 1 : (int64_t)steps;
}

/* Seconds that are left for this trial; 0: there is no limit. */
static double time_left(const el_finetuning *f)
{
    const double most = f->settings->max_time;
    return most > 0 ? fmax(1e-9, most - (el_now() - f->began)) : 0;
}

static el_trainer trainer_of(el_finetuning *f)
{
    const el_finetune_settings *const s = f->settings;
    const double epochs = s->num_train_epochs > 0 ? s->num_train_epochs : 1;
    const double every = (double)f->steps / epochs / (double)s->evaluations_per_epoch;
    return (el_trainer){.objective = f->learner,
                        .dist = f->together ? s->machine.dist : NULL,
                        .leaves = (int)s->machine.leaves,
                        .schedule = {.peak = s->learning_rate,
                                     .power = s->lr_decay_power,
                                     .warmup = (int64_t)((double)f->steps * s->warmup_proportion),
                                     .steps = f->steps},
                        .optimizer = {.beta1 = s->adam_beta1,
                                      .beta2 = s->adam_beta2,
                                      .epsilon = s->adam_epsilon,
                                      .weight_decay = s->weight_decay_rate,
                                      .max_norm = s->max_grad_norm,
                                      .bias_correction = s->bias_correction,
                                      .depth_decay = s->layerwise_lr_decay,
                                      .depth_as_original = s->layerwise_as_original},
                        .seed = f->seed,
                        .batch = (int)s->train_batch_size,
                        .steps = f->steps,
                        .log_every = s->logging_steps,
                        .save_every = s->save_checkpoints_steps ? s->save_checkpoints_steps : INT64_MAX,
                        .evaluate_every = every < 1 ? 1 : every,
                        .keep = (int)s->keep_checkpoint_max,
                        .most_skipped = (int)s->max_skipped_steps,
                        .most_seconds = time_left(f),
                        .tensorboard = s->tensorboard,
                        .watch = {on_event, f->watch.stop, f}};
}

char *el_finetune_readme(const el_finetuning *f, const json_t *metrics)
{
    static const char *const PIPELINES[EL_TASK_KINDS] = {[EL_CLASSIFY] = "text-classification",
                                                         [EL_REGRESS] = "text-classification",
                                                         [EL_MULTILABEL] = "text-classification",
                                                         [EL_TAG] = "token-classification",
                                                         [EL_SPAN] = "question-answering"};
    char about[1024], title[128];
    snprintf(title, sizeof title, "Fine-tuned %s: %s", el_model_type_name(f->config.model_type),
             f->task->name);
    el_number_print(about, sizeof about,
                    "%s. Fine-tuned on %d example%s, %g epoch%s, batches of %" PRId64
                    ", rate %g, seed %" PRIu64 ".\n",
                    f->task->about, f->data[EL_TRAIN].count, el_s(f->data[EL_TRAIN].count),
                    f->settings->num_train_epochs, f->settings->num_train_epochs == 1 ? "" : "s",
                    f->settings->train_batch_size, f->settings->learning_rate, f->seed);
    const el_head_config head = head_of(f);
    return el_card_text(&(el_card){.pipeline = PIPELINES[f->task->kind],
                                   .own = !el_head_opens(&f->config, &head),
                                   .tag = el_model_type_name(f->config.model_type),
                                   .title = title,
                                   .about = about,
                                   .task = f->task->name,
                                   .metrics = metrics,
                                   .options = f->options});
}

el_path el_finetune_trial_folder(const el_finetuning *f, int64_t trial, int64_t again)
{
    char name[64];
    if (again)
        snprintf(name, sizeof name, "%s%" PRId64 "-again-%" PRId64, EL_TRIAL_FOLDER, trial + 1, again);
    else
        snprintf(name, sizeof name, "%s%" PRId64, EL_TRIAL_FOLDER, trial + 1);
    return el_path_in(f->settings->output, name);
}

static el_status run_trial(el_finetuning *f, int64_t again, el_trial_result *result)
{
    f->seed = (uint64_t)f->settings->seed + (uint64_t)f->trial + (uint64_t)again * RESTART_STEP;
    const el_path folder = el_finetune_trial_folder(f, f->trial, again);
    char *const text = el_finetune_readme(f, NULL);
    el_trial trial = {.trainer = trainer_of(f),
                      .features = &f->features,
                      .train = f->splits[EL_TRAIN],
                      .dev = f->splits[EL_DEV],
                      .folder = folder.text,
                      .metric = f->metric,
                      .allow_change = f->settings->allow_change,
                      .patience = (int)f->settings->early_stopping,
                      .vocab = f->vocab,
                      .card = &f->card,
                      .readme = text,
                      .start = start_trial,
                      .context = f};
    const el_status st = text ? el_trial_run(&trial, result) : el_no_memory(NULL);
    f->diverged = result->diverged;
    free(text);
    return st;
}

/* Until one whose answers differ; how many beginnings it took goes into the record. */
el_status el_finetune_trial(el_finetuning *f, json_t **line)
{
    el_trial_result result = {0};
    int64_t again = 0;
    el_status st = run_trial(f, again, &result);
    while (!st && !result.varied && again < f->settings->max_restarts) {
        again++;
        el_log(EL_LOG_WARNING,
               "trial %" PRId64 ": every answer is the same; it begins again with another seed",
               f->trial + 1);
        st = run_trial(f, again, &result);
    }
    if (!st && !result.varied)
        el_log(EL_LOG_WARNING, "trial %" PRId64 ": every answer is the same", f->trial + 1);
    if (st)
        return st;
    *line = json_pack("{s:I, s:I, s:I, s:I, s:b, s:o}", "seed", (json_int_t)f->seed, "restarts",
                      (json_int_t)again, "step", (json_int_t)result.step, "best_step",
                      (json_int_t)result.best_step, "all_alike", !result.varied, "metrics",
                      el_figures_json(&result.figures));
    return *line ? EL_OK : el_no_memory(NULL);
}

/* ---- the course of a fine-tuning ---- */

static el_status check_hash(el_finetuning *f, const char *key, const char *other, uint64_t hash)
{
    const el_status st = el_run_check_hash(&f->run, key, hash, other, f->settings->allow_change);
    if (!st)
        el_run_set_hash(&f->run, key, hash);
    return st;
}

/* What was learned from must still be what it was: tokens, and what they are to be answered with, which records of version
 * 0.1.0 lack. */
static el_status check_data(el_finetuning *f)
{
    const el_status st =
        check_hash(f, "data_hash", "other examples",
                   el_hash(f->features.ids.data, f->features.ids.count * sizeof *f->features.ids.data));
    return st ? st : check_hash(f, "targets_hash", "other examples", el_finetune_targets_hash(f));
}

/* Adds the weights of a folder to a hash; NULL: none. */
static el_status hash_weights(uint64_t *hash, const char *folder)
{
    el_tensors source;
    el_status st = folder ? el_tensors_open(&source, folder) : EL_OK;
    if (st || !folder)
        return st;
    for (int i = 0; i < source.count; i++) {
        const el_stored *const t = &source.tensors[i];
        const uint64_t sums[] = {*hash, el_hash(t->name, strlen(t->name)),
                                 el_hash(t->data, (size_t)el_stored_elements(t) * (size_t)t->element)};
        *hash = el_hash(sums, sizeof sums);
    }
    el_tensors_close(&source);
    return EL_OK;
}

/* Every trial begins with the same weights, which records of version 0.1.0 do not tell. */
static el_status check_start(el_finetuning *f)
{
    uint64_t hash = 0;
    if (f->settings->random_start)
        return EL_OK;
    el_status st = hash_weights(&hash, f->start);
    if (!st)
        st = hash_weights(&hash, f->start_backward);
    return st ? st : check_hash(f, "start_hash", "other weights", hash);
}

static el_status begin(el_finetuning *f)
{
    json_t *const record = f->run.record;
    if (!f->resuming) {
        json_object_set_new(record, "version", json_string(ELECTRA_VERSION));
        json_object_set_new(record, "trials", json_array());
    }
    json_object_set_new(record, "settings", el_options_json(f->options));
    json_object_set_new(record, "given", el_options_given_json(f->options));
    json_t *const machine = el_machine_json(&f->settings->machine, f->q->dev);
    const el_status st =
        el_run_segment_begin(&f->run, (int64_t)json_array_size(json_object_get(record, "trials")), machine);
    json_decref(machine);
    return st;
}

/* Ranks that do not learn the same from the same would not have the same weights. */
static el_status check_ranks(const el_finetuning *f)
{
    static const struct {
        const char *key, *what;
    } HASHES[] = {{"data_hash", "the hash of the examples"},
                  {"targets_hash", "the hash of the examples"},
                  {"start_hash", "the hash of the weights to begin with"}};
    el_dist *const dist = f->settings->machine.dist;
    el_status st = el_machine_same(&f->settings->machine, f->q, f->options, OF_A_RANK);
    for (int i = 0; !st && i < (f->settings->random_start ? 2 : 3); i++)
        st = el_dist_same(dist, HASHES[i].what,
                          json_string_value(json_object_get(f->run.record, HASHES[i].key)));
    return st;
}

static el_status open_all(el_finetuning *f)
{
    el_dist *const dist = f->settings->machine.dist;
    el_status st = el_dist_agree(dist, open_run(f));
    if (!st)
        st = el_finetune_open_data(f);
    f->together = el_dist_size(dist) == 1 || f->settings->num_trials == 1;
    if (!st)
        st = el_machine_open(&f->settings->machine, &f->q);
    if (!st)
        st = compare_settings(f);
    if (!st)
        st = check_data(f);
    if (!st)
        st = check_start(f);
    if (!st)
        st = open_model(f);
    if (!st)
        st = el_leaves_check(f->learner, (int)f->settings->machine.leaves,
                             f->together ? el_dist_size(dist) : 1);
    if (!st)
        st = choose_metric(f);
    st = el_dist_agree(dist, st);
    if (!st)
        st = check_ranks(f);
    if (!st && !f->together)
        st = el_shared_folder_check(dist, f->settings->output);
    f->steps = st ? 0 : count_steps(f);
    return el_dist_agree(dist, st ? st : begin(f));
}

el_status el_finetune_open(el_finetuning *f, el_options *options, const el_watch *watch)
{
    *f = (el_finetuning){.settings = options->settings, .options = options};
    if (watch)
        f->watch = *watch;
    const el_status st = open_all(f);
    if (st)
        el_finetune_close(f);
    return st;
}

void el_finetune_close(el_finetuning *f)
{
    if (f->learner)
        f->learner->close(f->learner);
    el_model_close(&f->model);
    el_queue_close(f->q);
    for (int i = 0; i < EL_SPLITS; i++)
        el_dataset_release(&f->data[i]);
    el_features_release(&f->features);
    el_task_card_release(&f->card);
    el_task_files_release(&f->files);
    free(f->start);
    free(f->start_backward);
    el_vocab_close(f->vocab);
    el_run_close(&f->run);
    json_decref(f->results);
    *f = (el_finetuning){0};
}

/* What becomes of the weights that it starts from. */
static void say_start(const el_finetuning *f)
{
    if (f->taught)
        el_log(EL_LOG_NOTE, "%s: was fine-tuned before; its head is left out, a new one is trained",
               f->start);
    if (f->start_backward)
        el_log(EL_LOG_NOTE, "%s: the head reads both directions, the states of two networks side by side",
               f->start);
}

el_status el_finetune_run(el_finetuning *f)
{
    json_t *const trials = json_object_get(f->run.record, "trials");
    say_start(f);
    el_log(EL_LOG_NOTE,
           "%s: %d training, %d dev example%s, %" PRId64 " step%s of %" PRId64 " sequence%s, rate %g, %s, %s",
           f->task->name, f->data[EL_TRAIN].count, f->data[EL_DEV].count, el_s(f->data[EL_DEV].count),
           f->steps, el_s(f->steps), f->settings->train_batch_size, el_s(f->settings->train_batch_size),
           f->settings->learning_rate, f->model.activations == EL_BF16 ? "bf16" : "fp32", f->q->dev->level);
    el_dist *const dist = f->settings->machine.dist;
    f->began = el_now();
    el_status st = el_finetune_trials(f);
    if (!st && el_dist_leads(dist))
        st = el_finetune_finish(f);
    st = el_dist_await(dist, st);
    return el_dist_agree(dist, el_run_segment_end(&f->run, (int64_t)json_array_size(trials), st));
}
