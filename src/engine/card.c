/* card - see the header */
#define _GNU_SOURCE
#include "engine/card.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"

/* In double quotes, which YAML and JSON read alike. */
static void put_quoted(FILE *page, const char *text)
{
    json_t *const value = json_string(text);
    char *const quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    fputs(quoted ? quoted : "\"\"", page);
    free(quoted);
    json_decref(value);
}

static void put_results(FILE *page, const el_card *card)
{
    const char *name;
    char number[32];
    json_t *value;
    fputs("model-index:\n- name: ", page);
    put_quoted(page, card->task);
    fprintf(page, "\n  results:\n  - task:\n      type: %s\n    dataset:\n      name: ", card->pipeline);
    put_quoted(page, card->task);
    fputs("\n      type: ", page);
    put_quoted(page, card->task);
    fputs("\n      split: validation\n    metrics:\n", page);
    json_object_foreach((json_t *)card->metrics, name, value)
        if (json_is_number(value) && isfinite(json_number_value(value))) {
            el_number_print(number, sizeof number, "%.6g", json_number_value(value));
            fprintf(page, "    - type: %s\n      value: %s\n", name, number);
        }
}

/* ---- the command ---- */

/* A word for the shell. */
static void put_word(FILE *page, const char *text)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+=@%";
    if (*text && strspn(text, PLAIN) == strlen(text)) {
        fputs(text, page);
        return;
    }
    fputc('\'', page);
    for (; *text; text++)
        fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, page);
    fputc('\'', page);
}

static void put_value(FILE *page, const json_t *value)
{
    if (json_is_string(value)) {
        put_word(page, json_string_value(value));
    } else {
        char *const text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        fputs(text ? text : "", page);
        free(text);
    }
}

static void put_flag(FILE *page, const char *name, const json_t *value)
{
    fprintf(page, " \\\n    --%s", json_is_false(value) ? "no-" : "");
    for (; *name; name++)
        fputc(*name == '_' ? '-' : *name, page);
    if (json_is_boolean(value))
        return;
    fputc(' ', page);
    put_value(page, value);
}

static void put_command(FILE *page, const el_options *options)
{
    json_t *const values = el_options_json(options);
    const char *name;
    json_t *value, *part;
    size_t i;
    fprintf(page, "electra %s", options->command);
    json_object_foreach(values, name, value) {
        if (el_options_origin(options, name) <= EL_FROM_RECORD)
            continue;
        if (json_is_array(value)) {
            json_array_foreach(value, i, part)
                put_flag(page, name, part);
        } else if (!json_is_null(value)) {
            put_flag(page, name, value);
        }
    }
    fputc('\n', page);
    json_decref(values);
}

static void put_page(FILE *page, const el_card *card)
{
    fputs(card->own ? "---\n" : "---\nlibrary_name: transformers\n", page);
    if (card->pipeline && !card->own)
        fprintf(page, "pipeline_tag: %s\n", card->pipeline);
    fprintf(page, "tags:\n- %s\n", card->tag);
    if (card->metrics && card->pipeline)
        put_results(page, card);
    fprintf(page, "---\n\n# %s\n\n%s\nMade by electra " ELECTRA_VERSION ":\n\n```sh\n", card->title,
            card->about);
    put_command(page, card->options);
    fputs("```\n", page);
}

char *el_card_text(const el_card *card)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const page = open_memstream(&text, &size);
    if (!page)
        return NULL;
    put_page(page, card);
    const bool whole = fclose(page) == 0 && el_json_complete();
    if (whole)
        return text;
    free(text);
    return NULL;
}
