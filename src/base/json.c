/* json - see the header */
#define _GNU_SOURCE
#include "json.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "number.h"

/* More than any configuration, less than what would fill memory with parsed values. */
static const size_t LONGEST = (size_t)100 << 20;

/* Reals that are whole numbers become integers again; steals `value`. */
static json_t *whole_again(json_t *value)
{
    const char *key;
    json_t *item;
    void *next;
    size_t i;
    if (json_is_object(value))
        json_object_foreach_safe(value, next, key, item)
            json_object_set_new(value, key, whole_again(json_incref(item)));
    if (json_is_array(value))
        json_array_foreach(value, i, item) json_array_set_new(value, i, whole_again(json_incref(item)));
    const double real = json_real_value(value); /* 0 for what is not a real */
    if (!json_is_real(value) || fabs(real) >= 0x1p62 || real != floor(real))
        return value;
    json_decref(value);
    return json_integer((json_int_t)real);
}

/* Files that Python wrote may have whole numbers beyond 64 bits (model_max_length is 10^30 where nobody
 * said): those become reals. */
static json_t *parse(const char *text, size_t bytes, json_error_t *error)
{
    json_t *const value = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, error);
    if (value || json_error_code(error) != json_error_numeric_overflow)
        return value;
    json_t *const reals = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, error);
    return reals ? whole_again(reals) : NULL;
}

el_status el_json_parse(json_t **object, const char *text, size_t bytes, const char *name)
{
    return el_json_parse_long(object, text, bytes, LONGEST, name);
}

el_status el_json_parse_long(json_t **object, const char *text, size_t bytes, size_t most, const char *name)
{
    static const char MARK[] = "\xEF\xBB\xBF"; /* as Windows writes it */
    *object = NULL;
    if (bytes > most)
        return el_fail(EL_EDATA, "%s: %zu bytes of JSON are more than %zu", name, bytes, most);
    if (bytes >= 3 && memcmp(text, MARK, 3) == 0)
        text += 3, bytes -= 3;
    json_error_t error;
    json_t *value = parse(text, bytes, &error);
    if (!value && json_error_code(&error) == json_error_out_of_memory)
        return el_fail(EL_ENOMEM, "%s: out of memory", name);
    if (!value)
        return el_fail(EL_EDATA, "%s: line %d: not JSON: %s", name, error.line, error.text);
    if (!json_is_object(value)) {
        json_decref(value);
        return el_fail(EL_EDATA, "%s: not a JSON object", name);
    }
    *object = value;
    return EL_OK;
}

el_status el_json_load(json_t **object, const char *path)
{
    *object = NULL;
    el_mapping file;
    el_status st = el_mapping_open(&file, path);
    if (st)
        return st;
    st = el_json_parse(object, (const char *)file.data, file.size, path);
    el_mapping_close(&file);
    return st;
}

/* Writes `digits` (a real number of `length` characters) to `out` with fewer digits, if fewer give the same
 * number, and returns the length. */
static size_t shorten(char *out, const char *digits, size_t length)
{
    char same[64], fewer[64];
    if (length < sizeof same && length > 15) {
        memcpy(same, digits, length);
        same[length] = '\0';
        const bool whole = !same[strcspn(same, ".e")]; /* stays as it is */
        const double value = el_number_read(same, NULL);
        for (int precision = 15; precision <= 16 && !whole; precision++) {
            const size_t used = (size_t)el_number_print(fewer, sizeof fewer, "%.*g", precision, value);
            if (used < length && el_number_read(fewer, NULL) == value && fewer[strcspn(fewer, ".e")]) {
                memcpy(out, fewer, used);
                return used;
            }
        }
    }
    memmove(out, digits, length);
    return length;
}

/* Every real number outside strings, in place: jansson writes 17 digits, 0.1 as 0.10000000000000001. */
static void shorten_all(char *text)
{
    char *out = text;
    bool in_string = false;
    for (const char *c = text; *c;) {
        const size_t number = in_string ? 0 : strspn(c, "+-.0123456789eE");
        if (number && *c != 'e') { /* the e of true and false */
            out += shorten(out, c, number);
            c += number;
            continue;
        }
        if (*c == '"')
            in_string = !in_string;
        else if (*c == '\\')
            *out++ = *c++;
        *out++ = *c++;
    }
    *out = '\0';
}

char *el_json_text(const json_t *value, bool indented)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | (indented ? JSON_INDENT(2) : 0));
    if (text)
        shorten_all(text);
    return text;
}

el_status el_json_save(const json_t *object, const char *path)
{
    char *text = el_json_text(object, true);
    if (!text)
        return el_fail(EL_ENOMEM, "%s: out of memory", path);
    const size_t length = strlen(text);
    text[length] = '\n'; /* in place of the NUL */
    const el_status st = el_file_write(path, text, length + 1);
    free(text);
    return st;
}

/* The value that is there, or NULL: absent and null are the same. */
static const json_t *present(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

el_status el_json_int(const json_t *object, const char *name, const char *key, int *value)
{
    const json_t *found = present(object, key);
    if (!found)
        return EL_OK;
    if (!json_is_integer(found))
        return el_fail(EL_EDATA, "%s: %s is not a whole number", name, key);
    const json_int_t number = json_integer_value(found);
    if (number < INT_MIN || number > INT_MAX)
        return el_fail(EL_EDATA, "%s: %s: %lld is out of range", name, key, (long long)number);
    *value = (int)number;
    return EL_OK;
}

el_status el_json_real(const json_t *object, const char *name, const char *key, double *value)
{
    const json_t *found = present(object, key);
    if (!found)
        return EL_OK;
    if (!json_is_number(found))
        return el_fail(EL_EDATA, "%s: %s is not a number", name, key);
    *value = json_number_value(found);
    return EL_OK;
}

el_status el_json_bool(const json_t *object, const char *name, const char *key, bool *value)
{
    const json_t *found = present(object, key);
    if (!found)
        return EL_OK;
    if (!json_is_boolean(found))
        return el_fail(EL_EDATA, "%s: %s is neither true nor false", name, key);
    *value = json_is_true(found);
    return EL_OK;
}

el_status el_json_string(const json_t *object, const char *name, const char *key, const char **value)
{
    const json_t *found = present(object, key);
    if (!found)
        return EL_OK;
    if (!json_is_string(found))
        return el_fail(EL_EDATA, "%s: %s is not a string", name, key);
    *value = json_string_value(found);
    return EL_OK;
}
