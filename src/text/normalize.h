/* normalize - from raw text to the words that are cut into pieces
 *
 * The steps of BERT, in the order of Hugging Face's Rust `tokenizers`:
 *   1. drop U+0000, U+FFFD, control, format and private-use characters, but for tab, newline, carriage
 *      return; white space becomes a space;
 *   2. with chinese_chars, a space around each CJK ideograph;
 *   3. with strip_accents, canonical decomposition (NFD), then drop nonspacing marks;
 *   4. with lowercase, lower-case each character by itself (no final sigma);
 *   5. split at spaces, then make each punctuation character a word of its own.
 * All but NFD's reordering is a function of single code points, so a normalizer is one table from code
 * point to what becomes of it, built when opened (a few milliseconds), immutable after, shared by threads.
 *
 * Spaces separate words whatever stands around them: text may be cut at any of them, and the words of the
 * parts are the words of the whole.
 */
#ifndef EL_TEXT_NORMALIZE_H
#define EL_TEXT_NORMALIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* How a vocabulary wants its text; Hugging Face's do_lower_case, strip_accents, tokenize_chinese_chars. */
typedef struct {
    bool lowercase, strip_accents, chinese_chars;
} el_casing;

typedef struct el_normalizer el_normalizer;

/* Without clean_text (Hugging Face's switch) step 1 is left out: what it drops is a character like others. */
el_status el_normalizer_open(el_normalizer **normalizer, el_casing casing, bool clean_text);
void el_normalizer_close(el_normalizer *normalizer); /* accepts NULL */

/* Unicode's White_Space, as Rust and Python's str.isspace nearly have it. */
bool el_is_white_space(uint32_t code_point);
/* Moves *text behind the white space, zero-width spaces (U+200B) and byte order marks (U+FEFF) that it begins with; the bytes
 * that are left, without those at the end. */
size_t el_without_blanks(const char **text, size_t bytes);
/* Whether there is nothing else in a text. */
bool el_is_blank(const char *text);

enum {
    EL_WORD_CHARACTERS =
        100,            /* longer words are [UNK] unless a vocabulary says otherwise, as in Hugging Face */
    EL_WORD_MOST = 1000 /* what a vocabulary may say */
};

/* Walks the words of a text.  While el_words_next returns true, `text`, `bytes` and `characters` are the
 * next word, UTF-8, not terminated.  A word of more than EL_WORD_MOST characters is cut there, and
 * `characters` says EL_WORD_MOST + 1.  Character c (below the limit) starts at byte at[c] of the word
 * and comes from bytes [from[c], to[c]) of the text; to_end is where the whole word's last character ends
 * there. */
typedef struct {
    char text[4 * (EL_WORD_MOST + 1)];
    int bytes, characters;
    uint16_t at[EL_WORD_MOST + 2];
    uint32_t from[EL_WORD_MOST + 2], to[EL_WORD_MOST + 2];
    uint32_t to_end;
    /* where the walk stands */
    const el_normalizer *normalizer;
    const char *start, *next, *end;
    const uint32_t *rest; /* what remains of an expansion */
    int rest_count;
    uint32_t rest_from, rest_to;
    uint8_t order[EL_WORD_MOST + 2]; /* canonical combining class of each character */
    int movable;                     /* characters before this one keep their place in the word */
} el_words;

/* `bytes` below 4 GiB. */
void el_words_start(el_words *words, const el_normalizer *normalizer, const char *text, size_t bytes);
bool el_words_next(el_words *words);

#endif
