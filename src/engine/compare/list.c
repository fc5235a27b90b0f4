/* list - what a plan comes to: costs, and the list of jobs */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "engine/compare/parts.h"
#include "task/task.h"
#include "text/naming.h"
#include "train/presets.h"

/* Of seeds: a branch reads the shards in another order than its trunk; trials of a fine-tuning have seeds of their own. */
enum { BRANCH_SEED = 1000, TRIALS_OF_A_SEED = 100, MOST_JOBS = 1 << 20 };

/* ---- costs ---- */

el_status el_compare_pretrain_settings(el_pretrain_settings *s, el_options *options, const json_t *given)
{
    *options = (el_options){.command = "compare",
                            .table = EL_PRETRAIN_TABLE,
                            .count = EL_PRETRAIN_LINES,
                            .settings = s,
                            .preset = el_pretrain_preset};
    el_pretrain_defaults(s, EL_SMALL);
    const el_status st = el_options_from_json(options, given, "settings");
    if (st)
        el_options_close(options);
    return st;
}

el_status el_compare_finetune_settings(el_finetune_settings *s, el_options *options, const json_t *given,
                                       const char *where)
{
    *options = (el_options){
        .command = "compare", .table = EL_FINETUNE_TABLE, .count = EL_FINETUNE_LINES, .settings = s};
    *s = el_finetune_defaults();
    const el_status st = el_options_from_json(options, given, where);
    if (st)
        el_options_close(options);
    return st;
}

/* Values, gradients, moments, copies for products and for a checkpoint, and about what a micro-batch leaves in the layers. */
static double memory_of(const el_pretrain_settings *s, const el_model_plan *plan)
{
    double bytes = 2e8;
    for (int i = 0; i < plan->count; i++) {
        const el_config *const c = &plan->networks[i].config;
        const double h = c->hidden_size, inner = c->intermediate_size;
        const double parameters = (double)c->embedding_size * (c->vocab_size + c->max_position_embeddings) +
                                  c->num_hidden_layers * (4 * h * h + 2 * h * inner);
        bytes += 28 * parameters +
                 4.0 * (double)s->micro_batch_tokens * c->num_hidden_layers * (8 * h + 2 * inner);
    }
    return bytes;
}

/* A folder that weights come from is needed no more where all pre-trainings are done: their cost is on record, the shapes of its
 * networks are not, and those of the settings stand in for them.  Whether it is so. */
static bool forget_if_gone(const char **folder, double recorded)
{
    const bool gone = *folder && recorded > 0 && !el_folder_exists(*folder);
    if (gone)
        *folder = NULL;
    return gone;
}

static el_status cost_of(const el_study *study, int system, int size, el_cost *cost)
{
    el_pretrain_settings s;
    el_options options;
    el_config frozen;
    el_flops_plan token = {0};
    el_model_plan plan;
    json_t *const given = el_plan_settings(&study->plan, system, size);
    el_status st = el_compare_pretrain_settings(&s, &options, given);
    json_decref(given);
    if (st)
        return st;
    const double length = study->mean_length > 0 ? study->mean_length : EL_PRESET[s.model_size].seq_length;
    const double attended = study->mean_length > 0 ? study->attended : length;
    const double recorded =
        s.init_from || s.generator_from ? el_compare_recorded_cost(study, system, size) : 0;
    const bool resized = forget_if_gone(&s.init_from, recorded);
    st = el_pretrain_settle(&s, &options, false);
    el_pretrain_take_length(&s, &options, study->longest);
    if (!st)
        st = el_pretrain_derive(&s, &options);
    if (!st)
        st = el_compare_check_pretraining(study, system, &s);
    const bool by_record = forget_if_gone(&s.generator_from, recorded) || resized;
    if (!st)
        st = el_compare_find_frozen(study, system, &s, &frozen);
    if (!st)
        st = el_pretrain_cost(&s, study->vocab_size, attended, &token);
    if (!st)
        st = el_pretrain_plan(&s, study->vocab_size, &plan);
    if (!st)
        st = el_compare_check_pairs(study, system, &plan);
    if (!st)
        *cost = (el_cost){(by_record ? recorded : el_flops_products_training(&token)) *
                              (double)s.train_batch_size * length,
                          resized ? 0 : el_flops_products_inference(&token, length),
                          memory_of(&s, &plan),
                          s.num_warmup_steps,
                          el_pretrain_least_steps(&s),
                          by_record ? 0 : el_compare_settings_hash(&options),
                          by_record};
    el_options_close(&options);
    return st;
}

static el_status take_costs(el_study *study)
{
    const el_plan *const p = &study->plan;
    study->costs = calloc((size_t)(p->system_count * p->size_count), sizeof *study->costs);
    el_status st = study->costs ? EL_OK : el_no_memory(NULL);
    for (int i = 0; !st && i < p->system_count * p->size_count; i++) {
        el_log_begin_with(p->systems[i / p->size_count].name);
        st = cost_of(study, i / p->size_count, i % p->size_count, &study->costs[i]);
        if (!st)
            st = el_compare_check_steps(study, i / p->size_count, i % p->size_count);
    }
    el_log_begin_with(NULL);
    return st ? st : el_compare_check_systems(study);
}

static const el_cost *cost_at(const el_study *study, const el_job *job)
{
    return el_compare_cost_at(study, job->system, job->size);
}

/* ---- jobs ---- */

enum { SHORT = 64 };

/* "1e13": a number as short as it can be said, for a file's name. */
static void short_number(char text[SHORT], double value)
{
    char plain[24];
    el_number_print(plain, sizeof plain, "%.6g", value);
    char *const e = strchr(plain, 'e');
    const char *power = e ? e + 1 : "";
    power += *power == '+';
    power += strspn(power, "0");
    if (e)
        *e = '\0';
    snprintf(text, SHORT, "%s%s%s", plain, e ? "e" : "", power);
}

static el_job *add(el_study *study, el_job job, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static el_job *add(el_study *study, el_job job, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(job.name, sizeof job.name, format, arguments);
    va_end(arguments);
    study->jobs[study->count] = job;
    return &study->jobs[study->count++];
}

/* Adds about the tokens of a text of so many bytes, compressed or not. */
static el_status add_tokens(void *tokens, const char *path)
{
    el_mapping file;
    const el_status st = el_mapping_open(&file, path);
    if (st)
        return st;
    const bool packed = el_name_unpacked(path) < strlen(path);
    *(double *)tokens += (double)file.size * (packed ? 3 : 1) / 4;
    el_mapping_close(&file);
    return EL_OK;
}

/* Of all files of `path`, which may name one for each class; 0 where one is not there. */
static double tokens_of(const char *path)
{
    double tokens = 0;
    return path && !el_class_files_visit(path, add_tokens, &tokens) ? tokens : 0;
}

/* Tokens that are trained on with a task, about; 0 where its files are not known. */
static double tokens_of_task(const el_study *study, int task)
{
    /* passes of a sentence, a token masked in each, that cost a third of a training's */
    enum { LONG_EXAMPLE = 40, PASSES = 10 };
    const el_plan_task *const t = &study->plan.tasks[task];
    const bool pairs = el_plan_asks_pairs(t);
    const el_task *const known = el_task_find(t->task);
    el_task_files files;
    if (el_compare_task_files(study, task, &files))
        return 0;
    double tokens = tokens_of(pairs ? files.dev : files.train);
    el_task_files_release(&files);
    if (pairs)
        return tokens * PASSES / 3;
    json_t *const told = el_compare_task_told(study, task);
    const json_t *const most = json_object_get(told, "max_train_examples");
    const json_t *const epochs = json_object_get(told, "num_train_epochs");
    if (json_number_value(most) > 0)
        tokens = fmin(tokens, LONG_EXAMPLE * json_number_value(most));
    tokens *= epochs ? json_number_value(epochs) : known->epochs;
    json_decref(told);
    return tokens;
}

static void add_fine_tunings(el_study *study, const double *tokens, int pretraining)
{
    const el_job job = study->jobs[pretraining];
    for (int t = 0; t < study->plan.task_count; t++) {
        if (job.tuning && !study->plan.tasks[t].in_mean)
            continue; /* no rate is chosen by it */
        el_job tuning = job;
        tuning.task = t;
        tuning.needs = pretraining;
        tuning.same_as = job.same_as < 0 ? -1 : job.same_as + 1 + t;
        tuning.flops = job.same_as < 0 ? 3 * cost_at(study, &job)->encoder_flops * tokens[t] : 0;
        add(study, tuning, "%s.%s", job.name, study->plan.tasks[t].name);
    }
}

static int64_t whole_steps(double steps)
{
    return steps < 1 ? 1 : (int64_t)rint(steps);
}

double el_compare_step(const el_study *study, int system, int size)
{
    return study->plan.by_steps ? 1 : el_compare_cost_at(study, system, size)->flops_per_step;
}

/* A run with a length of its own, which is asked for as the plan has it; else it is a trunk or a branch from one. */
static bool by_itself(const el_plan *p, const el_job *job)
{
    return p->cooldown == 0 || job->tuning;
}

/* The same run, of a share of its length: of the compute as electra pretrain rounds it, or of the steps that its trunk
 * would have in the end. */
static el_job share_of(const el_study *study, el_job job, double share)
{
    const double length = el_plan_length(&study->plan, job.size, job.length);
    const double step = el_compare_step(study, job.system, job.size);
    job.share = share;
    job.steps = by_itself(&study->plan, &job) ? whole_steps(length * share / step)
                                              : whole_steps((double)whole_steps(length / step) * share);
    job.flops = (double)job.steps * cost_at(study, &job)->flops_per_step;
    return job;
}

/* "electra.small.1e14": a run at its whole length. */
static void begin_name(const el_study *study, const el_job *job, char *name, size_t size)
{
    char amount[SHORT];
    const el_plan *const p = &study->plan;
    short_number(amount, el_plan_length(p, job->size, job->length));
    snprintf(name, size, "%s.%s.%s%s", p->systems[job->system].name, p->sizes[job->size].name, amount,
             p->by_steps ? "-steps" : "");
}

static void add_tries(el_study *study, const double *tokens, el_job job)
{
    char name[120], rate[SHORT];
    job.tuning = true;
    job.seed = study->plan.rate_seed;
    job = share_of(study, job, study->plan.rate_share);
    begin_name(study, &job, name, sizeof name);
    for (int r = 0; r < study->plan.rate_count; r++) {
        job.rate = study->plan.rates[r];
        short_number(rate, job.rate);
        add(study, job, "%s.rate-%s", name, rate);
        if (study->plan.rate_rule == EL_RATE_BY_SCORE)
            add_fine_tunings(study, tokens, study->count - 1);
    }
}

/* The steps of constant rate of a run of so many. */
static int64_t trunk_steps(const el_plan *p, int64_t steps)
{
    return whole_steps((double)steps * (1 - p->cooldown));
}

/* A run of the list that is the same training as this one, of the plan's share `share`; -1: there is none. */
static int find_same(const el_study *study, const el_job *job, int share)
{
    const el_plan *const p = &study->plan;
    const int equal = el_compare_equal_run(p, job->length * p->share_count + share);
    for (int i = 0; equal >= 0 && i < study->count; i++) {
        const el_job *const other = &study->jobs[i];
        if (other->task < 0 && !other->tuning && other->system == job->system && other->size == job->size &&
            other->seed == job->seed && other->length == equal / p->share_count &&
            other->share == p->shares[equal % p->share_count])
            return i;
    }
    return -1;
}

/* All shares of a run: each by itself, or a trunk and a branch from it for each. */
static void add_runs(el_study *study, const double *tokens, el_job job)
{
    const el_plan *const p = &study->plan;
    char name[120], share[SHORT];
    int trunk = -1;
    begin_name(study, &job, name, sizeof name);
    for (int k = 0; k < p->share_count; k++) {
        job = share_of(study, job, p->shares[k]);
        job.same_as = find_same(study, &job, k);
        job.flops = job.same_as < 0 ? job.flops : 0;
        short_number(share, 100 * job.share);
        if (p->cooldown > 0) {
            el_job part = job;
            part.trunk = true;
            part.needs = trunk;
            part.steps = trunk_steps(p, job.steps);
            const double before = trunk < 0 ? 0 : (double)study->jobs[trunk].steps;
            part.flops = ((double)part.steps - before) * cost_at(study, &job)->flops_per_step;
            trunk = study->count;
            add(study, part, "%s.trunk-%s.seed-%" PRId64, name, share, job.seed);
            job.needs = trunk;
            job.flops = (double)(job.steps - part.steps) * cost_at(study, &job)->flops_per_step;
        }
        if (job.share < 1)
            add(study, job, "%s.%s.seed-%" PRId64, name, share, job.seed);
        else
            add(study, job, "%s.seed-%" PRId64, name, job.seed);
        add_fine_tunings(study, tokens, study->count - 1);
    }
}

/* A run of the whole length. */
static el_job run_of(const el_study *study, int system, int size, int length)
{
    const el_job job = {
        .system = system, .size = size, .length = length, .task = -1, .needs = -1, .same_as = -1};
    return share_of(study, job, 1);
}

static void list(el_study *study, const double *tokens)
{
    const el_plan *const p = &study->plan;
    for (int i = 0; p->rate_count && i < p->system_count * p->size_count; i++)
        add_tries(study, tokens, run_of(study, i / p->size_count, i % p->size_count, 0));
    for (int seed = 0; seed < p->seed_count; seed++) /* every system before the next seed */
        for (int length = 0; length < p->length_count; length++)
            for (int i = 0; i < p->system_count * p->size_count; i++) {
                el_job job = run_of(study, i / p->size_count, i % p->size_count, length);
                job.seed = p->seeds[seed];
                add_runs(study, tokens, job);
            }
}

el_status el_compare_list(el_study *study)
{
    const el_plan *const p = &study->plan;
    const el_status st = take_costs(study);
    if (st)
        return st;
    const int64_t kinds = p->system_count * p->size_count;
    const int64_t most = kinds * p->rate_count * (1 + p->task_count) +
                         kinds * p->seed_count * p->length_count * p->share_count * (2 + p->task_count);
    if (most > MOST_JOBS)
        return el_fail(EL_EUSAGE, "the plan comes to %" PRId64 " jobs; %d are the most", most, MOST_JOBS);
    double tokens[EL_PLAN_MOST];
    for (int t = 0; t < p->task_count; t++)
        tokens[t] = tokens_of_task(study, t);
    study->jobs = calloc((size_t)most, sizeof *study->jobs);
    if (!study->jobs)
        return el_fail(EL_ENOMEM, "no memory for %" PRId64 " jobs", most);
    list(study, tokens);
    assert(study->count <= most);
    const el_status lengths = el_compare_check_lengths(study);
    if (!lengths)
        el_compare_say_equal_runs(p);
    return lengths ? lengths : el_compare_check_names(study);
}

/* ---- what is asked ---- */

static json_t *asked_of_task(const el_study *study, const el_job *job)
{
    const el_plan_task *const task = &study->plan.tasks[job->task];
    if (el_plan_asks_pairs(task)) {
        json_t *const pairs = json_pack("{s:s}", "task", task->task);
        if (task->settings)
            json_object_update(pairs, (json_t *)task->settings);
        return pairs;
    }
    json_t *const asked =
        json_pack("{s:s, s:I}", "task", task->task, "seed", (json_int_t)(job->seed * TRIALS_OF_A_SEED + 1));
    const json_t *const all = json_object_get(study->plan.text, "finetune");
    if (all)
        json_object_update(asked, (json_t *)all);
    if (task->settings)
        json_object_update(asked, (json_t *)task->settings);
    return asked;
}

static void ask_length(const el_study *study, const el_job *job, json_t *asked)
{
    const el_plan *const p = &study->plan;
    const el_job *const trunk = el_compare_needed(study, job);
    const int64_t before = trunk ? trunk->steps : 0;
    if (by_itself(p, job)) {
        if (p->by_steps)
            json_object_set_new(asked, "num_train_steps", json_integer(job->steps));
        else
            json_object_set_new(asked, "flops_budget",
                                json_real(el_plan_length(p, job->size, job->length) * job->share));
        return;
    }
    const int64_t whole = run_of(study, job->system, job->size, job->length).steps;
    const int64_t warmup = cost_at(study, job)->warmup;
    json_object_set_new(asked, "num_train_steps",
                        json_integer(job->trunk ? job->steps : job->steps - before));
    const bool given = json_object_get(asked, "num_warmup_steps");
    if (!job->trunk || !given)
        json_object_set_new(asked, "num_warmup_steps",
                            json_integer(!job->trunk           ? 0
                                         : warmup > whole / 10 ? whole / 10
                                                               : warmup));
    if (job->trunk) { /* its parts are of one schedule, whose warm-up may be longer than the first */
        json_object_set_new(asked, "lr_decay_power", json_integer(0));
        json_object_set_new(asked, "schedule_steps", json_integer(trunk_steps(p, whole)));
    }
}

json_t *el_compare_asked(const el_study *study, const el_job *job)
{
    if (job->task >= 0)
        return asked_of_task(study, job);
    const bool branch = study->plan.cooldown > 0 && !job->tuning && !job->trunk;
    json_t *const asked = el_plan_settings(&study->plan, job->system, job->size);
    json_object_set_new(asked, "seed", json_integer(job->seed + (branch ? BRANCH_SEED : 0)));
    if (job->rate > 0)
        json_object_set_new(asked, "learning_rate", json_real(job->rate));
    ask_length(study, job, asked);
    return asked;
}

/* ---- places ---- */

static el_path in_runs(const el_study *study, const char *name)
{
    return el_path_in(el_path_in(study->settings->output, "runs").text, name);
}

/* The parts of a trunk are one run that goes on. */
el_path el_compare_folder(const el_study *study, const el_job *job)
{
    char name[120], whole[200];
    if (!job->trunk)
        return in_runs(study, job->name);
    begin_name(study, job, name, sizeof name);
    snprintf(whole, sizeof whole, "%s.trunk.seed-%" PRId64, name, job->seed);
    return in_runs(study, whole);
}
