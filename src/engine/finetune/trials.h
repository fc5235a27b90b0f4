/* trials - several trials of one fine-tuning beside each other, as run.json records them: [{"metrics": {...}, ...}, ...] */
#ifndef EL_ENGINE_FINETUNE_TRIALS_H
#define EL_ENGINE_FINETUNE_TRIALS_H

#include <jansson.h>
#include <stddef.h>

/* The trial with the highest value of `metric`, the first of equals. */
size_t el_trials_best(const json_t *trials, const char *metric);

/* Of `metric` and of every other one that the best trial has: mean, median and standard deviation over the trials that have
 * it, the best trial's value, null where there is none, and the number of these `trials` (new reference). */
json_t *el_trials_summary(const json_t *trials, size_t best, const char *metric);

#endif
