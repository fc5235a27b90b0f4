/* parts - the several things that one field holds: labels, words, tags, answers
 *
 * A JSON array's parts are its parts, also where there is one.  So are those of a list, a tuple or a set as Python prints
 * it (['a', "b"], [0 1], ('a',), {'a'}).  Any other field is cut at a separator.
 */
#ifndef EL_TASK_PARTS_H
#define EL_TASK_PARTS_H

#include "task/files/layout.h"
#include "task/files/table.h"

/* Calls take for each part, without blanks around those between separators. */
typedef el_status el_take_part(void *context, const char *part, size_t bytes);
el_status el_parts_each(const char *field, el_parts parts, el_take_part *take, void *context);

/* 1 of 1, 1.0, "1." and true, in any case, 0 of their opposites, -1 of anything else. */
int el_parts_truth(const char *part, size_t bytes);

/* Whether a field is an array, of JSON or printed. */
bool el_parts_array(const char *field);

/* A separator in a field that is no array, other than that of such parts; 0: there is none. */
char el_parts_other(const char *field, el_parts parts);

/* How the labels of a column lie, by the rows ahead; separators of two kinds, and vectors of two lengths, are EL_EDATA. */
el_status el_parts_find(el_table *table, const char *path, const char *name, int column, el_parts *parts);

#endif
