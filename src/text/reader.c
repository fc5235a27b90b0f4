/* reader - files, what they are packed in, and lines
 *
 *     bytes of a file -> decoder -> whole lines -> (JSON: their text) -> block
 *
 * The buffer holds one byte more than a block may have: when it is full, more is known to follow, and the
 * block ends at the last newline; when the file ends first, all of it is the last block.
 */
#define _GNU_SOURCE /* memrchr */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/io.h"
#include "base/json.h"
#include "text/decoder.h"
#include "text/kind.h"

enum { JSON_LINE = 1 << 28, LEAST_BLOCK = 16 };

typedef struct {
    char *data;
    size_t size;
} memory;

struct el_reader {
    char **paths;
    int count, room, current; /* files[current - 1] is open */
    el_reader_settings settings;
    uint64_t total;
    bool unknown_total;
    int part, parts; /* which blocks are given; parts 0: all */
    int64_t given;   /* blocks, of all */
    /* the open file */
    el_decoder *decoder;
    bool json, checked, ended;
    bool skipping; /* the rest of a word of which a whole block was given */
    uint64_t line; /* JSON lines read */
    /* decoded text; what the last block left over starts at `taken` */
    memory buffer, text; /* text: of JSON lines */
    size_t bytes, taken;
    memory last_buffer, last_text; /* hold the block before, which stays */
};

static el_status no_memory(size_t bytes)
{
    return el_fail(EL_ENOMEM, "cannot allocate %zu bytes for reading text", bytes);
}

/* What was in it is lost. */
static el_status reserve(memory *m, size_t size)
{
    if (size <= m->size)
        return EL_OK;
    free(m->data);
    m->data = malloc(size);
    m->size = m->data ? size : 0;
    return m->data ? EL_OK : no_memory(size);
}

static const char *name_of(const el_reader *r)
{
    const char *path = r->paths[r->current - 1];
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* ---- the list of files ------------------------------------------------------------------------------ */

static el_status add_path(el_reader *r, const char *path)
{
    if (r->count == r->room) {
        const int room = 2 * r->room + 16;
        char **paths = realloc(r->paths, (size_t)room * sizeof *paths);
        if (!paths)
            return no_memory((size_t)room * sizeof *paths);
        r->paths = paths;
        r->room = room;
    }
    if (!(r->paths[r->count] = strdup(path)))
        return no_memory(strlen(path));
    r->count++;
    return EL_OK;
}

static el_status add_folder(el_reader *r, const char *path, int depth);

static el_status add(el_reader *r, const char *path, int depth)
{
    struct stat info;
    if (strcmp(path, "-") == 0) {
        r->unknown_total = true;
        return add_path(r, path);
    }
    if (el_io_stat(path, &info) != 0)
        return el_io_fail(path);
    if (S_ISDIR(info.st_mode))
        return add_folder(r, path, depth);
    if (S_ISREG(info.st_mode))
        r->total += (uint64_t)info.st_size;
    else
        r->unknown_total = true;
    return add_path(r, path);
}

enum { DEEPEST = 64 };

static el_status add_folder(el_reader *r, const char *path, int depth)
{
    if (depth == DEEPEST)
        return el_fail(EL_EDATA, "%s: folders are nested more than %d deep", path, DEEPEST);
    char **names;
    int count;
    el_status st = el_folder_list(path, &names, &count);
    if (st)
        return st;
    for (int i = 0; i < count && !st; i++) {
        if (names[i][0] == '.')
            continue;
        char *inside = el_path_join(path, names[i]);
        st = inside ? add(r, inside, depth + 1) : no_memory(strlen(path));
        free(inside);
    }
    el_names_free(names, count);
    return st;
}

el_status el_reader_open(el_reader **reader, char *const *paths, int count, el_reader_settings settings)
{
    *reader = NULL;
    el_reader *r = calloc(1, sizeof *r);
    if (!r)
        return no_memory(sizeof *r);
    r->settings = settings;
    if (!r->settings.json_key)
        r->settings.json_key = "text";
    if (!r->settings.block_bytes)
        r->settings.block_bytes = EL_READER_BLOCK;
    if (r->settings.block_bytes < LEAST_BLOCK)
        r->settings.block_bytes = LEAST_BLOCK;
    el_status st = el_decoder_make(&r->decoder);
    if (!st)
        st = reserve(&r->buffer, r->settings.block_bytes + 1);
    for (int i = 0; i < count && !st; i++)
        st = add(r, paths[i], 0);
    if (st) {
        el_reader_close(r);
        return st;
    }
    *reader = r;
    return EL_OK;
}

void el_reader_close(el_reader *r)
{
    if (!r)
        return;
    el_decoder_free(r->decoder);
    for (int i = 0; i < r->count; i++)
        free(r->paths[i]);
    free(r->paths);
    free(r->buffer.data);
    free(r->text.data);
    free(r->last_buffer.data);
    free(r->last_text.data);
    free(r);
}

void el_reader_progress(const el_reader *r, uint64_t *done, uint64_t *total)
{
    *done = el_decoder_taken(r->decoder);
    *total = r->unknown_total ? 0 : r->total;
}

/* ---- text ------------------------------------------------------------------------------------------- */

static bool has_ending(const char *path, const char *ending)
{
    const size_t bytes = strlen(path), tail = strlen(ending);
    return bytes >= tail && strcmp(path + bytes - tail, ending) == 0;
}

static bool is_json(const char *path)
{
    static const char *const ENDINGS[] = {".jsonl", ".jsonl.gz", ".jsonl.zst", ".jsonl.xz", ".jsonl.bz2"};
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++)
        if (has_ending(path, ENDINGS[i]))
            return true;
    return false;
}

static el_status open_file(el_reader *r)
{
    const char *path = r->paths[r->current++];
    r->json = !r->settings.raw && is_json(path);
    r->checked = r->ended = r->skipping = false;
    r->line = 0;
    r->bytes = r->taken = 0;
    return el_decoder_open(r->decoder, path);
}

/* Looks at the beginning of a file: a byte order mark is passed over, and what is plainly no UTF-8 text refused. */
static el_status check_text(el_reader *r)
{
    static const char MARK[] = "\xEF\xBB\xBF";
    r->checked = true;
    if (r->bytes >= 3 && memcmp(r->buffer.data, MARK, 3) == 0)
        memmove(r->buffer.data, r->buffer.data + 3, r->bytes -= 3);
    return el_kind_check(r->buffer.data, r->bytes, !r->settings.raw, name_of(r));
}

bool el_reader_waits(const el_reader *r)
{
    return el_decoder_waits(r->decoder);
}

static bool is_of_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Whether there are lines to be given while the rest is waited for. */
static bool is_enough(const el_reader *r)
{
    return r->settings.prompt && memrchr(r->buffer.data, '\n', r->bytes) && el_reader_waits(r);
}

/* Leaves out what goes on with a word that is skipped, of `made` bytes that have just come. */
static size_t skip_word(el_reader *r, char *text, size_t made)
{
    size_t skipped = 0;
    while (skipped < made && is_of_word(text[skipped]))
        skipped++;
    r->skipping = skipped == made;
    memmove(text, text + skipped, made - skipped);
    return made - skipped;
}

/* Fills the buffer, after what the last block left, until it is full or the file ends or is waited for. */
static el_status fill(el_reader *r)
{
    memmove(r->buffer.data, r->buffer.data + r->taken, r->bytes - r->taken);
    r->bytes -= r->taken;
    r->taken = 0;
    while (r->bytes < r->buffer.size && !r->ended && !is_enough(r)) {
        size_t made;
        const el_status st =
            el_decoder_read(r->decoder, r->buffer.data + r->bytes, r->buffer.size - r->bytes, &made);
        if (st)
            return st;
        r->ended = made == 0;
        r->bytes += r->skipping ? skip_word(r, r->buffer.data + r->bytes, made) : made;
    }
    return r->checked ? EL_OK : check_text(r);
}

/* Where to end a block within a line of more than `bytes`: after the last space, else before the character
 * that the limit would cut. */
static size_t cut_line(const char *text, size_t bytes)
{
    const char *space = memrchr(text, ' ', bytes);
    if (space)
        return (size_t)(space - text) + 1;
    size_t at = bytes;
    while (at > bytes - 4 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    return at > bytes - 4 ? at : bytes;
}

/* Whether a block ends within a word so long that it is unknown whatever follows: then that is left out, and it is one
 * unknown word, not one for each block. */
static bool ends_in_endless_word(const char *text, size_t bytes)
{
    enum { ENDLESS = 1024 }; /* more than any vocabulary's longest word */
    size_t length = 0;
    while (length < ENDLESS && length < bytes && is_of_word(text[bytes - length - 1]))
        length++;
    return length == ENDLESS;
}

static void take_lines(el_reader *r, el_block *block)
{
    size_t bytes = r->bytes;
    if (!r->ended) {
        const size_t within =
            bytes < r->buffer.size ? bytes : bytes - 1; /* a file's last line comes with its end */
        const char *newline = memrchr(r->buffer.data, '\n', within);
        bytes = newline ? (size_t)(newline - r->buffer.data) + 1 : cut_line(r->buffer.data, bytes - 1);
        block->cut = !newline;
        r->skipping = !newline && !r->settings.raw && ends_in_endless_word(r->buffer.data, bytes);
    }
    block->text = r->buffer.data;
    block->bytes = r->taken = bytes;
    block->ends_document = r->ended;
    if (r->skipping)
        r->bytes = bytes + skip_word(r, r->buffer.data + bytes, r->bytes - bytes);
}

/* Appends a document's text as lines, blank ones left out, and the blank line that ends it; returns the
 * bytes. */
static size_t put_document(char *out, const char *text, size_t bytes)
{
    char *to = out;
    el_line line;
    for (const char *at = text; el_line_next(&at, text + bytes, &line);) {
        if (el_line_blank(line))
            continue;
        memcpy(to, line.text, line.bytes);
        to += line.bytes;
        *to++ = '\n';
    }
    *to++ = '\n';
    return (size_t)(to - out);
}

/* The text of one JSON line; it takes at most the line's bytes and one more. */
static el_status put_json(el_reader *r, el_line line, char *out, size_t *made)
{
    char name[512];
    json_error_t error;
    snprintf(name, sizeof name, "%s: line %llu", name_of(r), (unsigned long long)++r->line);
    *made = 0;
    if (el_line_blank(line))
        return EL_OK;
    json_t *object;
    el_status st = el_json_read(&object, line.text, line.bytes, JSON_ALLOW_NUL, &error);
    if (st)
        return st == EL_EDATA ? el_fail(EL_EDATA, "%s: %s", name, error.text) : st;
    const json_t *text = json_object_get(object, r->settings.json_key);
    if (json_is_string(text))
        *made = put_document(out, json_string_value(text), json_string_length(text));
    else
        st = el_fail(EL_EDATA, "%s: no text under the key \"%s\"", name, r->settings.json_key);
    json_decref(object);
    return st;
}

static el_status widen(el_reader *r)
{
    if (r->buffer.size > JSON_LINE)
        return el_fail(EL_EDATA, "%s: line %llu has more than %d bytes", name_of(r),
                       (unsigned long long)r->line + 1, JSON_LINE);
    char *buffer = realloc(r->buffer.data, 2 * r->buffer.size);
    if (!buffer)
        return no_memory(2 * r->buffer.size);
    r->buffer.data = buffer;
    r->buffer.size *= 2;
    return EL_OK;
}

/* Replaces a block of JSON lines by their texts. */
static el_status take_json(el_reader *r, el_block *block)
{
    el_status st = EL_OK;
    while (!st && !r->ended && !memrchr(r->buffer.data, '\n', r->bytes - 1)) {
        st = widen(r);
        if (!st)
            st = fill(r);
    }
    if (st)
        return st;
    take_lines(r, block);
    if ((st = reserve(&r->text, 2 * r->buffer.size)))
        return st;
    size_t bytes = 0;
    el_line line;
    for (const char *at = block->text; !st && el_line_next(&at, block->text + block->bytes, &line);) {
        size_t made;
        st = put_json(r, line, r->text.data + bytes, &made);
        bytes += made;
    }
    block->text = r->text.data;
    block->bytes = bytes;
    return st;
}

static void swap(memory *a, memory *b)
{
    const memory kept = *a;
    *a = *b;
    *b = kept;
}

/* Leaves the last block where it is, and brings what it left over to where the next one will be. */
static el_status turn_over(el_reader *r)
{
    swap(&r->buffer, &r->last_buffer);
    swap(&r->text, &r->last_text);
    const el_status st = reserve(&r->buffer, r->last_buffer.size);
    if (st)
        return st;
    r->bytes -= r->taken;
    memcpy(r->buffer.data, r->last_buffer.data + r->taken, r->bytes);
    r->taken = 0;
    return EL_OK;
}

static el_status next_block(el_reader *r, el_block *block)
{
    el_status st = turn_over(r);
    if (st)
        return st;
    for (;;) {
        *block = (el_block){.text = ""};
        if (!el_decoder_is_open(r->decoder) || (r->ended && r->taken == r->bytes)) {
            el_decoder_close(r->decoder);
            if (r->current == r->count)
                return EL_OK;
            if ((st = open_file(r)))
                return st;
        }
        st = fill(r);
        if (!st)
            st = r->json ? take_json(r, block) : (take_lines(r, block), EL_OK);
        if (st || block->bytes > 0)
            return st;
    }
}

void el_reader_share(el_reader *reader, int part, int parts)
{
    reader->part = part;
    reader->parts = parts;
}

el_status el_reader_next(el_reader *r, el_block *block)
{
    el_status st;
    do
        st = next_block(r, block);
    while (!st && block->bytes > 0 && r->parts > 0 && r->given++ % r->parts != r->part);
    return st;
}

bool el_line_next(const char **at, const char *end, el_line *line)
{
    if (*at >= end)
        return false;
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    line->text = *at;
    line->bytes = (size_t)((newline ? newline : end) - *at);
    *at = newline ? newline + 1 : end;
    return true;
}

bool el_line_blank(el_line line)
{
    for (size_t i = 0; i < line.bytes; i++)
        if (line.text[i] != ' ' && line.text[i] != '\t' && line.text[i] != '\r')
            return false;
    return true;
}

size_t el_lines_cut(const char *text, size_t bytes, size_t want)
{
    if (want >= bytes)
        return bytes;
    const size_t from = want > 0 ? want - 1 : 0;
    const char *newline = memchr(text + from, '\n', bytes - from);
    return newline ? (size_t)(newline - text) + 1 : bytes;
}
