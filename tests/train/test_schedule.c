/* The learning rate of each step, against values worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "train/schedule.h"

static void check(const el_schedule *s, int64_t step, double expected)
{
    const double rate = el_schedule_rate(s, step);
    if (!(fabs(rate - expected) <= 1e-15))
        fail_msg("step %lld: rate %.17g, by hand %.17g", (long long)step, rate, expected);
}

/* Warm-up and decay are multiplied, from a first rate of 0; the figure at step 10000 of 1M is the original's.
 */
static void warm_up_times_decay(void **state)
{
    (void)state;
    const el_schedule small = {.peak = 5e-4, .power = 1, .warmup = 10000, .steps = 1000000};
    check(&small, 0, 0);
    check(&small, 5000, 5e-4 * 0.995 * 0.5);
    check(&small, 10000, 4.95e-4);
    check(&small, 500000, 2.5e-4);
    check(&small, 999999, 5e-4 * 1e-6);
}

/* Power 0 keeps the rate, power 2 squares what is left. */
static void powers(void **state)
{
    (void)state;
    const el_schedule flat = {.peak = 1, .power = 0, .warmup = 2, .steps = 10};
    check(&flat, 1, 0.5);
    check(&flat, 9, 1);
    const el_schedule square = {.peak = 1, .power = 2, .warmup = 0, .steps = 10};
    check(&square, 5, 0.25);
}

/* Each of two courses has its warm-up and its decay to 0. */
static void restarts(void **state)
{
    (void)state;
    const el_schedule two = {.peak = 1, .power = 1, .warmup = 2, .steps = 20, .restart = 10};
    check(&two, 1, 0.9 * 0.5);
    check(&two, 5, 0.5);
    check(&two, 9, 0.1);
    check(&two, 10, 0);
    check(&two, 11, 0.9 * 0.5);
    check(&two, 15, 0.5);
    check(&two, 25, 0.1);
}

/* No warm-up is no division by zero: the first rate is the peak. */
static void without_warm_up(void **state)
{
    (void)state;
    const el_schedule s = {.peak = 3, .power = 1, .warmup = 0, .steps = 4};
    check(&s, 0, 3);
    check(&s, 3, 0.75);
}

/* Steps after the last keep its rate. */
static void past_the_end(void **state)
{
    (void)state;
    const el_schedule s = {.peak = 3, .power = 1, .warmup = 0, .steps = 4};
    check(&s, 4, 0.75);
    check(&s, 1000, 0.75);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(warm_up_times_decay), cmocka_unit_test(powers),
                                       cmocka_unit_test(restarts), cmocka_unit_test(without_warm_up),
                                       cmocka_unit_test(past_the_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
