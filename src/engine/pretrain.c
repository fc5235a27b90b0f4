/* pretrain - see the header */
#include "engine/pretrain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/output.h"
#include "engine/card.h"
#include "format/weights.h"
#include "train/checkpoint.h"

/* What lies in a run folder. */
static bool gives(const char *name)
{
    static const char *const NAMES[] = {"config.json",    "metrics.jsonl", EL_GENERATOR,
                                        EL_DISCRIMINATOR, EL_BACKWARD,     "events.out.tfevents.electra",
                                        EL_UNIGRAM_FILE};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return el_checkpoint_step(name) >= 0;
}

static const el_run_kind RUN = {"pretrain", gives};

/* ---- settings ---- */

/* What holds for this session alone, and what the shards say themselves. */
static const char *const OF_NOW[] = {
    "allow_change",    "overwrite", "dry_run",       "max_time",    "threads",
    "instruction_set", "device",    "do_lower_case", "stall_limit", NULL};

/* What may differ between ranks: where data lie, which are compared by their contents, and what a machine has. */
static const char *const OF_A_RANK[] = {"data",   "eval_data", "init_from", "threads", "instruction_set",
                                        "device", NULL};

/* Refuses what would make it another run; more steps are welcome. */
static el_status compare_settings(el_pretraining *p)
{
    const char *free_keys[64];
    int count = 0;
    while (EL_PRETRAIN_FREE[count]) {
        free_keys[count] = EL_PRETRAIN_FREE[count];
        count++;
    }
    const json_t *before = json_object_get(p->run.record, "settings");
    const json_t *steps = json_object_get(before, "num_train_steps");
    if (json_is_integer(steps) && p->settings->num_train_steps >= json_integer_value(steps))
        free_keys[count++] = "num_train_steps";
    free_keys[count] = NULL;
    json_t *now = el_options_json(p->options);
    const el_status st = el_run_compare(before, now, free_keys, p->settings->allow_change, &p->changes);
    json_decref(now);
    return st;
}

static el_status open_run(el_pretraining *p)
{
    const el_pretrain_settings *s = p->settings;
    if (s->dry_run)
        return EL_OK;
    if (!s->output)
        return el_fail(EL_EUSAGE, "--output: which folder is the run to live in?");
    el_status st = el_output_apart("init-from", s->init_from, s->output);
    if (!st)
        st = el_run_open_shared(&p->run, s->machine.dist, &RUN, s->output, s->overwrite);
    if (!st && !s->overwrite)
        st = el_run_begun(&p->run, &p->resuming);
    if (!st && p->resuming) {
        const bool steps = el_options_given(p->options, "num_train_steps");
        st = el_run_recall(&p->run, p->options, OF_NOW);
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

static el_status check_recorded_hash(const el_pretraining *p, const char *key, uint64_t hash,
                                     const char *what)
{
    char text[17];
    const char *recorded = NULL;
    el_hash_text(hash, text);
    const el_status st = el_json_string(p->run.record, "run.json", key, &recorded);
    if (st || !recorded || strcmp(recorded, text) == 0 || p->settings->allow_change)
        return st;
    return el_fail(EL_EUSAGE,
                   "%s: the %s is not that of the run (%s, not %s); --allow-change to go on all the same",
                   p->settings->data, what, text, recorded);
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
    const int longest = el_loader_max_seq_length(p->data);
    const el_vocab *vocab = el_loader_vocab(p->data);
    if (!el_options_given(p->options, "max_position_embeddings") && longest > s->max_position_embeddings)
        s->max_position_embeddings = longest;
    st = check_number("max-seq-length", s->max_seq_length, longest);
    if (!st)
        st = check_number("vocab-size", s->vocab_size, vocab->size);
    if (!st && el_options_given(p->options, "do_lower_case") && s->do_lower_case != vocab->casing.lowercase)
        st = el_fail(EL_EUSAGE, "--do-lower-case: the vocabulary of the shards is %s",
                     vocab->casing.lowercase ? "lower-cased" : "cased");
    if (!st && p->resuming)
        st = check_recorded_hash(p, "vocabulary_hash", vocab->hash, "vocabulary");
    if (!st && p->resuming)
        st = check_recorded_hash(p, "data_hash", el_loader_hash(p->data), "content of the shards");
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

/* A checkpoint's vocabulary is its run's, where it still lies in one. */
static el_status check_checkpoint_vocab(const el_pretraining *p)
{
    char *run = el_path_join(p->settings->init_from, "..");
    char *record = run ? el_path_join(run, "run.json") : NULL;
    el_status st = record ? EL_OK : el_fail(EL_ENOMEM, "no memory for a path");
    if (!st && el_file_exists(record))
        st = el_model_check_vocab(run, el_loader_vocab(p->data), p->settings->data);
    free(record);
    free(run);
    return st;
}

static el_status start_from_checkpoint(el_pretraining *p)
{
    json_t *state = NULL;
    el_status st = check_checkpoint_vocab(p);
    if (!st)
        st = el_checkpoint_load(&p->model, &state, p->settings->init_from, true);
    json_decref(st ? NULL : state);
    return st;
}

static el_status start_from_folders(el_pretraining *p)
{
    el_model_paths paths;
    el_status st = el_model_find(&paths, p->settings->init_from);
    if (st)
        return st;
    const char *missing = NULL;
    for (int i = 0; !st && i < p->model.count;
         i++) { /* a delta lies on top of the generator, which is first */
        const el_network *net = &p->model.networks[i];
        const bool small =
            el_model_network(&p->model, EL_DISCRIMINATOR) && strcmp(net->name, EL_GENERATOR) == 0;
        if (small && p->settings->generator_from)
            continue;
        const char *folder = strcmp(net->name, EL_BACKWARD) == 0 ? paths.backward
                             : !small                            ? paths.encoder
                             : paths.discriminator               ? paths.generator
                                                                 : NULL;
        if (folder)
            st = el_weights_load(&p->model, net, folder);
        else
            missing = net->name;
    }
    if (!st) {
        el_model_prepare(&p->model);
        el_log(EL_LOG_NOTE, "%s: %s%s%s; rates and schedule begin anew", p->settings->init_from,
               missing               ? "the folder has no "
               : p->model.count == 1 ? "the network is the folder's"
                                     : "both networks are those of the folder",
               missing ? missing : "", missing ? ", which begins anew" : "");
    }
    el_model_paths_free(&paths);
    return st;
}

/* The weights of a generator that is not trained. */
static el_status start_frozen(el_pretraining *p)
{
    el_model_paths paths;
    el_status st = el_model_find(&paths, p->settings->generator_from);
    if (!st)
        st = el_weights_load(&p->model, el_model_network(&p->model, EL_GENERATOR), paths.generator);
    if (!st)
        el_model_prepare(&p->model);
    el_model_paths_free(&paths);
    return st;
}

static el_status start(el_pretraining *p)
{
    const el_initialisation how = el_pretrain_initialisation(p->settings);
    el_status st = el_model_initialise(&p->model, &how);
    if (!st && p->settings->generator_from)
        st = start_frozen(p);
    if (st || !p->settings->init_from)
        return st;
    char *state = el_path_join(p->settings->init_from, "state.json");
    const bool checkpoint = state && el_file_exists(state);
    free(state);
    if (checkpoint)
        return start_from_checkpoint(p);
    st = el_model_check_vocab(p->settings->init_from, el_loader_vocab(p->data), p->settings->data);
    return st ? st : start_from_folders(p);
}

/* The shape of the generator that is not trained: its folder's; of a run that goes on, what the run began with. */
static el_status find_frozen(el_pretraining *p)
{
    const char *folder = p->settings->generator_from;
    json_t *config = NULL;
    el_model_paths paths = {0};
    el_head_config head = {.kind = EL_HEAD_MLM};
    if (!folder)
        return EL_OK;
    char *path = el_path_join(p->resuming ? p->run.folder : folder, "config.json");
    el_status st = path ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory for a path", folder);
    if (!st && p->resuming) {
        st = el_json_load(&config, path);
        if (!st)
            st = el_config_read(&p->frozen, json_object_get(config, EL_GENERATOR), path);
    } else if (!st) {
        st = el_model_check_vocab(folder, el_loader_vocab(p->data), p->settings->data);
        if (!st)
            st = el_model_find(&paths, folder);
        if (!st && paths.generator)
            st = el_model_read(paths.generator, true, &p->frozen, &head, NULL);
    }
    if (!st && !p->resuming && (!paths.generator || head.kind != EL_HEAD_MLM))
        st = el_fail(EL_EUSAGE, "--generator-from: %s holds no masked language model", folder);
    p->settings->frozen_generator = &p->frozen;
    el_model_paths_free(&paths);
    json_decref(config);
    free(path);
    return st;
}

/* How often each token stands in the shards. */
static el_status open_unigram(el_pretraining *p)
{
    if (p->settings->sampler != EL_SAMPLER_UNIGRAM)
        return EL_OK;
    const el_vocab *vocab = el_loader_vocab(p->data);
    int64_t *const counts = calloc((size_t)vocab->size, sizeof *counts);
    if (!counts)
        return el_fail(EL_ENOMEM, "no memory for the frequencies of tokens");
    el_loader_count(p->data, counts);
    const el_status st = el_unigram_open(&p->unigram, counts, vocab, p->settings->data);
    free(counts);
    return st;
}

/* On a GPU a whole batch is worked on at once, or as much of it as there is memory for, unless that was said: each part more
 * costs time in which the GPU has little to do. */
static el_status open_objective(el_pretraining *p, const el_objective_settings *objective)
{
    el_pretrain_settings *const s = p->settings;
    const int usual = (int)s->micro_batch_tokens;
    int64_t rows = usual;
    if (el_machine_on_gpu(p->q) && !p->resuming && !el_options_given(p->options, "micro_batch_tokens"))
        rows = s->train_batch_size * el_loader_max_seq_length(p->data);
    for (;; rows /= 2) {
        s->micro_batch_tokens = rows > usual ? rows : usual;
        const el_status st =
            el_objective_open(&p->objective, (el_objective_kind)s->objective, &p->model,
                              el_loader_vocab(p->data), objective, (int)s->micro_batch_tokens);
        if (st != EL_ENOMEM || rows <= usual)
            return st;
    }
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
    el_objective_settings objective = el_pretrain_objective(p->settings, el_loader_max_seq_length(p->data));
    objective.unigram = p->unigram.sums ? &p->unigram : NULL;
    if (!st)
        st = open_objective(p, &objective);
    return st;
}

/* ---- what is written beside checkpoints ---- */

static el_status write_config(const el_pretraining *p)
{
    if (p->run.follows)
        return EL_OK;
    const el_model *m = &p->model;
    json_t *config = json_pack("{s:s}", "model_type", "electra-pretraining");
    for (int i = m->count - 1; i >= 0; i--)
        json_object_set_new(config, m->networks[i].name, el_weights_json(&m->networks[i], NULL));
    json_t *settings = el_options_json(p->options);
    json_object_set(config, "embeddings", json_object_get(settings, "embeddings"));
    json_decref(settings);
    char *path = el_path_join(p->run.folder, "config.json");
    const el_status st =
        path ? el_json_save(config, path) : el_fail(EL_ENOMEM, "%s: no memory", p->run.folder);
    free(path);
    json_decref(config);
    return st;
}

/* README.md of a model folder. */
static char *card(const el_pretraining *p, const el_network *net)
{
    static const char FORMAT[] =
        "Pre-trained: %" PRId64 " steps of %" PRId64 " examples, %" PRId64 " tokens in all.\n\n"
        "| | |\n|---|---|\n"
        "| layers | %d |\n| hidden size | %d |\n| embedding size | %d |\n"
        "| vocabulary | %d |\n| longest sequence in training | %d |\n\n"
        "`config.json`, `run.json` and `metrics.jsonl` of the run hold all settings and the "
        "course of the training.\n";
    const el_config *const c = &net->config;
    const bool own = !el_objective_has_generator((el_objective_kind)p->settings->objective);
    const bool masked = el_network_head(net, EL_HEAD_MLM) && !c->causal;
    char about[sizeof FORMAT + 256], title[80];
    snprintf(title, sizeof title, "%s%s",
             c->backwards ? "Causal language model; it reads ids and positions in reverse order"
             : c->causal  ? "Causal language model"
             : own        ? "Masked language model"
                          : "ELECTRA ",
             own ? "" : net->name);
    snprintf(about, sizeof about, FORMAT, p->progress.step, p->settings->train_batch_size, p->progress.tokens,
             c->num_hidden_layers, c->hidden_size, c->embedding_size, c->vocab_size,
             el_loader_max_seq_length(p->data));
    return el_card_text(&(el_card){
        .pipeline = masked ? "fill-mask" : NULL, .title = title, .about = about, .options = p->options});
}

static el_status export_network(el_pretraining *p, const el_network *net)
{
    char *folder = el_path_join(p->run.folder, net->name), *text = card(p, net);
    /* its logits are energies, not log-odds: whoever reads the folder has to know */
    const bool energies = p->settings->objective == EL_ELECTRIC && strcmp(net->name, EL_DISCRIMINATOR) == 0;
    json_t *extra = energies ? json_pack("{s:s}", "electra_objective", "electric") : NULL;
    const el_status st = folder && text ? el_weights_save(&p->model, net, el_loader_vocab(p->data), text,
                                                          extra, EL_ST_F32, folder)
                                        : el_fail(EL_ENOMEM, "%s: no memory", p->run.folder);
    json_decref(extra);
    free(text);
    free(folder);
    return st;
}

/* What the run has spent so far, in both counts. */
static void record_flops(el_pretraining *p)
{
    const double tokens = (double)p->progress.tokens;
    json_object_set_new(p->run.record, "flops",
                        json_pack("{s:o, s:o}", "products",
                                  el_json_number(tokens * p->trainer.flops_per_token), "paper",
                                  el_json_number(tokens * p->trainer.paper_flops_per_token)));
}

/* The model folders of this step; run.json tells that they are there. */
static el_status export_model(el_pretraining *p)
{
    if (p->run.follows)
        return EL_OK;
    el_status st = EL_OK;
    for (int i = 0; !st && i < p->model.count; i++)
        st = export_network(p, &p->model.networks[i]);
    if (st)
        return st;
    json_object_set_new(p->run.record, "exported_step", json_integer(p->progress.step));
    record_flops(p);
    return el_run_save(&p->run);
}

static void set_hash(json_t *record, const char *key, uint64_t hash)
{
    char text[17];
    el_hash_text(hash, text);
    json_object_set_new(record, key, json_string(text));
}

/* Says so where the run goes on with another processor's kernels: results then differ in their last bits. */
static void note_other_machine(const el_pretraining *p, const json_t *machine)
{
    const json_t *segments = json_object_get(p->run.record, "segments");
    const json_t *last = json_array_get(segments, json_array_size(segments) - 1);
    const json_t *before = json_object_get(last, "machine");
    static const char *const KEYS[] = {"cpu", "device", "instruction_set", "gpu"};
    for (size_t i = 0; before && i < sizeof KEYS / sizeof *KEYS; i++) {
        const char *was = json_string_value(json_object_get(before, KEYS[i]));
        const char *is = json_string_value(json_object_get(machine, KEYS[i]));
        if (was && is && strcmp(was, is) != 0)
            el_log(EL_LOG_NOTE, "%s: was %s, is %s now; from here on results differ in their last bits",
                   KEYS[i], was, is);
    }
}

static el_status begin_segment(el_pretraining *p)
{
    json_t *record = p->run.record;
    if (!p->resuming)
        json_object_clear(record);
    const el_vocab *vocab = el_loader_vocab(p->data);
    json_object_set_new(record, "version", json_string(ELECTRA_VERSION));
    json_object_set_new(record, "settings", el_options_json(p->options));
    set_hash(record, "vocabulary_hash", vocab->hash);
    set_hash(record, "data_hash", el_loader_hash(p->data));
    json_object_set_new(record, "data",
                        json_pack("{s:I, s:I, s:i, s:i}", "examples", (json_int_t)el_loader_examples(p->data),
                                  "tokens", (json_int_t)el_loader_tokens(p->data), "max_seq_length",
                                  el_loader_max_seq_length(p->data), "vocab_size", vocab->size));
    json_object_set_new(record, "parameters", json_integer(el_model_parameters(&p->model)));
    json_object_set_new(record, "flops_per_token", json_real(p->trainer.flops_per_token));
    json_object_set_new(record, "paper_flops_per_token", el_json_number(p->trainer.paper_flops_per_token));
    record_flops(p);
    json_t *machine = el_machine_json(&p->settings->machine, p->q->dev);
    note_other_machine(p, machine);
    const el_status st = el_run_segment_begin(&p->run, p->progress.step, machine, p->changes);
    json_decref(machine);
    return st;
}

static el_status on_event(void *context, const el_event *event)
{
    el_pretraining *const p = context;
    const el_status st = event->kind == EL_EVENT_CHECKPOINT ? export_model(p) : EL_OK;
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
                              .evaluate_every = s->eval_steps,
                              .heldout_batches = s->eval_batches,
                              .keep = (int)s->keep_checkpoint_max,
                              .most_skipped = (int)s->max_skipped_steps,
                              .most_seconds = s->max_time,
                              .tensorboard = s->tensorboard,
                              .flops_per_token = el_flops_products_training(cost),
                              .paper_flops_per_token = el_flops_paper_training(cost),
                              .stop = p->watch.stop,
                              .on_event = on_event,
                              .context = p};
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

static el_status spend_budget(el_pretraining *p)
{
    el_pretrain_settings *s = p->settings;
    const el_status st = el_pretrain_budget(s, el_loader_vocab(p->data)->size, p->mean_length);
    if (!st)
        el_log(EL_LOG_NOTE, "%g FLOPs are %" PRId64 " steps of %" PRId64 " examples", s->flops_budget,
               s->num_train_steps, s->train_batch_size);
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

static el_status open_all(el_pretraining *p)
{
    el_dist *const dist = p->settings->machine.dist;
    el_status st = choose_length(p);
    if (!st)
        st = open_run(p);
    st = el_dist_agree(dist, st);
    if (!st)
        st = open_data(p);
    if (!st)
        st = el_pretrain_settle(p->settings, p->options);
    if (!st && p->settings->recipe == EL_RECIPE_ROBERTA && !el_loader_packed_full(p->data))
        st = el_fail(EL_EUSAGE,
                     "--recipe: roberta's examples are full; %s are not (`electra prepare --packing full`)",
                     p->settings->data);
    if (!st && !p->resuming) /* else all of it is recorded */
        st = el_pretrain_derive(p->settings, p->options);
    if (!st)
        st = find_frozen(p);
    if (!st && p->derive_steps)
        st = spend_budget(p);
    if (!st && !p->resuming)
        el_pretrain_derive_steps(p->settings, p->options);
    el_flops_plan cost;
    if (!st)
        st = el_pretrain_cost(p->settings, el_loader_vocab(p->data)->size, p->mean_length, &cost);
    if (!st) {
        p->settings->machine.work = el_flops_products_training(&cost) * p->mean_length *
                                    (double)p->settings->train_batch_size *
                                    (double)p->settings->num_train_steps;
        st = el_machine_open(&p->settings->machine, &p->q);
    }
    if (!st && p->resuming)
        st = compare_settings(p);
    if (!st)
        st = open_model(p);
    if (!st)
        st = el_leaves_check(p->objective, (int)p->settings->machine.leaves, el_dist_size(dist));
    st = el_dist_agree(dist, st);
    if (!st)
        st = check_ranks(p);
    if (st)
        return st;
    set_trainer(p, &cost);
    if (p->resuming)
        st = el_trainer_resume(&p->trainer, &p->progress, &p->resuming);
    if (!st && !p->resuming)
        st = start(p);
    return el_dist_agree(dist, st);
}

el_status el_pretrain_open(el_pretraining *p, el_options *options, const el_watch *watch)
{
    *p = (el_pretraining){.settings = options->settings, .options = options};
    if (watch)
        p->watch = *watch;
    const el_status st = open_all(p);
    if (st)
        el_pretrain_close(p);
    return st;
}

void el_pretrain_close(el_pretraining *p)
{
    if (p->objective)
        p->objective->close(p->objective);
    el_model_close(&p->model);
    el_queue_close(p->q);
    el_unigram_close(&p->unigram);
    el_loader_close(p->heldout);
    el_loader_close(p->data);
    json_decref(p->changes);
    if (p->run.folder)
        el_run_close(&p->run);
    *p = (el_pretraining){0};
}

/* Nothing left to do; a process killed between the last checkpoint and its export is made up for. */
static el_status finished(el_pretraining *p)
{
    const json_t *exported = json_object_get(p->run.record, "exported_step");
    el_log(EL_LOG_NOTE, "the run in %s is finished: %" PRId64 " steps; more --num-train-steps would go on",
           p->settings->output, p->progress.step);
    return json_integer_value(exported) == p->progress.step ? EL_OK : export_model(p);
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
    if (p->resuming)
        snprintf(begin, sizeof begin, "going on after step %" PRId64 ": ", from);
    el_log(EL_LOG_NOTE,
           "%s%.1f M parameters, %" PRId64 " steps of %" PRId64 " examples, %s, %s, %" PRId64 " threads",
           begin, (double)el_model_parameters(&p->model) / 1e6, p->settings->num_train_steps,
           p->settings->train_batch_size, m->activations == EL_BF16 ? "bf16" : "fp32", p->q->dev->level,
           p->settings->machine.threads);
}

el_status el_pretrain_run(el_pretraining *p)
{
    if (p->resuming && el_trainer_done(&p->trainer, &p->progress))
        return finished(p);
    el_dist *const dist = p->settings->machine.dist;
    el_status st = begin_segment(p); /* first: run.json says whose the folder is */
    if (!st)
        st = write_config(p);
    if (!st && p->unigram.sums && !p->run.follows)
        st = el_unigram_save(&p->unigram, el_loader_vocab(p->data), p->run.folder);
    st = el_dist_agree(dist, st);
    if (st)
        return st;
    announce(p);
    st = el_trainer_run(&p->trainer, &p->progress);
    return el_dist_agree(dist, el_run_segment_end(&p->run, p->progress.step, st));
}
