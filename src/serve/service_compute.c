/* service_compute - parts of many questions at once: through the network, and each answer to whom it belongs */
#include <math.h>
#include <string.h>

#include "model/memory.h"
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

static el_status fill_batch(const el_service *s, el_window_reader *r, const el_part *parts, int count)
{
    el_status st = EL_OK;
    el_batch_clear(&r->batch);
    for (int i = 0; i < count && !st; i++) {
        const el_text_window w = place_of(parts[i])->window;
        const int pieces = w.end - w.begin;
        r->row[0] = s->loaded->vocab->cls;
        if (pieces) /* a text without any has no list either */
            memcpy(r->row + 1, query_of(parts[i])->ids.data + w.begin, (size_t)pieces * sizeof *r->row);
        r->row[pieces + 1] = s->loaded->vocab->sep;
        st = el_batch_add(&r->batch, r->row, pieces + 2, pieces + 2);
    }
    return st;
}

static el_tensor encode(el_service *s, el_window_reader *r)
{
    const el_input in = el_feed_send(&r->feed, s->q, &r->batch, 0, r->batch.sequences, false, (el_random){0});
    el_feed_send_ids(&r->feed, s->q, r->batch.ids, in.rows);
    return el_encoder_forward(s->q, &r->net->config, &r->net->w, &r->encoder, &in);
}

static el_status detect(el_service *s, el_answerer *with, const el_part *parts, int count)
{
    el_window_reader *const r = &with->discriminator;
    el_status st = fill_batch(s, r, parts, count);
    if (!st)
        st = el_tensor_read(s->q, el_rtd_forward(s->q, &r->net->heads[0].rtd.w, &r->rtd, encode(s, r)),
                            r->logits);
    for (int i = 0; i < count && !st; i++) {
        const el_text_window w = place_of(parts[i])->window;
        if (w.last > w.first)
            memcpy(query_of(parts[i])->numbers + w.first,
                   r->logits + r->batch.starts[i] + 1 + w.first - w.begin,
                   (size_t)(w.last - w.first) * sizeof(float));
    }
    return st;
}

/* A [MASK], and whose guesses it gets. */
typedef struct {
    el_guess *guesses;
    int top_k;
} slot;

static el_status guess(el_service *s, el_window_reader *r, el_tensor hidden, const slot *slots,
                       const int *rows, int count)
{
    const el_config *const c = &r->net->config;
    s->q->send(s->q, r->slots, rows, (size_t)count * sizeof *rows);
    const el_tensor logits =
        el_mlm_forward(s->q, c, &r->net->heads[0].mlm.w, &r->mlm, hidden, r->slots, count);
    el_status st = EL_OK;
    for (int i = 0; i < count && !st; i++) {
        st = el_tensor_read(s->q, el_tensor_rows(logits, i, 1), r->logits);
        if (!st)
            el_guess_rank(slots[i].guesses, slots[i].top_k, r->logits, 1, c->vocab_size,
                          s->loaded->vocab->size);
    }
    return st;
}

static el_status fill(el_service *s, el_answerer *with, const el_part *parts, int count)
{
    el_window_reader *const r = &with->generator;
    slot slots[EL_SERVICE_SLOTS];
    int rows[EL_SERVICE_SLOTS], waiting = 0;
    el_status st = fill_batch(s, r, parts, count);
    if (st)
        return st;
    const el_tensor hidden = encode(s, r);
    for (int i = 0; i < count && !st; i++) {
        const el_query *const a = query_of(parts[i]);
        const el_text_window w = place_of(parts[i])->window;
        const int top_k = question_of(parts[i])->top_k;
        for (int m = 0; m < a->masks && !st; m++) {
            if (a->at[m] < w.first || a->at[m] >= w.last)
                continue;
            slots[waiting] = (slot){a->guesses + (size_t)m * (size_t)top_k, top_k};
            rows[waiting++] = r->batch.starts[i] + 1 + a->at[m] - w.begin;
            if (waiting == EL_SERVICE_SLOTS) {
                st = guess(s, r, hidden, slots, rows, waiting);
                waiting = 0;
            }
        }
    }
    return st || !waiting ? st : guess(s, r, hidden, slots, rows, waiting);
}

/* ---- texts through a task's head, or to a vector ---- */

static el_status add_example(el_dataset *d, const el_query *a)
{
    el_labelled *const e = el_dataset_add(d, d->count + 1);
    if (!e)
        return el_fail(EL_ENOMEM, "no memory for a question");
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
