/* chunks - the examples of files, some hundred at a time, for commands that answer them in their order */
#ifndef EL_CLI_CHUNKS_H
#define EL_CLI_CHUNKS_H

#include "task/task.h"

/* Takes the next examples of a file: none, where all that was left of it is malformed, and at its end. */
typedef el_status cli_take_chunk(void *context, const el_dataset *chunk);

/* File after file; one without an example is EL_EDATA, but for standard input: a pipe may bring nothing. */
el_status cli_chunks(char *const *paths, int count, const el_task *task, el_task_reading reading,
                     el_labels *labels, cli_take_chunk *take, void *context);

#endif
