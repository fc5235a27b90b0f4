/* json - see the header
 *
 * jansson tells of a lack of memory as of wrong text, or, where values are built and nobody looks, not at all; its lexer
 * even goes on with a string of which letters are missing, up to an assertion.  So its memory is ours: malloc's, with a
 * note of each failure, and a small reserve for the rest of a text that is being read.  A host program that has given
 * jansson other functions keeps those.
 */
#define _GNU_SOURCE
#include "json.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "number.h"

/* More than any configuration, less than what would fill memory with parsed values. */
static const size_t LONGEST = (size_t)100 << 20;

/* ---- memory ---- */

enum { RESERVE = 16384 };

static _Thread_local bool lacked; /* memory, since el_json_complete was asked */
static _Thread_local bool
    reading; /* a text, and then the reserve may be used: it is dropped with the value */
static _Thread_local size_t reserve_used;
static _Thread_local _Alignas(max_align_t) char reserve[RESERVE];

static void *take(size_t bytes)
{
    void *const memory = malloc(bytes);
    if (memory)
        return memory;
    lacked = true;
    const size_t rounded = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!reading || bytes > RESERVE || rounded > RESERVE - reserve_used)
        return NULL;
    reserve_used += rounded;
    return reserve + reserve_used - rounded;
}

static void give_back(void *memory)
{
    const uintptr_t at = (uintptr_t)memory, begin = (uintptr_t)reserve;
    if (at < begin || at >= begin + RESERVE)
        free(memory);
}

__attribute__((constructor)) static void watch_memory(void)
{
    json_malloc_t allocate;
    json_free_t release;
    json_get_alloc_funcs(&allocate, &release);
    if (allocate == malloc && release == free)
        json_set_alloc_funcs(take, give_back);
}

bool el_json_complete(void)
{
    const bool complete = !lacked;
    lacked = false;
    return complete;
}

/* ---- reading ---- */

el_status el_json_read(json_t **value, const char *text, size_t bytes, size_t flags, json_error_t *error)
{
    const bool lacked_before = lacked;
    lacked = false;
    reading = true;
    reserve_used = 0;
    *value = json_loadb(text, bytes, flags, error);
    if (lacked) {
        json_decref(*value); /* before the reserve is used again */
        *value = NULL;
    }
    reading = false;
    const bool short_of_memory = lacked;
    lacked = lacked_before;
    return *value ? EL_OK : short_of_memory ? el_no_memory(NULL) : EL_EDATA;
}

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
        json_array_foreach(value, i, item)
            json_array_set_new(value, i, whole_again(json_incref(item)));
    const double real = json_real_value(value); /* 0 for what is not a real */
    if (!json_is_real(value) || fabs(real) >= 0x1p62 || real != floor(real))
        return value;
    json_decref(value);
    return json_integer((json_int_t)real);
}

/* Files that Python wrote may have whole numbers beyond 64 bits (model_max_length is 10^30 where nobody
 * said): those become reals. */
static el_status parse(json_t **value, const char *text, size_t bytes, json_error_t *error)
{
    el_status st = el_json_read(value, text, bytes, JSON_REJECT_DUPLICATES, error);
    if (st != EL_EDATA || json_error_code(error) != json_error_numeric_overflow)
        return st;
    st = el_json_read(value, text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, error);
    if (st)
        return st;
    const bool lacked_before = lacked;
    lacked = false;
    *value = whole_again(*value);
    if (lacked) {
        json_decref(*value);
        *value = NULL;
        st = el_no_memory(NULL);
    }
    lacked = lacked_before;
    return st;
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
    json_t *value;
    const el_status st = parse(&value, text, bytes, &error);
    if (st == EL_ENOMEM)
        return el_no_memory(name);
    if (st)
        return memchr(text, '\n', bytes) /* of one line it says nothing */
                   ? el_fail(EL_EDATA, "%s, line %d: not JSON: %s", name, error.line, error.text)
                   : el_fail(EL_EDATA, "%s: not JSON: %s", name, error.text);
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

el_status el_json_load_in(json_t **object, const char *folder, const char *name)
{
    const el_path path = el_path_in(folder, name);
    *object = NULL;
    return el_file_exists(path.text) ? el_json_load(object, path.text) : EL_OK;
}

/* ---- writing ---- */

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

double el_json_figure(const json_t *object, const char *key)
{
    const json_t *const value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

json_t *el_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

char *el_json_dump(const json_t *value, size_t flags)
{
    char *const text = value ? json_dumps(value, flags) : NULL;
    if (el_json_complete())
        return text;
    free(text);
    return NULL;
}

char *el_json_text(const json_t *value, bool indented)
{
    char *text = el_json_dump(value, JSON_ENCODE_ANY | (indented ? JSON_INDENT(2) : 0));
    if (text)
        shorten_all(text);
    return text;
}

char *el_json_copy(const json_t *object, const char *key)
{
    const json_t *const value = json_object_get(object, key);
    char number[32];
    if (json_is_string(value))
        return strdup(json_string_value(value));
    snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return json_is_integer(value) ? strdup(number) : NULL;
}

el_status el_json_save(const json_t *object, const char *path)
{
    char *text = el_json_text(object, true);
    if (!text)
        return el_no_memory(path);
    const size_t length = strlen(text);
    text[length] = '\n'; /* in place of the NUL */
    const el_status st = el_file_write(path, text, length + 1);
    free(text);
    return st;
}

el_status el_json_save_new(json_t *object, const char *folder, const char *name)
{
    const el_status st = el_json_save(object, el_path_in(folder, name).text);
    json_decref(object);
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
