/* reading - a task's file into examples, whatever its form */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/plural.h"
#include "base/words.h"
#include "task/files/columns.h"
#include "task/files/describe.h"
#include "task/files/names.h"
#include "task/files/readers.h"
#include "task/files/reading.h"
#include "text/naming.h"

static el_form form_of(const el_task_reader *r)
{
    return r->layout.file.form;
}

bool el_reader_keyed(const el_task_reader *r)
{
    return form_of(r) == EL_FORM_JSON || form_of(r) == EL_FORM_JSONL;
}

static bool is_questions(const el_task_reader *r)
{
    return form_of(r) == EL_FORM_SQUAD || form_of(r) == EL_FORM_MRQA;
}

/* ---- columns ---- */

/* What was said comes before what the task's line says. */
static el_columns merge(const el_columns *base, const el_columns *said)
{
    el_columns c = *base;
    if (!said)
        return c;
    c.form = said->form ? said->form : c.form;
    c.header = said->header >= 0 ? said->header : said->form || said->text[0] || said->label ? -1 : c.header;
    for (el_column_role role = 0; role < EL_SAID_ROLES; role++)
        if (said->by_role[role] ||
            (role == EL_ROLE_SECOND && said->text[0])) /* which is then a single text */
            c.by_role[role] = said->by_role[role];
    return c;
}

/* The table's columns of the roles, but for a label where none is wanted, and of the labels. */
static el_status resolve_columns(el_task_reader *r)
{
    const el_file_layout *const l = &r->layout;
    el_status st = EL_OK;
    for (el_column_role role = 0; !st && role < EL_ROLES; role++) {
        r->by_role[role] = (el_column){0};
        if (l->by_role[role] && (role != EL_ROLE_LABEL || r->labels))
            st = el_table_column(r->table, l->by_role[role], &r->by_role[role]);
    }
    if (st || !l->label_count)
        return st;
    r->label_columns = calloc((size_t)l->label_count, sizeof *r->label_columns);
    st = r->label_columns ? EL_OK : el_no_memory(r->name);
    for (int i = 0; !st && i < l->label_count; i++)
        st = el_table_column(r->table, l->labels[i], &r->label_columns[i]);
    return st;
}

/* Without a label "entailment" and its like are the labels that are left. */
static bool names_inference(const char *label)
{
    static const char *const LABELS[] = {"entailment", "neutral", "contradiction", "not_entailment"};
    for (size_t i = 0; i < sizeof LABELS / sizeof *LABELS; i++)
        if (strcasecmp(label, LABELS[i]) == 0)
            return true;
    return false;
}

/* "-" and -1 stand for no label, where judges did not agree: beside the names, or the numbers 0 to 2, of inference. */
static const char *gap_of(const el_task_reader *r)
{
    bool named = true, numbered = true, two = false;
    const int rows = el_table_ahead(r->table);
    if (!r->text[1].key || !r->label.key || r->task->kind != EL_CLASSIFY)
        return NULL;
    for (int i = r->layout.header; i < rows; i++) {
        const char *const label = el_table_peek_at(r->table, i, r->label);
        if (!label || !*label)
            continue;
        named &= names_inference(label) || strcmp(label, "-") == 0;
        numbered &= (strlen(label) == 1 && *label >= '0' && *label <= '2') || strcmp(label, "-1") == 0;
        two |= strcmp(label, "2") == 0;
    }
    return rows && named ? "-" : rows && numbered && two ? "-1" : NULL;
}

static el_status put_gap(el_task_reader *r)
{
    const char *const gap = r->wanted.known ? r->wanted.known->gap : gap_of(r);
    r->layout.gap = gap ? strdup(gap) : NULL;
    return gap && !r->layout.gap ? el_no_memory(r->name) : EL_OK;
}

/* The column that numbers sentences; NULL: there is none. */
static const char *sentences_of(const el_task_reader *r)
{
    for (int i = 0; i < el_table_columns(r->table); i++)
        if (el_table_name(r->table, i) && el_name_of_sentences(el_table_name(r->table, i)))
            return el_table_name(r->table, i);
    return NULL;
}

/* A table of which every row is one word is no sentences. */
static el_status check_words(el_task_reader *r)
{
    const int rows = el_table_ahead(r->table);
    int first = r->layout.header;
    const char *const sentences = el_reader_keyed(r) ? NULL : sentences_of(r);
    if (r->task->kind != EL_TAG || el_reader_keyed(r) || (!sentences && rows - first < 3))
        return EL_OK;
    for (; first < rows; first++) {
        const char *const words = el_table_peek_at(r->table, first, r->text[0]);
        if (!words || strpbrk(words, " ["))
            return EL_OK;
    }
    if (sentences)
        return el_word_rows_refuse(r->name, sentences);
    return el_fail(EL_EDATA,
                   "%s: every row is one word, and nothing tells where a sentence ends; a word a line "
                   "between tabs, with an empty line behind each sentence, is read",
                   r->name);
}

/* Places of a table without names tell texts from labels only where no text is a label. */
static el_status check_swapped(el_task_reader *r)
{
    const int rows = el_table_ahead(r->table);
    if (!r->wanted.known || r->layout.header || el_reader_keyed(r) || r->task->kind != EL_CLASSIFY ||
        !r->labels || r->said.text[0] || el_table_columns(r->table) < 2)
        return EL_OK;
    for (int i = 0; i < rows; i++) {
        const char *const text = el_table_peek_at(r->table, i, r->text[0]);
        if (!text || el_labels_find(r->labels, text) < 0)
            return EL_OK;
    }
    return el_fail(EL_EDATA,
                   "%s: its column %s holds labels, and the model learned texts from there; --text-column "
                   "says where they are",
                   r->name, r->layout.text[0]);
}

bool el_reader_empty_label(const el_task_reader *r, const char *label)
{
    return !*label || (r->minus_ones && (strcmp(label, "-1") == 0 || strcmp(label, "-1.0") == 0));
}

/* A test file may have a column of labels and none in it. */
static bool has_empty_labels(el_task_reader *r)
{
    const int rows = el_table_ahead(r->table), first = r->layout.header;
    const bool classes = r->task->kind == EL_CLASSIFY;
    if (!r->label.key || (!classes && r->task->kind != EL_REGRESS))
        return false;
    r->minus_ones = classes ? el_labels_find(r->labels, "-1") < 0 && el_labels_find(r->labels, "-1.0") < 0
                            : rows - first > 1;
    for (int i = first; i < rows; i++) {
        const char *const label = el_table_peek_at(r->table, i, r->label);
        if (label && !el_reader_empty_label(r, label))
            return false;
    }
    return true;
}

static void leave_unlabelled(el_task_reader *r)
{
    r->wanted.labels = EL_LABELS_UNREAD;
    r->unlabelled = r->label.key;
    if (r->unlabelled)
        el_log(EL_LOG_NOTE, "%s: its column %s holds no labels", r->name, r->layout.label);
}

/* What was found of a file that is asked alone: which columns, and that the first row names the only one. */
static bool is_to_be_said(const el_task_reader *r)
{
    const bool told = r->said.text[0] || r->said.header == 1 || (r->wanted.known && r->wanted.known->header);
    if (r->wanted.labels)
        return false;
    const bool known =
        r->wanted.known && r->wanted.known->file.form != EL_FORM_CONLL; /* which has no table's */
    return el_table_columns(r->table) > 1 ? !known && !r->said.text[0] : r->layout.header && !told;
}

static el_status resolve(el_task_reader *r)
{
    r->resolved = true;
    el_status st = el_columns_find(r->table, r->name, r->task->kind, &r->wanted, &r->layout);
    if (!st)
        st = resolve_columns(r);
    if (!st)
        st = check_words(r);
    if (!st)
        st = check_swapped(r);
    if (!st && is_to_be_said(r))
        el_describe_columns(&r->layout, r->task->kind, r->name);
    if (!st && r->wanted.labels == EL_LABELS_IF_THERE && !r->layout.label_count &&
        (!r->label.key || has_empty_labels(r)))
        leave_unlabelled(r);
    return st ? st : put_gap(r);
}

/* ---- the reader ---- */

/* The form of a pipe, or a file without an ending, may be the one that was learned from. */
static bool is_as_known(const el_task_reader *r, el_line text)
{
    const el_file_layout *const known = r->wanted.known;
    if (!known || known->file.form != EL_FORM_CSV || !known->header || form_of(r) != EL_FORM_TSV)
        return false;
    const char *const newline = memchr(text.text, '\n', text.bytes);
    const size_t bytes = newline ? (size_t)(newline - text.text) : text.bytes;
    return memmem(text.text, bytes, known->text[0], strlen(known->text[0])) &&
           memchr(text.text, known->file.separator, bytes);
}

/* A task's test files have a header where its others have none: what lacks it is one of the others. */
static const el_columns *columns_of(const el_task *task, const el_columns *of_test, el_line text)
{
    const char *const newline = memchr(text.text, '\n', text.bytes), *const name = of_test->text[0];
    const size_t bytes = newline ? (size_t)(newline - text.text) : text.bytes;
    const bool names = of_test != &task->test_columns || task->columns.header ||
                       memmem(text.text, bytes, name, strlen(name));
    return names ? of_test : &task->columns;
}

/* Whether it is another column than the first, which is all of a plain line. */
static bool beyond_line(const char *column)
{
    int number;
    return column && !(el_column_number(column, &number) && number == 1);
}

/* By what was said, or else by the file's ending and how it begins. */
static el_status decide_form(el_task_reader *r, const el_columns *said, el_form usual, el_line text)
{
    el_file_form *const file = &r->layout.file;
    if (said && said->form) {
        file->form = said->form;
        return el_form_complete(file, r->name, r->task->kind, text);
    }
    const el_form_asked asked = {.kind = r->task->kind,
                                 .usual = usual,
                                 .labelled = r->wanted.labels,
                                 .named = said && el_column_is_name(said->text[0]),
                                 .known = r->wanted.known,
                                 .labels = r->labels};
    const el_status st = el_form_find(file, r->name, &asked, text);
    if (!st && is_as_known(r, text))
        *file = r->wanted.known->file;
    return st;
}

static const el_columns LINES = {.form = EL_FORM_LINES, .header = 0};

/* And which columns were said of a file of that form. */
static el_status find_form(el_task_reader *r, const el_columns *said, const el_columns *of_task,
                           el_lines *lines)
{
    el_line text;
    el_status st = el_lines_look(lines, &text);
    if (st)
        return st;
    of_task = columns_of(r->task, of_task, text);
    st = decide_form(r, said, of_task->form, text);
    static const el_columns OPEN = {.header = -1};
    const bool as_usual = (said && said->form) || !of_task->form || form_of(r) == of_task->form;
    r->said = merge(as_usual ? of_task : &OPEN, said);
    if (st || form_of(r) != EL_FORM_LINES)
        return st;
    r->said = LINES;
    if (said && (beyond_line(said->text[0]) || said->text[1] || said->header == 1))
        return el_fail(
            EL_EUSAGE,
            "%s: is read as plain lines, which have no columns; --text-column, --second-column and "
            "--header are of other forms (--format)",
            r->name);
    if (said && said->id)
        el_log(EL_LOG_WARNING, "%s: is read as plain lines, which have no ids; they are numbered", r->name);
    return EL_OK;
}

/* A file of words or sentences that is asked, and of which nothing but its rows says which of the two it holds. */
static void say_form(const el_task_reader *r, const el_columns *said)
{
    const bool lines = form_of(r) == EL_FORM_LINES, words = form_of(r) == EL_FORM_CONLL;
    if (r->task->kind != EL_TAG || r->wanted.labels || (said && said->form) ||
        el_naming_of(r->path, NULL) == EL_NAMED_COLUMNS || !(lines || (words && r->conll.open)))
        return;
    el_log(EL_LOG_NOTE, "%s: %s; --format %s", r->name, el_form_about(r->layout.file),
           lines ? "conll reads a word a line" : "lines reads a sentence a line");
}

/* What some forms have is of use to one kind of task alone. */
static el_status check_form(const el_task_reader *r)
{
    if (r->said.text[1] && r->task->kind == EL_TAG)
        return el_fail(EL_EUSAGE, "%s: --second-column is of pairs of texts, and words are tagged alone",
                       r->name);
    if (form_of(r) == EL_FORM_CONLL && r->task->kind != EL_TAG)
        return el_fail(EL_EUSAGE, "%s: a file with a word a line is for tagging alone", r->name);
    if (is_questions(r) && r->task->kind != EL_SPAN)
        return el_fail(EL_EUSAGE, "%s: SQuAD's and MRQA's files are for tasks of questions alone", r->name);
    if (form_of(r) == EL_FORM_LINES && r->wanted.known && r->wanted.known->text[1])
        return el_fail(EL_EUSAGE, "%s: the model was taught pairs of texts, and lines have one", r->name);
    return EL_OK;
}

static el_status open_file(el_task_reader *r, const char *path, const el_columns *said,
                           const el_columns *of_task)
{
    el_lines lines;
    el_table_close(r->table);
    r->table = NULL;
    r->resolved = false;
    el_file_layout_release(&r->layout);
    el_status st = el_lines_open(&lines, path);
    if (!st)
        st = find_form(r, said, of_task, &lines);
    if (!st)
        st = check_form(r);
    if (st) {
        el_lines_close(&lines);
        return st;
    }
    if (form_of(r) == EL_FORM_CONLL) {
        r->conll = (el_conll){.lines = lines, .labels = r->labels};
        st = el_conll_open(&r->conll, &r->wanted, &r->layout);
        if (!st)
            say_form(r, said);
        return st;
    }
    say_form(r, said);
    if (is_questions(r)) {
        r->lines = lines;
        return EL_OK;
    }
    return el_table_open(&r->table, &lines, form_of(r), r->layout.file.separator);
}

static el_status find_classes(el_task_reader *r, const char *path)
{
    if (!r->labels || r->task->kind != EL_CLASSIFY || !el_class_files(path))
        return EL_OK;
    for (const char *at = path; *at;) {
        el_class_file file;
        if (!el_class_files_next(&at, &file))
            return el_fail(EL_EUSAGE, "%s: label=FILE,label=FILE is wanted", path);
        class_file *const grown = realloc(r->classes, (size_t)(r->class_count + 1) * sizeof *grown);
        if (!grown)
            return el_no_memory(path);
        r->classes = grown;
        el_labels_trim(r->labels, &file.label, &file.label_bytes);
        class_file *const c = &r->classes[r->class_count++];
        *c = (class_file){strndup(file.label, file.label_bytes), strndup(file.path, file.path_bytes)};
        if (!c->label || !c->path)
            return el_no_memory(path);
    }
    return EL_OK;
}

static el_status list_labels(const el_task *task, el_labels *labels)
{
    const char *at = task->labels, *word;
    size_t bytes;
    while (el_word_next(&at, &word, &bytes) && !labels->closed) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)bytes, word);
        if (el_labels_add(labels, name) < 0)
            return el_no_memory(task->name);
    }
    if (task->labels)
        labels->closed = true;
    return EL_OK;
}

el_status el_task_reader_open(el_task_reader **reader, const el_task *task, const char *path,
                              el_task_reading reading, el_labels *labels)
{
    el_task_reader *const r = calloc(1, sizeof *r);
    if (!r)
        return el_no_memory(path);
    const bool test = reading.test && task->test_unlabelled;
    r->task = task;
    r->wanted = reading;
    r->wanted.columns = &r->said;
    r->wanted.known = reading.known && reading.known->text[0] ? reading.known : NULL;
    r->labels = labels;
    r->path = strdup(path);
    r->name = r->path ? el_path_said(r->path) : NULL;
    el_status st = r->path ? list_labels(task, labels) : el_no_memory(path);
    if (!st)
        st = find_classes(r, path);
    if (test || r->class_count)
        r->wanted.labels = EL_LABELS_UNREAD;
    if (!st)
        st =
            open_file(r, r->class_count ? r->classes[0].path : r->path,
                      r->class_count ? &LINES : reading.columns, test ? &task->test_columns : &task->columns);
    if (st) {
        el_task_reader_close(r);
        return st;
    }
    *reader = r;
    return EL_OK;
}

void el_task_reader_close(el_task_reader *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->class_count; i++) {
        free(r->classes[i].label);
        free(r->classes[i].path);
    }
    free(r->classes);
    free(r->label_columns);
    el_table_close(r->table);
    el_lines_close(&r->conll.lines);
    el_lines_close(&r->lines);
    el_file_layout_release(&r->layout);
    free(r->path);
    free(r);
}

const el_file_layout *el_task_reader_layout(const el_task_reader *r)
{
    return &r->layout;
}

/* The next row of the file, or of the next class's file. */
static el_status next_row(el_task_reader *r, el_dataset *d, bool *more)
{
    el_status st = EL_OK;
    const int count = d->count;
    if (!r->resolved && el_table_ahead(r->table)) /* an empty file has no columns to find */
        st = resolve(r);
    if (!st)
        st = el_table_next(r->table, more);
    if (!st && *more)
        st = el_reader_take_row(r, d);
    if (!st && *more && r->class_count && d->count > count)
        st = el_reader_add_label(r, d, r->classes[r->class_at].label, &d->examples[d->count - 1].label);
    if (st || *more || r->class_at + 1 >= r->class_count)
        return st;
    *more = true;
    return open_file(r, r->classes[++r->class_at].path, &LINES, &LINES);
}

static el_status next_example(el_task_reader *r, el_dataset *d, bool *more)
{
    if (form_of(r) == EL_FORM_CONLL)
        return el_conll_next(&r->conll, d, more);
    if (!is_questions(r))
        return next_row(r, d, more);
    *more = false;
    return (form_of(r) == EL_FORM_SQUAD ? el_squad_read
                                        : el_mrqa_read)(&r->lines, r->wanted.labels == EL_LABELS_NEEDED, d);
}

/* Whether the next example has not come yet. */
static bool waits(const el_task_reader *r)
{
    return r->table ? el_table_waits(r->table)
                    : form_of(r) == EL_FORM_CONLL && el_lines_wait(&r->conll.lines);
}

static int empty_texts(const el_dataset *d)
{
    int empty = 0;
    for (int i = 0; i < d->count; i++) {
        const el_labelled *const e = &d->examples[i];
        empty += d->kind == EL_TAG && !e->count;
        for (int k = 0; k < 2; k++)
            empty += e->text[k] && el_line_blank((el_line){e->text[k], strlen(e->text[k])});
    }
    return empty;
}

static void say_empty(const el_task_reader *r)
{
    if (r->empty)
        el_log(EL_LOG_NOTE, "%s: %" PRId64 " text%s %s empty", r->name, r->empty, el_s(r->empty),
               el_is(r->empty));
}

static el_status read_next(el_task_reader *r, int most, bool patient, el_dataset *d)
{
    const bool over = r->ended;
    el_status st = el_dataset_open(d, r->task->kind, r->name);
    while (!st && !r->ended && d->count < most && (patient || !d->count || !waits(r))) {
        bool more = false;
        st = next_example(r, d, &more);
        r->ended = !more;
        if (!st && r->ended && r->table && !r->wanted.labels && !r->class_count)
            el_line_say_blank(r->name, el_table_blank(r->table));
    }
    r->empty += st ? 0 : empty_texts(d);
    if (!st && r->ended && !over)
        say_empty(r);
    if (st)
        el_dataset_release(d);
    return st;
}

el_status el_task_reader_next(el_task_reader *r, int most, el_dataset *d)
{
    return read_next(r, most, false, d);
}

el_status el_task_read(const el_task *task, const char *path, el_task_reading reading, el_labels *labels,
                       el_file_layout *layout, el_dataset *dataset)
{
    el_task_reader *reader;
    el_status st = el_task_reader_open(&reader, task, path, reading, labels);
    if (st)
        return st;
    st = read_next(reader, INT32_MAX, true, dataset);
    if (!st && reader->text[1].key && task->kind == EL_SPAN && (st = el_dataset_group_contexts(dataset)))
        el_dataset_release(dataset);
    if (!st && reading.labels && dataset->count == 0) {
        st = dataset->notes.skipped
                 ? el_fail(EL_EDATA, "%s; nor is any other line well formed", dataset->notes.malformed)
             : dataset->notes.gaps ? el_fail(EL_EDATA, "%s: no example has a label", reader->name)
                                   : el_fail(EL_EDATA, "%s: there is no example in it", reader->name);
        el_dataset_release(dataset);
    }
    if (!st && layout)
        st = el_file_layout_copy(layout, &reader->layout);
    el_task_reader_close(reader);
    return st;
}
