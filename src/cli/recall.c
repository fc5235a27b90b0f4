/* recall - see the header */
#include "cli/recall.h"

#include <stdlib.h>

#include "base/file.h"

el_status cli_recorded(json_t **settings, const char *folder)
{
    char *const path = el_path_join(folder, "run.json");
    json_t *record = NULL;
    el_status st = path ? EL_OK : el_fail(EL_ENOMEM, "no memory to read run.json");
    if (!st && el_file_exists(path))
        st = el_json_load(&record, path);
    *settings = json_incref(json_object_get(record, "settings"));
    json_decref(record);
    free(path);
    return st;
}

el_status cli_recall(el_options *options, const json_t *settings, const char *folder, const char *const *keys,
                     size_t count)
{
    char *const path = el_path_join(folder, "run.json");
    json_t *const wanted = json_object();
    for (size_t i = 0; wanted && i < count; i++)
        if (!el_options_given(options, keys[i]) && json_object_get(settings, keys[i]))
            json_object_set(wanted, keys[i], json_object_get(settings, keys[i]));
    el_status st =
        path && wanted && el_json_complete() ? EL_OK : el_fail(EL_ENOMEM, "no memory for the run's settings");
    if (!st)
        st = el_options_apply(options, wanted, path);
    for (int i = 0; i < options->count; i++)
        if (json_object_get(wanted, options->table[i].name))
            options->origins[i] = EL_FROM_RECORD;
    json_decref(wanted);
    free(path);
    return st == EL_EUSAGE ? EL_EDATA : st;
}
