/* run - see the header */
#include "train/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/io.h"
#include "base/log.h"
#include "base/output.h"
#include "base/temporary.h"
#include "train/checkpoint.h"

static el_status lock(el_run *run)
{
    bool busy;
    const el_status st = el_folder_lock_take(&run->lock, run->folder, &busy);
    return busy ? el_fail(EL_EFAILED, "%s: another process is at work in this folder", run->folder) : st;
}

el_status el_run_read(json_t **record, const char *folder)
{
    return el_json_load_in(record, folder, EL_RUN_RECORD);
}

/* The command that made a run; records of version 0.1.0 do not name it. */
static const char *maker_of(const json_t *record)
{
    const char *const command = json_string_value(json_object_get(record, "command"));
    return command                                      ? command
           : json_object_get(record, "trials")          ? "finetune"
           : json_object_get(record, "vocabulary_hash") ? "pretrain"
                                                        : NULL;
}

/* Reads run.json, where there is one, and refuses another command's; without one the folder must be empty. */
static el_status read_record(el_run *run)
{
    const char *const command = run->kind->command;
    bool empty;
    json_decref(run->record);
    el_status st = el_run_read(&run->record, run->folder);
    const bool there = run->record;
    if (!st && !there)
        st = el_output_check(run->folder, command, el_folder_lock_is, &empty);
    const char *const maker = there ? maker_of(run->record) : command;
    if (!st && !maker)
        st = el_fail(EL_EUSAGE, "%s/" EL_RUN_RECORD ": is not of electra %s, and the folder is left as it is",
                     run->folder, command);
    else if (!st && strcmp(maker, command) != 0)
        st = el_fail(EL_EUSAGE, "%s: is what electra %s made; electra %s needs a folder of its own",
                     run->folder, maker, command);
    if (!st && !there && !(run->record = json_object()))
        st = el_no_memory(run->folder);
    return st;
}

el_status el_run_open(el_run *run, const el_run_kind *kind, const char *folder, bool overwrite)
{
    *run = (el_run){.kind = kind, .folder = strdup(folder), .made = !el_folder_exists(folder)};
    el_status st = run->folder ? read_record(run) : el_no_memory(folder);
    if (!st)
        st = el_folder_make(folder);
    if (!st)
        st = lock(run);
    if (!st)
        st = el_temporary_sweep(folder);
    if (!st)
        st = read_record(run); /* again: before the lock another process may have been at work */
    if (!st && overwrite) {
        run->replaces = json_object_size(run->record) > 0;
        st = json_object_clear(run->record) == 0 ? EL_OK : el_no_memory(folder);
    }
    if (st)
        el_run_close(run);
    return st;
}

static el_status share_record(el_run *run)
{
    char *text = run->follows ? NULL : el_json_text(run->record, false);
    el_status st = run->follows || text ? EL_OK : el_no_memory(run->folder);
    st = el_dist_agree(run->dist, st);
    if (!st)
        st = el_dist_share_text(run->dist, &text);
    if (!st && run->follows)
        st = el_json_parse(&run->record, text, strlen(text), "run.json of rank 0");
    free(text);
    return el_dist_agree(run->dist, st);
}

/* What rank 0 has opened, with `st`, the others are told. */
static el_status share_opened(el_run *run, el_dist *dist, const char *folder, el_status st)
{
    if (!st && !run->folder)
        st = el_no_memory(folder);
    st = el_dist_agree(dist, st);
    run->dist = dist;
    if (!st && el_dist_size(dist) > 1)
        st = share_record(run);
    if (st)
        el_run_close(run);
    return st;
}

el_status el_run_open_shared(el_run *run, el_dist *dist, const el_run_kind *kind, const char *folder,
                             bool overwrite)
{
    if (el_dist_leads(dist))
        return share_opened(run, dist, folder, el_run_open(run, kind, folder, overwrite));
    *run = (el_run){.kind = kind, .folder = strdup(folder), .follows = true};
    return share_opened(run, dist, folder, EL_OK);
}

el_status el_run_look_shared(el_run *run, el_dist *dist, const el_run_kind *kind, const char *folder)
{
    *run = (el_run){.kind = kind, .folder = strdup(folder), .follows = !el_dist_leads(dist)};
    return share_opened(run, dist, folder, run->folder && !run->follows ? read_record(run) : EL_OK);
}

void el_run_close(el_run *run)
{
    el_folder_lock_release(&run->lock);
    if (run->folder && run->made)
        el_io_remove_folder(run->folder); /* refused where something lies in it */
    free(run->folder);
    json_decref(run->record);
    json_decref(run->changes);
    *run = (el_run){0};
}

/* What an earlier run of the same command left; run.json, which says whose all this is, is written over. */
static el_status remove_earlier(el_run *run)
{
    char **names = NULL;
    int count = 0;
    el_status st = run->replaces && !run->follows ? el_folder_list(run->folder, &names, &count) : EL_OK;
    for (int i = 0; i < count && !st; i++)
        if (run->kind->gives(names[i]))
            st = el_folder_remove(el_path_in(run->folder, names[i]).text);
    el_folder_list_release(names, count);
    run->replaces = false;
    return st;
}

el_status el_run_save(el_run *run)
{
    return run->follows ? EL_OK : el_json_save(run->record, el_path_in(run->folder, EL_RUN_RECORD).text);
}

el_status el_run_begun(const el_run *run, bool *begun)
{
    int64_t *steps = NULL;
    int count = 0;
    const bool there = !run->follows && el_folder_exists(run->folder); /* as it need not be to look */
    el_status st = there ? el_checkpoint_list(run->folder, &steps, &count) : EL_OK;
    *begun = !st && (count > 0 || json_object_get(run->record, "settings"));
    free(steps);
    st = el_dist_agree(run->dist, st);
    if (!st)
        el_dist_share(run->dist, begun, sizeof *begun);
    return st;
}

static bool is_setting(const el_options *options, const char *key)
{
    for (int i = 0; i < options->count; i++)
        if (options->table[i].type != EL_OPT_SECTION && strcmp(options->table[i].name, key) == 0)
            return true;
    return false;
}

/* Settings that an older version had and this one has not. */
static void forget_unknown(json_t *settings, const el_options *options)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(settings, next, key, value) if (!is_setting(options, key))
    {
        el_log(EL_LOG_WARNING, "run.json: there is no setting %s any more; what it says is left out", key);
        json_object_del(settings, key);
    }
}

static bool has_name(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *const item = json_string_value(json_array_get(names, i));
        if (item && strcmp(item, name) == 0)
            return true;
    }
    return false;
}

/* Of the settings on record, those that somebody gave then; older records do not tell. */
static void mark_given(const el_run *run, el_options *options)
{
    const json_t *const given = json_object_get(run->record, "given");
    for (int i = 0; i < options->count; i++)
        if (options->origins[i] == EL_FROM_RECORD && (!given || has_name(given, options->table[i].name)))
            options->origins[i] = EL_FROM_CONFIG;
}

/* Paths on record are those of the folder that the run began in. */
static el_status check_places(const el_run *run, const el_options *options, const json_t *recorded,
                              const char *const *places)
{
    for (; *places; places++) {
        const char *const path = json_string_value(json_object_get(recorded, *places));
        if (!path || el_options_given(options, *places) || el_file_exists(path) || el_folder_exists(path))
            continue;
        (void)el_options_refuse(*places, "%s, which %s/" EL_RUN_RECORD " names, is not there", path,
                                run->folder);
        return el_fail(EL_EDATA, "%s", el_error());
    }
    return EL_OK;
}

el_status el_run_recall(const el_run *run, el_options *options, const char *const *of_now,
                        const char *const *places)
{
    json_t *const recorded = json_deep_copy(json_object_get(run->record, "settings"));
    if (!el_json_complete()) {
        json_decref(recorded);
        return el_no_memory(run->folder);
    }
    if (!recorded)
        return el_fail(EL_EDATA, "%s/run.json: holds no settings to go on with", run->folder);
    for (; *of_now; of_now++)
        json_object_del(recorded, *of_now);
    forget_unknown(recorded, options);
    el_status st = check_places(run, options, recorded, places);
    if (!st)
        st = el_options_recall(options, recorded, EL_RUN_RECORD);
    if (!st)
        mark_given(run, options);
    json_decref(recorded);
    return st;
}

static bool is_free(const char *const *free_keys, const char *key)
{
    for (; *free_keys; free_keys++)
        if (strcmp(*free_keys, key) == 0)
            return true;
    return false;
}

static el_status refuse(const char *key, const json_t *before, const json_t *now)
{
    char *old = el_json_text(before, false), *new = el_json_text(now, false);
    const el_status st =
        el_options_refuse(key,
                          "the run has %s, now it would be %s, which changes what is learned; "
                          "--allow-change to do it all the same",
                          old ? old : "another value", new ? new : "another value");
    free(old);
    free(new);
    return st;
}

static void note_change(el_run *run, const char *key, const json_t *before, const json_t *now)
{
    if (!run->changes)
        run->changes = json_object();
    json_object_set_new(run->changes, key, json_pack("[O, O]", before, now));
}

el_status el_run_compare(el_run *run, const json_t *now, const char *const *free_keys, bool allow)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)now, key, value) {
        const json_t *const before = json_object_get(json_object_get(run->record, "settings"), key);
        if (!before || json_equal(before, value))
            continue;
        if (!allow && !is_free(free_keys, key))
            return refuse(key, before, value);
        note_change(run, key, before, value);
    }
    return EL_OK;
}

static json_t *hash_json(uint64_t hash)
{
    char text[17];
    el_hash_text(hash, text);
    return json_string(text);
}

el_status el_run_check_hash(el_run *run, const char *key, uint64_t hash, const char *other, bool allow)
{
    json_t *const now = hash_json(hash), *const before = json_object_get(run->record, key);
    const char *const is = json_string_value(now), *was = NULL;
    el_status st = is ? el_json_string(run->record, EL_RUN_RECORD, key, &was) : el_no_memory(NULL);
    if (!st && was && strcmp(was, is) != 0) {
        if (!allow)
            st = el_fail(EL_EUSAGE,
                         "%s: %s than it began with (%s, not %s); --allow-change to go on all the same",
                         run->folder, other, is, was);
        else {
            note_change(run, key, before, now);
            el_log(EL_LOG_NOTE, "%s: %s from here on (%s, not %s)", run->folder, other, is, was);
        }
    }
    json_decref(now);
    return st;
}

void el_run_set_hash(el_run *run, const char *key, uint64_t hash)
{
    json_object_set_new(run->record, key, hash_json(hash));
}

/* The time, as 2020-03-23T12:00:00Z. */
static json_t *time_now(void)
{
    const time_t now = time(NULL);
    struct tm utc;
    char text[32];
    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(text);
}

el_status el_run_segment_begin(el_run *run, int64_t step, json_t *machine)
{
    const el_status st = remove_earlier(run);
    if (st)
        return st;
    json_object_set_new(run->record, "command", json_string(run->kind->command));
    json_t *segments = json_object_get(run->record, "segments");
    if (!json_is_array(segments)) {
        segments = json_array();
        json_object_set_new(run->record, "segments", segments);
    }
    json_t *segment = json_pack("{s:o, s:I, s:O}", "started", time_now(), "from_step", (json_int_t)step,
                                "machine", machine);
    if (run->changes)
        json_object_set(segment, "changes", run->changes);
    json_array_append_new(segments, segment);
    return el_run_save(run);
}

el_status el_run_segment_end(el_run *run, int64_t step, el_status ended)
{
    el_outcome outlives; /* the writing down of it */
    el_outcome_keep(&outlives, ended);
    json_t *segments = json_object_get(run->record, "segments");
    json_t *segment = json_array_get(segments, json_array_size(segments) - 1);
    const char *const outcome = ended == EL_OK ? "finished" : ended == EL_ESTOPPED ? "stopped" : "failed";
    json_object_set_new(segment, "ended", time_now());
    json_object_set_new(segment, "to_step", json_integer(step));
    json_object_set_new(segment, "outcome", json_string(outcome));
    const el_status st = el_run_save(run);
    return ended ? el_outcome_repeat(&outlives) : st;
}
