/* columns - see the header */
#include "engine/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

el_columns el_columns_of(const el_column_settings *c)
{
    return (el_columns){.form = (el_form)c->form,
                        .header = c->header == 0 ? -1 : c->header == 1,
                        .text = {c->text, c->second},
                        .label = c->label,
                        .id = c->id};
}

enum { MOST_TASKS = 64 };

el_status el_task_named(const char *name, const el_task **task)
{
    *task = el_task_find(name);
    if (*task)
        return EL_OK;
    const char *names[MOST_TASKS];
    int count = 0;
    for (const el_task *t; count < MOST_TASKS && (t = el_task_at(count)); count++)
        names[count] = t->name;
    const char *const near = el_nearest(name, names, count);
    return el_fail(EL_EUSAGE, "--task: %s: no such task; %s%s", name,
                   near ? "did you mean " : "--help lists them", near ? near : "");
}

char *el_task_list(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (int i = 0; el_task_at(i); i++)
        fprintf(out, "  %-16s %s\n", el_task_at(i)->name, el_task_at(i)->about);
    return fclose(out) == 0 ? text : NULL;
}
