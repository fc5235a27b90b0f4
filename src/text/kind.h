/* kind - whether bytes are text, from the beginning of a file
 *
 * Files of other kinds (archives, documents, pictures), UTF-16 and binary data are refused by name; so is text in another
 * encoding than UTF-8, where more of what is not ASCII is broken than whole, and text whose lines end in carriage returns
 * alone.  So is text that goes over to another encoding later: where of 8 MB, or of a shorter file, one byte in 128 is broken,
 * and more are than there are whole characters beyond ASCII.  A few broken bytes in good text pass, which is said: the tokeniser
 * drops them.  Characters that are cut at the ends of lines, and surrogates, are no other encoding, however many there are.
 */
#ifndef EL_TEXT_KIND_H
#define EL_TEXT_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* EL_EDATA with a sentence about `name` where [text, text + bytes), the beginning of a file, is not what it should be.
 * `encoded`: whether text of another encoding is refused; who checks every line may rather say which line it is. */
el_status el_kind_check(const char *text, size_t bytes, bool encoded, const char *name);

/* What stands in text beside ASCII. */
typedef struct {
    uint64_t whole;      /* characters */
    uint64_t cut;        /* bytes of characters that a line's end cuts behind the second byte or later */
    uint64_t cut_first;  /* first bytes of characters alone at a line's end: cut too, or letters of Latin-1 */
    uint64_t surrogates; /* bytes of them, in which CESU-8 has a character beyond U+FFFF */
    uint64_t strange;    /* bytes that are broken otherwise */
    uint64_t pairs;      /* of them, those with another byte beyond ASCII behind them */
} el_kind_counts;

/* The lines of a file so far, and those of them that are not UTF-8.  Zero it for each file. */
typedef struct {
    uint64_t bytes, ended;        /* lines: by their newlines */
    uint64_t broken, first, last; /* how many, and the numbers of two of them, from 1 */
    el_kind_counts counts;        /* of those, each from where it is broken on */
} el_kind_lines;

/* Takes the next lines of a file; the last one may be cut.  EL_EDATA where too much of them is not UTF-8. */
el_status el_kind_check_lines(el_kind_lines *lines, const char *text, size_t bytes, const char *name);
/* At the end of a file: warns of the lines that are not UTF-8; of none says nothing. */
void el_kind_say_lines(const el_kind_lines *lines, const char *name);

/* Whether a line, or a text of somebody's, is UTF-8 to its end, without a zero byte; else what is to be said of it. */
enum { EL_KIND_SAID = 128 };
bool el_kind_check_line(const char *text, size_t bytes, char said[EL_KIND_SAID]);

#endif
