/* table - see the header */
#include "task/files/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "task/files/lines.h"

/* Text that grows, holding strings with a zero behind each. */
typedef struct {
    char *text;
    size_t used, size;
} buffer;

/* A row of fields: where each begins in the text. */
typedef struct {
    buffer text;
    size_t *begins;
    int count, capacity;
    int64_t line;
} record;

struct el_table {
    el_form form;
    char *path;
    el_lines lines;
    record first, row;
    bool has_first;         /* the first row is read and not yet given */
    int columns;            /* of the first row */
    json_t *array, *object; /* JSON: all rows; this one, borrowed from the array or our own */
    size_t next;
    buffer answer; /* JSON: the field asked for last */
};

static el_status no_memory(const el_table *t)
{
    return el_fail(EL_ENOMEM, "%s: no memory for a row", t->path);
}

el_status el_table_fail(const el_table *t, const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    const char *const unit = t->form == EL_FORM_JSON ? "object" : "line";
    return el_fail(EL_EDATA, "%s, %s %" PRId64 ": %s", t->path, unit, el_table_line(t), sentence);
}

static bool put(buffer *b, const char *text, size_t bytes)
{
    if (b->size - b->used < bytes + 1) {
        const size_t size = 2 * (b->used + bytes) + 256;
        char *const grown = realloc(b->text, size);
        if (!grown)
            return false;
        b->text = grown;
        b->size = size;
    }
    if (bytes)
        memcpy(b->text + b->used, text, bytes);
    b->used += bytes;
    b->text[b->used] = '\0';
    return true;
}

/* ---- rows of fields ---- */

static void clear(record *r)
{
    r->count = 0;
    r->text.used = 0;
}

static bool begin_field(record *r)
{
    if (r->count == r->capacity) {
        const int capacity = 2 * r->capacity + 16;
        size_t *const grown = realloc(r->begins, (size_t)capacity * sizeof *grown);
        if (!grown)
            return false;
        r->begins = grown;
        r->capacity = capacity;
    }
    r->begins[r->count++] = r->text.used;
    return true;
}

static bool end_field(record *r)
{
    return put(&r->text, "", 1);
}

static bool put_field(record *r, const char *text, size_t bytes)
{
    return begin_field(r) && put(&r->text, text, bytes) && end_field(r);
}

static el_status split_tabs(el_table *t, record *r, el_line line)
{
    const char *at = line.text, *const end = line.text + line.bytes;
    for (;;) {
        const char *const tab = memchr(at, '\t', (size_t)(end - at));
        if (!put_field(r, at, (size_t)((tab ? tab : end) - at)))
            return no_memory(t);
        if (!tab)
            return EL_OK;
        at = tab + 1;
    }
}

/* A quoted field from behind its first quote; it may go on over lines.  *at comes to stand behind the last quote. */
static el_status take_quoted(el_table *t, record *r, el_line *line, const char **at)
{
    for (;;) {
        const char *const end = line->text + line->bytes;
        const char *const quote = memchr(*at, '"', (size_t)(end - *at));
        if (!put(&r->text, *at, (size_t)((quote ? quote : end) - *at)))
            return no_memory(t);
        if (quote && quote + 1 < end && quote[1] == '"') {
            if (!put(&r->text, "\"", 1))
                return no_memory(t);
            *at = quote + 2;
        } else if (quote) {
            *at = quote + 1;
            return EL_OK;
        } else {
            const el_status st = el_lines_next(&t->lines, line);
            if (st)
                return st;
            if (!line->text)
                return el_fail(EL_EDATA, "%s, line %" PRId64 ": a quotation mark is never closed", t->path,
                               r->line);
            if (!put(&r->text, "\n", 1))
                return no_memory(t);
            *at = line->text;
        }
    }
}

static el_status split_commas(el_table *t, record *r, el_line line)
{
    const char *at = line.text;
    for (;;) {
        if (!begin_field(r))
            return no_memory(t);
        el_status st = EL_OK;
        if (at < line.text + line.bytes && *at == '"') {
            at++;
            st = take_quoted(t, r, &line, &at);
        }
        if (st)
            return st;
        const char *const end = line.text + line.bytes, *const comma = memchr(at, ',', (size_t)(end - at));
        if (!put(&r->text, at, (size_t)((comma ? comma : end) - at)) || !end_field(r))
            return no_memory(t);
        if (!comma)
            return EL_OK;
        at = comma + 1;
    }
}

/* Blank lines are no rows. */
static el_status read_record(el_table *t, record *r, bool *more)
{
    el_line line;
    do {
        const el_status st = el_lines_next(&t->lines, &line);
        if (st)
            return st;
    } while (line.text && el_line_blank(line));
    *more = line.text != NULL;
    if (!*more)
        return EL_OK;
    clear(r);
    r->line = t->lines.number;
    if (t->form == EL_FORM_TSV)
        return split_tabs(t, r, line);
    if (t->form == EL_FORM_CSV)
        return split_commas(t, r, line);
    return put_field(r, line.text, line.bytes) ? EL_OK : no_memory(t);
}

/* ---- JSON ---- */

static bool is_json(const el_table *t)
{
    return t->form == EL_FORM_JSONL || t->form == EL_FORM_JSON;
}

static el_status load_array(el_table *t)
{
    char *text;
    size_t bytes;
    el_status st = el_text_load(t->path, &text, &bytes);
    if (st)
        return st;
    json_error_t error;
    t->array = json_loadb(text, bytes, JSON_ALLOW_NUL, &error);
    free(text);
    if (!t->array)
        return el_fail(EL_EDATA, "%s, line %d: %s", t->path, error.line, error.text);
    if (json_is_object(t->array)) { /* {"data": [...]} */
        json_t *const inner = json_incref(json_object_get(t->array, "data"));
        json_decref(t->array);
        t->array = inner;
    }
    return json_is_array(t->array) ? EL_OK : el_fail(EL_EDATA, "%s: is not a JSON array of objects", t->path);
}

static el_status next_object(el_table *t, bool *more)
{
    if (t->form == EL_FORM_JSON) {
        *more = t->next < json_array_size(t->array);
        t->object = json_array_get(t->array, t->next);
        t->next += *more;
        return !*more || json_is_object(t->object) ? EL_OK : el_table_fail(t, "is not an object");
    }
    json_decref(t->object);
    t->object = NULL;
    el_line line;
    do {
        const el_status st = el_lines_next(&t->lines, &line);
        if (st)
            return st;
    } while (line.text && el_line_blank(line));
    *more = line.text != NULL;
    if (!*more)
        return EL_OK;
    json_error_t error;
    t->object = json_loadb(line.text, line.bytes, JSON_ALLOW_NUL, &error);
    if (!t->object)
        return el_table_fail(t, "%s", error.text);
    return json_is_object(t->object) ? EL_OK : el_table_fail(t, "is not a JSON object");
}

/* A zero within a text would end it: the character that stands in its place is left out by the tokeniser as zeros are. */
static bool put_string(buffer *b, const json_t *string)
{
    enum { DELETE = 0x7f };
    const size_t begin = b->used;
    if (!put(b, json_string_value(string), json_string_length(string)))
        return false;
    for (size_t i = begin; i < b->used; i++)
        if (!b->text[i])
            b->text[i] = DELETE;
    return true;
}

static bool put_value(buffer *b, const json_t *value)
{
    if (json_is_string(value))
        return put_string(b, value);
    char *const text = el_json_text(value, false);
    const bool done = text && put(b, text, strlen(text));
    free(text);
    return done;
}

static const json_t *find_value(const json_t *object, const char *key)
{
    const json_t *const whole = json_object_get(object, key);
    const char *const dot = strchr(key, '.');
    if (whole || !dot)
        return whole;
    char *const outer = strndup(key, (size_t)(dot - key));
    const json_t *const inner = outer ? json_object_get(object, outer) : NULL;
    free(outer);
    return inner ? find_value(inner, dot + 1) : NULL;
}

static const char *json_field(el_table *t, const char *key)
{
    const json_t *const value = find_value(t->object, key);
    t->answer.used = 0;
    if (!value || json_is_null(value) || json_is_object(value) || !put(&t->answer, "", 0))
        return NULL;
    if (!json_is_array(value))
        return put_value(&t->answer, value) ? t->answer.text : NULL;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!put_value(&t->answer, json_array_get(value, i)) ||
            !put(&t->answer, (const char[]){EL_TABLE_END}, 1))
            return NULL;
    return t->answer.text;
}

/* ---- the table ---- */

el_status el_table_open(el_table **table, const char *path, el_form form)
{
    el_table *const t = calloc(1, sizeof *t);
    if (!t)
        return el_fail(EL_ENOMEM, "%s: no memory", path);
    t->form = form;
    t->path = strdup(path);
    el_status st = t->path ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory", path);
    if (!st)
        st = form == EL_FORM_JSON ? load_array(t) : el_lines_open(&t->lines, t->path);
    if (!st && !is_json(t))
        st = read_record(t, &t->first, &t->has_first);
    t->columns = t->first.count;
    if (st) {
        el_table_close(t);
        return st;
    }
    *table = t;
    return EL_OK;
}

static void release(record *r)
{
    free(r->text.text);
    free(r->begins);
}

void el_table_close(el_table *t)
{
    if (!t)
        return;
    if (t->form == EL_FORM_JSON)
        json_decref(t->array);
    else
        json_decref(t->object);
    el_lines_close(&t->lines);
    release(&t->first);
    release(&t->row);
    free(t->answer.text);
    free(t->path);
    free(t);
}

static int find_name(const el_table *t, const char *name)
{
    for (int i = 0; i < t->first.count; i++)
        if (strcmp(t->first.text.text + t->first.begins[i], name) == 0)
            return i + 1;
    return 0;
}

bool el_table_looks_named(const el_table *t, const char *name)
{
    return t->form != EL_FORM_LINES && find_name(t, name) > 0;
}

void el_table_name_columns(el_table *t)
{
    t->has_first = false;
}

el_status el_table_column(const el_table *t, const char *name, el_column *column)
{
    char *end;
    const long number = strtol(name, &end, 10);
    *column = (el_column){.key = name};
    if (is_json(t))
        return EL_OK;
    column->index = *name && !*end ? (int)number : find_name(t, name);
    if (column->index != 0)
        return EL_OK;
    return el_fail(EL_EDATA, "%s, line %" PRId64 ": there is no column \"%s\"", t->path, t->first.line, name);
}

el_status el_table_next(el_table *t, bool *more)
{
    if (is_json(t))
        return next_object(t, more);
    if (!t->has_first)
        return read_record(t, &t->row, more);
    const record spare = t->row;
    t->row = t->first;
    t->first = spare;
    t->has_first = false;
    *more = true;
    return EL_OK;
}

const char *el_table_field(el_table *t, el_column column)
{
    if (is_json(t))
        return json_field(t, column.key);
    const int place = column.index > 0 ? column.index - 1 : t->row.count + column.index;
    return place >= 0 && place < t->row.count ? t->row.text.text + t->row.begins[place] : NULL;
}

bool el_table_waits(const el_table *t)
{
    return t->form != EL_FORM_JSON && el_lines_wait(&t->lines);
}

int el_table_width(const el_table *t)
{
    return t->row.count;
}

int el_table_columns(const el_table *t)
{
    return t->columns;
}

int64_t el_table_line(const el_table *t)
{
    return t->form == EL_FORM_JSON    ? (int64_t)t->next
           : t->form == EL_FORM_JSONL ? t->lines.number
                                      : t->row.line;
}
