/* Charts: equal compute stands at one place, ticks are read without a thought, and dashed lines differ. */
#include "folder.h"

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

/* Bars of two series at one point stand beside each other. */
static void test_bars(void **state)
{
    (void)state;
    static const char BAR[] = " d=\"M";
    const double x[] = {1}, y[] = {5}, spread[] = {1};
    const el_series series[] = {{.x = x, .y = y, .spread = spread, .count = 1},
                                {.x = x, .y = y, .spread = spread, .count = 1, .colour = 1}};
    draw(&(el_chart){.title = "t", .x_title = "x", .series = series, .count = 2, .logarithmic = true});
    const char *const one = strstr(drawn, BAR), *const other = one ? strstr(one + 1, BAR) : NULL;
    assert_non_null(other);
    const double a = strtod(one + sizeof BAR - 1, NULL), b = strtod(other + sizeof BAR - 1, NULL);
    CHECK(fabs(a - b) >= 4 && fabs((a + b) / 2 - dot(0)) < 1, "bars at %g and %g of a point at %g", a, b,
          dot(0));
    draw(&(el_chart){.title = "t", .x_title = "x", .series = series, .count = 1, .logarithmic = true});
    const char *const alone = strstr(drawn, BAR);
    assert_non_null(alone);
    CHECK(fabs(strtod(alone + sizeof BAR - 1, NULL) - dot(0)) < 0.1, "a bar alone stands beside its point");
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

enum { MOST_TICKS = 20 };

typedef struct {
    double x, y;
    char text[48];
} label;

/* The numbers along an axis: those whose text begins, or is in the middle, there. */
static int labels_of(label labels[MOST_TICKS], const char *anchor)
{
    int count = 0;
    for (const char *at = drawn; (at = strstr(at, "<text x=\"")); at++) {
        char where[16];
        label *const l = &labels[count];
        if (sscanf(at, "<text x=\"%lf\" y=\"%lf\" text-anchor=\"%15[a-z]\">%47[^<]", &l->x, &l->y, where,
                   l->text) == 4 &&
            strcmp(where, anchor) == 0 && strcmp(l->text, "x") != 0 && ++count == MOST_TICKS)
            break;
    }
    return count;
}

/* However small the range is beside its numbers, each tick is another number, none is cut off or lies over another. */
static void test_narrow_ranges(void **state)
{
    (void)state;
    static const double RANGES[][2] = {{0.29683, 0.29691},       {1e6, 1e6 + 500},   {-646123.25, -646123},
                                       {3e12, 3e12 + 1e6},       {1985, 2024},       {0, 1e-7},
                                       {12345678.5, 12345678.6}, {-9.9e20, -9.8e20}, {99990, 100010}};
    for (size_t r = 0; r < sizeof RANGES / sizeof *RANGES; r++) {
        const el_series series = {.x = RANGES[r], .y = RANGES[r], .count = 2};
        label labels[MOST_TICKS];
        draw(&(el_chart){.title = "t", .x_title = "x", .series = &series, .count = 1});
        for (int vertical = 0; vertical < 2; vertical++) {
            const int count = labels_of(labels, vertical ? "end" : "middle");
            CHECK(count >= 2, "range %zu: %d ticks in %s", r, count, drawn);
            for (int i = 0; i < count; i++) {
                const label *const one = &labels[i], *const next = &labels[i + 1];
                const double wide = EL_CHART_LETTER * (double)strlen(one->text);
                CHECK(i + 1 == count || strcmp(one->text, next->text) != 0, "range %zu: %s twice", r,
                      one->text);
                CHECK(!vertical || one->x - wide >= 0, "range %zu: %s begins at %g", r, one->text,
                      one->x - wide);
                CHECK(vertical || i + 1 == count || next->x - one->x > wide,
                      "range %zu: %s and %s are %g apart", r, one->text, next->text, next->x - one->x);
            }
        }
    }
}

/* Lines of one point are told apart as lines are. */
static void test_dots(void **state)
{
    (void)state;
    const double x[] = {1}, y[] = {1};
    const el_series series[] = {{.x = x, .y = y, .count = 1},
                                {.x = x, .y = y, .count = 1, .faint = true},
                                {.x = x, .y = y, .count = 1, .dashed = 1}};
    static char before[3][sizeof drawn];
    for (int i = 0; i < 3; i++) {
        draw(&(el_chart){.title = "t", .x_title = "x", .series = &series[i], .count = 1});
        strcpy(before[i], drawn);
        for (int k = 0; k < i; k++)
            CHECK(strcmp(before[i], before[k]) != 0, "series %d and %d look the same", k, i);
    }
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
        cmocka_unit_test(test_equal_compute), cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_narrow_ranges), cmocka_unit_test(test_dots),
        cmocka_unit_test(test_dashes),        cmocka_unit_test(test_bars),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
