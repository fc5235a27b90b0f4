/* protobuf - messages of Google's protocol buffers, written as a stream
 *
 * A field that is a message begins with its length, which is not known before it is written.  So a message is a function
 * that puts its fields, and is called twice: once to count bytes, once to write them.  Nothing is kept in memory, and
 * weights go straight from where they lie into the file.
 *
 * Fields may come in any order, and fields of a repeated message may be interleaved with others.
 */
#ifndef EL_FORMAT_PROTOBUF_H
#define EL_FORMAT_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"

typedef struct {
    el_writer *out; /* borrowed */
    unsigned char
        *memory; /* the other place to write to, with room for all of it; neither: bytes are only counted */
    uint64_t bytes; /* put so far */
} el_protobuf;

/* Puts the fields of a message; the same ones each time. */
typedef void el_protobuf_fields(el_protobuf *pb, void *context);

void el_protobuf_int(el_protobuf *pb, int field, int64_t value);
void el_protobuf_float(el_protobuf *pb, int field, float value);
void el_protobuf_double(el_protobuf *pb, int field, double value);
void el_protobuf_string(el_protobuf *pb, int field, const char *text);
/* Whether bytes go anywhere. */
bool el_protobuf_writes(const el_protobuf *pb);

void el_protobuf_message(el_protobuf *pb, int field, el_protobuf_fields *fields, void *context);

/* Bytes whose length comes first; as many el_protobuf_raw follow as make them up. */
void el_protobuf_begin_bytes(el_protobuf *pb, int field, uint64_t bytes);
void el_protobuf_raw(el_protobuf *pb, const void *data, size_t bytes);

#endif
