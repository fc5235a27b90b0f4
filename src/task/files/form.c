/* form - see the header */
#define _GNU_SOURCE
#include "task/files/form.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "task/files/conll.h"
#include "task/files/names.h"
#include "text/json_kind.h"
#include "text/naming.h"
#include "text/scan.h"

static const char *const NAMES[EL_FORMS] = {"auto",  "tsv",   "csv",   "jsonl", "json",
                                            "lines", "conll", "squad", "mrqa"};

const char *el_form_name(el_form form)
{
    return NAMES[form];
}

el_form el_form_named(const char *name)
{
    for (el_form form = EL_FORM_TSV; form < EL_FORMS; form++)
        if (strcmp(NAMES[form], name) == 0)
            return form;
    return EL_FORM_OPEN;
}

const char *el_form_about(el_file_form f)
{
    static const char *const ABOUT[EL_FORMS] = {[EL_FORM_OPEN] = "of no known form",
                                                [EL_FORM_TSV] = "tab-separated",
                                                [EL_FORM_CSV] = "comma-separated",
                                                [EL_FORM_JSONL] = "JSON lines",
                                                [EL_FORM_JSON] = "JSON",
                                                [EL_FORM_LINES] = "plain lines",
                                                [EL_FORM_CONLL] = "a word a line (CoNLL)",
                                                [EL_FORM_SQUAD] = "SQuAD's JSON",
                                                [EL_FORM_MRQA] = "MRQA's JSON lines"};
    if (f.form == EL_FORM_CSV)
        return f.separator == ';'    ? "semicolon-separated"
               : f.separator == '|'  ? "bar-separated"
               : f.separator == '\t' ? "tab-separated with quotes"
                                     : ABOUT[EL_FORM_CSV];
    return ABOUT[f.form];
}

/* ---- rows ---- */

enum { MOST_LINES = 200 };

/* The lines that lie whole in the text, without blank ones where `filled`. */
static bool next_whole(const char **at, const char *end, el_line *line, bool filled)
{
    while (el_line_next(at, end, line)) {
        el_line_trim(line);
        if (!filled || !el_line_blank(*line))
            return true;
    }
    return false;
}

static el_line first_line(el_line text)
{
    const char *at = text.text;
    el_line line = {0};
    return next_whole(&at, text.text + text.bytes, &line, true) ? line : (el_line){text.text, 0};
}

static bool has(el_line text, const char *part)
{
    return memmem(text.text, text.bytes, part, strlen(part)) != NULL;
}

/* Whether an object that is alone may hold a table: lists or objects a column, or an array under "data" or "rows". */
static bool may_hold_rows(el_task_kind kind, el_line object)
{
    el_scan members = {.at = object.text + 1, .end = object.text + object.bytes};
    el_line key, value;
    if (!el_scan_member(&members, &key, &value))
        return false;
    if (kind == EL_TAG && *value.text == '[') /* lists of lists, where one row has a list of words */
        return *el_scan_blanks(value.text + 1, value.text + value.bytes) == '[';
    return *value.text == '[' || *value.text == '{' || has(object, "\"data\"") || has(object, "\"rows\"");
}

/* An object a line, or something larger. */
static el_form form_of_json(el_task_kind kind, el_line text)
{
    const char *const end = text.text + text.bytes, *const at = el_scan_blanks(text.text, end);
    const char *const newline = memchr(at, '\n', (size_t)(end - at));
    const char *const behind = *at == '{' ? el_scan_value(at, end) : NULL;
    const bool whole = behind && (!newline || behind <= newline);
    const bool alone = !behind || el_scan_blanks(behind, end) == end;
    const bool nested = kind == EL_SPAN && has(text, "\"qas\"");
    if (nested && whole && !(alone && has(text, "\"data\"")) && !has(text, "\"paragraphs\"") &&
        (has(text, "\"detected_answers\"") || has(text, "\"header\"") || !has(text, "\"answer_start\"")))
        return EL_FORM_MRQA;
    if (nested)
        return EL_FORM_SQUAD;
    return whole && !(alone && may_hold_rows(kind, (el_line){at, (size_t)(behind - at)})) ? EL_FORM_JSONL
                                                                                          : EL_FORM_JSON;
}

/* Where the field that begins at `at` ends; NULL where its quotation mark is never closed. */
static const char *skip_field(const char *at, const char *end, char separator)
{
    while (at < end && *at == ' ')
        at++;
    if (at < end && *at == '"') {
        for (at++; at < end && !(*at == '"' && !(at + 1 < end && at[1] == '"')); at++)
            at += *at == '"';
        if (at >= end)
            return NULL;
    }
    while (at < end && *at != separator && *at != '\n')
        at++;
    return at;
}

static bool is_named(el_task_kind kind, const char *at, const char *end)
{
    char name[96];
    while (at < end && strchr(" \"", *at))
        at++;
    while (end > at && strchr(" \"\r", end[-1]))
        end--;
    if ((size_t)(end - at) >= sizeof name)
        return false;
    memcpy(name, at, (size_t)(end - at));
    name[end - at] = '\0';
    return el_name_known(kind, name);
}

/* Fields of the record that begins at *at, which comes to stand behind it; 0 where it does not end in the text. */
static int count_fields(const char **at, const char *end, char separator, el_task_kind kind, int *named)
{
    int fields = 0;
    for (const char *c = *at;; c++) {
        const char *const behind = skip_field(c, end, separator);
        if (!behind)
            return 0;
        fields++;
        *named += is_named(kind, c, behind);
        c = behind;
        if (c == end || *c == '\n') {
            *at = c < end ? c + 1 : end;
            return fields;
        }
    }
}

typedef struct {
    int fields;  /* of the first record */
    int named;   /* of them, those that name columns */
    bool steady; /* every record has as many */
    int records;
} shape;

static shape shape_of(el_line text, char separator, el_task_kind kind)
{
    enum { RECORDS = 50 };
    shape s = {.steady = true};
    const char *at = text.text, *const end = text.text + text.bytes;
    while (s.records < RECORDS && at < end) {
        const char *const blank = el_scan_blanks(at, end);
        if (blank < end && blank > at && memchr(at, '\n', (size_t)(blank - at)) && separator != '\t') {
            at = blank;
            continue;
        }
        int named = 0;
        const int fields = count_fields(&at, end, separator, kind, &named);
        if (!fields)
            break;
        if (s.records++ == 0)
            s.fields = fields, s.named = named;
        s.steady &= fields == s.fields;
    }
    return s;
}

/* Whether every row has as many fields, and several. */
static bool parts(el_line text, char separator)
{
    const shape s = shape_of(text, separator, EL_TAG);
    return s.fields > 1 && s.steady;
}

/* What separates the fields of a .csv: what every row has as often; where several do, what leaves names of columns in the
 * first. */
static el_status find_separator(const char *path, el_task_kind kind, el_line text, char *separator)
{
    static const char ALL[] = {',', ';', '\t', '|'};
    const el_line first = first_line(text);
    if (first.bytes == 5 && strncasecmp(first.text, "sep=", 4) == 0) {
        *separator = first.text[4];
        return EL_OK;
    }
    int steady = 0, most = 0, named = 0;
    char by_rows = 0, by_first = ',', by_names = 0;
    for (size_t i = 0; i < sizeof ALL; i++) {
        const shape s = shape_of(text, ALL[i], kind);
        if (s.fields < 2)
            continue;
        if (s.steady)
            steady++, by_rows = ALL[i];
        if (s.fields > most)
            most = s.fields, by_first = ALL[i];
        if (s.named > named)
            named = s.named, by_names = ALL[i];
    }
    *separator = steady == 1 ? by_rows : by_names ? by_names : by_first;
    if (steady > 1 && !by_names)
        return el_fail(
            EL_EDATA,
            "%s: more than one character may separate its fields; a first line sep=, or sep=; says which",
            path);
    return EL_OK;
}

/* What the quotation marks of rows between tabs tell so far. */
typedef struct {
    bool told;    /* a field has what marks alone allow: marks that are doubled, a tab, the end of a line */
    bool against; /* a mark where no writer of such files leaves one */
    bool all;     /* every field is in marks */
} marks;

/* Where the field that begins at `at` ends; NULL where it goes on behind the text. */
static const char *read_marks(const char *at, const char *end, marks *m)
{
    const char *const begin = at;
    bool tab = false, line = false;
    if (at == end || *at != '"') {
        while (at < end && *at != '\t' && *at != '\n')
            at++;
        m->against |= memchr(begin, '"', (size_t)(at - begin)) != NULL;
        m->all = false;
        return at;
    }
    for (at++; at < end && !(*at == '"' && !(at + 1 < end && at[1] == '"')); at++) {
        tab |= *at == '\t', line |= *at == '\n';
        m->told |= *at == '"';
        at += *at == '"';
    }
    m->told |= tab || line;
    m->against |= tab && line; /* a mark that nothing closes, and rows behind it */
    if (at >= end)
        return NULL;
    at += 1 + (at + 1 < end && at[1] == '\r');
    m->against |= at < end && *at != '\t' && *at != '\n';
    return at;
}

/* Whether fields between tabs are in quotation marks where they need them, as pandas, Excel and R write them: every row
 * must say so, as in other files a mark is a character of a text. */
static bool is_quoted(el_line text)
{
    marks m = {.all = true};
    int width = 0, fields = 1;
    bool first_all = false;
    for (const char *at = text.text, *const end = at + text.bytes; at < end && !m.against; at++) {
        if (fields == 1 && (*at == '\n' || *at == '\r')) /* a blank line */
            continue;
        const char *const behind = read_marks(at, end, &m);
        if (!behind)
            return (m.told || first_all) && width && !memchr(at, '\n', (size_t)(end - at));
        if (behind < end && *behind == '\t') {
            fields++;
        } else {
            first_all |= !width && m.all;
            width = width ? width : fields;
            m.against |= fields != width && behind < end;
            fields = 1;
        }
        at = behind;
    }
    return !m.against && (m.told || first_all);
}

/* ---- words and their tags ---- */

static int words_in(const char *at, const char *end)
{
    int words = 0;
    while (at < end) {
        while (at < end && *at == ' ')
            at++;
        words += at < end;
        while (at < end && *at != ' ')
            at++;
    }
    return words;
}

/* Whether the last two fields between tabs hold as many words each, and more than one. */
static bool is_sentence(el_line line, bool *single)
{
    const char *const end = line.text + line.bytes;
    const char *const last = memrchr(line.text, '\t', line.bytes);
    if (!last)
        return false;
    const char *before = memrchr(line.text, '\t', (size_t)(last - line.text));
    before = before ? before + 1 : line.text;
    const int words = words_in(before, last), tags = words_in(last + 1, end);
    *single &= words <= 1 || tags <= 1;
    return words == tags && words > 0;
}

/* What the columns of the first line are called. */
typedef struct {
    bool words; /* one as words are, or as texts */
    bool texts;
    bool ids;
} names;

static names names_in(el_line line, char separator)
{
    enum { OF_TEXTS = 1 };
    char text[256];
    names n = {0};
    if (line.bytes >= sizeof text)
        return n;
    memcpy(text, line.text, line.bytes);
    text[line.bytes] = '\0';
    for (char *at = text, *next; at; at = next) {
        next = strchr(at, separator);
        if (next)
            *next++ = '\0';
        at += *at == '"';
        at[strcspn(at, "\"\r")] = '\0';
        const int rank = el_name_rank(EL_TAG, EL_ROLE_TEXT, at);
        n.words |= rank >= 0;
        n.texts |= rank == OF_TEXTS;
        n.ids |= el_name_rank(EL_TAG, EL_ROLE_ID, at) >= 0;
    }
    return n;
}

/* Whether a field between tabs, of which there are several, holds several words. */
static bool holds_text(el_line line)
{
    const char *at = line.text, *const end = line.text + line.bytes;
    for (const char *tab; (tab = memchr(at, '\t', (size_t)(end - at))); at = tab + 1)
        if (words_in(at, tab) > 1)
            return true;
    return at > line.text && words_in(at, end) > 1;
}

/* What the lines of a file for tagging are like, without comments and those that end sentences. */
typedef struct {
    int lines;
    int sentences; /* that end with as many tags as words between tabs */
    bool single;   /* but never with several */
    bool blanks;   /* there are lines that end sentences */
    bool even;     /* all have as many words between blanks */
    bool learned;  /* and as many as the file that was learned from had columns */
    int words; /* lines that are as a word's: alone, or with a tag, or with all columns that are known but the tag */
    int tagged; /* of these, those with a tag */
    int texts;  /* lines with several words between tabs */
} word_lines;

static word_lines look_at_lines(el_line text, const el_form_asked *asked)
{
    const int known = asked->known && asked->known->file.form == EL_FORM_CONLL ? asked->known->width : 0;
    const char *at = text.text, *const end = text.text + text.bytes;
    word_lines l = {.single = true, .even = true};
    int width = -1;
    el_line line;
    while (l.lines < MOST_LINES && next_whole(&at, end, &line, false)) {
        if (el_line_ends_sentence(line)) {
            l.blanks |= l.lines > 0;
            continue;
        }
        if (*line.text == '#')
            continue;
        const int words = words_in(line.text, line.text + line.bytes);
        const bool tagged = asked->labels && el_conll_tagged(line, ' ', asked->labels);
        l.lines++;
        l.sentences += is_sentence(line, &l.single);
        l.even &= width < 0 || words == width;
        l.tagged += tagged;
        l.words += tagged || words == 1 || words == known - 1 || (words == known && !asked->labels);
        l.texts += holds_text(line);
        width = words;
    }
    l.learned = l.even && width == known;
    return l;
}

/* Whether rows between tabs, in which nothing ends a sentence, are those of a table, whose texts are to be tagged. */
static bool is_table(const word_lines *l, el_line first, const el_form_asked *asked)
{
    const names n = names_in(first, '\t');
    const bool header = *first.text != '#' && !(asked->labels && el_conll_tagged(first, '\t', asked->labels));
    return asked->named || 2 * l->texts > l->lines || (header && (n.texts || (n.ids && !n.words)));
}

/* Whether lines without tabs are sentences: of different lengths, or of another than a word's line has, be its tag known or
 * not.  A line that is alone is one, if it has no tag. */
static bool are_sentences(const word_lines *l)
{
    const bool words = 2 * l->words >= l->lines && l->lines > 0;
    if (!l->even)
        return !l->blanks || !words;
    return !l->blanks && ((!words && !l->learned) || (l->lines == 1 && !l->tagged));
}

/* A word a line, a sentence a line, or (where labels are not wanted) plain sentences. */
static el_file_form form_of_words(el_line text, const el_form_asked *asked)
{
    const el_line first = first_line(text);
    const word_lines l = look_at_lines(text, asked);
    const bool tabs = memchr(first.text, '\t', first.bytes) != NULL;
    if (tabs && ((!l.single && 2 * l.sentences > l.lines) ||
                 (!asked->labelled && !l.blanks && is_table(&l, first, asked))))
        return (el_file_form){EL_FORM_TSV, '\t'};
    if (!tabs && !asked->labelled && l.lines > 0 && !has(text, "\t") && are_sentences(&l))
        return (el_file_form){EL_FORM_LINES, 0};
    return (el_file_form){EL_FORM_CONLL, 0};
}

/* Whether every line is words with a tag behind the last '/' of each. */
static bool is_slashed(el_line text)
{
    const char *at = text.text, *const end = text.text + text.bytes;
    el_line line;
    int words = 0, lines = 0;
    while (lines < MOST_LINES && next_whole(&at, end, &line, true)) {
        const char *const stop = line.text + line.bytes;
        for (const char *word = line.text; word < stop;) {
            const char *blank = memchr(word, ' ', (size_t)(stop - word));
            blank = blank ? blank : stop;
            const char *const slash = blank > word ? memrchr(word, '/', (size_t)(blank - word)) : word;
            if (blank > word && (!slash || slash == word || slash + 1 == blank))
                return false;
            words += blank > word;
            word = blank + 1;
        }
        lines++;
    }
    return words > 2 * lines;
}

/* ---- the form ---- */

static el_status refuse(const char *path, const char *ending, el_file_form rows)
{
    return el_fail(EL_EDATA, "%s: its ending says %s, its rows are %s; --format %s reads them so", path,
                   ending, el_form_about(rows), el_form_name(rows.form));
}

/* Of rows that are no JSON. */
static el_status form_of_rows(el_file_form *found, const char *path, const el_form_asked *asked,
                              el_naming ending, el_line text)
{
    const el_task_kind kind = asked->kind;
    const el_line first = first_line(text);
    const bool tabs = memchr(first.text, '\t', first.bytes) != NULL;
    if (kind == EL_TAG && asked->labelled && !tabs && is_slashed(text))
        return el_fail(
            EL_EDATA,
            "%s: its lines are words with a tag behind each '/', which is not read; a word and its tag a "
            "line are, or the words, a tab and the tags",
            path);
    if (kind == EL_TAG) {
        *found = form_of_words(text, asked);
        if (ending == EL_NAMED_COMMAS && !tabs &&
            (names_in(first, ',').words || names_in(first, ';').words || found->form == EL_FORM_LINES ||
             (!asked->labelled && (parts(text, ',') || parts(text, ';')))))
            *found = (el_file_form){EL_FORM_CSV, ','};
        else if (found->form == EL_FORM_CONLL && tabs && ending != EL_NAMED_COLUMNS &&
                 names_in(first, '\t').words && has(text, "\t[")) /* lists as Python prints them */
            *found = (el_file_form){EL_FORM_TSV, '\t'};
        return found->form == EL_FORM_CSV ? find_separator(path, kind, text, &found->separator) : EL_OK;
    }
    *found = (el_file_form){EL_FORM_TSV, '\t'};
    if (ending == EL_NAMED_COMMAS) {
        found->form = EL_FORM_CSV;
        return find_separator(path, kind, text, &found->separator);
    }
    if (tabs) {
        found->form = is_quoted(text) ? EL_FORM_CSV : EL_FORM_TSV;
        return EL_OK;
    }
    static const char OTHERS[] = {',', ';', '|'};
    for (size_t i = 0; i < sizeof OTHERS; i++) {
        const shape s = shape_of(text, OTHERS[i], kind);
        const el_file_form other = {EL_FORM_CSV, OTHERS[i]};
        if (s.fields < 2 || !s.steady || s.named < 1 || 2 * s.named < s.fields)
            continue;
        if (ending == EL_NAMED_TABS)
            return refuse(path, "tab-separated", other);
        *found = other;
    }
    return EL_OK;
}

el_status el_form_complete(el_file_form *form, const char *path, el_task_kind kind, el_line text)
{
    form->separator = form->form == EL_FORM_TSV ? '\t' : 0;
    return form->form == EL_FORM_CSV ? find_separator(path, kind, text, &form->separator) : EL_OK;
}

static const char *const ENDINGS[EL_NAMINGS] = {[EL_NAMED_TABS] = "tab-separated",
                                                [EL_NAMED_COMMAS] = "comma-separated",
                                                [EL_NAMED_TEXT] = "a table or plain text",
                                                [EL_NAMED_JSON] = "JSON",
                                                [EL_NAMED_COLUMNS] = "a word a line (CoNLL)"};

/* Of a file without rows, where nothing is usual. */
static el_file_form form_when_empty(el_task_kind kind, el_naming ending)
{
    const el_form form = ending == EL_NAMED_JSON                        ? EL_FORM_JSONL
                         : ending == EL_NAMED_COLUMNS || kind == EL_TAG ? EL_FORM_CONLL
                                                                        : EL_FORM_TSV;
    return (el_file_form){form, ending == EL_NAMED_COMMAS ? ',' : '\t'};
}

static el_status form_when_json(el_file_form *found, const char *path, el_task_kind kind, el_naming ending,
                                el_form usual, el_line text)
{
    const bool nothing_asked = usual == EL_FORM_SQUAD && !has(text, "\"question\"");
    found->form = nothing_asked ? usual : form_of_json(kind, text);
    return ending == EL_NAMED_JSON || ending == EL_NAMED_OTHERWISE ? EL_OK
                                                                   : refuse(path, ENDINGS[ending], *found);
}

/* Of rows that are no JSON, beside what the ending says of them. */
static el_status form_when_rows(el_file_form *found, const char *path, const el_form_asked *asked,
                                el_naming ending, el_line text)
{
    if (ending == EL_NAMED_COLUMNS && asked->kind != EL_TAG) {
        *found = (el_file_form){EL_FORM_CONLL, 0};
        return EL_OK;
    }
    const el_status st = form_of_rows(found, path, asked, ending, text);
    if (!st && ending == EL_NAMED_JSON)
        return refuse(path, ENDINGS[EL_NAMED_JSON], *found);
    if (!st && ending == EL_NAMED_COLUMNS && found->form == EL_FORM_LINES)
        found->form = EL_FORM_CONLL;
    return st;
}

el_status el_form_find(el_file_form *found, const char *path, const el_form_asked *asked, el_line text)
{
    const el_task_kind kind = asked->kind;
    const el_form usual = asked->usual;
    const el_naming named = el_naming_of(path, NULL),
                    ending = named == EL_NAMED_LINES ? EL_NAMED_JSON : named; /* the rows say which */
    const el_json_begin begin = el_json_begins(text);
    const bool array_of_others = begin == EL_BEGINS_STRINGS || begin == EL_BEGINS_OTHERS,
               json = begin != EL_BEGINS_NO_JSON && !array_of_others,
               empty = el_scan_blanks(text.text, text.text + text.bytes) == text.text + text.bytes;
    *found = (el_file_form){usual, usual == EL_FORM_TSV ? '\t' : 0};
    if (array_of_others && ending == EL_NAMED_JSON)
        return el_fail(EL_EDATA, "%s: its rows are %s; objects are wanted, whose keys name the columns", path,
                       begin == EL_BEGINS_STRINGS ? "strings" : "arrays");
    if (empty && !usual)
        *found = form_when_empty(kind, ending);
    if (empty)
        return EL_OK;
    if (json)
        return form_when_json(found, path, kind, ending, usual, text);
    const bool suits = ending == EL_NAMED_OTHERWISE || ending == EL_NAMED_TABS;
    if (usual == EL_FORM_TSV && (suits || memchr(first_line(text).text, '\t', first_line(text).bytes)))
        return EL_OK;
    return form_when_rows(found, path, asked, ending, text);
}
