/* error - one sentence a thread, kept until the next failure */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char sentence[EL_SENTENCE];

/* Names of files and keys come from outside: a sentence stays one line whatever they hold. */
static void keep_to_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = ' ';
}

el_status el_fail(el_status status, const char *format, ...)
{
    char text[EL_SENTENCE]; /* the arguments may include the previous sentence */
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length >= EL_SENTENCE)
        memcpy(text + EL_SENTENCE - 4, "...", 4);
    keep_to_one_line(text);
    memcpy(sentence, text, sizeof sentence);
    return status;
}

const char *el_error(void)
{
    return sentence;
}

void el_outcome_keep(el_outcome *outcome, el_status status)
{
    outcome->status = status;
    if (status)
        memcpy(outcome->sentence, sentence, sizeof sentence);
}

el_status el_outcome_repeat(const el_outcome *outcome)
{
    return outcome->status ? el_fail(outcome->status, "%s", outcome->sentence) : EL_OK;
}
