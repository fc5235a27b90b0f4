/* Pre-training by library calls: watched, stopped within a step, and gone on with to the same bits. */
#include "engine/made.h"

typedef struct {
    int events[EL_EVENT_CHECKPOINT + 1];
    el_stop stop;
    el_status answer; /* of on_event */
} witness;

static el_status on_event(void *context, const el_event *event)
{
    witness *const w = context;
    w->events[event->kind]++;
    return w->answer ? el_fail(w->answer, "enough seen") : EL_OK;
}

static el_status train(const char *name, witness *w, void (*change)(el_pretraining *), int64_t *step)
{
    el_pretrain_settings settings;
    el_options options;
    el_pretraining run;
    char shards[256], output[256];
    snprintf(shards, sizeof shards, "%s", in_folder("shards"));
    snprintf(output, sizeof output, "%s", in_folder(name));
    pretrain_options(&options, &settings, shards, output);
    const el_watch watch = {.on_event = on_event, .stop = &w->stop, .context = w};
    CHECK_OK(el_pretrain_open(&run, &options, &watch));
    if (change)
        change(&run);
    const el_status st = el_pretrain_run(&run);
    *step = run.progress.step;
    el_pretrain_close(&run);
    el_options_close(&options);
    return st;
}

static void test_watched(void **state)
{
    (void)state;
    witness w = {0};
    int64_t step;
    make_shards(in_folder("shards"));
    CHECK_OK(train("straight", &w, NULL, &step));
    assert_int_equal(step, MADE_STEPS);
    assert_int_equal(w.events[EL_EVENT_STEP] + w.events[EL_EVENT_RECORD], MADE_STEPS);
    assert_int_equal(w.events[EL_EVENT_CHECKPOINT], 1);
    CHECK(el_file_exists(in_folder("straight/discriminator/model.safetensors")), "nothing is exported");
}

/* ---- stopping within a step ---- */

static void (*accumulate_as_it_is)(el_objective *self, int first, int last, bool training);
static witness *stopping;
static int ranges, ranges_after;

/* The stop comes in the third range of the fourth step. */
static void accumulate(el_objective *self, int first, int last, bool training)
{
    enum { A_STEP = MADE_BATCH / 2 };
    ranges++;
    ranges_after += stopping->stop;
    if (ranges == 3 * A_STEP + 3)
        stopping->stop = 1;
    accumulate_as_it_is(self, first, last, training);
}

static void count_ranges(el_pretraining *run)
{
    accumulate_as_it_is = run->objective->accumulate;
    run->objective->accumulate = accumulate;
    ranges = ranges_after = 0;
}

static void test_stopped_within_a_step(void **state)
{
    (void)state;
    witness w = {0};
    int64_t step;
    stopping = &w;
    CHECK_FAILS(train("stopped", &w, count_ranges, &step), EL_ESTOPPED, "stopped after step 3");
    assert_int_equal(step, 3);
    CHECK(ranges_after <= 1, "%d ranges of sequences are still worked on", ranges_after);
    witness again = {0};
    CHECK_OK(train("stopped", &again, NULL, &step));
    assert_int_equal(again.events[EL_EVENT_STEP] + again.events[EL_EVENT_RECORD], MADE_STEPS - 3);
    check_same(in_folder("straight/checkpoint-6/model.safetensors"),
               in_folder("stopped/checkpoint-6/model.safetensors"));
    check_same(in_folder("straight/checkpoint-6/optimizer.safetensors"),
               in_folder("stopped/checkpoint-6/optimizer.safetensors"));
}

/* ---- stopping within a range ---- */

static void (*multiply_as_it_is)(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b);
static int products, products_after, rows_after;

/* The stop comes with a product in the middle of a step; those after it in the step leave their outputs as they are. */
static void multiply(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b)
{
    const size_t bytes = el_tensor_bytes(y.rows, y.cols, y.type);
    const uint64_t before = el_hash(y.data, bytes);
    stopping->stop |= ++products == 100;
    multiply_as_it_is(q, y, x, w, b);
    products_after += stopping->stop && q->interrupt.wanted && el_hash(y.data, bytes) != before;
    rows_after += stopping->stop && !q->interrupt.wanted ? y.rows : 0;
}

static void count_products(el_pretraining *run)
{
    multiply_as_it_is = run->q->linear_forward;
    run->q->linear_forward = multiply;
    products = products_after = rows_after = 0;
}

static void test_stopped_within_a_range(void **state)
{
    (void)state;
    witness w = {0};
    int64_t step;
    stopping = &w;
    CHECK_FAILS(train("cut", &w, count_products, &step), EL_ESTOPPED, "stopped after step");
    CHECK(products >= 100, "only %d products were asked for", products);
    assert_int_equal(products_after, 0);
    CHECK(rows_after > 0, "the checkpoint's losses were not looked at");
    CHECK_OK(train("cut", &(witness){0}, NULL, &step));
    check_same(in_folder("straight/checkpoint-6/model.safetensors"),
               in_folder("cut/checkpoint-6/model.safetensors"));
    check_same(in_folder("straight/checkpoint-6/optimizer.safetensors"),
               in_folder("cut/checkpoint-6/optimizer.safetensors"));
}

static void limit_time(el_pretraining *run)
{
    run->trainer.most_seconds = 1e-9;
}

static void test_other_ends(void **state)
{
    (void)state;
    int64_t step;
    CHECK_FAILS(train("limited", &(witness){0}, limit_time, &step), EL_ESTOPPED, "stopped after step 0");
    CHECK_FAILS(train("ended", &(witness){.answer = EL_EFAILED}, NULL, &step), EL_EFAILED, "enough seen");
    assert_int_equal(step, 1);
}

/* Trains with more settings, and says how many updates AdamW's moments are of. */
static int64_t warm_updates(const char *name, const char *json)
{
    el_pretrain_settings settings;
    el_options options;
    el_pretraining run;
    char shards[256], output[256];
    const el_watch watch = {0};
    snprintf(shards, sizeof shards, "%s", in_folder("shards"));
    snprintf(output, sizeof output, "%s", in_folder(name));
    pretrain_options(&options, &settings, shards, output);
    read_more_options(&options, json);
    CHECK_OK(el_pretrain_open(&run, &options, &watch));
    CHECK_OK(el_pretrain_run(&run));
    const int64_t updates = run.progress.warm_updates;
    el_pretrain_close(&run);
    el_options_close(&options);
    return updates;
}

/* The bias of moments is corrected by the updates that made them: in an earlier run, or since a stage began. */
static void test_warm_moments(void **state)
{
    (void)state;
    char json[512];
    assert_int_equal(warm_updates("cold", "{\"bias_correction\": true}"), MADE_STEPS);
    snprintf(json, sizeof json, "{\"bias_correction\": true, \"init_from\": \"%s\"}",
             in_folder("cold/checkpoint-6"));
    assert_int_equal(warm_updates("warm", json), 2 * MADE_STEPS);
    CHECK(remove(in_folder("cold/checkpoint-6/optimizer.safetensors")) == 0, "the moments cannot be removed");
    assert_int_equal(warm_updates("weights", json), MADE_STEPS);
    assert_int_equal(warm_updates("stages", "{\"objective\": \"two-stage\"}"), MADE_STEPS / 2);
}

/* Opens a run of a budget of so many FLOPs, which goes on where there is one: its steps, and what a token costs; runs it. */
static int64_t steps_of(const char *data, const char *name, double budget, bool counts_examples, double *cost)
{
    el_pretrain_settings settings;
    el_options options;
    el_pretraining run;
    char shards[256], output[256], json[1024];
    snprintf(shards, sizeof shards, "%s", in_folder(data));
    snprintf(output, sizeof output, "%s", in_folder(name));
    snprintf(json, sizeof json,
             "{\"data\": \"%s\", \"output\": \"%s\", \"hidden_size\": 16, \"embedding_size\": 16, "
             "\"train_batch_size\": 2, \"threads\": 1, \"flops_budget\": %g}",
             shards, output, budget);
    el_pretrain_defaults(&settings, EL_TINY);
    options = (el_options){
        .command = "pretrain", .table = EL_PRETRAIN_TABLE, .count = EL_PRETRAIN_LINES, .settings = &settings};
    read_options(&options, json);
    settings.counts_examples = counts_examples;
    CHECK_OK(el_pretrain_open(&run, &options, NULL));
    const int64_t steps = run.trainer.steps;
    *cost = run.trainer.flops_per_token;
    CHECK_OK(el_pretrain_run(&run));
    el_pretrain_close(&run);
    el_options_close(&options);
    return steps;
}

/* Tokens of full examples cost attention within their document, and of unequal ones among the longer; a run that began
 * otherwise keeps its count and its steps, however often it goes on. */
static void test_attention_is_counted(void **state)
{
    (void)state;
    double within, whole, alone, again, spread, mean;
    make_shards_of(in_folder("parts"), 4, MADE_LENGTH);
    make_shards_of(in_folder("one"), 1, MADE_LENGTH);
    make_shards_of(in_folder("unequal"), 0, MADE_LENGTH / 4);
    const int64_t steps = steps_of("parts", "within", 2e7, false, &within);
    const int64_t fewer = steps_of("parts", "before", 2e7, true, &whole);
    CHECK(within < whole && steps > fewer, "%d steps at %g a token within documents, %d at %g over examples",
          (int)steps, within, (int)fewer, whole);
    CHECK(steps_of("one", "whole", 2e7, false, &alone) == fewer && alone == whole,
          "%g a token in examples of one document, and not %g", alone, whole);
    for (int start = 2; start <= 3; start++) { /* the second goes on, and the third has nothing left to do */
        const int64_t more = steps_of("parts", "before", 4e7, false, &again);
        CHECK(more > fewer && again == whole, "start %d of %d steps at %g a token goes on at %g", start,
              (int)fewer, whole, again);
        CHECK(steps_of("parts", "within", 4e7, false, &again) > more && again == within,
              "start %d of %d steps at %g a token goes on at %g", start, (int)steps, within, again);
    }
    steps_of("unequal", "spread", 2e7, false, &spread);
    steps_of("unequal", "mean", 2e7, true, &mean);
    CHECK(spread > mean, "%g a token in unequal examples, and %g in those of their mean", spread, mean);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watched),
        cmocka_unit_test(test_stopped_within_a_step),
        cmocka_unit_test(test_stopped_within_a_range),
        cmocka_unit_test(test_other_ends),
        cmocka_unit_test(test_warm_moments),
        cmocka_unit_test(test_attention_is_counted),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
