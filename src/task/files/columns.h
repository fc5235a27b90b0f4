/* columns - which columns of a table are the text, the second text, the label and the id
 *
 * What was said comes first, then what the training file's layout says, then the names that such columns have, then what
 * the columns hold: an id is a number of its own in every row, a label comes again and again.  Whether the first row names
 * the columns is found likewise.  What can be understood in two ways is EL_EDATA, with the options that decide it.
 */
#ifndef EL_TASK_COLUMNS_H
#define EL_TASK_COLUMNS_H

#include "task/files/layout.h"
#include "task/files/table.h"

/* Finds the columns by the rows ahead, and names the table's columns where its first row does.  Fills all of the layout but
 * its file form and its gap.  `wanted` has the columns that were said, by the caller or by a task whose files have one form. */
el_status el_columns_find(el_table *table, const char *path, el_task_kind kind, const el_task_reading *wanted,
                          el_file_layout *layout);

#endif
