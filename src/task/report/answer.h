/* answer - what a model says of one example, as a JSON object and as a line of columns
 *
 * The object has the example's id, the file's own or its number, and what its kind of task has (docs/finetuning.md,
 * "Answers").  The columns are the object's values between tabs, in its order; tabs and line ends in them are blanks.
 * Words and tags stand between spaces, so that white space within one is "▁" (U+2581), and so is an empty one.
 */
#ifndef EL_TASK_ANSWER_H
#define EL_TASK_ANSWER_H

#include "base/json.h"
#include "task/learn/finetuned.h"

/* `number` stands for an id that the file lacks; NULL without memory. */
json_t *el_answer_json(const el_task_card *card, const el_dataset *dataset, const el_prediction *prediction,
                       int64_t number);
/* The object as columns, or the columns' names, a label's for each probability; on the heap, without the line's end. */
el_status el_answer_columns(const json_t *answer, bool names, char **line);

#endif
