/* strangers - tables of other programs that are nearly what is wanted: refused by what they are; see finder.h */
#include <stdio.h>
#include <string.h>

#include "task/files/finder.h"

/* ---- R's write.table ---- */

/* How a row is named: R numbers them, and writes names in quotation marks, which CSV's reader takes off. */
typedef struct {
    bool quoted, counted;
} row_name;

static row_name name_of(const char *cell, int row)
{
    const size_t bytes = strlen(cell);
    const bool quoted = bytes > 1 && *cell == '"' && cell[bytes - 1] == '"';
    char number[16];
    snprintf(number, sizeof number, quoted ? "\"%d\"" : "%d", row);
    return (row_name){.quoted = quoted, .counted = strcmp(cell, number) == 0};
}

/* Whether each row but the first has a field more than it, and R's name in front; where ids have a column, numbers are
 * theirs, and a first line of one field may be a text.  Of one row nobody can tell which of the two is wrong. */
static bool names_rows(const el_finder *f)
{
    const int width = el_table_columns(f->table), rows = el_table_ahead(f->table);
    row_name all = {.quoted = true, .counted = true};
    if (rows < 3)
        return false;
    for (int i = 1; i < rows; i++) {
        const char *const last = el_table_peek(f->table, i, width);
        if (!last || !*last || el_table_peek(f->table, i, width + 1))
            return false;
        const row_name one = name_of(el_table_peek(f->table, i, 0), i);
        all.quoted &= one.quoted;
        all.counted &= one.counted;
    }
    if (width == 1)
        return all.quoted && all.counted;
    return all.quoted ||
           (all.counted && el_name_rank(f->kind, EL_ROLE_ID, el_table_peek(f->table, 0, 0)) < 0);
}

/* Whether rows that nothing else cuts begin with a quotation mark, and the first has fields in such marks. */
static bool has_blanks_between(const el_finder *f)
{
    const int rows = el_table_ahead(f->table);
    if (el_table_widest(f->table) > 1 || rows < 2 || !strstr(el_table_peek(f->table, 0, 0), "\" \""))
        return false;
    for (int i = 0; i < rows; i++)
        if (*el_table_peek(f->table, i, 0) != '"')
            return false;
    return true;
}

el_status el_finder_check_rows(const el_finder *f)
{
    const el_task_reading *const w = f->wanted;
    if (el_table_keyed(f->table) || w->columns->header == 0)
        return EL_OK;
    if (w->labels == EL_LABELS_NEEDED && has_blanks_between(f))
        return el_fail(EL_EDATA,
                       "%s: its fields stand between blanks, as R writes them, which is not read; "
                       "write.table(..., sep = \"\\t\", row.names = FALSE) writes what is",
                       f->path);
    if (!names_rows(f))
        return EL_OK;
    const bool needs_header = w->labels || w->columns->header == 1 || (w->known && w->known->header);
    return el_fail(EL_EDATA,
                   "%s: its first line has one name less than the rows have columns, as where R names rows; "
                   "write.table(..., row.names = FALSE) leaves those out%s",
                   f->path, needs_header ? "" : ", and --no-header makes a row of the first line");
}

/* ---- spans of characters ---- */

/* "[0, 2, ": what stands behind; NULL: the cell does not begin so. */
static const char *behind_two(const char *cell)
{
    const size_t brackets = strspn(cell, "[(");
    const char *at = cell + brackets;
    for (int number = 0; number < 2; number++) {
        at += strspn(at, " ");
        const size_t digits = strspn(at, "0123456789");
        at += digits;
        at += strspn(at, " ");
        if (!brackets || !digits || *at++ != ',')
            return NULL;
    }
    return at + strspn(at, " ");
}

/* "[0, 2, "PER"]", or a number in the place of "PER" in a list within a list; vectors of several labels may be so. */
static bool is_span(const el_finder *f, const char *cell)
{
    const char *const third = behind_two(cell);
    if (!third || *third == '"' || *third == '\'' || *third == '[')
        return third;
    return f->kind != EL_MULTILABEL && strchr(cell, EL_TABLE_END) &&
           third[strspn(third, "0123456789")] == ']';
}

/* Whether the first list that is not empty is one of spans, as doccano has it. */
static bool holds_spans(const el_finder *f, int column)
{
    for (int i = 0; column >= 0 && i < el_table_ahead(f->table); i++) {
        const char *const cell = el_table_peek(f->table, i, column);
        if (cell && *cell)
            return is_span(f, cell);
    }
    return false;
}

/* Whether a key within a list says where something begins; Label Studio has its spans deeper. */
static bool names_spans(const char *name)
{
    const char *const key = strrchr(name, '.');
    return key && (strcmp(key, ".start") == 0 || strcmp(key, ".start_offset") == 0 ||
                   strncmp(name, "annotations.result", strlen("annotations.result")) == 0);
}

el_status el_finder_check_spans(const el_finder *f)
{
    const bool tags = f->kind == EL_TAG, open = tags && (f->text[0] < 0 || f->label < 0);
    int found = f->kind != EL_SPAN && holds_spans(f, f->label) ? f->label : -1;
    if (!el_table_keyed(f->table) || !f->wanted->labels)
        return EL_OK;
    for (int i = 0; open && found < 0 && i < f->survey.count; i++)
        if (holds_spans(f, i) || names_spans(f->survey.columns[i].name))
            found = i;
    return found < 0 ? EL_OK
                     : el_fail(EL_EDATA,
                               "%s: its labels are spans of characters (\"%.60s\"), which are not read; "
                               "export CoNLL, a word and its tag a line",
                               f->path, f->survey.columns[found].name);
}
