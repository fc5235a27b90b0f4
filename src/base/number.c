/* number - see the header */
#define _GNU_SOURCE
#include "number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nobody owns it: the C library has one, and newlocale() hands it out without allocating. */
static locale_t plain(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

double el_number_read(const char *text, char **end)
{
    return strtod_l(text, end, plain());
}

bool el_number_real(const char *text, double *value)
{
    char *end;
    if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0')
        return false;
    *value = el_number_read(text, &end);
    return *end == '\0';
}

bool el_number_whole(const char *text, int64_t *value)
{
    char *end;
    if (text[0] == '\0' || text[strspn(text, "+-0123456789")] != '\0')
        return false;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return end > text && *end == '\0' && errno == 0;
}

int el_number_vprint(char *text, size_t size, const char *format, va_list arguments)
{
    const locale_t before = uselocale(plain());
    const int length = vsnprintf(text, size, format, arguments);
    uselocale(before);
    return length;
}

int el_number_print(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = el_number_vprint(text, size, format, arguments);
    va_end(arguments);
    return length;
}

bool el_numbers_finite(const float *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(numbers[i]))
            return false;
    return true;
}
