/* log - the sink for messages, one for the whole process */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/error.h"

static el_log_sink *_Atomic current;

void el_log_to(el_log_sink *sink)
{
    atomic_store(&current, sink);
}

void el_log(el_log_level level, const char *format, ...)
{
    el_log_sink *sink = atomic_load(&current);
    if (!sink)
        return;
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    el_sentence_tidy(line);
    sink(level, line);
}
