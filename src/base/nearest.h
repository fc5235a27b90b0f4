/* nearest - the name that somebody may have meant */
#ifndef EL_BASE_NEAREST_H
#define EL_BASE_NEAREST_H

#include <stddef.h>

enum { EL_LONGEST_SPELLING = 128 };

/* Table names, flags and keys as one spelling: lower case is kept, '-' becomes '_'. */
void el_spell(char name[EL_LONGEST_SPELLING], const char *given, size_t length);

/* The nearest of `count` names to a misspelt one, or NULL where none is near. */
const char *el_nearest(const char *name, const char *const *names, int count);

#endif
