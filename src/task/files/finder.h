/* finder - what looks for the columns of a table; private to task/files
 *
 * columns.c asks in order: what was said, the training file's layout, the names of columns; then guess.c looks at what
 * they hold.  header.c tells whether the first row names them, strangers.c which tables are no such table.
 */
#ifndef EL_TASK_FINDER_H
#define EL_TASK_FINDER_H

#include "task/files/columns.h"
#include "task/files/names.h"
#include "task/files/survey.h"

typedef struct {
    el_table *table;
    const char *path;
    el_task_kind kind;
    const el_task_reading *wanted;
    el_survey survey;
    bool named;      /* by a header or by JSON */
    EL_BY_ROLE(int); /* places from 0; -1: none */
    bool label_told; /* the label's column is said or known, and no other one is it */
} el_finder;

/* What decides where it is not clear, for sentences. */
extern const char EL_TEXT_OPTION[], EL_LABEL_OPTION[], EL_HEADER_OPTION[];
/* EL_EDATA: "path: what; options". */
el_status el_finder_unclear(const el_finder *f, const char *what, const char *options);

/* The rank of a column's name in a role; -1: it is none of its names. */
int el_finder_rank(const el_finder *f, el_column_role role, int column);
bool el_finder_taken(const el_finder *f, int column);
/* Whether a column that nobody named may still be something. */
bool el_finder_free(const el_finder *f, int column);

/* Refuse what other programs write: rows one column wider than their header, or labels that are spans of characters. */
el_status el_finder_check_rows(const el_finder *f);
el_status el_finder_check_spans(const el_finder *f);

el_status el_finder_header(const el_finder *f, bool *header);
/* Finds the roles that are open, of named columns and of others. */
el_status el_finder_fill(el_finder *f, bool text_open, bool columns_are_labels);

#endif
