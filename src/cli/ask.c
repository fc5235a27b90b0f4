/* ask - see the header */
#include "cli/ask.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"
#include "task/files/lines.h"
#include "text/kind.h"

/* And sends the answer off. */
static el_status answer_one(cli_answer *answer, void *context, el_session *session, const el_vocab *vocab,
                            const char *text, size_t bytes)
{
    const el_status st = answer(context, session, vocab, text, bytes);
    return st ? st : cli_flush();
}

static el_status answer_operands(const el_options *options, el_session *session, const el_vocab *vocab,
                                 cli_answer *answer, void *context)
{
    el_status st = EL_OK;
    for (int i = 0; i < options->operand_count && !st; i++)
        st = answer_one(answer, context, session, vocab, options->operand[i], strlen(options->operand[i]));
    return st;
}

/* Line by line, so that a program may ask, wait and ask again. */
static el_status answer_lines(el_session *session, const el_vocab *vocab, cli_answer *answer, void *context)
{
    el_lines lines;
    el_line line;
    int64_t blank = 0;
    el_status st = el_lines_open(&lines, "-");
    while (!st && !(st = el_lines_next(&lines, &line)) && line.text)
        if (el_line_blank(line))
            blank++;
        else
            st = answer_one(answer, context, session, vocab, line.text, line.bytes);
    el_lines_close(&lines);
    el_line_say_blank("standard input", blank);
    return st;
}

bool cli_ask_typed(const el_options *options)
{
    return options->operand_count > 1 ||
           (options->operand_count == 1 && strcmp(options->operand[0], "-") != 0);
}

el_status cli_ask_check(const el_options *options)
{
    char said[EL_KIND_SAID];
    for (int i = 0; i < options->operand_count; i++) {
        const char *const text = options->operand[i];
        if (!el_kind_check_line(text, strlen(text), said))
            return el_fail(EL_EDATA, "text %d: %s", i + 1, said);
    }
    return EL_OK;
}

void cli_ask_note_files(const el_options *options)
{
    for (int i = 0; i < options->operand_count; i++) {
        const char *const text = options->operand[i];
        if (el_file_exists(text))
            el_log(
                EL_LOG_NOTE,
                "\"%s\" is taken for a text, though a file has that name; on standard input (<) its lines are",
                text);
    }
}

el_status cli_ask(const el_options *options, const cli_ask_settings *settings, const el_machine *machine,
                  const char *network, cli_answer *answer, void *context)
{
    if (!settings->model)
        return el_fail(EL_EUSAGE, "--model is missing: which run or model folder?");
    el_load_settings load = {.generator = !network || strcmp(network, EL_GENERATOR) == 0,
                             .discriminator = !network || strcmp(network, EL_DISCRIMINATOR) == 0,
                             .precision = (el_precision)machine->precision,
                             .plain_special = settings->special_tokens == EL_SPECIAL_PLAIN,
                             .threads = (int)machine->threads};
    el_loaded *loaded = NULL;
    el_session *session = NULL;
    el_status st = cli_ask_check(options);
    if (!st)
        st = el_machine_level(machine, &load.level);
    if (!st)
        st = el_loaded_open(&loaded, settings->model, &load);
    if (!st)
        st = el_session_open(&session, loaded);
    if (!st)
        cli_ask_note_files(options);
    if (!st)
        st = cli_ask_typed(options) ? answer_operands(options, session, loaded->vocab, answer, context)
                                    : answer_lines(session, loaded->vocab, answer, context);
    if (!st)
        el_text_lost_say(el_session_lost(session), NULL, "text", 0, false);
    el_session_close(session);
    el_loaded_close(loaded);
    return st;
}

void cli_ask_note_windows(int pieces, int windows)
{
    if (windows > 1)
        el_log(EL_LOG_NOTE, "a text of %d pieces is longer than the model's positions: read in %d windows",
               pieces, windows);
}
