/* pieces - a block of text on its way to tokens: cut into pieces that threads tokenise, each by itself */
#ifndef EL_DATA_PIECES_H
#define EL_DATA_PIECES_H

#include "base/shares.h"
#include "text/reader.h"
#include "text/wordpiece.h"

/* Some lines of a block: their ids, one line after the other. */
typedef struct {
    const char *text;
    size_t bytes;
    el_ids ids, ends; /* ends: for each line, where its ids end, or EL_PIECE_BLANK */
    int64_t unknown;
    el_status status;
} el_piece;

enum { EL_PIECE_BLANK = -1 };

typedef struct {
    el_block block;
    el_piece *list;
    int count;
    size_t room;
} el_pieces;

void el_pieces_release(el_pieces *pieces); /* accepts zeroed ones */

el_status el_pieces_cut(el_pieces *pieces, el_block block);
/* Tokenises one; any thread's work, with its own session. */
void el_pieces_tokenise(el_pieces *pieces, int piece, el_wordpiece *session, int unk);

/* What is tokenised, as bytes for another process, which can pack it from them; *bytes is a place that grows. */
typedef struct {
    char *data;
    size_t count, room;
} el_pieces_bytes;
el_status el_pieces_write(const el_pieces *pieces, el_pieces_bytes *bytes);
el_status el_pieces_read(el_pieces *pieces, const char *data, size_t bytes);

#endif
