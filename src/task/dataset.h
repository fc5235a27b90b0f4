/* dataset - labelled examples of a task, as its files have them
 *
 * Five kinds of task share one shape:
 *
 *   classify     one text or a pair, one label of a closed set
 *   regress      one text or a pair, a number
 *   multilabel   one text or a pair, any number of labels
 *   tag          words, a tag each
 *   span         a question, a context, answers that stand in the context, or none
 *
 * A dataset owns its strings. Labels are a list that splits of one task share: training data adds to it, other data
 * must keep to it.  Text is as the file has it, UTF-8, uncut; features.h makes ids of it.
 */
#ifndef EL_TASK_DATASET_H
#define EL_TASK_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum { EL_CLASSIFY, EL_REGRESS, EL_MULTILABEL, EL_TAG, EL_SPAN, EL_TASK_KINDS } el_task_kind;

/* Names of labels or tags. */
typedef struct {
    char **names;
    int count;
    size_t room;
    bool closed; /* el_labels_add refuses what is not there */
    int *slots;  /* numbers from 1 by the hash of the name, 0: free; NULL: there is no such table yet */
    int slot_count;
} el_labels;

/* The label's number, added where it is new; -1 where the list is closed and lacks it, or without memory.  A name whose
 * characters are the same in another Unicode form (NFC, NFD) is the same label, in the form that came first. */
int el_labels_add(el_labels *labels, const char *name);
/* The same, where two forms of one name are two labels, as they may be in a model's card. */
int el_labels_add_exactly(el_labels *labels, const char *name);
int el_labels_find(const el_labels *labels, const char *name); /* -1: none */
/* Takes the blanks around a name away, of every kind (text/normalize.h), unless a closed list has it with them; whether there
 * were any. */
bool el_labels_trim(const el_labels *labels, const char **name, size_t *bytes);
void el_labels_release(el_labels *labels);

typedef struct {
    const char *text;
    int tag; /* of the labels; -1 where the file has none */
} el_word;

typedef struct {
    const char *text;
    int64_t begin; /* byte of the context where it stands; -1 where it does not */
} el_answer;

/* One example. */
typedef struct {
    const char *id;      /* as the file names it; NULL where it does not */
    const char *text[2]; /* sentence and second sentence; question and context; NULL where there is none */
    int64_t line;        /* where it begins in the file, from 1; for JSON its number */
    int label; /* classify: of the labels; -1: unlabelled.  span: 1 impossible, 0 answerable, -1 unlabelled */
    double value; /* regress; NaN: unlabelled */
    int group; /* what train and dev must not share: the article of a span, or its context where no file tells of articles;
                * else the example's own number */
    int first,
        count; /* tag: words; span: answers; multilabel: label numbers; in the dataset's list of them */
} el_labelled;

/* What was done in reading a file. */
typedef struct {
    int skipped;           /* malformed lines left out, where the field's custom is to leave them out */
    const char *malformed; /* what was wrong with the first of them */
    int gaps;              /* rows left out as they have what stands for no label */
    int trimmed;           /* labels that had blanks around them */
    int composed;          /* labels that were written in another Unicode form than before */
    int respelled;         /* and in another spelling: 1.0 for 1, True for true */
    int moved;             /* answers that stand elsewhere than the file's offset says */
    int contradicted;      /* questions that are marked as impossible against their answers, or the reverse */
    int plausible;         /* questions of tables that are marked as impossible, whose answers are left out */
    int placed;            /* answers without an offset, taken where they first stand */
    int absent;            /* answers that do not stand in their texts */
} el_reading_notes;

typedef struct el_string_block el_string_block;

typedef struct {
    el_task_kind kind;
    char *name; /* of the file, for sentences */
    el_labelled *examples;
    int count;
    size_t room;
    el_word *words;
    el_answer *answers;
    int *numbers; /* labels of multilabel examples */
    int word_count, answer_count, number_count;
    size_t word_room, answer_room, number_room;
    el_reading_notes notes;
    el_string_block *strings; /* where all text lives */
} el_dataset;

el_status el_dataset_open(el_dataset *dataset, el_task_kind kind, const char *name);
void el_dataset_release(el_dataset *dataset); /* accepts a zeroed one */

/* Whether an example has a label, a number, a tag or an answer, if only that there is none; and whether any has. */
bool el_dataset_has_label(const el_dataset *dataset, const el_labelled *example);
bool el_dataset_labelled(const el_dataset *dataset);

/* EL_EFAILED: what a model gave for an example is no answer. */
el_status el_dataset_not_finite(const el_dataset *dataset, int example);

/* Building one.  Strings are copied; NULL where there is no memory.  An added example has no label, and its words,
 * answers or numbers are those added after it. */
const char *el_dataset_string(el_dataset *dataset, const char *text, size_t bytes);
el_labelled *el_dataset_add(el_dataset *dataset, int64_t line);
el_status el_dataset_add_word(el_dataset *dataset, const char *text, size_t bytes, int tag);
el_status el_dataset_add_answer(el_dataset *dataset, const char *text, size_t bytes, int64_t begin);
el_status el_dataset_add_number(el_dataset *dataset, int label);

/* Sorts the labels (whole numbers by value, else by bytes), renumbers them in the datasets, and closes the list. */
el_status el_labels_close(el_labels *labels, el_dataset *const *datasets, int count);

/* Which examples are held out of training where no file is: of their groups every `every`th (the first among them), or
 * the last `last`, or a share chosen by the seed alone, at least one. */
typedef struct {
    int every, last; /* 0: not so */
    double share;
    uint64_t seed;
} el_hold_out;

/* Makes one group of the examples that share a context, in the order of the first of each. */
el_status el_dataset_group_contexts(el_dataset *dataset);
/* Moves them from train to dev, which becomes another dataset over copies of the strings. */
el_status el_dataset_hold_out(el_dataset *train, el_dataset *dev, el_hold_out rule);
/* Keeps `most` examples of it, chosen by the seed alone, in their order. */
el_status el_dataset_limit(el_dataset *dataset, int most, uint64_t seed);

#endif
