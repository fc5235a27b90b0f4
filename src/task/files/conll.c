/* conll - words a line; see readers.h */
#include <stdlib.h>
#include <string.h>

#include "task/files/readers.h"

enum { MOST_FIELDS = 64 };

static bool is_comment(const el_conll *c, el_line line)
{
    return c->separator != ' ' && line.bytes >= 3 && memcmp(line.text, "## ", 3) == 0;
}

static bool is_start(el_line line)
{
    return line.bytes >= 10 && memcmp(line.text, "-DOCSTART-", 10) == 0;
}

/* Between tabs as they are; between runs of spaces. */
static int split(const el_conll *c, el_line line, el_line fields[MOST_FIELDS])
{
    const char *at = line.text, *const end = line.text + line.bytes;
    int count = 0;
    while (count < MOST_FIELDS && at <= end) {
        const char *stop = memchr(at, c->separator, (size_t)(end - at));
        stop = stop ? stop : end;
        if (c->separator == '\t' || stop > at)
            fields[count++] = (el_line){at, (size_t)(stop - at)};
        at = stop + 1;
    }
    return count;
}

/* The number of a field from 1, or counted from the end. */
static int place_of(const char *column, int otherwise, int count)
{
    const long number = column ? strtol(column, NULL, 10) : 0;
    return number > 0 ? (int)number - 1 : number < 0 ? count + (int)number : otherwise;
}

static el_status take_tag(el_conll *c, el_dataset *d, el_line word, el_line tag)
{
    char name[128];
    if (tag.bytes == 0 || tag.bytes >= sizeof name)
        return el_lines_fail(&c->lines, "there is no tag");
    memcpy(name, tag.text, tag.bytes);
    name[tag.bytes] = '\0';
    const int number = el_labels_add(c->labels, name);
    if (number < 0)
        return el_lines_fail(&c->lines, "the tag \"%s\" is not known", name);
    return el_dataset_add_word(d, word.text, word.bytes, number);
}

static el_status take_word(el_conll *c, el_dataset *d, el_line line)
{
    el_line fields[MOST_FIELDS];
    if (!c->separator)
        c->separator = memchr(line.text, '\t', line.bytes) ? '\t' : ' ';
    const int count = split(c, line, fields);
    const int word = place_of(c->columns->text[0], 0, count),
              tag = place_of(c->columns->label, count - 1, count);
    if (word < 0 || word >= count || (c->labelled && (tag < 0 || tag >= count || tag == word)))
        return el_lines_fail(&c->lines, "a word and its tag are wanted, and there are %d columns", count);
    if (!c->labelled)
        return el_dataset_add_word(d, fields[word].text, fields[word].bytes, -1);
    if (!c->width)
        c->width = count;
    if (count != c->width)
        return el_lines_fail(&c->lines, "there are %d columns, where the first word has %d", count, c->width);
    return take_tag(c, d, fields[word], fields[tag]);
}

/* Nothing but line breaks and spaces; a blank between tabs is a word. */
static bool ends_sentence(const el_conll *c, el_line line)
{
    return c->separator == '\t' ? memchr(line.text, '\t', line.bytes) == NULL && el_line_blank(line)
                                : el_line_blank(line);
}

el_status el_conll_next(el_conll *c, el_dataset *d, bool *more)
{
    const el_labelled *sentence = NULL;
    el_line line;
    el_status st;
    while (!(st = el_lines_next(&c->lines, &line)) && line.text) {
        if (ends_sentence(c, line)) {
            if (sentence)
                break;
        } else if (!is_comment(c, line) && !is_start(line)) {
            if (!sentence && !(sentence = el_dataset_add(d, c->lines.number)))
                return el_fail(EL_ENOMEM, "%s: no memory for a sentence", c->lines.path);
            if ((st = take_word(c, d, line)))
                return st;
        }
    }
    *more = sentence != NULL;
    return st;
}
