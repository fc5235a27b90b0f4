/* tokenizer_pieces - the vocabulary of a tokenizer.json, which is nearly all of the file
 *
 * A value of jansson's for each of 30000 pieces, and for its number, takes longer than all else that opens a model.  So
 * the object "vocab" of "model" is cut out and read here; what is left of the document is parsed with an empty one in
 * its place.  Only plain JSON is read: where there is an escape beyond one letter, a name twice or a number that is no
 * id, nothing is cut, and the whole document is jansson's to read or to refuse.
 */
#ifndef EL_FORMAT_TOKENIZER_PIECES_H
#define EL_FORMAT_TOKENIZER_PIECES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

typedef struct {
    const char *text;
    int64_t id; /* negative: what stands there is no whole number from 0 up */
} el_named_piece;

/* In the order of the file; all texts differ. */
typedef struct {
    el_named_piece *items;
    size_t count;
    char *strings; /* texts that are not borrowed */
} el_named_pieces;

/* *rest is the document without them, on the heap, or NULL where nothing was cut. */
el_status el_named_pieces_cut(el_named_pieces *pieces, const char *json, size_t bytes, char **rest);

/* Those of an object of jansson's, whose texts are borrowed. */
el_status el_named_pieces_list(el_named_pieces *pieces, const json_t *object);

void el_named_pieces_release(el_named_pieces *pieces); /* accepts zeroed ones */

#endif
