/* text - an answer while it grows
 *
 * Memory that lacks is noticed once, at the end: after it nothing is put any more, and `failed` is set.
 */
#ifndef EL_HTTP_TEXT_H
#define EL_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero it before first use; free(data). */
typedef struct {
    char *data;
    size_t bytes, room;
    bool failed;
} el_text;

void el_text_raw(el_text *text, const void *data, size_t bytes);
void el_text_put(el_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string, in its quotes; UTF-8. */
void el_text_string(el_text *text, const char *string, size_t bytes);
/* A float with nine digits, from which it can be had back; null where it is no number. */
void el_text_number(el_text *text, double value);
void el_text_base64(el_text *text, const void *data, size_t bytes);

#endif
