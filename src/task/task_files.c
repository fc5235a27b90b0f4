/* task_files - where a task's files lie */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/words.h"
#include "task/task.h"
#include "text/naming.h"

/* The same task in another form: the next line of its name. */
static const el_task *next_form(const el_task *task)
{
    bool behind = false;
    const el_task *t;
    for (int i = 0; (t = el_task_at(i)); i++) {
        if (behind && strcmp(t->name, task->name) == 0)
            return t;
        behind |= t == task;
    }
    return NULL;
}

static el_status no_memory(void)
{
    return el_fail(EL_ENOMEM, "no memory for names of files");
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether a name, of whatever case, stands in the stem as a word: between what is no letter. */
static bool holds(const char *stem, size_t length, const char *name, size_t bytes)
{
    for (size_t i = 0; i + bytes <= length; i++)
        if (strncasecmp(stem + i, name, bytes) == 0 && !(i && is_letter(stem[i - 1])) &&
            !(i + bytes < length && is_letter(stem[i + bytes])))
            return true;
    return false;
}

/* Whether one of the names is a file's without its endings, or with `alike` stands in it. */
static bool is_meant(const char *file, const char *names, bool alike)
{
    const char *name;
    size_t length, bytes;
    el_naming_of(file, &length);
    while (el_word_next(&names, &name, &bytes))
        if (alike ? holds(file, length, name, bytes) : length == bytes && strncasecmp(file, name, bytes) == 0)
            return true;
    return false;
}

/* The one file of the folder whose name without its endings is one of `names`, or with `alike` has one of them as a word. */
static el_status find_file(const char *folder, const char *names, bool alike, char **path)
{
    char **files;
    int count;
    const char *found = NULL;
    el_status st = el_folder_list(folder, &files, &count);
    if (st)
        return st;
    for (int i = 0; !st && i < count; i++) {
        char *const whole = el_path_join(folder, files[i]);
        const bool is =
            whole && files[i][0] != '.' && is_meant(files[i], names, alike) && !el_folder_exists(whole);
        free(whole);
        if (is && found)
            st = el_fail(EL_EUSAGE, "%s: both %s and %s might be meant; name the files", folder, found,
                         files[i]);
        found = is ? files[i] : found;
    }
    if (!st && found && !(*path = el_path_join(folder, found)))
        st = no_memory();
    el_names_free(files, count);
    return st;
}

/* By the task's names; else, unless `exact`, by what its name is like. */
static el_status find_split(const char *folder, const char *names, const char *alike, bool exact, char **path)
{
    if (!names || *path)
        return EL_OK;
    const el_status st = find_file(folder, names, false, path);
    return st || *path || exact ? st : find_file(folder, alike, true, path);
}

static el_status find_in(const el_task *task, const char *folder, bool exact, el_task_files *files)
{
    el_status st = find_split(folder, task->train, "train|training", exact, &files->train);
    if (!st)
        st = find_split(folder, task->dev, "dev|valid|validation|val|eval|trial", exact, &files->dev);
    if (!st)
        st = find_split(folder, task->test, "test", exact, &files->test);
    return st;
}

void el_task_files_release(el_task_files *files)
{
    free(files->train);
    free(files->dev);
    free(files->test);
    *files = (el_task_files){0};
}

/* The folder of a name of so many bytes below another; NULL: it is not there. */
static char *folder_named(const char *above, const char *name, size_t bytes)
{
    char folder[64];
    snprintf(folder, sizeof folder, "%.*s", (int)bytes, name);
    char *const path = el_path_join(above, folder);
    if (path && el_folder_exists(path))
        return path;
    free(path);
    return NULL;
}

/* The task's folder below another, by its usual name or the task's own; NULL: it is not there. */
static char *folder_of(const el_task *task, const char *above)
{
    const char *names = task->folder, *name;
    size_t bytes;
    char *path = NULL;
    while (!path && el_word_next(&names, &name, &bytes))
        path = folder_named(above, name, bytes);
    return path || !task->folder ? path : folder_named(above, task->name, strlen(task->name));
}

el_status el_task_find_test(const el_task *task, const char *folder, char **path)
{
    *path = NULL;
    el_status st = find_split(folder, task->test, NULL, true, path);
    char *const below = st || *path ? NULL : folder_of(task, folder);
    if (below)
        st = find_split(below, task->test, NULL, true, path);
    free(below);
    return st;
}

static bool nothing(const el_task_files *files)
{
    return !files->train && !files->dev && !files->test;
}

/* Beside a training file of the very name, files of one's own may be called otherwise. */
static el_status find_where(const el_task *task, const char *folder, bool exact, el_task_files *files)
{
    const el_status st = find_in(task, folder, exact, files);
    return st || !exact || !files->train || task->labels ? st : find_in(task, folder, false, files);
}

/* In the folder itself, or in the task's usual one below it, by every form's names before any by likeness. */
static el_status find_all(const el_task **task, const char *folder, el_task_files *files)
{
    const el_task *const asked = *task;
    for (int likeness = 0; likeness < 2; likeness++)
        for (const el_task *t = asked; t; t = next_form(t)) {
            char *const below = folder_of(t, folder);
            el_status st = find_where(t, folder, !likeness, files);
            if (!st && nothing(files) && below)
                st = find_where(t, below, !likeness, files);
            free(below);
            if (st || !nothing(files)) {
                *task = t;
                return st;
            }
        }
    return EL_OK;
}

static el_status take_given(char **path, const char *given)
{
    if (!given)
        return EL_OK;
    free(*path);
    *path = strdup(given);
    return *path ? EL_OK : no_memory();
}

el_status el_task_find_files(const el_task **task, const char *folder, const el_task_files *given,
                             bool need_train, el_task_files *files)
{
    *files = (el_task_files){0};
    el_status st = folder ? el_folder_need(folder) : EL_OK;
    if (!st && folder)
        st = find_all(task, folder, files);
    if (!st && given)
        st = take_given(&files->train, given->train);
    if (!st && given)
        st = take_given(&files->dev, given->dev);
    if (!st && given)
        st = take_given(&files->test, given->test);
    if (!st && need_train && !files->train)
        st = folder ? el_fail(EL_EDATA, "%s: there is no file named \"train\" in it; --train-file names one",
                              folder)
                    : el_fail(EL_EUSAGE, "nothing to train on: --data names a folder, --train-file a file");
    if (st)
        el_task_files_release(files);
    return st;
}

bool el_class_files(const char *path)
{
    return strchr(path, '=') && strchr(path, ',') && !el_file_exists(path);
}

bool el_class_files_next(const char **at, el_class_file *file)
{
    const char *const part = *at;
    const size_t bytes = strcspn(part, ","), name = strcspn(part, "=");
    if (name == 0 || name + 1 >= bytes)
        return false;
    *file = (el_class_file){part, part + name + 1, name, bytes - name - 1};
    *at += bytes + (part[bytes] == ',');
    return true;
}

static el_status visit_part(const el_class_file *part, el_file_visit *visit, void *context)
{
    char *const file = strndup(part->path, part->path_bytes);
    const el_status st = file ? visit(context, file) : el_fail(EL_ENOMEM, "no memory for a path");
    free(file);
    return st;
}

el_status el_class_files_visit(const char *path, el_file_visit *visit, void *context)
{
    if (!el_class_files(path))
        return visit(context, path);
    el_status st = EL_OK;
    el_class_file part;
    for (const char *at = path; !st && *at;)
        st = el_class_files_next(&at, &part) ? visit_part(&part, visit, context)
                                             : el_fail(EL_EUSAGE, "%s: is not label=FILE,label=FILE", at);
    return st;
}
