/* bench_report - prints what was measured, beside what was measured earlier */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/bench.h"

/* Which line of a table is which. */
static const char *const NAMES[] = {"op", "rows", "width", "out", "inputs", "in"};
enum { NAME_COUNT = sizeof NAMES / sizeof *NAMES };

/* ---- comparing ---- */

static bool same_line(const json_t *a, const json_t *b)
{
    for (int i = 0; i < NAME_COUNT; i++) {
        const json_t *x = json_object_get(a, NAMES[i]), *y = json_object_get(b, NAMES[i]);
        if ((x || y) && !json_equal(x, y))
            return false;
    }
    return true;
}

/* Figures are real numbers; whole ones are sizes and counts. */
static void compare_figures(json_t *now, const json_t *before)
{
    json_t *earlier = json_object(), *ratio = json_object(), *value;
    const char *key;
    json_object_foreach(now, key, value) {
        const json_t *other = json_object_get(before, key);
        const double x = json_number_value(other);
        if (!json_is_real(value) || !json_is_number(other))
            continue;
        json_object_set_new(earlier, key, json_real(x));
        if (x != 0)
            json_object_set_new(ratio, key, json_real(json_real_value(value) / x));
    }
    json_object_set_new(now, "earlier", earlier);
    json_object_set_new(now, "ratio", ratio);
}

static void compare_tables(json_t *now, const json_t *before)
{
    size_t i, j;
    json_t *line, *other;
    json_array_foreach(now, i, line)
        json_array_foreach(before, j, other)
            if (same_line(line, other)) {
                compare_figures(line, other);
                break;
            }
}

static char *text_of(const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    return text ? text : strdup("nothing");
}

/* What both say about how they were measured, in the object `group` of each. */
static void warn_of_differences(const json_t *now, const json_t *before, const char *group, const char *file)
{
    const json_t *theirs = json_object_get(before, group);
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(now, group), key, value) {
        const json_t *other = json_object_get(theirs, key);
        if (other && json_equal(value, other))
            continue;
        char *here = text_of(value), *there = text_of(other);
        el_log(EL_LOG_WARNING, "%s: %s here, %s in %s", key, here ? here : "?", there ? there : "?", file);
        free(here);
        free(there);
    }
}

el_status bench_earlier(json_t **earlier, const char *part, const char *file)
{
    const el_status st = el_json_load(earlier, file);
    if (st)
        return st;
    const char *theirs = json_string_value(json_object_get(*earlier, "part"));
    if (theirs && strcmp(theirs, part) == 0)
        return EL_OK;
    json_decref(*earlier);
    *earlier = NULL;
    return el_fail(EL_EDATA, "%s: is not an output of electra bench %s --json", file, part);
}

void bench_compare(json_t *result, const json_t *earlier, const char *file)
{
    const char *key;
    json_t *value;
    warn_of_differences(result, earlier, "machine", file);
    warn_of_differences(result, earlier, "settings", file);
    json_object_foreach(result, key, value)
        if (json_is_array(value))
            compare_tables(value, json_object_get(earlier, key));
    compare_figures(result, earlier);
}

/* ---- printing ---- */

enum { CELL = 64 };

static void put_number(char cell[CELL], const char *key, double value)
{
    if (strstr(key, "share"))
        snprintf(cell, CELL, "%.1f %%", 100 * value);
    else
        snprintf(cell, CELL, "%.5g", value);
}

/* One member of a line, beside what it was; "" where it is not there. */
static void put_cell(char cell[CELL], const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);
    const json_t *earlier = json_object_get(json_object_get(line, "earlier"), key);
    const json_t *ratio = json_object_get(json_object_get(line, "ratio"), key);
    *cell = '\0';
    if (json_is_string(value))
        snprintf(cell, CELL, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(cell, CELL, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_number(value))
        put_number(cell, key, json_number_value(value));
    if (!earlier)
        return;
    char was[CELL], now[CELL];
    put_number(was, key, json_number_value(earlier));
    memcpy(now, cell, CELL);
    snprintf(cell, CELL, "%.20s (%.20s, x%.3f)", now, was, json_number_value(ratio));
}

static void print_figures(const json_t *result)
{
    const char *key;
    json_t *value;
    char cell[CELL];
    json_object_foreach((json_t *)result, key, value) {
        if (!json_is_number(value))
            continue;
        put_cell(cell, result, key);
        printf("%-28s %s\n", key, cell);
    }
}

/* Every key of any line, as the keys of an object. */
static json_t *columns_of(const json_t *table)
{
    json_t *columns = json_object(), *line, *value;
    const char *key;
    size_t i;
    json_array_foreach(table, i, line)
        json_object_foreach(line, key, value)
            if (!json_is_object(value))
                json_object_set_new(columns, key, json_null());
    return columns;
}

static int width_of(const json_t *table, const char *key)
{
    size_t i, widest = strlen(key);
    json_t *line;
    char cell[CELL];
    json_array_foreach(table, i, line) {
        put_cell(cell, line, key);
        widest = strlen(cell) > widest ? strlen(cell) : widest;
    }
    return (int)widest;
}

static void print_line(const json_t *columns, const json_t *line)
{
    const char *key, *gap = "";
    json_t *width;
    char cell[CELL];
    json_object_foreach((json_t *)columns, key, width) {
        const int columns_wide = (int)json_integer_value(width);
        snprintf(cell, sizeof cell, "%s", key);
        if (line)
            put_cell(cell, line, key);
        printf("%s%*s", gap, strcmp(key, "op") == 0 ? -columns_wide : columns_wide, cell);
        gap = "  ";
    }
    printf("\n");
}

static void print_table(const char *name, const json_t *table)
{
    json_t *columns = columns_of(table), *line;
    const char *key;
    json_t *width;
    size_t i;
    json_object_foreach(columns, key, width)
        json_object_set_new(columns, key, json_integer(width_of(table, key)));
    printf("\n%s\n", name);
    print_line(columns, NULL);
    json_array_foreach(table, i, line)
        print_line(columns, line);
    json_decref(columns);
}

void bench_print(const json_t *result)
{
    const char *key;
    json_t *value;
    print_figures(result);
    json_object_foreach((json_t *)result, key, value)
        if (json_is_array(value))
            print_table(key, value);
}
