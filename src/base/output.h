/* output - whose the folder is that a command is to fill
 *
 * A command fills a folder that is not there yet or is empty, and goes on with, or replaces, what it made itself.  Anything
 * else is refused in one sentence, EL_EUSAGE, and nothing in it is touched.
 */
#ifndef EL_BASE_OUTPUT_H
#define EL_BASE_OUTPUT_H

#include <stdbool.h>

#include "error.h"

/* Refuses a file, and a folder with something in it that has a name which `own` denies (NULL: which denies all); *empty
 * tells whether there is nothing.  What killed processes left (temporary.h) does not count. */
el_status el_output_check(const char *folder, const char *command, bool (*own)(const char *name),
                          bool *empty);

/* Refuses an input that is the output folder or lies in it; `flag` names the input.  Both may be NULL. */
el_status el_output_apart(const char *flag, const char *input, const char *output);

/* Refuses an output file that is one of the inputs; `flag` names the output, which may be NULL. */
el_status el_output_differs(const char *flag, const char *output, char *const *inputs, int count);

/* Whether `path` is `folder` or lies in it, links followed as far as both are there. */
bool el_path_inside(const char *path, const char *folder);

#endif
