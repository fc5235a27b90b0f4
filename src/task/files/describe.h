/* describe - what was understood of a file, and done with it, in a few lines for a person (base/log.h) */
#ifndef EL_TASK_DESCRIBE_H
#define EL_TASK_DESCRIBE_H

#include "task/files/layout.h"

/* Form, columns, rows, labels with their counts (ten at most), the first example as it is read. */
void el_describe_training(const el_file_layout *layout, const el_dataset *data, const el_labels *labels);
/* Rows left out, labels trimmed, answers that stand elsewhere: nothing where nothing of it happened. */
void el_describe_reading(const el_dataset *data);
/* Form and the columns that are answered, in one line. */
void el_describe_columns(const el_file_layout *layout, el_task_kind kind, const char *path);

#endif
