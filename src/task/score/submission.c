/* submission - see the header */
#include "task/score/submission.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

/* ---- GLUE ---- */

static void put(el_submission *s, const char *text)
{
    el_writer_put(s->writer, text, strlen(text));
}

el_status el_submission_open(el_submission *s, const el_task *task, const el_labels *labels,
                             const char *folder)
{
    *s = (el_submission){.task = task, .labels = labels};
    if (!task->submission)
        return el_fail(EL_EUSAGE, "GLUE has no submission file for the task %s", task->name);
    el_status st = el_folder_make(folder);
    if (!st)
        st = el_writer_open(&s->writer, el_path_in(folder, task->submission).text);
    if (!st)
        put(s, "index\tprediction\n");
    return st;
}

void el_submission_add(el_submission *s, const el_dataset *d, const el_prediction *p)
{
    const char *const id = d->examples[p->example].id;
    char number[32];
    snprintf(number, sizeof number, "%lld", s->count++);
    put(s, id ? id : number);
    put(s, "\t");
    el_number_print(number, sizeof number, "%.3f", fmin(fmax(p->value, s->task->low), s->task->high));
    put(s, s->task->kind == EL_REGRESS ? number : s->labels->names[p->label]);
    put(s, "\n");
}

el_status el_submission_finish(el_submission *s)
{
    el_writer *const writer = s->writer;
    s->writer = NULL;
    return el_writer_finish(writer);
}

void el_submission_abandon(el_submission *s)
{
    el_writer_abandon(s->writer);
    s->writer = NULL;
}

/* ---- SQuAD ---- */

el_status el_squad_files_open(el_squad_files *f)
{
    *f = (el_squad_files){json_object(), json_object(), json_object()};
    return f->predictions && f->nbest && f->null_odds ? EL_OK : el_no_memory(NULL);
}

static json_t *list_answers(const el_prediction *p)
{
    json_t *const list = json_array();
    for (int i = 0; i < p->answer_count; i++) {
        const el_span_answer *const a = &p->answers[i];
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f}", "text", a->text, "probability",
                                              a->score, "start_logit", (double)a->start_logit, "end_logit",
                                              (double)a->end_logit));
    }
    return list;
}

el_status el_squad_files_add(el_squad_files *f, const el_dataset *d, const el_prediction *p)
{
    const el_labelled *const e = &d->examples[p->example];
    if (!e->id)
        return el_fail(EL_EDATA, "%s, question %d: it has no id", d->name, (int)e->line);
    if (json_object_get(f->predictions, e->id))
        return el_fail(EL_EDATA, "%s: two questions have the id \"%s\"", d->name, e->id);
    const char *const best = p->answer_count ? p->answers[0].text : "";
    const int bad = json_object_set_new(f->predictions, e->id, json_string(best)) |
                    json_object_set_new(f->nbest, e->id, list_answers(p)) |
                    json_object_set_new(f->null_odds, e->id, el_json_number(p->null_odds));
    return bad ? el_no_memory(NULL) : EL_OK;
}

el_status el_squad_files_save(const el_squad_files *f, bool null_odds, const char *folder)
{
    el_status st = el_folder_make(folder);
    if (!st)
        st = el_json_save(f->nbest, el_path_in(folder, "nbest_predictions.json").text);
    if (!st && null_odds)
        st = el_json_save(f->null_odds, el_path_in(folder, "null_odds.json").text);
    return st ? st : el_json_save(f->predictions, el_path_in(folder, "predictions.json").text);
}

void el_squad_files_close(el_squad_files *f)
{
    json_decref(f->predictions);
    json_decref(f->nbest);
    json_decref(f->null_odds);
    *f = (el_squad_files){0};
}
