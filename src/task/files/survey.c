/* survey - see the header */
#include "task/files/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/number.h"
#include "task/files/parts.h"
#include "text/normalize.h"

enum { MANY_DIGITS = 5, FEW_ROWS = 8, NAME_WORDS = 3, NAME_BYTES = 48 };
static const double LONG_WORDS = 3, LONG_BYTES = 40, MANY_UNSPACED = 10;

static int words_of(const char *text)
{
    int words = 0;
    for (const char *at = text; *at;) {
        at += strspn(at, " ");
        words += *at != '\0';
        at += strcspn(at, " ");
    }
    return words;
}

/* Characters that are no blanks, by what they are. */
typedef struct {
    int letters, others;
    int unspaced; /* letters of scripts that may have no blanks between words, from Thai on */
} characters;

static void count_characters(characters *c, const char *text)
{
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        const bool latin = (byte | 32) >= 'a' && (byte | 32) <= 'z', foreign = byte >= 0xC0;
        c->unspaced += byte >= 0xE0;
        c->letters += latin || foreign;
        c->others += byte > ' ' && byte < 0x80 && !latin;
    }
}

static bool is_number(const char *text, bool *whole)
{
    char *end;
    const double value = el_number_read(text, &end);
    *whole = end > text && value == floor(value) && !memchr(text, '.', (size_t)(end - text));
    return end > text && !end[strspn(end, " ")] && isfinite(value);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int count_distinct(uint64_t *hashes, int count)
{
    int distinct = 0;
    qsort(hashes, (size_t)count, sizeof *hashes, by_value);
    for (int i = 0; i < count; i++)
        distinct += i == 0 || hashes[i] != hashes[i - 1];
    return distinct;
}

/* `hashes` has room for a row each. */
static void look_at(el_survey_column *c, el_table *table, int column, int from, uint64_t *hashes)
{
    double words = 0, bytes = 0;
    char *const name = c->name;
    double last = -INFINITY;
    bool integers = true, rises = true, wide = true;
    int truths = 0, numbers = 0;
    characters all = {0};
    *c = (el_survey_column){.name = name, .numbers = true};
    for (int row = from; row < el_table_ahead(table); row++) {
        const char *const cell = el_table_peek(table, row, column);
        bool whole;
        if (!cell || !cell[strspn(cell, " ")])
            continue;
        words += words_of(cell);
        bytes += (double)strlen(cell);
        count_characters(&all, cell);
        hashes[c->filled++] = el_hash(cell, strlen(cell));
        numbers += is_number(cell, &whole);
        c->numbers = numbers == c->filled;
        integers &= whole;
        rises &= c->numbers && el_number_read(cell, NULL) > last;
        last = c->numbers ? el_number_read(cell, NULL) : last;
        wide &= strspn(cell, "0123456789") >= MANY_DIGITS;
        truths += el_parts_truth(cell, strlen(cell)) >= 0;
    }
    const int filled = c->filled, distinct = count_distinct(hashes, filled);
    const double rows = filled ? filled : 1;
    c->sparse = 2 * filled < el_table_ahead(table) - from;
    c->words = words / rows;
    c->repeats = filled > 1 && (2 * distinct <= filled || (filled < FEW_ROWS && distinct < filled));
    c->long_texts = c->words >= LONG_WORDS || bytes / rows >= LONG_BYTES;
    c->sentences = all.letters > all.others &&
                   (c->words >= LONG_WORDS || (all.unspaced >= MANY_UNSPACED * words && !c->repeats));
    c->numbers &= filled > 0;
    c->mostly_numbers = 2 * numbers > filled;
    c->counts = c->numbers && integers && filled > 1 && distinct == filled && (rises || wide);
    c->truths = filled > 0 && truths == filled;
    c->mostly_truths = c->numbers && 2 * truths > filled;
}

static el_status look_at_all(el_survey *s, el_table *table, int from)
{
    uint64_t *const hashes = malloc(((size_t)el_table_ahead(table) + 1) * sizeof *hashes);
    if (!hashes)
        return el_no_memory(NULL);
    for (int i = 0; i < s->count; i++)
        look_at(&s->columns[i], table, i, from, hashes);
    free(hashes);
    return EL_OK;
}

/* A copy without blanks around it. */
static char *name_of(const char *cell)
{
    const size_t bytes = el_without_blanks(&cell, strlen(cell));
    return strndup(cell, bytes);
}

el_status el_survey_open(el_survey *s, el_table *table, int columns, int from)
{
    *s = (el_survey){.count = columns, .first_line = el_table_first_line(table)};
    s->columns = calloc((size_t)s->count + 1, sizeof *s->columns);
    if (!s->columns)
        return el_no_memory(NULL);
    for (int i = 0; i < s->count; i++) {
        const char *const key = el_table_keyed(table) ? el_table_name(table, i) : NULL;
        if (key && !(s->columns[i].name = strdup(key)))
            return el_no_memory(NULL);
    }
    return look_at_all(s, table, from);
}

el_status el_survey_settle(el_survey *s, el_table *table, bool header)
{
    if (!header)
        return look_at_all(s, table, 0);
    for (int i = 0; i < s->count; i++) {
        const char *const cell = el_table_peek(table, 0, i);
        if (cell && !(s->columns[i].name = name_of(cell)))
            return el_no_memory(NULL);
    }
    return EL_OK;
}

static bool comes_again(el_table *table, int column, const char *cell)
{
    for (int row = 1; row < el_table_ahead(table); row++) {
        const char *const other = el_table_peek(table, row, column);
        if (other && strcmp(other, cell) == 0)
            return true;
    }
    return false;
}

static bool stands_before(el_table *table, int column, const char *cell)
{
    for (int i = 0; i < column; i++)
        if (el_table_peek(table, 0, i) && strcmp(el_table_peek(table, 0, i), cell) == 0)
            return true;
    return false;
}

static bool is_same_row(el_table *table, int columns, int row)
{
    for (int i = 0; i < columns; i++) {
        const char *const first = el_table_peek(table, 0, i), *const cell = el_table_peek(table, row, i);
        if (!first || !cell || strcmp(first, cell) != 0)
            return false;
    }
    return true;
}

static bool row_comes_again(el_table *table, int columns)
{
    for (int row = 1; row < el_table_ahead(table); row++)
        if (is_same_row(table, columns, row))
            return true;
    return false;
}

/* 0, 1, 2 ..., or behind an index without a name; above what is not all numbers. */
static bool counts_columns(const el_survey *s, el_table *table)
{
    int number = 0;
    bool texts = false;
    for (int i = 0; i < s->count; i++) {
        const char *const cell = el_table_peek(table, 0, i);
        if (cell && !*cell && i == 0)
            continue;
        if (!cell || strlen(cell) != 1 || *cell != '0' + number++)
            return false;
        texts |= s->columns[i].filled && !s->columns[i].numbers;
    }
    return number > 1 && texts;
}

el_first_row el_survey_first_row(const el_survey *s, el_table *table)
{
    el_first_row f = {.like_names = true,
                      .returns = row_comes_again(table, s->count),
                      .counts = counts_columns(s, table),
                      .others = el_table_ahead(table) - 1};
    for (int i = 0; i < s->count; i++) {
        const el_survey_column *const below = &s->columns[i];
        const char *const cell = el_table_peek(table, 0, i);
        const int words = cell ? words_of(cell) : 0;
        bool whole;
        if (words == 0) {
            f.like_names &= i == 0 || below->filled == 0; /* spreadsheets end with empty columns */
            continue;
        }
        f.recurs |= comes_again(table, i, cell);
        f.like_names &= words <= NAME_WORDS && strlen(cell) <= NAME_BYTES && !is_number(cell, &whole) &&
                        !stands_before(table, i, cell);
        f.numbers |= below->numbers && below->filled > 1;
        f.labels |= below->repeats && !below->long_texts;
        f.shorter |= below->words >= words + 1;
        f.longer |= words > 1 && words >= below->words - 0.5;
    }
    return f;
}

void el_survey_release(el_survey *s)
{
    for (int i = 0; s->columns && i < s->count; i++)
        free(s->columns[i].name);
    free(s->columns);
    *s = (el_survey){0};
}
