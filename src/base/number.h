/* number - numbers in texts, the same in every locale; and whether numbers are finite
 *
 * Files, flags and JSON have a point in their numbers, whatever the locale that a program with our library has set.
 */
#ifndef EL_BASE_NUMBER_H
#define EL_BASE_NUMBER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number that a text begins with, after spaces; *end is behind it, or `text` where there is none (strtod). */
double el_number_read(const char *text, char **end);

/* All of a text as a number: no spaces, no hexadecimal digits, no nan or inf.  One too large is infinite. */
bool el_number_real(const char *text, double *value);
/* All of a text as a whole number: at most one sign, then digits.  False too where it does not fit. */
bool el_number_whole(const char *text, int64_t *value);

/* Whether none of them is infinite or NaN. */
bool el_numbers_finite(const float *numbers, size_t count);

/* snprintf and vsnprintf. */
int el_number_print(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int el_number_vprint(char *text, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
