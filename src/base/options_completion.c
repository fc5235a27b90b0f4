/* options_completion - what a shell knows of a command's flags and their values, from the table
 *
 * A text may be a file; numbers and switches have no values to offer.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options_parts.h"

/* The words of "a|b|c" with blanks between. */
static void put_words(FILE *out, const char *choices)
{
    for (const char *c = choices; *c; c++)
        fputc(*c == '|' ? ' ' : *c, out);
}

static bool is_switch(const el_option *option)
{
    return option->type == EL_OPT_SWITCH;
}

/* ---- bash: a case of its function ---- */

static void put_bash(FILE *out, const el_options *options)
{
    char flag[EL_LONGEST_SPELLING + 2];
    fprintf(out, "    %s)\n        flags=\"--config --hparams --help", options->command);
    for (int i = 0; i < options->count; i++) {
        if (options->table[i].type == EL_OPT_SECTION)
            continue;
        el_option_flag(flag, options->table[i].name);
        fprintf(out, " %s", flag);
        if (is_switch(&options->table[i]))
            fprintf(out, " --no-%s", flag + 2);
    }
    fputs("\"\n        case $previous in\n", out);
    for (int i = 0; i < options->count; i++)
        if (options->table[i].type == EL_OPT_CHOICE) {
            el_option_flag(flag, options->table[i].name);
            fprintf(out, "        %s) words=\"", flag);
            put_words(out, options->table[i].choices);
            fputs("\" ;;\n", out);
        }
    fputs("        esac ;;\n", out);
}

/* ---- zsh: a case of its function ---- */

/* In single quotes, where [], : and \ mean something to _arguments. */
static void put_zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text))
            fputc('\\', out);
        fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, out);
    }
}

static void put_zsh_option(FILE *out, const el_option *option)
{
    char flag[EL_LONGEST_SPELLING + 2];
    el_option_flag(flag, option->name);
    if (is_switch(option)) {
        fprintf(out, " \\\n            '--no-%s[off]'", flag + 2);
        fprintf(out, " \\\n            '%s[", flag);
    } else {
        fprintf(out, " \\\n            '%s%s=[", option->type == EL_OPT_TEXTS ? "*" : "", flag);
    }
    put_zsh_text(out, option->help ? option->help : "");
    fputc(']', out);
    if (option->type == EL_OPT_CHOICE) {
        fputs(":value:(", out);
        put_words(out, option->choices);
        fputc(')', out);
    } else if (el_option_is_text(option)) {
        fputs(":text:_files", out);
    } else if (!is_switch(option)) {
        fputs(":number: ", out);
    }
    fputc('\'', out);
}

static void put_zsh(FILE *out, const el_options *options)
{
    fprintf(out, "    %s)\n        _arguments '--config=[settings from a JSON file]:file:_files'",
            options->command);
    for (int i = 0; i < options->count; i++)
        if (options->table[i].type != EL_OPT_SECTION)
            put_zsh_option(out, &options->table[i]);
    fputs(" \\\n            '--help[explain]' '*:file:_files' ;;\n", out);
}

/* ---- fish: lines ---- */

static void put_fish_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_fish_line(FILE *out, const char *command, const char *name, const char *help)
{
    fprintf(out, "complete -c electra -n '__fish_seen_subcommand_from %s' -l %s -d '", command, name);
    put_fish_text(out, help ? help : "");
    fputc('\'', out);
}

static void put_fish(FILE *out, const el_options *options)
{
    char flag[EL_LONGEST_SPELLING + 2], off[EL_LONGEST_SPELLING + 8];
    for (int i = 0; i < options->count; i++) {
        const el_option *const option = &options->table[i];
        if (option->type == EL_OPT_SECTION)
            continue;
        el_option_flag(flag, option->name);
        put_fish_line(out, options->command, flag + 2, option->help);
        if (option->type == EL_OPT_CHOICE) {
            fputs(" -x -a '", out);
            put_words(out, option->choices);
            fputc('\'', out);
        } else if (el_option_is_text(option)) {
            fputs(" -r", out);
        } else if (!is_switch(option)) {
            fputs(" -x", out);
        }
        fputc('\n', out);
        if (is_switch(option)) {
            snprintf(off, sizeof off, "no-%s", flag + 2);
            put_fish_line(out, options->command, off, "off");
            fputc('\n', out);
        }
    }
}

char *el_options_completion(const el_options *options, el_shell shell)
{
    static void (*const PUT[])(FILE * out, const el_options *options) = {put_bash, put_zsh, put_fish};
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    PUT[shell](out, options);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
