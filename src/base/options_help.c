/* options_help - the page of --help, from the table */
#define _GNU_SOURCE
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "options_parts.h"

enum { HELP_COLUMN = 32, HELP_WIDTH = 100 };

static void add(FILE *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(FILE *page, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(page, format, arguments);
    va_end(arguments);
}

/* "--num-train-steps N" */
void el_option_left_side(char *text, size_t size, const el_option *option)
{
    char name[EL_LONGEST_SPELLING + 2];
    el_option_flag(name, option->name);
    if (option->type == EL_OPT_SWITCH)
        snprintf(text, size, "--[no-]%s", name + 2);
    else
        snprintf(text, size, "%s %s", name,
                 option->type == EL_OPT_INT      ? "N"
                 : option->type == EL_OPT_REAL   ? "X"
                 : option->type == EL_OPT_COURSE ? "X[:Y]"
                 : el_option_is_text(option)     ? "TEXT"
                                                 : option->choices);
}

/* " (1 to 8; default 3)" without what there is not to say: a default out of range means that something
 * else decides when the option is not given. */
static void number_remark(char *text, size_t size, const el_option *option, double value)
{
    char range[80] = "", given[40] = "";
    if (el_option_has_range(option) && isinf(option->max))
        el_number_print(range, sizeof range, "%.15g or more", option->min);
    else if (el_option_has_range(option))
        el_number_print(range, sizeof range, "%.15g to %.15g", option->min, option->max);
    if (!isnan(value) && (!el_option_has_range(option) || (value >= option->min && value <= option->max)))
        el_number_print(given, sizeof given, "default %.15g", value);
    if (*range || *given)
        snprintf(text, size, " (%s%s%s)", range, *range && *given ? "; " : "", given);
}

/* What follows the help text: range and default. */
void el_option_remark(char *text, size_t size, const el_options *options, int line)
{
    const el_option *option = &options->table[line];
    const void *place = el_option_place(options, line);
    text[0] = '\0';
    int length;
    const char *word;
    switch (option->type) {
    case EL_OPT_SWITCH:
        snprintf(text, size, " (default %s)", *(const bool *)place ? "on" : "off");
        break;
    case EL_OPT_INT:
        number_remark(text, size, option, (double)*(const int64_t *)place);
        break;
    case EL_OPT_REAL:
        number_remark(text, size, option, *(const double *)place);
        break;
    case EL_OPT_COURSE:
        number_remark(text, size, option, ((const el_course *)place)->first);
        break;
    case EL_OPT_TEXT:
    case EL_OPT_OUTPUT:
        word = *(const char *const *)place;
        if (word && *word)
            snprintf(text, size, " (default %s)", word);
        break;
    case EL_OPT_CHOICE:
        word = el_option_word(option->choices, *(const int *)place, &length);
        snprintf(text, size, " (default %.*s)", length, word);
        break;
    case EL_OPT_TEXTS:
    case EL_OPT_SECTION:
        break;
    }
}

/* The words of a text, from HELP_COLUMN on, broken before HELP_WIDTH. */
static void add_wrapped(FILE *page, int column, const char *text)
{
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (column + 1 + length > HELP_WIDTH && column > HELP_COLUMN) {
            add(page, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        add(page, "%s%.*s", column > HELP_COLUMN ? " " : "", length, text);
        column += length + (column > HELP_COLUMN);
        text += length;
        text += strspn(text, " ");
    }
    add(page, "\n");
}

static void add_line(FILE *page, const char *left, const char *right)
{
    const int length = (int)strlen(left);
    add(page, "  %s", left);
    if (length + 4 > HELP_COLUMN)
        add(page, "\n%*s", HELP_COLUMN, "");
    else
        add(page, "%*s", HELP_COLUMN - length - 2, "");
    add_wrapped(page, HELP_COLUMN, right);
}

static void add_option(FILE *page, const el_options *options, int line)
{
    const el_option *option = &options->table[line];
    char left[256], remark[512], right[2048];
    el_option_left_side(left, sizeof left, option);
    el_option_remark(remark, sizeof remark, options, line);
    snprintf(right, sizeof right, "%s%s", option->help ? option->help : "", remark);
    add_line(page, left, right);
}

static void add_examples(FILE *page, const char *examples)
{
    add(page, "Examples:\n");
    while (*examples) {
        const int length = (int)strcspn(examples, "\n");
        add(page, "%s%.*s\n", *examples == ' ' || length == 0 ? "" : "  ", length, examples);
        examples += length + (examples[length] == '\n');
    }
    add(page, "\n");
}

static void add_page(FILE *page, const el_options *options)
{
    add(page, "electra %s - %s\n\n", options->command, options->summary ? options->summary : "");
    if (options->examples)
        add_examples(page, options->examples);
    add(page, "Usage: electra %s [options]%s%s\n", options->command, options->operands ? " " : "",
        options->operands ? options->operands : "");
    if (options->count == 0 || options->table[0].type != EL_OPT_SECTION)
        add(page, "\nOptions:\n");
    for (int i = 0; i < options->count; i++)
        if (options->table[i].type == EL_OPT_SECTION)
            add(page, "\n%s:\n", options->table[i].help ? options->table[i].help : options->table[i].name);
        else
            add_option(page, options, i);
    add(page, "\nEvery command:\n");
    add_line(page, "--config FILE", EL_CONFIG_HELP);
    add_line(page, "--hparams JSON|FILE", EL_HPARAMS_HELP);
    add_line(page, "-h, --help", "this page");
}

char *el_options_help(const el_options *options)
{
    char *text = NULL;
    size_t size = 0;
    FILE *page = open_memstream(&text, &size);
    if (!page)
        return NULL;
    add_page(page, options);
    if (fclose(page) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
