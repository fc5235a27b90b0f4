/* error - one sentence a thread, kept until the next failure */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

static _Thread_local char sentence[EL_SENTENCE];

void el_error_tidy(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        utf8proc_int32_t c;
        const utf8proc_ssize_t bytes = utf8proc_iterate((const utf8proc_uint8_t *)at, -1, &c);
        if (bytes < 0) { /* a character that was cut, or none */
            *to++ = '?';
            for (at++; ((unsigned char)*at & 0xC0) == 0x80;)
                at++;
        } else if (c < ' ' || c == 127) {
            *to++ = ' ';
            at++;
        } else {
            memmove(to, at, (size_t)bytes);
            to += bytes;
            at += bytes;
        }
    }
    *to = '\0';
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
    el_error_tidy(text);
    memcpy(sentence, text, sizeof sentence);
    return status;
}

el_status el_no_memory(const char *name)
{
    return name ? el_fail(EL_ENOMEM, "%s: no memory", name) : el_fail(EL_ENOMEM, "no memory");
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

bool el_outcome_join(el_outcome *all, el_status status)
{
    const bool counts =
        status == EL_ESTOPPED ? !all->status : status && (!all->status || all->status == EL_ESTOPPED);
    if (counts)
        el_outcome_keep(all, status);
    return counts;
}

el_status el_outcome_repeat(const el_outcome *outcome)
{
    return outcome->status ? el_fail(outcome->status, "%s", outcome->sentence) : EL_OK;
}
