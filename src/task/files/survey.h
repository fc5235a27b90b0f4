/* survey - what the columns of a table hold, by the rows that were read ahead */
#ifndef EL_TASK_SURVEY_H
#define EL_TASK_SURVEY_H

#include "task/files/table.h"

typedef struct {
    char *name;   /* of the header, or a JSON key; NULL where nothing names it */
    int filled;   /* rows that have something there */
    bool sparse;  /* most have not */
    double words; /* of them, the mean */
    bool repeats; /* values come again and again, as labels do */
    bool numbers; /* all are */
    bool mostly_numbers;
    bool counts; /* whole numbers that rise from row to row, or all of many digits, none twice: ids */
    bool truths; /* all are 0 or 1, true or false */
    bool mostly_truths;
    bool long_texts;
    bool sentences; /* several words, or many letters without a blank, as in Chinese; no dates */
} el_survey_column;

typedef struct {
    el_survey_column *columns;
    int count;
    int64_t first_line; /* of the first row */
} el_survey;

/* The first row beside the others: what a row of names is like, and what an example. */
typedef struct {
    bool recurs;     /* a cell of it comes again below */
    bool returns;    /* the whole row does, as where files with headers were joined */
    bool counts;     /* its cells are 0, 1, 2 ..., as pandas names columns without names */
    bool like_names; /* few words each, no number, none twice */
    bool numbers;    /* a column is numbers below */
    bool labels;     /* a column is of few values below */
    bool shorter;    /* a cell has fewer words than those below have */
    bool longer;     /* a cell has as many, and several */
    int others;      /* rows below */
} el_first_row;

/* Looks at the first `columns` columns of the rows from `from` on. */
el_status el_survey_open(el_survey *survey, el_table *table, int columns, int from);
/* After a survey of the rows from 1 on: the first row is the header, or else a row like the others. */
el_status el_survey_settle(el_survey *survey, el_table *table, bool header);
el_first_row el_survey_first_row(const el_survey *survey, el_table *table);
void el_survey_release(el_survey *survey); /* accepts a zeroed one */

#endif
