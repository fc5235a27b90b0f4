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

typedef struct {
    el_task_kind kind;
    const el_columns *said;      /* by the caller, or by a task whose files have one form */
    const el_file_layout *known; /* of the file that was learned from; NULL: none is known */
    bool labelled;               /* a label is wanted */
    bool labels_may_lack;        /* and not missed where no column has it */
} el_wanted;

/* Finds the columns by the rows ahead, and names the table's columns where its first row does.  Fills all of the layout but
 * its file form and its gap. */
el_status el_columns_find(el_table *table, const char *path, const el_wanted *wanted, el_file_layout *layout);

#endif
