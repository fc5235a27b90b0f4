/* tokenizer_config - see the header */
#include "format/tokenizer_config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "text/vocab_options.h"

/* BERT's tokenizer under the names of models that have it; each may end in "Fast". */
static const char *const BERTS[] = {"BertTokenizer",     "ElectraTokenizer",    "DistilBertTokenizer",
                                    "ConvBertTokenizer", "MobileBertTokenizer", "SqueezeBertTokenizer",
                                    "LxmertTokenizer",   "RetriBertTokenizer"};
static const char *const GENERIC[] = {"PreTrainedTokenizerFast", "TokenizersBackend"};

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    const size_t length = strlen(name);
    const bool fast = length > 4 && strcmp(name + length - 4, "Fast") == 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0 ||
            (fast && strlen(names[i]) == length - 4 && strncmp(name, names[i], length - 4) == 0))
            return true;
    return false;
}

static el_status check_class(el_tokenizer_config *c)
{
    const char *class = NULL;
    bool split = false;
    el_status st = el_json_string(c->config, c->path, "tokenizer_class", &class);
    if (!st)
        st = el_json_bool(c->config, c->path, "split_special_tokens", &split);
    if (st)
        return st;
    c->generic = class && is_one_of(class, GENERIC, sizeof GENERIC / sizeof *GENERIC);
    if (class && !c->generic && !is_one_of(class, BERTS, sizeof BERTS / sizeof *BERTS))
        return el_fail(EL_EDATA, "%s: tokenizer_class %s is not BERT's tokenizer, which alone is read",
                       c->path, class);
    if (json_object_get(c->config, "auto_map"))
        return el_fail(EL_EDATA, "%s: auto_map names code of its own as the tokenizer, which is not run",
                       c->path);
    if (split)
        return el_fail(EL_EDATA, "%s: split_special_tokens is not read; --special-tokens plain does it",
                       c->path);
    return EL_OK;
}

static el_status read_length(el_tokenizer_config *c)
{
    const json_t *length = json_object_get(c->config, "model_max_length");
    if (length && !json_is_number(length) && !json_is_null(length))
        return el_fail(EL_EDATA, "%s: \"model_max_length\" is not a number", c->path);
    const double value = json_number_value(length); /* 1e30 stands for "not said" */
    c->max_length = value >= 1 && value <= INT_MAX ? (int)value : 0;
    return EL_OK;
}

static el_status check_config(el_tokenizer_config *c)
{
    const el_status st = check_class(c);
    return st ? st : read_length(c);
}

el_status el_tokenizer_config_parse(el_tokenizer_config *c, const char *text, size_t bytes, const char *name)
{
    *c = (el_tokenizer_config){.path = strdup(name)};
    if (!c->path)
        return el_no_memory(name);
    const el_status st = el_json_parse(&c->config, text, bytes, name);
    return st ? st : check_config(c);
}

el_status el_tokenizer_config_read(el_tokenizer_config *c, const char *folder)
{
    static const char NAME[] = "tokenizer_config.json";
    *c = (el_tokenizer_config){.path = el_path_join(folder, NAME)};
    el_status st = c->path ? el_json_load_in(&c->config, folder, NAME) : el_no_memory(folder);
    if (!st && c->config)
        st = check_config(c);
    if (!st)
        st = el_json_load_in(&c->names, folder, "special_tokens_map.json");
    return st ? st : el_json_load_in(&c->added, folder, "added_tokens.json");
}

void el_tokenizer_config_close(el_tokenizer_config *c)
{
    json_decref(c->config);
    json_decref(c->names);
    json_decref(c->added);
    free(c->path);
    *c = (el_tokenizer_config){0};
}

el_status el_tokenizer_config_switch(const el_tokenizer_config *c, const char *key, int null, int *value)
{
    const json_t *there = json_object_get(c->config, key);
    bool on = false;
    *value = !there ? EL_UNSET : null;
    if (!there || json_is_null(there))
        return EL_OK;
    const el_status st = el_json_bool(c->config, c->path, key, &on);
    *value = on;
    return st;
}

const json_t *el_tokenizer_config_token(const el_tokenizer_config *c, const char *name)
{
    const json_t *token = json_object_get(c->config, name);
    return token && !json_is_null(token) ? token : json_object_get(c->names, name);
}

const char *el_token_content(const json_t *token)
{
    return json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
}

/* ---- writing ---------------------------------------------------------------------------------------- */

/* transformers 4's list of added tokens, where there are others than the special ones. */
static int put_added(json_t *config, const el_vocab *vocab)
{
    json_t *list = json_object();
    int bad = 0;
    for (int i = 0; i < vocab->options.added_count; i++) {
        const el_added_token *token = &vocab->options.added[i];
        char id[16];
        snprintf(id, sizeof id, "%d", token->id);
        json_t *object = el_added_token_json(token);
        bad |= object ? json_object_del(object, "id") : -1;
        bad |= json_object_set_new(list, id, object);
    }
    return bad | json_object_set_new(config, "added_tokens_decoder", list);
}

/* BertTokenizer knows no other prefix, length of words or cleaning than BERT's. */
static bool is_bert(const el_vocab_options *o)
{
    return o->clean_text && o->word_characters == EL_WORD_CHARACTERS && strcmp(o->prefix, "##") == 0;
}

/* The generic class leaves out a pair's segments unless it is told of them. */
static int put_inputs(json_t *config)
{
    return json_object_set_new(config, "model_input_names",
                               json_pack("[s, s, s]", "input_ids", "token_type_ids", "attention_mask"));
}

json_t *el_tokenizer_config_of(const el_vocab *vocab, int max_length)
{
    json_t *config =
        json_pack("{s:s, s:b, s:b, s:b}", "tokenizer_class", is_bert(&vocab->options) ? BERTS[0] : GENERIC[0],
                  "do_lower_case", vocab->casing.lowercase, "strip_accents", vocab->casing.strip_accents,
                  "tokenize_chinese_chars", vocab->casing.chinese_chars);
    int bad = config ? 0 : -1;
    if (!is_bert(&vocab->options))
        bad |= put_inputs(config);
    if (max_length)
        bad |= json_object_set_new(config, "model_max_length", json_integer(max_length));
    for (int s = 0; s < EL_SPECIALS; s++)
        bad |= json_object_set_new(config, EL_SPECIAL_NAMES[s], json_string(vocab->options.special[s]));
    if (strstr(vocab->beyond, "\"added_tokens\""))
        bad |= put_added(config, vocab);
    if (!bad)
        return config;
    json_decref(config);
    return NULL;
}
