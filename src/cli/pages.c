/* pages - see the header
 *
 * A command prints its page when it is asked for help; what the page is like is set before.
 */
#include "cli/pages.h"

#include <stdio.h>
#include <string.h>

static const char *const SHELLS[] = {"bash", "zsh", "fish"};
enum { SHELL_COUNT = sizeof SHELLS / sizeof *SHELLS };

static el_shell shell; /* that pages are written for */

static char *man_page(const el_options *options)
{
    return el_options_man(options, ELECTRA_VERSION);
}

static char *completion_part(const el_options *options)
{
    return el_options_completion(options, shell);
}

static int print_page(const cli_command *command, cli_page *page)
{
    char name[32], flag[] = "--help";
    cli_pages_are(page);
    snprintf(name, sizeof name, "%s", command->name);
    return command->run(2, (char *[]){name, flag, NULL});
}

static int usage(const char *sentence)
{
    fprintf(stderr, "electra: %s\n", sentence);
    return 2;
}

/* ---- man ---- */

static void print_overview(const cli_command *commands, int count)
{
    printf(".TH ELECTRA 1 \"\" \"electra %s\" \"electra\"\n.ad l\n"
           ".SH NAME\nelectra \\- pre\\-trains, fine\\-tunes and runs ELECTRA encoders\n"
           ".SH SYNOPSIS\n.B electra\n.I COMMAND\n[options]\n"
           ".SH DESCRIPTION\nFrom raw text to a pre\\-trained encoder, to a fine\\-tuned model, to answers.  "
           "Results go to\n"
           "standard output, everything else to standard error.\n"
           ".SH COMMANDS\n",
           ELECTRA_VERSION);
    for (int i = 0; i < count; i++)
        printf(".TP\n.BR electra\\-%s (1)\n%s\n", commands[i].name, commands[i].summary);
    fputs(".SH OPTIONS\n"
          ".TP\n.B \\-\\-version\nnames the version\n"
          ".TP\n.B \\-\\-help\nlists the commands; after a command, explains it\n"
          ".TP\n.B \\-\\-completion bash|zsh|fish\nprints completions for a shell\n"
          ".TP\n.B \\-\\-man [COMMAND]\nprints this page, or that of a command\n"
          ".SH \"EXIT STATUS\"\n"
          "0 done, 1 failed, 2 wrong usage, 3 bad data or file, 75 stopped by a signal after saving.\n"
          ".SH EXAMPLES\n.nf\n"
          "electra vocab \\-\\-vocab\\-size 8000 \\-\\-output vocab.txt corpus.txt\n"
          "electra prepare \\-\\-vocab vocab.txt \\-\\-output shards corpus.txt\n"
          "electra pretrain \\-\\-data shards \\-\\-model\\-size tiny \\-\\-output run\n"
          "electra detect \\-\\-model run \"the cat sat under the hat\"\n.fi\n",
          stdout);
}

int cli_man(const cli_command *commands, int count, int argc, char **arguments)
{
    if (argc == 1) {
        print_overview(commands, count);
        return 0;
    }
    for (int i = 0; i < count && argc == 2; i++)
        if (strcmp(arguments[1], commands[i].name) == 0)
            return print_page(&commands[i], man_page);
    return usage("--man: which command? `electra --help` lists them");
}

/* ---- completions ---- */

static void print_names(const cli_command *commands, int count)
{
    for (int i = 0; i < count; i++)
        printf("%s ", commands[i].name);
}

static void begin_bash(const cli_command *commands, int count)
{
    fputs("# electra's completions for bash, made by `electra --completion bash`\n"
          "_electra() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} flags= words=\n"
          "    COMPREPLY=()\n"
          "    if [[ $COMP_CWORD -eq 1 ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"",
          stdout);
    print_names(commands, count);
    fputs("--help --version --completion --man\" -- \"$current\")\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          stdout);
}

static void end_bash(void)
{
    fputs("    esac\n"
          "    if [[ -n $words ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "    elif [[ $current == -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$current\")\n"
          "    fi\n"
          "}\n"
          "complete -o bashdefault -o default -F _electra electra\n",
          stdout);
}

static void begin_zsh(const cli_command *commands, int count)
{
    fputs("#compdef electra\n# electra's completions for zsh, made by `electra --completion zsh`\n"
          "_electra() {\n    local -a commands\n    commands=(\n",
          stdout);
    for (int i = 0; i < count; i++) {
        printf("        '%s:", commands[i].name);
        for (const char *c = commands[i].summary; *c; c++)
            fputs(*c == '\'' ? "'\\''" : (char[]){*c, '\0'}, stdout);
        puts("'");
    }
    fputs("    )\n"
          "    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n"
          "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n"
          "    case $command in\n",
          stdout);
}

static void end_zsh(void)
{
    fputs("    esac\n}\n_electra \"$@\"\n", stdout);
}

static void begin_fish(const cli_command *commands, int count)
{
    puts("# electra's completions for fish, made by `electra --completion fish`");
    for (int i = 0; i < count; i++) {
        printf("complete -c electra -n __fish_use_subcommand -f -a %s -d '", commands[i].name);
        for (const char *c = commands[i].summary; *c; c++)
            fputs(*c == '\'' ? "\\'" : (char[]){*c, '\0'}, stdout);
        puts("'");
    }
}

static void end_fish(void)
{
}

int cli_completion(const cli_command *commands, int count, int argc, char **arguments)
{
    static void (*const BEGIN[])(const cli_command *commands, int count) = {begin_bash, begin_zsh,
                                                                            begin_fish};
    static void (*const END[])(void) = {end_bash, end_zsh, end_fish};
    int found = 0;
    while (argc == 2 && found < SHELL_COUNT && strcmp(arguments[1], SHELLS[found]) != 0)
        found++;
    if (argc != 2 || found == SHELL_COUNT)
        return usage("--completion: for which shell, bash, zsh or fish?");
    shell = (el_shell)found;
    BEGIN[shell](commands, count);
    int code = 0;
    for (int i = 0; i < count && !code; i++)
        code = print_page(&commands[i], completion_part);
    END[shell]();
    return code;
}
