/* results - what a fine-tuning leaves: the best model, its figures, and answers to a test file without labels */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/plural.h"
#include "engine/finetune/parts.h"
#include "engine/finetune/trial.h"
#include "engine/finetune/trials.h"
#include "engine/int8.h"
#include "task/report/answer.h"

const char EL_FINETUNE_PREDICTIONS[] = "predictions.tsv";

static json_t *results_json(const el_finetuning *f, const json_t *test, const json_t *also,
                            const json_t *int8)
{
    json_t *const trials = json_object_get(f->run.record, "trials");
    const size_t best = el_trials_best(trials, f->metric);
    json_t *const results =
        json_pack("{s:s, s:s, s:s, s:O, s:o, s:O}", "task", f->task->name, "kind_of_best", "dev", "metric",
                  f->metric, "metrics", json_object_get(json_array_get(trials, best), "metrics"), "summary",
                  el_trials_summary(trials, best, f->metric), "trials", trials);
    if (json_object_size(test))
        json_object_set(results, "test", (json_t *)test);
    if (json_object_size(also))
        json_object_set(results, f->task->also, (json_t *)also);
    if (int8)
        json_object_set(results, "check_int8", (json_t *)int8);
    return results;
}

/* The best trial's line of the record, and its number. */
static const json_t *best_trial(const el_finetuning *f, size_t *trial)
{
    const json_t *const trials = json_object_get(f->run.record, "trials");
    *trial = el_trials_best(trials, f->metric);
    return json_array_get(trials, *trial);
}

/* Fills the open model with the best of the best trial. */
static el_status take_best(el_finetuning *f)
{
    size_t trial;
    const json_t *const record = best_trial(f, &trial);
    const el_path folder =
        el_finetune_trial_folder(f, (int64_t)trial, json_integer_value(json_object_get(record, "restarts")));
    const el_path best = el_path_in(folder.text, "best"), backward = el_path_in(best.text, EL_BACKWARD);
    const el_status st = el_finetuned_load(&f->model, best.text, backward.text);
    if (!st)
        el_model_prepare(&f->model);
    f->seed = (uint64_t)json_integer_value(json_object_get(record, "seed"));
    const json_t *const threshold = json_object_get(json_object_get(record, "metrics"), "best_f1_threshold");
    if (json_is_number(threshold))
        f->card.null_threshold = json_number_value(threshold);
    el_learner_set_threshold(f->learner, f->card.null_threshold); /* dev chose it: other splits are told */
    return st;
}

/* OUT/model: the model in the form that transformers opens.  From here on numbers are as the file has them. */
static el_status save_model(el_finetuning *f)
{
    size_t trial;
    const json_t *const metrics = json_object_get(best_trial(f, &trial), "metrics");
    char *const text = el_finetune_readme(f, metrics);
    el_status st = text ? el_finetuned_fold(&f->model, &f->card.low, &f->card.high) : el_no_memory(NULL);
    el_learner_set_range(f->learner, f->card.low, f->card.high);
    if (!st)
        st = el_finetuned_save(&f->model, f->vocab, &f->card, text,
                               el_path_in(f->settings->output, "model").text);
    free(text);
    return st;
}

static el_status ask(el_finetuning *f, el_split_name split, el_figures *figures)
{
    const el_trial trial = {.trainer = {.objective = f->learner, .watch.stop = f->watch.stop},
                            .features = &f->features};
    return el_trial_evaluate(&trial, f->splits[split], figures);
}

static el_status score_split(el_finetuning *f, el_split_name split, json_t **figures)
{
    el_figures found;
    *figures = NULL;
    if (!el_dataset_labelled(&f->data[split]))
        return EL_OK;
    const el_status st = ask(f, split, &found);
    if (!st)
        *figures = el_figures_json(&found);
    return st;
}

static el_status put_columns(el_writer *file, const json_t *answer, bool names)
{
    char *line;
    const el_status st = el_answer_columns(answer, names, &line);
    if (!st) {
        el_writer_put(file, line, strlen(line));
        el_writer_put(file, "\n", 1);
    }
    free(line);
    return st;
}

static el_status put_answer(const el_finetuning *f, el_writer *file, const el_prediction *p, int number)
{
    json_t *const answer = el_answer_json(&f->card, &f->data[EL_TEST], p, number);
    el_status st = answer ? EL_OK : el_no_memory(NULL);
    if (!st && number == 0)
        st = put_columns(file, answer, true);
    if (!st)
        st = put_columns(file, answer, false);
    json_decref(answer);
    return st;
}

static el_status write_predictions(el_finetuning *f, const char *path)
{
    const el_prediction *predictions;
    int count;
    el_writer *file;
    el_status st = el_learner_predictions(f->learner, &predictions, &count);
    if (!st)
        st = el_writer_open(&file, path);
    if (st)
        return st;
    for (int i = 0; !st && i < count; i++)
        st = put_answer(f, file, &predictions[i], i);
    if (!st)
        st = el_writer_finish(file);
    else
        el_writer_abandon(file);
    if (!st)
        el_log(EL_LOG_NOTE, "%s: answers to the %d example%s of %s", path, count, el_s(count),
               f->data[EL_TEST].name);
    return st;
}

/* A test file that cannot be scored, as its examples have no labels, is answered as `predict` does. */
static el_status answer_test(el_finetuning *f)
{
    el_figures none;
    if (!f->data[EL_TEST].count || el_dataset_labelled(&f->data[EL_TEST]))
        return EL_OK;
    const el_status st = ask(f, EL_TEST, &none);
    return st ? st : write_predictions(f, el_path_in(f->settings->output, EL_FINETUNE_PREDICTIONS).text);
}

/* ---- int8 ---- */

static el_status check_int8(el_finetuning *f, json_t **both)
{
    el_int8_scores scores;
    *both = NULL;
    if (!f->settings->check_int8)
        return EL_OK;
    const el_status st = el_int8_score(f->q, el_path_in(f->settings->output, "model").text, &f->data[EL_DEV],
                                       (int)f->settings->micro_batch_tokens, f->metric, &scores);
    if (st)
        return st;
    el_int8_note(&scores, f->metric);
    *both =
        json_pack("{s:o, s:o}", "fp32", el_figures_json(&scores.fp32), "int8", el_figures_json(&scores.int8));
    return EL_OK;
}

el_status el_finetune_finish(el_finetuning *f)
{
    json_t *test = NULL, *also = NULL, *int8 = NULL;
    el_status st = take_best(f);
    if (!st)
        st = save_model(f);
    if (!st)
        st = score_split(f, EL_TEST, &test);
    if (!st)
        st = score_split(f, EL_ALSO, &also);
    if (!st)
        st = answer_test(f);
    if (!st)
        st = check_int8(f, &int8);
    if (!st) {
        f->results = results_json(f, test, also, int8);
        st = el_json_save(f->results, el_path_in(f->settings->output, "results.json").text);
    }
    json_decref(test);
    json_decref(also);
    json_decref(int8);
    return st;
}
