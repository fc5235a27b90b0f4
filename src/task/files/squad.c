/* squad - questions about paragraphs, as SQuAD, KorQuAD and MRQA have them; see readers.h
 *
 * SQuAD and KorQuAD 1: {"data": [{"paragraphs": [{"context",
 *                        "qas": [{"id", "question", "answers": [{"text", "answer_start"}]}]}]}]}
 * AI Hub, KLUE:        "question_id" or "guid" for "id"
 * others:              articles or paragraphs in an array, or one after the other; answers as texts
 * KorQuAD 2:           {"data": [{"context", "qas": [{"id", "question", "answer": {"text", "answer_start"}}]}]}
 * MRQA:                a line {"context", "qas": [{"qid", "question", "answers": [text], "detected_answers": [...]}]}
 *
 * The file's text is kept and parsed an article at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "task/files/readers.h"
#include "text/scan.h"

typedef struct {
    const char *name; /* of the file, for sentences */
    const char *text; /* of SQuAD's: all of it */
    bool labelled;
    el_dataset *dataset;
    int group;
} reading;

/* The question that a sentence is about: the one that was begun last, or the one that comes next. */
typedef enum { BEGUN, NEXT } place;

static el_status missing(const reading *r, place question, const char *what)
{
    return el_fail(EL_EDATA, "%s, question %d: %s is missing", r->name, r->dataset->count + (int)question,
                   what);
}

/* The dataset's copy of a string, in which a character stands for each zero, as in tables; of a number its digits. */
static el_status keep(const reading *r, const json_t *value, const char **kept)
{
    enum { DELETE = 0x7f };
    char *const digits = json_is_string(value) ? NULL : el_json_text(value, false);
    const char *const text = digits ? digits : json_string_value(value);
    const size_t bytes = digits ? strlen(digits) : json_string_length(value);
    char *const copy = text ? (char *)el_dataset_string(r->dataset, text, bytes) : NULL;
    for (size_t i = 0; copy && i < bytes; i++)
        if (!copy[i])
            copy[i] = DELETE;
    free(digits);
    *kept = copy;
    return copy ? EL_OK : el_no_memory(r->name);
}

/* Begins a question; `context` is the dataset's. */
static el_status add_question(const reading *r, const json_t *qa, const json_t *id, const char *context)
{
    const json_t *const question = json_object_get(qa, "question");
    if (!json_is_string(question))
        return missing(r, NEXT, "\"question\"");
    el_labelled *const e = el_dataset_add(r->dataset, r->dataset->count + 1);
    if (!e)
        return el_no_memory(r->name);
    e->text[1] = context;
    e->group = r->group;
    const el_status st = keep(r, question, &e->text[0]);
    return st || !id || json_is_null(id) ? st : keep(r, id, &e->id);
}

static int64_t offset_of(const json_t *start)
{
    char *const digits = json_is_number(start) ? el_json_text(start, false) : NULL;
    const char *const text = digits ? digits : json_string_value(start);
    const int64_t offset = text ? el_answer_start(text) : -1;
    free(digits);
    return offset;
}

static el_status add_answer(const reading *r, const char *context, const json_t *text, const json_t *start)
{
    const char *answer;
    const el_status st = keep(r, text, &answer);
    return st ? st : el_answer_add(r->dataset, context, answer, offset_of(start));
}

/* ---- SQuAD ---- */

static const json_t *text_of(const json_t *answer)
{
    return json_is_string(answer) ? answer : json_object_get(answer, "text");
}

/* Objects with a text and the character at which it begins, or texts alone; or one of them without an array. */
static el_status take_answers(const reading *r, const json_t *answers, const char *context)
{
    el_status st = EL_OK;
    const size_t count = json_is_array(answers) ? json_array_size(answers) : 1;
    for (size_t i = 0; !st && i < count; i++) {
        const json_t *const answer = json_is_array(answers) ? json_array_get(answers, i) : answers;
        const json_t *const text = text_of(answer);
        st = json_is_string(text) ? add_answer(r, context, text, json_object_get(answer, "answer_start"))
                                  : missing(r, BEGUN, "an answer's text");
    }
    return st;
}

/* What a question is called, by the first of the names that there are for that. */
static const json_t *id_of(const json_t *qa)
{
    static const char *const NAMES[] = {"id", "question_id", "guid", "qid"};
    const json_t *id = NULL;
    for (size_t i = 0; !id && i < sizeof NAMES / sizeof *NAMES; i++)
        id = json_object_get(qa, NAMES[i]);
    return id;
}

static el_status take_question(const reading *r, const json_t *qa, const char *context)
{
    const json_t *const impossible = json_object_get(qa, "is_impossible"),
                        *answers = json_object_get(qa, "answers");
    if (!answers)
        answers = json_object_get(qa, "answer");
    /* where there is none, some leave "answers" out */
    const bool unanswered = json_is_true(impossible) && (!answers || json_is_null(answers));
    const bool there =
        unanswered || json_is_array(answers) || json_is_object(answers) || json_is_string(answers);
    if (json_is_string(json_object_get(qa, "question")) && r->labelled && !there)
        return missing(r, NEXT, "\"answers\"");
    el_status st = add_question(r, qa, id_of(qa), context);
    if (!st && there && !unanswered)
        st = take_answers(r, answers, context);
    if (!st && there)
        el_answers_end(r->dataset, json_is_boolean(impossible) ? json_is_true(impossible) : -1);
    return st;
}

static el_status take_paragraph(const reading *r, const json_t *paragraph)
{
    const json_t *const context = json_object_get(paragraph, "context"), *const qas = json_object_get(
                                                                             paragraph, "qas");
    const char *kept;
    if (!json_is_string(context))
        return missing(r, NEXT, "its paragraph's \"context\"");
    if (!json_is_array(qas))
        return missing(r, NEXT, "its paragraph's \"qas\"");
    el_status st = keep(r, context, &kept);
    for (size_t i = 0; !st && i < json_array_size(qas); i++)
        st = take_question(r, json_array_get(qas, i), kept);
    return st;
}

static el_status take_article(const reading *r, el_line text)
{
    json_error_t error;
    json_t *article;
    el_status st = el_scan_parse(&article, text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (st)
        return st == EL_EDATA ? el_fail(st, "%s, question %d: %s", r->name, r->dataset->count + 1, error.text)
                              : st;
    const json_t *const paragraphs = json_object_get(article, "paragraphs");
    if (!json_is_array(paragraphs))
        st = json_object_get(article, "qas") ? take_paragraph(r, article)
                                             : missing(r, NEXT, "its article's \"paragraphs\"");
    for (size_t p = 0; !st && p < json_array_size(paragraphs); p++)
        st = take_paragraph(r, json_array_get(paragraphs, p));
    json_decref(article);
    return st;
}

static el_status take_articles(reading *r, el_line array)
{
    el_scan articles = {.at = array.text + 1, .end = array.text + array.bytes};
    el_line article;
    el_status st = EL_OK;
    for (; !st && el_scan_element(&articles, &article); r->group++)
        st = take_article(r, article);
    return st || articles.at
               ? st
               : el_fail(EL_EDATA, "%s, question %d: the array of articles is not well formed from here on",
                         r->name, r->dataset->count + 1);
}

/* Where it is not JSON at all, jansson says so. */
static el_status malformed(const reading *r, el_line text)
{
    json_error_t error;
    json_t *file;
    const el_status st = el_scan_parse(&file, text, 0, &error);
    json_decref(file);
    for (const char *at = r->text; at < text.text; at++)
        error.line += *at == '\n';
    return st == EL_ENOMEM ? st
           : st            ? el_fail(st, "%s, line %d: not JSON: %s", r->name, error.line, error.text)
                           : el_fail(EL_EDATA, "%s: there is no array \"data\" of articles in it", r->name);
}

/* An object with the articles under "data", or an article. */
static el_status take_object(reading *r, el_line text)
{
    const char *const end = text.text + text.bytes;
    el_scan members = {.at = text.text + 1, .end = end};
    el_line key, value, articles = {0};
    bool article = false, seen = false;
    while (el_scan_member(&members, &key, &value)) {
        const bool data = key.bytes == 4 && memcmp(key.text, "data", 4) == 0;
        if (data && seen)
            return el_fail(EL_EDATA, "%s: the key \"data\" is there twice", r->name);
        seen |= data;
        if (data && *value.text == '[')
            articles = value;
        article |= (key.bytes == 10 && memcmp(key.text, "paragraphs", 10) == 0) ||
                   (key.bytes == 3 && memcmp(key.text, "qas", 3) == 0);
    }
    if (!members.at || (!articles.text && !article))
        return malformed(r, text);
    const el_status st = articles.text ? take_articles(r, articles) : take_article(r, text);
    r->group += !articles.text;
    return st;
}

/* Articles in an array, or objects one after the other. */
static el_status take_file(reading *r, el_line text)
{
    const char *const end = text.text + text.bytes, *at = el_scan_blanks(text.text, end);
    el_status st = at < end ? EL_OK : malformed(r, text);
    while (!st && at < end) {
        const char *const behind = *at == '{' || *at == '[' ? el_scan_value(at, end) : NULL;
        const el_line value = {at, (size_t)((behind ? behind : end) - at)};
        st = !behind ? malformed(r, value) : *at == '[' ? take_articles(r, value) : take_object(r, value);
        at = behind ? el_scan_blanks(behind, end) : end;
    }
    return st;
}

el_status el_squad_read(el_lines *lines, bool labelled, el_dataset *dataset)
{
    reading r = {.name = lines->name, .labelled = labelled, .dataset = dataset};
    char *text;
    size_t bytes;
    el_status st = el_lines_rest(lines, &text, &bytes);
    if (st)
        return st;
    r.text = text;
    st = take_file(&r, (el_line){text, bytes});
    free(text);
    return st;
}

/* ---- MRQA ---- */

/* Where each text was found, as characters from first to last; and every text that is right. */
static el_status take_detected(const reading *r, const json_t *qa, const char *context)
{
    const json_t *const detected = json_object_get(qa, "detected_answers"), *const all = json_object_get(
                                                                                qa, "answers");
    el_status st = EL_OK;
    for (size_t i = 0; !st && i < json_array_size(detected); i++) {
        const json_t *const answer = json_array_get(detected, i), *const text =
                                                                      json_object_get(answer, "text");
        const json_t *const span = json_array_get(json_object_get(answer, "char_spans"), 0);
        st = json_is_string(text) ? add_answer(r, context, text, json_array_get(span, 0))
                                  : missing(r, BEGUN, "a detected answer's text");
    }
    for (size_t i = 0; !st && i < json_array_size(all); i++) {
        const char *text;
        if (json_is_string(json_array_get(all, i)) && !(st = keep(r, json_array_get(all, i), &text)))
            st = el_dataset_add_answer(r->dataset, text, strlen(text), -1);
    }
    return st;
}

static el_status take_mrqa_question(const reading *r, const json_t *qa, const char *context)
{
    const el_status st = add_question(r, qa, json_object_get(qa, "qid"), context);
    if (st)
        return st;
    const bool detected = json_is_array(json_object_get(qa, "detected_answers"));
    if (!detected && r->labelled)
        return missing(r, BEGUN, "\"detected_answers\"");
    if (detected || json_is_array(json_object_get(qa, "answers")))
        r->dataset->examples[r->dataset->count - 1].label = 0;
    return take_detected(r, qa, context);
}

static el_status take_mrqa_line(const reading *r, const el_lines *lines, el_line line)
{
    json_error_t error;
    json_t *paragraph;
    el_status st = el_scan_parse(&paragraph, line, JSON_REJECT_DUPLICATES, &error);
    const json_t *const context = json_object_get(paragraph, "context"), *const qas = json_object_get(
                                                                             paragraph, "qas");
    const char *kept = NULL;
    if (st == EL_EDATA)
        st = el_lines_fail(lines, "%s", error.text);
    else if (!st && !json_is_string(context) && !json_object_get(paragraph, "header"))
        st = el_lines_fail(lines, "there is no \"context\"");
    if (!st && json_is_string(context))
        st = keep(r, context, &kept);
    for (size_t i = 0; kept && !st && i < json_array_size(qas); i++)
        st = take_mrqa_question(r, json_array_get(qas, i), kept);
    json_decref(paragraph);
    return st;
}

/* The first line is a header object. */
el_status el_mrqa_read(el_lines *lines, bool labelled, el_dataset *dataset)
{
    el_line line;
    reading r = {.name = lines->name, .labelled = labelled, .dataset = dataset};
    el_status st;
    while (!(st = el_lines_next(lines, &line)) && line.text) {
        if (!el_line_blank(line) && (st = take_mrqa_line(&r, lines, line)))
            return st;
        r.group++;
    }
    return st;
}
