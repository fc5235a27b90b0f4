/* folder_lock - see the header */
#include "folder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "io.h"
#include "path.h"

static const char NAME[] = ".electra.lock";

bool el_folder_lock_is(const char *name)
{
    return strcmp(name, NAME) == 0;
}

/* Whoever had the lock removes the file: then the one that was locked is nobody's any more, and another has to be made. */
static el_status lock_file(el_folder_lock *lock, const char *path, bool *busy)
{
    struct stat info = {0};
    while (!info.st_nlink) {
        lock->file = el_io_open(path, O_RDWR | O_CREAT);
        if (lock->file < 0)
            return el_fail(EL_EFAILED, "%s: cannot lock: %s", path, strerror(errno));
        if (el_io_lock(lock->file) != 0 || el_io_fstat(lock->file, &info) != 0) {
            *busy = errno == EWOULDBLOCK;
            const el_status st =
                *busy ? EL_OK : el_fail(EL_EFAILED, "%s: cannot lock: %s", path, strerror(errno));
            el_io_close(lock->file);
            return st;
        }
        if (!info.st_nlink)
            el_io_close(lock->file);
    }
    return EL_OK;
}

el_status el_folder_lock_take(el_folder_lock *lock, const char *folder, bool *busy)
{
    *lock = (el_folder_lock){.file = -1};
    *busy = false;
    char *const path = el_path_join(folder, NAME);
    const el_status st = path ? lock_file(lock, path, busy) : el_no_memory(folder);
    if (!st && !*busy)
        lock->path = path;
    else
        free(path);
    return st;
}

void el_folder_lock_release(el_folder_lock *lock)
{
    if (!lock->path)
        return;
    el_io_unlink(lock->path);
    el_io_close(lock->file); /* and with it the lock */
    free(lock->path);
    *lock = (el_folder_lock){0};
}
