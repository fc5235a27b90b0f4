/* int8 - what the answers of a fine-tuned model lose where its encoder multiplies whole numbers */
#ifndef EL_ENGINE_INT8_H
#define EL_ENGINE_INT8_H

#include "task/learn/finetuned.h"

typedef struct {
    el_figures fp32, int8;
} el_int8_scores;

/* Warns where int8 costs more than a point of the metric, or all of it: it is no finite number there. */
void el_int8_warn(const el_int8_scores *scores, const char *metric);
/* Notes the metric in both; "-": it is no finite number. */
void el_int8_note(const el_int8_scores *scores, const char *metric);

/* Opens the model in both precisions, one after the other, and scores it on labelled data of its task; warns. */
el_status el_int8_score(el_queue *q, const char *folder, const el_dataset *data, int batch_tokens,
                        const char *metric, el_int8_scores *scores);
/* The same on a labelled file, which is read as the file was that the model learned from; on all processors. */
el_status el_int8_score_file(const char *folder, const char *path, el_int8_scores *scores);

#endif
