/* layout - how a file lies: what was understood of it
 *
 * It is found for the training file, said before training, and kept in the model's card ("columns" of config.json's
 * "task"), so that the files that are asked later are read as the first one was: columns by name, in whatever order.
 */
#ifndef EL_TASK_LAYOUT_H
#define EL_TASK_LAYOUT_H

#include <jansson.h>

#include "task/files/form.h"

/* How several labels lie in one field. */
typedef enum {
    EL_PARTS_ARRAY,  /* a JSON array, or one that Python printed; a field without brackets is one label */
    EL_PARTS_COMMAS, /* between ',' */
    EL_PARTS_SEMICOLONS,
    EL_PARTS_BARS,
    EL_PARTS_VECTOR,  /* zeros and ones, a place a label */
    EL_PARTS_COLUMNS, /* a column a label, of zeros and ones */
    EL_PARTS_BLANKS,  /* between ' ': words and their tags */
    EL_PARTS_KINDS
} el_parts;

struct el_file_layout {
    el_file_form file;
    bool header;        /* the first row names the columns */
    int width;          /* columns of a table that nothing names, or of a word's line; 0: they have names */
    bool counted;       /* a word a line: the first column counts the words, as in CoNLL-U */
    EL_BY_ROLE(char *); /* columns by name; where nothing names them by number, from 1; NULL: none */
    /* a word a line: what the header calls those columns, which are numbers here; NULL: it does not */
    char *called[EL_ROLE_LABEL + 1];
    char **labels; /* the columns of EL_PARTS_COLUMNS */
    int label_count;
    el_parts parts;
    char *gap; /* what stands where there is no label, "-" of SNLI; NULL: nothing does */
};

el_status el_file_layout_copy(el_file_layout *to, const el_file_layout *from);
void el_file_layout_release(el_file_layout *layout); /* accepts a zeroed one */

/* To the card and back; NULL without memory. */
json_t *el_file_layout_json(const el_file_layout *layout);
el_status el_file_layout_read(el_file_layout *layout, const json_t *object, const char *path);

/* The number, from 1 or, negative, from the end, that a column is said by; what is beyond an int is its end.  False: it is
 * said by its name, or not at all. */
bool el_column_number(const char *column, int *number);
/* Whether it is said by its name, which only a file with a header or keys has. */
bool el_column_is_name(const char *column);
/* What stands on both sides of it in a sentence: a mark around a name, and nothing around a number. */
const char *el_column_quote(const char *column);

/* "several labels between commas", for sentences. */
const char *el_parts_about(el_parts parts);

#endif
