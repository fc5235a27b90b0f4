/* table - rows of named fields, from tab- or comma-separated files, JSON lines, a JSON array, or lines
 *
 * A column is asked for by its name (of the header, or a JSON key, "a.b" a key within a key) or by its number from 1;
 * negative numbers count from the end of each row.  JSON numbers and truth values come as their text; a JSON
 * array comes as one text with EL_TABLE_END behind each of its parts, and of an array of objects a key within them is
 * such an array; a JSON object is no field.
 *
 * Some rows are read ahead, so that a file can be understood before its first row is given; of a pipe, what has come.
 */
#ifndef EL_TASK_TABLE_H
#define EL_TASK_TABLE_H

#include "task/files/lines.h"
#include "task/task.h"

enum { EL_TABLE_END = '\x1f', EL_TABLE_KEYS = 1000 };

typedef struct el_table el_table;

/* TSV, CSV, JSONL, JSON or LINES; of TSV and CSV `separator` is between the fields.  The lines become the table's. */
el_status el_table_open(el_table **table, el_lines *lines, el_form form, char separator);
void el_table_close(el_table *table); /* accepts NULL */

/* From now on the first row names the columns, and is no row of its own.  JSON names them always, lines never. */
void el_table_name_columns(el_table *table);

/* A column: by number where `index` is not 0, else by JSON key; zeroed: none, which no row has. */
typedef struct {
    int index;
    const char *key; /* or what it was asked for by; borrowed */
} el_column;

/* By name (exactly, or but for case and blanks) or number; EL_EDATA where the header, or the rows read ahead, lack it. */
el_status el_table_column(const el_table *table, const char *name, el_column *column);

/* Goes to the next row; *more is false at the end. */
el_status el_table_next(el_table *table, bool *more);

/* Whether the next row has not come yet, as of a pipe. */
bool el_table_waits(const el_table *table);

/* The field of this row, NULL where it has none there; valid until another is asked for. */
const char *el_table_field(el_table *table, el_column column);
/* Whether the field asked for last is a JSON array, which may be empty. */
bool el_table_array(const el_table *table);
int el_table_width(const el_table *table); /* fields of this row; 0 for JSON */
int64_t el_table_line(const el_table *table);
int64_t el_table_blank(const el_table *table); /* lines that were passed over so far */

/* What was read ahead, the first row of a header among it until it names the columns. */
int el_table_ahead(const el_table *table);                    /* rows */
int el_table_columns(const el_table *table);                  /* fields of the first row; JSON: keys of all */
int el_table_widest(const el_table *table);                   /* most fields of a row ahead; JSON: as above */
int64_t el_table_first_line(const el_table *table);           /* of the first row; 0: there is none */
bool el_table_keyed(const el_table *table);                   /* rows are JSON objects */
const char *el_table_name(const el_table *table, int column); /* a key, or what the header says; else NULL */
/* Whether JSON has more than EL_TABLE_KEYS keys; those beyond are no columns. */
bool el_table_crowded(const el_table *table);
/* The field of a row ahead; as el_table_field. */
const char *el_table_peek(el_table *table, int row, int column);
const char *el_table_peek_at(el_table *table, int row, el_column column);

/* EL_EDATA with file and line in front. */
el_status el_table_fail(const el_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
