/* cli - what every command shares
 *
 * Commands are functions; main.c is the table.  Results go to stdout, everything else to stderr.  main sends off what is
 * left of stdout when a command is done; one that works on while its answers are read calls cli_flush itself.
 */
#ifndef EL_CLI_CLI_H
#define EL_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/options.h"
#include "train/objective.h"

int cmd_vocab(int argc, char **argv);
int cmd_tokenize(int argc, char **argv);
int cmd_prepare(int argc, char **argv);
int cmd_pretrain(int argc, char **argv);
int cmd_finetune(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_embed(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_evaluate(int argc, char **argv);
int cmd_detect(int argc, char **argv);
int cmd_fill(int argc, char **argv);
int cmd_score(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_flops(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_serve(int argc, char **argv);

/* Reads the arguments, or prints the help page.  False: return *exit_code now. */
bool cli_parse(el_options *options, int argc, char **argv, int *exit_code);

/* Examples of a help page with a list behind them, on the heap; frees the list.  NULL without memory. */
char *cli_examples_and(const char *examples, char *list);

/* What is printed as the help page, on the heap: el_options_help, or another page from now on. */
typedef char *cli_page(const el_options *options);
void cli_pages_are(cli_page *page);

/* Prints "electra COMMAND: sentence" for a status that is not EL_OK, of any rank; returns its exit code.  The last thing
 * that a command does that ranks share. */
int cli_exit(const char *command, el_status mine);

/* From now on warnings are said, and notes are not. */
void cli_quiet(void);

/* Sends off what stands in stdout's buffer; EL_EFAILED where some of what was printed so far did not arrive. */
el_status cli_flush(void);

/* Whether colour is welcome there: a terminal, and no NO_COLOR. */
bool cli_coloured(int descriptor);

/* A text from the heap on stdout, on a line of its own, and freed; NULL is a lack of memory. */
el_status cli_text_print(char *text);
/* A JSON value on stdout, indented; NULL is a lack of memory. */
el_status cli_json_print(const json_t *value);
/* An object on a line of stdout, and forgotten; NULL is a lack of memory. */
el_status cli_json_line(json_t *object);

/* A figure for a table: "0.9231", or "-" where there is none (null). */
typedef struct {
    char text[32];
} cli_number;
cli_number cli_figure(const json_t *value);
/* Adds "label value" to a line of text where there is such a figure. */
void cli_add_figure(char *text, size_t size, const el_figures *figures, const char *name, const char *label,
                    int digits);

/* A progress line on stderr: redrawn in place on a terminal, a plain line now and then elsewhere.
 * fraction in [0, 1] draws a bar and the remaining time; negative: only the text. */
typedef struct {
    double started;
    double before; /* done before the start: the first fraction that is shown, unless the caller says it */
    _Atomic double drawn; /* when; as `open`, read and written by whoever logs */
    bool terminal;
    _Atomic bool open; /* a line stands on the terminal */
    double fraction;   /* last shown, drawn or not yet */
    bool waiting;      /* what was shown last is not drawn yet */
    char text[256];
} cli_progress;
void cli_progress_begin(cli_progress *progress);
void cli_progress_show(cli_progress *progress, double fraction, const char *text);
void cli_progress_end(cli_progress *progress); /* leaves the last line standing */

/* The most memory that this process has held so far, in 10^6 bytes. */
double cli_resident_mb(void);
/* What of it lies in no file now; 0 where that cannot be told. */
double cli_anonymous_mb(void);

/* "12 s", "3 min", "1 h 20 min", "2 d 4 h": no more digits than an estimate has. */
void cli_duration(char *text, size_t size, double seconds);

#endif
