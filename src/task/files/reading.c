/* reading - a task's file into examples, whatever its form */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "task/files/readers.h"
#include "task/task.h"

/* What columns are called in such files, the likeliest first. */
static const char *const FIRST_NAMES[] = {"sentence", "sentence1", "text",     "text1",
                                          "premise",  "question1", "document", "review",
                                          "comments", "comment",   NULL};
static const char *const SECOND_NAMES[] = {"sentence2", "text2",     "hypothesis",
                                           "question2", "text_pair", NULL};
static const char *const LABEL_NAMES[] = {"label", "labels", "gold_label", "score",    "is_duplicate",
                                          "class", "target", "rating",     "category", NULL};
static const char *const WORD_NAMES[] = {"words", "tokens", "sentence", "text", NULL};
static const char *const TAG_NAMES[] = {"tags", "ner_tags", "labels", "label", NULL};
static const char *const QUESTION_NAMES[] = {"question", NULL};
static const char *const CONTEXT_NAMES[] = {"context", "passage", "document", NULL};
static const char *const ANSWER_NAMES[] = {"answer", "answers", "answer_text", NULL};
static const char *const ID_NAMES[] = {"id", "index", "idx", "guid", "qid", NULL};
static const char *const NO_NAMES[] = {NULL};

/* A file of lines whose texts all have one label. */
typedef struct {
    char *label, *path;
} class_file;

struct el_task_reader {
    const el_task *task;
    el_columns columns;
    bool labelled;
    el_labels *labels;
    char *path;
    el_form form;
    el_table *table;
    el_conll conll;
    bool resolved, header, pair, has_label, has_id;
    el_column text[2], label, id;
    class_file *classes; /* one after the other */
    int class_count, class_at;
    bool ended;
    char malformed[512]; /* what was wrong with the first line that was left out */
};

static el_status no_memory(const char *path)
{
    return el_fail(EL_ENOMEM, "%s: no memory", path);
}

/* ---- the form of a file ---- */

static bool has_ending(const char *path, size_t bytes, const char *ending)
{
    const size_t n = strlen(ending);
    return bytes >= n && strncmp(path + bytes - n, ending, n) == 0;
}

static el_form form_of(el_task_kind kind, const char *path)
{
    static const struct {
        const char *ending;
        el_form form;
    } FORMS[] = {{".tsv", EL_FORM_TSV},     {".csv", EL_FORM_CSV},   {".jsonl", EL_FORM_JSONL},
                 {".conll", EL_FORM_CONLL}, {".json", EL_FORM_JSON}, {".txt", EL_FORM_TSV}};
    size_t bytes = strlen(path);
    if (has_ending(path, bytes, ".gz"))
        bytes -= 3;
    else if (has_ending(path, bytes, ".zst"))
        bytes -= 4;
    el_form form = kind == EL_TAG ? EL_FORM_CONLL : EL_FORM_TSV;
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        if (has_ending(path, bytes, FORMS[i].ending))
            form = FORMS[i].form;
    if (kind == EL_TAG && (form == EL_FORM_TSV || form == EL_FORM_CSV))
        return EL_FORM_CONLL;
    return kind == EL_SPAN && form == EL_FORM_JSON ? EL_FORM_SQUAD : form;
}

/* Those that were said before those of the task. */
static el_columns merge(const el_columns *base, const el_columns *said)
{
    el_columns c = *base;
    if (!said)
        return c;
    c.form = said->form ? said->form : c.form;
    c.header = said->header >= 0 ? said->header : said->form || said->text[0] || said->label ? -1 : c.header;
    c.id = said->id ? said->id : c.id;
    c.label = said->label ? said->label : c.label;
    if (said->text[0]) /* one text said alone is a single text */
        c.text[0] = said->text[0], c.text[1] = said->text[1];
    return c;
}

/* ---- columns ---- */

static const char *const *names_of(el_task_kind kind, int which)
{
    if (kind == EL_TAG)
        return which == 0 ? WORD_NAMES : which == 1 ? NO_NAMES : TAG_NAMES;
    if (kind == EL_SPAN)
        return which == 0 ? QUESTION_NAMES : which == 1 ? CONTEXT_NAMES : ANSWER_NAMES;
    return which == 0 ? FIRST_NAMES : which == 1 ? SECOND_NAMES : LABEL_NAMES;
}

static bool is_json(const el_task_reader *r)
{
    return r->form == EL_FORM_JSON || r->form == EL_FORM_JSONL;
}

/* Whether there is such a column: in the header, or in the row that was read first. */
static bool has_column(const el_task_reader *r, const char *name)
{
    return is_json(r) ? el_table_field(r->table, (el_column){.key = name}) != NULL
                      : el_table_looks_named(r->table, name);
}

static const char *first_known(const el_task_reader *r, const char *const *names)
{
    for (; *names; names++)
        if (has_column(r, *names))
            return *names;
    return NULL;
}

static bool is_name(const char *column)
{
    char *end;
    if (!column)
        return false;
    strtol(column, &end, 10);
    return *end != '\0';
}

/* A header is what was said to be one, or what a column is asked for by a name of, or looks like one. */
static bool finds_header(const el_task_reader *r)
{
    const el_columns *const c = &r->columns;
    if (c->header >= 0 || is_json(r) || r->form == EL_FORM_LINES)
        return c->header == 1;
    if (is_name(c->text[0]) || is_name(c->text[1]) || is_name(c->label) || is_name(c->id))
        return true;
    return first_known(r, names_of(r->task->kind, 0)) || first_known(r, names_of(r->task->kind, 2));
}

static el_status resolve_one(el_task_reader *r, const char *name, el_column *column, bool *there)
{
    *there = name != NULL;
    return name ? el_table_column(r->table, name, column) : EL_OK;
}

/* What was left open: by name, else the first column and the last. */
static void fill_open(el_task_reader *r, bool named)
{
    el_columns *const c = &r->columns;
    const bool lines = r->form == EL_FORM_LINES, open = !c->text[0];
    if (open)
        c->text[0] = named ? first_known(r, names_of(r->task->kind, 0)) : "1";
    if (open && named)
        c->text[1] = first_known(r, names_of(r->task->kind, 1));
    if (r->task->kind == EL_SPAN && !c->text[1])
        c->text[1] = open && !named ? "2" : names_of(EL_SPAN, 1)[0];
    if (!c->text[0])
        c->text[0] = is_json(r) ? names_of(r->task->kind, 0)[0] : "1";
    if (!c->label && !lines)
        c->label = named ? first_known(r, names_of(r->task->kind, 2)) : r->labelled ? "-1" : NULL;
    if (!c->label && named && !is_json(r) && r->labelled)
        c->label = "-1";
    if (!c->id && named)
        c->id = first_known(r, ID_NAMES);
}

/* A column of an unlabelled file may be missing. */
static void drop_missing(el_task_reader *r)
{
    if (r->labelled || is_json(r))
        return;
    if (is_name(r->columns.label) && !has_column(r, r->columns.label))
        r->columns.label = NULL;
    if (is_name(r->columns.id) && !has_column(r, r->columns.id))
        r->columns.id = NULL;
}

static el_status resolve(el_task_reader *r)
{
    bool there;
    r->header = finds_header(r);
    fill_open(r, r->header || is_json(r));
    drop_missing(r);
    if (!r->labels)
        r->columns.label = NULL;
    el_status st = resolve_one(r, r->columns.text[0], &r->text[0], &there);
    if (!st)
        st = resolve_one(r, r->columns.text[1], &r->text[1], &r->pair);
    if (!st)
        st = resolve_one(r, r->columns.label, &r->label, &r->has_label);
    if (!st)
        st = resolve_one(r, r->columns.id, &r->id, &r->has_id);
    if (r->header)
        el_table_name_columns(r->table);
    r->resolved = true;
    return st;
}

/* In a row of another length than the first no field is surely of its column, but for those that are counted from the
 * beginning.  Files with a custom of their own are taken as they are. */
static el_status check_width(const el_task_reader *r)
{
    const int width = el_table_width(r->table), columns = el_table_columns(r->table);
    const bool counted = !r->header && (!r->has_label || r->label.index > 0);
    if (width == columns || counted || is_json(r) || r->form == EL_FORM_LINES || r->task->skips)
        return EL_OK;
    return el_table_fail(r->table, "there are %d columns, where the first line has %d", width, columns);
}

/* The label of this row; NULL where it has none.  A text is not its own label. */
static const char *label_of(const el_task_reader *r)
{
    const char *const label = r->has_label ? el_table_field(r->table, r->label) : NULL;
    return label && !is_json(r) && label == el_table_field(r->table, r->text[0]) ? NULL : label;
}

static el_status no_label(const el_task_reader *r)
{
    const bool said = r->columns.label && r->label.index != -1;
    return el_table_fail(r->table, "there is no column %s", said ? r->columns.label : "with a label");
}

/* ---- rows ---- */

static el_status take_number(const el_task_reader *r, const char *text, double *value)
{
    char *end;
    *value = el_number_read(text, &end);
    return end > text && !end[strspn(end, " \t")] && isfinite(*value)
               ? EL_OK
               : el_table_fail(r->table, "\"%.60s\" is not a number", text);
}

static el_status add_label(const el_task_reader *r, const char *name, int *label)
{
    *label = el_labels_add(r->labels, name);
    return *label >= 0 ? EL_OK : el_table_fail(r->table, "the label \"%.60s\" is not known", name);
}

/* Calls take for each part of a list: a JSON array's as they are, or what stands between any of `separators`. */
typedef el_status take_part(void *context, const char *part, size_t bytes);
static el_status each_part(const char *list, const char *separators, take_part *take, void *context)
{
    static const char END[] = {EL_TABLE_END, '\0'};
    const bool array = strchr(list, EL_TABLE_END);
    el_status st = EL_OK;
    for (const char *at = list; !st && *at;) {
        const size_t bytes = strcspn(at, array ? END : separators);
        if (bytes || array)
            st = take(context, at, bytes);
        at += bytes + (at[bytes] != '\0');
    }
    return st;
}

typedef struct {
    const el_task_reader *reader;
    el_dataset *dataset;
    int word; /* tags: the next word that gets one */
} parts;

static el_status take_label_part(void *context, const char *part, size_t bytes)
{
    parts *const p = context;
    char name[256];
    while (bytes && *part == ' ')
        part++, bytes--;
    while (bytes && part[bytes - 1] == ' ')
        bytes--;
    if (!bytes)
        return EL_OK;
    if (bytes >= sizeof name)
        return el_table_fail(p->reader->table, "a label is longer than %zu bytes", sizeof name - 1);
    memcpy(name, part, bytes);
    name[bytes] = '\0';
    int label;
    const el_status st = add_label(p->reader, name, &label);
    return st ? st : el_dataset_add_number(p->dataset, label);
}

static el_status take_word_part(void *context, const char *part, size_t bytes)
{
    parts *const p = context;
    return el_dataset_add_word(p->dataset, part, bytes, -1);
}

static el_status take_tag_part(void *context, const char *part, size_t bytes)
{
    parts *const p = context;
    char name[128];
    if (p->word == p->dataset->word_count || bytes == 0 || bytes >= sizeof name)
        return el_table_fail(p->reader->table, "there are more tags than words, or an empty one");
    memcpy(name, part, bytes);
    name[bytes] = '\0';
    return add_label(p->reader, name, &p->dataset->words[p->word++].tag);
}

static el_status take_answer_part(void *context, const char *part, size_t bytes)
{
    parts *const p = context;
    el_dataset *const d = p->dataset;
    const char *const answer = el_dataset_string(d, part, bytes), *const whole =
                                                                      d->examples[d->count - 1].text[1];
    if (!answer)
        return no_memory(p->reader->path);
    return bytes ? el_dataset_add_answer(d, part, bytes, el_answer_place(whole, answer, -1)) : EL_OK;
}

static el_status take_tagged(const el_task_reader *r, el_dataset *d, const char *words, const char *tags)
{
    parts p = {r, d, d->word_count};
    el_status st = each_part(words, " ", take_word_part, &p);
    if (st || !tags)
        return st || !r->labelled ? st : no_label(r);
    st = each_part(tags, " ", take_tag_part, &p);
    return st || p.word == d->word_count ? st : el_table_fail(r->table, "there are fewer tags than words");
}

static el_status take_label(const el_task_reader *r, el_dataset *d, el_labelled *e, const char *label)
{
    parts p = {.reader = r, .dataset = d};
    switch (r->task->kind) {
    case EL_CLASSIFY:
        return *label ? add_label(r, label, &e->label) : el_table_fail(r->table, "the label is empty");
    case EL_REGRESS:
        return take_number(r, label, &e->value);
    case EL_MULTILABEL:
        e->label = 0; /* labelled, if only with none */
        return each_part(label, ",|", take_label_part, &p);
    default:
        e->label = !*label;
        return each_part(label, "|", take_answer_part, &p);
    }
}

/* A copy of the row's field, as a JSON table gives one at a time; NULL in *copy where the row has none there. */
static el_status copy_field(el_task_reader *r, el_dataset *d, el_column column, const char **copy)
{
    const char *const field = el_table_field(r->table, column);
    *copy = field ? el_dataset_string(d, field, strlen(field)) : NULL;
    return field && !*copy ? no_memory(r->path) : EL_OK;
}

static el_status take_row(el_task_reader *r, el_dataset *d)
{
    const char *fields[2] = {0};
    el_labelled *const e = el_dataset_add(d, el_table_line(r->table));
    el_status st = e ? EL_OK : no_memory(r->path);
    for (int i = 0; !st && i < 1 + r->pair; i++) {
        st = copy_field(r, d, r->text[i], &fields[i]);
        if (!st && !fields[i])
            return el_table_fail(r->table, "there is no column %s", r->columns.text[i]);
    }
    if (!st && r->has_id)
        st = copy_field(r, d, r->id, &e->id);
    if (st)
        return st;
    if (r->task->kind == EL_TAG)
        return take_tagged(r, d, fields[0], r->labelled ? label_of(r) : NULL);
    e->text[0] = fields[0], e->text[1] = fields[1];
    const char *const label = label_of(r);
    if (!label && ((r->labelled && !r->class_count) || (r->has_label && !is_json(r))))
        return no_label(r);
    st = check_width(r);
    return st || !label || !r->labelled ? st : take_label(r, d, e, label);
}

/* A malformed row is left out where that is the custom. */
static el_status take_or_skip(el_task_reader *r, el_dataset *d)
{
    const int count = d->count, words = d->word_count, answers = d->answer_count, numbers = d->number_count;
    const el_status st = take_row(r, d);
    if (st != EL_EDATA || !r->task->skips)
        return st;
    d->count = count;
    d->word_count = words, d->answer_count = answers, d->number_count = numbers;
    if (!*r->malformed)
        snprintf(r->malformed, sizeof r->malformed, "%s", el_error());
    d->skipped++;
    return EL_OK;
}

/* ---- the reader ---- */

static el_status open_file(el_task_reader *r, const char *path, el_form form)
{
    el_table_close(r->table);
    r->table = NULL;
    r->resolved = false;
    if (form == EL_FORM_SQUAD || form == EL_FORM_MRQA)
        return EL_OK;
    if (form == EL_FORM_CONLL) {
        r->conll = (el_conll){.columns = &r->columns, .labelled = r->labelled, .labels = r->labels};
        return el_lines_open(&r->conll.lines, path);
    }
    return el_table_open(&r->table, path, form);
}

/* "label=FILE,label=FILE", unless there is a file of that very name. */
static el_status find_classes(el_task_reader *r, const char *path)
{
    if (!r->labels || r->task->kind != EL_CLASSIFY || !strchr(path, '=') || el_file_exists(path))
        return EL_OK;
    for (const char *at = path; *at;) {
        const size_t bytes = strcspn(at, ","), name = strcspn(at, "=");
        if (name == 0 || name + 1 >= bytes)
            return el_fail(EL_EUSAGE, "%s: label=FILE,label=FILE is wanted", path);
        class_file *const grown = realloc(r->classes, (size_t)(r->class_count + 1) * sizeof *grown);
        if (!grown)
            return no_memory(path);
        r->classes = grown;
        class_file *const c = &r->classes[r->class_count++];
        *c = (class_file){strndup(at, name), strndup(at + name + 1, bytes - name - 1)};
        if (!c->label || !c->path)
            return no_memory(path);
        at += bytes + (at[bytes] == ',');
    }
    r->form = EL_FORM_LINES;
    return EL_OK;
}

/* What some forms have is of use to one kind of task alone. */
static el_status check_form(const el_task_reader *r)
{
    if (r->form == EL_FORM_CONLL && r->task->kind != EL_TAG)
        return el_fail(EL_EUSAGE, "%s: a file with a word a line is for tagging alone", r->path);
    if ((r->form == EL_FORM_SQUAD || r->form == EL_FORM_MRQA) && r->task->kind != EL_SPAN)
        return el_fail(EL_EUSAGE, "%s: SQuAD's and MRQA's files are for tasks of questions alone", r->path);
    return EL_OK;
}

static el_status list_labels(const el_task *task, el_labels *labels)
{
    for (const char *at = task->labels; at && *at && !labels->closed;) {
        char name[64];
        const size_t bytes = strcspn(at, "|");
        snprintf(name, sizeof name, "%.*s", (int)bytes, at);
        if (el_labels_add(labels, name) < 0)
            return no_memory(task->name);
        at += bytes + (at[bytes] == '|');
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
        return no_memory(path);
    const bool test = reading.test && task->test_unlabelled;
    r->task = task;
    r->columns = merge(test ? &task->test_columns : &task->columns, reading.columns);
    r->labelled = reading.labelled && !test;
    r->labels = labels;
    r->path = strdup(path);
    r->form = r->columns.form ? r->columns.form : form_of(task->kind, path);
    if (r->form == EL_FORM_LINES) /* has no columns */
        r->columns = (el_columns){.form = EL_FORM_LINES, .header = 0};
    el_status st = r->path ? list_labels(task, labels) : no_memory(path);
    if (!st)
        st = find_classes(r, path);
    if (!st)
        st = check_form(r);
    if (!st)
        st = open_file(r, r->class_count ? r->classes[0].path : r->path, r->form);
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
    el_table_close(r->table);
    el_lines_close(&r->conll.lines);
    free(r->path);
    free(r);
}

/* The next row of the file, or of the next class's file. */
static el_status next_row(el_task_reader *r, el_dataset *d, bool *more)
{
    el_status st = EL_OK;
    if (!r->resolved && !is_json(r) && el_table_columns(r->table)) /* an empty file has none to find */
        st = resolve(r);
    if (!st)
        st = el_table_next(r->table, more);
    if (!st && *more && !r->resolved)
        st = resolve(r);
    if (!st && *more)
        st = take_or_skip(r, d);
    if (!st && *more && r->class_count)
        st = add_label(r, r->classes[r->class_at].label, &d->examples[d->count - 1].label);
    if (st || *more || r->class_at + 1 >= r->class_count)
        return st;
    *more = true;
    return open_file(r, r->classes[++r->class_at].path, r->form);
}

static el_status next_example(el_task_reader *r, el_dataset *d, bool *more)
{
    if (r->form == EL_FORM_CONLL)
        return el_conll_next(&r->conll, d, more);
    if (r->form != EL_FORM_SQUAD && r->form != EL_FORM_MRQA)
        return next_row(r, d, more);
    *more = false;
    return (r->form == EL_FORM_SQUAD ? el_squad_read : el_mrqa_read)(r->path, r->labelled, d);
}

/* Whether the next example has not come yet. */
static bool waits(const el_task_reader *r)
{
    return r->table ? el_table_waits(r->table) : r->form == EL_FORM_CONLL && el_lines_wait(&r->conll.lines);
}

static el_status read_next(el_task_reader *r, int most, bool patient, el_dataset *d)
{
    el_status st = el_dataset_open(d, r->task->kind, r->path);
    while (!st && !r->ended && d->count < most && (patient || !d->count || !waits(r))) {
        bool more = false;
        st = next_example(r, d, &more);
        r->ended = !more;
    }
    if (st)
        el_dataset_release(d);
    return st;
}

el_status el_task_reader_next(el_task_reader *r, int most, el_dataset *d)
{
    return read_next(r, most, false, d);
}

el_status el_task_read(const el_task *task, const char *path, el_task_reading reading, el_labels *labels,
                       el_dataset *dataset)
{
    el_task_reader *reader;
    el_status st = el_task_reader_open(&reader, task, path, reading, labels);
    if (st)
        return st;
    st = read_next(reader, INT32_MAX, true, dataset);
    if (!st && reading.labelled && dataset->count == 0) {
        st = dataset->skipped ? el_fail(EL_EDATA, "%s; nor is any other line well formed", reader->malformed)
                              : el_fail(EL_EDATA, "%s: there is no example in it", path);
        el_dataset_release(dataset);
    }
    el_task_reader_close(reader);
    return st;
}
