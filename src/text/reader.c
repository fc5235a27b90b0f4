/* reader - files, what they are packed in, and lines
 *
 *     bytes of a file -> decoder (plain, gzip, zstd) -> whole lines -> (JSON: their text) -> block
 *
 * The buffer holds one byte more than a block may have: when it is full, more is known to follow, and the
 * block ends at the last newline; when the file ends first, all of it is the last block.
 */
#define _GNU_SOURCE /* memrchr */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "base/json.h"

enum { INPUT = 1 << 18, JSON_LINE = 1 << 28, LOOK = 4096, LEAST_BLOCK = 16 };

typedef enum { PLAIN, GZIP, ZSTD } packing;

typedef struct {
    char *data;
    size_t size;
} memory;

struct el_reader {
    char **paths;
    int count, room, current; /* files[current - 1] is open */
    el_reader_settings settings;
    uint64_t done, total;
    bool unknown_total;
    /* the open file */
    int file; /* -1: none */
    packing packing;
    bool json, checked, ended;
    uint64_t line; /* JSON lines read */
    unsigned char *input;
    size_t input_at, input_bytes;
    bool input_ended, midway; /* midway: inside a compressed stream */
    z_stream gzip;
    ZSTD_DStream *zstd;
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
    if (stat(path, &info) != 0)
        return el_fail(EL_EDATA, "%s: %s", path, strerror(errno));
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
    r->file = -1;
    r->settings = settings;
    if (!r->settings.json_key)
        r->settings.json_key = "text";
    if (!r->settings.block_bytes)
        r->settings.block_bytes = EL_READER_BLOCK;
    if (r->settings.block_bytes < LEAST_BLOCK)
        r->settings.block_bytes = LEAST_BLOCK;
    r->input = malloc(INPUT);
    el_status st = r->input ? reserve(&r->buffer, r->settings.block_bytes + 1) : no_memory(INPUT);
    for (int i = 0; i < count && !st; i++)
        st = add(r, paths[i], 0);
    if (st) {
        el_reader_close(r);
        return st;
    }
    *reader = r;
    return EL_OK;
}

static void close_file(el_reader *r)
{
    if (r->file < 0)
        return;
    if (r->packing == GZIP)
        inflateEnd(&r->gzip);
    if (r->packing == ZSTD)
        ZSTD_freeDStream(r->zstd);
    if (r->file != STDIN_FILENO)
        close(r->file);
    r->file = -1;
}

void el_reader_close(el_reader *r)
{
    if (!r)
        return;
    close_file(r);
    for (int i = 0; i < r->count; i++)
        free(r->paths[i]);
    free(r->paths);
    free(r->input);
    free(r->buffer.data);
    free(r->text.data);
    free(r->last_buffer.data);
    free(r->last_text.data);
    free(r);
}

void el_reader_progress(const el_reader *r, uint64_t *done, uint64_t *total)
{
    *done = r->done;
    *total = r->unknown_total ? 0 : r->total;
}

/* ---- bytes ------------------------------------------------------------------------------------------ */

static el_status read_file(el_reader *r, void *out, size_t room, size_t *made)
{
    ssize_t got;
    do
        got = read(r->file, out, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return el_fail(EL_EDATA, "%s: %s", name_of(r), strerror(errno));
    *made = (size_t)got;
    r->done += *made;
    r->input_ended = got == 0;
    return EL_OK;
}

/* Reads more input after what is left of it. */
static el_status more_input(el_reader *r)
{
    memmove(r->input, r->input + r->input_at, r->input_bytes - r->input_at);
    r->input_bytes -= r->input_at;
    r->input_at = 0;
    size_t made = 0;
    const el_status st = read_file(r, r->input + r->input_bytes, INPUT - r->input_bytes, &made);
    r->input_bytes += made;
    return st;
}

static size_t input_left(const el_reader *r)
{
    return r->input_bytes - r->input_at;
}

static bool starts_with(const el_reader *r, const char *magic, size_t bytes)
{
    return input_left(r) >= bytes && memcmp(r->input + r->input_at, magic, bytes) == 0;
}

static bool is_gzip(const el_reader *r)
{
    return starts_with(r, "\x1f\x8b", 2);
}

static bool has_ending(const char *path, const char *ending)
{
    const size_t bytes = strlen(path), tail = strlen(ending);
    return bytes >= tail && strcmp(path + bytes - tail, ending) == 0;
}

static bool is_json(const char *path)
{
    return has_ending(path, ".jsonl") || has_ending(path, ".jsonl.gz") || has_ending(path, ".jsonl.zst");
}

static el_status start_decoder(el_reader *r)
{
    el_status st = EL_OK;
    while (!st && !r->input_ended && input_left(r) < 4)
        st = more_input(r);
    if (st)
        return st;
    if (is_gzip(r)) {
        r->gzip = (z_stream){0};
        if (inflateInit2(&r->gzip, 16 + MAX_WBITS) != Z_OK)
            return no_memory(1 << 15);
        r->packing = GZIP;
    } else if (starts_with(r, "\x28\xb5\x2f\xfd", 4)) {
        if (!(r->zstd = ZSTD_createDStream()))
            return no_memory(1 << 17);
        r->packing = ZSTD;
    }
    return EL_OK;
}

static el_status open_file(el_reader *r)
{
    const char *path = r->paths[r->current++];
    r->file = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (r->file < 0)
        return el_fail(EL_EDATA, "%s: %s", path, strerror(errno));
    r->packing = PLAIN;
    r->json = !r->settings.raw && is_json(path);
    r->checked = r->ended = r->input_ended = r->midway = false;
    r->line = 0;
    r->input_at = r->input_bytes = r->bytes = r->taken = 0;
    return start_decoder(r);
}

/* Past the input that told it is plain, the file is read to where it is wanted. */
static el_status decode_plain(el_reader *r, char *out, size_t room, size_t *made)
{
    if (!input_left(r))
        return read_file(r, out, room, made);
    *made = input_left(r) < room ? input_left(r) : room;
    memcpy(out, r->input + r->input_at, *made);
    r->input_at += *made;
    return EL_OK;
}

static el_status decode_gzip(el_reader *r, char *out, size_t room, size_t *made)
{
    z_stream *z = &r->gzip;
    if (!r->midway && !is_gzip(r)) /* between members of one file there may be more of them, or padding */
        return input_left(r) < 2 && !r->input_ended
                   ? EL_OK
                   : el_fail(EL_EDATA, "%s: what follows the gzip data is no gzip data", name_of(r));
    z->next_in = r->input + r->input_at;
    z->avail_in = (uInt)input_left(r);
    z->next_out = (unsigned char *)out;
    z->avail_out = (uInt)(room < UINT32_MAX ? room : UINT32_MAX);
    const uInt offered = z->avail_out;
    r->midway = true;
    const int result = inflate(z, Z_NO_FLUSH);
    r->input_at = r->input_bytes - z->avail_in;
    *made = offered - z->avail_out;
    if (result == Z_STREAM_END) {
        r->midway = false;
        inflateReset(z);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return el_fail(EL_EDATA, "%s: damaged gzip data (%s)", name_of(r), z->msg ? z->msg : zError(result));
    }
    return EL_OK;
}

static el_status decode_zstd(el_reader *r, char *out, size_t room, size_t *made)
{
    ZSTD_inBuffer in = {r->input, r->input_bytes, r->input_at};
    ZSTD_outBuffer place = {out, room, 0};
    const size_t result = ZSTD_decompressStream(r->zstd, &place, &in);
    if (ZSTD_isError(result))
        return el_fail(EL_EDATA, "%s: damaged zstd data (%s)", name_of(r), ZSTD_getErrorName(result));
    r->input_at = in.pos;
    r->midway = result != 0;
    *made = place.pos;
    return EL_OK;
}

/* Some more decoded bytes; *made is 0 with r->ended at the end of the file. */
static el_status decode(el_reader *r, char *out, size_t room, size_t *made)
{
    static el_status (*const decoders[])(el_reader *, char *, size_t, size_t *) = {decode_plain, decode_gzip,
                                                                                   decode_zstd};
    *made = 0;
    for (;;) {
        if (input_left(r) > 0 || r->midway || (r->packing == PLAIN && !r->input_ended)) {
            const size_t before = input_left(r);
            const el_status st = decoders[r->packing](r, out, room, made);
            if (st || *made > 0)
                return st;
            if (input_left(r) > 0 && input_left(r) != before)
                continue;
        }
        if (r->input_ended && r->midway)
            return el_fail(EL_EDATA, "%s: the %s data stop in the middle; is the file cut short?", name_of(r),
                           r->packing == GZIP ? "gzip" : "zstd");
        if (r->input_ended) {
            r->ended = true;
            return EL_OK;
        }
        const el_status st = more_input(r);
        if (st)
            return st;
    }
}

/* ---- text ------------------------------------------------------------------------------------------- */

/* Refuses what is plainly no UTF-8 text, from its first bytes. */
static el_status check_text(el_reader *r)
{
    r->checked = true;
    const unsigned char *text = (const unsigned char *)r->buffer.data;
    const size_t bytes = r->bytes < LOOK ? r->bytes : LOOK;
    if (bytes >= 2 && ((text[0] == 0xFF && text[1] == 0xFE) || (text[0] == 0xFE && text[1] == 0xFF)))
        return el_fail(EL_EDATA, "%s: this is UTF-16; text must be UTF-8", name_of(r));
    size_t zeros = 0;
    for (size_t i = 0; i < bytes; i++)
        zeros += text[i] == 0;
    if (zeros > bytes / 8)
        return el_fail(EL_EDATA, "%s: this is no text (%zu of the first %zu bytes are zero)", name_of(r),
                       zeros, bytes);
    return EL_OK;
}

bool el_reader_waits(const el_reader *r)
{
    struct pollfd one = {.fd = r->file, .events = POLLIN};
    return r->file >= 0 && r->packing == PLAIN && input_left(r) == 0 && !r->input_ended &&
           poll(&one, 1, 0) == 0;
}

/* Whether there are lines to be given while the rest is waited for. */
static bool is_enough(const el_reader *r)
{
    return r->settings.prompt && memrchr(r->buffer.data, '\n', r->bytes) && el_reader_waits(r);
}

/* Fills the buffer, after what the last block left, until it is full or the file ends or is waited for. */
static el_status fill(el_reader *r)
{
    memmove(r->buffer.data, r->buffer.data + r->taken, r->bytes - r->taken);
    r->bytes -= r->taken;
    r->taken = 0;
    while (r->bytes < r->buffer.size && !r->ended && !is_enough(r)) {
        size_t made;
        const el_status st = decode(r, r->buffer.data + r->bytes, r->buffer.size - r->bytes, &made);
        if (st)
            return st;
        r->bytes += made;
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

static void take_lines(el_reader *r, el_block *block)
{
    size_t bytes = r->bytes;
    if (!r->ended) {
        const size_t within =
            bytes < r->buffer.size ? bytes : bytes - 1; /* a file's last line comes with its end */
        const char *newline = memrchr(r->buffer.data, '\n', within);
        bytes = newline ? (size_t)(newline - r->buffer.data) + 1 : cut_line(r->buffer.data, bytes - 1);
        block->cut = !newline;
    }
    block->text = r->buffer.data;
    block->bytes = r->taken = bytes;
    block->ends_document = r->ended;
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
    json_t *object = json_loadb(line.text, line.bytes, JSON_ALLOW_NUL, &error);
    if (!object)
        return el_fail(EL_EDATA, "%s: %s", name, error.text);
    const json_t *text = json_object_get(object, r->settings.json_key);
    el_status st = EL_OK;
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

el_status el_reader_next(el_reader *r, el_block *block)
{
    el_status st = turn_over(r);
    if (st)
        return st;
    for (;;) {
        *block = (el_block){.text = ""};
        if (r->file < 0 || (r->ended && r->taken == r->bytes)) {
            close_file(r);
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
