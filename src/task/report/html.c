/* html - see the header */
#include "task/report/html.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/number.h"
#include "text/utf8.h"

/* Colours lie over the background with the strength --s (0 to 1), so that they do in the dark as in the light. */
static const char STYLE[] =
    ":root{color-scheme:light dark;--right:46 160 67;--wrong:218 54 51;--line:128 128 128}\n"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em}\n"
    "h1{font-size:1.5em}h2{font-size:1.25em;margin-top:2em}h3{font-size:1.05em;margin:1.8em 0 .4em}\n"
    "h1,h2{overflow-wrap:anywhere}\n"
    "table{border-collapse:collapse}\n"
    "th,td{padding:.25em .6em;border-bottom:1px solid "
    "rgb(var(--line)/.35);text-align:left;vertical-align:top}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "td.s{white-space:normal}td.s small{white-space:nowrap;opacity:.75}\n"
    ".scroll{overflow-x:auto}\n"
    ".matrix td{text-align:center;min-width:4em}.matrix small{display:block;opacity:.75}\n"
    ".matrix th[scope=col]{text-align:center;white-space:nowrap}.matrix td.n{text-align:right}\n"
    ".matrix th[scope=row]{position:sticky;left:0;background:Canvas;white-space:nowrap}\n"
    "td.id{max-width:9em;overflow-wrap:anywhere}\n"
    ".text{min-width:8em;white-space:pre-wrap;overflow-wrap:anywhere;max-height:14em;overflow-y:auto;unicode-"
    "bidi:isolate}"
    "\n"
    ".text+.text{margin-top:.4em;padding-top:.4em;border-top:1px dashed rgb(var(--line)/.35)}\n"
    ".right{background:rgb(var(--right)/calc(var(--s,.4)*.7))}\n"
    ".wrong{background:rgb(var(--wrong)/calc(var(--s,.4)*.7))}\n"
    "mark{color:inherit;border-radius:.2em;padding:0 .1em}\n"
    "mark.right.wrong{background:linear-gradient(rgb(var(--right)/.3) 50%,rgb(var(--wrong)/.3) 50%)}\n"
    ".word{display:inline-block;border-radius:.25em;padding:0 .2em;margin:.1em 0;text-align:center}\n"
    ".word small{display:block;font-size:.7em;opacity:.8}\n"
    ".note{opacity:.75}\n"
    "svg{max-width:32rem;width:100%;height:auto}\n"
    "svg text{fill:currentColor;font-size:12px}\n"
    ".chart{display:inline-block;max-width:32rem;width:100%;vertical-align:bottom}\n"
    ".key{overflow-wrap:anywhere}.key svg{width:24px;margin-right:.5em;vertical-align:middle}\n";

void el_html_put(el_writer *page, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    const int bytes = el_number_vprint(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(bytes >= 0 && bytes < (int)sizeof text && "our markup is short");
    el_writer_put(page, text, (size_t)bytes);
}

static const char *escape_of(uint32_t c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Controls but tab and newline; HTML allows no others. */
static bool is_control(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7F && c < 0xA0);
}

void el_html_bytes(el_writer *page, const char *text, size_t bytes)
{
    const char *const end = text + bytes;
    while (text < end) {
        uint32_t c;
        char encoded[4];
        text += el_utf8_decode(text, end, &c);
        const char *const escape = escape_of(c);
        if (escape)
            el_writer_put(page, escape, strlen(escape));
        else
            el_writer_put(page, encoded, (size_t)el_utf8_encode(is_control(c) ? EL_REPLACEMENT : c, encoded));
    }
}

void el_html_text(el_writer *page, const char *text)
{
    el_html_bytes(page, text, strlen(text));
}

void el_html_isolated(el_writer *page, const char *text)
{
    if (*text == '\0')
        return;
    el_html_put(page, "<bdi>");
    el_html_text(page, text);
    el_html_put(page, "</bdi>");
}

void el_html_begin(el_writer *page, const char *title)
{
    el_html_put(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    el_html_text(page, title);
    el_html_put(page, "</title>\n<style>\n");
    el_writer_put(page, STYLE, sizeof STYLE - 1);
    el_html_put(page, "</style>\n</head>\n<body>\n<h1>");
    el_html_text(page, title);
    el_html_put(page, "</h1>\n");
}

void el_html_end(el_writer *page)
{
    el_html_put(page, "</body>\n</html>\n");
}
