/* answer - see the header */
#define _GNU_SOURCE
#include "task/report/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "text/normalize.h"
#include "text/utf8.h"

/* ---- the object ---- */

static void put_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_string(text));
}

static void add_probabilities(json_t *object, const el_labels *labels, const el_prediction *p)
{
    json_t *const probabilities = json_object();
    for (int i = 0; i < labels->count; i++)
        json_object_set_new(probabilities, labels->names[i], el_json_number((double)p->probabilities[i]));
    json_object_set_new(object, "probabilities", probabilities);
}

static void add_labels(json_t *object, const el_labels *labels, const el_prediction *p)
{
    json_t *const list = json_array();
    for (int i = 0; i < labels->count; i++)
        if (p->probabilities[i] > 0.5f)
            json_array_append_new(list, json_string(labels->names[i]));
    json_object_set_new(object, "labels", list);
}

static void add_tags(json_t *object, const el_labels *labels, const el_dataset *d, const el_prediction *p)
{
    const el_labelled *const e = &d->examples[p->example];
    json_t *const words = json_array(), *const tags = json_array(), *const probabilities = json_array();
    for (int i = 0; i < e->count; i++) {
        json_array_append_new(words, json_string(d->words[e->first + i].text));
        json_array_append_new(tags, json_string(labels->names[p->tags[i]]));
        json_array_append_new(probabilities, el_json_number((double)p->probabilities[i]));
    }
    json_object_set_new(object, "words", words);
    json_object_set_new(object, "tags", tags);
    json_object_set_new(object, "probabilities", probabilities);
}

static void add_span(json_t *object, const el_task_card *card, const el_prediction *p)
{
    const bool there = el_task_card_answers(card, p);
    put_text(object, "answer", there ? p->answers[0].text : "");
    json_object_set_new(object, "begin", there ? json_integer(p->answers[0].begin) : json_null());
    json_object_set_new(object, "probability", el_json_number(p->answer_count ? p->answers[0].score : 0));
    if (card->rule == EL_SQUAD_2)
        json_object_set_new(object, "null_odds", el_json_number(p->null_odds));
}

json_t *el_answer_json(const el_task_card *card, const el_dataset *d, const el_prediction *p, int64_t number)
{
    const char *const id = d->examples[p->example].id;
    json_t *const object = json_object();
    if (id)
        put_text(object, "id", id);
    else
        json_object_set_new(object, "id", json_integer(number));
    switch (card->kind) {
    case EL_CLASSIFY:
        put_text(object, "label", card->labels.names[p->label]);
        add_probabilities(object, &card->labels, p);
        break;
    case EL_REGRESS:
        json_object_set_new(object, "value", el_json_number(p->value));
        break;
    case EL_MULTILABEL:
        add_labels(object, &card->labels, p);
        add_probabilities(object, &card->labels, p);
        break;
    case EL_TAG:
        add_tags(object, &card->labels, d, p);
        break;
    default:
        add_span(object, card, p);
    }
    if (el_json_complete())
        return object;
    json_decref(object);
    return NULL;
}

/* ---- columns ---- */

static void put_cell(FILE *out, const char *text)
{
    for (; *text; text++)
        fputc(*text == '\t' || *text == '\n' || *text == '\r' ? ' ' : *text, out);
}

/* A word or a tag: nothing in it separates it from the next. */
static void put_word(FILE *out, const char *text)
{
    static const char MARK[] = "\u2581";
    const char *at = text, *const end = text + strlen(text);
    if (at == end)
        fputs(MARK, out);
    while (at < end) {
        uint32_t c;
        const int bytes = el_utf8_decode(at, end, &c);
        if (el_is_white_space(c))
            fputs(MARK, out);
        else
            fwrite(at, 1, (size_t)bytes, out);
        at += bytes;
    }
}

static void put_value(FILE *out, const json_t *value, const char *between)
{
    const char *key;
    json_t *part;
    size_t i;
    if (json_is_string(value)) {
        put_cell(out, json_string_value(value));
    } else if (json_is_integer(value)) {
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        char number[32];
        el_number_print(number, sizeof number, "%.7g", json_real_value(value));
        fputs(number, out);
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, part) {
            fputs(i ? between : "", out);
            if (json_is_string(part) && *between == ' ')
                put_word(out, json_string_value(part));
            else
                put_value(out, part, between);
        }
    } else { /* null is nothing */
        bool first = true;
        json_object_foreach((json_t *)value, key, part) {
            fputs(first ? "" : "\t", out);
            put_value(out, part, between);
            first = false;
        }
    }
}

static void put_values(FILE *out, const json_t *answer)
{
    const char *key;
    json_t *value;
    bool first = true;
    json_object_foreach((json_t *)answer, key, value) {
        fputs(first ? "" : "\t", out);
        put_value(out, value, json_is_array(value) && strcmp(key, "labels") == 0 ? "," : " ");
        first = false;
    }
}

static void put_names(FILE *out, const json_t *answer)
{
    const char *key, *name;
    json_t *value, *part;
    bool first = true;
    json_object_foreach((json_t *)answer, key, value) {
        if (!json_is_object(value)) {
            fprintf(out, "%s%s", first ? "" : "\t", key);
        } else {
            json_object_foreach(value, name, part) {
                fputc('\t', out);
                put_cell(out, name);
            }
        }
        first = false;
    }
}

el_status el_answer_columns(const json_t *answer, bool names, char **line)
{
    size_t size;
    *line = NULL;
    FILE *const out = open_memstream(line, &size);
    if (!out)
        return el_no_memory(NULL);
    if (names)
        put_names(out, answer);
    else
        put_values(out, answer);
    if (fclose(out) == 0 && *line)
        return EL_OK;
    free(*line);
    *line = NULL;
    return el_no_memory(NULL);
}
