/* names - what the columns of such files are called, in English and in Korean
 *
 * A name is compared without regard to case, blanks around it, and whether its words stand apart, joined by '_' or by '-'.
 * Names of one column's role have ranks: "text" is surer to be the text than "title" is.
 */
#ifndef EL_TASK_NAMES_H
#define EL_TASK_NAMES_H

#include "task/task.h"

enum { EL_RANKS = 3 }; /* 0 is the surest */

/* What a role is called in sentences: "words", "score". */
const char *el_role_called(el_task_kind kind, el_column_role role);
/* The rank of a name in a role, or -1. */
int el_name_rank(el_task_kind kind, el_column_role role, const char *name);
/* Whether a name is known in any role that may be said. */
bool el_name_known(el_task_kind kind, const char *name);
/* Whether a column of that name numbers the sentences that words are of. */
bool el_name_of_sentences(const char *name);
/* Whether two names are a pair's, as "premise" and "hypothesis" are. */
bool el_name_pair(const char *first, const char *second);
/* Whether two names are the same but for case, blanks and joints. */
bool el_name_same(const char *a, const char *b);

#endif
