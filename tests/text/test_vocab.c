/* vocab - what is no vocabulary is refused with its line; casing goes with the pieces and is never guessed
 * against */
#include "base/check.h"

#include "text/vocab.h"

#define SPECIAL "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
static const el_casing UNCASED = {true, true, true};

/* Each fault of a vocab.txt is EL_EDATA and named. */
static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes; /* 0: strlen */
        const char *words;
    } faults[] = {
        {"", 0, "empty"},
        {SPECIAL "a\n\nb\n", 0, "line 7 is empty"},
        {SPECIAL "a\nb\na\n", 0, "line 8 repeats the piece a"},
        {SPECIAL "##a\nb\n##a\n", 0, "line 8 repeats the piece ##a"},
        {"[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n", 0, "[MASK] is missing"},
        {SPECIAL "a\n\xff\n", 0, "line 7 is not UTF-8"},
        {SPECIAL "a\0b\n", sizeof(SPECIAL "a\0b\n") - 1, "line 6 holds a zero byte"},
        {"\n", 0, "line 1 is empty"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        el_vocab *vocab;
        const size_t bytes = faults[i].bytes ? faults[i].bytes : strlen(faults[i].text);
        CHECK_FAILS(el_vocab_parse(&vocab, faults[i].text, bytes, UNCASED, "v.txt"), EL_EDATA,
                    faults[i].words);
        CHECK(!vocab, "case %zu left a vocabulary", i);
    }
    char text[sizeof SPECIAL + 600] = SPECIAL;
    memset(text + strlen(SPECIAL), 'x', 513);
    el_vocab *vocab;
    CHECK_FAILS(el_vocab_parse(&vocab, text, strlen(text), UNCASED, "v.txt"), EL_EDATA, "at most 512");
    CHECK_FAILS(el_vocab_load(&vocab, in_folder("nowhere.txt"), EL_CASING_UNSAID), EL_EDATA, "nowhere.txt");
    CHECK_OK(el_folder_make(in_folder("void")));
    CHECK_FAILS(el_vocab_load(&vocab, in_folder("void"), EL_CASING_UNSAID), EL_EDATA, "no vocab.txt");
}

/* Pieces are found by their text, and carriage returns and a missing last newline do not matter. */
static void test_find(void **state)
{
    (void)state;
    el_vocab *vocab, *other;
    const char *text = SPECIAL "a\n##a\n##\n#\n\xea\xb0\x80\nab";
    CHECK_OK(el_vocab_parse(&vocab, text, strlen(text), UNCASED, "v"));
    static const char *const pieces[] = {"a", "##a", "##", "#", "\xea\xb0\x80", "ab"};
    for (int i = 0; i < 6; i++) {
        const int id = el_vocab_find(vocab, pieces[i], strlen(pieces[i]));
        CHECK(id == 5 + i && strcmp(vocab->pieces[id], pieces[i]) == 0, "%s is %d, not %d", pieces[i], id,
              5 + i);
    }
    CHECK(vocab->size == 11 && vocab->mask == 4 && el_vocab_find(vocab, "b", 1) == -1 &&
              el_vocab_find(vocab, "##ab", 4) == -1 && el_vocab_find(vocab, "", 0) == -1,
          "there are pieces that are not");
    const char *windows =
        "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\na\r\n##a\r\n##\r\n#\r\n\xea\xb0\x80\r\nab\r\n";
    CHECK_OK(el_vocab_parse(&other, windows, strlen(windows), UNCASED, "w"));
    CHECK_OK(el_vocab_same(vocab, "v", other, "w"));
    CHECK(vocab->hash == other->hash, "equal vocabularies have different hashes");
    el_vocab_close(vocab);
    el_vocab_close(other);
}

static void check_casing(const el_vocab *vocab, bool lowercase, bool strip_accents, bool chinese_chars)
{
    const el_casing c = vocab->casing;
    CHECK(c.lowercase == lowercase && c.strip_accents == strip_accents && c.chinese_chars == chinese_chars,
          "casing is %d %d %d, not %d %d %d", c.lowercase, c.strip_accents, c.chinese_chars, lowercase,
          strip_accents, chinese_chars);
}

/* Casing written is casing read, in every combination, and part of the hash. */
static void test_save(void **state)
{
    (void)state;
    uint64_t hashes[8];
    for (int i = 0; i < 8; i++) {
        const el_casing casing = {i & 1, i & 2, i & 4};
        el_vocab *vocab, *read;
        CHECK_OK(el_folder_make(in_folder("saved")));
        CHECK_OK(el_vocab_parse(&vocab, SPECIAL "a\n", strlen(SPECIAL "a\n"), casing, "v"));
        CHECK_OK(el_vocab_save(vocab, in_folder("saved")));
        CHECK_OK(el_vocab_load(&read, in_folder("saved"), EL_CASING_UNSAID));
        check_casing(read, casing.lowercase, casing.strip_accents, casing.chinese_chars);
        CHECK_OK(el_vocab_same(vocab, "written", read, "read"));
        hashes[i] = read->hash;
        for (int j = 0; j < i; j++)
            CHECK(hashes[i] != hashes[j], "casings %d and %d have one hash", i, j);
        el_vocab_close(vocab);
        el_vocab_close(read);
    }
}

/* What tokenizer_config.json says holds; a wish against it is refused by name; without one wishes hold. */
static void test_casing(void **state)
{
    (void)state;
    el_vocab *vocab;
    CHECK_OK(el_folder_make(in_folder("c")));
    CHECK_OK(el_file_write(in_folder("c/vocab.txt"), SPECIAL, strlen(SPECIAL)));
    CHECK_OK(el_vocab_load(&vocab, in_folder("c/vocab.txt"), EL_CASING_UNSAID));
    check_casing(vocab, true, true, true);
    el_vocab_close(vocab);
    CHECK_OK(el_vocab_load(&vocab, in_folder("c/vocab.txt"), (el_casing_wish){0, EL_UNSAID, EL_UNSAID}));
    check_casing(vocab, false, false, true);
    el_vocab_close(vocab);

    const char *config = "{\"do_lower_case\": false, \"strip_accents\": null}";
    CHECK_OK(el_file_write(in_folder("c/tokenizer_config.json"), config, strlen(config)));
    CHECK_OK(el_vocab_load(&vocab, in_folder("c"), (el_casing_wish){0, 0, EL_UNSAID}));
    check_casing(vocab, false, false, true);
    el_vocab_close(vocab);
    CHECK_FAILS(el_vocab_load(&vocab, in_folder("c"), (el_casing_wish){1, EL_UNSAID, EL_UNSAID}), EL_EUSAGE,
                "do_lower_case is false");
    CHECK_FAILS(el_vocab_load(&vocab, in_folder("c"), (el_casing_wish){0, 1, EL_UNSAID}), EL_EUSAGE,
                "strip_accents is false");
    config = "{\"do_lower_case\": \"yes\"}";
    CHECK_OK(el_file_write(in_folder("c/tokenizer_config.json"), config, strlen(config)));
    CHECK_FAILS(el_vocab_load(&vocab, in_folder("c"), EL_CASING_UNSAID), EL_EDATA, "do_lower_case");
}

/* A folder that transformers saved holds tokenizer.json only; its ids must be 0 to n - 1. */
static void test_tokenizer_json(void **state)
{
    (void)state;
    el_vocab *vocab;
    const char *json =
        "{\"normalizer\": {\"type\": \"BertNormalizer\", \"handle_chinese_chars\": true, "
        "\"strip_accents\": null, \"lowercase\": false}, \"model\": {\"type\": \"WordPiece\", \"vocab\": "
        "{\"[MASK]\": 4, \"[PAD]\": 0, \"a\": 5, \"[UNK]\": 1, \"[SEP]\": 3, \"[CLS]\": 2}}}";
    CHECK_OK(el_folder_make(in_folder("j")));
    CHECK_OK(el_file_write(in_folder("j/tokenizer.json"), json, strlen(json)));
    CHECK_OK(el_vocab_load(&vocab, in_folder("j"), EL_CASING_UNSAID));
    check_casing(vocab, false, false, true);
    CHECK(vocab->size == 6 && strcmp(vocab->pieces[5], "a") == 0 && vocab->mask == 4, "%d pieces",
          vocab->size);
    el_vocab_close(vocab);
    json = "{\"model\": {\"type\": \"WordPiece\", \"vocab\": {\"a\": 0, \"b\": 2}}}";
    CHECK_OK(el_file_write(in_folder("j/tokenizer.json"), json, strlen(json)));
    CHECK_FAILS(el_vocab_load(&vocab, in_folder("j"), EL_CASING_UNSAID), EL_EDATA, "not 0 to 1");
    json = "{\"model\": {\"type\": \"BPE\", \"vocab\": {}}}";
    CHECK_OK(el_file_write(in_folder("j/tokenizer.json"), json, strlen(json)));
    CHECK_FAILS(el_vocab_load(&vocab, in_folder("j"), EL_CASING_UNSAID), EL_EDATA, "no WordPiece");
}

/* Two vocabularies that differ are told apart by what differs. */
static void test_same(void **state)
{
    (void)state;
    el_vocab *a, *b, *c, *d;
    CHECK_OK(el_vocab_parse(&a, SPECIAL "a\n", strlen(SPECIAL "a\n"), UNCASED, "a"));
    CHECK_OK(el_vocab_parse(&b, SPECIAL "b\n", strlen(SPECIAL "b\n"), UNCASED, "b"));
    CHECK_OK(el_vocab_parse(&c, SPECIAL, strlen(SPECIAL), UNCASED, "c"));
    CHECK_OK(el_vocab_parse(&d, SPECIAL "a\n", strlen(SPECIAL "a\n"), (el_casing){true, false, true}, "d"));
    CHECK_OK(el_vocab_same(a, "a", a, "a"));
    CHECK_FAILS(el_vocab_same(a, "one", b, "two"), EL_EDATA, "piece 5 of one is a, of two it is b");
    CHECK_FAILS(el_vocab_same(a, "one", c, "two"), EL_EDATA, "6 pieces, two has 5");
    CHECK_FAILS(el_vocab_same(a, "one", d, "two"), EL_EDATA, "strip_accents");
    el_vocab_close(a);
    el_vocab_close(b);
    el_vocab_close(c);
    el_vocab_close(d);
}

/* Many pieces with shared beginnings are each found, and nothing between them is. */
static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    char *text = malloc(16 * COUNT + sizeof SPECIAL), *at = stpcpy(text, SPECIAL);
    for (int i = 0; i < COUNT; i++)
        at += sprintf(at, "%s%x\n", i % 2 ? "##" : "", i * 7);
    el_vocab *vocab;
    CHECK_OK(el_vocab_parse(&vocab, text, (size_t)(at - text), UNCASED, "v"));
    for (int i = 0; i < 7 * COUNT; i++) {
        char piece[16];
        const bool is = i % 7 == 0;
        const int bytes = sprintf(piece, "%s%x", (i / 7) % 2 ? "##" : "", i);
        const int id = el_vocab_find(vocab, piece, (size_t)bytes);
        CHECK(id == (is ? 5 + i / 7 : -1), "%s is %d", piece, id);
    }
    el_vocab_close(vocab);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults), cmocka_unit_test(test_find),           cmocka_unit_test(test_save),
        cmocka_unit_test(test_casing), cmocka_unit_test(test_tokenizer_json), cmocka_unit_test(test_same),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
