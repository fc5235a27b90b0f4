/* import - see the header */
#define _GNU_SOURCE
#include "engine/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/plural.h"
#include "format/model_folder.h"
#include "format/sentence.h"
#include "format/weights.h"
#include "task/learn/finetuned.h"

/* Of config.json, beside what el_weights_save writes of shape and head. */
static json_t *kept_keys(const json_t *object)
{
    static const char *const KEYS[] = {"id2label", "label2id", "problem_type", "task", "finetuning_task"};
    json_t *const extra = json_object();
    for (size_t i = 0; extra && i < sizeof KEYS / sizeof *KEYS; i++) {
        json_t *const value = json_object_get(object, KEYS[i]);
        if (value && !json_is_null(value))
            json_object_set(extra, KEYS[i], value);
    }
    return extra;
}

/* What a person calls the network: not every encoder is a discriminator. */
static const char *called(const el_network *net)
{
    return el_network_called(&net->config, el_network_first_head(net));
}

/* Tensors that are no parameter of the network, one note for all. */
static void say_left_out(const el_names *names, const el_network *net)
{
    const el_tensors *const tensors = names->source;
    char text[400] = "";
    int left = 0;
    bool pooler = false;
    for (int t = 0; t < tensors->count; t++) {
        bool used = strstr(tensors->tensors[t].name, "position_ids") != NULL;
        for (int i = 0; !used && i < net->params.count; i++)
            used = el_names_find(names, net->params.items[i].name) == &tensors->tensors[t];
        if (used)
            continue;
        pooler |= el_names_find(names, EL_POOLER "dense.weight") == &tensors->tensors[t];
        const size_t length = strlen(text);
        if (left++ < 3)
            snprintf(text + length, sizeof text - length, "%s%s", length ? ", " : "",
                     tensors->tensors[t].name);
    }
    if (left)
        el_log(EL_LOG_NOTE, "%s: %d tensor%s %s left out of the %s: %s%s%s", tensors->path, left, el_s(left),
               el_is(left), called(net), text, left > 3 ? " ..." : "",
               pooler ? "; the pooler is one of them, and a fine-tuning to classes begins with a new one"
                      : "");
}

/* The text of a folder's model card, on the heap; NULL where it has none. */
static el_status read_card(const char *folder, char **text)
{
    const el_path path = el_path_in(folder, "README.md");
    el_mapping file;
    *text = NULL;
    if (!el_file_exists(path.text))
        return EL_OK;
    const el_status st = el_mapping_open(&file, path.text);
    if (st)
        return st;
    *text = strndup((const char *)file.data, file.size);
    el_mapping_close(&file);
    return *text ? EL_OK : el_no_memory(folder);
}

/* The folder's own; where it has none, one that says where the weights come from. */
static el_status read_or_make_card(const char *from, const el_network *net, const char *command, char **text)
{
    const el_status st = read_card(from, text);
    if (st || *text)
        return st;
    if (asprintf(text, "---\n%stags:\n- %s\n---\n\n# %s of %s\n\nWritten by `electra %s`.\n",
                 el_network_opens(net) ? "library_name: transformers\n" : "",
                 el_model_type_name(net->config.model_type), called(net), from, command) >= 0)
        return EL_OK;
    *text = NULL;
    return el_no_memory(from);
}

static el_status write_network(el_model *model, const el_model_source *from,
                               const el_import_settings *settings, const char *output)
{
    const el_network *const net = &model->networks[0];
    el_vocab *vocab = NULL;
    json_t *const extra = kept_keys(from->card.object);
    char *readme = NULL;
    el_status st =
        extra ? el_model_vocab(from->folder, &net->config, from->names.source, &vocab) : el_no_memory(output);
    if (!st)
        st = read_or_make_card(from->folder, net, settings->command, &readme);
    if (!st)
        st = el_weights_save(model, net, vocab, readme, extra, settings->type, output);
    el_vocab_close(vocab);
    json_decref(extra);
    free(readme);
    return st;
}

/* A range of numbers that stood beside the weights goes into them. */
static el_status fold_range(el_model *model, const el_model_card *card)
{
    double low, high;
    const el_status st = el_finetuned_range(card->object, card->path, &card->head, &low, &high);
    if (st || !(low < high))
        return st;
    json_t *const task = json_object_get(card->object, "task");
    json_object_del(task, "low");
    json_object_del(task, "high");
    return el_finetuned_fold(model, &low, &high);
}

static el_status check(const el_model_source *from, const el_config *config, bool sound)
{
    el_status st = sound ? el_model_source_check_heads(from) : EL_OK;
    if (!st && sound)
        st = el_tensors_check_finite(from->names.source);
    if (!st)
        st = el_config_check(config, from->folder);
    return !st && from->head.joined
               ? el_fail(EL_EUSAGE,
                         "%s: holds two networks that are asked together; copy the folder as it is",
                         from->folder)
               : st;
}

/* Its weights alone: nothing is computed with the model. */
static el_status open_network(el_model *model, el_queue *q, const char *name, const el_config *config,
                              const el_model_source *from)
{
    el_model_plan plan = {.activations = EL_F32, .parameters = EL_F32};
    el_network_plan *const net =
        el_plan_add(&plan, config->backwards ? EL_BACKWARD : name, *config, from->head);
    if (from->head.sentences)
        el_plan_add_sentences(net);
    const el_status st = el_model_open(model, q, &plan);
    return st ? st : el_weights_fill(model, &model->networks[0], from);
}

/* One of the networks of a folder.  `alone`: there is no other, and what the folder has besides is said. */
static el_status import_network(el_queue *q, const el_model_part *part, el_tensors *shared, bool alone,
                                const el_import_settings *settings, const char *output)
{
    const bool predicts = strcmp(part->name, EL_DISCRIMINATOR) != 0;
    el_model_source from;
    el_model model = {0};
    el_status st = el_model_source_open(&from, part->place, shared, predicts);
    if (st)
        return st;
    el_config config = from.card.config;
    if (settings->attention_heads)
        config.num_attention_heads = settings->attention_heads;
    st = check(&from, &config, settings->sound);
    if (!st)
        st = open_network(&model, q, part->name, &config, &from);
    if (!st && alone)
        say_left_out(&from.names, &model.networks[0]);
    if (!st && from.head.kind >= EL_HEAD_SEQUENCE)
        st = fold_range(&model, &from.card);
    if (!st)
        st = write_network(&model, &from, settings, output);
    el_model_close(&model);
    el_model_source_close(&from);
    return st;
}

static el_status import_into(el_queue *q, const el_model_part *part, el_tensors *shared,
                             const el_import_settings *settings, const char *output)
{
    return import_network(q, part, shared, false, settings, el_path_in(output, part->name).text);
}

/* Of several networks all, each into a folder of its own, or the one that is wanted. */
static el_status import_networks(el_queue *q, const char *folder, const el_import_settings *settings,
                                 const char *output)
{
    const char *const wanted = settings->network;
    el_model_paths paths;
    el_model_part parts[EL_MODEL_PARTS];
    el_status st = el_model_find(&paths, folder);
    if (st)
        return st;
    const int count = el_model_parts(&paths, parts);
    bool found = count < 2 || !wanted;
    const el_model_part only = {paths.generator ? EL_GENERATOR : EL_DISCRIMINATOR, paths.encoder};
    el_tensors *const shared = el_model_shared(&paths);
    if (count < 2)
        st = import_network(q, &only, shared, true, settings, output);
    for (int i = 0; !st && count > 1 && i < count; i++) {
        if (!wanted) {
            st = import_into(q, &parts[i], shared, settings, output);
        } else if (strcmp(parts[i].name, wanted) == 0) {
            st = import_network(q, &parts[i], shared, false, settings, output);
            found = true;
        }
    }
    if (!st && !found)
        st = el_fail(EL_EUSAGE, "%s: has no %s", folder, wanted);
    el_model_paths_release(&paths);
    return st;
}

/* The card beside modules.json, where the encoder has a folder of its own. */
static el_status keep_card(const char *folder, const char *output)
{
    char *text;
    el_status st = read_card(folder, &text);
    if (!st && text)
        st = el_file_write(el_path_in(output, "README.md").text, text, strlen(text));
    free(text);
    return st;
}

/* How the folder's texts become vectors goes along; where `embed` would refuse it, the encoder goes alone. */
static el_status import_sentence(el_queue *q, const char *folder, const el_sentence *sentence,
                                 const el_import_settings *settings, const char *output)
{
    el_config config;
    el_status st = import_networks(q, sentence->encoder, settings, output);
    if (!st)
        st = keep_card(folder, output);
    if (!st)
        st = el_model_read(output, false, &config, NULL, NULL);
    return st ? st : el_sentence_save(sentence, config.hidden_size, output);
}

el_status el_import(el_queue *q, const char *folder, const el_import_settings *settings, const char *output)
{
    el_sentence sentence;
    el_folder whole = {0};
    if (el_folder_exists(output) || el_file_exists(output))
        return el_fail(EL_EUSAGE, "%s: is there already", output);
    el_status st = el_sentence_read(&sentence, folder);
    if (st && st != EL_EDATA)
        return st;
    if (st)
        el_log(EL_LOG_WARNING, "%s; the encoder is kept without it", el_error());
    st = el_folder_begin(&whole, output);
    if (!st)
        st = sentence.found ? import_sentence(q, folder, &sentence, settings, whole.temporary)
                            : import_networks(q, folder, settings, whole.temporary);
    if (!st)
        st = el_folder_commit(&whole);
    el_folder_abandon(&whole);
    el_sentence_release(&sentence);
    return st;
}
