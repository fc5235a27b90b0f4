/* tagged - words whose tag is known, what was predicted and what is right side by side, sentence after sentence */
#ifndef EL_TASK_TAGGED_H
#define EL_TASK_TAGGED_H

#include "task/dataset.h"

typedef struct {
    int *predicted, *gold;                      /* numbers of labels */
    const char **predicted_names, **gold_names; /* their names, which are the labels' */
    size_t count;
} el_tagged;

/* With room for so many words. */
el_status el_tagged_open(el_tagged *tagged, size_t words);
void el_tagged_close(el_tagged *tagged);

/* Adds a sentence of `count` words, without those whose tag is not known. */
void el_tagged_add(el_tagged *tagged, const el_labels *labels, const int *predicted, const el_word *words,
                   int count);

#endif
