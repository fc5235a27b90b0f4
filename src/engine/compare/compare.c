/* compare - see the header */
#include "engine/compare/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "engine/compare/parts.h"
#include "engine/shared_folder.h"

static bool gives(const char *name)
{
    static const char *const NAMES[] = {"results.jsonl", "runs", "jobs", "report.html", "report.json"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return false;
}

static const el_run_kind RUN = {"compare", gives};

/* ---- data ---- */

/* A study counts as it began, so that its runs have the steps that they had; of those of earlier versions over examples of the
 * mean length. */
static void choose_count(el_study *study, double attended)
{
    const json_t *const record = el_compare_goes_on(study) ? study->run.record : NULL;
    study->counts_examples = json_object_size(record) > 0 && !json_object_get(record, "attended") &&
                             attended != study->mean_length;
    study->attended = study->counts_examples ? study->mean_length : attended;
    if (study->counts_examples && el_dist_leads(study->settings->dist))
        el_log(EL_LOG_NOTE,
               "%s: FLOPs are those of attention over examples of the mean length, as the study began",
               study->run.folder);
}

/* Lengths and vocabulary of the shards; a dry run takes those of the paper where there are none. */
static el_status look_at_data(el_study *study)
{
    enum { PAPER_VOCABULARY = 30522 };
    el_loader *data;
    study->vocab_size = PAPER_VOCABULARY;
    if (!study->plan.data && study->settings->dry_run)
        return EL_OK;
    if (!study->plan.data)
        return el_fail(EL_EUSAGE, "--data: which shards? `electra prepare` makes them");
    const el_status st = el_loader_open(&data, study->plan.data);
    if (st)
        return st;
    study->vocab_size = el_loader_vocab(data)->size;
    study->mean_length = (double)el_loader_tokens(data) / fmax(1, (double)el_loader_examples(data));
    choose_count(study, el_loader_attended(data));
    study->data_hash = el_loader_hash(data);
    study->packed_full = el_loader_packed_full(data);
    study->longest = el_loader_max_seq_length(data);
    study->has_pairs = el_loader_pairs(data, 1) > 0;
    el_loader_close(data);
    return EL_OK;
}

/* ---- the course of a study ---- */

/* Of memory; 0: the system does not say. */
static double available_bytes(void)
{
    static const char NAME[] = "MemAvailable:";
    char text[4096], *end;
    el_file_begin("/proc/meminfo", text, sizeof text);
    const char *at = strstr(text, NAME);
    if (!at)
        return 0;
    at += sizeof NAME - 1;
    return 1024 * el_number_read(at + strspn(at, " "), &end);
}

/* So many trainings as processors and memory hold, of which ranks of one machine have a share each, and the threads of each
 * training. */
static void share_machine(el_study *study)
{
    const el_compare_settings *const s = study->settings;
    const int threads = s->threads ? (int)s->threads : el_rank_processors(s->dist);
    const double available = available_bytes() / (s->dist ? s->dist->local_size : 1);
    double bytes = 0;
    for (int i = 0; i < study->plan.system_count * study->plan.size_count; i++)
        bytes = fmax(bytes, study->costs[i].bytes);
    const double most = available > 0 ? available / bytes : threads;
    const int wanted = s->jobs ? (int)s->jobs : (int)fmax(1, fmin(threads, most));
    int count = 0;
    for (int i = 0; i < study->count; i++)
        count += study->jobs[i].same_as < 0;
    study->at_a_time = wanted < count ? wanted : count;
    study->threads = threads / study->at_a_time < 1 ? 1 : threads / study->at_a_time;
}

/* Of shards, held-out shards and the files of all tasks. */
static void hash_files(const el_study *study, char text[17])
{
    const uint64_t all[] = {study->data_hash, study->heldout_hash,
                            el_hash(study->task_hashes, sizeof study->task_hashes)};
    el_hash_text(el_hash(all, sizeof all), text);
}

/* Names the first key of a plan that is another one in the plan of rank 0, or not in it. */
static el_status compare_plans(const json_t *own, const json_t *first)
{
    const json_t *const both[] = {own, first};
    for (int i = 0; i < 2; i++) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)both[i], key, value) {
            if (!json_equal(value, json_object_get(both[1 - i], key)))
                return el_fail(EL_EUSAGE, "the plan: \"%s\" is not as on rank 0", key);
        }
    }
    return EL_OK;
}

static el_status same_plan(el_dist *dist, const json_t *own)
{
    char *text = el_dist_leads(dist) ? el_json_text(own, false) : NULL;
    json_t *first = NULL;
    el_status st = el_dist_agree(dist, text || !el_dist_leads(dist) ? EL_OK : el_no_memory(NULL));
    if (!st)
        st = el_dist_share_text(dist, &text);
    if (!st && !el_dist_leads(dist))
        st = el_json_parse(&first, text, strlen(text), "the plan of rank 0");
    if (!st && first)
        st = compare_plans(own, first);
    json_decref(first);
    free(text);
    return el_dist_agree(dist, st);
}

/* Ranks that are to do jobs of one study have the same plan and files. */
static el_status same_study(const el_study *study)
{
    el_dist *const dist = study->settings->dist;
    char hash[17];
    hash_files(study, hash);
    const el_status st = same_plan(dist, study->plan.text);
    return st ? st : el_dist_same(dist, "the content of --data, --eval-data and the files of tasks", hash);
}

/* The plan, and all that it asks for. */
static el_status find_jobs(el_study *study, const char *plan)
{
    el_status st = el_compare_plan(study, plan);
    if (!st)
        st = look_at_data(study);
    if (!st)
        st = el_compare_hash(study);
    return st ? st : el_compare_list(study);
}

/* What run.json says of the study from here on. */
static el_status begin_segment(el_study *study, const el_options *options)
{
    json_t *const record = study->run.record;
    json_object_set_new(record, "version", json_string(ELECTRA_VERSION));
    json_object_set_new(record, "settings", el_options_json(options));
    json_object_set(record, "plan", study->given);
    if (!study->counts_examples)
        json_object_set_new(record, "attended", json_real(study->attended));
    json_t *const machine = json_pack("{s:i, s:i}", "jobs", study->at_a_time, "threads", study->threads);
    const el_status st = el_run_segment_begin(&study->run, 0, machine);
    json_decref(machine);
    return st;
}

/* Takes what was done before, and what that leaves to do. */
static el_status take_up(el_study *study)
{
    el_status st = el_compare_goes_on(study) ? el_compare_recall(study) : EL_OK;
    el_compare_pass_over(study);
    if (!st)
        st = el_compare_check_rates(study);
    el_compare_reopen(study);
    if (!st)
        st = el_compare_check_folders(study);
    return st ? st : el_compare_check_files(study);
}

/* From here on it is written: a start that is refused leaves the study as it was. */
static el_status begin(el_study *study, const el_options *options)
{
    el_status st = begin_segment(study, options);
    if (!st && el_dist_leads(study->settings->dist))
        st = el_compare_begin_results(study);
    return el_dist_agree(study->settings->dist, st);
}

/* A study that keeps its models keeps them until --no-keep-models. */
static void recall_keeping(el_study *study, const el_options *options)
{
    const json_t *const settings = json_object_get(study->run.record, "settings");
    if (!el_options_given(options, "keep_models"))
        study->settings->keep_models = json_is_true(json_object_get(settings, "keep_models"));
}

static el_status open_all(el_study *study, const char *plan, const el_options *options)
{
    const el_compare_settings *const s = study->settings;
    el_status st = s->dry_run || s->output
                       ? EL_OK
                       : el_fail(EL_EUSAGE, "--output: which folder is the study to live in?");
    st = el_dist_agree(s->dist, st);
    if (st)
        return st;
    bool opens = s->output && (!s->dry_run || el_folder_exists(s->output));
    el_dist_share(s->dist, &opens, sizeof opens); /* in a dry run all see what rank 0 does */
    if (opens)
        st = el_run_open_shared(&study->run, s->dist, &RUN, s->output, s->overwrite);
    if (!st)
        recall_keeping(study, options);
    if (!st)
        st = find_jobs(study, plan);
    st = el_dist_agree(s->dist, st);
    if (!st)
        st = same_study(study);
    if (st)
        return st;
    if (!s->dry_run)
        st = el_shared_folder_check(s->dist, s->output);
    if (st)
        return st;
    share_machine(study);
    st = el_dist_agree(s->dist, take_up(study));
    return st || s->dry_run ? st : begin(study, options);
}

el_status el_compare_open(el_study *study, const char *plan, el_options *options, const el_study_watch *watch)
{
    *study = (el_study){.settings = options->settings};
    if (watch)
        study->watch = *watch;
    el_log_hold_notes();
    const el_status st = open_all(study, plan, options);
    el_log_release_notes(!st);
    if (st)
        el_compare_close(study);
    return st;
}

el_status el_compare_run(el_study *study)
{
    el_dist *const dist = study->settings->dist;
    el_status st = el_compare_await_ranks(study);
    if (!st)
        st = el_dist_await(dist, el_compare_work_off(study));
    if (!st && el_dist_leads(dist))
        st = el_compare_report(study);
    if (!st && el_dist_leads(dist))
        st = el_compare_end_ranks(study);
    st = el_dist_await(dist, st);
    return el_run_segment_end(&study->run, el_compare_done(study), st);
}

void el_compare_close(el_study *study)
{
    el_metrics_close(&study->results);
    for (int i = 0; i < study->count; i++)
        json_decref(study->jobs[i].record);
    free(study->jobs);
    free(study->costs);
    free(study->left_out);
    json_decref(study->given);
    el_plan_close(&study->plan);
    if (study->run.folder)
        el_run_close(&study->run);
    *study = (el_study){0};
}

el_study_cost el_compare_cost(const el_study *study)
{
    /* Of the measured peak; a step of a model that is not tiny reaches more, one of a tiny one and fine-tunings less. */
    static const double REACHED = 0.5;
    el_study_cost cost = {0};
    for (int i = 0; i < study->count; i++) {
        const el_job *const job = &study->jobs[i];
        if (job->state == EL_JOB_DONE || job->same_as >= 0)
            continue;
        cost.pretrainings += job->task < 0;
        cost.again += job->record != NULL;
        const bool pairs = job->task >= 0 && el_plan_asks_pairs(&study->plan.tasks[job->task]);
        cost.pairs += pairs;
        cost.pairs_unknown += pairs && job->flops == 0;
        cost.tunings += job->task >= 0 && !pairs;
        cost.unknown += job->task >= 0 && !pairs && job->flops == 0;
        cost.flops += job->flops;
    }
    el_machine machine = {.threads = study->settings->threads};
    el_queue *q;
    if (!el_machine_open(&machine, &q)) {
        cost.peak = q->peak(q, el_machine_type(&machine));
        el_queue_close(q);
    }
    cost.seconds = cost.peak > 0 ? cost.flops / (REACHED * cost.peak) : NAN;
    return cost;
}
