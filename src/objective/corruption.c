/* corruption - see the header */
#include "objective/corruption.h"

#include <math.h>
#include <stdlib.h>

#include "base/number.h"

el_status el_mask_shares_read(el_mask_shares *shares, const char *text)
{
    double read[3];
    const char *at = text;
    bool good = true;
    for (int i = 0; good && i < 3; i++) {
        char *end;
        read[i] = el_number_read(at, &end);
        good = end > at && *end == (i < 2 ? ',' : '\0') && read[i] >= 0;
        at = end + 1;
    }
    if (!good || !(fabs(read[0] + read[1] + read[2] - 1) < 1e-9))
        return el_fail(EL_EUSAGE,
                       "--mask-shares: %s is not three shares (masked, random, kept) that add up to 1", text);
    *shares = (el_mask_shares){read[0], read[1], read[2]};
    return EL_OK;
}

int el_corruption_slots_of(const el_corruption_rule *rule, int n)
{
    if (rule->unit == EL_MASK_NEXT)
        return n > 1 ? n - 1 : 0;
    const int wanted =
        (int)rintf((float)n * (float)rule->mask_prob); /* half to even, in float, as the original */
    const int most = wanted < rule->max_predictions ? wanted : rule->max_predictions;
    return most > 1 ? most : 1;
}

el_status el_corruption_reserve(el_corruption *slots, int rows, int sequences)
{
    if (rows <= slots->row_capacity && sequences <= slots->sequence_capacity)
        return EL_OK;
    el_corruption_release(slots);
    slots->rows = malloc((size_t)rows * sizeof *slots->rows);
    slots->shown = malloc((size_t)rows * sizeof *slots->shown);
    slots->targets = malloc((size_t)rows * sizeof *slots->targets);
    slots->candidates = malloc((size_t)rows * sizeof *slots->candidates);
    slots->words = malloc(((size_t)rows + 1) * sizeof *slots->words);
    slots->places = malloc((size_t)rows * sizeof *slots->places);
    slots->starts = malloc((size_t)(sequences + 1) * sizeof *slots->starts);
    if (!slots->rows || !slots->shown || !slots->targets || !slots->candidates || !slots->words ||
        !slots->places || !slots->starts) {
        el_corruption_release(slots);
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
static void choose(el_corruption *slots, const el_corruption_rule *rule, int candidates, int first, int last,
                   el_random random)
{
    int wanted = candidates ? el_corruption_slots_of(rule, last - first) : 0;
    if (!rule->duplicates && wanted > candidates)
        wanted = candidates;
    random.stream = EL_STREAM_SLOT;
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

/* ---- whole words ---- */

/* The words among a sequence's candidates: word w is candidates words[w] ... words[w + 1] - 1. */
static int find_words(el_corruption *slots, const el_batch *batch, const el_vocab *vocab, int candidates)
{
    int count = 0;
    for (int i = 0; i < candidates; i++) {
        const int row = slots->candidates[i];
        const bool next = i > 0 && row == slots->candidates[i - 1] + 1;
        if (!next || !el_vocab_continues(vocab, batch->ids[row]))
            slots->words[count++] = i;
    }
    slots->words[count] = candidates;
    return count;
}

/* How many words a draw hides: n with a share of (1 / n) / (1 + 1/2 + 1/3). */
static int draw_length(el_random random, uint64_t number)
{
    random.stream = EL_STREAM_NGRAM;
    const uint64_t u = el_random_below(random, number, 11);
    return u < 6 ? 1 : u < 9 ? 2 : 3;
}

/* Whether words w ... w + n - 1 follow each other, are free, and have no more than `room` pieces.  A word is taken by
 * turning its number of candidates negative: ~number. */
static bool fits(const el_corruption *slots, int words, int w, int n, int room)
{
    if (w + n > words)
        return false;
    for (int i = w; i < w + n; i++)
        if (slots->words[i] < 0)
            return false;
    const int end = w + n == words || slots->words[w + n] >= 0 ? slots->words[w + n] : ~slots->words[w + n];
    const int first = slots->words[w], pieces = end - first;
    return pieces <= room && slots->candidates[end - 1] - slots->candidates[first] == pieces - 1;
}

/* Takes one n-gram, or a shorter one; how many pieces it has, 0: none fits. */
static int take_ngram(el_corruption *slots, int words, int n, int room, el_random random, uint64_t number)
{
    int count = 0;
    for (; n > 0 && count == 0; n--)
        for (int w = 0; w < words; w++)
            if (fits(slots, words, w, n, room))
                slots->places[count++] = w;
    if (count == 0)
        return 0;
    n++; /* as it was when places were found */
    random.stream = EL_STREAM_SLOT;
    const int w = slots->places[el_random_below(random, number, (uint64_t)count)], before = slots->count;
    const int end = slots->words[w + n] >= 0 ? slots->words[w + n] : ~slots->words[w + n];
    for (int i = slots->words[w]; i < end; i++)
        slots->rows[slots->count++] = slots->candidates[i];
    for (int i = w; i < w + n; i++)
        slots->words[i] = ~slots->words[i];
    return slots->count - before;
}

/* One sequence's slots, as choose() has them, but whole words. */
static void choose_words(el_corruption *slots, const el_corruption_rule *rule, int candidates, int words,
                         int first, int last, el_random random)
{
    const int wanted = candidates ? el_corruption_slots_of(rule, last - first) : 0;
    int taken = 1;
    for (int left = wanted, i = 0; left > 0 && taken > 0; left -= taken, i++) {
        const uint64_t number = (uint64_t)first + (uint64_t)i;
        const int n = rule->unit == EL_MASK_NGRAM ? draw_length(random, number) : 1;
        taken = take_ngram(slots, words, n, left, random, number);
    }
}

/* ---- spans ---- */

enum { LONGEST_SPAN = 5, SPAN_SHARE = 6 /* a span has so many times its length for itself */ };

/* Pieces of a span: n with a share of (1 / n) / (1 + 1/2 + 1/3 + 1/4 + 1/5). */
static int draw_span(el_random random, uint64_t number)
{
    static const uint64_t ENDS[LONGEST_SPAN] = {60, 90, 110, 125, 137};
    random.stream = EL_STREAM_NGRAM;
    const uint64_t u = el_random_below(random, number, ENDS[LONGEST_SPAN - 1]);
    int n = 1;
    while (u >= ENDS[n - 1])
        n++;
    return n;
}

static bool begins_word(const el_corruption *slots, const el_batch *batch, const el_vocab *vocab,
                        int candidate)
{
    const int row = slots->candidates[candidate];
    return candidate == 0 || row != slots->candidates[candidate - 1] + 1 ||
           !el_vocab_continues(vocab, batch->ids[row]);
}

/* Puts the candidates of spans before the others; how many they are. */
static int take_spans(el_corruption *slots, const el_batch *batch, const el_vocab *vocab, int candidates,
                      int wanted, int first, el_random random)
{
    int taken = 0, others = 0;
    uint64_t number = (uint64_t)first;
    random.stream = EL_STREAM_SLOT;
    for (int at = 0, end = 0; end < candidates; number++) {
        const int drawn = taken < wanted ? draw_span(random, number) : 0;
        const int n = drawn < wanted - taken ? drawn : wanted - taken;
        const int left = n ? (int)el_random_below(random, number, (uint64_t)(SPAN_SHARE * n)) : 0;
        int begin = n ? at + left : candidates;
        while (begin < candidates && !begins_word(slots, batch, vocab, begin))
            begin++;
        if (begin + n >= candidates)
            begin = candidates;
        for (; end < begin; end++)
            slots->words[others++] = slots->candidates[end];
        for (; end < begin + n && begin < candidates; end++)
            slots->places[taken++] = slots->candidates[end];
        at = end + SPAN_SHARE * n - left;
    }
    for (int i = 0; i < candidates; i++)
        slots->candidates[i] = i < taken ? slots->places[i] : slots->words[i - taken];
    return taken;
}

/* Candidates from number `from` on change places until `count` of them are drawn. */
static void draw_some(int *candidates, int from, int to, int count, el_random random, uint64_t number)
{
    for (int i = from; i < from + count; i++) {
        const int j = i + (int)el_random_below(random, number + (uint64_t)i, (uint64_t)(to - i));
        const int row = candidates[j];
        candidates[j] = candidates[i];
        candidates[i] = row;
    }
}

/* One sequence's slots as spans, in random order. */
static void choose_spans(el_corruption *slots, const el_corruption_rule *rule, const el_batch *batch,
                         const el_vocab *vocab, int candidates, int first, int last, el_random random)
{
    const int most = candidates ? el_corruption_slots_of(rule, last - first) : 0;
    const int wanted = most < candidates ? most : candidates;
    const int taken = take_spans(slots, batch, vocab, candidates, wanted, first, random);
    random.stream = EL_STREAM_SINGLE;
    draw_some(slots->candidates, taken, candidates, wanted - taken, random, (uint64_t)first);
    random.stream = EL_STREAM_ORDER;
    draw_some(slots->candidates, 0, wanted, wanted, random, (uint64_t)first);
    for (int i = 0; i < wanted; i++)
        slots->rows[slots->count++] = slots->candidates[i];
}

/* ---- what is shown ---- */

/* The ids of special tokens, each once: several may have one piece. */
static int list_special(const el_vocab *vocab, int special[EL_SPECIALS])
{
    const int all[EL_SPECIALS] = {vocab->pad, vocab->unk, vocab->cls, vocab->sep, vocab->mask};
    int count = 0;
    for (int i = 0; i < EL_SPECIALS; i++) {
        bool listed = false;
        for (int j = 0; j < count; j++)
            listed |= special[j] == all[i];
        if (!listed)
            special[count++] = all[i];
    }
    return count;
}

/* A token that is none of the special ones. */
static int ordinary_token(const el_vocab *vocab, el_random random, uint64_t number)
{
    int special[EL_SPECIALS];
    const int count = list_special(vocab, special);
    if (vocab->size == count)
        return vocab->unk;
    random.stream = EL_STREAM_SHOWN_ID;
    const int wanted = (int)el_random_below(random, number, (uint64_t)(vocab->size - count));
    int id = wanted, before;
    do { /* until it has as many special ones at or before it as it was moved by */
        before = id;
        id = wanted;
        for (int i = 0; i < count; i++)
            id += special[i] <= before;
    } while (id != before);
    return id;
}

/* What the slot with this number shows. */
static int shown(int token, const el_vocab *vocab, el_mask_shares shares, el_random random, uint64_t number)
{
    random.stream = EL_STREAM_SHOWN;
    const double u = el_random_uniform(random, number);
    return u < shares.mask                   ? vocab->mask
           : u < shares.mask + shares.random ? ordinary_token(vocab, random, number)
                                             : token;
}

/* Every row but the last of each sequence, and the token after it. */
static void ask_for_next(el_corruption *slots, const el_batch *batch)
{
    for (int s = 0; s < batch->sequences; s++) {
        for (int row = batch->starts[s]; row + 1 < batch->starts[s + 1]; row++) {
            slots->rows[slots->count] = row;
            slots->shown[slots->count] = batch->ids[row];
            slots->targets[slots->count++] = batch->ids[row + 1];
        }
        slots->starts[s + 1] = slots->count;
    }
}

el_status el_corruption_make(el_corruption *slots, const el_batch *batch, const el_vocab *vocab,
                             const el_corruption_rule *rule, el_random random)
{
    const el_status st = el_corruption_reserve(slots, batch->rows, batch->sequences);
    if (st)
        return st;
    slots->count = slots->starts[0] = 0;
    if (rule->unit == EL_MASK_NEXT) {
        ask_for_next(slots, batch);
        return EL_OK;
    }
    for (int s = 0; s < batch->sequences; s++) {
        const int first = batch->starts[s], last = batch->starts[s + 1];
        const int candidates = find_candidates(slots->candidates, batch, vocab, first, last);
        if (rule->unit == EL_MASK_PIECE)
            choose(slots, rule, candidates, first, last, random);
        else if (rule->unit == EL_MASK_SPAN)
            choose_spans(slots, rule, batch, vocab, candidates, first, last, random);
        else
            choose_words(slots, rule, candidates, find_words(slots, batch, vocab, candidates), first, last,
                         random);
        slots->starts[s + 1] = slots->count;
    }
    for (int i = 0; i < slots->count; i++) {
        slots->targets[i] = batch->ids[slots->rows[i]];
        slots->shown[i] = shown(slots->targets[i], vocab, rule->shares, random, (uint64_t)i);
    }
    return EL_OK;
}

void el_corruption_show(const el_corruption *slots, int *ids, int first_row, int first, int last)
{
    for (int i = first; i < last; i++)
        if (slots->shown[i] != slots->targets[i])
            ids[slots->rows[i] - first_row] = slots->shown[i];
}

void el_corruption_release(el_corruption *slots)
{
    free(slots->rows);
    free(slots->shown);
    free(slots->targets);
    free(slots->candidates);
    free(slots->words);
    free(slots->places);
    free(slots->starts);
    *slots = (el_corruption){0};
}
