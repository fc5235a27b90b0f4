/* tree - gradients of all ranks along one binary tree
 *
 * A sum of floats depends on its order.  MPI_Allreduce adds in an order that depends on the number of ranks, on the size and
 * on the network; a run would not give the same bits on two machines as on four.  Here the order is fixed: a batch's leaves
 * are the leaves of a binary tree, a rank owns a subtree of it (train/leaves.h), and ranks add neighbours first.
 *
 * Recursive halving and doubling does just that with the fewest bytes.  At distance 1, 2, 4, ... a rank has the sum of its
 * subtree over a part of the region, and so has its peer, the rank across that distance, of the neighbouring subtree.  Each
 * keeps one half of the part, gives the other away, and adds: what it keeps is now the sum of both.  Behind the last distance
 * every rank has its own piece of the whole; the same way back hands the pieces round.  2 (R - 1) / R of the region goes
 * out and comes in at each rank.  The first distances move most and are between neighbours, who share a machine.
 *
 * A half moves in blocks, a window of them at a time, so that one is added while the next are under way.  Two at a time of
 * 2 MB left a link of 1 Gbit/s idle between them; the whole half in one message leaves the adding to the end.
 */
#include <assert.h>

#include "dist/dist.h"

enum { BLOCK = 1 << 20, MOST_DISTANCES = 20 }; /* numbers: 4 MB */

typedef struct {
    size_t begin, end;
} part;

static size_t size_of(part p)
{
    return p.end - p.begin;
}

/* Numbers of the block of a part that begins so far behind its beginning. */
static size_t block_at(part p, size_t at)
{
    const size_t left = at < size_of(p) ? size_of(p) - at : 0;
    return left < BLOCK ? left : BLOCK;
}

static size_t longer(part a, part b)
{
    return size_of(a) > size_of(b) ? size_of(a) : size_of(b);
}

/* One half going out and another coming in, a window of blocks of each at a time. */
typedef struct {
    el_dist *d;
    int peer;
    const float *out; /* of `given` */
    float *in;        /* of `got` */
    part given, got;
    size_t begun;
} trade;

static int slot_of(size_t at)
{
    return (int)(at / BLOCK % EL_DIST_SLOTS);
}

/* Begins what may be under way beside the block at `at`. */
static void begin_blocks(trade *t, size_t at)
{
    const size_t most = longer(t->given, t->got), window = at + (size_t)EL_DIST_SLOTS * BLOCK;
    for (; t->begun < most && t->begun < window; t->begun += BLOCK)
        t->d->begin(t->d, slot_of(t->begun), t->peer, t->out + t->begun,
                    block_at(t->given, t->begun) * sizeof *t->out, t->in + t->begun,
                    block_at(t->got, t->begun) * sizeof *t->in);
}

/* Sends `given` and receives what the peer has of `kept`, which is added to it. */
static void add_half(el_dist *d, int peer, float *region, part given, part kept, float *room)
{
    trade t = {d, peer, region + given.begin, room, given, kept, 0};
    for (size_t at = 0; at < longer(given, kept); at += BLOCK) {
        begin_blocks(&t, at);
        d->end(d, slot_of(at));
        float *const to = region + kept.begin + at;
        const size_t block = block_at(kept, at);
        for (size_t i = 0; i < block; i++)
            to[i] += room[at + i];
    }
}

/* Sends `own` and receives `other`, at its place. */
static void hand_over(el_dist *d, int peer, float *region, part own, part other)
{
    trade t = {d, peer, region + own.begin, region + other.begin, own, other, 0};
    for (size_t at = 0; at < longer(own, other); at += BLOCK) {
        begin_blocks(&t, at);
        d->end(d, slot_of(at));
    }
}

void el_dist_sum(el_dist *d, float *region, size_t count, float *room)
{
    if (!d || d->size == 1)
        return;
    assert((d->size & (d->size - 1)) == 0 && "a tree of ranks is of a power of two");
    const double began = el_dist_now();
    part own = {0, count}, before[MOST_DISTANCES];
    int level = 0;
    for (int distance = 1; distance < d->size; distance *= 2, level++) {
        const size_t middle = own.begin + (own.end - own.begin) / 2;
        const part low = {own.begin, middle}, high = {middle, own.end};
        const bool keeps_low = !(d->rank & distance);
        before[level] = own;
        own = keeps_low ? low : high;
        add_half(d, d->rank ^ distance, region, keeps_low ? high : low, own, room);
    }
    for (int distance = d->size / 2; distance >= 1; distance /= 2) {
        const part whole = before[--level];
        const part other =
            own.begin == whole.begin ? (part){own.end, whole.end} : (part){whole.begin, own.begin};
        hand_over(d, d->rank ^ distance, region, own, other);
        own = whole;
    }
    d->exchanged += el_dist_now() - began;
}
