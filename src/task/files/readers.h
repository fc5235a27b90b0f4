/* readers - files of questions into a dataset; private to task/
 *
 * SQuAD's JSON; MRQA's JSON lines: all of the file.  An answer is where the file says it begins, or else at the occurrence
 * nearest to that (offsets may count UTF-16 units or bytes, or be off by a few); without an offset where it first stands in
 * the context, or nowhere.  The dataset counts which it was.
 */
#ifndef EL_TASK_READERS_H
#define EL_TASK_READERS_H

#include "task/dataset.h"
#include "task/files/lines.h"

el_status el_squad_read(el_lines *lines, bool labelled, el_dataset *dataset);
el_status el_mrqa_read(el_lines *lines, bool labelled, el_dataset *dataset);

/* Adds an answer to the example added last; `start`: the character of the context at which it begins, -1: nobody says.  An
 * empty one, as some write where there is none, is none. */
el_status el_answer_add(el_dataset *dataset, const char *context, const char *answer, int64_t start);
/* Whether it stands where `start` says, in one of the units. */
bool el_answer_stands(const char *context, const char *answer, int64_t start);
/* It has all its answers: without any it is impossible, as SQuAD 2.0's own script has it, whatever its mark says (1, 0, or
 * -1: there is no mark). */
void el_answers_end(el_dataset *dataset, int mark);
/* A whole number, also one that is written 3.0; -1: it is none. */
int64_t el_answer_start(const char *text);

#endif
