/* random - the published vectors of Philox, and distributions and permutations made from it */
#include "folder.h"

#include <math.h>

#include "base/random.h"

/* Random123's kat_vectors for philox4x32-10: our counter is (index, step, stream), our key the seed. */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint64_t index;
        uint32_t step, stream;
        uint64_t seed;
        uint32_t words[4];
    } known[] = {
        {0, 0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x85a308d3243f6a88,
         0x13198a2e,
         0x03707344,
         0x299f31d0a4093822,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t words[4];
        el_random_words((el_random){known[i].seed, known[i].stream, known[i].step}, known[i].index, words);
        for (int w = 0; w < 4; w++)
            CHECK(words[w] == known[i].words[w], "vector %zu, word %d: %08x, published %08x", i, w, words[w],
                  known[i].words[w]);
    }
}

/* The same place gives the same number; another seed, stream, step or index another. */
static void test_place(void **state)
{
    (void)state;
    const el_random here = {7, 3, 11};
    const double value = el_random_uniform(here, 5);
    assert_true(value == el_random_uniform(here, 5));
    assert_true(value != el_random_uniform(here, 6));
    assert_true(value != el_random_uniform((el_random){8, 3, 11}, 5));
    assert_true(value != el_random_uniform((el_random){7, 4, 11}, 5));
    assert_true(value != el_random_uniform((el_random){7, 3, 12}, 5));
}

/* Mean, variance and range of 100 000 draws are those of the distribution, within five standard errors. */
static void test_moments(void **state)
{
    (void)state;
    enum { DRAWS = 100000 };
    /* Variance of a normal cut at two deviations: 1 - 2 c phi(c) / (2 Phi(c) - 1) with c = 2. */
    static const double mean[3] = {0.5, 0, 0}, variance[3] = {1.0 / 12, 1, 0.7737413};
    static const double fourth[3] = {1.0 / 80, 3, 1.4161}; /* for the standard error of the variance */
    static const char *const names[3] = {"uniform", "normal", "truncated normal"};
    double (*const draw[3])(el_random, uint64_t) = {el_random_uniform, el_random_normal,
                                                    el_random_truncated_normal};
    for (int d = 0; d < 3; d++) {
        double sum = 0, squares = 0, largest = 0;
        for (uint64_t i = 0; i < DRAWS; i++) {
            const double x = draw[d]((el_random){1, 2, 3}, i);
            sum += x, squares += (x - mean[d]) * (x - mean[d]);
            largest = fmax(largest, fabs(x));
        }
        const double error = 5 * sqrt(variance[d] / DRAWS);
        const double variance_error = 5 * sqrt((fourth[d] - variance[d] * variance[d]) / DRAWS);
        CHECK(fabs(sum / DRAWS - mean[d]) < error, "%s: mean %g, not %g", names[d], sum / DRAWS, mean[d]);
        CHECK(fabs(squares / DRAWS - variance[d]) < variance_error, "%s: variance %g, not %g", names[d],
              squares / DRAWS, variance[d]);
        CHECK(d != 0 || largest < 1, "uniform reaches %g", largest);
        CHECK(d != 2 || largest <= 2, "truncated normal reaches %g", largest);
        CHECK(d != 1 || largest > 3.5, "normal only reaches %g", largest);
    }
}

/* Below `bound` every number comes up, as often as it should. */
static void test_below(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1, 2, 3, 7, 10, 1000};
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        const uint64_t bound = bounds[b], draws = bound * 400;
        int seen[1000] = {0};
        for (uint64_t i = 0; i < draws; i++) {
            const uint64_t x = el_random_below((el_random){9, 0, 0}, i, bound);
            CHECK(x < bound, "%llu is not below %llu", (unsigned long long)x, (unsigned long long)bound);
            seen[x]++;
        }
        for (uint64_t x = 0; x < bound; x++)
            CHECK(abs(seen[x] - 400) < 120, "%llu of %llu came up %d times, not about 400",
                  (unsigned long long)x, (unsigned long long)bound, seen[x]);
    }
    int upper = 0; /* of a bound that 64 bits barely hold */
    for (uint64_t i = 0; i < 1000; i++)
        upper += el_random_below((el_random){9, 1, 0}, i, UINT64_MAX) >> 63;
    CHECK(abs(upper - 500) < 80, "%d of 1000 are in the upper half", upper);
}

static void check_bijection(uint64_t count, uint32_t step)
{
    unsigned char *seen = calloc(count, 1);
    assert_non_null(seen);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t x = el_random_permute((el_random){4, 2, step}, i, count);
        CHECK(x < count && !seen[x], "of %llu: %llu goes to %llu, which is taken or outside",
              (unsigned long long)count, (unsigned long long)i, (unsigned long long)x);
        seen[x] = 1;
    }
    free(seen);
}

/* A permutation reaches every index once, for every count. */
static void test_permute_is_a_bijection(void **state)
{
    (void)state;
    for (uint64_t count = 1; count <= 300; count++)
        check_bijection(count, (uint32_t)count);
    static const uint64_t larger[] = {1023, 1024, 1025, 4095, 4096, 4097, 9999, 16384, 16385, 50000};
    for (size_t i = 0; i < sizeof larger / sizeof *larger; i++)
        check_bijection(larger[i], 1);
    const uint64_t large[] = {UINT64_MAX, (uint64_t)1 << 62, ((uint64_t)1 << 62) + 1};
    for (int i = 0; i < 3; i++)
        assert_true(el_random_permute((el_random){1, 1, 1}, 12345, large[i]) < large[i]);
}

/* Over many steps each of few items comes first equally often, and all orders of three come up. */
static void test_permute_is_fair(void **state)
{
    (void)state;
    enum { COUNT = 5, STEPS = 5000 };
    int first[COUNT] = {0}, orders[27] = {0};
    for (uint32_t step = 0; step < STEPS; step++) {
        first[el_random_permute((el_random){1, 1, step}, 0, COUNT)]++;
        int order = 0;
        for (uint64_t i = 0; i < 3; i++)
            order = order * 3 + (int)el_random_permute((el_random){1, 2, step}, i, 3);
        orders[order]++;
    }
    for (int i = 0; i < COUNT; i++)
        CHECK(abs(first[i] - STEPS / COUNT) < 150, "%d is first %d times of %d", i, first[i], STEPS);
    int distinct = 0;
    for (int i = 0; i < 27; i++) {
        distinct += orders[i] > 0;
        CHECK(orders[i] == 0 || abs(orders[i] - STEPS / 6) < 150, "order %d came up %d times of %d", i,
              orders[i], STEPS);
    }
    CHECK(distinct == 6, "%d orders of three items, not 6", distinct);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_permute_is_a_bijection),
        cmocka_unit_test(test_permute_is_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
