/* record - the fields of a line, between separators, quoted (RFC 4180) or not; private to task/files */
#ifndef EL_TASK_RECORD_H
#define EL_TASK_RECORD_H

#include "task/files/lines.h"

/* Text that grows; a zero is behind it. */
typedef struct {
    char *text;
    size_t used, room;
} el_buffer;

/* False without memory. */
bool el_buffer_put(el_buffer *buffer, const char *text, size_t bytes);

/* Fields: where each begins in the text, a zero behind each. */
typedef struct {
    el_buffer text;
    size_t *begins;
    int count;
    size_t room;
} el_record;

/* Replaces the fields by those of a line.  A quoted one may go on over the lines that follow. */
el_status el_record_split(el_record *record, char separator, bool quoted, el_lines *lines, el_line line);
/* From 0; NULL where there is none. */
const char *el_record_field(const el_record *record, int place);
void el_record_release(el_record *record); /* accepts a zeroed one */

#endif
