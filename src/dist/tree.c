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
 * With the whole region at once the network is idle while each phase ends and is added.  So the region goes in chunks, one
 * behind the other like cars of a train: each phase of a chunk follows the one before by some ticks, and several trades are
 * under way at any time.  Between two machines at 1 Gbit/s that is the line rate, headers of TCP apart (0.956); whole halves
 * reached 0.85.  Messages have to be sent at once for that (mpi.c): where each is announced and waited for, the answer stands
 * behind all that is under way, and 0.85 to 0.93 is reached.
 */
#include <assert.h>

#include "dist/dist.h"

enum { CHUNK = 2 * EL_DIST_MESSAGE / sizeof(float), UNDER_WAY = 64 }; /* numbers; trades */

typedef struct {
    size_t begin, end;
} part;

typedef struct {
    el_dist *d;
    float *region, *room;
    size_t count;
    int levels; /* distances */
    int lag;    /* ticks from a phase of a chunk to its next */
} sum;

static int levels_of(const el_dist *d)
{
    int levels = 0;
    while (1 << levels < d->size)
        levels++;
    return levels;
}

static int lag_of(int levels)
{
    const int lag = UNDER_WAY / (2 * levels);
    return lag > 1 ? lag : 1;
}

static size_t size_of(part p)
{
    return p.end - p.begin;
}

/* The half of a part that this rank keeps at a level, or else the one that it gives away. */
static part half(const sum *s, part p, int level, bool kept)
{
    const size_t middle = p.begin + (p.end - p.begin) / 2;
    const bool low = !(s->d->rank >> level & 1);
    return low == kept ? (part){p.begin, middle} : (part){middle, p.end};
}

/* What this rank and its peer of the level have of a chunk. */
static part before(const sum *s, int chunk, int level)
{
    const size_t begin = (size_t)chunk * CHUNK, end = begin + CHUNK;
    part p = {begin, end < s->count ? end : s->count};
    for (int i = 0; i < level; i++)
        p = half(s, p, i, true);
    return p;
}

/* One phase of one chunk: at a level on the way down, adding, or on the way back. */
typedef struct {
    int level, slot;
    bool adds;
    part kept, given;
    float *in;
} trade;

static trade trade_of(const sum *s, int chunk, int phase)
{
    const bool adds = phase < s->levels;
    const int level = adds ? phase : 2 * s->levels - 1 - phase;
    const int turn = chunk % s->lag;
    const part whole = before(s, chunk, level);
    const part kept = half(s, whole, level, true), given = half(s, whole, level, false);
    return (trade){.level = level,
                   .slot = turn * 2 * s->levels + phase,
                   .adds = adds,
                   .kept = kept,
                   .given = given,
                   .in = adds ? s->room + (size_t)(turn * s->levels + level) * (CHUNK / 2)
                              : s->region + given.begin};
}

static void begin(const sum *s, int chunk, int phase)
{
    const trade t = trade_of(s, chunk, phase);
    const part out = t.adds ? t.given : t.kept, in = t.adds ? t.kept : t.given;
    s->d->begin(s->d, t.slot, s->d->rank ^ 1 << t.level, s->region + out.begin,
                size_of(out) * sizeof *s->region, t.in, size_of(in) * sizeof *s->region);
}

static void end(const sum *s, int chunk, int phase)
{
    const trade t = trade_of(s, chunk, phase);
    s->d->end(s->d, t.slot);
    float *const to = s->region + t.kept.begin;
    for (size_t i = 0; t.adds && i < size_of(t.kept); i++)
        to[i] += t.in[i];
}

size_t el_dist_room(const el_dist *d)
{
    const int levels = d ? levels_of(d) : 0;
    return levels ? (size_t)(lag_of(levels) * levels) * (CHUNK / 2) : 0;
}

void el_dist_sum(el_dist *d, float *region, size_t count, float *room)
{
    if (!d || d->size == 1)
        return;
    assert((d->size & (d->size - 1)) == 0 && "a tree of ranks is of a power of two");
    const int levels = levels_of(d), phases = 2 * levels, chunks = (int)((count + CHUNK - 1) / CHUNK);
    const sum s = {d, region, room, count, levels, lag_of(levels)};
    assert(s.lag * phases <= EL_DIST_SLOTS && "every trade under way has a slot");
    for (int tick = 0; tick < chunks + phases * s.lag; tick++) {
        for (int phase = 0, chunk = tick - s.lag; phase < phases; phase++, chunk -= s.lag)
            if (chunk >= 0 && chunk < chunks)
                end(&s, chunk, phase);
        for (int phase = 0, chunk = tick; phase < phases; phase++, chunk -= s.lag)
            if (chunk >= 0 && chunk < chunks)
                begin(&s, chunk, phase);
    }
}
