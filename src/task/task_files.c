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

/* The names of a split, and those that it is like. */
typedef struct {
    const char *names, *alike;
    bool wanted; /* else the first of several files that might be meant will do */
} split;

/* The one file of the folder whose name without its endings is one of the split's, or with `alike` has one of them as a
 * word. */
static el_status find_file(const char *folder, const split *s, bool alike, char **path)
{
    char **files;
    int count;
    const char *found = NULL;
    el_status st = el_folder_list(folder, &files, &count);
    if (st)
        return st;
    for (int i = 0; !st && i < count; i++) {
        const bool is = files[i][0] != '.' && is_meant(files[i], alike ? s->alike : s->names, alike) &&
                        !el_folder_exists(el_path_in(folder, files[i]).text);
        if (is && found && s->wanted)
            st = el_fail(EL_EUSAGE, "%s: both %s and %s might be meant; name the files", folder, found,
                         files[i]);
        found = is && !found ? files[i] : found;
    }
    if (!st && found && !(*path = el_path_join(folder, found)))
        st = el_no_memory(NULL);
    el_folder_list_release(files, count);
    return st;
}

/* By the task's names; else, unless `exact`, by what its name is like. */
static el_status find_split(const char *folder, split s, bool exact, char **path)
{
    if (!s.names || *path)
        return EL_OK;
    const el_status st = find_file(folder, &s, false, path);
    return st || *path || exact ? st : find_file(folder, &s, true, path);
}

static el_status find_in(const el_task *task, const char *folder, bool exact, int wanted,
                         el_task_files *files)
{
    const split train = {task->train, "train|training", wanted & EL_FILES_TRAIN},
                dev = {task->dev, "dev|valid|validation|val|eval|trial", wanted & EL_FILES_DEV},
                test = {task->test, "test", wanted & EL_FILES_TEST};
    el_status st = find_split(folder, train, exact, &files->train);
    if (!st)
        st = find_split(folder, dev, exact, &files->dev);
    if (!st)
        st = find_split(folder, test, exact, &files->test);
    return st;
}

void el_task_files_release(el_task_files *files)
{
    free(files->train);
    free(files->dev);
    free(files->test);
    *files = (el_task_files){0};
}

/* Whether there is a folder of a name of so many bytes below another; `path` is where. */
static bool is_below(const char *above, const char *name, size_t bytes, el_path *path)
{
    char folder[64];
    snprintf(folder, sizeof folder, "%.*s", (int)bytes, name);
    *path = el_path_in(above, folder);
    return el_folder_exists(path->text);
}

/* Whether the task's folder is below another, by its usual name or the task's own. */
static bool has_folder(const el_task *task, const char *above, el_path *path)
{
    const char *names = task->folder, *name;
    size_t bytes;
    while (el_word_next(&names, &name, &bytes))
        if (is_below(above, name, bytes, path))
            return true;
    return task->folder && is_below(above, task->name, strlen(task->name), path);
}

el_status el_task_find_test(const el_task *task, const char *folder, char **path)
{
    *path = NULL;
    const split test = {.names = task->test, .wanted = true};
    el_status st = find_split(folder, test, true, path);
    el_path below;
    if (!st && !*path && has_folder(task, folder, &below))
        st = find_split(below.text, test, true, path);
    return st;
}

static bool nothing(const el_task_files *files)
{
    return !files->train && !files->dev && !files->test;
}

/* Beside a training file of the very name, files of one's own may be called otherwise. */
static el_status find_where(const el_task *task, const char *folder, bool exact, int wanted,
                            el_task_files *files)
{
    const el_status st = find_in(task, folder, exact, wanted, files);
    return st || !exact || !files->train || task->labels ? st : find_in(task, folder, false, wanted, files);
}

/* In the folder itself, or in the task's usual one below it, by every form's names before any by likeness. */
static el_status find_all(const el_task **task, const char *folder, int wanted, el_task_files *files)
{
    const el_task *const asked = *task;
    for (int likeness = 0; likeness < 2; likeness++)
        for (const el_task *t = asked; t; t = next_form(t)) {
            el_path below;
            el_status st = find_where(t, folder, !likeness, wanted, files);
            if (!st && nothing(files) && has_folder(t, folder, &below))
                st = find_where(t, below.text, !likeness, wanted, files);
            if (st || !nothing(files)) {
                *task = t;
                return st;
            }
        }
    return EL_OK;
}

/* A split is the file that was given, or else, where it is wanted, the one that was found. */
static el_status take_given(char **path, const char *given, bool wanted)
{
    if (wanted && !given)
        return EL_OK;
    free(*path);
    *path = given ? strdup(given) : NULL;
    return *path || !given ? EL_OK : el_no_memory(NULL);
}

el_status el_task_find_files(const el_task **task, const char *folder, const el_task_files *given, int wanted,
                             el_task_files *files)
{
    static const el_task_files NONE = {0};
    const el_task_files *const g = given ? given : &NONE;
    const int open = wanted & ~((g->train ? EL_FILES_TRAIN : 0) | (g->dev ? EL_FILES_DEV : 0) |
                                (g->test ? EL_FILES_TEST : 0));
    *files = NONE;
    el_status st = folder ? el_folder_need(folder) : EL_OK;
    if (!st && folder)
        st = find_all(task, folder, open, files);
    if (!st)
        st = take_given(&files->train, g->train, wanted & EL_FILES_TRAIN);
    if (!st)
        st = take_given(&files->dev, g->dev, wanted & EL_FILES_DEV);
    if (!st)
        st = take_given(&files->test, g->test, wanted & EL_FILES_TEST);
    if (!st && wanted & EL_FILES_TRAIN && !files->train)
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
    const el_status st = file ? visit(context, file) : el_no_memory(NULL);
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
