/* scan - see the header */
#include "text/scan.h"

#include <stdlib.h>
#include <string.h>

const char *el_scan_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* Behind the closing quote of the string that begins at `at`. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end; at++)
        if (*at == '\\')
            at++;
        else if (*at == '"')
            return at + 1;
    return NULL;
}

const char *el_scan_value(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            if (!(at = skip_string(at, end)))
                return NULL;
        } else if (*at == '[' || *at == '{') {
            depth++, at++;
        } else if (*at == ']' || *at == '}') {
            if (depth == 0)
                return NULL;
            depth--, at++;
        } else if (depth) {
            at++;
            continue;
        } else {
            const char *const begin = at;
            while (at < end && !strchr(",]}[{\" \t\r\n", *at))
                at++;
            return at > begin ? at : NULL;
        }
        if (depth == 0)
            return at;
    }
    return NULL;
}

/* To the next part: behind its comma where it is not the first.  False at the closing bracket, or in trouble. */
static bool find_part(el_scan *s, char closing)
{
    if (s->ended)
        return false;
    const char *at = s->at ? el_scan_blanks(s->at, s->end) : NULL;
    s->at = NULL;
    if (!at || at == s->end)
        return false;
    if (*at == closing) {
        s->at = at + 1;
        s->ended = true;
        return false;
    }
    if (s->any && *at != ',')
        return false;
    s->at = el_scan_blanks(at + s->any, s->end);
    return true;
}

static bool take_value(el_scan *s, el_line *value)
{
    const char *const begin = el_scan_blanks(s->at, s->end);
    s->at = el_scan_value(begin, s->end);
    if (!s->at)
        return false;
    *value = (el_line){begin, (size_t)(s->at - begin)};
    s->any = true;
    return true;
}

bool el_scan_element(el_scan *s, el_line *value)
{
    return find_part(s, ']') && take_value(s, value);
}

bool el_scan_member(el_scan *s, el_line *key, el_line *value)
{
    if (!find_part(s, '}'))
        return false;
    const char *const begin = s->at;
    const char *const behind = begin < s->end && *begin == '"' ? skip_string(begin, s->end) : NULL;
    const char *const colon = behind ? el_scan_blanks(behind, s->end) : NULL;
    s->at = NULL;
    if (!colon || colon == s->end || *colon != ':')
        return false;
    *key = (el_line){begin + 1, (size_t)(behind - begin) - 2};
    s->at = colon + 1;
    return take_value(s, value);
}

/* A copy of the text with every whole number of more than 18 digits between quotes. */
static char *quote_long_numbers(el_line text, size_t *bytes)
{
    enum { SURE = 18 }; /* digits that 63 bits hold whatever they are */
    char *const copy = malloc(2 * text.bytes + 2), *out = copy;
    const char *const end = text.text + text.bytes;
    for (const char *at = text.text; copy && at < end;) {
        const char *behind = at;
        if (*at == '"') {
            behind = skip_string(at, end);
            behind = behind ? behind : end;
        } else if (*at == '-' || (*at >= '0' && *at <= '9')) {
            const char *const digits = at + (*at == '-');
            for (behind = digits; behind < end && *behind >= '0' && *behind <= '9';)
                behind++;
            const bool whole = behind == end || !strchr(".eE", *behind);
            if (whole && behind - digits > SURE) {
                *out++ = '"';
                memcpy(out, at, (size_t)(behind - at));
                out += behind - at;
                *out++ = '"';
                at = behind;
                continue;
            }
            while (behind < end && strchr("+-.eE0123456789", *behind))
                behind++;
        }
        behind += behind == at;
        memcpy(out, at, (size_t)(behind - at));
        out += behind - at;
        at = behind;
    }
    *bytes = (size_t)(out - copy);
    return copy;
}

el_status el_scan_parse(json_t **object, el_line value, size_t flags, json_error_t *error)
{
    flags |= JSON_ALLOW_NUL;
    el_status st = el_json_read(object, value.text, value.bytes, flags, error);
    if (st != EL_EDATA || json_error_code(error) != json_error_numeric_overflow)
        return st;
    size_t bytes;
    char *const quoted = quote_long_numbers(value, &bytes);
    st = quoted ? el_json_read(object, quoted, bytes, flags, error) : el_no_memory(NULL);
    free(quoted);
    return st;
}
