/* line - see the header */
#include "text/line.h"

#include <string.h>

#include "base/log.h"
#include "base/plural.h"
#include "text/normalize.h"
#include "text/utf8.h"

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

void el_line_trim(el_line *line)
{
    line->bytes -= line->bytes && line->text[line->bytes - 1] == '\r';
}

bool el_line_blank(el_line line)
{
    uint32_t c;
    for (const char *at = line.text, *const end = at + line.bytes; at < end;) {
        at += el_utf8_decode(at, end, &c);
        if (!el_is_white_space(c) && !(c >= 0x1C && c <= 0x1F))
            return false;
    }
    return true;
}

void el_line_say_blank(const char *path, int64_t blank)
{
    if (blank)
        el_log(EL_LOG_NOTE, "%s: %lld blank line%s %s no text, and %s no answer", path, (long long)blank,
               el_s(blank), el_is(blank), el_has(blank));
}

size_t el_lines_cut(const char *text, size_t bytes, size_t want)
{
    if (want >= bytes)
        return bytes;
    const size_t from = want > 0 ? want - 1 : 0;
    const char *newline = memchr(text + from, '\n', bytes - from);
    return newline ? (size_t)(newline - text) + 1 : bytes;
}
