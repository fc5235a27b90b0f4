/* cmd_pretrain - electra pretrain: trains both networks in a run folder, and goes on where it stopped */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/options_pretrain.h"
#include "data/loader.h"
#include "format/weights.h"
#include "train/checkpoint.h"
#include "train/flops.h"
#include "train/presets.h"
#include "train/run.h"

static const char EXAMPLES[] =
    "  electra pretrain --data shards --model-size tiny --output run\n"
    "  electra pretrain --data shards --eval-data heldout --model-size small --output run \\\n"
    "      --num-train-steps 200000 --threads 8\n"
    "  electra pretrain --output run                      goes on where it stopped\n"
    "  electra pretrain --data shards --model-size base --dry-run      what it would take\n";

/* Of --dry-run: how long and how often a part of a step is tried. */
static const double TRIAL_SECONDS = 2;
enum { TRIAL_MOST = 100 };

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

/* Everything that is open while the command runs. */
typedef struct {
    pretrain_settings settings;
    el_options options;
    el_run run;
    bool resuming; /* there is a checkpoint to go on from */
    json_t *changes;
    el_loader *data, *heldout;
    el_device *dev;
    el_model model;
    el_objective *objective;
    el_trainer trainer;
    el_progress progress;
    cli_progress line;
    char figures[160], shown[256]; /* of the last record, and the whole of the last progress line */
    bool recorded;
} job;

/* ---- settings ---- */

/* The preset has to be known before the rest is read, so all is read twice. */
static bool read_settings(job *j, int argc, char **argv, int *exit_code)
{
    j->options = (el_options){.command = "pretrain",
                              .examples = EXAMPLES,
                              .summary = "pre-trains generator and discriminator on shards",
                              .table = PRETRAIN_TABLE,
                              .count = PRETRAIN_LINES,
                              .settings = &j->settings};
    pretrain_defaults(&j->settings, EL_SMALL);
    if (!cli_parse(&j->options, argc, argv, exit_code))
        return false;
    const int size = j->settings.model_size;
    el_options_close(&j->options);
    pretrain_defaults(&j->settings, size);
    return cli_parse(&j->options, argc, argv, exit_code);
}

/* Where nothing was said now, what the run began with holds. */
static el_status recall_settings(job *j)
{
    json_t *recorded = json_deep_copy(json_object_get(j->run.record, "settings"));
    if (!recorded)
        return el_fail(EL_EDATA, "%s/run.json: holds no settings to go on with", j->run.folder);
    for (int i = 0; i < PRETRAIN_LINES; i++)
        if (PRETRAIN_TABLE[i].type != EL_OPT_SECTION && el_options_given(&j->options, PRETRAIN_TABLE[i].name))
            json_object_del(recorded, PRETRAIN_TABLE[i].name);
    static const char *const OF_NOW[] = {"allow_change", "dry_run",         "max_time",
                                         "threads",      "instruction_set", "do_lower_case"};
    for (size_t i = 0; i < sizeof OF_NOW / sizeof *OF_NOW; i++)
        json_object_del(recorded, OF_NOW[i]);
    const el_status st = el_options_apply(&j->options, recorded, "run.json");
    json_decref(recorded);
    return st == EL_EUSAGE ? EL_EDATA : st;
}

/* "auto" is what the run began with, on whatever machine it goes on. */
static void recall_precision(job *j)
{
    const json_t *settings = json_object_get(j->run.record, "settings");
    const char *word = json_string_value(json_object_get(settings, "precision"));
    if (word && j->settings.machine.precision == CLI_PRECISION_AUTO)
        j->settings.machine.precision = strcmp(word, "bf16") == 0 ? CLI_PRECISION_BF16 : CLI_PRECISION_FP32;
}

/* Refuses what would make it another run; more steps are welcome. */
static el_status compare_settings(job *j)
{
    const char *free_keys[64];
    int count = 0;
    while (PRETRAIN_FREE[count]) {
        free_keys[count] = PRETRAIN_FREE[count];
        count++;
    }
    const json_t *before = json_object_get(j->run.record, "settings");
    const json_t *steps = json_object_get(before, "num_train_steps");
    if (json_is_integer(steps) && j->settings.num_train_steps >= json_integer_value(steps))
        free_keys[count++] = "num_train_steps";
    free_keys[count] = NULL;
    json_t *now = el_options_json(&j->options);
    const el_status st = el_run_compare(before, now, free_keys, j->settings.allow_change, &j->changes);
    json_decref(now);
    return st;
}

static el_status open_run(job *j)
{
    const pretrain_settings *s = &j->settings;
    if (s->dry_run)
        return EL_OK;
    if (!s->output)
        return el_fail(EL_EUSAGE, "--output: which folder is the run to live in?");
    el_status st = el_run_open(&j->run, s->output);
    if (!st)
        st = el_run_begun(&j->run, &j->resuming);
    if (!st && j->resuming) {
        st = recall_settings(j);
        recall_precision(j);
    }
    return st;
}

/* ---- data ---- */

/* What shards and record say must be one. */
static el_status check_number(const char *name, int64_t given, int64_t found)
{
    if (given == 0 || given == found)
        return EL_OK;
    return el_fail(EL_EUSAGE, "--%s: %" PRId64 ", but the shards have %" PRId64, name, given, found);
}

static el_status check_recorded_hash(const job *j, const char *key, uint64_t hash, const char *what)
{
    char text[17];
    const char *recorded = NULL;
    el_hash_text(hash, text);
    const el_status st = el_json_string(j->run.record, "run.json", key, &recorded);
    if (st || !recorded || strcmp(recorded, text) == 0 || j->settings.allow_change)
        return st;
    return el_fail(EL_EUSAGE,
                   "%s: the %s is not that of the run (%s, not %s); --allow-change to go on all the same",
                   j->settings.data, what, text, recorded);
}

static el_status open_heldout(job *j)
{
    const char *folder = j->settings.eval_data;
    if (!folder)
        return EL_OK;
    el_status st = el_loader_open(&j->heldout, folder);
    if (!st)
        st = el_vocab_same(el_loader_vocab(j->data), j->settings.data, el_loader_vocab(j->heldout), folder);
    return st;
}

static el_status open_data(job *j)
{
    pretrain_settings *s = &j->settings;
    if (!s->data)
        return el_fail(EL_EUSAGE, "--data: which shards? `electra prepare` makes them");
    el_status st = el_loader_open(&j->data, s->data);
    if (st)
        return st;
    const int longest = el_loader_max_seq_length(j->data);
    const el_vocab *vocab = el_loader_vocab(j->data);
    if (!el_options_given(&j->options, "max_position_embeddings") && longest > s->max_position_embeddings)
        s->max_position_embeddings = longest;
    st = check_number("max-seq-length", s->max_seq_length, longest);
    if (!st)
        st = check_number("vocab-size", s->vocab_size, vocab->size);
    if (!st && el_options_given(&j->options, "do_lower_case") && s->do_lower_case != vocab->casing.lowercase)
        st = el_fail(EL_EUSAGE, "--do-lower-case: the vocabulary of the shards is %s",
                     vocab->casing.lowercase ? "lower-cased" : "cased");
    if (!st && j->resuming)
        st = check_recorded_hash(j, "vocabulary_hash", vocab->hash, "vocabulary");
    if (!st && j->resuming)
        st = check_recorded_hash(j, "data_hash", el_loader_hash(j->data), "content of the shards");
    if (!st)
        st = open_heldout(j);
    return st;
}

static el_status read_training(void *context, int64_t first, int count, el_batch *batch)
{
    const job *j = context;
    return el_loader_batch(j->data, (uint64_t)j->settings.seed, first, count, batch);
}

static el_status read_heldout(void *context, int64_t first, int count, el_batch *batch)
{
    const job *j = context;
    return el_loader_batch_stored(j->heldout, first, count, batch);
}

/* ---- model ---- */

/* A checkpoint's vocabulary is its run's, where it still lies in one. */
static el_status check_checkpoint_vocab(const job *j)
{
    char *run = el_path_join(j->settings.init_from, "..");
    char *record = run ? el_path_join(run, "run.json") : NULL;
    el_status st = record ? EL_OK : el_fail(EL_ENOMEM, "no memory for a path");
    if (!st && el_file_exists(record))
        st = cli_model_check_vocab(run, el_loader_vocab(j->data), j->settings.data);
    free(record);
    free(run);
    return st;
}

static el_status start_from_checkpoint(job *j)
{
    json_t *state = NULL;
    el_status st = check_checkpoint_vocab(j);
    if (!st)
        st = el_checkpoint_load(&j->model, &state, j->settings.init_from, true);
    json_decref(st ? NULL : state);
    return st;
}

static el_status start_from_folders(job *j)
{
    el_model_paths paths;
    el_status st = el_model_find(&paths, j->settings.init_from);
    if (st)
        return st;
    if (paths.generator && j->model.generator.present) /* first: the discriminator's delta is on top of it */
        st = el_weights_load(&j->model, EL_GENERATOR, paths.generator);
    if (!st && paths.discriminator && j->model.discriminator.present)
        st = el_weights_load(&j->model, EL_DISCRIMINATOR, paths.discriminator);
    if (!st)
        el_model_prepare(&j->model);
    el_model_paths_free(&paths);
    return st;
}

static el_status start(job *j)
{
    const el_initialisation how = pretrain_initialisation(&j->settings);
    el_status st = el_model_initialise(&j->model, &how);
    if (st || !j->settings.init_from)
        return st;
    char *state = el_path_join(j->settings.init_from, "state.json");
    const bool checkpoint = state && el_file_exists(state);
    free(state);
    if (checkpoint)
        return start_from_checkpoint(j);
    st = cli_model_check_vocab(j->settings.init_from, el_loader_vocab(j->data), j->settings.data);
    return st ? st : start_from_folders(j);
}

static el_status open_model(job *j)
{
    const el_vocab *vocab = el_loader_vocab(j->data);
    el_model_plan plan;
    el_status st = pretrain_plan(&j->settings, vocab->size, &plan);
    if (!st)
        st = el_model_open(&j->model, j->dev, &plan);
    const el_electra_settings objective = pretrain_objective(&j->settings, el_loader_max_seq_length(j->data));
    if (!st)
        st =
            el_electra_open(&j->objective, &j->model, vocab, &objective, (int)j->settings.micro_batch_tokens);
    return st;
}

static double mean_length(const job *j)
{
    const int64_t examples = el_loader_examples(j->data);
    return examples ? (double)el_loader_tokens(j->data) / (double)examples : 1;
}

/* ---- what is written beside checkpoints ---- */

static el_status write_config(const job *j)
{
    const el_model *m = &j->model;
    json_t *config = json_pack("{s:s}", "model_type", "electra-pretraining");
    if (m->discriminator.present)
        json_object_set_new(config, "discriminator",
                            el_config_json(&m->discriminator.config, "ElectraForPreTraining"));
    if (m->generator.present)
        json_object_set_new(config, "generator", el_config_json(&m->generator.config, "ElectraForMaskedLM"));
    json_t *settings = el_options_json(&j->options);
    json_object_set(config, "embeddings", json_object_get(settings, "embeddings"));
    json_decref(settings);
    char *path = el_path_join(j->run.folder, "config.json");
    const el_status st =
        path ? el_json_save(config, path) : el_fail(EL_ENOMEM, "%s: no memory", j->run.folder);
    free(path);
    json_decref(config);
    return st;
}

/* README.md of a model folder. */
static char *card(const job *j, const char *role)
{
    static const char FORMAT[] =
        "---\n"
        "library_name: transformers\n"
        "tags:\n"
        "- electra\n"
        "---\n\n"
        "# ELECTRA %s\n\n"
        "Pre-trained from scratch by electra " ELECTRA_VERSION ": %" PRId64 " steps of %" PRId64
        " examples, %" PRId64 " tokens in all.\n\n"
        "| | |\n|---|---|\n"
        "| layers | %d |\n| hidden size | %d |\n| embedding size | %d |\n"
        "| vocabulary | %d |\n| longest sequence in training | %d |\n\n"
        "`config.json`, `run.json` and `metrics.jsonl` of the run hold all settings and the "
        "course of the training.\n";
    const bool generator = strcmp(role, "generator") == 0;
    const el_config *c = generator ? &j->model.generator.config : &j->model.discriminator.config;
    const size_t size = sizeof FORMAT + 256;
    char *text = malloc(size);
    if (text)
        snprintf(text, size, FORMAT, role, j->progress.step, j->settings.train_batch_size, j->progress.tokens,
                 c->num_hidden_layers, c->hidden_size, c->embedding_size, c->vocab_size,
                 el_loader_max_seq_length(j->data));
    return text;
}

static el_status export_network(job *j, el_role role)
{
    const char *name = role == EL_GENERATOR ? "generator" : "discriminator";
    char *folder = el_path_join(j->run.folder, name), *text = card(j, name);
    const el_status st = folder && text
                             ? el_weights_save(&j->model, role, el_loader_vocab(j->data), text, NULL, folder)
                             : el_fail(EL_ENOMEM, "%s: no memory", j->run.folder);
    free(text);
    free(folder);
    return st;
}

/* The model folders of this step; run.json tells that they are there. */
static el_status export_model(job *j)
{
    el_status st = EL_OK;
    if (j->model.generator.present)
        st = export_network(j, EL_GENERATOR);
    if (!st && j->model.discriminator.present)
        st = export_network(j, EL_DISCRIMINATOR);
    if (st)
        return st;
    json_object_set_new(j->run.record, "exported_step", json_integer(j->progress.step));
    return el_run_save(&j->run);
}

static void set_hash(json_t *record, const char *key, uint64_t hash)
{
    char text[17];
    el_hash_text(hash, text);
    json_object_set_new(record, key, json_string(text));
}

/* Says so where the run goes on with another processor's kernels: results then differ in their last bits. */
static void note_other_machine(const job *j, const json_t *machine)
{
    const json_t *segments = json_object_get(j->run.record, "segments");
    const json_t *last = json_array_get(segments, json_array_size(segments) - 1);
    const json_t *before = json_object_get(last, "machine");
    static const char *const KEYS[] = {"cpu", "device", "instruction_set"};
    for (size_t i = 0; before && i < sizeof KEYS / sizeof *KEYS; i++) {
        const char *was = json_string_value(json_object_get(before, KEYS[i]));
        const char *is = json_string_value(json_object_get(machine, KEYS[i]));
        if (was && is && strcmp(was, is) != 0)
            el_log(EL_LOG_NOTE, "%s: was %s, is %s now; from here on results differ in their last bits",
                   KEYS[i], was, is);
    }
}

static el_status begin_segment(job *j)
{
    json_t *record = j->run.record;
    if (!j->resuming)
        json_object_clear(record);
    const el_vocab *vocab = el_loader_vocab(j->data);
    json_object_set_new(record, "version", json_string(ELECTRA_VERSION));
    json_object_set_new(record, "settings", el_options_json(&j->options));
    set_hash(record, "vocabulary_hash", vocab->hash);
    set_hash(record, "data_hash", el_loader_hash(j->data));
    json_object_set_new(record, "data",
                        json_pack("{s:I, s:I, s:i, s:i}", "examples", (json_int_t)el_loader_examples(j->data),
                                  "tokens", (json_int_t)el_loader_tokens(j->data), "max_seq_length",
                                  el_loader_max_seq_length(j->data), "vocab_size", vocab->size));
    json_object_set_new(record, "parameters", json_integer(el_model_parameters(&j->model)));
    json_object_set_new(record, "flops_per_token", json_real(j->trainer.flops_per_token));
    json_t *machine = cli_machine_json(&j->settings.machine, j->dev);
    note_other_machine(j, machine);
    const el_status st = el_run_segment_begin(&j->run, j->progress.step, machine, j->changes);
    json_decref(machine);
    return st;
}

/* ---- the progress line ---- */

static double figure(const el_figures *figures, const char *name)
{
    for (int i = 0; i < figures->count; i++)
        if (strcmp(figures->names[i], name) == 0)
            return figures->values[i];
    return NAN;
}

/* Adds "label value" where there is such a figure. */
static void add_figure(char *text, size_t size, const el_figures *figures, const char *name,
                       const char *label)
{
    const double value = figure(figures, name);
    const size_t used = strlen(text);
    if (isfinite(value))
        snprintf(text + used, size - used, "%s%s %.3g", used ? "  " : "", label, value);
}

static void describe(job *j, const el_figures *figures)
{
    char *text = j->figures;
    *text = '\0';
    add_figure(text, sizeof j->figures, figures, "generator_loss", "gen");
    add_figure(text, sizeof j->figures, figures, "discriminator_loss", "disc");
    add_figure(text, sizeof j->figures, figures, "generator_accuracy", "acc");
    add_figure(text, sizeof j->figures, figures, "discriminator_auc", "auc");
}

static void show_step(job *j, const el_event *event)
{
    char speed[48] = "";
    if (event->kind == EL_EVENT_RECORD || !j->recorded)
        describe(j, event->figures);
    j->recorded |= event->kind == EL_EVENT_RECORD;
    const double share = j->trainer.peak_flops > 0
                             ? event->tokens_per_second * j->trainer.flops_per_token / j->trainer.peak_flops
                             : 0;
    if (share > 0)
        snprintf(speed, sizeof speed, "  %.0f tok/s  %.0f %% of peak", event->tokens_per_second, 100 * share);
    else if (event->tokens_per_second > 0)
        snprintf(speed, sizeof speed, "  %.0f tok/s", event->tokens_per_second);
    snprintf(j->shown, sizeof j->shown, "step %" PRId64 "/%" PRId64 "  %s  lr %.2g  norm %.2g%s",
             event->progress->step, j->trainer.steps, j->figures, event->rate, event->norm, speed);
    cli_progress_show(&j->line, (double)event->progress->step / (double)j->trainer.steps, j->shown);
}

static void show_evaluation(job *j, const el_event *event)
{
    char text[160] = "";
    add_figure(text, sizeof text, event->figures, "generator_loss", "generator loss");
    add_figure(text, sizeof text, event->figures, "unigram_entropy", "unigram entropy");
    add_figure(text, sizeof text, event->figures, "generator_accuracy", "accuracy");
    add_figure(text, sizeof text, event->figures, "discriminator_auc", "AUC");
    el_log(EL_LOG_NOTE, "step %" PRId64 ", held out: %s", j->progress.step, text);
    cli_progress_show(&j->line, (double)j->progress.step / (double)j->trainer.steps, j->shown);
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
        cli_progress_show(&j->line, (double)event->progress->step / (double)j->trainer.steps, "evaluating");
        return EL_OK;
    case EL_EVENT_EVALUATION:
        show_evaluation(j, event);
        return EL_OK;
    case EL_EVENT_CHECKPOINT:
        return export_model(j);
    }
    return EL_OK;
}

/* ---- the course of the command ---- */

static void set_trainer(job *j)
{
    const pretrain_settings *s = &j->settings;
    j->trainer = (el_trainer){.objective = j->objective,
                              .training = {j, read_training, el_loader_examples(j->data)},
                              .folder = s->output,
                              .schedule = pretrain_schedule(s),
                              .optimizer = pretrain_optimizer(s),
                              .seed = (uint64_t)s->seed,
                              .batch = (int)s->train_batch_size,
                              .steps = s->num_train_steps,
                              .log_every = s->logging_steps,
                              .save_every = s->save_checkpoints_steps,
                              .evaluate_every = s->eval_steps,
                              .heldout_batches = s->eval_batches,
                              .keep = (int)s->keep_checkpoint_max,
                              .most_skipped = (int)s->max_skipped_steps,
                              .most_seconds = s->max_time,
                              .flops_per_token = el_training_flops(&j->model, s->mask_prob, mean_length(j)),
                              .stop = &stop_wanted,
                              .on_event = on_event,
                              .context = j};
    if (strcmp(j->dev->name, "cpu") == 0)
        j->trainer.peak_flops = el_level_peak(j->dev->level, j->model.activations, j->dev->threads);
    if (j->heldout)
        j->trainer.heldout = (el_source){j, read_heldout, el_loader_examples(j->heldout)};
}

static el_status prepare(job *j)
{
    el_status st = open_run(j);
    if (!st)
        st = open_data(j);
    if (!st && !j->resuming) /* else all of it is recorded */
        st = pretrain_derive(&j->settings, &j->options);
    if (!st)
        st = cli_machine_open(&j->settings.machine, &j->dev);
    if (!st && j->resuming)
        st = compare_settings(j);
    if (!st)
        st = open_model(j);
    if (st)
        return st;
    set_trainer(j);
    if (j->resuming)
        st = el_trainer_resume(&j->trainer, &j->progress, &j->resuming);
    if (!st && !j->resuming)
        st = start(j);
    return st;
}

/* Nothing left to do; a process killed between the last checkpoint and its export is made up for. */
static el_status finished(job *j)
{
    const json_t *exported = json_object_get(j->run.record, "exported_step");
    el_log(EL_LOG_NOTE, "the run in %s is finished: %" PRId64 " steps; more --num-train-steps would go on",
           j->settings.output, j->progress.step);
    return json_integer_value(exported) == j->progress.step ? EL_OK : export_model(j);
}

static void announce(job *j)
{
    const el_model *m = &j->model;
    const int64_t from = j->progress.step, scheduled = j->settings.schedule_steps;
    char begin[64] = "";
    if (j->settings.num_train_steps > scheduled)
        el_log(EL_LOG_NOTE,
               "the schedule ends with step %" PRId64 "; steps after it keep its last rate, %.3g", scheduled,
               el_schedule_rate(&j->trainer.schedule, scheduled));
    if (j->resuming)
        snprintf(begin, sizeof begin, "going on after step %" PRId64 ": ", from);
    el_log(EL_LOG_NOTE,
           "%s%.1f M parameters, %" PRId64 " steps of %" PRId64 " examples, %s, %s, %" PRId64 " threads",
           begin, (double)el_model_parameters(&j->model) / 1e6, j->settings.num_train_steps,
           j->settings.train_batch_size, m->activations == EL_BF16 ? "bf16" : "fp32", j->dev->level,
           j->settings.machine.threads);
}

static const char *outcome_of(el_status st)
{
    return st == EL_OK ? "finished" : st == EL_ESTOPPED ? "stopped" : "failed";
}

static el_status train(job *j)
{
    if (j->resuming && el_trainer_done(&j->trainer, &j->progress))
        return finished(j);
    el_status st = write_config(j);
    if (!st)
        st = begin_segment(j);
    if (st)
        return st;
    announce(j);
    cli_progress_begin(&j->line);
    st = el_trainer_run(&j->trainer, &j->progress);
    cli_progress_end(&j->line);
    char sentence[1024]; /* what went wrong outlives the writing down of it */
    snprintf(sentence, sizeof sentence, "%s", el_error());
    const el_status written = el_run_segment_end(&j->run, j->progress.step, outcome_of(st));
    return st ? el_fail(st, "%s", sentence) : written;
}

/* ---- --dry-run ---- */

/* What a step costs: so much for each example, and so much once. */
typedef struct {
    double example, update;
} cost;

static double update_once(job *j)
{
    const double start = cli_now();
    el_optimizer_update(&j->trainer.optimizer, &j->model, 0, el_gradient_norm(&j->model), 0);
    return cli_now() - start;
}

static el_status run_steps(const el_trainer *trial, el_progress *progress, int64_t steps, double *seconds)
{
    el_trainer some = *trial;
    const double before = progress->seconds;
    some.steps = progress->step + steps;
    const el_status st = el_trainer_run(&some, progress);
    *seconds = (progress->seconds - before) / (double)steps;
    return st;
}

/* Steps of as many examples as are worked on at a time, one that nothing is counted of and then some: a whole
 * step is more of the same and one update. */
static el_status measure_cost(job *j, cost *c)
{
    const int64_t fitting = (int64_t)((double)j->settings.micro_batch_tokens / mean_length(j));
    el_trainer trial = j->trainer;
    trial.folder = NULL;
    trial.on_event = NULL;
    trial.heldout = (el_source){0};
    trial.batch = (int)(fitting < 1 ? 1 : fitting < trial.batch ? fitting : trial.batch);
    double seconds;
    el_status st = run_steps(&trial, &j->progress, 1, &seconds);
    const int64_t wanted = (int64_t)(TRIAL_SECONDS / seconds);
    if (!st)
        st = run_steps(&trial, &j->progress,
                       wanted < 1            ? 1
                       : wanted < TRIAL_MOST ? wanted
                                             : TRIAL_MOST,
                       &seconds);
    c->update = update_once(j);
    c->example = (seconds > c->update ? seconds - c->update : 0) / trial.batch;
    return st;
}

/* Memory of a whole batch, which the trial steps did not need. */
static el_status take_batch(job *j)
{
    el_batch batch = {0};
    el_status st = read_training(j, 0, (int)j->settings.train_batch_size, &batch);
    if (!st)
        st = j->objective->begin(j->objective, &batch, (el_random){0});
    el_batch_release(&batch);
    return st;
}

/* What the run would take, from a short trial that writes nothing. */
static el_status try_out(job *j)
{
    const pretrain_settings *s = &j->settings;
    cost c;
    el_status st = measure_cost(j, &c);
    if (!st)
        st = take_batch(j);
    if (st)
        return st;
    const double steps = (double)s->num_train_steps, batch = (double)s->train_batch_size;
    const double step = batch * c.example + c.update, tokens = steps * batch * mean_length(j);
    const double rate = batch * mean_length(j) / step;
    char time[32];
    cli_duration(time, sizeof time, steps * step);
    printf("parameters            %" PRId64 "\n", el_model_parameters(&j->model));
    printf("operations per token  %.4g\n", j->trainer.flops_per_token);
    printf("operations in all     %.4g\n", j->trainer.flops_per_token * tokens);
    printf("tokens in all         %.4g, %.2f times those of the shards\n", tokens,
           tokens / (double)el_loader_tokens(j->data));
    const double moments =
        2e-6 * sizeof(float) * (double)el_model_parameters(&j->model); /* copied to be written */
    printf("memory                %.0f MB, %.0f MB while a checkpoint is written\n", cli_resident_mb(),
           cli_resident_mb() + moments);
    printf("tokens per second     %.0f", rate);
    if (j->trainer.peak_flops > 0)
        printf(", %.0f %% of this machine's peak",
               100 * rate * j->trainer.flops_per_token / j->trainer.peak_flops);
    printf("\nexpected time         %s, evaluations and checkpoints apart\n", time);
    return EL_OK;
}

static void close_job(job *j)
{
    if (j->objective)
        j->objective->close(j->objective);
    el_model_close(&j->model);
    if (j->dev)
        j->dev->close(j->dev);
    el_loader_close(j->heldout);
    el_loader_close(j->data);
    json_decref(j->changes);
    if (j->run.folder)
        el_run_close(&j->run);
    el_options_close(&j->options);
}

int cmd_pretrain(int argc, char **argv)
{
    job j = {0};
    int exit_code;
    if (!read_settings(&j, argc, argv, &exit_code))
        return exit_code;
    catch_signals();
    el_status st = prepare(&j);
    if (!st)
        st = j.settings.dry_run ? try_out(&j) : train(&j);
    exit_code = cli_exit("pretrain", st);
    close_job(&j);
    return exit_code;
}
