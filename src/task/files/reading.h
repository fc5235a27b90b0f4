/* reading - what a task's reader is made of; private to task/files */
#ifndef EL_TASK_READING_H
#define EL_TASK_READING_H

#include "task/files/conll.h"
#include "task/files/layout.h"
#include "task/files/table.h"
#include "task/task.h"

/* A file of lines whose texts all have one label. */
typedef struct {
    char *label, *path;
} class_file;

struct el_task_reader {
    const el_task *task;
    el_columns said; /* by the caller, and by the task where the file has the form that its files have */
    el_task_reading wanted; /* these columns, and labels that are in the file, not those of classes */
    el_labels *labels;
    char *path;
    const char *name; /* of it, for sentences */
    el_file_layout layout;
    el_lines lines; /* of questions */
    el_table *table;
    el_conll conll;
    bool resolved;
    bool unlabelled;       /* its column holds no labels: none of the rows ahead has one, and no other may */
    bool minus_ones;       /* there -1 is none */
    EL_BY_ROLE(el_column); /* without a key: there is none */
    el_column *label_columns;
    class_file *classes; /* one after the other */
    int class_count, class_at;
    int64_t empty; /* texts so far that are nothing but blanks, or sentences without words */
    bool ended;
};

/* Takes the table's row as an example, where it is one: a row that judges gave no label is left out and counted, and a
 * malformed one where that is the custom. */
el_status el_reader_take_row(el_task_reader *reader, el_dataset *dataset);

/* Whether the label is none in a file that is unlabelled: empty, or -1 as `datasets` has it. */
bool el_reader_empty_label(const el_task_reader *reader, const char *label);
/* Whether the rows are JSON's. */
bool el_reader_keyed(const el_task_reader *reader);
/* Adds a label; one that a closed list lacks is EL_EDATA with file and line. */
el_status el_reader_add_label(const el_task_reader *reader, el_dataset *dataset, const char *name,
                              int *label);

#endif
