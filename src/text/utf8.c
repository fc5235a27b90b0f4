/* utf8 - from bytes to code points and back (Unicode standard, table 3-7)
 *
 * first byte   second byte   then
 * 00..7F
 * C2..DF       80..BF
 * E0           A0..BF        one continuation
 * E1..EC       80..BF        one
 * ED           80..9F        one (no surrogates)
 * EE..EF       80..BF        one
 * F0           90..BF        two
 * F1..F3       80..BF        two
 * F4           80..8F        two (up to U+10FFFF)
 */
#include "utf8.h"

#include <string.h>

#include <utf8proc.h>

/* How many bytes a character with this first byte has, 0 where none begins so, and what its second may be. */
static int length_of(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    if (first < 0xE0)
        return 2;
    if (first == 0xE0)
        *low = 0xA0;
    if (first == 0xED)
        *high = 0x9F;
    if (first == 0xF0)
        *low = 0x90;
    if (first == 0xF4)
        *high = 0x8F;
    return first < 0xF0 ? 3 : 4;
}

/* As el_utf8_decode, and 0 in *ok where the bytes are no character. */
static int decode(const unsigned char *at, size_t left, uint32_t *code_point, bool *ok)
{
    unsigned char low, high;
    const int length = length_of(at[0], &low, &high);
    *ok = false;
    *code_point = EL_REPLACEMENT;
    if (length == 0)
        return 1;
    uint32_t value = length == 1 ? at[0] : at[0] & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        if ((size_t)i >= left || at[i] < low || at[i] > high)
            return i;
        value = value << 6 | (at[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *ok = true;
    *code_point = value;
    return length;
}

int el_utf8_decode(const char *at, const char *end, uint32_t *code_point)
{
    bool ok;
    return decode((const unsigned char *)at, (size_t)(end - at), code_point, &ok);
}

int el_utf8_encode(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

int el_utf8_beginning(const char *text, size_t bytes, size_t most)
{
    size_t shown = bytes < most ? bytes : most;
    while (shown && shown < bytes && ((unsigned char)text[shown] & 0xC0) == 0x80)
        shown--;
    return (int)shown;
}

static bool is_ascii(const char *text)
{
    uint64_t words[4];
    memcpy(words, text, sizeof words);
    return !((words[0] | words[1] | words[2] | words[3]) & UINT64_C(0x8080808080808080));
}

enum { BEFORE = 3, STRETCH = 512 };

/* Whether STRETCH bytes may stand where they do, behind BEFORE ones.  Without branches, so that a compiler takes many at a
 * time. */
static bool is_stretch(const unsigned char *text)
{
    unsigned char wrong = 0;
    for (int i = 0; i < STRETCH; i++) {
        const unsigned char third = text[i], second = text[i + 1], first = text[i + 2], b = text[i + BEFORE];
        const unsigned char goes_on = (b & 0xC0) == 0x80,
                            wanted = (first >= 0xC0) | (second >= 0xE0) | (third >= 0xF0);
        wrong |= (goes_on ^ wanted) | (b >= 0xF5) | ((b | 1) == 0xC1) | ((first == 0xE0) & (b < 0xA0)) |
                 ((first == 0xED) & (b >= 0xA0)) | ((first == 0xF0) & (b < 0x90)) |
                 ((first == 0xF4) & (b >= 0x90));
    }
    return !wrong;
}

size_t el_utf8_valid(const char *text, size_t bytes)
{
    const unsigned char *const all = (const unsigned char *)text;
    size_t at = 0, next = BEFORE; /* where a stretch may be tried */
    while (at < bytes) {
        if (all[at] < 0x80) {
            at += bytes - at >= 32 && is_ascii(text + at) ? 32 : 1;
            continue;
        }
        if (at >= next && bytes - at >= STRETCH) {
            next = at + STRETCH;
            if (is_stretch(all + at - BEFORE)) {
                at = next - 1;
                while ((all[at] & 0xC0) == 0x80) /* its last character may go on */
                    at--;
                next = at;
                continue;
            }
        }
        uint32_t code_point;
        bool ok;
        const int taken = decode(all + at, bytes - at, &code_point, &ok);
        if (!ok)
            return at;
        at += (size_t)taken;
    }
    return bytes;
}

char *el_utf8_composed(const char *text)
{
    utf8proc_uint8_t *composed = NULL;
    const char *at = text;
    while (*at && (unsigned char)*at < 0x80)
        at++;
    if (*at)
        utf8proc_map((const utf8proc_uint8_t *)text, 0, &composed,
                     UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    return (char *)composed;
}
