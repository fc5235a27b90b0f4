/* vocab - opening, checking and writing a vocabulary
 *
 * Whatever it comes from (vocab.txt, tokenizer.json, the learner, a shard), it becomes the text of a
 * vocab.txt first and goes through one parser, so that every vocabulary has passed the same checks.
 */
#include "vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "trie.h"
#include "utf8.h"

/* What is behind the public struct. */
typedef struct {
    el_vocab open; /* first, so that the pointers agree */
    char *text;    /* and three more bytes, the casing, so that one hash covers both */
    char *strings; /* the same with a zero for each newline */
    const char **pieces;
    el_normalizer *normalizer;
    el_trie *trie;
} vocabulary;

enum { CASING_BYTES = 3 };

static el_status no_memory(const char *name, size_t bytes)
{
    return el_fail(EL_ENOMEM, "%s: cannot allocate %zu bytes", name, bytes);
}

/* ---- from text -------------------------------------------------------------------------------------- */

static el_status check_piece(const char *name, size_t line, const char *piece, size_t bytes)
{
    if (bytes == 0)
        return el_fail(EL_EDATA, "%s: line %zu is empty", name, line);
    if (bytes > EL_TRIE_PIECE_BYTES)
        return el_fail(EL_EDATA, "%s: line %zu has %zu bytes; a piece has at most %d", name, line, bytes,
                       EL_TRIE_PIECE_BYTES);
    if (memchr(piece, 0, bytes))
        return el_fail(EL_EDATA, "%s: line %zu holds a zero byte", name, line);
    if (el_utf8_valid(piece, bytes) != bytes)
        return el_fail(EL_EDATA, "%s: line %zu is not UTF-8", name, line);
    return EL_OK;
}

/* Copies the lines, each with one newline and no carriage return, and counts them. */
static el_status copy_lines(vocabulary *v, const char *text, size_t bytes, const char *name)
{
    if (bytes > EL_VOCAB_MAX_BYTES)
        return el_fail(EL_EDATA, "%s: %zu bytes are too many for a vocabulary", name, bytes);
    if (!(v->text = malloc(bytes + 1 + CASING_BYTES)))
        return no_memory(name, bytes);
    size_t lines = 0, used = 0;
    for (size_t at = 0; at < bytes;) {
        const char *newline = memchr(text + at, '\n', bytes - at);
        size_t length = newline ? (size_t)(newline - text) - at : bytes - at;
        const size_t next = at + length + 1;
        if (length > 0 && text[at + length - 1] == '\r')
            length--;
        const el_status st = check_piece(name, ++lines, text + at, length);
        if (st)
            return st;
        if (lines > EL_VOCAB_MAX_PIECES)
            return el_fail(EL_EDATA, "%s: more than %d lines are too many for a vocabulary", name,
                           EL_VOCAB_MAX_PIECES);
        memcpy(v->text + used, text + at, length);
        used += length;
        v->text[used++] = '\n';
        at = next;
    }
    if (lines == 0)
        return el_fail(EL_EDATA, "%s: an empty file is no vocabulary", name);
    v->open.size = (int)lines;
    v->open.text_bytes = used;
    return EL_OK;
}

static el_status split_pieces(vocabulary *v, const char *name)
{
    v->strings = malloc(v->open.text_bytes);
    v->pieces = malloc((size_t)v->open.size * sizeof *v->pieces);
    if (!v->strings || !v->pieces)
        return no_memory(name, v->open.text_bytes + (size_t)v->open.size * sizeof *v->pieces);
    memcpy(v->strings, v->text, v->open.text_bytes);
    char *at = v->strings;
    for (int i = 0; i < v->open.size; i++) {
        v->pieces[i] = at;
        at = memchr(at, '\n', (size_t)(v->strings + v->open.text_bytes - at));
        *at++ = 0;
    }
    return EL_OK;
}

static bool is_continuation(const char *piece, size_t bytes)
{
    return bytes > 2 && piece[0] == '#' && piece[1] == '#';
}

static el_status index_pieces(vocabulary *v, const char *name)
{
    const size_t count = (size_t)v->open.size;
    el_trie_key *keys = malloc(count * sizeof *keys);
    if (!keys)
        return no_memory(name, count * sizeof *keys);
    size_t first = 0, continued = 0; /* from the front, from the back */
    for (size_t i = 0; i < count; i++) {
        const char *piece = v->pieces[i];
        const size_t bytes = strlen(piece);
        if (is_continuation(piece, bytes))
            keys[count - ++continued] = (el_trie_key){piece + 2, (uint32_t)bytes - 2, (int32_t)i};
        else
            keys[first++] = (el_trie_key){piece, (uint32_t)bytes, (int32_t)i};
    }
    int32_t duplicate;
    const el_status st = el_trie_build(&v->trie, keys, first, keys + first, continued, &duplicate);
    free(keys);
    if (st)
        return st;
    if (duplicate >= 0)
        return el_fail(EL_EDATA, "%s: line %d repeats the piece %s", name, duplicate + 1,
                       v->pieces[duplicate]);
    v->open.trie = v->trie;
    return EL_OK;
}

static el_status find_special(vocabulary *v, const char *name)
{
    const struct {
        const char *piece;
        int *id;
    } special[] = {{"[PAD]", &v->open.pad},
                   {"[UNK]", &v->open.unk},
                   {"[CLS]", &v->open.cls},
                   {"[SEP]", &v->open.sep},
                   {"[MASK]", &v->open.mask}};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        *special[i].id = el_vocab_find(&v->open, special[i].piece, strlen(special[i].piece));
        if (*special[i].id < 0)
            return el_fail(EL_EDATA, "%s: the piece %s is missing", name, special[i].piece);
    }
    return EL_OK;
}

static void note_casing(vocabulary *v, el_casing casing)
{
    v->open.casing = casing;
    char *mark = v->text + v->open.text_bytes;
    mark[0] = casing.lowercase ? '1' : '0';
    mark[1] = casing.strip_accents ? '1' : '0';
    mark[2] = casing.chinese_chars ? '1' : '0';
    v->open.hash = el_hash(v->text, v->open.text_bytes + CASING_BYTES);
}

el_status el_vocab_parse(el_vocab **vocab, const char *text, size_t bytes, el_casing casing, const char *name)
{
    *vocab = NULL;
    vocabulary *v = calloc(1, sizeof *v);
    if (!v)
        return no_memory(name, sizeof *v);
    el_status st = copy_lines(v, text, bytes, name);
    if (!st)
        st = split_pieces(v, name);
    if (!st)
        st = index_pieces(v, name);
    if (!st)
        st = find_special(v, name);
    if (!st)
        st = el_normalizer_open(&v->normalizer, casing);
    if (st) {
        el_vocab_close(&v->open);
        return st;
    }
    note_casing(v, casing);
    v->open.text = v->text;
    v->open.pieces = v->pieces;
    v->open.normalizer = v->normalizer;
    *vocab = &v->open;
    return EL_OK;
}

void el_vocab_close(el_vocab *vocab)
{
    if (!vocab)
        return;
    vocabulary *v = (vocabulary *)vocab;
    el_trie_free(v->trie);
    el_normalizer_close(v->normalizer);
    free(v->pieces);
    free(v->strings);
    free(v->text);
    free(v);
}

/* ---- casing ----------------------------------------------------------------------------------------- */

/* One setting: what the file says (if it is there), what is wished, and what is so otherwise. */
static el_status settle(const json_t *config, const char *config_path, const char *key, int wish,
                        bool otherwise, bool *value)
{
    *value = otherwise;
    if (!config) {
        if (wish != EL_UNSAID)
            *value = wish;
        return EL_OK;
    }
    const el_status st = el_json_bool(config, config_path, key, value);
    if (!st && wish != EL_UNSAID && *value != (wish != 0))
        return el_fail(EL_EUSAGE, "%s: %s is %s for this vocabulary, but %s was asked for", config_path, key,
                       *value ? "true" : "false", wish ? "true" : "false");
    return st;
}

static el_status settle_casing(const char *config_path, el_casing_wish wish, el_casing otherwise,
                               el_casing *casing)
{
    json_t *config = NULL;
    el_status st = EL_OK;
    if (el_file_exists(config_path))
        st = el_json_load(&config, config_path);
    if (!st)
        st = settle(config, config_path, "do_lower_case", wish.lowercase, otherwise.lowercase,
                    &casing->lowercase);
    if (!st)
        st = settle(config, config_path, "strip_accents", wish.strip_accents, casing->lowercase,
                    &casing->strip_accents);
    if (!st)
        st = settle(config, config_path, "tokenize_chinese_chars", wish.chinese_chars,
                    otherwise.chinese_chars, &casing->chinese_chars);
    json_decref(config);
    return st;
}

/* ---- from files ------------------------------------------------------------------------------------- */

/* The text of a vocab.txt from the "vocab" object of a tokenizer.json. */
static el_status text_from_object(json_t *object, const char *path, char **text, size_t *bytes)
{
    const size_t count = json_object_size(object);
    const char **pieces = calloc(count + 1, sizeof *pieces);
    if (!pieces)
        return no_memory(path, count * sizeof *pieces);
    el_status st = EL_OK;
    const char *piece;
    json_t *id;
    *bytes = 0;
    json_object_foreach(object, piece, id)
    {
        const json_int_t place = json_integer_value(id);
        if (!json_is_integer(id) || place < 0 || place >= (json_int_t)count || pieces[place])
            st = el_fail(EL_EDATA, "%s: the ids of the vocabulary are not 0 to %zu, each once", path,
                         count - 1);
        else
            pieces[place] = piece;
        *bytes += strlen(piece) + 1;
    }
    if (!st && !(*text = malloc(*bytes + 1)))
        st = no_memory(path, *bytes);
    char *at = *text;
    for (size_t i = 0; !st && i < count; i++) {
        at = stpcpy(at, pieces[i]);
        *at++ = '\n';
    }
    free(pieces);
    return st;
}

static el_status load_tokenizer_json(el_vocab **vocab, const char *path, const char *config_path,
                                     el_casing_wish wish)
{
    json_t *json;
    el_status st = el_json_load(&json, path);
    if (st)
        return st;
    json_t *pieces = json_object_get(json_object_get(json, "model"), "vocab");
    const json_t *normalizer = json_object_get(json, "normalizer");
    char *text = NULL;
    size_t bytes = 0;
    el_casing casing = {true, true, true};
    const char *type = json_string_value(json_object_get(json_object_get(json, "model"), "type"));
    if (!json_is_object(pieces) || !type || strcmp(type, "WordPiece") != 0)
        st = el_fail(EL_EDATA, "%s: its model is no WordPiece vocabulary", path);
    if (!st && json_is_object(normalizer)) {
        st = el_json_bool(normalizer, path, "lowercase", &casing.lowercase);
        if (!st)
            st = el_json_bool(normalizer, path, "handle_chinese_chars", &casing.chinese_chars);
    }
    if (!st)
        st = text_from_object(pieces, path, &text, &bytes);
    if (!st)
        st = settle_casing(config_path, wish, casing, &casing);
    if (!st && json_is_object(normalizer) && !el_file_exists(config_path))
        st = el_json_bool(normalizer, path, "strip_accents", &casing.strip_accents);
    if (!st)
        st = el_vocab_parse(vocab, text, bytes, casing, path);
    free(text);
    json_decref(json);
    return st;
}

static el_status load_text(el_vocab **vocab, const char *path, const char *config_path, el_casing_wish wish)
{
    el_casing casing;
    el_mapping file = {0};
    el_status st = settle_casing(config_path, wish, (el_casing){true, true, true}, &casing);
    if (!st)
        st = el_mapping_open(&file, path);
    if (!st)
        st = el_vocab_parse(vocab, (const char *)file.data, file.size, casing, path);
    el_mapping_close(&file);
    return st;
}

/* The file `name` beside `path`, or in it where it is a folder; on the heap. */
static char *beside(const char *path, const char *name)
{
    if (el_folder_exists(path))
        return el_path_join(path, name);
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + (slash == path)) : strdup(".");
    char *joined = folder ? el_path_join(folder, name) : NULL;
    free(folder);
    return joined;
}

el_status el_vocab_load(el_vocab **vocab, const char *path, el_casing_wish wish)
{
    *vocab = NULL;
    const bool folder = el_folder_exists(path);
    char *text = folder ? el_path_join(path, "vocab.txt") : strdup(path);
    char *json = beside(path, "tokenizer.json");
    char *config = beside(path, "tokenizer_config.json");
    el_status st;
    if (!text || !json || !config)
        st = no_memory(path, strlen(path));
    else if (folder && !el_file_exists(text) && el_file_exists(json))
        st = load_tokenizer_json(vocab, json, config, wish);
    else if (folder && !el_file_exists(text))
        st = el_fail(EL_EDATA, "%s: no vocab.txt in this folder", path);
    else
        st = load_text(vocab, text, config, wish);
    free(text);
    free(json);
    free(config);
    return st;
}

static el_status save_config(const el_vocab *vocab, const char *path)
{
    json_t *config = json_pack(
        "{s:s, s:b, s:b, s:b, s:i, s:s, s:s, s:s, s:s, s:s}", "tokenizer_class", "BertTokenizer",
        "do_lower_case", vocab->casing.lowercase, "strip_accents", vocab->casing.strip_accents,
        "tokenize_chinese_chars", vocab->casing.chinese_chars, "model_max_length", 512, "pad_token", "[PAD]",
        "unk_token", "[UNK]", "cls_token", "[CLS]", "sep_token", "[SEP]", "mask_token", "[MASK]");
    if (!config)
        return no_memory(path, 0);
    const el_status st = el_json_save(config, path);
    json_decref(config);
    return st;
}

el_status el_vocab_check_place(const char *path, el_casing casing)
{
    char *text = el_folder_exists(path) ? el_path_join(path, "vocab.txt") : strdup(path);
    char *config = beside(path, "tokenizer_config.json");
    const el_casing_wish wish = {casing.lowercase, casing.strip_accents, casing.chinese_chars};
    el_casing settled;
    el_status st = text && config ? EL_OK : no_memory(path, strlen(path));
    if (!st && !el_file_exists(text))
        st = settle_casing(config, wish, casing, &settled);
    free(text);
    free(config);
    return st ? el_fail(st, "%s; a folder of its own keeps this one apart", el_error()) : EL_OK;
}

el_status el_vocab_save(const el_vocab *vocab, const char *path)
{
    char *text = el_folder_exists(path) ? el_path_join(path, "vocab.txt") : strdup(path);
    char *config = beside(path, "tokenizer_config.json");
    el_status st = text && config ? EL_OK : no_memory(path, strlen(path));
    if (!st)
        st = save_config(vocab, config);
    if (!st)
        st = el_file_write(text, vocab->text, vocab->text_bytes);
    free(text);
    free(config);
    return st;
}

/* ---- asking ----------------------------------------------------------------------------------------- */

int el_vocab_find(const el_vocab *vocab, const char *piece, size_t bytes)
{
    if (is_continuation(piece, bytes))
        return el_trie_find(vocab->trie, EL_TRIE_CONTINUED, piece + 2, bytes - 2);
    return el_trie_find(vocab->trie, EL_TRIE_FIRST, piece, bytes);
}

static el_status same_setting(const char *key, bool a, const char *a_name, bool b, const char *b_name)
{
    if (a == b)
        return EL_OK;
    return el_fail(EL_EDATA, "%s has %s %s, %s has %s", a_name, key, a ? "true" : "false", b_name,
                   b ? "true" : "false");
}

el_status el_vocab_same(const el_vocab *a, const char *a_name, const el_vocab *b, const char *b_name)
{
    if (a->size != b->size)
        return el_fail(EL_EDATA, "%s has %d pieces, %s has %d", a_name, a->size, b_name, b->size);
    for (int i = 0; i < a->size; i++)
        if (strcmp(a->pieces[i], b->pieces[i]) != 0)
            return el_fail(EL_EDATA, "piece %d of %s is %s, of %s it is %s", i, a_name, a->pieces[i], b_name,
                           b->pieces[i]);
    el_status st = same_setting("do_lower_case", a->casing.lowercase, a_name, b->casing.lowercase, b_name);
    if (!st)
        st = same_setting("strip_accents", a->casing.strip_accents, a_name, b->casing.strip_accents, b_name);
    if (!st)
        st = same_setting("tokenize_chinese_chars", a->casing.chinese_chars, a_name, b->casing.chinese_chars,
                          b_name);
    return st;
}
