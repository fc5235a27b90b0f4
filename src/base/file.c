/* file - see the header
 *
 * What is being written lies beside its place (temporary.h), so that the rename stays within one file system.  The place of a link is what it names: the link stays.
 */
#define _GNU_SOURCE
#include "file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "io.h"
#include "log.h"
#include "temporary.h"

/* ---- reading ---- */

static el_status map(el_mapping *mapping, const char *path, int file)
{
    struct stat info;
    if (el_io_fstat(file, &info) != 0)
        return el_io_fail(path);
    if (S_ISDIR(info.st_mode))
        return el_fail(EL_EDATA, "%s: Is a directory", path);
    if (!S_ISREG(info.st_mode))
        return el_fail(EL_EDATA, "%s: not a regular file", path);
    if (info.st_size == 0) {
        *mapping = (el_mapping){.data = (const unsigned char *)"", .size = 0};
        return EL_OK;
    }
    void *data = el_io_map(file, (size_t)info.st_size);
    if (!data)
        return el_io_fail(path);
    *mapping = (el_mapping){.data = data, .size = (size_t)info.st_size};
    return EL_OK;
}

el_status el_mapping_open(el_mapping *mapping, const char *path)
{
    *mapping = (el_mapping){0};
    const int file = el_io_open(path, O_RDONLY | O_NONBLOCK); /* a pipe without a writer must not hang */
    if (file < 0)
        return el_io_fail(path);
    const el_status st = map(mapping, path, file);
    el_io_close(file);
    return st;
}

void el_mapping_close(el_mapping *mapping)
{
    if (mapping->size)
        el_io_unmap((void *)mapping->data, mapping->size);
    *mapping = (el_mapping){0};
}

void el_file_begin(const char *path, char *text, size_t size)
{
    size_t used = 0;
    const int file = el_io_open(path, O_RDONLY);
    for (ssize_t got = 1; file >= 0 && got > 0 && used<size - 1; used += got> 0 ? (size_t)got : 0)
        got = el_io_read(file, text + used, size - 1 - used);
    text[used] = '\0';
    if (file >= 0)
        el_io_close(file);
}

/* ---- names ---- */

/* A copy of `path` without slashes at its end ("/" stays). */
static char *without_slashes(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return strndup(path, length);
}

/* The folder that `path` lies in, on the heap. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* What a link names, though it may not be there yet; another path as it is.  On the heap, NULL when out of memory. */
static char *behind_links(const char *path)
{
    enum { DEEPEST = 40 }; /* as the kernel */
    char *place = without_slashes(path), target[4096];
    for (int depth = 0; place && depth < DEEPEST; depth++) {
        const ssize_t bytes = el_io_link(place, target, sizeof target - 1);
        if (bytes < 0)
            break; /* no link, or nothing: whoever opens it will say so */
        target[bytes] = '\0';
        char *const parent = target[0] == '/' ? NULL : parent_of(place);
        char *const next = target[0] == '/' ? strdup(target) : parent ? el_path_join(parent, target) : NULL;
        free(parent);
        free(place);
        place = next;
    }
    return place;
}

char *el_path_join(const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    const char *between = length == 0 || folder[length - 1] == '/' ? "" : "/";
    char *path;
    return asprintf(&path, "%s%s%s", folder, between, name) < 0 ? NULL : path;
}

/* ---- syncing ---- */

static el_status sync_path(const char *path)
{
    const int file = el_io_open(path, O_RDONLY | O_NONBLOCK);
    if (file < 0)
        return el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
    const int failed = el_io_sync(file) != 0 ? errno : 0;
    el_io_close(file);
    return failed ? el_fail(EL_EFAILED, "%s: %s", path, strerror(failed)) : EL_OK;
}

/* Makes a rename to `path` last. */
static el_status sync_parent(const char *path)
{
    char *parent = parent_of(path);
    if (!parent)
        return el_fail(EL_ENOMEM, "%s: out of memory", path);
    const el_status st = sync_path(parent);
    free(parent);
    return st;
}

/* ---- writing a file ---- */

enum { BUFFER = 1 << 18 };

struct el_writer {
    char *path, *place; /* place: where it will be, behind links */
    char *temporary;    /* NULL: a device or a pipe, written straight */
    int file;
    int failure; /* errno of the first write that failed */
    size_t used;
    unsigned char buffer[BUFFER];
};

static void writer_free(el_writer *writer)
{
    if (!writer)
        return;
    if (writer->file >= 0)
        el_io_close(writer->file);
    free(writer->path);
    free(writer->place);
    free(writer->temporary);
    free(writer);
}

/* Whether `path` is something a rename would destroy, like /dev/null. */
static bool is_special(const char *path)
{
    struct stat info;
    return el_io_stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

el_status el_writer_open(el_writer **result, const char *path)
{
    *result = NULL;
    if (el_folder_exists(path))
        return el_fail(EL_EFAILED, "%s: Is a directory", path);
    el_writer *writer = malloc(sizeof *writer);
    if (!writer)
        return el_fail(EL_ENOMEM, "%s: out of memory", path);
    const bool straight = is_special(path);
    writer->path = strdup(path);
    writer->place = behind_links(path);
    writer->temporary = straight || !writer->place ? NULL : el_temporary_beside(writer->place);
    writer->file = -1;
    writer->failure = 0;
    writer->used = 0;
    if (!writer->path || !writer->place || (!straight && !writer->temporary)) {
        writer_free(writer);
        return el_fail(EL_ENOMEM, "%s: out of memory", path);
    }
    writer->file =
        straight ? el_io_open(path, O_WRONLY) : el_io_open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (writer->file < 0) {
        const el_status st = el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
        writer_free(writer);
        return st;
    }
    if (!straight)
        (void)el_io_lock(writer->file); /* temporary.h; without locks nobody sweeps it either */
    *result = writer;
    return EL_OK;
}

bool el_file_put(int file, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    while (bytes) {
        const ssize_t written = el_io_write(file, at, bytes);
        if (written < 0)
            return false;
        at += written;
        bytes -= (size_t)written;
    }
    return true;
}

static void write_all(el_writer *writer, const unsigned char *data, size_t bytes)
{
    if (!writer->failure && !el_file_put(writer->file, data, bytes))
        writer->failure = errno;
}

static void flush(el_writer *writer)
{
    write_all(writer, writer->buffer, writer->used);
    writer->used = 0;
}

void el_writer_put(el_writer *writer, const void *data, size_t bytes)
{
    if (bytes > BUFFER - writer->used)
        flush(writer);
    if (bytes >= BUFFER) {
        write_all(writer, data, bytes);
    } else if (bytes) {
        memcpy(writer->buffer + writer->used, data, bytes);
        writer->used += bytes;
    }
}

static void note(el_writer *writer, bool failed)
{
    if (failed && !writer->failure)
        writer->failure = errno;
}

static el_status complain(const el_writer *writer)
{
    return el_fail(EL_EFAILED, "%s: %s", writer->path, strerror(writer->failure));
}

el_status el_writer_begin_with(el_writer *writer, const void *data, size_t bytes)
{
    flush(writer);
    note(writer, el_io_seek(writer->file, 0, SEEK_SET) < 0);
    write_all(writer, data, bytes);
    note(writer, el_io_seek(writer->file, 0, SEEK_END) < 0);
    return writer->failure ? complain(writer) : EL_OK;
}

el_status el_writer_finish(el_writer *writer)
{
    flush(writer);
    if (!writer->failure && writer->temporary)
        note(writer, el_io_sync(writer->file) != 0);
    note(writer, el_io_close(writer->file) != 0);
    writer->file = -1;
    if (!writer->failure && writer->temporary)
        note(writer, el_io_rename(writer->temporary, writer->place) != 0);
    el_status st = EL_OK;
    if (writer->failure) {
        st = complain(writer);
        if (writer->temporary)
            el_io_unlink(writer->temporary);
    } else if (writer->temporary) {
        st = sync_parent(writer->place);
    }
    writer_free(writer);
    return st;
}

void el_writer_abandon(el_writer *writer)
{
    if (writer && writer->temporary)
        el_io_unlink(writer->temporary);
    writer_free(writer);
}

el_status el_file_write(const char *path, const void *data, size_t bytes)
{
    el_writer *writer;
    const el_status st = el_writer_open(&writer, path);
    if (st)
        return st;
    el_writer_put(writer, data, bytes);
    return el_writer_finish(writer);
}

/* ---- folders ---- */

bool el_file_exists(const char *path)
{
    struct stat info;
    if (el_io_stat(path, &info) == 0)
        return !S_ISDIR(info.st_mode);
    return errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENAMETOOLONG;
}

bool el_folder_exists(const char *path)
{
    struct stat info;
    return el_io_stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

el_status el_folder_holds(const char *folder, const char *name, bool *there)
{
    char *const path = el_path_join(folder, name);
    *there = path && el_file_exists(path);
    free(path);
    return path ? EL_OK : el_fail(EL_ENOMEM, "%s: out of memory", folder);
}

el_status el_folder_need(const char *path)
{
    struct stat info;
    if (el_io_stat(path, &info) != 0)
        return errno == ENOENT ? el_fail(EL_EDATA, "%s: no such folder", path) : el_io_fail(path);
    return S_ISDIR(info.st_mode) ? EL_OK : el_fail(EL_EDATA, "%s: a file, where a folder is wanted", path);
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
    char *part = without_slashes(path);
    if (!part)
        return el_fail(EL_ENOMEM, "%s: out of memory", path);
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
        el_names_free(*names, *count);
        *names = NULL, *count = 0;
        return failure;
    }
    if (*count)
        qsort(*names, (size_t)*count, sizeof **names, by_bytes);
    return 0;
}

void el_names_free(char **names, int count)
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
    el_names_free(names, count);
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
        st = inside ? sync_all(inside) : el_fail(EL_ENOMEM, "%s: out of memory", path);
        free(inside);
    }
    el_names_free(names, count);
    return st || !(S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)) ? st : sync_path(path);
}

el_status el_folder_begin(el_folder *folder, const char *path)
{
    *folder = (el_folder){.path = behind_links(path), .lock = -1};
    if (folder->path)
        folder->temporary = el_temporary_beside(folder->path);
    el_status st = EL_OK;
    if (!folder->path || !folder->temporary)
        st = el_fail(EL_ENOMEM, "%s: out of memory", path);
    else if (el_file_exists(folder->path))
        st = el_fail(EL_EFAILED, "%s: Not a directory", path);
    if (!st)
        st = el_folder_make(folder->temporary);
    if (st) {
        el_folder_abandon(folder);
        return st;
    }
    folder->lock = el_io_open(folder->temporary, O_RDONLY | O_DIRECTORY);
    if (folder->lock >= 0)
        (void)el_io_lock(folder->lock);
    return EL_OK;
}

static void folder_free(el_folder *folder)
{
    if (folder->temporary && folder->lock >= 0)
        el_io_close(folder->lock);
    free(folder->path);
    free(folder->temporary);
    *folder = (el_folder){0};
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
    el_status st = old ? EL_OK : el_fail(EL_ENOMEM, "%s: out of memory", path);
    if (!st && el_io_rename(path, old) != 0)
        st = el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
    if (!st && el_io_rename(temporary, path) != 0) {
        st = el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
        el_io_rename(old, path);
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
        st = sync_parent(folder->path);
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

/* ---- checksums ---- */

uint64_t el_hash(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

void el_hash_text(uint64_t hash, char text[17])
{
    snprintf(text, 17, "%016llx", (unsigned long long)hash);
}
