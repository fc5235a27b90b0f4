/* guess - see the header
 *
 * The best so far are a heap with the worst of them on top, until all are known.
 */
#include "serve/guess.h"

#include <math.h>
#include <stdlib.h>

int el_guess_better(const void *left, const void *right)
{
    const el_guess *a = left, *b = right;
    return a->probability > b->probability ? -1 : a->probability < b->probability ? 1 : a->id - b->id;
}

/* Brings the guess at a place down to where none below it is worse. */
static void sink(el_guess *heap, int count, int at)
{
    for (int worst; (worst = 2 * at + 1) < count; at = worst) {
        if (worst + 1 < count && el_guess_better(&heap[worst], &heap[worst + 1]) < 0)
            worst++;
        if (el_guess_better(&heap[worst], &heap[at]) < 0)
            return;
        const el_guess up = heap[worst];
        heap[worst] = heap[at];
        heap[at] = up;
    }
}

void el_guess_rank(el_guess *best, int top_k, const float *logits, double temperature, int known, int pieces)
{
    double largest = logits[0], sum = 0;
    for (int i = 1; i < known; i++)
        largest = logits[i] > largest ? logits[i] : largest;
    for (int i = 0; i < known; i++) {
        const el_guess next = {i, exp((logits[i] - largest) / temperature)};
        sum += next.probability;
        if (i < top_k)
            best[i] = next;
        if (i == top_k - 1)
            for (int at = top_k / 2; at >= 0; at--)
                sink(best, top_k, at);
        if (i >= top_k && i < pieces && el_guess_better(&next, &best[0]) < 0) {
            best[0] = next;
            sink(best, top_k, 0);
        }
    }
    qsort(best, (size_t)top_k, sizeof *best, el_guess_better);
    for (int k = 0; k < top_k; k++)
        best[k].probability /= sum;
}

bool el_guesses_finite(const el_guess *guesses, int masks, int top_k)
{
    for (int m = 0; m < masks; m++)
        if (!isfinite(guesses[(size_t)m * (size_t)top_k].probability))
            return false;
    return true;
}
