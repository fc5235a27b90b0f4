/* readers - one file of each form into a dataset; private to task/ */
#ifndef EL_TASK_READERS_H
#define EL_TASK_READERS_H

#include "task/files/lines.h"
#include "task/files/table.h"

/* CoNLL: a line is a word and further columns between tabs or spaces; its tag is the last unless `columns` says
 * otherwise; "-DOCSTART-" lines and, where tabs separate, lines beginning "## " (KLUE's comments) are no words. */
typedef struct {
    el_lines lines;
    char separator; /* '\t', ' '; 0: not yet known */
    const el_columns *columns;
    bool labelled;
    el_labels *labels;
    int width; /* labelled: columns of the first word, as of all; 0: not yet known */
} el_conll;
/* The next sentence; *more false at the end. */
el_status el_conll_next(el_conll *conll, el_dataset *dataset, bool *more);

/* SQuAD's JSON; MRQA's JSONL: all of the file.  An answer is where the file says it begins, or else where it first
 * stands in the context, or nowhere. */
el_status el_squad_read(const char *path, bool labelled, el_dataset *dataset);
el_status el_mrqa_read(const char *path, bool labelled, el_dataset *dataset);

/* Byte of the `characters`th character of a text, -1 beyond its end. */
int64_t el_byte_of(const char *text, int64_t characters);
/* Where an answer stands: at `begin` if it does, else its first occurrence, else -1. */
int64_t el_answer_place(const char *context, const char *answer, int64_t begin);

#endif
