/* squad - questions about paragraphs, as SQuAD, KorQuAD and MRQA have them; see readers.h */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "task/files/readers.h"
#include "text/utf8.h"

int64_t el_byte_of(const char *text, int64_t characters)
{
    const char *at = text;
    for (; characters > 0 && *at; characters--) {
        at++;
        while (((unsigned char)*at & 0xC0) == 0x80)
            at++;
    }
    return characters == 0 ? at - text : -1;
}

int64_t el_answer_place(const char *context, const char *answer, int64_t begin)
{
    const size_t length = strlen(answer);
    if (!length)
        return -1;
    if (begin >= 0 && strncmp(context + begin, answer, length) == 0)
        return begin;
    const char *const found = strstr(context, answer);
    return found ? found - context : -1;
}

typedef struct {
    const char *path;
    bool labelled;
    el_dataset *dataset;
    int group;
} reading;

static el_status missing(const reading *r, const char *what)
{
    return el_fail(EL_EDATA, "%s, question %d: %s is missing", r->path, r->dataset->count + 1, what);
}

/* SQuAD's answers: objects with a text and the character at which it begins. */
static el_status take_answers(const reading *r, const json_t *answers, const char *context)
{
    el_status st = EL_OK;
    for (size_t i = 0; !st && i < json_array_size(answers); i++) {
        const json_t *const answer = json_array_get(answers, i), *const start =
                                                                     json_object_get(answer, "answer_start");
        const char *const text = json_string_value(json_object_get(answer, "text"));
        if (!text)
            return missing(r, "an answer's text");
        const int64_t begin = json_is_integer(start) ? el_byte_of(context, json_integer_value(start)) : -1;
        st = el_dataset_add_answer(r->dataset, text, strlen(text), el_answer_place(context, text, begin));
    }
    return st;
}

static el_status take_question(const reading *r, const json_t *qa, const char *context)
{
    const char *const question = json_string_value(json_object_get(qa, "question"));
    const json_t *const id = json_object_get(qa, "id"), *const impossible =
                                                            json_object_get(qa, "is_impossible");
    const json_t *const answers = json_object_get(qa, "answers");
    if (!question)
        return missing(r, "\"question\"");
    if (r->labelled && !json_is_array(answers))
        return missing(r, "\"answers\"");
    el_labelled *const e = el_dataset_add(r->dataset, r->dataset->count + 1);
    char *const name = json_is_string(id) ? strdup(json_string_value(id))
                       : id               ? el_json_text(id, false)
                                          : NULL;
    if (!e || (id && !name))
        return el_fail(EL_ENOMEM, "%s: no memory for a question", r->path);
    e->text[0] = el_dataset_string(r->dataset, question, strlen(question));
    e->text[1] = context;
    e->id = name ? el_dataset_string(r->dataset, name, strlen(name)) : NULL;
    e->group = r->group;
    if (json_is_array(answers))
        e->label = json_is_boolean(impossible) ? json_is_true(impossible) : json_array_size(answers) == 0;
    free(name);
    return e->label == 1 ? EL_OK : take_answers(r, answers, context);
}

static el_status take_paragraph(const reading *r, const json_t *paragraph)
{
    const char *const context = json_string_value(json_object_get(paragraph, "context"));
    const json_t *const qas = json_object_get(paragraph, "qas");
    if (!context)
        return missing(r, "its paragraph's \"context\"");
    if (!json_is_array(qas))
        return missing(r, "its paragraph's \"qas\"");
    const char *const kept = el_dataset_string(r->dataset, context, strlen(context));
    el_status st = kept ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory for a paragraph", r->path);
    for (size_t i = 0; !st && i < json_array_size(qas); i++)
        st = take_question(r, json_array_get(qas, i), kept);
    return st;
}

el_status el_squad_read(const char *path, bool labelled, el_dataset *dataset)
{
    json_t *file;
    reading r = {.path = path, .labelled = labelled, .dataset = dataset};
    char *text;
    size_t bytes;
    el_status st = el_text_load(path, &text, &bytes);
    if (st)
        return st;
    st = el_json_parse(&file, text, bytes, path);
    free(text);
    if (st)
        return st;
    const json_t *const articles = json_object_get(file, "data");
    if (!json_is_array(articles))
        st = el_fail(EL_EDATA, "%s: there is no array \"data\" of articles in it", path);
    for (size_t a = 0; !st && a < json_array_size(articles); a++, r.group++) {
        const json_t *const paragraphs = json_object_get(json_array_get(articles, a), "paragraphs");
        if (!json_is_array(paragraphs))
            st = missing(&r, "its article's \"paragraphs\"");
        for (size_t p = 0; !st && p < json_array_size(paragraphs); p++)
            st = take_paragraph(&r, json_array_get(paragraphs, p));
    }
    json_decref(file);
    return st;
}

/* MRQA's: where each text was found, as characters from first to last. */
static el_status take_detected(const reading *r, const json_t *qa, const char *context)
{
    const json_t *const detected = json_object_get(qa, "detected_answers"), *const all = json_object_get(
                                                                                qa, "answers");
    el_status st = EL_OK;
    for (size_t i = 0; !st && i < json_array_size(detected); i++) {
        const json_t *const answer = json_array_get(detected, i);
        const char *const text = json_string_value(json_object_get(answer, "text"));
        const json_t *const span = json_array_get(json_object_get(answer, "char_spans"), 0);
        if (!text)
            return missing(r, "a detected answer's text");
        const int64_t begin = el_byte_of(context, json_integer_value(json_array_get(span, 0)));
        st = el_dataset_add_answer(r->dataset, text, strlen(text), el_answer_place(context, text, begin));
    }
    for (size_t i = 0; !st && i < json_array_size(all); i++) {
        const char *const text = json_string_value(json_array_get(all, i));
        if (text)
            st = el_dataset_add_answer(r->dataset, text, strlen(text), -1);
    }
    return st;
}

static el_status take_mrqa_question(const reading *r, const json_t *qa, const char *context)
{
    const char *const question = json_string_value(json_object_get(qa, "question"));
    const char *const id = json_string_value(json_object_get(qa, "qid"));
    if (!question)
        return missing(r, "\"question\"");
    el_labelled *const e = el_dataset_add(r->dataset, r->dataset->count + 1);
    if (!e)
        return el_fail(EL_ENOMEM, "%s: no memory for a question", r->path);
    e->text[0] = el_dataset_string(r->dataset, question, strlen(question));
    e->text[1] = context;
    e->id = id ? el_dataset_string(r->dataset, id, strlen(id)) : NULL;
    e->group = r->group;
    if (!json_object_get(qa, "detected_answers") && r->labelled)
        return missing(r, "\"detected_answers\"");
    e->label = 0;
    return take_detected(r, qa, context);
}

/* The first line is a header object. */
el_status el_mrqa_read(const char *path, bool labelled, el_dataset *dataset)
{
    el_lines lines;
    el_line line;
    reading r = {.path = path, .labelled = labelled, .dataset = dataset};
    el_status st = el_lines_open(&lines, path);
    while (!st && !(st = el_lines_next(&lines, &line)) && line.text) {
        json_error_t error;
        json_t *const paragraph = json_loadb(line.text, line.bytes, 0, &error);
        const char *const context = json_string_value(json_object_get(paragraph, "context"));
        const json_t *const qas = json_object_get(paragraph, "qas");
        if (!paragraph)
            st = el_lines_fail(&lines, "%s", error.text);
        else if (!context && !json_object_get(paragraph, "header"))
            st = el_lines_fail(&lines, "there is no \"context\"");
        const char *const kept = !st && context ? el_dataset_string(dataset, context, strlen(context)) : NULL;
        for (size_t i = 0; kept && !st && i < json_array_size(qas); i++)
            st = take_mrqa_question(&r, json_array_get(qas, i), kept);
        r.group++;
        json_decref(paragraph);
    }
    el_lines_close(&lines);
    return st;
}
