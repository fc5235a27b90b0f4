/* file - see the header
 *
 * What is being written is called <path>.<process>.tmp and lies beside its place, so that the
 * rename stays within one file system.
 */
#define _GNU_SOURCE
#include "file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* ---- reading ---- */

static el_status map(el_mapping *mapping, const char *path, int file)
{
    struct stat info;
    if (fstat(file, &info) != 0)
        return el_fail(EL_EDATA, "%s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return el_fail(EL_EDATA, "%s: Is a directory", path);
    if (!S_ISREG(info.st_mode))
        return el_fail(EL_EDATA, "%s: not a regular file", path);
    if (info.st_size == 0) {
        *mapping = (el_mapping){.data = (const unsigned char *)"", .size = 0};
        return EL_OK;
    }
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED)
        return el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
    *mapping = (el_mapping){.data = data, .size = (size_t)info.st_size};
    return EL_OK;
}

el_status el_mapping_open(el_mapping *mapping, const char *path)
{
    *mapping = (el_mapping){0};
    const int file =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not hang */
    if (file < 0)
        return el_fail(EL_EDATA, "%s: %s", path, strerror(errno));
    const el_status st = map(mapping, path, file);
    close(file);
    return st;
}

void el_mapping_close(el_mapping *mapping)
{
    if (mapping->size)
        munmap((void *)mapping->data, mapping->size);
    *mapping = (el_mapping){0};
}

/* ---- names ---- */

/* `path` with an ending, on the heap, NULL when out of memory. */
static char *beside(const char *path, const char *ending)
{
    char *name;
    return asprintf(&name, "%s.%ld.%s", path, (long)getpid(), ending) < 0 ? NULL : name;
}

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
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
    const int failed =
        fsync(file) != 0 && errno != EINVAL && errno != EROFS ? errno : 0; /* EINVAL: cannot be synced */
    close(file);
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
    char *path, *temporary; /* no temporary: a device or a pipe, written straight */
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
        close(writer->file);
    free(writer->path);
    free(writer->temporary);
    free(writer);
}

/* Whether `path` is something a rename would destroy, like /dev/null. */
static bool is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

el_status el_writer_open(el_writer **result, const char *path)
{
    *result = NULL;
    if (el_folder_exists(path))
        return el_fail(EL_EFAILED, "%s: Is a directory", path);
    el_writer *writer = malloc(sizeof *writer);
    if (!writer)
        return el_fail(EL_ENOMEM, "%s: out of memory", path);
    writer->path = strdup(path);
    writer->temporary = is_special(path) ? NULL : beside(path, "tmp");
    writer->file = -1;
    writer->failure = 0;
    writer->used = 0;
    const bool straight = is_special(path);
    if (!writer->path || (!straight && !writer->temporary)) {
        writer_free(writer);
        return el_fail(EL_ENOMEM, "%s: out of memory", path);
    }
    writer->file = straight ? open(path, O_WRONLY | O_CLOEXEC)
                            : open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (writer->file < 0) {
        const el_status st = el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
        writer_free(writer);
        return st;
    }
    *result = writer;
    return EL_OK;
}

static void write_all(el_writer *writer, const unsigned char *data, size_t bytes)
{
    while (bytes && !writer->failure) {
        const ssize_t written = write(writer->file, data, bytes);
        if (written >= 0)
            data += written, bytes -= (size_t)written;
        else if (errno != EINTR)
            writer->failure = errno;
    }
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
    note(writer, lseek(writer->file, 0, SEEK_SET) < 0);
    write_all(writer, data, bytes);
    note(writer, lseek(writer->file, 0, SEEK_END) < 0);
    return writer->failure ? complain(writer) : EL_OK;
}

el_status el_writer_finish(el_writer *writer)
{
    flush(writer);
    if (!writer->failure && writer->temporary)
        note(writer, fsync(writer->file) != 0);
    note(writer, close(writer->file) != 0);
    writer->file = -1;
    if (!writer->failure && writer->temporary)
        note(writer, rename(writer->temporary, writer->path) != 0);
    el_status st = EL_OK;
    if (writer->failure) {
        st = complain(writer);
        if (writer->temporary)
            unlink(writer->temporary);
    } else if (writer->temporary) {
        st = sync_parent(writer->path);
    }
    writer_free(writer);
    return st;
}

void el_writer_abandon(el_writer *writer)
{
    if (writer && writer->temporary)
        unlink(writer->temporary);
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
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

bool el_folder_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* mkdir, content with what is there already. */
static el_status make_one(const char *path)
{
    if (mkdir(path, 0777) == 0)
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

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

el_status el_folder_remove(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return EL_OK;
    return el_fail(EL_EFAILED, "%s: cannot remove: %s", path, strerror(errno));
}

static int sync_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)place;
    return type == FTW_F || type == FTW_DP || type == FTW_D ? (int)sync_path(path) : 0;
}

static el_status sync_all(const char *path)
{
    const int result = nftw(path, sync_one, 16, FTW_DEPTH | FTW_PHYS);
    if (result < 0)
        return el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
    return (el_status)result;
}

el_status el_folder_begin(el_folder *folder, const char *path)
{
    *folder = (el_folder){.path = without_slashes(path)};
    if (folder->path)
        folder->temporary = beside(folder->path, "tmp");
    el_status st = EL_OK;
    if (!folder->path || !folder->temporary)
        st = el_fail(EL_ENOMEM, "%s: out of memory", path);
    else if (el_file_exists(folder->path))
        st = el_fail(EL_EFAILED, "%s: Not a directory", path);
    if (!st)
        st = el_folder_remove(folder->temporary); /* a process of the same number left it */
    if (!st)
        st = el_folder_make(folder->temporary);
    if (st)
        el_folder_abandon(folder);
    return st;
}

/* Exchanges both in one step where the file system can; else there is a moment with no `path`. */
static el_status replace(const char *temporary, const char *path)
{
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
        return el_folder_remove(temporary); /* holds the old one now */
    char *old = beside(path, "old");
    if (!old)
        return el_fail(EL_ENOMEM, "%s: out of memory", path);
    el_status st = el_folder_remove(old);
    if (!st && rename(path, old) != 0)
        st = el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
    if (!st && rename(temporary, path) != 0) {
        st = el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
        rename(old, path);
    }
    if (!st)
        st = el_folder_remove(old);
    free(old);
    return st;
}

el_status el_folder_commit(el_folder *folder)
{
    el_status st = sync_all(folder->temporary);
    if (!st && el_folder_exists(folder->path))
        st = replace(folder->temporary, folder->path);
    else if (!st && rename(folder->temporary, folder->path) != 0)
        st = el_fail(EL_EFAILED, "%s: %s", folder->path, strerror(errno));
    if (!st)
        st = sync_parent(folder->path);
    if (!st) {
        free(folder->path);
        free(folder->temporary);
        *folder = (el_folder){0};
    }
    return st;
}

void el_folder_abandon(el_folder *folder)
{
    if (folder->temporary)
        nftw(folder->temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* keeps the sentence that led here */
    free(folder->path);
    free(folder->temporary);
    *folder = (el_folder){0};
}

static int not_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* By bytes: alphasort would follow the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

el_status el_folder_list(const char *path, char ***names, int *count)
{
    *names = NULL, *count = 0;
    struct dirent **entries;
    const int found = scandir(path, &entries, not_dots, by_bytes);
    if (found < 0)
        return el_fail(EL_EDATA, "%s: %s", path, strerror(errno));
    char **list = calloc((size_t)found + 1, sizeof *list);
    bool complete = list != NULL;
    for (int i = 0; i < found; i++) {
        if (list && !(list[i] = strdup(entries[i]->d_name)))
            complete = false;
        free(entries[i]);
    }
    free(entries);
    if (!complete) {
        el_names_free(list, list ? found : 0);
        return el_fail(EL_ENOMEM, "%s: out of memory", path);
    }
    *names = list, *count = found;
    return EL_OK;
}

void el_names_free(char **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
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
