/* normalize - what the table says of whole blocks is what utf8proc says of each of their code points */
#include "folder.h"

#include <utf8proc.h>

#include "text/normalized.h"
#include "text/utf8.h"

/* Whether Hugging Face sets it apart, as it lists blocks of ideographs. */
static bool is_apart(uint32_t c)
{
    return (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
           (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/* The words of x, the character and y, with a space behind each. */
static void split(const el_normalizer *n, uint32_t c, char out[32])
{
    static el_words words;
    char text[8] = "x";
    int bytes = 1;
    bytes += el_utf8_encode(c, text + bytes);
    text[bytes++] = 'y';
    *out = 0;
    for (el_words_start(&words, n, text, (size_t)bytes); el_words_next(&words);)
        sprintf(out + strlen(out), "%.*s ", words.bytes, words.text);
}

static void check_character(const el_normalizer *n, uint32_t c, bool chinese_chars, bool clean_text)
{
    char own[5] = "", wanted[32], found[32];
    own[el_utf8_encode(c, own)] = 0;
    const bool dropped = clean_text && utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_CO;
    const char *const space = !dropped && chinese_chars && is_apart(c) ? " " : "";
    sprintf(wanted, "x%s%s%sy ", space, dropped ? "" : own, space);
    split(n, c, found);
    CHECK(strcmp(wanted, found) == 0, "U+%X: \"%s\", not \"%s\"", c, found, wanted);
}

/* Letters that have neither case nor parts, what is not assigned, private use: most of Unicode. */
static bool is_simple(uint32_t c)
{
    const utf8proc_property_t *const p = utf8proc_get_property((utf8proc_int32_t)c);
    const bool kind = p->category == UTF8PROC_CATEGORY_LO || p->category == UTF8PROC_CATEGORY_CN ||
                      p->category == UTF8PROC_CATEGORY_CO;
    return kind && p->decomp_seqindex == UINT16_MAX && p->lowercase_seqindex == UINT16_MAX;
}

/* The blocks of which the table is filled without asking utf8proc. */
static bool is_known(uint32_t c)
{
    return (c >= 0x3400 && c <= 0x4CFF) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x20000 && c <= 0x2F7FF) ||
           (c >= 0x2FB00 && c <= 0xDFFFF) || (c >= 0xE0200 && c <= 0x10FEFF);
}

static void test_blocks(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const bool chinese_chars = i & 1, clean_text = i & 2;
        el_normalizer *n;
        CHECK_OK(el_normalizer_open(&n, (el_casing){true, true, chinese_chars}, clean_text));
        for (uint32_t c = 0x3400; c < EL_CODE_POINTS; c++) {
            CHECK(!is_known(c) || is_simple(c), "U+%X has to be looked at by itself", c);
            if (is_known(c) && (c % 64 == 0 || (c & 0xFFFF) >= 0xF800 || c < 0x2CF00))
                check_character(n, c, chinese_chars, clean_text);
        }
        el_normalizer_close(n);
    }
}

static char *put_marks(char *at, uint32_t c, int times)
{
    for (int i = 0; i < times; i++)
        at += el_utf8_encode(c, at);
    return at;
}

/* More marks in a row than any language has: both ways of normalising have them in NFD's order, and none within another. */
static void test_many_marks(void **state)
{
    (void)state;
    enum { LOW = 0x1D165, MIDDLE = 0x302E, HIGH = 0x1D16D, SOME = 32 }; /* by their combining classes */
    static el_words words;
    char text[512], wanted[512], *at = text, *to = wanted;
    *at++ = *to++ = 'a';
    at = put_marks(put_marks(at, MIDDLE, SOME), HIGH, SOME);
    at = put_marks(put_marks(at, LOW, 1), MIDDLE, 1);
    to = put_marks(put_marks(put_marks(to, LOW, 1), MIDDLE, SOME + 1), HIGH, SOME);
    *at++ = *to++ = 'b';
    const size_t bytes = (size_t)(at - text);
    el_normalizer *n;
    el_normalized all = {0};
    CHECK_OK(el_normalizer_open(&n, (el_casing){true, true, true}, true));
    CHECK_OK(el_normalize(&all, n, text, bytes));
    CHECK(all.bytes == bytes && memcmp(all.text, wanted, bytes) == 0, "the text: %.*s, not %.*s",
          (int)all.bytes, all.text, (int)bytes, wanted);
    CHECK(all.from[1] == bytes - 8 && all.to[1] == bytes - 4, "the first mark comes from %u to %u",
          all.from[1], all.to[1]);
    el_words_start(&words, n, text, bytes);
    CHECK(el_words_next(&words) && (size_t)words.bytes == bytes && memcmp(words.text, wanted, bytes) == 0,
          "a word: %.*s, not %.*s", words.bytes, words.text, (int)bytes, wanted);
    el_normalized_release(&all);
    el_normalizer_close(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_blocks), cmocka_unit_test(test_many_marks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
