/* columns - see the header */
#include "task/files/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "task/files/names.h"
#include "task/files/parts.h"
#include "task/files/survey.h"

typedef struct {
    el_table *table;
    const char *path;
    const el_wanted *wanted;
    el_survey survey;
    bool named;             /* by a header or by JSON */
    int text[2], label, id; /* places from 0; -1: none */
} finder;

static el_status unclear(const finder *f, const char *what, const char *options)
{
    return el_fail(EL_EDATA, "%s: %s; %s", f->path, what, options);
}

static const char TEXT_OPTION[] = "--text-column says which (and --second-column, of a pair)";
static const char LABEL_OPTION[] = "--label-column says which";
static const char HEADER_OPTION[] = "--header or --no-header says so";

static bool is_number(const char *column)
{
    char *end;
    strtol(column, &end, 10);
    return *column && !*end;
}

static bool is_name(const char *column)
{
    return column && !is_number(column);
}

static bool taken(const finder *f, int column)
{
    return column == f->text[0] || column == f->text[1] || column == f->label || column == f->id;
}

static int rank(const finder *f, el_column_role role, int column)
{
    const char *const name = f->survey.columns[column].name;
    return name ? el_name_rank(f->wanted->kind, role, name) : -1;
}

static int find_name(const finder *f, const char *name)
{
    int same = -1;
    for (int i = f->survey.count - 1; i >= 0; i--) {
        const char *const known = f->survey.columns[i].name;
        if (known && strcmp(known, name) == 0)
            return i;
        same = known && el_name_same(known, name) ? i : same;
    }
    return same;
}

/* ---- the header ---- */

/* Whether the first row has a cell of this name, as long as no header was told. */
static bool first_row_has(const finder *f, const char *name)
{
    for (int i = 0; name && i < f->survey.count; i++) {
        const char *const cell = el_table_peek(f->table, 0, i);
        if (cell && el_name_same(cell, name))
            return true;
    }
    return false;
}

/* The rank of the surest name in the first row, or EL_RANKS. */
static int surest_name(const finder *f)
{
    int best = EL_RANKS;
    for (int i = 0; i < f->survey.count; i++) {
        const char *const cell = el_table_peek(f->table, 0, i);
        for (el_column_role role = EL_ROLE_TEXT; cell && role < EL_ROLES; role++) {
            const int one = el_name_rank(f->wanted->kind, role, cell);
            best = one >= 0 && one < best ? one : best;
        }
    }
    return best;
}

/* By what the first row holds beside the others. */
static el_status look_for_header(const finder *f, bool *header)
{
    const el_first_row first = el_survey_first_row(&f->survey, f->table);
    const int name = surest_name(f);
    const bool training = f->wanted->labelled && !f->wanted->known;
    *header = false;
    if (first.recurs || (f->survey.count == 1 && name > 1))
        return EL_OK;
    *header = name == 0 || (name < EL_RANKS && (first.like_names || f->survey.count == 1)) ||
              (first.like_names && (first.numbers || (first.labels && first.shorter)));
    if (*header || !first.like_names || f->survey.count == 1 || !training || f->wanted->kind == EL_TAG)
        return EL_OK;
    if ((first.labels && !first.longer) || (first.shorter && first.others > 0))
        return unclear(f, "its first row may name the columns, or be an example", HEADER_OPTION);
    return EL_OK;
}

static el_status find_header(const finder *f, bool *header)
{
    const el_columns *const said = f->wanted->said;
    const el_file_layout *const known = f->wanted->known;
    *header = false;
    if (!f->survey.count)
        return EL_OK;
    if (said->header >= 0) {
        *header = said->header == 1;
        return EL_OK;
    }
    if (is_name(said->text[0]) || is_name(said->text[1]) || is_name(said->label) || is_name(said->id)) {
        *header = true;
        return EL_OK;
    }
    if (known && known->header && first_row_has(f, known->text[0])) {
        *header = true;
        return EL_OK;
    }
    return look_for_header(f, header);
}

/* ---- by what was said, and by the layout of the training file ---- */

static el_status take_said(const finder *f, const char *column, int *place)
{
    *place = find_name(f, column);
    if (*place >= 0)
        return EL_OK;
    if (is_number(column) && !el_table_keyed(f->table)) {
        const int number = atoi(column);
        *place = number > 0 ? number - 1 : f->survey.count + number;
        if (*place >= 0 && *place < f->survey.count)
            return EL_OK;
    }
    return el_fail(EL_EDATA, "%s, line %lld: there is no column %s%s%s", f->path,
                   (long long)f->survey.first_line, is_number(column) ? "" : "\"", column,
                   is_number(column) ? "" : "\"");
}

/* A column of the training file's, by name; by number only where nothing had names. */
static int known_place(const finder *f, const char *column)
{
    if (!column)
        return -1;
    const int place = find_name(f, column);
    if (place >= 0 || f->named || !is_number(column))
        return place;
    const int number = atoi(column);
    return number > 0 && number <= f->survey.count ? number - 1 : -1;
}

static bool holds_one_text(const finder *f)
{
    return !f->named && f->survey.count == 1 && !f->wanted->known->text[1];
}

/* Without names a column is where it was only in rows as wide as those that were learned from, or without a label at
 * their end. */
static el_status check_width(const finder *f)
{
    const el_file_layout *const known = f->wanted->known;
    const int width = known->width, count = f->survey.count;
    const bool label_last = known->label && atoi(known->label) == width;
    if (f->named || !width || count == width || count == 1 || (label_last && count == width - 1))
        return EL_OK;
    return el_fail(
        EL_EDATA,
        "%s: its rows have %d columns and no header, where those that the model learned from had %d; %s",
        f->path, count, width, TEXT_OPTION);
}

static el_status take_known(finder *f)
{
    const el_file_layout *const known = f->wanted->known;
    const bool numbers = !is_name(known->text[0]);
    if (numbers && (f->named || known->file.form == EL_FORM_CONLL))
        return EL_OK; /* names tell more than the places of a file without, and a word's columns are no sentence's */
    const el_status st = numbers ? check_width(f) : EL_OK;
    if (st)
        return st;
    for (int i = 0; i < 2; i++) {
        f->text[i] = known_place(f, known->text[i]);
        if (i == 0 && f->text[i] < 0 && holds_one_text(f))
            f->text[i] = 0;
        if (known->text[i] && f->text[i] < 0)
            return el_fail(EL_EDATA,
                           "%s, line %lld: there is no column %s%s%s, which the model learned from%s",
                           f->path, (long long)f->survey.first_line, numbers ? "" : "\"", known->text[i],
                           numbers ? "" : "\"", f->named ? "" : " (and no header that names one)");
    }
    if (f->label < 0 && !(f->survey.count == 1 && f->text[0] == 0))
        f->label = known_place(f, known->label);
    if (f->id < 0)
        f->id = known_place(f, known->id);
    return EL_OK;
}

/* ---- by name ---- */

/* The one column whose name is the surest in a role; several of them are EL_EDATA. */
static el_status take_named(const finder *f, el_column_role role, const char *what, const char *option,
                            int *place)
{
    const bool scores = f->wanted->kind == EL_REGRESS && role == EL_ROLE_LABEL;
    int best = EL_RANKS, found = -1, other = -1;
    for (int empty = 0; empty < 2 && found < 0;
         empty++) /* one without anything in it only where there is no other */
        for (int i = 0; i < f->survey.count; i++) {
            const int one = taken(f, i) ? -1 : rank(f, role, i);
            const el_survey_column *const c = &f->survey.columns[i];
            if (one < 0 || (c->filled == 0) != empty || (scores && !c->numbers && !empty))
                continue;
            if (one < best)
                best = one, found = i, other = -1;
            else if (one == best)
                other = other < 0 ? i : other;
        }
    if (other >= 0 && role == EL_ROLE_LABEL) { /* SNLI's files have each judge's label beside it */
        const int gold = find_name(f, "gold_label");
        if (gold >= 0)
            found = gold, other = -1;
    }
    *place = found;
    if (other < 0 || role == EL_ROLE_ID)
        return EL_OK;
    char sentence[256];
    snprintf(sentence, sizeof sentence, "both column \"%.60s\" and column \"%.60s\" may be the %s",
             f->survey.columns[found].name, f->survey.columns[other].name, what);
    return unclear(f, sentence, option);
}

static el_status take_pair(finder *f)
{
    int pairs = 0;
    for (int a = 0; a < f->survey.count; a++)
        for (int b = 0; b < f->survey.count; b++)
            if (!taken(f, a) && !taken(f, b) && f->survey.columns[a].name && f->survey.columns[b].name &&
                el_name_pair(f->survey.columns[a].name, f->survey.columns[b].name)) {
                f->text[0] = a, f->text[1] = b;
                pairs++;
            }
    return pairs < 2 ? EL_OK : unclear(f, "there is more than one pair of texts", TEXT_OPTION);
}

static el_status take_names(finder *f, bool text_open)
{
    const el_task_kind kind = f->wanted->kind;
    el_status st = EL_OK;
    if (text_open && f->text[0] < 0 && kind != EL_TAG && kind != EL_SPAN)
        st = take_pair(f);
    if (!st && text_open && f->text[0] < 0)
        st = take_named(f, EL_ROLE_TEXT,
                        kind == EL_TAG    ? "words"
                        : kind == EL_SPAN ? "question"
                                          : "text",
                        TEXT_OPTION, &f->text[0]);
    if (!st && kind == EL_SPAN && f->text[1] < 0)
        st = take_named(f, EL_ROLE_SECOND, "context", "--second-column says which", &f->text[1]);
    if (!st && f->label < 0)
        st = take_named(f, EL_ROLE_LABEL,
                        kind == EL_TAG    ? "tags"
                        : kind == EL_SPAN ? "answers"
                                          : "label",
                        LABEL_OPTION, &f->label);
    if (!st && f->id < 0)
        st = take_named(f, EL_ROLE_ID, "id", "", &f->id);
    return st;
}

/* ---- by what the columns hold ---- */

static bool is_free(const finder *f, int column)
{
    const char *const name = f->survey.columns[column].name;
    if (name && el_table_keyed(f->table) && strchr(name, '.')) /* within an object: nobody means it unsaid */
        return false;
    return !taken(f, column) && f->survey.columns[column].filled && rank(f, EL_ROLE_ID, column) < 0;
}

static bool may_be_label(const finder *f, int column)
{
    const el_survey_column *const c = &f->survey.columns[column];
    return f->wanted->kind == EL_REGRESS ? c->numbers : c->repeats && !c->long_texts;
}

/* The one free column that `is`; -1 none, -2 several. */
typedef bool column_test(const finder *f, int column);
static int only_one(const finder *f, column_test *is)
{
    int found = -1;
    for (int i = 0; i < f->survey.count; i++)
        if (is_free(f, i) && (!is || is(f, i)))
            found = found == -1 ? i : -2;
    return found;
}

static bool holds_texts(const finder *f, int column)
{
    return f->survey.columns[column].long_texts;
}

static bool no_label(const finder *f, int column)
{
    return !may_be_label(f, column) && rank(f, EL_ROLE_LABEL, column) < 0;
}

/* What the training file calls the label is not guessed in another. */
static bool knows_label(const finder *f)
{
    return f->wanted->known && is_name(f->wanted->known->label);
}

static el_status fill_label(finder *f)
{
    if (knows_label(f))
        return EL_OK;
    int found = only_one(f, may_be_label);
    if (found == -1)
        found = only_one(f, NULL);
    if (found == -2 && f->wanted->labelled)
        return unclear(f, "no column is called the label, and more than one may be it", LABEL_OPTION);
    f->label = found < 0 ? -1 : found;
    return EL_OK;
}

static el_status fill_text(finder *f)
{
    static column_test *const TESTS[] = {NULL, no_label, holds_texts};
    for (size_t i = 0; i < sizeof TESTS / sizeof *TESTS && f->text[0] < 0; i++) {
        const int found = only_one(f, TESTS[i]);
        f->text[0] = found < 0 ? -1 : found;
    }
    if (f->text[0] >= 0)
        return EL_OK;
    return only_one(f, NULL) == -2
               ? unclear(f, "no column is called the text, and more than one may be it", TEXT_OPTION)
               : unclear(f, "no column is the text", TEXT_OPTION);
}

/* Where names tell columns, and some role has none of its names. */
static el_status fill_named(finder *f, bool columns_are_labels)
{
    const bool label_first = f->text[0] < 0 && f->label < 0 && f->wanted->labelled && !columns_are_labels;
    el_status st = EL_OK;
    if (label_first && f->wanted->kind <= EL_MULTILABEL)
        st = fill_label(f);
    if (!st && f->text[0] < 0)
        st = f->wanted->kind <= EL_MULTILABEL ? fill_text(f) : EL_OK;
    if (!st && f->label < 0 && f->wanted->labelled && !columns_are_labels && f->wanted->kind <= EL_MULTILABEL)
        st = fill_label(f);
    return st;
}

/* Without names the first column is the text and the last the label, after ids; what else there is nobody can tell. */
static el_status fill_unnamed(finder *f, bool text_open)
{
    const int columns = f->survey.count, needed = f->wanted->labelled ? 2 : 1;
    const el_task_kind kind = f->wanted->kind;
    int first = 0;
    if (text_open && f->text[0] < 0 && columns > needed && f->survey.columns[0].counts && f->label != 0 &&
        kind != EL_SPAN) {
        f->id = f->id < 0 ? 0 : f->id;
        first = 1;
    }
    const bool label_open = f->label < 0;
    if (kind == EL_SPAN) {
        f->text[0] = f->text[0] < 0 ? 0 : f->text[0];
        f->text[1] = f->text[1] < 0 && columns > 1 ? 1 : f->text[1];
        f->label = label_open && columns > 2 ? columns - 1 : f->label;
        return EL_OK;
    }
    if (text_open && f->text[0] < 0 && f->wanted->labelled && label_open && columns - first > 2 &&
        kind <= EL_MULTILABEL) {
        char sentence[128];
        snprintf(sentence, sizeof sentence,
                 "%d columns have no header, and it is not clear which is the text and which the label",
                 columns);
        return unclear(f, sentence, "--text-column and --label-column say so, or --header");
    }
    if (f->text[0] < 0)
        f->text[0] = f->label == first && columns > first + 1 ? first + 1 : first < columns ? first : 0;
    if (label_open && columns > 1 && columns - 1 != f->text[0] && columns - 1 != f->text[1])
        f->label = columns - 1;
    const bool swap = text_open && label_open && f->wanted->labelled && f->label == first + 1 &&
                      columns == first + 2 && kind <= EL_REGRESS && may_be_label(f, first) &&
                      !may_be_label(f, first + 1) && f->survey.columns[first + 1].filled > 3;
    if (swap)
        f->text[0] = first + 1, f->label = first;
    return EL_OK;
}

/* ---- the layout ---- */

static el_status put_name(const finder *f, int column, char **name)
{
    char number[16];
    snprintf(number, sizeof number, "%d", column + 1);
    const char *const known = column < 0 ? NULL : f->survey.columns[column].name;
    *name = column < 0 ? NULL : strdup(known ? known : number);
    return column < 0 || *name ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory", f->path);
}

/* Columns of zeros and ones that nothing else is made of; where labels are known, theirs. */
static el_status put_label_columns(finder *f, el_file_layout *l)
{
    const el_file_layout *const known = f->wanted->known;
    l->labels = calloc((size_t)f->survey.count + 1, sizeof *l->labels);
    el_status st = l->labels ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory", f->path);
    for (int i = 0; !st && i < f->survey.count; i++) {
        bool is = f->survey.columns[i].truths && !taken(f, i);
        for (int k = 0; known && k < known->label_count; k++)
            is = k == 0 ? find_name(f, known->labels[k]) == i : is || find_name(f, known->labels[k]) == i;
        if (is)
            st = put_name(f, i, &l->labels[l->label_count++]);
    }
    l->parts = EL_PARTS_COLUMNS;
    for (int k = 0; !st && known && f->wanted->labelled && l->label_count && k < known->label_count; k++)
        if (find_name(f, known->labels[k]) < 0)
            st = el_fail(EL_EDATA, "%s: there is no column \"%s\", a label that the model learned", f->path,
                         known->labels[k]);
    return st;
}

static int truth_columns(const finder *f)
{
    int count = 0;
    for (int i = 0; i < f->survey.count; i++)
        count += f->survey.columns[i].truths && !(taken(f, i) && i != f->label);
    return count;
}

static el_status fill_layout(finder *f, bool columns_are_labels, el_file_layout *l)
{
    el_status st = put_name(f, f->text[0], &l->text[0]);
    if (!st)
        st = put_name(f, f->text[1], &l->text[1]);
    if (!st)
        st = put_name(f, f->id, &l->id);
    if (st)
        return st;
    if (columns_are_labels)
        return put_label_columns(f, l);
    l->width = f->named ? 0 : f->survey.count;
    st = put_name(f, f->label, &l->label);
    l->parts = f->wanted->kind == EL_TAG ? EL_PARTS_BLANKS : EL_PARTS_ARRAY;
    if (!st && f->wanted->kind == EL_MULTILABEL && f->label >= 0)
        st = el_parts_find(f->table, f->path, f->survey.columns[f->label].name, f->label, &l->parts);
    return st;
}

static bool is_label(const el_file_layout *l, const char *name)
{
    for (int i = 0; i < l->label_count; i++)
        if (strcmp(l->labels[i], name) == 0)
            return true;
    return false;
}

/* Named columns that nobody asked for and nothing is learned from: one of them may have been meant. */
static void say_unused(const finder *f, const el_file_layout *l)
{
    enum { SHOWN = 5 };
    char names[256] = "";
    int unused = 0;
    if (!f->named || !f->wanted->labelled || f->wanted->known || f->wanted->said->text[0] ||
        f->wanted->kind == EL_SPAN) /* whose answers have columns that are no roles */
        return;
    for (int i = 0; i < f->survey.count; i++) {
        const char *const name = f->survey.columns[i].name;
        const size_t used = strlen(names);
        if (!is_free(f, i) || !name || !*name || is_label(l, name))
            continue;
        if (unused++ < SHOWN)
            snprintf(names + used, sizeof names - used, "%s\"%.40s\"", used ? ", " : "", name);
    }
    if (unused)
        el_log(EL_LOG_NOTE, "%s: nothing is learned from %s%s", f->path, names,
               unused > SHOWN ? ", ..." : "");
}

/* What a task cannot do without. */
static el_status check_texts(const finder *f)
{
    static const char *const NAMES[EL_TASK_KINDS][2] = {
        [EL_TAG] = {"words"}, [EL_SPAN] = {"question", "context"}};
    const char *const *const names = NAMES[f->wanted->kind];
    for (int i = 0; i < 1 + (f->wanted->kind == EL_SPAN); i++)
        if (f->text[i] < 0)
            return el_fail(EL_EDATA, "%s, line %lld: there is no column %s", f->path,
                           (long long)f->survey.first_line, names[i] ? names[i] : "text");
    return EL_OK;
}

static el_status find_all(finder *f, el_file_layout *l)
{
    const el_columns *const said = f->wanted->said;
    const el_file_layout *const known = f->wanted->known;
    const bool text_open = !said->text[0];
    const char *const roles[] = {said->text[0], said->text[1], said->label, said->id};
    int *const places[] = {&f->text[0], &f->text[1], &f->label, &f->id};
    el_status st = EL_OK;
    for (int i = 0; !st && i < 4; i++) {
        const bool needed = i < 2 || (i == 2 && f->wanted->labelled);
        if (roles[i] && (st = take_said(f, roles[i], places[i])) && !needed) {
            st = EL_OK;
            *places[i] = -1;
        }
    }
    if (!st && known && text_open)
        st = take_known(f);
    if (!st && f->named)
        st = take_names(f, text_open);
    const bool columns_are_labels = known ? known->parts == EL_PARTS_COLUMNS
                                          : f->wanted->kind == EL_MULTILABEL && !said->label && f->named &&
                                                truth_columns(f) > 1 &&
                                                (f->label < 0 || f->survey.columns[f->label].truths);
    if (columns_are_labels)
        f->label = -1;
    if (!st)
        st = f->named ? fill_named(f, columns_are_labels) : fill_unnamed(f, text_open);
    if (!st)
        st = check_texts(f);
    if (st)
        return st;
    st = fill_layout(f, columns_are_labels, l);
    if (!st)
        say_unused(f, l);
    if (!st && known)
        l->parts = known->parts;
    return st;
}

/* The first row's columns, or all there are where one is asked for that it lacks: the row may be malformed. */
static int columns_of(const el_table *table, const el_columns *said)
{
    const char *const roles[] = {said->text[0], said->text[1], said->label, said->id};
    const int columns = el_table_columns(table);
    for (int i = 0; i < 4; i++)
        if (roles[i] && is_number(roles[i]) && atoi(roles[i]) > columns)
            return el_table_widest(table);
    return columns;
}

el_status el_columns_find(el_table *table, const char *path, const el_wanted *wanted, el_file_layout *layout)
{
    finder f = {.table = table, .path = path, .wanted = wanted, .text = {-1, -1}, .label = -1, .id = -1};
    const bool json = el_table_keyed(table);
    bool header = false;
    el_status st = el_survey_open(&f.survey, table, columns_of(table, wanted->said), json ? 0 : 1);
    if (!st && !json)
        st = find_header(&f, &header);
    if (!st && !json)
        st = el_survey_settle(&f.survey, table, header);
    f.named = header || json;
    layout->header = header;
    if (!st)
        st = find_all(&f, layout);
    if (!st && header)
        el_table_name_columns(table);
    el_survey_release(&f.survey);
    return st;
}
