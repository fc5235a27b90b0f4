/* pairs - see the header */
#include "objective/pairs.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const int *ids;
    int count;
} part;

static el_status reserve(el_pairs *p, int sequences)
{
    if (sequences <= p->capacity)
        return EL_OK;
    free(p->labels);
    free(p->seconds);
    p->capacity = 0;
    p->labels = malloc((size_t)sequences * sizeof *p->labels);
    p->seconds = malloc((size_t)sequences * sizeof *p->seconds);
    if (!p->labels || !p->seconds)
        return el_fail(EL_ENOMEM, "no memory for the pairs of %d sequences", sequences);
    p->capacity = sequences;
    return EL_OK;
}

/* Rows of the second segment, its [SEP] among them. */
static int second_length(const el_pairs *p, const el_batch *batch, int s)
{
    return batch->starts[s + 1] - p->seconds[s];
}

/* Where second segments begin; how many sequences have one. */
static int find_seconds(el_pairs *p, const el_batch *batch)
{
    int count = 0;
    for (int s = 0; s < batch->sequences; s++) {
        int row = batch->starts[s];
        while (row < batch->starts[s + 1] && batch->segments[row] == 0)
            row++;
        p->seconds[s] = row;
        count += row < batch->starts[s + 1];
    }
    return count;
}

/* Whether sequence `other` has a second segment of at least so many rows to give to s. */
static bool gives(const el_pairs *p, const el_batch *batch, int s, int other, int least)
{
    return other != s && second_length(p, batch, other) >= least;
}

static int longest_other(const el_pairs *p, const el_batch *batch, int s)
{
    int longest = s ? 0 : 1;
    for (int other = 0; other < batch->sequences; other++)
        if (gives(p, batch, s, other, second_length(p, batch, longest) + 1))
            longest = other;
    return longest;
}

/* Whose second segment comes in the place of that of s. */
static int choose_partner(const el_pairs *p, const el_batch *batch, int s, el_random random)
{
    const int wanted = second_length(p, batch, s);
    int count = 0;
    for (int other = 0; other < batch->sequences; other++)
        count += gives(p, batch, s, other, wanted);
    if (count == 0)
        return longest_other(p, batch, s);
    random.stream = EL_STREAM_PARTNER;
    int left = (int)el_random_below(random, (uint64_t)s, (uint64_t)count);
    for (int other = 0;; other++)
        if (gives(p, batch, s, other, wanted) && left-- == 0)
            return other;
}

/* The text of a sequence's segments, between its special tokens. */
static part first_part(const el_pairs *p, const el_batch *batch, int s)
{
    const int from = batch->starts[s] + 1;
    return (part){batch->ids + from, p->seconds[s] - 1 - from};
}

static part second_part(const el_pairs *p, const el_batch *batch, int s)
{
    return (part){batch->ids + p->seconds[s], second_length(p, batch, s) - 1};
}

/* [CLS] first [SEP] second [SEP], with the special tokens of sequence s. */
static el_status add(el_pairs *p, const el_batch *batch, int s, part first, part second)
{
    const int middle = 1 + first.count, end = middle + 1 + second.count;
    const el_status st = el_batch_add(&p->batch, batch->ids + batch->starts[s], end + 1, middle + 1);
    if (st)
        return st;
    int *const ids = p->batch.ids + p->batch.rows - (end + 1);
    memcpy(ids + 1, first.ids, (size_t)first.count * sizeof *ids);
    ids[middle] = batch->ids[p->seconds[s] - 1];
    memcpy(ids + middle + 1, second.ids, (size_t)second.count * sizeof *ids);
    ids[end] = batch->ids[batch->starts[s + 1] - 1];
    return EL_OK;
}

static el_status add_next(el_pairs *p, const el_batch *batch, int s, bool wrong, el_random random)
{
    const part first = first_part(p, batch, s), own = second_part(p, batch, s);
    part second = own;
    if (wrong) {
        second = second_part(p, batch, choose_partner(p, batch, s, random));
        second.count = second.count < own.count ? second.count : own.count;
    }
    return add(p, batch, s, first, second);
}

static el_status add_order(el_pairs *p, const el_batch *batch, int s, bool wrong, int longest,
                           el_random random)
{
    part first = first_part(p, batch, s);
    const part second = second_part(p, batch, s);
    if (batch->starts[s + 1] - batch->starts[s] == longest) {
        const int most = first.count / 2 < EL_PAIR_CUT ? first.count / 2 : EL_PAIR_CUT;
        random.stream = EL_STREAM_PAIR_CUT;
        first.count -= (int)el_random_below(random, (uint64_t)s, (uint64_t)most + 1);
    }
    return wrong ? add(p, batch, s, second, first) : add(p, batch, s, first, second);
}

el_status el_pairs_make(el_pairs *p, const el_batch *batch, el_sentence_task task, int longest,
                        el_random random)
{
    el_status st = reserve(p, batch->sequences);
    if (st)
        return st;
    el_batch_clear(&p->batch);
    p->asked = 0;
    const int pairs = find_seconds(p, batch);
    const bool askable = task == EL_SENTENCES_SOP || (task == EL_SENTENCES_NSP && pairs > 1);
    random.stream = EL_STREAM_PAIR;
    for (int s = 0; !st && s < batch->sequences; s++) {
        const bool asked = askable && second_length(p, batch, s) > 0;
        const bool wrong = asked && el_random_uniform(random, (uint64_t)s) < 0.5;
        const int first = batch->starts[s];
        p->labels[s] = asked ? wrong : -1;
        p->asked += asked;
        st = !asked ? el_batch_add(&p->batch, batch->ids + first, batch->starts[s + 1] - first,
                                   p->seconds[s] - first)
             : task == EL_SENTENCES_SOP ? add_order(p, batch, s, wrong, longest, random)
                                        : add_next(p, batch, s, wrong, random);
    }
    return st;
}

void el_pairs_release(el_pairs *p)
{
    el_batch_release(&p->batch);
    free(p->labels);
    free(p->seconds);
    *p = (el_pairs){0};
}
