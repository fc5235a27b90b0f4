/* text - see the header */
#include "serve/http/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/number.h"

static bool make_room(el_text *t, size_t more)
{
    t->failed = t->failed || !el_grow(&t->data, &t->room, t->bytes + more + 1, 1);
    return !t->failed;
}

void el_text_raw(el_text *t, const void *data, size_t bytes)
{
    if (!bytes || !make_room(t, bytes))
        return;
    memcpy(t->data + t->bytes, data, bytes);
    t->bytes += bytes;
    t->data[t->bytes] = '\0';
}

void el_text_put(el_text *t, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = el_number_vprint(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < (int)sizeof line) {
        el_text_raw(t, line, length > 0 ? (size_t)length : 0);
        return;
    }
    if (!make_room(t, (size_t)length + 1))
        return;
    va_start(arguments, format);
    length = el_number_vprint(t->data + t->bytes, (size_t)length + 1, format, arguments);
    va_end(arguments);
    t->bytes += (size_t)length;
}

void el_text_string(el_text *t, const char *string, size_t bytes)
{
    el_text_raw(t, "\"", 1);
    for (size_t at = 0, plain; at < bytes; at += plain + 1) {
        for (plain = 0; at + plain < bytes; plain++) {
            const unsigned char c = (unsigned char)string[at + plain];
            if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
                break;
        }
        el_text_raw(t, string + at, plain);
        if (at + plain == bytes)
            break;
        const unsigned char c = (unsigned char)string[at + plain];
        if (c == '"' || c == '\\')
            el_text_raw(t, (char[]){'\\', (char)c}, 2);
        else
            el_text_put(t, "\\u%04x", c);
    }
    el_text_raw(t, "\"", 1);
}

/* Vectors are long and printf is slow, so numbers of usual size are printed here: nine digits are a whole number that a
 * double holds exactly. */
static int print_usual(char *to, double value)
{
    static const double TENS[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                  1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};
    int places = 8; /* behind the point */
    for (; places > 0 && value >= TENS[9 - places]; places--)
        ;
    for (; places < 13 && value * TENS[places] < 1e8; places++)
        ;
    uint64_t digits = (uint64_t)(value * TENS[places] + 0.5);
    char reversed[32];
    int count = 0, length = 0;
    for (; places > 0 && digits % 10 == 0; places--)
        digits /= 10;
    for (int i = 0; digits || i <= places; i++, digits /= 10) {
        if (i == places && places)
            reversed[count++] = '.';
        reversed[count++] = (char)('0' + digits % 10);
    }
    while (count)
        to[length++] = reversed[--count];
    return length;
}

void el_text_number(el_text *t, double value)
{
    const double size = fabs(value);
    if (!isfinite(value)) {
        el_text_raw(t, "null", 4);
    } else if (size >= 1e-5 && size < 1e8) {
        char digits[40] = "-";
        const int sign = value < 0, length = print_usual(digits + 1, size);
        el_text_raw(t, digits + 1 - sign, (size_t)(length + sign));
    } else {
        el_text_put(t, "%.9g", value);
    }
}

void el_text_base64(el_text *t, const void *data, size_t bytes)
{
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *const from = data;
    if (!make_room(t, (bytes + 2) / 3 * 4 + 1))
        return;
    char *to = t->data + t->bytes;
    for (size_t at = 0; at < bytes; at += 3) {
        const size_t left = bytes - at;
        const uint32_t three = (uint32_t)from[at] << 16 | (left > 1 ? (uint32_t)from[at + 1] << 8 : 0) |
                               (left > 2 ? (uint32_t)from[at + 2] : 0);
        *to++ = LETTERS[three >> 18];
        *to++ = LETTERS[three >> 12 & 63];
        *to++ = left > 1 ? LETTERS[three >> 6 & 63] : '=';
        *to++ = left > 2 ? LETTERS[three & 63] : '=';
    }
    t->bytes = (size_t)(to - t->data);
    *to = '\0';
}
