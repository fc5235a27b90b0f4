/* conll - see the header */
#include "task/files/conll.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "task/files/names.h"

enum { MOST_FIELDS = 64, CONLLU_FIELDS = 10, GERMEVAL_FIELDS = 4 };

/* Between tabs as they are; between runs of blanks.  How many there are, of which the first MOST_FIELDS are given. */
static int split(char separator, el_line line, el_line fields[MOST_FIELDS])
{
    const char *at = line.text, *const end = line.text + line.bytes;
    int count = 0;
    while (at <= end) {
        const char *stop = memchr(at, separator, (size_t)(end - at));
        stop = stop ? stop : end;
        const bool field = separator == '\t' || stop > at;
        if (field && count < MOST_FIELDS)
            fields[count] = (el_line){at, (size_t)(stop - at)};
        count += field;
        at = stop + 1;
    }
    return count;
}

/* Labels are found by their names, which end with a zero.  Without a letter or a digit a field is punctuation, too. */
static bool is_label(el_line field, const el_labels *labels)
{
    char name[128];
    if (field.bytes >= sizeof name)
        return false;
    bool letters = false;
    for (size_t i = 0; i < field.bytes; i++)
        letters |= isalnum((unsigned char)field.text[i]) || (unsigned char)field.text[i] >= 0x80;
    memcpy(name, field.text, field.bytes);
    name[field.bytes] = '\0';
    return letters && el_labels_find(labels, name) >= 0;
}

bool el_conll_tagged(el_line line, char separator, const el_labels *tags)
{
    el_line fields[MOST_FIELDS];
    const int count = split(separator, line, fields);
    for (int i = 1; i < count && i < MOST_FIELDS; i++)
        if (is_label(fields[i], tags))
            return true;
    return false;
}

static bool begins(el_line line, const char *text)
{
    const size_t bytes = strlen(text);
    return line.bytes >= bytes && memcmp(line.text, text, bytes) == 0;
}

static bool is_comment(const el_conll *c, el_line line)
{
    el_line fields[MOST_FIELDS];
    if (begins(line, "-DOCSTART-") || (c->separator == '\t' && begins(line, "## ")))
        return true;
    return *line.text == '#' && c->width && split(c->separator, line, fields) != c->width;
}

/* ---- how the file begins ---- */

/* 1 of "1"; of "3-4" and "3.1", which are words of CoNLL-U that no tag is of, 0; -1: no number. */
static int number_of(el_line field)
{
    int number = 0;
    if (field.bytes == 0 || field.bytes > 6)
        return -1;
    for (size_t i = 0; i < field.bytes; i++) {
        const char c = field.text[i];
        if (i && (c == '-' || c == '.'))
            return 0;
        if (c < '0' || c > '9')
            return -1;
        number = 10 * number + (c - '0');
    }
    return number;
}

enum { NAME_BYTES = 64 };

/* The field as a name, cut where it is too long to be one. */
static const char *name_of(el_line field, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%.*s", (int)(field.bytes < NAME_BYTES ? field.bytes : 0), field.text);
    return name;
}

static bool is_named(el_line field, el_column_role role, int most)
{
    char name[NAME_BYTES];
    name_of(field, name);
    const int rank = el_name_rank(EL_TAG, role, name);
    return rank >= 0 && rank <= most;
}

static bool names_ids(const el_line *fields, int count)
{
    for (int i = 0; i < count; i++)
        if (is_named(fields[i], EL_ROLE_ID, EL_RANKS))
            return true;
    return false;
}

/* Whether the line names a column of words and one of tags, which may be left out where a header is known of; where no
 * tags are wanted, one of ids will do. */
static bool is_header(const el_conll *c, const el_line *fields, int count)
{
    bool words = false, tags = c->headed || (c->asked && names_ids(fields, count));
    for (int i = 0; i < count; i++) {
        words |= is_named(fields[i], EL_ROLE_TEXT, 0);
        tags |= is_named(fields[i], EL_ROLE_LABEL, EL_RANKS);
    }
    return words && tags;
}

/* Which columns the header says to be words, and numbers of sentences. */
static void take_header(el_conll *c, const el_line *fields, int count)
{
    char name[NAME_BYTES];
    c->header = true;
    c->ids = names_ids(fields, count);
    for (int i = count - 1; i >= 0; i--) {
        c->named = is_named(fields[i], EL_ROLE_TEXT, 0) ? i + 1 : c->named;
        c->sentences = el_name_of_sentences(name_of(fields[i], name)) ? i + 1 : c->sentences;
    }
}

/* "O", "B-PER": what tags of entities look like, with the letter first. */
static bool is_tag(el_line field)
{
    return field.bytes == 1 ? *field.text == 'O'
                            : field.bytes > 2 && strchr("BIESLUM", *field.text) && field.text[1] == '-';
}

/* Looks at the lines ahead: what separates columns, how many there are, whether the first counts words, of which there are
 * `least` columns or more. */
static void look(el_conll *c, el_line text, int least)
{
    const char *at = text.text, *const end = text.text + text.bytes;
    el_line line, fields[MOST_FIELDS];
    int words = 0, last = 0, tagged = 0, sentences = 0;
    bool fresh = true, begun = false, blanks = false, steady = true;
    bool parted = false, tags_first = true, tags_last = true;
    c->counted = true;
    for (int lines = 0; lines < 1000 && el_line_next(&at, end, &line);) {
        el_line_trim(&line);
        if (el_line_ends_sentence(line)) {
            fresh = true;
            begun = false;
            blanks |= words > 0;
            continue;
        }
        if (begins(line, "-DOCSTART-") || *line.text == '#')
            continue;
        if (!c->separator)
            c->separator = memchr(line.text, '\t', line.bytes) ? '\t' : ' ';
        const int count = split(c->separator, line, fields);
        if (count > MOST_FIELDS) /* is refused when it is read */
            break;
        if (!lines++ && count > !c->headed && is_header(c, fields, count)) {
            take_header(c, fields, count);
            continue;
        }
        parted |= fresh && words;
        sentences += !begun;
        begun = true;
        c->width = c->width ? c->width : count;
        steady &= count == c->width;
        tags_first &= is_tag(fields[0]);
        tags_last &= is_tag(fields[count - 1]);
        tagged += c->labels && el_conll_tagged(line, c->separator, c->labels);
        const int number = number_of(fields[0]);
        c->counted &= number == 0 || (fresh ? number == 1 : number == last + 1);
        last = number ? number : last;
        fresh &= number == 0;
        words++;
    }
    c->counted &= words > 1 && c->width >= least;
    c->sentences = parted ? 0 : c->sentences;
    c->tagged = words > 0 && 2 * tagged >= words;
    c->ended = blanks && steady && sentences < words;
    c->open = c->separator == ' ' && !blanks;
    c->turned = words > 1 && c->width > 1 && tags_first && !tags_last;
}

static el_status put_number(char **to, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    *to = strdup(text);
    return *to ? EL_OK : el_no_memory(NULL);
}

static el_status put_column(char **to, const char *said, const char *known, int usual, int *number)
{
    if (!el_column_number(said ? said : known, number) || *number == 0) {
        if (said)
            return el_fail(EL_EUSAGE, "%s: columns of a file with a word a line are numbers", said);
        *number = usual;
    }
    return put_number(to, *number);
}

static int place_of(int number, int count)
{
    return number > 0 ? number - 1 : count + number;
}

/* Whether the columns are those of the file that was learned from, but for the last, the tags. */
static bool lacks_tags(const el_conll *c, const el_file_layout *known)
{
    return known && c->width && c->width == known->width - 1 && place_of(c->tag, known->width) == c->width;
}

el_status el_word_rows_refuse(const char *path, const char *column)
{
    return el_fail(
        EL_EDATA,
        "%s: every row is one word, and column %s tells of which sentence, which is not read; an empty line "
        "behind each sentence is, or JSON lines with lists of words and tags (docs/finetuning.md)",
        path, column);
}

/* Words of another width than those that were learned from, in what can be nothing but a word a line. */
static void say_width(const el_conll *c)
{
    el_log(EL_LOG_WARNING,
           "%s: its words have %d columns, where the file that the model learned from had %d; column %d is "
           "read as the words%s",
           c->lines.name, c->width, c->learned, c->word,
           c->separator == ' ' ? " (--format lines reads sentences)" : "");
}

el_status el_conll_open(el_conll *c, const el_task_reading *wanted, el_file_layout *layout)
{
    const el_columns *const said = wanted->columns;
    const el_file_layout *known = wanted->known;
    el_line text;
    el_status st = el_lines_look(&c->lines, &text);
    if (st)
        return st;
    c->headed = known && known->header;
    c->asked = !wanted->labels;
    look(c, text, known && known->counted ? 2 : 3);
    if (known && (known->file.form != EL_FORM_CONLL || known->counted != c->counted))
        known = NULL; /* its numbers are those of other columns */
    const bool wide = c->counted && c->width == CONLLU_FIELDS,
               german = c->counted && c->width == GERMEVAL_FIELDS;
    if (c->turned && !said->text[0] && !known)
        return el_fail(
            EL_EDATA,
            "%s: its first column holds tags, and its last words; --text-column and --label-column say "
            "which is which, by number",
            c->lines.name);
    if (c->sentences) {
        char column[16];
        snprintf(column, sizeof column, "%d", c->sentences);
        return el_word_rows_refuse(c->lines.name, column);
    }
    layout->file.separator = c->separator;
    layout->header = c->header;
    layout->width = c->width;
    c->learned = known && !said->text[0] && !said->label ? known->width : 0;
    layout->counted = c->counted;
    layout->parts = EL_PARTS_BLANKS;
    const bool by_name =
        c->named && (c->ids || !(known && known->header)); /* which tells more than a number from elsewhere */
    st = put_column(&layout->text[0], said->text[0], known && !by_name ? known->text[0] : NULL,
                    c->counted ? 2
                    : c->named ? c->named
                               : 1,
                    &c->word);
    if (!st)
        st = put_column(&layout->label, said->label, known ? known->label : NULL,
                        wide     ? 4
                        : german ? 3
                                 : -1,
                        &c->tag);
    const bool lacks = !st && lacks_tags(c, known);
    c->labelled = wanted->labels == EL_LABELS_NEEDED || (wanted->labels && !lacks);
    c->untagged = lacks && !c->labelled;
    if (!c->labelled && (c->named || c->tagged || c->width == 1 || c->width == c->learned - 1))
        c->learned = 0;
    const bool wider = c->learned && c->width != c->learned;
    if (!st && wider && !c->labelled && c->ended && place_of(c->word, c->width) < c->width) {
        say_width(c);
        c->learned = 0;
    }
    return st;
}

/* ---- words ---- */

static el_status take_tag(el_conll *c, el_dataset *d, el_line word, el_line tag)
{
    char name[128];
    d->notes.trimmed += el_labels_trim(c->labels, &tag.text, &tag.bytes);
    if (tag.bytes == 0)
        return el_lines_fail(&c->lines, "there is no tag");
    if (tag.bytes >= sizeof name)
        return el_lines_fail(&c->lines, "the tag is longer than %zu bytes", sizeof name - 1);
    memcpy(name, tag.text, tag.bytes);
    name[tag.bytes] = '\0';
    const int number = el_labels_add(c->labels, name);
    if (number < 0)
        return c->labels->closed ? el_lines_fail(&c->lines, "the tag \"%s\" is not known", name)
                                 : el_no_memory(NULL);
    d->notes.composed += strcmp(c->labels->names[number], name) != 0;
    return el_dataset_add_word(d, word.text, word.bytes, number);
}

static el_status take_word(el_conll *c, el_dataset *d, const el_line *fields, int count)
{
    const int tagged = count + c->untagged, word = place_of(c->word, tagged), tag = place_of(c->tag, tagged);
    if (word < 0 || word >= count || (c->labelled && (tag < 0 || tag >= count || tag == word)))
        return el_lines_fail(&c->lines, "a word and its tag are wanted, and there are %d columns", count);
    if (!c->width)
        c->width = count;
    const char *const otherwise = /* which the note of an open form has said */
        c->labelled || c->separator != ' ' || c->open ? "" : "; --format lines reads sentences";
    if (count != c->width)
        return el_lines_fail(&c->lines, "there are %d columns, where the first word has %d%s", count,
                             c->width, otherwise);
    if (c->learned && count != c->learned)
        return el_lines_fail(
            &c->lines, "there are %d columns, where the file that the model learned from had %d%s%s", count,
            c->learned, otherwise,
            c->labelled || c->open ? "" : "; --text-column N says which column holds the words");
    if (!c->labelled)
        return el_dataset_add_word(d, fields[word].text, fields[word].bytes, -1);
    return take_tag(c, d, fields[word], fields[tag]);
}

/* Adds the line's word to the sentence, which it begins where there is none. */
static el_status take_line(el_conll *c, el_dataset *d, el_line line, bool *begun)
{
    el_line fields[MOST_FIELDS];
    if (!c->separator)
        c->separator = memchr(line.text, '\t', line.bytes) ? '\t' : ' ';
    const int count = split(c->separator, line, fields);
    if (count > MOST_FIELDS)
        return el_lines_fail(&c->lines, "there are %d columns, and at most %d are read", count, MOST_FIELDS);
    if (c->header && !*begun && d->count == 0 && is_header(c, fields, count)) {
        c->header = false;
        return EL_OK;
    }
    if (c->counted && number_of(fields[0]) == 0)
        return EL_OK;
    if (!*begun && !el_dataset_add(d, c->lines.number))
        return el_no_memory(c->lines.name);
    *begun = true;
    return take_word(c, d, fields, count);
}

el_status el_conll_next(el_conll *c, el_dataset *d, bool *more)
{
    bool begun = false;
    el_line line;
    el_status st;
    while (!(st = el_lines_next(&c->lines, &line)) && line.text) {
        if (el_line_ends_sentence(line)) {
            if (begun)
                break;
        } else if (!is_comment(c, line) && (st = take_line(c, d, line, &begun))) {
            return st;
        }
    }
    *more = begun;
    return st;
}
