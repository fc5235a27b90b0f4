/* rows - a table's row into an example of the task; see reading.h */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/grow.h"
#include "base/number.h"
#include "base/plural.h"
#include "task/files/names.h"
#include "task/files/parts.h"
#include "task/files/readers.h"
#include "task/files/reading.h"
#include "text/utf8.h"

static el_status wrong_width(const el_task_reader *r)
{
    const int width = el_table_width(r->table);
    return el_table_fail(r->table, "there %s %d column%s, where the first line has %d", el_is(width), width,
                         el_s(width), el_table_columns(r->table));
}

/* A column that this row lacks: where others have it, the row is too short. */
static el_status no_column(const el_task_reader *r, const char *name)
{
    if (!el_reader_keyed(r) && el_table_width(r->table) < el_table_columns(r->table))
        return wrong_width(r);
    return el_table_fail(r->table, "there is no column %s%s", name ? name : "with a label",
                         name && el_reader_keyed(r) ? ", or null or an object in it" : "");
}

/* In a row of another length than the first no field is surely of its column, but for those that are counted from the
 * beginning.  Files with a custom of their own are taken as they are. */
static el_status check_width(const el_task_reader *r)
{
    const int width = el_table_width(r->table), columns = el_table_columns(r->table);
    const bool counted = !r->layout.header && !r->label.key;
    if (width == columns || counted || el_reader_keyed(r) || r->layout.file.form == EL_FORM_LINES ||
        r->task->skips)
        return EL_OK;
    return wrong_width(r);
}

/* Whether the row's question is marked as impossible: 1, 0, or -1 where nothing says so. */
static int mark_of(const el_task_reader *r)
{
    static const char *const WORDS[] = {"false", "true", "0", "1", "0.0", "1.0"};
    const char *const mark = el_table_field(r->table, r->mark);
    for (int i = 0; mark && i < 6; i++)
        if (strcasecmp(mark, WORDS[i]) == 0)
            return i % 2;
    return -1;
}

/* The label of this row; NULL where it has none.  A text is not its own label, and a question that is marked as impossible
 * needs no answers. */
static const char *label_of(const el_task_reader *r)
{
    const char *const label = el_table_field(r->table, r->label);
    if (r->label.key && !label && mark_of(r) == 1)
        return "";
    return label && !el_reader_keyed(r) && label == el_table_field(r->table, r->text[0]) ? NULL : label;
}

static el_status no_label(const el_task_reader *r)
{
    const bool named = r->layout.label && (r->said.label || r->layout.header || el_reader_keyed(r));
    return no_column(r, named ? r->layout.label : NULL);
}

/* ---- rows ---- */

static el_status take_number(const el_task_reader *r, const char *text, double *value)
{
    char *end;
    *value = el_number_read(text, &end);
    return end > text && !strpbrk(text, "xX") && !end[strspn(end, " \t")] && isfinite(*value)
               ? EL_OK
               : el_table_fail(r->table, "\"%.60s\" is not a number", text);
}

/* The label that is the same in another spelling, as programs have them: 1.0 for 1 (pandas, where a label of the column
 * lacks), True for true; -1: there is none. */
static int find_respelled(const el_labels *labels, const char *name)
{
    static const char *const TRUTHS[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    char other[32];
    const size_t bytes = strlen(name), sign = *name == '-';
    const size_t digits = strspn(name + sign, "0123456789") + sign;
    int found = -1;
    if (digits > sign && bytes < sizeof other - 2 && (digits == bytes || strcmp(name + digits, ".0") == 0)) {
        snprintf(other, sizeof other, "%.*s%s", (int)digits, name, digits == bytes ? ".0" : "");
        return el_labels_find(labels, other);
    }
    for (int i = 0; i < 6 && found < 0; i++)
        if (strcasecmp(name, TRUTHS[i]) == 0)
            found = el_labels_find(labels, TRUTHS[i]);
    return found;
}

el_status el_reader_add_label(const el_task_reader *r, el_dataset *d, const char *name, int *label)
{
    const bool unknown = r->labels->closed && el_labels_find(r->labels, name) < 0;
    const int respelled = unknown ? find_respelled(r->labels, name) : -1;
    if (respelled >= 0) {
        *label = respelled;
        d->notes.respelled++;
        return EL_OK;
    }
    *label = el_labels_add(r->labels, name);
    if (*label < 0)
        return r->labels->closed ? el_table_fail(r->table, "the label \"%.60s\" is not known", name)
                                 : el_no_memory(NULL);
    d->notes.composed += strcmp(r->labels->names[*label], name) != 0;
    return EL_OK;
}

typedef struct {
    const el_task_reader *reader;
    el_dataset *dataset;
    el_labelled *example;
    int word;   /* tags: the next word that gets one; vectors: the next place; classes: those before */
    int places; /* of each vector; 0: of this, the first, as many as it has */
} row_parts;

static el_status take_label_part(void *context, const char *part, size_t bytes)
{
    row_parts *const p = context;
    char name[256];
    p->dataset->notes.trimmed += el_labels_trim(p->reader->labels, &part, &bytes);
    if (!bytes)
        return EL_OK;
    if (bytes >= sizeof name)
        return el_table_fail(p->reader->table, "a label is longer than %zu bytes", sizeof name - 1);
    memcpy(name, part, bytes);
    name[bytes] = '\0';
    int label;
    const el_status st = el_reader_add_label(p->reader, p->dataset, name, &label);
    return st ? st : el_dataset_add_number(p->dataset, label);
}

/* A place of a vector: its number is its label's name. */
static el_status take_place(void *context, const char *part, size_t bytes)
{
    row_parts *const p = context;
    char name[16];
    int label;
    if (p->places && p->word == p->places)
        return el_table_fail(p->reader->table, "there are more zeros and ones than the %d that are wanted",
                             p->places);
    snprintf(name, sizeof name, "%d", p->word++);
    const int truth = el_parts_truth(part, bytes);
    if (truth < 0)
        return el_table_fail(p->reader->table, "%.*s stands where a 0 or a 1 is wanted for each label",
                             el_utf8_beginning(part, bytes, 60), part);
    const el_status st = el_reader_add_label(p->reader, p->dataset, name, &label);
    return st || !truth ? st : el_dataset_add_number(p->dataset, label);
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
    p->dataset->notes.trimmed += el_labels_trim(p->reader->labels, &part, &bytes);
    if (p->word == p->dataset->word_count || bytes == 0)
        return el_table_fail(p->reader->table, "there are more tags than words, or an empty one");
    if (bytes >= sizeof name)
        return el_table_fail(p->reader->table, "a tag is longer than %zu bytes", sizeof name - 1);
    memcpy(name, part, bytes);
    name[bytes] = '\0';
    return el_reader_add_label(p->reader, p->dataset, name, &p->dataset->words[p->word++].tag);
}

static el_status take_tagged(const el_task_reader *r, el_dataset *d, const char *words, const char *tags)
{
    row_parts p = {.reader = r, .dataset = d, .word = d->word_count};
    el_status st = el_parts_each(words, EL_PARTS_BLANKS, take_word_part, &p);
    if (st || !tags)
        return st || !r->wanted.labels ? st : no_label(r);
    st = el_parts_each(tags, EL_PARTS_BLANKS, take_tag_part, &p);
    return st || p.word == d->word_count ? st : el_table_fail(r->table, "there are fewer tags than words");
}

/* One label, without the blanks around it, which are counted. */
static el_status take_one_class(const el_task_reader *r, el_dataset *d, el_labelled *e, const char *label,
                                size_t bytes)
{
    d->notes.trimmed += el_labels_trim(r->labels, &label, &bytes);
    if (!bytes)
        return el_table_fail(r->table, "the label is empty");
    char *const name = strndup(label, bytes);
    const el_status st = name ? el_reader_add_label(r, d, name, &e->label) : el_no_memory(r->name);
    free(name);
    return st;
}

static el_status take_class_part(void *context, const char *part, size_t bytes)
{
    row_parts *const p = context;
    if (p->word++)
        return el_table_fail(p->reader->table, "there are several labels; --task multilabel learns them");
    return take_one_class(p->reader, p->dataset, p->example, part, bytes);
}

/* Of an array its only part. */
static el_status take_class(const el_task_reader *r, el_dataset *d, el_labelled *e, const char *label)
{
    row_parts p = {.reader = r, .dataset = d, .example = e};
    if (!el_parts_array(label))
        return take_one_class(r, d, e, label, strlen(label));
    const el_status st = el_parts_each(label, EL_PARTS_ARRAY, take_class_part, &p);
    return st || p.word ? st : el_table_fail(r->table, "the label is empty");
}

/* The answers of a row, and where they begin. */
typedef struct {
    const el_task_reader *reader;
    el_dataset *dataset;
    el_answer *list; /* `begin` in characters; -1: nobody says */
    size_t room;
    int count, starts;
    bool any; /* that is not empty */
} row_answers;

static el_status take_answer_part(void *context, const char *part, size_t bytes)
{
    row_answers *const a = context;
    const char *const text = el_dataset_string(a->dataset, part, bytes);
    if (!text || !el_grow(&a->list, &a->room, (size_t)a->count + 1, sizeof *a->list))
        return el_no_memory(a->reader->name);
    a->list[a->count++] = (el_answer){text, -1};
    a->any |= bytes > 0;
    return EL_OK;
}

static el_status take_start_part(void *context, const char *part, size_t bytes)
{
    row_answers *const a = context;
    char start[32];
    snprintf(start, sizeof start, "%.*s", (int)bytes, part);
    if (a->starts < a->count)
        a->list[a->starts].begin = el_answer_start(start);
    a->starts++;
    return EL_OK;
}

/* Offsets stand between bars as answers do, or between commas. */
static el_status take_starts(row_answers *a, const char *context, const char *answers)
{
    const el_task_reader *const r = a->reader;
    const char *const starts = a->any ? el_table_field(r->table, r->start) : NULL;
    const el_parts parts = starts && strchr(starts, ',') ? EL_PARTS_COMMAS : EL_PARTS_BARS;
    const el_status st = starts ? el_parts_each(starts, parts, take_start_part, a) : EL_OK;
    if (st)
        return st;
    if (a->any && strchr(answers, '|') &&
        (a->starts ? a->starts == 1 && el_answer_stands(context, answers, a->list[0].begin)
                   : strstr(context, answers) != NULL)) {
        a->list[0].text = answers; /* one, with a bar in it */
        a->count = 1;
    }
    return !a->starts || a->starts == a->count
               ? EL_OK
               : el_table_fail(
                     r->table, "column %s has %d answer%s, and column %s has %d place%s where they begin",
                     r->layout.label, a->count, el_s(a->count), r->layout.start, a->starts, el_s(a->starts));
}

/* Of a question that is marked as impossible answers are plausible ones: in tables they stand in no column of their own. */
static el_status add_answers(row_answers *a, const el_labelled *e, const char *answers)
{
    const int mark = mark_of(a->reader);
    el_status st = el_parts_each(answers, EL_PARTS_BARS, take_answer_part, a);
    if (!st && mark != 1)
        st = take_starts(a, e->text[1], answers);
    for (int i = 0; !st && mark != 1 && i < a->count; i++)
        st = el_answer_add(a->dataset, e->text[1], a->list[i].text, a->list[i].begin);
    a->dataset->notes.plausible += mark == 1 && a->any;
    if (!st)
        el_answers_end(a->dataset, mark);
    return st;
}

static el_status take_answers(const el_task_reader *r, el_dataset *d, const el_labelled *e,
                              const char *answers)
{
    if ((*answers == '{' || strncmp(answers, "[{", 2) == 0) && strstr(answers, "text"))
        return el_table_fail(r->table,
                             "the answers are an object, as JSON or Python prints it; JSON lines keep it");
    row_answers a = {.reader = r, .dataset = d};
    const char *const kept = el_dataset_string(d, answers, strlen(answers)); /* until the mark is asked */
    const el_status st = kept ? add_answers(&a, e, kept) : el_no_memory(r->name);
    free(a.list);
    return st;
}

/* A separator that the rows ahead do not have would make one label of several. */
static el_status take_labels(const el_task_reader *r, el_dataset *d, const char *labels)
{
    row_parts p = {.reader = r, .dataset = d, .places = r->labels->count};
    const bool vector = r->layout.parts == EL_PARTS_VECTOR;
    const char other = vector || r->labels->closed ? 0 : el_parts_other(labels, r->layout.parts);
    if (other)
        return el_table_fail(r->table,
                             "there is a '%c' in the labels, and in none of the first rows: it may stand "
                             "between labels or within one; arrays of them would tell",
                             other);
    const el_status st = el_parts_each(labels, r->layout.parts, vector ? take_place : take_label_part, &p);
    return st || !vector || p.word >= p.places
               ? st
               : el_table_fail(r->table, "there are %d zeros and ones, where %d are wanted", p.word,
                               p.places);
}

static el_status take_label(const el_task_reader *r, el_dataset *d, el_labelled *e, const char *label)
{
    switch (r->task->kind) {
    case EL_CLASSIFY:
        return take_class(r, d, e, label);
    case EL_REGRESS:
        return take_number(r, label, &e->value);
    case EL_MULTILABEL:
        e->label = 0; /* labelled, if only with none */
        return take_labels(r, d, label);
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
        el_status st = field ? el_reader_add_label(r, d, r->layout.labels[i], &label)
                             : no_column(r, r->layout.labels[i]);
        if (st)
            return st;
        const int truth = el_parts_truth(field, strlen(field));
        if (truth < 0)
            return el_table_fail(r->table, "column %s has \"%.60s\" where a 0 or a 1 is wanted",
                                 r->layout.labels[i], field);
        if (truth && (st = el_dataset_add_number(d, label)))
            return st;
    }
    return EL_OK;
}

/* A copy of the row's field, as a JSON table gives one at a time; NULL in *copy where the row has none there. */
static el_status copy_field(el_task_reader *r, el_dataset *d, el_column column, const char **copy)
{
    const char *const field = el_table_field(r->table, column);
    *copy = field ? el_dataset_string(d, field, strlen(field)) : NULL;
    return field && !*copy ? el_no_memory(r->name) : EL_OK;
}

static el_status take_texts(el_task_reader *r, el_dataset *d, const char *texts[2])
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < 1 + (r->text[1].key != NULL); i++) {
        st = copy_field(r, d, r->text[i], &texts[i]);
        if (!st && !texts[i])
            return no_column(r, r->layout.text[i]);
        if (!st && r->task->kind != EL_TAG && el_table_array(r->table))
            return el_table_fail(r->table, "column %s is an array, and a text is wanted", r->layout.text[i]);
    }
    return st;
}

/* Whether the row has the names of its columns, as where files with headers were joined. */
static bool is_header(const el_task_reader *r)
{
    const char *const names[] = {r->layout.text[0], r->layout.label};
    const el_column columns[] = {r->text[0], r->label};
    if (!r->layout.header || !r->label.key)
        return false;
    for (int i = 0; i < 2; i++) {
        const char *const cell = el_table_field(r->table, columns[i]);
        if (!cell || strlen(cell) > 2 * strlen(names[i]) || !el_name_same(names[i], cell))
            return false;
    }
    return true;
}

static el_status take_row(el_task_reader *r, el_dataset *d)
{
    const char *texts[2] = {0};
    if (is_header(r))
        return el_table_fail(r->table, "this line names the columns again");
    el_status st = r->task->kind == EL_TAG ? EL_OK : check_width(r);
    if (st)
        return st;
    el_labelled *const e = el_dataset_add(d, el_table_line(r->table));
    st = e ? take_texts(r, d, texts) : el_no_memory(r->name);
    if (!st && r->id.key)
        st = copy_field(r, d, r->id, &e->id);
    if (st)
        return st;
    if (r->task->kind == EL_TAG)
        return take_tagged(r, d, texts[0], r->wanted.labels ? label_of(r) : NULL);
    e->text[0] = texts[0], e->text[1] = texts[1];
    if (r->layout.label_count)
        return r->wanted.labels ? take_columns(r, d, e) : EL_OK;
    const char *const label = label_of(r);
    if (!label && (r->wanted.labels || (r->label.key && !el_reader_keyed(r))))
        return no_label(r);
    if (label && r->unlabelled && !el_reader_empty_label(r, label))
        return el_table_fail(r->table, "there is a label in column %s, and in none of the first rows",
                             r->layout.label);
    return label && r->wanted.labels ? take_label(r, d, e, label) : EL_OK;
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
    const char *const label = r->wanted.labels && r->layout.gap ? label_of(r) : NULL;
    return label && strcmp(label, r->layout.gap) == 0;
}

el_status el_reader_take_row(el_task_reader *r, el_dataset *d)
{
    const el_dataset before = *d;
    if (is_gap(r)) {
        d->notes.gaps++;
        return EL_OK;
    }
    const el_status st = take_row(r, d);
    if (st != EL_EDATA || !r->task->skips)
        return st;
    take_back(d, &before);
    if (!d->notes.malformed && !(d->notes.malformed = el_dataset_string(d, el_error(), strlen(el_error()))))
        return el_no_memory(r->name);
    d->notes.skipped++;
    return EL_OK;
}
