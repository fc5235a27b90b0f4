/* objects - the rows of a JSON file, an object each, whatever holds them
 *
 *   [{...}, {...}]                            an array
 *   {...} {...}                               one after the other, over lines as they like
 *   {"data": [...]}, {"rows": [{"row": ...}]} an array within an object, as datasets' server has it
 *   {"text": [...], "label": [...]}           a list a column, as datasets' to_dict has it
 *   {"text": {"0": ...}, "label": {...}}      an object a column, as pandas' to_json has it
 *   {"0": {"text": ...}, "1": {...}}          an object a row, with orient="index"
 *   {"columns": [...], "data": [[...]]}       a list a row, with orient="split"
 *
 * The text is kept, and a row is parsed when its turn comes.
 */
#ifndef EL_TASK_OBJECTS_H
#define EL_TASK_OBJECTS_H

#include "text/scan.h"

typedef struct {
    const char *name; /* of the file, for sentences; borrowed */
    char *text;
    el_scan rows;
    bool one_after_other;
    json_t *columns; /* where a column is a list, or an object by the names of rows */
    json_t *named;   /* the first of these objects, or NULL; borrowed */
    void *next;      /* of its members that of the next row */
    json_t *list;    /* where a row is a value of an object or a list: all of them */
    int64_t count;   /* rows given */
    size_t most;     /* of columns: rows in all */
} el_objects;

/* The text becomes theirs, also after a failure. */
el_status el_objects_open(el_objects *objects, const char *name, char *text, size_t bytes);
/* The next row as a new reference; NULL in *row at the end. */
el_status el_objects_next(el_objects *objects, json_t **row);
void el_objects_close(el_objects *objects); /* accepts a zeroed one */

#endif
