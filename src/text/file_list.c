#define _GNU_SOURCE /* st_mtim, strdup */
#include "file_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "base/io.h"
#include "text/utf8.h"

static el_status no_memory(size_t bytes)
{
    return el_fail(EL_ENOMEM, "no memory for a list of files (%zu bytes)", bytes);
}

/* What stands for the files before it and for this one as it is now. */
static uint64_t seen_with(const el_file_list *list, const char *path, const struct stat *info)
{
    const uint64_t all[] = {list->count ? list->files[list->count - 1].seen : 0, el_hash(path, strlen(path)),
                            (uint64_t)info->st_size, (uint64_t)info->st_mtim.tv_sec,
                            (uint64_t)info->st_mtim.tv_nsec};
    return el_hash(all, sizeof all);
}

static el_status add_file(el_file_list *list, const char *path, bool in_folder, const struct stat *info)
{
    if (!el_grow(&list->files, &list->room, (size_t)list->count + 1, sizeof *list->files))
        return no_memory(((size_t)list->count + 1) * sizeof *list->files);
    const el_listed_file added = {.path = strdup(path),
                                  .in_folder = in_folder,
                                  .bytes = (uint64_t)info->st_size,
                                  .seen = seen_with(list, path, info)};
    if (!added.path)
        return no_memory(strlen(path));
    list->files[list->count++] = added;
    return EL_OK;
}

/* Whether beside a path that names nothing lies one of the same characters in another form, such as macOS's. */
static bool has_twin(const char *path)
{
    const char *const slash = strrchr(path, '/'), *const last = slash ? slash + 1 : path;
    char *const folder = el_path_parent(path), *const name = el_utf8_composed(last);
    char **names;
    int count;
    bool found = false;
    if (folder && name && el_folder_exists(folder) && !el_folder_list(folder, &names, &count)) {
        for (int i = 0; i < count && !found; i++) {
            char *const composed = el_utf8_composed(names[i]);
            found = composed && strcmp(composed, name) == 0 && strcmp(names[i], last) != 0;
            free(composed);
        }
        el_folder_list_release(names, count);
    }
    free(folder);
    free(name);
    return found;
}

static el_status fail(const char *path)
{
    const int why = errno;
    if (why == ENOENT && has_twin(path))
        return el_fail(EL_EDATA,
                       "%s: No such file or directory; one there looks the same, but its letters are taken "
                       "apart (NFD) or put together (NFC)",
                       path);
    errno = why;
    return el_io_fail(path);
}

static el_status add_folder(el_file_list *list, const char *path, int depth);

static el_status add(el_file_list *list, const char *path, int depth)
{
    struct stat info = {0};
    if (strcmp(path, "-") == 0) {
        list->unmeasured = true;
        return add_file(list, path, depth > 0, &info);
    }
    if (el_io_stat(path, &info) != 0)
        return fail(path);
    if (S_ISDIR(info.st_mode))
        return add_folder(list, path, depth);
    if (S_ISREG(info.st_mode))
        list->bytes += (uint64_t)info.st_size;
    else
        list->unmeasured = true;
    return add_file(list, path, depth > 0, &info);
}

enum { DEEPEST = 64 };

static el_status add_folder(el_file_list *list, const char *path, int depth)
{
    if (depth == DEEPEST)
        return el_fail(EL_EDATA, "%s: folders are nested more than %d deep", path, DEEPEST);
    char **names;
    int count;
    el_status st = el_folder_list(path, &names, &count);
    if (st)
        return st;
    for (int i = 0; i < count && !st; i++) {
        if (names[i][0] == '.')
            continue;
        char *inside = el_path_join(path, names[i]);
        st = inside ? add(list, inside, depth + 1) : no_memory(strlen(path));
        free(inside);
    }
    el_folder_list_release(names, count);
    return st;
}

el_status el_file_list_add(el_file_list *list, const char *path)
{
    return add(list, path, 0);
}

void el_file_list_release(el_file_list *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->files[i].path);
    free(list->files);
    *list = (el_file_list){0};
}
