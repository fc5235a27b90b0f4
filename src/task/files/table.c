/* table - see the header */
#include "task/files/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/grow.h"
#include "base/json.h"
#include "task/files/layout.h"
#include "task/files/names.h"
#include "task/files/objects.h"
#include "task/files/record.h"

/* A row that was read: its fields, or its JSON object. */
typedef struct {
    el_record fields;
    json_t *object;
    int64_t line;
    size_t bytes; /* of its line */
} row;

/* Rows read ahead: as many as show what a column holds, and no more than memory forgets. */
enum { MOST_AHEAD = 2000, MOST_AHEAD_BYTES = 4 << 20, MOST_DEPTH = 2 };

struct el_table {
    el_form form;
    char separator;
    el_lines lines;
    el_objects objects; /* JSON */
    row *ahead;         /* in a ring of one turn: those from `given` on are not given yet */
    int ahead_count, given;
    row now;
    int columns;   /* of the first row */
    int64_t blank; /* lines that were passed over */
    char **keys;   /* JSON: of the rows ahead, nested ones with dots */
    int key_count;
    size_t key_room;
    bool crowded;     /* there are more */
    el_record names;  /* of the header */
    el_buffer answer; /* JSON: the field asked for last */
    bool array;       /* which is an array */
    el_outcome late;  /* what ended the reading ahead, said when its turn comes */
};

el_status el_table_fail(const el_table *t, const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    const char *const unit = t->form == EL_FORM_JSON ? "object" : "line";
    return el_fail(EL_EDATA, "%s, %s %" PRId64 ": %s", t->lines.name, unit, el_table_line(t), sentence);
}

/* Excel's first line, which says what separates the fields, is no row. */
static bool says_separator(const el_table *t, el_line line)
{
    return t->form == EL_FORM_CSV && t->lines.number == 1 && line.bytes == 5 &&
           strncasecmp(line.text, "sep=", 4) == 0;
}

/* A row without anything in it, as Excel writes them behind the last. */
static bool is_empty_row(const el_table *t, el_line line)
{
    for (size_t i = 0; i < line.bytes; i++)
        if (line.text[i] != t->separator && !strchr(" \t\r", line.text[i]))
            return false;
    return t->form == EL_FORM_CSV;
}

/* The next line that is not blank. */
static el_status next_line(el_table *t, el_line *line)
{
    el_status st;
    for (;;) {
        st = el_lines_next(&t->lines, line);
        const bool blank = !st && line->text && (el_line_blank(*line) || is_empty_row(t, *line));
        t->blank += blank;
        if (!blank && (st || !line->text || !says_separator(t, *line)))
            break;
    }
    return st;
}

static el_status read_fields(el_table *t, row *r, bool *more)
{
    el_line line;
    const el_status st = next_line(t, &line);
    *more = !st && line.text;
    if (!*more)
        return st;
    r->line = t->lines.number;
    r->bytes = line.bytes;
    const bool quoted = t->form == EL_FORM_CSV, fields = quoted || t->form == EL_FORM_TSV;
    return el_record_split(&r->fields, fields ? t->separator : '\0', quoted, &t->lines, line);
}

/* ---- JSON ---- */

static bool is_json(const el_table *t)
{
    return t->form == EL_FORM_JSONL || t->form == EL_FORM_JSON;
}

static el_status read_object_line(el_table *t, row *r, bool *more)
{
    el_line line;
    const el_status st = next_line(t, &line);
    *more = !st && line.text;
    if (!*more)
        return st;
    json_error_t error;
    r->line = t->lines.number;
    r->bytes = line.bytes;
    const el_status parsed = el_scan_parse(&r->object, line, JSON_REJECT_DUPLICATES, &error);
    if (parsed)
        return parsed == EL_EDATA ? el_lines_fail(&t->lines, "%s", error.text) : parsed;
    return json_is_object(r->object) ? EL_OK : el_lines_fail(&t->lines, "is not a JSON object");
}

static el_status read_object(el_table *t, row *r, bool *more)
{
    const el_status st = el_objects_next(&t->objects, &r->object);
    r->line = t->objects.count;
    *more = r->object != NULL;
    return st;
}

/* A zero within a text would end it, and EL_TABLE_END a part: the character that stands in its place is left out by the
 * tokeniser as zeros are. */
static bool put_string(el_buffer *b, const json_t *string)
{
    enum { DELETE = 0x7f };
    const size_t begin = b->used;
    if (!el_buffer_put(b, json_string_value(string), json_string_length(string)))
        return false;
    for (size_t i = begin; i < b->used; i++)
        if (!b->text[i] || b->text[i] == EL_TABLE_END)
            b->text[i] = DELETE;
    return true;
}

static bool put_value(el_buffer *b, const json_t *value)
{
    if (json_is_string(value))
        return put_string(b, value);
    char *const text = el_json_text(value, false);
    const bool done = text && el_buffer_put(b, text, strlen(text));
    free(text);
    return done;
}

/* What a path of keys leads to, as a new reference; in an array of objects, or an empty one, to an array. */
static json_t *find_value(const json_t *from, const char *key)
{
    json_t *const whole = json_object_get(from, key), *found = NULL;
    if (json_is_array(from) && (!json_array_size(from) || json_is_object(json_array_get(from, 0)))) {
        found = json_array();
        for (size_t i = 0; i < json_array_size(from); i++) {
            json_t *const inner = find_value(json_array_get(from, i), key);
            json_array_append_new(found, inner ? inner : json_string(""));
        }
        return found;
    }
    const char *const dot = strchr(key, '.');
    if (whole || !dot)
        return json_incref(whole);
    char *const outer = strndup(key, (size_t)(dot - key));
    const json_t *const inner = outer ? json_object_get(from, outer) : NULL;
    free(outer);
    return inner ? find_value(inner, dot + 1) : NULL;
}

static const char *take_field(el_table *t, const json_t *value)
{
    t->answer.used = 0;
    t->array = json_is_array(value);
    if (!value || json_is_null(value) || json_is_object(value) || !el_buffer_put(&t->answer, "", 0))
        return NULL;
    if (!t->array)
        return put_value(&t->answer, value) ? t->answer.text : NULL;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *const part = json_array_get(value, i);
        if (json_is_null(part) || json_is_object(part) || !put_value(&t->answer, part) ||
            !el_buffer_put(&t->answer, (const char[]){EL_TABLE_END}, 1))
            return NULL;
    }
    return t->answer.text;
}

static const char *json_field(el_table *t, const json_t *object, const char *key)
{
    json_t *const value = find_value(object, key);
    const char *const field = take_field(t, value);
    json_decref(value);
    return field;
}

static bool knows_key(const el_table *t, const char *key)
{
    for (int i = 0; i < t->key_count; i++)
        if (strcmp(t->keys[i], key) == 0)
            return true;
    return false;
}

static el_status add_key(el_table *t, const char *above, const char *key)
{
    char name[256];
    if ((size_t)snprintf(name, sizeof name, "%s%s%s", above, *above ? "." : "", key) >= sizeof name ||
        knows_key(t, name))
        return EL_OK;
    t->crowded = t->key_count == EL_TABLE_KEYS;
    if (t->crowded)
        return EL_OK;
    if (!el_grow(&t->keys, &t->key_room, (size_t)t->key_count + 1, sizeof *t->keys))
        return el_no_memory(t->lines.name);
    t->keys[t->key_count] = strdup(name);
    return t->keys[t->key_count] ? (t->key_count++, EL_OK) : el_no_memory(t->lines.name);
}

/* The keys of an object, and of the objects within it. */
static el_status add_keys(el_table *t, const char *above, const json_t *object, int depth)
{
    const char *key;
    json_t *value;
    el_status st = EL_OK;
    json_object_foreach((json_t *)object, key, value) {
        const json_t *const first = json_is_array(value) ? json_array_get(value, 0) : value;
        if (json_is_object(first) && depth < MOST_DEPTH) {
            char name[256];
            const int bytes = snprintf(name, sizeof name, "%s%s%s", above, *above ? "." : "", key);
            st = bytes < (int)sizeof name ? add_keys(t, name, first, depth + 1) : EL_OK;
        } else {
            st = add_key(t, above, key);
        }
        if (st)
            return st;
    }
    return EL_OK;
}

/* ---- reading ahead ---- */

static void release(row *r)
{
    el_record_release(&r->fields);
    json_decref(r->object);
    *r = (row){0};
}

static el_status read_row(el_table *t, row *r, bool *more)
{
    json_decref(r->object);
    r->object = NULL;
    *more = false;
    if (t->form == EL_FORM_JSON)
        return read_object(t, r, more);
    return t->form == EL_FORM_JSONL ? read_object_line(t, r, more) : read_fields(t, r, more);
}

/* A row that cannot be read ends it; that is said when the rows before it were given. */
static el_status read_ahead(el_table *t)
{
    bool more = true;
    size_t bytes = 0;
    t->ahead = calloc(MOST_AHEAD, sizeof *t->ahead);
    if (!t->ahead)
        return el_no_memory(t->lines.name);
    while (more && t->ahead_count < MOST_AHEAD && bytes < MOST_AHEAD_BYTES &&
           !(t->ahead_count && t->form != EL_FORM_JSON && el_lines_wait(&t->lines))) {
        row *const r = &t->ahead[t->ahead_count];
        el_status st = read_row(t, r, &more);
        if (st) {
            el_outcome_keep(&t->late, st);
            release(r);
            return st == EL_ENOMEM ? st : EL_OK;
        }
        st = more && r->object ? add_keys(t, "", r->object, 0) : EL_OK;
        if (st)
            return st;
        bytes += r->bytes;
        t->ahead_count += more;
    }
    return EL_OK;
}

/* ---- the table ---- */

static el_status open_objects(el_table *t)
{
    char *text;
    size_t bytes;
    const el_status st = el_lines_rest(&t->lines, &text, &bytes);
    return st ? st : el_objects_open(&t->objects, t->lines.name, text, bytes);
}

el_status el_table_open(el_table **table, el_lines *lines, el_form form, char separator)
{
    el_table *const t = calloc(1, sizeof *t);
    if (!t) {
        el_lines_close(lines);
        return el_no_memory(NULL);
    }
    t->form = form;
    t->separator = separator;
    t->lines = *lines;
    *lines = (el_lines){0};
    el_status st = form == EL_FORM_JSON ? open_objects(t) : EL_OK;
    if (!st)
        st = read_ahead(t);
    if (!st && !t->ahead_count)
        st = el_outcome_repeat(&t->late);
    t->columns = is_json(t) ? t->key_count : t->ahead_count ? t->ahead[0].fields.count : 0;
    if (st) {
        el_table_close(t);
        return st;
    }
    *table = t;
    return EL_OK;
}

int64_t el_table_blank(const el_table *t)
{
    return t->blank;
}

void el_table_close(el_table *t)
{
    if (!t)
        return;
    for (int i = t->given; t->ahead && i <= t->ahead_count && i < MOST_AHEAD; i++) /* one more was begun */
        release(&t->ahead[i]);
    free(t->ahead);
    release(&t->now);
    el_record_release(&t->names);
    for (int i = 0; i < t->key_count; i++)
        free(t->keys[i]);
    free(t->keys);
    el_objects_close(&t->objects);
    el_lines_close(&t->lines);
    free(t->answer.text);
    free(t);
}

void el_table_name_columns(el_table *t)
{
    if (is_json(t) || t->given || !t->ahead_count)
        return;
    t->names = t->ahead[0].fields;
    t->ahead[0].fields = (el_record){0};
    t->given = 1;
}

/* By its very name, else by one that is the same but for case and blanks; -1: none. */
static int find_name(const el_table *t, const char *name)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < t->columns; i++) {
            const char *const known = is_json(t) ? t->keys[i] : el_record_field(&t->names, i);
            if (known && (pass ? el_name_same(known, name) : strcmp(known, name) == 0))
                return i;
        }
    return -1;
}

el_status el_table_column(const el_table *t, const char *name, el_column *column)
{
    int number;
    const int place = find_name(t, name);
    *column = (el_column){.key = is_json(t) && place >= 0 ? t->keys[place] : name};
    if (is_json(t)) /* a later row may have a key that those ahead lack */
        return EL_OK;
    column->index = place >= 0 ? place + 1 : el_column_number(name, &number) ? number : 0;
    if (column->index != 0)
        return EL_OK;
    return el_fail(EL_EDATA, "%s, line %" PRId64 ": there is no column \"%s\"", t->lines.name,
                   el_table_first_line(t), name);
}

el_status el_table_next(el_table *t, bool *more)
{
    if (t->given == t->ahead_count) {
        *more = false;
        return t->late.status ? el_outcome_repeat(&t->late) : read_row(t, &t->now, more);
    }
    release(&t->now);
    t->now = t->ahead[t->given];
    t->ahead[t->given++] = (row){0};
    *more = true;
    return EL_OK;
}

bool el_table_waits(const el_table *t)
{
    return t->form != EL_FORM_JSON && t->given == t->ahead_count && el_lines_wait(&t->lines);
}

bool el_table_array(const el_table *t)
{
    return t->array;
}

int el_table_width(const el_table *t)
{
    return t->now.fields.count;
}

int64_t el_table_line(const el_table *t)
{
    return t->now.line;
}

int el_table_ahead(const el_table *t)
{
    return t->ahead_count;
}

int el_table_columns(const el_table *t)
{
    return t->columns;
}

int el_table_widest(const el_table *t)
{
    int most = t->columns;
    for (int i = 0; !is_json(t) && i < t->ahead_count; i++)
        most = t->ahead[i].fields.count > most ? t->ahead[i].fields.count : most;
    return most;
}

int64_t el_table_first_line(const el_table *t)
{
    return t->ahead_count ? t->ahead[0].line : 0;
}

bool el_table_crowded(const el_table *t)
{
    return t->crowded;
}

bool el_table_keyed(const el_table *t)
{
    return is_json(t);
}

const char *el_table_name(const el_table *t, int column)
{
    if (is_json(t))
        return column < t->key_count ? t->keys[column] : NULL;
    return el_record_field(&t->names, column);
}

static const char *field_of(el_table *t, const row *r, el_column column)
{
    if (is_json(t))
        return column.key ? json_field(t, r->object, column.key) : NULL;
    return el_record_field(&r->fields, column.index > 0 ? column.index - 1 : r->fields.count + column.index);
}

const char *el_table_field(el_table *t, el_column column)
{
    return field_of(t, &t->now, column);
}

const char *el_table_peek_at(el_table *t, int place, el_column column)
{
    return field_of(t, &t->ahead[place], column);
}

const char *el_table_peek(el_table *t, int place, int column)
{
    return field_of(t, &t->ahead[place], (el_column){column + 1, is_json(t) ? t->keys[column] : NULL});
}
