/* record - see the header */
#include "task/files/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "task/files/table.h"
#include "text/utf8.h"

bool el_buffer_put(el_buffer *b, const char *text, size_t bytes)
{
    if (!el_grow(&b->text, &b->room, b->used + bytes + 1, 1))
        return false;
    if (bytes)
        memcpy(b->text + b->used, text, bytes);
    b->used += bytes;
    b->text[b->used] = '\0';
    return true;
}

static void clear(el_record *r)
{
    r->count = 0;
    r->text.used = 0;
}

static bool begin_field(el_record *r)
{
    if (!el_grow(&r->begins, &r->room, (size_t)r->count + 1, sizeof *r->begins))
        return false;
    r->begins[r->count++] = r->text.used;
    return true;
}

static bool end_field(el_record *r)
{
    return el_buffer_put(&r->text, "", 1);
}

static bool put_field(el_record *r, const char *text, size_t bytes)
{
    return begin_field(r) && el_buffer_put(&r->text, text, bytes) && end_field(r);
}

static el_status split_plain(el_lines *lines, char separator, el_record *r, el_line line)
{
    const char *at = line.text, *const end = line.text + line.bytes;
    for (;;) {
        const char *const tab = memchr(at, separator, (size_t)(end - at));
        if (!put_field(r, at, (size_t)((tab ? tab : end) - at)))
            return el_no_memory(lines->name);
        if (!tab)
            return EL_OK;
        at = tab + 1;
    }
}

/* Behind a field's closing quotation mark only blanks are left: a mark within it that is not doubled would end it. */
static el_status check_closed(const el_lines *lines, const char *at, const char *end)
{
    while (at < end && *at == ' ')
        at++;
    return at == end ? EL_OK
                     : el_lines_fail(lines,
                                     "\"%.*s\" follows a closing quotation mark; within quotes the mark is "
                                     "written twice",
                                     el_utf8_beginning(at, (size_t)(end - at), 20), at);
}

/* A quoted field from behind its first quote; it may go on over lines.  *at comes to stand behind the last quote. */
static el_status take_quoted(el_lines *lines, el_record *r, el_line *line, const char **at)
{
    const int64_t begun = lines->number;
    for (;;) {
        const char *const end = line->text + line->bytes;
        const char *const quote = memchr(*at, '"', (size_t)(end - *at));
        if (!el_buffer_put(&r->text, *at, (size_t)((quote ? quote : end) - *at)))
            return el_no_memory(lines->name);
        if (quote && quote + 1 < end && quote[1] == '"') {
            if (!el_buffer_put(&r->text, "\"", 1))
                return el_no_memory(lines->name);
            *at = quote + 2;
        } else if (quote) {
            *at = quote + 1;
            return EL_OK;
        } else {
            const el_status st = el_lines_next(lines, line);
            if (st)
                return st;
            if (!line->text)
                return el_fail(EL_EDATA, "%s, line %" PRId64 ": a quotation mark is never closed",
                               lines->name, begun);
            if (!el_buffer_put(&r->text, "\n", 1))
                return el_no_memory(lines->name);
            *at = line->text;
        }
    }
}

static el_status split_quoted(el_lines *lines, char separator, el_record *r, el_line line)
{
    const char *at = line.text;
    for (;;) {
        if (!begin_field(r))
            return el_no_memory(lines->name);
        el_status st = EL_OK;
        bool closed = false;
        const char *quote = at;
        while (quote < line.text + line.bytes && *quote == ' ')
            quote++;
        if (quote < line.text + line.bytes && *quote == '"') {
            at = quote + 1;
            st = take_quoted(lines, r, &line, &at);
            closed = true;
        }
        if (st)
            return st;
        const char *const end = line.text + line.bytes, *const comma =
                                                            memchr(at, separator, (size_t)(end - at));
        if (closed && (st = check_closed(lines, at, comma ? comma : end)))
            return st;
        if (!el_buffer_put(&r->text, at, (size_t)((comma ? comma : end) - at)) || !end_field(r))
            return el_no_memory(lines->name);
        if (!comma)
            return EL_OK;
        at = comma + 1;
    }
}

el_status el_record_split(el_record *r, char separator, bool quoted, el_lines *lines, el_line line)
{
    enum { DELETE = 0x7f };
    clear(r);
    const el_status st = quoted                                ? split_quoted(lines, separator, r, line)
                         : separator                           ? split_plain(lines, separator, r, line)
                         : put_field(r, line.text, line.bytes) ? EL_OK
                                                               : el_no_memory(lines->name);
    for (size_t i = 0; !st && i < r->text.used; i++) /* as in JSON's texts: it would end a part */
        if (r->text.text[i] == EL_TABLE_END)
            r->text.text[i] = DELETE;
    return st;
}

const char *el_record_field(const el_record *r, int place)
{
    return place >= 0 && place < r->count ? r->text.text + r->begins[place] : NULL;
}

void el_record_release(el_record *r)
{
    free(r->text.text);
    free(r->begins);
    *r = (el_record){0};
}
