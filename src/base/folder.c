/* folder - see file.h
 *
 * A folder that is being written lies beside its place (temporary.h), and is exchanged with what is there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "io.h"
#include "log.h"
#include "temporary.h"

bool el_folder_exists(const char *path)
{
    struct stat info;
    return el_io_stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool el_folder_holds(const char *folder, const char *name)
{
    return el_file_exists(el_path_in(folder, name).text);
}

el_status el_folder_need(const char *path)
{
    struct stat info;
    if (el_io_stat(path, &info) != 0)
        return errno == ENOENT ? el_fail(EL_EDATA, "%s: no such folder", path) : el_io_fail(path);
    return S_ISDIR(info.st_mode) ? EL_OK : el_fail(EL_EDATA, "%s: a file, where a folder is wanted", path);
}

el_status el_path_need(const char *path)
{
    struct stat info;
    if (el_io_stat(path, &info) == 0)
        return EL_OK;
    return errno == ENOENT ? el_fail(EL_EDATA, "%s: no such file or folder", path) : el_io_fail(path);
}

/* mkdir, content with what is there already. */
static el_status make_one(const char *path)
{
    if (el_io_make_folder(path) == 0)
        return EL_OK;
    const int failure = errno;
    if (el_folder_exists(path)) /* or "a/.." and read-only parents, where errno varies */
        return EL_OK;
    return el_fail(EL_EFAILED, "%s: %s", path, strerror(failure == EEXIST ? ENOTDIR : failure));
}

el_status el_folder_make(const char *path)
{
    char *part = el_path_trimmed(path);
    if (!part)
        return el_no_memory(path);
    el_status st = EL_OK;
    for (char *slash = strchr(part + (*part == '/'), '/'); slash && !st; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (*part)
            st = make_one(part);
        *slash = '/';
    }
    if (!st)
        st = make_one(part);
    free(part);
    return st;
}

/* By bytes: the locale has its own order. */
static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Appends a name to a list with room for a power of two of them; false: out of memory. */
static bool add_name(char ***names, int *count, const char *name)
{
    if ((*count & (*count - 1)) == 0) {
        char **const list = realloc(*names, (size_t)(*count ? 2 * *count : 1) * sizeof *list);
        if (!list)
            return false;
        *names = list;
    }
    char *const copy = strdup(name);
    if (copy)
        (*names)[(*count)++] = copy;
    return copy;
}

/* The sorted names in a folder; errno's number of what failed. */
static int list(const char *path, char ***names, int *count)
{
    *names = NULL, *count = 0;
    DIR *const opened = el_io_folder_open(path);
    if (!opened)
        return errno;
    const char *name;
    bool complete = true;
    while (complete && (name = el_io_folder_next(opened)))
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            complete = add_name(names, count, name);
    const int failure = complete ? errno : ENOMEM;
    el_io_folder_close(opened);
    if (failure) {
        el_folder_list_release(*names, *count);
        *names = NULL, *count = 0;
        return failure;
    }
    if (*count)
        qsort(*names, (size_t)*count, sizeof **names, by_bytes);
    return 0;
}

void el_folder_list_release(char **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

el_status el_folder_list(const char *path, char ***names, int *count)
{
    errno = list(path, names, count);
    return errno ? el_io_fail(path) : EL_OK;
}

/* Removes what can be, leaving no sentence; errno's number of the first failure. */
static int remove_all(const char *path)
{
    struct stat info;
    if (el_io_lstat(path, &info) != 0)
        return errno == ENOENT ? 0 : errno;
    if (!S_ISDIR(info.st_mode))
        return el_io_unlink(path) == 0 || errno == ENOENT ? 0 : errno;
    char **names;
    int count, failure = list(path, &names, &count);
    for (int i = 0; i < count; i++) {
        char *const inside = el_path_join(path, names[i]);
        const int failed = inside ? remove_all(inside) : ENOMEM;
        failure = failure ? failure : failed;
        free(inside);
    }
    el_folder_list_release(names, count);
    if (el_io_remove_folder(path) != 0 && errno != ENOENT && !failure)
        failure = errno;
    return failure;
}

el_status el_folder_remove(const char *path)
{
    const int failure = remove_all(path);
    return failure ? el_fail(EL_EFAILED, "%s: cannot remove: %s", path, strerror(failure)) : EL_OK;
}

/* Syncs a folder after what is in it; not what its links name. */
static el_status sync_all(const char *path)
{
    struct stat info;
    if (el_io_lstat(path, &info) != 0)
        return el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
    char **names = NULL;
    int count = 0;
    el_status st = S_ISDIR(info.st_mode) ? el_folder_list(path, &names, &count) : EL_OK;
    for (int i = 0; i < count && !st; i++) {
        char *const inside = el_path_join(path, names[i]);
        st = inside ? sync_all(inside) : el_no_memory(path);
        free(inside);
    }
    el_folder_list_release(names, count);
    return st || !(S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)) ? st : el_path_sync(path);
}

static void folder_free(el_folder *folder)
{
    if (folder->temporary && folder->lock >= 0)
        el_io_close(folder->lock);
    free(folder->path);
    free(folder->temporary);
    *folder = (el_folder){0};
}

/* What something is mounted on cannot be exchanged for another folder. */
static el_status check_mount(const char *path)
{
    struct stat own, around;
    char *const parent = el_path_parent(path);
    const bool there = parent && el_io_stat(path, &own) == 0 && el_io_stat(parent, &around) == 0;
    free(parent);
    return there && own.st_dev != around.st_dev
               ? el_fail(EL_EUSAGE,
                         "%s: something is mounted there, and it cannot be replaced; a folder in it can",
                         path)
               : EL_OK;
}

/* Names the temporary folder and makes it, if it is not there. */
static el_status make_temporary(el_folder *folder, const char *path, char *(*name)(const char *path))
{
    *folder = (el_folder){.path = el_path_place(path), .lock = -1};
    if (folder->path)
        folder->temporary = name(folder->path);
    if (!folder->path || !folder->temporary)
        return el_no_memory(path);
    if (el_file_exists(folder->path))
        return el_fail(EL_EFAILED, "%s: Not a directory", path);
    const el_status st = check_mount(folder->path);
    return st ? st : el_folder_make(folder->temporary);
}

el_status el_folder_begin(el_folder *folder, const char *path)
{
    const el_status st = make_temporary(folder, path, el_temporary_beside);
    if (st) {
        el_folder_abandon(folder);
        return st;
    }
    folder->lock = el_io_open(folder->temporary, O_RDONLY | O_DIRECTORY);
    if (folder->lock >= 0)
        (void)el_io_lock(folder->lock);
    return EL_OK;
}

/* Whether what was locked is still what the name says: another process may have put it in its place meanwhile. */
static bool is_named(const el_folder *folder)
{
    struct stat locked, named;
    return el_io_fstat(folder->lock, &locked) == 0 && el_io_stat(folder->temporary, &named) == 0 &&
           locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
}

el_status el_folder_begin_again(el_folder *folder, const char *path)
{
    enum { TRIES = 10 };
    for (int i = 0; i < TRIES; i++) {
        el_status st = make_temporary(folder, path, el_temporary_of);
        if (!st) {
            folder->lock = el_io_open(folder->temporary, O_RDONLY | O_DIRECTORY);
            if (folder->lock < 0)
                st = el_fail(EL_EFAILED, "%s: %s", folder->temporary, strerror(errno));
            else if (el_io_lock(folder->lock) != 0 && errno == EWOULDBLOCK)
                st = el_fail(EL_EFAILED, "%s: another process is filling it", path);
        }
        if (!st && is_named(folder))
            return EL_OK;
        folder_free(folder);
        if (st)
            return st;
    }
    return el_fail(EL_EFAILED, "%s: other processes fill it all the time", path);
}

void el_folder_leave(el_folder *folder)
{
    folder_free(folder);
}

/* The new folder is in place: what remains of the old one is a pity, no failure. */
static void remove_old(const char *path)
{
    const int failure = remove_all(path);
    if (failure)
        el_log(EL_LOG_WARNING, "%s: the folder that was replaced cannot be removed: %s", path,
               strerror(failure));
}

/* Exchanges both in one step where the file system can; else there is a moment with no `path`. */
static el_status replace(const char *temporary, const char *path)
{
    if (el_io_exchange(temporary, path) == 0) {
        remove_old(temporary);
        return EL_OK;
    }
    char *const old = el_temporary_beside(path);
    el_status st = old ? EL_OK : el_no_memory(path);
    if (!st && el_io_rename(path, old) != 0)
        st = el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
    if (!st && el_io_rename(temporary, path) != 0) {
        st = el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
        if (el_io_rename(old, path) != 0)
            el_log(EL_LOG_WARNING, "%s: cannot be put back; what was there is in %s", path, old);
    }
    if (!st)
        remove_old(old);
    free(old);
    return st;
}

el_status el_folder_commit(el_folder *folder)
{
    el_status st = sync_all(folder->temporary);
    if (!st && el_folder_exists(folder->path))
        st = replace(folder->temporary, folder->path);
    else if (!st && el_io_rename(folder->temporary, folder->path) != 0)
        st = el_fail(EL_EFAILED, "%s: %s", folder->path, strerror(errno));
    if (!st)
        st = el_path_sync_parent(folder->path);
    if (!st)
        folder_free(folder);
    return st;
}

void el_folder_abandon(el_folder *folder)
{
    if (folder->temporary)
        remove_all(folder->temporary); /* keeps the sentence that led here */
    folder_free(folder);
}
