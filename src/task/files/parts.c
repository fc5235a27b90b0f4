/* parts - see the header */
#include "task/files/parts.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
    if (bytes && strcspn(at, "0123456789") < bytes)
        return at + bytes;
    static const char *const WORDS[] = {"True", "False"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strncmp(at, WORDS[i], strlen(WORDS[i])) == 0)
            return at + strlen(WORDS[i]);
    return NULL;
}

/* A list, a tuple or a set that is read from its begin on. */
typedef struct {
    const char *at; /* NULL: it is none after all */
    char end;       /* the bracket that closes it */
    int parts, commas;
} printed;

/* Answers and words may be in brackets of their own. */
static bool may_be_tuple(const char *begin, el_parts parts)
{
    return parts == EL_PARTS_BLANKS ? *begin == '\'' || *begin == '"'
                                    : parts != EL_PARTS_BARS && *begin != ' ';
}

static printed begin_printed(const char *field, el_parts parts)
{
    static const char OPEN[] = "[({", CLOSED[] = "])}";
    const char *const at = skip_blanks(field), *const bracket = *at ? strchr(OPEN, *at) : NULL;
    if (!bracket || (*bracket != '[' && !may_be_tuple(at + 1, parts)))
        return (printed){0};
    return (printed){.at = at + 1, .end = CLOSED[bracket - OPEN]};
}

/* Its end: of a tuple, which brackets alone do not make, only behind a comma. */
static bool end_printed(printed *p, const char *bracket)
{
    const bool ends = !*skip_blanks(bracket + 1) && (p->end != ')' || p->commas || !p->parts);
    p->at = ends ? bracket + 1 : NULL;
    return false;
}

/* The next part; false at the end. */
static bool next_printed(printed *p, const char **part, size_t *bytes)
{
    const char *c = skip_blanks(p->at);
    if (p->parts && *c == ',') {
        p->commas++;
        c = skip_blanks(c + 1);
    }
    if (*c == p->end)
        return end_printed(p, c);
    const char *const end = printed_end(c);
    p->at = end;
    if (!end)
        return false;
    *part = c;
    *bytes = (size_t)(end - c);
    p->parts++;
    return true;
}

static bool is_printed(const char *field, el_parts parts)
{
    printed p = begin_printed(field, parts);
    const char *part;
    size_t bytes;
    while (p.at && next_printed(&p, &part, &bytes))
        ;
    return p.at != NULL;
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

static el_status each_printed(const char *field, el_parts parts, el_take_part *take, void *context)
{
    printed p = begin_printed(field, parts);
    const char *part;
    size_t bytes;
    el_status st = EL_OK;
    while (!st && next_printed(&p, &part, &bytes)) {
        char *const text = unquote(part, &bytes);
        st = text ? take(context, text, bytes) : el_no_memory(NULL);
        free(text);
    }
    return st;
}

/* ---- any field ---- */

bool el_parts_array(const char *field)
{
    return strchr(field, EL_TABLE_END) || is_printed(field, EL_PARTS_ARRAY);
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
    if (is_printed(field, parts))
        return each_printed(field, parts, take, context);
    const bool commas = parts == EL_PARTS_VECTOR && strchr(field, ',');
    return each_between(field, commas ? ',' : SEPARATORS[parts], take, context);
}

int el_parts_truth(const char *part, size_t bytes)
{
    while (bytes && *part == ' ')
        part++, bytes--;
    while (bytes && part[bytes - 1] == ' ')
        bytes--;
    if (bytes == 4 && strncasecmp(part, "true", bytes) == 0)
        return 1;
    if (bytes == 5 && strncasecmp(part, "false", bytes) == 0)
        return 0;
    if (!bytes || (*part != '0' && *part != '1') || (bytes > 1 && part[1] != '.'))
        return -1;
    for (size_t i = 2; i < bytes; i++)
        if (part[i] != '0')
            return -1;
    return *part == '1';
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
    v->bits &= el_parts_truth(part, bytes) >= 0;
    return EL_OK;
}

/* Zeros and ones in every row, as many in each, and more than one.  Three or more are no numbers of labels, of which a row
 * has each once, so that other rows must have as many. */
static el_status find_vectors(el_table *table, const char *path, const char *name, int column, int from,
                              bool *are)
{
    int least = INT_MAX, most = 0;
    *are = false;
    for (int row = from; row < el_table_ahead(table); row++) {
        const char *const field = el_table_peek(table, row, column);
        vector v = {.bits = true};
        if (!field || el_parts_each(field, EL_PARTS_VECTOR, take_bit, &v) || !v.bits)
            return EL_OK;
        least = v.count < least ? v.count : least;
        most = v.count > most ? v.count : most;
    }
    if (most > 2 && least < most)
        return el_fail(EL_EDATA,
                       "%s: column %s has zeros and ones for each label, %d in one row and %d in another",
                       path, name ? name : "with a label", least, most);
    *are = most > 1 && least == most;
    return EL_OK;
}

static const struct {
    char separator;
    el_parts parts;
} KINDS[] = {{'|', EL_PARTS_BARS}, {';', EL_PARTS_SEMICOLONS}, {',', EL_PARTS_COMMAS}};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };

char el_parts_other(const char *field, el_parts parts)
{
    for (int i = 0; i < KIND_COUNT && !el_parts_array(field); i++)
        if (KINDS[i].parts != parts && strchr(field, KINDS[i].separator))
            return KINDS[i].separator;
    return 0;
}

el_status el_parts_find(el_table *table, const char *path, const char *name, int column, el_parts *parts)
{
    const int from = name && !el_table_keyed(table); /* behind a header */
    char seen = 0;
    bool vectors;
    const el_status st = find_vectors(table, path, name, column, from, &vectors);
    *parts = vectors ? EL_PARTS_VECTOR : EL_PARTS_ARRAY;
    if (st || vectors)
        return st;
    for (int row = from; row < el_table_ahead(table); row++) {
        const char *const field = el_table_peek(table, row, column);
        for (int i = 0; field && !el_parts_array(field) && i < KIND_COUNT; i++) {
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
