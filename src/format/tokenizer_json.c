/* tokenizer_json - see the header */
#include "format/tokenizer_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "text/utf8.h"
#include "text/vocab_options.h"

static const char *type_of(const json_t *part)
{
    const char *type = json_string_value(json_object_get(part, "type"));
    return type ? type : "of no type";
}

static bool is_of_type(const json_t *part, const char *type)
{
    return json_is_object(part) && strcmp(type_of(part), type) == 0;
}

static bool is_missing(const json_t *part)
{
    return !part || json_is_null(part);
}

/* ---- the normaliser --------------------------------------------------------------------------------- */

/* A switch, or *value as it is where it is missing or null. */
static el_status read_switch(const json_t *part, const char *name, const char *key, int *value)
{
    bool said = *value == 1;
    const json_t *there = json_object_get(part, key);
    const el_status st = el_json_bool(part, name, key, &said);
    if (!st && !is_missing(there))
        *value = said;
    return st;
}

static el_status read_normalizer(el_tokenizer_json *f, const char *name)
{
    const json_t *part = json_object_get(f->document, "normalizer");
    f->lowercase = f->chinese_chars = f->strip_accents = 0;
    f->clean_text = false;
    if (is_missing(part))
        return EL_OK;
    if (is_of_type(part, "Lowercase")) {
        f->lowercase = 1;
        return EL_OK;
    }
    if (!is_of_type(part, "BertNormalizer"))
        return el_fail(EL_EDATA, "%s: normalizer %s is not BERT's", name, type_of(part));
    f->lowercase = f->chinese_chars = 1;
    f->strip_accents = EL_UNSET;
    f->clean_text = true;
    el_status st = read_switch(part, name, "lowercase", &f->lowercase);
    if (!st)
        st = read_switch(part, name, "strip_accents", &f->strip_accents);
    if (!st)
        st = read_switch(part, name, "handle_chinese_chars", &f->chinese_chars);
    return st ? st : el_json_bool(part, name, "clean_text", &f->clean_text);
}

static el_status check_pre_tokenizer(const el_tokenizer_json *f, const char *name)
{
    const json_t *part = json_object_get(f->document, "pre_tokenizer");
    if (is_missing(part))
        return el_fail(EL_EDATA, "%s: it has no pre_tokenizer; only BERT's is read", name);
    if (!is_of_type(part, "BertPreTokenizer"))
        return el_fail(EL_EDATA, "%s: pre_tokenizer %s is not BERT's", name, type_of(part));
    return EL_OK;
}

/* ---- the post-processor ----------------------------------------------------------------------------- */

/* A template's item: a special token's name, or "A" or "B"; *segment is its type_id. */
static const char *item_of(const json_t *template, size_t place, const char *kind, int *segment)
{
    const json_t *item = json_object_get(json_array_get(template, place), kind);
    *segment = (int)json_integer_value(json_object_get(item, "type_id"));
    return json_string_value(json_object_get(item, "id"));
}

/* [CLS] A [SEP], and B [SEP] behind it in a pair. */
static bool is_bert_template(const json_t *template, bool pair, const char **cls, const char **sep)
{
    int of_cls, of_a, of_sep, of_b = 1, of_last = 1;
    if (json_array_size(template) != (pair ? 5u : 3u))
        return false;
    *cls = item_of(template, 0, "SpecialToken", &of_cls);
    const char *a = item_of(template, 1, "Sequence", &of_a);
    *sep = item_of(template, 2, "SpecialToken", &of_sep);
    const char *b = pair ? item_of(template, 3, "Sequence", &of_b) : "B";
    const char *last = pair ? item_of(template, 4, "SpecialToken", &of_last) : *sep;
    return *cls && *sep && a && b && last && strcmp(a, "A") == 0 && strcmp(b, "B") == 0 &&
           strcmp(last, *sep) == 0 && of_cls == 0 && of_a == 0 && of_sep == 0 && of_b == 1 && of_last == 1;
}

static el_status read_post_processor(el_tokenizer_json *f, const char *name)
{
    const json_t *part = json_object_get(f->document, "post_processor");
    if (is_missing(part))
        return EL_OK;
    if (is_of_type(part, "BertProcessing")) {
        f->cls = json_string_value(json_array_get(json_object_get(part, "cls"), 0));
        f->sep = json_string_value(json_array_get(json_object_get(part, "sep"), 0));
        return f->cls && f->sep ? EL_OK
                                : el_fail(EL_EDATA, "%s: its post_processor names no [CLS] and [SEP]", name);
    }
    if (!is_of_type(part, "TemplateProcessing"))
        return el_fail(EL_EDATA, "%s: post_processor %s is not BERT's", name, type_of(part));
    const char *cls = NULL, *sep = NULL;
    if (!is_bert_template(json_object_get(part, "single"), false, &f->cls, &f->sep) ||
        !is_bert_template(json_object_get(part, "pair"), true, &cls, &sep) || strcmp(cls, f->cls) != 0 ||
        strcmp(sep, f->sep) != 0)
        return el_fail(EL_EDATA, "%s: its post_processor is not BERT's [CLS] A [SEP] B [SEP]", name);
    return EL_OK;
}

/* ---- the model -------------------------------------------------------------------------------------- */

/* A piece that can stand on a line.  One that ends with white space or holds a line end is in no word. */
static bool is_line(const char *piece)
{
    const size_t bytes = strlen(piece);
    size_t last = bytes;
    while (last > 0 && ((unsigned char)piece[--last] & 0xC0) == 0x80)
        ;
    uint32_t c = ' ';
    if (bytes > 0)
        el_utf8_decode(piece + last, piece + bytes, &c);
    return !el_is_white_space(c) && !strpbrk(piece, "\r\n");
}

/* The pieces by id, NULL where there is none; on the heap. */
static el_status list_pieces(const el_named_pieces *pieces, const char *name, const char ***list,
                             size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        const el_named_piece *const piece = &pieces->items[i];
        if (piece->id < 0 || piece->id >= EL_VOCAB_MAX_PIECES)
            return el_fail(EL_EDATA, "%s: the id of the piece %s is not a number from 0 to %d", name,
                           piece->text, EL_VOCAB_MAX_PIECES - 1);
        *count = (size_t)piece->id >= *count ? (size_t)piece->id + 1 : *count;
    }
    if (!(*list = calloc(*count + 1, sizeof **list)))
        return el_fail(EL_ENOMEM, "%s: no memory for %zu pieces", name, *count);
    for (size_t i = 0; i < pieces->count; i++) {
        const char **const place = *list + pieces->items[i].id;
        if (*place)
            return el_fail(EL_EDATA, "%s: %s and %s have the same id", name, *place, pieces->items[i].text);
        *place = pieces->items[i].text;
    }
    return EL_OK;
}

static el_status write_lines(el_tokenizer_json *f, const char *name)
{
    const char **list = NULL;
    size_t count = 0, bytes = 0;
    el_status st = list_pieces(&f->pieces, name, &list, &count);
    for (size_t i = 0; !st && i < count; i++)
        bytes += (list[i] ? strlen(list[i]) : 0) + 1;
    if (!st && !(f->text = malloc(bytes + 1)))
        st = el_fail(EL_ENOMEM, "%s: no memory for %zu bytes", name, bytes);
    char *at = f->text;
    for (size_t i = 0; !st && i < count; i++) {
        if (list[i] && is_line(list[i]))
            at = stpcpy(at, list[i]);
        *at++ = '\n';
    }
    if (!st)
        f->bytes = (size_t)(at - f->text);
    free(list);
    return st;
}

static el_status read_model(el_tokenizer_json *f, const char *name)
{
    const json_t *model = json_object_get(f->document, "model");
    const json_t *type = json_object_get(model, "type");
    const json_t *pieces = json_object_get(model, "vocab");
    f->word_characters = EL_WORD_CHARACTERS;
    f->prefix = "##";
    f->unk = EL_SPECIAL_PIECES[EL_UNK];
    if (!json_is_object(model))
        return el_fail(EL_EDATA, "%s: it has no model", name);
    if (type && !is_of_type(model, "WordPiece"))
        return el_fail(EL_EDATA, "%s: model %s is no WordPiece, which alone is read", name, type_of(model));
    if (!json_is_object(pieces) || json_object_get(model, "merges"))
        return el_fail(EL_EDATA, "%s: its model is no WordPiece, which alone is read", name);
    el_status st = el_json_string(model, name, "unk_token", &f->unk);
    if (!st)
        st = el_json_string(model, name, "continuing_subword_prefix", &f->prefix);
    if (!st)
        st = el_json_int(model, name, "max_input_chars_per_word", &f->word_characters);
    if (!st && !f->pieces.items)
        st = el_named_pieces_list(&f->pieces, pieces);
    return st ? st : write_lines(f, name);
}

/* ---- all of it -------------------------------------------------------------------------------------- */

static el_status read_document(el_tokenizer_json *f, const char *name)
{
    el_status st = check_pre_tokenizer(f, name);
    if (!st)
        st = read_normalizer(f, name);
    if (!st)
        st = read_post_processor(f, name);
    if (!st)
        st = read_model(f, name);
    f->added = json_object_get(f->document, "added_tokens");
    if (!st && !is_missing(f->added) && !json_is_array(f->added))
        st = el_fail(EL_EDATA, "%s: \"added_tokens\" is not a list", name);
    return st;
}

/* By jansson: what is left without the pieces, or all of it, which is also where mistakes are named. */
static el_status parse(el_tokenizer_json *f, const char *text, size_t bytes, const char *name)
{
    char *rest;
    el_status st = el_named_pieces_cut(&f->pieces, text, bytes, &rest);
    if (!st && rest)
        st = el_json_parse(&f->document, rest, strlen(rest), name);
    free(rest);
    if (st == EL_EDATA)
        el_named_pieces_release(&f->pieces);
    return f->document || (st && st != EL_EDATA) ? st : el_json_parse(&f->document, text, bytes, name);
}

el_status el_tokenizer_json_read(el_tokenizer_json *f, const char *path)
{
    el_mapping file;
    *f = (el_tokenizer_json){0};
    el_status st = el_mapping_open(&file, path);
    if (st)
        return st;
    st = el_tokenizer_json_parse(f, (const char *)file.data, file.size, path);
    el_mapping_close(&file);
    return st;
}

el_status el_tokenizer_json_parse(el_tokenizer_json *f, const char *text, size_t bytes, const char *name)
{
    *f = (el_tokenizer_json){0};
    const el_status st = parse(f, text, bytes, name);
    return st ? st : read_document(f, name);
}

void el_tokenizer_json_close(el_tokenizer_json *f)
{
    json_decref(f->document);
    el_named_pieces_release(&f->pieces);
    free(f->text);
    *f = (el_tokenizer_json){0};
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static json_t *pieces_of(const el_vocab *vocab)
{
    json_t *pieces = json_object();
    int bad = 0;
    for (int i = 0; i < vocab->lines; i++) {
        const char *piece = vocab->pieces[i];
        if (*piece && el_vocab_find(vocab, piece, strlen(piece)) == i)
            bad |= json_object_set_new(pieces, piece, json_integer(i));
    }
    if (!bad)
        return pieces;
    json_decref(pieces);
    return NULL;
}

static json_t *added_of(const el_vocab *vocab)
{
    json_t *list = json_array();
    int bad = 0;
    for (int i = 0; i < vocab->options.added_count; i++)
        bad |= json_array_append_new(list, el_added_token_json(&vocab->options.added[i]));
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *special_of(const el_vocab *vocab)
{
    const char *cls = vocab->options.special[EL_CLS], *sep = vocab->options.special[EL_SEP];
    return json_pack("{s:{s:s, s:[i], s:[s]}, s:{s:s, s:[i], s:[s]}}", cls, "id", cls, "ids", vocab->cls,
                     "tokens", cls, sep, "id", sep, "ids", vocab->sep, "tokens", sep);
}

static json_t *item(const char *kind, const char *id, int segment)
{
    return json_pack("{s:{s:s, s:i}}", kind, "id", id, "type_id", segment);
}

static json_t *post_processor_of(const el_vocab *vocab)
{
    const char *cls = vocab->options.special[EL_CLS], *sep = vocab->options.special[EL_SEP];
    const char *token = "SpecialToken", *text = "Sequence";
    return json_pack("{s:s, s:[o, o, o], s:[o, o, o, o, o], s:o}", "type", "TemplateProcessing", "single",
                     item(token, cls, 0), item(text, "A", 0), item(token, sep, 0), "pair",
                     item(token, cls, 0), item(text, "A", 0), item(token, sep, 0), item(text, "B", 1),
                     item(token, sep, 1), "special_tokens", special_of(vocab));
}

json_t *el_tokenizer_json_of(const el_vocab *vocab)
{
    const el_vocab_options *o = &vocab->options;
    return json_pack("{s:s, s:n, s:n, s:o, s:{s:s, s:b, s:b, s:b, s:b}, s:{s:s}, s:o, s:{s:s, s:s, s:b}, "
                     "s:{s:s, s:s, s:s, s:i, s:o}}",
                     "version", "1.0", "truncation", "padding", "added_tokens", added_of(vocab), "normalizer",
                     "type", "BertNormalizer", "clean_text", o->clean_text, "handle_chinese_chars",
                     o->casing.chinese_chars, "strip_accents", o->casing.strip_accents, "lowercase",
                     o->casing.lowercase, "pre_tokenizer", "type", "BertPreTokenizer", "post_processor",
                     post_processor_of(vocab), "decoder", "type", "WordPiece", "prefix", o->prefix, "cleanup",
                     true, "model", "type", "WordPiece", "unk_token", o->special[EL_UNK],
                     "continuing_subword_prefix", o->prefix, "max_input_chars_per_word", o->word_characters,
                     "vocab", pieces_of(vocab));
}
