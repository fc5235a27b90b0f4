/* protobuf - see the header */
#include "format/protobuf.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

void el_protobuf_raw(el_protobuf *pb, const void *data, size_t bytes)
{
    if (pb->out)
        el_writer_put(pb->out, data, bytes);
    else if (pb->memory)
        memcpy(pb->memory + pb->bytes, data, bytes);
    pb->bytes += bytes;
}

bool el_protobuf_writes(const el_protobuf *pb)
{
    return pb->out || pb->memory;
}

static void varint(el_protobuf *pb, uint64_t value)
{
    unsigned char bytes[10];
    size_t count = 0;
    do {
        bytes[count] = (unsigned char)(value & 127);
        value >>= 7;
        bytes[count++] |= value ? 128 : 0;
    } while (value);
    el_protobuf_raw(pb, bytes, count);
}

static void tag(el_protobuf *pb, int field, int wire)
{
    varint(pb, (uint64_t)field << 3 | (uint64_t)wire);
}

void el_protobuf_int(el_protobuf *pb, int field, int64_t value)
{
    tag(pb, field, VARINT);
    varint(pb, (uint64_t)value);
}

void el_protobuf_float(el_protobuf *pb, int field, float value)
{
    tag(pb, field, FIXED32);
    el_protobuf_raw(pb, &value, sizeof value);
}

void el_protobuf_double(el_protobuf *pb, int field, double value)
{
    tag(pb, field, FIXED64);
    el_protobuf_raw(pb, &value, sizeof value);
}

void el_protobuf_begin_bytes(el_protobuf *pb, int field, uint64_t bytes)
{
    tag(pb, field, LENGTH);
    varint(pb, bytes);
}

void el_protobuf_string(el_protobuf *pb, int field, const char *text)
{
    el_protobuf_begin_bytes(pb, field, strlen(text));
    el_protobuf_raw(pb, text, strlen(text));
}

void el_protobuf_message(el_protobuf *pb, int field, el_protobuf_fields *fields, void *context)
{
    el_protobuf counter = {0};
    fields(&counter, context);
    el_protobuf_begin_bytes(pb, field, counter.bytes);
    if (el_protobuf_writes(pb))
        fields(pb, context);
    else
        pb->bytes += counter.bytes;
}
