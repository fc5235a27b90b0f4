/* temporary - see the header */
#define _GNU_SOURCE
#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "io.h"
#include "log.h"

static const char BEGINNING[] = ".electra.", END[] = ".tmp";

/* Two processes of one number, in two containers, begin at different moments. */
static uint64_t number(void)
{
    static atomic_uint_fast64_t count;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t seen[] = {(uint64_t)now.tv_sec, (uint64_t)now.tv_nsec, (uint64_t)getpid(),
                             atomic_fetch_add(&count, 1)};
    return el_hash(seen, sizeof seen);
}

char *el_temporary_beside(const char *path)
{
    const char *const slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash + 1 - path) : 0;
    char *name;
    return asprintf(&name, "%.*s%s%ld.%016" PRIx64 "%s", folder, path, BEGINNING, (long)getpid(), number(),
                    END) < 0
               ? NULL
               : name;
}

char *el_temporary_of(const char *path)
{
    const char *const slash = strrchr(path, '/'), *const file = slash ? slash + 1 : path;
    char *name;
    return asprintf(&name, "%.*s.%s.unfinished", (int)(file - path), path, file) < 0 ? NULL : name;
}

bool el_temporary_is(const char *name)
{
    const size_t length = strlen(name), beginning = sizeof BEGINNING - 1, end = sizeof END - 1;
    if (length <= beginning + end || strncmp(name, BEGINNING, beginning) != 0 ||
        strcmp(name + length - end, END) != 0)
        return false;
    const char *const process = name + beginning, *const dot = process + strspn(process, "0123456789");
    return dot > process && *dot == '.' && strspn(dot + 1, "0123456789abcdef") == 16 &&
           dot + 1 + 16 == name + length - end;
}

/* Whether the lock of whoever wrote it is gone.  Where that cannot be told, it is not. */
static bool abandoned(const char *path)
{
    int file = el_io_open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
    if (file < 0 && errno == EISDIR)
        file = el_io_open(path, O_RDONLY | O_NOFOLLOW);
    if (file < 0)
        return false;
    const bool free_now = el_io_lock(file) == 0;
    el_io_close(file);
    return free_now;
}

el_status el_temporary_sweep(const char *folder)
{
    char **names;
    int count;
    const el_status st = el_folder_list(folder, &names, &count);
    for (int i = 0; i < count; i++) {
        if (!el_temporary_is(names[i]))
            continue;
        const el_path path = el_path_in(folder, names[i]);
        if (abandoned(path.text) && el_folder_remove(path.text) != EL_OK)
            el_log(EL_LOG_WARNING, "%s; it is left there", el_error());
    }
    el_folder_list_release(names, count);
    return st;
}
