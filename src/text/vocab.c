/* vocab - opening and checking a vocabulary
 *
 * Whatever it comes from (vocab.txt, tokenizer.json, the learner, a shard), it becomes the text of a
 * vocab.txt first and goes through one parser, so that every vocabulary has passed the same checks.
 */
#include "vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "trie.h"
#include "utf8.h"
#include "vocab_options.h"

/* What is behind the public struct. */
typedef struct {
    el_vocab open; /* first, so that the pointers agree */
    char *text;
    char *strings; /* the pieces, each with a zero */
    const char **pieces;
    el_added_token *tokens, *others; /* added ones; and without the special five */
    char *names;                     /* the strings of the options */
    char *beyond;
    el_normalizer *normalizer, *splitter;
    el_trie *trie;
    el_added *added[EL_SPECIAL_READINGS];
} vocabulary;

static el_status no_memory(const char *name, size_t bytes)
{
    return el_fail(EL_ENOMEM, "%s: no memory for %zu bytes", name, bytes);
}

/* ---- from text -------------------------------------------------------------------------------------- */

static el_status check_piece(const char *name, size_t line, const char *piece, size_t bytes)
{
    if (bytes > EL_TRIE_PIECE_BYTES)
        return el_fail(EL_EDATA, "%s, line %zu: has %zu bytes; a piece has at most %d", name, line, bytes,
                       EL_TRIE_PIECE_BYTES);
    if (bytes && memchr(piece, 0, bytes))
        return el_fail(EL_EDATA, "%s, line %zu: holds a zero byte", name, line);
    if (el_utf8_valid(piece, bytes) != bytes)
        return el_fail(EL_EDATA, "%s, line %zu: is not UTF-8", name, line);
    return EL_OK;
}

static const char MARK[] = "\xef\xbb\xbf"; /* the byte order mark */

/* Copies the lines, each with one newline and no carriage return, and counts them; a mark before the first and blank
 * lines behind the last are no part of them. */
static el_status copy_lines(vocabulary *v, const char *text, size_t bytes, const char *name)
{
    if (bytes > EL_VOCAB_MAX_BYTES)
        return el_fail(EL_EDATA, "%s: %zu bytes are too many for a vocabulary", name, bytes);
    if (!(v->text = malloc(bytes + 1)))
        return no_memory(name, bytes);
    size_t lines = 0, used = 0;
    const size_t mark =
        bytes >= sizeof MARK - 1 && memcmp(text, MARK, sizeof MARK - 1) == 0 ? sizeof MARK - 1 : 0;
    for (size_t at = mark; at < bytes;) {
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
    for (; lines > 0 && v->text[used - 1] == '\n' && (used == 1 || v->text[used - 2] == '\n'); lines--)
        used--;
    if (lines == 0)
        return el_fail(EL_EDATA, "%s: an empty file is no vocabulary", name);
    v->open.lines = (int)lines;
    v->open.text_bytes = used;
    return EL_OK;
}

/* Where the piece that ends at `end` ends without the white space behind it. */
static char *without_blanks(char *piece, char *end)
{
    while (end > piece) {
        char *at = end - 1;
        while (at > piece && ((unsigned char)*at & 0xC0) == 0x80)
            at--;
        uint32_t c;
        el_utf8_decode(at, end, &c);
        if (!el_is_white_space(c))
            break;
        end = at;
    }
    return end;
}

static el_status split_pieces(vocabulary *v, const char *name)
{
    const size_t size = (size_t)v->open.size;
    v->strings = malloc(v->open.text_bytes);
    v->pieces = malloc(size * sizeof *v->pieces);
    if (!v->strings || !v->pieces)
        return no_memory(name, v->open.text_bytes + size * sizeof *v->pieces);
    memcpy(v->strings, v->text, v->open.text_bytes);
    char *at = v->strings;
    for (int i = 0; i < v->open.lines; i++) {
        v->pieces[i] = at;
        char *newline = memchr(at, '\n', (size_t)(v->strings + v->open.text_bytes - at));
        *without_blanks(at, newline) = 0;
        at = newline + 1;
    }
    for (int i = v->open.lines; i < v->open.size; i++)
        v->pieces[i] = "";
    v->open.pieces = v->pieces;
    return EL_OK;
}

static bool is_continuation(const el_vocab_options *o, const char *piece, size_t bytes)
{
    const size_t prefix = strlen(o->prefix);
    return bytes > prefix && memcmp(piece, o->prefix, prefix) == 0;
}

/* A word can begin with the prefix unless that begins with punctuation, which is a word of its own.  Then continuations
 * are looked for at the beginnings of words too. */
static bool may_begin_words(const el_vocab_options *o)
{
    const unsigned char c = (unsigned char)o->prefix[0];
    return !((c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126));
}

static el_status index_pieces(vocabulary *v, const char *name)
{
    const el_vocab_options *o = &v->open.options;
    const size_t count = 2 * (size_t)v->open.lines, prefix = strlen(o->prefix);
    const bool both = may_begin_words(o);
    el_trie_key *keys = malloc(count * sizeof *keys);
    if (!keys)
        return no_memory(name, count * sizeof *keys);
    size_t first = 0, continued = 0; /* from the front, from the back */
    for (int i = 0; i < v->open.lines; i++) {
        const char *piece = v->pieces[i];
        const size_t bytes = strlen(piece);
        const bool continues = is_continuation(o, piece, bytes);
        if (continues)
            keys[count - ++continued] = (el_trie_key){piece + prefix, (uint32_t)(bytes - prefix), i};
        if (bytes > 0 && (!continues || both))
            keys[first++] = (el_trie_key){piece, (uint32_t)bytes, i};
    }
    const el_status st = el_trie_build(&v->trie, keys, first, keys + count - continued, continued);
    free(keys);
    v->open.trie = v->trie;
    return st;
}

static el_status find_special(vocabulary *v, const char *name)
{
    int *const ids[EL_SPECIALS] = {&v->open.pad, &v->open.unk, &v->open.cls, &v->open.sep, &v->open.mask};
    for (int s = 0; s < EL_SPECIALS; s++) {
        const char *piece = v->open.options.special[s];
        *ids[s] = el_vocab_find(&v->open, piece, strlen(piece));
        for (int i = 0; *ids[s] < 0 && i < v->open.options.added_count; i++)
            if (strcmp(v->open.options.added[i].text, piece) == 0)
                *ids[s] = v->open.options.added[i].id;
        if (*ids[s] < 0)
            return el_fail(EL_EDATA, "%s: the piece %s is missing", name, piece);
    }
    return EL_OK;
}

/* ---- options ---------------------------------------------------------------------------------------- */

static const char *keep(char **at, const char *text)
{
    char *const kept = *at;
    *at = stpcpy(kept, text) + 1;
    return kept;
}

static bool has_added(const el_vocab_options *o, const char *text)
{
    for (int i = 0; i < o->added_count; i++)
        if (strcmp(o->added[i].text, text) == 0)
            return true;
    return false;
}

/* Copies the options, strings and all; special tokens that are no added tokens yet become some, their ids still open. */
static el_status copy_options(vocabulary *v, const el_vocab_options *o, const char *name)
{
    size_t bytes = strlen(o->prefix) + 1;
    for (int i = 0; i < o->added_count; i++)
        bytes += strlen(o->added[i].text) + 1;
    for (int s = 0; s < EL_SPECIALS; s++)
        bytes += strlen(o->special[s]) + 1;
    v->names = malloc(bytes);
    v->tokens = calloc((size_t)o->added_count + EL_SPECIALS, sizeof *v->tokens);
    v->others = calloc((size_t)o->added_count + EL_SPECIALS, sizeof *v->others);
    if (!v->names || !v->tokens || !v->others)
        return no_memory(name, bytes);
    char *at = v->names;
    el_vocab_options *own = &v->open.options;
    *own = *o;
    own->prefix = keep(&at, o->prefix);
    own->added = v->tokens;
    for (int i = 0; i < o->added_count; i++) {
        v->tokens[i] = o->added[i];
        v->tokens[i].text = keep(&at, o->added[i].text);
    }
    for (int s = 0; s < EL_SPECIALS; s++) {
        own->special[s] = keep(&at, o->special[s]);
        if (!has_added(own, own->special[s]))
            v->tokens[own->added_count++] =
                (el_added_token){.text = own->special[s], .id = -1, .special = true};
    }
    return EL_OK;
}

static el_status check_options(const el_vocab_options *o, const char *name)
{
    if (o->word_characters < 1 || o->word_characters > EL_WORD_MOST)
        return el_fail(EL_EDATA, "%s: max_input_chars_per_word is %d; it must lie between 1 and %d", name,
                       o->word_characters, EL_WORD_MOST);
    if (strlen(o->prefix) > EL_TRIE_PIECE_BYTES)
        return el_fail(EL_EDATA, "%s: continuing_subword_prefix is too long", name);
    for (int i = 0; i < o->added_count; i++)
        if (o->added[i].id < -1 || o->added[i].id >= EL_VOCAB_MAX_PIECES)
            return el_fail(EL_EDATA, "%s: the added token %s has the id %d", name, o->added[i].text,
                           o->added[i].id);
    return EL_OK;
}

static int by_id(const void *left, const void *right)
{
    const el_added_token *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

/* The ids of added tokens: those of pieces are theirs, the others lie behind the pieces or where a line is blank.  In the
 * order of their ids, so that equal ones are listed equally. */
static el_status place_added(vocabulary *v, const char *name)
{
    const size_t count = (size_t)v->open.options.added_count;
    for (el_added_token *t = v->tokens; t < v->tokens + count; t++) {
        const int piece = el_vocab_find(&v->open, t->text, strlen(t->text));
        if (t->id < 0)
            t->id = piece;
        if (t->id < 0)
            return el_fail(EL_EDATA, "%s: the added token %s has no id", name, t->text);
        if (piece >= 0 && t->id != piece)
            return el_fail(EL_EDATA, "%s: the added token %s has the id %d, but its piece is %d", name,
                           t->text, t->id, piece);
        if (piece < 0 && *v->pieces[t->id])
            return el_fail(EL_EDATA, "%s: the added token %s has the id %d, which is %s's", name, t->text,
                           t->id, v->pieces[t->id]);
        if (piece < 0)
            v->pieces[t->id] = t->text;
    }
    qsort(v->tokens, count, sizeof *v->tokens, by_id);
    return EL_OK;
}

static void count_ids(vocabulary *v)
{
    v->open.size = v->open.lines;
    for (int i = 0; i < v->open.options.added_count; i++)
        if (v->open.options.added[i].id >= v->open.size)
            v->open.size = v->open.options.added[i].id + 1;
}

static int list_others(vocabulary *v)
{
    const el_vocab_options *o = &v->open.options;
    int count = 0;
    for (int i = 0; i < o->added_count; i++) {
        const int id = o->added[i].id;
        if (id != v->open.pad && id != v->open.unk && id != v->open.cls && id != v->open.sep &&
            id != v->open.mask)
            v->others[count++] = o->added[i];
    }
    return count;
}

static el_status open_tables(vocabulary *v)
{
    const el_vocab_options *o = &v->open.options;
    el_status st = el_normalizer_open(&v->normalizer, o->casing, o->clean_text);
    const int others = list_others(v);
    if (!st)
        st = el_added_open(&v->added[EL_SPECIAL_PLAIN], v->others, others, v->normalizer);
    if (!st)
        st = el_added_open(&v->added[EL_SPECIAL_TOKENS], o->added, o->added_count, v->normalizer);
    if (!st && el_added_normalized(v->added[EL_SPECIAL_TOKENS]))
        st = el_normalizer_open(&v->splitter, (el_casing){0}, false);
    v->open.normalizer = v->normalizer;
    for (int r = 0; r < EL_SPECIAL_READINGS; r++)
        v->open.added[r] = v->added[r];
    v->open.splitter = v->splitter;
    return st;
}

/* One hash of the text, three bytes of casing, and the options that are not BERT's. */
static el_status take_hash(vocabulary *v, const char *name)
{
    const el_casing casing = v->open.casing;
    const size_t text = v->open.text_bytes, beyond = strlen(v->beyond);
    char *all = malloc(text + 3 + beyond);
    if (!all)
        return no_memory(name, text + 3 + beyond);
    memcpy(all, v->text, text);
    all[text] = casing.lowercase ? '1' : '0';
    all[text + 1] = casing.strip_accents ? '1' : '0';
    all[text + 2] = casing.chinese_chars ? '1' : '0';
    memcpy(all + text + 3, v->beyond, beyond);
    v->open.hash = el_hash(all, text + 3 + beyond);
    free(all);
    return EL_OK;
}

/* ---- opening ---------------------------------------------------------------------------------------- */

static el_status open_all(vocabulary *v, const char *text, size_t bytes, const el_vocab_options *options,
                          const char *name)
{
    el_status st = check_options(options, name);
    if (!st)
        st = copy_options(v, options, name);
    if (!st)
        st = copy_lines(v, text, bytes, name);
    if (!st) {
        count_ids(v);
        st = split_pieces(v, name);
    }
    if (!st)
        st = index_pieces(v, name);
    if (!st)
        st = find_special(v, name);
    if (!st)
        st = place_added(v, name);
    if (!st)
        st = open_tables(v);
    if (!st)
        st = el_vocab_options_write(&v->open.options, &v->beyond);
    v->open.casing = options->casing;
    v->open.text = v->text;
    v->open.beyond = v->beyond;
    return st ? st : take_hash(v, name);
}

el_status el_vocab_open(el_vocab **vocab, const char *text, size_t bytes, const el_vocab_options *options,
                        const char *name)
{
    *vocab = NULL;
    vocabulary *v = calloc(1, sizeof *v);
    if (!v)
        return no_memory(name, sizeof *v);
    const el_status st = open_all(v, text, bytes, options, name);
    if (st)
        el_vocab_close(&v->open);
    else
        *vocab = &v->open;
    return st;
}

el_status el_vocab_parse(el_vocab **vocab, const char *text, size_t bytes, el_casing casing, const char *name)
{
    const el_vocab_options options = el_vocab_options_bert(casing);
    return el_vocab_open(vocab, text, bytes, &options, name);
}

el_status el_vocab_reopen(el_vocab **vocab, const char *text, size_t bytes, el_casing casing,
                          const char *beyond, const char *name)
{
    el_vocab_options options;
    json_t *owner;
    el_added_token *tokens;
    *vocab = NULL;
    el_status st = el_vocab_options_read(&options, casing, beyond, name, &owner, &tokens);
    if (!st)
        st = el_vocab_open(vocab, text, bytes, &options, name);
    json_decref(owner);
    free(tokens);
    return st;
}

void el_vocab_close(el_vocab *vocab)
{
    if (!vocab)
        return;
    vocabulary *v = (vocabulary *)vocab;
    for (int r = 0; r < EL_SPECIAL_READINGS; r++)
        el_added_close(v->added[r]);
    el_trie_release(v->trie);
    el_normalizer_close(v->normalizer);
    el_normalizer_close(v->splitter);
    free(v->beyond);
    free(v->names);
    free(v->tokens);
    free(v->others);
    free(v->pieces);
    free(v->strings);
    free(v->text);
    free(v);
}

/* ---- asking ----------------------------------------------------------------------------------------- */

int el_vocab_find(const el_vocab *vocab, const char *piece, size_t bytes)
{
    if (!is_continuation(&vocab->options, piece, bytes))
        return el_trie_find(vocab->trie, EL_TRIE_FIRST, piece, bytes);
    const size_t prefix = strlen(vocab->options.prefix);
    return el_trie_find(vocab->trie, EL_TRIE_CONTINUED, piece + prefix, bytes - prefix);
}

bool el_vocab_is_special(const el_vocab *vocab, int id)
{
    return id == vocab->pad || id == vocab->unk || id == vocab->cls || id == vocab->sep || id == vocab->mask;
}

bool el_vocab_continues(const el_vocab *vocab, int id)
{
    const char *piece = vocab->pieces[id];
    return id < vocab->lines && is_continuation(&vocab->options, piece, strlen(piece));
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
    if (!st && strcmp(a->beyond, b->beyond) != 0)
        st = el_fail(EL_EDATA, "%s is tokenised with %s, %s with %s", a_name,
                     *a->beyond ? a->beyond : "BERT's options", b_name,
                     *b->beyond ? b->beyond : "BERT's options");
    return st;
}
