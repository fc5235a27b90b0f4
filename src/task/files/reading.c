/* reading - a task's file into examples, whatever its form */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/number.h"
#include "task/files/columns.h"
#include "task/files/conll.h"
#include "task/files/describe.h"
#include "task/files/parts.h"
#include "task/files/readers.h"
#include "task/task.h"

/* A file of lines whose texts all have one label. */
typedef struct {
    char *label, *path;
} class_file;

struct el_task_reader {
    const el_task *task;
    el_columns said; /* by the caller, and by the task where the file has the form that its files have */
    const el_file_layout *known;
    bool labelled, labels_may_lack;
    el_labels *labels;
    char *path;
    el_file_layout layout;
    el_lines lines; /* of questions */
    el_table *table;
    el_conll conll;
    bool resolved, pair, has_label, has_id, has_start;
    el_column text[2], label, id, start;
    el_column *label_columns;
    class_file *classes; /* one after the other */
    int class_count, class_at;
    bool ended;
    char malformed[512]; /* what was wrong with the first line that was left out */
};

static el_status no_memory(const char *path)
{
    return el_fail(EL_ENOMEM, "%s: no memory", path);
}

static el_form form_of(const el_task_reader *r)
{
    return r->layout.file.form;
}

static bool is_json(const el_task_reader *r)
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
    c.id = said->id ? said->id : c.id;
    c.label = said->label ? said->label : c.label;
    if (said->text[0]) /* one text said alone is a single text */
        c.text[0] = said->text[0], c.text[1] = said->text[1];
    return c;
}

static el_status resolve_one(el_task_reader *r, const char *name, el_column *column, bool *there)
{
    *there = name != NULL;
    return name ? el_table_column(r->table, name, column) : EL_OK;
}

static el_status resolve_labels(el_task_reader *r)
{
    const el_file_layout *const l = &r->layout;
    bool there;
    r->label_columns = calloc((size_t)l->label_count + 1, sizeof *r->label_columns);
    el_status st = r->label_columns ? EL_OK : no_memory(r->path);
    for (int i = 0; !st && i < l->label_count; i++)
        st = resolve_one(r, l->labels[i], &r->label_columns[i], &there);
    return st;
}

/* The column of where answers begin, beside that of the answers. */
static el_status resolve_start(el_task_reader *r)
{
    static const char *const NAMES[] = {"answers.answer_start", "answer.answer_start", "answer_start",
                                        "start"};
    const bool inner = r->layout.label && strchr(r->layout.label, '.');
    for (size_t i = inner ? 0 : 2; !r->has_start && i < (inner ? 2 : 4); i++)
        for (int c = 0; c < el_table_columns(r->table); c++)
            if (el_table_name(r->table, c) && strcmp(el_table_name(r->table, c), NAMES[i]) == 0)
                return resolve_one(r, NAMES[i], &r->start, &r->has_start);
    return EL_OK;
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
static el_status find_gap(el_task_reader *r)
{
    bool named = true, numbered = true, two = false;
    const int rows = el_table_ahead(r->table);
    if (r->known || !r->pair || !r->has_label || r->task->kind != EL_CLASSIFY)
        return r->known && r->known->gap && !(r->layout.gap = strdup(r->known->gap)) ? no_memory(r->path)
                                                                                     : EL_OK;
    for (int i = r->layout.header; i < rows; i++) {
        const char *const label = el_table_peek_at(r->table, i, r->label);
        if (!label || !*label)
            continue;
        named &= names_inference(label) || strcmp(label, "-") == 0;
        numbered &= (strlen(label) == 1 && *label >= '0' && *label <= '2') || strcmp(label, "-1") == 0;
        two |= strcmp(label, "2") == 0;
    }
    const char *const gap = rows && named ? "-" : rows && numbered && two ? "-1" : NULL;
    r->layout.gap = gap ? strdup(gap) : NULL;
    return gap && !r->layout.gap ? no_memory(r->path) : EL_OK;
}

/* A table of which every row is one word was meant to be read otherwise. */
static el_status check_words(el_task_reader *r)
{
    const int rows = el_table_ahead(r->table);
    int first = r->layout.header;
    if (r->task->kind != EL_TAG || is_json(r) || rows - first < 3)
        return EL_OK;
    for (; first < rows; first++) {
        const char *const words = el_table_peek_at(r->table, first, r->text[0]);
        if (!words || strpbrk(words, " ["))
            return EL_OK;
    }
    return el_fail(
        EL_EDATA,
        "%s: every row is one word; with blank lines between sentences --format conll reads a word a line",
        r->path);
}

static el_status resolve(el_task_reader *r)
{
    const el_wanted wanted = {.kind = r->task->kind,
                              .said = &r->said,
                              .known = r->known,
                              .labelled = r->labelled && !r->class_count};
    bool there;
    r->resolved = true;
    el_status st = el_columns_find(r->table, r->path, &wanted, &r->layout);
    if (!st)
        st = resolve_one(r, r->layout.text[0], &r->text[0], &there);
    if (!st)
        st = resolve_one(r, r->layout.text[1], &r->text[1], &r->pair);
    if (!st && r->labels)
        st = resolve_one(r, r->layout.label, &r->label, &r->has_label);
    if (!st)
        st = resolve_one(r, r->layout.id, &r->id, &r->has_id);
    if (!st && r->layout.label_count)
        st = resolve_labels(r);
    if (!st && r->task->kind == EL_SPAN)
        st = resolve_start(r);
    if (!st)
        st = check_words(r);
    if (!st && r->labels_may_lack && !r->has_label && !r->layout.label_count)
        r->labelled = false;
    if (!st && !r->known && !r->labelled && !r->labels_may_lack && !r->said.text[0] &&
        el_table_columns(r->table) > 1)
        el_describe_columns(&r->layout, r->task->kind, r->path);
    return st ? st : find_gap(r);
}

/* In a row of another length than the first no field is surely of its column, but for those that are counted from the
 * beginning.  Files with a custom of their own are taken as they are. */
static el_status check_width(const el_task_reader *r)
{
    const int width = el_table_width(r->table), columns = el_table_columns(r->table);
    const bool counted = !r->layout.header && !r->has_label;
    if (width == columns || counted || is_json(r) || form_of(r) == EL_FORM_LINES || r->task->skips)
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
    const bool named = r->layout.label && (r->said.label || r->layout.header || is_json(r));
    return el_table_fail(r->table, "there is no column %s", named ? r->layout.label : "with a label");
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
    return *label >= 0         ? EL_OK
           : r->labels->closed ? el_table_fail(r->table, "the label \"%.60s\" is not known", name)
                               : el_fail(EL_ENOMEM, "no memory for labels");
}

typedef struct {
    const el_task_reader *reader;
    el_dataset *dataset;
    int word;                     /* tags: the next word that gets one; vectors: the next place */
    const char *context, *starts; /* answers */
} row_parts;

static el_status take_label_part(void *context, const char *part, size_t bytes)
{
    row_parts *const p = context;
    char name[256];
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

/* A place of a vector: its number is its label's name. */
static el_status take_place(void *context, const char *part, size_t bytes)
{
    row_parts *const p = context;
    char name[16];
    int label;
    snprintf(name, sizeof name, "%d", p->word++);
    if (bytes != 1 || (*part != '0' && *part != '1'))
        return el_table_fail(p->reader->table, "%.*s stands where a 0 or a 1 is wanted for each label",
                             (int)(bytes < 60 ? bytes : 60), part);
    const el_status st = add_label(p->reader, name, &label);
    return st || *part == '0' ? st : el_dataset_add_number(p->dataset, label);
}

static el_status take_word_part(void *context, const char *part, size_t bytes)
{
    row_parts *const p = context;
    return el_dataset_add_word(p->dataset, part, bytes, -1);
}

static el_status take_tag_part(void *context, const char *part, size_t bytes)
{
    row_parts *const p = context;
    char name[128];
    if (p->word == p->dataset->word_count || bytes == 0 || bytes >= sizeof name)
        return el_table_fail(p->reader->table, "there are more tags than words, or an empty one");
    memcpy(name, part, bytes);
    name[bytes] = '\0';
    return add_label(p->reader, name, &p->dataset->words[p->word++].tag);
}

/* The next of the places where answers begin, as an array of JSON has them; -1: none is left. */
static int64_t next_start(const char **starts)
{
    char *end;
    if (!*starts || !**starts)
        return -1;
    const long long start = strtoll(*starts, &end, 10);
    const bool any = end > *starts;
    *starts = any && *end == EL_TABLE_END ? end + 1 : NULL;
    return any ? start : -1;
}

static el_status take_answer_part(void *context, const char *part, size_t bytes)
{
    row_parts *const p = context;
    const int64_t start = next_start(&p->starts);
    const char *const answer = el_dataset_string(p->dataset, part, bytes);
    if (!answer)
        return no_memory(p->reader->path);
    return bytes ? el_answer_add(p->dataset, p->context, answer, start) : EL_OK;
}

static el_status take_tagged(const el_task_reader *r, el_dataset *d, const char *words, const char *tags)
{
    row_parts p = {.reader = r, .dataset = d, .word = d->word_count};
    el_status st = el_parts_each(words, EL_PARTS_BLANKS, take_word_part, &p);
    if (st || !tags)
        return st || !r->labelled ? st : no_label(r);
    st = el_parts_each(tags, EL_PARTS_BLANKS, take_tag_part, &p);
    return st || p.word == d->word_count ? st : el_table_fail(r->table, "there are fewer tags than words");
}

/* One label, without the blanks around it, which are counted; of an array its only part. */
static el_status take_class(const el_task_reader *r, el_dataset *d, el_labelled *e, const char *label)
{
    const char *const end = strchr(label, EL_TABLE_END);
    size_t bytes = end ? (size_t)(end - label) : strlen(label);
    const size_t before = bytes;
    if (end && end[1])
        return el_table_fail(r->table, "there are several labels; --task multilabel learns them");
    while (bytes && strchr(" \t", *label))
        label++, bytes--;
    while (bytes && strchr(" \t", label[bytes - 1]))
        bytes--;
    d->trimmed += bytes < before;
    if (!bytes)
        return el_table_fail(r->table, "the label is empty");
    char *const name = strndup(label, bytes);
    const el_status st = name ? add_label(r, name, &e->label) : no_memory(r->path);
    free(name);
    return st;
}

static el_status take_answers(const el_task_reader *r, el_dataset *d, el_labelled *e, const char *answers)
{
    if (strncmp(answers, "{'text'", 7) == 0)
        return el_table_fail(r->table, "the answers are as Python prints them; JSON lines keep them");
    const char *const kept = el_dataset_string(d, answers, strlen(answers));
    const char *const starts = r->has_start ? el_table_field(r->table, r->start) : NULL;
    row_parts p = {.reader = r, .dataset = d, .context = e->text[1], .starts = starts};
    e->label = !*answers;
    return kept ? el_parts_each(kept, EL_PARTS_BARS, take_answer_part, &p) : no_memory(r->path);
}

static el_status take_label(const el_task_reader *r, el_dataset *d, el_labelled *e, const char *label)
{
    row_parts p = {.reader = r, .dataset = d};
    switch (r->task->kind) {
    case EL_CLASSIFY:
        return take_class(r, d, e, label);
    case EL_REGRESS:
        return take_number(r, label, &e->value);
    case EL_MULTILABEL:
        e->label = 0; /* labelled, if only with none */
        return el_parts_each(label, r->layout.parts,
                             r->layout.parts == EL_PARTS_VECTOR ? take_place : take_label_part, &p);
    default:
        return take_answers(r, d, e, label);
    }
}

/* A column a label. */
static el_status take_columns(const el_task_reader *r, el_dataset *d, el_labelled *e)
{
    e->label = 0;
    for (int i = 0; i < r->layout.label_count; i++) {
        const char *const field = el_table_field(r->table, r->label_columns[i]);
        int label = -1;
        el_status st = field ? add_label(r, r->layout.labels[i], &label)
                             : el_table_fail(r->table, "there is no column %s", r->layout.labels[i]);
        if (st)
            return st;
        if (strcasecmp(field, "true") == 0 || el_number_read(field, NULL) == 1)
            el_dataset_add_number(d, label);
        else if (strcasecmp(field, "false") != 0 && (el_number_read(field, NULL) != 0 || *field != '0'))
            return el_table_fail(r->table, "column %s has \"%.60s\" where a 0 or a 1 is wanted",
                                 r->layout.labels[i], field);
    }
    return EL_OK;
}

/* A copy of the row's field, as a JSON table gives one at a time; NULL in *copy where the row has none there. */
static el_status copy_field(el_task_reader *r, el_dataset *d, el_column column, const char **copy)
{
    const char *const field = el_table_field(r->table, column);
    *copy = field ? el_dataset_string(d, field, strlen(field)) : NULL;
    return field && !*copy ? no_memory(r->path) : EL_OK;
}

static el_status take_texts(el_task_reader *r, el_dataset *d, const char *texts[2])
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < 1 + r->pair; i++) {
        st = copy_field(r, d, r->text[i], &texts[i]);
        if (!st && !texts[i])
            return el_table_fail(r->table, "there is no column %s", r->layout.text[i]);
        if (!st && r->task->kind != EL_TAG && strchr(texts[i], EL_TABLE_END))
            return el_table_fail(r->table, "column %s is an array, and a text is wanted", r->layout.text[i]);
    }
    return st;
}

static el_status take_row(el_task_reader *r, el_dataset *d)
{
    const char *texts[2] = {0};
    el_labelled *const e = el_dataset_add(d, el_table_line(r->table));
    el_status st = e ? take_texts(r, d, texts) : no_memory(r->path);
    if (!st && r->has_id)
        st = copy_field(r, d, r->id, &e->id);
    if (st)
        return st;
    if (r->task->kind == EL_TAG)
        return take_tagged(r, d, texts[0], r->labelled ? label_of(r) : NULL);
    e->text[0] = texts[0], e->text[1] = texts[1];
    if (r->layout.label_count)
        return r->labelled ? take_columns(r, d, e) : EL_OK;
    const char *const label = label_of(r);
    if (!label && ((r->labelled && !r->class_count) || (r->has_label && !is_json(r))))
        return no_label(r);
    st = check_width(r);
    return st || !label || !r->labelled ? st : take_label(r, d, e, label);
}

/* Takes back what a row added. */
static void take_back(el_dataset *d, const el_dataset *before)
{
    d->count = before->count;
    d->word_count = before->word_count, d->answer_count = before->answer_count;
    d->number_count = before->number_count;
}

/* Whether this row has what stands for no label. */
static bool is_gap(const el_task_reader *r)
{
    const char *const label = r->labelled && r->layout.gap ? label_of(r) : NULL;
    return label && strcmp(label, r->layout.gap) == 0;
}

/* A row that judges gave no label is left out, and a malformed one where that is the custom. */
static el_status take_or_skip(el_task_reader *r, el_dataset *d)
{
    const el_dataset before = *d;
    if (is_gap(r)) {
        d->gaps++;
        return EL_OK;
    }
    const el_status st = take_row(r, d);
    if (st != EL_EDATA || !r->task->skips)
        return st;
    take_back(d, &before);
    if (!*r->malformed)
        snprintf(r->malformed, sizeof r->malformed, "%s", el_error());
    d->skipped++;
    return EL_OK;
}

/* ---- the reader ---- */

/* The form of a pipe, or a file without an ending, may be the one that was learned from. */
static bool is_as_known(const el_task_reader *r, el_line text)
{
    const el_file_layout *const known = r->known;
    if (!known || known->file.form != EL_FORM_CSV || !known->header || form_of(r) != EL_FORM_TSV)
        return false;
    const char *const newline = memchr(text.text, '\n', text.bytes);
    const size_t bytes = newline ? (size_t)(newline - text.text) : text.bytes;
    return memmem(text.text, bytes, known->text[0], strlen(known->text[0])) &&
           memchr(text.text, known->file.separator, bytes);
}

static el_status find_form(el_task_reader *r, const el_columns *said, const el_columns *of_task,
                           el_lines *lines)
{
    el_file_form *const file = &r->layout.file;
    el_line text;
    el_status st = el_lines_look(lines, &text);
    if (st)
        return st;
    if (said && said->form) {
        file->form = said->form;
        st = el_form_complete(file, r->path, r->task->kind, text);
    } else {
        st = el_form_find(file, r->path, r->task->kind, r->labelled, of_task->form, text);
        if (!st && is_as_known(r, text))
            *file = r->known->file;
    }
    static const el_columns OPEN = {.header = -1};
    const bool as_usual = (said && said->form) || !of_task->form || file->form == of_task->form;
    r->said = merge(as_usual ? of_task : &OPEN, said);
    if (form_of(r) == EL_FORM_LINES) /* has no columns */
        r->said = (el_columns){.form = EL_FORM_LINES, .header = 0};
    return st;
}

/* What some forms have is of use to one kind of task alone. */
static el_status check_form(const el_task_reader *r)
{
    if (form_of(r) == EL_FORM_CONLL && r->task->kind != EL_TAG)
        return el_fail(EL_EUSAGE, "%s: a file with a word a line is for tagging alone", r->path);
    if (is_questions(r) && r->task->kind != EL_SPAN)
        return el_fail(EL_EUSAGE, "%s: SQuAD's and MRQA's files are for tasks of questions alone", r->path);
    if (form_of(r) == EL_FORM_LINES && r->known && r->known->text[1])
        return el_fail(EL_EUSAGE, "%s: the model was taught pairs of texts, and lines have one", r->path);
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
        r->conll = (el_conll){.lines = lines, .labelled = r->labelled, .labels = r->labels};
        return el_conll_open(&r->conll, &r->said, r->known, &r->layout);
    }
    if (is_questions(r)) {
        r->lines = lines;
        return EL_OK;
    }
    return el_table_open(&r->table, &lines, form_of(r), r->layout.file.separator);
}

/* "label=FILE,label=FILE", unless there is a file of that very name; one class alone is a path with a '=' in it. */
static el_status find_classes(el_task_reader *r, const char *path)
{
    if (!r->labels || r->task->kind != EL_CLASSIFY || !strchr(path, '=') || !strchr(path, ',') ||
        el_file_exists(path))
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

static const el_columns LINES = {.form = EL_FORM_LINES, .header = 0};

el_status el_task_reader_open(el_task_reader **reader, const el_task *task, const char *path,
                              el_task_reading reading, el_labels *labels)
{
    el_task_reader *const r = calloc(1, sizeof *r);
    if (!r)
        return no_memory(path);
    const bool test = reading.test && task->test_unlabelled;
    r->task = task;
    r->known = reading.known && reading.known->text[0] ? reading.known : NULL;
    r->labelled = reading.labelled && !test;
    r->labels_may_lack = reading.labels_may_lack;
    r->labels = labels;
    r->path = strdup(path);
    el_status st = r->path ? list_labels(task, labels) : no_memory(path);
    if (!st)
        st = find_classes(r, path);
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
        st = take_or_skip(r, d);
    if (!st && *more && r->class_count && d->count > count)
        st = add_label(r, r->classes[r->class_at].label, &d->examples[d->count - 1].label);
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
                                        : el_mrqa_read)(&r->lines, r->labelled && !r->labels_may_lack, d);
}

/* Whether the next example has not come yet. */
static bool waits(const el_task_reader *r)
{
    return r->table ? el_table_waits(r->table)
                    : form_of(r) == EL_FORM_CONLL && el_lines_wait(&r->conll.lines);
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
                       el_file_layout *layout, el_dataset *dataset)
{
    el_task_reader *reader;
    el_status st = el_task_reader_open(&reader, task, path, reading, labels);
    if (st)
        return st;
    st = read_next(reader, INT32_MAX, true, dataset);
    if (!st && reading.labelled && dataset->count == 0) {
        st = dataset->skipped ? el_fail(EL_EDATA, "%s; nor is any other line well formed", reader->malformed)
             : dataset->gaps  ? el_fail(EL_EDATA, "%s: no example has a label", path)
                              : el_fail(EL_EDATA, "%s: there is no example in it", path);
        el_dataset_release(dataset);
    }
    if (!st && layout)
        st = el_file_layout_copy(layout, &reader->layout);
    el_task_reader_close(reader);
    return st;
}
