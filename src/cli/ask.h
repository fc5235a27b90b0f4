/* ask - what the commands that ask a model about texts share
 *
 * A text is an operand, or, where there are none or `-` alone, a line of standard input.
 */
#ifndef EL_CLI_ASK_H
#define EL_CLI_ASK_H

#include "engine/machine.h"
#include "engine/special.h"
#include "serve/session.h"

typedef struct {
    const char *model;
    bool json;
    int special_tokens;
} cli_ask_settings;

/* Table lines for a settings struct with a cli_ask_settings `ask` and a el_machine `machine`. */
#define CLI_ASK_OPTIONS(settings)                                                                            \
    EL_TEXT("model", offsetof(settings, ask.model), "run, or Hugging Face model folder"),                    \
        EL_SWITCH("json", offsetof(settings, ask.json), "print one JSON object per text"),                   \
        EL_SPECIAL_OPTION(offsetof(settings, ask.special_tokens)), EL_MACHINE_OPTIONS(settings)

/* Answers one text on stdout, which is sent off then. */
typedef el_status cli_answer(void *context, el_session *session, const el_vocab *vocab, const char *text,
                             size_t bytes);

/* Opens the wanted network of the model (EL_GENERATOR, EL_DISCRIMINATOR; NULL: both) and has every text answered, in order. */
el_status cli_ask(const el_options *options, const cli_ask_settings *settings, const el_machine *machine,
                  const char *network, cli_answer *answer, void *context);

/* Whether texts are operands, not lines of standard input. */
bool cli_ask_typed(const el_options *options);

/* Refuses texts among the operands that are not UTF-8. */
el_status cli_ask_check(const el_options *options);

/* Says of each text that is a file's name how the file would be read. */
void cli_ask_note_files(const el_options *options);

/* Says, once for each such text, that it was read in several windows. */
void cli_ask_note_windows(int pieces, int windows);

#endif
