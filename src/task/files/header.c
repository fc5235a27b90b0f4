/* header - whether the first row of a table names its columns; see finder.h */
#include "base/log.h"
#include "task/files/finder.h"
#include "task/files/names.h"
#include "text/naming.h"

/* Whether the first row has a cell of this name, as long as no header was told. */
static bool first_row_has(const el_finder *f, const char *name)
{
    for (int i = 0; name && i < f->survey.count; i++) {
        const char *const cell = el_table_peek(f->table, 0, i);
        if (cell && el_name_same(cell, name))
            return true;
    }
    return false;
}

/* The names in the first row: the rank of the surest one in each role, or EL_RANKS; and of how many roles there are any. */
typedef struct {
    int ranks[EL_SAID_ROLES], surest, roles;
} first_names;

static first_names look_for_names(const el_finder *f)
{
    first_names n = {.surest = EL_RANKS};
    for (el_column_role role = 0; role < EL_SAID_ROLES; role++) {
        n.ranks[role] = EL_RANKS;
        for (int i = 0; i < f->survey.count; i++) {
            const char *const cell = el_table_peek(f->table, 0, i);
            const int one = cell ? el_name_rank(f->kind, role, cell) : -1;
            n.ranks[role] = one >= 0 && one < n.ranks[role] ? one : n.ranks[role];
        }
        n.surest = n.ranks[role] < n.surest ? n.ranks[role] : n.surest;
        n.roles += n.ranks[role] < EL_RANKS;
    }
    return n;
}

/* Whether the first row names columns even if one of its cells comes again: a row of texts has not the names of two roles. */
static bool surely_names(const first_names *n, const el_first_row *first)
{
    return (n->ranks[EL_ROLE_TEXT] == 0 && n->ranks[EL_ROLE_LABEL] == 0) ||
           (n->roles > 1 && first->like_names);
}

static el_status either(const el_finder *f)
{
    return el_finder_unclear(f, "its first row may name the columns, or be an example", EL_HEADER_OPTION);
}

/* By what the first row holds beside the others. */
static el_status look_for_header(const el_finder *f, bool *header)
{
    const el_first_row first = el_survey_first_row(&f->survey, f->table);
    const first_names names = look_for_names(f);
    const int name = names.surest;
    const bool training = f->wanted->labels && !f->wanted->known;
    *header = surely_names(&names, &first) || (first.returns && first.like_names && name < EL_RANKS);
    if (first.counts && training)
        return el_finder_unclear(f, "its first row counts the columns, as pandas names them",
                                 EL_HEADER_OPTION);
    if (*header || (f->survey.count == 1 && name > 1))
        return EL_OK;
    *header =
        !first.recurs && (name == 0 || (name < EL_RANKS && (first.like_names || f->survey.count == 1)) ||
                          (first.like_names && (first.numbers || (first.labels && first.shorter))));
    if (*header)
        return EL_OK;
    if (names.ranks[EL_ROLE_TEXT] < EL_RANKS && names.ranks[EL_ROLE_LABEL] < EL_RANKS)
        return either(f); /* a cell beside the names is empty, or one of them comes again */
    if (first.recurs || !first.like_names || f->survey.count == 1 || !training || f->kind == EL_TAG)
        return EL_OK;
    if ((first.labels && !first.longer) || (first.shorter && first.others > 0))
        return either(f);
    return EL_OK;
}

/* Whether the file may be nothing but a text a line: no ending, nobody's word and no second column make a table of it. */
static bool may_be_lines(const el_finder *f)
{
    const el_naming named = el_naming_of(f->path, NULL);
    return f->survey.count == 1 && !f->wanted->columns->form && named != EL_NAMED_TABS &&
           named != EL_NAMED_COMMAS && f->wanted->labels != EL_LABELS_NEEDED;
}

/* The first of such lines is a text, whatever columns are called, but for the name that was learned from. */
static void leave_line(const el_finder *f, bool known_name, bool *header)
{
    const char *const line = el_table_peek(f->table, 0, 0);
    if (known_name)
        el_log(EL_LOG_NOTE,
               "%s: its first line, \"%s\", is the column's name, as in the training file; --no-header makes "
               "it a text",
               f->path, line);
    else if (*header)
        el_log(EL_LOG_NOTE,
               "%s: its first line, \"%s\", is a text as the others are; --header makes it a column's name",
               f->path, line);
    *header = known_name;
}

el_status el_finder_header(const el_finder *f, bool *header)
{
    const el_columns *const said = f->wanted->columns;
    const el_file_layout *const known = f->wanted->known;
    *header = false;
    if (!f->survey.count)
        return EL_OK;
    if (said->header >= 0) {
        *header = said->header == 1;
        return EL_OK;
    }
    for (el_column_role role = 0; role < EL_SAID_ROLES; role++) {
        const bool needed =
            role < EL_ROLE_LABEL || (role == EL_ROLE_LABEL && f->wanted->labels == EL_LABELS_NEEDED);
        const char *const name = said->by_role[role];
        *header |= el_column_is_name(name) && (needed || first_row_has(f, name));
    }
    if (*header)
        return EL_OK;
    const bool known_name = known && known->header && first_row_has(f, known->text[0]);
    const el_status st = known_name ? EL_OK : look_for_header(f, header);
    *header |= known_name;
    if (!st && may_be_lines(f))
        leave_line(f, known_name, header);
    return st;
}
