/* reader - files, what they are packed in, and lines
 *
 *     bytes of a file -> decoder -> whole lines -> (JSON: their text) -> block
 *
 * The buffer is filled up to one byte more than a block may have: when it is full, more of the file is known to follow,
 * and the block ends at the last newline.  When the file ends first, the next one is read behind it: of 100 000 small
 * files each would be a block of its own else, too little work to share among threads.  One that does not end in the room
 * that is left begins the next block.  So a file is cut in the same places whatever stands before it.
 *
 * A JSON line that is longer than a block is looked through as it comes (json_line.h), and its text lies in the buffer as
 * that of a plain file would: a block ends at a newline of the text or, in a long line of it, at a space.
 */
#define _GNU_SOURCE /* memrchr */
#include "reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "text/decoder.h"
#include "text/file_list.h"
#include "text/json_kind.h"
#include "text/json_line.h"
#include "text/kind.h"
#include "text/naming.h"

enum { LEAST_BLOCK = 16, ENDING = 2 /* newlines behind a file */ };

typedef struct {
    char *data;
    size_t size; /* to be filled; there is room for ENDING more */
} memory;

struct el_reader {
    el_file_list list;
    int current; /* list.files[current - 1] is open */
    el_reader_settings settings;
    int part, parts;                          /* which blocks are given; parts 0: all */
    int64_t given;                            /* blocks, of all */
    uint64_t content;                         /* of them, where parts > 0 */
    uint64_t passed;                          /* bytes of files that were not read */
    bool said_lines, said_plain, said_passed; /* what was made of files that begin as JSON */
    /* the open file */
    el_decoder *decoder;
    el_naming named;
    bool json; /* its lines are JSON: by its name, or once it is checked */
    bool checked, ended;
    bool passed_over;    /* nothing is given of it */
    uint64_t before;     /* bytes that the decoder took of others */
    bool skipping;       /* the rest of a word of which a whole block was given */
    bool cut;            /* its last block ended within a line */
    int64_t given_parts; /* of it */
    uint64_t line;       /* JSON lines read */
    el_kind_lines plain; /* others */
    int broken_files;    /* that had lines that are not UTF-8 */
    el_json_line object; /* the one being read */
    enum {
        IN_LINES,
        IN_TEXT,
        AT_TEXT_END
    } within; /* whole lines; a line longer than a block; what is left of its text */
    /* decoded text: of files before the open one, and from `begun` on of that; what the last block left over starts at
     * `taken` */
    memory buffer;
    size_t bytes, begun, taken;
    size_t text_end; /* AT_TEXT_END: of the text; behind it are lines that follow */
    memory last;     /* holds the block before, which stays */
};

static el_status no_memory(size_t bytes)
{
    return el_fail(EL_ENOMEM, "no memory to read text (%zu bytes)", bytes);
}

/* What was in it is lost. */
static el_status reserve(memory *m, size_t size)
{
    if (size <= m->size)
        return EL_OK;
    free(m->data);
    m->data = malloc(size + ENDING);
    m->size = m->data ? size : 0;
    return m->data ? EL_OK : no_memory(size);
}

static const char *name_of(const el_reader *r)
{
    return el_path_said(r->list.files[r->current - 1].path);
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
        st = el_file_list_add(&r->list, paths[i]);
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
    el_decoder_release(r->decoder);
    el_file_list_release(&r->list);
    free(r->buffer.data);
    free(r->last.data);
    free(r);
}

void el_reader_progress(const el_reader *r, uint64_t *done, uint64_t *total)
{
    *done = r->passed + el_decoder_taken(r->decoder);
    *total = r->list.unmeasured ? 0 : r->list.bytes;
}

/* ---- text ------------------------------------------------------------------------------------------- */

/* Whether a file may be JSON lines at all. */
static bool looks_for_json(const el_reader *r)
{
    return !r->settings.raw && *r->settings.json_key;
}

static el_status open_file(el_reader *r)
{
    const char *path = r->list.files[r->current++].path;
    r->named = el_naming_of(path, NULL);
    r->json =
        looks_for_json(r) && (r->settings.json || r->named == EL_NAMED_JSON || r->named == EL_NAMED_LINES);
    r->checked = r->ended = r->passed_over = r->skipping = r->cut = false;
    r->given_parts = 0;
    r->line = 0;
    r->plain = (el_kind_lines){0};
    r->within = IN_LINES;
    r->begun = r->bytes;
    r->before = el_decoder_taken(r->decoder);
    return el_decoder_open(r->decoder, path);
}

/* A folder of texts may hold a package.json or the like: it is no reason to refuse the folder. */
static void pass_over(el_reader *r)
{
    r->passed_over = true;
    if (!r->said_passed)
        el_log(EL_LOG_WARNING,
               "%s: is JSON and not an object a line: passed over, as all such .json files of a folder",
               name_of(r));
    r->said_passed = true;
}

/* Of a file that is to hold JSON lines. */
static el_status check_json(el_reader *r, el_json_kind kind)
{
    const el_listed_file *const file = &r->list.files[r->current - 1];
    const bool array = kind == EL_JSON_ARRAY || kind == EL_JSON_BRACKETS;
    if ((array || kind == EL_JSON_SPREAD) && file->in_folder && r->named == EL_NAMED_JSON) {
        pass_over(r);
        return EL_OK;
    }
    if (array)
        return el_fail(EL_EDATA,
                       "%s: is a JSON array, and an object a line is wanted; jq -c '.[]' makes lines of it",
                       name_of(r));
    if (kind == EL_JSON_SPREAD)
        return el_fail(
            EL_EDATA,
            "%s: has a JSON object over several lines, and an object a line is wanted; jq -c . makes "
            "lines of it, or jq -c '.data[]' of a list in it",
            name_of(r));
    return EL_OK;
}

/* Of a file whose name does not tell, and `other` is its first line that is no object with a text, or 0: what was made of
 * JSON is said, once for all files. */
static void judge_plain(el_reader *r, el_json_kind kind, uint64_t other)
{
    r->json = kind == EL_JSON_LINES && !other;
    bool *const said = r->json ? &r->said_lines : &r->said_plain;
    if (kind <= EL_JSON_BRACKETS || *said)
        return;
    *said = true;
    const char *const key = r->settings.json_key;
    if (r->json)
        el_log(EL_LOG_NOTE,
               "%s: its lines are JSON objects with the key \"%s\": read as JSON lines, as all such files",
               name_of(r), key);
    else if (kind == EL_JSON_LINES)
        el_log(EL_LOG_WARNING,
               "%s: begins with a JSON object, and line %llu is none with a text under the key \"%s\": "
               "read as plain text; --json-key names the key",
               name_of(r), (unsigned long long)other, key);
    else
        el_log(EL_LOG_WARNING,
               "%s: looks like JSON over several lines: read as plain text; jq -c makes JSON lines of it",
               name_of(r));
}

static el_status find_form(el_reader *r, const char *begin, size_t bytes)
{
    if (!looks_for_json(r))
        return EL_OK;
    const el_json_kind kind = el_json_kind_of(begin, bytes);
    if (r->json)
        return check_json(r, kind);
    judge_plain(r, kind, kind == EL_JSON_LINES ? el_json_line_not(begin, bytes, r->settings.json_key) : 0);
    return EL_OK;
}

/* Looks at the beginning of a file: a byte order mark is passed over, and what is plainly no UTF-8 text refused. */
static el_status check_text(el_reader *r)
{
    static const char MARK[] = "\xEF\xBB\xBF";
    char *const text = r->buffer.data + r->begun;
    size_t bytes = r->bytes - r->begun;
    r->checked = true;
    if (bytes >= 3 && memcmp(text, MARK, 3) == 0)
        memmove(text, text + 3, bytes -= 3);
    r->bytes = r->begun + bytes;
    const el_status st = el_kind_check(text, bytes, !r->settings.any_encoding, name_of(r));
    return st ? st : find_form(r, text, bytes);
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

/* Puts lines as they are, but blank ones, to where they or something before them lie; returns their bytes. */
static size_t put_lines(char *out, const char *text, size_t bytes)
{
    char *to = out;
    el_line line;
    for (const char *at = text; el_line_next(&at, text + bytes, &line);) {
        if (el_line_blank(line))
            continue;
        const size_t whole = (size_t)(at - line.text);
        memmove(to, line.text, whole);
        to += whole;
    }
    return (size_t)(to - out);
}

/* What ends the text of a JSON line, of which `made` bytes are there: its last line's newline and a blank line. */
static size_t end_document(char *text, size_t made, bool within_line)
{
    if (within_line)
        text[made++] = '\n';
    text[made++] = '\n';
    return made;
}

/* ---- JSON lines ------------------------------------------------------------------------------------- */

static void begin_object(el_reader *r)
{
    el_json_line_begin(&r->object, r->settings.json_key);
    r->line++;
}

/* Replaces a part of a JSON line by what it says of the text. */
static el_status take_object(el_reader *r, const char *piece, size_t bytes, char *out, size_t *made)
{
    const char *const trouble = el_json_line_take(&r->object, piece, bytes, out, made);
    return trouble ? el_fail(EL_EDATA, "%s, line %llu, byte %llu: %s", name_of(r),
                             (unsigned long long)r->line, (unsigned long long)r->object.taken, trouble)
                   : EL_OK;
}

/* Whether a line has had nothing but spaces: one that is no longer than a block is passed over too. */
static bool is_blank(const el_json_line *o)
{
    return o->depth == 0 && !o->done;
}

static el_status end_object(const el_reader *r)
{
    const el_json_line *const o = &r->object;
    return (o->done && o->found) || is_blank(o) ? EL_OK
           : o->done ? el_fail(EL_EDATA, "%s, line %llu: no text under the key \"%s\"", name_of(r),
                               (unsigned long long)r->line, r->settings.json_key)
                     : el_fail(EL_EDATA, "%s, line %llu: the line ends within its JSON", name_of(r),
                               (unsigned long long)r->line);
}

/* The text of one JSON line, which takes no more than the line did. */
static el_status put_json(el_reader *r, el_line line, char *out, size_t *made)
{
    begin_object(r);
    *made = 0;
    if (el_line_blank(line))
        return EL_OK;
    el_status st = take_object(r, line.text, line.bytes, out, made);
    if (!st)
        st = end_object(r);
    if (st)
        return st;
    *made = put_lines(out, out, *made);
    *made = end_document(out, *made, *made > 0 && out[*made - 1] != '\n');
    assert(*made <= line.bytes && "quotes and braces take more than two newlines");
    return EL_OK;
}

/* Replaces JSON lines by their texts, in place. */
static el_status put_texts(el_reader *r, char *text, size_t *bytes)
{
    el_status st = EL_OK;
    size_t all = 0;
    el_line line;
    for (const char *at = text, *const end = text + *bytes; !st && el_line_next(&at, end, &line);) {
        size_t made;
        st = put_json(r, line, text + all, &made);
        all += made;
    }
    *bytes = all;
    return st;
}

/* Leaves blank lines out, in place; but the rest of a line that was cut, however blank, is no blank line. */
static void leave_out_blanks(const el_reader *r, char *text, size_t *bytes)
{
    const size_t rest = r->cut ? el_lines_cut(text, *bytes, 1) : 0;
    *bytes = rest + put_lines(text + rest, text + rest, *bytes - rest);
}

/* What the open file has in the buffer, its first `bytes`, becomes what is given of it. */
static el_status rewrite(el_reader *r, size_t *bytes)
{
    char *const text = r->buffer.data + r->begun;
    if (r->json && r->within == IN_LINES)
        return put_texts(r, text, bytes);
    const bool checked = !r->json && !r->settings.any_encoding;
    const el_status st = checked ? el_kind_check_lines(&r->plain, text, *bytes, name_of(r)) : EL_OK;
    if (st)
        return st;
    if (r->json || r->settings.ends == EL_ENDS_AT_FILES)
        leave_out_blanks(r, text, bytes);
    return EL_OK;
}

static bool within_line(const el_reader *r)
{
    return r->bytes > r->begun ? r->buffer.data[r->bytes - 1] != '\n' : r->cut;
}

/* A long JSON line has ended, its text lies in the buffer to its end: ends the document before the `rest` that follows,
 * for which its closing quote and brace have made room. */
static el_status end_text(el_reader *r, const char *rest, size_t bytes)
{
    char *const text = r->buffer.data;
    leave_out_blanks(r, text, &r->bytes);
    const bool within = within_line(r), blank = is_blank(&r->object);
    r->text_end = r->bytes + (blank ? 0 : (size_t)within + 1);
    memmove(text + r->text_end, rest, bytes);
    if (!blank)
        end_document(text, r->bytes, within);
    r->bytes = r->text_end + bytes;
    r->within = AT_TEXT_END;
    r->skipping = false;
    return end_object(r);
}

/* Of a long JSON line a piece has come, in the buffer: its text goes behind what is there, and what follows the line. */
static el_status take_text(el_reader *r, const char *piece, size_t made)
{
    char *const to = r->buffer.data + r->bytes;
    const char *const newline = memchr(piece, '\n', made);
    const size_t bytes = newline ? (size_t)(newline - piece) : made;
    size_t text;
    const el_status st = take_object(r, piece, bytes, to, &text);
    if (st)
        return st;
    r->bytes += r->skipping ? skip_word(r, to, text) : text;
    return newline ? end_text(r, newline + 1, made - bytes - 1) : EL_OK;
}

/* The buffer is full of a JSON line that has no end there. */
static el_status begin_text(el_reader *r)
{
    const size_t bytes = r->bytes;
    begin_object(r);
    r->within = IN_TEXT;
    r->bytes = 0;
    return take_text(r, r->buffer.data, bytes);
}

/* ---- blocks ----------------------------------------------------------------------------------------- */

/* Text of a long JSON line is enough with half of a block: what is left is room for pieces of some length. */
static bool is_full(const el_reader *r)
{
    return r->within == IN_TEXT ? r->bytes > r->buffer.size / 2 : r->bytes >= r->buffer.size;
}

/* More of the file, as much as there is room for. */
static el_status read_more(el_reader *r)
{
    const bool in_text = r->within == IN_TEXT;
    const size_t at = r->bytes + (in_text ? EL_JSON_GAP : 0);
    char *const piece = r->buffer.data + at;
    size_t made;
    const el_status st = el_decoder_read(r->decoder, piece, r->buffer.size - at, &made);
    if (st)
        return st;
    r->ended = made == 0;
    if (in_text)
        return take_text(r, piece, made);
    r->bytes += r->skipping ? skip_word(r, piece, made) : made;
    return EL_OK;
}

/* Fills the buffer until it is full or the file ends or is waited for. */
static el_status fill(el_reader *r)
{
    while (r->within != AT_TEXT_END && !is_full(r) && !r->ended && !is_enough(r)) {
        const el_status st = read_more(r);
        if (st)
            return st;
    }
    const bool enough = r->ended || r->begun == 0; /* to judge by: else it begins the next block */
    return r->checked || !enough ? EL_OK : check_text(r);
}

static el_reader_place place_at(const el_reader *r, int64_t files, int64_t parts)
{
    const int64_t reached = files + (parts > 0);
    return (el_reader_place){r->list.unmeasured ? -1 : files, parts,
                             reached ? r->list.files[reached - 1].seen : 0};
}

/* All files but `open` of them that were opened, as far as they are in the buffer. */
static void take_files(el_reader *r, int open, el_block *block)
{
    r->taken = open ? r->begun : r->bytes;
    *block = (el_block){.text = r->buffer.data, .bytes = r->taken, .end = place_at(r, r->current - open, 0)};
}

/* Takes what is before the end of the last line from a file that goes on and has the buffer for itself. */
static el_status take_part(el_reader *r, el_block *block)
{
    const size_t within =
        r->bytes < r->buffer.size ? r->bytes : r->bytes - 1; /* a file's last line comes with its end */
    const char *const newline = memrchr(r->buffer.data, '\n', within);
    size_t bytes = newline ? (size_t)(newline - r->buffer.data) + 1 : cut_line(r->buffer.data, r->bytes - 1);
    r->taken = bytes;
    r->skipping = !newline && !r->settings.raw && ends_in_endless_word(r->buffer.data, bytes);
    if (r->skipping)
        r->bytes = bytes + skip_word(r, r->buffer.data + bytes, r->bytes - bytes);
    const el_status st = rewrite(r, &bytes);
    r->given_parts += bytes > 0;
    *block = (el_block){.text = r->buffer.data,
                        .bytes = bytes,
                        .cut = !newline,
                        .end = place_at(r, r->current - 1, r->given_parts)};
    r->cut = !newline && bytes > 0;
    return st;
}

/* Takes what is left of a long JSON line's text. */
static void take_text_end(el_reader *r, el_block *block)
{
    r->taken = r->text_end;
    r->given_parts += r->text_end > 0;
    r->within = IN_LINES;
    r->cut = false;
    *block = (el_block){
        .text = r->buffer.data, .bytes = r->text_end, .end = place_at(r, r->current - 1, r->given_parts)};
}

static el_status rewrite_rest(el_reader *r)
{
    if (r->within == IN_TEXT)
        return end_text(r, r->buffer.data, 0);
    size_t bytes = r->bytes - r->begun;
    const el_status st = rewrite(r, &bytes);
    r->bytes = r->begun + bytes;
    return st;
}

/* Of many such files the first are named: a folder may have thousands. */
static void say_broken(el_reader *r)
{
    enum { NAMED = 4 };
    if (!r->plain.broken || r->broken_files > NAMED)
        return;
    if (r->broken_files++ < NAMED)
        el_kind_say_lines(&r->plain, name_of(r));
    else
        el_log(EL_LOG_WARNING, "%s has lines that are not UTF-8 too; more such files are not named",
               name_of(r));
}

/* The open file is in the buffer to its end: puts what ends its last line and its last document behind it. */
static el_status end_file(el_reader *r)
{
    const el_status st = rewrite_rest(r);
    if (!st)
        say_broken(r);
    const bool marked = r->settings.ends != EL_ENDS_UNMARKED;
    if (within_line(r) && (marked || r->current < r->list.count))
        r->buffer.data[r->bytes++] = '\n';
    if (marked)
        r->buffer.data[r->bytes++] = '\n';
    el_decoder_close(r->decoder);
    return st;
}

/* Closes a file that is passed over; for progress it was read to its end. */
static void leave_file(el_reader *r)
{
    const uint64_t all = r->list.files[r->current - 1].bytes,
                   taken = el_decoder_taken(r->decoder) - r->before;
    r->passed += all > taken ? all - taken : 0;
    r->bytes = r->begun;
    el_decoder_close(r->decoder);
}

/* Leaves the last block where it is, and brings what it left over to where the next one will be. */
static el_status turn_over(el_reader *r)
{
    const memory last = r->buffer;
    r->buffer = r->last;
    r->last = last;
    const el_status st = reserve(&r->buffer, last.size);
    if (st)
        return st;
    r->bytes -= r->taken;
    memcpy(r->buffer.data, last.data + r->taken, r->bytes);
    r->begun = r->taken = 0;
    return EL_OK;
}

/* Leaves out what was taken and is not to be given. */
static void drop_taken(el_reader *r)
{
    memmove(r->buffer.data, r->buffer.data + r->taken, r->bytes -= r->taken);
    r->begun = r->taken = 0;
}

/* A file in the buffer that goes on: the files before it are a block, or a part of it is; or a JSON line turns out to be a
 * long one. */
static el_status take(el_reader *r, el_block *block)
{
    if (r->within == AT_TEXT_END) {
        take_text_end(r, block);
        return EL_OK;
    }
    if (r->begun > 0) {
        take_files(r, 1, block);
        return EL_OK;
    }
    if (r->json && r->within == IN_LINES && !memrchr(r->buffer.data, '\n', r->bytes - 1))
        return begin_text(r);
    const el_status st = take_part(r, block);
    if (!st && block->bytes == 0)
        drop_taken(r);
    return st;
}

/* Whether the files in the buffer are to be given before another is opened. */
static bool is_whole(const el_reader *r)
{
    return r->current == r->list.count || r->bytes >= r->buffer.size || (r->settings.prompt && r->bytes > 0);
}

/* Of the open file, which is in the buffer as far as there is room. */
static el_status give(el_reader *r, el_block *block)
{
    if (!r->passed_over)
        return r->ended ? end_file(r) : take(r, block);
    leave_file(r);
    return EL_OK;
}

static el_status next_block(el_reader *r, el_block *block)
{
    el_status st = EL_OK;
    *block = (el_block){.text = ""};
    while (!st && block->bytes == 0) {
        if (!el_decoder_is_open(r->decoder)) {
            if (is_whole(r)) {
                take_files(r, 0, block);
                return EL_OK;
            }
            st = open_file(r);
        }
        if (!st)
            st = fill(r);
        if (!st)
            st = give(r, block);
    }
    return st;
}

void el_reader_share(el_reader *reader, int part, int parts)
{
    reader->part = part;
    reader->parts = parts;
}

uint64_t el_reader_content(const el_reader *r)
{
    return r->content;
}

uint64_t el_reader_listed(const el_reader *r)
{
    uint64_t hash = 0;
    for (int i = 0; i < r->list.count; i++) {
        const el_listed_file *const file = &r->list.files[i];
        hash = el_hash_with(el_hash_with(hash, file->path, strlen(file->path)), &file->bytes,
                            sizeof file->bytes);
    }
    return hash;
}

/* The next block of all of them. */
static el_status next_counted(el_reader *r, el_block *block)
{
    const el_status st = next_block(r, block);
    if (!st && r->parts > 0)
        r->content = el_hash_with(r->content, block->text, block->bytes);
    return st;
}

el_status el_reader_next(el_reader *r, el_block *block)
{
    el_status st = turn_over(r);
    if (!st)
        st = next_counted(r, block);
    while (!st && block->bytes > 0 && r->parts > 0 && r->given++ % r->parts != r->part) {
        drop_taken(r);
        st = next_counted(r, block);
    }
    return st;
}

bool el_reader_knows(const el_reader *r, const el_reader_place *place)
{
    const int64_t reached = place->files + (place->parts > 0);
    return !r->list.unmeasured && place->files >= 0 && place->parts >= 0 && reached <= r->list.count &&
           place->seen == place_at(r, place->files, place->parts).seen;
}

el_status el_reader_go(el_reader *r, const el_reader_place *place)
{
    el_block block;
    el_status st = EL_OK;
    for (; r->current < place->files; r->current++)
        r->passed += r->list.files[r->current].bytes;
    for (int64_t i = 0; i < place->parts && !st; i++)
        st = el_reader_next(r, &block);
    return st;
}
