/* rounds - see the header */
#include "data/rounds.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static el_status no_memory(size_t bytes)
{
    return el_fail(EL_ENOMEM, "no memory for %zu bytes of text", bytes);
}

el_status el_rounds_open(el_rounds *r, const el_shares *shares, el_reader *reader)
{
    const int parts = el_shares_alone(shares) ? 1 : shares->parts, texts = shares->own ? parts : 1;
    *r = (el_rounds){.shares = *shares, .reader = reader, .parts = parts, .texts = texts};
    r->places = calloc((size_t)texts, sizeof *r->places);
    return r->places ? EL_OK : no_memory((size_t)texts * sizeof *r->places);
}

void el_rounds_close(el_rounds *r)
{
    free(r->places);
    free(r->kept[0].data);
    free(r->kept[1].data);
}

static el_status keep_text(el_rounds *r)
{
    el_block *const block = &r->own;
    const int k = (int)(r->count % 2);
    if (block->bytes > r->kept[k].room) {
        free(r->kept[k].data);
        r->kept[k].data = malloc(block->bytes);
        r->kept[k].room = r->kept[k].data ? block->bytes : 0;
        if (!r->kept[k].data)
            return no_memory(block->bytes);
    }
    if (block->bytes)
        memcpy(r->kept[k].data, block->text, block->bytes);
    block->text = r->kept[k].data ? r->kept[k].data : "";
    return EL_OK;
}

/* A block of the process whose text it is, to all. */
static el_status send_block(el_rounds *r, el_block *block)
{
    const el_shares *const s = &r->shares;
    const bool sends = s->part == r->source;
    el_status st = s->agree(s->context, sends ? el_reader_next(r->reader, block) : EL_OK);
    if (st)
        return st;
    s->share(s->context, r->source, block, sizeof *block);
    char *const text = sends ? (char *)block->text : malloc(block->bytes + 1);
    st = s->agree(s->context, text ? EL_OK : no_memory(block->bytes));
    if (!st)
        s->share(s->context, r->source, text, block->bytes);
    if (!sends)
        block->text = text;
    r->places[r->source] = block->end;
    return st;
}

static el_status next_of_all(el_rounds *r, el_block *block, bool *received)
{
    *block = (el_block){0};
    el_status st = EL_OK;
    for (*received = false; !st && !block->bytes && r->source < r->parts; r->source += !block->bytes) {
        st = send_block(r, block);
        *received = r->shares.part != r->source;
        if (*received && !block->bytes)
            free((char *)block->text);
    }
    *received &= block->bytes > 0;
    return st;
}

static el_status next_of_one(el_rounds *r, el_block *block)
{
    const el_status st = el_reader_next(r->reader, block);
    r->places[0] = block->end;
    if (!st && r->parts > 1)
        r->content = el_hash_with(r->content, block->text, block->bytes);
    return st;
}

el_status el_rounds_next(el_rounds *r)
{
    el_status st = EL_OK;
    r->own = (el_block){.text = ""};
    r->some = false;
    r->count++;
    for (int i = 0; !st && i < r->parts; i++) {
        el_block block = {0};
        bool received = false;
        st = r->shares.own ? next_of_all(r, &block, &received) : next_of_one(r, &block);
        if (!st && i == r->shares.part) {
            r->own = block;
            st = el_shares_alone(&r->shares) ? EL_OK : keep_text(r);
        }
        r->some |= !st && block.bytes > 0;
        if (received)
            free((char *)block.text);
    }
    return st;
}
