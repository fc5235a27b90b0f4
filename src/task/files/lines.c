/* lines - see the header */
#include "task/files/lines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "base/path.h"
#include "text/kind.h"
#include "text/utf8.h"

el_status el_lines_fail(const el_lines *lines, const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return el_fail(EL_EDATA, "%s, line %" PRId64 ": %s", lines->name, lines->number, sentence);
}

static el_status open_reader(el_reader **reader, const char *path)
{
    char *paths[] = {(char *)path};
    if (el_folder_exists(path))
        return el_fail(EL_EDATA, "%s: is a folder, and a file is wanted", path);
    return el_reader_open(reader, paths, 1,
                          (el_reader_settings){.raw = true, .any_encoding = true, .prompt = true});
}

el_status el_lines_open(el_lines *lines, const char *path)
{
    *lines = (el_lines){.name = el_path_said(path)};
    return open_reader(&lines->reader, path);
}

void el_lines_close(el_lines *lines)
{
    el_reader_close(lines->reader);
    *lines = (el_lines){0};
}

bool el_lines_wait(const el_lines *lines)
{
    return !lines->ended && lines->at == lines->block.text + lines->block.bytes &&
           el_reader_waits(lines->reader);
}

static el_status next_block(el_lines *lines)
{
    const el_status st = el_reader_next(lines->reader, &lines->block);
    if (st)
        return st;
    lines->at = lines->block.text;
    lines->ended = lines->block.bytes == 0;
    return EL_OK;
}

static size_t left(const el_lines *lines)
{
    return lines->at ? (size_t)(lines->block.text + lines->block.bytes - lines->at) : 0;
}

el_status el_lines_look(el_lines *lines, el_line *text)
{
    const el_status st = lines->ended || left(lines) ? EL_OK : next_block(lines);
    *text = (el_line){lines->at ? lines->at : "", left(lines)};
    return st;
}

/* EL_EDATA with the line where the text behind the lines so far is no UTF-8. */
static el_status check_rest(el_lines *lines, const char *text, size_t bytes)
{
    char said[EL_KIND_SAID];
    const size_t valid = el_utf8_valid(text, bytes);
    const char *const zero = memchr(text, '\0', valid), *const bad = zero ? zero : text + valid;
    if (bad == text + bytes)
        return EL_OK;
    const char *line = text;
    lines->number++;
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(bad - at))); lines->number++)
        line = ++at;
    el_kind_check_line(line, bytes - (size_t)(line - text), said);
    return el_lines_fail(lines, "%s", said);
}

el_status el_lines_rest(el_lines *lines, char **text, size_t *bytes)
{
    char *all = NULL;
    size_t used = 0, room = 0;
    el_status st = EL_OK;
    do {
        const size_t more = left(lines);
        if (!el_grow(&all, &room, used + more + 1, 1)) {
            st = el_no_memory(lines->name);
            break;
        }
        if (more)
            memcpy(all + used, lines->at, more);
        used += more;
        all[used] = '\0';
        st = lines->ended ? EL_OK : next_block(lines);
    } while (!st && !lines->ended);
    if (!st)
        st = check_rest(lines, all, used);
    if (st) {
        free(all);
        return st;
    }
    *text = all;
    *bytes = used;
    return EL_OK;
}

el_status el_lines_next(el_lines *lines, el_line *line)
{
    *line = (el_line){0};
    while (!lines->ended &&
           (!lines->at || !el_line_next(&lines->at, lines->block.text + lines->block.bytes, line))) {
        const el_status st = next_block(lines);
        if (st)
            return st;
    }
    if (lines->ended) {
        line->text = NULL;
        return EL_OK;
    }
    lines->number++;
    if (lines->block.cut && lines->at == lines->block.text + lines->block.bytes)
        return el_lines_fail(lines, "is longer than %d MB", EL_READER_BLOCK >> 20);
    el_line_trim(line);
    char said[EL_KIND_SAID];
    return el_kind_check_line(line->text, line->bytes, said) ? EL_OK : el_lines_fail(lines, "%s", said);
}

bool el_line_ends_sentence(el_line line)
{
    for (size_t i = 0; i < line.bytes; i++)
        if (line.text[i] != ' ' && line.text[i] != '\t' && line.text[i] != '\r')
            return false;
    return true;
}
