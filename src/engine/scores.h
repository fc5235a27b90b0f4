/* scores - a head of one number that gives scores, as transformers and others mean it
 *
 * `electra finetune` learns scores as 0 .. 1 of a range, which its folder keeps as "low" and "high" of "task".  What is made
 * for other software gives the scores themselves: score = low + (high - low) (w x + b), so that the range goes into w and b.
 */
#ifndef EL_ENGINE_SCORES_H
#define EL_ENGINE_SCORES_H

#include <jansson.h>

#include "model/model.h"

typedef struct {
    double low, width; /* width 0: there is no range */
} el_score_range;

/* Of the object of a config.json. */
el_score_range el_score_range_of(const json_t *object);

/* Whether a parameter of a head is the w or the b of that; numbers of it are then brought into the range. */
void el_score_range_apply(el_score_range range, const char *name, float *numbers, int64_t count);

/* The same for a model that is open, whose "task" in `extra` is told: "range" in place of "low" and "high". */
el_status el_score_range_fold(el_score_range range, el_model *model, json_t *extra);

#endif
