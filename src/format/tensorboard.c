/* tensorboard - see the header */
#include "format/tensorboard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/io.h"
#include "format/crc32c.h"
#include "format/protobuf.h"

/* An Event; version or figures. */
typedef struct {
    double time;
    int64_t step;
    const char *version, *group;
    const json_t *figures;
} event;

/* Summary.Value */
typedef struct {
    const char *tag;
    float number;
} scalar;

static void put_scalar(el_protobuf *pb, void *context)
{
    const scalar *const s = context;
    el_protobuf_string(pb, 1, s->tag);
    el_protobuf_float(pb, 2, s->number);
}

static void put_summary(el_protobuf *pb, void *context)
{
    const event *const e = context;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)e->figures, key, value) {
        if (!json_is_number(value) || strcmp(key, "step") == 0 || strcmp(key, "tokens") == 0)
            continue;
        char tag[128];
        snprintf(tag, sizeof tag, "%s/%s", e->group, key);
        scalar s = {tag, (float)json_number_value(value)};
        el_protobuf_message(pb, 1, put_scalar, &s);
    }
}

static void put_event(el_protobuf *pb, event *e)
{
    el_protobuf_double(pb, 1, e->time);
    if (e->version) {
        el_protobuf_string(pb, 3, e->version);
        return;
    }
    el_protobuf_int(pb, 2, e->step);
    el_protobuf_message(pb, 5, put_summary, e);
}

enum { BEFORE = sizeof(uint64_t) + sizeof(uint32_t), BEHIND = sizeof(uint32_t) };

/* The frame of an event on the heap; NULL when out of memory. */
static unsigned char *frame_of(event *e, size_t *bytes)
{
    el_protobuf pb = {0};
    put_event(&pb, e);
    const uint64_t length = pb.bytes;
    *bytes = (size_t)length + BEFORE + BEHIND;
    unsigned char *const frame = malloc(*bytes);
    if (!frame)
        return NULL;
    pb = (el_protobuf){.memory = frame + BEFORE};
    put_event(&pb, e);
    const uint32_t of_length = el_crc32c_masked(&length, sizeof length);
    const uint32_t of_event = el_crc32c_masked(frame + BEFORE, (size_t)length);
    memcpy(frame, &length, sizeof length);
    memcpy(frame + sizeof length, &of_length, sizeof of_length);
    memcpy(frame + BEFORE + length, &of_event, sizeof of_event);
    return frame;
}

static el_status put_frame(el_tensorboard *events, event *e)
{
    size_t bytes;
    unsigned char *const frame = frame_of(e, &bytes);
    el_status st = frame ? EL_OK : el_no_memory(events->path);
    if (!st && !el_file_put(events->file, frame, bytes))
        st = el_io_fail(events->path);
    free(frame);
    return st;
}

el_status el_tensorboard_open(el_tensorboard *events, const char *folder)
{
    *events = (el_tensorboard){.path = el_path_join(folder, "events.out.tfevents.electra"), .file = -1};
    if (!events->path)
        return el_no_memory(folder);
    events->file = el_io_open(events->path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
    el_status st = events->file < 0 ? el_io_fail(events->path) : EL_OK;
    if (!st)
        st = put_frame(events, &(event){.version = "brain.Event:2"});
    if (st)
        el_tensorboard_close(events);
    return st;
}

el_status el_tensorboard_put(el_tensorboard *events, const char *group, int64_t step, double time,
                             const json_t *figures)
{
    return put_frame(events, &(event){.time = time, .step = step, .group = group, .figures = figures});
}

void el_tensorboard_close(el_tensorboard *events)
{
    if (events->path && events->file >= 0)
        el_io_close(events->file);
    free(events->path);
    *events = (el_tensorboard){.file = -1};
}
