/* tokenizer_pieces - see the header */
#include "format/tokenizer_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "text/utf8.h"

static el_status no_memory(size_t count)
{
    return el_fail(EL_ENOMEM, "no memory for %zu pieces", count);
}

/* ---- walking through JSON: false where it is not what is looked for, or not plain ---- */

typedef struct {
    const char *at, *end;
} cursor;

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

/* Goes behind the character if it is the next. */
static bool take(cursor *c, char wanted)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

/* What stands between the quotes, as it is written. */
static bool take_string(cursor *c, const char **text, size_t *bytes)
{
    if (!take(c, '"'))
        return false;
    *text = c->at;
    for (; c->at < c->end && *c->at != '"'; c->at++)
        c->at += *c->at == '\\' && c->at + 1 < c->end;
    if (c->at == c->end)
        return false;
    *bytes = (size_t)(c->at++ - *text);
    return true;
}

/* Goes behind a number or a word. */
static bool skip_word(cursor *c)
{
    const char *const first = c->at;
    while (c->at < c->end && !strchr(",:{}[]\" \n\t\r", *c->at))
        c->at++;
    return c->at > first;
}

/* Goes behind a value of any kind; whether it is right is asked elsewhere. */
static bool skip_value(cursor *c)
{
    int depth = 0;
    do {
        const char *text;
        size_t bytes;
        skip_blanks(c);
        if (c->at == c->end)
            return false;
        if (*c->at == '"') {
            if (!take_string(c, &text, &bytes))
                return false;
        } else if (!skip_word(c)) {
            depth += *c->at == '{' || *c->at == '[';
            depth -= *c->at == '}' || *c->at == ']';
            c->at++;
        }
    } while (depth > 0);
    return depth == 0;
}

/* Goes to the value of the first member of this name, of the object that begins here. */
static bool enter(cursor *c, const char *name)
{
    if (!take(c, '{'))
        return false;
    do {
        const char *text;
        size_t bytes;
        if (!take_string(c, &text, &bytes) || !take(c, ':'))
            return false;
        if (bytes == strlen(name) && memcmp(text, name, bytes) == 0)
            return true;
        if (!skip_value(c))
            return false;
    } while (take(c, ','));
    return false;
}

/* ---- pieces ---- */

/* Writes a string without its escapes and a zero behind it; false where an escape is one of a code point. */
static bool put_text(char **to, const char *text, size_t bytes)
{
    static const char LETTERS[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
    for (size_t i = 0; i < bytes; i++) {
        const bool escaped = text[i] == '\\';
        i += escaped;
        const char *const letter = escaped ? strchr(LETTERS, text[i]) : NULL;
        if ((unsigned char)text[i] < ' ' || (escaped && !letter))
            return false;
        *(*to)++ = letter ? MEANT[letter - LETTERS] : text[i];
    }
    *(*to)++ = 0;
    return true;
}

static bool take_id(cursor *c, int64_t *id)
{
    skip_blanks(c);
    const char *const first = c->at;
    for (*id = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9' && c->at - first < 10; c->at++)
        *id = 10 * *id + (*c->at - '0');
    const size_t digits = (size_t)(c->at - first);
    skip_blanks(c);
    const bool ends = c->at < c->end && (*c->at == ',' || *c->at == '}');
    return ends && digits > 0 && digits < 10 && (digits == 1 || *first != '0');
}

/* The members of the object that begins here; there is room. */
static bool take_members(cursor *c, el_named_pieces *pieces)
{
    char *to = pieces->strings;
    if (!take(c, '{'))
        return false;
    while (!take(c, '}')) {
        const char *text;
        size_t bytes;
        el_named_piece *const piece = &pieces->items[pieces->count];
        if (pieces->count > 0 && !take(c, ','))
            return false;
        piece->text = to;
        if (!take_string(c, &text, &bytes) || !put_text(&to, text, bytes) || !take(c, ':') ||
            !take_id(c, &piece->id))
            return false;
        pieces->count++;
    }
    return true;
}

/* Whether all texts differ, in *differ. */
static el_status compare(const el_named_pieces *pieces, bool *differ)
{
    size_t places = 16;
    while (places < 2 * pieces->count)
        places *= 2;
    const char **const seen = calloc(places, sizeof *seen);
    if (!seen)
        return no_memory(pieces->count);
    *differ = true;
    for (size_t i = 0; i < pieces->count; i++) {
        const char *const text = pieces->items[i].text;
        size_t place = el_hash(text, strlen(text)) % places;
        for (; seen[place]; place = (place + 1) % places)
            *differ &= strcmp(seen[place], text) != 0;
        seen[place] = text;
    }
    free(seen);
    return EL_OK;
}

/* The members of the object that begins at *at, which goes behind it. */
static el_status read_members(el_named_pieces *pieces, cursor *at, bool *plain)
{
    const char *const first = at->at;
    size_t most = 1;
    for (const char *c = first; (c = memchr(c, ':', (size_t)(at->end - c))); c++)
        most++;
    pieces->items = malloc(most * sizeof *pieces->items);
    pieces->strings = malloc((size_t)(at->end - first) + 1);
    if (!pieces->items || !pieces->strings)
        return no_memory(most);
    *plain = take_members(at, pieces);
    const size_t bytes = (size_t)(at->at - first);
    *plain = *plain && el_utf8_valid(first, bytes) == bytes;
    return *plain ? compare(pieces, plain) : EL_OK;
}

el_status el_named_pieces_cut(el_named_pieces *pieces, const char *json, size_t bytes, char **rest)
{
    *pieces = (el_named_pieces){0};
    *rest = NULL;
    cursor c = {json, json + bytes};
    if (!enter(&c, "model") || !enter(&c, "vocab"))
        return EL_OK;
    const size_t before = (size_t)(c.at - json);
    bool plain = false;
    el_status st = read_members(pieces, &c, &plain);
    const size_t behind = (size_t)(c.end - c.at);
    if (!st && plain) {
        *rest = malloc(before + behind + sizeof "{}");
        st = *rest ? EL_OK : no_memory(pieces->count);
    }
    if (*rest) {
        memcpy(*rest, json, before);
        memcpy(*rest + before, "{}", 2);
        memcpy(*rest + before + 2, c.at, behind);
        (*rest)[before + 2 + behind] = 0;
    } else {
        el_named_pieces_release(pieces);
    }
    return st;
}

el_status el_named_pieces_list(el_named_pieces *pieces, const json_t *object)
{
    const char *text;
    json_t *id;
    *pieces = (el_named_pieces){.items = malloc((json_object_size(object) + 1) * sizeof *pieces->items)};
    if (!pieces->items)
        return no_memory(json_object_size(object));
    json_object_foreach((json_t *)object, text, id)
        pieces->items[pieces->count++] =
            (el_named_piece){text, json_is_integer(id) ? json_integer_value(id) : -1};
    return EL_OK;
}

void el_named_pieces_release(el_named_pieces *pieces)
{
    free(pieces->items);
    free(pieces->strings);
    *pieces = (el_named_pieces){0};
}
