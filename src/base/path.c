/* path - see the header */
#define _GNU_SOURCE
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

char *el_path_trimmed(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return strndup(path, length);
}

char *el_path_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

char *el_path_behind_links(const char *path)
{
    enum { DEEPEST = 40 }; /* as the kernel */
    char *place = el_path_trimmed(path), target[4096];
    for (int depth = 0; place && depth < DEEPEST; depth++) {
        const ssize_t bytes = el_io_link(place, target, sizeof target - 1);
        if (bytes < 0)
            break; /* no link, or nothing: whoever opens it will say so */
        target[bytes] = '\0';
        char *const parent = target[0] == '/' ? NULL : el_path_parent(place);
        char *const next = target[0] == '/' ? strdup(target) : parent ? el_path_join(parent, target) : NULL;
        free(parent);
        free(place);
        place = next;
    }
    return place;
}

char *el_path_place(const char *path)
{
    char *const place = el_path_behind_links(path);
    const char *const slash = place ? strrchr(place, '/') : NULL, *const last = slash ? slash + 1 : place;
    if (!place || (strcmp(last, ".") != 0 && strcmp(last, "..") != 0))
        return place;
    char *const whole = el_io_real(place);
    if (!whole)
        return place;
    free(place);
    return whole;
}

static const char *between(const char *folder)
{
    const size_t length = strlen(folder);
    return length == 0 || folder[length - 1] == '/' ? "" : "/";
}

el_path el_path_in(const char *folder, const char *name)
{
    enum {
        NO_NAME = NAME_MAX + 1
    }; /* characters in a row: nothing is called so, whoever resolves the path */
    el_path path;
    const int length = snprintf(path.text, sizeof path.text, "%s%s%s", folder, between(folder), name);
    if (length < 0 || length >= PATH_MAX) {
        memset(path.text + PATH_MAX - NO_NAME, '_', NO_NAME);
        path.text[PATH_MAX] = '\0';
    }
    return path;
}

char *el_path_join(const char *folder, const char *name)
{
    char *path;
    return asprintf(&path, "%s%s%s", folder, between(folder), name) < 0 ? NULL : path;
}

const char *el_path_said(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

el_status el_path_sync(const char *path)
{
    const int file = el_io_open(path, O_RDONLY | O_NONBLOCK);
    if (file < 0)
        return el_fail(EL_EFAILED, "%s: %s", path, strerror(errno));
    const int failed = el_io_sync(file) != 0 ? errno : 0;
    el_io_close(file);
    return failed ? el_fail(EL_EFAILED, "%s: %s", path, strerror(failed)) : EL_OK;
}

el_status el_path_sync_parent(const char *path)
{
    char *parent = el_path_parent(path);
    if (!parent)
        return el_no_memory(path);
    const el_status st = el_path_sync(parent);
    free(parent);
    return st;
}
