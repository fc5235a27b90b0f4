/* service_compute - parts of many questions at once: through the network, and each answer to whom it belongs */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/service_parts.h"

static el_question *question_of(el_part part)
{
    return (el_question *)part.job;
}

static const struct el_question_part *place_of(el_part part)
{
    return &question_of(part)->parts[part.part];
}

static el_query *query_of(el_part part)
{
    return &question_of(part)->queries[place_of(part)->query];
}

/* ---- windows through a network of pre-training ---- */

typedef el_status window_ask(el_window_reader *reader, const el_window_asked *asked, int count);

static el_window_asked window_of(el_part part)
{
    const struct el_question_part *const p = place_of(part);
    const el_query *const a = query_of(part);
    const int top_k = question_of(part)->top_k;
    return (el_window_asked){.window = p->window,
                             .ids = a->ids.data,
                             .logits = a->numbers,
                             .at = a->at + p->mask,
                             .masks = p->masks,
                             .guesses = a->guesses + (size_t)p->mask * (size_t)top_k,
                             .top_k = top_k,
                             .temperature = 1};
}

static el_status ask_windows(el_window_reader *reader, window_ask *ask, const el_part *parts, int count)
{
    el_window_asked *const asked = malloc((size_t)count * sizeof *asked);
    if (!asked)
        return el_no_memory(NULL);
    for (int i = 0; i < count; i++)
        asked[i] = window_of(parts[i]);
    const el_status st = ask(reader, asked, count);
    free(asked);
    return st;
}

static el_status detect(el_service *s, el_answerer *with, const el_part *parts, int count)
{
    (void)s;
    return ask_windows(&with->discriminator, el_window_reader_detect, parts, count);
}

static el_status fill(el_service *s, el_answerer *with, const el_part *parts, int count)
{
    (void)s;
    return ask_windows(&with->generator, el_window_reader_fill, parts, count);
}

/* ---- texts through a task's head, or to a vector ---- */

static el_status add_example(el_dataset *d, const el_query *a)
{
    el_labelled *const e = el_dataset_add(d, d->count + 1);
    if (!e)
        return el_no_memory(NULL);
    for (int t = 0; t < 2; t++)
        e->text[t] = a->text[t]; /* which outlives the dataset */
    el_status st = EL_OK;
    for (size_t i = 0; d->kind == EL_TAG && i < a->words.count && !st; i++)
        st = el_dataset_add_word(d, a->text[0] + a->words.data[i].begin,
                                 a->words.data[i].end - a->words.data[i].begin, -1);
    return st;
}

static el_status make_dataset(el_dataset *d, el_task_kind kind, const el_part *parts, int count)
{
    el_status st = el_dataset_open(d, kind, "inputs");
    for (int i = 0; i < count && !st; i++)
        st = add_example(d, query_of(parts[i]));
    return st;
}

static void take_spans(const el_task_card *card, el_query *a, const el_prediction *p)
{
    a->answered = el_task_card_answers(card, p);
    a->null_odds = p->null_odds;
    a->answer_count = p->answer_count;
    for (int i = 0; i < p->answer_count; i++) {
        a->answers[i] = p->answers[i];
        a->answers[i].text = NULL; /* bytes [begin, end) of the context */
    }
}

static void take_prediction(const el_task_card *card, el_query *a, const el_prediction *p)
{
    const size_t labels = (size_t)card->labels.count;
    a->value = p->finite ? p->value : NAN;
    if (card->kind == EL_SPAN)
        take_spans(card, a, p);
    else if (card->kind == EL_TAG && a->words.count) {
        memcpy(a->numbers, p->probabilities, a->words.count * sizeof *a->numbers);
        memcpy(a->tags, p->tags, a->words.count * sizeof *a->tags);
    } else if (card->kind == EL_CLASSIFY || card->kind == EL_MULTILABEL)
        memcpy(a->numbers, p->probabilities, labels * sizeof *a->numbers);
}

static el_status predict(el_service *s, el_answerer *with, const el_part *parts, int count)
{
    el_dataset d = {0};
    const el_prediction *predictions;
    int answered;
    el_status st = make_dataset(&d, s->loaded->card.kind, parts, count);
    if (!st)
        st = el_finetuned_ask_each(&with->tuned, &d, &predictions, &answered);
    for (int i = 0; !st && i < answered; i++)
        take_prediction(&s->loaded->card, query_of(parts[predictions[i].example]), &predictions[i]);
    el_dataset_release(&d);
    return st;
}

static el_status embed(el_service *s, el_answerer *with, const el_part *parts, int count)
{
    const size_t width = (size_t)el_service_width(s);
    el_dataset d = {0};
    const float *vectors;
    el_status st = make_dataset(&d, EL_CLASSIFY, parts, count);
    if (!st)
        st = el_embedder_ask_each(with->embedder, &d, &vectors);
    for (int i = 0; !st && i < count; i++)
        memcpy(query_of(parts[i])->numbers, vectors + (size_t)i * width, width * sizeof *vectors);
    el_dataset_release(&d);
    return st;
}

void el_service_compute(el_service *s, const el_part *parts, int count, bool passing)
{
    static el_status (*const ASKS[EL_ASKS])(el_service *, el_answerer *, const el_part *, int) = {
        [EL_ASK_PREDICT] = predict, [EL_ASK_EMBED] = embed, [EL_ASK_DETECT] = detect, [EL_ASK_FILL] = fill};
    const el_status st = ASKS[question_of(parts[0])->ask](s, passing ? &s->passing : &s->usual, parts, count);
    for (int i = 0; st && i < count; i++)
        el_outcome_keep(&question_of(parts[i])->computed, st);
}
