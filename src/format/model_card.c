/* model_card - see the header */
#include "format/model_card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "format/model_guess.h"
#include "format/tokenizer.h"

const char EL_VOCAB_HASH[] = "vocab_hash";
const char EL_RUN_TYPE[] = "electra-pretraining";

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
    const char *const name = el_head_class(el_guess_head(names, predicts), causal, model_type);
    if (!name)
        return el_fail(EL_EDATA, "%s: no architecture is named, and its tensors are those of no known head",
                       names->source->path);
    snprintf(card->said, sizeof card->said, "no architecture is named; the tensors are those of %s", name);
    return json_object_set_new(card->object, "architectures", json_pack("[s]", name)) == 0
               ? EL_OK
               : el_no_memory(names->source->path);
}

/* In place of config.json: BERT's own bert_config.json, or shapes. */
static el_status describe(el_model_card *card, const char *folder, const el_names *names)
{
    const el_status st = el_json_load_in(&card->object, folder, "bert_config.json");
    if (st)
        return st;
    if (card->object)
        return json_object_set_new(card->object, "model_type", json_string("bert")) == 0
                   ? EL_OK
                   : el_no_memory(folder);
    card->guesses_heads = true;
    return el_guess_config(names, &card->object);
}

/* Where config.json has neither architectures nor a model_type. */
static el_status type_of_tensors(el_model_card *card, const el_names *names)
{
    const char *type;
    const el_status st = el_guess_type(names, &type);
    return st ? st
           : json_object_set_new(card->object, "model_type", json_string(type)) == 0
               ? EL_OK
               : el_no_memory(card->path);
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
    return el_folder_holds(folder, EL_CHECKPOINT_STATE);
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
    return el_folder_exists(el_path_in(run, EL_DISCRIMINATOR).text) ||
           el_folder_exists(el_path_in(run, EL_GENERATOR).text);
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
        if (strncmp(architecture, KINDS[i].begin, strlen(KINDS[i].begin)) == 0)
            return json_object_set_new(card->object, "model_type", json_string(KINDS[i].type)) == 0
                       ? EL_OK
                       : el_no_memory(card->path);
    return el_fail(EL_EDATA, "%s: architectures names %s, and no model_type says what that is", card->path,
                   architecture);
}

/* All but the configuration, which a run's own config.json has not. */
static el_status open_card(el_model_card *card, const char *folder, el_tensors *tensors, bool predicts)
{
    *card = (el_model_card){0};
    el_status st = el_folder_need(folder);
    if (!st && !(card->path = el_path_join(folder, "config.json")))
        st = el_no_memory(folder);
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
    if (el_names_find(names, next))
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

/* ---- its vocabulary ---- */

/* Weights that others wrote name no vocabulary. */
el_status el_model_vocab_check(const char *folder, const el_vocab *vocab, const el_tensors *tensors)
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

el_status el_model_vocab_read(const char *folder, const el_config *config, el_vocab **vocab)
{
    const el_status st = el_tokenizer_load(vocab, folder, EL_CASING_UNSET);
    if (st || (*vocab)->size <= config->vocab_size)
        return st;
    const int pieces = (*vocab)->size;
    el_vocab_close(*vocab);
    *vocab = NULL;
    return el_fail(EL_EDATA, "%s: vocab.txt has %d pieces, the model knows %d", folder, pieces,
                   config->vocab_size);
}

el_status el_model_vocab(const char *folder, const el_config *config, const el_tensors *tensors,
                         el_vocab **vocab)
{
    el_tensors own = {0};
    el_status st = el_model_vocab_read(folder, config, vocab);
    if (st)
        return st;
    if (!tensors)
        st = el_tensors_open(&own, folder);
    if (!st)
        st = el_model_vocab_check(folder, *vocab, tensors ? tensors : &own);
    el_tensors_close(&own);
    if (st) {
        el_vocab_close(*vocab);
        *vocab = NULL;
    }
    return st;
}
