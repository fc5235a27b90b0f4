/* normalize_table - what becomes of each code point (of normalize.c and normalized.c only)
 *
 * An entry of the table says what becomes of a code point:
 *
 *   bits 0-20   the code point that it becomes, or the place of its expansion
 *   bits 21-23  the class of what it becomes
 *   MAPPED      bits 0-20 count; without it the code point stays itself
 *   EXPANDS     bits 0-20 are a place in `expansions`: a count, then that many entries, each MAPPED
 *   MOVES       NFD may move it: its combining class is not 0
 *   FIXES       it is dropped, but nothing moves across it (a mark of combining class 0)
 *
 * Blocks of 256 entries, equal ones shared; most of Unicode is one block of zeros.
 */
#ifndef EL_TEXT_NORMALIZE_TABLE_H
#define EL_TEXT_NORMALIZE_TABLE_H

#include "normalize.h"
#include "utf8.h"

enum {
    CLASS_PLAIN = 0,
    CLASS_DROP = 1 << 21,
    CLASS_SPACE = 2 << 21,
    CLASS_ALONE = 3 << 21,     /* a word of its own: punctuation */
    CLASS_IDEOGRAPH = 4 << 21, /* the same, with a space before and behind it in normalised text */
    CLASS_MASK = 7 << 21,
    MAPPED = 1 << 24,
    EXPANDS = 1 << 25,
    MOVES = 1 << 26,
    FIXES = 1 << 27,
    VALUE_MASK = (1 << 21) - 1
};

enum { BLOCK = 256, BLOCKS = EL_CODE_POINTS / BLOCK };

struct el_normalizer {
    uint32_t ascii[128];
    uint16_t stage[BLOCKS]; /* which of `blocks` each 256 code points have */
    uint32_t *blocks;
    int block_count;
    size_t block_room;
    uint32_t *expansions;
    int expansion_count;
    size_t expansion_room;
    bool clean_text;
};

static inline uint32_t table_entry(const el_normalizer *n, uint32_t c)
{
    return n->blocks[n->stage[c / BLOCK] * BLOCK + c % BLOCK];
}

/* The canonical combining class that NFD goes by. */
uint8_t el_combining_class(uint32_t c);

#endif
