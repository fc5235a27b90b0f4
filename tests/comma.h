/* comma - a locale whose decimal sign is a comma, as a program may have set it before it calls the library */
#ifndef TESTS_COMMA_H
#define TESTS_COMMA_H

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Makes it in a folder and sets it, until setlocale(LC_ALL, "C"); false where there are no definitions of locales. */
static inline bool set_comma_locale(const char *place)
{
    char command[600];
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", place);
    return system(command) == 0 && setenv("LOCPATH", place, 1) == 0 && setlocale(LC_ALL, "de_DE.UTF-8");
}

#endif
