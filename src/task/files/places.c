/* places - where an answer stands in its context
 *
 * The offset of SQuAD's files counts characters.  Tools that were written in JavaScript count UTF-16 units, others bytes, and
 * hands are off by a few.  So the answer is looked for at the offset in each unit, and else at the occurrence nearest to it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "task/files/readers.h"

typedef enum { CHARACTERS, UNITS, BYTES } offset_unit;

/* Units that the character at `at` counts; 0 within a character. */
static int counts(const char *at, offset_unit unit)
{
    const unsigned char c = (unsigned char)*at;
    if (unit == BYTES)
        return 1;
    return (c & 0xC0) == 0x80 ? 0 : unit == UNITS && c >= 0xF0 ? 2 : 1;
}

/* The byte at which a number of units are over, -1 beyond the end. */
static int64_t byte_of(const char *text, int64_t number, offset_unit unit)
{
    const char *at = text;
    for (; number > 0 && *at; number -= counts(at, unit), at++)
        ;
    while (unit != BYTES && ((unsigned char)*at & 0xC0) == 0x80)
        at++;
    return number > 0 ? -1 : at - text;
}

static bool stands(const char *context, const char *answer, int64_t begin)
{
    return begin >= 0 && strncmp(context + begin, answer, strlen(answer)) == 0;
}

/* The byte where the answer stands at `start`, counted in the first unit in which it does; -1: in none. */
static int64_t find_at(const char *context, const char *answer, int64_t start, offset_unit *unit)
{
    for (*unit = CHARACTERS; start >= 0 && *unit <= BYTES; ++*unit) {
        const int64_t there = byte_of(context, start, *unit);
        if (stands(context, answer, there))
            return there;
    }
    return -1;
}

/* The occurrence whose character is nearest to `start`, the first of two; -1: there is none. */
static int64_t nearest(const char *context, const char *answer, int64_t start)
{
    int64_t best = -1, distance = INT64_MAX, character = 0;
    const char *at = context;
    for (const char *found = strstr(context, answer); found; found = strstr(found + 1, answer)) {
        for (; at < found; at++)
            character += counts(at, CHARACTERS);
        const int64_t away = llabs(character - start);
        if (away >= distance)
            break;
        distance = away;
        best = found - context;
    }
    return best;
}

el_status el_answer_add(el_dataset *d, const char *context, const char *answer, int64_t start)
{
    const size_t bytes = strlen(answer);
    offset_unit unit;
    if (!bytes)
        return EL_OK;
    int64_t begin = find_at(context, answer, start, &unit);
    d->notes.moved += begin >= 0 && unit != CHARACTERS;
    if (start >= 0 && begin < 0) {
        begin = nearest(context, answer, start);
        d->notes.moved += begin >= 0;
    }
    if (start < 0) {
        const char *const found = strstr(context, answer);
        begin = found ? found - context : -1;
        d->notes.placed += begin >= 0;
    }
    d->notes.absent += begin < 0;
    return el_dataset_add_answer(d, answer, bytes, begin);
}

bool el_answer_stands(const char *context, const char *answer, int64_t start)
{
    offset_unit unit;
    return find_at(context, answer, start, &unit) >= 0;
}

void el_answers_end(el_dataset *d, int mark)
{
    el_labelled *const e = &d->examples[d->count - 1];
    e->label = e->count == 0;
    d->notes.contradicted += mark >= 0 && mark != e->label;
}

int64_t el_answer_start(const char *text)
{
    double number;
    return el_number_real(text, &number) && number >= 0 && number < 1e15 && number == floor(number)
               ? (int64_t)number
               : -1;
}
