/* objects - see the header */
#include "task/files/objects.h"
#include "base/plural.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_key(el_line key, const char *name)
{
    return key.bytes == strlen(name) && memcmp(key.text, name, key.bytes) == 0;
}

/* ---- what holds the rows ---- */

/* Lists of one length, not all of them of objects, or objects of one size, under every key. */
static bool are_columns(const json_t *object, size_t *rows)
{
    const char *key;
    json_t *value;
    bool first = true, values = false;
    json_object_foreach((json_t *)object, key, value) {
        const size_t size = json_is_array(value) ? json_array_size(value) : json_object_size(value);
        if ((!json_is_array(value) && !json_is_object(value)) || (!first && size != *rows))
            return false;
        values |= !json_is_array(value) || !json_is_object(json_array_get(value, 0));
        *rows = size;
        first = false;
    }
    return values;
}

static bool is_number(const char *key)
{
    return *key && !key[strspn(key, "0123456789")];
}

/* The values of an object whose keys count rows of named columns; NULL: it is none. */
static json_t *rows_of_index(const json_t *object)
{
    const char *key;
    json_t *value, *const list = json_array();
    bool are = json_object_size(object) > 0;
    json_object_foreach((json_t *)object, key, value) {
        const char *const name = json_object_iter_key(json_object_iter(value));
        are = are && is_number(key) && name && !is_number(name) && json_array_append(list, value) == 0;
    }
    if (are)
        return list;
    json_decref(list);
    return NULL;
}

/* A row of an orient="split". */
static json_t *name_cells(const json_t *columns, const json_t *cells)
{
    json_t *const row = json_object();
    for (size_t i = 0; i < json_array_size(columns); i++)
        json_object_set(row, json_string_value(json_array_get(columns, i)), json_array_get(cells, i));
    return row;
}

/* Where it is an orient="split", its rows become the list. */
static el_status take_split(el_objects *o, const json_t *object)
{
    const json_t *const columns = json_object_get(object, "columns"), *const data =
                                                                          json_object_get(object, "data");
    const size_t width = json_array_size(columns);
    if (!json_is_array(columns) || !json_is_array(json_array_get(data, 0)))
        return EL_OK;
    for (size_t i = 0; i < width; i++)
        if (!json_is_string(json_array_get(columns, i)))
            return el_fail(EL_EDATA, "%s: columns: the name of column %zu is no text", o->name, i + 1);
    o->list = json_array();
    for (size_t i = 0; i < json_array_size(data); i++) {
        const json_t *const cells = json_array_get(data, i);
        const size_t count = json_array_size(cells);
        if (!json_is_array(cells) || count != width)
            return el_fail(EL_EDATA, "%s: data: row %zu has %zu cell%s, and there %s %zu column%s", o->name,
                           i + 1, count, el_s(count), el_is(width), width, el_s(width));
        json_array_append_new(o->list, name_cells(columns, cells));
    }
    return EL_OK;
}

/* Of what was built: a part may lack. */
static el_status check_complete(const el_objects *o)
{
    return el_json_complete() ? EL_OK : el_no_memory(o->name);
}

/* Arrays of objects under each key: splits, of which nobody said which, or rows under a name that is not known; 0: something
 * else. */
static int count_splits(const json_t *object, char *names, size_t size)
{
    const char *key;
    json_t *value;
    int count = 0;
    *names = '\0';
    json_object_foreach((json_t *)object, key, value) {
        const size_t used = strlen(names);
        if (!json_is_array(value) || (json_array_size(value) && !json_is_object(json_array_get(value, 0))))
            return 0;
        snprintf(names + used, size - used, "%s\"%s\"", count++ ? ", " : "", key);
    }
    return count;
}

/* pandas: rows are called as those of the first column that is an object. */
static void take_columns(el_objects *o, json_t *object)
{
    const char *key;
    json_t *value;
    o->columns = object;
    json_object_foreach(object, key, value)
        if (json_is_object(value) && !o->named)
            o->named = value;
    o->next = o->named ? json_object_iter(o->named) : NULL;
}

static el_status several_tables(const el_objects *o, const char *names)
{
    return el_fail(EL_EDATA, "%s: holds several tables, %s, and a file of one is wanted", o->name, names);
}

static el_status open_object(el_objects *o, el_line whole)
{
    json_error_t error;
    json_t *object;
    char names[256];
    const el_line file = {o->text,
                          (size_t)(whole.text - o->text) + whole.bytes}; /* whose lines are counted */
    el_status st = el_scan_parse(&object, file, JSON_REJECT_DUPLICATES, &error);
    if (st)
        return st == EL_EDATA ? el_fail(st, "%s, line %d: %s", o->name, error.line, error.text) : st;
    o->list = rows_of_index(object);
    if (!o->list)
        st = take_split(o, object);
    if (!st)
        st = check_complete(o);
    if (st || o->list) {
        json_decref(object);
        return st;
    }
    if (are_columns(object, &o->most)) {
        take_columns(o, object);
        return EL_OK;
    }
    const int splits = count_splits(object, names, sizeof names);
    if (splits == 1)
        st = el_fail(
            EL_EDATA,
            "%s: its rows lie under %s; an array of rows is wanted, or one under \"data\" or \"rows\"",
            o->name, names);
    else if (splits)
        st = several_tables(o, names);
    else /* a single row */
        o->rows = (el_scan){.at = whole.text, .end = whole.text + whole.bytes}, o->one_after_other = true;
    json_decref(object);
    return st;
}

/* Whether it is an array of rows; else it may be a column of that name. */
static bool is_array(el_line value)
{
    const char *const inner = el_scan_blanks(value.text + 1, value.text + value.bytes);
    return *value.text == '[' && (*inner == '{' || *inner == ']');
}

/* Finds the array under "data" or "rows", where there is one. */
static el_status find_array(el_objects *o, el_line whole)
{
    static const char *const NAMES[] = {"data", "rows"};
    el_scan members = {.at = whole.text + 1, .end = whole.text + whole.bytes};
    el_line key, value;
    bool seen[2] = {0}, filled = false;
    while (el_scan_member(&members, &key, &value))
        for (int i = 0; i < 2; i++) {
            if (!is_key(key, NAMES[i]))
                continue;
            if (seen[i])
                return el_fail(EL_EDATA, "%s: the key \"%s\" is there twice", o->name, NAMES[i]);
            seen[i] = true;
            if (!is_array(value))
                continue;
            const el_scan rows = {.at = value.text + 1, .end = value.text + value.bytes};
            const bool some = *el_scan_blanks(rows.at, rows.end) != ']';
            if (filled && some)
                return several_tables(o, "\"data\", \"rows\"");
            if (!o->rows.at || some)
                o->rows = rows;
            filled |= some;
        }
    return EL_OK;
}

static el_status find_rows(el_objects *o, size_t bytes)
{
    const char *const end = o->text + bytes, *const at = el_scan_blanks(o->text, end);
    if (at == end) {
        o->rows = (el_scan){.at = end, .end = end};
        o->one_after_other = true;
        return EL_OK;
    }
    if (*at == '[') {
        o->rows = (el_scan){.at = at + 1, .end = end};
        return EL_OK;
    }
    const char *const behind = *at == '{' ? el_scan_value(at, end) : NULL;
    const char *const next = behind ? el_scan_blanks(behind, end) : NULL;
    if (next && next < end && (*next == '{' || *next == ',')) {
        o->rows = (el_scan){.at = at, .end = end};
        o->one_after_other = true;
        return EL_OK;
    }
    if (!behind || next < end) {
        json_error_t error;
        json_t *object;
        const el_status st = el_scan_parse(&object, (el_line){o->text, bytes}, 0, &error);
        json_decref(object);
        return st == EL_ENOMEM ? st
                               : el_fail(EL_EDATA, "%s, line %d: %s", o->name, error.line,
                                         st ? error.text : "what follows is no row");
    }
    const el_line whole = {at, (size_t)(behind - at)};
    const el_status st = find_array(o, whole);
    return st || o->rows.at ? st : open_object(o, whole);
}

el_status el_objects_open(el_objects *o, const char *name, char *text, size_t bytes)
{
    *o = (el_objects){.name = name, .text = text};
    return find_rows(o, bytes);
}

void el_objects_close(el_objects *o)
{
    json_decref(o->columns);
    json_decref(o->list);
    free(o->text);
    *o = (el_objects){0};
}

/* ---- rows ---- */

/* The row's value in every column. */
static json_t *take_across(el_objects *o)
{
    json_t *const row = json_object(), *value;
    const char *key, *const name = o->next ? json_object_iter_key(o->next) : "";
    json_object_foreach(o->columns, key, value) {
        json_t *const cell =
            json_is_array(value) ? json_array_get(value, (size_t)o->count) : json_object_get(value, name);
        if (cell)
            json_object_set(row, key, cell);
    }
    if (o->next)
        o->next = json_object_iter_next(o->named, o->next);
    return row;
}

/* Of datasets' server a row lies within another object. */
static json_t *unwrap(json_t *row)
{
    json_t *const inner = json_object_get(row, "row");
    if (!json_is_object(inner) || !json_object_get(row, "row_idx"))
        return row;
    json_incref(inner);
    json_decref(row);
    return inner;
}

static bool next_text(el_objects *o, el_line *value)
{
    if (!o->one_after_other)
        return el_scan_element(&o->rows, value);
    const char *at = el_scan_blanks(o->rows.at, o->rows.end);
    if (o->rows.any && at < o->rows.end && *at == ',')
        at = el_scan_blanks(at + 1, o->rows.end);
    o->rows.at = at;
    if (at == o->rows.end)
        return false;
    const char *const behind = el_scan_value(at, o->rows.end);
    *value = (el_line){at, (size_t)((behind ? behind : o->rows.end) - at)};
    o->rows.at = at + value->bytes;
    o->rows.any = true;
    return true;
}

el_status el_objects_next(el_objects *o, json_t **row)
{
    el_line value;
    *row = NULL;
    if (o->list) {
        *row = json_incref(json_array_get(o->list, (size_t)o->count));
        o->count += *row != NULL;
        return EL_OK;
    }
    if (o->columns) {
        if ((size_t)o->count == o->most)
            return EL_OK;
        *row = take_across(o);
        o->count++;
        return check_complete(o);
    }
    if (!next_text(o, &value)) {
        const bool whole = o->rows.at && el_scan_blanks(o->rows.at, o->rows.end) == o->rows.end;
        return whole ? EL_OK
                     : el_fail(EL_EDATA, "%s, object %" PRId64 ": the array is not well formed from here on",
                               o->name, o->count + 1);
    }
    json_error_t error;
    json_t *object;
    const el_status st = el_scan_parse(&object, value, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    o->count++;
    if (st)
        return st == EL_EDATA ? el_fail(st, "%s, object %" PRId64 ": %s", o->name, o->count, error.text) : st;
    if (!json_is_object(object)) {
        json_decref(object);
        return el_fail(EL_EDATA, "%s, object %" PRId64 ": is not an object", o->name, o->count);
    }
    *row = unwrap(object);
    return EL_OK;
}
