/* json_line - the text under a key of a JSON object, as its bytes come
 *
 * A line of a corpus may be longer than memory should hold: it is looked through in any number of pieces, and what a piece
 * says of the text is given at once.  All of it takes no more bytes than the line had up to there.
 */
#ifndef EL_TEXT_JSON_LINE_H
#define EL_TEXT_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EL_JSON_DEPTH = 2048, /* of objects and lists in each other, as jansson has it */
    EL_JSON_GAP = 3 /* bytes that a piece may give beyond its own: it ended what an escape before it began */
};

typedef struct {
    const char *key;
    uint64_t taken;   /* bytes of the line */
    bool found, done; /* a text; all of the object */
    /* what follows is json_line.c's */
    uint8_t state, number, digits, sink;
    uint32_t unit, high;     /* of \u: digits so far, and the first half of a pair */
    size_t matched;          /* bytes of `key` that the name being read begins with */
    const char *literal;     /* what is to come of true, false or null */
    char character[4];       /* one that a piece has cut, as far as it has come */
    uint8_t character_bytes; /* of it */
    bool wanted;             /* the value to come is that of `key` */
    int depth;
    uint8_t objects[EL_JSON_DEPTH / 8]; /* a bit for each that is open: an object, not a list */
} el_json_line;

void el_json_line_begin(el_json_line *line, const char *key);

/* Takes all of a piece, in which there is no newline.  *made: the bytes of text written to `out`, which may lie
 * EL_JSON_GAP bytes before the piece, for the first one just there.  Returns NULL or what is wrong, and then line->taken
 * is where. */
const char *el_json_line_take(el_json_line *line, const char *piece, size_t bytes, char *out, size_t *made);

#endif
