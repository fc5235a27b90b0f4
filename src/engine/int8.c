/* int8 - see the header */
#include "engine/int8.h"

#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/number.h"
#include "engine/machine.h"
#include "format/model_folder.h"
#include "task/files/describe.h"

enum { BATCH_TOKENS = 2048 };
/* Of a metric: more than chance makes of a few hundred examples.  A point alone, however it is rounded, is not more. */
static const double DEAR = 0.01 + 1e-9;

static el_status score(el_queue *q, el_type activations, const char *folder, const el_dataset *data,
                       int batch_tokens, el_figures *figures)
{
    el_finetuned model;
    const el_prediction *predictions;
    int count;
    el_status st = el_finetuned_open(&model, q, activations, batch_tokens, folder);
    if (!st)
        st = el_finetuned_ask(&model, data, &predictions, &count);
    if (!st) {
        model.learner->finish(model.learner, figures);
        st = figures->status;
    }
    el_finetuned_close(&model);
    return st;
}

/* A metric in both precisions, for sentences. */
typedef struct {
    char fp32[16], int8[16];
} in_words;

static in_words words_of(const el_int8_scores *s, const char *metric)
{
    const double fp32 = el_figure(&s->fp32, metric), int8 = el_figure(&s->int8, metric);
    in_words w;
    el_number_print(w.fp32, sizeof w.fp32, isfinite(fp32) ? "%.4f" : "-", fp32);
    el_number_print(w.int8, sizeof w.int8, isfinite(int8) ? "%.4f" : "-", int8);
    return w;
}

void el_int8_note(const el_int8_scores *s, const char *metric)
{
    const in_words w = words_of(s, metric);
    el_log(EL_LOG_NOTE, "%s on dev: %s in fp32, %s in int8", metric, w.fp32, w.int8);
}

void el_int8_warn(const el_int8_scores *s, const char *metric)
{
    const double fp32 = el_figure(&s->fp32, metric), int8 = el_figure(&s->int8, metric);
    const in_words w = words_of(s, metric);
    if (isfinite(fp32) && !isfinite(int8))
        el_log(EL_LOG_WARNING, "int8 costs this model its %s (%s in fp32, %s in int8); fp32 and bf16 keep it",
               metric, w.fp32, w.int8);
    if (fp32 - int8 > DEAR)
        el_log(EL_LOG_WARNING,
               "int8 costs this model %.1f points of %s (%s in fp32, %s in int8); fp32 and bf16 keep them",
               100 * (fp32 - int8), metric, w.fp32, w.int8);
}

el_status el_int8_score(el_queue *q, const char *folder, const el_dataset *data, int batch_tokens,
                        const char *metric, el_int8_scores *scores)
{
    el_status st = score(q, EL_F32, folder, data, batch_tokens, &scores->fp32);
    if (!st)
        st = score(q, EL_I8, folder, data, batch_tokens, &scores->int8);
    if (!st)
        el_int8_warn(scores, metric);
    return st;
}

/* The card's labels and layout say how the file is to be read. */
static el_status read_file(const char *folder, const char *path, el_dataset *data, const char **metric)
{
    el_config config;
    el_head_config head;
    el_task_card card = {0};
    el_status st = el_finetuned_read(folder, &config, &head, &card);
    const el_task *const task = st ? NULL : el_task_card_task(&card);
    const el_task_reading reading = {.known = &card.layout, .labels = EL_LABELS_NEEDED};
    if (!st)
        st = el_task_read(task, path, reading, &card.labels, NULL, data);
    if (!st)
        el_describe_reading(data);
    *metric = st ? NULL : el_task_card_metric(&card);
    el_task_card_release(&card);
    return st;
}

static el_status score_file(const char *model, const char *path, el_int8_scores *scores)
{
    el_dataset data = {0};
    el_queue *q = NULL;
    const char *metric;
    el_status st = read_file(model, path, &data, &metric);
    if (!st)
        st = el_queue_open(&q, el_rank_processors(NULL), NULL);
    if (!st)
        st = el_int8_score(q, model, &data, BATCH_TOKENS, metric, scores);
    el_queue_close(q);
    el_dataset_release(&data);
    return st;
}

el_status el_int8_score_file(const char *folder, const char *path, el_int8_scores *scores)
{
    char *model = NULL;
    el_status st = el_model_tuned(&model, folder);
    if (!st)
        st = score_file(model, path, scores);
    free(model);
    return st;
}
