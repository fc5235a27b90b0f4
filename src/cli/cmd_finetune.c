/* cmd_finetune - electra finetune: teaches a pre-trained model a task, some trials with seeds of their own
 *
 *   OUT/run.json        settings, machine, the trials that are done
 *   OUT/trial-<n>/      trial.h; "-again-<k>" where it began again with another seed
 *   OUT/model/          the best trial's best model, a Hugging Face folder
 *   OUT/results.json    what is printed
 */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/figures.h"
#include "cli/options_finetune.h"
#include "model/initialise.h"
#include "train/run.h"

static const char EXAMPLES[] =
    "  electra finetune --model run --task sst2 --data SST-2 --output sentiment\n"
    "  electra finetune --model run --task classify --data reviews --num-trials 5 --output reviews.model\n"
    "  electra finetune --init-from mnli.model --task rte --data RTE --output rte\n"
    "  electra finetune --model run --task ner --train-file a.conll --dev-file b.conll --output names "
    "--json\n"
    "  electra finetune --output sentiment                goes on where it stopped\n"
    "\ntasks:\n";

enum { RESTART_STEP = 1000 }; /* from a trial's seed to that of its next beginning */

static volatile sig_atomic_t stop_wanted;

/* A second signal ends the program at once: the handler is gone by then. */
static void on_signal(int number)
{
    (void)number;
    stop_wanted = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
}

typedef enum { TRAIN, DEV, TEST, ALSO, SPLITS } split_name;

/* Everything that is open while the command runs. */
typedef struct {
    finetune_settings settings;
    el_options options;
    char *help; /* examples and tasks */
    const el_task *task;
    el_task_files files;
    el_run run;
    bool resuming;
    json_t *changes;
    el_dataset data[SPLITS];
    el_features features;
    el_split splits[SPLITS];
    char *start; /* folder that weights come from */
    el_config config;
    el_vocab *vocab;
    el_device *dev;
    el_model model;
    el_task_card card;
    el_objective *learner;
    uint64_t seed; /* of the trial that runs */
    int64_t trial, steps;
    cli_progress line;
    char figures[160];
} job;

/* ---- settings ---- */

static el_status recall_settings(job *j)
{
    static const char *const OF_NOW[] = {"allow_change", "json", "max_time", "threads", "instruction_set"};
    json_t *const recorded = json_deep_copy(json_object_get(j->run.record, "settings"));
    for (int i = 0; i < FINETUNE_LINES; i++)
        if (FINETUNE_TABLE[i].type != EL_OPT_SECTION && el_options_given(&j->options, FINETUNE_TABLE[i].name))
            json_object_del(recorded, FINETUNE_TABLE[i].name);
    for (size_t i = 0; i < sizeof OF_NOW / sizeof *OF_NOW; i++)
        json_object_del(recorded, OF_NOW[i]);
    const el_status st = el_options_apply(&j->options, recorded, "run.json");
    json_decref(recorded);
    return st == EL_EUSAGE ? EL_EDATA : st;
}

static el_status open_run(job *j)
{
    if (!j->settings.output)
        return el_fail(EL_EUSAGE, "--output: which folder is the result to live in?");
    const el_status st = el_run_open(&j->run, j->settings.output);
    j->resuming = !st && json_object_get(j->run.record, "settings");
    return j->resuming ? recall_settings(j) : st;
}

static el_status compare_settings(job *j)
{
    if (!j->resuming)
        return EL_OK;
    json_t *const now = el_options_json(&j->options);
    const el_status st = el_run_compare(json_object_get(j->run.record, "settings"), now, FINETUNE_FREE,
                                        j->settings.allow_change, &j->changes);
    json_decref(now);
    return st;
}

/* ---- model ---- */

static el_status find_start(job *j)
{
    const char *const from = j->settings.init_from ? j->settings.init_from : j->settings.model;
    if (!from)
        return el_fail(EL_EUSAGE, "--model: which run or model folder is to be taught?");
    el_role role;
    el_status st = el_encoder_find(from, &j->start);
    if (!st)
        st = el_weights_config(j->start, &j->config, &role);
    if (!st)
        st = el_weights_vocab(j->start, &j->config, &j->vocab);
    return st;
}

static el_head_config head_of(const job *j)
{
    static const el_head_kind HEADS_OF[EL_TASK_KINDS][2] = {
        [EL_CLASSIFY] = {EL_HEAD_SEQUENCE, EL_HEAD_SEQUENCE_AFFINE},
        [EL_REGRESS] = {EL_HEAD_SEQUENCE, EL_HEAD_SEQUENCE_AFFINE},
        [EL_MULTILABEL] = {EL_HEAD_SEQUENCE, EL_HEAD_SEQUENCE_AFFINE},
        [EL_TAG] = {EL_HEAD_TOKEN, EL_HEAD_TOKEN},
        [EL_SPAN] = {EL_HEAD_SPAN, EL_HEAD_SPAN_JOINT},
    };
    return (el_head_config){.kind = HEADS_OF[j->task->kind][j->settings.head],
                            .labels = j->task->kind == EL_REGRESS ? 1 : j->card.labels.count,
                            .dropout = j->settings.dropout,
                            .answerable = j->settings.answerable_classifier && j->card.rule == EL_SQUAD_2};
}

static el_status open_model(job *j)
{
    el_model_plan plan = {.discriminator = true,
                          .discriminator_config = j->config,
                          .activations = cli_machine_type(&j->settings.machine),
                          .parameters = EL_F32,
                          .training = true,
                          .head = head_of(j)};
    plan.discriminator_config.hidden_dropout_prob = j->settings.dropout;
    plan.discriminator_config.attention_probs_dropout_prob = j->settings.dropout;
    const el_status st = el_model_open(&j->model, j->dev, &plan);
    el_learner_settings learner = el_task_card_settings(&j->card, (int)j->settings.micro_batch_tokens);
    learner.positive = j->task->positive;
    learner.null_threshold = NAN; /* the best is looked for */
    learner.answerable_weight = j->settings.answerable_weight;
    return st ? st : el_learner_open(&j->learner, &j->model, &j->features, j->splits, SPLITS, &learner);
}

/* What was learned before, or weights by the trial's seed; the head is always new. */
static el_status start_trial(void *context)
{
    job *const j = context;
    const el_initialisation how = {.seed = j->seed, .fan_in = j->config.hidden_size < 768};
    if (j->settings.random_start)
        return el_model_initialise(&j->model, &how);
    const el_status st = el_weights_load(&j->model, EL_DISCRIMINATOR, j->start);
    return st ? st : el_model_initialise_head(&j->model, &how);
}

/* ---- data ---- */

static el_status read_split(job *j, split_name name, const el_task *task, const char *path)
{
    if (!path)
        return EL_OK;
    const el_columns columns = cli_columns_of(&j->settings.columns);
    el_dataset *const d = &j->data[name];
    const el_status st = el_task_read(task, path, (el_task_reading){.columns = &columns, .labelled = true},
                                      &j->card.labels, d);
    if (!st && d->skipped)
        el_log(EL_LOG_WARNING, "%s: %d malformed lines are left out", path, d->skipped);
    return st;
}

static el_status read_train(job *j)
{
    const finetune_settings *const s = &j->settings;
    el_status st = read_split(j, TRAIN, j->task, j->files.train);
    if (!st && !j->files.dev) {
        const el_hold_out rule = {.every = (int)s->dev_every,
                                  .last = (int)s->dev_last,
                                  .share = s->dev_share,
                                  .seed = (uint64_t)s->seed};
        st = el_dataset_hold_out(&j->data[TRAIN], &j->data[DEV], rule);
        if (!st)
            el_log(EL_LOG_NOTE, "%d of the training examples are held out as dev", j->data[DEV].count);
    }
    if (!st && s->max_train_examples)
        st = el_dataset_limit(&j->data[TRAIN], (int)s->max_train_examples, (uint64_t)s->seed);
    return st;
}

/* Tags are those of all files, since what one lacks another may have; a label must be one of training. */
static el_status read_rest(job *j)
{
    el_dataset *all[SPLITS] = {&j->data[TRAIN], &j->data[DEV], &j->data[TEST], &j->data[ALSO]};
    el_status st = EL_OK;
    if (j->task->kind != EL_TAG)
        st = el_labels_close(&j->card.labels, all, SPLITS);
    if (!st)
        st = read_split(j, DEV, j->task, j->files.dev);
    if (!st && !(j->task->test_unlabelled && !j->settings.test_file))
        st = read_split(j, TEST, j->task, j->files.test);
    if (!st && j->settings.max_dev_examples)
        st = el_dataset_limit(&j->data[DEV], (int)j->settings.max_dev_examples, (uint64_t)j->settings.seed);
    return st ? st : el_labels_close(&j->card.labels, all, SPLITS);
}

/* The other dev file of MNLI, where it is there. */
static el_status read_also(job *j)
{
    if (!j->task->also || !j->settings.data)
        return EL_OK;
    const el_task *also = el_task_find(j->task->also);
    el_task_files files;
    el_status st = el_task_find_files(&also, j->settings.data, NULL, false, &files);
    if (!st)
        st = read_split(j, ALSO, also, files.dev);
    el_task_files_release(&files);
    return st;
}

static void range_of_scores(job *j)
{
    const el_dataset *const d = &j->data[TRAIN];
    j->card.low = j->settings.low, j->card.high = j->settings.high;
    if (d->kind != EL_REGRESS || j->card.low != j->card.high)
        return;
    j->card.low = INFINITY, j->card.high = -INFINITY;
    for (int i = 0; i < d->count; i++) {
        j->card.low = fmin(j->card.low, d->examples[i].value);
        j->card.high = fmax(j->card.high, d->examples[i].value);
    }
    if (j->card.low == j->card.high)
        j->card.high = j->card.low + 1;
}

/* How answers are scored: by the task, and as SQuAD 2.0 where some question has none. */
static el_squad_rule rule_of(const job *j)
{
    const el_dataset *const d = &j->data[TRAIN];
    for (int i = 0; d->kind == EL_SPAN && i < d->count; i++)
        if (d->examples[i].label == 1)
            return EL_SQUAD_2;
    return strcmp(j->task->name, "korquad") == 0 ? EL_KORQUAD
           : strcmp(j->task->name, "mrqa") == 0  ? EL_MRQA
                                                 : EL_SQUAD_1;
}

static el_status fill_card(job *j)
{
    const finetune_settings *const s = &j->settings;
    char *const name = strdup(j->task->name);
    if (!name)
        return el_fail(EL_ENOMEM, "no memory for the task");
    free(j->card.task);
    j->card.task = name;
    j->card.n_best = (int)s->n_best_size;
    j->card.max_answer_length = (int)s->max_answer_length;
    j->card.beam = (int)s->beam_size;
    j->card.rule = rule_of(j);
    j->card.null_threshold = NAN;
    j->card.features = (el_feature_settings){.max_seq_length = (int)s->max_seq_length,
                                             .max_query_length = (int)s->max_query_length,
                                             .doc_stride = (int)s->doc_stride,
                                             .double_unordered = s->double_unordered,
                                             .segment_one = s->segment_one};
    const el_dataset *const d = &j->data[TRAIN];
    for (int i = 0; i < d->count; i++)
        j->card.pair |= d->kind != EL_SPAN && d->examples[i].text[1];
    range_of_scores(j);
    return EL_OK;
}

static el_status make_features(job *j)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < SPLITS; i++)
        if (j->data[i].count)
            st = el_features_add(&j->features, &j->data[i], j->vocab, &j->card.features, i == TRAIN,
                                 &j->splits[i]);
    if (!st && j->features.cut)
        el_log(EL_LOG_NOTE, "%d examples are longer than %d tokens, and cut", j->features.cut,
               j->card.features.max_seq_length);
    if (!st && j->features.answers_lost)
        el_log(EL_LOG_NOTE,
               "%d questions are left out of training, as their answer does not stand in the text; "
               "number %lld of %s is the first",
               j->features.answers_lost, (long long)j->features.first_lost->line, j->data[TRAIN].name);
    if (!st && j->splits[TRAIN].end == j->splits[TRAIN].begin)
        st = el_fail(EL_EDATA, "%s: there is nothing in it to learn from", j->files.train);
    return st;
}

static el_status open_data(job *j)
{
    const finetune_settings *const s = &j->settings;
    if (!s->task)
        return el_fail(EL_EUSAGE, "--task: what is to be learned?");
    el_status st = cli_task_find(s->task, &j->task);
    const el_task_files given = {(char *)s->train_file, (char *)s->dev_file, (char *)s->test_file};
    if (!st)
        st = el_task_find_files(&j->task, s->data, &given, true, &j->files);
    if (!st)
        st = find_start(j);
    if (!st)
        st = el_task_card_open(&j->card, j->task->kind);
    if (!st)
        finetune_derive(&j->settings, &j->options, j->task, &j->config);
    if (!st)
        st = read_train(j);
    if (!st)
        st = read_rest(j);
    if (!st)
        st = read_also(j);
    if (!st)
        st = fill_card(j);
    return st ? st : make_features(j);
}

/* What chooses the best model: the task's figure, and of questions some of which have no answer the best F1. */
static const char *metric_name(const job *j)
{
    if (j->task->kind != EL_SPAN)
        return j->task->metric;
    return j->card.rule == EL_SQUAD_2 ? "best_f1" : "f1";
}

/* ---- the course of a trial ---- */

static void add_figure(char *text, size_t size, const el_figures *figures, const char *name)
{
    const double value = el_figure(figures, name);
    const size_t used = strlen(text);
    if (isfinite(value))
        snprintf(text + used, size - used, "%s%s %.4g", used ? "  " : "", name, value);
}

static el_status on_event(void *context, const el_event *event)
{
    job *const j = context;
    char text[256];
    const double fraction = (double)event->progress->step / (double)j->steps;
    switch (event->kind) {
    case EL_EVENT_STEP:
    case EL_EVENT_RECORD:
        *j->figures = '\0';
        add_figure(j->figures, sizeof j->figures, event->figures, "loss");
        snprintf(text, sizeof text,
                 "trial %" PRId64 "/%" PRId64 "  step %" PRId64 "/%" PRId64 "  %s  lr %.2g  %.0f tok/s",
                 j->trial + 1, j->settings.num_trials, event->progress->step, j->steps, j->figures,
                 event->rate, event->tokens_per_second);
        cli_progress_show(&j->line, fraction, text);
        break;
    case EL_EVENT_EVALUATING:
        cli_progress_show(&j->line, fraction, "evaluating");
        break;
    case EL_EVENT_EVALUATION:
        *text = '\0';
        for (int i = 0; i < event->figures->count; i++)
            add_figure(text, sizeof text, event->figures, event->figures->names[i]);
        el_log(EL_LOG_NOTE, "trial %" PRId64 ", step %" PRId64 ", dev: %s", j->trial + 1,
               event->progress->step, text);
        break;
    case EL_EVENT_CHECKPOINT:
        break;
    }
    return EL_OK;
}

static int64_t count_steps(const job *j)
{
    const double features = j->splits[TRAIN].end - j->splits[TRAIN].begin;
    const double steps = ceil(features * j->settings.num_train_epochs / (double)j->settings.train_batch_size);
    return steps < 1 ? 1 : (int64_t)steps;
}

static el_trainer trainer_of(job *j)
{
    const finetune_settings *const s = &j->settings;
    const double epochs = s->num_train_epochs > 0 ? s->num_train_epochs : 1;
    int64_t every = (int64_t)ceil((double)j->steps / epochs / (double)s->evaluations_per_epoch);
    return (el_trainer){.objective = j->learner,
                        .schedule = {.peak = s->learning_rate,
                                     .power = s->lr_decay_power,
                                     .warmup = (int64_t)((double)j->steps * s->warmup_proportion),
                                     .steps = j->steps},
                        .optimizer = {.beta1 = s->adam_beta1,
                                      .beta2 = s->adam_beta2,
                                      .epsilon = s->adam_epsilon,
                                      .weight_decay = s->weight_decay_rate,
                                      .max_norm = s->max_grad_norm,
                                      .bias_correction = s->bias_correction,
                                      .depth_decay = s->layerwise_lr_decay,
                                      .depth_as_original = s->layerwise_as_original},
                        .seed = j->seed,
                        .batch = (int)s->train_batch_size,
                        .steps = j->steps,
                        .log_every = s->logging_steps,
                        .save_every = s->save_checkpoints_steps ? s->save_checkpoints_steps : INT64_MAX,
                        .evaluate_every = every < 1 ? 1 : every,
                        .keep = (int)s->keep_checkpoint_max,
                        .most_skipped = (int)s->max_skipped_steps,
                        .most_seconds = s->max_time,
                        .stop = &stop_wanted,
                        .on_event = on_event,
                        .context = j};
}

static char *readme(const job *j)
{
    static const char FORMAT[] =
        "---\nlibrary_name: transformers\ntags:\n- electra\n---\n\n# ELECTRA, fine-tuned: %s\n\n"
        "%s. Fine-tuned by electra " ELECTRA_VERSION " on %d examples, %g epochs, batches of "
        "%" PRId64 ", rate %g, seed %" PRIu64 ".\n";
    const size_t size = sizeof FORMAT + 512;
    char *const text = malloc(size);
    if (text)
        snprintf(text, size, FORMAT, j->task->name, j->task->about, j->data[TRAIN].count,
                 j->settings.num_train_epochs, j->settings.train_batch_size, j->settings.learning_rate,
                 j->seed);
    return text;
}

static char *trial_folder(const job *j, int64_t trial, int64_t again)
{
    char name[64];
    if (again)
        snprintf(name, sizeof name, "trial-%" PRId64 "-again-%" PRId64, trial + 1, again);
    else
        snprintf(name, sizeof name, "trial-%" PRId64, trial + 1);
    return el_path_join(j->settings.output, name);
}

static el_status run_trial(job *j, int64_t again, el_trial_result *result)
{
    j->seed = (uint64_t)j->settings.seed + (uint64_t)j->trial + (uint64_t)again * RESTART_STEP;
    char *const folder = trial_folder(j, j->trial, again), *const text = readme(j);
    el_trial trial = {.trainer = trainer_of(j),
                      .features = &j->features,
                      .train = j->splits[TRAIN],
                      .dev = j->splits[DEV],
                      .folder = folder,
                      .metric = metric_name(j),
                      .patience = (int)j->settings.early_stopping,
                      .vocab = j->vocab,
                      .card = &j->card,
                      .readme = text,
                      .start = start_trial,
                      .context = j};
    cli_progress_begin(&j->line);
    const el_status st =
        folder && text ? el_trial_run(&trial, result) : el_fail(EL_ENOMEM, "no memory for a trial");
    cli_progress_end(&j->line);
    free(text);
    free(folder);
    return st;
}

/* Trials until one whose answers differ; how many beginnings it took goes into the record. */
static el_status run_until_varied(job *j)
{
    el_trial_result result = {0};
    int64_t again = 0;
    el_status st = run_trial(j, again, &result);
    while (!st && !result.varied && again < j->settings.max_restarts) {
        again++;
        el_log(EL_LOG_WARNING,
               "trial %" PRId64 ": every answer is the same; it begins again with another seed",
               j->trial + 1);
        st = run_trial(j, again, &result);
    }
    if (!st && !result.varied)
        el_log(EL_LOG_WARNING, "trial %" PRId64 ": every answer is the same", j->trial + 1);
    if (st)
        return st;
    json_t *const trials = json_object_get(j->run.record, "trials");
    json_array_append_new(trials, json_pack("{s:I, s:I, s:I, s:I, s:b, s:o}", "seed", (json_int_t)j->seed,
                                            "restarts", (json_int_t)again, "step", (json_int_t)result.step,
                                            "best_step", (json_int_t)result.best_step, "all_alike",
                                            !result.varied, "metrics", cli_figures_json(&result.figures)));
    return el_run_save(&j->run);
}

/* ---- results ---- */

static double metric_of(const job *j, size_t trial)
{
    const json_t *const metrics =
        json_object_get(json_array_get(json_object_get(j->run.record, "trials"), trial), "metrics");
    const json_t *const value = json_object_get(metrics, metric_name(j));
    return json_is_number(value) ? json_number_value(value) : -INFINITY;
}

static size_t best_trial(const job *j)
{
    size_t best = 0;
    for (size_t i = 1; i < json_array_size(json_object_get(j->run.record, "trials")); i++)
        if (metric_of(j, i) > metric_of(j, best))
            best = i;
    return best;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean, median and deviation over trials of one figure, and what the best trial has. */
static json_t *summary_of(const json_t *trials, const char *name, json_t *best)
{
    const size_t count = json_array_size(trials);
    double *const values = malloc(count * sizeof *values);
    double sum = 0, squares = 0;
    size_t n = 0;
    for (size_t i = 0; values && i < count; i++) {
        const json_t *const value =
            json_object_get(json_object_get(json_array_get(trials, i), "metrics"), name);
        if (json_is_number(value))
            sum += values[n++] = json_number_value(value);
    }
    const double mean = n ? sum / (double)n : 0;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    if (n)
        qsort(values, n, sizeof *values, ascending);
    json_t *const object = n ? json_pack("{s:f, s:f, s:f, s:O}", "mean", mean, "median",
                                         (values[(n - 1) / 2] + values[n / 2]) / 2, "deviation",
                                         n > 1 ? sqrt(squares / (double)(n - 1)) : 0, "best", best)
                             : json_object();
    free(values);
    return object;
}

static json_t *results_json(const job *j, const json_t *test, const json_t *also)
{
    const json_t *const trials = json_object_get(j->run.record, "trials");
    json_t *const best = json_array_get(trials, best_trial(j)), *const summary = json_object();
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(best, "metrics"), key, value)
        json_object_set_new(summary, key, summary_of(trials, key, value));
    json_t *const results = json_pack("{s:s, s:s, s:s, s:O, s:o, s:O}", "task", j->task->name, "kind_of_best",
                                      "dev", "metric", metric_name(j), "metrics",
                                      json_object_get(best, "metrics"), "summary", summary, "trials", trials);
    if (json_object_size(test))
        json_object_set(results, "test", (json_t *)test);
    if (json_object_size(also))
        json_object_set(results, j->task->also, (json_t *)also);
    return results;
}

static void print_table(const job *j, const json_t *results)
{
    const json_t *const test = json_object_get(results, "test"), *const also =
                                                                     j->task->also
                                                                         ? json_object_get(results,
                                                                                           j->task->also)
                                                                         : NULL;
    const char *key;
    json_t *value;
    printf("%-24s %8s %8s %8s %8s%s%s%s\n", "dev", "mean", "median", "dev.", "best", test ? "     test" : "",
           also ? "  " : "", also ? j->task->also : "");
    json_object_foreach(json_object_get(results, "summary"), key, value)
    {
        static const char *const COLUMNS[] = {"mean", "median", "deviation", "best"};
        printf("%-24s", key);
        for (int i = 0; i < 4; i++)
            printf(" %8.4f", json_number_value(json_object_get(value, COLUMNS[i])));
        if (test)
            printf(" %8.4f", json_number_value(json_object_get(test, key)));
        if (also)
            printf("  %.4f", json_number_value(json_object_get(also, key)));
        printf("%s\n", strcmp(key, metric_name(j)) == 0 ? "  <" : "");
    }
}

/* Fills the open model with the best of the best trial, and copies that folder to OUT/model. */
static el_status take_best(job *j)
{
    const size_t trial = best_trial(j);
    const json_t *const record = json_array_get(json_object_get(j->run.record, "trials"), trial);
    char *const folder =
        trial_folder(j, (int64_t)trial, json_integer_value(json_object_get(record, "restarts")));
    char *const best = folder ? el_path_join(folder, "best") : NULL, *const model = el_path_join(
                                                                         j->settings.output, "model");
    el_status st = best && model ? el_weights_load(&j->model, EL_DISCRIMINATOR, best)
                                 : el_fail(EL_ENOMEM, "no memory for a path");
    if (!st)
        el_model_prepare(&j->model);
    j->seed = (uint64_t)json_integer_value(json_object_get(record, "seed"));
    const json_t *const threshold = json_object_get(json_object_get(record, "metrics"), "best_f1_threshold");
    if (json_is_number(threshold))
        j->card.null_threshold = json_number_value(threshold);
    char *const text = readme(j);
    if (!st)
        st = text ? el_finetuned_save(&j->model, j->vocab, &j->card, text, model)
                  : el_fail(EL_ENOMEM, "no memory");
    free(text);
    free(model);
    free(best);
    free(folder);
    return st;
}

static el_status score_split(job *j, split_name split, json_t **figures)
{
    const el_trial trial = {.trainer = trainer_of(j), .features = &j->features};
    el_figures found;
    *figures = NULL;
    if (!j->data[split].count)
        return EL_OK;
    const el_status st = el_trial_evaluate(&trial, j->splits[split], &found);
    if (!st)
        *figures = cli_figures_json(&found);
    return st;
}

static el_status write_results(job *j)
{
    json_t *test = NULL, *also = NULL, *results = NULL;
    char *const path = el_path_join(j->settings.output, "results.json");
    el_status st = path ? take_best(j) : el_fail(EL_ENOMEM, "no memory for a path");
    if (!st)
        st = score_split(j, TEST, &test);
    if (!st)
        st = score_split(j, ALSO, &also);
    if (!st)
        st = (results = results_json(j, test, also)) ? el_json_save(results, path)
                                                     : el_fail(EL_ENOMEM, "no memory for the results");
    if (!st && j->settings.json)
        st = cli_json_print(results);
    else if (!st)
        print_table(j, results);
    json_decref(results);
    json_decref(test);
    json_decref(also);
    free(path);
    return st;
}

/* ---- the course of the command ---- */

/* What was learned from must still be what it was. */
static el_status check_data(job *j)
{
    char now[17];
    el_hash_text(el_hash(j->features.ids.data, j->features.ids.count * sizeof *j->features.ids.data), now);
    const char *const before = json_string_value(json_object_get(j->run.record, "data_hash"));
    if (before && strcmp(before, now) != 0 && !j->settings.allow_change)
        return el_fail(EL_EUSAGE,
                       "%s: the examples are not those it began with; --allow-change to go on all the same",
                       j->settings.output);
    json_object_set_new(j->run.record, "data_hash", json_string(now));
    return EL_OK;
}

static el_status begin(job *j)
{
    json_t *const record = j->run.record;
    if (!j->resuming) {
        json_object_set_new(record, "version", json_string(ELECTRA_VERSION));
        json_object_set_new(record, "trials", json_array());
    }
    json_object_set_new(record, "settings", el_options_json(&j->options));
    json_t *const machine = cli_machine_json(&j->settings.machine, j->dev);
    const el_status st = el_run_segment_begin(
        &j->run, (int64_t)json_array_size(json_object_get(record, "trials")), machine, j->changes);
    json_decref(machine);
    return st;
}

static el_status prepare(job *j)
{
    el_status st = open_run(j);
    if (!st)
        st = open_data(j);
    if (!st)
        st = cli_machine_open(&j->settings.machine, &j->dev);
    if (!st)
        st = compare_settings(j);
    if (!st)
        st = check_data(j);
    if (!st)
        st = open_model(j);
    j->steps = st ? 0 : count_steps(j);
    return st ? st : begin(j);
}

static const char *outcome_of(el_status st)
{
    return st == EL_OK ? "finished" : st == EL_ESTOPPED ? "stopped" : "failed";
}

static el_status teach(job *j)
{
    json_t *const trials = json_object_get(j->run.record, "trials");
    el_log(EL_LOG_NOTE,
           "%s: %d training, %d dev examples, %" PRId64 " steps of %" PRId64 " sequences, rate %g, %s, %s",
           j->task->name, j->data[TRAIN].count, j->data[DEV].count, j->steps, j->settings.train_batch_size,
           j->settings.learning_rate, j->model.activations == EL_BF16 ? "bf16" : "fp32", j->dev->level);
    el_status st = EL_OK;
    for (j->trial = (int64_t)json_array_size(trials); !st && j->trial < j->settings.num_trials; j->trial++)
        st = run_until_varied(j);
    if (!st)
        st = write_results(j);
    char sentence[1024];
    snprintf(sentence, sizeof sentence, "%s", el_error());
    const el_status written = el_run_segment_end(&j->run, (int64_t)json_array_size(trials), outcome_of(st));
    return st ? el_fail(st, "%s", sentence) : written;
}

static void close_job(job *j)
{
    if (j->learner)
        j->learner->close(j->learner);
    el_model_close(&j->model);
    if (j->dev)
        j->dev->close(j->dev);
    for (int i = 0; i < SPLITS; i++)
        el_dataset_release(&j->data[i]);
    el_features_release(&j->features);
    el_task_card_release(&j->card);
    el_task_files_release(&j->files);
    free(j->start);
    el_vocab_close(j->vocab);
    json_decref(j->changes);
    if (j->run.folder)
        el_run_close(&j->run);
    el_options_close(&j->options);
    free(j->help);
}

/* Examples, and the list of tasks behind them. */
static char *help_text(void)
{
    char *const tasks = cli_task_list(), *const text = tasks ? malloc(sizeof EXAMPLES + strlen(tasks)) : NULL;
    if (text)
        sprintf(text, "%s%s", EXAMPLES, tasks);
    free(tasks);
    return text;
}

int cmd_finetune(int argc, char **argv)
{
    job j = {.settings = finetune_defaults(), .help = help_text()};
    int exit_code;
    j.options =
        (el_options){.command = "finetune",
                     .examples = j.help,
                     .summary = "teaches a pre-trained model a task: GLUE, SQuAD, tagging, or your own",
                     .table = FINETUNE_TABLE,
                     .count = FINETUNE_LINES,
                     .settings = &j.settings};
    if (!cli_parse(&j.options, argc, argv, &exit_code)) {
        free(j.help);
        return exit_code;
    }
    catch_signals();
    el_status st = prepare(&j);
    if (!st)
        st = teach(&j);
    exit_code = cli_exit("finetune", st);
    close_job(&j);
    return exit_code;
}
