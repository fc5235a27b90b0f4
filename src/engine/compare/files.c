/* files - the files of a study's tasks: where they lie, and which splits they have */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "engine/columns.h"
#include "engine/compare/parts.h"
#include "engine/finetune/finetune.h"
#include "engine/minimal_pairs.h"
#include "text/naming.h"

/* A text in which {tasks} stands for the folder of tasks (new reference). */
static json_t *with_folder(const char *text, const char *folder)
{
    static const char MARK[] = "{tasks}";
    char *const whole = malloc(strlen(text) * (strlen(folder) + 1) + 1);
    char *at = whole;
    if (!whole)
        return NULL;
    while (*text) {
        const bool mark = strncmp(text, MARK, sizeof MARK - 1) == 0;
        at += sprintf(at, "%.*s", mark ? (int)strlen(folder) : 1, mark ? folder : text);
        text += mark ? sizeof MARK - 1 : 1;
    }
    *at = '\0';
    json_t *const string = json_string(whole);
    free(whole);
    return string;
}

json_t *el_compare_told(const el_study *study, const el_job *job)
{
    json_t *const told = el_compare_asked(study, job);
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(told, next, key, value)
    {
        const char *const text = json_string_value(value);
        if (text && strstr(text, "{tasks}"))
            json_object_set_new(told, key, with_folder(text, study->plan.tasks_folder));
    }
    return told;
}

json_t *el_compare_task_told(const el_study *study, int task)
{
    return el_compare_told(study, &(el_job){.task = task});
}

/* The file of pairs in a folder, which has the task's name: JSON lines before a table. */
static char *pairs_in(const el_plan_task *t, const char *folder)
{
    static const char *const ENDINGS[] = {".jsonl", ".ndjson", ".tsv", ".tab"};
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++)
        for (const char *const *packing = EL_PACKINGS; *packing; packing++) {
            char name[64];
            snprintf(name, sizeof name, "%s%s%s", t->name, ENDINGS[i], *packing);
            const el_path path = el_path_in(folder, name);
            if (el_file_exists(path.text))
                return strdup(path.text);
        }
    return strdup(folder);
}

static char *data_of(const el_study *study, const el_plan_task *t)
{
    const char *const folder = study->plan.tasks_folder;
    if (t->data && strncmp(t->data, "{tasks}", 7) != 0)
        return strdup(t->data);
    const el_path path = el_path_in(folder, t->data ? t->data + 7 + (t->data[7] == '/') : t->name);
    return strdup(t->data || el_folder_exists(path.text) ? path.text : folder);
}

/* What the settings of a task say of a split's file, or NULL. */
static char *named_file(const json_t *told, const char *split)
{
    return (char *)json_string_value(json_object_get(told, split)); /* read only */
}

char *el_compare_task_data(const el_study *study, int task)
{
    const el_plan_task *const t = &study->plan.tasks[task];
    json_t *const told = el_compare_task_told(study, task);
    const bool named = json_object_get(told, "train_file") != NULL;
    json_decref(told);
    char *const data = named ? NULL : data_of(study, t);
    if (!data || !el_plan_asks_pairs(t) || !el_folder_exists(data))
        return data;
    char *const file = pairs_in(t, data);
    free(data);
    return file;
}

el_status el_compare_task_files(const el_study *study, int task, el_task_files *files)
{
    const el_task *known = el_task_find(study->plan.tasks[task].task);
    char *const data = el_compare_task_data(study, task);
    *files = (el_task_files){0};
    if (el_plan_asks_pairs(&study->plan.tasks[task])) {
        files->dev = data;
        return data ? EL_OK : el_no_memory(NULL);
    }
    json_t *const told = el_compare_task_told(study, task);
    const el_task_files named = {.train = named_file(told, "train_file"),
                                 .dev = named_file(told, "dev_file"),
                                 .test = named_file(told, "test_file")};
    const el_status st =
        known ? el_task_find_files(&known, data, &named, EL_FILES_TRAIN | EL_FILES_DEV | EL_FILES_TEST, files)
              : el_fail(EL_EUSAGE, "%s: no such task", study->plan.tasks[task].task);
    json_decref(told);
    free(data);
    return st;
}

bool el_compare_has_files(const el_study *study, int task)
{
    const bool pairs = el_plan_asks_pairs(&study->plan.tasks[task]);
    char *const data = el_compare_task_data(study, task);
    el_task_files files = {0};
    bool there = data == NULL; /* of files that are named a fine-tuning says what is wrong with them */
    if (data && pairs)
        there = el_file_exists(data) && !el_folder_exists(data);
    else if (data)
        there = !el_compare_task_files(study, task, &files) && files.train;
    el_task_files_release(&files);
    free(data);
    return there;
}

/* ---- checks ---- */

static el_status check_file(void *nothing, const char *path)
{
    (void)nothing;
    return el_file_exists(path) ? EL_OK : el_fail(EL_EDATA, "there is no %s", path);
}

static el_status check_pairs(const el_study *study, int task)
{
    char *const path = el_compare_task_data(study, task);
    const el_status st = path ? el_minimal_pairs_check(path) : el_no_memory(NULL);
    free(path);
    return st;
}

static el_status check_named(const el_study *study, int task)
{
    static const char *const KEYS[] = {"train_file", "dev_file", "test_file"};
    json_t *const told = el_compare_task_told(study, task);
    el_status st = EL_OK;
    for (int i = 0; !st && i < 3; i++) {
        const char *const path = json_string_value(json_object_get(told, KEYS[i]));
        if (path)
            st = el_class_files_visit(path, check_file, NULL);
    }
    json_decref(told);
    return st;
}

/* The first rows are read as a fine-tuning would read them. */
static el_status check_rows(const el_study *study, int task)
{
    char *const data = el_compare_task_data(study, task);
    json_t *const told = el_compare_task_told(study, task);
    if (data)
        json_object_set_new(told, "data", json_string(data));
    el_finetune_settings settings;
    el_options options;
    el_status st = el_compare_finetune_settings(&settings, &options, told, study->plan.tasks[task].name);
    if (!st) {
        st = el_finetune_glance(&settings);
        el_options_close(&options);
    }
    json_decref(told);
    free(data);
    return st;
}

static el_status check_files_of(const el_study *study, int task)
{
    const el_plan_task *const t = &study->plan.tasks[task];
    const bool pairs = el_plan_asks_pairs(t), dry = study->settings->dry_run;
    el_status st = pairs ? EL_OK : check_named(study, task);
    if (dry && (st == EL_EDATA || !el_compare_has_files(study, task)))
        return EL_OK; /* some are not there yet */
    el_log_begin_with(t->name);
    if (!st)
        st = pairs ? check_pairs(study, task) : check_rows(study, task);
    el_log_begin_with(NULL);
    return st ? el_fail(st, "%s: %s", t->name, el_error()) : EL_OK;
}

el_status el_compare_check_files(const el_study *study)
{
    bool asked[EL_PLAN_MOST] = {false};
    for (int i = 0; i < study->count; i++)
        if (study->jobs[i].task >= 0 && study->jobs[i].state != EL_JOB_DONE)
            asked[study->jobs[i].task] = true;
    el_status st = EL_OK;
    for (int t = 0; !st && t < study->plan.task_count; t++)
        if (asked[t])
            st = check_files_of(study, t);
    return st;
}
