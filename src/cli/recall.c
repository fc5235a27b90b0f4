/* recall - see the header */
#include "cli/recall.h"

#include "base/file.h"
#include "train/run.h"

el_status cli_recorded(json_t **settings, const char *folder)
{
    json_t *record;
    const el_status st = el_run_read(&record, folder);
    *settings = json_incref(json_object_get(record, "settings"));
    json_decref(record);
    return st;
}

el_status cli_recall(el_options *options, const json_t *settings, const char *folder, const char *const *keys,
                     size_t count)
{
    json_t *const wanted = json_object();
    for (size_t i = 0; i < count; i++)
        if (json_object_get(settings, keys[i]))
            json_object_set(wanted, keys[i], json_object_get(settings, keys[i]));
    const el_status st = el_json_complete()
                             ? el_options_recall(options, wanted, el_path_in(folder, EL_RUN_RECORD).text)
                             : el_no_memory(NULL);
    json_decref(wanted);
    return st;
}
