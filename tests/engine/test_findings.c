/* What a study's records come to: seeds that diverged cost nothing, crossings are over the seeds that both have, a branch has
 * its trunk's part, and one row has one rate; an objective is what a recipe or an alias comes to. */
#include "folder.h"

#include <math.h>

#include "base/log.h"
#include "engine/compare/parts.h"
#include "engine/compare/report.h"

static const char PLAN[] =
    "{\"plan\": \"p\", \"systems\": [{\"name\": \"a\", \"settings\": {\"objective\": \"electra\"}}, "
    "{\"name\": \"b\", \"settings\": {%s}}], \"sizes\": [\"tiny\"], "
    "\"shares\": [50], \"tasks\": [\"rte\"]%s}";

#define SEEDS ", \"steps\": [100], \"seeds\": [1, 2, 3]"

static el_compare_settings settings = {.output = "study"};

/* A study with every job of the plan and no record. */
static void open_plan(el_study *study, const char *text)
{
    json_t *plan;
    *study = (el_study){.settings = &settings, .vocab_size = 100};
    CHECK_OK(el_json_parse(&plan, text, strlen(text), "plan"));
    CHECK_OK(el_plan_read(&study->plan, plan, "plan"));
    CHECK_OK(el_compare_list(study));
}

/* `of_b`: settings of b. */
static void open_study_of(el_study *study, const char *of_b, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text, PLAN, of_b, more);
    open_plan(study, text);
}

static void open_study(el_study *study, const char *more)
{
    open_study_of(study, "\"objective\": \"mlm\"", more);
}

static el_job *job_at(el_study *study, const char *name)
{
    for (int i = 0; i < study->count; i++)
        if (strcmp(study->jobs[i].name, name) == 0)
            return &study->jobs[i];
    fail_msg("no job %s", name);
    return NULL;
}

static void record(el_study *study, const char *name, json_t *figures)
{
    el_job *const job = job_at(study, name);
    assert_non_null(figures);
    job->record = figures;
    job->state = EL_JOB_DONE;
}

/* A pre-training of these steps, and with a score its fine-tuning. */
static void train(el_study *study, const char *name, int steps, double score)
{
    char tuning[128];
    record(study, name,
           json_pack("{s:i, s:f, s:f, s:{s:f}}", "steps", steps, "seconds", 2.0 * steps, "rate", 1e-3,
                     "flops", "products", 1e9 * steps));
    snprintf(tuning, sizeof tuning, "%s.rte", name);
    if (isfinite(score))
        record(study, tuning, json_pack("{s:f}", "score", score / 100));
}

static void diverge(el_study *study, const char *name, int steps)
{
    train(study, name, steps, NAN);
    json_object_set_new(job_at(study, name)->record, "diverged", json_string("no finite number"));
}

static void near(double is, double expected, const char *what)
{
    CHECK(fabs(is - expected) <= 1e-6 * fabs(expected), "%s: %g, not %g", what, is, expected);
}

static void test_diverged(void **state)
{
    (void)state;
    el_study study;
    el_findings f;
    open_study(&study, SEEDS);
    train(&study, "a.tiny.100-steps.seed-1", 100, 60);
    diverge(&study, "a.tiny.100-steps.seed-2", 7);
    diverge(&study, "b.tiny.100-steps.seed-1", 7);
    CHECK_OK(el_findings_open(&f, &study));
    const el_row *const some = el_findings_row(&f, 0, 0, 0, 1, -1), *const none =
                                                                        el_findings_row(&f, 1, 0, 0, 1, -1);
    CHECK(some && some->steps == 100 && some->diverged == 1, "%d rows", f.row_count);
    near(some->flops, 1e11, "FLOPs beside a seed that diverged");
    near(some->seconds, 200, "seconds beside a seed that diverged");
    CHECK(none && none->diverged == 1 && none->steps == 0 && isnan(none->flops),
          "a row whose seeds all diverged");
    el_findings_close(&f);
    el_compare_close(&study);
}

/* Trunks that diverged leave their branches without a record, those of later parts too. */
static void test_diverged_trunk(void **state)
{
    (void)state;
    el_study study;
    el_findings f;
    open_study(&study, SEEDS ", \"cooldown\": 0.2");
    diverge(&study, "a.tiny.100-steps.trunk-50.seed-1", 7);
    for (int seed = 2; seed <= 3; seed++) {
        char name[64];
        snprintf(name, sizeof name, "a.tiny.100-steps.trunk-50.seed-%d", seed);
        train(&study, name, 40, NAN);
        snprintf(name, sizeof name, "a.tiny.100-steps.50.seed-%d", seed);
        train(&study, name, 10, 60);
    }
    diverge(&study, "a.tiny.100-steps.trunk-100.seed-2", 47);
    diverge(&study, "b.tiny.100-steps.trunk-50.seed-3", 7);
    CHECK_OK(el_findings_open(&f, &study));
    static const struct {
        int system;
        double share;
        int diverged, scores;
    } rows[] = {{0, 0.5, 1, 2}, {0, 1, 2, 0}, {1, 0.5, 1, 0}, {1, 1, 1, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const el_row *const row = el_findings_row(&f, rows[i].system, 0, 0, rows[i].share, -1);
        CHECK(row && row->diverged == rows[i].diverged && row->score.count == rows[i].scores,
              "system %d at %g: %d diverged, %d scores", rows[i].system, rows[i].share,
              row ? row->diverged : -1, row ? row->score.count : -1);
    }
    el_findings_close(&f);
    el_compare_close(&study);
}

/* What report.html says, and what it does not. */
static void expect_page(const char *const *said, const char *never)
{
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, in_folder("report.html")));
    char *const page = strndup((const char *)file.data, file.size);
    assert_non_null(page);
    for (; *said; said++)
        CHECK(strstr(page, *said), "report.html does not say \"%s\"", *said);
    CHECK(!strstr(page, never), "report.html says \"%s\"", never);
    free(page);
    el_mapping_close(&file);
}

/* A fine-tuning that is done without a score is counted, in its task and in the mean; one that is not done is not. */
static void test_unscored(void **state)
{
    (void)state;
    el_study study;
    el_findings f;
    open_study(&study, SEEDS);
    train(&study, "a.tiny.100-steps.seed-1", 100, NAN);
    train(&study, "a.tiny.100-steps.seed-2", 100, 60); /* a record without its metric */
    train(&study, "a.tiny.100-steps.seed-3", 100, NAN);
    record(&study, "a.tiny.100-steps.seed-1.rte",
           json_pack("{s:n, s:s, s:s}", "score", "metric", "accuracy", "diverged",
                     "the loss is no finite number"));
    CHECK_OK(el_findings_open(&f, &study));
    for (int task = -1; task < 1; task++) {
        const el_row *const row = el_findings_row(&f, 0, 0, 0, 1, task);
        CHECK(row && row->unscored == 1 && row->diverged == 0 && row->score.count == 1, "task %d: %d without",
              task, row ? row->unscored : -1);
    }
    el_findings_close(&f);
    el_compare_settings here = {.output = folder};
    study.settings = &here;
    CHECK_OK(el_compare_report(&study));
    json_t *report;
    CHECK_OK(el_json_load(&report, in_folder("report.json")));
    const json_t *const row = json_array_get(json_object_get(report, "rows"), 0);
    assert_int_equal(json_integer_value(json_object_get(row, "unscored")), 1);
    json_decref(report);
    static const char *const SAID[] = {"1 without a score", "seed-1.rte: -, diverged",
                                       "the loss is no finite number", ": accuracy", NULL};
    expect_page(SAID, "nan");
    el_compare_close(&study);
}

/* Seconds are whole numbers from 100 on, and no p is 0. */
static void test_numbers_of_page(void **state)
{
    (void)state;
    static const double SCORES[][3] = {{60, 70, 80}, {50, 60.01, 70}};
    static const char *const SAID[] = {"<td class=\"n\">2500</td>", " FLOPs, 2500 s<", "&lt; 0.001</td>",
                                       NULL};
    el_compare_settings here = {.output = folder};
    el_study study;
    open_study(&study, SEEDS);
    study.settings = &here;
    for (int i = 0; i < 6; i++) {
        char name[64];
        snprintf(name, sizeof name, "%c.tiny.100-steps.seed-%d", "ab"[i / 3], i % 3 + 1);
        train(&study, name, 1250, SCORES[i / 3][i % 3]);
    }
    CHECK_OK(el_compare_report(&study));
    expect_page(SAID, "2.5e+03");
    el_compare_close(&study);
}

/* a has 3 seeds at both points, b one, which is a's worst: over all seeds a would be ahead from the start. */
static void test_crossing(void **state)
{
    (void)state;
    el_study study;
    el_findings f;
    open_study(&study, SEEDS);
    const double half[] = {50, 70, 72}, whole[] = {60, 74, 76};
    for (int seed = 1; seed <= 3; seed++) {
        char name[64];
        snprintf(name, sizeof name, "a.tiny.100-steps.50.seed-%d", seed);
        train(&study, name, 50, half[seed - 1]);
        snprintf(name, sizeof name, "a.tiny.100-steps.seed-%d", seed);
        train(&study, name, 100, whole[seed - 1]);
    }
    train(&study, "b.tiny.100-steps.seed-1", 100, 55);
    CHECK_OK(el_findings_open(&f, &study));
    assert_int_equal(f.crossing_count, 1);
    const el_crossing *const c = &f.crossings[0];
    CHECK(c->seeds == 1 && !c->at_most, "%d seeds, at most: %d", c->seeds, c->at_most);
    near(c->score, 55, "score");
    near(c->share, sqrt(0.5), "share: half way between 50 and 60");
    el_findings_close(&f);
    json_decref(job_at(&study, "b.tiny.100-steps.seed-1.rte")->record);
    record(&study, "b.tiny.100-steps.seed-1.rte", json_pack("{s:f}", "score", 0.65));
    CHECK_OK(el_findings_open(&f, &study));
    CHECK(isnan(f.crossings[0].share), "65 is reached by 60, at %g", f.crossings[0].share);
    CHECK(f.test_count > 0 && f.tests[0].difference < 0, "the paired test says %g", f.tests[0].difference);
    el_findings_close(&f);
    el_compare_close(&study);
}

/* By Holm: of three systems on a task the least p counts three times, the next twice, and none less than one before it. */
static void test_corrected(void **state)
{
    (void)state;
    static const char *const SYSTEMS[] = {"electra", "mlm", "causal", "electra-15"};
    static const double SCORES[][3] = {{60, 70, 80}, {59, 68, 77}, {58, 60, 78}, {59, 71, 79}};
    el_study study;
    el_findings f;
    open_plan(&study, "{\"plan\": \"p\", \"systems\": [\"electra\", \"mlm\", \"causal\", \"electra-15\"],"
                      " \"sizes\": [\"tiny\"], \"tasks\": [\"rte\"]" SEEDS "}");
    for (int i = 0; i < 12; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.tiny.100-steps.seed-%d", SYSTEMS[i / 3], i % 3 + 1);
        train(&study, name, 100, SCORES[i / 3][i % 3]);
    }
    CHECK_OK(el_findings_open(&f, &study));
    assert_int_equal(f.test_count, 6); /* of the mean and of the task */
    const el_test *const mlm = &f.tests[0], *const causal = &f.tests[2], *const other = &f.tests[4];
    CHECK(mlm->p < causal->p && causal->p < other->p, "p are %g, %g, %g", mlm->p, causal->p, other->p);
    near(mlm->p_corrected, 3 * mlm->p, "the least");
    near(causal->p_corrected, 2 * causal->p, "the next");
    near(other->p_corrected, fmax(2 * causal->p, other->p), "the last");
    el_findings_close(&f);
    el_compare_close(&study);
}

/* The other's score is that of the seeds that both have; a first point that is as good may have been reached before; and whole
 * trainings alone are tested. */
static void test_common_seeds(void **state)
{
    (void)state;
    for (int equal = 0; equal < 2; equal++) {
        el_study study;
        el_findings f;
        open_study(&study, SEEDS);
        train(&study, "a.tiny.100-steps.50.seed-1", 50, 50);
        train(&study, "a.tiny.100-steps.seed-1", 100, 60);
        train(&study, "b.tiny.100-steps.50.seed-1", 50, 40);
        train(&study, "b.tiny.100-steps.seed-1", 100, equal ? 50 : 55);
        train(&study, "b.tiny.100-steps.seed-2", 100, 90);
        CHECK_OK(el_findings_open(&f, &study));
        assert_int_equal(f.crossing_count, 1);
        const el_crossing *const c = &f.crossings[0];
        CHECK(c->seeds == 1 && c->at_most == (bool)equal, "%d seeds, at most: %d", c->seeds, c->at_most);
        near(c->score, equal ? 50 : 55, "score");
        near(c->share, equal ? 0.5 : sqrt(0.5), "share");
        CHECK(f.test_count == 2, "%d tests, not of the mean and one task", f.test_count);
        for (int i = 0; i < f.test_count; i++)
            CHECK(f.tests[i].row->share == 1, "a share of %g is tested", f.tests[i].row->share);
        el_findings_close(&f);
        el_compare_close(&study);
    }
}

static void test_branch(void **state)
{
    (void)state;
    el_study study;
    el_findings f;
    open_study(&study, SEEDS ", \"cooldown\": 0.2");
    train(&study, "a.tiny.100-steps.trunk-50.seed-1", 40, NAN);
    train(&study, "a.tiny.100-steps.trunk-100.seed-1", 80, NAN);
    train(&study, "a.tiny.100-steps.seed-1", 20, 60);
    CHECK_OK(el_findings_open(&f, &study));
    const el_row *const row = el_findings_row(&f, 0, 0, 0, 1, -1);
    CHECK(row && row->steps == 100, "%d steps", row ? (int)row->steps : -1);
    near(row->seconds, 200, "seconds of trunk and branch");
    el_findings_close(&f);
    el_compare_close(&study);
}

/* A trunk's parts are of one schedule: the warm-up of the whole may be longer than the first part. */
static void test_trunk_schedule(void **state)
{
    (void)state;
    static const struct {
        const char *job;
        int steps;
    } parts[] = {{"a.tiny.1000-steps.trunk-50.seed-1", 400}, {"a.tiny.1000-steps.trunk-100.seed-1", 800}};
    el_study study;
    open_study(&study, ", \"seeds\": [1], \"steps\": [1000], \"cooldown\": 0.2");
    for (int i = 0; i < 2; i++) {
        json_t *const asked = el_compare_asked(&study, job_at(&study, parts[i].job));
        near(el_json_figure(asked, "num_train_steps"), parts[i].steps, "steps of a part");
        near(el_json_figure(asked, "schedule_steps"), 800, "steps of the trunk");
        near(el_json_figure(asked, "num_warmup_steps"), 100, "a tenth of the whole");
        json_decref(asked);
    }
    el_compare_close(&study);
}

/* What a plan comes to is checked before the first job begins. */
static void check_lengths(const char *more, const char *words)
{
    char text[1024];
    json_t *plan;
    el_study study = {.settings = &settings, .vocab_size = 100};
    snprintf(text, sizeof text, PLAN, "\"objective\": \"mlm\"", more);
    CHECK_OK(el_json_parse(&plan, text, strlen(text), "plan"));
    CHECK_OK(el_plan_read(&study.plan, plan, "plan"));
    CHECK_FAILS(el_compare_list(&study), EL_EUSAGE, words);
    el_compare_close(&study);
}

static void test_lengths(void **state)
{
    (void)state;
    check_lengths(", \"steps\": [2], \"cooldown\": 0.2",
                  "a.tiny.2-steps.50.seed-1: has no step left behind the 1");
    check_lengths(", \"steps\": [100], \"cooldown\": 0.001", "has no step left");
}

/* Points of two lengths and their halves stand in the order of their compute. */
static void test_line(void **state)
{
    (void)state;
    el_study study;
    el_findings f;
    const el_row *rows[4];
    open_study(&study, ", \"seeds\": [1], \"steps\": [100, 120]");
    train(&study, "a.tiny.100-steps.50.seed-1", 50, 50);
    train(&study, "a.tiny.100-steps.seed-1", 100, 60);
    train(&study, "a.tiny.120-steps.50.seed-1", 60, 55);
    train(&study, "a.tiny.120-steps.seed-1", 120, 70);
    CHECK_OK(el_findings_open(&f, &study));
    assert_int_equal(el_findings_line(&f, 0, 0, rows, 4), 4);
    for (int i = 1; i < 4; i++)
        CHECK(rows[i]->flops >= rows[i - 1]->flops, "point %d lies before the one in front of it", i);
    el_findings_close(&f);
    el_compare_close(&study);
}

static void set_rate(el_study *study, const char *name, double rate)
{
    json_object_set_new(job_at(study, name)->record, "rate", json_real(rate));
}

static void test_one_rate(void **state)
{
    (void)state;
    el_study study;
    open_study(&study, SEEDS ", \"rates\": {\"grid\": [1e-3, 2e-3]}");
    train(&study, "a.tiny.100-steps.rate-0.001", 100, 60);
    train(&study, "a.tiny.100-steps.rate-0.002", 100, 65);
    train(&study, "a.tiny.100-steps.seed-1", 100, 60);
    train(&study, "a.tiny.100-steps.seed-2", 100, 60);
    train(&study, "b.tiny.100-steps.seed-1", 100, 60);
    set_rate(&study, "b.tiny.100-steps.seed-1", 2e-3);
    CHECK_OK(el_compare_check_rates(&study)); /* a's rate stays, and b may have another */
    set_rate(&study, "a.tiny.100-steps.seed-2", 2e-3);
    CHECK_FAILS(el_compare_check_rates(&study), EL_EUSAGE,
                "a.tiny.100-steps.seed-2 was made at the rate 0.002, and a.tiny.100-steps.seed-1 at 0.001");
    set_rate(&study, "a.tiny.100-steps.seed-2", 3e-3);
    CHECK_FAILS(el_compare_check_rates(&study), EL_EUSAGE, "which the plan's grid lacks");
    el_compare_close(&study);
}

static char said[512];

static void keep_said(el_log_level level, const char *line)
{
    snprintf(said, sizeof said, "%s%s", level == EL_LOG_WARNING ? "warning: " : "", line);
}

/* Where every rate diverged the lowest is taken, and said. */
static void test_no_rate(void **state)
{
    (void)state;
    el_study study;
    open_study(&study, SEEDS ", \"rates\": {\"grid\": [1e-3, 2e-3]}");
    diverge(&study, "a.tiny.100-steps.rate-0.001", 7);
    diverge(&study, "a.tiny.100-steps.rate-0.002", 7);
    el_compare_pass_over(&study);
    el_job *const job = job_at(&study, "a.tiny.100-steps.seed-1");
    el_log_to(keep_said);
    assert_true(el_compare_can_begin(&study, job));
    CHECK(job->rate == 1e-3, "%g is taken", job->rate);
    CHECK(strstr(said, "warning: a, tiny: no rate of the grid gave a model with a score"), "it says %s",
          said);
    *said = '\0';
    assert_true(el_compare_can_begin(&study, job_at(&study, "a.tiny.100-steps.seed-2")));
    CHECK(!*said, "it is said twice: %s", said);
    el_log_to(NULL);
    el_compare_close(&study);
}

/* Older records have the loss on held-out shards in both places. */
static void test_losses(void **state)
{
    (void)state;
    json_t *const held =
        json_pack("{s:f, s:[{s:f}, {s:f}]}", "training_loss", 3.0, "curve", "loss", 5.0, "loss", 4.0);
    json_t *const none = json_pack("{s:f, s:[]}", "training_loss", 3.0, "curve");
    near(el_record_loss(held), 4, "the last held-out loss");
    assert_string_equal(el_record_loss_of(held), "held out");
    near(el_record_loss(none), 3, "the loss in training");
    assert_string_equal(el_record_loss_of(none), "training");
    json_decref(held);
    json_decref(none);
}

/* What report.json calls the objective of a system with these settings. */
static void check_objective(const char *of_b, const char *expected)
{
    el_study study;
    json_t *report, *row;
    size_t i;
    open_study_of(&study, of_b, SEEDS);
    el_compare_settings here = {.output = folder};
    study.settings = &here;
    train(&study, "b.tiny.100-steps.seed-1", 100, 60);
    CHECK_OK(el_compare_report(&study));
    CHECK_OK(el_json_load(&report, in_folder("report.json")));
    json_t *const rows = json_object_get(report, "rows");
    CHECK(json_array_size(rows) > 0, "no rows for %s", of_b);
    json_array_foreach(rows, i, row) {
        const char *const is = json_string_value(json_object_get(row, "objective"));
        CHECK(is && strcmp(is, expected) == 0, "%s: %s, not %s", of_b, is ? is : "none", expected);
    }
    json_decref(report);
    el_compare_close(&study);
}

static void test_objectives(void **state)
{
    (void)state;
    check_objective("\"objective\": \"mlm\"", "mlm");
    check_objective("\"recipe\": \"roberta\"", "mlm");
    check_objective("\"electra_objective\": false", "mlm");
    check_objective("\"electric_objective\": true", "electric");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diverged),
        cmocka_unit_test(test_unscored),
        cmocka_unit_test(test_diverged_trunk),
        cmocka_unit_test(test_no_rate),
        cmocka_unit_test(test_crossing),
        cmocka_unit_test(test_common_seeds),
        cmocka_unit_test(test_corrected),
        cmocka_unit_test(test_branch),
        cmocka_unit_test(test_trunk_schedule),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_one_rate),
        cmocka_unit_test(test_numbers_of_page),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_objectives),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
