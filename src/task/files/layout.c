/* layout - see the header */
#include "task/files/layout.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"

static const char *const PARTS[EL_PARTS_KINDS] = {"array",  "commas",  "semicolons", "bars",
                                                  "vector", "columns", "blanks"};

const char *el_parts_about(el_parts parts)
{
    static const char *const ABOUT[EL_PARTS_KINDS] = {"in an array or alone",
                                                      "between commas",
                                                      "between semicolons",
                                                      "between bars",
                                                      "a place a label, of zeros and ones",
                                                      "a column a label, of zeros and ones",
                                                      "between blanks"};
    return ABOUT[parts];
}

bool el_column_number(const char *column, int *number)
{
    int64_t whole;
    if (!column || *column == '+' || !el_number_whole(column, &whole))
        return false;
    *number = whole > INT_MAX ? INT_MAX : whole < -INT_MAX ? -INT_MAX : (int)whole;
    return true;
}

bool el_column_is_name(const char *column)
{
    int number;
    return column && !el_column_number(column, &number);
}

const char *el_column_quote(const char *column)
{
    return el_column_is_name(column) ? "\"" : "";
}

void el_file_layout_release(el_file_layout *l)
{
    for (el_column_role role = 0; role < EL_ROLES; role++)
        free(l->by_role[role]);
    for (el_column_role role = 0; role <= EL_ROLE_LABEL; role++)
        free(l->called[role]);
    free(l->gap);
    for (int i = 0; i < l->label_count; i++)
        free(l->labels[i]);
    free(l->labels);
    *l = (el_file_layout){0};
}

static bool copy(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from;
}

el_status el_file_layout_copy(el_file_layout *to, const el_file_layout *from)
{
    *to = (el_file_layout){.file = from->file,
                           .header = from->header,
                           .width = from->width,
                           .counted = from->counted,
                           .parts = from->parts};
    bool fine = copy(&to->gap, from->gap);
    for (el_column_role role = 0; role < EL_ROLES; role++)
        fine = fine && copy(&to->by_role[role], from->by_role[role]);
    for (el_column_role role = 0; role <= EL_ROLE_LABEL; role++)
        fine = fine && copy(&to->called[role], from->called[role]);
    to->labels = fine && from->label_count ? calloc((size_t)from->label_count, sizeof *to->labels) : NULL;
    fine = fine && (to->labels || !from->label_count);
    for (int i = 0; fine && i < from->label_count; i++) {
        to->label_count = i + 1;
        fine = copy(&to->labels[i], from->labels[i]);
    }
    if (fine)
        return EL_OK;
    el_file_layout_release(to);
    return el_no_memory(NULL);
}

/* ---- in the card ---- */

static const char *const KEYS[EL_SAID_ROLES] = {"text", "second", "label", "id"};
static const char *const NAME_KEYS[] = {"text_name", "second_name", "label_name"};

static int put(json_t *object, const char *key, const char *text)
{
    return text ? json_object_set_new(object, key, json_string(text)) : 0;
}

json_t *el_file_layout_json(const el_file_layout *l)
{
    json_t *const object = json_object();
    int bad = put(object, "form", el_form_name(l->file.form));
    if (l->file.form == EL_FORM_CSV)
        bad |= json_object_set_new(object, "separator", json_stringn(&l->file.separator, 1));
    bad |= json_object_set_new(object, "header", json_boolean(l->header));
    if (l->width)
        bad |= json_object_set_new(object, "width", json_integer(l->width));
    if (l->counted)
        bad |= json_object_set_new(object, "counted", json_true());
    for (el_column_role role = 0; role < EL_SAID_ROLES; role++)
        bad |= put(object, KEYS[role], l->by_role[role]);
    for (el_column_role role = 0; role <= EL_ROLE_LABEL; role++)
        bad |= put(object, NAME_KEYS[role], l->called[role]);
    bad |= put(object, "no_label", l->gap) | put(object, "labels_lie", PARTS[l->parts]);
    json_t *const list = l->label_count ? json_array() : NULL;
    for (int i = 0; i < l->label_count; i++)
        bad |= json_array_append_new(list, json_string(l->labels[i]));
    if (list)
        bad |= json_object_set_new(object, "labels", list);
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

static el_status take(const json_t *object, const char *path, const char *key, char **to)
{
    const char *text = NULL;
    const el_status st = el_json_string(object, path, key, &text);
    if (st)
        return st;
    return copy(to, text) ? EL_OK : el_no_memory(path);
}

static el_status take_parts(const json_t *object, const char *path, el_parts *parts)
{
    const char *said = PARTS[EL_PARTS_ARRAY];
    const el_status st = el_json_string(object, path, "labels_lie", &said);
    if (st)
        return st;
    for (int i = 0; i < EL_PARTS_KINDS; i++)
        if (strcmp(said, PARTS[i]) == 0) {
            *parts = (el_parts)i;
            return EL_OK;
        }
    return el_fail(EL_EDATA, "%s: labels_lie is \"%s\", which is not known", path, said);
}

static el_status take_labels(const json_t *object, const char *path, el_file_layout *l)
{
    const json_t *const list = json_object_get(object, "labels");
    const size_t count = json_array_size(list);
    l->labels = count ? calloc(count, sizeof *l->labels) : NULL;
    if (count && !l->labels)
        return el_no_memory(path);
    for (size_t i = 0; i < count; i++) {
        const char *const name = json_string_value(json_array_get(list, i));
        if (!name)
            return el_fail(EL_EDATA, "%s: \"labels\" of its columns are not all names", path);
        l->label_count = (int)i + 1;
        if (!copy(&l->labels[i], name))
            return el_no_memory(path);
    }
    return EL_OK;
}

el_status el_file_layout_read(el_file_layout *l, const json_t *object, const char *path)
{
    const char *form = "", *separator = "\t";
    *l = (el_file_layout){0};
    el_status st = el_json_string(object, path, "form", &form);
    if (!st)
        st = el_json_string(object, path, "separator", &separator);
    if (!st)
        st = el_json_bool(object, path, "header", &l->header);
    if (!st)
        st = el_json_bool(object, path, "counted", &l->counted);
    if (!st)
        st = el_json_int(object, path, "width", &l->width);
    l->file = (el_file_form){el_form_named(form), *separator};
    for (el_column_role role = 0; !st && role < EL_SAID_ROLES; role++)
        st = take(object, path, KEYS[role], &l->by_role[role]);
    for (el_column_role role = 0; !st && role <= EL_ROLE_LABEL; role++)
        st = take(object, path, NAME_KEYS[role], &l->called[role]);
    if (!st)
        st = take(object, path, "no_label", &l->gap);
    if (!st)
        st = take_parts(object, path, &l->parts);
    if (!st)
        st = take_labels(object, path, l);
    if (st)
        el_file_layout_release(l);
    return st;
}
