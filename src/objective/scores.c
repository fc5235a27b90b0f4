/* scores - see the header */
#include "objective/scores.h"

#include <assert.h>
#include <stdlib.h>

el_status el_scores_reserve(el_scores *scores, size_t more)
{
    const size_t wanted = scores->count + more;
    if (wanted <= scores->capacity)
        return EL_OK;
    const size_t capacity = wanted + wanted / 2;
    el_scored *items = realloc(scores->items, capacity * sizeof *items);
    if (!items)
        return el_fail(EL_ENOMEM, "no memory for %zu scores", capacity);
    scores->items = items;
    scores->capacity = capacity;
    return EL_OK;
}

void el_scores_add(el_scores *scores, float score, int label)
{
    assert(scores->count < scores->capacity);
    scores->items[scores->count++] = (el_scored){score, label};
}

void el_scores_release(el_scores *scores)
{
    free(scores->items);
    *scores = (el_scores){0};
}

static int by_score(const void *a, const void *b)
{
    const float x = ((const el_scored *)a)->score, y = ((const el_scored *)b)->score;
    return (x > y) - (x < y);
}

double el_scores_auc(el_scores *scores)
{
    qsort(scores->items, scores->count, sizeof *scores->items, by_score);
    double positives = 0, ranks = 0; /* ranks: the sum of the positives' mean ranks, from 1 */
    for (size_t i = 0; i < scores->count;) {
        size_t end = i, ones = 0;
        for (; end < scores->count && scores->items[end].score == scores->items[i].score; end++)
            ones += (size_t)scores->items[end].label;
        end = end > i ? end : i + 1; /* a NaN equals nothing, not even itself */
        ranks += (double)ones * (double)(i + 1 + end) / 2;
        positives += (double)ones;
        i = end;
    }
    const double negatives = (double)scores->count - positives;
    if (positives == 0 || negatives == 0)
        return 0.5;
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}
