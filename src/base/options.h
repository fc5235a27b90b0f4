/* options - settings are a table
 *
 * One line of the table is the flag, its range, its help text, its key in a configuration file
 * and in the log:
 *
 *     EL_INT("num_train_steps", offsetof(settings, steps), 1, 1e9, "optimizer steps"),
 *
 * Defaults are whatever the struct holds before parsing; where a line of the table decides about those of others, `preset`
 * fills the struct by what was read, and all is read again.  Order of precedence: defaults and presets,
 * then --config FILE and --hparams JSON-or-FILE, then flags.  Long flags accept '-' and '_' alike;
 * a switch has its --no- form; options and operands may be mixed; "--" ends options; "-" is an operand.
 * An unknown flag or key is EL_EUSAGE and names the nearest one.
 */
#ifndef EL_BASE_OPTIONS_H
#define EL_BASE_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "course.h"
#include "error.h"

typedef enum {
    EL_OPT_SWITCH, /* bool */
    EL_OPT_INT,    /* int64_t: "1000" or "1e6", without suffixes like K */
    EL_OPT_REAL,   /* double */
    EL_OPT_COURSE, /* el_course: "0.15", or "0.3:0.15" from the first step to the last */
    EL_OPT_TEXT,   /* const char *, kept alive by el_options */
    EL_OPT_OUTPUT, /* the same, of a file or folder to be written; "-" and "" are none */
    EL_OPT_TEXTS, /* const char *const *, NULL behind the last: a flag may be given several times; NULL: none */
    EL_OPT_CHOICE, /* int, index into `choices` ("a|b|c") */
    EL_OPT_SECTION /* a heading in the help, no value */
} el_option_type;

typedef struct {
    const char *name; /* with underscores; printed with dashes */
    el_option_type type;
    size_t offset;   /* of the value in the settings struct */
    double min, max; /* of numbers, both included; 0 and 0 for no limits */
    const char *choices;
    const char *help; /* what --help says; the default is appended from the struct */
} el_option;

/* A line of a table: its name, the place of its value, limits or words, and what --help says. */
#define EL_LINE(name, type, place, min, max, words, help)                                                    \
    {                                                                                                        \
        name, type, place, min, max, words, help                                                             \
    }
#define EL_SWITCH(name, place, help) EL_LINE(name, EL_OPT_SWITCH, place, 0, 0, NULL, help)
#define EL_INT(name, place, min, max, help) EL_LINE(name, EL_OPT_INT, place, min, max, NULL, help)
#define EL_REAL(name, place, min, max, help) EL_LINE(name, EL_OPT_REAL, place, min, max, NULL, help)
#define EL_COURSE(name, place, min, max, help) EL_LINE(name, EL_OPT_COURSE, place, min, max, NULL, help)
#define EL_TEXT(name, place, help) EL_LINE(name, EL_OPT_TEXT, place, 0, 0, NULL, help)
#define EL_OUTPUT(name, place, help) EL_LINE(name, EL_OPT_OUTPUT, place, 0, 0, NULL, help)
#define EL_TEXTS(name, place, help) EL_LINE(name, EL_OPT_TEXTS, place, 0, 0, NULL, help)
#define EL_CHOICE(name, place, words, help) EL_LINE(name, EL_OPT_CHOICE, place, 0, 0, words, help)
#define EL_SECTION(title) EL_LINE(title, EL_OPT_SECTION, 0, 0, 0, NULL, NULL)

typedef enum {
    EL_FROM_DEFAULT,
    EL_FROM_RECORD, /* what a run that goes on has recorded, and nobody gave */
    EL_FROM_CONFIG,
    EL_FROM_FLAG
} el_origin;

typedef struct {
    const char *command;  /* "pretrain" */
    const char *examples; /* lines shown first in --help */
    const char *operands; /* "FILE..." or NULL if none are accepted */
    const char *summary;  /* one line */
    const el_option *table;
    int count;
    void *settings;
    void (*preset)(void *settings); /* NULL: no line decides about others */
    /* filled by el_options_parse; zero before */
    el_origin *origins; /* one for each line of the table */
    char **operand;
    int operand_count;
    bool help; /* --help was given: print el_options_help and stop */
    char **owned;
    int owned_count;
} el_options;

/* Reads argv[1..argc); frees with el_options_close, even after a failure. */
el_status el_options_parse(el_options *options, int argc, char **argv);
/* The same of a JSON object alone; `name` is what sentences call it. */
el_status el_options_from_json(el_options *options, const json_t *object, const char *name);
/* Values from a JSON object, for lines that were not given as flags. */
el_status el_options_apply(el_options *options, const json_t *object, const char *name);
/* The same of what a run has recorded, for lines that were not given at all; what is wrong with it is EL_EDATA. */
el_status el_options_recall(el_options *options, const json_t *recorded, const char *name);
/* Whether this line was given (by a flag, a file, or a record). */
bool el_options_given(const el_options *options, const char *name);
el_origin el_options_origin(const el_options *options, const char *name);
/* EL_EUSAGE with "--name: " before the sentence; underscores of the name are written as a flag has them. */
el_status el_options_refuse(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* All values as a JSON object (new reference); choices as their words. */
json_t *el_options_json(const el_options *options);
/* Names of those that a person gave, as a JSON array (new reference). */
json_t *el_options_given_json(const el_options *options);
/* The whole help page, on the heap. */
char *el_options_help(const el_options *options);
/* The same for man(1), with the program's version; and the command's part of a shell's completions. */
char *el_options_man(const el_options *options, const char *version);
typedef enum { EL_SHELL_BASH, EL_SHELL_ZSH, EL_SHELL_FISH } el_shell;
char *el_options_completion(const el_options *options, el_shell shell);
void el_options_close(el_options *options);

#endif
