/* json - see the header */
#include "json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

/* More than any configuration, less than what would fill memory with parsed values. */
static const size_t LONGEST = (size_t)100 << 20;

el_status el_json_parse(json_t **object, const char *text, size_t bytes, const char *name)
{
    *object = NULL;
    if (bytes > LONGEST)
        return el_fail(EL_EDATA, "%s: %zu bytes of JSON are more than %zu", name, bytes, LONGEST);
    json_error_t error;
    json_t *value = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
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

el_status el_json_save(const json_t *object, const char *path)
{
    char *text = json_dumps(object, JSON_INDENT(2));
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
