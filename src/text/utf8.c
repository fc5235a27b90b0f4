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

/* A character of three bytes, as those of Korean, Chinese and Japanese are, whose first byte is not E0. */
static bool is_usual_three(const unsigned char *at)
{
    return at[0] > 0xE0 && at[0] < 0xF0 && (at[1] & 0xC0) == 0x80 && (at[2] & 0xC0) == 0x80 &&
           (at[0] != 0xED || at[1] < 0xA0);
}

size_t el_utf8_valid(const char *text, size_t bytes)
{
    size_t at = 0;
    while (at < bytes) {
        if (bytes - at >= 3 && is_usual_three((const unsigned char *)text + at)) {
            at += 3;
            continue;
        }
        uint64_t eight;
        if (bytes - at >= sizeof eight) {
            memcpy(&eight, text + at, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) { /* all ASCII */
                at += sizeof eight;
                continue;
            }
        }
        uint32_t code_point;
        bool ok;
        const int taken = decode((const unsigned char *)text + at, bytes - at, &code_point, &ok);
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
