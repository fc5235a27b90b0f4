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
 * A half moves in blocks, two at a time, so that one is added while the next is under way.
 */
#include <assert.h>

#include "dist/dist.h"

enum { BLOCK = 1 << 19, MOST_DISTANCES = 20 }; /* numbers: 2 MB */

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

static void begin_block(el_dist *d, int peer, const float *out, part given, float *in, part got, size_t at)
{
    d->begin(d, (int)(at / BLOCK % 2), peer, out + given.begin + at, block_at(given, at) * sizeof *out,
             in + at, block_at(got, at) * sizeof *in);
}

/* Sends `given` and receives what the peer has of `kept`, which is added to it. */
static void add_half(el_dist *d, int peer, float *region, part given, part kept, float *room)
{
    const size_t most = longer(given, kept);
    if (most)
        begin_block(d, peer, region, given, room, kept, 0);
    for (size_t at = 0; at < most; at += BLOCK) {
        if (at + BLOCK < most)
            begin_block(d, peer, region, given, room, kept, at + BLOCK);
        d->end(d, (int)(at / BLOCK % 2));
        float *const to = region + kept.begin + at;
        const size_t block = block_at(kept, at);
        for (size_t i = 0; i < block; i++)
            to[i] += room[at + i];
    }
}

/* Sends `own` and receives `other`, at its place. */
static void hand_over(el_dist *d, int peer, float *region, part own, part other)
{
    const size_t most = longer(own, other);
    if (most)
        begin_block(d, peer, region, own, region + other.begin, other, 0);
    for (size_t at = 0; at < most; at += BLOCK) {
        if (at + BLOCK < most)
            begin_block(d, peer, region, own, region + other.begin, other, at + BLOCK);
        d->end(d, (int)(at / BLOCK % 2));
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
