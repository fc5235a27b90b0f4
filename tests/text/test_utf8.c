/* utf8 - valid text comes through, broken bytes become U+FFFD one for each part that could have been a
 * character */
#include "folder.h"

#include "base/random.h"
#include "text/utf8.h"

/* Every code point but the surrogates survives being written and read. */
static void test_round_trip(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < EL_CODE_POINTS; c++) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        char text[4];
        uint32_t read;
        const int bytes = el_utf8_encode(c, text);
        CHECK(el_utf8_decode(text, text + bytes, &read) == bytes && read == c, "U+%04X reads as U+%04X", c,
              read);
        CHECK(el_utf8_valid(text, (size_t)bytes) == (size_t)bytes, "U+%04X is not valid", c);
    }
}

typedef struct {
    const char *bytes;
    int replacements; /* as Python's bytes.decode(errors="replace") counts them */
    size_t valid;
} broken;

static const broken BROKEN[] = {
    {"\x80", 1, 0},
    {"a\xFFz", 1, 1},
    {"\xC0\xAF", 2, 0},
    {"\xE0\x80\x80", 3, 0},
    {"\xED\xA0\x80", 3, 0},
    {"\xF4\x90\x80\x80", 4, 0},
    {"\xF8\x88\x80\x80\x80", 5, 0},
    {"ab\xE2\x82", 1, 2},
    {"\xF0\x9F\x98", 1, 0},
    {"\xE2\x82"
     "a",
     1, 0},
    {"\xE2\xE2\x82\xAC", 1, 0},
    {"\xC3\xA9\xC3", 1, 2},
};

/* Each broken part is one U+FFFD, and what is whole around it is read. */
static void test_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BROKEN / sizeof *BROKEN; i++) {
        const char *at = BROKEN[i].bytes, *end = at + strlen(at);
        CHECK(el_utf8_valid(at, strlen(at)) == BROKEN[i].valid, "case %zu: %zu valid bytes, not %zu", i,
              el_utf8_valid(at, strlen(at)), BROKEN[i].valid);
        int replacements = 0;
        while (at < end) {
            uint32_t c;
            at += el_utf8_decode(at, end, &c);
            replacements += c == EL_REPLACEMENT;
        }
        CHECK(at == end && replacements == BROKEN[i].replacements, "case %zu: %d replaced, not %d", i,
              replacements, BROKEN[i].replacements);
    }
}

/* Where a long text is broken is found as character by character, whatever byte is changed. */
static void test_long(void **state)
{
    (void)state;
    static const uint32_t POINTS[] = {'a',    ' ',    0xE9,   0x7FF,   0x800,
                                      0xAC00, 0xD558, 0xFFFF, 0x10000, 0x10FFFF};
    enum { LENGTH = 2000, TIMES = 20000 };
    static const unsigned char BYTES[] = {0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2,
                                          0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF};
    char text[LENGTH + 4];
    int bytes = 0;
    uint64_t draw = 0;
    const el_random random = {.seed = 1};
    while (bytes < LENGTH) {
        const uint64_t of = el_random_below(random, draw++, 3); /* long stretches of Hangul, others between */
        bytes += el_utf8_encode(POINTS[of ? 5 : el_random_below(random, draw++, 10)], text + bytes);
    }
    CHECK(el_utf8_valid(text, (size_t)bytes) == (size_t)bytes, "it is whole");
    for (int time = 0; time < TIMES; time++) {
        char *const changed = text + el_random_below(random, draw++, (uint64_t)bytes), was = *changed;
        *changed = (char)BYTES[el_random_below(random, draw++, sizeof BYTES)];
        const size_t from = el_random_below(random, draw++, 2) ? 0 : (size_t)(changed - text) / 2;
        const char *at = text + from, *const end = text + bytes;
        uint32_t c;
        for (int length; at < end; at += length) {
            length = el_utf8_decode(at, end, &c);
            if (c == EL_REPLACEMENT)
                break;
        }
        const size_t found = el_utf8_valid(text + from, (size_t)bytes - from);
        CHECK(found == (size_t)(at - text) - from, "byte %td is %d: %zu are valid, not %zu", changed - text,
              *changed, found, (size_t)(at - text) - from);
        *changed = was;
    }
}

/* A beginning ends with a whole character. */
static void test_beginning(void **state)
{
    (void)state;
    static const int BYTES[] = {0, 1, 1, 1, 4, 4, 4, 7, 7};
    for (size_t most = 0; most < sizeof BYTES / sizeof *BYTES; most++) {
        const int bytes = el_utf8_beginning("a서울", strlen("a서울"), most);
        CHECK(bytes == BYTES[most], "of %zu bytes %d, not %d", most, bytes, BYTES[most]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
