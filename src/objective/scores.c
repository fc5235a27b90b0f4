/* scores - see the header */
#include "objective/scores.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

enum { BINS = 1 << 16 };

static int by_score(const void *a, const void *b)
{
    const float x = ((const el_scored *)a)->score, y = ((const el_scored *)b)->score;
    return (x > y) - (x < y);
}

/* The last bin whose least score is not above this one, else the first. */
static el_score_bin *bin_of(const el_scores *scores, float score)
{
    size_t low = 0;
    for (size_t step = BINS / 2; step > 0; step /= 2)
        if (scores->bins[low + step].least <= score)
            low += step;
    return &scores->bins[low];
}

/* Cuts the items into bins of equally many and counts them there. */
static el_status start_bins(el_scores *scores)
{
    scores->bins = calloc(BINS, sizeof *scores->bins);
    if (!scores->bins)
        return el_fail(EL_ENOMEM, "no memory for %d bins of scores", BINS);
    if (scores->count)
        qsort(scores->items, scores->count, sizeof *scores->items, by_score);
    for (size_t b = 0; b < BINS; b++)
        scores->bins[b].least = scores->items[b * scores->count / BINS].score;
    for (size_t i = 0; i < scores->count; i++)
        bin_of(scores, scores->items[i].score)->counts[scores->items[i].label]++;
    scores->count = 0;
    return EL_OK;
}

el_status el_scores_reserve(el_scores *scores, size_t more)
{
    if (!scores->bins && scores->count >= EL_SCORES_KEPT)
        return start_bins(scores);
    const size_t wanted = scores->count + more;
    return scores->bins || el_grow(&scores->items, &scores->room, wanted, sizeof *scores->items)
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for %zu scores", wanted);
}

void el_scores_add(el_scores *scores, float score, int label)
{
    if (scores->bins) {
        bin_of(scores, score)->counts[label]++;
        return;
    }
    assert(scores->count < scores->room);
    scores->items[scores->count++] = (el_scored){score, label};
}

void el_scores_clear(el_scores *scores)
{
    free(scores->bins);
    scores->bins = NULL;
    scores->count = 0;
}

static void take_scores(el_scores *scores, el_ledger *ledger)
{
    const int64_t count = (int64_t)scores->count, binned = scores->bins != NULL;
    el_ledger_put(ledger, &binned, sizeof binned);
    el_ledger_put(ledger, &count, sizeof count);
    if (binned)
        el_ledger_put(ledger, scores->bins, BINS * sizeof *scores->bins);
    el_ledger_put(ledger, scores->items, scores->count * sizeof *scores->items);
    el_scores_clear(scores);
}

/* Whole bins, into those that their least scores fall in; the first become the bins themselves. */
static el_status add_bins(el_scores *scores, const void *bins)
{
    const bool first = !scores->bins && scores->count == 0;
    el_status st = EL_OK;
    if (first && !(scores->bins = malloc(BINS * sizeof *scores->bins)))
        st = el_fail(EL_ENOMEM, "no memory for %d bins of scores", BINS);
    if (!st && first)
        memcpy(scores->bins, bins, BINS * sizeof *scores->bins);
    if (st || first)
        return st;
    st = scores->bins ? EL_OK : start_bins(scores);
    for (size_t b = 0; !st && b < BINS; b++) {
        el_score_bin from;
        memcpy(&from, (const char *)bins + b * sizeof from, sizeof from);
        el_score_bin *const to = bin_of(scores, from.least);
        to->counts[0] += from.counts[0];
        to->counts[1] += from.counts[1];
    }
    return st;
}

static el_status add_items(el_scores *scores, const char *items, size_t count)
{
    const el_status st = el_scores_reserve(scores, count);
    for (size_t i = 0; !st && i < count; i++) {
        el_scored item;
        memcpy(&item, items + i * sizeof item, sizeof item);
        el_scores_add(scores, item.score, item.label);
    }
    return st;
}

void el_scores_ledger(el_scores *scores, el_ledger *ledger)
{
    if (!ledger->adding) {
        take_scores(scores, ledger);
        return;
    }
    int64_t binned, count;
    memcpy(&binned, el_ledger_get(ledger, sizeof binned), sizeof binned);
    memcpy(&count, el_ledger_get(ledger, sizeof count), sizeof count);
    const void *const bins = binned ? el_ledger_get(ledger, BINS * sizeof *scores->bins) : NULL;
    const char *const items = el_ledger_get(ledger, (size_t)count * sizeof(el_scored));
    if (!ledger->status && bins)
        ledger->status = add_bins(scores, bins);
    if (!ledger->status)
        ledger->status = add_items(scores, items, (size_t)count);
}

void el_scores_release(el_scores *scores)
{
    free(scores->bins);
    free(scores->items);
    *scores = (el_scores){0};
}

/* What the area is made of: groups of equal scores, from the lowest up. */
typedef struct {
    double counts[2];
    double ranks; /* the sum of the ones' mean ranks, from 1 */
} ranking;

static void add_group(ranking *r, double zeros, double ones)
{
    const double before = r->counts[0] + r->counts[1];
    r->ranks += ones * (2 * before + zeros + ones + 1) / 2;
    r->counts[0] += zeros;
    r->counts[1] += ones;
}

static void rank_items(ranking *r, el_scores *scores)
{
    if (scores->count)
        qsort(scores->items, scores->count, sizeof *scores->items, by_score);
    for (size_t i = 0; i < scores->count;) {
        size_t end = i, ones = 0;
        for (; end < scores->count && scores->items[end].score == scores->items[i].score; end++)
            ones += (size_t)scores->items[end].label;
        end = end > i ? end : i + 1; /* a NaN equals nothing, not even itself */
        add_group(r, (double)(end - i - ones), (double)ones);
        i = end;
    }
}

double el_scores_auc(el_scores *scores)
{
    ranking r = {0};
    for (size_t b = 0; scores->bins && b < BINS; b++)
        add_group(&r, (double)scores->bins[b].counts[0], (double)scores->bins[b].counts[1]);
    rank_items(&r, scores);
    if (r.counts[0] == 0 || r.counts[1] == 0)
        return 0.5;
    return (r.ranks - r.counts[1] * (r.counts[1] + 1) / 2) / (r.counts[0] * r.counts[1]);
}
