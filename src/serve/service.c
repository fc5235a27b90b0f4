/* service - opening a model to be asked by a server, and its end */
#include "serve/service.h"

#include <stdlib.h>
#include <string.h>

#include "serve/service_parts.h"

const char *const EL_ASK_NAMES[EL_ASKS] = {"predict", "embed", "detect", "fill"};

static el_status open_wordpieces(el_service *s)
{
    const el_special_reading taught =
        s->loaded->card.features.plain_special ? EL_SPECIAL_PLAIN : EL_SPECIAL_TOKENS;
    const el_status st = el_wordpiece_open(&s->wordpiece, s->loaded->vocab, s->loaded->reading);
    return st || !s->loaded->tuned ? st : el_wordpiece_open(&s->wordpiece_tuned, s->loaded->vocab, taught);
}

static el_status open_tuned(el_service *s, el_answerer *a, int batch_tokens)
{
    if (!s->loaded->tuned)
        return EL_OK;
    const el_status st = el_finetuned_over(&a->tuned, s->q, &s->loaded->model, s->loaded->vocab,
                                           &s->loaded->card, batch_tokens);
    a->tuned.card.features.windows = s->loaded->card.kind == EL_TAG; /* no word is left without a tag */
    return st;
}

static el_status open_embedder(el_service *s, el_answerer *a, const el_service_settings *settings, int tokens)
{
    const el_embedder_settings how = {.pooling = settings->pooling,
                                      .plain_special = s->loaded->reading == EL_SPECIAL_PLAIN,
                                      .batch_tokens = tokens};
    el_sentence said = s->loaded->said;
    said.found &= a == &s->usual; /* what is taken from it is told once */
    return el_embedder_over(&a->embedder, s->q, &s->loaded->model, s->loaded->encoder, s->loaded->vocab,
                            &said, &how);
}

static el_status open_answerer(el_service *s, el_answerer *a, const el_service_settings *settings, int tokens)
{
    el_status st = open_tuned(s, a, tokens);
    if (!st)
        st = open_embedder(s, a, settings, tokens);
    if (!st)
        st = el_window_reader_open(&a->generator, s->q, s->loaded, EL_GENERATOR, EL_WINDOW_SLOTS, tokens);
    return st ? st : el_window_reader_open(&a->discriminator, s->q, s->loaded, EL_DISCRIMINATOR, 0, tokens);
}

static void close_answerer(el_answerer *a)
{
    el_window_reader_close(&a->generator);
    el_window_reader_close(&a->discriminator);
    el_embedder_close(a->embedder);
    el_finetuned_close(&a->tuned);
}

static el_status open_parts(el_service *s, const el_service_settings *settings)
{
    el_status st = s->loaded->dev->open_queue(s->loaded->dev, &s->q, s->loaded->threads);
    if (!st)
        st = open_wordpieces(s);
    if (!st)
        st = open_answerer(s, &s->usual, settings, settings->batch_tokens);
    if (!st)
        st = open_answerer(s, &s->passing, settings, settings->batch_tokens / EL_SHARE + 1);
    if (!st)
        s->q->halt = settings->halt;
    return st;
}

static void close_service(el_service *s)
{
    close_answerer(&s->usual);
    close_answerer(&s->passing);
    if (s->q)
        s->q->close(s->q);
    el_wordpiece_close(s->wordpiece);
    el_wordpiece_close(s->wordpiece_tuned);
    el_loaded_close(s->loaded);
    free(s->name);
    free(s);
}

el_status el_service_open(el_service **out, const char *name, const char *folder,
                          const el_service_settings *settings)
{
    el_service *const s = calloc(1, sizeof *s);
    if (!s)
        return el_no_memory(folder);
    atomic_init(&s->held, 1);
    s->name = strdup(name);
    el_status st = s->name ? EL_OK : el_no_memory(folder);
    if (!st)
        st = el_loaded_open(&s->loaded, folder, &settings->load);
    if (!st)
        st = open_parts(s, settings);
    if (!st)
        *out = s;
    else
        close_service(s);
    return st;
}

el_service *el_service_hold(el_service *s)
{
    atomic_fetch_add(&s->held, 1);
    return s;
}

void el_service_release(el_service *s)
{
    if (s && atomic_fetch_sub(&s->held, 1) == 1)
        close_service(s);
}

const char *el_service_name(const el_service *s)
{
    return s->name;
}

const el_loaded *el_service_loaded(const el_service *s)
{
    return s->loaded;
}

bool el_service_can(const el_service *s, el_ask ask)
{
    switch (ask) {
    case EL_ASK_PREDICT:
        return s->loaded->tuned;
    case EL_ASK_DETECT:
        return s->usual.discriminator.places > 0;
    case EL_ASK_FILL:
        return s->usual.generator.places > 0;
    default:
        return true;
    }
}

int el_service_width(const el_service *s)
{
    return el_embedder_width(s->usual.embedder);
}

int el_service_longest(const el_service *s, el_ask ask)
{
    return ask == EL_ASK_PREDICT  ? s->loaded->card.features.max_seq_length
           : ask == EL_ASK_DETECT ? s->usual.discriminator.places
           : ask == EL_ASK_FILL   ? s->usual.generator.places
                                  : el_embedder_longest(s->usual.embedder);
}
