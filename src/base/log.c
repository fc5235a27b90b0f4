/* log - the sink for messages, one for the whole process */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/grow.h"

static el_log_sink *_Atomic current;
enum { MOST_NOTES = 32 }; /* that are known to have been said; beyond these one may come twice */
static _Thread_local const char *beginning;
static _Thread_local uint64_t said[MOST_NOTES];
static _Thread_local int said_count;
static _Thread_local struct {
    bool holds;
    char **lines;
    size_t count, room;
} held;

void el_log_to(el_log_sink *sink)
{
    atomic_store(&current, sink);
}

void el_log_begin_with(const char *words)
{
    if (!words || !beginning || strcmp(words, beginning) != 0)
        said_count = 0;
    beginning = words;
}

static bool was_said(const char *line)
{
    const uint64_t hash = el_hash(line, strlen(line));
    for (int i = 0; i < said_count; i++)
        if (said[i] == hash)
            return true;
    if (said_count < MOST_NOTES)
        said[said_count++] = hash;
    return false;
}

void el_log_hold_notes(void)
{
    held.holds = true;
}

void el_log_release_notes(bool say)
{
    el_log_sink *const sink = atomic_load(&current);
    for (size_t i = 0; i < held.count; i++) {
        if (say && sink)
            sink(EL_LOG_NOTE, held.lines[i]);
        free(held.lines[i]);
    }
    free(held.lines);
    memset(&held, 0, sizeof held);
}

/* Whether the line is kept back: without memory it is said at once. */
static bool hold(const char *line)
{
    char *const copy =
        el_grow(&held.lines, &held.room, held.count + 1, sizeof *held.lines) ? strdup(line) : NULL;
    if (copy)
        held.lines[held.count++] = copy;
    return copy;
}

void el_log(el_log_level level, const char *format, ...)
{
    el_log_sink *sink = atomic_load(&current);
    if (!sink)
        return;
    char line[2048];
    const int begun = snprintf(line, sizeof line, "%s%s", beginning ? beginning : "", beginning ? ": " : "");
    va_list arguments;
    va_start(arguments, format);
    if ((size_t)begun < sizeof line)
        vsnprintf(line + begun, sizeof line - (size_t)begun, format, arguments);
    va_end(arguments);
    el_error_tidy(line);
    const bool twice = (size_t)begun < sizeof line && strncmp(line + begun, line, (size_t)begun) == 0;
    const char *const text = twice ? line + begun : line;
    const bool note = level == EL_LOG_NOTE;
    if ((note && beginning && was_said(line)) || (note && held.holds && hold(text)))
        return;
    sink(level, text);
}
