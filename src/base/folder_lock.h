/* folder_lock - a folder that one process at a time has, on all machines that see it
 *
 * FOLDER/.electra.lock is locked, and is there as long.  A file and not the folder, since only files are locked for all
 * machines of a network file system.  Who ends, even by a signal, has it no more.
 */
#ifndef EL_BASE_FOLDER_LOCK_H
#define EL_BASE_FOLDER_LOCK_H

#include <stdbool.h>

#include "error.h"

typedef struct {
    char *path; /* of the locked file; NULL: it is not had */
    int file;
} el_folder_lock;

/* *busy: another process has it, and nothing is locked. */
el_status el_folder_lock_take(el_folder_lock *lock, const char *folder, bool *busy);
void el_folder_lock_release(el_folder_lock *lock); /* accepts a zeroed one */

/* Whether this name in a folder is the lock's. */
bool el_folder_lock_is(const char *name);

#endif
