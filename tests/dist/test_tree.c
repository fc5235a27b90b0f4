/* The sum of all ranks' gradients, with threads for ranks: the same bits as one process's tree, at any number of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "threads.h"

enum { LEAVES = 16, NUMBERS = 3 * (1 << 19) + 7 };

/* Numbers of very different sizes, so that any other order of sums shows. */
static float leaf(int number, size_t i)
{
    uint64_t x = ((uint64_t)number << 40) ^ i;
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return (float)(int32_t)(x >> 32) * 0x1p-31f / (float)(1 << (x & 15));
}

/* Leaves [first, first + count) along their subtree. */
static float subtree(int first, int count, size_t i)
{
    return count == 1 ? leaf(first, i)
                      : subtree(first, count / 2, i) + subtree(first + count / 2, count / 2, i);
}

typedef struct {
    const float *wanted;
    size_t count;
    size_t wrong[TEST_RANKS];
} sums;

static void sum_leaves(el_dist *d, void *context)
{
    sums *const s = context;
    const int mine = LEAVES / d->size;
    float *const region = malloc(s->count * sizeof *region), *const room =
                                                                 malloc(el_dist_room(d) * sizeof *room);
    for (size_t i = 0; i < s->count; i++)
        region[i] = subtree(d->rank * mine, mine, i);
    el_dist_sum(d, region, s->count, room);
    for (size_t i = 0; i < s->count; i++)
        s->wrong[d->rank] += memcmp(&region[i], &s->wanted[i], sizeof *region) != 0;
    free(region);
    free(room);
}

static void check_sum(size_t count)
{
    float *const wanted = malloc((count + 1) * sizeof *wanted);
    for (size_t i = 0; i < count; i++)
        wanted[i] = subtree(0, LEAVES, i);
    for (int ranks = 1; ranks <= TEST_RANKS; ranks *= 2) {
        sums s = {.wanted = wanted, .count = count};
        test_ranks(ranks, sum_leaves, &s);
        for (int r = 0; r < ranks; r++)
            if (s.wrong[r])
                fail_msg("%d ranks: rank %d has %zu of %zu numbers wrong", ranks, r, s.wrong[r], count);
    }
    free(wanted);
}

static void any_number_of_ranks_has_the_bits_of_one(void **state)
{
    (void)state;
    check_sum(NUMBERS);
}

static void fewer_numbers_than_ranks_are_summed_too(void **state)
{
    (void)state;
    for (size_t count = 0; count < 10; count++)
        check_sum(count);
}

/* Every rank's status in turn is the one that counts. */
static void agree(el_dist *d, void *context)
{
    el_status *const found = context;
    el_status mine = d->rank == 1 ? el_fail(EL_ESTOPPED, "stopped") : EL_OK;
    found[d->rank] = el_dist_agree(d, mine);
    mine = d->rank == 2   ? el_fail(EL_EDATA, "a shard is missing")
           : d->rank == 1 ? el_fail(EL_ESTOPPED, "stopped")
                          : EL_OK;
    const el_status st = el_dist_agree(d, mine);
    assert_int_equal(st, EL_EDATA);
    assert_string_equal(el_error(), "rank 2 on here: a shard is missing");
    assert_int_equal(el_dist_agree(d, EL_OK), EL_EDATA);
}

static void one_failure_is_everyones(void **state)
{
    (void)state;
    el_status found[4] = {0};
    test_ranks(4, agree, found);
    for (int i = 0; i < 4; i++)
        assert_int_equal(found[i], EL_ESTOPPED);
}

static void compare(el_dist *d, void *context)
{
    (void)context;
    assert_int_equal(el_dist_same(d, "seed", "7"), EL_OK);
    assert_int_equal(el_dist_same(d, "data_hash", d->rank == 1 ? "b" : "a"), EL_EUSAGE);
    assert_string_equal(el_error(), "rank 1 on here: data_hash: is b here, but a on rank 0");
}

static void another_shard_is_named(void **state)
{
    (void)state;
    test_ranks(2, compare, NULL);
}

static void gather(el_dist *d, void *context)
{
    (void)context;
    size_t counts[TEST_RANKS];
    void *all;
    static const char TEXT[] = "abcdefgh";
    assert_int_equal(el_dist_gather(d, TEXT + d->rank, (size_t)d->rank, &all, counts), EL_OK);
    assert_memory_equal(all, "bcddef", 1 + 2 + 3);
    assert_int_equal(counts[3], 3);
    free(all);
}

static void lengths_may_differ(void **state)
{
    (void)state;
    test_ranks(4, gather, NULL);
}

/* What an agreement is made of, where nobody may be limited in waiting for it. */
static void gather_without_limit(el_dist *d, const void *mine, size_t bytes, void *all)
{
    if (d->most != 0)
        fail_msg("rank %d waits %g s at most", d->rank, (double)d->most);
    test_gather(d, mine, bytes, all);
}

static void await_rank_0(el_dist *d, void *context)
{
    el_status *const ends = context;
    d->most = 5;
    d->gather = gather_without_limit;
    ends[d->rank] = el_dist_await(d, d->rank == 0 ? el_fail(EL_EDATA, "alone") : EL_OK);
    assert_true(d->most == 5);
}

static void who_works_alone_is_awaited_without_a_limit(void **state)
{
    (void)state;
    el_status ends[3] = {EL_OK};
    test_ranks(3, await_rank_0, ends);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ends[i], EL_EDATA);
    assert_int_equal(el_dist_await(NULL, EL_ESTOPPED), EL_ESTOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_ranks_has_the_bits_of_one),
        cmocka_unit_test(fewer_numbers_than_ranks_are_summed_too),
        cmocka_unit_test(one_failure_is_everyones),
        cmocka_unit_test(another_shard_is_named),
        cmocka_unit_test(lengths_may_differ),
        cmocka_unit_test(who_works_alone_is_awaited_without_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
