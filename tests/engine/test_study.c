/* A study by library calls: stopped within a pre-training and gone on with, it tells what earlier starts did. */
#include "engine/made.h"

#include <math.h>

#include "engine/compare/compare.h"

static const char PLAN[] =
    "{\"plan\": \"one\", \"language\": \"made-up\", \"budgets\": [3e8], \"seeds\": [1, 2],"
    " \"settings\": {\"model_size\": \"tiny\", \"hidden_size\": 16, \"embedding_size\": 16,"
    " \"train_batch_size\": 4},"
    " \"systems\": [{\"name\": \"mlm\", \"settings\": {\"objective\": \"mlm\"}}],"
    " \"sizes\": [\"tiny\"],"
    " \"tasks\": [{\"name\": \"order\", \"task\": \"pairs\"}]}";
static const char PAIR[] = "{\"good\": \"a b\", \"bad\": \"b a\"}\n";

typedef struct {
    double stop_at; /* of the whole */
    volatile sig_atomic_t stop;
    el_study_progress last;
    double before; /* the most that was told */
} witness;

static void on_progress(void *context, const el_study_progress *p)
{
    witness *const w = context;
    w->stop |= p->fraction >= w->stop_at;
    w->before = fmax(w->before, p->before);
    CHECK(p->before <= p->fraction, "%g was done before, of %g", p->before, p->fraction);
    w->last = *p;
}

static el_status run(witness *w)
{
    el_compare_settings settings = {0};
    el_options options = {
        .command = "compare", .table = EL_COMPARE_TABLE, .count = EL_COMPARE_LINES, .settings = &settings};
    el_study study = {0};
    char json[1024], plan[256];
    snprintf(plan, sizeof plan, "%s", in_folder("plan.json"));
    snprintf(json, sizeof json, "{\"data\": \"%s\", \"threads\": 1, \"jobs\": 1", in_folder("shards"));
    snprintf(json + strlen(json), sizeof json - strlen(json), ", \"output\": \"%s\"", in_folder("study"));
    snprintf(json + strlen(json), sizeof json - strlen(json), ", \"tasks\": \"%s\"}", in_folder("labelled"));
    read_options(&options, json);
    const el_study_watch watch = {.on_progress = on_progress, .stop = &w->stop, .context = w};
    CHECK_OK(el_compare_open(&study, plan, &options, &watch));
    const el_status st = el_compare_run(&study);
    el_compare_close(&study);
    el_options_close(&options);
    return st;
}

static void test_gone_on_with(void **state)
{
    (void)state;
    witness w = {.stop_at = 0.7};
    make_shards(in_folder("shards"));
    CHECK_OK(el_file_write(in_folder("plan.json"), PLAN, strlen(PLAN)));
    CHECK_OK(el_folder_make(in_folder("labelled")));
    CHECK_OK(el_folder_make(in_folder("labelled/order")));
    CHECK_OK(el_file_write(in_folder("labelled/order/order.jsonl"), PAIR, strlen(PAIR)));
    CHECK_FAILS(run(&w), EL_ESTOPPED, "stopped and saved with 2 of 4 jobs done");
    CHECK(w.before < 0.1, "a first start went on with %g", w.before);
    const double stopped = w.last.fraction;
    w = (witness){.stop_at = 2};
    CHECK_OK(run(&w));
    CHECK(fabs(w.before - stopped) < 0.05, "stopped at %g, and %g was done before", stopped, w.before);
    assert_int_equal(w.last.done, 4);
    CHECK(w.last.fraction == 1, "ended at %g", w.last.fraction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gone_on_with)};
    return cmocka_run_group_tests_name("study", tests, make_folder, remove_folder);
}
