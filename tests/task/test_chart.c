/* Charts: equal compute stands at one place, ticks are read without a thought, and dashed lines differ. */
#include "base/check.h"

#include <math.h>

#include "task/report/chart.h"

static char drawn[1 << 16];

/* `drawn` is this chart. */
static void draw(const el_chart *chart)
{
    const char *const path = in_folder("chart.svg");
    el_writer *page;
    el_mapping file;
    CHECK_OK(el_writer_open(&page, path));
    el_chart_put(page, chart, 0, 0, 460, 300);
    CHECK_OK(el_writer_finish(page));
    CHECK_OK(el_mapping_open(&file, path));
    CHECK(file.size < sizeof drawn, "a chart of %zu bytes", file.size);
    memcpy(drawn, file.data, file.size);
    drawn[file.size] = '\0';
    el_mapping_close(&file);
}

/* x of the n-th dot. */
static double dot(int number)
{
    static const char DOT[] = "<ellipse cx=\"";
    const char *at = drawn;
    for (int i = 0; i <= number; i++) {
        at = strstr(at, DOT);
        CHECK(at != NULL, "no dot %d in %s", number, drawn);
        at += sizeof DOT - 1;
    }
    return strtod(at, NULL);
}

static int ticks_below(void)
{
    int count = 0;
    for (const char *at = drawn; (at = strstr(at, "text-anchor=\"middle\"")); at++)
        count++;
    return count - 1; /* the axis' title */
}

static void test_equal_compute(void **state)
{
    (void)state;
    const double x[] = {9.9990e12, 1.00007e13}, y[] = {60, 70};
    const el_series series[] = {{.x = x, .y = y, .count = 1}, {.x = x + 1, .y = y + 1, .count = 1}};
    draw(&(el_chart){.title = "t", .x_title = "x", .series = series, .count = 2, .logarithmic = true});
    CHECK(fabs(dot(1) - dot(0)) < 1, "equal compute stands at %g and %g", dot(0), dot(1));
    CHECK(fabs(dot(0) - 251) < 1, "what is alone stands at %g, not in the middle", dot(0));
    CHECK(ticks_below() >= 3, "%d ticks in %s", ticks_below(), drawn);
    draw(&(el_chart){.title = "t", .x_title = "x", .series = series, .count = 1, .logarithmic = true});
    CHECK(strstr(drawn, ">5e12<") != NULL, "one point spans more than a factor of 10: %s", drawn);
}

static void test_ticks(void **state)
{
    (void)state;
    const double x[] = {4e9, 2e11}, y[] = {0.5, 1};
    const el_series series = {.x = x, .y = y, .count = 2};
    draw(&(el_chart){.title = "t", .x_title = "x", .series = &series, .count = 1, .logarithmic = true});
    static const char *const TEXTS[] = {">5e9<", ">1e10<", ">2e10<", ">1e11<"};
    for (int i = 0; i < 4; i++)
        CHECK(strstr(drawn, TEXTS[i]) != NULL, "no tick %s in %s", TEXTS[i], drawn);
}

static void test_dashes(void **state)
{
    (void)state;
    const double x[] = {1, 2}, y[] = {1, 2};
    const el_series series[] = {{.x = x, .y = y, .count = 2},
                                {.x = x, .y = y, .count = 2, .dashed = 1},
                                {.x = x, .y = y, .count = 2, .dashed = 2, .faint = true}};
    draw(&(el_chart){.title = "t", .x_title = "x", .series = series, .count = 3});
    char text[96];
    for (int i = 1; i < 3; i++) {
        snprintf(text, sizeof text, "stroke-dasharray=\"%s\"", el_chart_dashes(i));
        CHECK(strstr(drawn, text) != NULL, "no %s in %s", text, drawn);
    }
    assert_string_not_equal(el_chart_dashes(1), el_chart_dashes(2));
    assert_string_equal(el_chart_dashes(0), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_compute),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_dashes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
