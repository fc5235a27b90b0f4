/* vocab_options - see the header */
#include "vocab_options.h"

#include <stdlib.h>
#include <string.h>

const char *const EL_SPECIAL_NAMES[EL_SPECIALS] = {"pad_token", "unk_token", "cls_token", "sep_token",
                                                   "mask_token"};
const char *const EL_SPECIAL_PIECES[EL_SPECIALS] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

el_vocab_options el_vocab_options_bert(el_casing casing)
{
    el_vocab_options o = {
        .casing = casing, .clean_text = true, .word_characters = EL_WORD_CHARACTERS, .prefix = "##"};
    memcpy(o.special, EL_SPECIAL_PIECES, sizeof o.special);
    return o;
}

json_t *el_added_token_json(const el_added_token *t)
{
    return json_pack("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}", "id", t->id, "content", t->text, "single_word",
                     t->single_word, "lstrip", t->lstrip, "rstrip", t->rstrip, "normalized", t->normalized,
                     "special", t->special);
}

el_status el_added_token_read(el_added_token *t, const json_t *object, const char *name)
{
    *t = (el_added_token){.id = -1};
    el_status st = el_json_string(object, name, "content", &t->text);
    if (!st)
        st = el_json_int(object, name, "id", &t->id);
    if (!st)
        st = el_json_bool(object, name, "single_word", &t->single_word);
    if (!st)
        st = el_json_bool(object, name, "lstrip", &t->lstrip);
    if (!st)
        st = el_json_bool(object, name, "rstrip", &t->rstrip);
    if (!st)
        st = el_json_bool(object, name, "normalized", &t->normalized);
    if (!st)
        st = el_json_bool(object, name, "special", &t->special);
    if (!st && (!t->text || !*t->text))
        st = el_fail(EL_EDATA, "%s: an added token has no \"content\"", name);
    return st;
}

static int put_added(json_t *object, const el_vocab_options *o)
{
    json_t *list = json_array();
    int bad = 0;
    for (int i = 0; i < o->added_count; i++)
        bad |= json_array_append_new(list, el_added_token_json(&o->added[i]));
    return bad | json_object_set_new(object, "added_tokens", list);
}

static bool is_plain(const el_vocab_options *o, const el_added_token *t)
{
    bool named = false;
    for (int s = 0; s < EL_SPECIALS; s++)
        named |= strcmp(t->text, o->special[s]) == 0;
    return named && t->special && !t->single_word && !t->lstrip && !t->rstrip && !t->normalized;
}

el_status el_vocab_options_write(const el_vocab_options *o, char **text)
{
    json_t *object = json_object();
    int bad = 0;
    bool others = false;
    for (int i = 0; i < o->added_count; i++)
        others |= !is_plain(o, &o->added[i]);
    if (others)
        bad |= put_added(object, o);
    if (!o->clean_text)
        bad |= json_object_set_new(object, "clean_text", json_false());
    if (o->word_characters != EL_WORD_CHARACTERS)
        bad |= json_object_set_new(object, "max_input_chars_per_word", json_integer(o->word_characters));
    if (strcmp(o->prefix, "##") != 0)
        bad |= json_object_set_new(object, "continuing_subword_prefix", json_string(o->prefix));
    for (int s = 0; s < EL_SPECIALS; s++)
        if (strcmp(o->special[s], EL_SPECIAL_PIECES[s]) != 0)
            bad |= json_object_set_new(object, EL_SPECIAL_NAMES[s], json_string(o->special[s]));
    *text = bad ? NULL : json_object_size(object) ? el_json_text(object, false) : strdup("");
    json_decref(object);
    return *text ? EL_OK : el_no_memory(NULL);
}

static el_status read_added(el_vocab_options *o, const json_t *list, const char *name,
                            el_added_token **tokens)
{
    const size_t count = json_array_size(list);
    if (!(*tokens = calloc(count + 1, sizeof **tokens)))
        return el_fail(EL_ENOMEM, "%s: no memory for %zu added tokens", name, count);
    o->added = *tokens;
    o->added_count = (int)count;
    for (size_t i = 0; i < count; i++) {
        const el_status st = el_added_token_read(*tokens + i, json_array_get(list, i), name);
        if (st)
            return st;
    }
    return EL_OK;
}

el_status el_vocab_options_read(el_vocab_options *o, el_casing casing, const char *text, const char *name,
                                json_t **owner, el_added_token **tokens)
{
    *o = el_vocab_options_bert(casing);
    *owner = NULL;
    *tokens = NULL;
    if (!text || !*text)
        return EL_OK;
    el_status st = el_json_parse(owner, text, strlen(text), name);
    if (!st)
        st = read_added(o, json_object_get(*owner, "added_tokens"), name, tokens);
    if (!st)
        st = el_json_bool(*owner, name, "clean_text", &o->clean_text);
    if (!st)
        st = el_json_int(*owner, name, "max_input_chars_per_word", &o->word_characters);
    if (!st)
        st = el_json_string(*owner, name, "continuing_subword_prefix", &o->prefix);
    for (int s = 0; !st && s < EL_SPECIALS; s++)
        st = el_json_string(*owner, name, EL_SPECIAL_NAMES[s], &o->special[s]);
    return st;
}
