/* shares - work on one text that several processes do a part of each, for folders below dist/
 *
 * Who has ranks fills it (dist/dist.h); zeroed it is one process alone.
 */
#ifndef EL_BASE_SHARES_H
#define EL_BASE_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef el_status el_shares_take(void *context, int part, const void *data, size_t bytes);

typedef struct {
    int part, parts; /* this process's number, and how many there are */
    bool own;        /* each has a text of its own: they stand one behind the other */
    void *context;
    /* What became of it on all of them. */
    el_status (*agree)(void *context, el_status mine);
    /* Something of each, of any length, to the first, which takes them in order. */
    el_status (*collect)(void *context, const void *mine, size_t bytes, el_shares_take *take, void *taker);
    /* EL_EUSAGE where a hash of `what` is another one on some of them. */
    el_status (*same)(void *context, const char *what, uint64_t hash);
    /* Bytes of one of them to all. */
    void (*share)(void *context, int from, void *data, size_t bytes);
} el_shares;

static inline bool el_shares_alone(const el_shares *s)
{
    return s->parts < 2;
}

/* Of a text that all read, as it has come: it is the same one. */
static inline el_status el_shares_same_text(const el_shares *s, uint64_t content)
{
    return el_shares_alone(s) || s->own ? EL_OK : s->same(s->context, "the content of the files", content);
}

#endif
