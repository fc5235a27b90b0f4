/* columns - see the header */
#include "task/files/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "task/files/finder.h"
#include "task/files/parts.h"

el_status el_finder_unclear(const el_finder *f, const char *what, const char *options)
{
    return el_fail(EL_EDATA, "%s: %s; %s", f->path, what, options);
}

const char EL_TEXT_OPTION[] = "--text-column says which (and --second-column, of a pair)";
const char EL_LABEL_OPTION[] = "--label-column says which";
const char EL_HEADER_OPTION[] = "--header or --no-header says so";

bool el_finder_taken(const el_finder *f, int column)
{
    bool taken = false;
    for (el_column_role role = 0; role < EL_ROLES; role++)
        taken |= column == f->by_role[role];
    return taken;
}

/* Whether a column is of an object within the row. */
static bool is_within(const el_finder *f, int column)
{
    const char *const name = column < 0 ? NULL : f->survey.columns[column].name;
    return name && el_table_keyed(f->table) && strchr(name, '.');
}

bool el_finder_free(const el_finder *f, int column)
{
    const char *const name = f->survey.columns[column].name;
    if (is_within(f, column)) /* nobody means it unsaid */
        return false;
    const bool index = name && !*name && f->survey.columns[column].counts; /* as pandas writes it */
    return !el_finder_taken(f, column) && f->survey.columns[column].filled && !index &&
           !(name && el_name_of_sentences(name)) && el_finder_rank(f, EL_ROLE_ID, column) < 0;
}

int el_finder_rank(const el_finder *f, el_column_role role, int column)
{
    const el_survey_column *const c = &f->survey.columns[column];
    const int rank = c->name ? el_name_rank(f->kind, role, c->name) : -1;
    const bool counts = role == EL_ROLE_LABEL && f->kind != EL_REGRESS && c->counts;
    if (role == EL_ROLE_START && rank >= 0 && is_within(f, column) != is_within(f, f->label))
        return -1;                                     /* it stands beside the answers */
    return counts && rank == EL_RANKS - 1 ? -1 : rank; /* "target_id" that is another in each row */
}

/* The column of that name, or one that is the same but for case and joints; -1: there is none. */
static int column_named(const el_finder *f, const char *name)
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

/* What says which column has a role. */
static const char *option_of(const el_finder *f, el_column_role role)
{
    static const char *const OPTIONS[] = {EL_TEXT_OPTION, "--second-column says which", EL_LABEL_OPTION};
    return role == EL_ROLE_TEXT && f->kind == EL_TAG ? "--text-column says which" : OPTIONS[role];
}

/* The layout has names, and a name says which column only where no other one has it. */
static el_status check_one(const el_finder *f, int column)
{
    const char *const name = column >= 0 ? f->survey.columns[column].name : NULL;
    for (int i = 0; name && i < f->survey.count; i++)
        if (i != column && f->survey.columns[i].name && strcmp(f->survey.columns[i].name, name) == 0)
            return el_fail(EL_EDATA, "%s, line %lld: columns %d and %d are both called \"%s\"", f->path,
                           (long long)f->survey.first_line, (column < i ? column : i) + 1,
                           (column < i ? i : column) + 1, name);
    return EL_OK;
}

/* ---- by what was said, and by the layout of the training file ---- */

static el_status take_said(const el_finder *f, const char *column, int *place)
{
    int number;
    *place = column_named(f, column);
    if (*place >= 0)
        return EL_OK;
    if (!el_table_keyed(f->table) && el_column_number(column, &number)) {
        *place = number > 0 ? number - 1 : f->survey.count + number;
        if (*place >= 0 && *place < f->survey.count)
            return EL_OK;
    }
    return el_fail(EL_EDATA, "%s, line %lld: there is no column %s%s%s", f->path,
                   (long long)f->survey.first_line, el_column_quote(column), column, el_column_quote(column));
}

/* A column of the training file's, by name; by number only where nothing had names. */
static int known_place(const el_finder *f, const char *column)
{
    if (!column)
        return -1;
    int number;
    const int place = column_named(f, column);
    if (place >= 0 || f->named || !el_column_number(column, &number))
        return place;
    return number > 0 && number <= f->survey.count ? number - 1 : -1;
}

static bool holds_one_text(const el_finder *f)
{
    return !f->named && f->survey.count == 1 && !f->wanted->known->text[1];
}

/* Without names a column is where it was only in rows as wide as those that were learned from, or without a label at
 * their end. */
static el_status check_width(const el_finder *f)
{
    const el_file_layout *const known = f->wanted->known;
    const int width = known->width, count = f->survey.count;
    int label;
    const bool label_last = el_column_number(known->label, &label) && label == width;
    if (f->named || !width || count == width || count == 1 || (label_last && count == width - 1))
        return EL_OK;
    return el_fail(
        EL_EDATA,
        "%s: its rows have %d columns and no header, where those that the model learned from had %d; %s",
        f->path, count, width, EL_TEXT_OPTION);
}

/* Nor is it there where the first text's place counts the rows, and texts are elsewhere. */
static el_status check_counted(const el_finder *f)
{
    const int text = f->text[0];
    bool texts = false;
    for (int i = 0; i < f->survey.count; i++)
        texts |= i != text && f->survey.columns[i].long_texts;
    if (f->named || !f->survey.columns[text].counts || !texts)
        return EL_OK;
    return el_fail(EL_EDATA,
                   "%s: its column %d counts the rows, and the model learned texts from there; --text-column "
                   "says where they are",
                   f->path, text + 1);
}

static el_status refuse_lack(const el_finder *f, el_column_role role)
{
    const char *const column = f->wanted->known->by_role[role];
    return el_fail(EL_EDATA, "%s, line %lld: there is no column %s%s%s, which the model learned from%s; %s",
                   f->path, (long long)f->survey.first_line, el_column_quote(column), column,
                   el_column_quote(column), f->named ? "" : " (and no header that names one)",
                   option_of(f, role));
}

static el_status take_known_texts(el_finder *f)
{
    const el_file_layout *const known = f->wanted->known;
    for (int i = 0; i < 2 && !f->wanted->columns->text[i]; i++) {
        f->text[i] = known_place(f, known->text[i]);
        if (i == 0 && f->text[i] < 0 && holds_one_text(f))
            f->text[i] = 0;
        if (known->text[i] && f->text[i] < 0)
            return refuse_lack(f, (el_column_role)i);
    }
    return check_counted(f);
}

/* The column of that name or number, unless it is something else already. */
static int known_and_free(const el_finder *f, const char *column)
{
    const int place = known_place(f, column);
    return el_finder_taken(f, place) ? -1 : place;
}

static el_status take_known(el_finder *f, bool text_open)
{
    const el_file_layout *const known = f->wanted->known;
    const bool numbers = !el_column_is_name(known->text[0]);
    if (numbers && (!text_open || f->named || known->file.form == EL_FORM_CONLL))
        return EL_OK; /* names tell more than the places of a file without, and a word's columns are no sentence's */
    el_status st = numbers ? check_width(f) : EL_OK;
    if (!st && text_open)
        st = take_known_texts(f);
    if (st)
        return st;
    f->label = f->label < 0 ? known_and_free(f, known->label) : f->label;
    f->label_told |= known->label != NULL;
    f->id = f->id < 0 ? known_and_free(f, known->id) : f->id;
    return EL_OK;
}

/* ---- by name ---- */

/* How much speaks against a column of the right name: nothing, texts where scores are wanted, nothing in it.  Scores of which
 * some are no numbers are scores; the reader says which. */
enum { DOUBTS = 3 };
static int doubt(const el_finder *f, el_column_role role, int column)
{
    const el_survey_column *const c = &f->survey.columns[column];
    const bool score = f->kind == EL_REGRESS && role == EL_ROLE_LABEL;
    return !c->filled ? 2 : score && !c->mostly_numbers ? 1 : 0;
}

/* The one column whose name is the surest in a role, of those with the least doubt; several of them are EL_EDATA, but of what
 * nobody reads. */
static el_status take_named(el_finder *f, el_column_role role)
{
    int best = EL_RANKS, found = -1, other = -1;
    for (int level = 0; level < DOUBTS && found < 0; level++)
        for (int i = 0; i < f->survey.count; i++) {
            const int one = el_finder_taken(f, i) ? -1 : el_finder_rank(f, role, i);
            if (one < 0 || doubt(f, role, i) != level)
                continue;
            if (one < best)
                best = one, found = i, other = -1;
            else if (one == best)
                other = other < 0 ? i : other;
        }
    if (other >= 0 && role == EL_ROLE_LABEL) { /* SNLI's files have each judge's label beside it */
        const int gold = column_named(f, "gold_label");
        if (gold >= 0)
            found = gold, other = -1;
    }
    f->by_role[role] = found;
    if (other < 0 || role >= EL_ROLE_ID || (role == EL_ROLE_LABEL && !f->wanted->labels))
        return EL_OK;
    const el_status st = check_one(f, found);
    if (st)
        return st;
    char sentence[256];
    snprintf(sentence, sizeof sentence, "both column \"%.60s\" and column \"%.60s\" may be the %s",
             f->survey.columns[found].name, f->survey.columns[other].name, el_role_called(f->kind, role));
    return el_finder_unclear(f, sentence, option_of(f, role));
}

static el_status take_pair(el_finder *f)
{
    int pairs = 0;
    for (int a = 0; a < f->survey.count; a++)
        for (int b = 0; b < f->survey.count; b++)
            if (!el_finder_taken(f, a) && !el_finder_taken(f, b) && f->survey.columns[a].name &&
                f->survey.columns[b].name &&
                el_name_pair(f->survey.columns[a].name, f->survey.columns[b].name)) {
                f->text[0] = a, f->text[1] = b;
                pairs++;
            }
    return pairs < 2 ? EL_OK : el_finder_unclear(f, "there is more than one pair of texts", EL_TEXT_OPTION);
}

static el_status take_names(el_finder *f, bool text_open)
{
    const el_task_kind kind = f->kind;
    const bool span = kind == EL_SPAN;
    const EL_BY_ROLE(bool)
        open = {.text = {text_open, span}, .label = !f->label_told, .id = true, .start = span, .mark = span};
    el_status st = EL_OK;
    if (text_open && f->text[0] < 0 && f->text[1] < 0 && kind != EL_TAG && !span)
        st = take_pair(f);
    for (el_column_role role = 0; !st && role < EL_ROLES; role++)
        if (open.by_role[role] && f->by_role[role] < 0)
            st = take_named(f, role);
    return st;
}

/* ---- the layout ---- */

/* Which of several columns is the label matters to nobody who reads none. */
static el_status put_name(const el_finder *f, int column, bool read, char **name)
{
    char number[16];
    const el_status st = read ? check_one(f, column) : EL_OK;
    if (st)
        return st;
    snprintf(number, sizeof number, "%d", column + 1);
    const char *const known = column < 0 ? NULL : f->survey.columns[column].name;
    *name = column < 0 ? NULL : strdup(known ? known : number);
    return column < 0 || *name ? EL_OK : el_no_memory(f->path);
}

/* Columns of zeros and ones that nothing else is made of; where labels are known, theirs. */
static el_status put_label_columns(el_finder *f, el_file_layout *l)
{
    const el_file_layout *const known = f->wanted->known;
    if (!known && el_table_crowded(f->table))
        return el_fail(EL_EDATA,
                       "%s: more than %d keys, too many for a key a label; a table of CSV has any number",
                       f->path, EL_TABLE_KEYS);
    l->labels = calloc((size_t)f->survey.count + 1, sizeof *l->labels);
    el_status st = l->labels ? EL_OK : el_no_memory(f->path);
    for (int i = 0; !st && i < f->survey.count; i++) {
        bool is = f->survey.columns[i].truths && !el_finder_taken(f, i);
        for (int k = 0; known && k < known->label_count; k++)
            is = k == 0 ? column_named(f, known->labels[k]) == i
                        : is || column_named(f, known->labels[k]) == i;
        if (is)
            st = put_name(f, i, f->wanted->labels, &l->labels[l->label_count++]);
        else if (!known && f->survey.columns[i].mostly_truths && el_finder_free(f, i))
            st = el_fail(EL_EDATA,
                         "%s: column %s is mostly zeros and ones, as a label's is, but not all of it is",
                         f->path, f->survey.columns[i].name);
    }
    l->parts = EL_PARTS_COLUMNS;
    for (int k = 0; !st && known && f->wanted->labels && l->label_count && k < known->label_count; k++)
        if (column_named(f, known->labels[k]) < 0)
            st = el_fail(EL_EDATA, "%s: there is no column \"%s\", a label that the model learned", f->path,
                         known->labels[k]);
    return st;
}

static int truth_columns(const el_finder *f)
{
    int count = 0;
    for (int i = 0; i < f->survey.count; i++)
        count += f->survey.columns[i].truths && !(el_finder_taken(f, i) && i != f->label);
    return count;
}

static el_status fill_layout(el_finder *f, bool columns_are_labels, el_file_layout *l)
{
    el_status st = EL_OK;
    if (columns_are_labels)
        f->label = -1;
    for (el_column_role role = 0; !st && role < EL_ROLES; role++)
        st = put_name(f, f->by_role[role], role != EL_ROLE_LABEL || f->wanted->labels, &l->by_role[role]);
    if (st || columns_are_labels)
        return st ? st : put_label_columns(f, l);
    l->width = f->named ? 0 : f->survey.count;
    l->parts = f->kind == EL_TAG ? EL_PARTS_BLANKS : EL_PARTS_ARRAY;
    if (f->kind == EL_MULTILABEL && f->wanted->labels && f->label >= 0)
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
static void say_unused(const el_finder *f, const el_file_layout *l)
{
    enum { SHOWN = 5 };
    char names[256] = "";
    int unused = 0;
    if (!f->named || !f->wanted->labels || f->wanted->known || f->wanted->columns->text[0] ||
        f->kind == EL_SPAN) /* whose answers have columns that are no roles */
        return;
    for (int i = 0; i < f->survey.count; i++) {
        const char *const name = f->survey.columns[i].name;
        const size_t used = strlen(names);
        if (!el_finder_free(f, i) || !name || !*name || is_label(l, name))
            continue;
        if (unused++ < SHOWN)
            snprintf(names + used, sizeof names - used, "%s\"%.40s\"", used ? ", " : "", name);
    }
    if (unused)
        el_log(EL_LOG_NOTE, "%s: nothing is learned from %s%s", f->path, names,
               unused > SHOWN ? ", ..." : "");
}

/* A column of another name, or place, than the one that was learned from. */
static void say_other(const el_finder *f, el_column_role role, const char *column, const char *known)
{
    if (!column || !known || el_name_same(column, known))
        return;
    el_log(EL_LOG_NOTE, "%s: %s read from column %s%.40s%s; the model learned from column %s%.40s%s", f->path,
           el_role_called(f->kind, role), el_column_quote(column), column, el_column_quote(column),
           el_column_quote(known), known, el_column_quote(known));
}

/* Of a file that is only asked the texts are found by the model's names, unless it has numbers and the file names. */
static void say_others(const el_finder *f, const el_file_layout *l)
{
    const el_file_layout *const known = f->wanted->known;
    const bool found = f->named && !el_column_is_name(known->text[0]) && !f->wanted->columns->text[0];
    if (known->file.form == EL_FORM_CONLL) /* whose columns are a word's */
        return;
    for (el_column_role role = 0; role <= EL_ROLE_LABEL; role++)
        if (f->wanted->labels || (found && role != EL_ROLE_LABEL))
            say_other(f, role, l->by_role[role], known->by_role[role]);
}

/* What a task cannot do without. */
static el_status check_texts(const el_finder *f)
{
    for (el_column_role role = 0; role <= (f->kind == EL_SPAN ? EL_ROLE_SECOND : EL_ROLE_TEXT); role++)
        if (f->by_role[role] < 0)
            return el_fail(EL_EDATA, "%s: no column is said or known to hold the %s; %s", f->path,
                           el_role_called(f->kind, role), option_of(f, role));
    return EL_OK;
}

/* The label of a model that learned one is to be scored, whatever else might be a label. */
static el_status check_label(const el_finder *f)
{
    const el_file_layout *const known = f->wanted->known;
    if (!f->wanted->labels || !known || !f->label_told || f->label >= 0)
        return EL_OK;
    if (f->wanted->labels == EL_LABELS_NEEDED)
        return refuse_lack(f, EL_ROLE_LABEL);
    for (int i = 0; i < f->survey.count; i++)
        if (el_finder_free(f, i) && el_finder_rank(f, EL_ROLE_LABEL, i) >= 0) {
            el_log(EL_LOG_WARNING, "%s: there is no column \"%s\", and \"%s\" is not taken for it", f->path,
                   known->label, f->survey.columns[i].name);
            break;
        }
    return EL_OK;
}

/* Those that were said.  Without ids, and without labels that nobody needs, a file is read all the same. */
static el_status take_all_said(el_finder *f)
{
    const el_columns *const said = f->wanted->columns;
    f->label_told = said->label != NULL;
    for (el_column_role role = 0; role < EL_SAID_ROLES; role++) {
        const bool needed =
            role < EL_ROLE_LABEL || (role == EL_ROLE_LABEL && f->wanted->labels == EL_LABELS_NEEDED);
        const el_status st =
            said->by_role[role] ? take_said(f, said->by_role[role], &f->by_role[role]) : EL_OK;
        if (st && needed)
            return st;
        if (st)
            f->by_role[role] = -1;
        if (st && role == EL_ROLE_ID)
            el_log(EL_LOG_WARNING, "%s; its examples are numbered", el_error());
    }
    return EL_OK;
}

/* Whether each label has a column of zeros and ones. */
static bool are_columns_labels(const el_finder *f)
{
    const el_file_layout *const known = f->wanted->known;
    if (known)
        return known->parts == EL_PARTS_COLUMNS;
    return f->kind == EL_MULTILABEL && !f->label_told && f->named && truth_columns(f) > 1 &&
           (f->label < 0 || f->survey.columns[f->label].truths);
}

static el_status find_all(el_finder *f, el_file_layout *l)
{
    const el_file_layout *const known = f->wanted->known;
    const bool text_open = !f->wanted->columns->text[0];
    el_status st = take_all_said(f);
    if (!st && known)
        st = take_known(f, text_open);
    if (!st && f->named)
        st = take_names(f, text_open);
    const bool columns_are_labels = are_columns_labels(f);
    if (columns_are_labels)
        f->label = -1;
    if (!st)
        st = el_finder_fill(f, text_open, columns_are_labels);
    if (!st && text_open && f->text[0] >= 0 && f->text[0] == f->text[1])
        st = el_finder_unclear(f, "the second text is said, and no other column is the text", EL_TEXT_OPTION);
    if (!st)
        st = el_finder_check_spans(f);
    if (!st)
        st = check_texts(f);
    if (!st && !columns_are_labels)
        st = check_label(f);
    if (st)
        return st;
    st = fill_layout(f, columns_are_labels, l);
    if (!st)
        say_unused(f, l);
    if (!st && known)
        say_others(f, l);
    if (!st && known)
        l->parts = known->parts;
    return st;
}

/* The first row's columns, or all there are where one is asked for that it lacks: the row may be malformed. */
static int columns_of(const el_table *table, const el_columns *said)
{
    const int columns = el_table_columns(table);
    int number;
    for (el_column_role role = 0; role < EL_SAID_ROLES; role++)
        if (el_column_number(said->by_role[role], &number) && number > columns)
            return el_table_widest(table);
    return columns;
}

el_status el_columns_find(el_table *table, const char *path, el_task_kind kind, const el_task_reading *wanted,
                          el_file_layout *layout)
{
    el_finder f = {
        .table = table, .path = path, .kind = kind, .wanted = wanted, .by_role = {-1, -1, -1, -1, -1, -1}};
    const bool json = el_table_keyed(table);
    bool header = false;
    el_status st = el_survey_open(&f.survey, table, columns_of(table, wanted->columns), json ? 0 : 1);
    if (!st)
        st = el_finder_check_rows(&f);
    if (!st && !json)
        st = el_finder_header(&f, &header);
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
