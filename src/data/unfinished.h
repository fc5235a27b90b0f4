/* unfinished - what it takes to go on with shards that are not whole yet: named parts in one file beside those that are
 *
 * FOLDER/unfinished.safetensors, written as a whole and with checksums, so that it always is of one moment.  Each part is
 * the bytes of one thing, for this version of the program alone.  Metadata: electra_unfinished = "2", and `recipe`, what
 * the shards are made of as a JSON object; one goes on with the same recipe only.
 */
#ifndef EL_DATA_UNFINISHED_H
#define EL_DATA_UNFINISHED_H

#include "base/safetensors.h"

enum { EL_UNFINISHED_PARTS = 16, EL_UNFINISHED_NAME = 32 };

/* What is to be written; zeroed it is empty. */
typedef struct {
    char names[EL_UNFINISHED_PARTS][EL_UNFINISHED_NAME];
    el_st_entry entries[EL_UNFINISHED_PARTS];
    int count;
} el_unfinished;

/* The memory is the caller's until it is written. */
void el_unfinished_put(el_unfinished *u, const char *of, const char *name, const void *data, size_t bytes);
el_status el_unfinished_write(const el_unfinished *u, const char *folder, const json_t *recipe);

/* *there: the folder has such a file, and it is open.  EL_EDATA where it is damaged. */
el_status el_unfinished_open(el_safetensors *file, const char *folder, bool *there);
/* Copies a part, which must have so many bytes. */
el_status el_unfinished_get(const el_safetensors *file, const char *of, const char *name, void *data,
                            size_t bytes);
/* Whether there is such a part. */
bool el_unfinished_has(const el_safetensors *file, const char *of, const char *name);
/* EL_EUSAGE where the recipe is another one: "max_seq_length was 64, not 128". */
el_status el_unfinished_same(const el_safetensors *file, const json_t *recipe);

/* Whether the folder has such a file, whatever is in it. */
bool el_unfinished_there(const char *folder);
/* Removes the file, and whether a name in a folder is its. */
el_status el_unfinished_remove(const char *folder);
bool el_unfinished_is(const char *name);

#endif
