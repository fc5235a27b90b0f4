/* conll - a word a line
 *
 * A line is a word and further columns between tabs or blanks, and a line of nothing but these ends a sentence.  The
 * first line may name the columns, as many as the words have, and then columns are said by name, found by the names
 * that such columns have, or by those that they had in the file that was learned from.  Else the word is the first
 * column and its tag the last, unless the first counts the words of a sentence: then the word is the second, and the
 * tag of CoNLL-U the fourth (of its ten) and of GermEval's files the third (of their four).  "-DOCSTART-" lines are no
 * words, nor lines that begin with '#' and have another number of columns than the words have (or, between tabs, with
 * "## ", as KLUE's comments do).  Where labels may lack, a file may have all columns but the last, if that was the tag
 * of the file that was learned from.  Its columns must be as many otherwise, unless it has words alone, a header, or
 * tags of the model beside its words; a file of another width in which empty lines end sentences is read with a
 * warning.
 */
#ifndef EL_TASK_CONLL_H
#define EL_TASK_CONLL_H

#include "task/files/layout.h"
#include "task/files/lines.h"

typedef struct {
    el_lines lines;
    char separator; /* '\t', ' '; 0: not yet known */
    int64_t header; /* the number of the line that names the columns; 0: there is none */
    bool counted;   /* the first column counts words */
    int named;      /* columns that it names, as many as words have */
    bool spare;     /* but for the last, the tags, which may lack */
    int width;      /* columns of the first word, as of all; 0: not yet known */
    int learned;    /* columns of the file that was learned from, as all must have; 0: any */
    int word, tag;  /* columns by number; tag 0: there is none */
    bool open;      /* columns stand between blanks, as words of sentences do, and no line ends a sentence */
    bool labelled;  /* tags are read */
    bool untagged;  /* what was learned from had one column more, the last: the tags */
    el_labels *labels;
} el_conll;

/* Whether a column but the first holds one of the tags, but for those of punctuation, which is its own tag. */
bool el_conll_tagged(el_line line, char separator, const el_labels *tags);
/* EL_EDATA: rows of one word each, of which a column tells the sentence. */
el_status el_word_rows_refuse(const char *path, const char *column);
/* Fills the layout by how the file begins; the columns that were said, or are known, come before what is usual. */
el_status el_conll_open(el_conll *conll, const el_task_reading *wanted, el_file_layout *layout);
/* The next sentence; *more false at the end. */
el_status el_conll_next(el_conll *conll, el_dataset *dataset, bool *more);

#endif
