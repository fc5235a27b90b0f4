/* tokenizer - the files of a folder become one list of options and the text of a vocab.txt */
#include "format/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "base/file.h"
#include "base/log.h"
#include "base/output.h"
#include "base/temporary.h"
#include "format/tokenizer_options.h"
#include "text/trie.h"
#include "text/vocab_options.h"

/* ---- what is said of it ----------------------------------------------------------------------------- */

static const char *words_for(el_casing c)
{
    return c.lowercase       ? c.strip_accents ? "lower-cased, accents stripped" : "lower-cased"
           : c.strip_accents ? "accents stripped, not lower-cased"
                             : "not lower-cased";
}

static bool differs(el_casing a, el_casing b)
{
    return a.lowercase != b.lowercase || a.strip_accents != b.strip_accents ||
           a.chinese_chars != b.chinese_chars;
}

static void say_casing(const el_tokenizer_files *f)
{
    const el_casing own = f->options.casing, theirs = f->class_casing;
    if (f->by_normalizer && !f->config.generic && differs(own, theirs))
        el_log(EL_LOG_WARNING,
               "%s: text is %s, ideographs %s, as its normalizer says; a class of BERT in transformers asks "
               "tokenizer_config.json alone: %s, ideographs %s",
               f->json_path, words_for(own), own.chinese_chars ? "set apart" : "as they are",
               words_for(theirs), theirs.chinese_chars ? "set apart" : "as they are");
    else if (strcmp(f->casing_from, "tokenizer.json") == 0)
        el_log(EL_LOG_NOTE, "%s: text is %s, as its normalizer says", f->json_path,
               words_for(f->options.casing));
    if (strcmp(f->casing_from, "nothing") == 0)
        el_log(EL_LOG_NOTE, "%s: text is %s, as BERT's; no tokenizer_config.json says otherwise", f->name,
               words_for(f->options.casing));
}

/* ---- a vocabulary that contradicts it ---- */

/* Small letters of English and digits: a word in any casing. */
static bool is_plain(const char *piece)
{
    for (; (*piece >= 'a' && *piece <= 'z') || (*piece >= '0' && *piece <= '9'); piece++)
        ;
    return !*piece;
}

/* Whether a text can hold the piece: whether it stays itself. */
static bool can_occur(const el_vocab *vocab, el_words *words, int id)
{
    const char *piece = vocab->pieces[id];
    const size_t prefix = el_vocab_continues(vocab, id) ? strlen(vocab->options.prefix) : 0;
    const size_t bytes = strlen(piece + prefix);
    if (bytes > 0 && bytes <= EL_WORD_MOST && is_plain(piece + prefix))
        return true;
    el_words_start(words, vocab->normalizer, piece + prefix, bytes);
    return el_words_next(words) && (size_t)words->bytes == bytes &&
           memcmp(words->text, piece + prefix, bytes) == 0;
}

static bool is_no_text(const el_vocab *vocab, int id)
{
    const char first = *vocab->pieces[id];
    return first == 0 || first == '[' || first == '<' || el_vocab_is_special(vocab, id);
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
        if (is_no_text(vocab, i))
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

/* Whether every piece of tokenizer.json stands on the line of its id, and none is left over.  As those all differ, lines
 * do too, and none has to be looked up.  An added token may have the place of a blank line. */
static bool are_lines(const el_named_pieces *pieces, const el_vocab *vocab)
{
    size_t lines = 0;
    for (int i = 0; i < vocab->lines; i++)
        lines += *vocab->pieces[i] != 0;
    for (int i = 0; i < vocab->options.added_count; i++) {
        const el_added_token *const t = &vocab->options.added[i];
        if (t->id < vocab->lines && el_vocab_find(vocab, t->text, strlen(t->text)) != t->id)
            return false;
    }
    for (size_t i = 0; lines == pieces->count && i < pieces->count; i++) {
        const el_named_piece *const piece = &pieces->items[i];
        if (!*piece->text || piece->id >= vocab->lines || strcmp(piece->text, vocab->pieces[piece->id]) != 0)
            return false;
    }
    return lines == pieces->count;
}

/* vocab.txt and tokenizer.json of one folder must agree. */
static el_status check_pieces(const el_tokenizer_files *f, const el_vocab *vocab)
{
    int entries = 0, blank = 0;
    if (are_lines(&f->json.pieces, vocab))
        return EL_OK;
    for (int i = 0; i < vocab->lines; i++) {
        const char *own = vocab->pieces[i];
        entries += *own && el_vocab_find(vocab, own, strlen(own)) == i;
    }
    for (size_t i = 0; i < f->json.pieces.count; i++) {
        const char *const piece = f->json.pieces.items[i].text;
        const int64_t theirs = f->json.pieces.items[i].id;
        const size_t bytes = strlen(piece);
        const int own = bytes <= EL_TRIE_PIECE_BYTES ? el_vocab_find(vocab, piece, bytes) : -1;
        if (own < 0 && theirs < vocab->lines && !*vocab->pieces[theirs])
            blank++; /* white space: no piece of any word */
        else if (own != theirs && (own >= 0 || theirs < vocab->lines))
            return el_fail(
                EL_EDATA,
                "%s and tokenizer.json are two vocabularies: the piece %s is %d here and %d there; "
                "take the wrong file away",
                f->name, piece, own, (int)theirs);
    }
    const int others = (int)f->json.pieces.count - blank;
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
static int count_entries(const el_tokenizer_files *f, const el_vocab *vocab, const char *text, size_t bytes)
{
    if (f->json.document)
        return (int)f->json.pieces.count;
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

/* `text`: of the vocab.txt, or NULL. */
static el_status open_pieces(el_tokenizer_files *f, const char *text, size_t bytes, el_vocab **vocab)
{
    const bool both = text && f->json.document;
    if (!text) {
        text = f->json.text;
        bytes = f->json.bytes;
    }
    el_status st = el_vocab_open(vocab, text, bytes, &f->options, f->name);
    if (!st && both)
        st = check_pieces(f, *vocab);
    if (!st)
        st = check_added(*vocab, count_entries(f, *vocab, text, bytes), f->name);
    if (st) {
        el_vocab_close(*vocab);
        *vocab = NULL;
        return st;
    }
    (*vocab)->casing_from = f->casing_from;
    (*vocab)->max_length = f->config.max_length;
    return EL_OK;
}

/* *path is the file of this name in a folder, on the heap, or NULL where there is none. */
static el_status find_file(char **path, const char *folder, const char *name)
{
    const bool there = el_folder_holds(folder, name);
    *path = there ? el_path_join(folder, name) : NULL;
    return there && !*path ? el_no_memory(folder) : EL_OK;
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
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (el_folder_holds(folder, OTHERS[i].file))
            return el_fail(EL_EDATA, "%s: no vocab.txt in this folder, but %s of %s, which is not read",
                           folder, OTHERS[i].file, OTHERS[i].kind);
    return el_fail(EL_EDATA, "%s: no vocab.txt in this folder, and no tokenizer.json", folder);
}

/* Which files there are, on the heap; NULL where one is not.  tokenizer.json belongs to a vocab.txt of that name only. */
static el_status find_files(const char *path, bool is_folder, char **text, char **json)
{
    char *folder = is_folder ? strdup(path) : el_path_parent(path);
    const bool usual = strcmp(path, "vocab.txt") == 0 || el_ends_with(path, "/vocab.txt");
    *text = *json = NULL;
    if (!is_folder && el_ends_with(path, ".json"))
        *json = strdup(path);
    else if (!is_folder)
        *text = strdup(path);
    el_status st = folder && (is_folder || *text || *json) ? EL_OK : el_no_memory(path);
    if (!st && is_folder)
        st = find_file(text, path, "vocab.txt");
    if (!st && (is_folder || (*text && usual)))
        st = find_file(json, folder, "tokenizer.json");
    free(folder);
    return st || *text || *json ? st : refuse_folder(path);
}

/* `text_path` is that of a vocab.txt, or NULL. */
static el_status load(el_tokenizer_files *f, const char *text_path, el_casing_request request,
                      el_vocab **vocab)
{
    el_mapping text = {0};
    el_status st = f->json_path ? el_tokenizer_json_read(&f->json, f->json_path) : EL_OK;
    if (!st && f->config.generic && !f->json_path)
        st = el_fail(EL_EDATA, "%s: its tokenizer_class is what tokenizer.json says, and there is none",
                     f->config.path);
    if (!st)
        st = el_tokenizer_options_read(f, request);
    if (!st && text_path)
        st = el_mapping_open(&text, text_path);
    if (!st)
        st = open_pieces(f, (const char *)text.data, text.size, vocab);
    el_mapping_close(&text);
    if (st)
        return st;
    say_casing(f);
    warn_of_contradiction(*vocab, f->name);
    return EL_OK;
}

el_status el_tokenizer_load(el_vocab **vocab, const char *path, el_casing_request request)
{
    *vocab = NULL;
    el_tokenizer_files f = {0};
    const bool is_folder = el_folder_exists(path);
    char *folder = is_folder ? strdup(path) : el_path_parent(path), *text = NULL, *json = NULL;
    el_status st = folder ? el_path_need(path) : el_no_memory(path);
    if (!st)
        st = el_tokenizer_config_read(&f.config, folder);
    if (!st)
        st = find_files(path, is_folder, &text, &json);
    f.name = text ? text : json;
    f.json_path = json;
    if (!st)
        st = load(&f, text, request, vocab);
    el_tokenizer_files_close(&f);
    free(folder);
    free(text);
    free(json);
    return st;
}

el_status el_tokenizer_parse(el_vocab **vocab, const char *json, size_t bytes, const char *config,
                             size_t config_bytes, const char *name)
{
    *vocab = NULL;
    el_tokenizer_files f = {.name = name, .json_path = name};
    el_status st = config ? el_tokenizer_config_parse(&f.config, config, config_bytes, name) : EL_OK;
    if (!st)
        st = el_tokenizer_json_parse(&f.json, json, bytes, name);
    if (!st)
        st = el_tokenizer_options_read(&f, EL_CASING_UNSET);
    if (!st)
        st = open_pieces(&f, NULL, 0, vocab);
    el_tokenizer_files_close(&f);
    return st;
}

bool el_tokenizer_exists(const char *folder)
{
    return el_folder_holds(folder, "vocab.txt") || el_folder_holds(folder, "tokenizer.json");
}

/* ---- saving ----------------------------------------------------------------------------------------- */

/* Whether a file is a vocabulary as far as its first pieces tell: one of them is [UNK]. */
static bool is_vocabulary(const char *path)
{
    char begin[1 << 14];
    if (!el_file_exists(path))
        return false;
    el_file_begin(path, begin, sizeof begin);
    for (const char *at = begin; (at = strstr(at, "[UNK]")); at++)
        if ((at == begin || at[-1] == '\n') && strchr("\r\n", at[5]))
            return true;
    return false;
}

/* *other: the name of a vocabulary in the folder that is not the file `own`, on the heap, or NULL. */
static el_status find_other(char **other, const char *folder, const char *own)
{
    char **names;
    int count;
    *other = NULL;
    const el_status st = el_folder_list(folder, &names, &count);
    for (int i = 0; i < count && !*other; i++) {
        const el_path path = el_path_in(folder, names[i]);
        if (!el_temporary_is(names[i]) && !el_path_inside(path.text, own) && is_vocabulary(path.text))
            *other = strdup(names[i]);
    }
    el_folder_list_release(names, count);
    return st;
}

/* The settings in the folder say another casing or cannot be read, as el_error() has it: they may be replaced along with the
 * only vocabulary that they are of. */
static el_status check_alone(el_status trouble, const char *folder, const char *text)
{
    char *other = NULL, why[EL_SENTENCE];
    if (trouble == EL_ENOMEM || !el_file_exists(text))
        return trouble;
    snprintf(why, sizeof why, "%s", el_error());
    el_status st = find_other(&other, folder, text);
    if (other && trouble == EL_EUSAGE)
        st = el_fail(EL_EUSAGE, "%s, and %s is read by it too", why, other);
    else if (other)
        st = el_fail(trouble, "%s", why);
    free(other);
    return st;
}

/* A new vocabulary may lie over an old one, but not beside another's settings. */
el_status el_tokenizer_check_place(const char *path, el_casing casing)
{
    const bool is_folder = el_folder_exists(path);
    const el_path inside = el_path_in(path, "vocab.txt");
    char *folder = is_folder ? strdup(path) : el_path_parent(path), *json = NULL;
    const el_casing_request request = {casing.lowercase, casing.strip_accents, casing.chinese_chars};
    el_tokenizer_files f = {.fresh = true};
    el_status st = folder ? find_file(&json, folder, "tokenizer.json") : el_no_memory(path);
    if (!st && json)
        st = el_fail(EL_EUSAGE, "%s: lies there already, of another vocabulary", json);
    const bool clear = !st;
    if (clear)
        st = el_tokenizer_config_read(&f.config, folder);
    if (!st)
        st = el_tokenizer_casing(&f, request);
    if (st && clear)
        st = check_alone(st, folder, is_folder ? inside.text : path);
    el_tokenizer_files_close(&f);
    free(folder);
    free(json);
    return st == EL_EUSAGE ? el_fail(st, "%s; a folder of its own keeps this one apart", el_error()) : st;
}

static el_status write_settings(const el_vocab *vocab, const char *path, el_writer **writer)
{
    json_t *const document = el_tokenizer_config_of(vocab, vocab->max_length);
    char *const text = document ? el_json_text(document, true) : NULL;
    json_decref(document);
    el_status st = text ? el_writer_open(writer, path) : el_no_memory(path);
    if (!st) {
        el_writer_put(*writer, text, strlen(text));
        el_writer_put(*writer, "\n", 1);
        st = el_writer_sync(*writer);
    }
    free(text);
    return st;
}

static el_status write_pieces(const el_vocab *vocab, const char *path, el_writer **writer)
{
    const el_status st = el_writer_open(writer, path);
    if (st)
        return st;
    el_writer_put(*writer, vocab->text, vocab->text_bytes);
    return el_writer_sync(*writer);
}

/* Both are on the disk before either is renamed: where it is full, the old ones stay together.  The settings come first, so
 * that a process that is killed in between leaves no new vocabulary in a folder that says nothing of its casing. */
static el_status save_both(const el_vocab *vocab, const char *settings_path, const char *pieces_path)
{
    el_writer *settings = NULL, *pieces = NULL;
    el_status st = write_settings(vocab, settings_path, &settings);
    if (!st)
        st = write_pieces(vocab, pieces_path, &pieces);
    if (!st) {
        st = el_writer_finish(settings);
        settings = NULL;
    }
    if (!st) {
        st = el_writer_finish(pieces);
        pieces = NULL;
    }
    el_writer_abandon(settings);
    el_writer_abandon(pieces);
    return st;
}

el_status el_tokenizer_save(const el_vocab *vocab, const char *path)
{
    const bool is_folder = el_folder_exists(path);
    char *folder = is_folder ? strdup(path) : el_path_parent(path);
    if (!folder)
        return el_no_memory(path);
    const el_status st = save_both(vocab, el_path_in(folder, "tokenizer_config.json").text,
                                   is_folder ? el_path_in(path, "vocab.txt").text : path);
    free(folder);
    return st;
}

el_status el_tokenizer_save_model(const el_vocab *vocab, int max_length, const char *folder)
{
    const bool shorter = vocab->max_length > 0 && vocab->max_length < max_length;
    el_status st = el_file_write(el_path_in(folder, "vocab.txt").text, vocab->text, vocab->text_bytes);
    if (!st)
        st = el_json_save_new(el_tokenizer_config_of(vocab, shorter ? vocab->max_length : max_length), folder,
                              "tokenizer_config.json");
    if (!st)
        st = el_json_save_new(el_tokenizer_json_of(vocab), folder, "tokenizer.json");
    return st;
}
