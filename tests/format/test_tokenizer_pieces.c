/* tokenizer_pieces - what is cut out of a tokenizer.json is what jansson reads there, or nothing is cut */
#include "folder.h"

#include "format/tokenizer_pieces.h"

/* The pieces as jansson reads them. */
static json_t *read_all(const char *json)
{
    json_t *document;
    CHECK_OK(el_json_parse(&document, json, strlen(json), "all"));
    return document;
}

static void check_same(const char *json)
{
    json_t *const document = read_all(json), *rest_document;
    el_named_pieces cut, listed;
    char *rest;
    CHECK_OK(el_named_pieces_cut(&cut, json, strlen(json), &rest));
    CHECK(rest, "nothing is cut from %s", json);
    CHECK_OK(el_named_pieces_list(&listed, json_object_get(json_object_get(document, "model"), "vocab")));
    CHECK(cut.count == listed.count, "%zu pieces, not %zu: %s", cut.count, listed.count, json);
    for (size_t i = 0; i < cut.count; i++)
        CHECK(strcmp(cut.items[i].text, listed.items[i].text) == 0 && cut.items[i].id == listed.items[i].id,
              "piece %zu is %s, %lld, not %s, %lld", i, cut.items[i].text, (long long)cut.items[i].id,
              listed.items[i].text, (long long)listed.items[i].id);
    rest_document = read_all(rest);
    json_object_set_new(json_object_get(document, "model"), "vocab", json_object());
    CHECK(json_equal(document, rest_document), "what is left is %s of %s", rest, json);
    el_named_pieces_release(&cut);
    el_named_pieces_release(&listed);
    json_decref(document);
    json_decref(rest_document);
    free(rest);
}

/* Wherever the object stands, whatever stands around it, and with the escapes of one letter. */
static void test_cut(void **state)
{
    (void)state;
    static const char *const CASES[] = {
        "{\"model\": {\"vocab\": {\"a\": 0, \"##b\": 1}}}",
        "{\"model\":{\"vocab\":{}}}",
        "{\"a\": [1, {\"model\": {\"vocab\": {\"no\": 7}}}, \"}\"], \"b\": -1.5e3, \"c\": null,\n\t\"model\" "
        ":\r\n"
        "{\"type\": \"W\", \"x\": {\"vocab\": 3}, \"vocab\" : { \"a\" : 10 ,\n\"b\":0 } , \"y\": true}, "
        "\"z\": {}}",
        "{\"model\": {\"vocab\": {\"\\\"\": 0, \"\\\\\": 1, \"\\/\": 2, \"\\b\\f\\n\\r\\t\": 3, \"{,}:\": "
        "4}}}",
        "{\"k\\\"ey\": \"\\\\\", \"model\": {\"vocab\": {\"\xec\x95\x88\": 0, \"\xf0\x9f\x98\x80\": "
        "999999999, \"\": 5}}}",
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        check_same(CASES[i]);
}

/* What is not plain is left to jansson, to read or to refuse. */
static void test_left(void **state)
{
    (void)state;
    static const char *const CASES[] = {
        "{\"model\": {\"vocab\": {\"\\u0061\": 0}}}",
        "{\"model\": {\"vocab\": {\"\\x\": 0}}}",
        "{\"model\": {\"vocab\": {\"a\": 0, \"a\": 1}}}",
        "{\"model\": {\"vocab\": {\"a\": 0, \"\\/\": 1, \"/\": 2}}}",
        "{\"model\": {\"vocab\": {\"a\": -1}}}",
        "{\"model\": {\"vocab\": {\"a\": 1.0}}}",
        "{\"model\": {\"vocab\": {\"a\": 01}}}",
        "{\"model\": {\"vocab\": {\"a\": 10000000000}}}",
        "{\"model\": {\"vocab\": {\"a\": \"0\"}}}",
        "{\"model\": {\"vocab\": {\"a\": 0,}}}",
        "{\"model\": {\"vocab\": {,\"a\": 0}}}",
        "{\"model\": {\"vocab\": {\"a\": 0 \"b\": 1}}}",
        "{\"model\": {\"vocab\": {\"a\n\": 0}}}",
        "{\"model\": {\"vocab\": {\"\xc3\": 0}}}",
        "{\"model\": {\"vocab\": {\"a\": 0",
        "{\"model\": {\"vocab\": {\"a",
        "{\"model\": {\"vocab\": {\"a\\",
        "{\"model\": {\"vocab\": [[\"a\", 0]]}}",
        "{\"model\": {\"words\": {\"a\": 0}}}",
        "{\"vocab\": {\"a\": 0}}",
        "[]",
        "{",
        "",
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_named_pieces cut;
        char *rest;
        CHECK_OK(el_named_pieces_cut(&cut, CASES[i], strlen(CASES[i]), &rest));
        CHECK(!rest && !cut.items && cut.count == 0, "%zu pieces are cut from %s", cut.count, CASES[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cut), cmocka_unit_test(test_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
