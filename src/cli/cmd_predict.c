/* cmd_predict - electra predict: a fine-tuned model's answers, for file after file, in the order of their examples */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/plural.h"
#include "cli/chunks.h"
#include "cli/cli.h"
#include "engine/columns.h"
#include "engine/machine.h"
#include "engine/special.h"
#include "format/model_folder.h"
#include "task/learn/finetuned.h"
#include "task/report/answer.h"
#include "task/score/submission.h"

typedef struct {
    const char *model, *data, *submission, *squad_output;
    el_column_settings columns;
    el_machine machine;
    bool json, windows;
    int special_tokens;
    int64_t doc_stride, micro_batch_tokens;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    EL_TEXT("model", AT(model),
            "output folder of `electra finetune`, or a Hugging Face folder with a task head"),
    EL_OUTPUT(
        "submission", AT(submission),
        "folder for GLUE's submission files: answers to the task's test files in --data, instead of standard "
        "output"),
    EL_TEXT("data", AT(data), "with --submission: GLUE's folder, or the task's folder in it"),
    EL_OUTPUT(
        "squad_output", AT(squad_output),
        "folder for predictions.json, nbest_predictions.json and null_odds.json, instead of standard output"),
    EL_SWITCH("json", AT(json), "print one JSON object per line instead of columns between tabs"),
    EL_SWITCH("windows", AT(windows), "read texts that are too long in windows instead of cutting them"),
    EL_INT("doc_stride", AT(doc_stride), 0, 1 << 20,
           "tokens from the start of one window to the next; 0: as in training, at most half a window with "
           "--windows"),
    EL_MICRO_BATCH_OPTION(AT(micro_batch_tokens)),
    EL_SPECIAL_OPTION(AT(special_tokens)),
    EL_COLUMN_OPTIONS(settings),
    EL_MACHINE_OPTIONS(settings),
};

typedef struct job job;

/* Where an answer goes. */
typedef el_status take_answer(job *j, const el_dataset *d, const el_prediction *p);

struct job {
    settings settings;
    el_options options;
    el_queue *q;
    el_finetuned model;
    const el_task *task;
    take_answer *take;
    int64_t number;      /* of the next example */
    el_text_lost lost;   /* so far */
    int skipped;         /* malformed lines */
    char malformed[512]; /* what was wrong with the first of these */
    el_submission submission;
    el_squad_files squad;
};

/* ---- one answer ---- */

static el_status print_columns(const json_t *answer, bool names)
{
    char *line;
    const el_status st = el_answer_columns(answer, names, &line);
    return st ? st : cli_text_print(line);
}

static el_status print_answer(job *j, const el_dataset *d, const el_prediction *p)
{
    json_t *const answer = el_answer_json(&j->model.card, d, p, j->number);
    el_status st = EL_OK;
    if (!answer)
        return el_no_memory(NULL);
    if (j->settings.json)
        st = cli_text_print(el_json_text(answer, false));
    else if (j->number == 0)
        st = print_columns(answer, true);
    if (!st && !j->settings.json)
        st = print_columns(answer, false);
    json_decref(answer);
    j->number++;
    return st;
}

/* ---- the course of a file ---- */

static el_status answer_chunk(void *context, const el_dataset *d)
{
    job *const j = context;
    const el_prediction *predictions;
    int count;
    if (j->submission.writer && d->notes.skipped)
        return el_fail(EL_EDATA, "%s: %d malformed line%s; a submission answers all", d->name,
                       d->notes.skipped, el_s(d->notes.skipped));
    if (d->notes.skipped && !j->skipped)
        snprintf(j->malformed, sizeof j->malformed, "%s", d->notes.malformed);
    j->skipped += d->notes.skipped;
    if (!d->count)
        return EL_OK;
    el_status st = el_finetuned_ask(&j->model, d, &predictions, &count);
    for (int i = 0; !st && i < count; i++)
        st = j->take(j, d, &predictions[i]);
    if (!st)
        st = cli_flush();
    el_text_lost_add(&j->lost, &j->model.features.lost);
    return st;
}

static el_status answer_files(job *j, const el_task *task, char *const *paths, int count)
{
    const el_columns columns = el_columns_of(&j->settings.columns);
    const el_task_reading reading = {
        .columns = &columns, .known = &j->model.card.layout, .test = task->test_unlabelled};
    return cli_chunks(paths, count, task, reading, &j->model.card.labels, answer_chunk, j);
}

static el_status answer_operands(job *j)
{
    return answer_files(j, j->task, j->options.operand, j->options.operand_count);
}

/* ---- GLUE's files ---- */

static el_status submit_answer(job *j, const el_dataset *d, const el_prediction *p)
{
    el_submission_add(&j->submission, d, p);
    return EL_OK;
}

static el_status submit_file(job *j, const el_task *task, char *path)
{
    el_status st = el_submission_open(&j->submission, task, &j->model.card.labels, j->settings.submission);
    if (!st)
        st = answer_files(j, task, &path, 1);
    if (!st)
        st = el_submission_finish(&j->submission);
    el_submission_abandon(&j->submission);
    return st;
}

/* The test file of one task; only the model's own must be there. */
static el_status submit_task(job *j, const el_task *task)
{
    char *path;
    el_status st = el_task_find_test(task, j->settings.data, &path);
    if (!st && path)
        st = submit_file(j, task, path);
    else if (!st && task == j->task)
        st = el_fail(EL_EDATA, "%s: there is no file named %s in it", j->settings.data, task->test);
    else if (!st)
        el_log(EL_LOG_WARNING, "%s: there is no file named %s in it; %s is not written", j->settings.data,
               task->test, task->submission);
    free(path);
    return st;
}

/* Its own task, and those that its models answer besides. */
static el_status submit(job *j)
{
    j->take = submit_answer;
    if (!j->task->submission)
        return el_fail(EL_EUSAGE, "--submission: the model was taught %s, which is not a task of GLUE",
                       j->task->name);
    el_status st = submit_task(j, j->task);
    const el_task *task;
    for (int i = 0; !st && (task = el_task_at(i)); i++)
        if (task->taught && strcmp(task->taught, j->task->name) == 0)
            st = submit_task(j, task);
    return st;
}

/* ---- SQuAD's files ---- */

static el_status collect_answer(job *j, const el_dataset *d, const el_prediction *p)
{
    return el_squad_files_add(&j->squad, d, p);
}

static el_status write_squad(job *j)
{
    j->take = collect_answer;
    if (j->model.card.kind != EL_SPAN)
        return el_fail(EL_EUSAGE, "--squad-output: the model was taught %s, not to answer questions",
                       j->task->name);
    el_status st = el_squad_files_open(&j->squad);
    if (!st)
        st = answer_operands(j);
    if (!st)
        st = el_squad_files_save(&j->squad, j->model.card.rule == EL_SQUAD_2, j->settings.squad_output);
    el_squad_files_close(&j->squad);
    return st;
}

/* ---- the course of the command ---- */

static void use_settings(job *j)
{
    el_feature_settings *const f = &j->model.card.features;
    f->windows = j->settings.windows;
    if (j->settings.doc_stride)
        f->doc_stride = (int)j->settings.doc_stride;
    if (el_options_given(&j->options, "special_tokens"))
        f->plain_special = j->settings.special_tokens == EL_SPECIAL_PLAIN;
}

static el_status open_model(job *j)
{
    char *folder;
    el_status st = el_model_tuned(&folder, j->settings.model);
    if (!st)
        st = el_machine_open(&j->settings.machine, &j->q);
    if (!st)
        st = el_finetuned_open(&j->model, j->q, el_machine_type(&j->settings.machine),
                               (int)j->settings.micro_batch_tokens, folder);
    free(folder);
    if (st)
        return st;
    j->task = el_task_card_task(&j->model.card);
    use_settings(j);
    return EL_OK;
}

static el_status check_settings(const job *j)
{
    const settings *const s = &j->settings;
    if (!s->model)
        return el_fail(EL_EUSAGE, "--model: which fine-tuned model?");
    if (s->submission && s->squad_output)
        return el_fail(EL_EUSAGE, "--submission and --squad-output are for different tasks");
    if (!s->submission != !s->data)
        return el_fail(EL_EUSAGE, "--submission and --data go together");
    if (s->submission && j->options.operand_count)
        return el_fail(EL_EUSAGE, "%s: --submission answers the test files in --data alone",
                       j->options.operand[0]);
    if (!s->submission && j->options.operand_count == 0)
        return el_fail(EL_EUSAGE, "which file? - is standard input");
    return EL_OK;
}

static el_status answer_all(job *j)
{
    el_status st = check_settings(j);
    if (!st)
        st = open_model(j);
    if (!st)
        st = j->settings.submission     ? submit(j)
             : j->settings.squad_output ? write_squad(j)
                                        : answer_operands(j);
    if (!st)
        el_text_lost_say(&j->lost, NULL, "example", j->model.card.features.max_seq_length, false);
    if (!st && j->skipped)
        el_log(EL_LOG_WARNING, "%d malformed line%s %s left out; the first: %s", j->skipped, el_s(j->skipped),
               el_is(j->skipped), j->malformed);
    return st;
}

int cmd_predict(int argc, char **argv)
{
    job j = {.settings = {.micro_batch_tokens = 2048, .special_tokens = EL_SPECIAL_TOKENS},
             .take = print_answer};
    j.options = (el_options){
        .command = "predict",
        .examples = "  electra predict --model OUT reviews.tsv > answers.tsv\n"
                    "  echo \"what a film\" | electra predict --model OUT --format lines --json -\n"
                    "  electra predict --model OUT --data glue --submission answers\n"
                    "  electra predict --model OUT --squad-output answers dev-v2.0.json\n",
        .operands = "[FILE...]",
        .summary = "answers with a fine-tuned model, in the order of the input; labels are not needed",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &j.settings};
    int exit_code;
    if (!cli_parse(&j.options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("predict", answer_all(&j));
    el_finetuned_close(&j.model);
    el_queue_close(j.q);
    el_options_close(&j.options);
    return exit_code;
}
