/* ending - whether a text ends with another */
#ifndef EL_BASE_ENDING_H
#define EL_BASE_ENDING_H

#include <stdbool.h>
#include <string.h>

/* Of a text of `length` bytes, which need not be terminated. */
static inline bool el_bytes_end_with(const char *text, size_t length, const char *end)
{
    const size_t tail = strlen(end);
    return length >= tail && memcmp(text + length - tail, end, tail) == 0;
}

static inline bool el_ends_with(const char *text, const char *end)
{
    return el_bytes_end_with(text, strlen(text), end);
}

#endif
