/* unfinished - see the header */
#include "data/unfinished.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static const char NAME[] = "unfinished.safetensors", MAGIC[] = "electra_unfinished", VERSION[] = "2",
                  RECIPE[] = "recipe";

bool el_unfinished_is(const char *name)
{
    return strcmp(name, NAME) == 0;
}

/* ---- writing ---- */

static void name_part(char *text, const char *of, const char *name)
{
    snprintf(text, EL_UNFINISHED_NAME, "%s.%s", of, name);
}

void el_unfinished_put(el_unfinished *u, const char *of, const char *name, const void *data, size_t bytes)
{
    if (!bytes)
        return;
    assert(u->count < EL_UNFINISHED_PARTS);
    name_part(u->names[u->count], of, name);
    u->entries[u->count++] =
        (el_st_entry){.type = EL_ST_U8, .dims = 1, .shape = {(int64_t)bytes}, .data = data, .bytes = bytes};
}

el_status el_unfinished_write(const el_unfinished *u, const char *folder, const json_t *recipe)
{
    el_st_entry entries[EL_UNFINISHED_PARTS];
    for (int i = 0; i < u->count; i++) {
        entries[i] = u->entries[i];
        entries[i].name = u->names[i];
    }
    char *const text = el_json_text(recipe, false);
    json_t *const metadata = text ? json_pack("{s:s, s:s}", MAGIC, VERSION, RECIPE, text) : NULL;
    const el_status st =
        metadata ? el_safetensors_write(el_path_in(folder, NAME).text, entries, u->count, metadata, true)
                 : el_no_memory(folder);
    json_decref(metadata);
    free(text);
    return st;
}

el_status el_unfinished_remove(const char *folder)
{
    return el_folder_remove(el_path_in(folder, NAME).text);
}

/* ---- reading ---- */

static el_status open_file(el_safetensors *file, const char *path)
{
    el_status st = el_safetensors_open(file, path);
    if (!st)
        st = el_safetensors_verify(file);
    const char *const version = st ? NULL : el_safetensors_metadata(file, MAGIC);
    if (!st && !(version && strcmp(version, VERSION) == 0 && el_safetensors_metadata(file, RECIPE)))
        st = el_fail(EL_EDATA, "%s: is of another version", path);
    if (st)
        el_safetensors_close(file);
    return st;
}

bool el_unfinished_there(const char *folder)
{
    return el_folder_holds(folder, NAME);
}

el_status el_unfinished_open(el_safetensors *file, const char *folder, bool *there)
{
    const el_path path = el_path_in(folder, NAME);
    const bool written = el_file_exists(path.text);
    *file = (el_safetensors){0};
    const el_status st = written ? open_file(file, path.text) : EL_OK;
    *there = written && !st;
    return st;
}

bool el_unfinished_has(const el_safetensors *file, const char *of, const char *name)
{
    char part[EL_UNFINISHED_NAME];
    name_part(part, of, name);
    return el_safetensors_find(file, part) != NULL;
}

el_status el_unfinished_get(const el_safetensors *file, const char *of, const char *name, void *data,
                            size_t bytes)
{
    char part[EL_UNFINISHED_NAME];
    name_part(part, of, name);
    const el_st_entry *const entry = el_safetensors_find(file, part);
    if ((entry ? entry->bytes : 0) != bytes)
        return el_fail(EL_EDATA, "%s: %s has %zu bytes, not %zu", file->path, part, entry ? entry->bytes : 0,
                       bytes);
    if (bytes)
        memcpy(data, entry->data, bytes);
    return EL_OK;
}

/* A sentence about the first of `keys` that only one of both has, or that they have otherwise. */
static el_status compare(const json_t *was, const json_t *is, const json_t *keys)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)keys, key, value) {
        const json_t *const before = json_object_get(was, key), *const now = json_object_get(is, key);
        if (before && now && json_equal(before, now))
            continue;
        char *const old = before ? el_json_text(before, false) : NULL, *const new =
                                                                           now ? el_json_text(now, false)
                                                                               : NULL;
        const el_status st =
            el_fail(EL_EUSAGE, "%s was %s, not %s", key, old ? old : "absent", new ? new : "absent");
        free(old);
        free(new);
        return st;
    }
    return EL_OK;
}

el_status el_unfinished_same(const el_safetensors *file, const json_t *recipe)
{
    const char *const text = el_safetensors_metadata(file, RECIPE);
    json_t *was;
    el_status st = el_json_parse(&was, text, strlen(text), file->path);
    if (st)
        return st;
    st = compare(was, recipe, recipe);
    if (!st)
        st = compare(was, recipe, was);
    json_decref(was);
    return st;
}
