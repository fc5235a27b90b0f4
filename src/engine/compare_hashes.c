/* compare_hashes - what a study's figures were measured on: held-out shards, and the files of each task.  Test files are left
 * out: no figure of a report is measured on them. */
#include <stdlib.h>

#include "base/file.h"
#include "engine/compare_parts.h"
#include "task/task.h"

static el_status add_file(void *hash, const char *path)
{
    el_mapping file;
    const el_status st = el_mapping_open(&file, path);
    if (st)
        return st;
    const uint64_t both[] = {*(uint64_t *)hash, el_hash(file.data, file.size)};
    *(uint64_t *)hash = el_hash(both, sizeof both);
    el_mapping_close(&file);
    return EL_OK;
}

static el_status add_split(uint64_t *hash, const char *path)
{
    return path ? el_class_files_visit(path, add_file, hash) : EL_OK;
}

static char *given_file(const json_t *told, const char *split)
{
    return (char *)json_string_value(json_object_get(told, split));
}

static el_status add_splits(uint64_t *hash, const el_task *known, const json_t *told, const char *folder)
{
    const el_task_files given = {.train = given_file(told, "train_file"),
                                 .dev = given_file(told, "dev_file")};
    el_task_files files;
    el_status st = el_task_find_files(&known, given.train ? NULL : folder, &given, true, &files);
    if (st)
        return st;
    st = add_split(hash, files.train);
    if (!st)
        st = add_split(hash, files.dev);
    el_task_files_release(&files);
    return st;
}

static el_status hash_task(const el_study *study, int task, uint64_t *hash)
{
    const el_plan_task *const t = &study->plan.tasks[task];
    const el_task *const known = el_task_find(t->task);
    json_t *const told = el_compare_told(study, &(el_job){.task = task});
    char *const data = el_compare_task_data(study, task);
    el_status st = data ? EL_OK : el_fail(EL_ENOMEM, "no memory for a path");
    *hash = 0;
    if (!st && el_plan_asks_pairs(t))
        st = add_file(hash, data);
    else if (!st && known)
        st = add_splits(hash, known, told, data);
    free(data);
    json_decref(told);
    return st;
}

/* What is not there, or is no such thing, has no hash; whoever needs it says so. */
static el_status allow_for_absence(el_status st, uint64_t *hash)
{
    if (st)
        *hash = 0;
    return st == EL_EDATA || st == EL_EUSAGE ? EL_OK : st;
}

el_status el_compare_hash(el_study *study)
{
    const el_plan *const p = &study->plan;
    el_loader *heldout;
    el_status st = p->eval_data ? el_loader_open(&heldout, p->eval_data) : EL_OK;
    if (!st && p->eval_data) {
        study->heldout_hash = el_loader_hash(heldout);
        el_loader_close(heldout);
    }
    st = allow_for_absence(st, &study->heldout_hash);
    for (int t = 0; !st && t < p->task_count; t++)
        st = allow_for_absence(hash_task(study, t, &study->task_hashes[t]), &study->task_hashes[t]);
    return st;
}

json_t *el_compare_hash_json(uint64_t hash)
{
    char text[17];
    el_hash_text(hash, text);
    return hash ? json_string(text) : json_null();
}
