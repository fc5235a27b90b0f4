/* check - what a plan cannot have, said before the first job begins
 *
 * Settings of a pre-training are applied, settled and derived where its cost is counted (list.c), which asks here what a
 * study cannot do with them.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/compare/parts.h"

/* Folders, lengths and seeds are keys of the plan; the others are about a run by itself, or set by what a study needs. */
static const char *const OF_PRETRAINING[] = {"data",
                                             "eval_data",
                                             "output",
                                             "seed",
                                             "threads",
                                             "dry_run",
                                             "overwrite",
                                             "allow_change",
                                             "max_time",
                                             "flops_budget",
                                             "logging_steps",
                                             "num_train_steps",
                                             "eval_steps",
                                             "keep_checkpoint_max",
                                             "save_checkpoints_steps",
                                             NULL};
/* A seed for all would give every pre-training's fine-tuning the same one. */
static const char *const OF_FINE_TUNING[] = {"model",        "init_from", "task",    "data",
                                             "output",       "json",      "threads", "overwrite",
                                             "allow_change", "max_time",  "seed",    NULL};

static el_status refuse(const json_t *settings, const char *const *own, const char *where)
{
    for (; *own; own++)
        if (json_object_get(settings, *own))
            return el_fail(EL_EUSAGE, "%s: %s: is not a plan's to set, but the study's", where, *own);
    return EL_OK;
}

static el_status check_pretraining(const el_plan *plan, int system, int size)
{
    json_t *const settings = el_plan_settings(plan, system, size);
    el_status st = refuse(settings, OF_PRETRAINING, "settings");
    if (!st && plan->rate_count && json_object_get(settings, "learning_rate"))
        st = el_fail(EL_EUSAGE, "settings: learning_rate: this plan tries the rates of its grid (rates)");
    json_decref(settings);
    return st;
}

/* Whether electra finetune takes them. */
static el_status apply(const json_t *settings, const char *where)
{
    el_finetune_settings s;
    el_options options;
    const el_status st = el_compare_finetune_settings(&s, &options, settings, where);
    if (!st)
        el_options_close(&options);
    return st;
}

static el_status check_fine_tuning(const json_t *settings, const char *where)
{
    const el_status st = refuse(settings, OF_FINE_TUNING, where);
    return st || !settings ? st : apply(settings, where);
}

static el_status check_task(const el_plan_task *task)
{
    el_score_kind kind;
    el_precision precision;
    const el_task *known;
    if (el_plan_asks_pairs(task))
        return el_compare_pairs_settings(task, &kind, &precision);
    const el_status st = el_task_named(task->task, &known);
    return st ? el_fail(st, "tasks: %s", el_error()) : check_fine_tuning(task->settings, task->name);
}

static void warn_of_seed(const el_plan *plan)
{
    for (int i = 0; plan->rate_count && i < plan->seed_count; i++)
        if (plan->seeds[i] == plan->rate_seed)
            el_log(
                EL_LOG_WARNING,
                "seed %" PRId64
                " tries the rates and is one of the seeds: its runs are those that their rate was chosen by",
                (int64_t)plan->rate_seed);
}

el_status el_compare_check(const el_plan *plan)
{
    warn_of_seed(plan);
    el_status st = check_fine_tuning(json_object_get(plan->text, "finetune"), "finetune");
    for (int i = 0; !st && i < plan->system_count * plan->size_count; i++)
        st = check_pretraining(plan, i / plan->size_count, i % plan->size_count);
    for (int t = 0; !st && t < plan->task_count; t++)
        st = check_task(&plan->tasks[t]);
    return st;
}

/* ---- pre-trainings and jobs ---- */

static bool changes(el_course course)
{
    return course.first != course.last;
}

/* A branch is told nothing of the steps before it: stages, and what changes over a run, would begin anew in each. */
static el_status check_branches(const el_plan *plan, int system, const el_pretrain_settings *s)
{
    const char *const what = plan->cooldown == 0                   ? NULL
                             : s->objective == EL_TWO_STAGE        ? "two stages"
                             : changes(s->choice.told.mask_prob)   ? "a mask_prob that changes"
                             : changes(s->choice.told.temperature) ? "a temperature that changes"
                                                                   : NULL;
    return what ? el_fail(EL_EUSAGE,
                          "cooldown: %s has %s, which each branch of a trunk would begin anew; without "
                          "cooldown each share is a run",
                          plan->systems[system].name, what)
                : EL_OK;
}

/* A budget is that of a whole schedule where the cost of a step changes in it. */
static el_status check_schedule(const el_study *study, int system, const el_pretrain_settings *s)
{
    const el_plan *const plan = &study->plan;
    return plan->by_steps || s->schedule_steps == 0 || !el_pretrain_cost_changes(s, study->vocab_size)
               ? EL_OK
               : el_fail(EL_EUSAGE,
                         "settings: schedule_steps: a step of %s costs more or less as the schedule goes on, "
                         "so a budget must be a whole schedule; leave it out, or ask for \"steps\"",
                         plan->systems[system].name);
}

/* A report that calls a system by one objective's name means that objective, unless the plan says another beside the name. */
static el_status check_objective(const el_variant *system, const el_pretrain_settings *s)
{
    const char *const learned = el_objective_name((el_objective_kind)s->objective);
    if (json_object_get(system->settings, "objective") || !el_objective_is_name(system->name) ||
        strcmp(system->name, learned) == 0)
        return EL_OK;
    return el_fail(EL_EUSAGE,
                   "systems: %s has the name of an objective and would learn %s; \"settings\": "
                   "{\"objective\": \"%s\"}, or another name",
                   system->name, learned, system->name);
}

el_status el_compare_check_pretraining(const el_study *study, int system, const el_pretrain_settings *s)
{
    el_status st = check_objective(&study->plan.systems[system], s);
    if (!st)
        st = check_branches(&study->plan, system, s);
    if (!st)
        st = check_schedule(study, system, s);
    if (st || study->mean_length == 0) /* the shards are not known */
        return st;
    st = el_pretrain_check_shards(s, study->plan.data, study->packed_full, study->has_pairs);
    if (!st)
        st = el_pretrain_check_length(s, study->plan.data, study->longest, false);
    if (!st)
        st = el_pretrain_check_length(s, study->plan.eval_data, study->heldout_longest, true);
    return st ? el_fail(st, "%s: %s", study->plan.systems[system].name, el_error()) : EL_OK;
}

el_status el_compare_check_steps(const el_study *study, int system, int size)
{
    const el_plan *const p = &study->plan;
    const char *const who = p->systems[system].name, *const of = p->sizes[size].name;
    const double step = el_compare_step(study, system, size);
    const double most = el_plan_length(p, size, p->length_count - 1);
    const double share = p->rate_count ? fmin(p->rate_share, p->shares[0]) : p->shares[0];
    const double whole = el_plan_length(p, size, 0), least = whole * share;
    if (!p->by_steps && most / step > EL_PLAN_MOST_STEPS)
        return el_fail(EL_EUSAGE, "budgets: %g would be %.3g steps of %s, %s, more than 1e9", most,
                       most / step, who, of);
    if (rint(least / step) >= 1)
        return EL_OK;
    return p->by_steps
               ? el_fail(EL_EUSAGE, "steps: the least share of %g is %g, half a step at most", whole, least)
               : el_fail(EL_EUSAGE, "budgets: %g is less than half a step of %s, %s, which costs %.3g", least,
                         who, of, step);
}

static el_status check_vocabulary(const el_study *study, const char *folder)
{
    el_loader *data;
    el_status st = el_loader_open(&data, study->plan.data);
    if (st)
        return st;
    st = el_model_check_vocab(folder, el_loader_vocab(data), study->plan.data);
    el_loader_close(data);
    return st;
}

el_status el_compare_find_frozen(const el_study *study, int system, el_pretrain_settings *s,
                                 el_config *frozen)
{
    const char *const folder = s->generator_from;
    if (!folder)
        return EL_OK;
    el_status st = study->mean_length > 0 ? check_vocabulary(study, folder) : EL_OK;
    if (!st)
        st = el_pretrain_read_frozen(folder, frozen);
    s->frozen_generator = frozen;
    return st ? el_fail(st, "%s: %s", study->plan.systems[system].name, el_error()) : EL_OK;
}

static el_status need_folders(const el_study *study, int system, int size)
{
    static const char *const KEYS[] = {"init_from", "generator_from"};
    json_t *const settings = el_plan_settings(&study->plan, system, size);
    el_status st = EL_OK;
    for (size_t i = 0; !st && i < sizeof KEYS / sizeof *KEYS; i++) {
        const char *const folder = json_string_value(json_object_get(settings, KEYS[i]));
        st = folder ? el_folder_need(folder) : EL_OK;
    }
    json_decref(settings);
    return st ? el_fail(st, "%s: %s", study->plan.systems[system].name, el_error()) : EL_OK;
}

el_status el_compare_check_folders(const el_study *study)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        const bool to_train = job->task < 0 && job->state != EL_JOB_DONE;
        if (to_train && el_compare_cost_at(study, job->system, job->size)->by_record)
            st = need_folders(study, job->system, job->size);
    }
    return st;
}

el_status el_compare_check_pairs(const el_study *study, int system, const el_model_plan *plan)
{
    el_score_kind kind;
    el_precision precision;
    for (int t = 0; t < study->plan.task_count; t++) {
        const el_plan_task *const task = &study->plan.tasks[t];
        if (!el_plan_asks_pairs(task))
            continue;
        const el_status st = el_compare_pairs_settings(task, &kind, &precision);
        if (st)
            return st;
        if (!el_score_can(plan, kind))
            return el_fail(EL_EUSAGE, "%s: by: %s has no network that says %s of a sentence", task->name,
                           study->plan.systems[system].name,
                           json_string_value(json_object_get(task->settings, "by")));
    }
    return EL_OK;
}

/* All settings, whether they were given or not.  A warm-up that was not is its own: a short run makes it shorter. */
uint64_t el_compare_settings_hash(const el_options *options)
{
    json_t *const all = el_options_json(options);
    if (!el_options_given(options, "num_warmup_steps"))
        json_object_set_new(all, "num_warmup_steps", json_null());
    char *const text = el_json_text(all, false);
    const uint64_t hash = text ? el_hash(text, strlen(text)) : 0;
    free(text);
    json_decref(all);
    return hash;
}

static bool are_alike(const el_study *study, int a, int b)
{
    const int sizes = study->plan.size_count;
    for (int i = 0; i < sizes; i++) {
        const uint64_t one = study->costs[a * sizes + i].settings,
                       other = study->costs[b * sizes + i].settings;
        if (one == 0 || one != other)
            return false;
    }
    return true;
}

el_status el_compare_check_systems(const el_study *study)
{
    const el_plan *const p = &study->plan;
    for (int i = 0; i < p->system_count; i++)
        for (int k = 0; k < i; k++)
            if (are_alike(study, k, i))
                return el_fail(EL_EUSAGE, "systems: %s and %s have the same settings", p->systems[k].name,
                               p->systems[i].name);
    return EL_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const el_job *const *)a)->name, (*(const el_job *const *)b)->name);
}

/* A part of a trunk, and a branch from it, take a step at least, and two stages one in each. */
el_status el_compare_check_lengths(const el_study *study)
{
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        const el_job *const trunk = el_compare_needed(study, job);
        if (job->task >= 0)
            continue;
        const int64_t before = trunk ? trunk->steps : 0;
        if (job->steps <= before)
            return el_fail(EL_EUSAGE,
                           "%s: has no step left behind the %" PRId64
                           " of what it begins with (cooldown %g); more steps, or "
                           "without cooldown",
                           job->name, before, study->plan.cooldown);
        const int64_t least = el_compare_cost_at(study, job->system, job->size)->least;
        if (job->steps < least)
            return el_fail(EL_EUSAGE,
                           "%s: has %" PRId64
                           " steps, and its discriminator begins to learn with step %" PRId64,
                           job->name, job->steps, least);
    }
    return EL_OK;
}

/* The plan's list of runs of a system, a size and a seed: a length and a share of it each. */
static double run_at(const el_plan *p, int run)
{
    return p->lengths[run / p->share_count] * p->shares[run % p->share_count];
}

/* A branch is of its trunk. */
int el_compare_equal_run(const el_plan *p, int run)
{
    const int of_shorter = p->cooldown == 0 ? run / p->share_count * p->share_count : 0;
    for (int other = 0; other < of_shorter; other++)
        if (fabs(run_at(p, run) - run_at(p, other)) <= 1e-9 * run_at(p, run))
            return other;
    return -1;
}

void el_compare_say_equal_runs(const el_plan *p)
{
    for (int a = 0; a < p->length_count * p->share_count; a++) {
        const int b = el_compare_equal_run(p, a);
        if (b >= 0)
            el_log(EL_LOG_NOTE, "%s: %g %% of %g and %g %% of %g are equal runs: one training is both",
                   p->by_steps ? "steps" : "budgets", 100 * p->shares[a % p->share_count],
                   p->lengths[a / p->share_count], 100 * p->shares[b % p->share_count],
                   p->lengths[b / p->share_count]);
    }
}

el_status el_compare_check_names(const el_study *study)
{
    const size_t count = (size_t)study->count;
    const el_job **const sorted = calloc(count, sizeof *sorted);
    if (!sorted)
        return el_fail(EL_ENOMEM, "no memory for %zu jobs", count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &study->jobs[i];
    qsort(sorted, count, sizeof *sorted, by_name);
    el_status st = EL_OK;
    for (size_t i = 0; !st && i < count; i++)
        if (strlen(sorted[i]->name) + 1 == sizeof sorted[i]->name)
            st = el_fail(EL_EUSAGE, "a job's name would be too long: %s", sorted[i]->name);
    for (size_t i = 1; !st && i < count; i++)
        if (by_name(&sorted[i - 1], &sorted[i]) == 0)
            st = el_fail(EL_EUSAGE, "two jobs would be called %s: two numbers of the plan are too near",
                         sorted[i]->name);
    free(sorted);
    return st;
}
