/* task - the table, and where a task's files lie */
#include "task/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"

#define NAMED(first, second, what)                                                                           \
    {                                                                                                        \
        .form = EL_FORM_TSV, .header = 1, .text = {first, second}, .label = what, .id = NULL                 \
    }
#define INDEXED(first, second)                                                                               \
    {                                                                                                        \
        .form = EL_FORM_TSV, .header = 1, .text = {first, second}, .id = "index"                             \
    }
#define OPEN                                                                                                 \
    {                                                                                                        \
        .header = -1                                                                                         \
    }

static const char TRAIN[] = "train", DEV[] = "dev|valid|validation", TEST[] = "test";
static const char NLI[] = "contradiction|entailment|neutral", ENTAILED[] = "entailment|not_entailment",
                  BINARY[] = "0|1";

static const el_task TASKS[] = {
    {.name = "cola",
     .about = "acceptable sentences (GLUE)",
     .kind = EL_CLASSIFY,
     .folder = "CoLA",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = {.form = EL_FORM_TSV, .header = 0, .text = {"4"}, .label = "2"},
     .test_columns = INDEXED("sentence", NULL),
     .test_unlabelled = true,
     .skips = true,
     .labels = BINARY,
     .metric = "matthews",
     .epochs = 3,
     .max_seq_length = 128,
     .submission = "CoLA.tsv"},
    {.name = "sst2",
     .about = "sentiment of film reviews (GLUE)",
     .kind = EL_CLASSIFY,
     .folder = "SST-2",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = NAMED("sentence", NULL, "label"),
     .test_columns = INDEXED("sentence", NULL),
     .test_unlabelled = true,
     .skips = true,
     .labels = BINARY,
     .metric = "accuracy",
     .epochs = 3,
     .max_seq_length = 128,
     .submission = "SST-2.tsv"},
    {.name = "mrpc",
     .about = "paraphrases in the news (GLUE)",
     .kind = EL_CLASSIFY,
     .folder = "MRPC",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = NAMED("4", "5", "1"),
     .test_columns = INDEXED("4", "5"),
     .test_unlabelled = true,
     .skips = true,
     .labels = BINARY,
     .metric = "accuracy",
     .epochs = 3,
     .max_seq_length = 128,
     .double_unordered = true,
     .submission = "MRPC.tsv"},
    {.name = "stsb",
     .about = "similarity of sentences, 0 to 5 (GLUE's form)",
     .kind = EL_REGRESS,
     .folder = "STS-B",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = NAMED("sentence1", "sentence2", "score"),
     .test_columns = INDEXED("sentence1", "sentence2"),
     .test_unlabelled = true,
     .skips = true,
     .metric = "spearman",
     .epochs = 10,
     .high = 5,
     .max_seq_length = 128,
     .double_unordered = true,
     .submission = "STS-B.tsv"},
    {.name = "stsb",
     .about = "similarity of sentences, 0 to 5 (as first published)",
     .kind = EL_REGRESS,
     .folder = "stsbenchmark",
     .train = "sts-train",
     .dev = "sts-dev",
     .test = "sts-test",
     .columns = {.form = EL_FORM_TSV, .header = 0, .text = {"6", "7"}, .label = "5"},
     .skips = true,
     .metric = "spearman",
     .epochs = 10,
     .high = 5,
     .max_seq_length = 128,
     .double_unordered = true},
    {.name = "qqp",
     .about = "duplicate questions (GLUE)",
     .kind = EL_CLASSIFY,
     .folder = "QQP",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = NAMED("question1", "question2", "is_duplicate"),
     .test_columns = {.form = EL_FORM_TSV, .header = 1, .text = {"question1", "question2"}, .id = "id"},
     .test_unlabelled = true,
     .skips = true,
     .labels = BINARY,
     .metric = "accuracy",
     .epochs = 3,
     .max_seq_length = 128,
     .submission = "QQP.tsv"},
    {.name = "mnli",
     .about = "inference between sentences, matched (GLUE); the mismatched dev file is scored too",
     .kind = EL_CLASSIFY,
     .folder = "MNLI",
     .train = TRAIN,
     .dev = "dev_matched",
     .test = "test_matched",
     .columns = NAMED("sentence1", "sentence2", "gold_label"),
     .test_columns = INDEXED("sentence1", "sentence2"),
     .test_unlabelled = true,
     .skips = true,
     .labels = NLI,
     .metric = "accuracy",
     .epochs = 3,
     .max_seq_length = 128,
     .also = "mnli_mismatched",
     .submission = "MNLI-m.tsv"},
    {.name = "mnli_mismatched",
     .about = "inference between sentences, mismatched (GLUE)",
     .kind = EL_CLASSIFY,
     .folder = "MNLI",
     .train = TRAIN,
     .dev = "dev_mismatched",
     .test = "test_mismatched",
     .columns = NAMED("sentence1", "sentence2", "gold_label"),
     .test_columns = INDEXED("sentence1", "sentence2"),
     .test_unlabelled = true,
     .skips = true,
     .labels = NLI,
     .metric = "accuracy",
     .epochs = 3,
     .max_seq_length = 128,
     .submission = "MNLI-mm.tsv",
     .taught = "mnli"},
    {.name = "qnli",
     .about = "whether a sentence answers a question (GLUE)",
     .kind = EL_CLASSIFY,
     .folder = "QNLI",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = NAMED("question", "sentence", "label"),
     .test_columns = INDEXED("question", "sentence"),
     .test_unlabelled = true,
     .skips = true,
     .labels = ENTAILED,
     .metric = "accuracy",
     .epochs = 3,
     .max_seq_length = 128,
     .submission = "QNLI.tsv"},
    {.name = "rte",
     .about = "entailment between sentences (GLUE)",
     .kind = EL_CLASSIFY,
     .folder = "RTE",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = NAMED("sentence1", "sentence2", "label"),
     .test_columns = INDEXED("sentence1", "sentence2"),
     .test_unlabelled = true,
     .skips = true,
     .labels = ENTAILED,
     .metric = "accuracy",
     .epochs = 10,
     .max_seq_length = 128,
     .submission = "RTE.tsv"},
    {.name = "wnli",
     .about = "what a pronoun stands for (GLUE)",
     .kind = EL_CLASSIFY,
     .folder = "WNLI",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = NAMED("sentence1", "sentence2", "label"),
     .test_columns = INDEXED("sentence1", "sentence2"),
     .test_unlabelled = true,
     .skips = true,
     .labels = BINARY,
     .metric = "accuracy",
     .epochs = 3,
     .max_seq_length = 128,
     .submission = "WNLI.tsv"},
    {.name = "ax",
     .about = "GLUE's diagnostic sentences, for a model taught mnli",
     .kind = EL_CLASSIFY,
     .folder = "AX|diagnostic",
     .test = "diagnostic",
     .columns = INDEXED("sentence1", "sentence2"),
     .test_columns = INDEXED("sentence1", "sentence2"),
     .test_unlabelled = true,
     .labels = NLI,
     .metric = "matthews",
     .max_seq_length = 128,
     .submission = "AX.tsv",
     .taught = "mnli"},
    {.name = "squad",
     .about = "questions about Wikipedia, some without an answer (SQuAD 2.0)",
     .kind = EL_SPAN,
     .folder = "squad",
     .train = "train-v2.0|train",
     .dev = "dev-v2.0|dev",
     .test = "test-v2.0|test",
     .columns = {.form = EL_FORM_SQUAD, .header = -1},
     .metric = "best_f1",
     .epochs = 2,
     .max_seq_length = 512},
    {.name = "squadv1",
     .about = "questions about Wikipedia (SQuAD 1.1)",
     .kind = EL_SPAN,
     .folder = "squadv1",
     .train = "train-v1.1|train",
     .dev = "dev-v1.1|dev",
     .test = "test-v1.1|test",
     .columns = {.form = EL_FORM_SQUAD, .header = -1},
     .metric = "f1",
     .epochs = 2,
     .max_seq_length = 512},
    {.name = "korquad",
     .about = "questions about the Korean Wikipedia (KorQuAD 1.0)",
     .kind = EL_SPAN,
     .folder = "korquad",
     .train = "KorQuAD_v1.0_train|train",
     .dev = "KorQuAD_v1.0_dev|dev",
     .test = TEST,
     .columns = {.form = EL_FORM_SQUAD, .header = -1},
     .metric = "f1",
     .epochs = 2,
     .max_seq_length = 512},
    {.name = "mrqa",
     .about = "questions in MRQA's form: NewsQA, NaturalQuestions, TriviaQA, SearchQA",
     .kind = EL_SPAN,
     .folder = "mrqa",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = {.form = EL_FORM_MRQA, .header = -1},
     .metric = "f1",
     .epochs = 2,
     .max_seq_length = 512},
    {.name = "chunk",
     .about = "phrases of sentences, CoNLL columns (CoNLL-2000)",
     .kind = EL_TAG,
     .folder = "chunk",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = OPEN,
     .metric = "f1",
     .epochs = 3,
     .max_seq_length = 256},
    {.name = "ner",
     .about = "named entities, CoNLL columns",
     .kind = EL_TAG,
     .folder = "ner",
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = OPEN,
     .metric = "f1",
     .epochs = 3,
     .max_seq_length = 256},
    {.name = "classify",
     .about = "your own texts or pairs, one label each",
     .kind = EL_CLASSIFY,
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = OPEN,
     .metric = "accuracy",
     .epochs = 3,
     .max_seq_length = 128},
    {.name = "regress",
     .about = "your own texts or pairs, a number each",
     .kind = EL_REGRESS,
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = OPEN,
     .metric = "spearman",
     .epochs = 10,
     .max_seq_length = 128},
    {.name = "multilabel",
     .about = "your own texts or pairs, any number of labels each",
     .kind = EL_MULTILABEL,
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = OPEN,
     .metric = "f1_micro",
     .epochs = 3,
     .max_seq_length = 128},
    {.name = "tag",
     .about = "your own words, a tag each: CoNLL columns, or JSON lines with words and tags",
     .kind = EL_TAG,
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = OPEN,
     .metric = "f1",
     .epochs = 3,
     .max_seq_length = 256},
    {.name = "span",
     .about = "your own questions, contexts and answers",
     .kind = EL_SPAN,
     .train = TRAIN,
     .dev = DEV,
     .test = TEST,
     .columns = OPEN,
     .metric = "f1",
     .epochs = 2,
     .max_seq_length = 512},
};
enum { TASK_COUNT = sizeof TASKS / sizeof *TASKS };

const el_task *el_task_at(int index)
{
    return index < TASK_COUNT ? &TASKS[index] : NULL;
}

const el_task *el_task_find(const char *name)
{
    for (int i = 0; i < TASK_COUNT; i++)
        if (strcmp(TASKS[i].name, name) == 0)
            return &TASKS[i];
    return NULL;
}

/* The same task in another form: the next line of its name. */
static const el_task *next_form(const el_task *task)
{
    for (const el_task *t = task + 1; t < TASKS + TASK_COUNT; t++)
        if (strcmp(t->name, task->name) == 0)
            return t;
    return NULL;
}

/* ---- files ---- */

static const char *const ENDINGS[] = {".tsv", ".txt", ".csv", ".jsonl", ".json", ".conll", ""};
static const char *const PACKINGS[] = {"", ".gz", ".zst"};

static el_status no_memory(void)
{
    return el_fail(EL_ENOMEM, "no memory for names of files");
}

/* Calls visit for each of the names between '|'; stops and returns true where it does. */
typedef bool name_visit(void *context, const char *name, size_t bytes);
static bool each_name(const char *names, name_visit *visit, void *context)
{
    for (const char *at = names; at && *at;) {
        const size_t bytes = strcspn(at, "|");
        if (visit(context, at, bytes))
            return true;
        at += bytes + (at[bytes] == '|');
    }
    return false;
}

typedef struct {
    const char *folder;
    char *path; /* found */
} search;

/* A file of that name with any known ending. */
static bool is_there(void *context, const char *name, size_t bytes)
{
    search *const s = context;
    char file[256];
    for (size_t e = 0; e < sizeof ENDINGS / sizeof *ENDINGS; e++)
        for (size_t p = 0; p < sizeof PACKINGS / sizeof *PACKINGS; p++) {
            snprintf(file, sizeof file, "%.*s%s%s", (int)bytes, name, ENDINGS[e], PACKINGS[p]);
            char *const path = el_path_join(s->folder, file);
            if (path && el_file_exists(path) && !el_folder_exists(path)) {
                s->path = path;
                return true;
            }
            free(path);
        }
    return false;
}

static bool holds(void *context, const char *name, size_t bytes)
{
    const char *const file = context;
    for (const char *at = file; *at; at++)
        if (strncasecmp(at, name, bytes) == 0)
            return true;
    return false;
}

/* The one file whose name holds one of `words`. */
static el_status find_alike(const char *folder, const char *words, char **path)
{
    char **names;
    int count;
    const char *found = NULL;
    el_status st = el_folder_list(folder, &names, &count);
    if (st)
        return st;
    for (int i = 0; !st && i < count; i++)
        if (names[i][0] != '.' && each_name(words, holds, names[i])) {
            if (found)
                st = el_fail(EL_EUSAGE, "%s: both %s and %s might be meant; name the files", folder, found,
                             names[i]);
            found = names[i];
        }
    if (!st && found && !(*path = el_path_join(folder, found)))
        st = no_memory();
    el_names_free(names, count);
    return st;
}

/* By the task's names; else, unless `exact`, by what its name is like. */
static el_status find_split(const char *folder, const char *names, const char *alike, bool exact, char **path)
{
    search s = {.folder = folder};
    if (!names)
        return EL_OK;
    each_name(names, is_there, &s);
    *path = s.path;
    return s.path || exact ? EL_OK : find_alike(folder, alike, path);
}

static el_status find_in(const el_task *task, const char *folder, bool exact, el_task_files *files)
{
    el_status st = find_split(folder, task->train, "train", exact, &files->train);
    if (!st)
        st = find_split(folder, task->dev, "dev|valid|trial", exact, &files->dev);
    if (!st)
        st = find_split(folder, task->test, "test", exact, &files->test);
    return st;
}

void el_task_files_release(el_task_files *files)
{
    free(files->train);
    free(files->dev);
    free(files->test);
    *files = (el_task_files){0};
}

static bool is_folder(void *context, const char *name, size_t bytes)
{
    search *const s = context;
    char folder[64];
    snprintf(folder, sizeof folder, "%.*s", (int)bytes, name);
    char *const path = el_path_join(s->folder, folder);
    if (path && el_folder_exists(path)) {
        s->path = path;
        return true;
    }
    free(path);
    return false;
}

/* The task's folder below another, by its usual name or the task's own; NULL: it is not there. */
static char *folder_of(const el_task *task, const char *above)
{
    search s = {.folder = above};
    if (!each_name(task->folder, is_folder, &s) && task->folder)
        is_folder(&s, task->name, strlen(task->name));
    return s.path;
}

el_status el_task_find_test(const el_task *task, const char *folder, char **path)
{
    *path = NULL;
    el_status st = find_split(folder, task->test, NULL, true, path);
    char *const below = st || *path ? NULL : folder_of(task, folder);
    if (below)
        st = find_split(below, task->test, NULL, true, path);
    free(below);
    return st;
}

static bool nothing(const el_task_files *files)
{
    return !files->train && !files->dev && !files->test;
}

/* In the folder itself, or in the task's usual one below it, by every form's names before any by likeness. */
static el_status find_all(const el_task **task, const char *folder, el_task_files *files)
{
    const el_task *const asked = *task;
    for (int likeness = 0; likeness < 2; likeness++)
        for (const el_task *t = asked; t; t = next_form(t)) {
            char *const below = folder_of(t, folder);
            el_status st = find_in(t, folder, !likeness, files);
            if (!st && nothing(files) && below)
                st = find_in(t, below, !likeness, files);
            free(below);
            if (st || !nothing(files)) {
                *task = t;
                return st;
            }
        }
    return EL_OK;
}

static el_status take_given(char **path, const char *given)
{
    if (!given)
        return EL_OK;
    free(*path);
    *path = strdup(given);
    return *path ? EL_OK : no_memory();
}

el_status el_task_find_files(const el_task **task, const char *folder, const el_task_files *given,
                             bool need_train, el_task_files *files)
{
    *files = (el_task_files){0};
    el_status st = EL_OK;
    if (folder && !el_folder_exists(folder))
        st = el_fail(EL_EDATA, "%s: there is no such folder", folder);
    else if (folder)
        st = find_all(task, folder, files);
    if (!st && given)
        st = take_given(&files->train, given->train);
    if (!st && given)
        st = take_given(&files->dev, given->dev);
    if (!st && given)
        st = take_given(&files->test, given->test);
    if (!st && need_train && !files->train)
        st = folder ? el_fail(EL_EDATA, "%s: there is no file named \"train\" in it; --train-file names one",
                              folder)
                    : el_fail(EL_EUSAGE, "nothing to train on: --data names a folder, --train-file a file");
    if (st)
        el_task_files_release(files);
    return st;
}
