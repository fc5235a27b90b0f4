/* form - in which form a file is, by its ending and its first rows
 *
 * An ending names a family: .tsv, .csv and .txt hold tables, and for tagging also words a line (CoNLL) or sentences a line
 * (words, a tab, tags); .json, .jsonl and .ndjson hold JSON of whatever shape; .conll, .conllu, .iob and .bio words a line.
 * The rows decide within the family, and alone where there is no such ending.  A form outside of the family is refused.
 */
#ifndef EL_TASK_FORM_H
#define EL_TASK_FORM_H

#include "task/task.h"
#include "text/line.h"

typedef struct {
    el_form form;
    char separator; /* of the fields: '\t', ',', ';', '|'; 0: not a matter of this form */
} el_file_form;

typedef struct {
    el_task_kind kind;
    el_form usual; /* of the task's files where the rows do not tell; EL_FORM_OPEN: nothing is usual */
    bool labelled; /* labels are wanted */
    bool named;    /* the text's column was said by its name */
    const el_file_layout *known; /* of the file that was learned from, or NULL */
    const el_labels *labels;     /* so far, or NULL */
} el_form_asked;

/* `text` is how the file begins. */
el_status el_form_find(el_file_form *found, const char *path, const el_form_asked *asked, el_line text);
/* What a form that was said still needs from the rows: its separator. */
el_status el_form_complete(el_file_form *form, const char *path, el_task_kind kind, el_line text);

/* "comma-separated", for sentences. */
const char *el_form_about(el_file_form form);
/* "csv", as --format has it. */
const char *el_form_name(el_form form);
/* EL_FORM_OPEN where there is none of that name. */
el_form el_form_named(const char *name);

#endif
