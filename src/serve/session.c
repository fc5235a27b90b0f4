/* session - texts longer than the model has places are read in overlapping windows, one after the other */
#include "serve/session.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/number.h"
#include "serve/window_reader.h"

enum { SLOTS = 4 }; /* [MASK]s answered at a time: their logits are SLOTS x vocabulary */

/* Grows to the longest answer so far. */
typedef struct {
    void *data;
    size_t bytes;
} buffer;

struct el_session {
    const el_loaded *loaded;
    el_queue *q; /* the session's own: its scratch and its threads */
    el_wordpiece *wordpiece;
    el_evaluation_watch watch;
    el_text_lost lost; /* so far */
    el_window_reader generator, discriminator;
    /* the last answer */
    el_ids ids;
    el_spans from;
    buffer logits; /* float */
    buffer at;     /* int */
    buffer guess;  /* el_guess */
};

el_status el_session_open(el_session **out, const el_loaded *loaded)
{
    el_session *s = calloc(1, sizeof *s);
    if (!s)
        return el_no_memory(NULL);
    s->loaded = loaded;
    el_status st = loaded->dev->open_queue(loaded->dev, &s->q, loaded->threads);
    if (!st)
        st = el_wordpiece_open(&s->wordpiece, loaded->vocab, loaded->reading);
    if (!st)
        st = el_window_reader_open(&s->generator, s->q, loaded, EL_GENERATOR, SLOTS, 0);
    if (!st)
        st = el_window_reader_open(&s->discriminator, s->q, loaded, EL_DISCRIMINATOR, 0, 0);
    if (st) {
        el_session_close(s);
        return st;
    }
    *out = s;
    return EL_OK;
}

void el_session_close(el_session *s)
{
    if (!s)
        return;
    el_window_reader_close(&s->generator);
    el_window_reader_close(&s->discriminator);
    if (s->q)
        s->q->close(s->q);
    el_wordpiece_close(s->wordpiece);
    el_ids_release(&s->ids);
    el_spans_release(&s->from);
    free(s->logits.data);
    free(s->at.data);
    free(s->guess.data);
    free(s);
}

const el_text_lost *el_session_lost(const el_session *s)
{
    return &s->lost;
}

void el_session_watch(el_session *s, el_evaluation_watch watch)
{
    s->watch = watch;
}

static el_status tell(el_session *s, int done, int windows)
{
    return s->watch.on_batch ? s->watch.on_batch(s->watch.context, (double)done / windows) : EL_OK;
}

static el_status not_finite(void)
{
    return el_fail(EL_EFAILED, "the model's numbers are not finite");
}

/* Room for `count` elements. */
static el_status room(buffer *b, size_t count, size_t element)
{
    return el_grow(&b->data, &b->bytes, count * element, 1)
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for %zu pieces", count);
}

static el_status cut(el_session *s, const char *text, size_t bytes)
{
    if (bytes > INT32_MAX)
        return el_fail(EL_EUSAGE, "a text of %zu bytes is too long to be asked about at once", bytes);
    s->ids.count = s->from.count = 0;
    const el_status st = el_wordpiece_encode_spans(s->wordpiece, text, bytes, &s->ids, &s->from);
    if (!st)
        el_text_lost_count(&s->lost, s->ids.data, s->ids.count, s->loaded->vocab->unk);
    return st;
}

/* ---- detect ---- */

/* A logit for each piece that the window answers for, into the list of all. */
static el_status judge(el_window_reader *r, const el_window_asked *asked)
{
    const el_text_window w = asked->window;
    const el_status st = el_window_reader_detect(r, asked, 1);
    if (st || w.last == w.first)
        return st;
    return el_numbers_finite(asked->logits + w.first, (size_t)(w.last - w.first)) ? EL_OK : not_finite();
}

el_status el_session_detect(el_session *s, const char *text, size_t bytes, el_detection *answer)
{
    el_window_reader *const r = &s->discriminator;
    if (!r->places)
        return el_fail(EL_EUSAGE, "this model has no discriminator");
    el_status st = cut(s, text, bytes);
    if (!st)
        st = room(&s->logits, s->ids.count, sizeof(float));
    const int count = (int)s->ids.count, size = r->places - 2, windows = el_window_count(count, size);
    el_window_asked asked = {.ids = s->ids.data, .logits = s->logits.data};
    for (int w = 0; w < windows && !st; w++) {
        asked.window = el_window_at(w, count, size);
        st = judge(r, &asked);
        if (!st)
            st = tell(s, w + 1, windows);
    }
    *answer = (el_detection){count, windows, s->ids.data, s->from.data, s->logits.data};
    return st;
}

/* ---- fill ---- */

static el_status find_masks(el_session *s, el_filling *a)
{
    const el_status st = room(&s->at, s->ids.count, sizeof(int));
    if (st)
        return st;
    int *const at = s->at.data;
    int slots = 0;
    for (int i = 0; i < a->count; i++)
        if (a->ids[i] == s->loaded->vocab->mask)
            at[slots++] = i;
    a->at = at;
    a->slots = slots;
    return EL_OK;
}

/* The guesses at the [MASK]s that the window answers for. */
static el_status guess_masks(el_window_reader *r, const el_window_asked *asked)
{
    const el_status st = asked->masks ? el_window_reader_fill(r, asked, 1) : EL_OK;
    return st || el_guesses_finite(asked->guesses, asked->masks, asked->top_k) ? st : not_finite();
}

static el_status fill(el_session *s, const char *text, size_t bytes, int top_k, double temperature,
                      el_filling *answer)
{
    el_window_reader *const r = &s->generator;
    if (!r->places)
        return el_fail(EL_EUSAGE, "this model has no generator");
    assert(top_k >= 1);
    const int pieces = s->loaded->vocab->size, size = r->places - 2;
    el_status st = cut(s, text, bytes);
    el_filling a = {.count = (int)s->ids.count, .ids = s->ids.data, .from = s->from.data};
    a.windows = el_window_count(a.count, size);
    a.top_k = top_k > pieces ? pieces : top_k;
    a.temperature = temperature;
    if (!st)
        st = find_masks(s, &a);
    if (!st)
        st = room(&s->guess, (size_t)a.slots * (size_t)a.top_k, sizeof(el_guess));
    el_window_asked asked = {.ids = a.ids, .top_k = a.top_k, .temperature = temperature};
    for (int w = 0, first = 0; w < a.windows && !st; w++, first += asked.masks) {
        asked.window = el_window_at(w, a.count, size);
        asked.at = a.at + first;
        asked.guesses = (el_guess *)s->guess.data + (size_t)first * (size_t)a.top_k;
        asked.masks = el_window_answers(asked.window, asked.at, a.slots - first);
        st = guess_masks(r, &asked);
        if (!st)
            st = tell(s, w + 1, a.windows);
    }
    a.guess = s->guess.data;
    *answer = a;
    return st;
}

el_status el_session_fill(el_session *s, const char *text, size_t bytes, int top_k, el_filling *answer)
{
    return fill(s, text, bytes, top_k, 1, answer);
}

/* ---- both networks ---- */

double el_judged_probability(double original, double generated, double mask_prob)
{
    const double a = (1 - mask_prob) / mask_prob, sum = a * (1 - original) + generated;
    return sum > 0 ? original * generated / sum : original; /* a token so unlikely that p_G is 0 */
}

/* Judges the candidates of one slot, and brings them into their new order. */
static el_status judge_slot(el_session *s, int at, el_text_window view, int candidates, double mask_prob,
                            el_guess *guess)
{
    const float *const logits = s->logits.data;
    view.first = at;
    view.last = at + 1;
    const el_window_asked asked = {.window = view, .ids = s->ids.data, .logits = s->logits.data};
    el_status st = EL_OK;
    for (int k = 0; k < candidates && !st; k++) {
        s->ids.data[at] = guess[k].id;
        st = judge(&s->discriminator, &asked);
        const double original = 1 / (1 + exp((double)logits[at]));
        guess[k].probability = el_judged_probability(original, guess[k].probability, mask_prob);
    }
    qsort(guess, (size_t)candidates, sizeof *guess, el_guess_better);
    return st;
}

el_status el_session_fill_judged(el_session *s, const char *text, size_t bytes, int top_k,
                                 const el_judging *how, el_filling *answer)
{
    if (!s->discriminator.places)
        return el_fail(EL_EUSAGE, "this model has no discriminator");
    el_status st = fill(s, text, bytes, EL_JUDGED, how->temperature, answer);
    if (!st)
        st = room(&s->logits, s->ids.count, sizeof(float));
    if (st)
        return st;
    const int candidates = answer->top_k, size = s->discriminator.places - 2;
    const int windows = el_window_count(answer->count, size);
    el_guess *const guess = s->guess.data;
    for (int i = 0; i < answer->slots && !st; i++)
        s->ids.data[answer->at[i]] = guess[i * candidates].id;
    for (int w = 0, i = 0; w < windows && !st; w++) {
        const el_text_window view = el_window_at(w, answer->count, size);
        for (; i < answer->slots && answer->at[i] < view.last && !st; i++) {
            const int at = answer->at[i], best = s->ids.data[at];
            st = judge_slot(s, at, view, candidates, how->mask_prob, guess + (size_t)i * (size_t)candidates);
            s->ids.data[at] = best;
        }
    }
    answer->top_k = top_k < candidates ? top_k : candidates;
    for (int i = 0; i < answer->slots; i++) {
        memmove(guess + (size_t)i * (size_t)answer->top_k, guess + (size_t)i * (size_t)candidates,
                (size_t)answer->top_k * sizeof *guess);
        s->ids.data[answer->at[i]] = s->loaded->vocab->mask;
    }
    return st;
}
