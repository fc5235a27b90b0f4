/* options_man - a command's page for man(1), from the table: what --help says, in roff */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options_parts.h"

/* Text as roff: a '-' is the one that is typed, and no line begins a request. */
static void put(FILE *page, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        const bool begins = i == 0 || text[i - 1] == '\n';
        if (begins && (text[i] == '.' || text[i] == '\''))
            fputs("\\&", page);
        if (text[i] == '-')
            fputs("\\-", page);
        else if (text[i] == '\\')
            fputs("\\e", page);
        else if (text[i] == '`')
            fputs("\\(ga", page);
        else
            fputc(text[i], page);
    }
}

static void put_text(FILE *page, const char *text)
{
    put(page, text, strlen(text));
}

static void put_item(FILE *page, const char *left, const char *right)
{
    fputs(".TP\n.B ", page);
    put_text(page, left);
    fputc('\n', page);
    put_text(page, right);
    fputc('\n', page);
}

static void put_option(FILE *page, const el_options *options, int line)
{
    char left[256], remark[512], right[2048];
    el_option_left_side(left, sizeof left, &options->table[line]);
    el_option_remark(remark, sizeof remark, options, line);
    snprintf(right, sizeof right, "%s%s", options->table[line].help ? options->table[line].help : "", remark);
    put_item(page, left, right);
}

static void put_examples(FILE *page, const char *examples)
{
    fputs(".SH EXAMPLES\n.nf\n", page);
    while (*examples) {
        const size_t indent = strspn(examples, " "), length = strcspn(examples, "\n");
        if (length > indent)
            put(page, examples + indent, length - indent);
        fputc('\n', page);
        examples += length + (examples[length] == '\n');
    }
    fputs(".fi\n", page);
}

static void put_page(FILE *page, const el_options *options, const char *version)
{
    char upper[64];
    snprintf(upper, sizeof upper, "%s", options->command);
    for (char *c = upper; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    fprintf(page, ".TH ELECTRA\\-%s 1 \"\" \"electra %s\" \"electra\"\n.ad l\n.SH NAME\nelectra\\-%s \\- ",
            upper, version, options->command);
    put_text(page, options->summary ? options->summary : "a command of electra");
    fprintf(page, "\n.SH SYNOPSIS\n.B electra %s\n[options]", options->command);
    if (options->operands) {
        fputc(' ', page);
        put_text(page, options->operands);
    }
    fputs("\n.SH OPTIONS\n", page);
    for (int i = 0; i < options->count; i++)
        if (options->table[i].type != EL_OPT_SECTION) {
            put_option(page, options, i);
        } else {
            fputs(".SS \"", page);
            put_text(page, options->table[i].help ? options->table[i].help : options->table[i].name);
            fputs("\"\n", page);
        }
    fputs(".SS \"every command\"\n", page);
    put_item(page, "--config FILE", EL_CONFIG_HELP);
    put_item(page, "--hparams JSON|FILE", EL_HPARAMS_HELP);
    put_item(page, "-h, --help", "the same on one page");
    if (options->examples)
        put_examples(page, options->examples);
    fputs(".SH \"EXIT STATUS\"\n"
          "0 done, 1 failed, 2 wrong usage, 3 bad data or file, 75 stopped by a signal after saving.\n"
          ".SH \"SEE ALSO\"\n.BR electra (1)\n",
          page);
}

char *el_options_man(const el_options *options, const char *version)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const page = open_memstream(&text, &size);
    if (!page)
        return NULL;
    put_page(page, options, version);
    if (fclose(page) == 0)
        return text;
    free(text);
    return NULL;
}
