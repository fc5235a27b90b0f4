/* json_kind - see the header */
#include "text/json_kind.h"

#include "text/json_line.h"
#include "text/scan.h"

/* Takes a line in pieces, whose text goes nowhere; false where it is no JSON. */
static bool look_through(el_json_line *object, el_line line)
{
    enum { PIECE = 4096 };
    char out[PIECE + EL_JSON_GAP];
    size_t made;
    for (size_t at = 0; at < line.bytes; at += PIECE) {
        const size_t bytes = line.bytes - at < PIECE ? line.bytes - at : PIECE;
        if (el_json_line_take(object, line.text + at, bytes, out, &made))
            return false;
    }
    return true;
}

/* Of an object that begins on the first line from `at` on. */
static el_json_kind kind_of_object(const char *at, const char *end)
{
    el_json_line object;
    el_line line;
    const bool begun = el_scan_blanks(at + 1, end) < end;
    el_json_line_begin(&object, "");
    el_line_next(&at, end, &line);
    const bool ends = line.text + line.bytes < end;
    if (!begun || !look_through(&object, line))
        return EL_JSON_NONE;
    return object.done || !ends ? EL_JSON_LINES : EL_JSON_SPREAD;
}

uint64_t el_json_line_not(const char *begin, size_t bytes, const char *key)
{
    el_line line;
    uint64_t number = 0;
    bool known = false; /* a line before it has such a text */
    for (const char *at = begin, *const end = begin + bytes; el_line_next(&at, end, &line);) {
        const bool ends = line.text + line.bytes < end;
        el_json_line object;
        number++;
        if (el_line_blank(line))
            continue;
        el_json_line_begin(&object, key);
        if (!look_through(&object, line) || (ends ? !object.done || !object.found : !object.found && !known))
            return number;
        known = true;
    }
    return 0;
}

el_json_begin el_json_begins(el_line text)
{
    const char *const end = text.text + text.bytes, *const at = el_scan_blanks(text.text, end);
    if (at == end || (*at != '{' && *at != '['))
        return EL_BEGINS_NO_JSON;
    const char *const next = el_scan_blanks(at + 1, end);
    const char second = next < end ? *next : '\0';
    if (*at == '{')
        return next == end || second == '"' || second == '}' ? EL_BEGINS_OBJECT : EL_BEGINS_NO_JSON;
    return next == end || second == ']' ? EL_BEGINS_EMPTY
           : second == '{'              ? EL_BEGINS_OBJECTS
           : second == '"'              ? EL_BEGINS_STRINGS
                                        : EL_BEGINS_OTHERS;
}

el_json_kind el_json_kind_of(const char *begin, size_t bytes)
{
    const char *const end = begin + bytes;
    const el_json_begin is = el_json_begins((el_line){begin, bytes});
    return is == EL_BEGINS_OBJECT    ? kind_of_object(el_scan_blanks(begin, end), end)
           : is == EL_BEGINS_NO_JSON ? EL_JSON_NONE
           : is == EL_BEGINS_OBJECTS || is == EL_BEGINS_STRINGS ? EL_JSON_ARRAY
                                                                : EL_JSON_BRACKETS;
}
