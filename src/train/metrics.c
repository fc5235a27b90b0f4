/* metrics - see the header */
#include "train/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/io.h"
#include "base/log.h"
#include "text/line.h"

/* The next whole line; false where there is none. */
static bool next_line(const char **at, const char *end, el_line *line)
{
    const char *const newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
    if (!newline)
        return false;
    *line = (el_line){*at, (size_t)(newline - *at)};
    *at = newline + 1;
    return true;
}

/* Whether a line is of a later step; one that cannot be read is not. */
static el_status is_later(el_line line, int64_t step, bool *later)
{
    json_t *object = NULL;
    const el_status st = step < 0 ? EL_OK : el_json_parse(&object, line.text, line.bytes, EL_METRICS_FILE);
    *later = !st && step >= 0 && json_integer_value(json_object_get(object, "step")) > step;
    json_decref(object);
    return st == EL_EDATA ? EL_OK : st;
}

/* How many lines stay, and their bytes. */
static el_status count_kept(const el_mapping *file, int64_t step, int64_t *lines, size_t *bytes)
{
    const char *const text = (const char *)file->data, *at = text;
    el_status st = EL_OK;
    int64_t kept = 0;
    bool later = false;
    el_line line;
    *bytes = 0;
    while (kept < *lines && next_line(&at, text + file->size, &line)) {
        st = is_later(line, step, &later);
        if (st || later)
            break;
        kept++;
        *bytes = (size_t)(at - text);
    }
    *lines = kept;
    return st;
}

static el_status cut(el_metrics *metrics, int64_t step, int64_t *lines)
{
    el_mapping file;
    size_t bytes;
    el_status st = el_mapping_open(&file, metrics->path);
    if (st)
        return st;
    st = count_kept(&file, step, lines, &bytes);
    el_mapping_close(&file);
    if (!st && el_io_truncate(metrics->file, (off_t)bytes) != 0)
        st = el_fail(EL_EFAILED, "%s: %s", metrics->path, strerror(errno));
    return st;
}

el_status el_metrics_open(el_metrics *metrics, const char *path, int64_t step, int64_t *lines)
{
    *metrics = (el_metrics){.path = strdup(path), .file = -1};
    if (!metrics->path)
        return el_no_memory(path);
    metrics->file = el_io_open(path, O_WRONLY | O_CREAT | O_APPEND);
    const el_status st =
        metrics->file < 0 ? el_fail(EL_EFAILED, "%s: %s", path, strerror(errno)) : cut(metrics, step, lines);
    if (st)
        el_metrics_close(metrics);
    return st;
}

static const char *kind_of(const json_t *line)
{
    return json_string_value(json_object_get(line, "kind"));
}

bool el_metrics_is(const json_t *line, const char *kind)
{
    const char *const said = kind_of(line);
    return said && strcmp(said, kind) == 0;
}

bool el_metrics_is_figure(const char *key, const json_t *value)
{
    static const char *const OTHERS[] = {"step",        "tokens",  "flops",
                                         "flops_paper", "seconds", "tokens_per_second"};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (strcmp(key, OTHERS[i]) == 0)
            return false;
    return json_is_number(value);
}

/* A line of training says how long the run has taken; an evaluation belongs to the line before it. */
static el_status put_event(el_metrics *metrics, const json_t *line)
{
    const char *const kind = kind_of(line);
    if (!metrics->events.path || !kind)
        return EL_OK;
    if (el_metrics_is(line, EL_METRICS_TRAINING))
        metrics->seconds = json_number_value(json_object_get(line, "seconds"));
    return el_tensorboard_put(&metrics->events, kind, json_integer_value(json_object_get(line, "step")),
                              metrics->began + metrics->seconds, line);
}

/* All of a line, or nothing of it: where a disk is full no later line may stand behind a torn one. */
static el_status put_text(el_metrics *metrics, const char *text, size_t bytes)
{
    const off_t before = el_io_seek(metrics->file, 0, SEEK_END);
    if (before >= 0 && el_file_put(metrics->file, text, bytes))
        return EL_OK;
    const el_status st = el_fail(EL_EFAILED, "%s: %s", metrics->path, strerror(errno));
    if (before >= 0 && el_io_truncate(metrics->file, before) != 0) {
        el_io_close(metrics->file);
        metrics->file = -1; /* and no line follows */
    }
    return st;
}

el_status el_metrics_put(el_metrics *metrics, const json_t *line)
{
    char *text = el_json_text(line, false);
    if (!text)
        return el_no_memory(metrics->path);
    const size_t length = strlen(text);
    text[length] = '\n'; /* in place of the NUL */
    const el_status st = put_text(metrics, text, length + 1);
    free(text);
    return st ? st : put_event(metrics, line);
}

el_status el_metrics_sync(el_metrics *metrics)
{
    if (el_io_sync(metrics->file) != 0)
        return el_fail(EL_EFAILED, "%s: %s", metrics->path, strerror(errno));
    return EL_OK;
}

void el_metrics_close(el_metrics *metrics)
{
    if (metrics->path && metrics->file >= 0)
        el_io_close(metrics->file);
    el_tensorboard_close(&metrics->events);
    free(metrics->path);
    *metrics = (el_metrics){.file = -1};
}

static el_status append_line(json_t *lines, el_line text, const char *path, int64_t number)
{
    char name[4160];
    snprintf(name, sizeof name, "%s, line %" PRId64, path, number);
    json_t *line;
    const el_status st = el_json_parse(&line, text.text, text.bytes, name);
    if (st)
        return st;
    return json_array_append_new(lines, line) == 0 ? EL_OK : el_no_memory(path);
}

/* The first `most` lines, up to the first failure, or `all` that can be read beside it. */
static el_status load(json_t **lines, const char *path, int64_t most, bool all)
{
    el_mapping file;
    el_outcome first = {0};
    el_status st = el_mapping_open(&file, path);
    if (st)
        return st;
    *lines = json_array();
    if (!*lines)
        st = el_no_memory(path);
    el_outcome_keep(&first, st);
    const char *at = (const char *)file.data, *const end = at + file.size;
    el_line line;
    for (int64_t number = 1; *lines && number <= most && (all || !first.status) && next_line(&at, end, &line);
         number++) {
        st = append_line(*lines, line, path, number);
        if (st && !first.status)
            el_outcome_keep(&first, st);
    }
    el_mapping_close(&file);
    if (first.status && !all) {
        json_decref(*lines);
        *lines = NULL;
    }
    return el_outcome_repeat(&first);
}

el_status el_metrics_load_first(json_t **lines, const char *path, int64_t most)
{
    return load(lines, path, most, false);
}

el_status el_metrics_load(json_t **lines, const char *path)
{
    return load(lines, path, INT64_MAX, false);
}

el_status el_metrics_load_good(json_t **lines, const char *path)
{
    return load(lines, path, INT64_MAX, true);
}

static el_status visit_run(const char *run, const char *trial, el_metrics_visit visit, void *context,
                           bool *found)
{
    const el_path path = el_path_in(run, EL_METRICS_FILE);
    *found = el_file_exists(path.text);
    return *found ? visit(context, run, trial, path.text) : EL_OK;
}

el_status el_metrics_each_run(const char *folder, el_metrics_visit visit, void *context)
{
    char **names = NULL;
    int count = 0;
    bool found;
    el_status st = visit_run(folder, NULL, visit, context, &found);
    if (!st && !found)
        st = el_folder_list(folder, &names, &count);
    for (int i = 0; !st && i < count; i++)
        if (strncmp(names[i], EL_TRIAL_FOLDER, strlen(EL_TRIAL_FOLDER)) == 0)
            st = visit_run(el_path_in(folder, names[i]).text, names[i], visit, context, &found);
    el_folder_list_release(names, count);
    return st;
}

el_status el_metrics_mirror(el_metrics *metrics, const char *folder)
{
    json_t *lines, *line;
    el_status st = el_metrics_load_good(&lines, metrics->path);
    if (st != EL_EDATA && st)
        return st;
    if (st)
        el_log(EL_LOG_WARNING, "%s; TensorBoard is shown the other lines", el_error());
    size_t i;
    json_array_foreach(lines, i, line)
        if (el_metrics_is(line, EL_METRICS_TRAINING))
            metrics->seconds = json_number_value(json_object_get(line, "seconds"));
    metrics->began = (double)time(NULL) - metrics->seconds;
    st = el_tensorboard_open(&metrics->events, folder);
    json_array_foreach(lines, i, line)
        if (!st)
            st = put_event(metrics, line);
    json_decref(lines);
    return st;
}
