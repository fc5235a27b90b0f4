/* json - values come out as they went in, and sentences name file and key */
#include "folder.h"

#include <math.h>

#include "base/json.h"

static json_t *parse(const char *text)
{
    json_t *object;
    CHECK_OK(el_json_parse(&object, text, strlen(text), "t.json"));
    return object;
}

static void check_refused(const char *text, size_t bytes, const char *words)
{
    json_t *object;
    CHECK_FAILS(el_json_parse(&object, text, bytes, "t.json"), EL_EDATA, words);
    assert_null(object);
}

/* What is no JSON object is refused with its name and line. */
static void test_refused(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"", "t.json: not JSON"},
        {"[1]", "t.json: not a JSON object"},
        {"5", "t.json: not JSON"},
        {"{\"a\": 1,\n\"b\" 2}", "t.json, line 2: not JSON"},
        {"{\"a\": 1, \"a\": 2}", "duplicate object key"},
        {"{\"a\": 1} x", "not JSON"},
        {"{\"a\": 1e999}", "not JSON"},
        {"{\"a\": NaN}", "not JSON"},
        {"{\"a\": \"\xff\"}", "not JSON"},
        {"{\"a\": \"\\u0000\"}", "not JSON"},
        {"{\"a\": \"\\ud800\"}", "not JSON"},
        {"{\"a\": tru", "not JSON"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        check_refused(lines[i][0], strlen(lines[i][0]), lines[i][1]);
    check_refused("{\"a\"\0: 1}", 9, "not JSON");
    char *deep = malloc(1000000);
    memcpy(deep, "{\"a\":", 5);
    memset(deep + 5, '[', 999995);
    check_refused(deep, 1000000, "maximum parsing depth");
    free(deep);
    json_t *object;
    CHECK_FAILS(el_json_load(&object, "/nowhere.json"), EL_EDATA, "/nowhere.json: No such file");
    CHECK_FAILS(el_json_parse_long(&object, "{}   ", 5, 4, "t.json"), EL_EDATA, "5 bytes of JSON");
    CHECK_OK(el_json_parse_long(&object, "{}   ", 5, 5, "t.json"));
    json_decref(object);
    CHECK_OK(el_json_parse(&object, "\xef\xbb\xbf{\"a\": 1}", 11, "marked.json"));
    assert_int_equal(json_object_size(object), 1);
    json_decref(object);
    CHECK_FAILS(el_json_parse(&object, "{", (size_t)1 << 40, "t.json"), EL_EDATA, "bytes of JSON");
}

/* Absent and null leave the default; the right type sets it; another is an error that says which key. */
static void test_readers(void **state)
{
    (void)state;
    json_t *object = parse(
        "{\"i\": 7, \"r\": 0.5, \"b\": true, \"s\": \"x\", \"n\": null, \"big\": 3000000000, \"whole\": 2}");
    int i = -1;
    double r = -1;
    bool b = false;
    const char *s = "default";
    CHECK_OK(el_json_int(object, "f", "absent", &i));
    CHECK_OK(el_json_int(object, "f", "n", &i));
    CHECK_OK(el_json_real(object, "f", "n", &r));
    CHECK_OK(el_json_string(object, "f", "n", &s));
    CHECK_OK(el_json_bool(object, "f", "absent", &b));
    assert_true(i == -1 && r == -1 && !b && strcmp(s, "default") == 0);
    CHECK_OK(el_json_int(object, "f", "i", &i));
    CHECK_OK(el_json_real(object, "f", "r", &r));
    CHECK_OK(el_json_bool(object, "f", "b", &b));
    CHECK_OK(el_json_string(object, "f", "s", &s));
    assert_true(i == 7 && r == 0.5 && b && strcmp(s, "x") == 0);
    CHECK_OK(el_json_real(object, "f", "whole", &r));
    assert_true(r == 2);
    CHECK_FAILS(el_json_int(object, "f.json", "r", &i), EL_EDATA, "f.json: r is not a whole number");
    CHECK_FAILS(el_json_int(object, "f.json", "big", &i), EL_EDATA,
                "f.json: big: 3000000000 is out of range");
    CHECK_FAILS(el_json_real(object, "f.json", "s", &r), EL_EDATA, "f.json: s is not a number");
    CHECK_FAILS(el_json_bool(object, "f.json", "i", &b), EL_EDATA, "f.json: i is neither true nor false");
    CHECK_FAILS(el_json_string(object, "f.json", "i", &s), EL_EDATA, "f.json: i is not a string");
    assert_true(i == 7 && r == 2 && b);
    json_decref(object);
}

/* A whole number beyond 64 bits is a real, and the numbers beside it stay what they are. */
static void test_huge(void **state)
{
    (void)state;
    json_t *object =
        parse("{\"a\": 1000000000000000019884624838656, \"b\": [7, {\"c\": -3}], \"d\": 0.5, \"e\": \"1\"}");
    const json_t *b = json_object_get(object, "b");
    CHECK(json_real_value(json_object_get(object, "a")) == 1e30, "got %g",
          json_real_value(json_object_get(object, "a")));
    CHECK(json_integer_value(json_array_get(b, 0)) == 7, "7 is no integer any more");
    CHECK(json_integer_value(json_object_get(json_array_get(b, 1), "c")) == -3, "-3 is no integer any more");
    CHECK(json_real_value(json_object_get(object, "d")) == 0.5, "0.5 changed");
    json_decref(object);
}

static void check_text(const char *written, const char *expected)
{
    json_t *object = parse(written);
    char *text = el_json_text(object, false);
    assert_string_equal(text, expected);
    free(text);
    json_decref(object);
}

/* Reals keep their value in as few digits as that takes; strings, whole numbers and words stay. */
static void test_text(void **state)
{
    (void)state;
    check_text("{\"a\": 0.1}", "{\"a\": 0.1}");
    check_text("{\"a\": [5e-4, 1e-12, 1e300, -2.5, 100.0, 0.30000000000000004]}",
               "{\"a\": [0.0005, 1e-12, 1e+300, -2.5, 100.0, 0.30000000000000004]}");
    check_text("{\"0.10000000000000001\": \"\\\"0.10000000000000001\\\\\"}",
               "{\"0.10000000000000001\": \"\\\"0.10000000000000001\\\\\"}");
    check_text("{\"a\": [true, false, null, -9007199254740993, 12345678901234567, 9223300000000000000]}",
               "{\"a\": [true, false, null, -9007199254740993, 12345678901234567, 9223300000000000000]}");
    uint64_t bits = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        double value, back;
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        memcpy(&value, &bits, sizeof value);
        if (value - value != 0) /* infinite or not a number */
            continue;
        json_t *object = json_pack("{s:f}", "a", value);
        char *text = el_json_text(object, true);
        json_t *again = parse(text);
        back = json_real_value(json_object_get(again, "a"));
        CHECK(json_is_real(json_object_get(again, "a")) && back == value, "%.17g came back as %.17g", value,
              back);
        json_decref(again);
        json_decref(object);
        free(text);
    }
}

/* A saved object is loaded as it was, and ends in a newline. */
static void test_save(void **state)
{
    (void)state;
    json_t *object = parse("{\"b\": [1, 0.1, \"x\"], \"a\": {\"c\": null}}"), *again;
    CHECK_OK(el_json_save(object, in_folder("a.json")));
    CHECK_OK(el_json_load(&again, in_folder("a.json")));
    assert_true(json_equal(object, again));
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, in_folder("a.json")));
    assert_true(file.data[file.size - 1] == '\n' && file.data[file.size - 2] == '}');
    el_mapping_close(&file);
    json_decref(object);
    json_decref(again);
}

/* What no number is, is null, and so keeps its place. */
static void test_no_number(void **state)
{
    (void)state;
    json_t *list =
        json_pack("[o, o, o]", el_json_number(0.5), el_json_number(NAN), el_json_number(-INFINITY));
    char *text = el_json_text(list, false);
    assert_string_equal(text, "[0.5, null, null]");
    free(text);
    json_decref(list);
}

/* Texts and whole numbers can be had as a text; nothing else can. */
static void test_copy(void **state)
{
    (void)state;
    json_t *const object =
        parse("{\"text\": \"a b\", \"whole\": -7, \"real\": 1.5, \"null\": null, \"list\": []}");
    char *const text = el_json_copy(object, "text"), *const whole = el_json_copy(object, "whole");
    assert_string_equal(text, "a b");
    assert_string_equal(whole, "-7");
    static const char *const OTHERS[] = {"real", "null", "list", "absent"};
    for (int i = 0; i < 4; i++)
        assert_null(el_json_copy(object, OTHERS[i]));
    free(text);
    free(whole);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_number), cmocka_unit_test(test_refused), cmocka_unit_test(test_readers),
        cmocka_unit_test(test_huge),      cmocka_unit_test(test_text),    cmocka_unit_test(test_save),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
