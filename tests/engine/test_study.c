/* A study by library calls: stopped within a pre-training and gone on with, it tells what earlier starts did; a model that is
 * half made again is made again; a run has the steps that were said before. */
#include "engine/made.h"

#include <math.h>

#include "engine/compare/compare.h"
#include "train/metrics.h"

#define ONE_TASK "{\"name\": \"order\", \"task\": \"pairs\"}"
#define TWO_TASKS                                                                                            \
    ONE_TASK ", {\"name\": \"more\", \"task\": \"pairs\", \"data\": \"{tasks}/order/order.jsonl\"}"
#define PLAN(tasks) PLAN_OF("3e8", "\"seeds\": [1, 2]", tasks)
#define PLAN_OF(budget, more, tasks)                                                                         \
    "{\"plan\": \"one\", \"language\": \"made-up\", \"budgets\": [" budget "], " more ","                    \
    " \"settings\": {\"model_size\": \"tiny\", \"hidden_size\": 16, \"embedding_size\": 16,"                 \
    " \"train_batch_size\": 4},"                                                                             \
    " \"systems\": [{\"name\": \"mlm\", \"settings\": {\"objective\": \"mlm\"}}],"                           \
    " \"sizes\": [\"tiny\"], \"tasks\": [" tasks "]}"

typedef struct {
    double stop_at; /* of the whole */
    el_stop stop;
    el_study_progress last;
    double before; /* the most that was told */
    double step;   /* FLOPs of one */
} witness;

static void on_progress(void *context, const el_study_progress *p)
{
    witness *const w = context;
    w->stop |= p->fraction >= w->stop_at;
    w->before = fmax(w->before, p->before);
    CHECK(p->before <= p->fraction, "%g was done before, of %g", p->before, p->fraction);
    w->last = *p;
}

static void put(const char *name, const char *text)
{
    CHECK_OK(el_file_write(in_folder(name), text, strlen(text)));
}

static int make_files(void **state)
{
    make_folder(state);
    make_shards(in_folder("shards"));
    CHECK_OK(el_folder_make(in_folder("labelled")));
    CHECK_OK(el_folder_make(in_folder("labelled/order")));
    put("labelled/order/order.jsonl", "{\"good\": \"a b\", \"bad\": \"b a\"}\n");
    return 0;
}

/* A run has as many steps as the list of jobs says before. */
static void check_steps(const el_job *job)
{
    const json_int_t done = json_integer_value(json_object_get(job->record, "steps"));
    if (job->task < 0 && job->record && !json_object_get(job->record, "diverged"))
        CHECK(done == job->steps, "%s: %d steps, and %d were said", job->name, (int)done, (int)job->steps);
}

/* Opens the plan of the folder; runs it, or with `again` asks how many pre-trainings are made again. */
static el_status run(witness *w, int *again)
{
    el_compare_settings settings = {0};
    el_options options = {
        .command = "compare", .table = EL_COMPARE_TABLE, .count = EL_COMPARE_LINES, .settings = &settings};
    el_study study = {0};
    char json[1024], plan[256];
    snprintf(plan, sizeof plan, "%s", in_folder("plan.json"));
    snprintf(json, sizeof json, "{\"data\": \"%s\", \"threads\": 1, \"jobs\": 1, \"keep_models\": true",
             in_folder("shards"));
    snprintf(json + strlen(json), sizeof json - strlen(json), ", \"output\": \"%s\"", in_folder("study"));
    snprintf(json + strlen(json), sizeof json - strlen(json), ", \"tasks\": \"%s\"}", in_folder("labelled"));
    read_options(&options, json);
    const el_study_watch watch = {.on_progress = on_progress, .stop = &w->stop, .context = w};
    CHECK_OK(el_compare_open(&study, plan, &options, &watch));
    if (again)
        *again = el_compare_cost(&study).again;
    const el_status st = again ? EL_OK : el_compare_run(&study);
    w->step = study.costs[0].flops_per_step;
    for (int i = 0; i < study.count; i++)
        check_steps(&study.jobs[i]);
    el_compare_close(&study);
    el_options_close(&options);
    return st;
}

static void test_gone_on_with(void **state)
{
    (void)state;
    witness w = {.stop_at = 0.7};
    put("plan.json", PLAN(ONE_TASK));
    CHECK_FAILS(run(&w, NULL), EL_ESTOPPED, "stopped and saved with 2 of 4 jobs done");
    CHECK(w.before < 0.1, "a first start went on with %g", w.before);
    const double stopped = w.last.fraction;
    w = (witness){.stop_at = 2};
    CHECK_OK(run(&w, NULL));
    CHECK(fabs(w.before - stopped) < 0.05, "stopped at %g, and %g was done before", stopped, w.before);
    assert_int_equal(w.last.done, 4);
    CHECK(w.last.fraction == 1, "ended at %g", w.last.fraction);
}

/* A model that was stopped while it was made again is not the one on record. */
static void test_half_made(void **state)
{
    (void)state;
    static const char RUN[] = "study/runs/mlm.tiny.3e8.seed-1/run.json";
    witness w = {.stop_at = 2};
    int again = -1;
    json_t *record;
    put("plan.json", PLAN(TWO_TASKS));
    CHECK_OK(run(&w, &again));
    assert_int_equal(again, 0);
    CHECK_OK(el_json_load(&record, in_folder(RUN)));
    json_object_set_new(record, "exported_step", json_integer(1));
    CHECK_OK(el_json_save(record, in_folder(RUN)));
    json_decref(record);
    CHECK_OK(run(&w, &again));
    assert_int_equal(again, 1);
}

/* A quarter of 10.45 steps is 3, and a quarter of their 10 would be 2: where a share is trained, and where a rate is tried. */
static void test_steps_of_shares(void **state)
{
    (void)state;
    static const char *const SHARES[] = {"\"shares\": [25]",
                                         "\"rates\": {\"grid\": [1e-3], \"rule\": \"loss\", \"share\": 25}"};
    witness w = {.stop_at = 2};
    put("plan.json", PLAN(ONE_TASK));
    CHECK_OK(run(&w, &(int){0}));
    for (int i = 0; i < 2; i++) {
        char text[1024];
        snprintf(text, sizeof text, PLAN_OF("%.17g", "%s", ONE_TASK), 10.45 * w.step, SHARES[i]);
        put("plan.json", text);
        CHECK_OK(el_folder_remove(in_folder("study")));
        CHECK_OK(run(&w, NULL));
    }
}

/* A fine-tuning that diverges is on record with its metric and the sentence that it ended with. */
static void test_diverged_tuning(void **state)
{
    (void)state;
    char lines[1024] = "text\tscore\n"; /* their range is not finite, and so no loss is */
    for (int i = 0; i < 40; i++)
        sprintf(lines + strlen(lines), "a b c\t%s\n", i % 2 ? "-1e308" : "1e308");
    CHECK_OK(el_folder_make(in_folder("labelled/astray")));
    put("labelled/astray/train.tsv", lines);
    put("labelled/astray/dev.tsv", lines);
    put("plan.json",
        PLAN("{\"name\": \"astray\", \"task\": \"regress\", \"settings\": {\"max_skipped_steps\": 1}}"));
    CHECK_OK(el_folder_remove(in_folder("study")));
    CHECK_OK(run(&(witness){.stop_at = 2}, NULL));
    json_t *records, *record;
    size_t i;
    int diverged = 0;
    CHECK_OK(el_metrics_load(&records, in_folder("study/results.jsonl")));
    json_array_foreach(records, i, record) {
        const char *const why = json_string_value(json_object_get(record, "diverged"));
        if (!why)
            continue;
        diverged++;
        CHECK(strstr(why, "in a row"), "it diverged as \"%s\"", why);
        assert_non_null(json_string_value(json_object_get(record, "metric")));
        assert_true(json_is_null(json_object_get(record, "score")));
    }
    assert_int_equal(diverged, 2);
    json_decref(records);
}

#define ASTRAY(steps, more)                                                                                  \
    "{\"plan\": \"astray\", \"language\": \"made-up\", \"steps\": [" steps "], \"seeds\": [1],"              \
    " \"settings\": {\"model_size\": \"tiny\", \"hidden_size\": 16, \"embedding_size\": 16,"                 \
    " \"train_batch_size\": 4, \"num_warmup_steps\": 1, " more "},"                                          \
    " \"systems\": [\"causal\"], \"sizes\": [\"tiny\"]}"

/* The sentence that the only job is said to have diverged with, or NULL where there is no record (new reference). */
static json_t *diverged_with(const char *plan, el_status expected, double stop_at)
{
    json_t *records = NULL;
    put("plan.json", plan);
    CHECK_OK(el_folder_remove(in_folder("study")));
    const el_status st = run(&(witness){.stop_at = stop_at}, NULL);
    CHECK(st == expected, "it ended with %d: %s", st, el_error());
    CHECK_OK(el_metrics_load(&records, in_folder("study/results.jsonl")));
    json_t *const why = json_incref(json_object_get(json_array_get(records, 0), "diverged"));
    json_decref(records);
    return why;
}

/* It diverged, be it found where the last checkpoint would be written, or with the first bad step, and the study goes on;
 * where it is stopped among bad steps nobody knows yet. */
static void test_diverged_pretraining(void **state)
{
    (void)state;
    static const struct {
        const char *plan, *why;
    } plans[] = {{ASTRAY("2", "\"learning_rate\": 1e3, \"max_grad_norm\": 0"), "no longer a finite number"},
                 {ASTRAY("40", "\"learning_rate\": 1e38, \"max_skipped_steps\": 1"), "1 step in a row"}};
    for (int i = 0; i < 2; i++) {
        json_t *const why = diverged_with(plans[i].plan, EL_OK, 2);
        CHECK(why && strstr(json_string_value(why), plans[i].why), "it diverged as \"%s\"",
              why ? json_string_value(why) : "nothing");
        json_decref(why);
    }
    assert_null(diverged_with(ASTRAY("100000", "\"learning_rate\": 1e38, \"max_skipped_steps\": 1000000"),
                              EL_ESTOPPED, 1e-3));
}

/* Whether the report has a command with these words. */
static bool report_says(const char *words)
{
    json_t *report;
    CHECK_OK(el_json_load(&report, in_folder("study/report.json")));
    char *const text = el_json_text(report, false);
    const bool says = text && strstr(text, words);
    free(text);
    json_decref(report);
    return says;
}

/* FLOPs are of attention within documents; a study that began when they were of whole examples goes on so, and its commands have
 * its steps. */
static void test_counts_as_it_began(void **state)
{
    (void)state;
    witness w = {.stop_at = 2};
    int again;
    CHECK_OK(el_folder_remove(in_folder("study")));
    CHECK_OK(el_folder_remove(in_folder("shards")));
    make_shards_of(in_folder("shards"), 4, MADE_LENGTH);
    put("plan.json", PLAN_OF("1e8", "\"seeds\": [1]", ONE_TASK));
    CHECK_OK(run(&w, &again));
    const double within = w.step;
    CHECK_OK(run(&w, &again));
    CHECK(w.step == within, "a step costs %g, and %g where the study goes on", within, w.step);
    forget(in_folder("study/run.json"), NULL, "attended");
    CHECK_OK(run(&w, NULL));
    const double whole = w.step;
    char steps[64];
    snprintf(steps, sizeof steps, "--num-train-steps %d ", (int)rint(1e8 / whole));
    CHECK(report_says(steps) && !report_says("--flops-budget"), "its command is not of %s", steps);
    CHECK(whole > within, "a step costs %g over whole examples, and %g within documents", whole, within);
    CHECK_OK(run(&w, &again));
    CHECK(w.step == whole, "a step costs %g, and %g where an old study goes on twice", whole, w.step);
}

/* Two rows that are one training: it is done once, both have its record, and a study that lacks one of them gets it. */
static void test_equal_runs(void **state)
{
    (void)state;
    static const char RESULTS[] = "study/results.jsonl";
    witness w = {.stop_at = 2};
    json_t *lines = NULL, *shorter[2] = {NULL}; /* the model and its task, less than the length */
    put("plan.json", PLAN_OF("1.5e8, 3e8", "\"shares\": [50]", ONE_TASK));
    CHECK_OK(el_folder_remove(in_folder("study")));
    CHECK_OK(run(&w, NULL));
    assert_int_equal(w.last.done, 8);
    CHECK_OK(el_metrics_load(&lines, in_folder(RESULTS)));
    assert_int_equal(json_array_size(lines), 8);
    for (size_t i = 0; i < 8; i++) {
        json_t *const line = json_array_get(lines, i);
        const char *const job = json_string_value(json_object_get(line, "job"));
        if (strncmp(job, "mlm.tiny.3e8.50.", 16) == 0)
            shorter[strstr(job, "order") != NULL] = line;
    }
    CHECK(shorter[0] && shorter[1], "%s lacks a row", RESULTS);
    assert_string_equal(json_string_value(json_object_get(shorter[0], "same_as")), "mlm.tiny.1.5e8.seed-1");
    assert_string_equal(json_string_value(json_object_get(shorter[1], "same_as")),
                        "mlm.tiny.1.5e8.seed-1.order");
    CHECK(json_number_value(json_object_get(json_object_get(shorter[0], "asked"), "flops_budget")) == 1.5e8,
          "%s is not asked as its plan has it", "mlm.tiny.3e8.50.seed-1");
    assert_int_equal(el_folder_exists(in_folder("study/runs/mlm.tiny.3e8.50.seed-1")), 0);
    char *const text = el_json_text(json_array_get(lines, 0), false);
    char line[4096];
    snprintf(line, sizeof line, "%s\n", text);
    put(RESULTS, line); /* that of the first training alone: its model is kept */
    free(text);
    json_decref(lines);
    CHECK_OK(run(&w, NULL));
    CHECK_OK(el_metrics_load(&lines, in_folder(RESULTS)));
    assert_int_equal(json_array_size(lines), 8);
    json_decref(lines);

    put("plan.json", PLAN_OF("3e8", "\"shares\": [50]", ONE_TASK)); /* the longer one comes first */
    CHECK_OK(el_folder_remove(in_folder("study")));
    CHECK_OK(run(&w, NULL));
    put("plan.json", PLAN_OF("1.5e8, 3e8", "\"shares\": [50, 100]", ONE_TASK));
    CHECK_OK(run(&w, NULL));
    CHECK_OK(el_metrics_load(&lines, in_folder(RESULTS)));
    int taken = 0;
    for (size_t i = 0; i < json_array_size(lines); i++) {
        json_t *const record = json_array_get(lines, i);
        if (strncmp(json_string_value(json_object_get(record, "job")), "mlm.tiny.1.5e8.seed-1", 21) == 0) {
            const char *const same = json_string_value(json_object_get(record, "same_as"));
            CHECK(same && strncmp(same, "mlm.tiny.3e8.50.seed-1", 22) == 0,
                  "what stands on record is done again");
            taken++;
        }
    }
    assert_int_equal(taken, 2);
    json_decref(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gone_on_with),
                                       cmocka_unit_test(test_half_made),
                                       cmocka_unit_test(test_steps_of_shares),
                                       cmocka_unit_test(test_diverged_tuning),
                                       cmocka_unit_test(test_diverged_pretraining),
                                       cmocka_unit_test(test_counts_as_it_began),
                                       cmocka_unit_test(test_equal_runs)};
    return cmocka_run_group_tests_name("study", tests, make_files, remove_folder);
}
