/* evaluate_task - electra evaluate of a fine-tuned model, on labelled files of its task */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "cli/cli.h"
#include "cli/evaluate.h"
#include "task/files/describe.h"
#include "task/report/html.h"
#include "task/report/report.h"

typedef struct {
    evaluate_settings *settings;
    el_queue *q;
    el_finetuned model;
    el_writer *page; /* NULL: none is wanted */
    json_t *results;
    cli_progress line;
} job;

static el_status show(void *context, double fraction)
{
    job *const j = context;
    cli_progress_show(&j->line, fraction, "evaluating");
    return EL_OK;
}

static el_status open_model(job *j, const char *folder)
{
    el_status st = el_machine_open(&j->settings->machine, &j->q);
    if (!st)
        st = el_finetuned_open(&j->model, j->q, el_machine_type(&j->settings->machine),
                               (int)j->settings->micro_batch_tokens, folder);
    if (j->settings->special_given)
        j->model.card.features.plain_special = j->settings->special_tokens == EL_SPECIAL_PLAIN;
    j->model.watch = (el_evaluation_watch){.on_batch = show, .context = j};
    return st;
}

static el_status open_page(job *j)
{
    const char *const path = j->settings->report;
    char title[512];
    el_status st =
        el_output_differs("report", path, (char *[]){(char *)j->settings->file}, j->settings->file ? 1 : 0);
    if (!st && path)
        st = el_writer_open(&j->page, path);
    if (st || !path)
        return st;
    snprintf(title, sizeof title, "Evaluation of %s", j->settings->model);
    el_html_begin(j->page, title);
    return EL_OK;
}

static el_status close_page(job *j)
{
    el_writer *const page = j->page;
    if (!page)
        return EL_OK;
    j->page = NULL;
    el_html_end(page);
    return el_writer_finish(page);
}

/* ---- one file ---- */

static el_status read_file(job *j, const el_task *task, const char *path, el_dataset *data)
{
    const el_columns columns = el_columns_of(&j->settings->columns);
    const el_task_reading reading = {
        .columns = &columns, .known = &j->model.card.layout, .labels = EL_LABELS_NEEDED};
    const el_status st = el_task_read(task, path, reading, &j->model.card.labels, NULL, data);
    if (!st)
        el_describe_reading(data);
    return st;
}

static el_status ask(job *j, const el_dataset *data, el_evaluated *evaluated)
{
    cli_progress_begin(&j->line);
    const el_status st = el_finetuned_ask(&j->model, data, &evaluated->predictions, &evaluated->count);
    cli_progress_end(&j->line);
    if (!st)
        el_text_lost_say(&j->model.features.lost, data->name, "example",
                         j->model.card.features.max_seq_length, false);
    return st;
}

/* Counts and figures go to the results; of the task's own file at their top. */
static void put_results(job *j, const el_evaluated *e, const char *key)
{
    json_t *const figures = el_figures_json(e->figures);
    if (key) {
        json_object_set_new(j->results, key, figures);
        return;
    }
    json_object_set_new(j->results, "task", json_string(j->model.card.task));
    json_object_set_new(j->results, "file", json_string(e->data->name));
    json_object_set_new(j->results, "examples", json_integer(e->count));
    json_object_set_new(j->results, "skipped", json_integer(e->data->notes.skipped));
    json_object_set_new(j->results, "cut", json_integer(j->model.features.lost.cut));
    json_object_set_new(j->results, "metrics", figures);
}

/* `key`: of its figures; NULL for the task's own file. */
static el_status score_file(job *j, const el_task *task, const char *path, const char *key)
{
    el_dataset data = {0};
    el_figures figures;
    el_evaluated evaluated = {.card = &j->model.card,
                              .task = task,
                              .data = &data,
                              .figures = &figures,
                              .mistakes = (int)j->settings->report_mistakes};
    el_status st = read_file(j, task, path, &data);
    if (!st)
        st = ask(j, &data, &evaluated);
    if (!st) {
        j->model.learner->finish(j->model.learner, &figures);
        st = figures.status;
    }
    if (!st)
        put_results(j, &evaluated, key);
    if (!st && j->page)
        st = el_report_add(j->page, &evaluated);
    el_dataset_release(&data);
    return st;
}

/* ---- which files ---- */

/* The file of --data that is asked for; the task's own (no `key`) must be there. */
static el_status score_split(job *j, const el_task *task, const char *key)
{
    const evaluate_settings *const s = j->settings;
    static const char *const NAMES[] = {[EVALUATE_DEV] = "dev", [EVALUATE_TEST] = "test"};
    el_task_files files;
    const bool dev = s->split == EVALUATE_DEV;
    el_status st = el_task_find_files(&task, s->data, NULL, dev ? EL_FILES_DEV : EL_FILES_TEST, &files);
    if (st)
        return st;
    char *const path = dev ? files.dev : files.test;
    if (path)
        st = el_output_differs("report", s->report, &path, 1);
    if (path && !st)
        st = score_file(j, task, path, key);
    else if (!path && !key)
        st = el_fail(EL_EDATA, "%s: there is no file named \"%s\" in it", s->data, NAMES[s->split]);
    el_task_files_release(&files);
    return st;
}

static el_status score(job *j)
{
    const evaluate_settings *const s = j->settings;
    const el_task *const task = el_task_card_task(&j->model.card);
    if (s->file)
        return score_file(j, task, s->file, NULL);
    el_status st = score_split(j, task, NULL);
    if (!st && task->also)
        st = score_split(j, el_task_find(task->also), task->also);
    return st;
}

/* ---- the course of the command ---- */

static void print_table(const json_t *results, const char *also)
{
    const json_t *const others = also ? json_object_get(results, also) : NULL;
    const char *key;
    json_t *value;
    if (others)
        printf("%-24s %8s  %s\n", "", "", also);
    json_object_foreach(json_object_get(results, "metrics"), key, value) {
        printf("%-24s %8s", key, cli_figure(value).text);
        if (others)
            printf("  %s", cli_figure(json_object_get(others, key)).text);
        putchar('\n');
    }
}

static el_status evaluate(job *j, const char *folder)
{
    const evaluate_settings *const s = j->settings;
    if (!s->file == !s->data)
        return el_fail(EL_EUSAGE, s->file ? "either a file or --data, not both"
                                          : "which labelled file? --data names a folder with the task's");
    el_status st = open_page(j);
    if (!st)
        st = open_model(j, folder);
    if (!st)
        st = score(j);
    if (!st)
        st = close_page(j);
    if (st)
        return st;
    if (s->json)
        return cli_json_print(j->results);
    print_table(j->results, el_task_card_task(&j->model.card)->also);
    return EL_OK;
}

el_status evaluate_task(evaluate_settings *settings, const char *folder)
{
    job j = {.settings = settings, .results = json_object()};
    const el_status st = evaluate(&j, folder);
    el_writer_abandon(j.page);
    el_finetuned_close(&j.model);
    el_queue_close(j.q);
    json_decref(j.results);
    return st;
}
