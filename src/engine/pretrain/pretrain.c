/* pretrain - the course of a run; see the header */
#include "engine/pretrain/parts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/output.h"
#include "base/plural.h"
#include "ops/cuda.h"
#include "train/checkpoint.h"
#include "train/metrics.h"

/* What lies in a run folder. */
static bool gives(const char *name)
{
    static const char *const NAMES[] = {"config.json",    EL_METRICS_FILE, EL_GENERATOR,
                                        EL_DISCRIMINATOR, EL_BACKWARD,     "events.out.tfevents.electra",
                                        EL_UNIGRAM_FILE};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return el_checkpoint_step(name) >= 0;
}

static const el_run_kind RUN = {"pretrain", gives};

/* ---- settings ---- */

void el_pretrain_preset(void *settings)
{
    el_pretrain_defaults(settings, ((const el_pretrain_settings *)settings)->model_size);
}

/* What holds for this session alone, and what the shards say themselves. */
static const char *const OF_NOW[] = {
    "allow_change",    "overwrite", "dry_run",       "max_time",    "threads",
    "instruction_set", "device",    "do_lower_case", "stall_limit", NULL};

/* What a run that goes on reads again, and that lies where it lay. */
static const char *const PLACES[] = {"data", "eval_data", NULL};

/* What may differ between ranks: where data lie, which are compared by their contents, and what a machine has. */
static const char *const OF_A_RANK[] = {"data",   "eval_data", "init_from", "threads", "instruction_set",
                                        "device", NULL};

/* Whether a setting that names a folder, and differs as a text, names the one that it did. */
static bool is_same_folder(const json_t *before, const json_t *now, const char *key)
{
    const char *const was = json_string_value(json_object_get(before, key)), *const is = json_string_value(
                                                                                 json_object_get(now, key));
    return was && is && el_path_inside(was, is) && el_path_inside(is, was);
}

/* Refuses what would make it another run; more steps are welcome. */
static el_status compare_settings(el_pretraining *p)
{
    enum { ROOM = 64, MORE = 4 }; /* num_train_steps, two folders, and the end */
    const char *free_keys[ROOM];
    int count = 0;
    while (EL_PRETRAIN_FREE[count]) {
        assert(count < ROOM - MORE);
        free_keys[count] = EL_PRETRAIN_FREE[count];
        count++;
    }
    const json_t *before = json_object_get(p->run.record, "settings");
    const json_t *steps = json_object_get(before, "num_train_steps");
    const bool fewer = json_is_integer(steps) && p->settings->num_train_steps < json_integer_value(steps);
    if (fewer && p->derive_steps && !p->settings->allow_change)
        return el_options_refuse("flops_budget",
                                 "%g is %" PRId64 " step%s, fewer than the run's %" JSON_INTEGER_FORMAT
                                 ", which changes what is learned; --allow-change to do it all the same",
                                 p->settings->flops_budget, p->settings->num_train_steps,
                                 el_s(p->settings->num_train_steps), json_integer_value(steps));
    if (json_is_integer(steps) && !fewer)
        free_keys[count++] = "num_train_steps";
    json_t *now = el_options_json(p->options);
    static const char *const FOLDERS[] = {"init_from", "generator_from"};
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        if (is_same_folder(before, now, FOLDERS[i]))
            free_keys[count++] = FOLDERS[i];
    free_keys[count] = NULL;
    const el_status st = el_run_compare(&p->run, now, free_keys, p->settings->allow_change);
    json_decref(now);
    return st;
}

static el_status open_run(el_pretraining *p)
{
    const el_pretrain_settings *s = p->settings;
    if (s->dry_run && !s->output)
        return EL_OK;
    if (!s->output)
        return el_fail(EL_EUSAGE, "--output: which folder is the run to live in?");
    el_status st = el_output_apart("init-from", s->init_from, s->output);
    if (!st)
        st = el_output_apart("generator-from", s->generator_from, s->output);
    if (!st)
        st = s->dry_run ? el_run_look_shared(&p->run, s->machine.dist, &RUN, s->output)
                        : el_run_open_shared(&p->run, s->machine.dist, &RUN, s->output, s->overwrite);
    if (!st && !s->overwrite)
        st = el_run_begun(&p->run, &p->resuming);
    if (!st && p->resuming) {
        const bool steps = el_options_given(p->options, "num_train_steps");
        st = el_run_recall(&p->run, p->options, OF_NOW, PLACES);
        if (steps)
            p->settings->flops_budget = 0; /* by which it began */
        el_machine_recall(&p->settings->machine, p->run.record);
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

/* A run counts as it began: of those of earlier versions over examples of the mean length. */
static void choose_attended(el_pretraining *p)
{
    const json_t *const data = json_object_get(p->run.record, "data");
    p->settings->counts_examples |= p->resuming && !json_object_get(data, "attended");
    p->attended = p->settings->counts_examples ? p->mean_length : el_loader_attended(p->data);
}

static el_status open_heldout(el_pretraining *p)
{
    const char *folder = p->settings->eval_data;
    if (!folder)
        return EL_OK;
    el_status st = el_loader_open(&p->heldout, folder);
    if (!st)
        st = el_vocab_same(el_loader_vocab(p->data), p->settings->data, el_loader_vocab(p->heldout), folder);
    return st;
}

static el_status open_data(el_pretraining *p)
{
    el_pretrain_settings *s = p->settings;
    if (!s->data)
        return el_fail(EL_EUSAGE, "--data: which shards? `electra prepare` makes them");
    el_status st = el_loader_open(&p->data, s->data);
    if (st)
        return st;
    const int64_t examples = el_loader_examples(p->data);
    p->mean_length = examples ? (double)el_loader_tokens(p->data) / (double)examples : 1;
    choose_attended(p);
    const int longest = el_loader_max_seq_length(p->data);
    const el_vocab *vocab = el_loader_vocab(p->data);
    el_pretrain_take_length(s, p->options, longest);
    st = check_number("max-seq-length", s->max_seq_length, longest);
    if (!st)
        st = check_number("vocab-size", s->vocab_size, vocab->size);
    if (!st && el_options_given(p->options, "do_lower_case") && s->do_lower_case != vocab->casing.lowercase)
        st = el_fail(EL_EUSAGE, "--do-lower-case: the vocabulary of the shards is %s",
                     vocab->casing.lowercase ? "lower-cased" : "cased");
    if (!st && p->resuming)
        st =
            el_run_check_hash(&p->run, "vocabulary_hash", vocab->hash, "another vocabulary", s->allow_change);
    if (!st && p->resuming)
        st =
            el_run_check_hash(&p->run, "data_hash", el_loader_hash(p->data), "other shards", s->allow_change);
    if (!st)
        st = open_heldout(p);
    return st;
}

static el_status read_training(void *context, int64_t first, int count, el_batch *batch)
{
    const el_pretraining *p = context;
    return el_loader_batch(p->data, (uint64_t)p->settings->seed, first, count, batch);
}

static el_status read_heldout(void *context, int64_t first, int count, el_batch *batch)
{
    const el_pretraining *p = context;
    return el_loader_batch_stored(p->heldout, first, count, batch);
}

/* ---- model ---- */

/* How often each token stands in the shards. */
static el_status open_unigram(el_pretraining *p)
{
    if (p->settings->choice.told.sampler != EL_SAMPLER_UNIGRAM)
        return EL_OK;
    const el_vocab *vocab = el_loader_vocab(p->data);
    int64_t *const counts = calloc((size_t)vocab->size, sizeof *counts);
    if (!counts)
        return el_no_memory(NULL);
    el_loader_count(p->data, counts);
    const el_status st = el_unigram_open(&p->unigram, counts, vocab, p->settings->data);
    free(counts);
    return st;
}

/* Bytes of a GPU that are left free for what comes later: kernels that an evaluation is the first to load. */
static const size_t LEFT_FREE = (size_t)1 << 30;

static bool has_room_left(const el_queue *q)
{
    el_cuda_about about;
    return el_cuda_describe(el_cuda_number(q->dev), &about) || about.free >= LEFT_FREE;
}

/* Whether as many tokens are computed at a time as a GPU has room for: each part more costs time in which it has little to do. */
static bool chooses_rows(const el_pretraining *p)
{
    return el_machine_on_gpu(p->q) && !p->resuming && !el_options_given(p->options, "micro_batch_tokens");
}

/* The tokens of a leaf of the batch: a rank is given no more at once. */
static int64_t rows_of_leaf(const el_pretraining *p)
{
    const int64_t leaves = p->settings->machine.leaves, rows = (p->settings->train_batch_size + leaves - 1) /
                                                               leaves * el_loader_max_seq_length(p->data);
    return rows < EL_BATCH_ROWS ? rows : EL_BATCH_ROWS;
}

static void close_objective(el_pretraining *p)
{
    if (p->objective)
        p->objective->close(p->objective);
    p->objective = NULL;
}

static el_status open_objective(el_pretraining *p, int64_t rows)
{
    const el_pretrain_settings *const s = p->settings;
    el_objective_settings how = el_pretrain_objective(s, el_loader_max_seq_length(p->data));
    how.heldout_seq_length = p->heldout ? el_loader_max_seq_length(p->heldout) : 0;
    how.unigram = p->unigram.sums ? &p->unigram : NULL;
    p->settings->micro_batch_tokens = rows;
    const el_status st = el_objective_open(&p->objective, (el_objective_kind)s->objective, &p->model,
                                           el_loader_vocab(p->data), &how, (int)rows);
    if (st)
        p->objective = NULL;
    return st;
}

/* As many tokens at a time as there is room for, up to a whole leaf, where that is to be chosen. */
static el_status fit_objective(el_pretraining *p)
{
    const int64_t usual = p->settings->micro_batch_tokens, leaf = chooses_rows(p) ? rows_of_leaf(p) : 0;
    for (int64_t rows = leaf > usual ? leaf : usual;; rows = rows / 2 > usual ? rows / 2 : usual) {
        const el_status st = open_objective(p, rows);
        if (rows == usual || (st && st != EL_ENOMEM) || (!st && has_room_left(p->q)))
            return st;
        close_objective(p);
    }
}

static int64_t fewest_of_ranks(el_dist *dist, int64_t own)
{
    if (el_dist_size(dist) == 1)
        return own;
    int64_t all[dist->size], fewest = own;
    dist->gather(dist, &own, sizeof own, all);
    for (int i = 0; i < dist->size; i++)
        fewest = all[i] < fewest ? all[i] : fewest;
    return fewest;
}

/* What was chosen is what all ranks have room for. */
static el_status agree_on_rows(el_pretraining *p)
{
    const int64_t own = p->settings->micro_batch_tokens,
                  rows = fewest_of_ranks(p->settings->machine.dist, own);
    el_status st = EL_OK;
    if (!chooses_rows(p))
        return EL_OK; /* numbers that were given are compared with all other settings */
    if (rows < own) {
        close_objective(p);
        st = open_objective(p, rows);
    }
    if (!st && rows < rows_of_leaf(p) && el_dist_leads(p->settings->machine.dist))
        el_log(EL_LOG_NOTE,
               "there is room for %" PRId64 " of %" PRId64
               " tokens at a time; runs have the same bits where that is the same: --micro-batch-tokens "
               "%" PRId64,
               rows, rows_of_leaf(p), rows);
    return st;
}

static el_status open_model(el_pretraining *p)
{
    const el_vocab *vocab = el_loader_vocab(p->data);
    el_model_plan plan;
    el_status st = el_pretrain_plan(p->settings, vocab->size, &plan);
    if (!st)
        st = el_model_open(&p->model, p->q, &plan);
    if (!st)
        st = open_unigram(p);
    return st ? st : fit_objective(p);
}

static el_status on_event(void *context, const el_event *event)
{
    el_pretraining *const p = context;
    const el_status st = event->kind == EL_EVENT_CHECKPOINT ? el_pretrain_export(p) : EL_OK;
    return st || !p->watch.on_event ? st : p->watch.on_event(p->watch.context, event);
}

/* ---- the course of a run ---- */

static void set_trainer(el_pretraining *p, const el_flops_plan *cost)
{
    const el_pretrain_settings *s = p->settings;
    p->trainer = (el_trainer){.objective = p->objective,
                              .dist = s->machine.dist,
                              .leaves = (int)s->machine.leaves,
                              .training = {p, read_training, el_loader_examples(p->data)},
                              .folder = s->output,
                              .schedule = el_pretrain_schedule(s),
                              .optimizer = el_pretrain_optimizer(s),
                              .seed = (uint64_t)s->seed,
                              .batch = (int)s->train_batch_size,
                              .steps = s->num_train_steps,
                              .log_every = s->logging_steps,
                              .save_every = s->save_checkpoints_steps,
                              .evaluate_every = (double)s->eval_steps,
                              .heldout_batches = s->eval_batches,
                              .keep = (int)s->keep_checkpoint_max,
                              .most_skipped = (int)s->max_skipped_steps,
                              .most_seconds = s->max_time,
                              .tensorboard = s->tensorboard,
                              .flops_per_token = el_flops_products_training(cost),
                              .paper_flops_per_token = el_flops_paper_training(cost),
                              .watch = {on_event, p->watch.stop, p}};
    p->trainer.peak_flops = p->q->peak(p->q, p->model.activations);
    if (p->heldout)
        p->trainer.heldout = (el_example_source){p, read_heldout, el_loader_examples(p->heldout)};
}

/* Steps or a budget, whichever is given now. */
static el_status choose_length(el_pretraining *p)
{
    const bool steps = el_options_given(p->options, "num_train_steps");
    p->derive_steps = p->settings->flops_budget > 0;
    return steps && p->derive_steps
               ? el_fail(EL_EUSAGE, "--flops-budget: is given in place of --num-train-steps, not beside it")
               : EL_OK;
}

/* Whether it has the steps and the schedule that are on record: however they were counted, they are the run's. */
static bool has_recorded_steps(const el_pretraining *p)
{
    const json_t *const before = json_object_get(p->run.record, "settings");
    return p->resuming &&
           json_integer_value(json_object_get(before, "num_train_steps")) == p->settings->num_train_steps &&
           json_integer_value(json_object_get(before, "schedule_steps")) == p->settings->schedule_steps;
}

/* Where the cost of a step changes, what is counted is the mean of a whole schedule. */
static el_status check_budget(const el_pretraining *p)
{
    const el_pretrain_settings *const s = p->settings;
    const bool whole = s->schedule_steps == 0 || s->schedule_steps == s->num_train_steps;
    return whole || has_recorded_steps(p) || !el_pretrain_cost_changes(s, el_loader_vocab(p->data)->size)
               ? EL_OK
               : el_options_refuse("flops_budget",
                                   "%g is %" PRId64 " steps of a mean cost, which is that of a whole "
                                   "schedule, and this one has %" PRId64
                                   " steps; --num-train-steps in its place",
                                   s->flops_budget, s->num_train_steps, s->schedule_steps);
}

static el_status spend_budget(el_pretraining *p)
{
    el_pretrain_settings *s = p->settings;
    el_status st = el_pretrain_budget(s, el_loader_vocab(p->data)->size, p->attended, p->mean_length);
    if (!st)
        st = check_budget(p);
    if (!st)
        el_log(EL_LOG_NOTE, "%g FLOPs are %" PRId64 " step%s of %" PRId64 " example%s", s->flops_budget,
               s->num_train_steps, el_s(s->num_train_steps), s->train_batch_size, el_s(s->train_batch_size));
    return st;
}

static el_status same_hash(el_dist *dist, const char *what, uint64_t hash)
{
    char text[17];
    el_hash_text(hash, text);
    return el_dist_same(dist, what, text);
}

/* Ranks that do not learn the same from the same would not have the same weights. */
static el_status check_ranks(const el_pretraining *p)
{
    el_dist *const dist = p->settings->machine.dist;
    el_status st = el_machine_same(&p->settings->machine, p->q, p->options, OF_A_RANK);
    if (!st)
        st = same_hash(dist, "--data: the content of the shards", el_loader_hash(p->data));
    if (!st)
        st = same_hash(dist, "--eval-data: the content of the shards",
                       p->heldout ? el_loader_hash(p->heldout) : 0);
    return st;
}

/* What a recipe and a sentence task need of the shards. */
static el_status check_shards(const el_pretraining *p)
{
    const el_pretrain_settings *s = p->settings;
    const bool asks = s->choice.told.sentence_task != EL_SENTENCES_NONE;
    const int64_t examples = el_loader_examples(p->data),
                  pairs = asks ? el_loader_pairs(p->data, examples) : 0;
    const el_status st = el_pretrain_check_shards(s, s->data, el_loader_packed_full(p->data), pairs > 0);
    if (!st && asks && 2 * pairs < examples)
        el_log(EL_LOG_NOTE,
               "%s: %" PRId64 " of %" PRId64 " examples have two segments; nothing is asked of the others",
               s->data, pairs, examples);
    return st;
}

/* What is read has places in the model; shards that go on, too, may be others now. */
static el_status check_lengths(const el_pretraining *p)
{
    const el_pretrain_settings *s = p->settings;
    const el_status st = el_pretrain_check_length(s, s->data, el_loader_max_seq_length(p->data), false);
    return st || !p->heldout
               ? st
               : el_pretrain_check_length(s, s->eval_data, el_loader_max_seq_length(p->heldout), true);
}

/* The settings as they hold: those of the run that goes on, or what the shards, the start and the budget make of what was asked
 * for; and what a token costs then. */
static el_status settle_settings(el_pretraining *p, el_flops_plan *cost)
{
    el_status st = choose_length(p);
    if (!st)
        st = open_run(p);
    st = el_dist_agree(p->settings->machine.dist, st);
    if (!st)
        st = open_data(p);
    if (!st)
        st = el_pretrain_settle(p->settings, p->options, p->resuming);
    if (!st)
        st = check_shards(p);
    if (!st && !p->resuming) /* else all of it is recorded */
        st = el_pretrain_derive(p->settings, p->options);
    if (!st)
        st = check_lengths(p);
    if (!st)
        st = el_pretrain_find_start(p);
    if (!st)
        st = el_pretrain_find_frozen(p);
    if (!st && p->derive_steps)
        st = spend_budget(p);
    if (!st && !p->resuming)
        st = el_pretrain_derive_steps(p->settings, p->options);
    return st ? st : el_pretrain_cost(p->settings, el_loader_vocab(p->data)->size, p->attended, cost);
}

static el_status open_machine(el_pretraining *p, const el_flops_plan *cost)
{
    p->settings->machine.work = el_flops_products_training(cost) * p->mean_length *
                                (double)p->settings->train_batch_size * (double)p->settings->num_train_steps;
    return el_machine_open(&p->settings->machine, &p->q);
}

/* Weights and moments: the checkpoint's, or those that a run starts with. */
static el_status open_state(el_pretraining *p, const el_flops_plan *cost)
{
    set_trainer(p, cost);
    el_status st = p->resuming ? el_trainer_resume(&p->trainer, &p->progress, &p->resuming) : EL_OK;
    if (!st && p->resuming)
        el_pretrain_recall_flops(p);
    if (!st && !p->resuming)
        st = el_pretrain_start(p);
    return st;
}

static el_status open_all(el_pretraining *p)
{
    el_dist *const dist = p->settings->machine.dist;
    el_flops_plan cost;
    el_status st = settle_settings(p, &cost);
    if (!st)
        st = open_machine(p, &cost);
    if (!st && p->resuming)
        st = compare_settings(p);
    if (!st)
        st = open_model(p);
    if (!st)
        st = el_leaves_check(p->objective, (int)p->settings->machine.leaves, el_dist_size(dist));
    st = el_dist_agree(dist, st);
    if (!st)
        st = el_dist_agree(dist, agree_on_rows(p));
    if (!st)
        st = check_ranks(p);
    return st ? st : el_dist_agree(dist, open_state(p, &cost));
}

el_status el_pretrain_open(el_pretraining *p, el_options *options, const el_watch *watch)
{
    *p = (el_pretraining){.settings = options->settings, .options = options};
    if (watch)
        p->watch = *watch;
    el_log_hold_notes();
    const el_status st = open_all(p);
    el_log_release_notes(!st);
    if (st)
        el_pretrain_close(p);
    return st;
}

void el_pretrain_close(el_pretraining *p)
{
    close_objective(p);
    el_model_close(&p->model);
    el_queue_close(p->q);
    el_unigram_close(&p->unigram);
    el_loader_close(p->heldout);
    el_loader_close(p->data);
    el_run_close(&p->run);
    *p = (el_pretraining){0};
}

/* Nothing left to do; a process killed between the last checkpoint and its export is made up for. */
static el_status finished(el_pretraining *p)
{
    const json_t *exported = json_object_get(p->run.record, "exported_step");
    el_log(EL_LOG_NOTE, "the run in %s is finished: %" PRId64 " step%s; more --num-train-steps would go on",
           p->settings->output, p->progress.step, el_s(p->progress.step));
    return json_integer_value(exported) == p->progress.step ? EL_OK : el_pretrain_export(p);
}

static void announce(el_pretraining *p)
{
    const el_model *m = &p->model;
    const int64_t from = p->progress.step, scheduled = p->settings->schedule_steps;
    char begin[64] = "";
    if (p->settings->num_train_steps > scheduled)
        el_log(EL_LOG_NOTE,
               "the schedule ends with step %" PRId64 "; steps after it keep its last rate, %.3g", scheduled,
               el_schedule_rate(&p->trainer.schedule, scheduled));
    if (p->settings->num_train_steps < el_pretrain_least_steps(p->settings))
        el_log(EL_LOG_NOTE,
               "two-stage: the discriminator learns after step %" PRId64
               " only, half of --schedule-steps; %" PRId64 " steps leave a generator alone",
               p->trainer.schedule.restart, p->settings->num_train_steps);
    if (p->resuming)
        snprintf(begin, sizeof begin, "going on after step %" PRId64 ": ", from);
    el_log(EL_LOG_NOTE,
           "%s%.1f M parameters, %" PRId64 " step%s of %" PRId64 " example%s, %s, %s, %" PRId64 " thread%s",
           begin, (double)el_model_parameters(&p->model) / 1e6, p->settings->num_train_steps,
           el_s(p->settings->num_train_steps), p->settings->train_batch_size,
           el_s(p->settings->train_batch_size), m->activations == EL_BF16 ? "bf16" : "fp32", p->q->dev->level,
           p->settings->machine.threads, el_s(p->settings->machine.threads));
}

el_status el_pretrain_run(el_pretraining *p)
{
    if (p->resuming && el_trainer_done(&p->trainer, &p->progress))
        return finished(p);
    el_dist *const dist = p->settings->machine.dist;
    el_status st = el_pretrain_begin_segment(p); /* first: run.json says whose the folder is */
    if (!st)
        st = el_pretrain_write_config(p);
    if (!st && p->unigram.sums && !p->run.follows)
        st = el_unigram_save(&p->unigram, el_loader_vocab(p->data), p->run.folder);
    st = el_dist_agree(dist, st);
    if (st)
        return st;
    announce(p);
    st = el_trainer_run(&p->trainer, &p->progress);
    return el_dist_agree(dist, el_run_segment_end(&p->run, p->progress.step, st));
}
