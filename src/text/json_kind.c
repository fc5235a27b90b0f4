/* json_kind - see the header */
#include "text/json_kind.h"

#include <string.h>
#include <strings.h>

#include "text/json_line.h"
#include "text/reader.h"

/* The length of a name without the first of these endings that it has, which are NULL-terminated. */
static size_t without(const char *name, size_t bytes, const char *const *endings)
{
    for (; *endings; endings++) {
        const size_t tail = strlen(*endings);
        if (bytes > tail && strncasecmp(name + bytes - tail, *endings, tail) == 0)
            return bytes - tail;
    }
    return bytes;
}

/* Whether a name has one of these endings, packed or not. */
static bool ends_with(const char *path, const char *const *endings)
{
    static const char *const PACKINGS[] = {".gz", ".zst", ".xz", ".bz2", NULL};
    const size_t bytes = without(path, strlen(path), PACKINGS);
    return without(path, bytes, endings) < bytes;
}

static const char *const OF_LINES[] = {".jsonl", ".ndjson", NULL}, *const OF_ANY[] = {".json", NULL};

bool el_json_named(const char *path)
{
    return ends_with(path, OF_LINES) || el_json_named_any(path);
}

bool el_json_named_any(const char *path)
{
    return ends_with(path, OF_ANY);
}

/* Behind white space and line ends. */
static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

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
    el_json_line_begin(&object, "");
    el_line_next(&at, end, &line);
    const bool ends = line.text + line.bytes < end;
    if (!look_through(&object, line))
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

el_json_kind el_json_kind_of(const char *begin, size_t bytes)
{
    const char *const end = begin + bytes, *const at = skip_blanks(begin, end);
    const char *const next = at < end ? skip_blanks(at + 1, end) : end;
    if (next == end)
        return EL_JSON_NONE;
    if (*at == '[' && (*next == '{' || *next == '"'))
        return EL_JSON_ARRAY;
    return *at == '{' && (*next == '"' || *next == '}') ? kind_of_object(at, end) : EL_JSON_NONE;
}
