/* tokenizer - the files of a folder become one list of options and the text of a vocab.txt */
#include "format/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "format/tokenizer_config.h"
#include "format/tokenizer_json.h"
#include "text/trie.h"
#include "text/vocab_options.h"

/* All that is read; `name` is the file with the pieces. */
typedef struct {
    const char *name;
    char *text_path, *json_path; /* NULL: not there */
    el_tokenizer_config config;
    el_tokenizer_json json;
    el_mapping text;
    el_vocab_options options;
    el_added_token *added;
    int room;
    const char *casing_from;
} folder_files;

static el_status no_memory(const char *name)
{
    return el_fail(EL_ENOMEM, "%s: no memory", name);
}

/* ---- casing ----------------------------------------------------------------------------------------- */

/* One setting: the file's word against what is wished. */
static el_status settle(const char *path, const char *key, int said, int wish, bool otherwise, bool *value)
{
    *value = said != EL_UNSAID ? said == 1 : wish != EL_UNSAID ? wish == 1 : otherwise;
    if (said != EL_UNSAID && wish != EL_UNSAID && *value != (wish != 0))
        return el_fail(EL_EUSAGE, "%s: %s is %s for this vocabulary, but %s was asked for", path, key,
                       *value ? "true" : "false", wish ? "true" : "false");
    return EL_OK;
}

enum { FOLLOWS = -2 }; /* of strip_accents: null, as lower-casing */

/* What the files say of a setting, and which one does: tokenizer_config.json's, else that of tokenizer.json. */
static el_status look_up(const folder_files *f, const char *key, int null, int in_json, int *said,
                         const char **path)
{
    *path = f->config.path;
    *said = EL_UNSAID;
    el_status st = f->config.config && !(f->config.generic && f->json.document)
                       ? el_tokenizer_config_switch(&f->config, key, null, said)
                       : EL_OK;
    if (!st && *said == EL_UNSAID && f->json.document) {
        *said = in_json;
        *path = f->json_path;
    }
    return st;
}

static el_status settle_casing(folder_files *f, el_casing_wish wish)
{
    el_casing *c = &f->options.casing;
    const el_tokenizer_json *j = &f->json;
    const char *path;
    int said;
    el_status st = look_up(f, "do_lower_case", EL_UNSAID, j->lowercase, &said, &path);
    f->casing_from = said == EL_UNSAID && wish.lowercase == EL_UNSAID ? "nothing"
                     : said == EL_UNSAID                              ? "the options"
                     : path == f->json_path                           ? "tokenizer.json"
                                                                      : "tokenizer_config.json";
    if (!st)
        st = settle(path, "do_lower_case", said, wish.lowercase, true, &c->lowercase);
    if (!st)
        st = look_up(f, "strip_accents", FOLLOWS, j->strip_accents, &said, &path);
    if (!st)
        st = settle(path, "strip_accents", said == FOLLOWS ? c->lowercase : said, wish.strip_accents,
                    c->lowercase, &c->strip_accents);
    if (!st)
        st = look_up(f, "tokenize_chinese_chars", EL_UNSAID, j->chinese_chars, &said, &path);
    return st ? st
              : settle(path, "tokenize_chinese_chars", said, wish.chinese_chars, true, &c->chinese_chars);
}

static const char *words_for(el_casing c)
{
    return c.lowercase       ? c.strip_accents ? "lower-cased, accents stripped" : "lower-cased"
           : c.strip_accents ? "accents stripped, not lower-cased"
                             : "not lower-cased";
}

static void say_casing(const folder_files *f)
{
    if (strcmp(f->casing_from, "tokenizer.json") == 0)
        el_log(EL_LOG_NOTE, "%s: text is %s, as its normalizer says", f->json_path,
               words_for(f->options.casing));
    if (strcmp(f->casing_from, "nothing") == 0)
        el_log(EL_LOG_NOTE, "%s: text is %s, as BERT's; no tokenizer_config.json says otherwise", f->name,
               words_for(f->options.casing));
}

/* ---- a vocabulary that contradicts it ---- */

/* Whether a text can hold the piece: whether it stays itself. */
static bool can_occur(const el_vocab *vocab, el_words *words, int id)
{
    const char *piece = vocab->pieces[id];
    const size_t prefix = el_vocab_continues(vocab, id) ? strlen(vocab->options.prefix) : 0;
    const size_t bytes = strlen(piece + prefix);
    el_words_start(words, vocab->normalizer, piece + prefix, bytes);
    return el_words_next(words) && (size_t)words->bytes == bytes &&
           memcmp(words->text, piece + prefix, bytes) == 0;
}

static bool is_special(const el_vocab *vocab, int id)
{
    return *vocab->pieces[id] == 0 || *vocab->pieces[id] == '[' || *vocab->pieces[id] == '<' ||
           id == vocab->pad || id == vocab->unk || id == vocab->cls || id == vocab->sep || id == vocab->mask;
}

enum { TELLING = 1000 }; /* pieces with small letters, of which one or other would have a capital */

static bool holds(const char *piece, char first, char last)
{
    for (; *piece; piece++)
        if (*piece >= first && *piece <= last)
            return true;
    return false;
}

static void warn_of_contradiction(const el_vocab *vocab, const char *name)
{
    el_words *words = malloc(sizeof *words);
    int lost = 0, example = 0, small = 0, capital = 0;
    for (int i = 0; words && i < vocab->lines; i++) {
        if (is_special(vocab, i))
            continue;
        small += holds(vocab->pieces[i], 'a', 'z');
        capital += holds(vocab->pieces[i], 'A', 'Z');
        if (!can_occur(vocab, words, i)) {
            const bool longer = strlen(vocab->pieces[i]) > strlen(vocab->pieces[example]);
            example = lost++ == 0 || (longer && strlen(vocab->pieces[i]) < 32) ? i : example;
        }
    }
    free(words);
    const el_casing c = vocab->casing;
    if (lost * 100 > vocab->lines)
        el_log(EL_LOG_WARNING,
               "%s: %d of %d pieces, as %s, stand in no text that is %s%s: this casing is hardly the "
               "vocabulary's",
               name, lost, vocab->lines, vocab->pieces[example], words_for(c),
               c.chinese_chars ? ", ideographs set apart" : "");
    else if (!c.lowercase && small >= TELLING && capital == 0)
        el_log(EL_LOG_WARNING,
               "%s: no piece has a capital letter, but text is not lower-cased: this casing is hardly the "
               "vocabulary's",
               name);
}

/* ---- special and added tokens ----------------------------------------------------------------------- */

/* Adds a token, or sets the flags of the one with its text; an id that was known stays, and another is refused. */
static el_status put_added(folder_files *f, el_added_token token)
{
    for (int i = 0; i < f->options.added_count; i++) {
        el_added_token *t = &f->added[i];
        if (strcmp(t->text, token.text) != 0)
            continue;
        if (t->id >= 0 && token.id >= 0 && t->id != token.id)
            return el_fail(EL_EDATA, "%s: the added token %s has two ids, %d and %d", f->name, t->text, t->id,
                           token.id);
        token.id = token.id < 0 ? t->id : token.id;
        *t = token;
        return EL_OK;
    }
    if (f->options.added_count == f->room) {
        const int room = 2 * f->room + 16;
        el_added_token *wider = realloc(f->added, (size_t)room * sizeof *wider);
        if (!wider)
            return no_memory(f->name);
        f->options.added = f->added = wider;
        f->room = room;
    }
    f->added[f->options.added_count++] = token;
    return EL_OK;
}

static bool is_added(const folder_files *f, const char *text)
{
    for (int i = 0; i < f->options.added_count; i++)
        if (strcmp(f->added[i].text, text) == 0)
            return true;
    return false;
}

static bool is_named(const folder_files *f, const char *text)
{
    for (int s = 0; s < EL_SPECIALS; s++)
        if (strcmp(f->options.special[s], text) == 0)
            return true;
    const json_t *lists[] = {el_tokenizer_config_token(&f->config, "additional_special_tokens"),
                             el_tokenizer_config_token(&f->config, "extra_special_tokens")};
    for (int l = 0; l < 2; l++)
        for (size_t i = 0; i < json_array_size(lists[l]); i++) {
            const char *other = el_token_content(json_array_get(lists[l], i));
            if (other && strcmp(other, text) == 0)
                return true;
        }
    return false;
}

/* The list of tokenizer.json. */
static el_status take_listed(folder_files *f)
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
static el_status take_decoder(folder_files *f)
{
    json_t *decoder = json_object_get(f->config.config, "added_tokens_decoder");
    const char *id;
    json_t *object;
    el_status st = EL_OK;
    json_object_foreach(decoder, id, object)
    {
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
        token.special |= is_named(f, token.text);
        st = put_added(f, token);
    }
    return st;
}

/* added_tokens.json: an object from texts to ids; where a decoder says more it holds nothing new. */
static el_status take_map(folder_files *f)
{
    const char *text;
    json_t *id;
    el_status st = EL_OK;
    json_object_foreach(f->config.added, text, id)
    {
        const json_int_t number = json_integer_value(id);
        const bool special = is_named(f, text);
        if (!json_is_integer(id) || number < 0 || number >= EL_VOCAB_MAX_PIECES || !*text)
            return el_fail(EL_EDATA, "added_tokens.json: the id of \"%s\" is not one", text);
        if (!st && !is_added(f, text))
            st = put_added(f,
                           (el_added_token){
                               .text = text, .id = (int)number, .special = special, .normalized = !special});
    }
    return st;
}

/* A token that has a name but is in no list yet; its id is that of its piece. */
static el_status take_named(folder_files *f, const json_t *token)
{
    el_added_token t = {.text = el_token_content(token), .id = -1};
    if (!t.text || !*t.text || is_added(f, t.text))
        return EL_OK;
    el_status st = json_is_object(token) ? el_added_token_read(&t, token, f->config.path) : EL_OK;
    t.id = -1;
    t.special = true;
    return st ? st : put_added(f, t);
}

static el_status take_names(folder_files *f)
{
    static const char *const OTHERS[] = {"bos_token", "eos_token"};
    static const char *const LISTS[] = {"additional_special_tokens", "extra_special_tokens"};
    el_status st = EL_OK;
    for (int s = 0; !st && s < EL_SPECIALS; s++)
        st = take_named(f, el_tokenizer_config_token(&f->config, EL_SPECIAL_NAMES[s]));
    for (size_t i = 0; !st && i < sizeof OTHERS / sizeof *OTHERS; i++)
        st = take_named(f, el_tokenizer_config_token(&f->config, OTHERS[i]));
    for (size_t l = 0; !st && l < sizeof LISTS / sizeof *LISTS; l++) {
        const json_t *list = el_tokenizer_config_token(&f->config, LISTS[l]);
        for (size_t i = 0; !st && i < json_array_size(list); i++)
            st = take_named(f, json_array_get(list, i));
    }
    return st;
}

static el_status name_special(folder_files *f)
{
    for (int s = 0; s < EL_SPECIALS; s++) {
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
    }
    return EL_OK;
}

/* ---- all of it -------------------------------------------------------------------------------------- */

static el_status read_options(folder_files *f, el_casing_wish wish)
{
    f->options = el_vocab_options_bert((el_casing){0});
    if (f->json.document) {
        f->options.clean_text = f->json.clean_text;
        f->options.word_characters = f->json.word_characters;
        f->options.prefix = f->json.prefix;
        if (!f->json.cls)
            el_log(EL_LOG_NOTE, "%s: it has no post_processor; [CLS] and [SEP] are added as BERT does",
                   f->json_path);
    }
    el_status st = settle_casing(f, wish);
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

/* vocab.txt and tokenizer.json of one folder must agree. */
static el_status check_pieces(const folder_files *f, const el_vocab *vocab)
{
    const char *piece;
    json_t *id;
    int entries = 0, blank = 0;
    for (int i = 0; i < vocab->lines; i++) {
        const char *own = vocab->pieces[i];
        entries += *own && el_vocab_find(vocab, own, strlen(own)) == i;
    }
    json_object_foreach(f->json.pieces, piece, id)
    {
        const size_t bytes = strlen(piece);
        const int own = bytes <= EL_TRIE_PIECE_BYTES ? el_vocab_find(vocab, piece, bytes) : -1;
        const json_int_t theirs = json_integer_value(id);
        if (own < 0 && theirs < vocab->lines && !*vocab->pieces[theirs])
            blank++; /* white space: no piece of any word */
        else if (own != theirs && (own >= 0 || theirs < vocab->lines))
            return el_fail(
                EL_EDATA,
                "%s and tokenizer.json are two vocabularies: the piece %s is %d here and %d there; "
                "take the wrong file away",
                f->name, piece, own, (int)theirs);
    }
    const int others = (int)json_object_size(f->json.pieces) - blank;
    if (others < entries)
        return el_fail(
            EL_EDATA,
            "%s and tokenizer.json are two vocabularies, of %d and %d pieces; take the wrong file away",
            f->name, entries, others);
    return EL_OK;
}

/* Hugging Face numbers the tokens that it adds from the number of different pieces on. */
static el_status check_added(const el_vocab *vocab, int entries, const char *name)
{
    for (int i = 0; i < vocab->options.added_count; i++) {
        const el_added_token *t = &vocab->options.added[i];
        if (el_vocab_find(vocab, t->text, strlen(t->text)) >= 0)
            continue;
        if (t->id != entries)
            return el_fail(EL_EDATA, "%s: the added token %s has the id %d, but Hugging Face gives it %d",
                           name, t->text, t->id, entries);
        entries++;
    }
    return EL_OK;
}

/* Different pieces as Hugging Face counts them, in which all blank lines are one. */
static int count_entries(const folder_files *f, const el_vocab *vocab, const char *text, size_t bytes)
{
    if (f->json.document)
        return (int)json_object_size(f->json.pieces);
    int entries = 0;
    size_t end = bytes;
    end -= end > 0 && text[end - 1] == '\n';
    end -= end > 0 && text[end - 1] == '\r';
    bool blank = end > 0 && text[end - 1] == '\n'; /* the last line is, which is no piece */
    for (int i = 0; i < vocab->lines; i++) {
        const char *piece = vocab->pieces[i];
        entries += *piece && el_vocab_find(vocab, piece, strlen(piece)) == i;
        blank |= !*piece;
    }
    return entries + blank;
}

static el_status open_pieces(folder_files *f, el_vocab **vocab)
{
    el_status st = EL_OK;
    if (f->text_path)
        st = el_mapping_open(&f->text, f->text_path);
    if (st)
        return st;
    const char *text = f->text_path ? (const char *)f->text.data : f->json.text;
    const size_t bytes = f->text_path ? f->text.size : f->json.bytes;
    st = el_vocab_open(vocab, text, bytes, &f->options, f->name);
    if (!st && f->text_path && f->json.document)
        st = check_pieces(f, *vocab);
    if (!st)
        st = check_added(*vocab, count_entries(f, *vocab, text, bytes), f->name);
    if (st) {
        el_vocab_close(*vocab);
        *vocab = NULL;
    }
    return st;
}

static bool ends_with(const char *text, const char *ending)
{
    const size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

/* The folder of a file, on the heap. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + (slash == path)) : strdup(".");
}

/* `path` if it is a file, or NULL, freed. */
static char *if_there(char *path)
{
    if (path && el_file_exists(path))
        return path;
    free(path);
    return NULL;
}

/* A folder that holds another kind of tokenizer, by the file that shows it. */
static el_status refuse_folder(const char *folder)
{
    static const struct {
        const char *file, *kind;
    } OTHERS[] = {{"spiece.model", "SentencePiece"},
                  {"sentencepiece.bpe.model", "SentencePiece"},
                  {"tokenizer.model", "SentencePiece"},
                  {"spm.model", "SentencePiece"},
                  {"tokenizer_78b3253a26.model", "SentencePiece"},
                  {"merges.txt", "byte-level BPE"},
                  {"vocab.json", "byte-level BPE"}};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        char *path = if_there(el_path_join(folder, OTHERS[i].file));
        free(path);
        if (path)
            return el_fail(EL_EDATA, "%s: no vocab.txt in this folder, but %s of %s, which is not read",
                           folder, OTHERS[i].file, OTHERS[i].kind);
    }
    return el_fail(EL_EDATA, "%s: no vocab.txt in this folder, and no tokenizer.json", folder);
}

/* Which files there are.  tokenizer.json belongs to a vocab.txt of that name only. */
static el_status find_files(folder_files *f, const char *path, const char *folder, bool is_folder)
{
    char *text = NULL, *json = el_path_join(folder, "tokenizer.json");
    if (is_folder) {
        text = if_there(el_path_join(folder, "vocab.txt"));
    } else if (!ends_with(path, ".json")) {
        text = strdup(path);
        if (!ends_with(path, "/vocab.txt") && strcmp(path, "vocab.txt") != 0) {
            free(json);
            json = NULL;
        }
    } else {
        free(json);
        json = strdup(path);
    }
    f->json_path = is_folder || text ? if_there(json) : json;
    f->text_path = text;
    f->name = text ? text : f->json_path;
    if (f->name)
        return EL_OK;
    return is_folder ? refuse_folder(path) : no_memory(path);
}

static el_status load(folder_files *f, const char *path, const char *folder, bool is_folder,
                      el_casing_wish wish, el_vocab **vocab)
{
    el_status st = el_tokenizer_config_read(&f->config, folder);
    if (!st)
        st = find_files(f, path, folder, is_folder);
    if (!st && f->json_path)
        st = el_tokenizer_json_read(&f->json, f->json_path);
    if (!st && f->config.generic && !f->json_path)
        st = el_fail(EL_EDATA, "%s: its tokenizer_class is what tokenizer.json says, and there is none",
                     f->config.path);
    if (!st)
        st = read_options(f, wish);
    if (!st)
        st = open_pieces(f, vocab);
    if (st)
        return st;
    (*vocab)->casing_from = f->casing_from;
    (*vocab)->max_length = f->config.max_length;
    say_casing(f);
    warn_of_contradiction(*vocab, f->name);
    return EL_OK;
}

el_status el_tokenizer_load(el_vocab **vocab, const char *path, el_casing_wish wish)
{
    *vocab = NULL;
    folder_files f = {0};
    const bool is_folder = el_folder_exists(path);
    char *folder = is_folder ? strdup(path) : folder_of(path);
    const el_status st = folder ? load(&f, path, folder, is_folder, wish, vocab) : no_memory(path);
    el_tokenizer_config_close(&f.config);
    el_tokenizer_json_close(&f.json);
    el_mapping_close(&f.text);
    free(f.added);
    free(f.text_path);
    free(f.json_path);
    free(folder);
    return st;
}

/* ---- saving ----------------------------------------------------------------------------------------- */

/* A new vocabulary may lie over an old one, but not beside another's settings. */
el_status el_tokenizer_check_place(const char *path, el_casing casing)
{
    const bool is_folder = el_folder_exists(path);
    char *folder = is_folder ? strdup(path) : folder_of(path);
    char *text = is_folder ? el_path_join(path, "vocab.txt") : strdup(path);
    char *json = folder ? if_there(el_path_join(folder, "tokenizer.json")) : NULL;
    const el_casing_wish wish = {casing.lowercase, casing.strip_accents, casing.chinese_chars};
    folder_files f = {0};
    el_status st = folder && text ? EL_OK : no_memory(path);
    if (!st && json)
        st = el_fail(EL_EUSAGE, "%s: lies there already, of another vocabulary", json);
    if (!st && !el_file_exists(text)) {
        st = el_tokenizer_config_read(&f.config, folder);
        if (!st)
            st = settle_casing(&f, wish);
    }
    el_tokenizer_config_close(&f.config);
    free(folder);
    free(text);
    free(json);
    return st ? el_fail(st, "%s; a folder of its own keeps this one apart", el_error()) : EL_OK;
}

static el_status save_json(json_t *document, const char *folder, const char *name)
{
    char *path = el_path_join(folder, name);
    const el_status st = path && document ? el_json_save(document, path) : no_memory(folder);
    json_decref(document);
    free(path);
    return st;
}

el_status el_tokenizer_save(const el_vocab *vocab, const char *path)
{
    const bool is_folder = el_folder_exists(path);
    char *folder = is_folder ? strdup(path) : folder_of(path);
    char *text = is_folder ? el_path_join(path, "vocab.txt") : strdup(path);
    el_status st = folder && text ? EL_OK : no_memory(path);
    if (!st)
        st = save_json(el_tokenizer_config_of(vocab, vocab->max_length), folder, "tokenizer_config.json");
    if (!st)
        st = el_file_write(text, vocab->text, vocab->text_bytes);
    free(folder);
    free(text);
    return st;
}

el_status el_tokenizer_save_model(const el_vocab *vocab, int max_length, const char *folder)
{
    const bool shorter = vocab->max_length > 0 && vocab->max_length < max_length;
    char *text = el_path_join(folder, "vocab.txt");
    el_status st = text ? el_file_write(text, vocab->text, vocab->text_bytes) : no_memory(folder);
    if (!st)
        st = save_json(el_tokenizer_config_of(vocab, shorter ? vocab->max_length : max_length), folder,
                       "tokenizer_config.json");
    if (!st)
        st = save_json(el_tokenizer_json_of(vocab), folder, "tokenizer.json");
    free(text);
    return st;
}
