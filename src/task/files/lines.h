/* lines - the lines of a file, plain or compressed, one after the other
 *
 * A line comes without its newline and carriage return, the first without a byte order mark, and is valid UTF-8: what is
 * not is EL_EDATA with file and line.
 */
#ifndef EL_TASK_LINES_H
#define EL_TASK_LINES_H

#include "text/reader.h"

typedef struct {
    const char *name; /* of the file, for sentences; borrowed */
    el_reader *reader;
    el_block block;
    const char *at;
    bool ended;
    int64_t number; /* of the line that was given last, from 1 */
} el_lines;

el_status el_lines_open(el_lines *lines, const char *path); /* "-": standard input */
/* The next line, valid until the next call; text NULL: there is no more. */
el_status el_lines_next(el_lines *lines, el_line *line);
/* The text that comes next, without taking it: a block at most, and of a pipe what has come. */
el_status el_lines_look(el_lines *lines, el_line *text);
/* All that is left, on the heap, with a zero behind it; the same is EL_EDATA. */
el_status el_lines_rest(el_lines *lines, char **text, size_t *bytes);
/* Whether the next line has not come yet, as of a pipe. */
bool el_lines_wait(const el_lines *lines);
void el_lines_close(el_lines *lines); /* accepts a zeroed one */

/* Whether a line ends a sentence in a file with a word a line: tabs and blanks alone, as other white space may be a word. */
bool el_line_ends_sentence(el_line line);

/* EL_EDATA with "name, line n: ..." in front. */
el_status el_lines_fail(const el_lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
