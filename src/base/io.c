/* io - see the header */
#define _GNU_SOURCE
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

el_status el_io_fail(const char *path)
{
    const int failure = errno;
    const bool absent = failure == ENOENT || failure == ENOTDIR || failure == EISDIR || failure == ELOOP ||
                        failure == ENAMETOOLONG || failure == ENXIO;
    return el_fail(absent              ? EL_EDATA
                   : failure == ENOMEM ? EL_ENOMEM
                                       : EL_EFAILED,
                   "%s: %s", path, strerror(failure));
}

int el_io_open(const char *path, int flags)
{
    int file;
    do
        file = open(path, flags | O_CLOEXEC, 0666);
    while (file < 0 && errno == EINTR);
    return file;
}

/* Its name in the system's list of open files, through which it gets one of its own. */
static void list_name(char name[32], int file)
{
    snprintf(name, 32, "/proc/self/fd/%d", file);
}

int el_io_open_nameless(const char *folder)
{
#ifdef O_TMPFILE
    char listed[32];
    const int file = el_io_open(folder, O_TMPFILE | O_RDWR);
    if (file < 0)
        return -1;
    list_name(listed, file);
    if (access(listed, F_OK) == 0)
        return file;
    el_io_close(file);
#else
    (void)folder;
#endif
    return -1;
}

int el_io_name(int file, const char *path)
{
    char listed[32];
    list_name(listed, file);
    return linkat(AT_FDCWD, listed, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

int el_io_close(int file)
{
    return close(file) == 0 || errno == EINTR ? 0 : -1; /* it is closed all the same */
}

/* Whether to try again after a failure: at once, or when a descriptor that does not block is ready. */
static bool again(int file, short events)
{
    struct pollfd one = {.fd = file, .events = events};
    return errno == EINTR ||
           ((errno == EAGAIN || errno == EWOULDBLOCK) && (poll(&one, 1, -1) >= 0 || errno == EINTR));
}

ssize_t el_io_read(int file, void *data, size_t bytes)
{
    ssize_t got;
    do
        got = read(file, data, bytes);
    while (got < 0 && again(file, POLLIN));
    return got;
}

ssize_t el_io_write(int file, const void *data, size_t bytes)
{
    ssize_t written;
    do
        written = write(file, data, bytes);
    while (written < 0 && again(file, POLLOUT));
    return written;
}

off_t el_io_seek(int file, off_t offset, int whence)
{
    return lseek(file, offset, whence);
}

int el_io_truncate(int file, off_t bytes)
{
    int result;
    do
        result = ftruncate(file, bytes);
    while (result != 0 && errno == EINTR);
    return result;
}

int el_io_sync(int file)
{
    int result;
    do
        result = fsync(file);
    while (result != 0 && errno == EINTR);
    return result != 0 && errno != EINVAL && errno != EROFS ? -1 : 0;
}

int el_io_lock(int file)
{
    int result;
    do
        result = flock(file, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result;
}

bool el_io_waits(int file)
{
    struct pollfd one = {.fd = file, .events = POLLIN};
    return poll(&one, 1, 0) == 0;
}

void *el_io_map(int file, size_t bytes)
{
    void *const data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    return data == MAP_FAILED ? NULL : data;
}

void *el_io_memory(size_t bytes)
{
    void *const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void el_io_unmap(void *memory, size_t bytes)
{
    munmap(memory, bytes);
}

int el_io_stat(const char *path, struct stat *info)
{
    return stat(path, info);
}

int el_io_lstat(const char *path, struct stat *info)
{
    return lstat(path, info);
}

int el_io_fstat(int file, struct stat *info)
{
    return fstat(file, info);
}

char *el_io_real(const char *path)
{
    return realpath(path, NULL);
}

ssize_t el_io_link(const char *path, char *target, size_t bytes)
{
    return readlink(path, target, bytes);
}

int el_io_rename(const char *from, const char *to)
{
    return rename(from, to);
}

int el_io_exchange(const char *a, const char *b)
{
    enum { EXCHANGE = 2 }; /* RENAME_EXCHANGE of the kernel: musl 1.2.3 has neither its name nor the call */
    return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, EXCHANGE);
}

int el_io_unlink(const char *path)
{
    return unlink(path);
}

int el_io_make_folder(const char *path)
{
    return mkdir(path, 0777);
}

int el_io_remove_folder(const char *path)
{
    return rmdir(path);
}

int el_io_temporary(char *template)
{
    return mkdtemp(template) ? 0 : -1;
}

DIR *el_io_folder_open(const char *path)
{
    return opendir(path);
}

const char *el_io_folder_next(DIR *folder)
{
    errno = 0;
    const struct dirent *const entry = readdir(folder);
    return entry ? entry->d_name : NULL;
}

void el_io_folder_close(DIR *folder)
{
    closedir(folder);
}
