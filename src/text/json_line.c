/* json_line - see the header
 *
 * A state says what may come next; those of objects and lists go one character at a time, strings in runs.
 */
#include "text/json_line.h"

#include <string.h>

#include "text/utf8.h"

enum {
    BEGIN,
    FIRST_KEY,
    KEY,
    COLON,
    FIRST_VALUE,
    VALUE,
    AFTER,
    NUMBER,
    LITERAL,
    STRING,
    ESCAPE,
    DIGITS,
    PAIR,
    PAIR_U,
    DONE
};
enum { TO_NOBODY, TO_KEY, TO_TEXT }; /* where a string goes */
enum {
    MINUS,
    ZERO,
    WHOLE,
    POINT,
    FRACTION,
    E,
    SIGN,
    EXPONENT
}; /* the part of a number that its last character ends */

static const char NOT_JSON[] = "not JSON", NO_ESCAPE[] = "no escape of JSON",
                  NO_PAIR[] = "half a surrogate pair";
static const size_t OTHER = SIZE_MAX; /* `matched` of a name that is not the key */

void el_json_line_begin(el_json_line *l, const char *key)
{
    *l = (el_json_line){.key = key};
}

/* ---- strings ---- */

static void give(el_json_line *l, const char *bytes, size_t count, char **out)
{
    if (l->sink == TO_TEXT) {
        memmove(*out, bytes, count);
        *out += count;
    } else if (l->sink == TO_KEY && l->matched != OTHER) {
        const bool same =
            count <= strlen(l->key) - l->matched && memcmp(l->key + l->matched, bytes, count) == 0;
        l->matched = same ? l->matched + count : OTHER;
    }
}

static const char *begin_string(el_json_line *l, int sink)
{
    l->state = STRING;
    l->sink = (uint8_t)sink;
    l->matched = 0;
    if (sink == TO_TEXT && l->found)
        return "a second text under the key";
    l->found |= sink == TO_TEXT;
    return NULL;
}

static void end_string(el_json_line *l)
{
    const bool is_key = l->sink == TO_KEY;
    l->wanted = is_key && l->depth == 1 && l->matched == strlen(l->key);
    l->state = is_key ? COLON : AFTER;
}

/* The next byte of a character that a piece has cut. */
static const char *add_to_character(el_json_line *l, const char *at, char **out)
{
    uint32_t c;
    give(l, at, 1, out);
    l->character[l->character_bytes++] = *at;
    const int whole = l->character_bytes;
    if (el_utf8_decode(l->character, l->character + whole, &c) < whole)
        return "no UTF-8";
    if (el_utf8_valid(l->character, (size_t)whole) == (size_t)whole)
        l->character_bytes = 0;
    return NULL;
}

static bool is_ordinary(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* Characters that stand for themselves; at the end of a piece the last one may be cut. */
static const char *take_run(el_json_line *l, const char **at, const char *end, char **out)
{
    const char *stop = *at;
    while (stop < end && is_ordinary(*stop))
        stop++;
    size_t whole = el_utf8_valid(*at, (size_t)(stop - *at));
    if (stop < end && *at + whole < stop)
        return "no UTF-8";
    give(l, *at, whole, out);
    *at += whole;
    const char *trouble = NULL;
    for (; !trouble && *at < stop; ++*at)
        trouble = add_to_character(l, *at, out);
    return trouble;
}

static void give_character(el_json_line *l, uint32_t c, char **out)
{
    char bytes[4];
    give(l, bytes, (size_t)el_utf8_encode(c, bytes), out);
    l->state = STRING;
}

static const char *take_escape(el_json_line *l, char c, char **out)
{
    static const char NAMES[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
    const char *const name = c ? strchr(NAMES, c) : NULL;
    l->state = DIGITS;
    l->digits = 0;
    l->unit = 0;
    if (c == 'u')
        return NULL;
    if (!name)
        return NO_ESCAPE;
    give_character(l, (uint32_t)MEANT[name - NAMES], out);
    return NULL;
}

static const char *take_unit(el_json_line *l, char **out)
{
    const bool is_high = l->unit >> 10 == 0xD800 >> 10, is_low = l->unit >> 10 == 0xDC00 >> 10;
    if (is_low != (l->high > 0))
        return NO_PAIR;
    if (is_high) {
        l->high = l->unit;
        l->state = PAIR;
        return NULL;
    }
    give_character(l, l->high ? 0x10000 + ((l->high & 0x3FF) << 10 | (l->unit & 0x3FF)) : l->unit, out);
    l->high = 0;
    return NULL;
}

static const char *take_digit(el_json_line *l, char c, char **out)
{
    const bool digit = c >= '0' && c <= '9', letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!digit && !letter)
        return NO_ESCAPE;
    l->unit = l->unit << 4 | (uint32_t)(digit ? c - '0' : (c | 0x20) - 'a' + 10);
    return ++l->digits < 4 ? NULL : take_unit(l, out);
}

/* ---- values ---- */

static const char *open_bracket(el_json_line *l, char c)
{
    if (l->depth == EL_JSON_DEPTH)
        return "too many brackets in each other";
    const uint8_t bit = (uint8_t)(1 << l->depth % 8);
    if (c == '{')
        l->objects[l->depth / 8] |= bit;
    else
        l->objects[l->depth / 8] &= (uint8_t)~bit;
    l->depth++;
    l->state = c == '{' ? FIRST_KEY : FIRST_VALUE;
    return NULL;
}

static bool in_object(const el_json_line *l)
{
    return l->objects[(l->depth - 1) / 8] >> (l->depth - 1) % 8 & 1;
}

static const char *close_bracket(el_json_line *l, char c)
{
    if (c != (in_object(l) ? '}' : ']'))
        return NOT_JSON;
    l->depth--;
    l->done = l->depth == 0;
    l->state = l->done ? DONE : AFTER;
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *begin_value(el_json_line *l, char c)
{
    static const char *const LITERALS[] = {"true", "false", "null"};
    const bool wanted = l->wanted;
    l->wanted = false;
    if (c == '"')
        return begin_string(l, wanted ? TO_TEXT : TO_NOBODY);
    if (c == '{' || c == '[')
        return open_bracket(l, c);
    if (c == '-' || is_digit(c)) {
        l->state = NUMBER;
        l->number = c == '-' ? MINUS : c == '0' ? ZERO : WHOLE;
        return NULL;
    }
    for (int i = 0; i < 3; i++)
        if (c == LITERALS[i][0]) {
            l->state = LITERAL;
            l->literal = LITERALS[i] + 1;
            return NULL;
        }
    return NOT_JSON;
}

/* Whether a number goes on with c. */
static bool goes_on(el_json_line *l, char c)
{
    const int part = l->number;
    int next = -1;
    if (is_digit(c) && part != ZERO)
        next = part == MINUS               ? (c == '0' ? ZERO : WHOLE)
               : part == POINT             ? FRACTION
               : part == E || part == SIGN ? EXPONENT
                                           : part;
    else if (c == '.' && (part == ZERO || part == WHOLE))
        next = POINT;
    else if ((c == 'e' || c == 'E') && (part == ZERO || part == WHOLE || part == FRACTION))
        next = E;
    else if ((c == '+' || c == '-') && part == E)
        next = SIGN;
    if (next >= 0)
        l->number = (uint8_t)next;
    return next >= 0;
}

static bool is_whole_number(const el_json_line *l)
{
    return l->number == ZERO || l->number == WHOLE || l->number == FRACTION || l->number == EXPONENT;
}

static const char *take_literal(el_json_line *l, char c)
{
    if (c != *l->literal++)
        return NOT_JSON;
    if (!*l->literal)
        l->state = AFTER;
    return NULL;
}

/* A character between values. */
static const char *take_between(el_json_line *l, char c)
{
    if (c == ' ' || c == '\t' || c == '\r')
        return NULL;
    switch (l->state) {
    case BEGIN:
        return c == '{' ? open_bracket(l, c) : "no JSON object";
    case FIRST_KEY:
    case KEY:
        if (c == '"')
            return begin_string(l, TO_KEY);
        return l->state == FIRST_KEY ? close_bracket(l, c) : NOT_JSON;
    case COLON:
        l->state = VALUE;
        return c == ':' ? NULL : NOT_JSON;
    case FIRST_VALUE:
        return c == ']' ? close_bracket(l, c) : begin_value(l, c);
    case VALUE:
        return begin_value(l, c);
    case AFTER:
        if (c != ',')
            return close_bracket(l, c);
        l->state = in_object(l) ? KEY : VALUE;
        return NULL;
    default:
        return NOT_JSON;
    }
}

static const char *take_character(el_json_line *l, char c, char **out)
{
    switch (l->state) {
    case STRING:
        if (c == '"')
            end_string(l);
        else
            l->state = ESCAPE;
        return l->character_bytes      ? "no UTF-8"
               : c == '"' || c == '\\' ? NULL
                                       : "a control character in a string";
    case ESCAPE:
        return take_escape(l, c, out);
    case DIGITS:
        return take_digit(l, c, out);
    case PAIR:
        l->state = PAIR_U;
        return c == '\\' ? NULL : NO_PAIR;
    case PAIR_U:
        return c == 'u' ? take_escape(l, c, out) : NO_PAIR;
    case LITERAL:
        return take_literal(l, c);
    case NUMBER:
        if (goes_on(l, c))
            return NULL;
        if (!is_whole_number(l))
            return NOT_JSON;
        l->state = AFTER;
        return take_between(l, c);
    default:
        return take_between(l, c);
    }
}

const char *el_json_line_take(el_json_line *l, const char *piece, size_t bytes, char *out, size_t *made)
{
    const char *at = piece, *const end = piece + bytes, *trouble = NULL;
    char *to = out;
    while (!trouble && at < end) {
        if (l->state != STRING || !is_ordinary(*at))
            trouble = take_character(l, *at++, &to);
        else if (l->character_bytes)
            trouble = add_to_character(l, at++, &to);
        else
            trouble = take_run(l, &at, end, &to);
    }
    l->taken += (uint64_t)(at - piece);
    *made = (size_t)(to - out);
    return trouble;
}
