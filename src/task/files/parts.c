/* parts - see the header */
#include "task/files/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists as Python prints them ---- */

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\n");
}

/* The end of a part that begins at `at`, between quotes or a bare number; NULL: it is neither. */
static const char *printed_end(const char *at)
{
    if (*at == '\'' || *at == '"') {
        for (const char *c = at + 1; *c; c++)
            if (*c == '\\' && c[1])
                c++;
            else if (*c == *at)
                return c + 1;
        return NULL;
    }
    const size_t bytes = strspn(at, "+-.0123456789eE");
    if (bytes)
        return at + bytes;
    static const char *const WORDS[] = {"True", "False"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strncmp(at, WORDS[i], strlen(WORDS[i])) == 0)
            return at + strlen(WORDS[i]);
    return NULL;
}

/* The next part of a list behind its '['; false at its end, with *at NULL where it is no such list. */
static bool next_printed(const char **at, bool first, const char **part, size_t *bytes)
{
    const char *c = skip_blanks(*at);
    *at = NULL;
    if (*c == ']') {
        *at = *skip_blanks(c + 1) ? NULL : c + 1;
        return false;
    }
    if (!first && *c == ',')
        c = skip_blanks(c + 1);
    const char *const end = printed_end(c);
    if (!end)
        return false;
    *part = c;
    *bytes = (size_t)(end - c);
    *at = end;
    return true;
}

static const char *list_begin(const char *field)
{
    const char *const at = skip_blanks(field);
    return *at == '[' ? at + 1 : NULL;
}

static bool is_printed(const char *field)
{
    const char *at = list_begin(field), *part;
    size_t bytes;
    bool first = true;
    while (at && next_printed(&at, first, &part, &bytes))
        first = false;
    return at != NULL;
}

/* Without quotes and what escapes them; NULL without memory. */
static char *unquote(const char *part, size_t *bytes)
{
    const bool quoted = *part == '\'' || *part == '"';
    char *const text = malloc(*bytes + 1);
    size_t used = 0;
    for (size_t i = quoted; text && i < *bytes - quoted; i++) {
        i += part[i] == '\\' && i + 1 < *bytes - 1;
        text[used++] = part[i];
    }
    if (text)
        text[used] = '\0';
    *bytes = used;
    return text;
}

static el_status each_printed(const char *field, el_take_part *take, void *context)
{
    const char *at = list_begin(field), *part;
    size_t bytes;
    el_status st = EL_OK;
    for (bool first = true; !st && next_printed(&at, first, &part, &bytes); first = false) {
        char *const text = unquote(part, &bytes);
        st = text ? take(context, text, bytes) : el_fail(EL_ENOMEM, "no memory for a part of a list");
        free(text);
    }
    return st;
}

/* ---- any field ---- */

bool el_parts_array(const char *field)
{
    return strchr(field, EL_TABLE_END) || is_printed(field);
}

static el_status each_between(const char *field, char separator, el_take_part *take, void *context)
{
    const char by[] = {separator, '\0'};
    el_status st = EL_OK;
    for (const char *at = field; !st && *at;) {
        const size_t all = strcspn(at, by);
        const char *part = at;
        size_t bytes = all;
        while (bytes && strchr(" \t", *part))
            part++, bytes--;
        while (bytes && strchr(" \t", part[bytes - 1]))
            bytes--;
        if (bytes)
            st = take(context, part, bytes);
        at += all + (at[all] != '\0');
    }
    return st;
}

static el_status each_element(const char *field, el_take_part *take, void *context)
{
    el_status st = EL_OK;
    for (const char *at = field; !st && *at;) {
        const char *const end = strchr(at, EL_TABLE_END);
        st = take(context, at, (size_t)(end - at));
        at = end + 1;
    }
    return st;
}

el_status el_parts_each(const char *field, el_parts parts, el_take_part *take, void *context)
{
    static const char SEPARATORS[EL_PARTS_KINDS] = {
        [EL_PARTS_ARRAY] = '\x01', [EL_PARTS_COMMAS] = ',', [EL_PARTS_SEMICOLONS] = ';',
        [EL_PARTS_BARS] = '|',     [EL_PARTS_VECTOR] = ' ', [EL_PARTS_COLUMNS] = '\x01',
        [EL_PARTS_BLANKS] = ' '};
    if (strchr(field, EL_TABLE_END))
        return each_element(field, take, context);
    if (is_printed(field))
        return each_printed(field, take, context);
    const bool commas = parts == EL_PARTS_VECTOR && strchr(field, ',');
    return each_between(field, commas ? ',' : SEPARATORS[parts], take, context);
}

/* ---- of a column ---- */

typedef struct {
    int count;
    bool bits; /* all are 0 or 1 */
} vector;

static el_status take_bit(void *context, const char *part, size_t bytes)
{
    vector *const v = context;
    v->count++;
    v->bits &= bytes == 1 && (*part == '0' || *part == '1');
    return EL_OK;
}

/* Zeros and ones in every row, as many in each, and more than one. */
static bool are_vectors(el_table *table, int column, int from)
{
    int length = 0;
    for (int row = from; row < el_table_ahead(table); row++) {
        const char *const field = el_table_peek(table, row, column);
        vector v = {.bits = true};
        if (!field || el_parts_each(field, EL_PARTS_VECTOR, take_bit, &v) || !v.bits || v.count < 2 ||
            (length && v.count != length))
            return false;
        length = v.count;
    }
    return length > 0;
}

el_status el_parts_find(el_table *table, const char *path, const char *name, int column, el_parts *parts)
{
    static const struct {
        char separator;
        el_parts parts;
    } KINDS[] = {{'|', EL_PARTS_BARS}, {';', EL_PARTS_SEMICOLONS}, {',', EL_PARTS_COMMAS}};
    const int from = name && !el_table_keyed(table); /* behind a header */
    char seen = 0;
    *parts = EL_PARTS_ARRAY;
    if (are_vectors(table, column, from)) {
        *parts = EL_PARTS_VECTOR;
        return EL_OK;
    }
    for (int row = from; row < el_table_ahead(table); row++) {
        const char *const field = el_table_peek(table, row, column);
        for (size_t i = 0; field && !el_parts_array(field) && i < sizeof KINDS / sizeof *KINDS; i++) {
            if (!strchr(field, KINDS[i].separator) || seen == KINDS[i].separator)
                continue;
            if (seen)
                return el_fail(
                    EL_EDATA,
                    "%s: labels of column %s stand between '%c' and between '%c'; arrays of them would tell",
                    path, name ? name : "with a label", seen, KINDS[i].separator);
            seen = KINDS[i].separator;
            *parts = KINDS[i].parts;
        }
    }
    return EL_OK;
}
