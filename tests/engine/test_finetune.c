/* Fine-tuning by library calls: watched, stopped and gone on with; what chooses the best can be had; changed labels and stray
 * trials are told. */
#include "engine/made.h"

#include "base/safetensors.h"
#include "engine/finetune/finetune.h"
#include "engine/finetune/trials.h"

#include <math.h>

typedef struct {
    int evaluations, steps;
    el_stop stop;
    int stop_after; /* steps; 0: never */
} witness;

static el_status on_event(void *context, const el_event *event)
{
    witness *const w = context;
    w->evaluations += event->kind == EL_EVENT_EVALUATION;
    w->steps += event->kind == EL_EVENT_STEP || event->kind == EL_EVENT_RECORD;
    if (w->steps == w->stop_after)
        w->stop = 1;
    return EL_OK;
}

/* What one run ends in; `more` is JSON that goes on after other settings. */
typedef struct {
    witness seen;
    char metric[32];
    json_t *results;
} outcome;

static el_status tune(const char *name, const char *more, outcome *o)
{
    el_finetune_settings settings = el_finetune_defaults();
    el_options options = {
        .command = "finetune", .table = EL_FINETUNE_TABLE, .count = EL_FINETUNE_LINES, .settings = &settings};
    char json[1024], output[256];
    el_finetuning f;
    snprintf(output, sizeof output, "%s", in_folder(name));
    snprintf(json, sizeof json,
             "{\"model\": \"%s\", \"output\": \"%s\", \"precision\": \"fp32\", \"threads\": 1, "
             "\"max_seq_length\": 16, "
             "\"train_batch_size\": 8, \"max_restarts\": 0, \"num_train_epochs\": 2, %s}",
             in_folder("run"), output, more);
    read_options(&options, json);
    const el_watch watch = {.on_event = on_event, .stop = &o->seen.stop, .context = &o->seen};
    el_status st = el_finetune_open(&f, &options, &watch);
    o->metric[0] = '\0';
    if (!st) {
        snprintf(o->metric, sizeof o->metric, "%s", f.metric);
        st = el_finetune_run(&f);
    }
    o->results = json_incref(f.results);
    el_finetune_close(&f);
    el_options_close(&options);
    return st;
}

static void write_lines(const char *name, const char *header, const char *(*label)(int), int count)
{
    char text[1 << 14];
    size_t used = (size_t)snprintf(text, sizeof text, "%s\n", header);
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "w%d w%d w%d\t%s\n", i % MADE_WORDS,
                                 (i * 7) % MADE_WORDS, (i * 3 + 1) % MADE_WORDS, label(i));
    CHECK_OK(el_file_write(in_folder(name), text, used));
}

static const char *parity(int i)
{
    return i % 2 ? "odd" : "even";
}
static const char *other_parity(int i)
{
    return i == 0 ? "odd" : parity(i);
}
static const char *always_one(int i)
{
    (void)i;
    return "1.5";
}
static const char *number(int i)
{
    return i % 3 ? "1.5" : "2.5";
}

static int prepare(void **state)
{
    el_pretrain_settings settings;
    el_options options;
    el_pretraining run;
    char shards[256], output[256];
    if (make_folder(state))
        return -1;
    snprintf(shards, sizeof shards, "%s", in_folder("shards"));
    snprintf(output, sizeof output, "%s", in_folder("run"));
    make_shards(shards);
    pretrain_options(&options, &settings, shards, output);
    CHECK_OK(el_pretrain_open(&run, &options, NULL));
    CHECK_OK(el_pretrain_run(&run));
    el_pretrain_close(&run);
    el_options_close(&options);
    return 0;
}

static const char *classify(void)
{
    static char json[512];
    snprintf(json, sizeof json, "\"task\": \"classify\", \"train_file\": \"%s\", \"num_trials\": 2",
             in_folder("classes.tsv"));
    return json;
}

static void test_watched_and_stopped(void **state)
{
    (void)state;
    outcome straight = {0}, stopped = {.seen.stop_after = 3}, again = {0};
    write_lines("classes.tsv", "text\tlabel", parity, 80);
    CHECK_OK(tune("straight", classify(), &straight));
    assert_int_equal(straight.seen.evaluations, 4);
    assert_string_equal(straight.metric, "accuracy");
    CHECK_FAILS(tune("stopped", classify(), &stopped), EL_ESTOPPED, "stopped after step 3");
    assert_null(stopped.results);
    CHECK_OK(tune("stopped", classify(), &again));
    assert_int_equal(again.seen.steps, straight.seen.steps - 3);
    CHECK(json_equal(straight.results, again.results), "the stopped run has other results");
    check_same(in_folder("straight/model/model.safetensors"), in_folder("stopped/model/model.safetensors"));
    json_decref(straight.results);
    json_decref(again.results);
}

/* Tokens are the same, but not what they are to be answered with; and a record of version 0.1.0 does not tell. */
static void test_changed_labels(void **state)
{
    (void)state;
    outcome o = {0};
    write_lines("classes.tsv", "text\tlabel", other_parity, 80);
    CHECK_FAILS(tune("straight", classify(), &o), EL_EUSAGE, "other examples than it began with");
    json_t *record;
    CHECK_OK(el_json_load(&record, in_folder("straight/run.json")));
    json_object_del(record, "targets_hash");
    CHECK_OK(el_json_save(record, in_folder("straight/run.json")));
    json_decref(record);
    CHECK_OK(tune("straight", classify(), &o));
    json_decref(o.results);
    write_lines("classes.tsv", "text\tlabel", parity, 80);
    CHECK_FAILS(tune("straight", classify(), &o), EL_EUSAGE, "other examples than it began with");
    char allowed[600];
    snprintf(allowed, sizeof allowed, "%s, \"allow_change\": true", classify());
    CHECK_OK(tune("straight", allowed, &o));
    json_decref(o.results);
    CHECK_OK(el_json_load(&record, in_folder("straight/run.json")));
    const json_t *const segments = json_object_get(record, "segments");
    const json_t *const last = json_array_get(segments, json_array_size(segments) - 1);
    const json_t *const changes = json_object_get(last, "changes");
    CHECK(json_array_size(json_object_get(changes, "targets_hash")) == 2, "other labels are no change");
    CHECK(!json_object_get(changes, "data_hash"), "the same tokens are a change");
    json_decref(record);
}

/* Trials that are left would begin with other weights than those that are done. */
static void test_changed_weights(void **state)
{
    (void)state;
    outcome o = {.seen.stop_after = 3};
    char weights[256], before[256];
    snprintf(weights, sizeof weights, "%s", in_folder("run/discriminator/model.safetensors"));
    snprintf(before, sizeof before, "%s", in_folder("before.safetensors"));
    CHECK_FAILS(tune("weights", classify(), &o), EL_ESTOPPED, "stopped after step 3");
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, weights));
    CHECK_OK(el_file_write(before, file.data, file.size));
    char *const other = malloc(file.size);
    memcpy(other, file.data, file.size);
    other[file.size - 1] ^= 1; /* of the last number */
    const size_t size = file.size;
    el_mapping_close(&file);
    CHECK_OK(el_file_write(weights, other, size));
    free(other);
    o = (outcome){0};
    CHECK_FAILS(tune("weights", classify(), &o), EL_EUSAGE, "other weights than it began with");
    CHECK(rename(before, weights) == 0, "the weights cannot be put back");
    CHECK_OK(tune("weights", classify(), &o));
    json_decref(o.results);
}

/* A folder of a trial that the record does not know, of another seed. */
static void test_stray_trial(void **state)
{
    (void)state;
    outcome o = {.seen.stop_after = 3};
    char more[600];
    CHECK_FAILS(tune("stray", classify(), &o), EL_ESTOPPED, "stopped after step 3");
    json_t *record;
    CHECK_OK(el_json_load(&record, in_folder("stray/run.json")));
    json_object_set_new(json_object_get(record, "settings"), "seed", json_integer(9));
    json_object_del(record, "data_hash"); /* other examples are held out by another seed */
    json_object_del(record, "targets_hash");
    CHECK_OK(el_json_save(record, in_folder("stray/run.json")));
    json_decref(record);
    o = (outcome){0};
    snprintf(more, sizeof more, "%s, \"seed\": 9", classify());
    CHECK_FAILS(tune("stray", more, &o), EL_EUSAGE, "trial-1: is a trial of seed 1, not of 9");
}

/* Tags that are of no entities have accuracies; scores that are all alike have no correlation with anything. */
static void test_metric(void **state)
{
    (void)state;
    outcome o = {0};
    char json[512], tags[4096] = "";
    for (int i = 0; i < 40; i++)
        sprintf(tags + strlen(tags), "w%d NN\nw%d VB\nw%d NN\n\n", i, (i + 1) % MADE_WORDS,
                (i + 2) % MADE_WORDS);
    CHECK_OK(el_file_write(in_folder("tags.conll"), tags, strlen(tags)));
    snprintf(json, sizeof json, "\"task\": \"tag\", \"train_file\": \"%s\"", in_folder("tags.conll"));
    CHECK_OK(tune("tags", json, &o));
    assert_string_equal(o.metric, "accuracy");
    json_decref(o.results);

    write_lines("scores.tsv", "text\tscore", number, 40);
    write_lines("alike.tsv", "text\tscore", always_one, 10);
    snprintf(json, sizeof json, "\"task\": \"regress\", \"train_file\": \"%s\", \"dev_file\": \"%s\"",
             in_folder("scores.tsv"), in_folder("alike.tsv"));
    CHECK_FAILS(tune("scores", json, &o), EL_EDATA, "alike.tsv: all dev scores are alike");
    CHECK(!el_folder_exists(in_folder("scores")), "something is left where nothing was done");
}

static void check_figure(const json_t *of, const char *name, double expected)
{
    const double is = el_json_figure(of, name);
    CHECK(fabs(is - expected) < 1e-9, "%s: %g, not %g", name, is, expected);
}

/* A mean is of the trials that have the metric, and says how many these are; the chosen one, of equals the first, is there if
 * nobody has it. */
static void test_summary(void **state)
{
    (void)state;
    static const char TRIALS[] =
        "{\"trials\": [{\"metrics\": {\"spearman\": 0.5, \"loss\": 2.0}}, {\"metrics\": {\"loss\": 1.0}}, "
        "{\"metrics\": {\"spearman\": 0.7, \"loss\": 3.0}}]}";
    json_t *object;
    CHECK_OK(el_json_parse(&object, TRIALS, strlen(TRIALS), "trials"));
    const json_t *const trials = json_object_get(object, "trials");
    json_t *summary = el_trials_summary(trials, el_trials_best(trials, "spearman"), "spearman");
    const json_t *const some = json_object_get(summary, "spearman"), *const all =
                                                                         json_object_get(summary, "loss");
    check_figure(some, "best", 0.7);
    check_figure(some, "mean", 0.6);
    check_figure(some, "median", 0.6);
    check_figure(some, "deviation", sqrt(0.02));
    check_figure(all, "median", 2);
    check_figure(all, "deviation", 1);
    assert_int_equal(json_integer_value(json_object_get(some, "trials")), 2);
    assert_int_equal(json_integer_value(json_object_get(all, "trials")), 3);
    json_decref(summary);
    summary = el_trials_summary(trials, 0, "pearson");
    const json_t *const none = json_object_get(summary, "pearson");
    assert_true(json_is_null(json_object_get(none, "mean")) && json_is_null(json_object_get(none, "best")));
    assert_int_equal(json_integer_value(json_object_get(none, "trials")), 0);
    json_decref(summary);
    json_decref(object);
    json_t *const equal = json_pack("[{s:{s:f}}, {s:{s:f}}]", "metrics", "f1", 0.5, "metrics", "f1", 0.5);
    assert_int_equal(el_trials_best(equal, "f1"), 0);
    json_decref(equal);
}

/* The run's discriminator, cut to one segment, in its place. */
static void forget_segment(void)
{
    char config[256], tensors[256];
    json_t *object;
    el_safetensors file;
    bool found = false;
    snprintf(config, sizeof config, "%s", in_folder("run/discriminator/config.json"));
    snprintf(tensors, sizeof tensors, "%s", in_folder("run/discriminator/model.safetensors"));
    CHECK_OK(el_json_load(&object, config));
    json_object_set_new(object, "type_vocab_size", json_integer(1));
    CHECK_OK(el_json_save(object, config));
    json_decref(object);
    CHECK_OK(el_safetensors_open(&file, tensors));
    for (int i = 0; i < file.count; i++)
        if (strstr(file.entries[i].name, "token_type_embeddings")) {
            file.entries[i].shape[0] = 1, file.entries[i].bytes /= 2;
            found = true;
        }
    CHECK(found, "no table of segments in %s", tensors);
    CHECK_OK(el_safetensors_write(tensors, file.entries, file.count, NULL, false));
    el_safetensors_close(&file);
}

/* A model that knows one segment learns from texts, and not from pairs, whose second row its table lacks. */
static void test_one_segment(void **state)
{
    (void)state;
    outcome o = {0};
    char json[512], pairs[4096] = "sentence1\tsentence2\tlabel\n";
    for (int i = 0; i < 40; i++)
        sprintf(pairs + strlen(pairs), "w%d\tw%d\t%s\n", i % MADE_WORDS, i * 7 % MADE_WORDS, parity(i));
    CHECK_OK(el_file_write(in_folder("pairs.tsv"), pairs, strlen(pairs)));
    forget_segment();
    CHECK_OK(tune("texts", classify(), &o));
    json_decref(o.results);
    snprintf(json, sizeof json,
             "\"task\": \"classify\", \"train_file\": \"%s\", \"text_column\": \"sentence1\", "
             "\"second_column\": \"sentence2\"",
             in_folder("pairs.tsv"));
    CHECK_FAILS(tune("pairs", json, &o), EL_EDATA, "one segment");
}

/* There are as many evaluations as were asked for where steps do not divide by them, and no more than steps. */
static void test_evaluations(void **state)
{
    (void)state;
    static const int COUNTS[][2] = {{1, 2},  {2, 4},  {4, 8},
                                    {7, 14}, {9, 18}, {20, 18}}; /* 9 steps an epoch, 2 epochs */
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++) {
        outcome o = {0};
        char more[512];
        snprintf(more, sizeof more,
                 "\"task\": \"classify\", \"train_file\": \"%s\", \"overwrite\": true, "
                 "\"evaluations_per_epoch\": %d",
                 in_folder("classes.tsv"), COUNTS[i][0]);
        CHECK_OK(tune("evaluations", more, &o));
        CHECK(o.seen.evaluations == COUNTS[i][1], "%d evaluations an epoch: %d, not %d", COUNTS[i][0],
              o.seen.evaluations, COUNTS[i][1]);
        json_decref(o.results);
    }
}

/* As a run is that was killed before its trial came into the record. */
static void forget_trials(const char *name)
{
    char path[256];
    json_t *record;
    snprintf(path, sizeof path, "%s/run.json", in_folder(name));
    CHECK_OK(el_json_load(&record, path));
    json_object_set_new(record, "trials", json_array());
    CHECK_OK(el_json_save(record, path));
    json_decref(record);
}

/* A trial that had ended, whose checkpoint is of the evaluation that ended it, ends there again. */
static void test_early_stopping(void **state)
{
    (void)state;
    outcome straight = {0}, again = {0};
    char more[700];
    snprintf(
        more, sizeof more,
        "\"task\": \"classify\", \"train_file\": \"%s\", \"early_stopping\": 1, \"learning_rate\": 1e-9, "
        "\"save_checkpoints_steps\": 1, \"evaluations_per_epoch\": 9",
        in_folder("classes.tsv"));
    CHECK_OK(tune("early", more, &straight));
    CHECK(straight.seen.steps == 2, "%d steps, not that of the best evaluation and one more",
          straight.seen.steps);
    forget_trials("early");
    CHECK_OK(tune("early", more, &again));
    assert_int_equal(again.seen.steps, 0);
    CHECK(json_equal(straight.results, again.results), "the trial went on");
    json_decref(straight.results);
    json_decref(again.results);
}

/* Answers that vary are no better than chance where each text has both labels; a trial that goes on knows that they did. */
static void test_varied(void **state)
{
    (void)state;
    outcome straight = {0}, again = {0};
    char more[700], both[4096] = "text\tlabel\n";
    for (int i = 0; i < 40; i++)
        sprintf(both + strlen(both), "w%d w%d\t%s\n", i / 2 % MADE_WORDS, i / 2 * 7 % MADE_WORDS, parity(i));
    CHECK_OK(el_file_write(in_folder("both.tsv"), both, strlen(both)));
    snprintf(
        more, sizeof more,
        "\"task\": \"classify\", \"train_file\": \"%s\", \"dev_file\": \"%s\", \"save_checkpoints_steps\": 1",
        in_folder("classes.tsv"), in_folder("both.tsv"));
    CHECK_OK(tune("varied", more, &straight));
    const json_t *const trial = json_array_get(json_object_get(straight.results, "trials"), 0);
    assert_true(json_is_false(json_object_get(trial, "all_alike")));
    assert_true(json_real_value(json_object_get(json_object_get(trial, "metrics"), "matthews")) == 0);
    forget_trials("varied");
    CHECK_OK(tune("varied", more, &again));
    assert_int_equal(again.seen.steps, 0);
    CHECK(json_equal(straight.results, again.results), "its answers are said to be alike");
    json_decref(straight.results);
    json_decref(again.results);
}

/* Rates are the paper's for the width; what was said stays. */
static void test_rates_of_widths(void **state)
{
    (void)state;
    static const struct {
        int width;
        double rate, layers;
    } CASES[] = {{256, 3e-4, 0.8}, {512, 3e-4, 0.8}, {513, 1e-4, 0.8}, {1023, 1e-4, 0.8}, {1024, 5e-5, 0.9}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (int said = 0; said < 2; said++) {
            el_finetune_settings s = el_finetune_defaults();
            el_options options = {.command = "finetune",
                                  .table = EL_FINETUNE_TABLE,
                                  .count = EL_FINETUNE_LINES,
                                  .settings = &s};
            el_config config = el_config_default();
            config.hidden_size = CASES[i].width;
            read_options(&options, said ? "{\"learning_rate\": 1e-3, \"layerwise_lr_decay\": 0.5}" : "{}");
            el_finetune_derive(&s, &options, el_task_find("rte"), &config);
            const double rate = said ? 1e-3 : CASES[i].rate, layers = said ? 0.5 : CASES[i].layers;
            CHECK(s.learning_rate == rate && s.layerwise_lr_decay == layers,
                  "a width of %d: rate %g, a factor of %g a layer, not %g and %g", CASES[i].width,
                  s.learning_rate, s.layerwise_lr_decay, rate, layers);
            el_options_close(&options);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watched_and_stopped),
        cmocka_unit_test(test_changed_labels),
        cmocka_unit_test(test_changed_weights),
        cmocka_unit_test(test_stray_trial),
        cmocka_unit_test(test_metric),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_rates_of_widths),
        cmocka_unit_test(test_evaluations),
        cmocka_unit_test(test_early_stopping),
        cmocka_unit_test(test_varied),
        cmocka_unit_test(test_one_segment),
    };
    return cmocka_run_group_tests(tests, prepare, remove_folder);
}
