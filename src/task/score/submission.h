/* submission - answers in the files that GLUE's site and SQuAD's scripts take
 *
 * GLUE: a line "index <tab> prediction" for each example of a test file, under a header that says so; the index is the
 * file's, or counted from 0; a prediction is the label's name, or a number within the task's range with three decimals.
 *
 * SQuAD: three objects by the question's id.
 *
 *   predictions.json         the best text that is not empty, "" where there is none; the script gives it up where the
 *                            null odds are above its threshold
 *   nbest_predictions.json   a list, best first, of {text, probability, start_logit, end_logit}
 *   null_odds.json           el_prediction.null_odds; where questions may have no answer
 *
 * All are written when all answers are there.
 */
#ifndef EL_TASK_SUBMISSION_H
#define EL_TASK_SUBMISSION_H

#include "base/file.h"
#include "base/json.h"
#include "task/learn/finetuned.h"

/* A task's file of GLUE's. */
typedef struct {
    const el_task *task;
    const el_labels *labels; /* borrowed */
    el_writer *writer;
    long long count;
} el_submission;

/* EL_EUSAGE where the task has no such file.  The folder is made. */
el_status el_submission_open(el_submission *submission, const el_task *task, const el_labels *labels,
                             const char *folder);
void el_submission_add(el_submission *submission, const el_dataset *dataset, const el_prediction *prediction);
el_status el_submission_finish(el_submission *submission);
void el_submission_abandon(el_submission *submission); /* accepts a zeroed or finished one */

typedef struct {
    json_t *predictions, *nbest, *null_odds;
} el_squad_files;

el_status el_squad_files_open(el_squad_files *files);
/* EL_EDATA for a question without an id, or with one that was there before. */
el_status el_squad_files_add(el_squad_files *files, const el_dataset *dataset,
                             const el_prediction *prediction);
el_status el_squad_files_save(const el_squad_files *files, bool null_odds, const char *folder);
void el_squad_files_close(el_squad_files *files); /* accepts a zeroed one */

#endif
