/* file_list - the files behind the paths that a user gave, and whether they are still the same
 *
 * A path is a file, a folder (all files in it, recursively, sorted by name; names starting with '.' left out) or "-" for
 * standard input.  The list owns its paths.
 */
#ifndef EL_TEXT_FILE_LIST_H
#define EL_TEXT_FILE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    char *path;
    bool in_folder; /* and not named by the user */
    uint64_t bytes; /* on the disk; 0 where that is not known */
    uint64_t seen;  /* a hash of the names, sizes and times of change of all files up to and with this one */
} el_listed_file;

typedef struct {
    el_listed_file *files;
    int count;
    size_t room;
    uint64_t bytes;  /* of all plain files */
    bool unmeasured; /* one is no plain file: nobody knows its size or can come back to it */
} el_file_list;

/* Adds what a path stands for.  EL_EDATA for one that is missing or whose folders are nested too deep; the list holds
 * what was found before. */
el_status el_file_list_add(el_file_list *list, const char *path);
void el_file_list_release(el_file_list *list);

#endif
