/* report - an evaluation as a page: figures, which labels are taken for which, and the worst mistakes
 *
 *   classify     rates of each label, the confusion matrix; the most probable wrong labels
 *   multilabel   rates of each label; the surest wrong decisions
 *   regress      predicted over gold; the largest errors
 *   tag          rates of each type of entity, or of each tag; the confusion of tags; sentences with most words wrong
 *   span         answers beside gold in their context, the lowest F1 first
 */
#ifndef EL_TASK_REPORT_H
#define EL_TASK_REPORT_H

#include "base/file.h"
#include "task/learn/finetuned.h"

/* A file and what a model said of it; everything borrowed.  Examples are labelled. */
typedef struct {
    const el_task_card *card;
    const el_task *task; /* as which the file was read */
    const el_dataset *data;
    const el_prediction *predictions;
    int count;
    const el_figures *figures;
    int mistakes; /* so many are shown, at most */
} el_evaluated;

/* Adds it to a page that was begun (html.h). */
el_status el_report_add(el_writer *page, const el_evaluated *evaluated);

#endif
