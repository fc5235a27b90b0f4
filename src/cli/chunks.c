/* chunks - see the header */
#include "cli/chunks.h"

#include <string.h>

enum { CHUNK = 512 };

el_status cli_chunks(char *const *paths, int count, const el_task *task, el_task_reading reading,
                     el_labels *labels, cli_take_chunk *take, void *context)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < count; i++) {
        el_task_reader *reader = NULL;
        bool more = true, any = strcmp(paths[i], "-") == 0;
        st = el_task_reader_open(&reader, task, paths[i], reading, labels);
        while (!st && more) {
            el_dataset chunk = {0};
            st = el_task_reader_next(reader, CHUNK, &chunk);
            more = !st && chunk.count;
            any |= more;
            if (!st)
                st = take(context, &chunk);
            el_dataset_release(&chunk);
        }
        el_task_reader_close(reader);
        if (!st && !any)
            st = el_fail(EL_EDATA, "%s: there is no example in it", paths[i]);
    }
    return st;
}
