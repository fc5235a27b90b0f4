/* io - every call of the system that can fail
 *
 * Nobody else calls the system (tests/base/test_layers.sh looks), so that a test can put its own functions before these
 * (the linker's --wrap) and let the n-th call fail.  Each does what the call of its name does and leaves errno where it
 * fails; open files close on exec; an interrupted call is made again.  Standard output and standard error are cli/'s and
 * stdio's.
 */
#ifndef EL_BASE_IO_H
#define EL_BASE_IO_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "error.h"

/* The failure of a call just made, as a sentence about this path: EL_EDATA where there is no such thing or it is of
 * another kind, EL_ENOMEM, else EL_EFAILED (it may be there, and could not be had now). */
el_status el_io_fail(const char *path);

int el_io_open(const char *path, int flags); /* what it creates, everybody may read and write (umask) */
/* A file in this folder that has no name yet, and its name: a process that is killed before leaves nothing.
 * Where the file system has none of them, or what names it cannot be reached, the first says so (-1). */
int el_io_open_nameless(const char *folder);
int el_io_name(int file, const char *path);
int el_io_close(int file);
/* Some bytes, as read and write have it; both wait for what does not block. */
ssize_t el_io_read(int file, void *data, size_t bytes);
ssize_t el_io_write(int file, const void *data, size_t bytes);
off_t el_io_seek(int file, off_t offset, int whence);
int el_io_truncate(int file, off_t bytes);
int el_io_sync(int file);                /* content with a file that cannot be synced */
int el_io_lock(int file);                /* exclusive, and EWOULDBLOCK where another process has it */
bool el_io_waits(int file);              /* nothing has come yet; false too where that cannot be told */
void *el_io_map(int file, size_t bytes); /* for reading; NULL where it fails */
void *el_io_memory(size_t bytes);        /* zeroed, of nobody else; NULL where there is none */
void el_io_unmap(void *memory, size_t bytes);

int el_io_stat(const char *path, struct stat *info); /* of what a link names */
int el_io_lstat(const char *path, struct stat *info);
int el_io_fstat(int file, struct stat *info);
char *el_io_real(const char *path);                               /* realpath, on the heap */
ssize_t el_io_link(const char *path, char *target, size_t bytes); /* readlink */
int el_io_rename(const char *from, const char *to);
int el_io_exchange(const char *a, const char *b); /* both names at once; fails where the file system cannot */
int el_io_unlink(const char *path);
int el_io_make_folder(const char *path);
int el_io_remove_folder(const char *path);
int el_io_temporary(char *template); /* mkdtemp */

DIR *el_io_folder_open(const char *path);
const char *el_io_folder_next(
    DIR *folder); /* a name, "." and ".." among them; NULL at the end, and with errno after a failure */
void el_io_folder_close(DIR *folder);

#endif
