/* model_folder - see the header */
#include "format/model_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "base/file.h"
#include "base/log.h"
#include "format/sentence.h"
#include "format/tokenizer.h"

const char EL_VOCAB_HASH[] = "vocab_hash";
const char EL_RUN_TYPE[] = "electra-pretraining";

/* ---- what tensors say ---- */

enum { HEAD_UNITS = 64 };
static const char TYPES[] = "electra.embeddings.token_type_embeddings.weight";

static bool has(const el_names *names, const char *parameter)
{
    return el_names_find(names, parameter) != NULL;
}

static bool has_mlm(const el_names *names)
{
    return has(names, "generator_predictions.dense.weight") || has(names, "generator_lm_head.bias");
}

static bool has_detection(const el_names *names)
{
    return has(names, "discriminator_predictions.dense_prediction.weight");
}

static el_head_kind head_of_tensors(const el_names *names, bool predicts)
{
    const bool mlm = has_mlm(names);
    if (mlm && predicts)
        return EL_HEAD_MLM;
    if (has_detection(names))
        return EL_HEAD_DETECTION;
    if (has(names, "classifier.out_proj.weight"))
        return EL_HEAD_SEQUENCE;
    if (has(names, "classifier.weight"))
        return has(names, "electra.pooler.dense.weight") ? EL_HEAD_POOLED : EL_HEAD_TOKEN;
    if (has(names, "qa_outputs.weight"))
        return EL_HEAD_SPAN;
    return mlm ? EL_HEAD_MLM : EL_HEAD_NONE;
}

static int64_t size_of(const el_names *names, const char *parameter, int dimension)
{
    const el_stored *const tensor = el_names_find(names, parameter);
    const int64_t size = tensor && dimension < tensor->dims ? tensor->shape[dimension] : 0;
    return size < 1 << 30 ? size : 0; /* too large for any configuration */
}

static int count_layers(const el_names *names)
{
    char name[112];
    for (int layers = 0;; layers++) {
        snprintf(name, sizeof name, "electra.encoder.layer.%d.output.dense.weight", layers);
        if (!has(names, name))
            return layers;
    }
}

static bool begins_with(const char *name, const char *begin)
{
    return strncmp(name, begin, strlen(begin)) == 0;
}

/* Whether a tensor, called so behind the encoder's prefix, is one that only another kind of encoder has. */
static bool is_strange(const char *name)
{
    static const char *const PARTS[] = {"embeddings.word_embeddings.",
                                        "embeddings.position_embeddings.",
                                        "embeddings.token_type_embeddings.",
                                        "embeddings.LayerNorm.",
                                        "embeddings.position_ids",
                                        "embeddings.token_type_ids",
                                        "attention.self.query.",
                                        "attention.self.key.",
                                        "attention.self.value.",
                                        "attention.output.dense.",
                                        "attention.output.LayerNorm.",
                                        "intermediate.dense.",
                                        "output.dense.",
                                        "output.LayerNorm."};
    static const char *const WORDS[] = {"weight", "bias", "gamma", "beta", ""};
    const char *part = name;
    if (begins_with(name, "encoder.layer.")) {
        char *rest;
        strtol(name + strlen("encoder.layer."), &rest, 10);
        part = *rest ? rest + 1 : rest; /* behind the point */
    } else if (!begins_with(name, "embeddings.") && !begins_with(name, "encoder.")) {
        return strcmp(name, "pooler.weight") == 0; /* a BigBird's */
    }
    for (size_t p = 0; p < sizeof PARTS / sizeof *PARTS; p++)
        for (size_t w = 0; begins_with(part, PARTS[p]) && w < sizeof WORDS / sizeof *WORDS; w++)
            if (strcmp(part + strlen(PARTS[p]), WORDS[w]) == 0)
                return false;
    return true;
}

/* Shapes tell an ELECTRA and a BERT.  They say neither how often an ALBERT goes through a layer, nor what an XLNet's
 * attention is, nor at which row a RoBERTa's positions begin; and every other kind of encoder computes something else. */
static el_status check_shapes_tell(const el_names *names)
{
    static const struct {
        const char *part, *kind;
    } OTHERS[] = {{"albert_layer_groups.", "an ALBERT"},
                  {"rel_attn.", "an XLNet"},
                  {"roberta.", "a RoBERTa"},
                  {"yoso.", "a YOSO"}};
    static const char *const NEEDED[] = {"electra.embeddings.word_embeddings.weight",
                                         "electra.embeddings.position_embeddings.weight", TYPES,
                                         "electra.encoder.layer.0.attention.self.query.weight",
                                         "electra.encoder.layer.0.intermediate.dense.weight"};
    const el_tensors *const source = names->source;
    const el_stored *const query =
        el_names_find(names, "electra.encoder.layer.0.attention.self.query.weight");
    for (size_t i = 0; query && i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (strstr(query->name, OTHERS[i].part))
            return el_fail(EL_EDATA, "%s: its tensors are those of %s, and no config.json says so",
                           source->path, OTHERS[i].kind);
    for (size_t i = 0; i < sizeof NEEDED / sizeof *NEEDED; i++)
        if (!has(names, NEEDED[i]))
            return el_fail(
                EL_EDATA,
                "%s: its tensors are those of no ELECTRA or BERT, and no config.json says what they are",
                source->path);
    if (size_of(names, TYPES, 0) == 1)
        return el_fail(EL_EDATA,
                       "%s: knows one type of tokens, as a RoBERTa does, and no config.json says what it is",
                       source->path);
    for (int i = 0; i < source->count; i++) {
        const char *const name = source->tensors[i].name;
        if (begins_with(name, names->encoder) && is_strange(name + strlen(names->encoder)))
            return el_fail(EL_EDATA, "%s: no ELECTRA or BERT has %s, and no config.json says what does",
                           source->path, name);
    }
    return EL_OK;
}

/* Whether the last word before the encoder's names is "bert": "distilbert" is another. */
static bool is_bert(const char *encoder)
{
    return strcmp(encoder, "bert.") == 0 || el_ends_with(encoder, ".bert.");
}

/* A configuration from shapes. */
static json_t *config_of_tensors(const el_names *names)
{
    static const char TABLE[] = "electra.embeddings.word_embeddings.weight",
                      INNER[] = "electra.encoder.layer.0.intermediate.dense.weight";
    el_config c = el_config_default();
    c.model_type = is_bert(names->encoder) ? EL_MODEL_BERT : EL_MODEL_ELECTRA;
    c.vocab_size = (int)size_of(names, TABLE, 0);
    c.embedding_size = (int)size_of(names, TABLE, 1);
    c.hidden_size = (int)size_of(names, INNER, 1);
    c.intermediate_size = (int)size_of(names, INNER, 0);
    c.num_hidden_layers = count_layers(names);
    c.max_position_embeddings = (int)size_of(names, "electra.embeddings.position_embeddings.weight", 0);
    c.type_vocab_size = (int)size_of(names, TYPES, 0);
    c.num_attention_heads = c.hidden_size % HEAD_UNITS ? 1 : c.hidden_size / HEAD_UNITS;
    return el_config_json(&c, "");
}

/* ---- one network ---- */

/* The architecture that the tensors speak of. */
static el_status guess_architecture(el_model_card *card, const el_names *names, bool predicts)
{
    const char *const type = json_string_value(json_object_get(card->object, "model_type"));
    const el_model_type model_type = !type                         ? EL_MODEL_ELECTRA
                                     : strcmp(type, "bert") == 0   ? EL_MODEL_BERT
                                     : strcmp(type, "albert") == 0 ? EL_MODEL_ALBERT
                                     : strcmp(type, "xlnet") == 0  ? EL_MODEL_XLNET
                                                                   : EL_MODEL_ELECTRA;
    const bool causal = json_is_true(json_object_get(card->object, "is_decoder"));
    const char *const name = el_head_class(head_of_tensors(names, predicts), causal, model_type);
    if (!name)
        return el_fail(EL_EDATA, "%s: no architecture is named, and its tensors are those of no known head",
                       names->source->path);
    snprintf(card->said, sizeof card->said, "no architecture is named; the tensors are those of %s", name);
    return json_object_set_new(card->object, "architectures", json_pack("[s]", name)) == 0
               ? EL_OK
               : el_fail(EL_ENOMEM, "%s: no memory", names->source->path);
}

/* In place of config.json: BERT's own bert_config.json, or shapes. */
static el_status describe(el_model_card *card, const char *folder, const el_names *names)
{
    char *const theirs = el_path_join(folder, "bert_config.json");
    el_status st = theirs ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory", folder);
    if (!st && el_file_exists(theirs)) {
        st = el_json_load(&card->object, theirs);
        if (!st && json_object_set_new(card->object, "model_type", json_string("bert")) != 0)
            st = el_fail(EL_ENOMEM, "%s: no memory", folder);
    } else if (!st && !(st = check_shapes_tell(names))) {
        card->object = config_of_tensors(names);
        card->guesses_heads = true;
        st = card->object ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory", folder);
    }
    free(theirs);
    return st;
}

/* Where config.json has neither architectures nor a model_type. */
static el_status type_of_tensors(el_model_card *card, const el_names *names)
{
    const el_status st = check_shapes_tell(names);
    const char *const type = is_bert(names->encoder) ? "bert" : "electra";
    return st ? st
           : json_object_set_new(card->object, "model_type", json_string(type)) == 0
               ? EL_OK
               : el_fail(EL_ENOMEM, "%s: no memory", card->path);
}

/* Looks at the tensors for what config.json does not say. */
static el_status complete(el_model_card *card, const char *folder, el_tensors *tensors, bool predicts)
{
    el_names names;
    el_status st = el_tensors_need(tensors, folder);
    if (!st)
        st = el_names_open(&names, tensors, predicts);
    if (!st && !card->object)
        st = describe(card, folder, &names);
    else if (!st && !json_string_value(json_object_get(card->object, "model_type")))
        st = type_of_tensors(card, &names);
    if (!st)
        st = guess_architecture(card, &names, predicts);
    return st;
}

bool el_is_checkpoint(const char *folder)
{
    char *const state = el_path_join(folder, EL_CHECKPOINT_STATE);
    const bool found = state && el_file_exists(state);
    free(state);
    return found;
}

/* What looks like a model and is none: a checkpoint, and a run that has not yet written its models. */
static el_status refuse_checkpoint(const el_model_card *card, const char *folder)
{
    return el_is_checkpoint(folder) && !el_file_exists(card->path)
               ? el_fail(EL_EDATA,
                         "%s: is a checkpoint, for pretrain to go on from; the models of its run lie in the "
                         "run's discriminator and generator",
                         folder)
               : EL_OK;
}

static bool holds_models(const char *run)
{
    static const char *const MODELS[] = {EL_DISCRIMINATOR, EL_GENERATOR};
    bool there = false;
    for (int i = 0; i < 2; i++) {
        char *const folder = el_path_join(run, MODELS[i]);
        there |= !folder || el_folder_exists(folder);
        free(folder);
    }
    return there;
}

static el_status refuse_run(const el_model_card *card, const char *folder)
{
    const char *const type = json_string_value(json_object_get(card->object, "model_type"));
    return type && strcmp(type, EL_RUN_TYPE) == 0 && !holds_models(folder)
               ? el_fail(
                     EL_EDATA,
                     "%s: this run has written no models yet; electra pretrain --output %s goes on with it",
                     folder, folder)
               : EL_OK;
}

/* Where an old config.json has no model_type, its architecture's name begins with what it is. */
static el_status take_model_type(el_model_card *card)
{
    static const struct {
        const char *begin, *type;
    } KINDS[] = {{"Electra", "electra"}, {"Bert", "bert"}, {"Albert", "albert"}, {"XLNet", "xlnet"}};
    const char *const architecture = el_architecture_of(card->object);
    const json_t *const given = json_object_get(card->object, "model_type");
    if (!*architecture || (given && !json_is_null(given)))
        return EL_OK;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (begins_with(architecture, KINDS[i].begin))
            return json_object_set_new(card->object, "model_type", json_string(KINDS[i].type)) == 0
                       ? EL_OK
                       : el_fail(EL_ENOMEM, "%s: no memory", card->path);
    return el_fail(EL_EDATA, "%s: architectures names %s, and no model_type says what that is", card->path,
                   architecture);
}

/* All but the configuration, which a run's own config.json has not. */
static el_status open_card(el_model_card *card, const char *folder, el_tensors *tensors, bool predicts)
{
    *card = (el_model_card){0};
    el_status st = el_folder_need(folder);
    if (!st && !(card->path = el_path_join(folder, "config.json")))
        st = el_fail(EL_ENOMEM, "%s: no memory", folder);
    bool weights = false;
    if (!st)
        st = refuse_checkpoint(card, folder);
    if (!st)
        st = el_tensors_look(folder, &weights);
    if (!st && (el_file_exists(card->path) || !weights))
        st = el_json_load(&card->object, card->path);
    if (!st && card->object)
        st = refuse_run(card, folder);
    if (!st && card->object)
        st = take_model_type(card);
    if (!st && weights && !*el_architecture_of(card->object) && !json_object_get(card->object, "task_head"))
        st = complete(card, folder, tensors, predicts);
    return st ? st : el_head_read(card->object, card->path, &card->head);
}

void el_model_card_say(const el_model_card *card, const el_names *names, const el_config *config)
{
    static const char *const USUAL[] = {"electra.", "bert.", "generator.", "albert.", "transformer.", ""};
    const char *const path = names->source->path;
    const int layers = config->num_hidden_layers;
    char next[EL_LONGEST_NAME];
    bool usual = false;
    for (size_t i = 0; i < sizeof USUAL / sizeof *USUAL; i++)
        usual |= strcmp(names->encoder, USUAL[i]) == 0;
    if (card->guesses_heads)
        el_log(EL_LOG_NOTE,
               "%s: no config.json; the shapes say all but the number of attention heads: %d here", path,
               config->num_attention_heads);
    if (*card->said)
        el_log(EL_LOG_NOTE, "%s: %s", path, card->said);
    if (!usual)
        el_log(EL_LOG_NOTE, "%s: names begin with %s", path, names->encoder);
    snprintf(next, sizeof next, "electra.encoder.layer.%d.output.dense.weight",
             el_config_different_layers(config));
    if (has(names, next))
        el_log(EL_LOG_NOTE, "%s: holds more layers than the %d %s; they are left out", path, layers,
               layers == card->config.num_hidden_layers ? "of config.json" : "that are wanted");
    if (names->old)
        el_log(EL_LOG_NOTE, "%s: LayerNorm.gamma and beta are read as weight and bias", path);
}

el_status el_model_card_open(el_model_card *card, const char *folder, el_tensors *tensors, bool predicts)
{
    el_status st = open_card(card, folder, tensors, predicts);
    if (!st)
        st = el_config_read(&card->config, card->object, card->path);
    if (st)
        el_model_card_close(card);
    return st;
}

void el_model_card_close(el_model_card *card)
{
    json_decref(card->object);
    free(card->path);
    *card = (el_model_card){0};
}

el_status el_model_read(const char *folder, bool predicts, el_config *config, el_head_config *head,
                        json_t **object)
{
    el_model_card card;
    el_tensors tensors = {0};
    el_status st = open_card(&card, folder, &tensors, predicts);
    if (!st && config)
        st = el_config_read(config, card.object, card.path);
    if (!st && head)
        *head = card.head;
    if (!st && object)
        *object = json_incref(card.object);
    el_tensors_close(&tensors);
    el_model_card_close(&card);
    return st;
}

el_status el_model_check_forwards(const char *folder, const el_config *config)
{
    return config->backwards ? el_fail(EL_EDATA, "%s: reads backwards, and is one half of a model", folder)
                             : EL_OK;
}

void el_model_settle_head(el_head_config *head, const el_names *names)
{
    const bool pooler = has(names, EL_POOLER "dense.weight") && has(names, EL_POOLER "dense.bias");
    if (head->kind != EL_HEAD_DETECTION && head->kind != EL_HEAD_MLM && head->kind != EL_HEAD_NONE)
        return;
    if (head->kind == EL_HEAD_MLM ? !has_mlm(names) : !has_detection(names))
        *head = (el_head_config){.kind = EL_HEAD_NONE};
    head->sentences &= has(names, "seq_relationship.weight") && pooler;
    head->pooler = head->kind == EL_HEAD_NONE && pooler;
}

/* ---- its vocabulary ---- */

/* Weights that others wrote name no vocabulary. */
static el_status check_vocab_hash(const char *folder, const el_vocab *vocab, const el_tensors *tensors)
{
    char hash[17];
    el_hash_text(vocab->hash, hash);
    const char *const named = el_tensors_metadata(tensors, EL_VOCAB_HASH);
    return !named || strcmp(named, hash) == 0
               ? EL_OK
               : el_fail(EL_EDATA,
                         "%s: vocab.txt, or the casing in tokenizer_config.json, is not what "
                         "the model was trained with",
                         folder);
}

el_status el_model_vocab(const char *folder, const el_config *config, const el_tensors *tensors,
                         el_vocab **vocab)
{
    el_tensors own = {0};
    el_status st = el_tokenizer_load(vocab, folder, EL_CASING_UNSET);
    if (st)
        return st;
    if ((*vocab)->size > config->vocab_size)
        st = el_fail(EL_EDATA, "%s: vocab.txt has %d pieces, the model knows %d", folder, (*vocab)->size,
                     config->vocab_size);
    else if (tensors || !(st = el_tensors_open(&own, folder)))
        st = check_vocab_hash(folder, *vocab, tensors ? tensors : &own);
    el_tensors_close(&own);
    if (st) {
        el_vocab_close(*vocab);
        *vocab = NULL;
    }
    return st;
}

/* ---- the networks of a folder ---- */

/* The sub-folder if it holds a model, else NULL. */
static el_status model_in(char **model, const char *folder, const char *name)
{
    bool there = false;
    *model = el_path_join(folder, name);
    const el_status st =
        *model ? el_folder_holds(*model, "config.json", &there) : el_fail(EL_ENOMEM, "%s: no memory", folder);
    if (there)
        return EL_OK;
    free(*model);
    *model = NULL;
    return st;
}

static el_status no_model(const char *folder)
{
    char *inner;
    const el_status st = model_in(&inner, folder, "model");
    const bool tuned = inner;
    free(inner);
    if (st)
        return st;
    if (tuned)
        return el_fail(
            EL_EDATA,
            "%s: was fine-tuned, and has neither a generator nor a discriminator; predict, evaluate "
            "FILE, embed and serve open it",
            folder);
    return el_fail(EL_EDATA,
                   "%s: neither a run (with generator/ and discriminator/) nor a model folder (with "
                   "config.json and model.safetensors or pytorch_model.bin)",
                   folder);
}

/* A folder that is itself a model may be one in two roles. */
static el_status find_roles(const char *folder, el_tensors *tensors, bool *generator, bool *discriminator)
{
    el_model_card first, second;
    el_status st = el_model_card_open(&first, folder, tensors, true);
    if (st)
        return st;
    st = el_model_card_open(&second, folder, tensors, false);
    if (!st) {
        *generator = first.head.kind == EL_HEAD_MLM && !first.head.restores;
        *discriminator = second.config.model_type != EL_MODEL_BERT && !el_config_relative(&second.config) &&
                         (second.head.kind != EL_HEAD_MLM || second.head.restores);
        el_model_card_close(&second);
    }
    el_model_card_close(&first);
    return st;
}

static bool copy_path(char **to, bool wanted, const char *folder)
{
    *to = wanted ? strdup(folder) : NULL;
    return !wanted || *to;
}

/* A folder that is itself a model. */
static el_status find_alone(el_model_paths *paths, const char *folder)
{
    bool described = false, weights = false, generator = false, discriminator = false;
    el_status st = el_folder_holds(folder, "config.json", &described);
    if (!st && !described)
        st = el_tensors_look(folder, &weights);
    if (!st && !described && !weights)
        st = no_model(folder);
    if (!st)
        st = find_roles(folder, &paths->tensors, &generator, &discriminator);
    if (!st && !(copy_path(&paths->generator, generator, folder) &&
                 copy_path(&paths->discriminator, discriminator, folder) &&
                 copy_path(&paths->encoder, true, folder)))
        st = el_fail(EL_ENOMEM, "%s: no memory", folder);
    return st;
}

/* The networks of a run; none: it is no run. */
static el_status find_run(el_model_paths *paths, const char *folder)
{
    el_status st = model_in(&paths->generator, folder, EL_GENERATOR);
    if (!st)
        st = model_in(&paths->discriminator, folder, EL_DISCRIMINATOR);
    if (!st)
        st = model_in(&paths->backward, folder, EL_BACKWARD);
    if (!st && (paths->generator || paths->discriminator) &&
        !copy_path(&paths->encoder, true, paths->discriminator ? paths->discriminator : paths->generator))
        st = el_fail(EL_ENOMEM, "%s: no memory", folder);
    return st;
}

el_status el_model_find(el_model_paths *paths, const char *folder)
{
    char *place = NULL;
    *paths = (el_model_paths){0};
    el_status st = find_run(paths, folder);
    const bool found = paths->apart = paths->encoder;
    if (!st && !found)
        st = el_folder_need(folder);
    if (!st && !found)
        st = el_sentence_find(folder, &place);
    if (!st && !found)
        st = find_alone(paths, place);
    free(place);
    if (st)
        el_model_paths_release(paths);
    return st;
}

int el_model_parts(const el_model_paths *paths, el_model_part parts[EL_MODEL_PARTS])
{
    const el_model_part all[EL_MODEL_PARTS] = {{EL_GENERATOR, paths->generator},
                                               {EL_DISCRIMINATOR, paths->discriminator},
                                               {EL_BACKWARD, paths->apart ? paths->backward : NULL}};
    int count = 0;
    for (int i = 0; i < EL_MODEL_PARTS; i++)
        if (all[i].place)
            parts[count++] = all[i];
    return count;
}

void el_model_paths_release(el_model_paths *paths)
{
    free(paths->generator);
    free(paths->discriminator);
    free(paths->backward);
    free(paths->encoder);
    el_tensors_close(&paths->tensors);
    *paths = (el_model_paths){0};
}

el_tensors *el_model_shared(el_model_paths *paths)
{
    return paths->apart ? NULL : &paths->tensors;
}
