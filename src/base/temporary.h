/* temporary - names for what is being written beside its place
 *
 *   .electra.<process>.<number>.tmp
 *
 * Nobody else gives such names, so that what a killed process left behind can be told from other people's files.  Whoever
 * writes holds a lock, which ends with the process, in whichever container it runs: what is locked is still being written.
 */
#ifndef EL_BASE_TEMPORARY_H
#define EL_BASE_TEMPORARY_H

#include <stdbool.h>

#include "error.h"

/* A new name in the folder that `path` lies in, on the heap; NULL when out of memory. */
char *el_temporary_beside(const char *path);

/* The one of `path`, which stays to be gone on with: .NAME.unfinished beside it. */
char *el_temporary_of(const char *path);

bool el_temporary_is(const char *name);

/* Removes those in `folder` that nobody writes any more.  What cannot be removed stays, with a warning in the log. */
el_status el_temporary_sweep(const char *folder);

#endif
