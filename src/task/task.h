/* task - what a task is: a line of a table; and reading its files
 *
 * GLUE, SQuAD and their like are lines with names of files, columns and metrics; `classify`, `regress`, `multilabel`,
 * `tag` and `span` are lines that leave them to the user.  Whatever a line leaves open, or a caller says otherwise, is
 * found in the file: columns by the names that such files use, else the first and the last.
 */
#ifndef EL_TASK_TASK_H
#define EL_TASK_TASK_H

#include "task/dataset.h"

/* How text lies in a file; told by its ending, its first rows and the task where left open (files/form.h). */
typedef enum {
    EL_FORM_OPEN,
    EL_FORM_TSV,   /* fields between tabs, nothing quoted; to tag: words, tags */
    EL_FORM_CSV,   /* RFC 4180, between commas, semicolons, tabs or bars */
    EL_FORM_JSONL, /* an object a line; a column is a key, "a.b" a key within */
    EL_FORM_JSON,  /* such objects in whatever holds them (files/objects.h) */
    EL_FORM_LINES, /* a text a line; to tag: words between spaces */
    EL_FORM_CONLL, /* a word and its columns a line, sentences between blank lines */
    EL_FORM_SQUAD, /* SQuAD's and KorQuAD's JSON */
    EL_FORM_MRQA,  /* MRQA's JSONL */
    EL_FORMS
} el_form;

/* What a column is for. */
typedef enum {
    EL_ROLE_TEXT,   /* sentence, question, words */
    EL_ROLE_SECOND, /* second sentence, context */
    EL_ROLE_LABEL,  /* or score, labels, tags, answers */
    EL_ROLE_ID,
    EL_SAID_ROLES,                 /* those that may be said, and that are kept in a model's card */
    EL_ROLE_START = EL_SAID_ROLES, /* where answers begin */
    EL_ROLE_MARK,                  /* that questions are impossible */
    EL_ROLES
} el_column_role;

/* Something for each role: by number, and by name. */
#define EL_BY_ROLE(type)                                                                                     \
    union {                                                                                                  \
        type by_role[EL_ROLES];                                                                              \
        struct {                                                                                             \
            type text[2];                                                                                    \
            type label;                                                                                      \
            type id;                                                                                         \
            type start;                                                                                      \
            type mark;                                                                                       \
        };                                                                                                   \
    }

/* Columns are names (of the header, or JSON keys) or numbers from 1; negative ones count from the end.  NULL: open. */
typedef struct {
    el_form form;
    int header; /* 1: the first line names columns; 0: it does not; -1: found out */
    EL_BY_ROLE(const char *);
} el_columns;

typedef struct {
    const char *name;  /* "sst2" */
    const char *about; /* "sentiment of film reviews (GLUE)" */
    el_task_kind kind;
    /* Where its files usually lie, below the data folder: "SST-2", alternatives between '|', or as the task is named;
     * NULL: in the data folder itself. */
    const char *folder;
    const char *train, *dev, *test; /* names of files without endings, alternatives between '|'; NULL: none */
    el_columns columns;
    el_columns test_columns; /* of a test file without labels, as GLUE's are */
    bool test_unlabelled;    /* such a file is there to be predicted, not scored */
    bool skips;              /* malformed lines are left out and counted, as is the custom with these files */
    const char *labels;      /* "0|1", in the order of their numbers; NULL: as found, sorted */
    const char *metric;      /* by which the best checkpoint is chosen: a figure's name */
    double epochs;
    double low, high; /* regress: the range that is 0 .. 1 in training; both 0: as found in training data */
    int max_seq_length;
    bool double_unordered;  /* train on both orders of a pair */
    const char *also;       /* another task whose dev file is scored too */
    const char *submission; /* name of GLUE's submission file, "SST-2.tsv"; NULL: none */
    const char *taught;     /* the task whose models answer it; NULL: its own */
} el_task;

/* NULL where there is no such task. */
const el_task *el_task_find(const char *name);
const el_task *el_task_at(int index); /* NULL after the last */

/* Where the splits of a task lie.  Paths on the heap, NULL where there is none. */
typedef struct {
    char *train, *dev, *test;
} el_task_files;

/* Splits that are wanted: a sum of these. */
enum { EL_FILES_TRAIN = 1, EL_FILES_DEV = 2, EL_FILES_TEST = 4 };

/* Looks in `folder` (NULL: nowhere) and in the task's folder below it for the task's files, by their names in any case and
 * with any ending, and failing these for the one file with "train", "dev" (valid, validation, val, eval, trial) or "test"
 * as a word of its name; what is `given` is taken as it is.  Where the same task is known in another form (STS-B as first
 * published), *task becomes it.  EL_EUSAGE where several files would do for a split that is `wanted` and not given, EL_EDATA
 * where none is there to train on and that is wanted. */
el_status el_task_find_files(const el_task **task, const char *folder, const el_task_files *given, int wanted,
                             el_task_files *files);
void el_task_files_release(el_task_files *files);

/* A part of "label=FILE,label=FILE": a class each, a text a line.  Points into what was read. */
typedef struct {
    const char *label, *path;
    size_t label_bytes, path_bytes;
} el_class_file;

/* Whether `path` is written so: not where there is a file of that very name, or one class alone, which is a path with a
 * '=' in it. */
bool el_class_files(const char *path);
/* The part at *at, which moves behind it; false: it lacks a label or a file. */
bool el_class_files_next(const char **at, el_class_file *file);
/* Visits the file of `path`, or that of each class, until one fails.  EL_EUSAGE where a part lacks a label or a file. */
typedef el_status el_file_visit(void *context, const char *path);
el_status el_class_files_visit(const char *path, el_file_visit *visit, void *context);

/* The test file by the task's own name for it, in `folder` or in the task's folder below; NULL: it is not there. */
el_status el_task_find_test(const el_task *task, const char *folder, char **path);

/* How a file lies, as it was understood (files/layout.h). */
typedef struct el_file_layout el_file_layout;

typedef enum {
    EL_LABELS_UNREAD,   /* they may be missing, and are not looked at */
    EL_LABELS_IF_THERE, /* where no column has them, the examples are unlabelled */
    EL_LABELS_NEEDED
} el_labels_wanted;

/* What a caller may say of a file; zeroed: nothing. */
typedef struct {
    const el_columns *columns;   /* those that are not open replace the task's; may be NULL */
    const el_file_layout *known; /* of the file that was learned from; NULL: unknown */
    el_labels_wanted labels;
    bool test; /* the task's test_columns hold */
} el_task_reading;

/* Reads a file some examples at a time, in its order.  Labels are added to `labels` unless it is closed; one that is
 * not there is EL_EDATA with file and line; where `labels` is NULL, no column is taken for one.  `path` may also
 * name a file for each class (el_class_files). */
typedef struct el_task_reader el_task_reader;
el_status el_task_reader_open(el_task_reader **reader, const el_task *task, const char *path,
                              el_task_reading reading, el_labels *labels);
/* Makes *dataset of the next examples, at most `most` (span files come whole), and fewer where the rest has not come yet,
 * as of a pipe; none left: its count is 0. */
el_status el_task_reader_next(el_task_reader *reader, int most, el_dataset *dataset);
void el_task_reader_close(el_task_reader *reader); /* accepts NULL */
/* How its file lies: complete when the first example was read. */
const el_file_layout *el_task_reader_layout(const el_task_reader *reader);

/* All of them.  `layout`, zeroed before, is filled where it is not NULL. */
el_status el_task_read(const el_task *task, const char *path, el_task_reading reading, el_labels *labels,
                       el_file_layout *layout, el_dataset *dataset);

#endif
