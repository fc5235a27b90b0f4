/* pieces - see the header */
#include "data/pieces.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

static const size_t PIECE = 64 << 10; /* bytes of whole lines that one thread tokenises at a time */

void el_pieces_release(el_pieces *p)
{
    for (size_t i = 0; i < p->room; i++) {
        el_ids_release(&p->list[i].ids);
        el_ids_release(&p->list[i].ends);
    }
    free(p->list);
    *p = (el_pieces){0};
}

static el_piece *next_piece(el_pieces *p)
{
    const size_t before = p->room;
    if (!el_grow(&p->list, &p->room, (size_t)p->count + 1, sizeof *p->list))
        return NULL;
    memset(p->list + before, 0, (p->room - before) * sizeof *p->list);
    return &p->list[p->count++];
}

el_status el_pieces_cut(el_pieces *p, el_block block)
{
    p->block = block;
    p->count = 0;
    for (size_t at = 0; at < block.bytes;) {
        el_piece *const next = next_piece(p);
        if (!next)
            return el_no_memory(NULL);
        next->text = block.text + at;
        next->bytes = el_lines_cut(next->text, block.bytes - at, PIECE);
        at += next->bytes;
    }
    return EL_OK;
}

static el_status tokenise_line(el_piece *p, el_wordpiece *session, el_line line)
{
    el_status st = el_ids_reserve(&p->ends, 1);
    const bool blank = el_line_blank(line);
    if (!st && !blank)
        st = el_wordpiece_encode(session, line.text, line.bytes, &p->ids);
    if (!st)
        p->ends.data[p->ends.count++] = blank ? EL_PIECE_BLANK : (int32_t)p->ids.count;
    return st;
}

/* Returns the piece with its ids: it is worked on here, where no other thread writes beside it. */
static el_piece tokenise(el_piece p, el_wordpiece *session, int unk)
{
    const char *at = p.text;
    el_line line;
    p.status = EL_OK;
    p.ids.count = p.ends.count = 0;
    p.unknown = 0;
    while (!p.status && el_line_next(&at, p.text + p.bytes, &line))
        p.status = tokenise_line(&p, session, line);
    for (size_t i = 0; i < p.ids.count; i++)
        p.unknown += p.ids.data[i] == unk;
    return p;
}

void el_pieces_tokenise(el_pieces *p, int piece, el_wordpiece *session, int unk)
{
    p->list[piece] = tokenise(p->list[piece], session, unk);
}

/* ---- for another process ---- */

typedef struct {
    uint64_t bytes;
    int32_t pieces, cut;
} block_header;

typedef struct {
    uint64_t ids, ends;
    int64_t unknown;
} piece_header;

static void put(el_pieces_bytes *b, const void *data, size_t bytes)
{
    if (bytes)
        memcpy(b->data + b->count, data, bytes);
    b->count += bytes;
}

el_status el_pieces_write(const el_pieces *p, el_pieces_bytes *b)
{
    size_t need = sizeof(block_header);
    for (int i = 0; i < p->count; i++)
        need += sizeof(piece_header) + (p->list[i].ids.count + p->list[i].ends.count) * sizeof(int32_t);
    if (!el_grow(&b->data, &b->room, need, 1))
        return el_no_memory(NULL);
    const block_header header = {p->block.bytes, p->count, p->block.cut};
    b->count = 0;
    put(b, &header, sizeof header);
    for (int i = 0; i < p->count; i++) {
        const el_piece *const piece = &p->list[i];
        const piece_header sizes = {piece->ids.count, piece->ends.count, piece->unknown};
        put(b, &sizes, sizeof sizes);
        put(b, piece->ids.data, piece->ids.count * sizeof(int32_t));
        put(b, piece->ends.data, piece->ends.count * sizeof(int32_t));
    }
    return EL_OK;
}

static const char *get(const char *at, void *data, size_t bytes)
{
    if (bytes)
        memcpy(data, at, bytes);
    return at + bytes;
}

static const char *read_ids(const char *at, el_ids *ids, size_t count, el_status *st)
{
    ids->count = 0;
    *st = el_ids_reserve(ids, count);
    if (*st)
        return at;
    ids->count = count;
    return get(at, ids->data, count * sizeof *ids->data);
}

el_status el_pieces_read(el_pieces *p, const char *data, size_t bytes)
{
    block_header header;
    const char *at = get(data, &header, sizeof header);
    p->count = 0;
    p->block = (el_block){.bytes = header.bytes, .cut = header.cut};
    el_status st = EL_OK;
    for (int i = 0; !st && i < header.pieces; i++) {
        el_piece *const piece = next_piece(p);
        if (!piece)
            return el_no_memory(NULL);
        piece_header sizes;
        at = get(at, &sizes, sizeof sizes);
        piece->unknown = sizes.unknown;
        at = read_ids(at, &piece->ids, sizes.ids, &st);
        if (!st)
            at = read_ids(at, &piece->ends, sizes.ends, &st);
    }
    assert((st || at == data + bytes) && "what was written is read");
    return st;
}
