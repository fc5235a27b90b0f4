/* service_read - texts become pieces and parts, and answers get their memory */
#include <stdlib.h>
#include <string.h>

#include "serve/service_parts.h"

void el_question_release(el_question *q)
{
    for (int i = 0; i < q->count; i++) {
        el_query *const a = &q->queries[i];
        free(a->text[0]);
        free(a->text[1]);
        el_ids_release(&a->ids);
        el_spans_release(&a->from);
        el_spans_release(&a->words);
        free(a->numbers);
        free(a->tags);
        free(a->at);
        free(a->guesses);
        free(a->answers);
    }
    free(q->queries);
    free(q->parts);
    free(q->tokens);
    *q = (el_question){0};
}

static el_status take(void *items, size_t count, size_t bytes)
{
    void *const memory = calloc(count ? count : 1, bytes);
    memcpy(items, &memory, sizeof memory);
    return memory ? EL_OK : el_no_memory(NULL);
}

el_status el_service_cut(el_service *s, el_ask ask, const char *text, size_t bytes, el_ids *ids,
                         el_spans *from)
{
    el_wordpiece *const w = ask == EL_ASK_PREDICT ? s->wordpiece_tuned : s->wordpiece;
    ids->count = from->count = 0;
    return el_wordpiece_encode_spans(w, text, bytes, ids, from);
}

/* Pieces of a text that nobody needs but to count them. */
static el_status count_pieces(el_service *s, el_query *a, el_ask ask, int which, int *count)
{
    const el_status st = el_service_cut(s, ask, a->text[which], a->bytes[which], &a->ids, &a->from);
    *count = (int)a->ids.count;
    return st;
}

/* ---- each kind ---- */

static el_status read_embed(el_service *s, el_query *a)
{
    const int longest = el_service_longest(s, EL_ASK_EMBED);
    int pieces = 0;
    const el_status st = count_pieces(s, a, EL_ASK_EMBED, 0, &pieces);
    a->cut = pieces + 2 > longest;
    a->tokens = a->cut ? longest : pieces + 2;
    return st ? st : take(&a->numbers, (size_t)el_service_width(s), sizeof *a->numbers);
}

static el_status read_texts(el_service *s, el_query *a)
{
    const int longest = el_service_longest(s, EL_ASK_PREDICT);
    int first = 0, second = 0;
    el_status st = count_pieces(s, a, EL_ASK_PREDICT, 0, &first);
    if (!st && a->text[1])
        st = count_pieces(s, a, EL_ASK_PREDICT, 1, &second);
    const int tokens = first + second + (a->text[1] ? 3 : 2);
    a->cut = tokens > longest;
    a->tokens = a->cut ? longest : tokens;
    return st ? st : take(&a->numbers, (size_t)s->loaded->card.labels.count + 1, sizeof *a->numbers);
}

/* A question and its context: as many windows as features.h makes of them. */
static el_status read_span(el_service *s, el_query *a)
{
    const el_feature_settings *const f = &s->loaded->card.features;
    int question = 0, context = 0;
    el_status st = count_pieces(s, a, EL_ASK_PREDICT, 0, &question);
    if (!st)
        st = count_pieces(s, a, EL_ASK_PREDICT, 1, &context);
    question = question < f->max_query_length ? question : f->max_query_length;
    const int room = f->max_seq_length - question - 3, over = context - room;
    const int windows = over > 0 && room > 0 ? 1 + (over + f->doc_stride - 1) / f->doc_stride : 1;
    a->tokens = windows * (question + 3) + (windows > 1 ? windows * room : context);
    return st ? st : take(&a->answers, (size_t)s->loaded->card.n_best, sizeof *a->answers);
}

static el_status add_word(el_query *a, size_t room, el_span word)
{
    if (!a->words.data) {
        const el_status st = take(&a->words.data, room, sizeof *a->words.data);
        if (st)
            return st;
        a->words.room = room;
    }
    a->words.data[a->words.count++] = word;
    return EL_OK;
}

/* Words are what BERT's tokenizer cuts at spaces and around punctuation: pieces up to the next that begins a word. */
static el_status read_words(el_service *s, el_query *a)
{
    el_status st = el_service_cut(s, EL_ASK_PREDICT, a->text[0], a->bytes[0], &a->ids, &a->from);
    for (size_t i = 0; i < a->ids.count && !st; i++)
        if (a->words.count && el_vocab_continues(s->loaded->vocab, a->ids.data[i]))
            a->words.data[a->words.count - 1].end = a->from.data[i].end;
        else
            st = add_word(a, a->ids.count, a->from.data[i]);
    a->tokens = (int)a->ids.count + 2;
    if (!st)
        st = take(&a->numbers, a->words.count, sizeof *a->numbers);
    return st ? st : take(&a->tags, a->words.count, sizeof *a->tags);
}

static el_status read_predict(el_service *s, el_query *a)
{
    const el_task_card *const card = &s->loaded->card;
    const bool two = a->text[1] != NULL;
    if (card->kind == EL_SPAN && !two)
        return el_fail(EL_EUSAGE, "this model answers a question about a context: both are wanted");
    if (card->kind == EL_TAG && two)
        return el_fail(EL_EUSAGE, "this model tags one text, not a pair");
    if (card->pair && !two)
        return el_fail(EL_EUSAGE, "this model was taught pairs of texts: [a, b] is one");
    if (card->single && two)
        return el_fail(EL_EUSAGE, "this model was taught single texts: [a, b] is a pair, [[a], [b]] a batch");
    if (two && s->loaded->encoder->config.type_vocab_size < 2)
        return el_fail(EL_EUSAGE, "this model knows one segment, and so no pairs of texts");
    return card->kind == EL_SPAN  ? read_span(s, a)
           : card->kind == EL_TAG ? read_words(s, a)
                                  : read_texts(s, a);
}

/* Each guess is told with its whole text filled in: a short text of many [MASK]s would have an answer without end. */
enum { MOST_FILLED_BYTES = 4 << 20 };

static el_status check_filled(const el_question *q)
{
    size_t bytes = 0;
    for (int i = 0; i < q->count; i++) {
        const el_query *const a = &q->queries[i];
        bytes += (size_t)a->masks * (size_t)q->top_k * a->bytes[0];
    }
    return bytes <= MOST_FILLED_BYTES
               ? EL_OK
               : el_fail(
                     EL_EUSAGE,
                     "%zu bytes of texts with guesses filled in are more than the %d that one answer has: "
                     "ask for fewer [MASK]s or a smaller top_k",
                     bytes, MOST_FILLED_BYTES);
}

static el_status find_masks(el_service *s, el_question *q, el_query *a)
{
    el_status st = take(&a->at, a->ids.count, sizeof *a->at);
    for (size_t i = 0; i < a->ids.count && !st; i++)
        if (a->ids.data[i] == s->loaded->vocab->mask)
            a->at[a->masks++] = (int)i;
    if (!st && a->masks == 0)
        return el_fail(EL_EUSAGE, "there is no [MASK] in a text");
    if (!st)
        st = check_filled(q);
    return st ? st : take(&a->guesses, (size_t)a->masks * (size_t)q->top_k, sizeof *a->guesses);
}

static el_status read_pieces(el_service *s, el_question *q, el_query *a)
{
    el_status st = el_service_cut(s, q->ask, a->text[0], a->bytes[0], &a->ids, &a->from);
    if (!st)
        st =
            q->ask == EL_ASK_FILL ? find_masks(s, q, a) : take(&a->numbers, a->ids.count, sizeof *a->numbers);
    return st;
}

/* ---- parts ---- */

static int windows_of(const el_service *s, const el_question *q, const el_query *a)
{
    const bool windowed = q->ask == EL_ASK_DETECT || q->ask == EL_ASK_FILL;
    return windowed ? el_window_count((int)a->ids.count, el_service_longest(s, q->ask) - 2) : 1;
}

/* The windows of a query are parts from `part` on. */
static void list_windows(el_question *q, int query, int part, int size)
{
    el_query *const a = &q->queries[query];
    const int count = (int)a->ids.count, windows = el_window_count(count, size);
    a->tokens = 0;
    for (int w = 0, mask = 0; w < windows; w++, part++) {
        const el_text_window view = el_window_at(w, count, size);
        const int masks = el_window_answers(view, a->at + mask, a->masks - mask);
        q->parts[part] = (struct el_question_part){query, view, mask, masks};
        a->tokens += q->tokens[part] = view.end - view.begin + 2;
        mask += masks;
    }
}

static el_status list_parts(el_service *s, el_question *q)
{
    const bool windowed = q->ask == EL_ASK_DETECT || q->ask == EL_ASK_FILL;
    int count = 0;
    for (int i = 0; i < q->count; i++)
        count += windows_of(s, q, &q->queries[i]);
    el_status st = take(&q->parts, (size_t)count, sizeof *q->parts);
    if (!st)
        st = take(&q->tokens, (size_t)count, sizeof *q->tokens);
    for (int i = 0, part = 0; i < q->count && !st; part += windows_of(s, q, &q->queries[i++])) {
        q->parts[part].query = i;
        q->tokens[part] = q->queries[i].tokens;
        if (windowed)
            list_windows(q, i, part, el_service_longest(s, q->ask) - 2);
    }
    q->job = (el_batcher_job){.lane = &s->lanes[q->ask], .parts = count, .tokens = q->tokens};
    return st;
}

el_status el_service_read(el_service *s, el_question *q)
{
    if (!el_service_can(s, q->ask))
        return el_fail(EL_EUSAGE, "model %s cannot %s", s->name, EL_ASK_NAMES[q->ask]);
    if (q->ask == EL_ASK_FILL && q->top_k > s->loaded->vocab->size)
        q->top_k = s->loaded->vocab->size;
    el_status st = EL_OK;
    for (int i = 0; i < q->count && !st; i++) {
        el_query *const a = &q->queries[i];
        st = q->ask == EL_ASK_PREDICT ? read_predict(s, a)
             : q->ask == EL_ASK_EMBED ? read_embed(s, a)
                                      : read_pieces(s, q, a);
    }
    return st ? st : list_parts(s, q);
}
