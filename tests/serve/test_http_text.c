/* text - numbers of every size come back from nine digits, strings are JSON, bytes are base64 */
#include "check.h"

#include <jansson.h>
#include <math.h>

#include "serve/http/text.h"

static void test_numbers(void **state)
{
    (void)state;
    uint32_t bits = 12345;
    el_text t = {0};
    for (int i = 0; i < 300000; i++) {
        float value;
        bits = bits * 1664525 + 1013904223;
        memcpy(&value, &bits, sizeof value);
        if (i % 2) /* of the size that vectors and scores have */
            value = (float)((double)(int32_t)bits / 2147483648.0);
        if (!isfinite(value))
            continue;
        t.bytes = 0;
        el_text_number(&t, (double)value);
        const float again = strtof(t.data, NULL);
        CHECK(again == value, "%.9g becomes %s", (double)value, t.data);
    }
    static const struct {
        double value;
        const char *text;
    } CASES[] = {{0, "0"},
                 {1, "1"},
                 {-0.5, "-0.5"},
                 {9.999999999, "10"},
                 {0.1F, "0.100000001"},
                 {1e-5, "0.00001"},
                 {99999999, "99999999"},
                 {NAN, "null"},
                 {INFINITY, "null"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        t.bytes = 0;
        el_text_number(&t, CASES[i].value);
        CHECK(strcmp(t.data, CASES[i].text) == 0, "%g becomes %s, not %s", CASES[i].value, t.data,
              CASES[i].text);
    }
    free(t.data);
}

static void test_strings(void **state)
{
    (void)state;
    static const char odd[] = "a\"b\\c\n\t\x01\x7f\0z \xed\x95\x9c \xf0\x9f\x98\x80";
    el_text t = {0};
    el_text_string(&t, odd, sizeof odd - 1);
    json_t *const back = json_loadb(t.data, t.bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    CHECK(back && json_string_length(back) == sizeof odd - 1 &&
              memcmp(json_string_value(back), odd, sizeof odd - 1) == 0,
          "%s is not what was put", t.data);
    json_decref(back);
    t.bytes = 0;
    el_text_put(&t, "%700d", 5); /* longer than what is printed at once */
    CHECK(t.bytes == 700 && t.data[699] == '5', "%zu bytes of 700", t.bytes);
    static const char *const CODES[] = {"", "TQ==", "TWE=", "TWFu", "TWFuTQ=="};
    for (size_t bytes = 0; bytes < 5; bytes++) {
        t.bytes = 0;
        el_text_base64(&t, "ManM", bytes);
        CHECK(strncmp(t.data, CODES[bytes], t.bytes) == 0 && t.bytes == strlen(CODES[bytes]),
              "%zu bytes are %s", bytes, t.data);
    }
    free(t.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_strings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
