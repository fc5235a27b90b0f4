/* start - the weights that a run begins with: random, of a checkpoint, of model folders */
#include "engine/pretrain/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "engine/pretrain/shapes.h"
#include "format/model_folder.h"
#include "format/weights.h"
#include "train/checkpoint.h"

static const char *direction_of(const el_config *c)
{
    return c->backwards ? "reads backwards" : c->causal ? "reads forwards" : "reads both sides";
}

static const char *saying_of(const el_head_config *h)
{
    return h->kind == EL_HEAD_NONE        ? "has no head"
           : h->kind == EL_HEAD_DETECTION ? h->energies ? "says energies" : "says log-odds"
           : h->kind == EL_HEAD_CLOZE     ? "predicts tokens beside a backward network"
           : h->ordered                   ? "predicts tokens in random orders"
           : h->gated                     ? "predicts tokens or copies them"
                                          : "predicts tokens";
}

/* What helps where a checkpoint is of other networks. */
#define FROM_THE_RUN "--init-from the run, not its checkpoint, takes what fits"

/* A checkpoint's network is of one kind with that which takes its values. */
static el_status check_network(const el_network *net, const json_t *theirs, const char *path)
{
    el_config config;
    el_head_config head;
    el_status st = el_config_read(&config, theirs, path);
    if (!st)
        st = el_config_check_heads(&net->config, &config, path);
    if (!st)
        st = el_head_read(theirs, path, &head);
    if (st)
        return st;
    const el_head_config *const ours = el_network_first_head(net);
    const bool alike = strcmp(saying_of(ours), saying_of(&head)) == 0;
    const char *const is = alike ? direction_of(&net->config) : saying_of(ours);
    const char *const was = alike ? direction_of(&config) : saying_of(&head);
    return strcmp(is, was) == 0
               ? EL_OK
               : el_fail(EL_EUSAGE, "--init-from: %s: its %s %s, and here it %s; " FROM_THE_RUN, path,
                         net->name, was, is);
}

/* Under gdes a table is what it adds to another one. */
static el_status check_tables(const el_pretraining *p, const json_t *config, const char *path)
{
    json_t *const settings = el_options_json(p->options);
    const char *const is = json_string_value(json_object_get(settings, "embeddings"));
    const char *const was = json_string_value(json_object_get(config, "embeddings"));
    const el_status st =
        p->model.count > 1 && is && was && strcmp(is, was) != 0
            ? el_fail(EL_EUSAGE,
                      "--init-from: %s: its tables are of --embeddings %s, and here they are "
                      "of %s; --embeddings %s, or " FROM_THE_RUN,
                      path, was, is, was)
            : EL_OK;
    json_decref(settings);
    return st;
}

/* As config.json of the checkpoint's run says, where there is one. */
static el_status check_networks(const el_pretraining *p, const char *path)
{
    json_t *config = NULL;
    el_status st = p->settings->start ? el_json_load(&config, path) : EL_OK;
    for (int i = 0; !st && i < p->model.count; i++) {
        const char *const name = p->model.networks[i].name;
        const json_t *const theirs = json_object_get(config, name);
        st = theirs   ? check_network(&p->model.networks[i], theirs, path)
             : config ? el_fail(EL_EUSAGE, "--init-from: %s: it has no %s; " FROM_THE_RUN, path, name)
                      : EL_OK;
    }
    if (!st)
        st = check_tables(p, config, path);
    json_decref(config);
    return st;
}

/* A checkpoint's vocabulary and networks are its run's, where it still lies in one. */
static el_status check_checkpoint_run(const el_pretraining *p)
{
    char *const run = el_run_of_checkpoint(p->settings->init_from);
    json_t *record = NULL;
    el_status st = run ? el_run_read(&record, run) : el_no_memory(NULL);
    if (!st && record)
        st = el_model_check_vocab(run, el_loader_vocab(p->data), p->settings->data);
    if (!st)
        st = check_networks(p, el_path_in(run, "config.json").text);
    json_decref(record);
    free(run);
    return st;
}

/* Moments that a checkpoint has are warm: their bias is that of the updates that made them. */
static el_status start_from_checkpoint(el_pretraining *p)
{
    json_t *state = NULL;
    el_progress theirs;
    el_status st = check_checkpoint_run(p);
    if (!st)
        st = el_checkpoint_load(&p->model, &state, p->settings->init_from, true);
    if (!st)
        st = el_progress_read(&theirs, state);
    const bool warm = !st && el_folder_holds(p->settings->init_from, "optimizer.safetensors");
    if (warm)
        p->progress.warm_updates = theirs.warm_updates < 0 ? theirs.updates : theirs.warm_updates;
    if (!st)
        el_log(EL_LOG_NOTE, "%s: weights%s are the checkpoint's; rates and schedule begin anew",
               p->settings->init_from, warm ? " and AdamW's moments" : "");
    json_decref(state);
    return st;
}

/* Weights that were trained to read otherwise are taken: they are said to be. */
static void say_direction(const el_network *net, const el_config *theirs, const char *folder)
{
    const char *const is = direction_of(&net->config), *const was = direction_of(theirs);
    if (strcmp(is, was) != 0 && !net->config.backwards)
        el_log(EL_LOG_NOTE, "%s: %s, and its weights are taken for a network that %s", folder, was, is);
}

static el_status start_from_folders(el_pretraining *p)
{
    el_model_paths paths;
    el_status st = el_model_find(&paths, p->settings->init_from);
    if (st)
        return st;
    char missing[64] = "";
    int lacking = 0;
    for (int i = 0; !st && i < p->model.count;
         i++) { /* a delta lies on top of the generator, which is first */
        const el_network *net = &p->model.networks[i];
        const bool small =
            el_model_network(&p->model, EL_DISCRIMINATOR) && strcmp(net->name, EL_GENERATOR) == 0;
        if (small && p->settings->generator_from)
            continue;
        const bool alike = p->settings->objective == EL_TWO_STAGE; /* a masked model alone begins both */
        const char *folder = strcmp(net->name, EL_BACKWARD) == 0 ? paths.backward
                             : !small                            ? paths.encoder
                             : paths.discriminator || alike      ? paths.generator
                                                                 : NULL;
        if (folder) {
            say_direction(net, small ? &p->start_generator : &p->start, folder);
            st = el_weights_load(&p->model, net, folder);
        } else
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), "%s%s",
                     lacking++ ? " and no " : "", net->name);
    }
    if (!st) {
        el_model_prepare(&p->model);
        el_log(EL_LOG_NOTE, "%s: %s%s%s; rates and schedule begin anew", p->settings->init_from,
               lacking                       ? "the folder has no "
               : p->settings->generator_from ? "the discriminator is the folder's"
               : p->model.count == 1         ? "the network is the folder's"
                                             : "all networks are those of the folder",
               missing,
               lacking > 1 ? ", which are new"
               : lacking   ? ", which is new"
                           : "");
    }
    el_model_paths_release(&paths);
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
    el_model_paths_release(&paths);
    return st;
}

/* Rows that no piece stands for would be guessed and sampled. */
static el_status check_rows(const el_pretraining *p)
{
    const el_vocab *const vocab = el_loader_vocab(p->data);
    return p->start.vocab_size == vocab->size
               ? EL_OK
               : el_fail(
                     EL_EDATA,
                     "%s: vocab_size is %d, and the vocabulary has %d pieces; to be pre-trained, it takes "
                     "a row for each piece and no other",
                     p->settings->init_from, p->start.vocab_size, vocab->size);
}

el_status el_pretrain_start(el_pretraining *p)
{
    const el_initialisation how = el_pretrain_initialisation(p->settings);
    el_status st = el_model_initialise(&p->model, &how);
    if (!st && p->settings->generator_from)
        st = start_frozen(p);
    if (st || !p->settings->init_from)
        return st;
    if (el_is_checkpoint(p->settings->init_from))
        return start_from_checkpoint(p);
    st = el_model_check_vocab(p->settings->init_from, el_loader_vocab(p->data), p->settings->data);
    if (!st)
        st = check_rows(p);
    return st ? st : start_from_folders(p);
}

/* ---- the networks that it begins with ---- */

/* What has two segments is read with a row for each. */
static el_status check_segments(const el_pretraining *p)
{
    const bool pairs = el_loader_pairs(p->data, 1) > 0 || (p->heldout && el_loader_pairs(p->heldout, 1) > 0);
    return p->start.type_vocab_size > 1 || !pairs
               ? EL_OK
               : el_fail(EL_EDATA, "%s: knows one segment (type_vocab_size 1), and examples have two",
                         p->settings->init_from);
}

/* Of a run that goes on what it began with, which a run that was killed early does not know; else of --init-from. */
el_status el_pretrain_find_start(el_pretraining *p)
{
    const char *const from = p->settings->init_from;
    el_shapes shapes = {.large = el_config_default(), .generator = el_config_default()};
    el_status st = p->resuming ? el_shapes_of_run(&shapes, p->run.folder) : EL_OK;
    if (!st && from && !shapes.known)
        st = el_shapes_read(&shapes, from);
    p->start = shapes.large;
    p->start_generator = shapes.generator;
    p->settings->start = shapes.known ? &p->start : NULL;
    p->settings->start_generator = shapes.known ? &p->start_generator : NULL;
    return st ? st : check_segments(p);
}

/* Why a network cannot draw what stands at a [MASK]; NULL: it can. */
static const char *why_no_generator(const el_config *c, const el_head_config *head)
{
    return head->kind == EL_HEAD_CLOZE ? ": it is one of two towers"
           : c->causal                 ? ": it reads in one direction"
           : head->ordered             ? ": it predicts tokens in random orders"
           : head->gated               ? ": it has never read [MASK] (--objective all-tokens-mlm)"
           : head->restores            ? ": it has never read [MASK] (--objective replace-mlm)"
           : head->kind != EL_HEAD_MLM ? ""
                                       : NULL;
}

el_status el_pretrain_read_frozen(const char *folder, el_config *config)
{
    el_model_paths paths = {0};
    el_head_config head = {0};
    el_status st = el_model_find(&paths, folder);
    if (!st)
        st = el_model_read(paths.generator ? paths.generator : paths.encoder, paths.generator, config, &head,
                           NULL);
    const char *const why = st ? NULL : why_no_generator(config, &head);
    if (why)
        st = el_fail(EL_EUSAGE, "--generator-from: %s holds no masked language model%s", folder, why);
    if (!st)
        el_log(EL_LOG_NOTE, "%s: draws the replacements and is not trained; tables are separate", folder);
    el_model_paths_release(&paths);
    return st;
}

/* The generator of --generator-from. */
static el_status find_generator(el_pretraining *p, const char *folder)
{
    const el_status st = el_model_check_vocab(folder, el_loader_vocab(p->data), p->settings->data);
    return st ? st : el_pretrain_read_frozen(folder, &p->frozen);
}

el_status el_pretrain_find_frozen(el_pretraining *p)
{
    const char *const folder = p->settings->generator_from;
    el_shapes own = {0};
    if (!folder)
        return EL_OK;
    el_status st = p->resuming ? el_shapes_of_run(&own, p->run.folder) : EL_OK;
    if (!st && !own.pair)
        st = find_generator(p, folder);
    else if (!st)
        p->frozen = own.generator;
    p->settings->frozen_generator = &p->frozen;
    return st;
}
