/* json_line - says of any line, in pieces however small, what jansson says of it */
#include "folder.h"

#include "base/json.h"
#include "base/random.h"
#include "text/json_line.h"

enum { LONGEST = 512 };

/* The text of a line that comes in pieces of `piece` bytes, over which it is written; NULL where the line is no good. */
static const char *text_of(const char *line, size_t bytes, size_t piece, size_t *made)
{
    static char text[LONGEST + 2 * EL_JSON_GAP];
    el_json_line l;
    el_json_line_begin(&l, "text");
    *made = 0;
    for (size_t at = 0, more; at < bytes; at += piece) {
        const size_t size = piece < bytes - at ? piece : bytes - at;
        char *const here = text + *made + (at ? EL_JSON_GAP : 0);
        memcpy(here, line + at, size);
        if (el_json_line_take(&l, here, size, text + *made, &more))
            return NULL;
        *made += more;
        CHECK(*made <= at + size, "%zu bytes of text of %zu", *made, at + size);
    }
    return l.done && l.found ? text : NULL;
}

/* Whether jansson's answer is to be ours: it refuses numbers and keys that do not matter here, and takes the last of several
 * texts. */
static bool is_common(const char *line, size_t bytes, json_t **object)
{
    json_error_t error;
    const el_status st = el_json_read(object, line, bytes, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    const int code = st ? json_error_code(&error) : 0;
    return code != json_error_numeric_overflow && code != json_error_null_byte_in_key &&
           code != json_error_duplicate_key;
}

static int compare(const char *line, size_t bytes, size_t piece)
{
    json_t *object;
    size_t made;
    const bool common = is_common(line, bytes, &object);
    const json_t *const wanted = json_is_object(object) ? json_object_get(object, "text") : NULL;
    const char *const text = text_of(line, bytes, piece, &made);
    if (common && json_is_string(wanted))
        CHECK(text && made == json_string_length(wanted) && !memcmp(text, json_string_value(wanted), made),
              "%.*s in pieces of %zu: %zu bytes, not %zu", (int)bytes, line, piece, text ? made : 0,
              json_string_length(wanted));
    else if (common)
        CHECK(!text, "%.*s in pieces of %zu is taken", (int)bytes, line, piece);
    const int good = text != NULL;
    json_decref(object);
    return good;
}

static const char *const LINES[] = {
    "{\"text\": \"one two\"}",
    " { \"n\" : [ 1, -0.5e+3, {\"text\":\"in\"}, [], {} ] , \"text\" : \"a\\n\\t\\\"\\\\\\/b\",\"x\":null}\r",
    "{\"te\\u0078t\":\"caf\\u00e9 \\ud83d\\ude00 \\u2014 \xea\xb0\x80\xf0\x9f\x98\x80\",\"t\":[true,false]}",
    "{\"tex\":\"1\",\"text2\":\"2\",\"text\":\"\",\"m\":{\"a\":{\"b\":[0,10,1.25,3E-7]}}}",
    "{\"text\":\"nul \\u0000 and \\ufffd\xef\xbf\xbd\"}",
};
enum { LINE_COUNT = sizeof LINES / sizeof *LINES };

static void test_lines(void **state)
{
    (void)state;
    for (int i = 0; i < LINE_COUNT; i++)
        for (size_t piece = 1; piece <= strlen(LINES[i]); piece++)
            CHECK(compare(LINES[i], strlen(LINES[i]), piece), "%s is refused", LINES[i]);
}

/* Every line with one or two bytes changed, left out or put in. */
static void test_damaged(void **state)
{
    (void)state;
    static const char BYTES[] = "{}[]\",:\\ue0179-+.Eant \t\r\x01\x80\xbf\xc2\xe0\xed\xf0\xf4\xff";
    char line[LONGEST];
    int good = 0;
    for (uint32_t turn = 0; turn < 60000; turn++) {
        const el_random random = {.seed = 1, .step = turn};
        uint64_t drawn = 0;
        strcpy(line, LINES[turn % LINE_COUNT]);
        size_t bytes = strlen(line);
        for (uint32_t change = 0; change <= turn / LINE_COUNT % 2; change++) {
            const size_t at = (size_t)el_random_below(random, drawn++, (int)bytes);
            const int kind = el_random_below(random, drawn++, 3);
            const char byte = BYTES[el_random_below(random, drawn++, sizeof BYTES - 1)];
            if (kind == 0)
                memmove(line + at, line + at + 1, bytes-- - at);
            else if (kind == 1)
                memmove(line + at + 1, line + at, ++bytes - at);
            if (kind > 0)
                line[at] = byte;
        }
        good += compare(line, bytes, 1 + turn % 7);
    }
    CHECK(good > 1000 && good < 59000, "%d lines of 60000 are good", good);
}

/* What jansson and we answer otherwise: a second text, where it would take the last. */
static void test_second_text(void **state)
{
    (void)state;
    size_t made;
    static const char LINE[] = "{\"text\": \"a\", \"text\": \"b\"}";
    CHECK(!text_of(LINE, sizeof LINE - 1, 5, &made), "%s is taken", LINE);
}

/* Brackets in each other have a limit. */
static void test_depth(void **state)
{
    (void)state;
    static char line[2 * EL_JSON_DEPTH + 64];
    for (int depth = EL_JSON_DEPTH - 1; depth <= EL_JSON_DEPTH; depth++) {
        el_json_line l;
        size_t made;
        const int begun = sprintf(line, "{\"text\":\"\",\"a\":");
        memset(line + begun, '[', (size_t)depth);
        memset(line + begun + depth, ']', (size_t)depth);
        strcpy(line + begun + 2 * depth, "}");
        el_json_line_begin(&l, "text");
        const char *const trouble = el_json_line_take(&l, line, strlen(line), line, &made);
        CHECK((trouble == NULL) == (depth < EL_JSON_DEPTH), "%d in each other: %s", depth,
              trouble ? trouble : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_second_text),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
