#include "cli/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parallel.h"
#include "text/reader.h"

enum { FP32, BF16, AUTO }; /* as in CLI_ASK_OPTIONS */

cli_ask_settings cli_ask_defaults(void)
{
    return (cli_ask_settings){.precision = FP32, .threads = el_processors()};
}

static bool wants_bf16(const cli_ask_settings *s)
{
    return s->precision == BF16 || (s->precision == AUTO && el_level_bf16_is_faster(s->instruction_set));
}

static el_status answer_operands(const el_options *options, el_session *session, const el_vocab *vocab,
                                 cli_answer *answer, void *context)
{
    el_status st = EL_OK;
    for (int i = 0; i < options->operand_count && !st; i++)
        st = answer(context, session, vocab, options->operand[i], strlen(options->operand[i]));
    return st;
}

/* Line by line, so that a program may ask, wait and ask again. */
static el_status answer_lines(el_session *session, const el_vocab *vocab, cli_answer *answer, void *context)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t bytes;
    el_status st = EL_OK;
    while (!st && (bytes = getline(&line, &room, stdin)) >= 0) {
        if (bytes > 0 && line[bytes - 1] == '\n')
            bytes--;
        if (!el_line_blank((el_line){line, (size_t)bytes}))
            st = answer(context, session, vocab, line, (size_t)bytes);
    }
    if (!st && ferror(stdin))
        st = el_fail(EL_EFAILED, "cannot read standard input");
    free(line);
    return st;
}

el_status cli_ask(const el_options *options, const cli_ask_settings *settings, bool generator,
                  bool discriminator, cli_answer *answer, void *context)
{
    if (!settings->model)
        return el_fail(EL_EUSAGE, "--model is missing: which run or model folder?");
    const el_load_settings load = {.generator = generator,
                                   .discriminator = discriminator,
                                   .bf16 = wants_bf16(settings),
                                   .threads = (int)settings->threads,
                                   .level = settings->instruction_set};
    el_loaded *loaded = NULL;
    el_session *session = NULL;
    el_status st = el_loaded_open(&loaded, settings->model, &load);
    if (!st)
        st = el_session_open(&session, loaded);
    if (!st)
        st = options->operand_count
                 ? answer_operands(options, session, el_loaded_vocab(loaded), answer, context)
                 : answer_lines(session, el_loaded_vocab(loaded), answer, context);
    if (!st && fflush(stdout) != 0)
        st = el_fail(EL_EFAILED, "cannot write the output");
    el_session_close(session);
    el_loaded_close(loaded);
    return st;
}

void cli_ask_note_windows(int pieces, int windows)
{
    if (windows > 1)
        el_log(EL_LOG_NOTE, "a text of %d pieces is longer than the model's places: read in %d windows",
               pieces, windows);
}

el_status cli_ask_print(json_t *object)
{
    char *const text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    const bool written = text && puts(text) >= 0 && fflush(stdout) == 0;
    const el_status st = !text     ? el_fail(EL_ENOMEM, "no memory for an answer")
                         : written ? EL_OK
                                   : el_fail(EL_EFAILED, "cannot write the output");
    free(text);
    json_decref(object);
    return st;
}

bool cli_ask_colour(void)
{
    const char *const term = getenv("TERM"), *const no_colour = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && !(no_colour && *no_colour);
}
