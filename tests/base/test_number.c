/* number - a text is one number or none, whatever the locale */
#include "folder.h"

#include <math.h>

#include "base/json.h"
#include "base/number.h"
#include "comma.h"

static void test_whole(void **state)
{
    (void)state;
    static const char *const NONE[] = {"",   "-",   "+",  "+-5", "--5", "32-64", "1-2",
                                       "5-", "1e6", " 5", "5 ",  "0x5", "5.",    "9223372036854775808"};
    int64_t value;
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
        CHECK(!el_number_whole(NONE[i], &value), "\"%s\" was read as %lld", NONE[i], (long long)value);
    assert_true(el_number_whole("-9223372036854775808", &value) && value == INT64_MIN);
    assert_true(el_number_whole("+5", &value) && value == 5);
    assert_true(el_number_whole("007", &value) && value == 7);
}

static void test_real(void **state)
{
    (void)state;
    static const char *const NONE[] = {"",    "-",   ".",     "e5", "1-2", "+-5", "1,5",
                                       "nan", "inf", "0x1p3", " 1", "1 ",  "1e"};
    double value;
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
        CHECK(!el_number_real(NONE[i], &value), "\"%s\" was read as %g", NONE[i], value);
    assert_true(el_number_real("-1.5e-3", &value) && value == -1.5e-3);
    assert_true(el_number_real("1e999", &value) && isinf(value));
}

/* Where a comma is the decimal sign, numbers are read and written with a point all the same. */
static void test_locale(void **state)
{
    (void)state;
    char text[32];
    if (!set_comma_locale(folder))
        skip();
    snprintf(text, sizeof text, "%.1f", 1.5);
    assert_string_equal(text, "1,5");

    double value;
    char *end;
    assert_true(el_number_real("2.5", &value) && value == 2.5);
    assert_true(el_number_read("2.5 x", &end) == 2.5 && strcmp(end, " x") == 0);
    el_number_print(text, sizeof text, "%.1f", 1.5);
    assert_string_equal(text, "1.5");
    json_t *object;
    CHECK_OK(el_json_parse(&object, "{\"a\": 0.1}", 10, "t.json"));
    char *const json = el_json_text(object, false);
    assert_string_equal(json, "{\"a\": 0.1}");
    free(json);
    json_decref(object);
    setlocale(LC_ALL, "C");
}

static void test_finite(void **state)
{
    (void)state;
    assert_true(el_numbers_finite((const float[]){-3.4e38F, 0, 1e-45F}, 3));
    assert_true(el_numbers_finite(NULL, 0));
    const float none[] = {1, NAN, 2, INFINITY, 3, -INFINITY};
    for (int i = 1; i < 6; i += 2) {
        assert_false(el_numbers_finite(none + i - 1, 2));
        assert_true(el_numbers_finite(none + i - 1, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_real),
                                       cmocka_unit_test(test_locale), cmocka_unit_test(test_finite)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
