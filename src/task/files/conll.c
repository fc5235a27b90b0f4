/* conll - see the header */
#include "task/files/conll.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/plural.h"
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

/* `width`: how many columns words have; 0: it is not known. */
static bool is_comment(char separator, int width, el_line line)
{
    el_line fields[MOST_FIELDS];
    if (begins(line, "-DOCSTART-") || (separator == '\t' && begins(line, "## ")))
        return true;
    return *line.text == '#' && width && split(separator, line, fields) != width;
}

/* Tabs, where the line has any, or else blanks. */
static char separator_of(el_line line)
{
    return memchr(line.text, '\t', line.bytes) ? '\t' : ' ';
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

/* How a file begins. */
typedef struct {
    int header; /* as el_columns has it */
    const el_columns *said;
    const char *learned; /* what the header of the file that was learned from calls the words, or NULL */
    bool headed, asked;  /* that file had a header; no tags are wanted */
    char *line;          /* that names the columns */
    const char *names[MOST_FIELDS]; /* in it */
    int named;                      /* how many; 0: there is no header */
    int64_t first;                  /* the number of the first word's line */
    int words;
    bool tagged; /* tags that are known stand beside most words */
    bool turned; /* the first column holds tags, and the last does not */
    bool ended;  /* all words have as many columns, and empty lines end sentences, some of several words */
    bool parted; /* an empty line stands between words */
} beginning;

/* The column, from 1, with the surest name in a role: of several the first, or the last one of tags; 0: there is none. */
static int column_for(el_column_role role, const char *const *names, int count)
{
    int column = 0, surest = EL_RANKS;
    for (int i = 0; i < count; i++) {
        const int rank = el_name_rank(EL_TAG, role, names[i]);
        if (rank >= 0 && (rank < surest || (rank == surest && role == EL_ROLE_LABEL)))
            column = i + 1, surest = rank;
    }
    return column;
}

/* The column, from 1, of that name, or of one that is the same but for case and joints; 0: there is none. */
static int column_called(const char *name, const char *const *names, int count)
{
    int same = 0;
    for (int i = count; name && *name && i > 0; i--) {
        if (strcmp(names[i - 1], name) == 0)
            return i;
        same = el_name_same(names[i - 1], name) ? i : same;
    }
    return same;
}

/* Whether a column has the name that was said of a role. */
static bool holds_said(const beginning *b)
{
    for (el_column_role role = 0; role < EL_SAID_ROLES; role++)
        if (el_column_is_name(b->said->by_role[role]) &&
            column_called(b->said->by_role[role], b->names, b->named))
            return true;
    return false;
}

/* Whether a name of words is theirs alone, or that of CoNLL-U. */
static bool surely_words(const char *name)
{
    return el_name_rank(EL_TAG, EL_ROLE_TEXT, name) == 0 || el_name_same("form", name) ||
           el_name_same("forms", name);
}

/* Whether the line, in `names`, names columns: one that was said or learned from, or one of words and one of tags, of which
 * one has a name that no word or tag is.  Tags may lack where the file that was learned from had a header, and where none
 * are wanted beside ids; then the name of the words must be theirs alone.  A known tag is no name. */
static bool is_header(const beginning *b, bool tagged)
{
    const int words = column_for(EL_ROLE_TEXT, b->names, b->named),
              tags = column_for(EL_ROLE_LABEL, b->names, b->named);
    if (b->header >= 0 && (b->said->header >= 0 || *b->line != '#'))
        return b->header;
    if (holds_said(b) || (b->headed && column_called(b->learned, b->names, b->named)))
        return true;
    if (!words || tagged || (b->named == 1 && !b->headed))
        return false;
    if (tags)
        return surely_words(b->names[words - 1]) ||
               el_name_rank(EL_TAG, EL_ROLE_LABEL, b->names[tags - 1]) == 0;
    return (b->headed || (b->asked && column_for(EL_ROLE_ID, b->names, b->named))) &&
           el_name_rank(EL_TAG, EL_ROLE_TEXT, b->names[words - 1]) == 0;
}

/* Keeps the line's fields as names, if they are such. */
static el_status take_names(beginning *b, const el_conll *c, el_line line, bool *taken)
{
    el_line fields[MOST_FIELDS];
    b->line = malloc(line.bytes + 1);
    if (!b->line)
        return el_no_memory(c->lines.name);
    memcpy(b->line, line.text, line.bytes);
    b->named = split(c->separator, (el_line){b->line, line.bytes}, fields);
    for (int i = 0; i < b->named; i++) {
        b->names[i] = fields[i].text;
        b->line[fields[i].text - b->line + (ptrdiff_t)fields[i].bytes] = '\0';
    }
    *taken = is_header(b, c->labels && el_conll_tagged(line, c->separator, c->labels));
    if (*taken)
        return EL_OK;
    free(b->line);
    b->line = NULL;
    b->named = 0;
    return EL_OK;
}

/* "O", "B-PER": what tags of entities look like, with the letter first. */
static bool is_tag(el_line field)
{
    return field.bytes == 1 ? *field.text == 'O'
                            : field.bytes > 2 && strchr("BIESLUM", *field.text) && field.text[1] == '-';
}

/* How many columns the first line has that is neither a comment nor the end of a sentence; 0: there is none. */
static int first_width(el_conll *c, el_line text)
{
    const char *at = text.text, *const end = text.text + text.bytes;
    el_line line, fields[MOST_FIELDS];
    while (el_line_next(&at, end, &line)) {
        el_line_trim(&line);
        if (el_line_ends_sentence(line) || *line.text == '#' || begins(line, "-DOCSTART-"))
            continue;
        c->separator = separator_of(line);
        return split(c->separator, line, fields);
    }
    return 0;
}

/* Looks at the lines ahead: what separates columns, how many there are and what they are called, whether the first counts
 * words, of which there are `least` columns or more. */
static el_status look(el_conll *c, beginning *b, el_line text, int least)
{
    const int width = first_width(c, text);
    const char *at = text.text, *const end = text.text + text.bytes;
    el_line line, fields[MOST_FIELDS];
    int64_t number = 0;
    int last = 0, tagged = 0, sentences = 0;
    bool fresh = true, begun = false, blanks = false, steady = true, tags_first = true, tags_last = true;
    c->counted = true;
    for (int lines = 0; lines < 1000 && el_line_next(&at, end, &line);) {
        el_line_trim(&line);
        number++;
        if (el_line_ends_sentence(line)) {
            fresh = true;
            begun = false;
            blanks |= b->words > 0;
            continue;
        }
        if (is_comment(c->separator, width, line))
            continue;
        if (!c->separator)
            c->separator = separator_of(line);
        const int count = split(c->separator, line, fields);
        if (count > MOST_FIELDS) /* is refused when it is read */
            break;
        bool names = false;
        if (!lines) {
            const el_status st = take_names(b, c, line, &names);
            if (st)
                return st;
        }
        lines += names || *line.text != '#';
        if (names)
            c->header = number;
        if (names || *line.text == '#')
            continue;
        b->first = b->first ? b->first : number;
        b->parted |= fresh && b->words;
        sentences += !begun;
        begun = true;
        c->width = c->width ? c->width : count;
        steady &= count == c->width;
        tags_first &= is_tag(fields[0]);
        tags_last &= is_tag(fields[count - 1]);
        tagged += c->labels && el_conll_tagged(line, c->separator, c->labels);
        const int counter = number_of(fields[0]);
        c->counted &= counter == 0 || (fresh ? counter == 1 : counter == last + 1);
        last = counter ? counter : last;
        fresh &= counter == 0;
        b->words++;
    }
    c->counted &= b->words > 1 && c->width >= least;
    c->open = c->separator == ' ' && !blanks;
    b->tagged = b->words > 0 && 2 * tagged >= b->words;
    b->ended = blanks && steady && sentences < b->words;
    b->turned = b->words > 1 && c->width > 1 && tags_first && !tags_last;
    c->named = b->named;
    return EL_OK;
}

el_status el_word_rows_refuse(const char *path, const char *column)
{
    return el_fail(
        EL_EDATA,
        "%s: every row is one word, and column \"%s\" tells of which sentence, which is not read; an empty line "
        "behind each sentence is, or JSON lines with lists of words and tags (docs/finetuning.md)",
        path, column);
}

/* What is no file of words and tags. */
static el_status check(const el_conll *c, const beginning *b, bool known)
{
    if (b->turned && !b->named && !b->said->text[0] && !known)
        return el_fail(
            EL_EDATA,
            "%s: its first column holds tags, and its last words; --text-column and --label-column say "
            "which is which, by number",
            c->lines.name);
    for (int i = 0; i < b->named && !b->parted; i++)
        if (el_name_of_sentences(b->names[i]))
            return el_word_rows_refuse(c->lines.name, b->names[i]);
    return EL_OK;
}

/* ---- which columns hold words and tags ---- */

static int place_of(int number, int count)
{
    return number > 0 ? number - 1 : count + number;
}

static el_status no_column(const el_conll *c, const char *column, const char *more)
{
    const char *const quote = el_column_quote(column);
    char line[32] = "";
    if (c->header)
        snprintf(line, sizeof line, ", line %lld", (long long)c->header);
    return el_fail(EL_EDATA, "%s%s: there is no column %s%s%s%s", c->lines.name, line, quote, column, quote,
                   more);
}

typedef struct {
    int number;        /* 0: there is none */
    bool named;        /* the header tells it */
    const char *other; /* the model learned from this one, by its name or number; NULL: from the same */
} choice;

/* The last column of tags is so by its number, too, as files without them lack it. */
static choice by_header(const beginning *b, el_column_role role, int column)
{
    return (choice){role == EL_ROLE_LABEL && column == b->named ? -1 : column, true, NULL};
}

static void say_other(const el_conll *c, const beginning *b, el_column_role role, choice column)
{
    const int place = place_of(column.number, b->named);
    const bool named = place >= 0 && place < b->named && *b->names[place];
    const bool last = column.other && strcmp(column.other, "-1") == 0;
    char number[16];
    snprintf(number, sizeof number, "%d", place + 1);
    const char *const name = named ? b->names[place] : number, *const mark = named ? "\"" : "";
    if (column.other)
        el_log(EL_LOG_NOTE, "%s: %s read from column %s%s%s; the model learned from %s%s%s%s", c->lines.name,
               el_role_called(EL_TAG, role), mark, name, mark, last ? "the last column" : "column ",
               el_column_quote(column.other), last ? "" : column.other, el_column_quote(column.other));
}

/* Whether a column stands where one of the file that was learned from does. */
static bool is_same(const beginning *b, const el_file_layout *known, int number, int learned)
{
    return number == learned ||
           (b->named == known->width && place_of(number, b->named) == place_of(learned, known->width));
}

/* A column that nobody said.  What a header calls as the model's file did, or else as such columns are called, tells more than
 * a number from elsewhere; but tags that had a name have no other one. */
static el_status choose_unsaid(const el_conll *c, const beginning *b, const el_file_layout *known,
                               el_column_role role, bool needed, choice *to)
{
    const bool alike = known && known->file.form == EL_FORM_CONLL, tags = role == EL_ROLE_LABEL;
    const char *const learned = !known ? NULL : alike ? known->called[role] : known->by_role[role];
    const int called = column_called(learned, b->names, b->named);
    const int usual = column_for(role, b->names, b->named);
    int number = 0;
    if (alike)
        el_column_number(known->by_role[role], &number);
    if (b->named && alike && learned && !called && (tags || !usual)) {
        *to = (choice){0};
        return needed ? no_column(c, learned,
                                  tags ? ", which the model learned from; --label-column says which"
                                       : ", which the model learned from; --text-column says which")
                      : EL_OK;
    }
    if (called || usual)
        *to = by_header(b, role, called ? called : usual);
    else if (number && known->counted == c->counted)
        *to = (choice){number, false, NULL};
    if (b->named && alike && needed && !called && (learned || !is_same(b, known, to->number, number)))
        to->other = learned ? learned : known->by_role[role];
    return EL_OK;
}

/* `to` is what is usual where nothing tells. */
static el_status choose(const el_conll *c, const beginning *b, const el_task_reading *wanted,
                        el_column_role role, choice *to)
{
    const char *const said = wanted->columns->by_role[role];
    const bool needed = role == EL_ROLE_TEXT || wanted->labels == EL_LABELS_NEEDED;
    const int called = column_called(said, b->names, b->named);
    int number = 0;
    if (called || (el_column_number(said, &number) && number)) {
        *to = called ? by_header(b, role, called) : (choice){number, false, NULL};
        return EL_OK;
    }
    if (said && needed && (b->named || b->words))
        return no_column(c, said, "");
    return choose_unsaid(c, b, wanted->known, role, needed, to);
}

/* Whether the columns are those of the file that was learned from, but for the last, the tags. */
static bool lacks_tags(const el_conll *c, const el_file_layout *known)
{
    return known && c->width && c->width == known->width - 1 && place_of(c->tag, known->width) == c->width;
}

/* Words of another width than those that were learned from, in what can be nothing but a word a line. */
static void say_width(const el_conll *c)
{
    el_log(EL_LOG_WARNING,
           "%s: its words have %d column%s, where the file that the model learned from had %d; column %d is "
           "read as the words%s",
           c->lines.name, c->width, el_s(c->width), c->learned, c->word,
           c->separator == ' ' ? " (--format lines reads sentences)" : "");
}

static el_status put_column(const beginning *b, int number, el_column_role role, el_file_layout *layout)
{
    char text[16];
    const int place = place_of(number, b->named);
    const bool named = place >= 0 && place < b->named && *b->names[place];
    if (!number)
        return EL_OK;
    snprintf(text, sizeof text, "%d", number);
    layout->by_role[role] = strdup(text);
    layout->called[role] = named ? strdup(b->names[place]) : NULL;
    return layout->by_role[role] && (layout->called[role] || !named) ? EL_OK : el_no_memory(NULL);
}

/* A name says which column only where no other one has it. */
static el_status check_once(const el_conll *c, const beginning *b, choice column)
{
    const int place = place_of(column.number, b->named);
    for (int i = 0; column.named && i < b->named; i++)
        if (i != place && strcmp(b->names[i], b->names[place]) == 0)
            return el_fail(EL_EDATA, "%s, line %lld: columns %d and %d are both called \"%s\"", c->lines.name,
                           (long long)c->header, (i < place ? i : place) + 1, (i < place ? place : i) + 1,
                           b->names[i]);
    return EL_OK;
}

/* Words have the columns that the header names. */
static el_status check_named(const el_conll *c, int64_t line, int count)
{
    if (!c->named || count == c->named || (c->spare && count == c->named - 1))
        return EL_OK;
    return el_fail(EL_EDATA, "%s, line %lld: there %s %d column%s, where the header names %d", c->lines.name,
                   (long long)line, el_is(count), count, el_s(count), c->named);
}

/* `known`: the file that was learned from, where its columns' numbers may be this one's. */
static el_status find_columns(el_conll *c, const beginning *b, const el_task_reading *wanted,
                              const el_file_layout *known, el_file_layout *layout)
{
    const bool wide = c->counted && c->width == CONLLU_FIELDS,
               german = c->counted && c->width == GERMEVAL_FIELDS,
               said = wanted->columns->text[0] || wanted->columns->label;
    const int usual = c->counted ? 2 : 1;
    choice word = {.number = usual}, tag = {.number = wide ? 4 : german ? 3 : -1};
    el_status st = choose(c, b, wanted, EL_ROLE_TEXT, &word);
    if (!st)
        st = choose(c, b, wanted, EL_ROLE_LABEL, &tag);
    if (!st)
        st = check_once(c, b, word);
    if (!st && wanted->labels)
        st = check_once(c, b, tag);
    c->word = word.number;
    c->tag = tag.number;
    if (!st)
        st = put_column(b, c->word, EL_ROLE_TEXT, layout);
    if (!st)
        st = put_column(b, c->tag, EL_ROLE_LABEL, layout);
    const bool last = tag.named && tag.number == -1;
    const bool left_out = last ? c->width && c->width == c->named - 1 : !tag.named && lacks_tags(c, known);
    const bool lacks = left_out || !c->tag;
    c->labelled = wanted->labels == EL_LABELS_NEEDED || (wanted->labels && !lacks);
    c->untagged = left_out && !c->labelled;
    c->spare = last && !c->labelled;
    const bool named = word.named && (tag.named || !c->labelled);
    c->learned = known && !said && !named ? known->width : 0;
    const bool shown = b->tagged ? c->word == usual : c->width == 1 || c->width == c->learned - 1;
    if (!c->labelled && shown)
        c->learned = 0;
    if (!st && c->width)
        st = check_named(c, b->first, c->width);
    if (st)
        return st;
    say_other(c, b, EL_ROLE_TEXT, word);
    say_other(c, b, EL_ROLE_LABEL, tag);
    return EL_OK;
}

el_status el_conll_open(el_conll *c, const el_task_reading *wanted, el_file_layout *layout)
{
    const el_columns *const said = wanted->columns;
    const el_file_layout *known = wanted->known;
    const bool alike = known && known->file.form == EL_FORM_CONLL;
    beginning b = {
        .header = said->header, .said = said, .headed = known && known->header, .asked = !wanted->labels};
    el_line text;
    b.learned = alike ? known->called[EL_ROLE_TEXT] : b.headed ? known->text[0] : NULL;
    if (b.header < 0 && (el_column_is_name(said->text[0]) ||
                         (wanted->labels == EL_LABELS_NEEDED && el_column_is_name(said->label))))
        b.header = 1;
    el_status st = el_lines_look(&c->lines, &text);
    if (!st)
        st = look(c, &b, text, alike && known->counted ? 2 : 3);
    known = alike && known->counted == c->counted ? known : NULL;
    layout->file.separator = c->separator;
    layout->header = b.named > 0;
    layout->width = c->width;
    layout->counted = c->counted;
    layout->parts = EL_PARTS_BLANKS;
    if (!st)
        st = check(c, &b, known);
    if (!st)
        st = find_columns(c, &b, wanted, known, layout);
    if (!st && c->learned && c->width != c->learned && !c->labelled && b.ended && !b.tagged &&
        place_of(c->word, c->width) < c->width) {
        say_width(c);
        c->learned = 0;
    }
    if (!st && said->id)
        el_log(EL_LOG_WARNING, "%s: has a word a line and no ids; its sentences are numbered", c->lines.name);
    free(b.line);
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
    const el_status st = check_named(c, c->lines.number, count);
    if (st)
        return st;
    if (!c->labelled && (word < 0 || word >= count))
        return el_lines_fail(&c->lines, "there is no column %d; there %s %d", c->word, el_is(count), count);
    if (c->labelled && tag == word && count > 1)
        return el_lines_fail(&c->lines, "column %d is both the words and the tags", word + 1);
    if (c->labelled && (word < 0 || word >= count || tag < 0 || tag >= count || tag == word))
        return el_lines_fail(&c->lines, "a word and its tag are wanted, and there %s %d column%s",
                             el_is(count), count, el_s(count));
    if (!c->width)
        c->width = count;
    const char *const otherwise = /* which the note of an open form has said */
        c->labelled || c->separator != ' ' || c->open ? "" : "; --format lines reads sentences";
    if (count != c->width)
        return el_lines_fail(&c->lines, "there %s %d column%s, where the first word has %d%s", el_is(count),
                             count, el_s(count), c->width, otherwise);
    if (c->learned && count != c->learned)
        return el_lines_fail(
            &c->lines, "there %s %d column%s, where the file that the model learned from had %d%s%s",
            el_is(count), count, el_s(count), c->learned, otherwise,
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
        c->separator = separator_of(line);
    const int count = split(c->separator, line, fields);
    if (count > MOST_FIELDS)
        return el_lines_fail(&c->lines, "there are %d columns, and at most %d are read", count, MOST_FIELDS);
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
        } else if (c->lines.number > c->header && !is_comment(c->separator, c->width, line) &&
                   (st = take_line(c, d, line, &begun))) {
            return st;
        }
    }
    *more = begun;
    return st;
}
