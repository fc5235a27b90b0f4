/* line - text a line at a time */
#ifndef EL_TEXT_LINE_H
#define EL_TEXT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line, without its newline. */
typedef struct {
    const char *text;
    size_t bytes;
} el_line;

/* The next line of [*at, end), false at the end. */
bool el_line_next(const char **at, const char *end, el_line *line);
/* Takes off the carriage return that ends the lines of DOS files. */
void el_line_trim(el_line *line);
/* Whether nothing is left of a line behind Python's strip: white space of Unicode, and U+001C to U+001F. */
bool el_line_blank(el_line line);
/* Says how many blank lines were passed over where each line has an answer of its own; of none nothing. */
void el_line_say_blank(const char *path, int64_t blank);

/* Cuts a block for parallel work: the length of the shortest run of whole lines of at least `want` bytes
 * from the beginning of [text, text + bytes); `bytes` if there is none. */
size_t el_lines_cut(const char *text, size_t bytes, size_t want);

#endif
