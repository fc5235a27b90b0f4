/* write - what a run writes beside checkpoints: config.json, model folders, run.json */
#include "engine/pretrain/parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/plural.h"
#include "engine/card.h"
#include "format/weights.h"

el_status el_pretrain_write_config(const el_pretraining *p)
{
    if (p->run.follows)
        return EL_OK;
    const el_model *m = &p->model;
    json_t *config = json_pack("{s:s}", "model_type", EL_RUN_TYPE);
    for (int i = m->count - 1; i >= 0; i--)
        json_object_set_new(config, m->networks[i].name, el_weights_json(&m->networks[i], NULL));
    json_t *settings = el_options_json(p->options);
    json_object_set(config, "embeddings", json_object_get(settings, "embeddings"));
    json_decref(settings);
    return el_json_save_new(config, p->run.folder, "config.json");
}

/* README.md of a model folder. */
static char *card(const el_pretraining *p, const el_network *net)
{
    static const char FORMAT[] =
        "Pre-trained: %" PRId64 " step%s of %" PRId64 " example%s, %" PRId64 " tokens in all.\n\n"
        "| | |\n|---|---|\n"
        "| layers | %d |\n| hidden size | %d |\n| embedding size | %d |\n"
        "| vocabulary | %d |\n| longest sequence in training | %d |\n\n"
        "`config.json`, `run.json` and `metrics.jsonl` of the run hold all settings and the "
        "course of the training.\n";
    const el_config *const c = &net->config;
    const el_objective_kind objective = (el_objective_kind)p->settings->objective;
    const bool apart = el_objective_has_generator(objective), towers = apart && c->causal;
    const bool rewrites = el_objective_rewrites(objective) && strcmp(net->name, EL_DISCRIMINATOR) == 0;
    const el_head *const head = el_network_head(net, EL_HEAD_MLM);
    const bool ordered = head && head->config.ordered, masked = head && !ordered && !c->causal && !rewrites;
    char about[sizeof FORMAT + 256], title[96];
    snprintf(title, sizeof title, "%s%s%s",
             towers      ? "ELECTRA generator of two towers"
             : c->causal ? "Causal language model"
             : ordered   ? "Language model of tokens in random orders"
             : rewrites  ? "Masked language model that restores every token"
             : apart     ? "ELECTRA "
                         : "Masked language model",
             apart && !towers && !rewrites ? net->name : "",
             c->backwards ? "; it reads ids and positions in reverse order" : "");
    snprintf(about, sizeof about, FORMAT, p->progress.step, el_s(p->progress.step),
             p->settings->train_batch_size, el_s(p->settings->train_batch_size), p->progress.tokens,
             c->num_hidden_layers, c->hidden_size, c->embedding_size, c->vocab_size,
             el_loader_max_seq_length(p->data));
    return el_card_text(&(el_card){.pipeline = masked ? "fill-mask" : NULL,
                                   .own = !el_network_opens(net),
                                   .tag = el_model_type_name(c->model_type),
                                   .title = title,
                                   .about = about,
                                   .options = p->options});
}

static el_status export_network(el_pretraining *p, const el_network *net)
{
    char *text = card(p, net);
    const el_status st = text ? el_weights_save(&p->model, net, el_loader_vocab(p->data), text, NULL,
                                                EL_ST_F32, el_path_in(p->run.folder, net->name).text)
                              : el_no_memory(p->run.folder);
    free(text);
    return st;
}

/* ---- tokens that had another cost ---- */

static json_t *both_counts(double products, double paper)
{
    return json_pack("{s:o, s:o}", "products", el_json_number(products), "paper", el_json_number(paper));
}

static void add_cost(json_t *costs, int64_t tokens, double products, double paper)
{
    json_t *const cost = both_counts(products, paper);
    json_object_set_new(cost, "tokens", json_integer(tokens));
    json_array_append_new(costs, cost);
}

static int64_t tokens_until(const json_t *costs)
{
    const json_t *const last = json_array_get(costs, json_array_size(costs) - 1);
    return json_integer_value(json_object_get(last, "tokens"));
}

static bool is_other(double before, double now)
{
    return before != now && !(isnan(before) && isnan(now));
}

/* Those on record, so far as the checkpoint has their tokens: it may be an older one than that of their start; and those since,
 * where their cost is not that of now.  Version 0.1.0 counted nothing (new reference). */
static json_t *earlier_costs(const json_t *record, const el_trainer *t, int64_t tokens)
{
    json_t *const costs = json_array(), *cost;
    size_t i;
    json_array_foreach(json_object_get(record, "earlier_costs"), i, cost) {
        const int64_t until = json_integer_value(json_object_get(cost, "tokens"));
        if (tokens_until(costs) < tokens)
            add_cost(costs, until < tokens ? until : tokens, el_json_figure(cost, "products"),
                     el_json_figure(cost, "paper"));
    }
    const double products = el_json_figure(record, "flops_per_token"),
                 paper = el_json_figure(record, "paper_flops_per_token");
    const bool other = is_other(products, t->flops_per_token) || is_other(paper, t->paper_flops_per_token);
    if (other && tokens_until(costs) < tokens && json_object_get(record, "flops"))
        add_cost(costs, tokens, products, paper);
    return costs;
}

void el_pretrain_recall_flops(el_pretraining *p)
{
    el_trainer *const t = &p->trainer;
    json_t *const costs = earlier_costs(p->run.record, t, p->progress.tokens), *cost;
    double from = 0;
    size_t i;
    json_array_foreach(costs, i, cost) {
        const double until = el_json_figure(cost, "tokens"), tokens = until - from;
        t->flops_correction += (el_json_figure(cost, "products") - t->flops_per_token) * tokens;
        t->paper_flops_correction += (el_json_figure(cost, "paper") - t->paper_flops_per_token) * tokens;
        from = until;
    }
    if (json_array_size(costs) > 0)
        json_object_set(p->run.record, "earlier_costs", costs);
    else
        json_object_del(p->run.record, "earlier_costs");
    json_decref(costs);
}

/* What the run has spent so far. */
static void record_flops(el_pretraining *p)
{
    json_t *const record = p->run.record;
    const el_trainer *const t = &p->trainer;
    double paper;
    const double products = el_trainer_flops(t, &p->progress, &paper);
    json_object_set_new(record, "flops_per_token", json_real(t->flops_per_token));
    json_object_set_new(record, "paper_flops_per_token", el_json_number(t->paper_flops_per_token));
    json_object_set_new(record, "flops", both_counts(products, paper));
}

el_status el_pretrain_export(el_pretraining *p)
{
    if (p->run.follows)
        return EL_OK;
    const bool early = p->progress.step < el_pretrain_least_steps(p->settings);
    el_status st = EL_OK;
    for (int i = 0; !st && i < p->model.count; i++)
        if (!early || strcmp(p->model.networks[i].name, EL_DISCRIMINATOR) != 0)
            st = export_network(p, &p->model.networks[i]);
    if (st)
        return st;
    json_object_set_new(p->run.record, "exported_step", json_integer(p->progress.step));
    record_flops(p);
    return el_run_save(&p->run);
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

el_status el_pretrain_begin_segment(el_pretraining *p)
{
    json_t *record = p->run.record;
    if (!p->resuming)
        json_object_clear(record);
    const el_vocab *vocab = el_loader_vocab(p->data);
    json_object_set_new(record, "version", json_string(ELECTRA_VERSION));
    json_object_set_new(record, "settings", el_options_json(p->options));
    json_object_set_new(record, "given", el_options_given_json(p->options));
    el_run_set_hash(&p->run, "vocabulary_hash", vocab->hash);
    el_run_set_hash(&p->run, "data_hash", el_loader_hash(p->data));
    json_object_set_new(record, "data",
                        json_pack("{s:I, s:I, s:i, s:i}", "examples", (json_int_t)el_loader_examples(p->data),
                                  "tokens", (json_int_t)el_loader_tokens(p->data), "max_seq_length",
                                  el_loader_max_seq_length(p->data), "vocab_size", vocab->size));
    if (!p->settings->counts_examples)
        json_object_set_new(json_object_get(record, "data"), "attended", json_real(p->attended));
    json_object_set_new(record, "parameters", json_integer(el_model_parameters(&p->model)));
    record_flops(p);
    json_t *machine = el_machine_json(&p->settings->machine, p->q->dev);
    note_other_machine(p, machine);
    const el_status st = el_run_segment_begin(&p->run, p->progress.step, machine);
    json_decref(machine);
    return st;
}
