/* wordpiece - ids are Hugging Face's, with the cache or without it, and spans point at where pieces come from
 */
#define _GNU_SOURCE
#include "folder.h"

#include <jansson.h>

#include "base/random.h"
#include "format/tokenizer.h"
#include "text/wordpiece.h"

static el_vocab *open_golden(el_casing_request request)
{
    el_vocab *vocab;
    CHECK_OK(el_tokenizer_load(&vocab, TEST_DATA "/golden/vocab.txt", request));
    return vocab;
}

static void print_ids(const char *what, const int32_t *ids, size_t count)
{
    print_error("%s:", what);
    for (size_t i = 0; i < count; i++)
        print_error(" %d", ids[i]);
    print_error("\n");
}

static void check_ids(const char *name, const int32_t *ids, size_t count, const int32_t *expected,
                      size_t expected_count)
{
    if (count == expected_count && (count == 0 || memcmp(ids, expected, count * sizeof *ids) == 0))
        return;
    print_error("%s\n", name);
    print_ids("   have", ids, count);
    print_ids("   want", expected, expected_count);
    fail();
}

static size_t parse_ids(const char *text, int32_t *ids, size_t room)
{
    size_t count = 0;
    char *end;
    for (long id = strtol(text, &end, 10); end != text && count < room; id = strtol(text, &end, 10)) {
        ids[count++] = (int32_t)id;
        text = end;
    }
    return count;
}

/* Both ways of encoding give the expected ids, the first time and (from the cache) the second. */
static void check_case(el_wordpiece *session, const char *name, const char *text, size_t bytes,
                       const int32_t *expected, size_t count)
{
    el_ids ids = {0}, spanned = {0};
    el_spans spans = {0};
    for (int time = 0; time < 2; time++) {
        ids.count = 0;
        CHECK_OK(el_wordpiece_encode(session, text, bytes, &ids));
        check_ids(name, ids.data, ids.count, expected, count);
    }
    CHECK_OK(el_wordpiece_encode_spans(session, text, bytes, &spanned, &spans));
    check_ids(name, spanned.data, spanned.count, expected, count);
    CHECK(spans.count == count, "%s: %zu spans, %zu ids", name, spans.count, count);
    for (size_t i = 0; i < spans.count; i++)
        CHECK(spans.data[i].begin < spans.data[i].end && spans.data[i].end <= bytes,
              "%s: span %zu is %u to %u", name, i, spans.data[i].begin, spans.data[i].end);
    el_ids_release(&ids);
    el_ids_release(&spanned);
    el_spans_release(&spans);
}

static void check_file(const char *path, el_casing_request request)
{
    el_vocab *vocab = open_golden(request);
    el_wordpiece *session;
    CHECK_OK(el_wordpiece_open(&session, vocab, EL_SPECIAL_PLAIN));
    FILE *file = fopen(path, "r");
    CHECK(file, "%s is missing", path);
    char line[16384];
    int cases = 0;
    while (fgets(line, sizeof line, file)) {
        char *tab = strchr(line, '\t');
        int32_t expected[1024];
        const size_t count = parse_ids(tab + 1, expected, 1024);
        *tab = 0;
        json_t *text = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        CHECK(text, "%s is no JSON string", line);
        check_case(session, line, json_string_value(text), json_string_length(text), expected, count);
        json_decref(text);
        cases++;
    }
    CHECK(cases > 40, "%s has only %d cases", path, cases);
    fclose(file);
    el_wordpiece_close(session);
    el_vocab_close(vocab);
}

/* Ids equal Hugging Face's on the hard strings in every casing. */
static void test_golden(void **state)
{
    (void)state;
    check_file(TEST_DATA "/golden/uncased.tsv", (el_casing_request){1, 1, 1});
    check_file(TEST_DATA "/golden/cased.tsv", (el_casing_request){0, 0, 1});
    check_file(TEST_DATA "/golden/accents.tsv", (el_casing_request){1, 0, 1});
    check_file(TEST_DATA "/golden/stripped.tsv", (el_casing_request){0, 1, 1});
}

/* Broken bytes vanish as if they were not there, and join what stands around them. */
static void test_broken_bytes(void **state)
{
    (void)state;
    el_vocab *vocab = open_golden((el_casing_request){1, 1, 1});
    el_wordpiece *session;
    CHECK_OK(el_wordpiece_open(&session, vocab, EL_SPECIAL_PLAIN));
    static const char *const pairs[][2] = {{"he\xFFllo", "hello"},
                                           {"\xED\xA0\x80the", "the"},
                                           {"the \xE2\x82", "the "},
                                           {"un\xC3 affable", "un affable"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        el_ids whole = {0};
        CHECK_OK(el_wordpiece_encode(session, pairs[i][1], strlen(pairs[i][1]), &whole));
        check_case(session, pairs[i][0], pairs[i][0], strlen(pairs[i][0]), whole.data, whole.count);
        el_ids_release(&whole);
    }
    el_wordpiece_close(session);
    el_vocab_close(vocab);
}

/* A piece's span is the text it came from, accents and all. */
static void test_spans(void **state)
{
    (void)state;
    el_vocab *vocab = open_golden((el_casing_request){1, 1, 1});
    el_wordpiece *session;
    CHECK_OK(el_wordpiece_open(&session, vocab, EL_SPECIAL_PLAIN));
    const char *text = "  Unaffable, H\xC3\x89LLO";
    static const char *const parts[] = {"Un", "aff", "able", ",", "H\xC3\x89LLO"};
    el_ids ids = {0};
    el_spans spans = {0};
    CHECK_OK(el_wordpiece_encode_spans(session, text, strlen(text), &ids, &spans));
    CHECK(ids.count == 5, "%zu pieces", ids.count);
    for (size_t i = 0; i < ids.count; i++)
        CHECK(spans.data[i].end - spans.data[i].begin == strlen(parts[i]) &&
                  memcmp(text + spans.data[i].begin, parts[i], strlen(parts[i])) == 0,
              "piece %zu spans %u to %u, not \"%s\"", i, spans.data[i].begin, spans.data[i].end, parts[i]);
    el_ids_release(&ids);
    el_spans_release(&spans);
    el_wordpiece_close(session);
    el_vocab_close(vocab);
}

/* "[MASK]" is one token where asked for, with its own span, and characters otherwise; both ways of cutting agree. */
static void test_special(void **state)
{
    (void)state;
    el_vocab *vocab = open_golden((el_casing_request){1, 1, 1});
    el_wordpiece *session, *plain;
    CHECK_OK(el_wordpiece_open(&session, vocab, EL_SPECIAL_TOKENS));
    CHECK_OK(el_wordpiece_open(&plain, vocab, EL_SPECIAL_PLAIN));
    const char *text = "the[MASK]the [MASK [SEP]";
    el_ids ids = {0};
    el_spans spans = {0};
    const int32_t the = el_vocab_find(vocab, "the", 3), bracket = el_vocab_find(vocab, "[", 1);
    const int32_t word = el_vocab_find(vocab, "mask", 4);
    const int32_t wanted[] = {the, vocab->mask, the, bracket, word, vocab->sep};
    CHECK_OK(el_wordpiece_encode_spans(session, text, strlen(text), &ids, &spans));
    check_ids("special", ids.data, ids.count, wanted, 6);
    CHECK(spans.data[1].begin == 3 && spans.data[1].end == 9, "[MASK] spans %u to %u", spans.data[1].begin,
          spans.data[1].end);
    ids.count = 0;
    CHECK_OK(el_wordpiece_encode(session, text, strlen(text), &ids));
    check_ids("special, no spans", ids.data, ids.count, wanted, 6);
    ids.count = 0;
    CHECK_OK(el_wordpiece_encode(plain, "[MASK]", 6, &ids));
    CHECK(ids.count == 3 && ids.data[0] == bracket, "[MASK] in plain text is %zu pieces", ids.count);
    el_ids_release(&ids);
    el_spans_release(&spans);
    el_wordpiece_close(session);
    el_wordpiece_close(plain);
    el_vocab_close(vocab);
}

/* Random chunks, more than the cache holds, spaces of every kind between them. */
static size_t random_text(char *text, size_t chunks)
{
    static const char *const parts[] = {
        "the", "un",   "aff",  "able", "a",     "\xC3\xA9", "\xED\x95\x9C", "!",
        "3",   "\x01", "\xFF", "ing",  "hello", "x",        "\xE2\x80\x8B", "W"};
    const el_random random = {.seed = 1};
    uint64_t index = 0;
    char *at = text;
    for (size_t i = 0; i < chunks; i++) {
        for (uint64_t left = 1 + el_random_below(random, index++, 12); left > 0; left--)
            at = stpcpy(at, parts[el_random_below(random, index++, 16)]);
        *at++ = " \t\n\r"[el_random_below(random, index++, 4)];
    }
    return (size_t)(at - text);
}

/* What the cache holds never changes an answer: one call over all, and chunk by chunk without the cache. */
static void test_cache(void **state)
{
    (void)state;
    enum { CHUNKS = 400000 };
    el_vocab *vocab = open_golden((el_casing_request){1, 1, 1});
    el_wordpiece *session;
    CHECK_OK(el_wordpiece_open(&session, vocab, EL_SPECIAL_PLAIN));
    char *text = malloc((size_t)CHUNKS * 64);
    const size_t bytes = random_text(text, CHUNKS);
    el_ids ids = {0}, plain = {0};
    el_spans spans = {0};
    CHECK_OK(el_wordpiece_encode(session, text, bytes, &ids));
    CHECK_OK(el_wordpiece_encode_spans(session, text, bytes, &plain, &spans));
    CHECK(ids.count == plain.count && memcmp(ids.data, plain.data, ids.count * sizeof *ids.data) == 0,
          "%zu ids with the cache, %zu without", ids.count, plain.count);
    ids.count = 0;
    for (size_t at = 0; at < bytes;) { /* in pieces that end at spaces */
        size_t end = at + 97 < bytes ? at + 97 : bytes;
        while (end < bytes && text[end] != ' ')
            end++;
        char *copy = malloc(end - at + 1); /* of its own size, so that reading beyond it is seen */
        memcpy(copy, text + at, end - at);
        CHECK_OK(el_wordpiece_encode(session, copy, end - at, &ids));
        free(copy);
        at = end;
    }
    CHECK(ids.count == plain.count && memcmp(ids.data, plain.data, ids.count * sizeof *ids.data) == 0,
          "%zu ids in pieces, %zu at once", ids.count, plain.count);
    free(text);
    el_ids_release(&ids);
    el_ids_release(&plain);
    el_spans_release(&spans);
    el_wordpiece_close(session);
    el_vocab_close(vocab);
}

/* The published hard strings, where the shared data are. */
static void test_shared(void **state)
{
    (void)state;
    const char *folder_of = SHARED_DATA "/fixtures/tokenizer";
    el_mapping in = {0}, out = {0};
    if (!el_folder_exists(folder_of)) {
        print_message("skipped: %s is not here\n", folder_of);
        skip();
    }
    el_vocab *vocab;
    el_wordpiece *session;
    CHECK_OK(el_tokenizer_load(&vocab, SHARED_DATA "/fixtures/vocab/bert-base-uncased-vocab.txt",
                               EL_CASING_UNSET));
    CHECK_OK(el_wordpiece_open(&session, vocab, EL_SPECIAL_PLAIN));
    CHECK_OK(el_mapping_open(&in, SHARED_DATA "/fixtures/tokenizer/ggml-vocab-bert-bge.gguf.inp"));
    CHECK_OK(el_mapping_open(&out, SHARED_DATA "/fixtures/tokenizer/ggml-vocab-bert-bge.gguf.out"));
    static const char SEPARATOR[] = "\n__ggml_vocab_test__\n";
    const char *at = (const char *)in.data, *end = at + in.size, *line = (const char *)out.data;
    int cases = 0;
    while (at < end) {
        const char *stop = memmem(at, (size_t)(end - at), SEPARATOR, sizeof SEPARATOR - 1);
        if (!stop)
            break;
        int32_t expected[256];
        char row[2048];
        const size_t length = strcspn(line, "\n");
        snprintf(row, sizeof row, "%.*s", (int)length, line);
        check_case(session, row, at, (size_t)(stop - at), expected, parse_ids(row, expected, 256));
        line += length + 1;
        at = stop + sizeof SEPARATOR - 1;
        cases++;
    }
    CHECK(cases > 35, "only %d cases", cases);
    el_mapping_close(&in);
    el_mapping_close(&out);
    el_wordpiece_close(session);
    el_vocab_close(vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),  cmocka_unit_test(test_broken_bytes), cmocka_unit_test(test_spans),
        cmocka_unit_test(test_special), cmocka_unit_test(test_cache),        cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
