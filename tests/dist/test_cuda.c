/* The sum of gradients between GPUs: at any number of ranks the bits of the tree; and what comes of an NCCL that is missing or
 * fails.  Ranks are threads.
 *
 *     test_cuda           on GPUs that are the processor (ops/cuda_host), with a NCCL that is plain copies
 *     test_cuda --real    on those of this machine: 77 where it has one; prints how long a sum takes
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "dist/gpus.h"
#include "ops/cuda.h"
#include "threads.h"

enum { COLS = EL_ALIGNMENT / sizeof(float), ROWS = 301, MANY = (57 << 20) / EL_ALIGNMENT };

/* Numbers of very different sizes, so that any other order of sums shows. */
static float number(int rank, size_t i)
{
    uint64_t x = ((uint64_t)(rank + 1) << 40) ^ i;
    x *= 0xff51afd7ed558ccdu;
    x = (x ^ x >> 29) * 0xc4ceb9fe1a85ec53u;
    return (float)(int32_t)(x >> 32) * 0x1p-31f / (float)(1 << (x >> 20 & 15));
}

typedef struct {
    int rows;
    const char *wanted; /* of el_dist_gpus_sum: its sentence; NULL: a sum */
    bool one_gpu;
    bool opened[TEST_RANKS], failed[TEST_RANKS];
    size_t wrong[TEST_RANKS];
    double seconds[TEST_RANKS];
} sums;

static void fill(const el_dist *d, float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = number(d->rank, i);
}

static void sum_and_compare(el_dist *d, sums *s, el_dist_gpus *gpus, el_queue *q)
{
    const size_t count = (size_t)s->rows * COLS, bytes = count * sizeof(float);
    float *const values = malloc(bytes), *const wanted = malloc(bytes),
                 *const room = malloc(el_dist_room(d) * sizeof *room);
    const el_tensor region = el_tensor_make(q->dev->alloc(q->dev, bytes), EL_F32, s->rows, COLS);
    fill(d, values, count);
    q->send(q, region.data, values, bytes);
    assert_int_equal(q->wait(q), EL_OK);
    s->failed[d->rank] = el_dist_gpus_sum(gpus, region) != EL_OK;
    if (s->failed[d->rank]) {
        assert_non_null(s->wanted);
        assert_string_equal(el_error(), s->wanted);
    } else {
        fill(d, wanted, count);
        el_dist_sum(d, wanted, count, room);
        q->fetch(q, values, region.data, bytes);
        assert_int_equal(q->wait(q), EL_OK);
        for (size_t i = 0; i < count; i++)
            s->wrong[d->rank] += memcmp(&values[i], &wanted[i], sizeof *wanted) != 0;
        const double began = el_now();
        assert_int_equal(el_dist_gpus_sum(gpus, region), EL_OK);
        s->seconds[d->rank] = el_now() - began;
    }
    q->dev->release(q->dev, region.data);
    free(values);
    free(wanted);
    free(room);
}

static void rank_main(el_dist *d, void *context)
{
    sums *const s = context;
    el_device *dev;
    el_queue *q;
    assert_int_equal(el_device_cuda(&dev, s->one_gpu ? 0 : d->rank), EL_OK);
    assert_int_equal(dev->open_queue(dev, &q, 1), EL_OK);
    el_dist_gpus *const gpus = el_dist_gpus_open(d, dev, s->rows);
    s->opened[d->rank] = gpus != NULL;
    if (gpus)
        sum_and_compare(d, s, gpus, q);
    el_dist_gpus_close(gpus);
    q->close(q);
    dev->close(dev);
}

static void check_sums(int ranks, int rows)
{
    sums s = {.rows = rows};
    test_ranks(ranks, rank_main, &s);
    for (int r = 0; r < ranks; r++) {
        assert_true(s.opened[r]);
        if (s.wrong[r])
            fail_msg("%d ranks: rank %d has %zu of %d rows' numbers wrong", ranks, r, s.wrong[r], rows);
    }
    print_message("%d ranks, %.1f MB: %.2f ms\n", ranks, 1e-6 * rows * EL_ALIGNMENT, 1e3 * s.seconds[0]);
}

static void any_number_of_ranks_has_the_bits_of_the_tree(void **state)
{
    (void)state;
    const int most = el_cuda_count();
    for (int ranks = 2; ranks <= TEST_RANKS && ranks <= most; ranks *= 2)
        check_sums(ranks, ROWS);
}

static void fewer_rows_than_ranks_are_summed_too(void **state)
{
    (void)state;
    for (int rows = 1; rows < 4; rows++)
        check_sums(el_cuda_count() < 4 ? 2 : 4, rows);
}

static void a_region_of_several_chunks_is_summed(void **state)
{
    (void)state;
    check_sums(2, MANY);
}

/* ---- where it cannot be, and where it fails */

static char line[1024];

static void keep_line(el_log_level level, const char *text)
{
    (void)level;
    snprintf(line, sizeof line, "%s", text);
}

static void check_refused(sums *s, const char *wanted)
{
    *line = '\0';
    el_log_to(keep_line);
    test_ranks(2, rank_main, s);
    el_log_to(NULL);
    assert_false(s->opened[0] || s->opened[1]);
    assert_string_equal(line, wanted);
}

static void without_it_sums_go_by_the_host(void **state)
{
    static const char *const CASES[][2] = {
        {"missing", "NVIDIA's libnccl.so.2 is not found"},
        {"ncclGetVersion", "cuda: ncclGetVersion: it was made to fail"},
        {"ncclGetUniqueId", "rank 0 on here: cuda: ncclGetUniqueId: it was made to fail"},
        {"ncclCommInitRank", "cuda: ncclCommInitRank: it was made to fail"}};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        sums s = {.rows = ROWS};
        char wanted[256];
        setenv("EL_HOST_NCCL", CASES[i][0], 1);
        snprintf(wanted, sizeof wanted, "gradients go by way of the host, not by NCCL: %s", CASES[i][1]);
        check_refused(&s, wanted);
        unsetenv("EL_HOST_NCCL");
    }
    check_refused(&(sums){.rows = ROWS, .one_gpu = true},
                  "gradients go by way of the host, not by NCCL: ranks 0 and 1 share a GPU");
}

static void every_failure_is_a_sentence(void **state)
{
    static const char *const CALLS[] = {"ncclGroupStart",       "ncclSend",      "ncclRecv",
                                        "ncclGroupEnd",         "ncclAllGather", "later",
                                        "ncclCommGetAsyncError"};
    (void)state;
    for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
        char wanted[256];
        const bool later = strcmp(CALLS[i], "later") == 0;
        snprintf(wanted, sizeof wanted, "cuda: %s: it was made to fail",
                 later ? "an exchange by NCCL" : CALLS[i]);
        sums s = {.rows = ROWS, .wanted = wanted};
        setenv("EL_HOST_NCCL", CALLS[i], 1);
        test_ranks(2, rank_main, &s);
        unsetenv("EL_HOST_NCCL");
        assert_true(s.opened[0] && s.failed[0] && s.failed[1]);
    }
}

static void one_ranks_failure_is_everyones(void **state)
{
    (void)state;
    sums s = {.rows = ROWS, .wanted = "rank 1 on here: cuda: an exchange by NCCL: it was made to fail"};
    setenv("EL_HOST_NCCL", "later:1", 1);
    test_ranks(2, rank_main, &s);
    unsetenv("EL_HOST_NCCL");
    assert_true(s.failed[0] && s.failed[1]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest real[] = {
        cmocka_unit_test(any_number_of_ranks_has_the_bits_of_the_tree),
        cmocka_unit_test(fewer_rows_than_ranks_are_summed_too),
        cmocka_unit_test(a_region_of_several_chunks_is_summed),
    };
    const struct CMUnitTest failing[] = {
        cmocka_unit_test(without_it_sums_go_by_the_host),
        cmocka_unit_test(every_failure_is_a_sentence),
        cmocka_unit_test(one_ranks_failure_is_everyones),
    };
    if (argc > 1 && strcmp(argv[1], "--real") == 0)
        return el_cuda_count() < 2 ? 77 : cmocka_run_group_tests(real, NULL, NULL);
    setenv("EL_HOST_GPUS", "8", 1);
    const int code = cmocka_run_group_tests(real, NULL, NULL);
    return code ? code : cmocka_run_group_tests(failing, NULL, NULL);
}
