/* table - rows of named fields, from tab- or comma-separated files, JSON lines, a JSON array, or lines
 *
 * A column is asked for by its name (of the header, or a JSON key, "a.b" a key within a key) or by its number from 1;
 * negative numbers count from the end of each row.  JSON numbers and truth values come as their text; a JSON
 * array comes as one text with EL_TABLE_END behind each of its parts; a JSON object is no field.
 */
#ifndef EL_TASK_TABLE_H
#define EL_TASK_TABLE_H

#include "task/task.h"

enum { EL_TABLE_END = '\x1f' };

typedef struct el_table el_table;

/* TSV, CSV, JSONL, JSON or LINES.  Reads the first row to see whether it could be a header. */
el_status el_table_open(el_table **table, const char *path, el_form form);
void el_table_close(el_table *table); /* accepts NULL */

/* Whether the first row has a field of this text; never so for JSON and lines. */
bool el_table_looks_named(const el_table *table, const char *name);
/* From now on the first row names the columns, and is no row of its own. */
void el_table_name_columns(el_table *table);

/* A column: by number where `index` is not 0, else by JSON key. */
typedef struct {
    int index;
    const char *key; /* borrowed */
} el_column;

/* EL_EDATA where the header lacks the name. */
el_status el_table_column(const el_table *table, const char *name, el_column *column);

/* Goes to the next row; *more is false at the end. */
el_status el_table_next(el_table *table, bool *more);

/* Whether the next row has not come yet, as of a pipe. */
bool el_table_waits(const el_table *table);

/* The field of this row, NULL where it has none there; valid until another is asked for. */
const char *el_table_field(el_table *table, el_column column);
int el_table_width(const el_table *table);   /* fields of this row; 0 for JSON */
int el_table_columns(const el_table *table); /* fields of the first; 0 for JSON */
int64_t el_table_line(const el_table *table);

/* EL_EDATA with file and line in front. */
el_status el_table_fail(const el_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
