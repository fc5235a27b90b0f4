/* sections - what each kind of task puts into a report; private to task/ */
#ifndef EL_TASK_SECTIONS_H
#define EL_TASK_SECTIONS_H

#include "task/report/html.h"
#include "task/report/report.h"
#include "task/score/metrics.h"

typedef struct {
    int item;        /* of the predictions */
    double weight;   /* the heaviest come first, */
    double sureness; /* and of equals those that the model was surest of */
} el_mistake;

typedef struct {
    el_status (*tables)(el_writer *page, const el_evaluated *e); /* what stands before the mistakes */
    const char *title;                                           /* of the mistakes */
    const char *columns; /* their head, as cells, but for the first, which names the example */
    /* False: item is right.  A failure leaves *st. */
    bool (*weigh)(const el_evaluated *e, el_mistake *mistake, el_status *st);
    void (*show)(el_writer *page, const el_evaluated *e, int item); /* the cells of a mistake */
} el_section;

extern const el_section el_classify_section, el_regress_section, el_multilabel_section, el_tag_section,
    el_span_section;

/* report.c */
const el_labelled *el_section_example(const el_evaluated *e, int item);
/* A cell with the one text or the two of an example. */
void el_section_texts(el_writer *page, const el_labelled *example);
/* A table of precision, recall and F1. */
void el_section_rates_begin(el_writer *page, const char *what);
void el_section_rates_line(el_writer *page, const char *name, el_tally tally);
void el_section_rates_end(el_writer *page);
/* The same for each label. */
el_status el_section_label_rates(el_writer *page, const el_labels *labels, const int *predicted,
                                 const int *gold, size_t count);
/* A row of gold for each label, columns of predicted. */
el_status el_section_matrix(el_writer *page, const el_labels *labels, const int *predicted, const int *gold,
                            size_t count);

#endif
