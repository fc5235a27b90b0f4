/* options_values - a setting's value: from a text, from JSON, and back */
#define _GNU_SOURCE
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "number.h"
#include "options_parts.h"
#include "words.h"

static const double LARGEST_WHOLE = 0x1p53; /* above it a double skips whole numbers */

/* ---- from a text ---- */

void *el_option_place(const el_options *options, int line)
{
    return (char *)options->settings + options->table[line].offset;
}

bool el_option_has_range(const el_option *option)
{
    return option->min != 0 || option->max != 0;
}

bool el_option_is_text(const el_option *option)
{
    return option->type == EL_OPT_TEXT || option->type == EL_OPT_OUTPUT || option->type == EL_OPT_TEXTS;
}

static el_status check_range(const char *said, const el_option *option, const char *text, double value)
{
    if (!el_option_has_range(option) || (value >= option->min && value <= option->max))
        return EL_OK;
    if (isinf(option->max))
        return el_fail(EL_EUSAGE, "%s: %s is not %.15g or more", said, text, option->min);
    return el_fail(EL_EUSAGE, "%s: %s is not between %.15g and %.15g", said, text, option->min, option->max);
}

/* Setters take what was said (a flag, or file and key) for the sentence. */
static el_status set_int(const el_options *options, int line, const char *said, const char *text)
{
    int64_t whole;
    double value;
    if (el_number_whole(text, &whole)) {
        value = (double)whole;
    } else { /* 1e6 */
        if (!el_number_real(text, &value))
            return el_fail(EL_EUSAGE, "%s: \"%s\" is not a number", said, text);
        if (value != floor(value))
            return el_fail(EL_EUSAGE, "%s: %s is not a whole number", said, text);
        if (!(fabs(value) <= LARGEST_WHOLE))
            return el_fail(EL_EUSAGE, "%s: %s is too large", said, text);
        whole = (int64_t)value;
    }
    const el_status st = check_range(said, &options->table[line], text, value);
    if (!st)
        *(int64_t *)el_option_place(options, line) = whole;
    return st;
}

static el_status set_real(const el_options *options, int line, const char *said, const char *text)
{
    double value;
    if (!el_number_real(text, &value))
        return el_fail(EL_EUSAGE, "%s: \"%s\" is not a number", said, text);
    if (!isfinite(value))
        return el_fail(EL_EUSAGE, "%s: %s is too large", said, text);
    const el_status st = check_range(said, &options->table[line], text, value);
    if (!st)
        *(double *)el_option_place(options, line) = value;
    return st;
}

/* "A", or "A:B". */
static el_status set_course(const el_options *options, int line, const char *said, const char *text)
{
    const char *const colon = strchr(text, ':');
    char first[64];
    snprintf(first, sizeof first, "%.*s", (int)(colon ? colon - text : (int)strlen(text)), text);
    el_course course;
    if (!el_number_real(first, &course.first) || !el_number_real(colon ? colon + 1 : first, &course.last))
        return el_fail(EL_EUSAGE, "%s: \"%s\" is not a number, or two with a colon between", said, text);
    el_status st = check_range(said, &options->table[line], text, course.first);
    if (!st)
        st = check_range(said, &options->table[line], text, course.last);
    if (!st)
        *(el_course *)el_option_place(options, line) = course;
    return st;
}

const char *el_option_word(const char *choices, int index, int *length)
{
    const char *word = "";
    size_t bytes = 0;
    while (index-- >= 0)
        if (!el_word_next(&choices, &word, &bytes))
            word = "", bytes = 0;
    *length = (int)bytes;
    return word;
}

static el_status set_choice(const el_options *options, int line, const char *said, const char *text)
{
    const char *choices = options->table[line].choices;
    const int index = el_word_place(choices, text);
    if (index < 0) {
        char list[512] = "";
        const char *word;
        size_t used = 0, bytes;
        while (used < sizeof list - 64 && el_word_next(&choices, &word, &bytes)) {
            snprintf(list + used, sizeof list - used, "%s%.*s", used ? ", " : "", (int)bytes, word);
            used = strlen(list);
        }
        return el_fail(EL_EUSAGE, "%s: \"%s\" is not one of %s", said, text, list);
    }
    *(int *)el_option_place(options, line) = index;
    return EL_OK;
}

/* It lives as long as the options; freed at once where they cannot keep it. */
static el_status keep(el_options *options, void *memory, const char *said)
{
    char **const owned =
        memory ? realloc(options->owned, ((size_t)options->owned_count + 1) * sizeof *owned) : NULL;
    if (!owned) {
        free(memory);
        return el_no_memory(said);
    }
    options->owned = owned;
    options->owned[options->owned_count++] = memory;
    return EL_OK;
}

static el_status set_text(el_options *options, int line, const char *said, const char *text)
{
    char *const copy = strdup(text);
    const el_status st = keep(options, copy, said);
    if (!st)
        *(const char **)el_option_place(options, line) = copy;
    return st;
}

/* A longer list takes the place of what was there. */
static el_status add_text(el_options *options, int line, const char *said, const char *text)
{
    const char *const **const place = el_option_place(options, line), *const *const before = *place;
    size_t count = 0;
    while (before && before[count])
        count++;
    const char **const list = calloc(count + 2, sizeof *list);
    char *const copy = strdup(text);
    el_status st = keep(options, (void *)list, said);
    if (st) {
        free(copy);
        return st;
    }
    st = keep(options, copy, said);
    if (st)
        return st;
    for (size_t i = 0; i < count; i++)
        list[i] = before[i];
    list[count] = copy;
    *place = list;
    return EL_OK;
}

static el_status set_switch(const el_options *options, int line, const char *said, const char *text)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return el_fail(EL_EUSAGE, "%s: \"%s\" is neither true nor false", said, text);
    *(bool *)el_option_place(options, line) = text[0] == 't';
    return EL_OK;
}

el_status el_option_set(el_options *options, int line, const char *said, const char *text)
{
    switch (options->table[line].type) {
    case EL_OPT_SWITCH:
        return set_switch(options, line, said, text);
    case EL_OPT_INT:
        return set_int(options, line, said, text);
    case EL_OPT_REAL:
        return set_real(options, line, said, text);
    case EL_OPT_COURSE:
        return set_course(options, line, said, text);
    case EL_OPT_OUTPUT:
        if (!*text)
            return el_fail(EL_EUSAGE, "%s: \"\" names no file or folder", said);
        if (strcmp(text, "-") == 0)
            return el_fail(EL_EUSAGE, "%s: - is not the standard output here; ./- names what is called so",
                           said);
        return set_text(options, line, said, text);
    case EL_OPT_TEXT:
        return set_text(options, line, said, text);
    case EL_OPT_TEXTS:
        return add_text(options, line, said, text);
    case EL_OPT_CHOICE:
        return set_choice(options, line, said, text);
    case EL_OPT_SECTION:
        break;
    }
    assert(!"a line without a value");
    return EL_EFAILED;
}

/* ---- from JSON ---- */

static bool fits(el_option_type type, const json_t *value)
{
    switch (type) {
    case EL_OPT_SWITCH:
        return json_is_boolean(value);
    case EL_OPT_INT:
    case EL_OPT_REAL:
        return json_is_number(value);
    case EL_OPT_COURSE:
        return json_is_number(value) || json_is_string(value);
    case EL_OPT_TEXT:
    case EL_OPT_OUTPUT:
    case EL_OPT_TEXTS:
        return json_is_string(value) || json_is_array(value);
    case EL_OPT_CHOICE:
        return json_is_string(value);
    case EL_OPT_SECTION:
        break;
    }
    return false;
}

static const char *kind_of(el_option_type type)
{
    return type == EL_OPT_SWITCH   ? "true or false"
           : type == EL_OPT_INT    ? "a whole number"
           : type == EL_OPT_REAL   ? "a number"
           : type == EL_OPT_COURSE ? "a number, or two with a colon between"
           : type == EL_OPT_TEXT || type == EL_OPT_OUTPUT || type == EL_OPT_CHOICE ? "a text"
           : type == EL_OPT_TEXTS ? "a text or a list of texts"
                                  : "a value";
}

static el_status set_bytes(el_options *options, int line, const char *said, const json_t *bytes)
{
    const size_t count = json_array_size(bytes);
    char *const text = calloc(count + 1, 1);
    el_status st = text ? EL_OK : el_no_memory(said);
    for (size_t i = 0; i < count && !st; i++) {
        const json_int_t byte = json_integer_value(json_array_get(bytes, i));
        text[i] = (char)byte;
        if (byte < 1 || byte > 255)
            st = el_fail(EL_EUSAGE, "%s: not a text or an array of bytes", said);
    }
    if (!st)
        st = el_option_set(options, line, said, text);
    free(text);
    return st;
}

static el_status add_texts(el_options *options, int line, const char *said, const json_t *texts)
{
    el_status st = EL_OK;
    for (size_t i = 0; i < json_array_size(texts) && !st; i++) {
        const json_t *const text = json_array_get(texts, i);
        if (!json_is_string(text) && !json_is_array(text))
            return el_fail(EL_EUSAGE, "%s: not %s", said, kind_of(EL_OPT_TEXTS));
        st = json_is_string(text) ? add_text(options, line, said, json_string_value(text))
                                  : set_bytes(options, line, said, text);
    }
    return st;
}

el_status el_option_set_json(el_options *options, int line, const char *said, const json_t *value)
{
    const el_option_type type = options->table[line].type;
    if (!fits(type, value))
        return el_fail(EL_EUSAGE, "%s: not %s", said, kind_of(type));
    if (json_is_string(value))
        return el_option_set(options, line, said, json_string_value(value));
    if (json_is_array(value) && type == EL_OPT_TEXTS)
        return add_texts(options, line, said, value);
    if (json_is_array(value))
        return set_bytes(options, line, said, value);
    char *text = el_json_text(value, false);
    if (!text)
        return el_no_memory(said);
    const el_status st = el_option_set(options, line, said, text);
    free(text);
    return st;
}

/* ---- back ---- */

/* JSON has no text that is not UTF-8, as a path may be: that is an array of its bytes. */
static json_t *text_json(const char *text)
{
    json_t *const string = json_string(text), *const bytes = string ? NULL : json_array();
    for (const char *at = text; bytes && *at; at++)
        json_array_append_new(bytes, json_integer((unsigned char)*at));
    return string ? string : bytes;
}

static json_t *course_json(el_course course)
{
    char text[64];
    el_number_print(text, sizeof text, "%.15g:%.15g", course.first, course.last);
    return course.first == course.last ? el_json_number(course.first) : json_string(text);
}

json_t *el_option_json(const el_options *options, int line)
{
    const el_option *option = &options->table[line];
    const void *place = el_option_place(options, line);
    int length;
    switch (option->type) {
    case EL_OPT_SWITCH:
        return json_boolean(*(const bool *)place);
    case EL_OPT_INT:
        return json_integer(*(const int64_t *)place);
    case EL_OPT_REAL:
        return el_json_number(*(const double *)place);
    case EL_OPT_COURSE:
        return course_json(*(const el_course *)place);
    case EL_OPT_OUTPUT:
    case EL_OPT_TEXT:
        return *(const char *const *)place ? text_json(*(const char *const *)place) : json_null();
    case EL_OPT_TEXTS: {
        json_t *const list = json_array();
        for (const char *const *text = *(const char *const *const *)place; text && *text; text++)
            json_array_append_new(list, text_json(*text));
        return list;
    }
    case EL_OPT_CHOICE: {
        const char *word = el_option_word(option->choices, *(const int *)place, &length);
        return json_stringn(word, (size_t)length);
    }
    case EL_OPT_SECTION:
        break;
    }
    return NULL;
}
