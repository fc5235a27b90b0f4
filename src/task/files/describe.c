/* describe - see the header */
#include "task/files/describe.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/plural.h"
#include "task/files/names.h"
#include "text/utf8.h"

enum { LINE = 600, SHOWN_LABELS = 10, SHOWN_BYTES = 60, SHOWN_NAME = 40, SHOWN_WORDS = 8 };

typedef struct {
    char text[LINE];
    size_t used;
} line;

static void put(line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(line *l, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int bytes = vsnprintf(l->text + l->used, sizeof l->text - l->used, format, arguments);
    va_end(arguments);
    const size_t left = sizeof l->text - l->used - 1;
    l->used += bytes < 0 ? 0 : (size_t)bytes < left ? (size_t)bytes : left;
}

/* The beginning of a text, whole characters, between quotes. */
static void put_text(line *l, const char *text)
{
    const size_t bytes = strlen(text);
    put(l, "\"%.*s%s\"", el_utf8_beginning(text, bytes, SHOWN_BYTES), text,
        bytes > SHOWN_BYTES ? " ..." : "");
}

static void put_name(line *l, const char *between, const char *name)
{
    put(l, "%s%.*s", between, el_utf8_beginning(name, strlen(name), SHOWN_NAME), name);
}

static void put_column(line *l, const char *role, const char *column)
{
    int number;
    if (!column)
        return;
    put(l, "%s%s ", l->used ? ", " : "", role);
    if (!el_column_number(column, &number))
        put(l, "\"%s\"", column);
    else if (number == -1)
        put(l, "the last column");
    else
        put(l, "column %s", column);
}

static void put_columns(line *l, const el_file_layout *layout, el_task_kind kind)
{
    for (el_column_role role = 0; role < EL_SAID_ROLES; role++)
        put_column(l, el_role_called(kind, role),
                   role <= EL_ROLE_LABEL && layout->called[role] ? layout->called[role]
                                                                 : layout->by_role[role]);
    if (layout->label_count)
        put(l, "%s%d columns that are a label each", l->used ? ", " : "", layout->label_count);
}

static const char *about_header(const el_file_layout *layout)
{
    const el_form form = layout->file.form;
    if (layout->header)
        return ", the first row names the columns";
    return form == EL_FORM_TSV || form == EL_FORM_CSV ? ", without a header" : "";
}

void el_describe_columns(const el_file_layout *layout, el_task_kind kind, const char *path)
{
    line l = {0};
    el_file_layout used = *layout;
    used.label = NULL;
    used.label_count = 0;
    put_columns(&l, &used, kind);
    el_log(EL_LOG_NOTE, "%s: %s%s: %s", path, el_form_about(layout->file), about_header(layout), l.text);
}

/* ---- labels ---- */

static void count_labels(const el_dataset *d, int64_t *counts)
{
    for (int i = 0; d->kind == EL_CLASSIFY && i < d->count; i++)
        if (d->examples[i].label >= 0)
            counts[d->examples[i].label]++;
    for (int i = 0; i < d->word_count; i++)
        if (d->words[i].tag >= 0)
            counts[d->words[i].tag]++;
    for (int i = 0; i < d->number_count; i++)
        counts[d->numbers[i]]++;
}

static void say_labels(const el_file_layout *layout, const el_dataset *d, const el_labels *labels)
{
    int64_t *const counts = calloc((size_t)labels->count + 1, sizeof *counts);
    line l = {0};
    if (!counts || !labels->count) {
        free(counts);
        return;
    }
    count_labels(d, counts);
    put(&l, "%d %s%s", labels->count, d->kind == EL_TAG ? "tag" : "label", el_s(labels->count));
    if (d->kind == EL_MULTILABEL)
        put(&l, ", %s", el_parts_about(layout->parts));
    for (int i = 0; i < labels->count && i < SHOWN_LABELS; i++) {
        put_name(&l, i ? ", " : ": ", labels->names[i]);
        put(&l, " %lld", (long long)counts[i]);
    }
    el_log(EL_LOG_NOTE, "%s: %s%s", d->name, l.text, labels->count > SHOWN_LABELS ? ", ..." : "");
    free(counts);
}

static void say_scores(const el_dataset *d)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < d->count; i++) {
        low = fmin(low, d->examples[i].value);
        high = fmax(high, d->examples[i].value);
    }
    el_log(EL_LOG_NOTE, "%s: scores from %g to %g", d->name, low, high);
}

/* ---- the first example ---- */

static void put_labels_of(line *l, const el_dataset *d, const el_labelled *e, const el_labels *labels)
{
    for (int i = 0; i < e->count; i++)
        put_name(l, i ? ", " : " is ", labels->names[d->numbers[e->first + i]]);
    if (!e->count)
        put(l, " has no label");
}

static void put_words(line *l, const el_dataset *d, const el_labelled *e, const el_labels *labels)
{
    for (int i = 0; i < e->count && i < SHOWN_WORDS; i++) {
        const el_word *const w = &d->words[e->first + i];
        put_name(l, i ? ", " : "", w->text);
        put_name(l, " ", w->tag >= 0 ? labels->names[w->tag] : "");
    }
    if (e->count > SHOWN_WORDS)
        put(l, ", ...");
}

static void say_first(const el_dataset *d, const el_labels *labels)
{
    const el_labelled *const e = &d->examples[0];
    line l = {0};
    if (d->kind == EL_TAG)
        put_words(&l, d, e, labels);
    for (int i = 0; i < 2; i++)
        if (e->text[i]) {
            put(&l, "%s", i ? " and " : "");
            put_text(&l, e->text[i]);
        }
    if (d->kind == EL_CLASSIFY && e->label >= 0)
        put_name(&l, " is ", labels->names[e->label]);
    if (d->kind == EL_REGRESS)
        put(&l, " is %g", e->value);
    if (d->kind == EL_MULTILABEL)
        put_labels_of(&l, d, e, labels);
    if (d->kind == EL_SPAN && e->count) {
        put(&l, ": ");
        put_text(&l, d->answers[e->first].text);
    }
    if (d->kind == EL_SPAN && !e->count)
        put(&l, " has no answer");
    el_log(EL_LOG_NOTE, "%s: the first: %s", d->name, l.text);
}

void el_describe_training(const el_file_layout *layout, const el_dataset *d, const el_labels *labels)
{
    static const char *const ROWS[EL_TASK_KINDS] = {"row", "row", "row", "sentence", "question"};
    enum { MANY_WORDS = 400 };
    line l = {0};
    put_columns(&l, layout, d->kind);
    el_log(EL_LOG_NOTE, "%s: %s%s; %d %s%s%s%s", d->name, el_form_about(layout->file), about_header(layout),
           d->count, ROWS[d->kind], el_s(d->count), l.used ? "; " : "", l.text);
    if (d->kind == EL_REGRESS)
        say_scores(d);
    else if (d->kind != EL_SPAN)
        say_labels(layout, d, labels);
    if (d->count)
        say_first(d, labels);
    if (d->kind == EL_TAG && d->count == 1 && d->word_count > MANY_WORDS)
        el_log(EL_LOG_WARNING,
               "%s: no blank line ends a sentence: all %d words are one, of which most is cut off", d->name,
               d->word_count);
}

void el_describe_reading(const el_dataset *d)
{
    const el_reading_notes *const n = &d->notes;
    if (n->skipped)
        el_log(EL_LOG_WARNING, "%s: %d malformed line%s %s left out; the first: %s", d->name, n->skipped,
               el_s(n->skipped), el_is(n->skipped), n->malformed);
    const struct {
        int count;
        el_log_level level;
        const char *noun;
        const char *(*verb)(long long);
        const char *what;
    } notes[] = {
        {n->gaps, EL_LOG_NOTE, "row", el_has, "no label, as the judges did not agree: left out"},
        {n->trimmed, EL_LOG_NOTE, "label", el_has, "blanks around, which are no part of a label"},
        {n->composed, EL_LOG_NOTE, "label", el_is,
         "written in another Unicode form (NFC, NFD) than the same label before, and one with it"},
        {n->respelled, EL_LOG_NOTE, "label", el_is,
         "spelled otherwise (1.0 for 1, True for true) than the same label that was learned, and one with "
         "it"},
        {n->contradicted, EL_LOG_WARNING, "question", el_has,
         "an is_impossible that contradicts the answers; a question with answers has one"},
        {n->plausible, EL_LOG_NOTE, "question", el_is,
         "marked as impossible; the answers beside are left out"},
        {n->moved, EL_LOG_WARNING, "answer", el_is,
         "not at the offset in characters; the nearest place where the answer stands is taken"},
        {n->absent, EL_LOG_WARNING, "answer", el_is, "not in the text; scored, and not learned from"},
        {n->placed, EL_LOG_NOTE, "answer", el_has,
         "no offset; the first place where the answer stands is taken"}};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (notes[i].count)
            el_log(notes[i].level, "%s: %d %s%s %s %s", d->name, notes[i].count, notes[i].noun,
                   el_s(notes[i].count), notes[i].verb(notes[i].count), notes[i].what);
}
