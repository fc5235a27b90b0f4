/* hashes - what a study's figures were measured on: held-out shards, and the files of each task.  Test files are left
 * out: no figure of a report is measured on them. */
#include <stdlib.h>

#include "base/file.h"
#include "engine/compare/parts.h"
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

static el_status hash_task(const el_study *study, int task, uint64_t *hash)
{
    el_task_files files;
    el_status st = el_compare_task_files(study, task, &files);
    *hash = 0;
    if (!st && el_plan_asks_pairs(&study->plan.tasks[task]))
        st = add_file(hash, files.dev);
    else if (!st && !(st = add_split(hash, files.train)))
        st = add_split(hash, files.dev);
    el_task_files_release(&files);
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
        study->heldout_longest = el_loader_max_seq_length(heldout);
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
