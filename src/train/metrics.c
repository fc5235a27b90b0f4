/* metrics - see the header */
#include "train/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/io.h"

/* Bytes of the first `lines` whole lines, or of all there are. */
static size_t kept_bytes(const el_mapping *file, int64_t lines)
{
    const char *text = (const char *)file->data;
    size_t kept = 0;
    for (; lines > 0; lines--) {
        const char *end = memchr(text + kept, '\n', file->size - kept);
        if (!end)
            break;
        kept = (size_t)(end - text) + 1;
    }
    return kept;
}

static el_status cut(el_metrics *metrics, int64_t lines)
{
    el_mapping file;
    const el_status st = el_mapping_open(&file, metrics->path);
    if (st)
        return st;
    const size_t kept = kept_bytes(&file, lines);
    el_mapping_close(&file);
    if (el_io_truncate(metrics->file, (off_t)kept) != 0)
        return el_fail(EL_EFAILED, "%s: %s", metrics->path, strerror(errno));
    return EL_OK;
}

el_status el_metrics_open(el_metrics *metrics, const char *path, int64_t lines)
{
    *metrics = (el_metrics){.path = strdup(path), .file = -1};
    if (!metrics->path)
        return el_fail(EL_ENOMEM, "%s: out of memory", path);
    metrics->file = el_io_open(path, O_WRONLY | O_CREAT | O_APPEND);
    const el_status st =
        metrics->file < 0 ? el_fail(EL_EFAILED, "%s: %s", path, strerror(errno)) : cut(metrics, lines);
    if (st)
        el_metrics_close(metrics);
    return st;
}

static bool is_training(const json_t *line)
{
    const char *const kind = json_string_value(json_object_get(line, "kind"));
    return kind && strcmp(kind, "train") == 0;
}

/* A line of training says how long the run has taken; an evaluation belongs to the line before it. */
static el_status put_event(el_metrics *metrics, const json_t *line)
{
    const char *const kind = json_string_value(json_object_get(line, "kind"));
    if (!metrics->events.path || !kind)
        return EL_OK;
    if (is_training(line))
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
        return el_fail(EL_ENOMEM, "%s: out of memory", metrics->path);
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

static el_status append_line(json_t *lines, const char *text, size_t bytes, const char *path)
{
    char name[4160];
    snprintf(name, sizeof name, "%s, line %zu", path, json_array_size(lines) + 1);
    json_t *line;
    const el_status st = el_json_parse(&line, text, bytes, name);
    if (st)
        return st;
    return json_array_append_new(lines, line) == 0 ? EL_OK : el_fail(EL_ENOMEM, "%s: out of memory", path);
}

el_status el_metrics_load(json_t **lines, const char *path)
{
    el_mapping file;
    el_status st = el_mapping_open(&file, path);
    if (st)
        return st;
    *lines = json_array();
    if (!*lines)
        st = el_fail(EL_ENOMEM, "%s: out of memory", path);
    const char *at = (const char *)file.data, *const end = at + file.size, *newline;
    for (; !st && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL; at = newline + 1)
        st = append_line(*lines, at, (size_t)(newline - at), path);
    el_mapping_close(&file);
    if (st) {
        json_decref(*lines);
        *lines = NULL;
    }
    return st;
}

el_status el_metrics_mirror(el_metrics *metrics, const char *folder)
{
    json_t *lines, *line;
    el_status st = el_metrics_load(&lines, metrics->path);
    if (st)
        return st;
    size_t i;
    json_array_foreach(lines, i, line) if (is_training(line)) metrics->seconds =
        json_number_value(json_object_get(line, "seconds"));
    metrics->began = (double)time(NULL) - metrics->seconds;
    st = el_tensorboard_open(&metrics->events, folder);
    json_array_foreach(lines, i, line) if (!st) st = put_event(metrics, line);
    json_decref(lines);
    return st;
}
