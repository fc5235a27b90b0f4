/* Lines of metrics: one that a full disk tears is gone again, so that what follows is read; what stands behind those that a
 * checkpoint knows of is not looked at; a folder's runs are found; and what is a figure. */
#include "folder.h"

#include <signal.h>
#include <sys/resource.h>

#include "train/metrics.h"

/* No file grows beyond so many bytes; 0: any may. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_torn(void **state)
{
    (void)state;
    const char *const path = in_folder("metrics.jsonl");
    json_t *const line = json_pack("{s:s, s:i}", "kind", "train", "step", 12), *lines;
    el_metrics metrics;
    CHECK_OK(el_metrics_open(&metrics, path, -1, &(int64_t){0}));
    CHECK_OK(el_metrics_put(&metrics, line));
    limit_files(40);
    CHECK_FAILS(el_metrics_put(&metrics, line), EL_EFAILED, "metrics.jsonl");
    limit_files(0);
    CHECK_OK(el_metrics_put(&metrics, line));
    el_metrics_close(&metrics);
    CHECK_OK(el_metrics_load(&lines, path));
    CHECK(json_array_size(lines) == 2, "%zu lines, not 2", json_array_size(lines));
    json_decref(lines);
    json_decref(line);
}

static void write_text(const char *name, const char *text)
{
    CHECK_OK(el_file_write(in_folder(name), text, strlen(text)));
}

static void test_first(void **state)
{
    (void)state;
    json_t *lines;
    write_text("good.jsonl", "{}\n");
    write_text("torn.jsonl", "{\"kind\": \"evaluation\"}\n{\"kind\": \"train\"}\n\t?\n{\"kind\": \"tr");
    CHECK_FAILS(el_metrics_load(&lines, in_folder("torn.jsonl")), EL_EDATA, "torn.jsonl, line 3");
    CHECK_OK(el_metrics_load_first(&lines, in_folder("torn.jsonl"), 2));
    CHECK(json_array_size(lines) == 2, "%zu lines, not 2", json_array_size(lines));
    CHECK(el_metrics_is(json_array_get(lines, 0), EL_METRICS_EVALUATION), "the first is no evaluation");
    CHECK(!el_metrics_is(json_array_get(lines, 1), EL_METRICS_EVALUATION), "the second is an evaluation");
    json_decref(lines);
    write_text("torn.jsonl", "{\"kind\": \"evaluation\"}\n?\n{\"kind\": \"train\"}\n!\n");
    CHECK_FAILS(el_metrics_load_good(&lines, in_folder("torn.jsonl")), EL_EDATA, "torn.jsonl, line 2");
    CHECK(json_array_size(lines) == 2, "%zu good lines, not 2", json_array_size(lines));
    CHECK(el_metrics_is(json_array_get(lines, 1), EL_METRICS_TRAINING),
          "what is behind a damaged line is lost");
    json_decref(lines);
    CHECK_OK(el_metrics_load_good(&lines, in_folder("good.jsonl")));
    json_decref(lines);
}

#define LINE_OF(step) "{\"kind\": \"train\", \"step\": " #step ", \"loss\": 0.5}\n"

/* Opens lost.jsonl for what comes after this step, with as many lines as there are up to `most`: how many are left. */
static int lines_kept(int64_t step, int64_t most)
{
    el_metrics metrics;
    CHECK_OK(el_metrics_open(&metrics, in_folder("lost.jsonl"), step, &most));
    el_metrics_close(&metrics);
    return (int)most;
}

/* How many of the lines that are asked for are there is told; of what stands behind a gap no later step stays. */
static void test_lost(void **state)
{
    (void)state;
    json_t *lines;
    write_text("lost.jsonl", LINE_OF(1) "?\n" LINE_OF(3) LINE_OF(4) LINE_OF(3) "{\"ki");
    assert_int_equal(lines_kept(-1, 9), 5);
    assert_int_equal(lines_kept(4, 9), 5);
    assert_int_equal(lines_kept(3, 9), 3);
    assert_int_equal(lines_kept(3, 1), 1);
    CHECK_OK(el_metrics_load(&lines, in_folder("lost.jsonl")));
    CHECK(json_array_size(lines) == 1, "1 line is told, and %zu are there", json_array_size(lines));
    json_decref(lines);
}

/* Bytes that TensorBoard is given of these lines. */
static size_t mirrored(const char *text)
{
    el_metrics metrics;
    el_mapping events;
    write_text("mirrored.jsonl", text);
    CHECK_OK(el_metrics_open(&metrics, in_folder("mirrored.jsonl"), -1, &(int64_t){9}));
    CHECK_OK(el_metrics_mirror(&metrics, in_folder("")));
    el_metrics_close(&metrics);
    CHECK_OK(el_mapping_open(&events, in_folder("events.out.tfevents.electra")));
    const size_t bytes = events.size;
    el_mapping_close(&events);
    return bytes;
}

/* A damaged line is left out of what TensorBoard reads, and those around it are there. */
static void test_mirrored(void **state)
{
    (void)state;
    const size_t damaged = mirrored(LINE_OF(1) "?\n" LINE_OF(3)), whole = mirrored(LINE_OF(1) LINE_OF(3));
    CHECK(damaged == whole && whole > mirrored(LINE_OF(1)), "%zu bytes, and %zu without the damaged line",
          damaged, whole);
}

static void test_figures(void **state)
{
    (void)state;
    static const char *const NONE[] = {"step",        "tokens",  "flops",
                                       "flops_paper", "seconds", "tokens_per_second"};
    json_t *const number = json_real(1), *const text = json_string("train");
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
        CHECK(!el_metrics_is_figure(NONE[i], number), "%s is a figure", NONE[i]);
    CHECK(el_metrics_is_figure("loss", number), "a loss is no figure");
    CHECK(!el_metrics_is_figure("kind", text), "a word is a figure");
    json_decref(number);
    json_decref(text);
}

/* Adds "name " to a text; two names are enough. */
static el_status name_run(void *context, const char *run, const char *trial, const char *path)
{
    char *const said = context;
    CHECK(strncmp(path, run, strlen(run)) == 0 && el_file_exists(path), "%s is not in %s", path, run);
    snprintf(said + strlen(said), 64 - strlen(said), "%s ", trial ? trial : "itself");
    return strlen(said) > 15 ? el_fail(EL_EFAILED, "enough") : EL_OK;
}

static void test_runs(void **state)
{
    (void)state;
    char said[64] = "";
    static const char *const FOLDERS[] = {"tuned/trial-1", "tuned/trial-2", "tuned/trial-3-empty",
                                          "tuned/model"};
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        CHECK_OK(el_folder_make(in_folder(FOLDERS[i])));
    write_text("tuned/trial-1/metrics.jsonl", "");
    write_text("tuned/model/metrics.jsonl", "");
    CHECK_OK(el_metrics_each_run(in_folder("tuned"), name_run, said));
    CHECK(strcmp(said, "trial-1 ") == 0, "runs of a fine-tuning: %s", said);
    write_text("tuned/trial-2/metrics.jsonl", "");
    said[0] = '\0';
    CHECK_FAILS(el_metrics_each_run(in_folder("tuned"), name_run, said), EL_EFAILED, "enough");
    write_text("tuned/metrics.jsonl", "");
    said[0] = '\0';
    CHECK_OK(el_metrics_each_run(in_folder("tuned"), name_run, said));
    CHECK(strcmp(said, "itself ") == 0, "of a run: %s", said);
    CHECK(el_metrics_each_run(in_folder("none"), name_run, said) != EL_OK,
          "a folder that is not there has runs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torn),     cmocka_unit_test(test_first),   cmocka_unit_test(test_lost),
        cmocka_unit_test(test_mirrored), cmocka_unit_test(test_figures), cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
