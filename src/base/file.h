/* file - reading whole files, and writing so that nothing is ever half-written
 *
 * Whatever is written is written beside its place, synced, then renamed into it.
 * A reader sees the old thing or the new one; a full disk leaves the old one.
 */
#ifndef EL_BASE_FILE_H
#define EL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "path.h"

/* A file's bytes, read-only, mapped; an empty file has data "" and size 0. */
typedef struct {
    const unsigned char *data;
    size_t size;
} el_mapping;

el_status el_mapping_open(el_mapping *mapping, const char *path);
void el_mapping_close(el_mapping *mapping); /* accepts a zeroed one */

/* The first bytes of a file that has no size to map, like those of /proc, as a text; "" where it cannot be read. */
void el_file_begin(const char *path, char *text, size_t size);

/* Writing one file.  After a failed write the rest are ignored, and finish reports it. */
typedef struct el_writer el_writer;
el_status el_writer_open(el_writer **writer, const char *path);
void el_writer_put(el_writer *writer, const void *data, size_t bytes);
/* Replaces the first bytes of what was put, or puts them where there are none.  Fails on a pipe, and where anything
 * could not be written so far. */
el_status el_writer_begin_with(el_writer *writer, const void *data, size_t bytes);
/* Brings what was put so far to the disk, so that finish has hardly more to do than to rename. */
el_status el_writer_sync(el_writer *writer);
el_status el_writer_finish(el_writer *writer); /* sync, rename, free; on failure the old file stays */
void el_writer_abandon(el_writer *writer);     /* remove what was written, free; accepts NULL */

/* Writes all of it to an open file; false, with errno, where a call fails. */
bool el_file_put(int file, const void *data, size_t bytes);

/* A file as el_writer makes it, of a text that is already in memory. */
el_status el_file_write(const char *path, const void *data, size_t bytes);

/* A folder that appears at once: write into el_folder.temporary, then commit, which syncs
 * the files in it and renames it to `path` (an older folder there is replaced). */
typedef struct {
    char *path, *temporary;
    int lock; /* of the temporary one */
} el_folder;
el_status el_folder_begin(el_folder *folder, const char *path);
/* The same, written into a folder that is called after `path` and holds what another process left there; EL_EFAILED while
 * one is at it. */
el_status el_folder_begin_again(el_folder *folder, const char *path);
void el_folder_leave(el_folder *folder); /* for el_folder_begin_again; accepts a committed or zeroed one */
el_status el_folder_commit(el_folder *folder);
void el_folder_abandon(el_folder *folder); /* accepts a committed or zeroed one */

/* Where it cannot be told just now (rights, a broken disk) it counts as a file: whoever opens it is told why. */
bool el_file_exists(const char *path);
bool el_folder_exists(const char *path);
el_status el_folder_need(const char *path); /* EL_EDATA, "no such folder", where it is not there */
el_status el_path_need(const char *path);   /* likewise "no such file or folder" */
/* Whether a folder holds a file of this name. */
bool el_folder_holds(const char *folder, const char *name);
el_status el_folder_make(const char *path);   /* and its parents; fine if it is there */
el_status el_folder_remove(const char *path); /* and all in it; fine if it is not there */

/* Sorted names in a folder, without "." and "..". */
el_status el_folder_list(const char *path, char ***names, int *count);
void el_folder_list_release(char **names, int count);

/* XXH3-64 of some bytes, and the same as 16 hexadecimal digits. */
uint64_t el_hash(const void *data, size_t bytes);
/* Of bytes that follow others, which have this hash. */
uint64_t el_hash_with(uint64_t before, const void *data, size_t bytes);
void el_hash_text(uint64_t hash, char text[17]);

#endif
