/* vocab - what is no vocabulary is refused with its line; casing goes with the pieces and is never guessed
 * against */
#include "folder.h"

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
        {"[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n", 0, "[MASK] is missing"},
        {SPECIAL "a\n\xff\n", 0, "v.txt, line 7: is not UTF-8"},
        {SPECIAL "a\0b\n", sizeof(SPECIAL "a\0b\n") - 1, "v.txt, line 6: holds a zero byte"},
        {"\n", 0, "empty"},
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

/* Lines as Hugging Face reads them: ids are line numbers, blank lines stand in no text, the later of equal lines
 * counts, white space behind a piece is no part of it, and a byte order mark is none of the first. */
static void test_odd_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text, *piece;
        int id, size;
    } cases[] = {
        {SPECIAL "a\n\nb\n", "b", 7, 8},
        {SPECIAL "a\nb\na\n", "a", 7, 8},
        {SPECIAL "##a\nb\n##a\n", "##a", 7, 8},
        {SPECIAL "a\nb\n[MASK]\n", "[MASK]", 7, 8},
        {SPECIAL "a \nb\t\r\n", "a", 5, 7},
        {SPECIAL "a \nb\t\r\n", "b", 6, 7},
        {SPECIAL "a\xe3\x80\x80\nb\xc2\xa0\n", "b", 6, 7},
        {SPECIAL " a\nb\n", "a", -1, 7},
        {"\xef\xbb\xbf" SPECIAL "a\n", "[PAD]", 0, 6},
        {SPECIAL "\xe2\x80\xa8\na\n", "a", 6, 7},
        {SPECIAL "a\n\n\n", "a", 5, 6},
        {SPECIAL "a\r\n\r\n", "a", 5, 6},
        {SPECIAL "x\ry\na\n", "a", 6, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        el_vocab *vocab, *again;
        CHECK_OK(el_vocab_parse(&vocab, cases[i].text, strlen(cases[i].text), UNCASED, "v"));
        const int id = el_vocab_find(vocab, cases[i].piece, strlen(cases[i].piece));
        CHECK(id == cases[i].id && vocab->size == cases[i].size, "case %zu: %s is %d of %d, not %d of %d", i,
              cases[i].piece, id, vocab->size, cases[i].id, cases[i].size);
        CHECK_OK(el_vocab_parse(&again, vocab->text, vocab->text_bytes, UNCASED, "again"));
        CHECK_OK(el_vocab_same(vocab, "v", again, "again"));
        CHECK(vocab->hash == again->hash, "case %zu has another hash when read again", i);
        el_vocab_close(vocab);
        el_vocab_close(again);
    }
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
        cmocka_unit_test(test_faults), cmocka_unit_test(test_find), cmocka_unit_test(test_odd_lines),
        cmocka_unit_test(test_same),   cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
