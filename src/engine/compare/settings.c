/* settings - the settings of a study, and its plan with what was given in place of the plan's */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "engine/compare/parts.h"
#include "engine/machine.h"
#include "task/task.h"
#include "text/naming.h"

#define AT(field) offsetof(el_compare_settings, field)
const el_option EL_COMPARE_TABLE[] = {
    EL_OUTPUT("output", AT(output), "folder of the study; the same command again goes on with it"),
    EL_TEXT("data", AT(data), "folder of shards, instead of the plan's"),
    EL_TEXT("eval_data", AT(eval_data), "folder of held-out shards, instead of the plan's"),
    EL_TEXT(
        "tasks", AT(tasks),
        "folder of labelled data: the plan's tasks that are not in it are left out; or a JSON file with tasks, "
        "tasks_folder or both in place of the plan's"),
    EL_TEXT("language", AT(language), "word for the report, instead of the plan's"),
    EL_TEXT("sizes", AT(sizes), "presets of sizes between commas, instead of the plan's sizes"),
    EL_REAL("flops_budget", AT(flops_budget), 0, 1e30,
            "floating point operations of a run, instead of the plan's; 0: the plan's"),
    EL_INT("num_seeds", AT(num_seeds), 0, EL_PLAN_MOST,
           "seeds 1 to N of pre-training, instead of the plan's; 0: the plan's"),
    EL_SWITCH(
        "constant_then_cooldown", AT(constant_then_cooldown),
        "shares of the compute branch off one run of constant rate, and the rate falls in their last fifth; "
        "off: as "
        "the plan says, by default a run each"),
    EL_INT("jobs", AT(jobs), 0, 1024, "trainings at a time; 0: as many as processors and memory hold"),
    EL_INT("threads", AT(threads), 0, 1024, "threads of all of them together; 0: one per processor"),
    EL_SWITCH("keep_models", AT(keep_models),
              "keep the run folders of what is done; off: results alone are kept"),
    EL_SWITCH("dry_run", AT(dry_run),
              "say what there is to do and what it takes; tasks and held-out shards need not be there"),
    EL_SWITCH("overwrite", AT(overwrite), "start again, and remove what an earlier study left in the folder"),
    EL_SWITCH("json", AT(json), "print report.json, and a dry run as JSON"),
    EL_STALL_OPTION(AT(stall_limit)),
};
const int EL_COMPARE_LINES = sizeof EL_COMPARE_TABLE / sizeof *EL_COMPARE_TABLE;

/* ---- the plan ---- */

/* A built-in plan, a file, or what the study's record holds. */
static el_status find_plan(const el_study *study, const char *plan, json_t **text)
{
    const char *const built_in = plan ? el_plan_built_in(plan) : NULL;
    if (built_in)
        return el_json_parse(text, built_in, strlen(built_in), plan);
    if (plan && strchr(plan, '.') == NULL && strchr(plan, '/') == NULL && !el_file_exists(plan))
        return el_fail(EL_EUSAGE, "%s: is no file, and none of the built-in plans: %s", plan, EL_PLAN_NAMES);
    if (plan)
        return el_json_load(text, plan);
    *text = json_deep_copy(json_object_get(study->run.record, "plan"));
    return *text ? EL_OK : el_fail(EL_EUSAGE, "which plan? a file, or one of %s", EL_PLAN_NAMES);
}

/* In a dry run it need not be there, but a JSON file is read. */
static bool is_folder_of_tasks(const el_compare_settings *s)
{
    const bool json = el_naming_of(s->tasks, NULL) == EL_NAMED_JSON;
    return el_folder_exists(s->tasks) || (s->dry_run && !json && !el_file_exists(s->tasks));
}

static el_status replace_tasks(const el_compare_settings *s, json_t *text)
{
    if (!s->tasks)
        return EL_OK;
    if (is_folder_of_tasks(s)) {
        json_object_set_new(text, "tasks_folder", json_string(s->tasks));
        return EL_OK;
    }
    json_t *file;
    el_status st = el_json_load(&file, s->tasks);
    if (st)
        return st;
    static const char *const KEYS[] = {"tasks", "tasks_folder"};
    st = el_plan_check_keys(file, s->tasks, NULL, KEYS, sizeof KEYS / sizeof *KEYS);
    if (!st && json_object_size(file) == 0)
        st = el_fail(EL_EUSAGE, "%s: has neither tasks nor tasks_folder", s->tasks);
    if (!st)
        json_object_update(text, file);
    json_decref(file);
    return st;
}

/* The sizes of --sizes, or those of the plan without budgets of their own. */
static void replace_sizes(const el_compare_settings *s, json_t *text)
{
    json_t *const sizes = json_array();
    for (const char *at = s->sizes ? s->sizes : ""; *at; at += strspn(at, ",")) {
        const size_t bytes = strcspn(at, ",");
        json_array_append_new(sizes, json_stringn(at, bytes));
        at += bytes;
    }
    size_t i;
    json_t *size;
    if (s->flops_budget > 0)
        json_array_foreach(json_object_get(text, "sizes"), i, size)
            if (json_is_object(size))
                json_object_del(size, "budget");
    if (s->sizes)
        json_object_set(text, "sizes", sizes);
    json_decref(sizes);
}

/* What was given takes the place of what the plan says. */
static el_status replace(const el_compare_settings *s, json_t *text)
{
    const struct {
        const char *key, *value;
    } texts[] = {{"data", s->data}, {"eval_data", s->eval_data}, {"language", s->language}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value)
            json_object_set_new(text, texts[i].key, json_string(texts[i].value));
    replace_sizes(s, text);
    if (s->flops_budget > 0) {
        json_object_set_new(text, "budgets", json_pack("[f]", s->flops_budget));
        json_object_del(text, "steps");
    }
    if (s->num_seeds) {
        json_t *const seeds = json_array();
        for (int64_t i = 1; i <= s->num_seeds; i++)
            json_array_append_new(seeds, json_integer(i));
        json_object_set_new(text, "seeds", seeds);
    }
    if (s->constant_then_cooldown)
        json_object_set_new(text, "cooldown", json_real(0.2));
    return replace_tasks(s, text);
}

/* The plan as it is done, without the tasks that are not there. */
static el_status keep_tasks(el_plan *plan, json_t *kept)
{
    json_t *const text = json_copy(plan->text);
    if (!text)
        return el_no_memory(NULL);
    json_object_set(text, "tasks", kept);
    el_plan_close(plan);
    return el_plan_read(plan, text, "plan");
}

/* A plan is cut down to what its folder of tasks holds.  A dry run is of all tasks where none is there. */
static el_status leave_out(el_study *study)
{
    el_plan *const p = &study->plan;
    const bool dry = study->settings->dry_run;
    json_t *const kept = json_array(), *const tasks = json_object_get(p->text, "tasks");
    char missing[1024] = "";
    for (int t = 0; t < p->task_count; t++) {
        const size_t used = strlen(missing);
        if (el_compare_has_files(study, t))
            json_array_append(kept, json_array_get(tasks, (size_t)t));
        else
            snprintf(missing + used, sizeof missing - used, "%s%s", used ? ", " : "", p->tasks[t].name);
    }
    const bool none = json_array_size(kept) == 0;
    el_status st = none && !dry
                       ? el_fail(EL_EDATA, "%s: holds none of the plan's tasks: %s", p->tasks_folder, missing)
                       : EL_OK;
    if (!st && *missing && !none) {
        el_log(EL_LOG_WARNING, "%s: has no %s; left out", p->tasks_folder, missing);
        study->left_out = strdup(missing);
        st = keep_tasks(p, kept);
    }
    json_decref(kept);
    return st;
}

static bool has_mean(const el_plan *plan)
{
    for (int t = 0; t < plan->task_count; t++)
        if (plan->tasks[t].in_mean)
            return true;
    return false;
}

el_status el_compare_plan(el_study *study, const char *plan)
{
    json_t *text;
    el_status st = find_plan(study, plan, &text);
    if (!st && (st = replace(study->settings, text)))
        json_decref(text);
    if (!st)
        st = el_plan_read(&study->plan, text, plan ? plan : "plan");
    const el_plan *const p = &study->plan;
    study->given = json_incref(p->text);
    if (!st)
        st = el_compare_check(p);
    if (!st && p->task_count && (!study->settings->dry_run || el_folder_exists(p->tasks_folder)))
        st = leave_out(study);
    if (!st && p->rate_count && p->rate_rule == EL_RATE_BY_SCORE && !has_mean(p))
        st = el_fail(EL_EUSAGE,
                     "rates: without tasks in the mean there are no scores to choose by; \"rule\": \"loss\"");
    return st;
}
