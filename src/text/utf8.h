/* utf8 - from bytes to code points and back
 *
 * Text may hold any bytes.  A byte sequence that is not UTF-8 (cut short, overlong, a surrogate, beyond
 * U+10FFFF, a stray continuation) reads as U+FFFD, one for each longest part that could have begun a
 * character, as the Unicode standard recommends and Python and Rust do.  The tokeniser drops U+FFFD, so
 * broken bytes vanish and never join what they do not touch.
 */
#ifndef EL_TEXT_UTF8_H
#define EL_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EL_REPLACEMENT = 0xFFFD, EL_CODE_POINTS = 0x110000 };

/* Reads one code point from [at, end), at < end; returns how many bytes it took, at least 1. */
int el_utf8_decode(const char *at, const char *end, uint32_t *code_point);

/* Writes a code point; returns how many bytes it took, at most 4. */
int el_utf8_encode(uint32_t code_point, char *out);

/* The number of leading bytes that are whole valid characters; `bytes` if all are. */
size_t el_utf8_valid(const char *text, size_t bytes);

/* How many bytes the whole characters among the first `most` bytes have: for "%.*s" in a sentence that quotes a beginning. */
int el_utf8_beginning(const char *text, size_t bytes, size_t most);

/* The text in Unicode's composed form (NFC), on the heap; NULL for ASCII, which is its own, for what is not UTF-8, and
 * without memory. */
char *el_utf8_composed(const char *text);

#endif
