/* Lines of metrics: one that a full disk tears is gone again, so that what follows is read. */
#include "base/check.h"

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
    CHECK_OK(el_metrics_open(&metrics, path, 0));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torn),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
