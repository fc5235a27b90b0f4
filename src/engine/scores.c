/* scores - see the header */
#include "engine/scores.h"

#include <stdlib.h>
#include <string.h>

el_score_range el_score_range_of(const json_t *object)
{
    const json_t *const task = json_object_get(object, "task"), *const low = json_object_get(task, "low"),
                        *const high = json_object_get(task, "high");
    const double width = json_number_value(high) - json_number_value(low);
    return json_is_number(low) && json_is_number(high) && width > 0
               ? (el_score_range){json_number_value(low), width}
               : (el_score_range){0};
}

/* The last affine map of a head that reads a sequence. */
static bool is_last(const char *name, const char *part)
{
    static const char *const MAPS[] = {"classifier.out_proj", "classifier", "task_specific.out",
                                       "logits_proj"};
    for (size_t i = 0; i < sizeof MAPS / sizeof *MAPS; i++) {
        const size_t bytes = strlen(MAPS[i]);
        if (strncmp(name, MAPS[i], bytes) == 0 && strcmp(name + bytes, part) == 0)
            return true;
    }
    return false;
}

void el_score_range_apply(el_score_range range, const char *name, float *numbers, int64_t count)
{
    const bool bias = is_last(name, ".bias");
    if (range.width <= 0 || (!bias && !is_last(name, ".weight")))
        return;
    for (int64_t i = 0; i < count; i++)
        numbers[i] = (float)(range.width * (double)numbers[i] + (bias ? range.low : 0));
}

static el_status fold_one(el_score_range range, el_queue *q, const el_param *param)
{
    const int64_t count = el_param_elements(param);
    float *const numbers = malloc((size_t)count * sizeof *numbers);
    el_status st = numbers ? el_tensor_read(q, param->value, numbers)
                           : el_fail(EL_ENOMEM, "no memory for %s", param->name);
    if (!st)
        el_score_range_apply(range, param->name, numbers, count);
    if (!st)
        st = el_tensor_write(q, param->value, numbers);
    free(numbers);
    return st;
}

el_status el_score_range_fold(el_score_range range, el_model *model, json_t *extra)
{
    const el_params *const params = &model->networks[0].params;
    json_t *const task = json_object_get(extra, "task");
    el_status st = EL_OK;
    if (range.width <= 0)
        return EL_OK;
    for (int i = 0; !st && i < params->count; i++)
        if (is_last(params->items[i].name, ".weight") || is_last(params->items[i].name, ".bias"))
            st = fold_one(range, model->q, &params->items[i]);
    json_object_del(task, "low");
    json_object_del(task, "high");
    if (!st && json_object_set_new(task, "range", json_pack("[f, f]", range.low, range.low + range.width)))
        st = el_fail(EL_ENOMEM, "no memory for the range of scores");
    return st;
}
