/* normalized - every character through the table, marks in NFD's order */
#include "normalized.h"

#include <stdlib.h>
#include <string.h>

#include "normalize_table.h"

enum { MARKS = 64 }; /* of higher combining classes: a mark is moved across so many, at most */

typedef struct {
    el_normalized *out;
    size_t movable; /* what is before it in the text keeps its place */
} writing;

static el_status reserve(el_normalized *n, size_t more)
{
    if (n->bytes + more <= n->room)
        return EL_OK;
    const size_t room = 2 * (n->bytes + more);
    char *text = realloc(n->text, room);
    n->text = text ? text : n->text;
    uint32_t *from = realloc(n->from, room * sizeof *from);
    n->from = from ? from : n->from;
    uint32_t *to = realloc(n->to, room * sizeof *to);
    n->to = to ? to : n->to;
    if (!text || !from || !to)
        return el_fail(EL_ENOMEM, "no memory for a text of %zu bytes", room);
    n->room = room;
    return EL_OK;
}

static void put(el_normalized *n, size_t at, uint32_t c, uint32_t from, uint32_t to)
{
    char encoded[4];
    const int length = el_utf8_encode(c, encoded);
    const size_t tail = n->bytes - at;
    memmove(n->text + at + length, n->text + at, tail);
    memmove(n->from + at + length, n->from + at, tail * sizeof *n->from);
    memmove(n->to + at + length, n->to + at, tail * sizeof *n->to);
    memcpy(n->text + at, encoded, (size_t)length);
    for (int i = 0; i < length; i++) {
        n->from[at + (size_t)i] = from;
        n->to[at + (size_t)i] = to;
    }
    n->bytes += (size_t)length;
}

static size_t mark_before(const char *text, size_t at)
{
    do
        at--;
    while (((unsigned char)text[at] & 0xC0) == 0x80);
    return at;
}

static void put_mark(writing *w, uint32_t c, uint32_t from, uint32_t to)
{
    const uint8_t order = el_combining_class(c);
    size_t at = w->out->bytes;
    for (int crossed = 0; crossed < MARKS && at > w->movable; crossed++) {
        const size_t before = mark_before(w->out->text, at);
        uint32_t other;
        el_utf8_decode(w->out->text + before, w->out->text + at, &other);
        if (el_combining_class(other) <= order)
            break;
        at = before;
    }
    put(w->out, at, c, from, to);
}

static void put_entry(writing *w, uint32_t entry, uint32_t c, uint32_t from, uint32_t to)
{
    el_normalized *n = w->out;
    const uint32_t class = entry & CLASS_MASK;
    if (class == CLASS_DROP) {
        if (entry & FIXES)
            w->movable = n->bytes;
        return;
    }
    if ((entry & MOVES) && class != CLASS_IDEOGRAPH) {
        put_mark(w, c, from, to);
        return;
    }
    if (class == CLASS_IDEOGRAPH)
        put(n, n->bytes, ' ', from, to);
    put(n, n->bytes, c, from, to);
    if (class == CLASS_IDEOGRAPH)
        put(n, n->bytes, ' ', from, to);
    w->movable = n->bytes;
}

enum { MOST_BYTES = 4 * 8 }; /* that a character becomes */

el_status el_normalize(el_normalized *normalized, const el_normalizer *normalizer, const char *text,
                       size_t bytes)
{
    writing w = {.out = normalized};
    normalized->bytes = 0;
    for (const char *at = text, *end = text + bytes; at < end;) {
        const el_status st = reserve(normalized, MOST_BYTES);
        if (st)
            return st;
        uint32_t c;
        const uint32_t from = (uint32_t)(at - text);
        at += el_utf8_decode(at, end, &c);
        const uint32_t to = (uint32_t)(at - text), entry = table_entry(normalizer, c);
        if (entry & EXPANDS) {
            const uint32_t *rest = normalizer->expansions + (entry & VALUE_MASK);
            for (uint32_t i = 1; i <= rest[0]; i++)
                put_entry(&w, rest[i], rest[i] & VALUE_MASK, from, to);
        } else {
            const bool blank = (entry & CLASS_MASK) == CLASS_SPACE && normalizer->clean_text;
            put_entry(&w, entry, blank ? ' ' : entry & MAPPED ? entry & VALUE_MASK : c, from, to);
        }
    }
    return EL_OK;
}

void el_normalized_release(el_normalized *normalized)
{
    free(normalized->text);
    free(normalized->from);
    free(normalized->to);
    *normalized = (el_normalized){0};
}
