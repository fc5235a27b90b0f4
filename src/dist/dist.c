/* dist - see the header: what follows from gathering and sharing */
#include "dist/dist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

void el_dist_leave(el_dist *dist)
{
    if (dist)
        dist->leave(dist);
}

void el_dist_close(el_dist *dist)
{
    free(dist);
}

/* The rank whose status counts; -1: all are well. */
static int rank_that_knows(const int *statuses, int size)
{
    int stopped = -1;
    for (int i = size - 1; i >= 0; i--)
        stopped = statuses[i] == EL_ESTOPPED ? i : stopped;
    for (int i = 0; i < size; i++)
        if (statuses[i] != EL_OK && statuses[i] != EL_ESTOPPED)
            return i;
    return stopped;
}

/* "rank 2 on node7: ", for what is not the same on all. */
static void name_rank(const el_dist *d, const int *statuses, int rank, char *text, size_t size)
{
    bool all = true;
    for (int i = 0; i < d->size; i++)
        all &= statuses[i] == statuses[rank];
    *text = '\0';
    if (!all && d->rank == rank)
        snprintf(text, size, "rank %d on %s: ", rank, d->host);
}

el_status el_dist_try(el_dist *d, el_status mine)
{
    if (!d || d->size == 1)
        return mine;
    int statuses[d->size];
    const int own = (int)mine;
    d->gather(d, &own, sizeof own, statuses);
    const int knows = rank_that_knows(statuses, d->size);
    if (knows < 0)
        return EL_OK;
    char sentence[EL_SENTENCE], name[256];
    name_rank(d, statuses, knows, name, sizeof name);
    snprintf(sentence, sizeof sentence, "%s%s", name, el_error());
    d->share(d, knows, sentence, sizeof sentence);
    return el_fail((el_status)statuses[knows], "%s", sentence);
}

el_status el_dist_agree(el_dist *d, el_status mine)
{
    if (!d || d->size == 1)
        return mine;
    if (d->failed)
        return mine ? mine : d->failed;
    const double began = el_now();
    const el_status st = el_dist_try(d, mine);
    d->waited += el_now() - began;
    if (st != EL_ESTOPPED)
        d->failed = st;
    return st;
}

el_status el_dist_await(el_dist *d, el_status mine)
{
    const double most = d ? d->most : 0;
    if (d)
        d->most = 0;
    const el_status st = el_dist_agree(d, mine);
    if (d)
        d->most = most;
    return st;
}

void el_dist_share(el_dist *d, void *data, size_t bytes)
{
    if (d && d->size > 1)
        d->share(d, 0, data, bytes);
}

el_status el_dist_share_text(el_dist *d, char **text)
{
    if (!d || d->size == 1)
        return EL_OK;
    size_t bytes = *text ? strlen(*text) + 1 : 0;
    el_dist_share(d, &bytes, sizeof bytes);
    if (d->rank > 0)
        *text = malloc(bytes);
    const el_status st = el_dist_agree(d, *text ? EL_OK : el_no_memory(NULL));
    if (!st)
        el_dist_share(d, *text, bytes);
    return st;
}

el_status el_dist_same(el_dist *d, const char *what, const char *text)
{
    if (!d || d->size == 1)
        return EL_OK;
    char *first = d->rank == 0 ? strdup(text) : NULL;
    el_status st = el_dist_share_text(d, &first);
    if (!st && strcmp(first, text) != 0)
        st = el_fail(EL_EUSAGE, "%s: is %s here, but %s on rank 0", what, text, first);
    free(first);
    return el_dist_agree(d, st);
}

/* Every rank gathers as much as the longest has. */
el_status el_dist_gather(el_dist *d, const void *mine, size_t bytes, void **all, size_t *counts)
{
    const int size = el_dist_size(d);
    if (size == 1) {
        *counts = bytes;
        *all = malloc(bytes + 1);
        if (*all)
            memcpy(*all, mine, bytes);
        return *all ? EL_OK : el_fail(EL_ENOMEM, "no memory for %zu bytes", bytes);
    }
    d->gather(d, &bytes, sizeof bytes, counts);
    size_t most = 1;
    for (int i = 0; i < size; i++)
        most = counts[i] > most ? counts[i] : most;
    char *const own = malloc(most), *const wide = malloc(most * (size_t)size);
    const el_status st = el_dist_agree(
        d, own && wide ? EL_OK : el_fail(EL_ENOMEM, "no memory to gather %zu bytes of each rank", most));
    if (!st) {
        memcpy(own, mine, bytes);
        memset(own + bytes, 0, most - bytes);
        d->gather(d, own, most, wide);
        char *at = wide;
        for (int i = 0; i < size; at += counts[i++])
            memmove(at, wide + most * (size_t)i, counts[i]);
    }
    free(own);
    *all = st ? NULL : wide;
    if (st)
        free(wide);
    return st;
}

/* ---- to rank 0 ---- */

enum { BLOCK = 4 << 20 };

/* From `rank` to rank 0, block by block. */
static void send_up(el_dist *d, int rank, const char *mine, char *in, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += BLOCK) {
        const size_t block = bytes - at < BLOCK ? bytes - at : BLOCK;
        if (d->rank == 0)
            d->begin(d, 0, rank, NULL, 0, in + at, block);
        else
            d->begin(d, 0, 0, mine + at, block, NULL, 0);
        d->end(d, 0);
    }
}

/* Of all ranks to rank 0 alone, which takes them one by one in the order of ranks; its failures are agreed on. */
static el_status collect(void *dist, const void *mine, size_t bytes, el_shares_take *take, void *context)
{
    el_dist *const d = dist;
    if (!d || d->size == 1)
        return take(context, 0, mine, bytes);
    size_t counts[d->size], most = 1;
    d->gather(d, &bytes, sizeof bytes, counts);
    for (int i = 1; i < d->size; i++)
        most = counts[i] > most ? counts[i] : most;
    char *const in = d->rank == 0 ? malloc(most) : NULL;
    el_status st = el_dist_agree(
        d, in || d->rank > 0 ? EL_OK : el_fail(EL_ENOMEM, "no memory to collect %zu bytes", most));
    for (int i = 0; !st && i < d->size; i++) {
        if (i > 0 && (d->rank == 0 || d->rank == i))
            send_up(d, i, mine, in, counts[i]);
        if (d->rank == 0)
            st = take(context, i, i == 0 ? mine : in, counts[i]);
        st = el_dist_agree(d, st);
    }
    free(in);
    return st;
}

static el_status agree(void *context, el_status mine)
{
    return el_dist_agree(context, mine);
}

static el_status same(void *context, const char *what, uint64_t hash)
{
    char text[17];
    el_hash_text(hash, text);
    return el_dist_same(context, what, text);
}

static void share(void *context, int from, void *data, size_t bytes)
{
    el_dist *const d = context;
    d->share(d, from, data, bytes);
}

el_shares el_dist_shares(el_dist *d, bool own)
{
    if (!d || d->size == 1)
        return (el_shares){0};
    return (el_shares){.part = d->rank,
                       .parts = d->size,
                       .own = own,
                       .context = d,
                       .agree = agree,
                       .collect = collect,
                       .same = same,
                       .share = share};
}
