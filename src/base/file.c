/* file - see the header
 *
 * What is being written lies beside its place (temporary.h), so that the rename stays within one file system.  The
 * place of a link is what it names: the link stays.
 */
#define _GNU_SOURCE
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "io.h"
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

/* ---- writing a file ---- */

enum { BUFFER = 1 << 18 };

struct el_writer {
    char *path, *place; /* place: where it will be, behind links */
    char *temporary;    /* NULL: a device or a pipe, written straight */
    bool named;         /* it has that name already, not at its end alone */
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

/* Without a name where that can be, so that a process that is killed leaves nothing. */
static int open_temporary(el_writer *writer)
{
    char *const folder = el_path_parent(writer->place);
    const int file = folder ? el_io_open_nameless(folder) : -1;
    free(folder);
    writer->named = file < 0;
    return writer->named ? el_io_open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL) : file;
}

static void remove_temporary(const el_writer *writer)
{
    if (writer->temporary && writer->named)
        el_io_unlink(writer->temporary);
}

el_status el_writer_open(el_writer **result, const char *path)
{
    *result = NULL;
    if (el_folder_exists(path))
        return el_fail(EL_EFAILED, "%s: Is a directory", path);
    el_writer *writer = malloc(sizeof *writer);
    if (!writer)
        return el_no_memory(path);
    const bool straight = is_special(path);
    writer->path = strdup(path);
    writer->place = el_path_behind_links(path);
    writer->temporary = straight || !writer->place ? NULL : el_temporary_beside(writer->place);
    writer->file = -1;
    writer->failure = 0;
    writer->used = 0;
    if (!writer->path || !writer->place || (!straight && !writer->temporary)) {
        writer_free(writer);
        return el_no_memory(path);
    }
    writer->file = straight ? el_io_open(path, O_WRONLY) : open_temporary(writer);
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

static void sync_file(el_writer *writer)
{
    flush(writer);
    if (!writer->failure && writer->temporary)
        note(writer, el_io_sync(writer->file) != 0);
}

/* All of it once more, into a file of that name, where none can be given. */
static bool copy_named(el_writer *writer)
{
    const int named = el_io_open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (named < 0)
        return false;
    writer->named = true;
    bool done = el_io_seek(writer->file, 0, SEEK_SET) == 0;
    for (ssize_t got = 1; done && got > 0;) {
        got = el_io_read(writer->file, writer->buffer, BUFFER);
        done = got >= 0 && el_file_put(named, writer->buffer, (size_t)got);
    }
    done = done && el_io_sync(named) == 0;
    el_io_close(writer->file);
    writer->file = named;
    return done;
}

static bool give_name(el_writer *writer)
{
    writer->named = el_io_name(writer->file, writer->temporary) == 0;
    return writer->named || copy_named(writer);
}

el_status el_writer_sync(el_writer *writer)
{
    sync_file(writer);
    return writer->failure ? complain(writer) : EL_OK;
}

el_status el_writer_finish(el_writer *writer)
{
    sync_file(writer);
    if (!writer->failure && writer->temporary && !writer->named)
        note(writer, !give_name(writer));
    note(writer, el_io_close(writer->file) != 0);
    writer->file = -1;
    if (!writer->failure && writer->temporary)
        note(writer, el_io_rename(writer->temporary, writer->place) != 0);
    el_status st = EL_OK;
    if (writer->failure) {
        st = complain(writer);
        remove_temporary(writer);
    } else if (writer->temporary) {
        st = el_path_sync_parent(writer->place);
    }
    writer_free(writer);
    return st;
}

void el_writer_abandon(el_writer *writer)
{
    if (writer)
        remove_temporary(writer);
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

bool el_file_exists(const char *path)
{
    struct stat info;
    if (el_io_stat(path, &info) == 0)
        return !S_ISDIR(info.st_mode);
    return errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENAMETOOLONG;
}

/* ---- checksums ---- */

uint64_t el_hash(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

uint64_t el_hash_with(uint64_t before, const void *data, size_t bytes)
{
    const uint64_t both[2] = {before, el_hash(data, bytes)};
    return el_hash(both, sizeof both);
}

void el_hash_text(uint64_t hash, char text[17])
{
    snprintf(text, 17, "%016llx", (unsigned long long)hash);
}
