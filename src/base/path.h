/* path - names of files and folders, taken apart and put together; what they name, made to last
 *
 * A `char *` is on the heap and the caller's; NULL: out of memory.
 */
#ifndef EL_BASE_PATH_H
#define EL_BASE_PATH_H

#include <limits.h>

#include "error.h"

/* `folder`/`name` by value, for one call.  What is too long for the kernel stays too long: the call that uses it says so. */
typedef struct {
    char text[PATH_MAX + 1];
} el_path;
el_path el_path_in(const char *folder, const char *name);

/* The same for an owner, and for code that calls itself. */
char *el_path_join(const char *folder, const char *name);
/* Without slashes at its end ("/" stays). */
char *el_path_trimmed(const char *path);
/* The folder that it lies in. */
char *el_path_parent(const char *path);
/* What a link names, though it may not be there yet; another path as it is. */
char *el_path_behind_links(const char *path);
/* The same, called by its own name: "." and ".." are none. */
char *el_path_place(const char *path);

/* What sentences call it: "standard input" where it is "-". */
const char *el_path_said(const char *path);

/* Writes a file's or a folder's bytes through to the disk. */
el_status el_path_sync(const char *path);
/* Makes a rename to `path` last. */
el_status el_path_sync_parent(const char *path);

#endif
