/* header - whether the first row of a table names its columns; see finder.h */
#include <string.h>

#include "task/files/finder.h"
#include "task/files/names.h"

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

/* The rank of the surest name in the first row, or EL_RANKS. */
static int surest_name(const el_finder *f)
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
static el_status look_for_header(const el_finder *f, bool *header)
{
    const el_first_row first = el_survey_first_row(&f->survey, f->table);
    const int name = surest_name(f);
    const bool training = f->wanted->labelled && !f->wanted->known;
    *header = first.returns && first.like_names && name < EL_RANKS;
    if (first.counts && training)
        return el_finder_unclear(f, "its first row counts the columns, as pandas names them",
                                 EL_HEADER_OPTION);
    if (*header || first.recurs || (f->survey.count == 1 && name > 1))
        return EL_OK;
    *header = name == 0 || (name < EL_RANKS && (first.like_names || f->survey.count == 1)) ||
              (first.like_names && (first.numbers || (first.labels && first.shorter)));
    if (*header || !first.like_names || f->survey.count == 1 || !training || f->wanted->kind == EL_TAG)
        return EL_OK;
    if ((first.labels && !first.longer) || (first.shorter && first.others > 0))
        return el_finder_unclear(f, "its first row may name the columns, or be an example", EL_HEADER_OPTION);
    return EL_OK;
}

el_status el_finder_header(const el_finder *f, bool *header)
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
    if (el_finder_is_name(said->text[0]) || el_finder_is_name(said->text[1]) ||
        el_finder_is_name(said->label) || el_finder_is_name(said->id)) {
        *header = true;
        return EL_OK;
    }
    if (known && known->header && first_row_has(f, known->text[0])) {
        *header = true;
        return EL_OK;
    }
    return look_for_header(f, header);
}
