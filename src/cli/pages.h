/* pages - what the program says of itself for others: pages for man(1), completions for shells
 *
 *   electra --man              the page of the program      electra --man COMMAND       of a command
 *   electra --completion bash|zsh|fish                      a script for the shell
 *
 * All of it is made from the commands' tables of options, so that it cannot lag behind them.
 */
#ifndef EL_CLI_PAGES_H
#define EL_CLI_PAGES_H

#include "cli/cli.h"
#include "cli/ranks.h"

/* One command of the program. */
typedef struct {
    const char *name;
    int (*run)(int argc, char **argv);
    cli_ranks_use use;
    const char *summary;
} cli_command;

/* `arguments` is what stands behind electra; exit codes. */
int cli_man(const cli_command *commands, int count, int argc, char **arguments);
int cli_completion(const cli_command *commands, int count, int argc, char **arguments);

#endif
