/* tokenizer_options - see the header */
#include "format/tokenizer_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/log.h"
#include "text/vocab_options.h"

/* ---- casing ----------------------------------------------------------------------------------------- */

/* A new vocabulary has a casing by default, which nobody asked for: the sentence names the flag that would keep the folder's. */
static el_status refuse_new(const char *path, const char *key, bool value)
{
    const bool lowercase = strcmp(key, "do_lower_case") == 0, accents = strcmp(key, "strip_accents") == 0;
    return el_fail(EL_EUSAGE, "%s: %s is %s there, but would be %s for this vocabulary (--%s%s keeps it)",
                   path, key, value ? "true" : "false", value ? "false" : "true", value ? "" : "no-",
                   lowercase ? "lowercase"
                   : accents ? "strip-accents"
                             : "tokenize-chinese-chars");
}

/* One setting: the file's word against what is wished. */
static el_status settle(const el_tokenizer_files *f, const char *path, const char *key, int said, int request,
                        bool fallback, bool *value)
{
    *value = said != EL_UNSET ? said == 1 : request != EL_UNSET ? request == 1 : fallback;
    if (said == EL_UNSET || request == EL_UNSET || *value == (request != 0))
        return EL_OK;
    return f->fresh ? refuse_new(path, key, *value)
                    : el_fail(EL_EUSAGE, "%s: %s is %s for this vocabulary, but %s was asked for", path, key,
                              *value ? "true" : "false", request ? "true" : "false");
}

enum { FOLLOWS = -2 }; /* of strip_accents: null, as lower-casing */

/* What the files say of a setting, and which one does: tokenizer_config.json's, else that of tokenizer.json. */
static el_status look_up(el_tokenizer_files *f, const char *key, int null, int in_json, int *said,
                         const char **path)
{
    *path = f->config.path;
    *said = EL_UNSET;
    el_status st = f->config.config && !(f->config.generic && f->json.document)
                       ? el_tokenizer_config_switch(&f->config, key, null, said)
                       : EL_OK;
    if (!st && *said == EL_UNSET && f->json.document) {
        *said = in_json;
        *path = f->json_path;
        f->by_normalizer |= in_json != EL_UNSET;
    }
    return st;
}

/* transformers' classes of BERT read tokenizer_config.json alone, and what it leaves out is their default. */
static el_status look_up_class(el_tokenizer_files *f)
{
    int lowercase, strip_accents, chinese_chars;
    el_status st = el_tokenizer_config_switch(&f->config, "do_lower_case", EL_UNSET, &lowercase);
    if (!st)
        st = el_tokenizer_config_switch(&f->config, "strip_accents", EL_UNSET, &strip_accents);
    if (!st)
        st = el_tokenizer_config_switch(&f->config, "tokenize_chinese_chars", EL_UNSET, &chinese_chars);
    if (!st)
        f->class_casing =
            (el_casing){.lowercase = lowercase != 0,
                        .strip_accents = (strip_accents == EL_UNSET ? lowercase : strip_accents) != 0,
                        .chinese_chars = chinese_chars != 0};
    return st;
}

el_status el_tokenizer_casing(el_tokenizer_files *f, el_casing_request request)
{
    el_casing *c = &f->options.casing;
    const el_tokenizer_json *j = &f->json;
    const char *path;
    int said;
    el_status st = look_up(f, "do_lower_case", EL_UNSET, j->lowercase, &said, &path);
    f->casing_from = said == EL_UNSET && request.lowercase == EL_UNSET ? "nothing"
                     : said == EL_UNSET                                ? "the options"
                     : path == f->json_path                            ? "tokenizer.json"
                                                                       : "tokenizer_config.json";
    if (!st)
        st = settle(f, path, "do_lower_case", said, request.lowercase, true, &c->lowercase);
    if (!st)
        st = look_up(f, "strip_accents", FOLLOWS, j->strip_accents, &said, &path);
    if (!st)
        st = settle(f, path, "strip_accents", said == FOLLOWS ? c->lowercase : said, request.strip_accents,
                    c->lowercase, &c->strip_accents);
    if (!st)
        st = look_up(f, "tokenize_chinese_chars", EL_UNSET, j->chinese_chars, &said, &path);
    if (!st)
        st = settle(f, path, "tokenize_chinese_chars", said, request.chinese_chars, true, &c->chinese_chars);
    return st ? st : look_up_class(f);
}

/* ---- special and added tokens ----------------------------------------------------------------------- */

/* Further special tokens: in a list, or by name in an object. */
static const char *const LISTS[] = {"additional_special_tokens", "extra_special_tokens"};
enum { LIST_COUNT = sizeof LISTS / sizeof *LISTS };

static el_status each_listed(el_tokenizer_files *f,
                             el_status (*visit)(el_tokenizer_files *f, const json_t *token))
{
    el_status st = EL_OK;
    for (int l = 0; l < LIST_COUNT; l++) {
        json_t *const list = (json_t *)el_tokenizer_config_token(&f->config, LISTS[l]), *token;
        const char *name;
        size_t i;
        json_array_foreach(list, i, token)
            st = st ? st : visit(f, token);
        json_object_foreach(list, name, token)
            st = st ? st : visit(f, token);
    }
    return st;
}

static el_status put_name(el_tokenizer_files *f, const char *text)
{
    return json_object_set_new_nocheck(f->named, text, json_true()) ? el_no_memory(f->name) : EL_OK;
}

static el_status put_listed(el_tokenizer_files *f, const json_t *token)
{
    const char *const text = el_token_content(token);
    return text ? put_name(f, text) : EL_OK;
}

static bool is_named(const el_tokenizer_files *f, const char *text)
{
    return json_object_get(f->named, text) != NULL;
}

/* The token of this text, or NULL. */
static el_added_token *find_added(const el_tokenizer_files *f, const char *text)
{
    const json_t *const place = json_object_get(f->places, text);
    return place ? &f->added[json_integer_value(place)] : NULL;
}

/* Adds a token, or sets the flags of the one with its text; what has a name is special; an id that was
 * known stays, and another is refused. */
static el_status put_added(el_tokenizer_files *f, el_added_token token)
{
    token.special |= is_named(f, token.text);
    el_added_token *const t = find_added(f, token.text);
    if (t) {
        if (t->id >= 0 && token.id >= 0 && t->id != token.id)
            return el_fail(EL_EDATA, "%s: the added token %s has two ids, %d and %d", f->name, t->text, t->id,
                           token.id);
        token.id = token.id < 0 ? t->id : token.id;
        *t = token;
        return EL_OK;
    }
    if (!el_grow(&f->added, &f->room, (size_t)f->options.added_count + 1, sizeof *f->added))
        return el_no_memory(f->name);
    f->options.added = f->added;
    if (json_object_set_new_nocheck(f->places, token.text, json_integer(f->options.added_count)))
        return el_no_memory(f->name);
    f->added[f->options.added_count++] = token;
    return EL_OK;
}

/* The list of tokenizer.json. */
static el_status take_listed(el_tokenizer_files *f)
{
    el_status st = EL_OK;
    for (size_t i = 0; !st && i < json_array_size(f->json.added); i++) {
        el_added_token token;
        st = el_added_token_read(&token, json_array_get(f->json.added, i), f->json_path);
        if (!st)
            st = put_added(f, token);
    }
    return st;
}

/* transformers 4's "added_tokens_decoder": an object from ids to tokens. */
static el_status take_decoder(el_tokenizer_files *f)
{
    json_t *decoder = json_object_get(f->config.config, "added_tokens_decoder");
    const char *id;
    json_t *object;
    el_status st = EL_OK;
    json_object_foreach(decoder, id, object) {
        el_added_token token;
        char *end;
        const long number = strtol(id, &end, 10);
        if (!st && (*end || end == id || number < 0 || number >= EL_VOCAB_MAX_PIECES))
            st = el_fail(EL_EDATA, "%s: \"%s\" is not the id of an added token", f->config.path, id);
        if (!st)
            st = el_added_token_read(&token, object, f->config.path);
        if (st)
            return st;
        token.id = (int)number;
        st = put_added(f, token);
    }
    return st;
}

/* added_tokens.json: an object from texts to ids; where a decoder says more it holds nothing new. */
static el_status take_map(el_tokenizer_files *f)
{
    const char *text;
    json_t *id;
    el_status st = EL_OK;
    json_object_foreach(f->config.added, text, id) {
        const json_int_t number = json_integer_value(id);
        const bool special = is_named(f, text);
        if (!json_is_integer(id) || number < 0 || number >= EL_VOCAB_MAX_PIECES || !*text)
            return el_fail(EL_EDATA, "added_tokens.json: the id of \"%s\" is not one", text);
        if (!st && !find_added(f, text))
            st = put_added(f,
                           (el_added_token){
                               .text = text, .id = (int)number, .special = special, .normalized = !special});
    }
    return st;
}

/* A token that has a name but is in no list yet; its id is that of its piece. */
static el_status take_named(el_tokenizer_files *f, const json_t *token)
{
    el_added_token t = {.text = el_token_content(token), .id = -1};
    if (!t.text || !*t.text || find_added(f, t.text))
        return EL_OK;
    el_status st = json_is_object(token) ? el_added_token_read(&t, token, f->config.path) : EL_OK;
    t.id = -1;
    t.special = true;
    return st ? st : put_added(f, t);
}

static el_status take_names(el_tokenizer_files *f)
{
    static const char *const OTHERS[] = {"bos_token", "eos_token"};
    el_status st = EL_OK;
    for (int s = 0; !st && s < EL_SPECIALS; s++)
        st = take_named(f, el_tokenizer_config_token(&f->config, EL_SPECIAL_NAMES[s]));
    for (size_t i = 0; !st && i < sizeof OTHERS / sizeof *OTHERS; i++)
        st = take_named(f, el_tokenizer_config_token(&f->config, OTHERS[i]));
    return st ? st : each_listed(f, take_named);
}

static el_status name_special(el_tokenizer_files *f)
{
    el_status st = EL_OK;
    f->named = json_object();
    for (int s = 0; !st && s < EL_SPECIALS; s++) {
        const char *said = el_token_content(el_tokenizer_config_token(&f->config, EL_SPECIAL_NAMES[s]));
        const char *json = !f->json.document ? NULL
                           : s == EL_UNK     ? f->json.unk
                           : s == EL_CLS     ? f->json.cls
                           : s == EL_SEP     ? f->json.sep
                                             : NULL;
        if (said && json && strcmp(said, json) != 0)
            return el_fail(EL_EDATA, "%s: %s is %s, but in tokenizer.json it is %s", f->config.path,
                           EL_SPECIAL_NAMES[s], said, json);
        f->options.special[s] = said ? said : json ? json : EL_SPECIAL_PIECES[s];
        st = put_name(f, f->options.special[s]);
    }
    return st ? st : each_listed(f, put_listed);
}

/* ---- all of it -------------------------------------------------------------------------------------- */

el_status el_tokenizer_options_read(el_tokenizer_files *f, el_casing_request request)
{
    f->options = el_vocab_options_bert((el_casing){0});
    f->places = json_object();
    if (f->json.document) {
        f->options.clean_text = f->json.clean_text;
        f->options.word_characters = f->json.word_characters;
        f->options.prefix = f->json.prefix;
        if (!f->json.cls)
            el_log(EL_LOG_NOTE, "%s: it has no post_processor; [CLS] and [SEP] are added as BERT does",
                   f->json_path);
    }
    el_status st = el_tokenizer_casing(f, request);
    if (!st)
        st = name_special(f);
    if (!st)
        st = take_listed(f);
    if (!st)
        st = take_decoder(f);
    if (!st)
        st = take_map(f);
    return st ? st : take_names(f);
}

void el_tokenizer_files_close(el_tokenizer_files *f)
{
    el_tokenizer_config_close(&f->config);
    el_tokenizer_json_close(&f->json);
    json_decref(f->places);
    json_decref(f->named);
    free(f->added);
    *f = (el_tokenizer_files){0};
}
