/* answer - see the header */
#include "serve/http/answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "task/score/entities.h"

enum { OK = 200, FAILED_DEPENDENCY = 424, UNAVAILABLE = 503 };

/* ---- offsets ---- */

/* Turns bytes of a text into what the client counts; cheap where they come in order. */
typedef struct {
    const char *text;
    el_offsets unit;
    uint32_t at;
    long count;
} ruler;

static long measure(ruler *r, int64_t byte)
{
    if (r->unit == EL_OFFSETS_BYTES)
        return (long)byte;
    if (byte < r->at)
        r->at = 0, r->count = 0;
    for (; r->at < byte; r->at++) {
        const unsigned char c = (unsigned char)r->text[r->at];
        r->count += (c & 0xc0) != 0x80;
        r->count += r->unit == EL_OFFSETS_UTF16 && c >= 0xf0; /* a pair of surrogates */
    }
    return r->count;
}

static void put_between(el_text *t, size_t i)
{
    if (i)
        el_text_raw(t, ",", 1);
}

static void put_number(el_text *t, const char *key, double value)
{
    el_text_put(t, "\"%s\":", key);
    el_text_number(t, value);
}

static void put_place(el_text *t, ruler *r, int64_t begin, int64_t end, const char *stop)
{
    const long first = measure(r, begin);
    el_text_put(t, ",\"start\":%ld,\"%s\":%ld", first, stop, measure(r, end));
}

/* ---- classes, numbers ---- */

typedef struct {
    const char *label;
    double score;
    int index;
} scored;

static int falling(const void *left, const void *right)
{
    const scored *const a = left, *const b = right;
    return a->score != b->score ? (a->score < b->score) - (a->score > b->score) : a->index - b->index;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* A model of numbers gives them.  Another, as cross-encoders are, gives a logit. */
static double score_of(const el_task_card *card, const el_query *a, bool raw)
{
    return raw || card->number ? a->value : sigmoid(a->value);
}

static const double LEAST = 1e-38; /* so that a logit is a number */

/* What probabilities were made of, up to a constant that softmax takes away. */
static double raw_of(const el_task_card *card, double probability)
{
    return card->kind == EL_MULTILABEL ? log(fmax(probability, LEAST) / fmax(1 - probability, LEAST))
                                       : log(fmax(probability, LEAST));
}

static int put_classes(el_text *t, const el_request *r, const el_query *a)
{
    const el_task_card *const card = &el_service_loaded(r->service)->card;
    const int labels = card->labels.count ? card->labels.count : 1;
    scored *const list = calloc((size_t)labels, sizeof *list);
    if (!list)
        return UNAVAILABLE;
    for (int i = 0; i < labels; i++)
        list[i] =
            card->kind == EL_REGRESS
                ? (scored){"LABEL_0", score_of(card, a, r->raw_scores), i}
                : (scored){card->labels.names[i],
                           r->raw_scores ? raw_of(card, (double)a->numbers[i]) : (double)a->numbers[i], i};
    qsort(list, (size_t)labels, sizeof *list, falling);
    el_text_raw(t, "[", 1);
    for (int i = 0; i < labels && (r->top == 0 || i < r->top); i++) {
        put_between(t, (size_t)i);
        el_text_raw(t, "{\"label\":", 9);
        el_text_string(t, list[i].label, strlen(list[i].label));
        el_text_raw(t, ",", 1);
        put_number(t, "score", list[i].score);
        el_text_raw(t, "}", 1);
    }
    el_text_raw(t, "]", 1);
    free(list);
    return OK;
}

/* ---- tags ---- */

static void put_entity(el_text *t, ruler *place, const el_query *a, const char *group, size_t bytes,
                       long first, long end)
{
    double score = 0;
    for (long i = first; i < end; i++)
        score += (double)a->numbers[i] / (double)(end - first);
    const el_span from = {a->words.data[first].begin, a->words.data[end - 1].end};
    el_text_raw(t, "{\"entity_group\":", 16);
    el_text_string(t, group, bytes);
    el_text_raw(t, ",", 1);
    put_number(t, "score", score);
    el_text_raw(t, ",\"word\":", 8);
    el_text_string(t, a->text[0] + from.begin, from.end - from.begin);
    put_place(t, place, from.begin, from.end, "end");
    el_text_raw(t, "}", 1);
}

/* A word each where tags are plain, else an entity each. */
static int put_tags(el_text *t, const el_request *r, const el_query *a)
{
    const el_task_card *const card = &el_service_loaded(r->service)->card;
    const size_t count = a->words.count;
    ruler place = {.text = a->text[0], .unit = r->offsets};
    const char **const tags = calloc(count + 1, sizeof *tags);
    el_entities entities = {0};
    bool fine = tags != NULL;
    for (size_t i = 0; i < count && fine; i++)
        tags[i] = card->labels.names[a->tags[i]];
    el_text_raw(t, "[", 1);
    if (card->tagging.scheme == EL_TAGS_PLAIN) {
        for (size_t i = 0; i < count && fine; i++) {
            put_between(t, i);
            put_entity(t, &place, a, tags[i], strlen(tags[i]), (long)i, (long)i + 1);
        }
    } else {
        const el_tagging how = {EL_TAGS_LENIENT,
                                card->tagging.suffix}; /* as seqeval and conlleval read tags */
        fine = fine && el_entities_read(&entities, how, tags, count) == EL_OK;
        for (size_t i = 0; i < entities.count && fine; i++) {
            const el_entity *const e = &entities.items[i];
            const long first = e->begin < 0 ? 0 : e->begin;
            put_between(t, i);
            put_entity(t, &place, a, e->type, e->bytes, first, e->end > first ? e->end : first + 1);
        }
    }
    el_text_raw(t, "]", 1);
    el_entities_release(&entities);
    free(tags);
    return fine ? OK : UNAVAILABLE;
}

/* ---- answers to questions ---- */

static void put_answer(el_text *t, const el_request *r, const el_query *a, const el_span_answer *answer)
{
    ruler place = {.text = a->text[1], .unit = r->offsets};
    const el_span_answer none = {.score = 0};
    if (!answer)
        answer = &none;
    el_text_raw(t, "{\"answer\":", 10);
    el_text_string(t, a->text[1] + answer->begin, (size_t)(answer->end - answer->begin));
    el_text_raw(t, ",", 1);
    put_number(t, "score", answer->score);
    put_place(t, &place, answer->begin, answer->end, "end");
    if (el_service_loaded(r->service)->card.rule == EL_SQUAD_2) {
        el_text_raw(t, ",", 1);
        put_number(t, "null_odds", a->null_odds);
    }
    el_text_raw(t, "}", 1);
}

/* The best answer, or a list of as many as are wanted. */
static int put_answers(el_text *t, const el_request *r, const el_query *a)
{
    if (r->top == 0) {
        put_answer(t, r, a, a->answered ? &a->answers[0] : NULL);
        return OK;
    }
    el_text_raw(t, "[", 1);
    for (int i = 0; i < a->answer_count && i < r->top; i++) {
        put_between(t, (size_t)i);
        put_answer(t, r, a, &a->answers[i]);
    }
    el_text_raw(t, "]", 1);
    return OK;
}

static int put_prediction(el_text *t, const el_request *r, const el_query *a)
{
    const el_task_kind kind = el_service_loaded(r->service)->card.kind;
    return kind == EL_TAG ? put_tags(t, r, a) : kind == EL_SPAN ? put_answers(t, r, a) : put_classes(t, r, a);
}

/* ---- vectors ---- */

static int put_vector(el_text *t, const el_request *r, const el_query *a)
{
    const int width = el_service_width(r->service);
    if (r->normalize)
        el_vector_normalize(a->numbers, width);
    if (r->base64) {
        el_text_raw(t, "\"", 1);
        el_text_base64(t, a->numbers, (size_t)width * sizeof *a->numbers);
        el_text_raw(t, "\"", 1);
        return OK;
    }
    el_text_raw(t, "[", 1);
    for (int i = 0; i < width; i++) {
        put_between(t, (size_t)i);
        el_text_number(t, (double)a->numbers[i]);
    }
    el_text_raw(t, "]", 1);
    return OK;
}

static int put_openai(el_text *t, const el_request *r)
{
    el_text_raw(t, "{\"object\":\"list\",\"data\":[", 25);
    for (int i = 0; i < r->question.count; i++) {
        put_between(t, (size_t)i);
        el_text_put(t, "{\"object\":\"embedding\",\"index\":%d,\"embedding\":", i);
        put_vector(t, r, &r->question.queries[i]);
        el_text_raw(t, "}", 1);
    }
    const char *const name = el_service_name(r->service);
    el_text_raw(t, "],\"model\":", 10);
    el_text_string(t, name, strlen(name));
    el_text_put(t, ",\"usage\":{\"prompt_tokens\":%d,\"total_tokens\":%d}}", r->tokens, r->tokens);
    return OK;
}

/* ---- pieces ---- */

static const char *piece_of(const el_request *r, int id)
{
    return el_service_loaded(r->service)->vocab->pieces[id];
}

static int put_detection(el_text *t, const el_request *r, const el_query *a)
{
    ruler place = {.text = a->text[0], .unit = r->offsets};
    el_text_raw(t, "[", 1);
    for (size_t i = 0; i < a->ids.count; i++) {
        const char *const piece = piece_of(r, a->ids.data[i]);
        put_between(t, i);
        el_text_raw(t, "{\"piece\":", 9);
        el_text_string(t, piece, strlen(piece));
        const long begin = measure(&place, a->from.data[i].begin);
        el_text_put(t, ",\"id\":%d,\"begin\":%ld,\"end\":%ld,\"continues\":%s,", a->ids.data[i], begin,
                    measure(&place, a->from.data[i].end),
                    el_vocab_continues(el_service_loaded(r->service)->vocab, a->ids.data[i]) ? "true"
                                                                                             : "false");
        put_number(t, "logit", (double)a->numbers[i]);
        el_text_raw(t, ",", 1);
        put_number(t, "probability", sigmoid((double)a->numbers[i]));
        el_text_raw(t, "}", 1);
    }
    el_text_raw(t, "]", 1);
    return OK;
}

/* The text with one [MASK] filled in. */
static void put_sequence(el_text *t, const el_query *a, int at, const char *word, bool continues)
{
    const el_span mask = a->from.data[at];
    const uint32_t begin =
        continues && mask.begin && a->text[0][mask.begin - 1] == ' ' ? mask.begin - 1 : mask.begin;
    el_text whole = {0};
    el_text_raw(&whole, a->text[0], begin);
    el_text_raw(&whole, word, strlen(word));
    el_text_raw(&whole, a->text[0] + mask.end, a->bytes[0] - mask.end);
    t->failed |= whole.failed;
    el_text_string(t, whole.data ? whole.data : "", whole.bytes);
    free(whole.data);
}

static void put_guess(el_text *t, const el_request *r, const el_query *a, int at, const el_guess *guess)
{
    const el_vocab *const vocab = el_service_loaded(r->service)->vocab;
    const char *const piece = vocab->pieces[guess->id];
    const bool continues = el_vocab_continues(vocab, guess->id);
    el_text_raw(t, "{", 1);
    put_number(t, "score", guess->probability);
    el_text_put(t, ",\"token\":%d,\"token_str\":", guess->id);
    el_text_string(t, piece, strlen(piece));
    el_text_raw(t, ",\"sequence\":", 12);
    put_sequence(t, a, at, piece + (continues ? strlen(vocab->options.prefix) : 0), continues);
    el_text_raw(t, "}", 1);
}

static int put_filling(el_text *t, const el_request *r, const el_query *a)
{
    el_text_raw(t, "[", 1);
    for (int m = 0; m < a->masks; m++) {
        put_between(t, (size_t)m);
        el_text_raw(t, "[", 1);
        for (int k = 0; k < r->question.top_k; k++) {
            put_between(t, (size_t)k);
            put_guess(t, r, a, a->at[m], &a->guesses[m * r->question.top_k + k]);
        }
        el_text_raw(t, "]", 1);
    }
    el_text_raw(t, "]", 1);
    return OK;
}

static void put_special(el_text *t, const el_request *r, int id)
{
    const char *const piece = piece_of(r, id);
    el_text_put(t, "{\"id\":%d,\"text\":", id);
    el_text_string(t, piece, strlen(piece));
    el_text_put(t, ",\"special\":true,\"start\":null,\"stop\":null}");
}

static int put_tokens(el_text *t, const el_request *r, const el_query *a)
{
    const el_vocab *const vocab = el_service_loaded(r->service)->vocab;
    ruler place = {.text = a->text[0], .unit = r->offsets};
    el_text_raw(t, "[", 1);
    if (r->special)
        put_special(t, r, vocab->cls);
    for (size_t i = 0; i < a->ids.count; i++) {
        const int id = a->ids.data[i];
        const char *const piece = vocab->pieces[id];
        put_between(t, i + r->special);
        el_text_put(t, "{\"id\":%d,\"text\":", id);
        el_text_string(t, piece, strlen(piece));
        el_text_put(t, ",\"special\":%s", el_vocab_is_special(vocab, id) ? "true" : "false");
        put_place(t, &place, a->from.data[i].begin, a->from.data[i].end, "stop");
        el_text_raw(t, "}", 1);
    }
    if (r->special) {
        el_text_raw(t, ",", 1);
        put_special(t, r, vocab->sep);
    }
    el_text_raw(t, "]", 1);
    return OK;
}

/* ---- ranks ---- */

static void put_rank(el_text *t, const el_request *r, const scored *s)
{
    const el_query *const a = &r->question.queries[s->index];
    el_text_put(t, "{\"index\":%d,", s->index);
    put_number(t, r->documents ? "relevance_score" : "score", s->score);
    if (r->return_text) {
        el_text_raw(t, r->documents ? ",\"document\":{\"text\":" : ",\"text\":", r->documents ? 20 : 8);
        el_text_string(t, a->text[1], a->bytes[1]);
        el_text_raw(t, "}", r->documents);
    }
    el_text_raw(t, "}", 1);
}

static int put_ranks(el_text *t, const el_request *r)
{
    const int count = r->question.count;
    const el_task_card *const card = &el_service_loaded(r->service)->card;
    scored *const list = calloc((size_t)count, sizeof *list);
    if (!list)
        return UNAVAILABLE;
    for (int i = 0; i < count; i++)
        list[i] = (scored){NULL, score_of(card, &r->question.queries[i], r->raw_scores), i};
    qsort(list, (size_t)count, sizeof *list, falling);
    if (r->documents)
        el_text_raw(t, "{\"results\":", 11);
    el_text_raw(t, "[", 1);
    for (int i = 0; i < count && (r->top == 0 || i < r->top); i++) {
        put_between(t, (size_t)i);
        put_rank(t, r, &list[i]);
    }
    el_text_raw(t, "]", 1);
    if (r->documents) {
        const char *const name = el_service_name(r->service);
        el_text_raw(t, ",\"model\":", 9);
        el_text_string(t, name, strlen(name));
        el_text_put(t, ",\"usage\":{\"total_tokens\":%d}}", r->tokens);
    }
    free(list);
    return OK;
}

/* ---- the whole ---- */

/* A model whose weights went wrong gives no numbers; clients take what looks like an answer for one. */
static bool has_numbers(const el_request *r, const el_query *a)
{
    switch (r->question.ask) {
    case EL_ASK_EMBED:
        return el_numbers_finite(a->numbers, (size_t)el_service_width(r->service));
    case EL_ASK_DETECT:
        return el_numbers_finite(a->numbers, a->ids.count);
    case EL_ASK_FILL:
        return el_guesses_finite(a->guesses, a->masks, r->question.top_k);
    default:
        return isfinite(a->value);
    }
}

static int put_one(el_text *t, const el_request *r, const el_query *a)
{
    switch (r->form) {
    case EL_REQUEST_EMBED:
        return put_vector(t, r, a);
    case EL_REQUEST_DETECT:
        return put_detection(t, r, a);
    case EL_REQUEST_FILL:
        return put_filling(t, r, a);
    case EL_REQUEST_TOKENIZE:
        return put_tokens(t, r, a);
    default:
        return put_prediction(t, r, a);
    }
}

/* Vectors, detections and tokens are a list even of one input, as text-embeddings-inference has it. */
static bool is_list(const el_request *r)
{
    return r->list || r->form == EL_REQUEST_EMBED || r->form == EL_REQUEST_DETECT ||
           r->form == EL_REQUEST_TOKENIZE;
}

static int put_list(el_text *t, const el_request *r)
{
    int code = OK;
    if (is_list(r))
        el_text_raw(t, "[", 1);
    for (int i = 0; i < r->question.count && code == OK; i++) {
        put_between(t, (size_t)i);
        code = put_one(t, r, &r->question.queries[i]);
    }
    if (is_list(r))
        el_text_raw(t, "]", 1);
    return code;
}

int el_answer_put(el_text *t, const el_request *r)
{
    for (int i = 0; i < r->question.count && r->form != EL_REQUEST_TOKENIZE; i++)
        if (!has_numbers(r, &r->question.queries[i])) {
            (void)el_fail(EL_EFAILED, "input %d: the model's numbers are not finite", i);
            return FAILED_DEPENDENCY;
        }
    int code = r->form == EL_REQUEST_RERANK   ? put_ranks(t, r)
               : r->form == EL_REQUEST_OPENAI ? put_openai(t, r)
                                              : put_list(t, r);
    code = t->failed ? UNAVAILABLE : code;
    if (code == UNAVAILABLE)
        (void)el_no_memory(NULL);
    return code;
}
