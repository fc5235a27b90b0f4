/* sentence - see the header */
#define _GNU_SOURCE
#include "format/sentence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

enum { MOST_BYTES = 1 << 20 }; /* of modules.json */

/* An array is read as the one value of an object. */
static el_status parse_modules(json_t **object, const char *array, size_t bytes, const char *path)
{
    char *text;
    const size_t mark = bytes >= 3 && memcmp(array, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (bytes > MOST_BYTES)
        return el_fail(EL_EDATA, "%s: %zu bytes; a list of modules has %d at most", path, bytes, MOST_BYTES);
    const int length = asprintf(&text, "{\"modules\":%.*s}", (int)(bytes - mark), array + mark);
    if (length < 0)
        return el_no_memory(path);
    const el_status st = el_json_parse(object, text, (size_t)length, path);
    free(text);
    return st;
}

static el_status load_modules(json_t **object, const char *path)
{
    el_mapping file;
    el_status st = el_mapping_open(&file, path);
    if (st)
        return st;
    st = parse_modules(object, (const char *)file.data, file.size, path);
    el_mapping_close(&file);
    if (!st && !json_is_array(json_object_get(*object, "modules")))
        st = el_fail(EL_EDATA, "%s: not a list of modules", path);
    return st;
}

/* NULL where the folder has no modules.json. */
static el_status find_modules(json_t **object, const char *folder)
{
    const el_path path = el_path_in(folder, "modules.json");
    *object = NULL;
    return el_file_exists(path.text) ? load_modules(object, path.text) : EL_OK;
}

static el_status read_pooling(el_sentence *s, const char *folder, const char *name)
{
    json_t *object;
    el_status st = el_json_load_in(&object, el_path_in(folder, name).text, "config.json");
    int ways = 0;
    bool known = false;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        const bool word = strcmp(key, "pooling_mode") == 0; /* before 5.4 a switch for each way */
        if (!word && (strncmp(key, "pooling_mode_", 13) != 0 || !json_is_true(value)))
            continue;
        const char *const way = !word ? key + 13 : json_is_string(value) ? json_string_value(value) : "";
        ways++;
        s->cls = strcmp(way, word ? "cls" : "cls_token") == 0;
        known = s->cls || strcmp(way, word ? "mean" : "mean_tokens") == 0;
        if (!st && (!known || ways > 1))
            st = el_fail(EL_EDATA, "%s/%s/config.json: %s%s%s is not supported%s", folder, name, key,
                         word ? " " : "", word ? way : "", ways > 1 ? " beside another way to pool" : "");
    }
    if (!st && !known)
        st = el_fail(EL_EDATA, "%s/%s/config.json: no way to pool is set", folder, name);
    json_decref(object);
    return st;
}

static bool is_type(const char *type, const char *name)
{
    const char *const last = strrchr(type, '.');
    return strcmp(last ? last + 1 : type, name) == 0;
}

static el_status look_at_module(const json_t *module, const char *folder, const char **type,
                                const char **path)
{
    *type = json_string_value(json_object_get(module, "type"));
    *path = json_string_value(json_object_get(module, "path"));
    return *type && *path && !strchr(*path, '/') && strcmp(*path, "..") != 0
               ? EL_OK
               : el_fail(EL_EDATA, "%s/modules.json: a module has no type, or no path in this folder",
                         folder);
}

static el_status read_module(el_sentence *s, const json_t *module, const char *folder)
{
    const char *type, *path;
    const el_status st = look_at_module(module, folder, &type, &path);
    if (st)
        return st;
    if (is_type(type, "Pooling"))
        return read_pooling(s, folder, path);
    if (is_type(type, "Normalize"))
        s->normalize = true;
    else if (!is_type(type, "Transformer"))
        return el_fail(EL_EDATA, "%s/modules.json: the module %s is not supported", folder, type);
    return EL_OK;
}

static el_status read_length(el_sentence *s)
{
    json_t *object;
    el_status st = el_json_load_in(&object, s->encoder, "sentence_bert_config.json");
    if (!st && object)
        st = el_json_int(object, "sentence_bert_config.json", "max_seq_length", &s->max_seq_length);
    if (!st && object)
        st = el_json_bool(object, "sentence_bert_config.json", "do_lower_case", &s->lowercase);
    if (!st && s->max_seq_length < 0)
        st = el_fail(EL_EDATA, "%s/sentence_bert_config.json: max_seq_length is %d", s->encoder,
                     s->max_seq_length);
    json_decref(object);
    return st;
}

static el_status read_settings(el_sentence *s, const char *folder)
{
    const el_status st = el_json_load_in(&s->settings, folder, "config_sentence_transformers.json");
    const char *const name = json_string_value(json_object_get(s->settings, "default_prompt_name"));
    return st || !name
               ? st
               : el_fail(EL_EDATA,
                         "%s/config_sentence_transformers.json: the prompt \"%s\" stands before every "
                         "text, which is not supported",
                         folder, name);
}

/* The folder of the module that is the encoder; without modules the folder itself. */
static el_status encoder_of(const json_t *modules, const char *folder, char **encoder)
{
    const char *found = "";
    *encoder = NULL;
    for (size_t i = 0; i < json_array_size(modules); i++) {
        const char *type, *path;
        const el_status st = look_at_module(json_array_get(modules, i), folder, &type, &path);
        if (st)
            return st;
        if (is_type(type, "Transformer"))
            found = path;
    }
    *encoder = *found ? el_path_join(folder, found) : strdup(folder);
    return *encoder ? EL_OK : el_no_memory(folder);
}

el_status el_sentence_find(const char *folder, char **encoder)
{
    json_t *object;
    *encoder = NULL;
    el_status st = find_modules(&object, folder);
    if (!st)
        st = encoder_of(json_object_get(object, "modules"), folder, encoder);
    json_decref(object);
    return st;
}

el_status el_sentence_read(el_sentence *s, const char *folder)
{
    json_t *object;
    *s = (el_sentence){0};
    el_status st = find_modules(&object, folder);
    const json_t *const modules = json_object_get(object, "modules");
    s->found = object;
    if (!st)
        st = encoder_of(modules, folder, &s->encoder);
    for (size_t i = 0; !st && i < json_array_size(modules); i++)
        st = read_module(s, json_array_get(modules, i), folder);
    if (!st && s->found)
        st = read_length(s);
    if (!st && s->found)
        st = read_settings(s, folder);
    json_decref(object);
    if (st)
        el_sentence_release(s);
    return st;
}

el_status el_sentence_check_casing(const el_sentence *s, bool lowercases, const char *folder)
{
    return s->lowercase && !lowercases
               ? el_fail(EL_EDATA,
                         "%s: sentence_bert_config.json lower-cases texts, the vocabulary does not, and that "
                         "is not supported",
                         folder)
               : EL_OK;
}

/* ---- writing ---- */

static json_t *module_json(int number, const char *path, const char *type)
{
    char name[16], whole[64];
    snprintf(name, sizeof name, "%d", number);
    snprintf(whole, sizeof whole, "sentence_transformers.models.%s", type);
    return json_pack("{s:i, s:s, s:s, s:s}", "idx", number, "name", name, "path", path, "type", whole);
}

static json_t *modules_json(bool normalize)
{
    json_t *const modules = json_array();
    json_array_append_new(modules, module_json(0, "", "Transformer"));
    json_array_append_new(modules, module_json(1, "1_Pooling", "Pooling"));
    if (normalize)
        json_array_append_new(modules, module_json(2, "2_Normalize", "Normalize"));
    return modules;
}

static json_t *pooling_json(bool cls, int width)
{
    return json_pack("{s:i, s:b, s:b, s:b, s:b}", "word_embedding_dimension", width, "pooling_mode_cls_token",
                     cls, "pooling_mode_mean_tokens", !cls, "pooling_mode_max_tokens", false,
                     "pooling_mode_mean_sqrt_len_tokens", false);
}

el_status el_sentence_save(const el_sentence *s, int width, const char *folder)
{
    const el_path pooling = el_path_in(folder, "1_Pooling");
    el_status st = el_folder_make(pooling.text);
    if (!st)
        st = el_json_save_new(pooling_json(s->cls, width), pooling.text, "config.json");
    if (!st && (s->max_seq_length || s->lowercase))
        st = el_json_save_new(json_pack("{s:o, s:b}", "max_seq_length",
                                        s->max_seq_length ? json_integer(s->max_seq_length) : json_null(),
                                        "do_lower_case", s->lowercase),
                              folder, "sentence_bert_config.json");
    if (!st && s->settings)
        st = el_json_save_new(json_incref(s->settings), folder, "config_sentence_transformers.json");
    if (!st)
        st = el_json_save_new(modules_json(s->normalize), folder, "modules.json");
    return st;
}

/* ---- closing ---- */

void el_sentence_release(el_sentence *s)
{
    free(s->encoder);
    json_decref(s->settings);
    *s = (el_sentence){0};
}
