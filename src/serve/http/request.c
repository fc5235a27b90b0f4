/* request - see the header */
#include "serve/http/request.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "serve/http/text.h"

enum {
    OK = 200,
    BAD_REQUEST = 400,
    NOT_FOUND = 404,
    UNPROCESSABLE = 422,
    UNAVAILABLE = 503,
    MOST_GUESSES = 1000
};

static int wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int wrong(const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    (void)el_fail(EL_EUSAGE, "%s", sentence);
    return UNPROCESSABLE;
}

static int code_of(el_status st)
{
    return st == EL_OK ? OK : st == EL_EUSAGE ? UNPROCESSABLE : UNAVAILABLE;
}

static el_ask ask_of(el_request_form form)
{
    static const el_ask ASKS[] = {[EL_REQUEST_PREDICT] = EL_ASK_PREDICT, [EL_REQUEST_RERANK] = EL_ASK_PREDICT,
                                  [EL_REQUEST_TAG] = EL_ASK_PREDICT,     [EL_REQUEST_ANSWER] = EL_ASK_PREDICT,
                                  [EL_REQUEST_EMBED] = EL_ASK_EMBED,     [EL_REQUEST_OPENAI] = EL_ASK_EMBED,
                                  [EL_REQUEST_DETECT] = EL_ASK_DETECT,   [EL_REQUEST_FILL] = EL_ASK_FILL,
                                  [EL_REQUEST_TOKENIZE] = EL_ASK_EMBED};
    return ASKS[form];
}

/* What a form asks that is one kind's of task alone, and how it is said of a model that lacks it. */
static const struct {
    el_request_form form;
    el_task_kind kind;
    const char *does, *taught;
} OF_A_KIND[] = {{EL_REQUEST_RERANK, EL_REGRESS, "rank", "one number for a pair of texts"},
                 {EL_REQUEST_TAG, EL_TAG, "tag", "tags"},
                 {EL_REQUEST_ANSWER, EL_SPAN, "answer questions", "questions"}};
enum { KINDS = sizeof OF_A_KIND / sizeof *OF_A_KIND };

/* The line of a form that the model was not taught; -1: there is none. */
static int not_taught(el_request_form form, const el_service *s)
{
    const el_task_card *const card = &el_service_loaded(s)->card;
    for (int i = 0; i < KINDS; i++)
        if (form == OF_A_KIND[i].form &&
            (!el_service_can(s, EL_ASK_PREDICT) || card->kind != OF_A_KIND[i].kind ||
             (form == EL_REQUEST_RERANK && card->single)))
            return i;
    return -1;
}

int el_request_fit(el_request_form form, const el_service *s)
{
    if (form == EL_REQUEST_OWN)
        return 2;
    if (!el_service_can(s, ask_of(form)))
        return 0;
    return not_taught(form, s) < 0 ? 2 : 1;
}

/* ---- fields ---- */

static int read_flag(const json_t *body, const char *key, bool *value)
{
    const json_t *const said = json_object_get(body, key);
    if (!said || json_is_null(said))
        return OK;
    *value = json_is_true(said);
    return json_is_boolean(said) ? OK : wrong("%s is neither true nor false", key);
}

static int read_count(const json_t *body, const char *key, int least, int most, int *value)
{
    const json_t *const said = json_object_get(body, key);
    if (!said || json_is_null(said))
        return OK;
    const double count = json_number_value(said);
    if (!json_is_number(said) || count != floor(count) || count < least || count > most)
        return wrong("%s is not a whole number between %d and %d", key, least, most);
    *value = (int)count;
    return OK;
}

/* One of two words, or of three. */
static int read_choice(const json_t *body, const char *key, const char *const *words, int count, int *value)
{
    const json_t *const said = json_object_get(body, key);
    if (!said || json_is_null(said))
        return OK;
    for (int i = 0; i < count; i++)
        if (json_is_string(said) && strcmp(json_string_value(said), words[i]) == 0) {
            *value = i;
            return OK;
        }
    return count == 2 ? wrong("%s is neither %s nor %s", key, words[0], words[1])
                      : wrong("%s is none of %s, %s and %s", key, words[0], words[1], words[2]);
}

/* What clients of these forms may ask of vectors, and no model here can do. */
static int refuse_options(const el_request *r, const json_t *body)
{
    const int width = el_service_width(r->service);
    const json_t *const dimensions = json_object_get(body, "dimensions");
    const json_t *const prompt = json_object_get(body, "prompt_name");
    const json_t *const direction = json_object_get(body, "truncation_direction");
    const char *const side = json_string_value(direction);
    const bool vectors = r->form == EL_REQUEST_EMBED || r->form == EL_REQUEST_OPENAI;
    if (vectors && dimensions && !json_is_null(dimensions) && json_number_value(dimensions) != width)
        return wrong("dimensions: the vectors have %d numbers, and are not cut to fewer", width);
    if (vectors && prompt && !json_is_null(prompt))
        return wrong("prompt_name: the model has no prompts; put the words before the text");
    if (direction && !json_is_null(direction) && (!side || strcasecmp(side, "right") != 0))
        return wrong("truncation_direction: texts are cut at their right end alone");
    return OK;
}

static int read_options(el_request *r, const json_t *body)
{
    static const char *const OFFSETS[] = {"codepoints", "bytes", "utf16"}, *const ENCODINGS[] = {"float",
                                                                                                 "base64"};
    int offsets = EL_OFFSETS_CODEPOINTS, encoding = 0;
    const bool guesses = r->form == EL_REQUEST_FILL;
    int code = refuse_options(r, body);
    if (code == OK)
        code = read_flag(body, "truncate", &r->truncate);
    if (code == OK)
        code = read_flag(body, "raw_scores", &r->raw_scores);
    if (code == OK)
        code = read_flag(body, "normalize", &r->normalize);
    if (code == OK)
        code = read_flag(body, "add_special_tokens", &r->special);
    if (code == OK)
        code = read_flag(body, "return_text", &r->return_text);
    if (code == OK)
        code = read_flag(body, "return_documents", &r->return_text);
    if (code == OK)
        code = read_count(body, r->form == EL_REQUEST_RERANK ? "top_n" : "top_k", 1, MOST_GUESSES,
                          guesses ? &r->question.top_k : &r->top);
    if (code == OK)
        code = read_choice(body, "offsets", OFFSETS, 3, &offsets);
    if (code == OK)
        code = read_choice(body, "encoding_format", ENCODINGS, 2, &encoding);
    r->offsets = (el_offsets)offsets;
    r->base64 = encoding == 1;
    return code;
}

/* ---- texts ---- */

/* A copy; NUL, which no text has and no model reads, becomes another control character, which none reads either. */
static int take_text(el_query *query, int which, const json_t *string)
{
    const size_t bytes = json_string_length(string);
    char *const text = malloc(bytes + 1);
    if (!text) {
        (void)el_no_memory(NULL);
        return UNAVAILABLE;
    }
    memcpy(text, json_string_value(string), bytes + 1);
    for (char *nul = text; (nul = memchr(nul, 0, bytes - (size_t)(nul - text)));)
        *nul = '\1';
    query->text[which] = text;
    query->bytes[which] = bytes;
    return OK;
}

static int take_pair(el_query *query, const json_t *first, const json_t *second)
{
    const int code = take_text(query, 0, first);
    return code != OK || !second ? code : take_text(query, 1, second);
}

static int take_object(el_query *query, const json_t *input, size_t number)
{
    static const char *const KEYS[][2] = {{"question", "context"}, {"text", "text_pair"}};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        const json_t *const first = json_object_get(input, KEYS[i][0]), *const second = json_object_get(
                                                                            input, KEYS[i][1]);
        if (json_is_string(first) && (!second || json_is_null(second) || json_is_string(second)))
            return take_pair(query, first, json_is_string(second) ? second : NULL);
    }
    return wrong("input %zu is an object without question and context, or text and text_pair, that are texts",
                 number);
}

/* One input of /predict. */
static int take_one(el_query *query, const json_t *input, size_t number)
{
    const size_t count = json_array_size(input);
    const json_t *const first = json_array_get(input, 0), *const second = json_array_get(input, 1);
    if (json_is_string(input))
        return take_text(query, 0, input);
    if (json_is_object(input))
        return take_object(query, input, number);
    if (count >= 1 && count <= 2 && json_is_string(first) && (count == 1 || json_is_string(second)))
        return take_pair(query, first, second);
    return wrong("input %zu is not a text, [\"text\"], or a pair [\"a\", \"b\"]", number);
}

static int make_queries(el_request *r, size_t count, int most)
{
    if (count == 0)
        return wrong("there is no input");
    if (count > (size_t)most)
        return wrong("%zu inputs are more than the %d that one request may have", count, most);
    r->question.queries = calloc(count, sizeof *r->question.queries);
    if (!r->question.queries) {
        (void)el_fail(EL_ENOMEM, "no memory for %zu inputs", count);
        return UNAVAILABLE;
    }
    r->question.count = (int)count;
    return OK;
}

/* One input is a text, an object, or a list of one or two texts; anything else is a list of inputs. */
static int read_predict(el_request *r, const json_t *inputs, int most)
{
    const json_t *const first = json_array_get(inputs, 0);
    r->list = json_is_array(inputs) && !json_is_string(first);
    if (json_is_string(first) && json_array_size(inputs) > 2)
        return wrong("a list of %zu texts is no input: a text is \"a\", a pair [\"a\", \"b\"], and several "
                     "are [[\"a\"], [\"b\"]]",
                     json_array_size(inputs));
    const size_t count = r->list ? json_array_size(inputs) : 1;
    int code = make_queries(r, count, most);
    for (size_t i = 0; i < count && code == OK; i++)
        code = take_one(&r->question.queries[i], r->list ? json_array_get(inputs, i) : inputs, i);
    return code;
}

/* ---- ids ---- */

/* A text as its ids, [CLS] and [SEP] around them or not. */
typedef struct {
    const json_t *ids;
    size_t first, end; /* without those two */
} listed;

/* -1: it is none.  A whole real number is one: beside a number that is too large, all are read as real ones. */
static int id_of(const json_t *item)
{
    const double value = json_is_number(item) ? json_number_value(item) : -1;
    return value >= 0 && value <= INT_MAX && value == (int)value ? (int)value : -1;
}

static listed without_ends(const el_vocab *vocab, const json_t *ids)
{
    listed l = {ids, 0, json_array_size(ids)};
    if (l.end && id_of(json_array_get(ids, 0)) == vocab->cls)
        l.first = 1;
    if (l.end > l.first && id_of(json_array_get(ids, l.end - 1)) == vocab->sep)
        l.end--;
    return l;
}

/* The text that its pieces make: continuations without the prefix, others after a space. */
static int join_pieces(el_text *text, const el_vocab *vocab, listed l, size_t number)
{
    for (size_t i = l.first; i < l.end; i++) {
        const int id = id_of(json_array_get(l.ids, i));
        if (id < 0 || id >= vocab->size)
            return wrong("input %zu: number %zu is no id of the %d that the model has", number, i,
                         vocab->size);
        const bool continues = el_vocab_continues(vocab, id);
        const char *const piece = vocab->pieces[id] + (continues ? strlen(vocab->options.prefix) : 0);
        if (!continues && i > l.first)
            el_text_raw(text, " ", 1);
        el_text_raw(text, piece, strlen(piece));
    }
    el_text_raw(text, "", 1);
    return OK;
}

/* Models read texts: ids are taken where the text that they make has them. */
static int check_ids(el_request *r, el_query *query, listed l, size_t number)
{
    const el_status st =
        el_service_cut(r->service, EL_ASK_EMBED, query->text[0], query->bytes[0], &query->ids, &query->from);
    bool same = query->ids.count == l.end - l.first;
    for (size_t i = 0; !st && same && i < query->ids.count; i++)
        same = query->ids.data[i] == id_of(json_array_get(l.ids, l.first + i));
    if (st)
        return UNAVAILABLE;
    return same ? OK : wrong("input %zu: no text has these ids in the vocabulary of this model", number);
}

static int take_ids(el_request *r, el_query *query, const json_t *ids, size_t number)
{
    const el_vocab *const vocab = el_service_loaded(r->service)->vocab;
    const listed l = without_ends(vocab, ids);
    el_text text = {0};
    int code = join_pieces(&text, vocab, l, number);
    if (code == OK && text.failed) {
        (void)el_no_memory(NULL);
        code = UNAVAILABLE;
    }
    if (code != OK) {
        free(text.data);
        return code;
    }
    query->text[0] = text.data;
    query->bytes[0] = text.bytes - 1;
    return check_ids(r, query, l, number);
}

/* ---- lists ---- */

static int read_texts(el_request *r, const json_t *inputs, const char *key, int most)
{
    const bool ids = r->form == EL_REQUEST_EMBED || r->form == EL_REQUEST_OPENAI; /* may stand for a text */
    r->list = json_is_array(inputs) && !(ids && json_is_number(json_array_get(inputs, 0)));
    if (!json_is_array(inputs) && !json_is_string(inputs))
        return wrong("%s is neither a text nor a list of texts", key);
    const size_t count = r->list ? json_array_size(inputs) : 1;
    int code = make_queries(r, count, most);
    for (size_t i = 0; i < count && code == OK; i++) {
        const json_t *const input = r->list ? json_array_get(inputs, i) : inputs;
        el_query *const query = &r->question.queries[i];
        code = json_is_string(input)           ? take_text(query, 0, input)
               : ids && json_array_size(input) ? take_ids(r, query, input, i)
                                               : wrong("%s %zu is not a text", key, i);
    }
    return code;
}

static int read_rerank(el_request *r, const json_t *body, int most)
{
    const json_t *const query = json_object_get(body, "query"), *texts = json_object_get(body, "texts");
    if (!json_is_string(query))
        return wrong("query is not a text");
    if (r->documents)
        texts = json_object_get(body, "documents");
    if (!json_is_array(texts))
        return wrong("%s is not a list of texts", r->documents ? "documents" : "texts");
    int code = make_queries(r, json_array_size(texts), most);
    for (size_t i = 0; i < json_array_size(texts) && code == OK; i++) {
        const json_t *const item = json_array_get(texts, i), *const inner = json_object_get(item, "text");
        const json_t *const text = json_is_object(item) ? inner : item;
        code = json_is_string(text) ? take_pair(&r->question.queries[i], query, text)
                                    : wrong("text %zu is not a text", i);
    }
    return code;
}

static int read_inputs(el_request *r, const json_t *body, int most)
{
    const char *const key = r->form == EL_REQUEST_OPENAI ? "input" : "inputs";
    const json_t *inputs = json_object_get(body, key);
    if (r->form == EL_REQUEST_RERANK)
        return read_rerank(r, body, most);
    if (!inputs && r->form == EL_REQUEST_PREDICT && json_object_get(body, "question"))
        inputs = body;
    if (!inputs)
        return wrong("%s is missing", key);
    return r->form == EL_REQUEST_PREDICT ? read_predict(r, inputs, most) : read_texts(r, inputs, key, most);
}

/* ---- the whole ---- */

/* What the model was made for. */
static el_request_form own_form(const el_service *s)
{
    return el_service_can(s, EL_ASK_PREDICT)  ? EL_REQUEST_PREDICT
           : el_service_can(s, EL_ASK_DETECT) ? EL_REQUEST_DETECT
           : el_service_can(s, EL_ASK_FILL)   ? EL_REQUEST_FILL
                                              : EL_REQUEST_EMBED;
}

static int find_model(el_request *r, const json_t *body, const char *model, el_find_service *find,
                      void *context)
{
    const json_t *const named = json_object_get(body, "model");
    if (named && !json_is_null(named) && !json_is_string(named))
        return wrong("model is not a text");
    const char *const name = model ? model : json_is_string(named) ? json_string_value(named) : "";
    r->service = find(context, name, r->form);
    if (!r->service)
        return NOT_FOUND;
    if (r->form == EL_REQUEST_OWN)
        r->form = own_form(r->service);
    const int lacks = not_taught(r->form, r->service);
    if (lacks >= 0)
        return wrong("model %s does not %s: it was not taught %s", el_service_name(r->service),
                     OF_A_KIND[lacks].does, OF_A_KIND[lacks].taught);
    if (r->form == EL_REQUEST_TAG || r->form == EL_REQUEST_ANSWER)
        r->form = EL_REQUEST_PREDICT;
    return OK;
}

/* Pieces that are told, not computed: those that the model reads for its task, where it has one. */
static int cut_texts(el_request *r)
{
    const el_ask ask = el_service_can(r->service, EL_ASK_PREDICT) ? EL_ASK_PREDICT : EL_ASK_EMBED;
    el_status st = EL_OK;
    for (int i = 0; i < r->question.count && !st; i++) {
        el_query *const a = &r->question.queries[i];
        st = el_service_cut(r->service, ask, a->text[0], a->bytes[0], &a->ids, &a->from);
        a->tokens = (int)a->ids.count + (r->special ? 2 : 0);
    }
    return code_of(st);
}

static int check_lengths(el_request *r, el_request_limits limits)
{
    const el_question *const q = &r->question;
    const int longest = el_service_longest(r->service, q->ask);
    for (int i = 0; i < q->count; i++) {
        if (q->queries[i].cut && !r->truncate)
            return wrong("input %d has more than the %d tokens that the model reads, and truncate is false",
                         i, longest);
        r->tokens += q->queries[i].tokens;
        if (r->tokens > limits.tokens)
            return wrong("the inputs have more than the %d tokens that one request may have", limits.tokens);
    }
    return OK;
}

static int read_body(el_request *r, const json_t *body, const char *model, el_request_limits limits,
                     el_find_service *find, void *context)
{
    if (!json_is_object(body))
        return wrong("the body is not a JSON object");
    r->documents = json_object_get(body, "documents") != NULL;
    int code = find_model(r, body, model, find, context);
    if (code == OK)
        code = read_options(r, body);
    if (code == OK)
        code = read_inputs(r, body, limits.inputs);
    if (code != OK)
        return code;
    r->question.ask = ask_of(r->form);
    code = r->form == EL_REQUEST_TOKENIZE ? cut_texts(r) : code_of(el_service_read(r->service, &r->question));
    return code == OK ? check_lengths(r, limits) : code;
}

/* A whole number that is too large for one is read as a real one: it may stand where nobody looks. */
static int parse(json_t **value, const char *body, size_t bytes)
{
    json_error_t error;
    const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY;
    el_status st = el_json_read(value, body, bytes, flags, &error);
    if (st == EL_EDATA && json_error_code(&error) == json_error_numeric_overflow)
        st = el_json_read(value, body, bytes, flags | JSON_DECODE_INT_AS_REAL, &error);
    if (st == EL_EDATA && json_error_code(&error) == json_error_numeric_overflow)
        return wrong("a number in the body is too large");
    if (st != EL_EDATA)
        return st ? UNAVAILABLE : OK;
    const char *const quoted = strstr(error.text, " near "); /* of the client's own text */
    const int length = quoted ? (int)(quoted - error.text) : (int)strlen(error.text);
    (void)el_fail(EL_EUSAGE, "the body is not JSON: %.*s, at byte %d", length, error.text, error.position);
    return BAD_REQUEST;
}

int el_request_read(el_request *r, el_request_form form, const char *model, const char *body, size_t bytes,
                    el_request_limits limits, el_find_service *find, void *context)
{
    json_t *value = NULL;
    *r =
        (el_request){.form = form, .truncate = true, .normalize = true, .special = true, .question.top_k = 5};
    int code = parse(&value, body, bytes);
    if (code == OK)
        code = read_body(r, value, model, limits, find, context);
    json_decref(value);
    return code;
}

void el_request_release(el_request *r)
{
    el_question_release(&r->question);
    el_service_release(r->service);
    r->service = NULL;
}
