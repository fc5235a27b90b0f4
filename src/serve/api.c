/* api - the public functions of electra.h over sessions: names, sizes and lifetimes, no work of its own */
#include "electra.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/tokenizer.h"
#include "serve/session.h"

_Static_assert((int)ELECTRA_FAILED == (int)EL_EFAILED && (int)ELECTRA_USAGE == (int)EL_EUSAGE &&
                   (int)ELECTRA_DATA == (int)EL_EDATA && (int)ELECTRA_NO_MEMORY == (int)EL_ENOMEM,
               "public statuses are the library's own");

const char *electra_version(void)
{
    return ELECTRA_VERSION;
}

const char *electra_error(void)
{
    return el_error();
}

static electra_status said(el_status status)
{
    return (electra_status)status;
}

/* ---- tokenizer ---- */

struct electra_tokenizer {
    el_vocab *vocab;
    el_wordpiece *wordpiece;
    el_ids ids;
};

electra_status electra_tokenizer_open(electra_tokenizer **out, const char *path)
{
    electra_tokenizer *const t = calloc(1, sizeof *t);
    if (!t)
        return said(el_fail(EL_ENOMEM, "%s: no memory", path));
    el_status st = el_tokenizer_load(&t->vocab, path, EL_CASING_UNSAID);
    if (!st)
        st = el_wordpiece_open(&t->wordpiece, t->vocab, EL_SPECIAL_PLAIN);
    if (!st)
        *out = t;
    else
        electra_tokenizer_close(t);
    return said(st);
}

electra_status electra_tokenizer_encode(electra_tokenizer *t, const char *text, size_t bytes,
                                        const int32_t **ids, size_t *count)
{
    if (bytes > UINT32_MAX)
        return said(el_fail(EL_EUSAGE, "a text of %zu bytes is too long", bytes));
    t->ids.count = 0;
    const el_status st = el_wordpiece_encode(t->wordpiece, text, bytes, &t->ids);
    if (!st) {
        *ids = t->ids.data;
        *count = t->ids.count;
    }
    return said(st);
}

int32_t electra_tokenizer_size(const electra_tokenizer *t)
{
    return t->vocab->size;
}

const char *electra_tokenizer_piece(const electra_tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->vocab->size ? t->vocab->pieces[id] : NULL;
}

void electra_tokenizer_close(electra_tokenizer *t)
{
    if (!t)
        return;
    el_ids_release(&t->ids);
    el_wordpiece_close(t->wordpiece);
    el_vocab_close(t->vocab);
    free(t);
}

/* ---- model ---- */

struct electra_model {
    el_loaded *loaded;
};

static const el_serve_precision PRECISIONS[] = {EL_SERVE_FP32, EL_SERVE_BF16, EL_SERVE_FASTEST};

static el_status check_options(const electra_options *o)
{
    if (o->threads < 0)
        return el_fail(EL_EUSAGE, "%d threads cannot work", o->threads);
    if ((unsigned)o->precision >= sizeof PRECISIONS / sizeof *PRECISIONS)
        return el_fail(EL_EUSAGE, "%d is no precision", (int)o->precision);
    return EL_OK;
}

electra_status electra_model_open(electra_model **out, const char *folder, const electra_options *options)
{
    const electra_options o = options ? *options : (electra_options){0};
    el_status st = check_options(&o);
    if (st)
        return said(st);
    electra_model *const m = calloc(1, sizeof *m);
    if (!m)
        return said(el_fail(EL_ENOMEM, "%s: no memory", folder));
    st = el_loaded_open(&m->loaded, folder,
                        &(el_load_settings){.precision = PRECISIONS[o.precision],
                                            .threads = o.threads,
                                            .level = o.instruction_set});
    if (!st)
        *out = m;
    else
        electra_model_close(m);
    return said(st);
}

void electra_model_close(electra_model *m)
{
    if (!m)
        return;
    el_loaded_close(m->loaded);
    free(m);
}

/* ---- session ---- */

struct electra_session {
    el_session *session;
    const el_vocab *vocab;
    electra_piece *pieces;
    electra_guess *guesses;
    size_t piece_room, guess_room;
};

electra_status electra_session_open(electra_session **out, const electra_model *model)
{
    electra_session *const s = calloc(1, sizeof *s);
    if (!s)
        return said(el_fail(EL_ENOMEM, "no memory for a session"));
    s->vocab = el_loaded_vocab(model->loaded);
    const el_status st = el_session_open(&s->session, model->loaded);
    if (!st)
        *out = s;
    else
        electra_session_close(s);
    return said(st);
}

void electra_session_close(electra_session *s)
{
    if (!s)
        return;
    el_session_close(s->session);
    free(s->pieces);
    free(s->guesses);
    free(s);
}

static el_status piece_room(electra_session *s, size_t count)
{
    if (count <= s->piece_room)
        return EL_OK;
    electra_piece *const larger = realloc(s->pieces, count * sizeof *larger);
    if (!larger)
        return el_fail(EL_ENOMEM, "no memory for %zu pieces", count);
    s->pieces = larger;
    s->piece_room = count;
    return EL_OK;
}

static el_status guess_room(electra_session *s, size_t count)
{
    if (count <= s->guess_room)
        return EL_OK;
    electra_guess *const larger = realloc(s->guesses, count * sizeof *larger);
    if (!larger)
        return el_fail(EL_ENOMEM, "no memory for %zu guesses", count);
    s->guesses = larger;
    s->guess_room = count;
    return EL_OK;
}

electra_status electra_detect(electra_session *s, const char *text, size_t bytes,
                              const electra_piece **pieces, size_t *count)
{
    el_detection d;
    el_status st = el_session_detect(s->session, text, bytes, &d);
    if (!st)
        st = piece_room(s, (size_t)d.count);
    if (st)
        return said(st);
    for (int i = 0; i < d.count; i++)
        s->pieces[i] = (electra_piece){.piece = s->vocab->pieces[d.ids[i]],
                                       .id = d.ids[i],
                                       .begin = d.from[i].begin,
                                       .end = d.from[i].end,
                                       .logit = d.logits[i],
                                       .probability = (float)(1 / (1 + exp(-(double)d.logits[i])))};
    *pieces = s->pieces;
    *count = (size_t)d.count;
    return ELECTRA_OK;
}

electra_status electra_fill(electra_session *s, const char *text, size_t bytes, size_t top_k,
                            const electra_guess **guesses, size_t *masks)
{
    if (top_k < 1 || top_k > (size_t)s->vocab->size)
        return said(el_fail(EL_EUSAGE, "%zu guesses are not between 1 and the vocabulary's %d", top_k,
                            s->vocab->size));
    el_filling f;
    el_status st = el_session_fill(s->session, text, bytes, (int)top_k, &f);
    const size_t total = st ? 0 : (size_t)f.slots * top_k;
    if (!st)
        st = guess_room(s, total);
    if (st)
        return said(st);
    for (size_t i = 0; i < total; i++)
        s->guesses[i] = (electra_guess){.piece = s->vocab->pieces[f.guess[i].id],
                                        .id = f.guess[i].id,
                                        .probability = (float)f.guess[i].probability};
    *guesses = s->guesses;
    *masks = (size_t)f.slots;
    return ELECTRA_OK;
}
