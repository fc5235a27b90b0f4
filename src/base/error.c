/* error - one sentence a thread, kept until the next failure */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE = 2048 };

static _Thread_local char sentence[SENTENCE];

/* Names of files and keys come from outside: a sentence stays one line whatever they hold. */
static void keep_to_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = ' ';
}

el_status el_fail(el_status status, const char *format, ...)
{
    char text[SENTENCE]; /* the arguments may include the previous sentence */
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length >= SENTENCE)
        memcpy(text + SENTENCE - 4, "...", 4);
    keep_to_one_line(text);
    memcpy(sentence, text, sizeof sentence);
    return status;
}

const char *el_error(void)
{
    return sentence;
}
