/* answers - see the header */
#include "task/learn/answers.h"

#include <stdlib.h>
#include <string.h>

static bool same_text(const el_scored_span *a, const el_scored_span *b, const char *context)
{
    const uint32_t bytes = a->end - a->begin;
    return b->end - b->begin == bytes && memcmp(context + a->begin, context + b->begin, bytes) == 0;
}

/* Appends it unless its text is there already. */
static int add_new(el_scored_span *found, int count, el_scored_span one, const char *context)
{
    for (int i = 0; i < count; i++)
        if (same_text(&found[i], &one, context))
            return count;
    found[count] = one;
    return count + 1;
}

/* Whether a guess is an answer, and which. */
static bool is_answer(const el_guessed *w, const el_span_guess *guess, int longest, el_scored_span *found)
{
    const el_feature *f = w->feature;
    const int first = guess->start - w->shift, last = guess->end - w->shift;
    if (guess->start < 0 || first < f->own || first >= f->own_end || last < first || last >= f->rows ||
        last - first >= longest || w->pieces[last].end <= w->pieces[first].begin)
        return false;
    *found = (el_scored_span){.begin = w->pieces[first].begin,
                              .end = w->pieces[last].end,
                              .score = (double)guess->start_score + (double)guess->end_score,
                              .start_score = guess->start_score,
                              .end_score = guess->end_score};
    return true;
}

int el_answers_find(const el_guessed *window, const el_span_guess *guesses, int count, int max_answer_length,
                    int most, el_scored_span *found)
{
    int kept = 0;
    el_scored_span one;
    for (int i = 0; i < count && kept < most; i++)
        if (is_answer(window, &guesses[i], max_answer_length, &one))
            kept = add_new(found, kept, one, window->context);
    return kept;
}

/* Best first, of equals the earlier and the shorter. */
static int by_score(const void *left, const void *right)
{
    const el_scored_span *a = left, *b = right;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

int el_answers_best(el_scored_span *found, int count, const char *context, int most)
{
    int kept = 0;
    if (count)
        qsort(found, (size_t)count, sizeof *found, by_score);
    for (int i = 0; i < count && kept < most; i++)
        kept = add_new(found, kept, found[i], context);
    return kept;
}
