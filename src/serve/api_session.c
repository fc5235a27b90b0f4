/* api_session - the functions of electra.h that ask what was pre-trained: replaced pieces, guesses at masks */
#include <math.h>
#include <stdlib.h>

#include "serve/api.h"

electra_status electra_session_open(electra_session **out, const electra_model *model)
{
    if (!out || !model)
        return el_api_said(el_api_missing(out ? "the model" : "the session's place"));
    electra_session *const s = calloc(1, sizeof *s);
    if (!s)
        return el_api_said(el_no_memory(NULL));
    s->model = model;
    *out = s;
    return ELECTRA_OK;
}

void electra_session_close(electra_session *s)
{
    if (!s)
        return;
    el_session_close(s->asked);
    if (s->tuned_open)
        el_finetuned_close(&s->tuned);
    el_embedder_close(s->embedder);
    if (s->q)
        s->q->close(s->q);
    el_entities_release(&s->entities);
    free(s->items.data);
    free(s->starts.data);
    free(s->others.data);
    free(s);
}

void electra_session_cancel(electra_session *s)
{
    if (s)
        atomic_store(&s->cancelled, 1);
}

el_status el_api_cancelled(void *session, double fraction)
{
    electra_session *const s = session;
    (void)fraction;
    return atomic_exchange(&s->cancelled, 0) ? el_fail(EL_ESTOPPED, "the question was cancelled") : EL_OK;
}

/* A session ready to be asked `count` texts about what was pre-trained. */
static el_status begin(electra_session *s, const electra_text *texts, size_t count)
{
    el_status st = el_api_check_texts(texts, count);
    if (!st)
        st = el_api_room(&s->starts, count + 1, sizeof(size_t));
    if (!st && !s->asked) {
        st = el_session_open(&s->asked, s->model->loaded);
        if (!st)
            el_session_watch(s->asked, (el_evaluation_watch){.on_batch = el_api_cancelled, .context = s});
    }
    return st ? st : el_api_cancelled(s, 0);
}

/* ---- detect ---- */

/* Appends a text's pieces to the answer, which has `*total` of them. */
static el_status detect(electra_session *s, const electra_text *text, size_t *total)
{
    const el_vocab *const vocab = s->model->loaded->vocab;
    el_detection d;
    el_status st = el_session_detect(s->asked, el_api_text(text), text->bytes, &d);
    if (!st)
        st = el_api_room(&s->items, *total + (size_t)d.count, sizeof(electra_piece));
    if (st)
        return st;
    electra_piece *const pieces = (electra_piece *)s->items.data + *total;
    for (int i = 0; i < d.count; i++)
        pieces[i] = (electra_piece){.piece = vocab->pieces[d.ids[i]],
                                    .id = d.ids[i],
                                    .begin = d.from[i].begin,
                                    .end = d.from[i].end,
                                    .logit = d.logits[i],
                                    .probability = (float)(1 / (1 + exp(-(double)d.logits[i])))};
    *total += (size_t)d.count;
    return EL_OK;
}

electra_status electra_detect_batch(electra_session *s, const electra_text *texts, size_t count,
                                    const electra_piece **pieces, const size_t **starts)
{
    if (!s || !pieces || !starts)
        return el_api_said(el_api_missing("the session, or a place for its answer,"));
    el_status st = begin(s, texts, count);
    size_t total = 0;
    for (size_t i = 0; !st && i < count; i++) {
        ((size_t *)s->starts.data)[i] = total;
        st = detect(s, &texts[i], &total);
    }
    if (!st && count == 0) /* whether it could be asked */
        st = detect(s, &(electra_text){0}, &total);
    if (!st)
        st = el_api_room(&s->items, total, sizeof(electra_piece));
    if (st)
        return el_api_said(st);
    ((size_t *)s->starts.data)[count] = total;
    *pieces = s->items.data;
    *starts = s->starts.data;
    return ELECTRA_OK;
}

electra_status electra_detect(electra_session *s, const char *text, size_t bytes,
                              const electra_piece **pieces, size_t *count)
{
    const electra_text one = {text, bytes};
    const electra_piece *found;
    const size_t *starts;
    if (!pieces || !count)
        return el_api_said(el_api_missing("a place for the answer"));
    const electra_status status = electra_detect_batch(s, &one, 1, &found, &starts);
    if (status)
        return status;
    *pieces = found;
    *count = starts[1];
    return ELECTRA_OK;
}

/* ---- fill ---- */

/* Appends guesses at a text's masks to the answer, which has `*masks` of them. */
static el_status fill(electra_session *s, const electra_text *text, size_t top_k, size_t *masks)
{
    const el_vocab *const vocab = s->model->loaded->vocab;
    el_filling f;
    el_status st = el_session_fill(s->asked, el_api_text(text), text->bytes, (int)top_k, &f);
    if (!st)
        st = el_api_room(&s->items, (*masks + (size_t)f.slots) * top_k, sizeof(electra_guess));
    if (st)
        return st;
    electra_guess *const guesses = (electra_guess *)s->items.data + *masks * top_k;
    for (size_t i = 0; i < (size_t)f.slots * top_k; i++)
        guesses[i] = (electra_guess){.piece = vocab->pieces[f.guess[i].id],
                                     .id = f.guess[i].id,
                                     .probability = (float)f.guess[i].probability};
    *masks += (size_t)f.slots;
    return EL_OK;
}

static el_status check_top_k(const electra_session *s, size_t top_k)
{
    const int pieces = s->model->loaded->vocab->size;
    if (top_k < 1 || top_k > (size_t)pieces)
        return el_fail(EL_EUSAGE, "%zu guesses are not between 1 and the vocabulary's %d", top_k, pieces);
    return EL_OK;
}

electra_status electra_fill_batch(electra_session *s, const electra_text *texts, size_t count, size_t top_k,
                                  const electra_guess **guesses, const size_t **starts)
{
    if (!s || !guesses || !starts)
        return el_api_said(el_api_missing("the session, or a place for its answer,"));
    el_status st = check_top_k(s, top_k);
    if (!st)
        st = begin(s, texts, count);
    size_t masks = 0;
    for (size_t i = 0; !st && i < count; i++) {
        ((size_t *)s->starts.data)[i] = masks;
        st = fill(s, &texts[i], top_k, &masks);
    }
    if (!st && count == 0)
        st = fill(s, &(electra_text){0}, top_k, &masks);
    if (!st)
        st = el_api_room(&s->items, masks * top_k, sizeof(electra_guess));
    if (st)
        return el_api_said(st);
    ((size_t *)s->starts.data)[count] = masks;
    *guesses = s->items.data;
    *starts = s->starts.data;
    return ELECTRA_OK;
}

electra_status electra_fill(electra_session *s, const char *text, size_t bytes, size_t top_k,
                            const electra_guess **guesses, size_t *masks)
{
    const electra_text one = {text, bytes};
    const electra_guess *found;
    const size_t *starts;
    if (!guesses || !masks)
        return el_api_said(el_api_missing("a place for the answer"));
    const electra_status status = electra_fill_batch(s, &one, 1, top_k, &found, &starts);
    if (status)
        return status;
    *guesses = found;
    *masks = starts[1];
    return ELECTRA_OK;
}
