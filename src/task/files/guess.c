/* guess - columns by what they hold, where nothing was said and names do not tell; see finder.h */
#include <stdio.h>
#include <string.h>

#include "task/files/finder.h"
#include "task/files/names.h"

static bool may_be_label(const el_finder *f, int column)
{
    const el_survey_column *const c = &f->survey.columns[column];
    return f->kind == EL_REGRESS ? c->mostly_numbers : c->repeats && !c->long_texts;
}

/* The one free column that `is`; -1 none, -2 several. */
typedef bool column_test(const el_finder *f, int column);
static int only_one(const el_finder *f, column_test *is)
{
    int found = -1;
    for (int i = 0; i < f->survey.count; i++)
        if (el_finder_free(f, i) && (!is || is(f, i)))
            found = found == -1 ? i : -2;
    return found;
}

static bool holds_texts(const el_finder *f, int column)
{
    return f->survey.columns[column].long_texts;
}

static bool no_label(const el_finder *f, int column)
{
    return !may_be_label(f, column) && el_finder_rank(f, EL_ROLE_LABEL, column) < 0;
}

/* Of columns that could each be the text, one that most rows lack is the mark of some. */
static bool full_no_label(const el_finder *f, int column)
{
    return !f->survey.columns[column].sparse && no_label(f, column);
}

static bool full_texts(const el_finder *f, int column)
{
    return !f->survey.columns[column].sparse && holds_texts(f, column);
}

/* A column within an object whose own name, or else the object's, is one of the role: nobody can tell which of the keys is
 * meant, or that none is.  -1: there is none. */
static int within_object(const el_finder *f, el_column_role role)
{
    int found = -1;
    for (int i = 0; el_table_keyed(f->table) && i < f->survey.count; i++) {
        const char *const name = f->survey.columns[i].name, *const dot = strchr(name, '.');
        char outer[64];
        if (!dot || el_finder_taken(f, i))
            continue;
        if (el_name_rank(f->kind, role, strrchr(name, '.') + 1) == 0)
            return i;
        snprintf(outer, sizeof outer, "%.*s", (int)(dot - name), name);
        found = found < 0 && el_name_rank(f->kind, role, outer) >= 0 ? i : found;
    }
    return found;
}

static el_status refuse_within(const el_finder *f, int column, const char *what, const char *option)
{
    const char *const name = f->survey.columns[column].name;
    char sentence[256];
    snprintf(sentence, sizeof sentence, "the %s may be within an object, as %.100s is", what, name);
    return el_finder_unclear(f, sentence, option);
}

static el_status fill_label(el_finder *f)
{
    if (f->label_told)
        return EL_OK;
    int found = only_one(f, may_be_label);
    if (found == -1)
        found = only_one(f, NULL);
    const int inner = f->wanted->labels && found != -1 ? within_object(f, EL_ROLE_LABEL) : -1;
    if (inner >= 0)
        return refuse_within(f, inner, "label", EL_LABEL_OPTION);
    if (found == -2 && f->wanted->labels)
        return el_finder_unclear(f, "no column is called the label, and more than one may be it",
                                 EL_LABEL_OPTION);
    f->label = found < 0 ? -1 : found;
    return EL_OK;
}

static el_status fill_text(el_finder *f)
{
    static column_test *const TESTS[] = {NULL, full_no_label, no_label, full_texts, holds_texts};
    const int inner = within_object(f, EL_ROLE_TEXT);
    if (inner >= 0)
        return refuse_within(f, inner, "text", EL_TEXT_OPTION);
    for (size_t i = 0; i < sizeof TESTS / sizeof *TESTS && f->text[0] < 0; i++) {
        const int found = only_one(f, TESTS[i]);
        f->text[0] = found < 0 ? -1 : found;
    }
    if (f->text[0] >= 0)
        return EL_OK;
    return only_one(f, NULL) == -2
               ? el_finder_unclear(f, "no column is called the text, and more than one may be it",
                                   EL_TEXT_OPTION)
               : el_finder_unclear(f, "no column is the text", EL_TEXT_OPTION);
}

/* Beside a text whose name is not the surest, a free column of texts may be the second one, or the one that is meant. */
static el_status check_other_texts(const el_finder *f)
{
    enum { SURE = 1 };
    char sentence[256];
    int other = 0;
    while (other < f->survey.count && !(el_finder_free(f, other) && f->survey.columns[other].sentences))
        other++;
    if (f->wanted->known || f->wanted->columns->text[0] || !f->wanted->labels || f->text[1] >= 0 ||
        other == f->survey.count || el_finder_rank(f, EL_ROLE_TEXT, f->text[0]) <= SURE)
        return EL_OK;
    snprintf(sentence, sizeof sentence,
             "column \"%.60s\" may be the text, and column \"%.60s\" has texts, too",
             f->survey.columns[f->text[0]].name, f->survey.columns[other].name);
    return el_finder_unclear(f, sentence, EL_TEXT_OPTION);
}

/* Where names tell columns, and some role has none of its names.  Where both are open the label is surer, and is looked for
 * once more beside the text. */
static el_status fill_named(el_finder *f, bool columns_are_labels)
{
    const bool label = f->wanted->labels && !columns_are_labels;
    el_status st = EL_OK;
    if (f->kind > EL_MULTILABEL)
        return EL_OK;
    if (label && f->text[0] < 0 && f->label < 0)
        st = fill_label(f);
    if (!st && f->text[0] < 0)
        st = fill_text(f);
    if (!st && label && f->label < 0)
        st = fill_label(f);
    return st ? st : check_other_texts(f);
}

/* A question, its context and its answers, in that order. */
static void fill_question(el_finder *f, bool label_open)
{
    const int columns = f->survey.count;
    f->text[0] = f->text[0] < 0 ? 0 : f->text[0];
    f->text[1] = f->text[1] < 0 && columns > 1 ? 1 : f->text[1];
    f->label = label_open && columns > 2 ? columns - 1 : f->label;
}

static el_status refuse_many(const el_finder *f)
{
    char sentence[128];
    const bool told = f->wanted->columns->header == 0;
    snprintf(sentence, sizeof sentence,
             told ? "%d columns have no header, and it is not clear which is the text and which the label"
                  : "its first row does not look like names of its %d columns, and it is not clear which "
                    "is the text and which the label",
             f->survey.count);
    return el_finder_unclear(f, sentence,
                             told ? "--text-column and --label-column say so"
                                  : "--header says that it names them, or else --text-column and "
                                    "--label-column say which");
}

/* Without names the first column is the text and the last the label, after ids; what else there is nobody can tell. */
static el_status fill_unnamed(el_finder *f, bool text_open)
{
    const int columns = f->survey.count, needed = f->wanted->labels ? 2 : 1;
    const bool label_open = f->label < 0 && !f->label_told;
    const bool both_open = text_open && label_open && f->wanted->labels;
    int first = 0;
    if (f->kind == EL_SPAN) {
        fill_question(f, label_open);
        return EL_OK;
    }
    if (text_open && f->text[0] < 0 && columns > needed && f->survey.columns[0].counts && f->label != 0) {
        f->id = f->id < 0 ? 0 : f->id;
        first = 1;
    }
    if (both_open && f->text[0] < 0 && columns - first > 2 && f->kind <= EL_MULTILABEL)
        return refuse_many(f);
    if (f->text[0] < 0)
        f->text[0] = f->label == first && columns > first + 1 ? first + 1 : first < columns ? first : 0;
    if (label_open && columns > 1 && columns - 1 != f->text[0] && columns - 1 != f->text[1])
        f->label = columns - 1;
    const bool swap = both_open && f->label == first + 1 && columns == first + 2 && f->kind <= EL_REGRESS &&
                      may_be_label(f, first) && !may_be_label(f, first + 1) &&
                      f->survey.columns[first + 1].filled > 3;
    if (swap)
        f->text[0] = first + 1, f->label = first;
    return EL_OK;
}

el_status el_finder_fill(el_finder *f, bool text_open, bool columns_are_labels)
{
    return f->named ? fill_named(f, columns_are_labels) : fill_unnamed(f, text_open);
}
