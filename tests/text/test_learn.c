/* learn - merges come in the order of their counts, and nothing but text and settings matters */
#define _GNU_SOURCE
#include "folder.h"

#include "base/log.h"
#include "base/random.h"
#include "text/learn.h"

static const el_casing CASED = {false, false, true};

static el_status learn_text(el_vocab **vocab, const char *text, size_t bytes,
                            const el_learn_settings *settings, size_t block_bytes)
{
    el_reader *reader;
    CHECK_OK(el_file_write(in_folder("text"), text, bytes));
    char *path = (char *)(uintptr_t)in_folder("text");
    CHECK_OK(el_reader_open(&reader, &path, 1, (el_reader_settings){.block_bytes = block_bytes}));
    const el_status st = el_learn(vocab, reader, settings);
    el_reader_close(reader);
    return st;
}

static void check_learnt(const char *text, const el_learn_settings *settings, const char *expected)
{
    el_vocab *vocab;
    CHECK_OK(learn_text(&vocab, text, strlen(text), settings, 0));
    const char *pieces = vocab->text + strlen("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    char shown[1024] = "";
    for (size_t i = 0; pieces + i < vocab->text + vocab->text_bytes; i++)
        strncat(shown, pieces[i] == '\n' ? " " : (const char[]){pieces[i], 0}, 2);
    CHECK(strcmp(shown, expected) == 0, "learnt \"%s\", not \"%s\"", shown, expected);
    el_vocab_close(vocab);
}

/* By hand: "abab" x 3 and "ab" x 2. ab has 3 + 2 = 5, then ##ab 3 (as a##b is taken), and so on. */
static void test_merges(void **state)
{
    (void)state;
    el_learn_settings s = {.vocab_size = 40, .min_frequency = 2, .casing = CASED, .threads = 1};
    /* pairs: (a ##b) 5, (##b ##a) 3, (##a ##b) 3; then (ab ##a) 3 and (##a ##b) 3: the tie goes to lower ids
     */
    check_learnt("abab ab\nabab ab\n\nabab", &s, "a b ##b ##a ab ##ab abab ");
    /* below min_frequency nothing is merged */
    s.min_frequency = 6;
    check_learnt("abab ab\nabab ab\n\nabab", &s, "a b ##b ##a ");
    s.min_frequency = 2;
    s.casing = (el_casing){true, true, true};
    check_learnt("\xc3\x89T\xc3\x89, \xc3\xa9t\xc3\xa9!", &s, "! , e t ##e ##t et ete ");
}

/* The alphabet is cut to its most frequent characters, and words lose the others; the size is never passed.
 */
static void test_limits(void **state)
{
    (void)state;
    el_learn_settings s = {
        .vocab_size = 40, .min_frequency = 2, .limit_alphabet = 2, .casing = CASED, .threads = 1};
    check_learnt("aab aab aab c d", &s, "a b ##a ##b aa aab ");
    char text[4096], *at = text;
    for (int i = 0; i < 26; i++)
        for (int j = 0; j < 26; j++)
            at += sprintf(at, "%c%c ", 'a' + i, 'a' + j);
    for (int size = 16; size < 120; size += 13) {
        el_vocab *vocab;
        s = (el_learn_settings){
            .vocab_size = size, .min_frequency = 1, .limit_alphabet = 26, .casing = CASED, .threads = 1};
        CHECK_OK(learn_text(&vocab, text, (size_t)(at - text), &s, 0));
        CHECK(vocab->size <= size && vocab->size > size / 2, "%d pieces of %d", vocab->size, size);
        el_vocab_close(vocab);
    }
}

/* Words with a distribution as in real text. */
static char *make_text(size_t words, size_t *bytes)
{
    const el_random random = {.seed = 3};
    char *text = malloc(words * 24), *at = text;
    for (size_t i = 0; i < words; i++) {
        const double u = el_random_uniform(random, i);
        const uint64_t word = (uint64_t)(5000 * u * u * u);
        for (uint64_t j = 0, length = 2 + el_random_below(random, 1000000 + word, 8); j < length; j++)
            *at++ = "etaoinshrdluETAO.,"[el_random_below(random, 2000000 + 16 * word + j, 18)];
        *at++ = i % 17 ? ' ' : '\n';
    }
    *bytes = (size_t)(at - text);
    return text;
}

/* The same pieces with one thread and three, with large blocks and small, and when counting runs out of
 * memory. */
static void test_determinism(void **state)
{
    (void)state;
    size_t bytes;
    char *text = make_text(200000, &bytes);
    uint64_t hash[2] = {0};
    for (int i = 0; i < 6; i++) {
        const bool pruned = i >= 3;
        const el_learn_settings s = {.vocab_size = 800,
                                     .min_frequency = 2,
                                     .casing = {true, true, true},
                                     .threads = 1 + i % 3,
                                     .memory_bytes = pruned ? 60000 : 0};
        el_vocab *vocab;
        CHECK_OK(learn_text(&vocab, text, bytes, &s, pruned ? 100000 : i == 2 ? 4096 : 0));
        CHECK(vocab->size > 500, "%d pieces", vocab->size);
        CHECK(i % 3 == 0 || vocab->hash == hash[pruned], "another vocabulary with %d threads", s.threads);
        hash[pruned] = vocab->hash;
        el_vocab_close(vocab);
    }
    CHECK(hash[0] != hash[1], "memory has not been short at all");
    free(text);
}

static char last_line[512];

static void keep_line(el_log_level level, const char *line)
{
    (void)level;
    snprintf(last_line, sizeof last_line, "%s", line);
}

/* Korean text that would be taken apart draws a warning that names the flag, and only then. */
static void test_hangul(void **state)
{
    (void)state;
    el_vocab *vocab;
    el_log_to(keep_line);
    el_learn_settings s = {
        .vocab_size = 100, .min_frequency = 2, .casing = {true, false, true}, .threads = 1};
    const char *text = "\xed\x95\x9c\xea\xb5\xad \xed\x95\x9c\xea\xb5\xad";
    last_line[0] = 0;
    CHECK_OK(learn_text(&vocab, text, strlen(text), &s, 0));
    CHECK(!last_line[0] && el_vocab_find(vocab, "\xed\x95\x9c\xea\xb5\xad", 6) >= 0, "warned \"%s\"",
          last_line);
    el_vocab_close(vocab);
    s.casing.strip_accents = true;
    CHECK_OK(learn_text(&vocab, text, strlen(text), &s, 0));
    CHECK(strstr(last_line, "--no-strip-accents"), "warned \"%s\"", last_line);
    el_vocab_close(vocab);
    const char *const decomposed = "a bird \xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\n"; /* 3 of 8 letters */
    last_line[0] = 0;
    CHECK_OK(
        learn_text(&vocab, decomposed, strlen(decomposed), &s, 0)); /* whole syllables come to the same */
    CHECK(strstr(last_line, "--no-strip-accents"), "warned \"%s\"", last_line);
    el_vocab_close(vocab);
    s.casing.strip_accents = false;
    CHECK_OK(learn_text(&vocab, decomposed, strlen(decomposed), &s, 0));
    CHECK(strstr(last_line, "38 % of the text") && strstr(last_line, "uconv -x any-nfc"), "warned \"%s\"",
          last_line);
    el_vocab_close(vocab);
    el_log_to(NULL);
}

/* An alphabet larger than the vocabulary has room for is cut, which is said, and only then. */
static void test_no_room(void **state)
{
    (void)state;
    static const struct {
        int limit_alphabet;
        const char *text, *said;
    } CASES[] = {{10, "aaaa bbbb cccc dddd eeee ffg",
                  "a vocabulary of 17 pieces has room for 6 characters and their continuations; "
                  "of 7 in the text the rarest are left out, 4.35 % of all"},
                 {10, "aa bb cc dd ee ff", NULL},
                 {6, "aa bb cc dd ee ff g", NULL},
                 {0, "aa bb cc dd ee ff g", NULL}};
    el_log_to(keep_line);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const el_learn_settings s = {.vocab_size = 17,
                                     .min_frequency = 2,
                                     .limit_alphabet = CASES[i].limit_alphabet,
                                     .casing = CASED,
                                     .threads = 1};
        el_vocab *vocab;
        last_line[0] = 0;
        CHECK_OK(learn_text(&vocab, CASES[i].text, strlen(CASES[i].text), &s, 0));
        CHECK(CASES[i].said ? strstr(last_line, CASES[i].said) != NULL : !last_line[0],
              "case %zu: said \"%s\"", i, last_line);
        el_vocab_close(vocab);
    }
    el_log_to(NULL);
}

static void test_faults(void **state)
{
    (void)state;
    el_vocab *vocab;
    el_learn_settings s = {.vocab_size = 100, .min_frequency = 2, .casing = CASED, .threads = 2};
    CHECK_FAILS(learn_text(&vocab, "", 0, &s, 0), EL_EDATA, "no words");
    CHECK_FAILS(learn_text(&vocab, " \n\x01\n", 4, &s, 0), EL_EDATA, "no words");
    s.vocab_size = 8;
    CHECK_FAILS(learn_text(&vocab, "a b", 3, &s, 0), EL_EUSAGE, "8 pieces");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges), cmocka_unit_test(test_limits),  cmocka_unit_test(test_determinism),
        cmocka_unit_test(test_hangul), cmocka_unit_test(test_no_room), cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
