/* options_parts - what reading options and explaining them share */
#ifndef EL_BASE_OPTIONS_PARTS_H
#define EL_BASE_OPTIONS_PARTS_H

#include "nearest.h"
#include "options.h"

/* "--num-train-steps" */
void el_option_flag(char flag[EL_LONGEST_SPELLING + 2], const char *name);
/* Where the value of a line lies. */
void *el_option_place(const el_options *options, int line);
bool el_option_has_range(const el_option *option);
/* Whether its values are texts: one, one to be written to, or several. */
bool el_option_is_text(const el_option *option);
/* What explains a line: "--num-train-steps N", and " (1 to 8; default 3)" behind its help. */
void el_option_left_side(char *text, size_t size, const el_option *option);
void el_option_remark(char *text, size_t size, const el_options *options, int line);
#define EL_CONFIG_HELP "settings from a JSON file; its keys are option names; flags override the file"
#define EL_HPARAMS_HELP "the same, from JSON on the command line or a file"
/* The word at a place in "a|b|c", as long as *length; "" past the end. */
const char *el_option_word(const char *choices, int index, int *length);

/* Sets a line from a text or a JSON value; `said` (a flag, or file and key) is for the sentence of EL_EUSAGE. */
el_status el_option_set(el_options *options, int line, const char *said, const char *text);
el_status el_option_set_json(el_options *options, int line, const char *said, const json_t *value);
/* What a line is now. */
json_t *el_option_json(const el_options *options, int line);

#endif
