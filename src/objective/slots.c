/* slots - see the header */
#include "objective/slots.h"

#include <math.h>
#include <stdlib.h>

enum { STREAM_POSITION = 1, STREAM_SHOWN = 2 };

static const double SHOWN_AS_MASK = 0.85;

int el_slots_of(const el_slot_rule *rule, int n)
{
    const int wanted =
        (int)rintf((float)n * (float)rule->mask_prob); /* half to even, in float, as the original */
    const int most = wanted < rule->max_predictions ? wanted : rule->max_predictions;
    return most > 1 ? most : 1;
}

static el_status reserve(el_slots *slots, int rows, int sequences)
{
    if (rows <= slots->row_capacity && sequences <= slots->sequence_capacity)
        return EL_OK;
    el_slots_release(slots);
    slots->rows = malloc((size_t)rows * sizeof *slots->rows);
    slots->masked = malloc((size_t)rows * sizeof *slots->masked);
    slots->candidates = malloc((size_t)rows * sizeof *slots->candidates);
    slots->starts = malloc((size_t)(sequences + 1) * sizeof *slots->starts);
    if (!slots->rows || !slots->masked || !slots->candidates || !slots->starts) {
        el_slots_release(slots);
        return el_fail(EL_ENOMEM, "no memory for the masks of %d tokens", rows);
    }
    slots->row_capacity = rows;
    slots->sequence_capacity = sequences;
    return EL_OK;
}

static int find_candidates(int *candidates, const el_batch *batch, const el_vocab *vocab, int first, int last)
{
    int count = 0;
    for (int row = first; row < last; row++) {
        const int id = batch->ids[row];
        if (id != vocab->cls && id != vocab->sep && id != vocab->mask)
            candidates[count++] = row;
    }
    return count;
}

/* One sequence's slots, the rows [first, last); its draws are numbered from `first`. */
static void choose(el_slots *slots, const el_slot_rule *rule, int candidates, int first, int last,
                   el_random random)
{
    int wanted = candidates ? el_slots_of(rule, last - first) : 0;
    if (!rule->duplicates && wanted > candidates)
        wanted = candidates;
    random.stream = STREAM_POSITION;
    for (int i = 0; i < wanted; i++) {
        const uint64_t number = (uint64_t)first + (uint64_t)i;
        if (rule->duplicates) {
            slots->rows[slots->count++] =
                slots->candidates[el_random_below(random, number, (uint64_t)candidates)];
            continue;
        }
        const int j = i + (int)el_random_below(random, number, (uint64_t)(candidates - i));
        const int row = slots->candidates[j];
        slots->candidates[j] = slots->candidates[i];
        slots->rows[slots->count++] = row;
    }
}

el_status el_slots_choose(el_slots *slots, const el_batch *batch, const el_vocab *vocab,
                          const el_slot_rule *rule, el_random random)
{
    const el_status st = reserve(slots, batch->rows, batch->sequences);
    if (st)
        return st;
    slots->count = slots->starts[0] = 0;
    for (int s = 0; s < batch->sequences; s++) {
        const int first = batch->starts[s], last = batch->starts[s + 1];
        const int candidates = find_candidates(slots->candidates, batch, vocab, first, last);
        choose(slots, rule, candidates, first, last, random);
        slots->starts[s + 1] = slots->count;
    }
    random.stream = STREAM_SHOWN;
    for (int i = 0; i < slots->count; i++)
        slots->masked[i] = el_random_uniform(random, (uint64_t)i) < SHOWN_AS_MASK;
    return EL_OK;
}

void el_slots_release(el_slots *slots)
{
    free(slots->rows);
    free(slots->masked);
    free(slots->candidates);
    free(slots->starts);
    *slots = (el_slots){0};
}
